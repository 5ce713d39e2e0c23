//! A field's value as a rule sees it.

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
    /// Present and empty (JSON `null`).
    Null,
}
