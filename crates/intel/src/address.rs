//! Addresses that nobody on the Internet can have, and why.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is reserved for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// Never an indicator: it means another host, or none, wherever it is read.
    Never(&'static str),
    /// Reserved for examples: an indicator only where the document plainly gives it as one (then
    /// it is an exercise, and matching it harms nobody).
    Documentation(&'static str),
}

/// The reservation that `ip` falls under (IANA special-purpose address registries).
pub(crate) fn special(ip: IpAddr) -> Option<Special> {
    match ip {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => special_v4(v4),
            None => special_v6(v6),
        },
    }
}

fn special_v4(ip: Ipv4Addr) -> Option<Special> {
    use Special::{Documentation, Never};
    Some(match ip.octets() {
        [192, 0, 2, _] => Documentation("documentation range 192.0.2.0/24 (RFC 5737)"),
        [198, 51, 100, _] => Documentation("documentation range 198.51.100.0/24 (RFC 5737)"),
        [203, 0, 113, _] => Documentation("documentation range 203.0.113.0/24 (RFC 5737)"),
        [0, ..] => Never("\"this network\" 0.0.0.0/8 (RFC 1122)"),
        [10, ..] => Never("private range 10.0.0.0/8 (RFC 1918)"),
        [172, 16..=31, ..] => Never("private range 172.16.0.0/12 (RFC 1918)"),
        [192, 168, ..] => Never("private range 192.168.0.0/16 (RFC 1918)"),
        [127, ..] => Never("loopback 127.0.0.0/8 (RFC 1122)"),
        [169, 254, ..] => Never("link-local range 169.254.0.0/16 (RFC 3927)"),
        [100, 64..=127, ..] => Never("carrier-grade NAT range 100.64.0.0/10 (RFC 6598)"),
        [192, 0, 0, _] => Never("protocol assignments 192.0.0.0/24 (RFC 6890)"),
        [198, 18 | 19, ..] => Documentation("benchmarking range 198.18.0.0/15 (RFC 2544)"),
        [224..=239, ..] => Never("multicast 224.0.0.0/4 (RFC 5771)"),
        [240..=255, ..] => Never("reserved or broadcast 240.0.0.0/4 (RFC 1112)"),
        _ => return None,
    })
}

fn special_v6(ip: Ipv6Addr) -> Option<Special> {
    use Special::{Documentation, Never};
    let s = ip.segments();
    Some(match s {
        [0x2001, 0x0db8, ..] => Documentation("documentation range 2001:db8::/32 (RFC 3849)"),
        [0x3fff, b, ..] if b < 0x1000 => Documentation("documentation range 3fff::/20 (RFC 9637)"),
        [0, 0, 0, 0, 0, 0, 0, 0] => Never("the unspecified address (RFC 4291)"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Never("loopback ::1 (RFC 4291)"),
        [a, ..] if a & 0xffc0 == 0xfe80 => Never("link-local range fe80::/10 (RFC 4291)"),
        [a, ..] if a & 0xfe00 == 0xfc00 => Never("unique local range fc00::/7 (RFC 4193)"),
        [a, ..] if a & 0xff00 == 0xff00 => Never("multicast ff00::/8 (RFC 4291)"),
        [a, ..] if a & 0xe000 != 0x2000 && s[..2] != [0x64, 0xff9b] => {
            Never("not global unicast 2000::/3 (RFC 4291)")
        }
        _ => return None,
    })
}

/// Names that are reserved for examples and tests (RFC 2606, RFC 6761): `Some(why)`.
pub(crate) fn documentation_domain(domain: &str) -> Option<&'static str> {
    let last = domain.rsplit('.').next().unwrap_or("");
    match last {
        "example" | "test" | "invalid" => return Some("reserved top-level domain (RFC 2606)"),
        _ => {}
    }
    ["example.com", "example.net", "example.org"]
        .iter()
        .any(|e| {
            domain
                .strip_suffix(e)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
        .then_some("documentation domain (RFC 2606)")
}

/// Names that mean something only inside one network: `Some(why)`.
pub(crate) fn internal_domain(domain: &str) -> Option<&'static str> {
    match domain.rsplit('.').next().unwrap_or("") {
        "local" => Some("multicast DNS name .local (RFC 6762)"),
        "localhost" => Some("loopback name .localhost (RFC 6761)"),
        "internal" | "intranet" | "lan" | "home" | "corp" | "localdomain" => {
            Some("name of a private network")
        }
        "arpa" => Some("reverse lookup name .arpa (RFC 3172)"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations() {
        for (ip, expected) in [
            ("10.1.2.3", Some("private")),
            ("172.32.0.1", None),
            ("8.8.8.8", None),
            ("203.0.113.9", Some("documentation")),
            ("::ffff:192.168.1.1", Some("private")),
            ("2001:db8::1", Some("documentation")),
            ("2a02:6b8::1", None),
            ("fe80::1", Some("link-local")),
        ] {
            let got = match special(ip.parse().unwrap()) {
                Some(Special::Never(why) | Special::Documentation(why)) => Some(why),
                None => None,
            };
            match expected {
                None => assert_eq!(got, None, "{ip}"),
                Some(word) => assert!(got.is_some_and(|w| w.contains(word)), "{ip}: {got:?}"),
            }
        }
        assert!(documentation_domain("mail.example.com").is_some());
        assert!(documentation_domain("notexample.com").is_none());
    }
}
