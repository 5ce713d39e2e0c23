//! The server's syslog daemon: `/dev/log` in, `/var/log/*.log` out, stamped with the story clock.
//!
//! glibc's `syslog(3)` stamps with the machine's clock, which libfaketime does not reach, so the
//! stamp a program sends is replaced by the time of arrival, as `rsyslogd` does when told to.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use jiff::tz::TimeZone;

use crate::clock::{Clock, Nanos};

/// How a line begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stamp {
    /// `Nov 25 08:15:30`, without a year (RFC 3164).
    Rfc3164,
    /// `2025-11-25T08:15:30.123456+01:00`, Debian 12's default.
    Iso8601,
}

struct State {
    zone: TimeZone,
    files: Vec<(&'static str, File)>,
    dropped: u64,
}

/// The running syslog daemon.
pub struct Syslogd {
    clock: Arc<Clock>,
    host: String,
    stamp: Stamp,
    state: Mutex<State>,
}

/// What only the laboratory's clock makes the daemons say.
const ARTEFACTS_OF_THE_CLOCK: &[&str] = &[
    "Time moved forwards",
    "Time jumped forwards",
    "Time just moved backwards",
    "Created dotlock file's timestamp is different",
    "file system clock is",
    "resetting file time stamps",
    "seconds into the future",
    "has changed -- restarting",
    "unix_trigger_event: read timeout",
];

impl Syslogd {
    /// Listens on `/dev/log` in a thread until the process ends.
    pub fn start(clock: Arc<Clock>, host: &str, stamp: Stamp, zone: &str) -> Result<Arc<Syslogd>> {
        let socket = UnixDatagram::bind("/dev/log").context("cannot listen on /dev/log")?;
        crate::sandbox::shell("chmod 666 /dev/log")?;
        let daemon = Arc::new(Syslogd {
            clock,
            host: host.to_owned(),
            stamp,
            state: Mutex::new(State {
                zone: TimeZone::get(zone).with_context(|| format!("no time zone {zone}"))?,
                files: Vec::new(),
                dropped: 0,
            }),
        });
        let me = Arc::clone(&daemon);
        std::thread::Builder::new()
            .name("syslogd".to_owned())
            .spawn(move || {
                let mut buffer = vec![0u8; 65_536];
                while let Ok(n) = socket.recv(&mut buffer) {
                    if let Some(datagram) = buffer.get(..n) {
                        me.take(datagram);
                    }
                }
            })
            .context("cannot start the syslog thread")?;
        Ok(daemon)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&self, datagram: &[u8]) {
        let (facility, message) = split(datagram);
        self.write(facility, message);
    }

    fn write(&self, facility: u8, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        let text = text.trim_end_matches(['\n', '\0']);
        let mut state = self.lock();
        if ARTEFACTS_OF_THE_CLOCK.iter().any(|a| text.contains(a)) {
            state.dropped += 1;
            return;
        }
        let stamp = format_stamp(self.stamp, &state.zone, self.clock.now());
        let line = format!("{stamp} {} {text}\n", self.host);
        let name = file_of(facility);
        if !state.files.iter().any(|f| f.0 == name) {
            let opened = OpenOptions::new()
                .create(true)
                .append(true)
                .open(path_of(name));
            match opened {
                Ok(file) => state.files.push((name, file)),
                Err(error) => {
                    eprintln!("lab: syslogd cannot open {name}: {error}");
                    return;
                }
            }
        }
        if let Some((_, file)) = state.files.iter_mut().find(|f| f.0 == name)
            && let Err(error) = file.write_all(line.as_bytes())
        {
            eprintln!("lab: syslogd cannot write {name}: {error}");
        }
    }

    /// Renames logs the way logrotate does: `LOG` → `LOG.1` → `LOG.2.gz` → …
    pub fn rotate(&self) -> Result<()> {
        let mut state = self.lock();
        state.files.clear();
        for name in ["mail.log", "auth.log", "kern.log", "syslog"] {
            crate::collect::rotate(&path_of(name), self.clock.now())?;
        }
        Ok(())
    }

