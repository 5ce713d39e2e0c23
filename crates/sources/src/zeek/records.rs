//! Records of Zeek's logs as events.

use super::{Log, Row};
use crate::Line;
use crate::flows::protocol;
use crate::stamp::Clock;
use crate::web::ip;
use vauban_ocsf::{
    Alert, Body, Dns, DnsActivity, Email, EmailActivity, EmailExtra, Event, EventSink, FileAction,
    FileActivity, Http, HttpExtra, HttpTime, NetAction, Network, NetworkExtra, Product, Severity,
    Status, Timestamp, Tls,
};

pub(super) fn give(
    log: Log,
    row: &Row<'_>,
    line: &Line<'_>,
    clock: &Clock<'_>,
    sink: &mut dyn EventSink,
) {
    let Some(time) = row.time("ts", clock) else {
        return sink.unparsed(line.evidence, "record of Zeek without time");
    };
    // Joined lists have to outlive the event.
    let mut joined = String::new();
    let mut more = String::new();
    let body = match log {
        Log::Http => http(row),
        Log::Dns => dns(row, &mut joined),
        Log::Smtp => smtp(row, &mut joined, &mut more),
        Log::Ssl => ssl(row, time),
        Log::Files => file(row, &mut joined, &mut more),
        Log::Notice => notice(row, &mut joined),
        Log::Conn | Log::Other => return sink.ignored(line.evidence, Some(time)),
    };
    sink.event(&Event {
        time,
        evidence: line.evidence,
        product: Product::Zeek,
        host: "",
        pid: None,
        body,
    });
}

fn http<'a>(row: &'a Row<'_>) -> Body<'a> {
    let uri = row.get("uri");
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    Body::Http(Http {
        time_is: HttpTime::Start,
        method: row.get("method"),
        path,
        query,
        vhost: row.get("host"),
        referrer: row.get("referrer"),
        user_agent: row.get("user_agent"),
        status: row.number("status_code"),
        bytes_out: row.number("response_body_len"),
        bytes_in: row.number("request_body_len"),
        src_ip: ip(row.get("id.orig_h")),
        user: row.get("username"),
        extra: Some(Box::new(HttpExtra {
            src_port: row.number("id.orig_p"),
            dst_ip: ip(row.get("id.resp_h")),
            dst_port: row.number("id.resp_p"),
            mime: row.first("resp_mime_types"),
            flow_uid: row.get("uid"),
            proxy_result: "",
        })),
        ..Http::default()
    })
}

fn dns<'a>(row: &'a Row<'_>, flags: &'a mut String) -> Body<'a> {
    for flag in ["AA", "TC", "RD", "RA", "Z"] {
        let value = match row.get(flag) {
            "" => continue,
            "true" => "T",
            "false" => "F",
            value => value,
        };
        if !flags.is_empty() {
            flags.push(' ');
        }
        flags.push_str(flag);
        flags.push('=');
        flags.push_str(value);
    }
    let rejected = row.flag("rejected") == Some(true);
    Body::Dns(Dns {
        activity: if row.get("rcode").is_empty() && row.get("rcode_name").is_empty() {
            DnsActivity::Query
        } else {
            DnsActivity::Both
        },
        query: row.get("query").trim_end_matches('.'),
        query_type: row.get("qtype_name"),
        query_class: match row.get("qclass_name") {
            "C_INTERNET" => "IN",
            class => class,
        },
        rcode: row.get("rcode_name"),
        answers: row.get("answers"),
        transaction: row.number("trans_id"),
        protocol: protocol(row.get("proto")).unwrap_or(0),
        src_ip: ip(row.get("id.orig_h")),
        src_port: row.number("id.orig_p"),
        dst_ip: ip(row.get("id.resp_h")),
        dst_port: row.number("id.resp_p"),
        action: if rejected {
            NetAction::Blocked
        } else {
            NetAction::Allowed
        },
        duration_us: seconds(row.get("rtt")),
        flow_uid: row.get("uid"),
        detail: flags,
    })
}

/// A duration in seconds as microseconds.
fn seconds(text: &str) -> Option<u64> {
    let seconds: f64 = text.parse().ok()?;
    // Out of range becomes the range's end.
    (seconds >= 0.0).then_some((seconds * 1e6) as u64)
}

