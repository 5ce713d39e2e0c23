//! Roundcube's messages. Places are cited as `file:line` of Roundcube 1.6.5.
//!
//! User names and `X-Forwarded-For` come from the client and may look like the rest of a line, so
//! each message is read from the end that Roundcube wrote.

use crate::Line;
use crate::web::ip;
use std::net::IpAddr;
use vauban_ocsf::{
    AccountActivity, AccountChange, Body, Email, EmailActivity, Event, EventSink, Logon, Mailbox,
    MailboxAction, Message, Product, Service, Severity, Status, Timestamp,
};

/// A line of the imap_session log (`imap_log_session`, rcube.php:436): which IMAP session a
/// webmail session used.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ImapSession<'a> {
    /// The first characters of Roundcube's session identifier (`log_session_id`, 8 by default).
    pub roundcube: &'a str,
    /// The IMAP server's session identifier: Dovecot's `session=<…>`.
    pub imap: &'a str,
}

/// Reads the text of a [`Message`] that came of an imap_session line: `<sess> ID`.
pub fn imap_session(text: &str) -> Option<ImapSession<'_>> {
    let (roundcube, rest) = session_prefix(text);
    let is_id = rest.len() >= 8
        && rest.len() <= 64
        && rest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b));
    (is_id && !roundcube.is_empty()).then_some(ImapSession {
        roundcube,
        imap: rest,
    })
}

/// Makes the events of one message, the time and the envelope taken off.
pub fn roundcube_message(
    text: &str,
    line: &Line<'_>,
    time: Timestamp,
    host: &str,
    pid: Option<u32>,
    sink: &mut dyn EventSink,
) {
    let text = unstamped(text);
    let (session, rest) = session_prefix(text);
    let body = userlogin(rest)
        .or_else(|| imap_failure(rest, session))
        .or_else(|| old_imap_failure(rest, session))
        .or_else(|| sent(rest))
        .or_else(|| password(rest))
        .or_else(|| imap_command(rest, session));
    let body = match body {
        Some(body) => body,
        None if is_server_chatter(rest) => return sink.ignored(line.evidence, Some(time)),
        None => Body::Message(Message {
            severity: severity(rest),
            text,
            src_ip: ip_check(rest),
            user: "",
        }),
    };
    sink.event(&Event {
        time,
        evidence: line.evidence,
        product: Product::Roundcube,
        host,
        pid,
        body,
    });
}

/// Before 0.4 the syslog driver wrote the file driver's stamp into the message.
fn unstamped(text: &str) -> &str {
    let Some((stamp, rest)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) else {
        return text;
    };
    let is_stamp = stamp.len() >= 20 && stamp.as_bytes().get(2) == Some(&b'-');
    if is_stamp {
        rest.strip_prefix(':').unwrap_or(rest).trim_start()
    } else {
        text
    }
}

/// `IMAP Error: Authentication for U failed (LOGIN): "…" (POST …)`, before 0.4: no address.
fn old_imap_failure<'a>(text: &'a str, session: &'a str) -> Option<Body<'a>> {
    let rest = text.strip_prefix("IMAP Error: Authentication for ")?;
    let (user, detail) = rest.split_once(" failed (")?;
    Some(Body::Logon(Logon {
        service: Service::Webmail,
        status: Status::Failure,
        user,
        session,
        attempts: 1,
        detail,
        ..Logon::default()
    }))
}

/// `<sess> ` in front (rcube.php:1321).
fn session_prefix(text: &str) -> (&str, &str) {
    text.strip_prefix('<')
        .and_then(|rest| rest.split_once("> "))
        .filter(|(session, _)| !session.is_empty() && !session.contains(' '))
        .unwrap_or(("", text))
}

