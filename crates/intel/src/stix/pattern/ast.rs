//! A STIX pattern as a tree.

use vauban_ocsf::Timestamp;

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `'…'`.
    Text(String),
    /// An integer.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// `t'…'`.
    Time(Timestamp),
    /// `b'…'` and `h'…'`.
    Bytes(Vec<u8>),
}

impl Literal {
    /// As text, as the pattern's author would have to quote it.
    pub fn text(&self) -> String {
        match self {
            Self::Text(t) => t.clone(),
            Self::Int(n) => n.to_string(),
            Self::Float(n) => n.to_string(),
            Self::Bool(b) => b.to_string(),
            Self::Time(t) => t.to_string(),
            Self::Bytes(b) => b.iter().map(|b| format!("{b:02x}")).collect(),
        }
    }
}

/// A step of an object path after the object's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A property or the key of a dictionary.
    Key(String),
    /// `[3]`; negative ones count from the end.
    Index(i64),
    /// `[*]`: any element.
    Any,
}

/// An object path: `file:hashes.'SHA-256'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPath {
    /// Type of the object ("file").
    pub object: String,
    /// Steps, one at least.
    pub steps: Vec<Step>,
}

impl std::fmt::Display for ObjectPath {
    /// As patterns write it, keys without quotes ("file:hashes.SHA-256").
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.object)?;
        for (n, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if n == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(i) => write!(f, "[{i}]")?,
                Step::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// How a property is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Operator {
    /// `=`; `!=` is this, negated.
    Equal(Literal),
    /// `<`.
    Less(Literal),
    /// `<=`.
    LessOrEqual(Literal),
    /// `>`.
    Greater(Literal),
    /// `>=`.
    GreaterOrEqual(Literal),
    /// `IN (…)`.
    In(Vec<Literal>),
    /// `LIKE`: `%` stands for any characters, `_` for one.
    Like(String),
    /// `MATCHES`: a regular expression, found anywhere.
    Matches(String),
    /// `ISSUBSET`: the address or network lies in this network.
    IsSubset(String),
    /// `ISSUPERSET`: the network contains this address or network.
    IsSuperset(String),
    /// `EXISTS`.
    Exists,
}

/// Within one observation.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// A property and what is asked of it.
    Test {
        /// Which property.
        path: ObjectPath,
        /// What is asked.
        operator: Operator,
        /// `NOT`, or `!=`.
        negated: bool,
    },
    /// All of them, on the same observation.
    And(Vec<Comparison>),
    /// Any of them.
    Or(Vec<Comparison>),
}

/// Over observations.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// `[…]`.
    One(Comparison),
    /// All of them, each on observations of its own.
    And(Vec<Observation>),
    /// Any of them.
    Or(Vec<Observation>),
    /// The second not before the first, and so on.
    FollowedBy(Vec<Observation>),
    /// `WITHIN n SECONDS`: all that it takes, this close together.
    Within(Box<Observation>, f64),
    /// `REPEATS n TIMES`: so often, each time on observations of its own.
    Repeats(Box<Observation>, u32),
    /// `START t STOP t`: between the first (inclusive) and the second (exclusive).
    StartStop(Box<Observation>, Timestamp, Timestamp),
}
