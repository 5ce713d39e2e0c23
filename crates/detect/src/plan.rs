//! Expressions → code that is run, and the witnesses of a rule: questions of which at least one
//! must have the answer yes for the rule to match. A rule none of whose witnesses appeared is not
//! looked at.

use crate::expr::{Expr, Leaf};

/// One step of a rule's code, in prefix order.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Op {
    pub kind: OpKind,
    /// Group, slot or number.
    pub arg: u32,
    /// Where the expression ends.
    pub end: u32,
}

/// What a step does.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum OpKind {
    And,
    Or,
    Not,
    AtLeast,
    Group,
    Present,
    Null,
}

/// Appends the code of `expr`; cheap questions first where order is free.
pub(crate) fn emit(expr: &Expr, cost: &impl Fn(Leaf) -> u32, code: &mut Vec<Op>) {
    let at = code.len();
    let mut push = |kind, arg| {
        code.push(Op { kind, arg, end: 0 });
    };
    match expr {
        Expr::Leaf(Leaf::Group(g)) => push(OpKind::Group, *g),
        Expr::Leaf(Leaf::Present(s)) => push(OpKind::Present, *s),
        Expr::Leaf(Leaf::Null(s)) => push(OpKind::Null, *s),
        Expr::And(parts) | Expr::Or(parts) | Expr::AtLeast(_, parts) => {
            match expr {
                Expr::And(_) => push(OpKind::And, 0),
                Expr::Or(_) => push(OpKind::Or, 0),
                Expr::AtLeast(n, _) => push(OpKind::AtLeast, u32::try_from(*n).unwrap_or(u32::MAX)),
                _ => {}
            }
            let mut order: Vec<_> = parts.iter().collect();
            order.sort_by_key(|p| work(p, cost));
            for part in order {
                emit(part, cost, code);
            }
        }
        Expr::Not(inner) => {
            push(OpKind::Not, 0);
            emit(inner, cost, code);
        }
    }
    let end = code.len() as u32;
    if let Some(op) = code.get_mut(at) {
        op.end = end;
    }
}

fn work(expr: &Expr, cost: &impl Fn(Leaf) -> u32) -> u32 {
    match expr {
        Expr::Leaf(leaf) => cost(*leaf),
        Expr::And(parts) | Expr::Or(parts) | Expr::AtLeast(_, parts) => parts
            .iter()
            .map(|p| work(p, cost))
            .fold(1, u32::saturating_add),
        Expr::Not(inner) => work(inner, cost),
    }
}

/// Questions of which at least one is answered yes wherever `expr` holds, and how often one of
/// them is expected to be; `None` if `expr` can hold with every answer no.
pub(crate) fn witnesses(
    expr: &Expr,
    of: &impl Fn(Leaf) -> Option<(Leaf, f64)>,
) -> Option<(Vec<Leaf>, f64)> {
    match expr {
        Expr::Leaf(leaf) => of(*leaf).map(|(leaf, share)| (vec![leaf], share)),
        Expr::And(parts) => parts
            .iter()
            .filter_map(|p| witnesses(p, of))
            .min_by(|a, b| a.1.total_cmp(&b.1)),
        Expr::Or(parts) => union(parts, 1, of),
        Expr::AtLeast(0, _) => None,
        Expr::AtLeast(n, parts) => union(parts, *n, of),
        Expr::Not(inner) => match &**inner {
            Expr::Not(inner) => witnesses(inner, of),
            Expr::Or(parts) => {
                // not (a or b) is (not a) and (not b).
                let parts: Vec<_> = parts.iter().map(|p| p.clone().negate()).collect();
                parts
                    .iter()
                    .filter(|p| matches!(p, Expr::Not(i) if matches!(**i, Expr::Not(_))))
                    .filter_map(|p| witnesses(p, of))
                    .min_by(|a, b| a.1.total_cmp(&b.1))
            }
            _ => None,
        },
    }
}

/// Of `parts`, `n` hold: so one holds among any that leave out `n - 1`.
fn union(
    parts: &[Expr],
    n: usize,
    of: &impl Fn(Leaf) -> Option<(Leaf, f64)>,
) -> Option<(Vec<Leaf>, f64)> {
    let mut all: Vec<_> = parts.iter().map(|p| witnesses(p, of)).collect();
    let share = |w: &Option<(Vec<Leaf>, f64)>| w.as_ref().map_or(f64::INFINITY, |w| w.1);
    all.sort_by(|a, b| share(a).total_cmp(&share(b)));
    // More wanted than there are: it never holds, and nothing need be looked for.
    let keep = (all.len() + 1).saturating_sub(n);
    let mut leaves = Vec::new();
    let mut sum = 0.0;
    for part in all.into_iter().take(keep) {
        let (more, share) = part?;
        leaves.extend(more);
        sum += share;
    }
    leaves.sort_by_key(|l| match l {
        Leaf::Group(g) => (0, *g),
        Leaf::Present(s) => (1, *s),
        Leaf::Null(s) => (2, *s),
    });
    leaves.dedup();
    Some((leaves, sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expr() -> impl Strategy<Value = Expr> {
        let leaf = (0..6_u32).prop_map(|g| Expr::Leaf(Leaf::Group(g)));
        leaf.prop_recursive(4, 24, 4, |inner| {
            let list = || proptest::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                list().prop_map(Expr::And),
                list().prop_map(Expr::Or),
                (0..4_usize, list()).prop_map(|(n, l)| Expr::AtLeast(n, l)),
                inner.clone().prop_map(Expr::negate),
            ]
        })
    }

    fn holds(expr: &Expr, answers: u32) -> bool {
        match expr {
            Expr::Leaf(Leaf::Group(g)) => answers >> g & 1 != 0,
            Expr::Leaf(_) => false,
            Expr::And(p) => p.iter().all(|p| holds(p, answers)),
            Expr::Or(p) => p.iter().any(|p| holds(p, answers)),
            Expr::AtLeast(n, p) => p.iter().filter(|p| holds(p, answers)).count() >= *n,
            Expr::Not(p) => !holds(p, answers),
        }
    }

    proptest! {
        #[test]
        fn where_a_rule_holds_a_witness_does(expr in expr(), answers in 0..64_u32) {
            // Group 5 stands for a question that cannot be a witness.
            let of = |leaf| match leaf {
                Leaf::Group(g) if g < 5 => Some((leaf, f64::from(g))),
                _ => None,
            };
            if let Some((leaves, _)) = witnesses(&expr, &of)
                && holds(&expr, answers)
            {
                let seen = leaves.iter().any(|l| matches!(l, Leaf::Group(g) if answers >> g & 1 != 0));
                prop_assert!(seen, "{:?} {:?}", expr, leaves);
            }
        }
    }
}
