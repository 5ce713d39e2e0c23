//! Flows and packet decisions, DNS, alerts of sensors.

use super::put::Put;
use super::{LogSource, ls, names};
use vauban_ocsf::{Alert, Dns, NetAction, Network, Product, Tls};

/// `category: firewall` where the record is a decision, else `category: network`,
/// `service: connection`.
pub fn network<'a>(product: Product, flow: &Network<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    put.text(&["action"], names::network(flow.action));
    put.int(
        &["action_id"],
        match flow.action {
            NetAction::Unknown => 0,
            NetAction::Allowed => 1,
            NetAction::Blocked => 2,
        },
    );
    if let Some(start) = flow.start {
        put.time(&["start_time"], start);
    }
    protocol(put, flow.protocol);
    put.ip(&["SourceIp", "source.ip", "id.orig_h"], flow.src_ip);
    put.number(&["SourcePort", "source.port", "id.orig_p"], flow.src_port);
    put.source(flow.src_ip, flow.src_port, "");
    put.ip(
        &["DestinationIp", "destination.ip", "id.resp_h"],
        flow.dst_ip,
    );
    put.number(
        &["DestinationPort", "destination.port", "id.resp_p"],
        flow.dst_port,
    );
    put.destination(flow.dst_ip, flow.dst_port);
    put.number(
        &[
            "bytes_out",
            "source.bytes",
            "orig_bytes",
            "traffic.bytes_out",
        ],
        flow.bytes_out,
    );
    put.number(
        &[
            "bytes_in",
            "destination.bytes",
            "resp_bytes",
            "traffic.bytes_in",
        ],
        flow.bytes_in,
    );
    put.number(
        &["packets_out", "source.packets", "traffic.packets_out"],
        flow.packets_out,
    );
    put.number(
        &["packets_in", "destination.packets", "traffic.packets_in"],
        flow.packets_in,
    );
    put.flag(
        &["bytes_are_ip", "unmapped.bytes_are_ip"],
        Some(flow.bytes_are_ip),
    );
    put.text(
        &[
            "state",
            "network.state",
            "conn_state",
            "connection_info.flag_history",
        ],
        flow.state,
    );
    put.flag(&["unanswered", "unmapped.unanswered"], flow.unanswered);
    put.text(&["label", "unmapped.label"], flow.label);
    put.text(&["iif", "src_endpoint.interface_name"], flow.iif);
    put.text(&["oif", "dst_endpoint.interface_name"], flow.oif);
    if let Some(extra) = &flow.extra {
        put.text(
            &["service", "network.protocol", "app_protocol_name"],
            extra.service,
        );
        if let Some(handshake) = &extra.tls {
            tls(put, handshake);
        }
        put.text(&["Image", "actor.process.file.path"], extra.image);
        put.text(&["User", "username", "user", "actor.user.name"], extra.user);
        put.text(&["key"], extra.rule);
    }
    // auditd tells of connect(2): the host's own connections.
    if product == Product::Auditd {
        put.flag(&["Initiated"], Some(true));
    }
    match product {
        Product::Netfilter => ls("firewall", "netfilter", "connection"),
        Product::Auditd => ls("network_connection", "linux", "auditd"),
        Product::Conntrack | Product::Nfdump | Product::Pcap => {
            ls("network", names::product(product), "connection")
        }
        Product::Zeek | Product::Suricata => ls("network", names::product(product), "conn"),
        // A connection that a daemon tells of: Postfix `connect from`, sshd `Connection closed`,
        // a ban of fail2ban.
        Product::Fail2ban => ls("firewall", "fail2ban", "fail2ban"),
        Product::Sshd => ls("network", "linux", "sshd"),
        Product::Postfix => ls("network", "postfix", "smtp"),
        _ => ls("network", names::product(product), flow_service(flow.label)),
    }
}

