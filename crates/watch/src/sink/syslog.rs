//! Findings as RFC 5424 messages to a syslog server: UDP, TCP with counted octets, or a local
//! socket.
//!
//! The identifier is in the structured data. Syslog acknowledges nothing: what was handed to the
//! system counts as delivered, and what was handed over just before a crash is handed over again.

use super::{Outcome, Sink};
use crate::store::{Pending, SinkState};
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;
use vauban_ocsf::Level;

/// Longest datagram: what fits any path's IPv4 reassembly with room to spare.
const DATAGRAM: usize = 60_000;

/// A syslog server.
pub struct SyslogOut {
    name: String,
    to: To,
    level: Level,
    host: String,
    open: Option<Open>,
}

enum To {
    Udp(String),
    Tcp(String),
    Unix(String),
}

enum Open {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Unix(UnixDatagram),
}

impl SyslogOut {
    /// Sends to `udp://host:port`, `tcp://host:port` or `unix:/path`.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn new(to: &str, level: Level) -> Result<Self, String> {
        let place = if let Some(to) = to.strip_prefix("udp://") {
            To::Udp(to.to_owned())
        } else if let Some(to) = to.strip_prefix("tcp://") {
            To::Tcp(to.to_owned())
        } else if let Some(to) = to.strip_prefix("unix:") {
            To::Unix(to.to_owned())
        } else {
            return Err(format!(
                "to = {to:?}: udp://host:port, tcp://host:port or unix:/path"
            ));
        };
        Ok(Self {
            name: format!("syslog:{to}"),
            to: place,
            level,
            host: super::mail::host(),
            open: None,
        })
    }

    fn send(&mut self, pending: &Pending) -> io::Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(connect(&self.to)?),
        };
        let text = message(pending, &self.host);
        match open {
            Open::Udp(socket) => {
                let cut = text.floor_char_boundary(DATAGRAM);
                socket.send(text.get(..cut).unwrap_or_default().as_bytes())?;
            }
            Open::Unix(socket) => {
                socket.send(text.as_bytes())?;
            }
            Open::Tcp(stream) => {
                stream.write_all(format!("{} {text}", text.len()).as_bytes())?;
            }
        }
        Ok(())
    }
}

fn connect(to: &To) -> io::Result<Open> {
    let wait = Duration::from_secs(10);
    match to {
        To::Udp(to) => {
            let address = resolve(to)?;
            let own = if address.is_ipv4() {
                "0.0.0.0:0"
            } else {
                "[::]:0"
            };
            let socket = UdpSocket::bind(own)?;
            socket.connect(address)?;
            Ok(Open::Udp(socket))
        }
        To::Tcp(to) => {
            let stream = TcpStream::connect_timeout(&resolve(to)?, wait)?;
            stream.set_write_timeout(Some(wait))?;
            Ok(Open::Tcp(stream))
        }
        To::Unix(path) => {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path)?;
            Ok(Open::Unix(socket))
        }
    }
}

fn resolve(to: &str) -> io::Result<std::net::SocketAddr> {
    to.to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::other(format!("{to}: no address")))
}

/// RFC 5424. Facility 13 (log audit); severity from the finding's.
fn message(pending: &Pending, host: &str) -> String {
    let severity = match pending.finding.severity {
        5 => 2,
        4 => 3,
        3 => 4,
        2 => 5,
        _ => 6,
    };
    let now = jiff::Timestamp::now();
    // 32473 is the enterprise number set aside for examples and documentation (RFC 5612).
    format!(
        "<{}>1 {now:.6} {host} vauban {} finding [finding@32473 uid=\"{}\"] {}",
        13 * 8 + severity,
        std::process::id(),
        pending.finding.uid,
        pending.finding.body
    )
}

impl Sink for SyslogOut {
    fn name(&self) -> &str {
        &self.name
    }

    fn level(&self) -> Level {
        self.level
    }

    fn deliver(&mut self, batch: &[Pending], state: &SinkState) -> Outcome {
        let mut reached = state.seq;
        for pending in batch {
            if let Err(e) = self.send(pending) {
                self.open = None;
                if reached > state.seq {
                    break;
                }
                return Outcome::Failed(e.to_string());
            }
            reached = pending.seq;
        }
        Outcome::Done(SinkState {
            seq: reached,
            own: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Outgoing;

    fn pending() -> Pending {
        Pending {
            seq: 7,
            finding: Outgoing {
                uid: "ab12".into(),
                severity: 4,
                title: "t".into(),
                body: "{\"a\":1}".into(),
            },
        }
    }

    #[test]
    fn messages_over_each_transport() {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        let unix = UnixDatagram::bind(&path).expect("bind");
        let mut buffer = [0; 1024];
        for to in [
            format!("udp://{}", udp.local_addr().expect("address")),
            format!("tcp://{}", tcp.local_addr().expect("address")),
            format!("unix:{}", path.display()),
        ] {
            let mut sink = SyslogOut::new(&to, Level::Low).expect("sound");
            let outcome = sink.deliver(&[pending()], &SinkState::default());
            assert!(
                matches!(outcome, Outcome::Done(SinkState { seq: 7, .. })),
                "{outcome:?}"
            );
            let n = if to.starts_with("udp") {
                udp.recv(&mut buffer).expect("receive")
            } else if to.starts_with("tcp") {
                let (mut stream, _) = tcp.accept().expect("accept");
                drop(sink);
                std::io::Read::read(&mut stream, &mut buffer).expect("read")
            } else {
                unix.recv(&mut buffer).expect("receive")
            };
            let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
            let text = match text.split_once(" <") {
                Some((length, rest)) if to.starts_with("tcp") => {
                    assert_eq!(length.parse::<usize>().ok(), Some(rest.len() + 1));
                    format!("<{rest}")
                }
                _ => text,
            };
            assert!(text.starts_with("<107>1 2"), "{text}");
            assert!(
                text.ends_with(" finding [finding@32473 uid=\"ab12\"] {\"a\":1}"),
                "{text}"
            );
        }
        assert!(SyslogOut::new("http://x", Level::Low).is_err());
    }
}
