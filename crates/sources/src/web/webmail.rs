//! What a web request asked Roundcube to do.
//!
//! Read off Roundcube 1.6.5 (Debian 12); places are cited as `file:line` of its
//! `program/actions/`. Requests carry their parameters in the URL or, for what the browser POSTs,
//! in the body, which no access log has: a POST says what was done, mostly not to what.

use std::borrow::Cow;
use vauban_ocsf::Http;

/// A request to Roundcube, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundcubeRequest<'a> {
    /// `_task`: "mail", "settings", "addressbook", "login", "logout", "utils"; "mail" if absent.
    pub task: Cow<'a, str>,
    /// `_action` as Roundcube reads it, `""` if absent.
    pub action_name: Cow<'a, str>,
    /// What the two ask for.
    pub action: RoundcubeAction,
    /// `_uid`, `_forward_uid`, `_reply_uid` or `_draft_uid`.
    pub uids: Vec<Uid>,
    /// `_uid=*`: all messages of the folder, or of the search result.
    pub all_uids: bool,
    /// `_mbox`: folder name as IMAP has it (modified UTF-7), `""` if absent: then the folder is
    /// the one last opened in the session (mail/index.php:181-185).
    pub mailbox: Cow<'a, str>,
    /// `_part`: MIME part number ("2", "1.2").
    pub part: Cow<'a, str>,
    /// How a part or a source was asked for.
    pub how: Part,
    /// `_q`: what was searched for.
    pub query: Cow<'a, str>,
    /// `_headers`: where ("subject,from", "text", "body"); `""` means the defaults.
    pub search_in: Cow<'a, str>,
    /// `_scope`: "base" (this folder), "sub", "all".
    pub scope: Cow<'a, str>,
    /// `_filter`: an IMAP search key such as "UNSEEN"; "ALL" if none.
    pub filter: Cow<'a, str>,
    /// `_page` of a list.
    pub page: Option<u32>,
    /// `_remote=1`: called by script, answered in JSON.
    pub ajax: bool,
    /// `_from` as sent: CVE-2025-49113 and CVE-2017-16651 show in it.
    pub from: Cow<'a, str>,
    /// The URL names no action: [`Self::action`] follows from the page that the form stands on,
    /// which the referrer names. Most forms of the settings are sent so.
    pub inferred: bool,
}

/// One `_uid`: a message, a range of them, or a message inside a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uid {
    /// The UID, or the first of a range.
    pub first: u32,
    /// The last of a range; the same as `first` for a single message.
    pub last: u32,
    /// `12.2`: the message/rfc822 part that was opened as a message (mail/show.php:48), or `""`.
    pub inner: String,
    /// The folder, where the UID names it (`12-Sent`, results of a search over folders), or `""`.
    pub mailbox: String,
}

/// Modifiers of `get` and `viewsource`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// `_download=1`: sent as an attachment, to be saved (mail/get.php:282).
    pub download: bool,
    /// `_embed=1`: sent for display inside a page (mail/get.php:134).
    pub embed: bool,
    /// `_thumb=1`: an image scaled down (mail/get.php:91).
    pub thumb: bool,
    /// `_frame=1`: the page around the part, with its name, type and size only (mail/get.php:60).
    pub frame: bool,
    /// `_framed=1`: the answer stands in a frame of the page; says nothing about its content.
    pub framed: bool,
    /// `_preload=1`: a page that sends the browser on to `_embed=1` (mail/get.php:38-52).
    pub preload: bool,
    /// `_mimewarning=1`.
    pub mimewarning: bool,
    /// `_nocheck=1`: "show anyway" (mail/get.php:134, 206).
    pub nocheck: bool,
    /// `_save=1`: the source as an .eml file (mail/viewsource.php:56).
    pub save: bool,
    /// `_safe=1`: remote content was allowed.
    pub safe: bool,
    /// `_extwin=1`: in a window of its own.
    pub extwin: bool,
    /// `_file` or `_id`: an attachment of a message being written, not one of the mailbox
    /// (include/rcmail_attachment_handler.php:52-53).
    pub of_draft: bool,
}

