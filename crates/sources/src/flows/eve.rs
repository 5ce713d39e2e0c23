//! What Suricata's EVE records other than flows say: `alert`, `http`, `dns`, `tls`, `smtp`,
//! `fileinfo`.
//!
//! Fields are those of Suricata's `etc/schema.json`, versions 4 to 8.

use super::protocol;
use super::suricata::Eve;
use crate::web::ip;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use vauban_ocsf::{
    Alert, Body, Dns, DnsActivity, Email, EmailActivity, EmailExtra, FileAction, FileActivity,
    Http, HttpExtra, NetAction, Network, NetworkExtra, Severity, Timestamp, Tls,
};

type Text<'a> = Cow<'a, str>;

/// Reads an object of a record; `None` if it is not what its type promises.
fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// Gives the record's event to `take`; `false` if it has none.
pub(super) fn event(eve: &Eve<'_>, time: Timestamp, take: &mut dyn FnMut(Body<'_>)) -> bool {
    let uid = eve
        .flow_id
        .map(|raw| raw.get().trim_matches('"').to_owned())
        .unwrap_or_default();
    match &*eve.event_type {
        "alert" => alert(eve, &uid, take),
        "http" => http(eve, &uid, take),
        "dns" => dns(eve, &uid, take),
        "tls" => tls(eve, &uid, time, take),
        "smtp" => smtp(eve, &uid, take),
        "fileinfo" => file(eve, &uid, take),
        _ => None,
    }
    .is_some()
}

#[derive(Deserialize)]
struct AlertText<'a> {
    #[serde(borrow, default)]
    signature: Text<'a>,
    #[serde(borrow, default)]
    category: Text<'a>,
    #[serde(borrow, default)]
    action: Text<'a>,
    #[serde(default)]
    severity: Option<u8>,
    #[serde(default)]
    gid: u32,
    #[serde(default)]
    signature_id: u64,
    #[serde(default)]
    rev: u32,
}

fn alert(eve: &Eve<'_>, uid: &str, take: &mut dyn FnMut(Body<'_>)) -> Option<()> {
    let alert: AlertText<'_> = read(eve.alert)?;
    let rule = format!("{}:{}:{}", alert.gid, alert.signature_id, alert.rev);
    // What it was about, where the record has it.
    let request = read::<HttpText<'_>>(eve.http)
        .map(|h| format!("{} {}{}", h.http_method, h.hostname, h.url))
        .unwrap_or_default();
    let body = Body::Alert(Alert {
        // 1 is the gravest.
        severity: match alert.severity {
            Some(1) => Severity::Error,
            Some(2) => Severity::Warning,
            _ => Severity::Info,
        },
        title: &alert.signature,
        rule: &rule,
        category: &alert.category,
        detail: &request,
        action: if alert.action == "blocked" {
            NetAction::Blocked
        } else {
            NetAction::Allowed
        },
        protocol: protocol(&eve.proto).unwrap_or(0),
        src_ip: ip(&eve.src_ip),
        src_port: eve.src_port,
        dst_ip: ip(&eve.dest_ip),
        dst_port: eve.dest_port,
        flow_uid: uid,
    });
    take(body);
    Some(())
}

#[derive(Deserialize)]
struct HttpText<'a> {
    #[serde(borrow, default)]
    hostname: Text<'a>,
    #[serde(borrow, default)]
    url: Text<'a>,
    #[serde(borrow, default)]
    http_user_agent: Text<'a>,
    #[serde(borrow, default)]
    http_content_type: Text<'a>,
    #[serde(borrow, default)]
    http_refer: Text<'a>,
    #[serde(borrow, default)]
    http_method: Text<'a>,
    #[serde(borrow, default)]
    xff: Text<'a>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    length: Option<u64>,
}

fn http(eve: &Eve<'_>, uid: &str, take: &mut dyn FnMut(Body<'_>)) -> Option<()> {
    let http: HttpText<'_> = read(eve.http)?;
    let (path, query) = http.url.split_once('?').unwrap_or((&http.url, ""));
    take(Body::Http(Http {
        method: &http.http_method,
        path,
        query,
        vhost: &http.hostname,
        referrer: &http.http_refer,
        user_agent: &http.http_user_agent,
        status: http.status,
        bytes_out: http.length,
        src_ip: ip(&eve.src_ip),
        forwarded_for: &http.xff,
        extra: Some(Box::new(HttpExtra {
            src_port: eve.src_port,
            dst_ip: ip(&eve.dest_ip),
            dst_port: eve.dest_port,
            mime: &http.http_content_type,
            flow_uid: uid,
            proxy_result: "",
        })),
        ..Http::default()
    }));
    Some(())
}