fn tls<'a>(put: &mut Put<'_, 'a>, tls: &Tls<'a>) {
    put.text(&["tls_version", "tls.version"], tls.version);
    put.text(&["tls_cipher", "tls.cipher"], tls.cipher);
    put.text(&["server_name", "tls.sni"], tls.sni);
    put.text(&["ja3", "tls.ja3_hash.value"], tls.ja3);
    put.text(&["ja3s", "tls.ja3s_hash.value"], tls.ja3s);
    put.text(&["ja4"], tls.ja4);
    put.text(&["ja4s"], tls.ja4s);
    put.text(
        &["certificate.subject", "tls.certificate.subject"],
        tls.subject,
    );
    put.text(
        &["certificate.issuer", "tls.certificate.issuer"],
        tls.issuer,
    );
    put.text(
        &["certificate.serial", "tls.certificate.serial_number"],
        tls.serial,
    );
    put.text(&["certificate.fingerprint"], tls.fingerprint);
    put.text(&["alpn"], tls.alpn);
    put.text(&["validation_status"], tls.validation);
    put.flag(&["established"], tls.established);
    put.flag(&["resumed"], tls.resumed);
}

/// The service a daemon named as the connection's label.
fn flow_service(label: &str) -> &'static str {
    [
        "imap-login",
        "pop3-login",
        "managesieve-login",
        "submission-login",
        "lmtp",
    ]
    .into_iter()
    .find(|known| *known == label)
    .map_or("connection", |known| {
        known.strip_suffix("-login").unwrap_or(known)
    })
}

fn protocol(put: &mut Put<'_, '_>, number: u8) {
    if number != 0 {
        put.int(&["connection_info.protocol_num"], i64::from(number));
        put.text(
            &["Protocol", "proto", "network.transport"],
            names::protocol(number),
        );
    }
}

/// `category: dns`, and `category: network`, `service: dns`.
pub fn dns<'a>(product: Product, dns: &Dns<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    put.text(&["action"], names::dns(dns.activity));
    put.text(&["disposition"], names::network(dns.action));
    put.text(
        &["query", "QueryName", "dns.question.name", "query.hostname"],
        dns.query,
    );
    put.text(
        &[
            "record_type",
            "qtype_name",
            "dns.question.type",
            "query.type",
        ],
        dns.query_type,
    );
    put.text(&["dns.question.class", "query.class"], dns.query_class);
    put.text(&["rcode", "rcode_name", "dns.response.code"], dns.rcode);
    put.text(
        &["answer", "answers", "QueryResults", "dns.answers.data"],
        dns.answers,
    );
    put.number(&["dns.id", "transaction_id"], dns.transaction);
    protocol(put, dns.protocol);
    put.ip(&["source.ip", "id.orig_h"], dns.src_ip);
    put.source(dns.src_ip, dns.src_port, "");
    put.ip(&["destination.ip", "id.resp_h"], dns.dst_ip);
    put.destination(dns.dst_ip, dns.dst_port);
    put.number(&["unmapped.duration_us"], dns.duration_us);
    put.text(&["flow_uid", "unmapped.flow_uid"], dns.flow_uid);
    put.text(&["reason"], dns.detail);
    match product {
        Product::Zeek | Product::Suricata => ls("network", names::product(product), "dns"),
        Product::Auditd | Product::Other => ls("dns", "linux", "dns"),
        _ => ls("dns", names::product(product), "dns"),
    }
}

/// `category: ids`: what another product's rules found.
pub fn alert<'a>(product: Product, alert: &Alert<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    let (word, id) = names::severity(alert.severity);
    put.text(&["severity"], word);
    put.int(&["severity_id"], id);
    put.text(&["action"], names::network(alert.action));
    put.text(&["signature", "message", "finding_info.title"], alert.title);
    put.text(&["rule", "finding_info.analytic.uid"], alert.rule);
    put.text(&["signature_category"], alert.category);
    put.text(&["reason"], alert.detail);
    protocol(put, alert.protocol);
    put.source(alert.src_ip, alert.src_port, "");
    put.destination(alert.dst_ip, alert.dst_port);
    put.text(&["flow_uid", "unmapped.flow_uid"], alert.flow_uid);
    ls("ids", names::product(product), "alert")
}
