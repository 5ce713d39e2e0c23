//! An HTTP/1.1 client with a cookie jar, keep-alive and gzip (RFC 9112).

use std::io::Read;
use std::net::IpAddr;

use anyhow::{Context, Result, bail};

use super::Wire;

/// A browser sends these with every request.
#[derive(Clone, Debug)]
pub struct Agent {
    /// `User-Agent`.
    pub name: String,
    /// `Accept-Language`.
    pub language: String,
    /// Whether answers may come compressed.
    pub gzip: bool,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header field's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|h| h.0 == name)
            .map(|h| h.1.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A browser's connection to the webmail.
pub struct Http {
    /// The address requests come from; may change in the middle of a session.
    pub source: IpAddr,
    /// What the browser says it is.
    pub agent: Agent,
    host: String,
    wire: Option<Wire>,
    cookies: Vec<(String, String)>,
    received_before: u64,
}

impl Http {
    /// A browser without cookies and connection.
    pub fn new(source: IpAddr, host: &str, agent: Agent) -> Http {
        Http {
            source,
            agent,
            host: host.to_owned(),
            wire: None,
            cookies: Vec::new(),
            received_before: 0,
        }
    }

    /// Octets received so far, heads and compressed bodies together.
    pub fn received(&self) -> u64 {
        self.received_before + self.wire.as_ref().map_or(0, |w| w.received)
    }

    /// Closes the connection, as browsers do when it idles or the network changes.
    pub fn hang_up(&mut self) {
        if let Some(wire) = self.wire.take() {
            self.received_before += wire.received;
        }
    }

    /// `GET`s a path with extra header lines.
    pub fn get(&mut self, path: &str, extra: &[(&str, &str)]) -> Result<Reply> {
        self.request("GET", path, extra, None)
    }

    /// `POST`s form fields.
    pub fn post(
        &mut self,
        path: &str,
        extra: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Result<Reply> {
        let body = form
            .iter()
            .map(|(k, v)| format!("{}={}", encode(k), encode(v)))
            .collect::<Vec<_>>()
            .join("&");
        self.request("POST", path, extra, Some(body.as_bytes()))
    }

    fn head(
        &self,
        method: &str,
        path: &str,
        extra: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> String {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: */*\r\nAccept-Language: {}\r\n",
            self.host, self.agent.name, self.agent.language
        );
        if self.agent.gzip {
            head.push_str("Accept-Encoding: gzip, deflate\r\n");
        }
        if !self.cookies.is_empty() {
            let all: Vec<String> = self
                .cookies
                .iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect();
            head.push_str(&format!("Cookie: {}\r\n", all.join("; ")));
        }
        for (name, value) in extra {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            head.push_str(&format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                body.len()
            ));
        }
        head + "\r\n"
    }

    fn request(
        &mut self,
        method: &str,
        path: &str,
        extra: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Reply> {
        let mut message = self.head(method, path, extra, body).into_bytes();
        message.extend_from_slice(body.unwrap_or_default());
        // A kept connection may have been closed by the server meanwhile: then once more.
        for fresh in [false, true] {
            if fresh {
                self.hang_up();
            }
            let mut wire = match self.wire.take() {
                Some(wire) => wire,
                None => Wire::open(self.source, 80)?,
            };
            let before = wire.received;
            match exchange(&mut wire, &message) {
                Ok((reply, keep)) => {
                    self.wire = Some(wire);
                    if !keep {
                        self.hang_up();
                    }
                    self.remember(&reply);
                    return Ok(reply);
                }
                Err(error) if fresh || wire.received > before => {
                    return Err(error.context(format!("{method} {path}")));
                }
                Err(_) => self.wire = Some(wire),
            }
        }
        bail!("{method} {path}: the server does not answer")
    }

    /// Asks for something and breaks off after about `octets` of the body; returns what came of the
    /// body (as sent: compressed if the server compressed) and whether it was compressed.
    pub fn get_and_abort(&mut self, path: &str, octets: usize) -> Result<(Vec<u8>, Reply)> {
        self.hang_up();
        let mut wire = Wire::open(self.source, 80)?;
        wire.send(self.head("GET", path, &[], None).as_bytes())?;
        let reply = read_head(&mut wire)?;
        let mut body = Vec::new();
        if reply.header("transfer-encoding") == Some("chunked") {
            while body.len() < octets {
                let size = chunk_size(&mut wire)?;
                if size == 0 {
                    break;
                }
                let take = size.min(octets - body.len());
                let mut part = wire.at_most(take)?;
                let more = wire.buffered().min(size - part.len());
                part.extend(wire.at_most(more)?);
                let whole = part.len() == size;
                body.extend(part);
                if !whole {
                    break;
                }
                wire.exactly(2)?;
            }
        } else {
            let size: usize = reply
                .header("content-length")
                .and_then(|l| l.parse().ok())
                .unwrap_or(0);
            body = wire.at_most(octets.min(size))?;
            let more = wire.buffered().min(size - body.len());
            body.extend(wire.at_most(more)?);
        }
        self.received_before += wire.abort();
        Ok((body, reply))
    }

    fn remember(&mut self, reply: &Reply) {
        for (name, value) in &reply.headers {
            if name != "set-cookie" {
                continue;
            }
            let pair = value.split(';').next().unwrap_or_default();
            if let Some((k, v)) = pair.split_once('=') {
                self.cookies.retain(|c| c.0 != k);
                if v != "-del-" && !v.is_empty() {
                    self.cookies.push((k.to_owned(), v.to_owned()));
                }
            }
        }
    }
}

fn read_head(wire: &mut Wire) -> Result<Reply> {
    let status_line = String::from_utf8_lossy(&wire.line()?).into_owned();
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .with_context(|| format!("not an HTTP answer: {status_line}"))?;
    let mut headers = Vec::new();
    loop {
        let line = String::from_utf8_lossy(&wire.line()?).into_owned();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Ok(Reply {
        status,
        headers,
        body: Vec::new(),
    })
}

fn chunk_size(wire: &mut Wire) -> Result<usize> {
    let line = String::from_utf8_lossy(&wire.line()?).into_owned();
    let digits = line.split(';').next().unwrap_or_default().trim();
    usize::from_str_radix(digits, 16).with_context(|| format!("not a chunk size: {line}"))
}

fn exchange(wire: &mut Wire, message: &[u8]) -> Result<(Reply, bool)> {
    wire.send(message)?;
    let mut reply = read_head(wire)?;
    let mut keep = reply.header("connection") != Some("close");
    if reply.status == 304 || reply.status == 204 {
        return Ok((reply, keep));
    }
    if reply.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = chunk_size(wire)?;
            let data = wire.exactly(size)?;
            wire.exactly(2)?;
            if size == 0 {
                break;
            }
            reply.body.extend(data);
        }
    } else if let Some(size) = reply.header("content-length").and_then(|l| l.parse().ok()) {
        reply.body = wire.exactly(size)?;
    } else {
        reply.body = wire.drain()?;
        keep = false;
    }
    if reply.header("content-encoding") == Some("gzip") {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(reply.body.as_slice())
            .read_to_end(&mut plain)
            .context("a compressed answer cannot be read")?;
        reply.body = plain;
    }
    Ok((reply, keep))
}

/// Percent-encodes for a query or a form, as browsers' `encodeURIComponent` does.
pub fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded_like_a_browser_does() {
        assert_eq!(encode("mot de passe é&"), "mot%20de%20passe%20%C3%A9%26");
    }
}
