//! Detections, conditions and filters → one expression a rule.

use crate::expr::Expr;
use crate::item::{self, Placeholders};
use crate::load::{LoadProblem, RuleSet, Sourced};
use crate::rule::RuleInfo;
use crate::table::Tables;
use rsigma_parser::{
    ConditionExpr, Detection, Detections, FilterRule, FilterRuleTarget, LogSource, Quantifier,
    SelectorPattern, SigmaRule,
};
use std::collections::BTreeMap;

/// A rule as an expression.
pub(crate) struct Compiled {
    pub info: RuleInfo,
    pub expr: Expr,
}

/// Compiles every rule of the set, with the filters that apply to it.
pub(crate) fn compile(
    set: &RuleSet,
    placeholders: &Placeholders,
    tables: &mut Tables,
    problems: &mut Vec<LoadProblem>,
) -> Vec<Compiled> {
    let mut problem = |file: &str, rule: &str, reason: String| {
        problems.push(LoadProblem {
            file: file.to_owned(),
            rule: rule.to_owned(),
            reason,
        });
    };
    let mut filters = Vec::new();
    for filter in &set.filters {
        match detections(&filter.item.detection, placeholders, tables) {
            Ok(expr) => filters.push((filter, expr, false)),
            Err(reason) => {
                let name = filter.item.id.as_ref().unwrap_or(&filter.item.title);
                problem(&filter.file, name, reason);
            }
        }
    }
    let mut out = Vec::new();
    for Sourced { file, item: rule } in &set.rules {
        let info = RuleInfo::of_rule(rule, file);
        match detections(&rule.detection, placeholders, tables) {
            Ok(expr) => {
                let mut parts = vec![expr];
                for (filter, expr, used) in &mut filters {
                    if applies(&filter.item, rule) {
                        *used = true;
                        parts.push(expr.clone());
                    }
                }
                out.push(Compiled {
                    info,
                    expr: Expr::all(parts),
                });
            }
            Err(reason) => problem(file, info.identity(), reason),
        }
    }
    for (filter, _, used) in filters {
        if !used {
            let name = filter.item.id.as_ref().unwrap_or(&filter.item.title);
            problem(
                &filter.file,
                name,
                "filter applies to none of the rules".into(),
            );
        }
    }
    out
}

/// Whether a filter applies to a rule: it names it (or all), and the rule's logsource has
/// everything the filter's asks for.
fn applies(filter: &FilterRule, rule: &SigmaRule) -> bool {
    let named = match &filter.rules {
        FilterRuleTarget::Any => true,
        FilterRuleTarget::Specific(names) => names.iter().any(|n| {
            rule.id.as_ref() == Some(n) || rule.name.as_ref() == Some(n) || rule.title == *n
        }),
    };
    named
        && filter
            .logsource
            .as_ref()
            .is_none_or(|source| within(source, &rule.logsource))
}

fn within(filter: &LogSource, rule: &LogSource) -> bool {
    let same = |f: &Option<String>, r: &Option<String>| match (f, r) {
        (None, _) => true,
        (Some(f), Some(r)) => f.eq_ignore_ascii_case(r),
        (Some(_), None) => false,
    };
    same(&filter.category, &rule.category)
        && same(&filter.product, &rule.product)
        && same(&filter.service, &rule.service)
}

fn detections(
    detections: &Detections,
    placeholders: &Placeholders,
    tables: &mut Tables,
) -> Result<Expr, String> {
    let mut named = BTreeMap::new();
    for (name, detection) in &detections.named {
        let expr = detection_expr(detection, placeholders, tables)
            .map_err(|reason| format!("{name}: {reason}"))?;
        named.insert(name.as_str(), expr);
    }
    let conditions = detections
        .conditions
        .iter()
        .map(|c| condition(c, &named))
        .collect::<Result<Vec<_>, _>>()?;
    if conditions.is_empty() {
        return Err("no condition".into());
    }
    Ok(Expr::any(conditions))
}

fn detection_expr(
    detection: &Detection,
    placeholders: &Placeholders,
    tables: &mut Tables,
) -> Result<Expr, String> {
    let mut list = |parts: &[Detection]| -> Result<Vec<Expr>, String> {
        if parts.is_empty() {
            return Err("nothing in it".into());
        }
        parts
            .iter()
            .map(|p| detection_expr(p, placeholders, tables))
            .collect()
    };
    match detection {
        Detection::AnyOf(parts) => Ok(Expr::any(list(parts)?)),
        Detection::And(parts) => Ok(Expr::all(list(parts)?)),
        Detection::AllOf(items) if items.is_empty() => Err("nothing in it".into()),
        Detection::AllOf(items) => {
            let mut parts = Vec::new();
            for item in items {
                let name = item.field.name.as_deref().unwrap_or("keywords");
                parts.push(
                    item::compile(item, tables, placeholders)
                        .map_err(|reason| format!("{name}: {reason}"))?,
                );
            }
            Ok(Expr::all(parts))
        }
        Detection::Keywords(values) => item::compile_keywords(values, tables),
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            Err("quantified arrays (a proposal for Sigma 3) are not supported".into())
        }
    }
}

fn condition(expr: &ConditionExpr, named: &BTreeMap<&str, Expr>) -> Result<Expr, String> {
    let list = |parts: &[ConditionExpr]| -> Result<Vec<Expr>, String> {
        parts.iter().map(|p| condition(p, named)).collect()
    };
    Ok(match expr {
        ConditionExpr::And(parts) => Expr::all(list(parts)?),
        ConditionExpr::Or(parts) => Expr::any(list(parts)?),
        ConditionExpr::Not(part) => condition(part, named)?.negate(),
        ConditionExpr::Identifier(name) => named
            .get(name.as_str())
            .cloned()
            .ok_or_else(|| format!("condition names {name}, which there is not"))?,
        ConditionExpr::Selector {
            quantifier,
            pattern,
        } => {
            let chosen: Vec<Expr> = named
                .iter()
                .filter(|(name, _)| match pattern {
                    SelectorPattern::Them => !name.starts_with('_'),
                    SelectorPattern::Pattern(p) => name_matches(p, name),
                })
                .map(|(_, e)| e.clone())
                .collect();
            if chosen.is_empty() {
                return Err(format!("condition: {expr} stands for nothing"));
            }
            match quantifier {
                Quantifier::Any => Expr::any(chosen),
                Quantifier::All => Expr::all(chosen),
                Quantifier::Count(n) => {
                    Expr::AtLeast(usize::try_from(*n).unwrap_or(usize::MAX), chosen)
                }
            }
        }
    })
}

/// `*` at any place stands for any characters.
fn name_matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_selections() {
        for (pattern, name, expected) in [
            ("selection*", "selection", true),
            ("selection_*", "selection", false),
            ("*_main", "filter_main", true),
            ("sel*main", "selection_main", true),
            ("s*l*x", "sx", false),
            ("s*l*x", "slx", true),
            ("a*a", "a", false),
            ("*", "x", true),
            ("x", "x", true),
            ("x", "xy", false),
        ] {
            assert_eq!(name_matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
