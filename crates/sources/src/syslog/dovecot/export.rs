//! Exported events (`event_exporter`, Dovecot 2.3.7 and later): `mail_opened`,
//! `imap_command_finished` and others, as JSON or tab-separated text, in the log (`stats: …`) or in
//! a file of their own.
//!
//! `mail_opened` is the nearest thing to a record of reading that a self-hosted server writes. It
//! fires for every opening of the storage, so also for SEARCH, APPEND, delivery, indexing and dsync:
//! the service in `categories`, the command and the reason codes tell. From 2.4.4 once for a message and transaction, before that repeatedly.

use super::Entry;
use crate::stamp::{self, Clock};
use crate::syslog::{Accounted, Out, Record};
use crate::{Context, LogFormat, each_line, field, json};
use std::borrow::Cow;
use vauban_evidence::TimeBase;
use vauban_ocsf::{
    Body, EventSink, Logoff, Mailbox, MailboxAction, Product, Service, Status, Timestamp,
};

/// Files written by an event exporter.
pub struct DovecotEvents;

impl LogFormat for DovecotEvents {
    fn name(&self) -> &'static str {
        "dovecot-events"
    }

    fn sniff(&self, _path: &str, head: &[u8]) -> u8 {
        let begins = head.starts_with(b"{\"event\":\"") || head.starts_with(b"event:");
        let known = |word: &[u8]| memchr::memmem::find(head, word).is_some();
        if begins && known(b"hostname") && (known(b"\"categories\"") || known(b"category:")) {
            95
        } else if begins && known(b"end_time") {
            85
        } else {
            0
        }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            let record = Record {
                time: Timestamp(0),
                evidence: line.evidence,
                host: "",
                tag: "dovecot",
                program: "dovecot",
                pid: None,
                message: line.text,
                repeated: 1,
            };
            let mut out = Out::new(sink);
            let _ = match read(line.text, &clock) {
                Some(fields) if fields.time.is_some() => deliver(&record, &fields, &mut out),
                Some(_) => out.unparsed(&record, "exported event without time"),
                None => out.unparsed(&record, "not an exported event"),
            };
        });
    }
}

/// In the log: `stats: {"event":…}`.
pub(super) fn parse(record: &Record<'_>, entry: &Entry<'_>, out: &mut Out<'_>) -> Accounted {
    let text = entry.text;
    if !text.starts_with("{\"") && !text.starts_with("event:") {
        return super::general(record, entry, out);
    }
    // Exported stamps carry an offset or are epoch seconds; the zone does not matter.
    let base = TimeBase::utc((9999, 12, 31));
    match read(text, &Clock::new(&base)) {
        Some(fields) => deliver(record, &fields, out),
        None => out.unparsed(record, "exported event cut short"),
    }
}

#[derive(Default)]
struct Fields<'a> {
    event: Cow<'a, str>,
    hostname: Cow<'a, str>,
    time: Option<Timestamp>,
    service: Service,
    user: Cow<'a, str>,
    session: Cow<'a, str>,
    mailbox: Cow<'a, str>,
    uid: Cow<'a, str>,
    command: Cow<'a, str>,
    arguments: Cow<'a, str>,
    raw_arguments: Cow<'a, str>,
    remote_ip: Cow<'a, str>,
    reply: Cow<'a, str>,
    bytes_in: Option<u64>,
    bytes_out: Option<u64>,
    reason: Cow<'a, str>,
    /// Why the server did it, since 2.3.18: list members as in JSON.
    codes: &'a str,
    script: Cow<'a, str>,
    message_id: Cow<'a, str>,
    size: Option<u64>,
}

fn read<'a>(text: &'a str, clock: &Clock<'_>) -> Option<Fields<'a>> {
    if text.starts_with('{') {
        read_json(text, clock)
    } else {
        read_tab(text, clock)
    }
}

fn time(text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    stamp::rfc3339(bytes, clock)
        .or_else(|| stamp::epoch(bytes))
        .map(|(time, _)| time)
}

