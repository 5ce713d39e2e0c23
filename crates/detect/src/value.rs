//! A field's value as a rule sees it.

use std::net::IpAddr;
use vauban_ocsf::Timestamp;

/// A value of a field. Text is compared as Sigma says (case-insensitively unless `cased`).
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Str(&'a str),
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
