//! Stalwart's log: `TIME LEVEL DESCRIPTION (type) key = value, key = "quoted", key = [1, 2]`, and
//! its events as JSON (`{"createdAt":…,"type":…,"data":{…}}`).
//!
//! Stalwart is the open mail server that records every fetch with the documents fetched
//! (`imap.fetch`, `documentId`), so its log tells what was read. Document ids are Stalwart's own,
//! not UIDs. The text form leaves the session's number out; address and port stand for it.

use crate::stamp::{self, Clock};
use crate::{Context, LogFormat, each_line, field, json};
use std::net::IpAddr;
use vauban_ocsf::{
    Body, Email, EmailActivity, Event, EventSink, Evidence, Logoff, Logon, Mailbox, MailboxAction,
    Message, NetAction, Network, Product, Service, Severity, Status, Timestamp,
};

/// Stalwart's log.
pub struct Stalwart;

impl LogFormat for Stalwart {
    fn name(&self) -> &'static str {
        "stalwart"
    }

    fn sniff(&self, _path: &str, head: &[u8]) -> u8 {
        let whole = memchr::memchr_iter(b'\n', head)
            .nth(20)
            .map_or(head, |end| &head[..end]);
        let Ok(text) = std::str::from_utf8(whole) else {
            return 0;
        };
        let base = vauban_evidence::TimeBase::utc((9999, 12, 31));
        let clock = Clock::new(&base);
        let lines = text.lines().count().max(1);
        let known = text
            .lines()
            .filter(|line| open(line, &clock).is_some())
            .count();
        (known * 92 / lines) as u8
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            let Some(opened) = open(line.text, &clock) else {
                return sink.unparsed(line.evidence, "not an event of Stalwart");
            };
            let mut fields = Fields::default();
            let whole = match opened.form {
                Form::Text(keys) => pairs(keys, &mut fields),
                Form::Json(object) => json::members(object, |key, value| match value {
                    json::Value::Text(text)
                    | json::Value::Plain(text)
                    | json::Value::Nested(text) => {
                        fields.set(key, text);
                    }
                }),
            };
            if whole.is_none() {
                return sink.unparsed(line.evidence, "Stalwart event cut short");
            }
            deliver(&opened, &fields, line.evidence, sink);
        });
    }
}

enum Form<'a> {
    Text(&'a str),
    Json(&'a str),
}

struct Opened<'a> {
    time: Timestamp,
    severity: Severity,
    kind: &'a str,
    form: Form<'a>,
}

fn open<'a>(line: &'a str, clock: &Clock<'_>) -> Option<Opened<'a>> {
    if line.starts_with('{') {
        let (mut time, mut kind, mut data) = (None, None, None);
        json::members(line, |key, value| match (key, value) {
            ("createdAt" | "timestamp", json::Value::Text(text)) => {
                time = stamp::rfc3339(text.as_bytes(), clock).map(|(time, _)| time);
            }
            ("type" | "event", json::Value::Text(text)) => kind = Some(text),
            ("data", json::Value::Nested(object)) => data = Some(object),
            _ => {}
        })?;
        let kind = kind.filter(|kind| dotted(kind))?;
        let (time, form) = (time?, Form::Json(data?));
        return Some(Opened {
            time,
            severity: Severity::Info,
            kind,
            form,
        });
    }
    let (time, end) = stamp::rfc3339(line.as_bytes(), clock)?;
    let (level, rest) = line.get(end..)?.strip_prefix(' ')?.split_once(' ')?;
    let severity = match level {
        "INFO" | "DEBUG" | "TRACE" => Severity::Info,
        "WARN" => Severity::Warning,
        "ERROR" => Severity::Error,
        _ => return None,
    };
    let (before, keys) = rest
        .split_once(") ")
        .or_else(|| rest.strip_suffix(')').map(|r| (r, "")))?;
    let (_, kind) = before.rsplit_once('(')?;
    dotted(kind).then_some(Opened {
        time,
        severity,
        kind,
        form: Form::Text(keys),
    })
}

