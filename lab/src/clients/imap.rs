//! An IMAP client (RFC 3501, IDLE of RFC 2177) that knows which body octets it got.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Wire;

/// One untagged or tagged response: text with the literals that stood in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Response {
    /// Text pieces; `literals[i]` stood between `text[i]` and `text[i + 1]`.
    pub text: Vec<String>,
    /// The literals' octets.
    pub literals: Vec<Vec<u8>>,
}

/// One item of a FETCH response with its octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The message's UID (0 when the server did not say).
    pub uid: u32,
    /// What it is: `BODY[]`, `BODY[2]`, `BODY[1.MIME]`, `RFC822`, `BODY[HEADER.FIELDS (…)]`…
    pub section: String,
    /// The offset of a partial fetch.
    pub offset: u64,
    /// What came.
    pub data: Vec<u8>,
}

/// A connection.
pub struct Imap {
    wire: Wire,
    tag: u32,
}

impl Imap {
    /// Connects from `source` and reads the greeting.
    pub fn connect(source: IpAddr) -> Result<Imap> {
        let mut imap = Imap {
            wire: Wire::open(source, 143)?,
            tag: 0,
        };
        imap.response()?;
        Ok(imap)
    }

    fn response(&mut self) -> Result<Response> {
        let mut response = Response::default();
        loop {
            let line = self.wire.line()?;
            let text = String::from_utf8_lossy(&line).into_owned();
            let size = literal_size(&text);
            response.text.push(text);
            match size {
                Some(n) => response.literals.push(self.wire.exactly(n)?),
                None => return Ok(response),
            }
        }
    }

    fn send(&mut self, command: &str) -> Result<String> {
        self.tag += 1;
        let tag = format!("A{}", self.tag);
        self.wire.send(format!("{tag} {command}\r\n").as_bytes())?;
        Ok(tag)
    }

    /// Sends a command; returns whether it was answered OK, and the untagged responses.
    pub fn try_command(&mut self, command: &str) -> Result<(bool, Vec<Response>)> {
        let tag = self.send(command)?;
        let mut untagged = Vec::new();
        loop {
            let response = self.response()?;
            let first = response.text.first().map_or("", String::as_str);
            if let Some(rest) = first.strip_prefix(&format!("{tag} ")) {
                return Ok((rest.starts_with("OK"), untagged));
            }
            untagged.push(response);
        }
    }

    /// Sends a command that must be answered OK.
    pub fn command(&mut self, command: &str) -> Result<Vec<Response>> {
        let (ok, untagged) = self.try_command(command)?;
        if !ok {
            bail!("the server refused `{command}`");
        }
        Ok(untagged)
    }

    /// Logs in; false when the password is refused.
    pub fn login(&mut self, user: &str, password: &str) -> Result<bool> {
        Ok(self
            .try_command(&format!("LOGIN {} {}", quote(user), quote(password)))?
            .0)
    }

    /// Selects a mailbox; returns the number of messages.
    pub fn select(&mut self, mailbox: &str) -> Result<u32> {
        let responses = self.command(&format!("SELECT {}", quote(mailbox)))?;
        Ok(responses
            .iter()
            .filter_map(|r| {
                r.text
                    .first()?
                    .strip_prefix("* ")?
                    .strip_suffix(" EXISTS")?
                    .parse()
                    .ok()
            })
            .next_back()
            .unwrap_or(0))
    }

    /// The UIDs a search finds.
    pub fn uid_search(&mut self, criteria: &str) -> Result<Vec<u32>> {
        let responses = self.command(&format!("UID SEARCH {criteria}"))?;
        Ok(responses
            .iter()
            .filter_map(|r| r.text.first()?.strip_prefix("* SEARCH"))
            .flat_map(|l| {
                l.split_whitespace()
                    .filter_map(|n| n.parse().ok())
                    .collect::<Vec<u32>>()
            })
            .collect())
    }

    /// Fetches items of messages by UID.
    pub fn uid_fetch(&mut self, set: &str, items: &str) -> Result<Vec<Fetched>> {
        let responses = self.command(&format!("UID FETCH {set} {items}"))?;
        Ok(responses.iter().flat_map(fetched).collect())
    }

    /// Asks for items and breaks the connection off after about `octets` of the answer's first
    /// literal; returns what of it came, and all octets received on the connection.
    pub fn fetch_and_abort(
        mut self,
        uid: u32,
        section: &str,
        octets: usize,
    ) -> Result<(Vec<u8>, u64)> {
        self.send(&format!("UID FETCH {uid} ({section})"))?;
        loop {
            let line = self.wire.line()?;
            let text = String::from_utf8_lossy(&line).into_owned();
            if let Some(size) = literal_size(&text) {
                let mut data = self.wire.at_most(octets.min(size))?;
                let more = self.wire.buffered().min(size - data.len());
                data.extend(self.wire.at_most(more)?);
                return Ok((data, self.wire.abort()));
            }
            if text.starts_with('A') {
                bail!("nothing to fetch for {uid} {section}");
            }
        }
    }

