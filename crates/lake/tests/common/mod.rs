//! One event of every shape, and batches as JSON.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use serde_json::{Map, Value, json};
use vauban_ocsf::*;

fn event(product: Product, body: Body<'static>) -> Event<'static> {
    Event {
        time: Timestamp::from_civil(2025, 12, 9, 2, 30, 0, 123_456, 0),
        evidence: Evidence {
            artefact: ArtefactId(1),
            offset: 42,
            length: 99,
        },
        product,
        host: "mx1",
        pid: Some(4711),
        body,
    }
}

/// Full and bare events of every class and activity.
pub fn events() -> Vec<Event<'static>> {
    let ip = |s: &str| s.parse().ok();
    let mut list = vec![
        event(
            Product::Dovecot,
            Body::Logon(Logon {
                service: Service::Imap,
                status: Status::Success,
                user: "anne",
                master_user: "admin",
                src_ip: ip("203.0.113.77"),
                src_port: Some(50123),
                src_host: "client.example",
                dst_ip: ip("2001:db8::25"),
                dst_port: Some(993),
                method: "PLAIN",
                session: "abc",
                session_pid: Some(99),
                tls: Some(true),
                attempts: 1,
                detail: "",
            }),
        ),
        event(
            Product::Sshd,
            Body::Logon(Logon {
                status: Status::Failure,
                ..Default::default()
            }),
        ),
        event(
            Product::Dovecot,
            Body::Logoff(Box::new(Logoff {
                service: Service::Pop3,
                user: "anne",
                session: "abc",
                bytes_in: Some(10),
                bytes_out: Some(u64::MAX),
                retr_count: Some(3),
                retr_bytes: Some(0),
                pop3_size: Some(12_345),
                reason: "Logged out",
                ..Default::default()
            })),
        ),
        event(
            Product::Nginx,
            Body::Http(Http {
                method: "GET",
                path: "/roundcube/",
                query: "_task=mail&_action=show&_uid=7",
                vhost: "webmail.example",
                user_agent: "Mozilla/5.0",
                status: Some(200),
                bytes_out: Some(5120),
                src_ip: ip("203.0.113.77"),
                forwarded_for: "198.51.100.1, unknown, 2001:db8::1",
                tls: Some(true),
                ..Default::default()
            }),
        ),
        event(
            Product::Apache,
            Body::Http(Http {
                malformed: true,
                ..Default::default()
            }),
        ),
        event(
            Product::Sudo,
            Body::Process(ProcessLaunch {
                user: "bob",
                target_user: "root",
                command: "/bin/cat /etc/shadow",
                directory: "/home/bob",
                status: Status::Success,
                ..Default::default()
            }),
        ),
        event(
            Product::Auditd,
            Body::Process(ProcessLaunch {
                user: "bob",
                command: "cat /etc/shadow",
                image: "/usr/bin/cat",
                name: "cat",
                argv: "cat\0/etc/shadow\0",
                pid: Some(11),
                parent_pid: Some(4711),
                session: "3",
                terminal: "pts0",
                rule: "execs",
                ..Default::default()
            }),
        ),
        event(Product::Cron, Body::Process(ProcessLaunch::default())),
        event(
            Product::Postfix,
            Body::Message(Message {
                severity: Severity::Warning,
                text: "warning: \u{1b}[31m odd",
                src_ip: ip("203.0.113.77"),
                user: "anne",
            }),
        ),
        event(Product::Other, Body::Message(Message::default())),
        event(
            Product::Zeek,
            Body::Network(Network {
                start: Some(Timestamp::from_seconds(1_765_243_000)),
                protocol: 6,
                src_ip: ip("10.0.0.5"),
                src_port: Some(40000),
                dst_ip: ip("198.51.100.9"),
                dst_port: Some(443),
                bytes_out: Some(1_000_000),
                bytes_in: Some(2000),
                packets_out: Some(800),
                state: "SF",
                iif: "eth0",
                ..Default::default()
            }),
        ),
        event(
            Product::Netfilter,
            Body::Network(Network {
                action: NetAction::Blocked,
                src_ip: ip("203.0.113.77"),
                ..Default::default()
            }),
        ),
        event(
            Product::Conntrack,
            Body::Network(Network {
                unanswered: Some(true),
                dst_ip: ip("198.51.100.9"),
                action: NetAction::Unknown,
                ..Default::default()
            }),
        ),
    ];
    use EmailActivity::*;
    for activity in [
        Accepted, Identified, Queued, Delivered, Forwarded, Rejected, Removed, Other, Submitted,
    ] {
        list.push(event(
            Product::Postfix,
            Body::Email(Email {
                activity,
                queue_id: "4Xyz",
                from: "a@b.example",
                to: "c@d.example,e@f.example",
                size: Some(1234),
                src_ip: ip("203.0.113.77"),
                relay_ip: ip("198.51.100.9"),
                relay_port: Some(25),
                dsn: "2.0.0",
                outcome: "sent",
                ..Default::default()
            }),
        ));
        list.push(event(
            Product::Exim,
            Body::Email(Email {
                activity,
                queue_id: "4Xyz",
                ..Default::default()
            }),
        ));
    }
    use MailboxAction as M;
    for action in [
        M::Opened,
        M::Fetch,
        M::Search,
        M::List,
        M::Command,
        M::Save,
        M::Copy,
        M::Delete,
        M::Undelete,
        M::Expunge,
        M::FlagChange,
        M::MailboxCreate,
        M::MailboxDelete,
        M::MailboxRename,
        M::SieveScript,
    ] {
        list.push(event(
            Product::Dovecot,
            Body::Mailbox(Mailbox {
                action,
                service: Service::Imap,
                user: "anne",
                session: "abc",
                mailbox: "INBOX",
                uids: "3:7,9",
                message_id: "m@x.example",
                size: Some(2048),
                arguments: "7 (FLAGS)",
                src_ip: ip("203.0.113.77"),
                ..Default::default()
            }),
        ));
        list.push(event(
            Product::Dovecot,
            Body::Mailbox(Mailbox {
                action,
                ..Default::default()
            }),
        ));
    }
    use AccountActivity as A;
    for activity in [A::PasswordChange, A::Create, A::Delete, A::Other] {
        list.push(event(
            Product::Roundcube,
            Body::Account(AccountChange {
                activity,
                user: "anne",
                actor: "root",
                src_ip: ip("203.0.113.77"),
                status: Status::Success,
                detail: "changed",
            }),
        ));
        list.push(event(
            Product::Roundcube,
            Body::Account(AccountChange {
                activity,
                ..Default::default()
            }),
        ));
    }
    more(&mut list);
    // No host and no process: what a web log gives.
    for mut bare in list.clone() {
        bare.host = "";
        bare.pid = None;
        list.push(bare);
    }
    list
}