/// `Successful login for U (ID: 1) from IP in session S`, `Failed login for U from IP in session S
/// (error: 1)` (rcmail.php:1572-1580), and the older `FAILED login for U from IP`.
fn userlogin(text: &str) -> Option<Body<'_>> {
    let (status, rest) = if let Some(rest) = text.strip_prefix("Successful login for ") {
        (Status::Success, rest)
    } else if let Some(rest) = text
        .strip_prefix("Failed login for ")
        .or_else(|| text.strip_prefix("FAILED login for "))
    {
        (Status::Failure, rest)
    } else {
        return None;
    };
    // From the end: the error, the session, the address.
    let (rest, detail) = match rest.rfind(" (error: ") {
        Some(at) if rest.ends_with(')') && status == Status::Failure => (
            rest.get(..at)?,
            rest.get(at + 2..rest.len() - 1).unwrap_or_default(),
        ),
        _ => (rest, ""),
    };
    let (rest, session) = match rest.rsplit_once(" in session ") {
        Some((before, id)) if !id.contains(' ') => (before, id),
        _ => (rest, ""),
    };
    let origin = if status == Status::Success {
        // The account's name comes from Roundcube's database: the first address is the true one.
        origin(rest, First)
    } else {
        origin(rest, Only)
    };
    let (user, src_ip, forwarded) = match origin {
        Some(found) => (found.before, found.address, found.forwarded),
        None => (rest.split(" from ").next().unwrap_or(rest), None, ""),
    };
    let user = match status {
        // ` (ID: 12)`, once ` (id 12)`.
        Status::Success => user
            .rfind(" (ID: ")
            .or_else(|| user.rfind(" (id "))
            .and_then(|at| user.get(..at))
            .unwrap_or(user),
        _ => user,
    };
    Some(Body::Logon(Logon {
        service: Service::Webmail,
        status,
        user,
        src_ip,
        session,
        attempts: 1,
        detail: if forwarded.is_empty() {
            detail
        } else {
            forwarded
        },
        ..Logon::default()
    }))
}

/// Which of several ` from ADDRESS` to believe.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Which {
    /// What stands before is Roundcube's own.
    First,
    /// Both sides may be forged if a forwarding follows: none, unless all name the same.
    Only,
}
use Which::{First, Only};

/// Where a request came from: `ADDRESS[ (X-Real-IP: A,X-Forwarded-For: B)]`
/// (rcube_utils.php:1221).
struct Origin<'a> {
    before: &'a str,
    address: Option<IpAddr>,
    forwarded: &'a str,
}

/// Where `needle` stands, overlaps included: a name that ends in ` from` must not hide what follows.
fn places<'t>(text: &'t str, needle: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(' ')
        .map(|(at, _)| at)
        .filter(move |&at| text.get(at..).is_some_and(|rest| rest.starts_with(needle)))
}

/// Reads the origin at the end of `text`.
fn origin(text: &str, which: Which) -> Option<Origin<'_>> {
    const FROM: &str = " from ";
    if !text.ends_with(')') {
        // Nothing a client sent follows the address: the last one is it.
        let (before, address) = text.rsplit_once(FROM)?;
        return Some(Origin {
            before,
            address: ip(address),
            forwarded: "",
        });
    }
    let mut candidates = places(text, FROM).filter_map(|at| {
        let rest = text.get(at + FROM.len()..)?;
        let open = rest.find('(')?;
        let address = ip(rest.get(..open)?.trim_end())?;
        let inner = rest.get(open + 1..)?;
        let forwarded = inner.strip_suffix(')')?;
        (inner.starts_with("X-Real-IP: ") || inner.starts_with("X-Forwarded-For: ")).then_some(
            Origin {
                before: text.get(..at)?,
                address: Some(address),
                forwarded,
            },
        )
    });
    let mut first = candidates.next()?;
    if which == Only && candidates.any(|other| other.address != first.address) {
        first.address = None;
    }
    // A peer on the host itself is a reverse proxy: the last address it added is the client's.
    // Any other peer could have sent the header itself.
    if first.address.is_some_and(|address| address.is_loopback()) {
        first.address = forwarded_client(first.forwarded).or(first.address);
    }
    Some(first)
}

/// The address nearest to the proxy in `X-Real-IP: A,X-Forwarded-For: B, C`.
fn forwarded_client(forwarded: &str) -> Option<IpAddr> {
    let (real, list) = match forwarded.split_once("X-Forwarded-For: ") {
        Some((real, list)) => (real, list),
        None => (forwarded, ""),
    };
    let real = real
        .strip_prefix("X-Real-IP: ")
        .map(|real| real.trim_end_matches(','));
    list.rsplit(',')
        .next()
        .and_then(|last| ip(last.trim()))
        .or_else(|| real.and_then(ip))
}

