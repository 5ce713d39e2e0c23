//! Everything that reaches a log through syslog, and the daemons' own files of the same shape.
//!
//! A line is an envelope (time, host, tag, process) around a program's message: [`envelope`] takes
//! it off, and the program's file here reads the message. **To add a program, write one file with
//! a [`Program`] and add it to [`PROGRAMS`].** Parsers read a message by its grammar, starting
//! from the end that the daemon and not the client wrote, because user names, HELO names and
//! subjects are chosen by whoever connects.

mod audit;
mod cron;
mod cyrus;
mod cyrus_audit;
#[cfg(test)]
pub(crate) mod damage;
mod dnsmasq;
mod dovecot;
mod envelope;
mod exim;
mod fail2ban;
mod horde;
mod milters;
mod named;
mod netfilter;
mod other;
mod pam;
mod postfix;
mod rspamd;
mod sogo;
mod sshd;
mod sudo;
mod unbound;
mod useradd;
mod web;

use crate::stamp::Clock;
use crate::{Context, LogFormat, each_line};
pub use dovecot::DovecotEvents;
pub use envelope::{Envelope, Shape, open};
pub(crate) use named::dns as bind_message;
pub(crate) use unbound::dns as unbound_message;
use vauban_ocsf::{ArtefactId, Body, Event, EventSink, Evidence, Product, Timestamp};

/// A program's message out of its envelope.
#[derive(Copy, Clone, Debug)]
pub struct Record<'a> {
    /// When it was written.
    pub time: Timestamp,
    /// The whole line.
    pub evidence: Evidence,
    /// The host that wrote it, `""` if not said.
    pub host: &'a str,
    /// The tag as logged, without process number ("postfix/submission/smtpd").
    pub tag: &'a str,
    /// The tag's last component ("smtpd").
    pub program: &'a str,
    /// Process number.
    pub pid: Option<u32>,
    /// The message.
    pub message: &'a str,
    /// How many times the same message was written ("message repeated 3 times").
    pub repeated: u32,
}

/// Proof that a record was accounted for; only [`Out`] makes one.
#[must_use]
pub struct Accounted(());

/// Where a program's parser puts what it found.
pub struct Out<'s> {
    sink: &'s mut dyn EventSink,
}

impl<'s> Out<'s> {
    /// Around a sink.
    pub fn new(sink: &'s mut dyn EventSink) -> Self {
        Self { sink }
    }

    /// Delivers an event. Inlined, so that an event is made where it is handed over from.
    #[inline(always)]
    pub fn event(&mut self, record: &Record<'_>, product: Product, body: Body<'_>) -> Accounted {
        let Record {
            time,
            evidence,
            host,
            pid,
            ..
        } = *record;
        let mut body = body;
        if record.repeated > 1
            && let Body::Logon(logon) = &mut body
        {
            logon.attempts = logon.attempts.saturating_mul(record.repeated);
        }
        self.sink.event(&Event {
            time,
            evidence,
            product,
            host,
            pid,
            body,
        });
        Accounted(())
    }

    /// The record was understood and holds nothing to keep.
    pub fn ignored(&mut self, record: &Record<'_>) -> Accounted {
        self.sink.ignored(record.evidence, Some(record.time));
        Accounted(())
    }

    /// The record was not understood.
    pub fn unparsed(&mut self, record: &Record<'_>, why: &'static str) -> Accounted {
        self.sink.unparsed(record.evidence, why);
        Accounted(())
    }
}

/// A program whose messages are read.
pub struct Program {
    /// Whether a record is this program's.
    pub claims: fn(&Record<'_>) -> bool,
    /// Reads a record it claims.
    pub parse: fn(&Record<'_>, &mut Out<'_>) -> Accounted,
}

/// All programs, the most talkative first; the first that claims a record reads it.
static PROGRAMS: &[Program] = &[
    // Any program may speak through PAM; such messages say so themselves.
    pam::PROGRAM,
    postfix::PROGRAM,
    dovecot::PROGRAM,
    audit::PROGRAM,
    netfilter::PROGRAM,
    sshd::PROGRAM,
    exim::PROGRAM,
    cron::PROGRAM,
    sudo::PROGRAM,
    useradd::PROGRAM,
    fail2ban::PROGRAM,
    cyrus::PROGRAM,
    web::PROGRAM,
    rspamd::PROGRAM,
    milters::PROGRAM,
    named::PROGRAM,
    unbound::PROGRAM,
    dnsmasq::PROGRAM,
    sogo::PROGRAM,
    horde::PROGRAM,
    netfilter::ULOGD,
    other::PROGRAM,
];

/// Reads a record with the program that claims it.
pub fn dispatch(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    for program in PROGRAMS {
        if (program.claims)(record) {
            return (program.parse)(record, out);
        }
    }
    out.ignored(record)
}

/// Reads one line: envelope, then message.
pub fn parse_line(text: &str, evidence: Evidence, clock: &Clock<'_>, out: &mut Out<'_>) {
    let Some(envelope) = open(text, clock) else {
        out.sink
            .unparsed(evidence, "no time stamp of a syslog line");
        return;
    };
    let mut record = Record {
        time: envelope.time,
        evidence,
        host: envelope.host,
        tag: envelope.tag,
        program: envelope.program(),
        pid: envelope.pid,
        message: envelope.message,
        repeated: 1,
    };
    if let Some((times, inner)) = repeated(record.message) {
        record.repeated = times;
        record.message = inner;
    }
    let Accounted(()) = dispatch(&record, out);
}

/// rsyslog's `message repeated 3 times: [ Failed password for …]`: the number and the message.
fn repeated(message: &str) -> Option<(u32, &str)> {
    let (times, rest) = crate::field::number_prefix(message.strip_prefix("message repeated ")?)?;
    let inner = rest.strip_prefix(" times: [")?.strip_suffix(']')?;
    Some((
        u32::try_from(times).ok()?,
        inner.strip_prefix(' ').unwrap_or(inner),
    ))
}

/// Syslog files of any layout, and the files Dovecot, Exim and fail2ban write themselves.
pub struct Syslog;

impl LogFormat for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn sniff(&self, _path: &str, head: &[u8]) -> u8 {
        let context = Context {
            artefact: ArtefactId::default(),
            time: vauban_evidence::TimeBase::utc((9999, 12, 31)),
            access_layouts: Vec::new(),
        };
        // The last line may be cut; a few dozen lines tell.
        let whole = memchr::memrchr(b'\n', head).map_or(head, |newline| &head[..newline]);
        let end = memchr::memchr_iter(b'\n', whole)
            .nth(40)
            .unwrap_or(whole.len());
        let mut count = Count::default();
        self.parse(&context, &whole[..end], 0, &mut count);
        let total = count.understood + count.unparsed;
        (count.understood * 80).checked_div(total).unwrap_or(0) as u8
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            parse_line(line.text, line.evidence, &clock, &mut Out::new(sink));
        });
    }
}

/// Counts lines, not events: a line may give several.
#[derive(Default)]
struct Count {
    understood: usize,
    unparsed: usize,
    last: Option<u64>,
}

impl EventSink for Count {
    fn event(&mut self, event: &Event<'_>) {
        self.ignored(event.evidence, None);
    }
    fn ignored(&mut self, evidence: Evidence, _: Option<Timestamp>) {
        if self.last != Some(evidence.offset) {
            self.last = Some(evidence.offset);
            self.understood += 1;
        }
    }
    fn unparsed(&mut self, _: Evidence, _: &'static str) {
        self.unparsed += 1;
    }
}
