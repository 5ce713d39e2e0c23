use super::*;
use RoundcubeAction as A;
use vauban_ocsf::Http;

fn request<'a>(method: &'a str, query: &'a str) -> Option<RoundcubeRequest<'a>> {
    roundcube_request(&Http {
        method,
        path: "/",
        query,
        ..Http::default()
    })
}

#[test]
fn actions_and_what_they_show() {
    for (method, query, action, reveals, saves) in [
        (
            "POST",
            "_task=mail&_unlock=loading1&_framed=1&_lang=fr",
            A::Send,
            Reveals::Nothing,
            false,
        ),
        (
            "POST",
            "_task=settings&_action=plugin.managesieve-action",
            A::FiltersPost,
            Reveals::Nothing,
            false,
        ),
        (
            "POST",
            "_task=settings&_action=plugin.managesieve-forward",
            A::FiltersChange,
            Reveals::Nothing,
            false,
        ),
        (
            "GET",
            "_task=mail&_mbox=INBOX",
            A::MailPage,
            Reveals::Nothing,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=list&_mbox=INBOX&_page=2&_remote=1",
            A::List,
            Reveals::List,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=search&_q=mot+de+passe&_headers=text&_scope=all",
            A::Search,
            Reveals::List,
            false,
        ),
        (
            "GET",
            "_task=mail&_uid=7&_mbox=INBOX&_action=show",
            A::Show,
            Reveals::Body,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=show",
            A::Show,
            Reveals::Nothing,
            false,
        ),
        (
            "GET",
            "_task=mail&_caps=pdf%3D1&_uid=7&_mbox=INBOX&_framed=1&_action=preview",
            A::Preview,
            Reveals::Body,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=get&_uid=7&_mbox=INBOX&_part=2&_frame=1",
            A::Get,
            Reveals::Headers,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=get&_uid=7&_mbox=INBOX&_part=2&_preload=1&_framed=1",
            A::Get,
            Reveals::Nothing,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=get&_uid=7&_mbox=INBOX&_part=2&_framed=1&_mimewarning=1&_embed=1",
            A::Get,
            Reveals::Part,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=get&_uid=7&_mbox=INBOX&_part=2&_embed=1&_mimeclass=image&_thumb=1",
            A::Get,
            Reveals::Thumbnail,
            false,
        ),
        (
            "GET",
            "_task=mail&_mbox=INBOX&_uid=7&_part=2&_action=get&_download=1&_token=x",
            A::Get,
            Reveals::Part,
            true,
        ),
        (
            "GET",
            "_task=mail&_action=get&_file=rcmfile1&_id=22",
            A::Get,
            Reveals::Nothing,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=viewsource&_uid=7&_mbox=INBOX",
            A::Source,
            Reveals::Source,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=viewsource&_uid=7&_mbox=INBOX&_save=1&_token=x",
            A::Source,
            Reveals::Source,
            true,
        ),
        (
            "GET",
            "_task=mail&_action=headers&_uid=7",
            A::Headers,
            Reveals::Headers,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=plugin.zipdownload.attachments&_uid=7&_mbox=INBOX",
            A::ZipAttachments,
            Reveals::Bundle,
            true,
        ),
        (
            "POST",
            "_task=mail&_action=plugin.zipdownload.messages",
            A::ZipMessages,
            Reveals::Bundle,
            true,
        ),
        (
            "GET",
            "_task=mail&_action=compose&_forward_uid=7&_mbox=INBOX",
            A::Compose,
            Reveals::Body,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=compose&_id=1",
            A::Compose,
            Reveals::Nothing,
            false,
        ),
        ("POST", "_task=login", A::Login, Reveals::Nothing, false),
        (
            "POST",
            "_task=mail&_action=refresh",
            A::Poll,
            Reveals::Nothing,
            false,
        ),
        (
            "POST",
            "_task=settings&_action=plugin.password-save",
            A::PasswordChange,
            Reveals::Nothing,
            false,
        ),
        (
            "POST",
            "_task=settings&_action=plugin.managesieve-save",
            A::FiltersChange,
            Reveals::Nothing,
            false,
        ),
        (
            "GET",
            "_task=settings&_action=plugin.managesieve",
            A::Filters,
            Reveals::Nothing,
            false,
        ),
        (
            "POST",
            "_task=settings&_action=save-identity",
            A::IdentityChange,
            Reveals::Nothing,
            false,
        ),
        (
            "POST",
            "_from=edit-!x&_task=settings&_framed=1&_remote=1&_id=1&_uploadid=1&_unlock=1&_action=upload",
            A::SettingsUpload,
            Reveals::Nothing,
            false,
        ),
        (
            "GET",
            "_task=addressbook&_action=export&_source=0",
            A::ContactsExport,
            Reveals::Nothing,
            false,
        ),
        (
            "GET",
            "_task=mail&_action=sh%00ow&_uid=7",
            A::Show,
            Reveals::Body,
            false,
        ),
        (
            "GET",
            ".task=mail&_action=show&.uid=7",
            A::Show,
            Reveals::Body,
            false,
        ),
        (
            "GET",
            "_action=list&_action=show&_uid=7",
            A::Show,
            Reveals::Body,
            false,
        ),
    ] {
        let request = request(method, query).expect(query);
        assert_eq!(
            (request.action, request.reveals(), request.saves()),
            (action, reveals, saves),
            "{query}"
        );
    }
    assert_eq!(request("GET", "x=1&y=%20"), None);
    assert_eq!(request("GET", ""), None);
}