/// What a request asks for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoundcubeAction {
    /// The log-in page (GET), or an attempt (POST to `_task=login`; answered 302 on success
    /// (index.php:153), 401 on failure (index.php:262; 200 before 1.5)).
    Login,
    /// `_task=logout`.
    Logout,
    /// The page of the mail task; messages come with the `list` that its script sends.
    MailPage,
    /// `list`: sender, subject, date, size of a page of messages.
    List,
    /// `search`: the same of the hits.
    Search,
    /// `show`: a message on a page of its own.
    Show,
    /// `preview`: a message in the reading pane; the same code as `show` (mail/index.php:25).
    Preview,
    /// `print`: a message for the printer; the same code too.
    Print,
    /// `headers`: all header fields of a message (mail/headers.php:47).
    Headers,
    /// `get`: a part; [`Part`] says how.
    Get,
    /// `viewsource`: the whole message as it is stored.
    Source,
    /// `plugin.zipdownload.attachments`: all attachments of a message in a ZIP file.
    ZipAttachments,
    /// `plugin.zipdownload.messages`: the selected messages in a ZIP file; the selection is in
    /// the body of the POST.
    ZipMessages,
    /// `compose` with a message to answer, to forward or to go on writing: its text is in the
    /// page. Without one: a new message.
    Compose,
    /// A message was sent, or saved as a draft: the body tells which. The form is sent to
    /// `?_task=mail&_unlock=…&_framed=1`, its `_action=send` is in the body
    /// (include/rcmail_sendmail.php:1294, js/app.js:4816).
    Send,
    /// `bounce`: a message was sent on unchanged ("resend").
    Bounce,
    /// `import`: messages were uploaded into a folder.
    Import,
    /// `move`, `plugin.move2archive`, junk buttons.
    Move,
    /// `copy`.
    Copy,
    /// `delete`.
    Delete,
    /// `mark`: flags.
    Mark,
    /// `expunge`, `purge`: messages of a folder removed for good.
    Purge,
    /// Attachments of a message being written: upload, display, removal.
    DraftAttachment,
    /// What the page's script asks by itself: refresh, check-recent, getunread, keep-alive,
    /// pagenav, plugin polling.
    Poll,
    /// Names from address books: autocomplete, list-contacts, search-contacts, group-expand.
    ContactLookup,
    /// The address book: lists, searches, cards.
    Contacts,
    /// `export` of an address book.
    ContactsExport,
    /// Changes to an address book.
    ContactsChange,
    /// Sieve filters were looked at.
    Filters,
    /// Sieve filters were posted to (`plugin.managesieve-action`): listed, reordered, switched or
    /// deleted; `_act` in the body tells which (plugins/managesieve/managesieve.js:126-616).
    FiltersPost,
    /// Sieve filters were changed: a filter saved, or a forwarding or vacation by POST.
    FiltersChange,
    /// The password form.
    PasswordPage,
    /// `plugin.password-save`.
    PasswordChange,
    /// Identities were looked at.
    Identities,
    /// `save-identity`, `identity-save`, deletion: reply-to and bcc are set here.
    IdentityChange,
    /// Folders and their access rights were changed (`plugin.acl`).
    FolderChange,
    /// Preferences were saved.
    PreferencesChange,
    /// `upload` in the settings: the door of CVE-2025-49113.
    SettingsUpload,
    /// Other pages of the settings.
    Settings,
    /// Anything else.
    Other,
}

/// What an answer shows if it was successful and complete.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reveals {
    /// Nothing of a message.
    Nothing,
    /// Sender, subject, date and size of several messages.
    List,
    /// Header fields, or name, type and size of a part.
    Headers,
    /// A picture scaled down.
    Thumbnail,
    /// The text of a message, as a page.
    Body,
    /// One part, whole.
    Part,
    /// The message as stored, whole.
    Source,
    /// Several parts or messages, packed.
    Bundle,
}

