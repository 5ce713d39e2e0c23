//! A POP3 client (RFC 1939).

use std::net::IpAddr;

use anyhow::{Result, bail};

use super::Wire;

/// A connection.
pub struct Pop3 {
    wire: Wire,
}

impl Pop3 {
    /// Connects from `source` and reads the greeting.
    pub fn connect(source: IpAddr) -> Result<Pop3> {
        let mut pop3 = Pop3 {
            wire: Wire::open(source, 110)?,
        };
        pop3.wire.line()?;
        Ok(pop3)
    }

    fn ask(&mut self, command: &str) -> Result<Option<String>> {
        self.wire.send(format!("{command}\r\n").as_bytes())?;
        let line = String::from_utf8_lossy(&self.wire.line()?).into_owned();
        Ok(line.strip_prefix("+OK").map(|r| r.trim().to_owned()))
    }

    /// Logs in; false when the password is refused.
    pub fn login(&mut self, user: &str, password: &str) -> Result<bool> {
        if self.ask(&format!("USER {user}"))?.is_none() {
            return Ok(false);
        }
        Ok(self.ask(&format!("PASS {password}"))?.is_some())
    }

    fn many(&mut self, command: &str) -> Result<Vec<u8>> {
        if self.ask(command)?.is_none() {
            bail!("the server refused `{command}`");
        }
        let mut all = Vec::new();
        loop {
            let line = self.wire.line()?;
            if line == b"." {
                return Ok(all);
            }
            // A line of the message that begins with a dot comes with one more (dot-stuffing).
            let line = line.strip_prefix(b".").unwrap_or(&line);
            all.extend_from_slice(line);
            all.extend_from_slice(b"\r\n");
        }
    }

    /// Message numbers with their unique ids.
    pub fn uidl(&mut self) -> Result<Vec<(u32, String)>> {
        let text = String::from_utf8_lossy(&self.many("UIDL")?).into_owned();
        Ok(text
            .lines()
            .filter_map(|l| l.split_once(' '))
            .filter_map(|(n, id)| Some((n.parse().ok()?, id.to_owned())))
            .collect())
    }

    /// Message numbers with their sizes in octets.
    pub fn list(&mut self) -> Result<Vec<(u32, u64)>> {
        let text = String::from_utf8_lossy(&self.many("LIST")?).into_owned();
        Ok(text
            .lines()
            .filter_map(|l| l.split_once(' '))
            .filter_map(|(n, size)| Some((n.parse().ok()?, size.parse().ok()?)))
            .collect())
    }

    /// The whole message.
    pub fn retr(&mut self, number: u32) -> Result<Vec<u8>> {
        self.many(&format!("RETR {number}"))
    }

    /// Header and the first `lines` lines of the body.
    pub fn top(&mut self, number: u32, lines: u32) -> Result<Vec<u8>> {
        self.many(&format!("TOP {number} {lines}"))
    }

    /// Marks a message for deletion at QUIT.
    pub fn dele(&mut self, number: u32) -> Result<()> {
        self.ask(&format!("DELE {number}"))?;
        Ok(())
    }

    /// Asks for a message and breaks off after about `octets` of it; returns the octets of the
    /// message that came and all octets received.
    pub fn retr_and_abort(mut self, number: u32, octets: usize) -> Result<(u64, u64)> {
        if self.ask(&format!("RETR {number}"))?.is_none() {
            bail!("the server refused RETR {number}");
        }
        let mut data = self.wire.at_most(octets)?;
        let more = self.wire.buffered();
        data.extend(self.wire.at_most(more)?);
        Ok((message_octets(&data), self.wire.abort()))
    }

    /// Leaves in order; returns all octets received.
    pub fn quit(mut self) -> Result<u64> {
        self.wire.send(b"QUIT\r\n")?;
        self.wire.drain()?;
        Ok(self.wire.received)
    }
}

/// Octets of the message in a piece of a multi-line answer: without stuffed dots and terminator.
fn message_octets(data: &[u8]) -> u64 {
    let mut octets = 0u64;
    for line in data.split_inclusive(|b| *b == b'\n') {
        if line == b".\r\n" {
            break;
        }
        octets += line.len() as u64 - u64::from(line.first() == Some(&b'.'));
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_is_not_content() {
        assert_eq!(message_octets(b"a\r\n..b\r\n.\r\nrest"), 3 + 4);
        assert_eq!(message_octets(b"partial"), 7);
    }
}
