//! One refanged piece of text → what kind of value it is, normalised.
//!
//! Everything here looks at the piece alone. What stands around it (a version number? a
//! reference?) is judged in `text/`.

use crate::IndicatorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A value recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// What it is.
    pub(crate) kind: IndicatorKind,
    /// Normalised.
    pub(crate) value: String,
    /// Port written after an address or domain.
    pub(crate) port: Option<u16>,
}

impl Value {
    pub(crate) fn new(kind: IndicatorKind, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
            port: None,
        }
    }
}

/// Longest URL that is taken (bytes). Longer ones are cut off by every program that logs them.
pub(crate) const URL_MAX: usize = 8192;

/// What `text`, the whole of it, is. Refanged and trimmed by the caller.
pub(crate) fn classify(text: &str) -> Option<Value> {
    if text.len() < 3 || text.len() > URL_MAX {
        return None;
    }
    if text.contains("://") {
        return url(text);
    }
    if text.contains('@') {
        return email(text);
    }
    if let Some(hash) = hash(text) {
        return Some(hash);
    }
    if let Some(fingerprint) = ja4(text) {
        return Some(fingerprint);
    }
    if let Some(network) = network(text) {
        return Some(network);
    }
    if let Some(ip) = address(text) {
        return Some(ip);
    }
    if let Some((host, port)) = text.rsplit_once(':')
        && let Ok(port) = port.parse::<u16>()
        && let Some(mut value) = address(host).or_else(|| domain(host))
    {
        value.port = Some(port);
        return Some(value);
    }
    if text.contains('/') {
        return schemeless_url(text);
    }
    domain(text)
}

/// An address of either family, without brackets or port. Also `[…]` around IPv6.
pub(crate) fn address(text: &str) -> Option<Value> {
    if let Some(v4) = ipv4(text) {
        return Some(Value::new(IndicatorKind::Ipv4, v4.to_string()));
    }
    let inner = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    let v6 = ipv6(inner)?;
    Some(match v6.to_ipv4_mapped() {
        Some(v4) => Value::new(IndicatorKind::Ipv4, v4.to_string()),
        None => Value::new(IndicatorKind::Ipv6, v6.to_string()),
    })
}

/// Four decimal groups, nothing else. Leading zeros are refused: programs disagree about whether
/// `010` is eight or ten.
pub(crate) fn ipv4(text: &str) -> Option<Ipv4Addr> {
    text.parse().ok()
}

/// An IPv6 address that is not also a word of a programming language (`a::b`).
pub(crate) fn ipv6(text: &str) -> Option<Ipv6Addr> {
    if text.len() < 3 || text.bytes().filter(|&b| b == b':').count() < 2 {
        return None;
    }
    text.parse().ok()
}

/// A network in CIDR notation. Host bits may be set; they are cleared.
pub(crate) fn network(text: &str) -> Option<Value> {
    let (host, prefix) = text.split_once('/')?;
    if prefix.len() > 3 || !prefix.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ip: IpAddr = host.parse().ok()?;
    let net = ipnet::IpNet::new(ip, prefix.parse().ok()?).ok()?;
    let host_bits = net.prefix_len() == net.max_prefix_len();
    Some(if host_bits {
        address(host)?
    } else {
        Value::new(IndicatorKind::Network, net.trunc().to_string())
    })
}

/// MD5, SHA-1 or SHA-256 in hexadecimal.
pub(crate) fn hash(text: &str) -> Option<Value> {
    let kind = match text.len() {
        32 => IndicatorKind::Md5,
        40 => IndicatorKind::Sha1,
        64 => IndicatorKind::Sha256,
        _ => return None,
    };
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    // A number of 32 digits is a number; a row of one letter is a placeholder.
    let first = text.as_bytes()[0];
    let plain = text.bytes().all(|b| b.is_ascii_digit())
        || text.bytes().all(|b| b.is_ascii_alphabetic())
        || text.bytes().all(|b| b == first);
    (hex && !plain).then(|| Value::new(kind, text.to_ascii_lowercase()))
}

