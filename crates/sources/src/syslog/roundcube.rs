//! Roundcube with `log_driver = syslog`: tag `roundcube` (`syslog_id`), messages as in its files.

use super::{Accounted, Out, Program, Record};
use crate::Line;
use crate::roundcube::roundcube_message;

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    record.program == "roundcube"
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let Record {
        message: text,
        evidence,
        time,
        host,
        pid,
        ..
    } = *record;
    roundcube_message(text, &Line { text, evidence }, time, host, pid, out.sink);
    // It has told the sink what became of the line.
    Accounted(())
}
