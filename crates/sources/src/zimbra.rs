//! Zimbra's `audit.log` and `mailbox.log`.
//!
//! `DATE LEVEL  [THREAD] [KEY=VALUE;…] CATEGORY - MESSAGE` (log4j, `ZimbraLog`). Read are log-ins
//! (`security - cmd=Auth; account=…; protocol=…; error=…`, and `SoapEngine`'s own words for a
//! failure), administration (`cmd=CreateAccount`, `DeleteAccount`, `SetPassword`, `ModifyAccount`,
//! `DelegateAuth`), use of a mailbox (`mailop`) and messages sent (`smtp`).
//!
//! The context in brackets has `oip`, the client's address where a trusted proxy passed it on,
//! else `ip`. Its `ua` is what the client calls itself, semicolons and all, so only what stands
//! before it is believed.

use crate::stamp::{self, Clock};
use crate::{Context, Line, LogFormat, each_line, field};
use std::net::IpAddr;
use vauban_ocsf::{
    AccountActivity, AccountChange, Body, Email, EmailActivity, Event, EventSink, Logon, Mailbox,
    MailboxAction, Message, Product, Service, Severity, Status, Timestamp,
};

/// `mailbox.log`, `audit.log`.
pub static ZIMBRA: Zimbra = Zimbra;

/// See [`ZIMBRA`].
pub struct Zimbra;

/// A line taken apart.
struct Record<'a> {
    time: Timestamp,
    level: &'a str,
    thread: &'a str,
    context: &'a str,
    category: &'a str,
    message: &'a str,
}

fn open<'a>(line: &'a str, clock: &Clock<'_>) -> Option<Record<'a>> {
    let (time, length) = stamp::rfc3339(line.as_bytes(), clock)?;
    let rest = line.get(length..)?.strip_prefix(' ')?;
    let (level, rest) = rest.split_once(' ')?;
    if !matches!(
        level,
        "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL"
    ) {
        return None;
    }
    let (thread, rest) = field::enclosed(rest.trim_start_matches(' '), "[", "] [")?;
    // Brackets may stand in the context's user agent; the category has none.
    let mut at = 0;
    loop {
        let close = at + rest.get(at..)?.find("] ")?;
        let after = rest.get(close + 2..)?;
        let (category, message) = after.split_once(" - ").unwrap_or((after, ""));
        let word = !category.is_empty()
            && category
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if word {
            return Some(Record {
                time,
                level,
                thread,
                context: rest.get(..close)?,
                category,
                message,
            });
        }
        at = close + 2;
    }
}

impl<'a> Record<'a> {
    /// A value of the context that is not the client's word.
    fn context(&self, name: &str) -> &'a str {
        let trusted = self
            .context
            .find("ua=")
            .filter(|&at| at == 0 || self.context.as_bytes().get(at - 1) == Some(&b';'))
            .and_then(|at| self.context.get(..at))
            .unwrap_or(self.context);
        value(trusted, name, ';')
    }

    fn client(&self) -> Option<IpAddr> {
        field::ip(self.context("oip")).or_else(|| field::ip(self.context("ip")))
    }
}

/// `name=VALUE` up to the separator.
fn value<'a>(text: &'a str, name: &str, separator: char) -> &'a str {
    text.split(separator)
        .find_map(|part| part.trim_start().strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_default()
}

fn service(protocol: &str) -> Service {
    match protocol {
        "imap" => Service::Imap,
        "pop3" => Service::Pop3,
        "smtp" => Service::Smtp,
        "soap" | "zsync" | "http_basic" | "http_dav" | "dav" | "" => Service::Webmail,
        _ => Service::Other,
    }
}

fn give(record: &Record<'_>, line: &Line<'_>, body: Body<'_>, sink: &mut dyn EventSink) {
    sink.event(&Event {
        time: record.time,
        evidence: line.evidence,
        product: Product::Zimbra,
        host: "",
        pid: None,
        body,
    });
}