impl RoundcubeRequest<'_> {
    /// What the answer shows. Whether it was sent, the status and the bytes of the record tell.
    pub fn reveals(&self) -> Reveals {
        match self.action {
            RoundcubeAction::List | RoundcubeAction::Search => Reveals::List,
            RoundcubeAction::Show | RoundcubeAction::Preview | RoundcubeAction::Print
                if self.names_messages() =>
            {
                Reveals::Body
            }
            RoundcubeAction::Compose if self.names_messages() => Reveals::Body,
            RoundcubeAction::Headers => Reveals::Headers,
            RoundcubeAction::Source => Reveals::Source,
            RoundcubeAction::ZipAttachments | RoundcubeAction::ZipMessages => Reveals::Bundle,
            RoundcubeAction::Get if self.how.of_draft || self.how.preload => Reveals::Nothing,
            RoundcubeAction::Get if self.how.frame => Reveals::Headers,
            RoundcubeAction::Get if self.how.thumb => Reveals::Thumbnail,
            RoundcubeAction::Get => Reveals::Part,
            _ => Reveals::Nothing,
        }
    }

    /// Whether the browser was told to save the answer as a file.
    pub fn saves(&self) -> bool {
        match self.action {
            RoundcubeAction::Get => self.how.download && !self.how.frame && !self.how.preload,
            RoundcubeAction::Source => self.how.save,
            RoundcubeAction::ZipAttachments | RoundcubeAction::ZipMessages => true,
            _ => false,
        }
    }

    /// Whether the URL names messages.
    pub fn names_messages(&self) -> bool {
        self.all_uids || !self.uids.is_empty()
    }
}

/// Decodes a request, or `None` if it carries neither `_task` nor `_action` and is not the POST of
/// a form that its referrer names.
///
/// The parameters are read as PHP and Roundcube read them: the last of a repeated one counts,
/// `.` and blanks in names mean `_`, and characters that Roundcube drops from task and action are
/// dropped here too, so that `_action=sh%00ow` is no way around.
pub fn roundcube_request<'a>(http: &Http<'a>) -> Option<RoundcubeRequest<'a>> {
    // Most requests of a web server are none of Roundcube's; these are cheap to tell.
    let speaks =
        |query: &str| query.contains("task") || query.contains("action") || query.contains('%');
    let own = if speaks(http.query) {
        parameters(http.query)
    } else {
        Vec::new()
    };
    let names = |parameters: &[(Cow<'_, str>, Cow<'_, str>)]| {
        parameters
            .iter()
            .any(|(key, _)| key == "_task" || key == "_action")
    };
    if names(&own) {
        return Some(decode(own, http.method));
    }
    // `request_form` (include/rcmail_output_html.php:2261) sends forms to `./`, task and action in
    // the body. The page the form stands on is all an access log has.
    let is_script = http.path.ends_with('/') || http.path.ends_with(".php");
    if http.method != "POST" || !is_script {
        return None;
    }
    let (_, referring) = http.referrer.split_once('?')?;
    let page = decode(
        Some(parameters(referring)).filter(|parameters| names(parameters))?,
        "GET",
    );
    let action = posted_from(&page)?;
    Some(RoundcubeRequest {
        action,
        inferred: true,
        // What the page showed is not what the form was sent for.
        uids: Vec::new(),
        all_uids: false,
        how: Part::default(),
        ..page
    })
}

/// What a form on a page is for.
fn posted_from(page: &RoundcubeRequest<'_>) -> Option<RoundcubeAction> {
    use RoundcubeAction as A;
    let name = &*page.action_name;
    Some(match (&*page.task, page.action) {
        (_, A::Filters | A::FiltersPost) => A::FiltersChange,
        (_, A::Identities) => A::IdentityChange,
        (_, A::PasswordPage) => A::PasswordChange,
        ("settings", _) if name.contains("folder") => A::FolderChange,
        ("settings", _) if name.contains("prefs") || name.contains("response") => {
            A::PreferencesChange
        }
        ("mail", A::Compose) => A::Send,
        ("addressbook" | "contacts", _) => A::ContactsChange,
        ("login", _) => A::Login,
        _ => return None,
    })
}

