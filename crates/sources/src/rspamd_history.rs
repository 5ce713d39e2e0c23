//! rspamd's history as its controller gives it (`rspamc` and `/history`) and as it stands in Redis
//! (`rs_history…`): one row a line, or a whole answer of many rows on one line.
//!
//! Keys are those of `lualib/lua_redis`' and `src/plugins/lua/history_redis.lua`'s rows:
//! `unix_time`, `message-id`, `ip`, `user`, `sender_smtp`, `rcpt_smtp`, `sender_mime`, `rcpt_mime`,
//! `subject`, `size`, `action`, `score`, `required_score`, `symbols`.

use crate::{Context, LogFormat, each_line};
use serde_json::Value;
use vauban_ocsf::{
    Body, Email, EmailActivity, EmailExtra, Event, EventSink, Evidence, Product, Status, Timestamp,
};

/// rows of `/history`.
pub static RSPAMD_HISTORY: RspamdHistory = RspamdHistory;

/// See [`RSPAMD_HISTORY`].
pub struct RspamdHistory;

/// The rows of a line.
fn rows(line: &str) -> Option<Vec<Value>> {
    match serde_json::from_str(line).ok()? {
        Value::Array(rows) => Some(rows),
        Value::Object(mut answer) => match answer.remove("rows") {
            Some(Value::Array(rows)) => Some(rows),
            Some(_) => None,
            None => Some(vec![Value::Object(answer)]),
        },
        _ => None,
    }
}

fn is_row(row: &Value) -> bool {
    row["unix_time"].is_number() && row["action"].is_string() && !row["symbols"].is_null()
}

fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row[key].as_str().unwrap_or_default()
}

fn list(row: &Value, key: &str) -> String {
    match &row[key] {
        Value::Array(all) => all
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(","),
        Value::String(one) => one.clone(),
        _ => String::new(),
    }
}

/// `NAME(SCORE),…`, in the order of the row.
fn symbols(row: &Value) -> String {
    let one = |name: &str, symbol: &Value| match symbol["score"].as_f64() {
        Some(score) => format!("{name}({score:.2})"),
        None => name.to_owned(),
    };
    match &row["symbols"] {
        Value::Object(all) => all
            .iter()
            .map(|(name, symbol)| one(name, symbol))
            .collect::<Vec<_>>()
            .join(","),
        Value::Array(all) => all
            .iter()
            .map(|symbol| one(text(symbol, "name"), symbol))
            .collect::<Vec<_>>()
            .join(","),
        _ => String::new(),
    }
}

/// Gives a row's event; `false` if it is none.
fn give(row: &Value, evidence: Evidence, sink: &mut dyn EventSink) -> bool {
    if !is_row(row) {
        return false;
    }
    let Some(seconds) = row["unix_time"].as_f64().filter(|s| s.abs() < 9e12) else {
        return false;
    };
    let action = text(row, "action");
    let rejected = matches!(action, "reject" | "soft reject" | "greylist");
    let (to, header_to, symbols) = (list(row, "rcpt_smtp"), list(row, "rcpt_mime"), symbols(row));
    sink.event(&Event {
        time: Timestamp((seconds * 1e6) as i64),
        evidence,
        product: Product::Rspamd,
        host: "",
        pid: None,
        body: Body::Email(Email {
            activity: if rejected {
                EmailActivity::Rejected
            } else {
                EmailActivity::Other
            },
            status: if rejected {
                Status::Failure
            } else {
                Status::Unknown
            },
            message_id: crate::field::unbracketed(text(row, "message-id")),
            from: text(row, "sender_smtp"),
            to: &to,
            size: row["size"].as_u64(),
            sasl_user: match text(row, "user") {
                "unknown" => "",
                user => user,
            },
            src_ip: crate::web::ip(text(row, "ip")),
            agent: "rspamd",
            outcome: action,
            subject: text(row, "subject"),
            extra: Some(Box::new(EmailExtra {
                score: row["score"].as_f64().map(|score| score as f32),
                verdicts: &symbols,
                header_from: text(row, "sender_mime"),
                header_to: &header_to,
                ..EmailExtra::default()
            })),
            ..Email::default()
        }),
    });
    true
}

impl LogFormat for RspamdHistory {
    fn name(&self) -> &'static str {
        "rspamd-history"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        // A whole answer may be one line longer than what is shown of it.
        let start = head.get(..4096).unwrap_or(head);
        let has = |key: &[u8]| memchr::memmem::find(start, key).is_some();
        let keys = has(b"\"unix_time\"") || has(b"\"sender_smtp\"") || has(b"\"rcpt_smtp\"");
        let json = matches!(start.trim_ascii_start().first(), Some(b'{' | b'['));
        if json && keys && (has(b"\"symbols\"") || has(b"\"action\"")) {
            92
        } else {
            0
        }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        each_line(context, bytes, offset, sink, |line, sink| {
            let Some(rows) = rows(line.text) else {
                return sink.unparsed(line.evidence, "no history of rspamd");
            };
            let given = rows
                .iter()
                .filter(|row| give(row, line.evidence, sink))
                .count();
            match (given, rows.is_empty()) {
                (0, true) => sink.ignored(line.evidence, None),
                (0, false) => sink.unparsed(line.evidence, "rows without time, action or symbols"),
                _ => {}
            }
        });
    }
}
