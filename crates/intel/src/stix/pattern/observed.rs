//! What an observation has, by STIX object path; and events seen as observations.

use super::ast::Step;
use std::borrow::Cow;
use std::net::IpAddr;
use vauban_ocsf::{Body, Event, Timestamp};

/// A value of an observed object.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// An integer.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// An instant.
    Time(Timestamp),
}

/// An observation: objects seen at one time.
pub trait Observed {
    /// When it was first and last seen.
    fn times(&self) -> (Timestamp, Timestamp);

    /// Number of objects of a STIX type ("ipv4-addr") in it.
    fn objects(&self, kind: &str) -> usize;

    /// Hands over every value that the steps lead to from the object with this number, until
    /// `take` says yes; gives whether it did.
    fn values(
        &self,
        kind: &str,
        object: usize,
        steps: &[Step],
        take: &mut dyn FnMut(Scalar<'_>) -> bool,
    ) -> bool;
}

/// An event as an observation.
///
/// | STIX | of an event |
/// |---|---|
/// | `ipv4-addr:value`, `ipv6-addr:value` | every address |
/// | `domain-name:value` | every host name, hosts of URLs, domains of mail addresses |
/// | `url:value` | referrer; the request, when the log names the host |
/// | `email-addr:value` | envelope and header addresses |
/// | `email-message:from_ref.value`, `sender_ref`, `to_refs[*].value`, `subject`, `message_id` | a message on its way or in a mailbox |
/// | `file:name`, `path`, `size`, `mime_type`, `hashes.*` | a file used or seen in transfer |
/// | `network-traffic:src_ref.value`, `dst_ref.value`, ports, `protocols[*]`, byte and packet counts, `start`, `end` | flows, requests, log-ins, mail |
/// | `network-traffic:extensions.'http-request-ext'.*` | method, path, `request_header.'User-Agent'`, `Referer`, `Host` |
/// | `user-account:user_id`, `account_login` | the account |
/// | `process:command_line`, `name`, `pid` | a command that was run |
/// | `x509-certificate:issuer`, `subject`, `serial_number`, `hashes.*` | a certificate that a sensor saw |
#[derive(Copy, Clone, Debug)]
pub struct EventObservation<'a>(pub &'a Event<'a>);

/// Property, value.
type Fact<'a> = (&'static str, Scalar<'a>);

fn text(value: &str) -> Option<Scalar<'_>> {
    (!value.is_empty()).then_some(Scalar::Text(Cow::Borrowed(value)))
}

fn number<T: TryInto<i64>>(value: Option<T>) -> Option<Scalar<'static>> {
    value.and_then(|v| v.try_into().ok()).map(Scalar::Int)
}

fn address(ip: Option<IpAddr>) -> Option<Scalar<'static>> {
    ip.map(|ip| Scalar::Text(ip.to_canonical().to_string().into()))
}

/// Collects the objects of an event. Each object is a list of facts.
struct Objects<'a> {
    kind: &'static str,
    all: Vec<Vec<Fact<'a>>>,
}

impl<'a> Objects<'a> {
    fn value(&mut self, kind: &'static str, value: Option<Scalar<'a>>) {
        if self.kind == kind
            && let Some(value) = value
        {
            self.all.push(vec![("value", value)]);
        }
    }

    fn ip(&mut self, ip: Option<IpAddr>) {
        let kind = match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(_)) => "ipv4-addr",
            Some(IpAddr::V6(_)) => "ipv6-addr",
            None => return,
        };
        self.value(kind, address(ip));
    }

    fn host(&mut self, host: &'a str) {
        self.value("domain-name", text(host));
    }

    fn email(&mut self, address: &'a str) {
        if let Some((_, domain)) = address.rsplit_once('@') {
            self.host(domain);
            self.value("email-addr", text(address));
        }
    }

    fn object(
        &mut self,
        kind: &'static str,
        facts: impl IntoIterator<Item = (&'static str, Option<Scalar<'a>>)>,
    ) {
        if self.kind == kind {
            let facts: Vec<Fact<'a>> = facts
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            if !facts.is_empty() {
                self.all.push(facts);
            }
        }
    }

    fn account(&mut self, user: &'a str) {
        self.object(
            "user-account",
            [("user_id", text(user)), ("account_login", text(user))],
        );
    }
}

