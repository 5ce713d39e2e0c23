//! URLs as keys, taken apart in place.
//!
//! The key of a URL is its host in lower case, its port if it is not the scheme's own, its path
//! and its query; scheme, user, fragment and a final slash do not count.

use super::index::Roll;

/// A URL's parts, borrowed.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// Host, an IPv6 address without its brackets.
    pub(crate) host: &'a [u8],
    /// Port other than the scheme's.
    pub(crate) port: &'a [u8],
    /// Path with its slash, or empty.
    pub(crate) path: &'a [u8],
    /// Query without `?`.
    pub(crate) query: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes `url` apart, with or without a scheme. `None` if there is no host.
    pub(crate) fn of(url: &'a [u8]) -> Option<Self> {
        let mut rest = url;
        let mut scheme: &[u8] = b"";
        // A scheme is short; "://" further on is part of a query.
        if let Some(at) = memchr::memchr(b':', url.get(..url.len().min(12))?)
            && url.get(at..at + 3) == Some(b"://")
        {
            scheme = url.get(..at)?;
            rest = url.get(at + 3..)?;
        }
        let end = rest
            .iter()
            .position(|b| matches!(b, b'/' | b'?' | b'#'))
            .unwrap_or(rest.len());
        let (mut authority, tail) = rest.split_at_checked(end)?;
        if let Some(at) = memchr::memrchr(b'@', authority) {
            authority = authority.get(at + 1..)?;
        }
        let tail = tail.split(|b| *b == b'#').next().unwrap_or(b"");
        let (path, query) = match memchr::memchr(b'?', tail) {
            Some(at) => (tail.get(..at)?, tail.get(at + 1..)?),
            None => (tail, &b""[..]),
        };
        let (host, port) = host_port(authority);
        if host.is_empty() {
            return None;
        }
        Some(Self {
            host,
            port: if is_default(scheme, port) { b"" } else { port },
            path,
            query,
        })
    }

    /// From parts that a log keeps apart. A default port of the Web is none.
    pub(crate) fn from_log(host: &'a [u8], path: &'a [u8], query: &'a [u8]) -> Self {
        let (host, port) = host_port(host);
        let port = if matches!(port, b"80" | b"443") {
            b""
        } else {
            port
        };
        let path = path.split(|b| *b == b'#').next().unwrap_or(b"");
        Self {
            host,
            port,
            path,
            query,
        }
    }

    /// Hash of host and port.
    pub(crate) fn host_roll(&self) -> Roll {
        let mut roll = Roll::new();
        roll.lower(self.host.strip_suffix(b".").unwrap_or(self.host));
        if !self.port.is_empty() {
            roll.byte(b':');
            roll.bytes(self.port);
        }
        roll
    }

    /// Whether `key` is this host and port.
    pub(crate) fn is_host(&self, key: &[u8]) -> bool {
        self.after_host(key).is_some_and(<[u8]>::is_empty)
    }

    /// What follows host and port in `key`, if it begins with them.
    pub(crate) fn after_host<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        let host = self.host.strip_suffix(b".").unwrap_or(self.host);
        let (front, rest) = key.split_at_checked(host.len())?;
        if !front.eq_ignore_ascii_case(host) {
            return None;
        }
        if self.port.is_empty() {
            return Some(rest);
        }
        rest.strip_prefix(b":")?.strip_prefix(self.port)
    }

    /// The path without a final slash.
    pub(crate) fn bare_path(&self) -> &'a [u8] {
        self.path.strip_suffix(b"/").unwrap_or(self.path)
    }

    /// The key, as indicators are stored by it.
    pub(crate) fn key(&self) -> Vec<u8> {
        let host = self.host.strip_suffix(b".").unwrap_or(self.host);
        let mut key = host.to_ascii_lowercase();
        if !self.port.is_empty() {
            key.push(b':');
            key.extend_from_slice(self.port);
        }
        if self.query.is_empty() {
            key.extend_from_slice(self.bare_path());
        } else {
            key.extend_from_slice(self.path);
            key.push(b'?');
            key.extend_from_slice(self.query);
        }
        key
    }
}

fn host_port(authority: &[u8]) -> (&[u8], &[u8]) {
    if let Some(rest) = authority.strip_prefix(b"[")
        && let Some(close) = memchr::memchr(b']', rest)
    {
        let after = rest.get(close + 1..).unwrap_or(b"");
        return (
            rest.get(..close).unwrap_or(b""),
            after.strip_prefix(b":").unwrap_or(b""),
        );
    }
    match memchr::memchr(b':', authority) {
        // More than one colon: an IPv6 address without brackets.
        Some(at) if memchr::memrchr(b':', authority) == Some(at) => (
            authority.get(..at).unwrap_or(b""),
            authority.get(at + 1..).unwrap_or(b""),
        ),
        _ => (authority, b""),
    }
}

fn is_default(scheme: &[u8], port: &[u8]) -> bool {
    let is = |s: &[u8]| scheme.eq_ignore_ascii_case(s);
    match port {
        b"80" => scheme.is_empty() || is(b"http") || is(b"ws"),
        b"443" => scheme.is_empty() || is(b"https") || is(b"wss"),
        b"21" => is(b"ftp"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for (url, key) in [
            ("HTTP://Evil.org:80/Path/#x", "evil.org/Path"),
            ("https://u:p@evil.org:444/?a=b#c", "evil.org:444/?a=b"),
            ("evil.org/a", "evil.org/a"),
            ("https://evil.org", "evil.org"),
            ("https://evil.org./", "evil.org"),
            ("http://[2a02:6b8::1]:8080/x", "2a02:6b8::1:8080/x"),
            (
                "evil.org?u=http://other.org/",
                "evil.org?u=http://other.org/",
            ),
            ("ftp://evil.org:21/x", "evil.org/x"),
        ] {
            let parts = Parts::of(url.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(parts.key()).unwrap(), key, "{url}");
        }
        assert_eq!(Parts::of(b"https:///x"), None);
        assert_eq!(Parts::of(b""), None);
    }
}
