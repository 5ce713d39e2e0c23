//! A field's value as a rule sees it.

use std::fmt::Write;
use std::net::IpAddr;
use vauban_ocsf::Timestamp;

/// A value of a field. Text is compared as Sigma says (case-insensitively unless `cased`).
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Str(&'a str),
    /// Text kept in two pieces with a character between them (a request's path, `?`, its query),
    /// so that describing an event copies nothing. To every modifier it is one text.
    Joined(&'a str, char, &'a str),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// An address: text in its canonical form (RFC 5952 for IPv6) to every modifier but `cidr`.
    /// Kept as an address so that describing an event allocates nothing.
    Ip(IpAddr),
    /// An instant: RFC 3339 text in UTC to string modifiers, its parts to `hour`, `day`, ….
    Time(Timestamp),
    /// Present and empty (JSON `null`).
    Null,
}

impl<'a> Value<'a> {
    /// The value as text, as a JSON record of it would read; made in `scratch` unless it is text
    /// already. `None` for [`Self::Null`].
    pub fn text<'s>(&self, scratch: &'s mut String) -> Option<&'s str>
    where
        'a: 's,
    {
        scratch.clear();
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Str(text) => return Some(text),
            Self::Joined(first, between, second) => {
                scratch.push_str(first);
                scratch.push(*between);
                scratch.push_str(second);
                Ok(())
            }
            Self::Int(n) => write!(scratch, "{n}"),
            Self::Float(n) => write!(scratch, "{n}"),
            Self::Bool(b) => write!(scratch, "{b}"),
            Self::Ip(ip) => write!(scratch, "{ip}"),
            Self::Time(time) => write!(scratch, "{time}"),
            Self::Null => return None,
        };
        Some(scratch)
    }
}
