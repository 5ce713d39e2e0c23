//! Everything else in a syslog stream: known by its envelope, kept only if it says that something
//! went wrong with a service.

use super::{Accounted, Out, Program, Record};
use vauban_ocsf::{Body, Message, Product, Severity};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    matches!(
        record.program,
        "systemd" | "rsyslogd" | "syslogd" | "syslog-ng" | "auditd" | "last"
    )
}

/// Gaps and restarts of logging matter to what evidence can show.
fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let text = record.message;
    if record.program != "systemd" {
        return message(record, Product::Other, Severity::Info, out);
    }
    let failed = text.contains("Failed ") || text.contains("failed");
    if failed {
        message(record, Product::Systemd, Severity::Warning, out)
    } else {
        out.ignored(record)
    }
}

/// The whole message as an event.
pub(super) fn message(
    record: &Record<'_>,
    product: Product,
    severity: Severity,
    out: &mut Out<'_>,
) -> Accounted {
    let body = Message {
        severity,
        text: record.message,
        src_ip: None,
        user: "",
    };
    out.event(record, product, Body::Message(body))
}