/// `IMAP Error: Login failed for U[ against H] from IP. RESPONSE in FILE on line N (POST URL)`
/// (rcube_imap.php:206): a failed log-in, logged even where `log_logins` is off.
fn imap_failure<'a>(text: &'a str, session: &'a str) -> Option<Body<'a>> {
    let rest = text.strip_prefix("IMAP Error: Login failed for ")?;
    // The response may repeat the user's name, so the address is the last one before it.
    let response = [". AUTHENTICATE ", ". LOGIN"]
        .iter()
        .filter_map(|mark| rest.rfind(mark))
        .max();
    let (front, detail) = match response {
        Some(at) => (rest.get(..at)?, rest.get(at + 2..)?),
        None => {
            // Another error, or (before 0.4) none: the place in the program ends the line.
            let end = rest.rfind(" in /").unwrap_or(rest.len());
            let head = rest.get(..end)?;
            // `1.2.3.4. Connection refused`: cut after the last address that a full stop follows.
            let cut = places(head, " from ")
                .filter_map(|at| {
                    let start = at + " from ".len();
                    let after = head.get(start..)?;
                    let stop = after.find(". ")?;
                    let address = after.get(..stop)?.split('(').next()?;
                    ip(address.trim_end())?;
                    Some(start + stop)
                })
                .last()
                .unwrap_or(head.len());
            (
                head.get(..cut)?.trim_end_matches('.'),
                head.get(cut..)?.trim_start_matches(['.', ' ']),
            )
        }
    };
    let found = origin(front, Only)?;
    let user = found
        .before
        .rsplit_once(" against ")
        .map_or(found.before, |(user, _)| user);
    Some(Body::Logon(Logon {
        service: Service::Webmail,
        status: Status::Failure,
        user,
        src_ip: found.address,
        session,
        attempts: 1,
        detail: if found.forwarded.is_empty() {
            detail
        } else {
            found.forwarded
        },
        ..Logon::default()
    }))
}

/// `User U [IP]; Message <ID> for R1, R2; RESPONSE` (rcube.php:1806).
fn sent(text: &str) -> Option<Body<'_>> {
    let rest = text.strip_prefix("User ")?;
    let (user, rest) = rest.split_once("]; Message ")?;
    let (user, address) = user.rsplit_once(" [")?;
    // Before 1.0 there was no Message-ID.
    let (id, rest) = match rest.strip_prefix("for ") {
        Some(rest) => ("", rest),
        None => rest.split_once(" for ")?,
    };
    let (to, detail) = rest
        .split_once("; ")
        .unwrap_or((rest.trim_end_matches(';'), ""));
    Some(Body::Email(Email {
        activity: EmailActivity::Submitted,
        status: Status::Success,
        sasl_user: user,
        src_ip: ip(address),
        message_id: id.trim_start_matches('<').trim_end_matches('>'),
        to,
        recipients: u32::try_from(to.split(", ").count()).ok(),
        agent: "roundcube",
        next_queue_id: queued_as(detail),
        detail,
        ..Email::default()
    }))
}

/// The queue id in an MTA's answer: Postfix `250 2.0.0 Ok: queued as 4X…`, Exim `OK id=1rA…`.
fn queued_as(response: &str) -> &str {
    ["queued as ", "OK id="]
        .iter()
        .find_map(|mark| response.split_once(mark))
        .map_or("", |(_, rest)| {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default()
        })
}

/// `Password changed for user U (ID: 1) from IP` (plugins/password/password.php:201).
fn password(text: &str) -> Option<Body<'_>> {
    let rest = text.strip_prefix("Password changed for user ")?;
    let found = origin(rest, First)?;
    let user = found
        .before
        .rfind(" (ID: ")
        .and_then(|at| found.before.get(..at))
        .unwrap_or(found.before);
    Some(Body::Account(AccountChange {
        activity: AccountActivity::PasswordChange,
        user,
        src_ip: found.address,
        status: Status::Success,
        detail: found.forwarded,
        ..AccountChange::default()
    }))
}

