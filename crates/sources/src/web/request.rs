//! The request line.

use super::record::Record;

/// Fills method, path, query and, for a proxy request, host from a request line as logged
/// (`GET /mail/?_task=mail HTTP/1.1`).
///
/// What is not HTTP (a TLS hello on a plain port, a scanner's probe, `-` for a connection that
/// timed out) makes the record malformed and is kept raw in `path`.
pub(super) fn request_line<'a>(line: &'a str, record: &mut Record<'a>) {
    let http = &mut record.http;
    let blank = crate::field::near(line.as_bytes(), b' ');
    let Some((method, rest)) = blank.and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?)))
    else {
        http.malformed = true;
        http.path = line;
        return;
    };
    // The last word is the protocol, so that blanks inside a target do not cut it short.
    let blank = rest.bytes().rposition(|b| b == b' ');
    let target = match blank.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?))) {
        Some((target, protocol)) if protocol.starts_with("HTTP/") => target,
        // HTTP/0.9 has no protocol word; nothing else may lack it.
        None if rest.starts_with('/') => rest,
        _ => {
            http.malformed = true;
            http.path = line;
            return;
        }
    };
    let usual = matches!(
        method,
        "GET" | "POST" | "HEAD" | "OPTIONS" | "PUT" | "PROPFIND"
    );
    if method.is_empty() || !(usual || method.bytes().all(is_token)) {
        http.malformed = true;
        http.path = line;
        return;
    }
    http.method = method;
    target_of(target, record);
}

/// Fills path, query and host from a request target.
pub(super) fn target_of<'a>(target: &'a str, record: &mut Record<'a>) {
    let http = &mut record.http;
    let mut target = target;
    // The absolute form, as sent to a proxy (RFC 9112, 3.2.2).
    for scheme in ["http://", "https://"] {
        if target.starts_with('/') {
            break;
        }
        if let Some(rest) = target.strip_prefix(scheme) {
            let authority = rest.find(['/', '?']).unwrap_or(rest.len());
            if http.vhost.is_empty() {
                http.vhost = rest.get(..authority).unwrap_or_default();
            }
            target = rest.get(authority..).unwrap_or_default();
            break;
        }
    }
    let (path, query) = match memchr::memchr(b'?', target.as_bytes()) {
        Some(mark) => (
            target.get(..mark).unwrap_or_default(),
            target.get(mark + 1..).unwrap_or_default(),
        ),
        None => (target, ""),
    };
    http.path = path;
    http.query = query;
}

/// A `tchar` of RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines() {
        // (line, method, path, query, host, malformed)
        for (line, method, path, query, host, malformed) in [
            ("GET /a?b=c?d HTTP/1.1", "GET", "/a", "b=c?d", "", false),
            ("GET / HTTP/2.0", "GET", "/", "", "", false),
            ("GET /", "GET", "/", "", "", false),
            ("GET /a b c HTTP/1.0", "GET", "/a b c", "", "", false),
            (
                "GET http://evil.example/x HTTP/1.1",
                "GET",
                "/x",
                "",
                "evil.example",
                false,
            ),
            (
                "GET http://evil.example?x HTTP/1.1",
                "GET",
                "",
                "x",
                "evil.example",
                false,
            ),
            (
                "CONNECT a.example:25 HTTP/1.1",
                "CONNECT",
                "a.example:25",
                "",
                "",
                false,
            ),
            ("PROPFIND / HTTP/1.1", "PROPFIND", "/", "", "", false),
            ("-", "", "-", "", "", true),
            ("", "", "", "", "", true),
            ("SSH-2.0-Go", "", "SSH-2.0-Go", "", "", true),
            ("GET /x y", "", "GET /x y", "", "", true),
            ("t3 12.2.1", "", "t3 12.2.1", "", "", true),
            (
                r"\x16\x03 x HTTP/1.1",
                "",
                r"\x16\x03 x HTTP/1.1",
                "",
                "",
                true,
            ),
        ] {
            let mut record = Record::default();
            request_line(line, &mut record);
            let http = record.http;
            assert_eq!(
                (
                    http.method,
                    http.path,
                    http.query,
                    http.vhost,
                    http.malformed
                ),
                (method, path, query, host, malformed),
                "{line}"
            );
        }
    }
}