    /// Appends a message to a mailbox.
    pub fn append(&mut self, mailbox: &str, flags: &str, message: &[u8]) -> Result<()> {
        let tag = self.send(&format!(
            "APPEND {} ({flags}) {{{}}}",
            quote(mailbox),
            message.len()
        ))?;
        let go = self.wire.line()?;
        if !go.starts_with(b"+") {
            bail!(
                "the server refused an APPEND: {}",
                String::from_utf8_lossy(&go)
            );
        }
        self.wire.send(message)?;
        self.wire.send(b"\r\n")?;
        loop {
            let response = self.response()?;
            let first = response.text.first().map_or("", String::as_str);
            if let Some(rest) = first.strip_prefix(&format!("{tag} ")) {
                if rest.starts_with("OK") {
                    return Ok(());
                }
                bail!("the server refused an APPEND: {rest}");
            }
        }
    }

    /// Enters IDLE; end it with [`Imap::done`].
    pub fn idle(&mut self) -> Result<()> {
        self.send("IDLE")?;
        loop {
            if self.wire.line()?.starts_with(b"+") {
                return Ok(());
            }
        }
    }

    /// Whether the server said something since (new mail while idling).
    pub fn has_news(&mut self) -> Result<bool> {
        self.wire.poll(Duration::from_millis(1))
    }

    /// Leaves IDLE.
    pub fn done(&mut self) -> Result<()> {
        self.wire.send(b"DONE\r\n")?;
        let tag = format!("A{} ", self.tag);
        while !self.wire.line()?.starts_with(tag.as_bytes()) {}
        Ok(())
    }

    /// Logs out and waits for the server to close; returns all octets received.
    pub fn logout(mut self) -> Result<u64> {
        self.send("LOGOUT")?;
        self.wire.drain()?;
        Ok(self.wire.received)
    }

    /// Breaks the connection off; returns all octets received.
    pub fn abort(self) -> u64 {
        self.wire.abort()
    }
}

/// Quotes a string for the wire (RFC 3501 quoted).
pub fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn literal_size(line: &str) -> Option<usize> {
    line.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}

/// The items of a FETCH response that came as literals.
fn fetched(response: &Response) -> Vec<Fetched> {
    let all = response.text.join(" ");
    let first = response.text.first().map_or("", String::as_str);
    if !first.starts_with("* ") || !first.contains(" FETCH ") {
        return Vec::new();
    }
    let uid = all
        .match_indices("UID ")
        .filter_map(|(i, _)| {
            let digits: String = all
                .get(i + 4..)?
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            digits.parse().ok()
        })
        .next()
        .unwrap_or(0);
    response
        .text
        .iter()
        .zip(&response.literals)
        .map(|(text, data)| {
            let before = text.rsplit_once('{').map_or("", |t| t.0).trim_end();
            let (section, offset) = section_of(before);
            Fetched {
                uid,
                section,
                offset,
                data: data.clone(),
            }
        })
        .collect()
}

/// `… BODY[2]<4096>` → (`BODY[2]`, 4096).
fn section_of(before: &str) -> (String, u64) {
    let (before, offset) = match before.strip_suffix('>').and_then(|b| b.rsplit_once('<')) {
        Some((b, n)) => (b, n.parse().unwrap_or(0)),
        None => (before, 0),
    };
    let start = if before.ends_with(']') {
        before.rfind("BODY[").or_else(|| before.rfind("BINARY["))
    } else {
        before.rfind([' ', '(']).map(|i| i + 1)
    };
    (
        before
            .get(start.unwrap_or(0)..)
            .unwrap_or_default()
            .to_owned(),
        offset,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetch_items_are_taken_apart() {
        let response = Response {
            text: vec![
                "* 3 FETCH (UID 17 FLAGS (\\Seen) BODY[2]<4096> {3}".into(),
                " BODY[HEADER.FIELDS (FROM TO)] {2}".into(),
                ")".into(),
            ],
            literals: vec![b"abc".to_vec(), b"\r\n".to_vec()],
        };
        let items = fetched(&response);
        assert_eq!(items.len(), 2);
        assert_eq!((items[0].uid, items[0].offset), (17, 4096));
        assert_eq!(items[0].section, "BODY[2]");
        assert_eq!(items[1].section, "BODY[HEADER.FIELDS (FROM TO)]");
        assert_eq!(section_of("* 1 FETCH (RFC822"), ("RFC822".into(), 0));
        assert!(fetched(&Response::default()).is_empty());
    }

    #[test]
    fn literals_end_a_line() {
        assert_eq!(literal_size("* 1 FETCH (BODY[] {123}"), Some(123));
        assert_eq!(literal_size("a } b {3"), None);
        assert_eq!(quote("a\"b"), "\"a\\\"b\"");
    }
}
