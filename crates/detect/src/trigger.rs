//! A text that must stand in a value for a slow test to hold: the index looks for it, and the
//! test is only run where it was found.

use crate::index::Commonness;
use crate::pattern::{Shape, lower};
use crate::test::Slow;

/// The trigger of a test, in lower case and at least three bytes long.
pub(crate) fn of(slow: &Slow, common: &Commonness) -> Option<String> {
    let texts: Vec<String> = match slow {
        Slow::Glob(glob) => glob.texts().map(str::to_owned).collect(),
        Slow::Cased(shape) => texts(shape).iter().map(|t| lower(t)).collect(),
        // What was folded to a dash is not in the value; what stands between is.
        Slow::Dash { shape, .. } => texts(shape)
            .iter()
            .flat_map(|t| t.split('-'))
            .map(lower)
            .collect(),
        Slow::Regex(_)
        | Slow::Cidr(_)
        | Slow::Compare(..)
        | Slow::Time(..)
        | Slow::Field { .. } => return None,
    };
    texts
        .into_iter()
        .filter(|t| t.len() >= 3)
        .min_by_key(|t| (common.of(t.as_bytes()), usize::MAX - t.len()))
}

fn texts(shape: &Shape) -> Vec<&str> {
    match shape {
        Shape::Any => Vec::new(),
        Shape::Text(_, text) => vec![text],
        Shape::Glob(glob) => glob.texts().collect(),
    }
}