/// JA4 of a client (`t13d1516h2_8daaf6152771_b186095e22b6`) or JA4S of a server
/// (`t130200_1301_a56c5b993250`), as FoxIO's technical description lays them out: protocol,
/// version, counts; then what was offered or chosen, in hexadecimal.
pub(crate) fn ja4(text: &str) -> Option<Value> {
    let lower = text.to_ascii_lowercase();
    let mut parts = lower.split('_');
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_hexdigit());
    let head = a.as_bytes();
    let version = head.get(1..3)?;
    let version = version.iter().all(u8::is_ascii_digit) || version.first() == Some(&b's');
    let front = matches!(head.first()?, b't' | b'q' | b'd') && version;
    let counts = |from: usize| {
        head.get(from..from + 4)
            .is_some_and(|c| c.iter().all(u8::is_ascii_digit))
    };
    let client = a.len() == 10 && matches!(head.get(3)?, b'd' | b'i') && counts(4) && hex(b, 12);
    let server = a.len() == 7
        && head
            .get(3..5)
            .is_some_and(|c| c.iter().all(u8::is_ascii_digit))
        && hex(b, 4);
    (front && (client || server) && hex(c, 12) && parts.next().is_none())
        .then(|| Value::new(IndicatorKind::Ja4, lower.clone()))
}

/// Whether the last label exists in the DNS (public suffix list, ICANN part), or is `onion`.
pub(crate) fn is_top_level(label: &str) -> bool {
    if label.is_empty() || label.len() > 63 {
        return false;
    }
    let lower = label.to_lowercase();
    lower == "onion" || psl::suffix(lower.as_bytes()).is_some_and(|s| s.is_known())
}

/// A domain name under a public suffix (or `.onion`, or reserved for examples).
pub(crate) fn domain(text: &str) -> Option<Value> {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let text = text.strip_suffix('.').unwrap_or(text);
    let name = domain_name(text)?;
    let known = name.ends_with(".onion")
        || psl::suffix(name.as_bytes()).is_some_and(|s| s.is_known())
        || crate::address::documentation_domain(&name).is_some();
    known.then(|| Value::new(IndicatorKind::Domain, name))
}