fn smtp<'a>(row: &'a Row<'_>, to: &'a mut String, header_to: &'a mut String) -> Body<'a> {
    to.push_str(&row.get("rcptto").replace('\n', ","));
    header_to.push_str(&row.get("to").replace('\n', ","));
    let reply = row.get("last_reply");
    // Only a session with an envelope tried to send; its last reply says with what success.
    let tried = !row.get("mailfrom").is_empty();
    let (activity, status) = match (tried, reply.as_bytes().first()) {
        (true, Some(b'2')) => (EmailActivity::Accepted, Status::Success),
        (true, Some(b'4' | b'5')) => (EmailActivity::Rejected, Status::Failure),
        (true, _) => (EmailActivity::Accepted, Status::Unknown),
        (false, _) => (EmailActivity::Other, Status::Unknown),
    };
    let bare = crate::field::unbracketed;
    Body::Email(Email {
        activity,
        status,
        message_id: bare(row.get("msg_id")),
        from: bare(row.get("mailfrom")),
        to,
        src_ip: ip(row.get("id.orig_h")),
        src_port: row.number("id.orig_p"),
        agent: "smtp",
        helo: row.get("helo"),
        dsn: enhanced(reply),
        detail: reply,
        subject: row.get("subject"),
        extra: Some(Box::new(EmailExtra {
            origin_ip: ip(row.get("x_originating_ip")),
            header_from: row.get("from"),
            header_to,
            reply_to: row.get("reply_to"),
            user_agent: row.get("user_agent"),
            dst_ip: ip(row.get("id.resp_h")),
            dst_port: row.number("id.resp_p"),
            flow_uid: row.get("uid"),
            tls: row.flag("tls"),
            ..EmailExtra::default()
        })),
        ..Email::default()
    })
}

/// The enhanced status code of a reply (`554 5.7.1 …`), RFC 3463.
pub(super) fn enhanced(reply: &str) -> &str {
    let code = reply.split(' ').nth(1).unwrap_or_default();
    let digits = code.split('.').count() == 3
        && code
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if digits { code } else { "" }
}

fn ssl<'a>(row: &'a Row<'_>, time: Timestamp) -> Body<'a> {
    Body::Network(Network {
        start: Some(time),
        protocol: 6,
        src_ip: ip(row.get("id.orig_h")),
        src_port: row.number("id.orig_p"),
        dst_ip: ip(row.get("id.resp_h")),
        dst_port: row.number("id.resp_p"),
        state: row.get("ssl_history"),
        label: row.get("uid"),
        extra: Some(Box::new(NetworkExtra {
            service: "ssl",
            tls: Some(Tls {
                version: row.get("version"),
                cipher: row.get("cipher"),
                sni: row.get("server_name"),
                ja3: row.get("ja3"),
                ja3s: row.get("ja3s"),
                ja4: row.get("ja4"),
                ja4s: row.get("ja4s"),
                subject: row.get("subject"),
                issuer: row.get("issuer"),
                serial: "",
                fingerprint: row.first("cert_chain_fps"),
                alpn: row.get("next_protocol"),
                validation: row.get("validation_status"),
                established: row.flag("established"),
                resumed: row.flag("resumed"),
            }),
            ..NetworkExtra::default()
        })),
        ..Network::default()
    })
}

fn file<'a>(row: &'a Row<'_>, analyzers: &'a mut String, service: &'a mut String) -> Body<'a> {
    analyzers.push_str(&row.get("analyzers").replace('\n', ","));
    service.push_str(&row.get("source").to_ascii_lowercase());
    // Until 5.1 lists of hosts, since then the connection, whose initiator sends if `is_orig`.
    let (orig, resp) = (row.get("id.orig_h"), row.get("id.resp_h"));
    let (from, to) = match row.flag("is_orig") {
        _ if orig.is_empty() => (row.first("tx_hosts"), row.first("rx_hosts")),
        Some(true) => (orig, resp),
        _ => (resp, orig),
    };
    let uid = match row.get("uid") {
        "" => row.first("conn_uids"),
        uid => uid,
    };
    Body::File(FileActivity {
        action: FileAction::Transferred,
        path: row.get("filename"),
        size: row
            .number("total_bytes")
            .or_else(|| row.number("seen_bytes")),
        mime: row.get("mime_type"),
        md5: row.get("md5"),
        sha1: row.get("sha1"),
        sha256: row.get("sha256"),
        operation: analyzers,
        src_ip: ip(from),
        dst_ip: ip(to),
        service,
        flow_uid: uid,
        ..FileActivity::default()
    })
}

fn notice<'a>(row: &'a Row<'_>, detail: &'a mut String) -> Body<'a> {
    detail.push_str(row.get("msg"));
    let sub = row.get("sub");
    if !sub.is_empty() {
        detail.push_str("; ");
        detail.push_str(sub);
    }
    let either = |own: &str, connection: &str| ip(row.get(own)).or_else(|| ip(row.get(connection)));
    let dropped = row.get("actions").contains("ACTION_DROP") || row.flag("dropped") == Some(true);
    Body::Alert(Alert {
        severity: Severity::Warning,
        title: row.get("note"),
        rule: row.get("note"),
        detail,
        action: if dropped {
            NetAction::Blocked
        } else {
            NetAction::Allowed
        },
        protocol: protocol(row.get("proto")).unwrap_or(0),
        src_ip: either("src", "id.orig_h"),
        src_port: row.number("id.orig_p"),
        dst_ip: either("dst", "id.resp_h"),
        dst_port: row.number("id.resp_p").or_else(|| row.number("p")),
        flow_uid: row.get("uid"),
        ..Alert::default()
    })
}