/// `[ABCD] C: A0003 UID FETCH 12 (BODY.PEEK[1])`: the imap log of `imap_debug`
/// (rcube_imap_generic.php:110, 4278).
fn imap_command<'a>(text: &'a str, session: &'a str) -> Option<Body<'a>> {
    let rest = debug_text(text)?.strip_prefix("C: ")?;
    let (tag, rest) = rest.split_once(' ')?;
    if !tag.starts_with('A') || !tag.bytes().skip(1).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let uid = rest.strip_prefix("UID ").map_or(0, |_| "UID ".len());
    let end = rest
        .get(uid..)?
        .find(' ')
        .map_or(rest.len(), |space| uid + space);
    let (command, arguments) = (rest.get(..end)?, rest.get(end..)?.trim_start());
    let verb = command.get(uid..)?;
    let action = match verb {
        "FETCH" => MailboxAction::Fetch,
        "SEARCH" | "SORT" | "THREAD" => MailboxAction::Search,
        "LIST" | "LSUB" | "SELECT" | "EXAMINE" | "STATUS" => MailboxAction::List,
        "STORE" => MailboxAction::FlagChange,
        "COPY" | "MOVE" => MailboxAction::Copy,
        "APPEND" => MailboxAction::Save,
        "EXPUNGE" => MailboxAction::Expunge,
        "CREATE" => MailboxAction::MailboxCreate,
        "DELETE" => MailboxAction::MailboxDelete,
        "RENAME" => MailboxAction::MailboxRename,
        _ => MailboxAction::Command,
    };
    let uids = match action {
        MailboxAction::Fetch | MailboxAction::FlagChange | MailboxAction::Copy if uid > 0 => {
            arguments.split(' ').next().unwrap_or_default()
        }
        _ => "",
    };
    Some(Body::Mailbox(Mailbox {
        action,
        service: Service::Webmail,
        session,
        uids,
        command,
        arguments,
        ..Mailbox::default()
    }))
}