const KINDS: &[&str] = &[
    "ipv4-addr",
    "ipv6-addr",
    "domain-name",
    "url",
    "email-addr",
    "email-message",
    "file",
    "network-traffic",
    "user-account",
    "process",
    "x509-certificate",
];

impl<'a> EventObservation<'a> {
    /// Objects of one type.
    fn of(&self, kind: &str) -> Vec<Vec<Fact<'a>>> {
        let Some(kind) = KINDS.iter().copied().find(|k| *k == kind) else {
            return Vec::new();
        };
        let event = self.0;
        let mut out = Objects {
            kind,
            all: Vec::new(),
        };
        match &event.body {
            Body::Logon(l) => {
                out.ip(l.src_ip);
                out.ip(l.dst_ip);
                out.host(l.src_host);
                out.email(l.user);
                out.account(l.user);
                out.object(
                    "network-traffic",
                    [
                        ("src_ref.value", address(l.src_ip)),
                        ("src_port", number(l.src_port)),
                        ("dst_ref.value", address(l.dst_ip)),
                        ("dst_port", number(l.dst_port)),
                        ("protocols", text(l.service.name())),
                    ],
                );
            }
            Body::Logoff(l) => {
                out.ip(l.src_ip);
                out.email(l.user);
                out.account(l.user);
                out.object(
                    "network-traffic",
                    [
                        ("src_ref.value", address(l.src_ip)),
                        ("src_byte_count", number(l.bytes_in)),
                        ("dst_byte_count", number(l.bytes_out)),
                        ("protocols", text(l.service.name())),
                    ],
                );
            }
            Body::Http(h) => http(h, &mut out),
            Body::Email(e) => {
                let extra = e.extra.as_deref();
                let dst = e.relay_ip.or_else(|| extra.and_then(|x| x.dst_ip));
                out.ip(e.src_ip);
                out.ip(dst);
                out.ip(extra.and_then(|x| x.origin_ip));
                out.host(e.src_host);
                out.host(e.relay_host);
                out.host(e.helo);
                out.email(e.from);
                e.to.split(',').for_each(|to| out.email(to.trim()));
                out.account(e.sasl_user);
                if kind == "email-message" {
                    let mut facts = vec![
                        ("from_ref.value", text(e.from)),
                        ("sender_ref.value", text(e.from)),
                        ("subject", text(e.subject)),
                        ("message_id", text(e.message_id)),
                    ];
                    facts.extend(e.to.split(',').map(|to| ("to_refs.value", text(to.trim()))));
                    if let Some(x) = extra {
                        facts.push(("from_ref.value", text(plain_address(x.header_from))));
                    }
                    out.object("email-message", facts);
                }
                out.object(
                    "network-traffic",
                    [
                        ("src_ref.value", address(e.src_ip)),
                        ("src_port", number(e.src_port)),
                        ("dst_ref.value", address(dst)),
                        ("dst_port", number(e.relay_port)),
                        ("protocols", text("smtp")),
                    ],
                );
            }
            Body::Mailbox(m) => {
                out.ip(m.src_ip);
                out.email(m.from);
                out.account(m.user);
                out.object(
                    "email-message",
                    [
                        ("from_ref.value", text(plain_address(m.from))),
                        ("subject", text(m.subject)),
                        ("message_id", text(m.message_id)),
                    ],
                );
            }
            Body::Network(n) => {
                out.ip(n.src_ip);
                out.ip(n.dst_ip);
                let tls = n.extra.as_ref().and_then(|x| x.tls.as_ref());
                out.host(tls.map_or("", |t| t.sni));
                if let Some(t) = tls {
                    let hash = match t.fingerprint.len() {
                        40 | 59 => "hashes.sha1",
                        _ => "hashes.sha256",
                    };
                    out.object(
                        "x509-certificate",
                        [
                            ("issuer", text(t.issuer)),
                            ("subject", text(t.subject)),
                            ("serial_number", text(t.serial)),
                            (hash, text(t.fingerprint)),
                        ],
                    );
                }
                let protocol = match n.protocol {
                    6 => "tcp",
                    17 => "udp",
                    1 => "icmp",
                    58 => "icmp6",
                    _ => "",
                };
                out.object(
                    "network-traffic",
                    [
                        ("src_ref.value", address(n.src_ip)),
                        ("src_port", number(n.src_port)),
                        ("dst_ref.value", address(n.dst_ip)),
                        ("dst_port", number(n.dst_port)),
                        ("protocols", text(protocol)),
                        (
                            "protocols",
                            text(n.extra.as_ref().map_or("", |x| x.service)),
                        ),
                        ("src_byte_count", number(n.bytes_out)),
                        ("dst_byte_count", number(n.bytes_in)),
                        ("src_packets", number(n.packets_out)),
                        ("dst_packets", number(n.packets_in)),
                        ("start", n.start.map(Scalar::Time)),
                        ("end", Some(Scalar::Time(event.time))),
                        ("dst_ref.value", text(tls.map_or("", |t| t.sni))),
                    ],
                );
            }
            Body::Account(a) => {
                out.ip(a.src_ip);
                out.account(a.user);
                out.account(a.actor);
            }
            Body::Process(p) => {
                out.account(p.user);
                out.object(
                    "process",
                    [
                        ("command_line", text(p.command)),
                        (
                            "name",
                            text(p.command.split([' ', '\0']).next().unwrap_or("")),
                        ),
                    ],
                );
            }
            Body::Dns(d) => {
                out.ip(d.src_ip);
                out.ip(d.dst_ip);
                out.host(d.query);
                let answers = d.answers.split([',', ' ']).map(str::trim);
                answers.for_each(|a| out.ip(a.parse().ok()));
            }
            Body::File(f) => {
                out.ip(f.src_ip);
                out.ip(f.dst_ip);
                out.account(f.user);
                let name = f.path.rsplit('/').next().unwrap_or(f.path);
                out.object(
                    "file",
                    [
                        ("name", text(name)),
                        ("path", text(f.path)),
                        ("size", number(f.size)),
                        ("mime_type", text(f.mime)),
                        ("hashes.md5", text(f.md5)),
                        ("hashes.sha1", text(f.sha1)),
                        ("hashes.sha256", text(f.sha256)),
                    ],
                );
            }
            Body::Alert(a) => {
                out.ip(a.src_ip);
                out.ip(a.dst_ip);
                out.object(
                    "network-traffic",
                    [
                        ("src_ref.value", address(a.src_ip)),
                        ("src_port", number(a.src_port)),
                        ("dst_ref.value", address(a.dst_ip)),
                        ("dst_port", number(a.dst_port)),
                    ],
                );
            }
            Body::Message(m) => {
                out.ip(m.src_ip);
                out.account(m.user);
            }
        }
        out.all
    }
}

