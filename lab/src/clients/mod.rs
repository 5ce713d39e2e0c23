//! Small blocking clients that count every octet they receive.
//!
//! They are deliberately not libraries for daily use: no TLS, no retries, and they know only as much
//! of each protocol as the stories play.

pub mod http;
pub mod imap;
pub mod pop3;
pub mod roundcube;
pub mod sieve;
pub mod smtp;
pub mod zip;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use socket2::{Domain, Socket, Type};

use crate::net::{SERVER_IN, SERVER_OUT, SERVER_OUT6};

/// The address of the server as a client at `source` sees it.
pub fn server_for(source: IpAddr) -> IpAddr {
    let text = match source {
        IpAddr::V4(v4) if v4.octets()[0] == 10 => SERVER_IN,
        IpAddr::V4(_) => SERVER_OUT,
        IpAddr::V6(_) => SERVER_OUT6,
    };
    text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// A connection from a played source address, buffered on the receiving side.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    at: usize,
    /// Octets received so far.
    pub received: u64,
}

impl Wire {
    /// Connects to the server's `port` from `source`.
    pub fn open(source: IpAddr, port: u16) -> Result<Wire> {
        Wire::open_to(source, SocketAddr::new(server_for(source), port))
    }

    /// Connects anywhere from `source`.
    pub fn open_to(source: IpAddr, to: SocketAddr) -> Result<Wire> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)
            .context("cannot make a socket")?;
        socket
            .bind(&SocketAddr::new(source, 0).into())
            .with_context(|| format!("cannot play the address {source}"))?;
        socket
            .connect(&to.into())
            .with_context(|| format!("{source} cannot connect to {to}"))?;
        let stream: TcpStream = socket.into();
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        Ok(Wire {
            stream,
            buffer: Vec::new(),
            at: 0,
            received: 0,
        })
    }

    /// Sends octets.
    pub fn send(&mut self, data: &[u8]) -> Result<()> {
        self.stream.write_all(data).context("cannot send")
    }

    fn fill(&mut self) -> Result<usize> {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        let mut chunk = [0u8; 16_384];
        let n = self.stream.read(&mut chunk).context("cannot receive")?;
        self.buffer
            .extend_from_slice(chunk.get(..n).unwrap_or_default());
        self.received += n as u64;
        Ok(n)
    }

    /// A line without its CRLF; an error at the end of the stream.
    pub fn line(&mut self) -> Result<Vec<u8>> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', rest) {
                let line = rest.get(..end).unwrap_or_default();
                let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                self.at += end + 1;
                return Ok(line);
            }
            if self.fill()? == 0 {
                bail!("the server closed the connection");
            }
        }
    }

    /// Exactly `n` octets.
    pub fn exactly(&mut self, n: usize) -> Result<Vec<u8>> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(data) = rest.get(..n) {
                let data = data.to_vec();
                self.at += n;
                return Ok(data);
            }
            if self.fill()? == 0 {
                bail!("the server closed the connection in the middle of {n} octets");
            }
        }
    }

    /// Up to `n` octets, fewer only at the end of the stream; for downloads that are cut off.
    pub fn at_most(&mut self, n: usize) -> Result<Vec<u8>> {
        while self.buffer.len() - self.at < n {
            if self.fill()? == 0 {
                break;
            }
        }
        let end = self.buffer.len().min(self.at + n);
        let data = self.buffer.get(self.at..end).unwrap_or_default().to_vec();
        self.at = end;
        Ok(data)
    }

    /// How many octets were received and not yet taken.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.at
    }

    /// Everything until the server closes.
    pub fn drain(&mut self) -> Result<Vec<u8>> {
        while self.fill()? > 0 {}
        let data = self.buffer.get(self.at..).unwrap_or_default().to_vec();
        self.at = self.buffer.len();
        Ok(data)
    }

    /// Octets that are there already, without waiting longer than `wait`.
    pub fn poll(&mut self, wait: Duration) -> Result<bool> {
        if self.at < self.buffer.len() {
            return Ok(true);
        }
        self.stream.set_read_timeout(Some(wait))?;
        let mut one = [0u8; 1];
        let there = self.stream.peek(&mut one).is_ok_and(|n| n > 0);
        self.stream
            .set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(there)
    }

    /// Breaks the connection off with a reset, as a phone does that loses its network. Octets the
    /// client never read do not count as received.
    pub fn abort(self) -> u64 {
        let socket = socket2::SockRef::from(&self.stream);
        // Without it the kernel would close in order; the count is the same.
        let _ = socket.set_linger(Some(Duration::ZERO));
        self.received
    }
}
