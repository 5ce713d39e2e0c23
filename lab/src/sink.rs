//! The Internet's mail exchangers: accept everything on port 25 of the world's addresses and keep it.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};

use crate::clock::{Clock, Nanos};

/// A message another site accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Envelope recipients.
    pub to: Vec<String>,
    /// The message with CRLF line ends, dot-stuffing removed.
    pub data: Vec<u8>,
    /// When it was accepted.
    pub at: Nanos,
}

/// What all exchangers accepted.
pub type Sink = Arc<Mutex<Vec<Accepted>>>;

/// Starts an exchanger named `name` on an address.
pub fn start(address: IpAddr, name: &str, clock: &Arc<Clock>, sink: &Sink) -> Result<()> {
    let listener = TcpListener::bind((address, 25))
        .with_context(|| format!("cannot play a mail exchanger at {address}"))?;
    let (name, clock, sink) = (name.to_owned(), Arc::clone(clock), Arc::clone(sink));
    std::thread::Builder::new()
        .name(format!("mx {address}"))
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                let (name, clock, sink) = (name.clone(), Arc::clone(&clock), Arc::clone(&sink));
                // A peer that breaks off is its own affair; what it handed over is kept.
                std::thread::spawn(move || {
                    let _ = serve(&stream, &name, &clock, &sink);
                });
            }
        })
        .context("cannot start an exchanger")?;
    Ok(())
}

fn serve(stream: &TcpStream, name: &str, clock: &Clock, sink: &Sink) -> Result<()> {
    let mut out = stream;
    let mut input = BufReader::new(stream);
    let mut to = Vec::new();
    write!(out, "220 {name} ESMTP\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("EHLO") {
            write!(out, "250-{name}\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n")?;
        } else if upper.starts_with("MAIL FROM:") {
            write!(out, "250 2.1.0 Ok\r\n")?;
        } else if upper.starts_with("RCPT TO:") {
            to.push(address(&line));
            write!(out, "250 2.1.5 Ok\r\n")?;
        } else if upper.starts_with("DATA") {
            write!(out, "354 End data with <CR><LF>.<CR><LF>\r\n")?;
            let data = data(&mut input)?;
            let mut kept = sink
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            kept.push(Accepted {
                to: std::mem::take(&mut to),
                data,
                at: clock.now(),
            });
            let number = kept.len();
            drop(kept);
            write!(out, "250 2.0.0 Ok: queued as {number:010X}\r\n")?;
        } else if upper.starts_with("QUIT") {
            write!(out, "221 2.0.0 Bye\r\n")?;
            return Ok(());
        } else {
            write!(out, "250 2.0.0 Ok\r\n")?;
        }
    }
}

fn data(input: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            anyhow::bail!("the message was cut off");
        }
        if line == b".\r\n" {
            return Ok(data);
        }
        data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

fn address(line: &str) -> String {
    line.split_once('<')
        .and_then(|l| l.1.split_once('>'))
        .map(|l| l.0.to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_ends_at_the_lone_dot_and_is_unstuffed() {
        let mut input = BufReader::new(&b"a\r\n..b\r\n.\r\nQUIT\r\n"[..]);
        assert_eq!(data(&mut input).unwrap(), b"a\r\n.b\r\n");
        assert_eq!(address("RCPT TO:<a@b.example> X=1"), "a@b.example");
    }
}