fn read(r: &Record<'_>, line: &Line<'_>, sink: &mut dyn EventSink) {
    let body = match r.category {
        "security" => security(r),
        "SoapEngine" => soap(r),
        "imap" | "pop" => authenticated(r),
        "mailop" => mailop(r),
        "smtp" => sent(r),
        _ => None,
    };
    match body {
        Some(body) => give(r, line, body, sink),
        None if matches!(r.level, "ERROR" | "FATAL") => {
            let text = line.text;
            let body = Body::Message(Message {
                severity: Severity::Error,
                text,
                src_ip: r.client(),
                user: r.context("name"),
            });
            give(r, line, body, sink);
        }
        None => sink.ignored(line.evidence, Some(r.time)),
    }
}

fn security<'a>(r: &Record<'a>) -> Option<Body<'a>> {
    let field = |name: &str| value(r.message, name, ';');
    let (command, error) = (field("cmd"), field("error"));
    let status = if r.message.contains("; error=") {
        Status::Failure
    } else {
        Status::Success
    };
    let account = match field("account") {
        "" => field("name"),
        account => account,
    };
    match command {
        "Auth" | "AdminAuth" | "PreAuth" => {
            let protocol = field("protocol");
            Some(Body::Logon(Logon {
                service: service(protocol),
                status,
                user: account,
                src_ip: r.client(),
                method: protocol,
                attempts: 1,
                detail: error.trim_end_matches(';'),
                ..Logon::default()
            }))
        }
        // An administrator enters an account.
        "DelegateAuth" => Some(Body::Logon(Logon {
            service: Service::Webmail,
            status,
            user: account,
            master_user: r.context("name"),
            src_ip: r.client(),
            method: "DelegateAuth",
            attempts: 1,
            ..Logon::default()
        })),
        "CreateAccount" | "DeleteAccount" | "SetPassword" | "ChangePassword" | "ModifyAccount" => {
            Some(Body::Account(AccountChange {
                activity: match command {
                    "CreateAccount" => AccountActivity::Create,
                    "DeleteAccount" => AccountActivity::Delete,
                    "ModifyAccount" => AccountActivity::Other,
                    _ => AccountActivity::PasswordChange,
                },
                user: match account {
                    "" => field("id"),
                    account => account,
                },
                actor: r.context("name"),
                src_ip: r.client(),
                status,
                detail: r.message,
            }))
        }
        _ => None,
    }
}

/// `handler exception: authentication failed for [USER], REASON`; the reason may be absent, and so
/// may everything after `exception`.
fn soap<'a>(r: &Record<'a>) -> Option<Body<'a>> {
    let rest = r.message.strip_prefix("handler exception")?;
    let (user, reason) = match rest.strip_prefix(": authentication failed for [") {
        // The reason has no bracket, a name may.
        Some(rest) => rest.rsplit_once(']').unwrap_or((rest, "")),
        // Without a text only the context of a log-in tells that it was one.
        None if rest.is_empty() && r.level == "WARN" && r.context("oproto") == "smtp" => {
            (r.context("name"), "")
        }
        None => return None,
    };
    let protocol = r.context("oproto");
    Some(Body::Logon(Logon {
        service: service(protocol),
        status: Status::Failure,
        user,
        src_ip: r.client(),
        method: protocol,
        // The audit log has the same attempt.
        attempts: 0,
        detail: reason.trim_start_matches([',', ' ']),
        ..Logon::default()
    }))
}

/// `user anne@example.org authenticated, mechanism=PLAIN [TLS]`.
fn authenticated<'a>(r: &Record<'a>) -> Option<Body<'a>> {
    let (user, rest) = r
        .message
        .strip_prefix("user ")?
        .rsplit_once(" authenticated, mechanism=")?;
    Some(Body::Logon(Logon {
        service: if r.category == "pop" {
            Service::Pop3
        } else {
            Service::Imap
        },
        status: Status::Success,
        user,
        src_ip: r.client(),
        method: rest.split(' ').next().unwrap_or_default(),
        tls: Some(rest.contains("[TLS]")),
        attempts: 0,
        ..Logon::default()
    }))
}

