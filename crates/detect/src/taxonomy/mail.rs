//! Log-ins, sessions, use of mailboxes, mail on its way, changes to accounts.
//!
//! Counters at a session's end keep Dovecot's own names (`body_bytes`, `retr_count`), which is what
//! an administrator has before the eyes, and stand under `unmapped.` in OCSF.

use super::put::{Put, domain_of};
use super::{LogSource, ls, names};
use vauban_ocsf::{AccountChange, Email, Logoff, Logon, Mailbox, Product, Service};

/// The account: whole, and its domain.
fn account_name<'a>(put: &mut Put<'_, 'a>, path: &'static str, user: &'a str) {
    put.text(&["user", path], user);
    put.text(&["user_domain"], domain_of(user));
}

/// `category: authentication`.
pub fn logon<'a>(product: Product, logon: &Logon<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    let service = names::service(product, logon.service);
    put.text(&["action", "activity_name"], "logon");
    put.text(&["service", "service.name"], service);
    put.status(logon.status);
    account_name(put, "user.name", logon.user);
    put.text(&["master_user", "actor.user.name"], logon.master_user);
    put.source(logon.src_ip, logon.src_port, logon.src_host);
    put.destination(logon.dst_ip, logon.dst_port);
    put.text(&["auth_method", "auth_protocol"], logon.method);
    put.text(&["session", "session.uid"], logon.session);
    put.number(&["session_pid", "unmapped.session_pid"], logon.session_pid);
    put.flag(&["tls"], logon.tls);
    put.flag(&["is_cleartext"], logon.tls.map(|tls| !tls));
    put.number(&["attempts", "unmapped.attempts"], Some(logon.attempts));
    put.text(&["reason", "status_detail"], logon.detail);
    ls("authentication", names::product(product), service)
}

/// `category: mailbox`, `action: session_end`; an SSH or sudo session's end is
/// `category: authentication`.
pub fn logoff<'a>(product: Product, logoff: &Logoff<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    let service = names::service(product, logoff.service);
    put.text(&["action"], "session_end");
    put.text(&["activity_name"], "logoff");
    put.text(&["service", "service.name"], service);
    account_name(put, "user.name", logoff.user);
    put.text(&["session", "session.uid"], logoff.session);
    put.source(logoff.src_ip, None, "");
    put.text(&["reason", "status_detail"], logoff.reason);
    put.text(
        &["last_command", "unmapped.last_command"],
        logoff.last_command,
    );
    put.number(
        &["last_command_bytes_out", "unmapped.last_command_bytes_out"],
        logoff.last_command_bytes_out,
    );
    put.flag(
        &["no_commands", "unmapped.no_commands"],
        Some(logoff.no_commands),
    );
    put.number(&["bytes_in", "unmapped.bytes_in"], logoff.bytes_in);
    put.number(&["bytes_out", "unmapped.bytes_out"], logoff.bytes_out);
    put.number(&["deleted", "unmapped.deleted"], logoff.deleted);
    put.number(&["expunged", "unmapped.expunged"], logoff.expunged);
    put.number(&["trashed", "unmapped.trashed"], logoff.trashed);
    put.number(&["hdr_count", "unmapped.hdr_count"], logoff.hdr_count);
    put.number(&["hdr_bytes", "unmapped.hdr_bytes"], logoff.hdr_bytes);
    put.number(&["body_count", "unmapped.body_count"], logoff.body_count);
    put.number(&["body_bytes", "unmapped.body_bytes"], logoff.body_bytes);
    put.number(&["appended", "unmapped.appended"], logoff.appended);
    put.number(&["retr_count", "unmapped.retr_count"], logoff.retr_count);
    put.number(&["retr_bytes", "unmapped.retr_bytes"], logoff.retr_bytes);
    put.number(&["top_count", "unmapped.top_count"], logoff.top_count);
    put.number(&["top_bytes", "unmapped.top_bytes"], logoff.top_bytes);
    put.number(
        &["pop3_deleted", "unmapped.pop3_deleted"],
        logoff.pop3_deleted,
    );
    put.number(
        &["pop3_messages", "unmapped.pop3_messages"],
        logoff.pop3_messages,
    );
    put.number(&["pop3_size", "unmapped.pop3_size"], logoff.pop3_size);
    let category = match logoff.service {
        Service::Ssh | Service::Sudo | Service::Other => "authentication",
        _ => "mailbox",
    };
    ls(category, names::product(product), service)
}

