//! systemd's service notification protocol (sd_notify(3)): ready, alive, stopping.

use crate::metrics::Metrics;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// The service manager, if there is one.
pub struct Notify {
    to: Option<(UnixDatagram, SocketAddr)>,
    /// How often to say that we are alive.
    every: Option<Duration>,
    last: Instant,
    said: String,
}

impl Notify {
    /// As `NOTIFY_SOCKET` and `WATCHDOG_USEC` say.
    pub fn from_environment() -> Self {
        let to = std::env::var_os("NOTIFY_SOCKET").and_then(|name| {
            use std::os::unix::ffi::OsStrExt;
            let address = match name.as_bytes().strip_prefix(b"@") {
                Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name),
                None => SocketAddr::from_pathname(&name),
            };
            Some((UnixDatagram::unbound().ok()?, address.ok()?))
        });
        let own = std::env::var("WATCHDOG_PID")
            .ok()
            .is_none_or(|pid| pid.parse() == Ok(std::process::id()));
        let every = std::env::var("WATCHDOG_USEC")
            .ok()
            .and_then(|t| t.parse().ok())
            .filter(|_| own)
            .map(|micros: u64| Duration::from_micros(micros / 3));
        Self {
            to,
            every,
            last: Instant::now(),
            said: String::new(),
        }
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.to {
            // Nobody to tell it to if it fails.
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }

    /// Everything is set up.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// The loop turns.
    pub fn alive(&mut self) {
        if self.every.is_some_and(|every| self.last.elapsed() >= every) {
            self.last = Instant::now();
            self.send("WATCHDOG=1");
        }
    }

    /// A line for `systemctl status`.
    pub fn status(&mut self, metrics: &Metrics) {
        if self.to.is_none() {
            return;
        }
        let text = match metrics.troubles().first() {
            Some(trouble) => format!("STATUS={}", trouble.replace('\n', " ")),
            None => format!(
                "STATUS={} lines, {} findings",
                metrics.lines.load(Relaxed),
                metrics.findings.load(Relaxed)
            ),
        };
        if text != self.said {
            self.send(&text);
            self.said = text;
        }
    }
}