/// `Adding Message: id=…, Message-ID=<…>, parentId=…, folderId=…, folderName=…`, `moving Message
/// (id=7) to Folder Trash (id=3)`, `Deleting Message (id=7)`.
fn mailop<'a>(r: &Record<'a>) -> Option<Body<'a>> {
    let text = r.message;
    let lower = |start: &str| {
        text.get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    let mut mailbox = Mailbox {
        service: match r.thread {
            thread if thread.starts_with("Imap") => Service::Imap,
            thread if thread.starts_with("Lmtp") => Service::Lmtp,
            thread if thread.starts_with("Pop3") => Service::Pop3,
            _ => Service::Webmail,
        },
        user: r.context("name"),
        src_ip: r.client(),
        command: text.split([' ', ':']).next().unwrap_or_default(),
        arguments: text,
        status: Status::Success,
        ..Mailbox::default()
    };
    if lower("adding message:") {
        mailbox.action = MailboxAction::Save;
        mailbox.uids = value(text.split_once(": ")?.1, "id", ',');
        mailbox.message_id = field::unbracketed(value(text, "Message-ID", ','));
        mailbox.mailbox = value(text, "folderName", ',').trim_end_matches('.');
        return Some(Body::Mailbox(mailbox));
    }
    let one = |text: &'a str| {
        let (_, rest) = text.split_once("(id=")?;
        rest.split(')').next()
    };
    if lower("moving message") {
        mailbox.action = MailboxAction::Copy;
        mailbox.uids = one(text)?;
        mailbox.mailbox = text
            .rsplit_once(" to Folder ")
            .and_then(|(_, folder)| folder.split(" (id=").next())
            .unwrap_or_default();
    } else if lower("deleting message") {
        mailbox.action = MailboxAction::Expunge;
        mailbox.uids = one(text)?;
    } else {
        return None;
    }
    Some(Body::Mailbox(mailbox))
}

/// `Sending message to MTA at HOST: Message-ID=<…>, …`.
fn sent<'a>(r: &Record<'a>) -> Option<Body<'a>> {
    let rest = r.message.strip_prefix("Sending message to MTA at ")?;
    Some(Body::Email(Email {
        activity: EmailActivity::Submitted,
        status: Status::Success,
        message_id: field::unbracketed(value(rest.split_once(": ")?.1, "Message-ID", ',')),
        sasl_user: r.context("name"),
        src_ip: r.client(),
        agent: "zimbra",
        detail: r.message,
        ..Email::default()
    }))
}

impl LogFormat for Zimbra {
    fn name(&self) -> &'static str {
        "zimbra"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        // Stack traces stand between the records.
        let share = crate::web::sniff_lines(head, |line, clock| {
            open(line, clock).is_some() || is_trace(line)
        });
        let any = crate::web::sniff_lines(head, |line, clock| open(line, clock).is_some());
        if any == 0 { 0 } else { share / 20 * 19 }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            match open(line.text, &clock) {
                Some(record) => read(&record, line, sink),
                None if is_trace(line.text) => sink.ignored(line.evidence, None),
                None => sink.unparsed(line.evidence, "no record of Zimbra"),
            }
        });
    }
}

/// A line of an exception's trace.
fn is_trace(line: &str) -> bool {
    line.starts_with("\tat ")
        || line.starts_with("\t... ")
        || line.starts_with("Caused by: ")
        || line.starts_with("ExceptionId:")
        || line.starts_with("Code:")
        || (line.starts_with("com.zimbra.") && line.contains("Exception"))
        || (line.starts_with("java") && line.contains("Exception"))
}
