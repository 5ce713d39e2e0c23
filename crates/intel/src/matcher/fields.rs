//! Which attributes of an event hold values that indicators speak of.
//!
//! The paths are those of `docs/OCSF.md`, so that a search through stored events looks at the
//! same columns: [`role_of`] says of a column what [`each_field`] says of an event. To add one:
//! add its path here and hand its value over below; the lake's tests compare the two.

use std::net::IpAddr;
use vauban_ocsf::{Body, Event};

/// What kind of value an attribute holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An address.
    Ip,
    /// A host's name; also an address in its place.
    Host,
    /// An e-mail address, or several separated by commas.
    Email,
    /// An account, which may be written as an e-mail address.
    Account,
    /// A user agent.
    Agent,
    /// A whole URL.
    Url,
    /// MD5, SHA-1 or SHA-256 in hexadecimal.
    Hash,
    /// JA3 of a TLS client or server.
    Ja3,
    /// JA4 of a TLS client or server.
    Ja4,
    /// A file's name or path.
    File,
    /// Subject of a message.
    Subject,
    /// Words that may have any of these in them.
    Text,
    /// Host part of a request whose path and query are attributes of their own.
    UrlHost,
    /// See `UrlHost`.
    UrlPath,
    /// See `UrlHost`.
    UrlQuery,
}

/// A value of an event.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// An address.
    Ip(IpAddr),
    /// Anything else.
    Text(&'a str),
}

impl std::fmt::Display for FieldValue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// An attribute and its value.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Field<'a> {
    /// OCSF attribute path ("src_endpoint.ip").
    pub path: &'static str,
    /// The value, as logged.
    pub value: FieldValue<'a>,
}

const ROLES: &[(&str, Role)] = &[
    ("src_endpoint.ip", Role::Ip),
    ("dst_endpoint.ip", Role::Ip),
    ("unmapped.src_ip", Role::Ip),
    ("unmapped.origin_ip", Role::Ip),
    ("http_request.x_forwarded_for", Role::Ip),
    ("evidences[].src_endpoint.ip", Role::Ip),
    ("evidences[].dst_endpoint.ip", Role::Ip),
    ("src_endpoint.hostname", Role::Host),
    ("dst_endpoint.hostname", Role::Host),
    ("unmapped.helo", Role::Host),
    ("query.hostname", Role::Host),
    ("tls.sni", Role::Host),
    ("http_request.url.hostname", Role::UrlHost),
    ("http_request.url.path", Role::UrlPath),
    ("http_request.url.query_string", Role::UrlQuery),
    ("http_request.referrer", Role::Url),
    ("http_request.user_agent", Role::Agent),
    ("unmapped.user_agent", Role::Agent),
    ("from", Role::Email),
    ("to", Role::Email),
    ("unmapped.orig_to", Role::Email),
    ("unmapped.from", Role::Email),
    ("user.name", Role::Account),
    ("email.subject", Role::Subject),
    ("unmapped.subject", Role::Subject),
    ("tls.ja3_hash.value", Role::Ja3),
    ("tls.ja3s_hash.value", Role::Ja3),
    ("ja4_fingerprint_list[].value", Role::Ja4),
    ("unmapped.ja4s", Role::Ja4),
    ("tls.certificate.fingerprints[].value", Role::Hash),
    ("file.hashes[].value", Role::Hash),
    ("unmapped.md5", Role::Hash),
    ("unmapped.sha1", Role::Hash),
    ("unmapped.sha256", Role::Hash),
    ("file.name", Role::File),
    ("process.cmd_line", Role::Text),
    ("message", Role::Text),
    ("status_detail", Role::Text),
    ("answers[].rdata", Role::Text),
    ("email.from", Role::Text),
    ("email.to", Role::Text),
    ("email.reply_to", Role::Text),
    ("unmapped.arguments", Role::Text),
    ("finding_info.title", Role::Text),
    ("finding_info.desc", Role::Text),
];

/// What the attribute at `path` holds, if indicators speak of it.
pub fn role_of(path: &str) -> Option<Role> {
    // Whether a list is written as one ("a[].b") does not matter.
    let plain = |step: &'static str| step.trim_end_matches("[]");
    let same = |known: &'static str| {
        let asked = path.split('.').map(|step| step.trim_end_matches("[]"));
        known.split('.').map(plain).eq(asked)
    };
    ROLES.iter().find(|(p, _)| same(p)).map(|&(_, r)| r)
}