fn decode<'a>(parameters: Vec<(Cow<'a, str>, Cow<'a, str>)>, method: &str) -> RoundcubeRequest<'a> {
    let last = |name: &str| {
        parameters
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let flag = |name: &str| {
        // PHP's `!empty()`.
        last(name).is_some_and(|value| !value.is_empty() && value != "0")
    };
    let (task, action_name) = (last("_task"), last("_action"));
    let task = words(task.unwrap_or_default(), false);
    let task = if task.is_empty() { "mail".into() } else { task };
    let action_name = words(action_name.unwrap_or_default(), true);
    let action = action(&task, &action_name, method);

    let mut mailbox = last("_mbox").unwrap_or_default();
    let (mut uids, mut all_uids) = (Vec::new(), false);
    for name in ["_uid", "_forward_uid", "_reply_uid", "_draft_uid"] {
        for (_, value) in parameters.iter().filter(|(key, _)| key == name) {
            uid_list(value, &mut uids, &mut all_uids);
        }
        if !uids.is_empty() || all_uids {
            break;
        }
    }
    // One `UID-MBOX` overrides `_mbox` (mail/index.php:70-84).
    if let [only] = uids.as_slice()
        && !only.mailbox.is_empty()
    {
        mailbox = Cow::Owned(only.mailbox.clone());
    }
    let how = Part {
        download: flag("_download"),
        embed: flag("_embed"),
        thumb: flag("_thumb"),
        frame: flag("_frame"),
        framed: flag("_framed"),
        preload: flag("_preload"),
        mimewarning: flag("_mimewarning"),
        nocheck: flag("_nocheck"),
        save: flag("_save"),
        safe: flag("_safe"),
        extwin: flag("_extwin"),
        of_draft: action == RoundcubeAction::Get && uids.is_empty() && last("_file").is_some(),
    };
    RoundcubeRequest {
        uids,
        all_uids,
        mailbox,
        how,
        part: last("_part").unwrap_or_default(),
        query: last("_q").unwrap_or_default(),
        search_in: last("_headers").unwrap_or_default(),
        scope: last("_scope").unwrap_or_default(),
        filter: last("_filter").unwrap_or_default(),
        page: last("_page").and_then(|page| page.parse().ok()),
        ajax: flag("_remote"),
        from: last("_from").unwrap_or_default(),
        task,
        action_name,
        action,
        inferred: false,
    }
}

/// The meaning of a task and an action. Aliases are those of mail/index.php:25-33 and
/// settings/index.php; POST tells a change from a look.
fn action(task: &str, action: &str, method: &str) -> RoundcubeAction {
    use RoundcubeAction as A;
    let post = method == "POST";
    match (task, action) {
        ("login", _) => A::Login,
        ("logout", _) => A::Logout,
        (_, "login") => A::Login,
        (_, "keep-alive" | "refresh" | "check-recent" | "getunread" | "pagenav") => A::Poll,
        (_, "plugin.zipdownload.attachments") => A::ZipAttachments,
        (_, "plugin.zipdownload.messages") => A::ZipMessages,
        (_, "plugin.password-save") => A::PasswordChange,
        (_, "plugin.password") => A::PasswordPage,
        (_, "plugin.managesieve-save" | "plugin.managesieve-saveraw") => A::FiltersChange,
        (_, "plugin.managesieve-action") if post => A::FiltersPost,
        (_, "plugin.managesieve-vacation" | "plugin.managesieve-forward") if post => {
            A::FiltersChange
        }
        (_, name) if name.starts_with("plugin.managesieve") => A::Filters,
        (_, "plugin.acl") if post => A::FolderChange,
        (
            "mail",
            "plugin.move2archive" | "plugin.markasjunk.junk" | "plugin.markasjunk.not_junk",
        ) => A::Move,
        ("mail", "") if post => A::Send,
        ("mail", "") => A::MailPage,
        ("mail", "list") => A::List,
        ("mail", "search") => A::Search,
        ("mail", "show") => A::Show,
        ("mail", "preview") => A::Preview,
        ("mail", "print") => A::Print,
        ("mail", "headers") => A::Headers,
        ("mail", "get") => A::Get,
        ("mail", "viewsource") => A::Source,
        ("mail", "compose") => A::Compose,
        ("mail", "send") => A::Send,
        ("mail", "bounce") => A::Bounce,
        ("mail", "import") => A::Import,
        ("mail", "move") => A::Move,
        ("mail", "copy") => A::Copy,
        ("mail", "delete") => A::Delete,
        ("mail", "mark") => A::Mark,
        ("mail", "expunge" | "purge" | "folder-expunge" | "folder-purge") => A::Purge,
        (
            "mail",
            "upload" | "attachment-upload" | "display-attachment" | "attachment-display"
            | "remove-attachment" | "attachment-delete" | "rename-attachment" | "attachment-rename",
        ) => A::DraftAttachment,
        (
            "mail",
            "autocomplete" | "list-contacts" | "search-contacts" | "group-expand" | "list_contacts"
            | "search_contacts" | "group_expand",
        ) => A::ContactLookup,
        ("addressbook" | "contacts", "export") => A::ContactsExport,
        (
            "addressbook" | "contacts",
            "save" | "delete" | "copy" | "move" | "import" | "undo" | "group-create"
            | "group-rename" | "group-delete" | "group-addmembers" | "group-delmembers"
            | "upload-photo",
        ) => A::ContactsChange,
        ("addressbook" | "contacts", _) => A::Contacts,
        ("settings", "save-identity" | "identity-save" | "delete-identity" | "identity-delete") => {
            A::IdentityChange
        }
        (
            "settings",
            "identities" | "add-identity" | "edit-identity" | "identity-create" | "identity-edit",
        ) => A::Identities,
        ("settings", "save-prefs" | "prefs-save" | "save-pref") => A::PreferencesChange,
        ("utils", "save-pref") => A::PreferencesChange,
        (
            "settings",
            "save-folder" | "folder-save" | "delete-folder" | "folder-delete" | "rename-folder"
            | "folder-rename" | "subscribe" | "folder-subscribe" | "unsubscribe"
            | "folder-unsubscribe" | "purge" | "folder-purge",
        ) => A::FolderChange,
        ("settings", "upload") => A::SettingsUpload,
        ("settings", _) => A::Settings,
        _ => A::Other,
    }
}

/// Roundcube's `asciiwords` (bootstrap.php): letters, digits, `-`, `_` and, for actions, `.`.
fn words(text: Cow<'_, str>, dots: bool) -> Cow<'_, str> {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (dots && c == '.');
    if text.chars().all(keep) {
        text
    } else {
        Cow::Owned(text.chars().filter(|&c| keep(c)).collect())
    }
}

/// Names and values of a query string, `name[]` and `name[0]` as `name`.
fn parameters(query: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut key = percent_decode(key);
            if let Some((name, _)) = key.split_once('[') {
                key = Cow::Owned(name.to_owned());
            }
            // php_register_variable_ex: leading blanks go, dots and blanks become underscores.
            if key.contains(['.', ' ']) {
                key = Cow::Owned(key.trim_start().replace(['.', ' '], "_"));
            }
            (key, percent_decode(value))
        })
        .collect()
}

