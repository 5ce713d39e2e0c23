//! What a rule asks of one value of a field.

use crate::pattern::{Glob, Place, Shape};
use crate::time::Part as TimePart;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// One question. All tests of a group are linked with OR.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Test {
    /// Lower-cased text at a place; answered by the indices.
    Text(Place, String),
    /// A number (bits of an `f64`), equal to the value as a number; answered by the indices.
    Number(u64),
    /// Any text or number.
    AnyText,
    /// Answered one by one, and only where the answer matters.
    Slow(Slow),
}

/// A question that needs more than a look-up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slow {
    /// Wildcards within, on the value in lower case.
    Glob(Glob),
    /// `cased`: on the value as it is.
    Cased(Shape),
    /// `re`: its number among the regular expressions.
    Regex(u32),
    /// `cidr`.
    Cidr(Net),
    /// `gt`, `gte`, `lt`, `lte`.
    Compare(Ordering, Number),
    /// `windash`: `-`, `/`, en dash, em dash and horizontal bar are one character. Its text has
    /// `-` for all of them.
    Dash {
        /// The folded pattern.
        shape: Shape,
        /// On the value as it is.
        cased: bool,
    },
    /// `minute` … `year`.
    Time(TimePart, Ordering, Number),
    /// `fieldref`: another field's value stands at a place of this one's.
    Field {
        /// The other field.
        slot: u32,
        /// Where.
        place: Place,
        /// With regard to case.
        cased: bool,
    },
}

/// How numbers compare.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub(crate) enum Ordering {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Ordering {
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Equal => value == bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
        }
    }
}

/// A finite number that can be a key.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Number(pub f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl Eq for Number {}
impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// The bits by which equal numbers are equal (`-0` is `0`).
pub(crate) fn number_key(n: f64) -> u64 {
    (n + 0.0).to_bits()
}

/// A network.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Net {
    six: bool,
    address: u128,
    prefix: u8,
}

impl Net {
    /// From "10.0.0.0/8" or "2001:db8::/32"; an address alone is a network of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text.trim(), None),
        };
        let (six, address) = bits(address.parse().ok()?);
        let width = if six { 128 } else { 32 };
        let prefix = prefix.unwrap_or(width);
        (prefix <= width).then_some(Self {
            six,
            address,
            prefix,
        })
    }

    /// Whether the address is in it. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the
    /// IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (six, address) = bits(address.to_canonical());
        let width: u32 = if self.six { 128 } else { 32 };
        let shift = width - u32::from(self.prefix);
        six == self.six
            && address.checked_shr(shift).unwrap_or(0)
                == self.address.checked_shr(shift).unwrap_or(0)
    }
}

fn bits(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(a) => (false, u128::from(a.to_bits())),
        IpAddr::V6(a) => (true, a.to_bits()),
    }
}

/// Replaces every dash Sigma's `windash` knows by `-`.
pub(crate) fn fold_dashes(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| match c {
        '/' | '\u{2013}' | '\u{2014}' | '\u{2015}' => '-',
        other => other,
    }));
}

/// Whether `text` stands at `place` of `value`.
pub(crate) fn stands(place: Place, text: &str, value: &str) -> bool {
    match place {
        Place::Whole => value == text,
        Place::Start => value.starts_with(text),
        Place::End => value.ends_with(text),
        Place::Anywhere => match *text.as_bytes() {
            [a] => memchr::memchr(a, value.as_bytes()).is_some(),
            // Preparing a search costs more than this short one.
            [a, b] => {
                let bytes = value.as_bytes();
                memchr::memchr_iter(a, bytes).any(|i| bytes.get(i + 1) == Some(&b))
            }
            _ => memchr::memmem::find(value.as_bytes(), text.as_bytes()).is_some(),
        },
    }
}

/// Whether `value` has this shape.
pub(crate) fn has_shape(shape: &Shape, value: &str) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Text(place, text) => stands(*place, text, value),
        Shape::Glob(glob) => glob.is_match(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.7/8", "10.1.1.1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::1/128", "::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("192.168.0.0/16", "::ffff:192.168.3.4", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
        ];
        for (net, address, expected) in table {
            let net = Net::parse(net).expect("a network");
            let address = address.parse().expect("an address");
            assert_eq!(net.contains(address), expected, "{net:?} {address}");
        }
        for bad in ["10.0.0.0/33", "10.0.0/8", "::/129", "x", ""] {
            assert_eq!(Net::parse(bad), None, "{bad}");
        }
    }
}