/// Hands over every attribute of `event` that indicators speak of and the record has, with what
/// it holds. Nothing is allocated.
pub fn each_field<'a>(event: &Event<'a>, take: &mut dyn FnMut(Role, Field<'a>)) {
    let mut out = Out(take);
    match &event.body {
        Body::Logon(l) => {
            out.ip("src_endpoint.ip", l.src_ip);
            out.ip("dst_endpoint.ip", l.dst_ip);
            out.text("src_endpoint.hostname", Role::Host, l.src_host);
            out.text("user.name", Role::Account, l.user);
            out.text("status_detail", Role::Text, l.detail);
        }
        Body::Logoff(l) => {
            out.ip("src_endpoint.ip", l.src_ip);
            out.text("user.name", Role::Account, l.user);
            out.text("status_detail", Role::Text, l.reason);
        }
        Body::Http(h) => {
            out.ip("src_endpoint.ip", h.src_ip);
            if let Some(x) = &h.extra {
                out.ip("dst_endpoint.ip", x.dst_ip);
            }
            out.text("src_endpoint.hostname", Role::Host, h.src_host);
            for part in h.forwarded_for.split(',') {
                out.ip("http_request.x_forwarded_for", part.trim().parse().ok());
            }
            out.text("http_request.url.hostname", Role::UrlHost, h.vhost);
            out.text("http_request.url.path", Role::UrlPath, h.path);
            out.text("http_request.url.query_string", Role::UrlQuery, h.query);
            out.text("http_request.referrer", Role::Url, h.referrer);
            out.text("http_request.user_agent", Role::Agent, h.user_agent);
        }
        Body::Email(e) => {
            out.ip("src_endpoint.ip", e.src_ip);
            out.ip("dst_endpoint.ip", e.relay_ip);
            if let Some(x) = &e.extra {
                if e.relay_ip.is_none() {
                    out.ip("dst_endpoint.ip", x.dst_ip);
                }
                out.ip("unmapped.origin_ip", x.origin_ip);
                out.text("unmapped.user_agent", Role::Agent, x.user_agent);
                out.text("email.from", Role::Text, x.header_from);
                out.text("email.to", Role::Text, x.header_to);
                out.text("email.reply_to", Role::Text, x.reply_to);
            }
            out.text("src_endpoint.hostname", Role::Host, e.src_host);
            out.text("dst_endpoint.hostname", Role::Host, e.relay_host);
            out.text("unmapped.helo", Role::Host, e.helo);
            out.text("from", Role::Email, e.from);
            for part in e.to.split(',') {
                out.text("to", Role::Email, part.trim());
            }
            out.text("unmapped.orig_to", Role::Email, e.orig_to);
            out.text("email.subject", Role::Subject, e.subject);
            out.text("status_detail", Role::Text, e.detail);
        }
        Body::Mailbox(m) => {
            out.ip("src_endpoint.ip", m.src_ip);
            out.text("unmapped.from", Role::Email, m.from);
            out.text("unmapped.subject", Role::Subject, m.subject);
            out.text("unmapped.arguments", Role::Text, m.arguments);
        }
        Body::Network(n) => {
            out.ip("src_endpoint.ip", n.src_ip);
            out.ip("dst_endpoint.ip", n.dst_ip);
            if let Some(t) = n.extra.as_ref().and_then(|x| x.tls.as_ref()) {
                out.text("tls.sni", Role::Host, t.sni);
                out.text("tls.ja3_hash.value", Role::Ja3, t.ja3);
                out.text("tls.ja3s_hash.value", Role::Ja3, t.ja3s);
                out.text("ja4_fingerprint_list[].value", Role::Ja4, t.ja4);
                out.text("unmapped.ja4s", Role::Ja4, t.ja4s);
                let path = "tls.certificate.fingerprints[].value";
                out.text(path, Role::Hash, t.fingerprint);
            }
        }
        Body::Account(a) => {
            out.ip("src_endpoint.ip", a.src_ip);
            out.text("user.name", Role::Account, a.user);
            out.text("status_detail", Role::Text, a.detail);
        }
        Body::Process(p) => out.text("process.cmd_line", Role::Text, p.command),
        Body::Dns(d) => {
            out.ip("src_endpoint.ip", d.src_ip);
            out.ip("dst_endpoint.ip", d.dst_ip);
            out.text("query.hostname", Role::Host, d.query);
            out.text("answers[].rdata", Role::Text, d.answers);
        }
        Body::File(f) => {
            out.ip("src_endpoint.ip", f.src_ip);
            out.ip("dst_endpoint.ip", f.dst_ip);
            out.text("file.name", Role::File, f.path);
            out.text("unmapped.md5", Role::Hash, f.md5);
            out.text("unmapped.sha1", Role::Hash, f.sha1);
            out.text("unmapped.sha256", Role::Hash, f.sha256);
        }
        Body::Alert(a) => {
            out.ip("evidences[].src_endpoint.ip", a.src_ip);
            out.ip("evidences[].dst_endpoint.ip", a.dst_ip);
            out.text("finding_info.title", Role::Text, a.title);
            out.text("finding_info.desc", Role::Text, a.detail);
        }
        Body::Message(m) => {
            out.ip("unmapped.src_ip", m.src_ip);
            out.text("message", Role::Text, m.text);
        }
    }
}

struct Out<'t, 'a>(&'t mut dyn FnMut(Role, Field<'a>));

impl<'a> Out<'_, 'a> {
    fn ip(&mut self, path: &'static str, value: Option<IpAddr>) {
        if let Some(ip) = value {
            let value = FieldValue::Ip(ip);
            (self.0)(Role::Ip, Field { path, value });
        }
    }

    fn text(&mut self, path: &'static str, role: Role, value: &'a str) {
        if !value.is_empty() {
            let value = FieldValue::Text(value);
            (self.0)(role, Field { path, value });
        }
    }
}
