//! Rules about sessions: judgement kept apart from the code that computes facts.
//!
//! A rule is a TOML file under `rules/sessions/`. It fires when all of its conditions hold; a
//! condition names a fact, alone (the fact is there and not zero) or with a comparison
//! (`searches >= 5`), or with `not` before it. What fires adds its weight. Rules of one group
//! speak of the same kind of sign, so a group adds at most [`GROUP_CAP`].

use crate::contract::Text;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most that the rules of one group add together.
pub const GROUP_CAP: f64 = 60.0;
/// Most that novelty adds: many people are somewhere new every day.
pub const NOVELTY_CAP: f64 = 40.0;
/// Novelty, however much of it, accuses nobody by itself, and neither does the spraying that every
/// mail server is under all the time: the other signs must add up to this before a session is so
/// much as suspect.
pub const HARD_SIGNS: f64 = 25.0;
/// From this score on, a session is an intruder's.
pub const INTRUDER: f64 = 60.0;
/// From this score on, a session is suspect.
pub const SUSPECT: f64 = 45.0;

/// A rule file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable name.
    pub id: String,
    /// Title.
    pub title: String,
    /// Title in French.
    pub title_fr: String,
    /// credential, novelty, behaviour, persistence, source, indicator, innocence.
    pub group: String,
    /// What it adds; negative speaks for innocence.
    pub weight: f64,
    /// Conditions that must all hold.
    pub all: Vec<String>,
    /// What a reader is told; `{fact}` is replaced by the fact's value.
    pub text: String,
    /// The same in French.
    pub text_fr: String,
    /// Why attacks and daemons behave so.
    pub reason: String,
    /// Sources: ATT&CK technique, paper, manual.
    #[serde(default)]
    pub references: Vec<String>,
    /// Cases that are run as tests.
    #[serde(default)]
    pub example: Vec<Example>,
}

/// A case of a rule file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it is, in words.
    pub name: String,
    /// Whether the rule fires.
    pub fires: bool,
    /// Facts; those not named are absent.
    pub facts: BTreeMap<String, f64>,
}

/// Why a rule file cannot be used.
#[derive(Debug)]
pub struct RuleError {
    /// File.
    pub file: String,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for RuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

impl std::error::Error for RuleError {}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Op {
    Ge,
    Gt,
    Le,
    Lt,
    Eq,
}

/// A condition, compiled.
#[derive(Clone, Debug)]
struct Condition {
    fact: String,
    negated: bool,
    op: Op,
    value: f64,
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        let (negated, rest) = match text.trim().strip_prefix("not ") {
            Some(rest) => (true, rest.trim()),
            None => (false, text.trim()),
        };
        for (sign, op) in [
            (">=", Op::Ge),
            ("<=", Op::Le),
            ("==", Op::Eq),
            (">", Op::Gt),
            ("<", Op::Lt),
        ] {
            if let Some((fact, value)) = rest.split_once(sign) {
                let value = value
                    .trim()
                    .parse()
                    .map_err(|_| format!("not a number in “{text}”"))?;
                return Ok(Self {
                    fact: fact.trim().to_string(),
                    negated,
                    op,
                    value,
                });
            }
        }
        if rest.is_empty() || rest.contains(char::is_whitespace) {
            return Err(format!("not a condition: “{text}”"));
        }
        Ok(Self {
            fact: rest.to_string(),
            negated,
            op: Op::Gt,
            value: 0.0,
        })
    }

    fn holds(&self, facts: &dyn Fn(&str) -> Option<f64>) -> bool {
        let Some(have) = facts(&self.fact) else {
            return self.negated;
        };
        let holds = match self.op {
            Op::Ge => have >= self.value,
            Op::Gt => have > self.value,
            Op::Le => have <= self.value,
            Op::Lt => have < self.value,
            Op::Eq => (have - self.value).abs() < 1e-9,
        };
        holds != self.negated
    }
}

/// All session rules, compiled.
#[derive(Clone, Debug, Default)]
pub struct SessionRules {
    rules: Vec<(Rule, Vec<Condition>)>,
}

impl SessionRules {
    /// The rules built into the program.
    pub fn builtin() -> Self {
        let mut rules = Self::default();
        for (file, text) in crate::builtin_rules::SESSIONS {
            rules
                .add(file, text)
                .expect("built-in rules are checked by tests");
        }
        rules
    }

