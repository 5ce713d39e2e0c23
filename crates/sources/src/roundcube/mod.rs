//! Roundcube's own logs: userlogins, errors, sendmail, password, session, imap, imap_session.
//!
//! All are written by `rcube::write_log` (program/lib/Roundcube/rcube.php:1291): with the file
//! driver `[DATE]: <sess> MESSAGE`, with the syslog driver `<sess> MESSAGE`. Which of the files a
//! line stands in follows from the message, so one format reads them all, whatever they are
//! called.
//!
//! - `date`: the stamps `log_date_format` can make;
//! - `message`: the messages.

mod date;
mod message;

pub use message::{ImapSession, imap_session, roundcube_message};

use crate::stamp::Clock;
use crate::web::sniff_lines;
use crate::{Context, LogFormat, each_line};
use vauban_ocsf::EventSink;

/// Roundcube's logs.
pub static ROUNDCUBE: Roundcube = Roundcube;

/// See [`ROUNDCUBE`].
pub struct Roundcube;

impl LogFormat for Roundcube {
    fn name(&self) -> &'static str {
        "roundcube"
    }

    fn sniff(&self, path: &str, head: &[u8]) -> u8 {
        let share = sniff_lines(head, |line, clock| {
            date::front(line, clock)
                .is_some_and(|(_, rest)| line.contains("]: ") || rest.starts_with(" PHP "))
        });
        // Continuation lines of dumped variables may outnumber the stamped ones.
        let name = path.rsplit(['/', '!']).next().unwrap_or_default();
        let known = path.contains("roundcube")
            || [
                "userlogins",
                "imap_session",
                "sendmail",
                "errors",
                "password",
            ]
            .iter()
            .any(|log| name.starts_with(log));
        match (share, known) {
            (0, _) => 0,
            (share, true) => 50 + share / 2,
            (share, false) => share / 10 * 7,
        }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            match date::front(line.text, &clock) {
                Some((time, rest)) => {
                    let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start();
                    roundcube_message(rest, line, time, "", None, sink);
                }
                // Messages may run over several lines (dumped variables, stack traces).
                None if line.text.starts_with([' ', '\t', '#', ')', '}'])
                    || line.text.starts_with("Stack trace:") =>
                {
                    sink.ignored(line.evidence, None);
                }
                None => sink.unparsed(line.evidence, "no Roundcube stamp"),
            }
        });
    }
}