fn category(fields: &mut Fields<'_>, name: &str) {
    // 2.3.19 names it `service:pop3`, and `imap` besides.
    let service = match name.strip_prefix("service:").unwrap_or(name) {
        "imap" => Service::Imap,
        "pop3" => Service::Pop3,
        "lmtp" | "lda" => Service::Lmtp,
        "managesieve" => Service::ManageSieve,
        "submission" => Service::Smtp,
        "doveadm" | "indexer-worker" | "indexer" | "dsync" => Service::Local,
        _ => return,
    };
    fields.service = service;
}

fn read_json<'a>(text: &'a str, clock: &Clock<'_>) -> Option<Fields<'a>> {
    let mut fields = Fields::default();
    json::members(text, |key, value| match key {
        "event" => fields.event = value.text(),
        "hostname" => fields.hostname = value.text(),
        "end_time" => fields.time = time(&value.text(), clock),
        "categories" => {
            if let json::Value::Nested(list) = value {
                let _ = json::elements(list, |name| category(&mut fields, &name.text()));
            }
        }
        "fields" => {
            if let json::Value::Nested(object) = value {
                let _ = json::members(object, |key, value| match value {
                    // `["imap:cmd_uid_fetch","imap:fetch_body"]`
                    json::Value::Nested(list) if key == "reason_code" => {
                        fields.codes = list.trim_matches(['[', ']']);
                    }
                    value => set(&mut fields, key, value.text()),
                });
            }
        }
        _ => {}
    })?;
    Some(fields)
}

fn read_tab<'a>(text: &'a str, clock: &Clock<'_>) -> Option<Fields<'a>> {
    let mut fields = Fields::default();
    // rsyslog writes control characters as `#011`.
    let separator = if text.contains('\t') { "\t" } else { "#011" };
    for piece in text.split(separator) {
        let (kind, value) = piece.split_once(':')?;
        match kind {
            "event" => fields.event = value.into(),
            "hostname" => fields.hostname = value.into(),
            "end_time" => fields.time = time(value, clock),
            "category" => category(&mut fields, value),
            "field" => {
                let (key, value) = value.split_once('=')?;
                set(&mut fields, key, value.into());
            }
            _ => {}
        }
    }
    Some(fields)
}

fn set<'a>(fields: &mut Fields<'a>, key: &str, value: Cow<'a, str>) {
    match key {
        "user" => fields.user = value,
        "session" => fields.session = value,
        "mailbox" => fields.mailbox = value,
        "uid" => fields.uid = value,
        "cmd_name" | "name" => fields.command = value,
        // `human_args` in 2.3.0, `cmd_human_args` later: strings shown, not counted.
        "cmd_human_args" | "human_args" => fields.arguments = value,
        "cmd_args" | "args" => fields.raw_arguments = value,
        "remote_ip" => fields.remote_ip = value,
        "tagged_reply_state" => fields.reply = value,
        // `bytes_out` in 2.3, `net_out_bytes` in 2.4.
        "net_in_bytes" | "bytes_in" => fields.bytes_in = field::number(&value),
        "net_out_bytes" | "bytes_out" => fields.bytes_out = field::number(&value),
        "reason" | "disconnect_reason" => fields.reason = value,
        "script_name" => fields.script = value,
        "message_id" => fields.message_id = value,
        "message_size" => fields.size = field::number(&value),
        "service" | "protocol" => category(fields, &value),
        _ => {}
    }
}