/// `12`, `12.2`, `12-Sent`, `1,2,3`, `1:5`, `*` (include/rcmail_action.php:851-905).
fn uid_list(text: &str, uids: &mut Vec<Uid>, all: &mut bool) {
    // A folder's name may hold a comma; a piece that is no UID belongs to the name before it.
    for piece in text.split(',') {
        let (number, mailbox) = piece.split_once('-').unwrap_or((piece, ""));
        if number == "*" {
            *all = true;
            continue;
        }
        let (number, inner) = number.split_once('.').unwrap_or((number, ""));
        let (first, last) = number.split_once(':').unwrap_or((number, number));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => uids.push(Uid {
                first,
                last,
                inner: inner.to_owned(),
                mailbox: mailbox.to_owned(),
            }),
            _ => {
                if let Some(before) = uids.last_mut().filter(|uid| !uid.mailbox.is_empty()) {
                    before.mailbox.push(',');
                    before.mailbox.push_str(piece);
                }
            }
        }
    }
}

/// Decodes `%XX` and `+` as in `application/x-www-form-urlencoded`. A `%` that starts no escape
/// stays; bytes that are not UTF-8 become U+FFFD.
pub fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digit = |i: usize| {
                    bytes
                        .get(i)
                        .and_then(|&b| char::from(b).to_digit(16))
                        .map(|d| d as u8)
                };
                match (digit(at), digit(at + 1)) {
                    (Some(high), Some(low)) => {
                        out.push(high << 4 | low);
                        at += 2;
                    }
                    _ => out.push(b'%'),
                }
            }
            byte => out.push(byte),
        }
    }
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RoundcubeAction as A;

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
        let one =
            |uid, inner: &str, mailbox: &str| (uid, uid, inner.to_owned(), mailbox.to_owned());
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
}
