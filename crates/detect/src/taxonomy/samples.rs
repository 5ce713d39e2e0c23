//! An event of each class with everything in it: what fields a class can have follows from
//! describing it, so that neither a lint nor a table can disagree with the code.

use super::{LogSource, describe};
use std::net::{IpAddr, Ipv4Addr};
use vauban_ocsf::{
    AccountChange, Alert, Body, Dns, Email, EmailExtra, Event, Evidence, FileAction, FileActivity,
    Http, HttpExtra, Logoff, Logon, Mailbox, Message, Network, NetworkExtra, ProcessLaunch,
    Product, Service, Timestamp, Tls,
};

/// One class of events as rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The class ("Logon"), as the variant of [`Body`] is called.
    pub class: &'static str,
    /// A logsource that events of it have.
    pub source: LogSource,
    /// Names of all fields it can have, sorted.
    pub fields: Vec<&'static str>,
}

const IP: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
const T: &str = "a@b.c/d.e";

/// Every logsource that an event of ours can have, with its class and fields; by class, then
/// logsource.
pub fn vocabulary() -> Vec<Described> {
    let mut all: Vec<Described> = Vec::new();
    for &product in Product::ALL {
        for (class, body) in bodies() {
            if !writes(product, &body) {
                continue;
            }
            let event = Event {
                time: Timestamp(0),
                evidence: Evidence::default(),
                product,
                host: T,
                pid: Some(1),
                body,
            };
            let mut fields = Vec::new();
            let source = describe(&event, &mut |name, _| fields.push(name));
            fields.sort_unstable();
            fields.dedup();
            match all
                .iter_mut()
                .find(|d| d.class == class && d.source == source)
            {
                Some(known) => {
                    known.fields.extend(fields);
                    known.fields.sort_unstable();
                    known.fields.dedup();
                }
                None => all.push(Described {
                    class,
                    source,
                    fields,
                }),
            }
        }
    }
    all.sort_by(|a, b| (a.class, a.source).cmp(&(b.class, b.source)));
    all
}

/// Whether a product's records become such a body. The test that knows all parsers is
/// `vauban-rulebook`'s, which holds its test data against the vocabulary.
fn writes(product: Product, body: &Body<'_>) -> bool {
    use Product::*;
    let service_of = |service: Service| match product {
        Sshd => service == Service::Ssh,
        Pam => service == Service::Other,
        Sudo => service == Service::Sudo,
        Auditd => matches!(service, Service::Ssh | Service::Sudo | Service::Other),
        Postfix | Exim => service == Service::Smtp,
        Nginx | Apache => service == Service::Other,
        Roundcube | Sogo | Horde => {
            matches!(service, Service::Webmail | Service::Imap | Service::Smtp)
        }
        Dovecot => !matches!(service, Service::Ssh | Service::Sudo | Service::Webmail),
        Cyrus | Stalwart | Zimbra => {
            !matches!(service, Service::Ssh | Service::Sudo | Service::Local)
        }
        _ => false,
    };
    match body {
        Body::Logon(logon) => service_of(logon.service),
        Body::Logoff(logoff) => {
            !matches!(product, Nginx | Apache | Exim) && service_of(logoff.service)
        }
        Body::Mailbox(mailbox) => {
            matches!(
                product,
                Dovecot | Stalwart | Roundcube | Zimbra | Cyrus | Sogo | Horde
            ) && service_of(mailbox.service)
        }
        Body::Http(_) => matches!(
            product,
            Nginx | Apache | Caddy | Squid | Zeek | Suricata | Zimbra | Sogo | Horde | Other
        ),
        Body::Email(_) => matches!(
            product,
            Postfix
                | Exim
                | Dovecot
                | Roundcube
                | Stalwart
                | Rspamd
                | OpenDkim
                | OpenDmarc
                | Zeek
                | Suricata
                | Zimbra
                | Sogo
                | Horde
                | Cyrus
        ),
        Body::Network(_) => matches!(
            product,
            Netfilter
                | Conntrack
                | Zeek
                | Suricata
                | Nfdump
                | Pcap
                | Fail2ban
                | Sshd
                | Postfix
                | Dovecot
                | Exim
                | Stalwart
                | Cyrus
                | Auditd
        ),
        Body::Account(_) => {
            matches!(
                product,
                Roundcube | Dovecot | Pam | Auditd | Zimbra | Sogo | Other
            )
        }
        Body::Process(_) => matches!(product, Sudo | Cron | Auditd | Other),
        Body::Dns(_) => matches!(product, Zeek | Suricata | Unbound | Bind | Dnsmasq),
        Body::Alert(_) => matches!(product, Zeek | Suricata),
        Body::File(file) => {
            if file.action == FileAction::Transferred {
                matches!(product, Zeek | Suricata)
            } else {
                product == Auditd
            }
        }
        Body::Message(_) => !matches!(product, Conntrack | Nfdump | Pcap | Netfilter),
    }
}

