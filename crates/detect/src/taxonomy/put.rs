//! Handing fields over under all their names.

use crate::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vauban_ocsf::{Status, Timestamp};

/// The receiver of fields.
pub struct Put<'p, 'a>(pub &'p mut dyn FnMut(&'static str, Value<'a>));

impl<'a> Put<'_, 'a> {
    /// A value under each name.
    pub fn value(&mut self, names: &[&'static str], value: Value<'a>) {
        for name in names {
            (self.0)(name, value);
        }
    }

    /// Text, unless the record did not give it.
    pub fn text(&mut self, names: &[&'static str], text: &'a str) {
        if !text.is_empty() {
            self.value(names, Value::Str(text));
        }
    }

    /// An address, if given.
    pub fn ip(&mut self, names: &[&'static str], ip: Option<IpAddr>) {
        if let Some(ip) = ip {
            self.value(names, Value::Ip(ip));
        }
    }

    /// The source: address, its network, port, name.
    pub fn source(&mut self, ip: Option<IpAddr>, port: Option<u16>, host: &'a str) {
        self.ip(&["src_ip", "src_endpoint.ip"], ip);
        self.ip(&["src_network"], ip.map(network_of));
        self.number(&["src_port", "src_endpoint.port"], port);
        self.text(&["src_host", "src_endpoint.hostname"], host);
    }

    /// The destination: address and port.
    pub fn destination(&mut self, ip: Option<IpAddr>, port: Option<u16>) {
        self.ip(&["dst_ip", "dst_endpoint.ip"], ip);
        self.number(&["dst_port", "dst_endpoint.port"], port);
    }

    /// A number, if given.
    pub fn number<N: Into<u64>>(&mut self, names: &[&'static str], number: Option<N>) {
        if let Some(number) = number {
            self.int(names, i64::try_from(number.into()).unwrap_or(i64::MAX));
        }
    }

    /// A number that is always there.
    pub fn int(&mut self, names: &[&'static str], number: i64) {
        self.value(names, Value::Int(number));
    }

    /// A yes or no, if given.
    pub fn flag(&mut self, names: &[&'static str], flag: Option<bool>) {
        if let Some(flag) = flag {
            self.value(names, Value::Bool(flag));
        }
    }

    /// An instant.
    pub fn time(&mut self, names: &[&'static str], time: Timestamp) {
        self.value(names, Value::Time(time));
    }

    /// Whether it came about: `outcome` is "success", "failure" or "unknown"; `status_id` is
    /// OCSF's.
    pub fn status(&mut self, status: Status) {
        let (word, id) = match status {
            Status::Unknown => ("unknown", 0),
            Status::Success => ("success", 1),
            Status::Failure => ("failure", 2),
        };
        self.value(&["outcome", "status"], Value::Str(word));
        self.int(&["status_id"], id);
    }
}

/// The first address of the network a client's address is likely to roam in: /24 of IPv4, /48 of
/// IPv6 (what providers hand out to one site, RFC 6177). So that a rule can count networks, which
/// cost an intruder more than addresses.
pub fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & 0xffff_ff00)),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    }
}

/// What stands after the last `@`, or `""`.
pub fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_domains() {
        for (ip, network) in [
            ("198.18.91.152", "198.18.91.0"),
            ("::ffff:198.18.91.152", "198.18.91.0"),
            ("2001:db8:666:1::17", "2001:db8:666::"),
        ] {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(network_of(ip).to_string(), network);
        }
        assert_eq!(domain_of("a@b@example.org"), "example.org");
        assert_eq!(domain_of("root"), "");
    }
}