    /// Adds one file; a rule with the id of an earlier one takes its place.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), RuleError> {
        let error = |what: String| RuleError {
            file: file.to_string(),
            what,
        };
        let rule: Rule = toml::from_str(text).map_err(|e| error(e.to_string()))?;
        let conditions = rule
            .all
            .iter()
            .map(|c| Condition::parse(c))
            .collect::<Result<Vec<_>, _>>()
            .map_err(error)?;
        if let Some(unknown) = conditions
            .iter()
            .find(|c| !crate::facts::NAMES.contains(&c.fact.as_str()))
        {
            return Err(RuleError {
                file: file.to_string(),
                what: format!("no such fact: “{}”", unknown.fact),
            });
        }
        self.rules.retain(|(known, _)| known.id != rule.id);
        self.rules.push((rule, conditions));
        self.rules.sort_by(|a, b| a.0.id.cmp(&b.0.id));
        Ok(())
    }

    /// The rules that fire on facts, with the names of the facts they looked at.
    pub fn fire<'a>(
        &'a self,
        facts: &dyn Fn(&str) -> Option<f64>,
    ) -> Vec<(&'a Rule, Vec<&'a str>)> {
        self.rules
            .iter()
            .filter(|(_, conditions)| conditions.iter().all(|c| c.holds(facts)))
            .map(|(rule, conditions)| {
                (
                    rule,
                    conditions
                        .iter()
                        .filter(|c| !c.negated)
                        .map(|c| c.fact.as_str())
                        .collect(),
                )
            })
            .collect()
    }

    /// The score of rules that fired, 0–100.
    pub fn score(fired: &[(&Rule, Vec<&str>)]) -> f64 {
        let mut groups: BTreeMap<&str, f64> = BTreeMap::new();
        for (rule, _) in fired {
            *groups.entry(&rule.group).or_default() += rule.weight;
        }
        groups
            .iter()
            .map(|(group, w)| {
                w.min(if *group == "novelty" {
                    NOVELTY_CAP
                } else {
                    GROUP_CAP
                })
            })
            .sum::<f64>()
            .clamp(0.0, 100.0)
    }

    /// What the signs other than novelty and innocence add up to.
    pub fn hard_signs(fired: &[(&Rule, Vec<&str>)]) -> f64 {
        fired
            .iter()
            .filter(|(rule, _)| !matches!(rule.group.as_str(), "novelty" | "innocence"))
            .map(|(rule, _)| rule.weight)
            .sum()
    }

    /// Runs the examples of all rules; gives those that come out otherwise than they say.
    pub fn run_examples(&self) -> (usize, Vec<String>) {
        let mut run = 0;
        let mut wrong = Vec::new();
        for (rule, conditions) in &self.rules {
            for example in &rule.example {
                run += 1;
                let lookup = |name: &str| example.facts.get(name).copied();
                let fires = conditions.iter().all(|c| c.holds(&lookup));
                if fires != example.fires {
                    wrong.push(format!("{}: “{}”", rule.id, example.name));
                }
            }
        }
        (run, wrong)
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// No rules at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Rules in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|(rule, _)| rule)
    }
}

impl Rule {
    /// What a reader is told, with values filled in.
    pub fn tell(
        &self,
        facts: &dyn Fn(&str) -> Option<f64>,
        words: &dyn Fn(&str) -> Option<String>,
    ) -> Text {
        let fill = |template: &str| {
            let mut out = String::new();
            let mut rest = template;
            while let Some(open) = rest.find('{') {
                out.push_str(&rest[..open]);
                let Some(close) = rest[open..].find('}') else {
                    rest = &rest[open..];
                    break;
                };
                let name = &rest[open + 1..open + close];
                match (words(name), facts(name)) {
                    (Some(word), _) => out.push_str(&word),
                    (None, Some(value)) if value.fract() == 0.0 => {
                        out.push_str(&format!("{value:.0}"));
                    }
                    (None, Some(value)) => out.push_str(&format!("{value:.1}")),
                    (None, None) => out.push('?'),
                }
                rest = &rest[open + close + 1..];
            }
            out.push_str(rest);
            out
        };
        Text {
            en: fill(&self.text),
            fr: fill(&self.text_fr),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_negate_and_miss() {
        let facts = |name: &str| match name {
            "a" => Some(3.0),
            "z" => Some(0.0),
            _ => None,
        };
        for (text, holds) in [
            ("a", true),
            ("z", false),
            ("b", false),
            ("not b", true),
            ("not a", false),
            ("a >= 3", true),
            ("a > 3", false),
            ("a < 4", true),
            ("a <= 2", false),
            ("a == 3", true),
            ("not a >= 4", true),
            ("b >= 0", false),
        ] {
            assert_eq!(
                Condition::parse(text).unwrap().holds(&facts),
                holds,
                "{text}"
            );
        }
        assert!(Condition::parse("a >= x").is_err());
        assert!(Condition::parse("").is_err());
    }

    #[test]
    fn built_in_rules_load_and_their_examples_come_out() {
        let rules = SessionRules::builtin();
        let (run, wrong) = rules.run_examples();
        assert_eq!(wrong, Vec::<String>::new());
        for rule in rules.iter() {
            assert!(
                rule.example.iter().any(|e| e.fires),
                "{} lacks a positive example",
                rule.id
            );
            assert!(
                rule.example.iter().any(|e| !e.fires),
                "{} lacks a negative example",
                rule.id
            );
        }
        assert!(run >= 2 * rules.len());
    }
}
