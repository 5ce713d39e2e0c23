//! An SMTP client for submission with AUTH PLAIN and for other sites' exchangers (RFC 5321, 4954).

use std::net::IpAddr;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Wire;

/// A connection.
pub struct Smtp {
    wire: Wire,
}

impl Smtp {
    /// Connects to `port` from `source` and greets as `helo`.
    pub fn connect(source: IpAddr, port: u16, helo: &str) -> Result<Smtp> {
        let mut smtp = Smtp {
            wire: Wire::open(source, port)?,
        };
        smtp.reply(2)?;
        smtp.ask(&format!("EHLO {helo}"), 2)?;
        Ok(smtp)
    }

    fn code(&mut self) -> Result<(u32, String)> {
        loop {
            let line = String::from_utf8_lossy(&self.wire.line()?).into_owned();
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|c| c.parse().ok()).unwrap_or(0);
                return Ok((code, line));
            }
        }
    }

    fn reply(&mut self, class: u32) -> Result<()> {
        let (code, line) = self.code()?;
        if code / 100 != class {
            bail!("SMTP: {line}");
        }
        Ok(())
    }

    fn ask(&mut self, command: &str, class: u32) -> Result<()> {
        self.wire.send(format!("{command}\r\n").as_bytes())?;
        self.reply(class)
    }

    /// Logs in; false when the password is refused.
    pub fn login(&mut self, user: &str, password: &str) -> Result<bool> {
        let token = STANDARD.encode(format!("\0{user}\0{password}"));
        self.wire
            .send(format!("AUTH PLAIN {token}\r\n").as_bytes())?;
        Ok(self.code()?.0 == 235)
    }

    /// Hands one message over.
    pub fn send(&mut self, from: &str, to: &[&str], message: &[u8]) -> Result<()> {
        self.ask(&format!("MAIL FROM:<{from}>"), 2)?;
        for recipient in to {
            self.ask(&format!("RCPT TO:<{recipient}>"), 2)?;
        }
        self.ask("DATA", 3)?;
        let mut out = Vec::with_capacity(message.len() + 64);
        for line in message.split_inclusive(|b| *b == b'\n') {
            if line.first() == Some(&b'.') {
                out.push(b'.');
            }
            out.extend_from_slice(line);
        }
        if !out.ends_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
        self.wire.send(&out)?;
        self.reply(2)
    }

    /// Leaves; returns all octets received.
    pub fn quit(mut self) -> Result<u64> {
        self.wire.send(b"QUIT\r\n")?;
        self.wire.drain()?;
        Ok(self.wire.received)
    }
}