    /// Removes the lines between two times from a log, as an intruder does who covers a trace;
    /// only for ISO-8601 stamps of one zone. Returns how many lines are gone.
    pub fn cut(&self, name: &str, from: Nanos, to: Nanos) -> Result<usize> {
        let mut state = self.lock();
        state.files.clear();
        let bound = |at| format_stamp(self.stamp, &state.zone, at);
        let (from, to) = (bound(from), bound(to));
        let path = path_of(name);
        let text = std::fs::read_to_string(&path).context("cannot read the log")?;
        let kept: Vec<&str> = text
            .split_inclusive('\n')
            .filter(|line| !(*line >= from.as_str() && *line < to.as_str()))
            .collect();
        let removed = text.lines().count() - kept.len();
        std::fs::write(&path, kept.concat()).context("cannot rewrite the log")?;
        Ok(removed)
    }

    /// Moves the server to another time zone; lines from now on carry it.
    pub fn set_zone(&self, zone: &str) -> Result<()> {
        self.lock().zone = TimeZone::get(zone).with_context(|| format!("no time zone {zone}"))?;
        Ok(())
    }

    /// How many lines were left out because only the shifted clock caused them.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }
}

fn path_of(name: &str) -> PathBuf {
    PathBuf::from("/var/log").join(name)
}

fn file_of(facility: u8) -> &'static str {
    match facility {
        0 => "kern.log",
        2 => "mail.log",
        4 | 10 => "auth.log",
        _ => "syslog",
    }
}

/// Splits `<PRI>Mmm dd hh:mm:ss TAG: text` into facility and `TAG: text`.
fn split(datagram: &[u8]) -> (u8, &[u8]) {
    let Some(rest) = datagram.strip_prefix(b"<") else {
        return (1, datagram);
    };
    let Some(end) = rest.iter().position(|b| *b == b'>') else {
        return (1, datagram);
    };
    let (number, rest) = rest.split_at(end);
    let facility = std::str::from_utf8(number)
        .ok()
        .and_then(|n| n.parse::<u16>().ok())
        .and_then(|n| u8::try_from(n >> 3).ok())
        .unwrap_or(1);
    let text = rest.get(1..).unwrap_or_default();
    // "Nov 25 08:15:30 " is 16 octets; programs that send no stamp are left alone.
    let stamped =
        text.get(3) == Some(&b' ') && text.get(6) == Some(&b' ') && text.get(15) == Some(&b' ');
    (
        facility,
        if stamped {
            text.get(16..).unwrap_or_default()
        } else {
            text
        },
    )
}

/// A time stamp in the server's zone.
pub fn format_stamp(stamp: Stamp, zone: &TimeZone, at: Nanos) -> String {
    let ts =
        jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let local = ts.to_zoned_datetime(zone.clone());
    match stamp {
        Stamp::Rfc3164 => local.strftime("%b %e %H:%M:%S").to_string(),
        Stamp::Iso8601 => local.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_and_stamp_are_taken_off() {
        assert_eq!(
            split(b"<22>Nov 24 08:15:30 dovecot: imap-login: Login: user=<a>"),
            (2, &b"dovecot: imap-login: Login: user=<a>"[..])
        );
        assert_eq!(split(b"<0>oops"), (0, &b"oops"[..]));
        assert_eq!(split(b"no priority"), (1, &b"no priority"[..]));
        assert_eq!(split(b"<broken"), (1, &b"<broken"[..]));
    }

    #[test]
    fn both_stamps_use_the_zone() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let at = 1_764_058_530_123_456_789;
        assert_eq!(format_stamp(Stamp::Rfc3164, &zone, at), "Nov 25 09:15:30");
        assert_eq!(
            format_stamp(Stamp::Iso8601, &zone, at),
            "2025-11-25T09:15:30.123456+01:00"
        );
    }
}
