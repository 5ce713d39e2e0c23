//! Syslog messages from the network: UDP (RFC 5426), TCP (RFC 6587), TLS (RFC 5425).
//!
//! Syslog has no acknowledgement. What a message survives is therefore this: once it was read from
//! its connection it is in a file ([`received`]) before the next is read, so that neither our end
//! nor SIGKILL takes it away; it is forced to disk before the checkpoint that says it was judged.
//! What is still in the system's buffers of a connection when we die, the sender believes
//! delivered and nobody has: RFC 6587 and RFC 5425 cannot say otherwise. UDP can lose anything,
//! and the system's own count of what it dropped is shown.

mod frame;
mod received;
#[cfg(feature = "tls")]
mod tls;
mod udp;

use crate::config::SyslogSource;
use crate::follow::Note;
use crate::metrics::Metrics;
use crate::source::{Give, Source};
use frame::Frames;
use received::{Place, Reader, Writer};
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How often a thread that waits looks whether the end has come.
const LOOK: Duration = Duration::from_millis(200);
/// A connection on which nothing came for so long is closed.
const IDLE: Duration = Duration::from_secs(3600);

/// What all threads of a listener share.
pub(crate) struct Common {
    name: String,
    writer: Arc<Writer>,
    metrics: Arc<Metrics>,
    max_unread: u64,
    max_connections: usize,
    connections: AtomicUsize,
    ending: AtomicBool,
}

impl Common {
    fn ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Waits until there is room for more; `false` at the end.
    fn room(&self) -> bool {
        let mut held = false;
        loop {
            if self.ending() {
                return false;
            }
            let full = self.writer.unread() >= self.max_unread;
            if full != held {
                self.metrics.syslog(&self.name, |c| c.held = full);
                held = full;
            }
            if !full {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Keeps messages, trying until the disk takes them; `false` at the end.
    fn keep(&self, messages: &[Vec<u8>]) -> bool {
        loop {
            match self.writer.append(messages.iter().map(Vec::as_slice)) {
                Ok(()) => {
                    self.metrics
                        .syslog(&self.name, |c| c.messages += messages.len() as u64);
                    return true;
                }
                Err(_) if self.ending() => return false,
                Err(e) => {
                    let error = Some(format!("received messages cannot be kept: {e}"));
                    self.metrics
                        .source(&format!("syslog:{}:disk", self.name), 0, 0, error);
                    std::thread::sleep(LOOK);
                    let gone = format!("syslog:{}:disk", self.name);
                    self.metrics.source(&gone, 0, 0, None);
                }
            }
        }
    }

    /// A message as it is kept: one without a time stamp gets the time and the sender's address,
    /// as RFC 3164 asks of a relay.
    fn complete(message: &[u8], from: IpAddr) -> Vec<u8> {
        let text = String::from_utf8_lossy(message);
        let base = vauban_evidence::TimeBase::utc((9999, 12, 31));
        let clock = vauban_sources::stamp::Clock::new(&base);
        if vauban_sources::syslog::open(&text, &clock).is_some() {
            return message.to_vec();
        }
        let (priority, rest) = match text.split_once('>') {
            Some((p, rest))
                if p.len() <= 4
                    && p.strip_prefix('<')
                        .is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())) =>
            {
                (format!("{p}>"), rest)
            }
            _ => (String::new(), &*text),
        };
        let now = jiff::Timestamp::now();
        format!("{priority}{now:.6} {from} {rest}").into_bytes()
    }
}

/// A listener and the reader of what it receives.
pub struct Listener {
    name: String,
    common: Arc<Common>,
    reader: Reader,
    keep: u64,
}

impl Listener {
    /// The name of the source.
    pub fn name_of(name: &str) -> String {
        format!("syslog:{name}")
    }

