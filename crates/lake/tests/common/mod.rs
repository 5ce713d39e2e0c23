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
    // No host and no process: what a web log gives.
    for mut bare in list.clone() {
        bare.host = "";
        bare.pid = None;
        list.push(bare);
    }
    list
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
