//! Audit records inside syslog: from audisp's syslog plugin (`audispd: type=… msg=audit(…): …`),
//! from the kernel while no auditd runs (`kernel: audit: type=1400 audit(…): …`) and from the
//! journal's audit transport (`audit[4711]: USER_LOGIN pid=… msg='…'`, without stamp).
//!
//! Records of one event are other lines here, possibly far off, so each is read alone: a system
//! call has no arguments, arguments have no program.

use super::{Accounted, Out, Program, Record};
use crate::auditd::{AuditRecord, record};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    match record.program {
        "audispd" | "audisp-syslog" | "audit" => true,
        "kernel" => from_kernel(record.message).starts_with("audit: type="),
        _ => false,
    }
}

/// Without the kernel's own clock: `[   12.345678] audit: type=…`.
fn from_kernel(message: &str) -> &str {
    if message.starts_with('[') {
        message.split_once("] ").map_or(message, |(_, rest)| rest)
    } else {
        message
    }
}

fn parse(syslog: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let text = from_kernel(syslog.message);
    let audit = AuditRecord::read_any(text)
        .or_else(|| AuditRecord::without_stamp(text, syslog.time))
        .map(|mut audit| {
            if audit.node.is_empty() {
                audit.node = syslog.host;
            }
            audit
        });
    match audit {
        Some(audit) => {
            record(&audit, syslog.evidence, out.sink);
            Accounted(())
        }
        None => out.ignored(syslog),
    }
}
