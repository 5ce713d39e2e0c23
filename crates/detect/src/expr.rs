//! Rules as boolean expressions over questions about fields.

/// A question about a record, answered at most once per record however many rules ask it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Leaf {
    /// Some value of the group's field passes one of its tests.
    Group(u32),
    /// The field is there, whatever its value.
    Present(u32),
    /// The field is missing or null.
    Null(u32),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Leaf(Leaf),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// So many of these.
    AtLeast(usize, Vec<Expr>),
}

impl Expr {
    /// Linked with AND; a single one stands for itself.
    pub fn all(mut parts: Vec<Self>) -> Self {
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                parts.push(last);
                Self::And(parts)
            }
            (_, None) => Self::And(parts),
        }
    }

    /// Linked with OR; a single one stands for itself.
    pub fn any(mut parts: Vec<Self>) -> Self {
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                parts.push(last);
                Self::Or(parts)
            }
            (_, None) => Self::Or(parts),
        }
    }

    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }
}