/// A full body of each class; of those whose service is part of the logsource, one for each.
fn bodies() -> Vec<(&'static str, Body<'static>)> {
    let mut all = vec![
        ("Http", Body::Http(http())),
        ("Email", Body::Email(email())),
        ("Network", Body::Network(network())),
        (
            "Account",
            Body::Account(AccountChange {
                user: T,
                actor: T,
                src_ip: IP,
                detail: T,
                ..AccountChange::default()
            }),
        ),
        ("Process", Body::Process(process())),
        ("Dns", Body::Dns(dns())),
        ("Alert", Body::Alert(alert())),
        (
            "Message",
            Body::Message(Message {
                text: T,
                src_ip: IP,
                user: T,
                ..Message::default()
            }),
        ),
    ];
    // Connections that a daemon's services tell of.
    for label in [
        "imap-login",
        "pop3-login",
        "managesieve-login",
        "submission-login",
        "lmtp",
    ] {
        let network = Network { label, ..network() };
        all.push(("Network", Body::Network(network)));
    }
    for action in [
        FileAction::Update,
        FileAction::Delete,
        FileAction::Transferred,
    ] {
        all.push(("File", Body::File(file(action))));
    }
    for service in [
        Service::Imap,
        Service::Pop3,
        Service::ManageSieve,
        Service::Lmtp,
        Service::Smtp,
        Service::Webmail,
        Service::Ssh,
        Service::Sudo,
        Service::Local,
        Service::Other,
    ] {
        all.push(("Logon", Body::Logon(logon(service))));
        all.push(("Logoff", Body::Logoff(Box::new(logoff(service)))));
        all.push(("Mailbox", Body::Mailbox(mailbox(service))));
    }
    all
}

fn logon(service: Service) -> Logon<'static> {
    Logon {
        service,
        user: T,
        master_user: T,
        src_ip: IP,
        src_port: Some(1),
        src_host: T,
        dst_ip: IP,
        dst_port: Some(1),
        method: T,
        session: T,
        session_pid: Some(1),
        tls: Some(true),
        attempts: 1,
        detail: T,
        ..Logon::default()
    }
}

fn logoff(service: Service) -> Logoff<'static> {
    Logoff {
        service,
        user: T,
        session: T,
        src_ip: IP,
        reason: T,
        last_command: T,
        last_command_bytes_out: Some(1),
        no_commands: true,
        bytes_in: Some(1),
        bytes_out: Some(1),
        deleted: Some(1),
        expunged: Some(1),
        trashed: Some(1),
        hdr_count: Some(1),
        hdr_bytes: Some(1),
        body_count: Some(1),
        body_bytes: Some(1),
        appended: Some(1),
        retr_count: Some(1),
        retr_bytes: Some(1),
        top_count: Some(1),
        top_bytes: Some(1),
        pop3_deleted: Some(1),
        pop3_messages: Some(1),
        pop3_size: Some(1),
    }
}

fn mailbox(service: Service) -> Mailbox<'static> {
    Mailbox {
        service,
        user: T,
        session: T,
        src_ip: IP,
        mailbox: T,
        other_mailbox: T,
        uids: T,
        message_id: T,
        size: Some(1),
        vsize: Some(1),
        flags: T,
        from: T,
        subject: T,
        command: T,
        arguments: T,
        bytes_out: Some(1),
        bytes_in: Some(1),
        ..Mailbox::default()
    }
}