/// What sensors, resolvers and auditd give.
fn more(list: &mut Vec<Event<'static>>) {
    let ip = |s: &str| s.parse().ok();
    for activity in [DnsActivity::Query, DnsActivity::Response, DnsActivity::Both] {
        list.push(event(
            Product::Zeek,
            Body::Dns(Dns {
                activity,
                query: "mail.example",
                query_type: "TXT",
                query_class: "IN",
                rcode: "NXDOMAIN",
                answers: "v=spf1 a, b\n192.0.2.1",
                transaction: Some(7),
                protocol: 17,
                src_ip: ip("10.0.0.5"),
                src_port: Some(5353),
                dst_ip: ip("10.0.0.1"),
                dst_port: Some(53),
                action: NetAction::Blocked,
                duration_us: Some(12),
                flow_uid: "C1",
                detail: "rpz",
            }),
        ));
        list.push(event(
            Product::Unbound,
            Body::Dns(Dns {
                activity,
                rcode: "BADVERS",
                ..Default::default()
            }),
        ));
    }
    use FileAction as F;
    for action in [
        F::Open,
        F::Read,
        F::Create,
        F::Update,
        F::Delete,
        F::Rename,
        F::SetAttributes,
        F::SetSecurity,
        F::Transferred,
    ] {
        list.push(event(
            Product::Auditd,
            Body::File(FileActivity {
                action,
                status: Status::Success,
                path: "/etc/cron.d/x",
                other_path: "/etc/cron.d/y",
                directory: "/",
                size: Some(3),
                mime: "text/plain",
                md5: "d41d8cd98f00b204e9800998ecf8427e",
                sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                user: "bob",
                image: "/usr/bin/vi",
                name: "vi",
                operation: "rename",
                rule: "cron",
                src_ip: ip("192.0.2.1"),
                dst_ip: ip("192.0.2.2"),
                service: "http",
                flow_uid: "C2",
                ..Default::default()
            }),
        ));
        list.push(event(
            Product::Zeek,
            Body::File(FileActivity {
                action,
                ..Default::default()
            }),
        ));
    }
    list.push(event(
        Product::Suricata,
        Body::Alert(Alert {
            severity: Severity::Error,
            title: "ET WEB_SERVER x",
            rule: "1:2010:3",
            category: "Web Application Attack",
            detail: "d",
            action: NetAction::Blocked,
            protocol: 6,
            src_ip: ip("203.0.113.77"),
            src_port: Some(1),
            dst_ip: ip("192.0.2.2"),
            dst_port: Some(443),
            flow_uid: "9",
        }),
    ));
    list.push(event(
        Product::Zeek,
        Body::Alert(Alert {
            category: "only",
            ..Default::default()
        }),
    ));
    let tls = Tls {
        version: "TLSv12",
        cipher: "TLS_AES_128_GCM_SHA256",
        sni: "c2.example",
        ja3: "769d41d8cd98f00b204e9800998ecf84",
        ja3s: "e35d41d8cd98f00b204e9800998ecf84",
        ja4: "t13d1516h2_8daaf6152771_02713d6af862",
        ja4s: "t130200_1301_a56c5b993250",
        subject: "CN=c2.example",
        fingerprint: "aa:bb",
        validation: "self signed certificate",
        established: Some(true),
        resumed: Some(false),
        ..Default::default()
    };
    for tls in [tls, Tls::default()] {
        list.push(event(
            Product::Zeek,
            Body::Network(Network {
                src_ip: ip("10.0.0.5"),
                extra: Some(Box::new(NetworkExtra {
                    service: "ssl",
                    tls: Some(tls),
                    image: "/usr/bin/nc",
                    user: "bob",
                    rule: "connects",
                })),
                ..Default::default()
            }),
        ));
    }
    list.push(event(
        Product::Squid,
        Body::Http(Http {
            method: "CONNECT",
            vhost: "c2.example",
            src_ip: ip("10.0.0.5"),
            extra: Some(Box::new(HttpExtra {
                src_port: Some(5),
                dst_ip: ip("198.51.100.9"),
                dst_port: Some(443),
                mime: "text/html",
                flow_uid: "C3",
                proxy_result: "TCP_TUNNEL",
            })),
            ..Default::default()
        }),
    ));
    list.push(event(
        Product::Rspamd,
        Body::Email(Email {
            from: "a@b.example",
            extra: Some(Box::new(EmailExtra {
                score: Some(12.5),
                verdicts: "R_SPF_FAIL",
                origin_ip: ip("198.51.100.9"),
                header_from: "Boss <b@c.example>",
                header_to: "x@d.example, y@d.example",
                reply_to: "z@e.example",
                user_agent: "mutt",
                dst_ip: ip("192.0.2.2"),
                dst_port: Some(25),
                flow_uid: "C4",
                tls: Some(true),
            })),
            ..Default::default()
        }),
    ));
}

