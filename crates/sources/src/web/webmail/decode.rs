//! A request's parameters, read as PHP and Roundcube read them.

use super::action::action;
use super::{Part, RoundcubeAction, RoundcubeRequest, Uid};
use std::borrow::Cow;
use vauban_ocsf::Http;

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