fn email() -> Email<'static> {
    Email {
        queue_id: T,
        message_id: T,
        from: T,
        to: T,
        orig_to: T,
        size: Some(1),
        recipients: Some(1),
        sasl_user: T,
        sasl_method: T,
        src_ip: IP,
        src_port: Some(1),
        src_host: T,
        relay_host: T,
        relay_ip: IP,
        relay_port: Some(1),
        agent: T,
        helo: T,
        dsn: T,
        outcome: T,
        detail: T,
        next_queue_id: T,
        mailbox: T,
        subject: T,
        extra: Some(Box::new(EmailExtra {
            score: Some(1.0),
            verdicts: T,
            origin_ip: IP,
            header_from: T,
            header_to: T,
            reply_to: T,
            user_agent: T,
            dst_ip: IP,
            dst_port: Some(1),
            flow_uid: T,
            tls: Some(true),
        })),
        ..Email::default()
    }
}

fn http() -> Http<'static> {
    Http {
        method: T,
        path: T,
        query: T,
        vhost: T,
        referrer: T,
        user_agent: T,
        status: Some(200),
        bytes_out: Some(1),
        bytes_in: Some(1),
        duration_us: Some(1),
        src_ip: IP,
        src_host: T,
        extra: Some(Box::new(HttpExtra {
            src_port: Some(1),
            dst_ip: IP,
            dst_port: Some(1),
            mime: T,
            flow_uid: T,
            proxy_result: T,
        })),
        forwarded_for: T,
        user: T,
        cookie: T,
        tls: Some(true),
        compressed: Some(true),
        ..Http::default()
    }
}

fn network() -> Network<'static> {
    Network {
        start: Some(Timestamp(0)),
        protocol: 6,
        src_ip: IP,
        src_port: Some(1),
        dst_ip: IP,
        dst_port: Some(1),
        bytes_out: Some(1),
        bytes_in: Some(1),
        packets_out: Some(1),
        packets_in: Some(1),
        state: T,
        unanswered: Some(true),
        label: T,
        iif: T,
        oif: T,
        extra: Some(Box::new(NetworkExtra {
            service: T,
            image: T,
            user: T,
            rule: T,
            tls: Some(Tls {
                version: T,
                cipher: T,
                sni: T,
                ja3: T,
                ja3s: T,
                ja4: T,
                ja4s: T,
                subject: T,
                issuer: T,
                serial: T,
                fingerprint: T,
                alpn: T,
                validation: T,
                established: Some(true),
                resumed: Some(true),
            }),
        })),
        ..Network::default()
    }
}

fn process() -> ProcessLaunch<'static> {
    ProcessLaunch {
        user: T,
        target_user: T,
        command: T,
        directory: T,
        image: T,
        name: T,
        argv: "a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0",
        pid: Some(1),
        parent_pid: Some(1),
        session: T,
        terminal: T,
        rule: T,
        ..ProcessLaunch::default()
    }
}

fn file(action: FileAction) -> FileActivity<'static> {
    FileActivity {
        action,
        path: T,
        other_path: T,
        directory: T,
        size: Some(1),
        mime: T,
        md5: T,
        sha1: T,
        sha256: T,
        user: T,
        target_user: T,
        image: T,
        name: T,
        operation: T,
        rule: T,
        src_ip: IP,
        dst_ip: IP,
        service: T,
        flow_uid: T,
        ..FileActivity::default()
    }
}

fn dns() -> Dns<'static> {
    Dns {
        query: T,
        query_type: T,
        query_class: T,
        rcode: T,
        answers: T,
        transaction: Some(1),
        protocol: 17,
        src_ip: IP,
        src_port: Some(1),
        dst_ip: IP,
        dst_port: Some(1),
        duration_us: Some(1),
        flow_uid: T,
        detail: T,
        ..Dns::default()
    }
}

fn alert() -> Alert<'static> {
    Alert {
        title: T,
        rule: T,
        category: T,
        detail: T,
        protocol: 6,
        src_ip: IP,
        src_port: Some(1),
        dst_ip: IP,
        dst_port: Some(1),
        flow_uid: T,
        ..Alert::default()
    }
}