/// The text of a debug line after the connection's `[ABCD] `.
fn debug_text(text: &str) -> Option<&str> {
    let (id, rest) = text.strip_prefix('[')?.split_once("] ")?;
    (id.len() == 4 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(rest)
}

/// What servers answered in the imap, smtp and sieve debug logs, and continuations of commands.
fn is_server_chatter(text: &str) -> bool {
    let text = debug_text(text).unwrap_or(text);
    text.starts_with("S: ") || text.starts_with("C: ") || text.starts_with("Connecting to ")
}

/// `IP check failed for KEY; expected IP; got IP` (rcube_session.php:685): a session's cookie came
/// from another address. The address it came from.
fn ip_check(text: &str) -> Option<IpAddr> {
    let rest = text.strip_prefix("IP check failed for ")?;
    ip(rest.rsplit_once("; got ")?.1)
}

fn severity(text: &str) -> Severity {
    let (kind, _) = text.split_once(": ").unwrap_or((text, ""));
    if kind.ends_with(" Error")
        || kind.contains("Fatal")
        || kind.contains("error")
        || text.starts_with("The URL parameter ")
    {
        Severity::Error
    } else if kind.contains("Warning")
        || text.starts_with("IP check failed")
        || text.starts_with("Session auth")
    {
        Severity::Warning
    } else {
        Severity::Info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logon(text: &str) -> (Status, String, Option<String>, String, String) {
        let (session, rest) = session_prefix(text);
        match userlogin(rest).or_else(|| imap_failure(rest, session)) {
            Some(Body::Logon(l)) => (
                l.status,
                l.user.to_owned(),
                l.src_ip.map(|ip| ip.to_string()),
                l.session.to_owned(),
                l.detail.to_owned(),
            ),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn logons() {
        use Status::{Failure, Success};
        for (text, status, user, address, session, detail) in [
            (
                "<ab12cd34> Successful login for alice@x.example (ID: 3) from 192.0.2.7 in session ab12cd34ef56ab12",
                Success,
                "alice@x.example",
                Some("192.0.2.7"),
                "ab12cd34ef56ab12",
                "",
            ),
            (
                "Successful login for alice (ID: 3) from 2001:db8::7 in session ab12cd34ef56ab12",
                Success,
                "alice",
                Some("2001:db8::7"),
                "ab12cd34ef56ab12",
                "",
            ),
            (
                "Failed login for bob from 192.0.2.7 in session no-session (error: 1)",
                Failure,
                "bob",
                Some("192.0.2.7"),
                "no-session",
                "error: 1",
            ),
            // The proxy's own address, and the client's behind it.
            (
                "Successful login for alice (ID: 3) from 127.0.0.1 (X-Real-IP: 192.0.2.7,X-Forwarded-For: 6.6.6.6, 192.0.2.7) in session s",
                Success,
                "alice",
                Some("192.0.2.7"),
                "s",
                "X-Real-IP: 192.0.2.7,X-Forwarded-For: 6.6.6.6, 192.0.2.7",
            ),
            // A client that sends the header itself gains nothing.
            (
                "Failed login for bob from 192.0.2.7 (X-Forwarded-For: 6.6.6.6) in session s (error: 0)",
                Failure,
                "bob",
                Some("192.0.2.7"),
                "s",
                "X-Forwarded-For: 6.6.6.6",
            ),
            // Forged in the name.
            (
                "Failed login for x from 6.6.6.6 in session y (error: 0) from 192.0.2.7 in session s (error: 1)",
                Failure,
                "x from 6.6.6.6 in session y (error: 0)",
                Some("192.0.2.7"),
                "s",
                "error: 1",
            ),
            // Forged in the name or in the header: cannot be told, so nobody is named.
            (
                "Failed login for x from 6.6.6.6 (X-Forwarded-For: a) from 192.0.2.7 (X-Forwarded-For: b) in session s (error: 1)",
                Failure,
                "x",
                None,
                "s",
                "X-Forwarded-For: a) from 192.0.2.7 (X-Forwarded-For: b",
            ),
            // The account's name of a success is Roundcube's: only the header can be forged.
            (
                "Successful login for alice (ID: 3) from 192.0.2.7 (X-Forwarded-For: b) from 6.6.6.6 (X-Forwarded-For: c) in session s",
                Success,
                "alice",
                Some("192.0.2.7"),
                "s",
                "X-Forwarded-For: b) from 6.6.6.6 (X-Forwarded-For: c",
            ),
            (
                "<ab12cd34> IMAP Error: Login failed for bob against localhost from 192.0.2.7. Could not connect to localhost:143: Connection refused in /usr/share/roundcube/program/lib/Roundcube/rcube_imap.php on line 211 (POST /?_task=login&_action=login)",
                Failure,
                "bob",
                Some("192.0.2.7"),
                "ab12cd34",
                "Could not connect to localhost:143: Connection refused",
            ),
        ] {
            assert_eq!(
                logon(text),
                (
                    status,
                    user.into(),
                    address.map(str::to_owned),
                    session.into(),
                    detail.into()
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn mail_sent() {
        let text = "User alice@x.example [192.0.2.7]; Message <1a2b@x.example> for bob@y.example, \
                    carol@z.example; 250: 2.0.0 Ok: queued as 4XyZ12";
        let Some(Body::Email(mail)) = sent(text) else {
            panic!("no mail");
        };
        assert_eq!(mail.sasl_user, "alice@x.example");
        assert_eq!(
            mail.src_ip.map(|ip| ip.to_string()).as_deref(),
            Some("192.0.2.7")
        );
        assert_eq!(mail.message_id, "1a2b@x.example");
        assert_eq!(mail.to, "bob@y.example, carol@z.example");
        assert_eq!(mail.recipients, Some(2));
        assert_eq!(mail.next_queue_id, "4XyZ12");
        assert!(sent("User agent").is_none());
    }

    #[test]
    fn sessions_and_commands() {
        assert_eq!(
            imap_session("<ab12cd34> WZ5Wx0hGAAB/AAAB"),
            Some(ImapSession {
                roundcube: "ab12cd34",
                imap: "WZ5Wx0hGAAB/AAAB"
            })
        );
        assert_eq!(imap_session("WZ5Wx0hGAAB/AAAB"), None);
        assert_eq!(imap_session("<ab12cd34> PHP Error: x"), None);
        let Some(Body::Mailbox(command)) =
            imap_command("[5F2C] C: A0003 UID FETCH 12,15 (BODY.PEEK[1])", "ab12cd34")
        else {
            panic!("no command");
        };
        assert_eq!(command.action, MailboxAction::Fetch);
        assert_eq!((command.uids, command.command), ("12,15", "UID FETCH"));
        assert!(imap_command("[5F2C] S: * 12 FETCH", "").is_none());
        assert!(is_server_chatter("[5F2C] S: * 12 FETCH"));
    }
}