/// A syntactically valid host name of two labels or more, lower-case, internationalised labels in
/// their ASCII form. Says nothing about whether its top level exists.
pub(crate) fn domain_name(text: &str) -> Option<String> {
    if text.len() < 4 || text.len() > 253 || !text.contains('.') {
        return None;
    }
    let mut name = String::with_capacity(text.len());
    for label in text.split('.') {
        if label.is_empty() || label.len() > 63 || label.starts_with('-') || label.ends_with('-') {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        if label.is_ascii() {
            if !label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            {
                return None;
            }
            name.extend(label.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            if !label.chars().all(|c| c.is_alphanumeric() || c == '-') {
                return None;
            }
            name.push_str("xn--");
            name.push_str(&punycode(&label.to_lowercase())?);
        }
    }
    let last = name.rsplit('.').next()?;
    let all_digits = last.bytes().all(|b| b.is_ascii_digit());
    (!all_digits && name.len() <= 253).then_some(name)
}

/// Punycode (RFC 3492) of one label. No normalisation beyond lower case: look-alike domains are
/// registered in the form that browsers produce, which for these scripts is the same.
fn punycode(label: &str) -> Option<String> {
    let chars: Vec<u32> = label.chars().map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = out.len() as u32;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (128u32, 0u32, 72u32, basic);
    while (handled as usize) < chars.len() {
        let next = chars.iter().copied().filter(|&c| c >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for &c in &chars {
            if c < n {
                delta = delta.checked_add(1)?;
            }
            if c == n {
                let mut q = delta;
                let mut k = 36;
                loop {
                    let t = k.clamp(bias + 1, bias + 26) - bias;
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (36 - t)));
                    q = (q - t) / (36 - t);
                    k += 36;
                }
                out.push(digit(q));
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n = n.checked_add(1)?;
    }
    (out.len() <= 59).then_some(out)
}

fn digit(d: u32) -> char {
    char::from(if d < 26 {
        b'a' + d as u8
    } else {
        b'0' + (d - 26) as u8
    })
}

fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

/// An e-mail address: dot-atom local part, domain under a public suffix.
pub(crate) fn email(text: &str) -> Option<Value> {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let (local, host) = text.rsplit_once('@')?;
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    if local.is_empty()
        || local.len() > 64
        || !local.bytes().all(atom)
        || local.starts_with('.')
        || local.ends_with('.')
    {
        return None;
    }
    let host = domain(host)?;
    Some(Value::new(
        IndicatorKind::EmailAddress,
        format!("{}@{}", local.to_ascii_lowercase(), host.value),
    ))
}

/// Schemes of URLs that are indicators.
const SCHEMES: &[&str] = &[
    "http", "https", "ftp", "ftps", "ws", "wss", "tcp", "udp", "sftp",
];

/// Whether URLs of this scheme are indicators.
pub(crate) fn is_scheme(scheme: &str) -> bool {
    SCHEMES.iter().any(|s| s.eq_ignore_ascii_case(scheme))
}

/// An absolute URL with its scheme and host in lower case, default port and fragment removed.
pub(crate) fn url(text: &str) -> Option<Value> {
    let (scheme, rest) = text.split_once("://")?;
    if !is_scheme(scheme) || text.len() > URL_MAX {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.trim_start_matches('/');
    let rest = rest.split('#').next()?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let (host, port) = split_port(host_port)?;
    let host = address(host).or_else(|| domain(host))?;
    let port = port.filter(|&p| Some(p) != default_port(&scheme));
    let mut value = format!("{scheme}://");
    push_host(&mut value, &host, port);
    value.push_str(if tail.is_empty() { "/" } else { tail });
    Some(Value::new(IndicatorKind::Url, value))
}

/// `host/path` without a scheme, as feeds write it. The value keeps no scheme.
pub(crate) fn schemeless_url(text: &str) -> Option<Value> {
    let end = text.find(['/', '?'])?;
    let (host_port, tail) = text.split_at(end);
    let (host, port) = split_port(host_port)?;
    let host = address(host).or_else(|| domain(host))?;
    let tail = tail.split('#').next()?;
    let prefix_like =
        tail.len() <= 4 && tail.len() > 1 && tail[1..].bytes().all(|b| b.is_ascii_digit());
    if host.kind != IndicatorKind::Domain && prefix_like {
        // A network with an impossible prefix length.
        return None;
    }
    let mut value = String::new();
    push_host(&mut value, &host, port);
    value.push_str(tail);
    Some(Value::new(IndicatorKind::Url, value))
}

fn push_host(out: &mut String, host: &Value, port: Option<u16>) {
    if host.kind == IndicatorKind::Ipv6 {
        out.push('[');
        out.push_str(&host.value);
        out.push(']');
    } else {
        out.push_str(&host.value);
    }
    if let Some(port) = port {
        out.push(':');
        out.push_str(&port.to_string());
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        _ => None,
    }
}

fn split_port(host_port: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = host_port.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if after.is_empty() => None,
            None => return None,
        };
        return Some((host, port));
    }
    match host_port.split_once(':') {
        None => Some((host_port, None)),
        Some((host, "")) => Some((host, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
    }
}

/// The host of a normalised URL or `host/path`: a domain or an address.
pub(crate) fn host_of(url: &str) -> Option<Value> {
    let rest = url.split_once("://").map_or(url, |(_, r)| r);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = rest[..end]
        .rsplit_once('@')
        .map_or(&rest[..end], |(_, h)| h);
    let (host, _) = split_port(authority)?;
    address(host).or_else(|| domain(host))
}

/// The registrable part of a domain ("example.co.uk"), as the public suffix list has it.
pub(crate) fn registrable(domain: &str) -> Option<&str> {
    psl::domain_str(domain)
}

/// Whether `domain` is itself a suffix under which others register names, and under which top
/// it is known (`workers.dev`, `co.uk`).
pub(crate) fn is_public_suffix(domain: &str) -> bool {
    psl::suffix(domain.as_bytes())
        .is_some_and(|s| s.is_known() && s.as_bytes().len() == domain.len())
}

/// Endings of files, without those that are also top-level domains.
const FILE_ENDINGS: &[&str] = &[
    "7z", "ace", "apk", "asp", "aspx", "bak", "bat", "bin", "bmp", "cab", "cfg", "chm", "class",
    "cmd", "conf", "cpl", "css", "csv", "dat", "db", "deb", "dll", "dmg", "doc", "docm", "docx",
    "dot", "dotm", "elf", "eml", "exe", "gif", "gz", "hta", "htm", "html", "ico", "ics", "img",
    "ini", "iso", "jar", "jpeg", "jpg", "js", "jse", "json", "jsp", "jspx", "lnk", "log", "lua",
    "msg", "msi", "odp", "ods", "odt", "ocx", "pdb", "pdf", "pem", "phar", "php", "phtml", "png",
    "ppt", "pptm", "pptx", "ps1", "psm1", "rar", "reg", "rpm", "rtf", "scr", "service", "sieve",
    "sql", "sqlite", "svg", "swf", "sys", "tar", "tgz", "tmp", "txt", "vba", "vbe", "vbs", "vhd",
    "vhdx", "war", "wsf", "xls", "xlsb", "xlsm", "xlsx", "xml", "xz", "yar", "yara", "yml", "yaml",
    "zst", "adoc", "rst", "cgi", "inc", "sha1", "sha256", "md5", "rules", "ioc",
];

/// Endings that are files more often than domains: `.ps` and `.py` are countries, `.zip` is sold.
const AMBIGUOUS_ENDINGS: &[&str] = &[
    "sh", "py", "rs", "md", "zip", "mov", "so", "ps", "pm", "app", "inc",
];

/// How much a name looks like that of a file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileLike {
    /// It does not.
    No,
    /// Its ending is a file's and a top-level domain's.
    Ambiguous,
    /// Its ending is no top-level domain.
    Yes,
}

/// Whether `text` is a file's name by its ending.
pub(crate) fn file_like(text: &str) -> FileLike {
    let Some((stem, ending)) = text.rsplit_once('.') else {
        return FileLike::No;
    };
    let valid = |c: char| c.is_alphanumeric() || "-_.+~$ ()%&'".contains(c);
    if stem.is_empty() || text.len() > 255 || !text.chars().all(valid) {
        return FileLike::No;
    }
    let ending = ending.to_ascii_lowercase();
    if FILE_ENDINGS.contains(&ending.as_str()) {
        return if is_top_level(&ending) {
            FileLike::Ambiguous
        } else {
            FileLike::Yes
        };
    }
    if AMBIGUOUS_ENDINGS.contains(&ending.as_str()) {
        FileLike::Ambiguous
    } else {
        FileLike::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IndicatorKind::*;

    #[test]
    fn kinds() {
        for (text, expected) in [
            ("38.180.76.31", Some((Ipv4, "38.180.76.31"))),
            ("1.2.3.4.5", None),
            ("1.2.3.256", None),
            ("010.1.2.3", None),
            ("2A02:6b8:0:0::1", Some((Ipv6, "2a02:6b8::1"))),
            ("10.1.2.3/8", Some((Network, "10.0.0.0/8"))),
            ("9.1.2.3/32", Some((Ipv4, "9.1.2.3"))),
            ("9.1.2.3/33", None),
            ("Evil.ORG", Some((Domain, "evil.org"))),
            ("*.evil.co.uk", Some((Domain, "evil.co.uk"))),
            ("file.php", None),
            ("пример.рф", Some((Domain, "xn--e1afmkfd.xn--p1ai"))),
            ("bücher.de", Some((Domain, "xn--bcher-kva.de"))),
            (
                "HTTP://Evil.org:80/Path#x",
                Some((Url, "http://evil.org/Path")),
            ),
            (
                "https://user@evil.org:444",
                Some((Url, "https://evil.org:444/")),
            ),
            (
                "http://[2a02:6b8::1]:8080/x",
                Some((Url, "http://[2a02:6b8::1]:8080/x")),
            ),
            ("file:///etc/passwd", None),
            ("evil.org/a.php", Some((Url, "evil.org/a.php"))),
            ("Bad.Guy@Evil.org", Some((EmailAddress, "bad.guy@evil.org"))),
            ("@evil.org", None),
            (
                "D41D8CD98F00B204E9800998ECF8427E",
                Some((Md5, "d41d8cd98f00b204e9800998ecf8427e")),
            ),
            ("00000000000000000000000000000000", None),
            ("12345678901234567890123456789012", None),
            ("abcdefghij.onion", Some((Domain, "abcdefghij.onion"))),
            ("mail.example.com", Some((Domain, "mail.example.com"))),
            // Top levels under which only second levels are registered.
            ("evil.co.za", Some((Domain, "evil.co.za"))),
            ("evil.com.np", Some((Domain, "evil.com.np"))),
        ] {
            let got = classify(text);
            let got = got.as_ref().map(|v| (v.kind, v.value.as_str()));
            assert_eq!(got, expected, "{text}");
        }
        assert_eq!(classify("9.8.7.6:4443").unwrap().port, Some(4443));
        assert_eq!(classify("evil.org:8081").unwrap().port, Some(8081));
    }

    #[test]
    fn files() {
        assert_eq!(file_like("checkupdate.js"), FileLike::Yes);
        assert_eq!(file_like("config.inc.php"), FileLike::Yes);
        assert_eq!(file_like("invoice.zip"), FileLike::Ambiguous);
        assert_eq!(file_like("run.sh"), FileLike::Ambiguous);
        assert_eq!(file_like("evil.org"), FileLike::No);
        assert_eq!(file_like(".php"), FileLike::No);
    }
}