#[test]
fn forms_are_told_by_the_page_they_stand_on() {
    for (path, referrer, action) in [
        (
            "/mail/",
            "https://x/mail/?_task=settings&_action=plugin.managesieve-action&_framed=1&_fid=0",
            Some(A::FiltersChange),
        ),
        (
            "/",
            "https://x/?_task=settings&_action=edit-identity&_iid=2&_framed=1",
            Some(A::IdentityChange),
        ),
        (
            "/",
            "https://x/?_task=settings&_action=edit-prefs&_section=general&_framed=1",
            Some(A::PreferencesChange),
        ),
        (
            "/index.php",
            "https://x/?_task=settings&_action=edit-folder&_mbox=A",
            Some(A::FolderChange),
        ),
        (
            "/",
            "https://x/?_task=mail&_uid=7&_mbox=INBOX&_action=show",
            None,
        ),
        ("/", "https://x/", None),
        (
            "/api",
            "https://x/?_task=settings&_action=edit-identity",
            None,
        ),
    ] {
        let http = Http {
            method: "POST",
            path,
            referrer,
            ..Http::default()
        };
        let request = roundcube_request(&http);
        assert_eq!(request.as_ref().map(|r| r.action), action, "{referrer}");
        assert!(request.is_none_or(|r| r.inferred && r.uids.is_empty()));
        let get = Http {
            method: "GET",
            ..http
        };
        assert_eq!(roundcube_request(&get), None);
    }
}

#[test]
fn messages() {
    let uids = |query| {
        let request = request("GET", query).expect("a request");
        let list: Vec<_> = request
            .uids
            .iter()
            .map(|u| (u.first, u.last, u.inner.clone(), u.mailbox.clone()))
            .collect();
        (list, request.all_uids, request.mailbox.into_owned())
    };
    let one = |uid, inner: &str, mailbox: &str| (uid, uid, inner.to_owned(), mailbox.to_owned());
    assert_eq!(
        uids("_action=show&_uid=7&_mbox=INBOX%2FR%26AOk-sum"),
        (vec![one(7, "", "")], false, "INBOX/R&AOk-sum".into())
    );
    assert_eq!(
        uids("_action=show&_uid=7-Sent+Items&_mbox=INBOX"),
        (vec![one(7, "", "Sent Items")], false, "Sent Items".into())
    );
    assert_eq!(
        uids("_action=x&_uid=1,2-A,B,3:5&_mbox=I"),
        (
            vec![
                one(1, "", ""),
                one(2, "", "A,B"),
                (3, 5, "".into(), "".into())
            ],
            false,
            "I".into()
        )
    );
    assert_eq!(
        uids("_action=x&_uid[]=1&_uid[]=2"),
        (vec![one(1, "", ""), one(2, "", "")], false, "".into())
    );
    assert_eq!(
        uids("_action=show&_uid=12.2.1"),
        (vec![one(12, "2.1", "")], false, "".into())
    );
    assert_eq!(uids("_action=x&_uid=*"), (vec![], true, "".into()));
    assert_eq!(
        uids("_action=x&_uid=99999999999,x"),
        (vec![], false, "".into())
    );
}

#[test]
fn percent() {
    for (encoded, decoded) in [
        ("mot+de+passe", "mot de passe"),
        ("%C3%A9%20%41", "é A"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
        ("%ff", "\u{fffd}"),
    ] {
        assert_eq!(percent_decode(encoded), decoded);
    }
}