fn http<'a>(h: &vauban_ocsf::Http<'a>, out: &mut Objects<'a>) {
    let extra = h.extra.as_deref();
    out.ip(h.src_ip);
    out.ip(extra.and_then(|x| x.dst_ip));
    for part in h.forwarded_for.split(',') {
        out.ip(part.trim().parse().ok());
    }
    out.host(h.src_host);
    out.host(h.vhost.split(':').next().unwrap_or(""));
    let referrer_host = h
        .referrer
        .split_once("://")
        .and_then(|(_, r)| r.split(['/', '?', ':', '#']).next());
    out.host(referrer_host.unwrap_or(""));
    out.value("url", text(h.referrer));
    let query = if h.query.is_empty() { "" } else { "?" };
    if out.kind == "url" && !h.vhost.is_empty() {
        // Whether it was TLS is not always told; then both may be meant.
        let schemes: &[&str] = match h.tls {
            Some(true) => &["https"],
            Some(false) => &["http"],
            None => &["http", "https"],
        };
        for scheme in schemes {
            let url = format!("{scheme}://{}{}{query}{}", h.vhost, h.path, h.query);
            out.value("url", Some(Scalar::Text(url.into())));
        }
    }
    out.account(h.user);
    let request = format!("{}{query}{}", h.path, h.query);
    let request = (!request.is_empty()).then_some(Scalar::Text(request.into()));
    out.object(
        "network-traffic",
        [
            ("src_ref.value", address(h.src_ip)),
            ("src_port", number(extra.and_then(|x| x.src_port))),
            ("dst_ref.value", address(extra.and_then(|x| x.dst_ip))),
            ("dst_ref.value", text(h.vhost)),
            ("dst_port", number(extra.and_then(|x| x.dst_port))),
            ("protocols", text("http")),
            ("src_byte_count", number(h.bytes_in)),
            ("dst_byte_count", number(h.bytes_out)),
            ("extensions.http-request-ext.request_method", text(h.method)),
            ("extensions.http-request-ext.request_value", request),
            (
                "extensions.http-request-ext.request_header.user-agent",
                text(h.user_agent),
            ),
            (
                "extensions.http-request-ext.request_header.referer",
                text(h.referrer),
            ),
            (
                "extensions.http-request-ext.request_header.host",
                text(h.vhost),
            ),
        ],
    );
}