fn deliver(record: &Record<'_>, fields: &Fields<'_>, out: &mut Out<'_>) -> Accounted {
    let host = if record.host.is_empty() {
        &*fields.hostname
    } else {
        record.host
    };
    let record = Record {
        time: fields.time.unwrap_or(record.time),
        host,
        ..*record
    };
    let mut mailbox = Mailbox {
        service: fields.service,
        user: &fields.user,
        session: &fields.session,
        src_ip: field::ip(&fields.remote_ip),
        mailbox: &fields.mailbox,
        message_id: field::unbracketed(&fields.message_id),
        size: fields.size,
        bytes_in: fields.bytes_in,
        bytes_out: fields.bytes_out,
        ..Mailbox::default()
    };
    match &*fields.event {
        "mail_opened" => {
            mailbox.action = MailboxAction::Opened;
            mailbox.uids = &fields.uid;
            mailbox.status = Status::Success;
            // What made the server open it: a FETCH of the body reads, a SEARCH or an index does
            // not. IMAP names the command, POP3 only the reason code.
            mailbox.command = match fields.codes {
                codes if codes.contains("pop3:cmd_retr") => "RETR",
                codes if codes.contains("pop3:cmd_top") => "TOP",
                _ => &fields.command,
            };
            mailbox.arguments = if fields.codes.is_empty() {
                &fields.reason
            } else {
                fields.codes
            };
        }
        "mail_expunged" | "mail_expunge_requested" => {
            mailbox.action = MailboxAction::Expunge;
            mailbox.uids = &fields.uid;
            mailbox.status = Status::Success;
        }
        "imap_command_finished" => {
            if fields.service == Service::Other {
                mailbox.service = Service::Imap;
            }
            mailbox.action = action(&fields.command);
            mailbox.command = &fields.command;
            // The human form shows a literal's length in place of its text; the raw form has it.
            let human = !fields.arguments.is_empty() && !fields.arguments.contains("literal>");
            mailbox.arguments = if human || fields.raw_arguments.is_empty() {
                &fields.arguments
            } else {
                &fields.raw_arguments
            };
            if fields.command.starts_with("UID ") && mailbox.action != MailboxAction::Search {
                mailbox.uids = mailbox.arguments.split(' ').next().unwrap_or_default();
            }
            mailbox.status = match &*fields.reply {
                "OK" => Status::Success,
                "NO" | "BAD" => Status::Failure,
                _ => Status::Unknown,
            };
        }
        "managesieve_command_finished" => {
            if !matches!(
                &*fields.command,
                "PUTSCRIPT" | "SETACTIVE" | "DELETESCRIPT" | "RENAMESCRIPT"
            ) {
                return out.ignored(&record);
            }
            mailbox.action = MailboxAction::SieveScript;
            mailbox.service = Service::ManageSieve;
            mailbox.command = &fields.command;
            mailbox.arguments = &fields.script;
        }
        "mail_user_session_finished" => {
            let logoff = Logoff {
                service: fields.service,
                user: &fields.user,
                session: &fields.session,
                src_ip: field::ip(&fields.remote_ip),
                reason: &fields.reason,
                bytes_in: fields.bytes_in,
                bytes_out: fields.bytes_out,
                ..Logoff::default()
            };
            return out.event(&record, Product::Dovecot, Body::Logoff(Box::new(logoff)));
        }
        _ => return out.ignored(&record),
    }
    out.event(&record, Product::Dovecot, Body::Mailbox(mailbox))
}

fn action(command: &str) -> MailboxAction {
    match command.strip_prefix("UID ").unwrap_or(command) {
        "FETCH" => MailboxAction::Fetch,
        "SEARCH" | "SORT" | "THREAD" | "ESEARCH" => MailboxAction::Search,
        "LIST" | "LSUB" | "XLIST" | "SELECT" | "EXAMINE" | "STATUS" | "GETQUOTAROOT" | "GETACL"
        | "GETMETADATA" => MailboxAction::List,
        "APPEND" => MailboxAction::Save,
        "COPY" | "MOVE" => MailboxAction::Copy,
        "STORE" => MailboxAction::FlagChange,
        "EXPUNGE" => MailboxAction::Expunge,
        "CREATE" => MailboxAction::MailboxCreate,
        "DELETE" => MailboxAction::MailboxDelete,
        "RENAME" => MailboxAction::MailboxRename,
        _ => MailboxAction::Command,
    }
}
