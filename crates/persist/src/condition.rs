//! Conditions of rules: `foreign`, `not copy`, `score >= 20`, `action == "redirect"`,
//! `setting in ["a", "b"]`, `value contains "x"`, `value matches '(?i)y'`.

use crate::subject::{Fact, Kind, Subject, has_fact};
use regex::Regex;

/// One condition on one fact.
#[derive(Clone, Debug)]
pub struct Condition {
    negated: bool,
    fact: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// The flag is set, the number not 0, the text not empty.
    True,
    Number(std::cmp::Ordering, bool, f64),
    /// Any of these texts, ignoring case.
    OneOf(Vec<String>),
    Contains(String),
    Matches(Regex),
}

impl Condition {
    /// Reads a condition for subjects of a kind.
    ///
    /// # Errors
    /// Says what is wrong: an unknown fact, an unknown operator, a bad value.
    pub fn parse(text: &str, kind: &Kind) -> Result<Self, String> {
        let text = text.trim();
        let (negated, rest) = match text.strip_prefix("not ") {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let (fact, rest) = rest.split_at(end);
        if !has_fact(kind, fact) {
            return Err(format!("{} has no fact {fact:?}", kind.0));
        }
        let rest = rest.trim();
        let test = if rest.is_empty() {
            Test::True
        } else {
            let (operator, value) = rest
                .split_once(char::is_whitespace)
                .ok_or_else(|| format!("no value in {text:?}"))?;
            test(operator, value.trim()).map_err(|e| format!("{text:?}: {e}"))?
        };
        Ok(Self {
            negated,
            fact: fact.to_owned(),
            test,
        })
    }

    /// Whether it holds for a subject.
    pub fn holds(&self, subject: &Subject) -> bool {
        let fact = subject.facts.get(self.fact.as_str());
        let holds = match &self.test {
            Test::True => match fact {
                Some(Fact::Flag(v)) => *v,
                Some(Fact::Number(n)) => *n != 0.0,
                Some(Fact::Text(t)) => !t.is_empty(),
                None => false,
            },
            Test::Number(side, or_equal, limit) => {
                let number = match fact {
                    Some(Fact::Number(n)) => *n,
                    Some(Fact::Flag(v)) => f64::from(u8::from(*v)),
                    _ => 0.0,
                };
                number
                    .partial_cmp(limit)
                    .is_some_and(|o| o == *side || *or_equal && o.is_eq())
            }
            Test::OneOf(list) => list.iter().any(|v| v.eq_ignore_ascii_case(&shown(fact))),
            Test::Contains(part) => shown(fact).to_lowercase().contains(part),
            Test::Matches(regex) => regex.is_match(&shown(fact)),
        };
        holds != self.negated
    }
}

fn shown(fact: Option<&Fact>) -> String {
    fact.map(Fact::to_string).unwrap_or_default()
}

fn test(operator: &str, value: &str) -> Result<Test, String> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let number = || {
        value
            .parse::<f64>()
            .map_err(|_| format!("{value:?} is no number"))
    };
    Ok(match operator {
        ">=" => Test::Number(Greater, true, number()?),
        "<=" => Test::Number(Less, true, number()?),
        ">" => Test::Number(Greater, false, number()?),
        "<" => Test::Number(Less, false, number()?),
        "==" => match quoted(value) {
            Ok(text) => Test::OneOf(vec![text]),
            Err(_) => Test::Number(Equal, true, number()?),
        },
        "in" => {
            let inner = value
                .strip_prefix('[')
                .and_then(|v| v.strip_suffix(']'))
                .ok_or("a list stands in [ ]")?;
            Test::OneOf(
                inner
                    .split(',')
                    .map(str::trim)
                    .filter(|v| !v.is_empty())
                    .map(quoted)
                    .collect::<Result<_, _>>()?,
            )
        }
        "contains" => Test::Contains(quoted(value)?.to_lowercase()),
        "matches" => Test::Matches(Regex::new(&quoted(value)?).map_err(|e| e.to_string())?),
        other => return Err(format!("unknown operator {other:?}")),
    })
}

fn quoted(value: &str) -> Result<String, String> {
    ['"', '\'']
        .iter()
        .find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q))
        .map(str::to_owned)
        .ok_or_else(|| format!("{value} needs quotes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::kind;

    #[test]
    fn conditions() {
        let subject = Subject::new("sieve.action")
            .text("action", "Redirect")
            .text("to", "x@evil.example")
            .flag("foreign", true);
        let kind = kind("sieve.action").unwrap();
        for (text, expected) in [
            ("foreign", true),
            ("not foreign", false),
            ("copy", false),
            ("not copy", true),
            ("action == \"redirect\"", true),
            ("action in [\"keep\", 'redirect']", true),
            ("not action in [\"keep\"]", true),
            ("to contains \"EVIL\"", true),
            ("to matches '^y'", false),
            ("to", true),
            ("account", false),
            ("foreign >= 1", true),
            ("copy < 1", true),
        ] {
            let c = Condition::parse(text, kind).unwrap();
            assert_eq!(c.holds(&subject), expected, "{text}");
        }
        for bad in [
            "nosuch",
            "to ~ 'x'",
            "to ==",
            "to == x",
            "to matches '('",
            "action in 'x'",
        ] {
            assert!(Condition::parse(bad, kind).is_err(), "{bad}");
        }
    }
}