/// `category: mailbox`: one message or one command.
pub fn mailbox<'a>(product: Product, mailbox: &Mailbox<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    let service = names::service(product, mailbox.service);
    put.text(
        &["action", "unmapped.action"],
        names::mailbox(mailbox.action),
    );
    put.text(&["service", "src_endpoint.svc_name"], service);
    put.status(mailbox.status);
    account_name(put, "actor.user.name", mailbox.user);
    put.text(&["session", "actor.session.uid"], mailbox.session);
    put.source(mailbox.src_ip, None, "");
    put.text(&["mailbox", "file.path"], mailbox.mailbox);
    put.text(
        &["other_mailbox", "unmapped.other_mailbox"],
        mailbox.other_mailbox,
    );
    put.text(&["uids", "file.uid"], mailbox.uids);
    put.text(&["message_id", "file.name"], mailbox.message_id);
    put.number(&["size", "file.size"], mailbox.size);
    put.number(&["vsize", "unmapped.vsize"], mailbox.vsize);
    put.text(&["flags", "unmapped.flags"], mailbox.flags);
    put.text(&["from", "unmapped.from"], mailbox.from);
    put.text(&["subject", "unmapped.subject"], mailbox.subject);
    put.text(&["command", "unmapped.command"], mailbox.command);
    put.text(&["arguments", "unmapped.arguments"], mailbox.arguments);
    put.number(&["bytes_out", "unmapped.bytes_out"], mailbox.bytes_out);
    put.number(&["bytes_in", "unmapped.bytes_in"], mailbox.bytes_in);
    ls("mailbox", names::product(product), service)
}

/// `category: mail`.
pub fn email<'a>(product: Product, email: &Email<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    put.text(
        &["action", "unmapped.activity"],
        names::email(email.activity),
    );
    put.status(email.status);
    put.text(&["queue_id", "message_trace_uid"], email.queue_id);
    put.text(&["message_id", "email.message_uid"], email.message_id);
    // `from` and `to` are Sigma-style names and OCSF's paths at once.
    put.text(&["from"], email.from);
    put.text(&["from_domain"], domain_of(email.from));
    put.text(&["to"], email.to);
    put.text(&["to_domain"], domain_of(email.to));
    put.text(&["orig_to", "unmapped.orig_to"], email.orig_to);
    put.text(&["orig_to_domain"], domain_of(email.orig_to));
    put.number(&["size", "email.size"], email.size);
    put.number(&["recipients", "unmapped.recipients"], email.recipients);
    account_name(put, "actor.user.name", email.sasl_user);
    put.text(&["auth_method", "unmapped.sasl_method"], email.sasl_method);
    put.source(email.src_ip, email.src_port, email.src_host);
    put.destination(email.relay_ip, email.relay_port);
    put.text(&["dst_host", "dst_endpoint.hostname"], email.relay_host);
    put.text(&["agent", "unmapped.agent"], email.agent);
    put.text(&["helo", "unmapped.helo"], email.helo);
    put.text(&["dsn", "status_code"], email.dsn);
    put.text(&["delivery", "unmapped.outcome"], email.outcome);
    put.text(&["reason", "status_detail"], email.detail);
    put.text(
        &["next_queue_id", "unmapped.next_queue_id"],
        email.next_queue_id,
    );
    put.text(&["mailbox", "unmapped.mailbox"], email.mailbox);
    put.text(&["subject", "email.subject"], email.subject);
    if let Some(extra) = &email.extra {
        if let Some(score) = extra.score {
            let score = crate::Value::Float(f64::from(score));
            put.value(&["score", "unmapped.score"], score);
        }
        put.text(&["verdicts", "unmapped.verdicts"], extra.verdicts);
        put.ip(&["origin_ip", "unmapped.origin_ip"], extra.origin_ip);
        put.text(&["header_from", "email.from"], extra.header_from);
        put.text(&["header_to", "email.to"], extra.header_to);
        put.text(&["reply_to", "email.reply_to"], extra.reply_to);
        put.text(&["user_agent", "unmapped.user_agent"], extra.user_agent);
        if email.relay_ip.is_none() {
            put.destination(extra.dst_ip, extra.dst_port);
        }
        put.text(&["flow_uid", "unmapped.flow_uid"], extra.flow_uid);
        put.flag(&["tls", "unmapped.tls"], extra.tls);
    }
    let service = match product {
        Product::Roundcube | Product::Sogo | Product::Horde => "webmail",
        Product::Dovecot => "lmtp",
        _ => "smtp",
    };
    ls("mail", names::product(product), service)
}

/// `category: account`.
pub fn account<'a>(
    product: Product,
    change: &AccountChange<'a>,
    put: &mut Put<'_, 'a>,
) -> LogSource {
    put.text(
        &["action", "activity_name"],
        names::account(change.activity),
    );
    put.status(change.status);
    account_name(put, "user.name", change.user);
    put.text(&["actor", "actor.user.name"], change.actor);
    put.source(change.src_ip, None, "");
    put.text(&["reason", "status_detail"], change.detail);
    let service = match names::product(product) {
        // useradd, passwd and usermod write to auth.log.
        "linux" => "auth",
        _ => names::log(product),
    };
    ls("account", names::product(product), service)
}
