//! The Linux audit log: `audit.log` as auditd writes it, and single records inside syslog.
//!
//! `type=SYSCALL msg=audit(1684329817.579:2995): …`, with `node=HOST` before it where the host is
//! named (`name_format` of auditd.conf(5)), and after U+001D what auditd resolved itself
//! (`log_format = ENRICHED`). One event of the kernel is several records of the same time and
//! serial number (system call, arguments, directory, paths, title); they are joined here. A
//! record of user space (log-ins, accounts) stands alone.
//!
//! Sources: audit-userspace `docs/` and `lib/msg_typetab.h`, Linux `kernel/auditsc.c`
//! (`audit_log_exit`: PROCTITLE is an event's last record but for EOE), `kernel/audit.c`
//! (`audit_log_untrustedstring`: text with quotes, blanks or control characters is written in
//! hexadecimal).

mod events;
mod fields;
mod syscalls;

use crate::flows::stream_lines;
use crate::{Context, Line, LogFormat, Mode};
use fields::Record;
use std::collections::VecDeque;
use std::io::{self, Read};
use vauban_ocsf::{EventSink, Evidence, Timestamp};

pub(crate) use fields::Record as AuditRecord;

/// `audit.log`.
pub static AUDITD: Auditd = Auditd;

/// See [`AUDITD`].
pub struct Auditd;

/// Events whose records are still coming: the kernel's processors write interleaved.
const OPEN: usize = 64;
/// Records kept of one event.
const RECORDS: usize = 256;
/// Octets kept of one event; the arguments of a program may be two megabytes.
const OCTETS: usize = 1 << 20;
/// An event is complete after this much time, as for ausearch (`end_of_event_timeout`).
const COMPLETE: i64 = 2_000_000;

/// Records of one event.
struct Group {
    node: String,
    time: Timestamp,
    serial: u64,
    records: Vec<(String, Evidence)>,
    octets: usize,
}

impl LogFormat for Auditd {
    fn name(&self) -> &'static str {
        "auditd"
    }

    fn mode(&self) -> Mode {
        Mode::Stream
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        crate::web::sniff_lines(head, |line, _| Record::read(line).is_some()) / 10 * 9
    }

    fn parse(&self, context: &Context, bytes: &[u8], _: u64, sink: &mut dyn EventSink) {
        let mut reader = bytes;
        // Reading from memory cannot fail.
        let _ = self.parse_stream(context, &mut reader, sink);
    }

    fn parse_stream(
        &self,
        context: &Context,
        reader: &mut dyn Read,
        sink: &mut dyn EventSink,
    ) -> io::Result<()> {
        let mut open: VecDeque<Group> = VecDeque::new();
        let outcome = stream_lines(context, reader, sink, |line, sink| {
            take(line, &mut open, sink);
        });
        for group in open {
            finish(&group, sink);
        }
        outcome
    }
}

/// Reads a record of whose event no other is at hand.
pub(crate) fn record(record: &Record<'_>, evidence: Evidence, sink: &mut dyn EventSink) {
    if events::joined(&[(*record, evidence)], evidence, sink) == 0 {
        sink.ignored(evidence, Some(record.time));
    }
}

fn take(line: &Line<'_>, open: &mut VecDeque<Group>, sink: &mut dyn EventSink) {
    let Some(record) = Record::read(line.text) else {
        return sink.unparsed(line.evidence, "no audit record with type and time");
    };
    let of = open
        .iter()
        .position(|g| (g.time, g.serial) == (record.time, record.serial) && g.node == record.node);
    let of = match of {
        Some(at) => at,
        None if record.stands_alone() => {
            events::single(&record, line.evidence, sink);
            return;
        }
        None => {
            while open.len() >= OPEN
                || open
                    .front()
                    .is_some_and(|g| record.time.0.saturating_sub(g.time.0) > COMPLETE)
            {
                if let Some(group) = open.pop_front() {
                    finish(&group, sink);
                }
            }
            open.push_back(Group {
                node: record.node.to_owned(),
                time: record.time,
                serial: record.serial,
                records: Vec::new(),
                octets: 0,
            });
            open.len() - 1
        }
    };
    let Some(group) = open.get_mut(of) else {
        return;
    };
    let last = matches!(record.kind, "PROCTITLE" | "EOE");
    if group.octets + line.text.len() > OCTETS || group.records.len() >= RECORDS {
        // More arguments than anyone reads: the line is known for what it is and let go.
        sink.ignored(line.evidence, Some(record.time));
    } else {
        group.octets += line.text.len();
        group.records.push((line.text.to_owned(), line.evidence));
    }
    if last && let Some(group) = open.remove(of) {
        finish(&group, sink);
    }
}

/// Gives out what an event was. Its evidence are all its lines where they stand together, else the
/// line of the system call.
fn finish(group: &Group, sink: &mut dyn EventSink) {
    let records: Vec<(Record<'_>, Evidence)> = group
        .records
        .iter()
        .filter_map(|(text, evidence)| Some((Record::read(text)?, *evidence)))
        .collect();
    let Some(whole) = together(&records) else {
        let main = records
            .iter()
            .position(|(r, _)| r.kind == "SYSCALL")
            .unwrap_or(0);
        if let Some((_, evidence)) = records.get(main)
            && events::joined(&records, *evidence, sink) == 0
        {
            sink.ignored(*evidence, Some(group.time));
        }
        for (at, (_, evidence)) in records.iter().enumerate() {
            if at != main {
                sink.ignored(*evidence, Some(group.time));
            }
        }
        return;
    };
    if events::joined(&records, whole, sink) == 0 {
        for (_, evidence) in &records {
            sink.ignored(*evidence, Some(group.time));
        }
    }
}

/// The bytes from the first record to the last, if nothing else stands between them.
fn together(records: &[(Record<'_>, Evidence)]) -> Option<Evidence> {
    let first = records.first()?.1;
    let mut end = first.offset + u64::from(first.length);
    for (_, evidence) in records.iter().skip(1) {
        // A line end of one or two octets.
        if evidence.offset.checked_sub(end).is_none_or(|gap| gap > 2) {
            return None;
        }
        end = evidence.offset + u64::from(evidence.length);
    }
    Some(Evidence {
        length: u32::try_from(end - first.offset).ok()?,
        ..first
    })
}