#[derive(Deserialize)]
struct DnsText<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(default)]
    id: Option<u16>,
    #[serde(borrow, default)]
    rrname: Text<'a>,
    #[serde(borrow, default)]
    rrtype: Text<'a>,
    #[serde(borrow, default)]
    rcode: Text<'a>,
    /// Version 1: one answer a record.
    #[serde(borrow, default)]
    rdata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    answers: Vec<Answer<'a>>,
    /// Version 3: the question.
    #[serde(borrow, default)]
    queries: Vec<Question<'a>>,
}

#[derive(Deserialize)]
struct Question<'a> {
    #[serde(borrow, default)]
    rrname: Text<'a>,
    #[serde(borrow, default)]
    rrtype: Text<'a>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    rdata: Option<&'a RawValue>,
}

fn dns(eve: &Eve<'_>, uid: &str, take: &mut dyn FnMut(Body<'_>)) -> Option<()> {
    let dns: DnsText<'_> = read(eve.dns)?;
    let mut answers = String::new();
    for rdata in dns
        .answers
        .iter()
        .map(|a| a.rdata)
        .chain([dns.rdata])
        .flatten()
    {
        if !answers.is_empty() {
            answers.push('\n');
        }
        match serde_json::from_str::<String>(rdata.get()) {
            Ok(text) => answers.push_str(&text.replace('\n', " ")),
            // An object: SOA, SRV.
            Err(_) => answers.push_str(rdata.get()),
        }
    }
    let (name, kind) = match dns.queries.first() {
        Some(q) => (&q.rrname, &q.rrtype),
        None => (&dns.rrname, &dns.rrtype),
    };
    let query = matches!(&*dns.kind, "query" | "request");
    let asked = (ip(&eve.src_ip), eve.src_port);
    let answered = (ip(&eve.dest_ip), eve.dest_port);
    // Some versions write an answer in the direction of its packet.
    let (client, server) = if eve.src_port == Some(53) && eve.dest_port != Some(53) {
        (answered, asked)
    } else {
        (asked, answered)
    };
    take(Body::Dns(Dns {
        activity: if query {
            DnsActivity::Query
        } else {
            DnsActivity::Response
        },
        query: name.trim_end_matches('.'),
        query_type: kind,
        query_class: "",
        rcode: &dns.rcode,
        answers: &answers,
        transaction: dns.id,
        protocol: protocol(&eve.proto).unwrap_or(0),
        src_ip: client.0,
        src_port: client.1,
        dst_ip: server.0,
        dst_port: server.1,
        action: NetAction::Allowed,
        duration_us: None,
        flow_uid: uid,
        detail: "",
    }));
    Some(())
}

#[derive(Deserialize)]
struct TlsText<'a> {
    #[serde(borrow, default)]
    subject: Text<'a>,
    #[serde(borrow, default)]
    issuerdn: Text<'a>,
    #[serde(borrow, default)]
    serial: Text<'a>,
    #[serde(borrow, default)]
    fingerprint: Text<'a>,
    #[serde(borrow, default)]
    sni: Text<'a>,
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(default)]
    session_resumed: Option<bool>,
    #[serde(borrow, default)]
    ja3: Hash<'a>,
    #[serde(borrow, default)]
    ja3s: Hash<'a>,
    #[serde(borrow, default)]
    ja4: Text<'a>,
    #[serde(borrow, default)]
    server_alpns: Vec<Text<'a>>,
}

#[derive(Deserialize, Default)]
struct Hash<'a> {
    #[serde(borrow, default)]
    hash: Text<'a>,
}