/// `imap.fetch`, `auth.success`.
fn dotted(kind: &str) -> bool {
    kind.contains('.')
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'-' | b'0'..=b'9'))
}

#[derive(Default)]
struct Fields<'a> {
    listener: &'a str,
    remote_ip: Option<IpAddr>,
    remote_port: Option<u16>,
    local_ip: Option<IpAddr>,
    local_port: Option<u16>,
    account: &'a str,
    account_id: &'a str,
    span: &'a str,
    mailbox: &'a str,
    documents: &'a str,
    details: &'a str,
    from: &'a str,
    to: &'a str,
    queue_id: &'a str,
    message_id: &'a str,
    size: Option<u64>,
    tls: Option<bool>,
}

impl<'a> Fields<'a> {
    fn set(&mut self, key: &str, value: &'a str) {
        match key {
            "listenerId" => self.listener = value,
            "remoteIp" => self.remote_ip = field::ip(value),
            "remotePort" => self.remote_port = field::port(value),
            "localIp" => self.local_ip = field::ip(value),
            "localPort" => self.local_port = field::port(value),
            "accountName" | "login" => self.account = value,
            "accountId" => self.account_id = value,
            "spanId" | "sessionId" => self.span = value,
            "mailboxName" => self.mailbox = value,
            "mailboxId" if self.mailbox.is_empty() => self.mailbox = value,
            "documentId" => {
                self.documents = value.trim_start_matches('[').trim_end_matches(']');
            }
            "details" | "reason" => self.details = value,
            "from" => self.from = value,
            "to" => self.to = value.trim_start_matches('[').trim_end_matches(']'),
            "queueId" => self.queue_id = value,
            "messageId" => self.message_id = field::unbracketed(value),
            "size" => self.size = field::number(value),
            "tls" => self.tls = Some(value == "true"),
            _ => {}
        }
    }

    fn service(&self) -> Service {
        match self.listener {
            "imap" | "imaps" | "imaptls" => Service::Imap,
            "pop3" | "pop3s" => Service::Pop3,
            "smtp" | "submission" | "submissions" => Service::Smtp,
            "sieve" | "managesieve" => Service::ManageSieve,
            "lmtp" => Service::Lmtp,
            _ => match self.local_port {
                Some(143 | 993) => Service::Imap,
                Some(110 | 995) => Service::Pop3,
                Some(25 | 465 | 587) => Service::Smtp,
                Some(4190) => Service::ManageSieve,
                _ => Service::Other,
            },
        }
    }

    /// The account, by name if logged, else by Stalwart's number.
    fn user(&self) -> &'a str {
        if self.account.is_empty() {
            self.account_id
        } else {
            self.account
        }
    }
}

/// `key = value, …`; strings are quoted with backslash escapes, so nothing a client sent can end
/// one.
fn pairs<'a>(text: &'a str, fields: &mut Fields<'a>) -> Option<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = rest.split_once(" = ")?;
        let end = value_end(after.as_bytes())?;
        let raw = after.get(..end)?;
        let value = raw
            .strip_prefix('"')
            .and_then(|v| v.strip_suffix('"'))
            .unwrap_or(raw);
        fields.set(key, value);
        rest = after.get(end..)?;
        rest = rest.strip_prefix(", ").unwrap_or(rest);
    }
    Some(())
}