    /// Binds the addresses and starts to receive.
    ///
    /// # Errors
    /// What could not be set up, and why.
    pub fn start(
        config: &SyslogSource,
        state: &Path,
        kept: Option<&str>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, (String, io::Error)> {
        let at = |what: String| move |e| (what, e);
        let dir = state.join("received").join(&config.name);
        let place: Place = match kept {
            Some(text) if !text.is_empty() => serde_json::from_str(text)
                .map_err(|e| (format!("position of {}", config.name), e.into()))?,
            _ => Place::default(),
        };
        let (writer, reader) =
            received::open(&dir, place).map_err(at(dir.display().to_string()))?;
        metrics.syslog(&config.name, |_| {});
        let common = Arc::new(Common {
            name: config.name.clone(),
            writer,
            metrics,
            max_unread: config.max_unread_bytes,
            max_connections: config.max_connections,
            connections: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
        });
        if let Some(address) = config.udp {
            let what = format!("udp {address}");
            udp::start(address, Arc::clone(&common)).map_err(at(what))?;
        }
        if let Some(address) = config.tcp {
            let what = format!("tcp {address}");
            let bound = accept(address, Arc::clone(&common), Box::new(plain));
            bound.map_err(at(what))?;
        }
        #[cfg(feature = "tls")]
        if let Some(address) = config.tls {
            let what = format!("tls {address}");
            let server = tls::server(config).map_err(at(what.clone()))?;
            let serve: Serve = Box::new(move |s, c| tls::serve(s, c, Arc::clone(&server)));
            accept(address, Arc::clone(&common), serve).map_err(at(what))?;
        }
        Ok(Self {
            name: Self::name_of(&config.name),
            common,
            reader,
            keep: config.keep_bytes,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.common.ending.store(true, Ordering::Release);
    }
}

impl Source for Listener {
    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, budget: usize, _: bool, give: &mut Give<'_>) -> io::Result<usize> {
        self.reader.read(budget, &self.name, give)
    }

    fn position(&self) -> String {
        serde_json::to_string(&self.reader.place()).unwrap_or_default()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.reader.sync()
    }

    fn kept(&mut self) {
        self.reader.kept(self.keep);
    }

    fn behind(&self) -> u64 {
        self.common.writer.unread()
    }

    fn at_rest(&self) -> bool {
        true
    }

    fn take_notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}

type Serve = Box<dyn Fn(TcpStream, &Common) -> io::Result<()> + Send + Sync>;

/// Accepts connections in a thread, each served in one of its own.
fn accept(address: SocketAddr, common: Arc<Common>, serve: Serve) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    let bound = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let serve = Arc::new(serve);
    std::thread::Builder::new()
        .name("accept".into())
        .spawn(move || {
            while !common.ending() {
                let stream = match listener.accept() {
                    Ok((stream, _)) => stream,
                    Err(_) => {
                        // None there, or no descriptor left for one: either way later.
                        std::thread::sleep(Duration::from_millis(50));
                        continue;
                    }
                };
                if common.connections.load(Ordering::Acquire) >= common.max_connections {
                    common.metrics.syslog(&common.name, |c| c.refused += 1);
                    continue;
                }
                common.connections.fetch_add(1, Ordering::AcqRel);
                let (serve, inner) = (Arc::clone(&serve), Arc::clone(&common));
                let spawned = std::thread::Builder::new()
                    .name("syslog".into())
                    .stack_size(256 << 10)
                    .spawn(move || {
                        inner.metrics.syslog(&inner.name, |c| c.connections += 1);
                        let served = stream
                            .set_nonblocking(false)
                            .and_then(|()| serve(stream, &inner));
                        inner.connections.fetch_sub(1, Ordering::AcqRel);
                        inner.metrics.syslog(&inner.name, |c| {
                            c.connections -= 1;
                            c.refused += u64::from(served.is_err());
                        });
                    });
                if spawned.is_err() {
                    common.connections.fetch_sub(1, Ordering::AcqRel);
                    common.metrics.syslog(&common.name, |c| c.refused += 1);
                }
            }
        })?;
    Ok(bound)
}

fn plain(mut stream: TcpStream, common: &Common) -> io::Result<()> {
    stream.set_read_timeout(Some(LOOK))?;
    let peer = stream.peer_addr()?.ip();
    receive(&mut stream, peer, common);
    Ok(())
}

/// Reads messages until the connection or the watch ends.
fn receive(stream: &mut dyn Read, peer: IpAddr, common: &Common) {
    let mut frames = Frames::default();
    let mut buffer = vec![0; 64 << 10];
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut quiet = Duration::ZERO;
    let mut malformed = 0;
    while common.room() {
        let read = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if is_timeout(&e) => {
                quiet += LOOK;
                if quiet > IDLE {
                    break;
                }
                continue;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        quiet = Duration::ZERO;
        let bytes = buffer.get(..read).unwrap_or_default();
        frames.push(bytes, &mut |m| messages.push(Common::complete(m, peer)));
        if !messages.is_empty() && !common.keep(&messages) {
            return;
        }
        messages.clear();
        let bad = frames.malformed - malformed;
        malformed = frames.malformed;
        if bad > 0 {
            common.metrics.syslog(&common.name, |c| c.malformed += bad);
        }
    }
    frames.end(&mut |m| messages.push(Common::complete(m, peer)));
    if !messages.is_empty() {
        common.keep(&messages);
    }
}

fn is_timeout(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