/// A row as JSON; nulls are left out, times are milliseconds as OCSF has them.
pub fn row(batch: &RecordBatch, row: usize) -> Value {
    let mut object = Map::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if let Some(v) = value(column.as_ref(), row) {
            object.insert(field.name().clone(), v);
        }
    }
    Value::Object(object)
}

fn value(array: &dyn Array, row: usize) -> Option<Value> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Int32 => json!(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(
            array
                .as_primitive::<arrow_array::types::Float64Type>()
                .value(row)
        ),
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Timestamp(..) => {
            json!(array.as_primitive::<TimestampMicrosecondType>().value(row) / 1000)
        }
        DataType::Dictionary(..) => {
            let d = array.as_dictionary::<Int32Type>();
            let key = d.keys().value(row) as usize;
            json!(d.values().as_string::<i32>().value(key))
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Value::Array(
                (0..items.len())
                    .filter_map(|i| value(items.as_ref(), i))
                    .collect(),
            )
        }
        DataType::Struct(fields) => {
            let s = array.as_struct();
            let mut object = Map::new();
            for (field, column) in fields.iter().zip(s.columns()) {
                if let Some(v) = value(column.as_ref(), row) {
                    object.insert(field.name().clone(), v);
                }
            }
            Value::Object(object)
        }
        other => panic!("unexpected type {other}"),
    })
}