fn value_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    loop {
        match bytes.get(at) {
            None => return (depth == 0).then_some(at),
            Some(b'"') => {
                at += 1;
                loop {
                    match bytes.get(at)? {
                        b'\\' => at += 2,
                        b'"' => break,
                        _ => at += 1,
                    }
                }
            }
            Some(b'[' | b'{' | b'(') => depth += 1,
            Some(b']' | b'}' | b')') => depth = depth.saturating_sub(1),
            Some(b',') if depth == 0 && bytes.get(at + 1) == Some(&b' ') => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

fn deliver(opened: &Opened<'_>, f: &Fields<'_>, evidence: Evidence, sink: &mut dyn EventSink) {
    let (area, what) = opened.kind.split_once('.').unwrap_or((opened.kind, ""));
    let logon = |status, attempts| {
        Body::Logon(Logon {
            service: f.service(),
            status,
            user: f.user(),
            src_ip: f.remote_ip,
            src_port: f.remote_port,
            dst_ip: f.local_ip,
            dst_port: f.local_port,
            session: f.span,
            tls: f.tls,
            attempts,
            detail: f.details,
            ..Logon::default()
        })
    };
    let mailbox = |action| {
        Body::Mailbox(Mailbox {
            action,
            service: f.service(),
            user: f.user(),
            session: f.span,
            src_ip: f.remote_ip,
            mailbox: f.mailbox,
            uids: f.documents,
            command: what,
            arguments: f.details,
            status: Status::Success,
            ..Mailbox::default()
        })
    };
    let body = match (area, what) {
        ("auth", "success") => logon(Status::Success, 1),
        ("auth", "failed" | "too-many-attempts") | ("security", "authentication-ban") => {
            logon(Status::Failure, 1)
        }
        ("imap" | "pop3" | "jmap", "fetch" | "message-fetch") => mailbox(MailboxAction::Fetch),
        ("imap", "search" | "sort" | "thread") => mailbox(MailboxAction::Search),
        ("imap", "list" | "lsub" | "select" | "status" | "namespace") => {
            mailbox(MailboxAction::List)
        }
        ("imap", "append") => mailbox(MailboxAction::Save),
        ("imap", "copy" | "move") => mailbox(MailboxAction::Copy),
        ("imap", "expunge") | ("pop3", "delete") => mailbox(MailboxAction::Expunge),
        ("imap", "store") => mailbox(MailboxAction::FlagChange),
        ("imap", "create-mailbox") => mailbox(MailboxAction::MailboxCreate),
        ("imap", "delete-mailbox") => mailbox(MailboxAction::MailboxDelete),
        ("imap", "rename-mailbox") => mailbox(MailboxAction::MailboxRename),
        ("manage-sieve", "create-script" | "update-script" | "set-script" | "delete-script") => {
            mailbox(MailboxAction::SieveScript)
        }
        ("imap" | "pop3" | "manage-sieve", "connection-end") => Body::Logoff(Box::new(Logoff {
            service: f.service(),
            user: f.user(),
            session: f.span,
            src_ip: f.remote_ip,
            reason: f.details,
            ..Logoff::default()
        })),
        (_, "connection-start") => Body::Network(Network {
            protocol: 6,
            src_ip: f.remote_ip,
            src_port: f.remote_port,
            dst_ip: f.local_ip,
            dst_port: f.local_port,
            action: NetAction::Allowed,
            state: "connect",
            label: f.listener,
            ..Network::default()
        }),
        ("queue", "queue-message" | "message-queued" | "queue-message-authenticated") => {
            Body::Email(Email {
                activity: EmailActivity::Queued,
                status: Status::Success,
                queue_id: f.queue_id,
                message_id: f.message_id,
                from: f.from,
                to: f.to,
                size: f.size,
                src_ip: f.remote_ip,
                sasl_user: f.account,
                agent: "stalwart",
                ..Email::default()
            })
        }
        _ if opened.severity != Severity::Info => Body::Message(Message {
            severity: opened.severity,
            text: opened.kind,
            src_ip: f.remote_ip,
            user: f.user(),
        }),
        _ => return sink.ignored(evidence, Some(opened.time)),
    };
    sink.event(&Event {
        time: opened.time,
        evidence,
        product: Product::Stalwart,
        host: "",
        pid: None,
        body,
    });
}