fn tls(eve: &Eve<'_>, uid: &str, time: Timestamp, take: &mut dyn FnMut(Body<'_>)) -> Option<()> {
    let tls: TlsText<'_> = read(eve.tls)?;
    take(Body::Network(Network {
        start: Some(time),
        protocol: protocol(&eve.proto).unwrap_or(0),
        src_ip: ip(&eve.src_ip),
        src_port: eve.src_port,
        dst_ip: ip(&eve.dest_ip),
        dst_port: eve.dest_port,
        label: uid,
        iif: &eve.in_iface,
        extra: Some(Box::new(NetworkExtra {
            service: "tls",
            tls: Some(Tls {
                version: &tls.version,
                sni: &tls.sni,
                ja3: &tls.ja3.hash,
                ja3s: &tls.ja3s.hash,
                ja4: &tls.ja4,
                subject: &tls.subject,
                issuer: &tls.issuerdn,
                serial: &tls.serial,
                fingerprint: &tls.fingerprint,
                alpn: tls.server_alpns.first().map_or("", |a| a),
                resumed: tls.session_resumed,
                ..Tls::default()
            }),
            ..NetworkExtra::default()
        })),
        ..Network::default()
    }));
    Some(())
}

#[derive(Deserialize, Default)]
struct SmtpText<'a> {
    #[serde(borrow, default)]
    helo: Text<'a>,
    #[serde(borrow, default)]
    mail_from: Text<'a>,
    #[serde(borrow, default)]
    rcpt_to: Vec<Text<'a>>,
}

#[derive(Deserialize, Default)]
struct EmailText<'a> {
    #[serde(borrow, default)]
    from: Text<'a>,
    #[serde(borrow, default)]
    to: Vec<Text<'a>>,
    #[serde(borrow, default)]
    subject: Text<'a>,
    #[serde(borrow, default)]
    message_id: Text<'a>,
    #[serde(borrow, default)]
    x_mailer: Text<'a>,
    #[serde(borrow, default)]
    attachment: Vec<Text<'a>>,
}

fn smtp(eve: &Eve<'_>, uid: &str, take: &mut dyn FnMut(Body<'_>)) -> Option<()> {
    let smtp: SmtpText<'_> = read(eve.smtp)?;
    let mail: EmailText<'_> = read(eve.email).unwrap_or_default();
    let bare = crate::field::unbracketed;
    let to: Vec<&str> = smtp.rcpt_to.iter().map(|r| bare(r)).collect();
    let (to, header_to) = (to.join(","), mail.to.join(","));
    let attached = mail.attachment.join("\n");
    take(Body::Email(Email {
        activity: if smtp.mail_from.is_empty() {
            EmailActivity::Other
        } else {
            EmailActivity::Accepted
        },
        message_id: bare(&mail.message_id),
        from: bare(&smtp.mail_from),
        to: &to,
        src_ip: ip(&eve.src_ip),
        src_port: eve.src_port,
        agent: "smtp",
        helo: &smtp.helo,
        detail: &attached,
        subject: &mail.subject,
        extra: Some(Box::new(EmailExtra {
            header_from: &mail.from,
            header_to: &header_to,
            user_agent: &mail.x_mailer,
            dst_ip: ip(&eve.dest_ip),
            dst_port: eve.dest_port,
            flow_uid: uid,
            ..EmailExtra::default()
        })),
        ..Email::default()
    }));
    Some(())
}

#[derive(Deserialize)]
struct FileText<'a> {
    #[serde(borrow, default)]
    filename: Text<'a>,
    #[serde(borrow, default)]
    magic: Text<'a>,
    #[serde(borrow, default)]
    md5: Text<'a>,
    #[serde(borrow, default)]
    sha1: Text<'a>,
    #[serde(borrow, default)]
    sha256: Text<'a>,
    #[serde(default)]
    size: Option<u64>,
}

fn file(eve: &Eve<'_>, uid: &str, take: &mut dyn FnMut(Body<'_>)) -> Option<()> {
    let file: FileText<'_> = read(eve.fileinfo)?;
    take(Body::File(FileActivity {
        action: FileAction::Transferred,
        path: &file.filename,
        size: file.size,
        // libmagic's words, not a media type: what the content was found to be.
        mime: &file.magic,
        md5: &file.md5,
        sha1: &file.sha1,
        sha256: &file.sha256,
        src_ip: ip(&eve.src_ip),
        dst_ip: ip(&eve.dest_ip),
        service: &eve.app_proto,
        flow_uid: uid,
        ..FileActivity::default()
    }));
    Some(())
}