/// The address in `Name <address>`.
fn plain_address(written: &str) -> &str {
    match (written.rfind('<'), written.rfind('>')) {
        (Some(a), Some(b)) if a < b => written.get(a + 1..b).unwrap_or(written),
        _ => written.trim(),
    }
}

/// Steps as the names of facts: list steps left out, keys of hashes and headers in one form.
fn name(steps: &[Step]) -> String {
    let mut name = String::new();
    for step in steps {
        let Step::Key(key) = step else { continue };
        if !name.is_empty() {
            name.push('.');
        }
        if name.starts_with("hashes") {
            name.extend(
                key.chars()
                    .filter(|c| *c != '-')
                    .map(|c| c.to_ascii_lowercase()),
            );
        } else if name.ends_with("request_header.") {
            name.push_str(&key.to_ascii_lowercase());
        } else {
            name.push_str(key);
        }
    }
    name
}

impl Observed for EventObservation<'_> {
    fn times(&self) -> (Timestamp, Timestamp) {
        (self.0.time, self.0.time)
    }

    fn objects(&self, kind: &str) -> usize {
        self.of(kind).len()
    }

    fn values(
        &self,
        kind: &str,
        object: usize,
        steps: &[Step],
        take: &mut dyn FnMut(Scalar<'_>) -> bool,
    ) -> bool {
        let wanted = name(steps);
        // The type of what a reference points to follows from the value.
        let (wanted, of_type) = match wanted.strip_suffix(".type") {
            Some(front) if front.ends_with("_ref") => (format!("{front}.value"), true),
            _ => (wanted, false),
        };
        let all = self.of(kind);
        let facts = all.get(object).map_or(&[][..], Vec::as_slice);
        facts
            .iter()
            .filter(|(fact, _)| *fact == wanted)
            .any(|(_, value)| {
                if !of_type {
                    return take(value.clone());
                }
                let text = value.text();
                let kind = match text.parse::<IpAddr>() {
                    Ok(IpAddr::V4(_)) => "ipv4-addr",
                    Ok(IpAddr::V6(_)) => "ipv6-addr",
                    Err(_) if text.contains('@') => "email-addr",
                    Err(_) => "domain-name",
                };
                take(Scalar::Text(Cow::Borrowed(kind)))
            })
    }
}
