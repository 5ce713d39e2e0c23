//! Lure rules: conditions over the facts of one message.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::ContentRules;
use crate::facts::FACTS;
use crate::{Fact, Message};

/// How grave a match is.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Seen in honest mail too; context for other evidence.
    #[default]
    Low,
    /// Rare in honest mail; worth a look.
    Medium,
    /// Hostile in nearly every case.
    High,
    /// The shape of an exploit.
    Critical,
}

/// A lure rule, compiled.
#[derive(Clone, Debug)]
pub struct LureRule {
    /// Stable name ("roundcube-cve-2024-42009").
    pub id: String,
    /// English title.
    pub title: String,
    /// French title.
    pub title_fr: String,
    /// Why this is a lure, English.
    pub reason: String,
    /// The same in French.
    pub reason_fr: String,
    /// What to do when a message meets it, English; empty if the rule does not say.
    pub next: String,
    /// Advisories, papers, fixes.
    pub references: Vec<String>,
    /// How grave a match is.
    pub severity: Severity,
    /// CVE and ATT&CK ids ("cve-2024-42009", "attack.t1203").
    pub tags: Vec<String>,
    any: Vec<Clause>,
    unless: Vec<Condition>,
    /// Phrases whose presence becomes the fact `text.phrase`, over folded text.
    pub(super) phrases: Vec<(String, Regex)>,
    examples: Vec<Example>,
}

/// A rule met by a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LureMatch {
    /// Id of the rule.
    pub rule: String,
    /// Its title, English.
    pub title: String,
    /// Its title, French.
    pub title_fr: String,
    /// Its reason, English.
    pub reason: String,
    /// Its reason, French.
    pub reason_fr: String,
    /// How grave it is.
    pub severity: Severity,
    /// CVE and ATT&CK ids.
    pub tags: Vec<String>,
    /// The facts that met it.
    pub facts: Vec<Fact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    title: String,
    title_fr: String,
    reason: String,
    reason_fr: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    references: Vec<String>,
    severity: Severity,
    #[serde(default)]
    tags: Vec<String>,
    any: Vec<RawClause>,
    #[serde(default)]
    unless: Vec<RawCondition>,
    #[serde(default)]
    phrase: Vec<RawPhrase>,
    #[serde(default)]
    example: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPhrase {
    name: String,
    /// Regular expression over lower-case text without accents.
    words: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClause {
    all: Vec<RawCondition>,
    #[serde(default)]
    same_part: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCondition {
    fact: String,
    matches: Option<String>,
    contains: Option<String>,
    at_least: Option<usize>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    name: String,
    matches: bool,
    message: String,
    #[serde(default)]
    internal_domains: Vec<String>,
}

#[derive(Clone, Debug)]
struct Clause {
    all: Vec<Condition>,
    same_part: bool,
}

#[derive(Clone, Debug)]
struct Condition {
    fact: String,
    matches: Option<Regex>,
    contains: Option<String>,
    at_least: usize,
}

impl Condition {
    fn compile(raw: RawCondition) -> Result<Self, String> {
        if !FACTS.iter().any(|(name, _)| *name == raw.fact) {
            return Err(format!("no fact is named {:?}", raw.fact));
        }
        let matches = raw
            .matches
            .map(|m| Regex::new(&m).map_err(|e| format!("fact {}: {e}", raw.fact)))
            .transpose()?;
        Ok(Self {
            fact: raw.fact,
            matches,
            contains: raw.contains.map(|c| c.to_lowercase()),
            at_least: raw.at_least.unwrap_or(1).max(1),
        })
    }

    fn holds(&self, fact: &Fact) -> bool {
        fact.name == self.fact
            && self
                .matches
                .as_ref()
                .is_none_or(|r| r.is_match(&fact.value))
            && self
                .contains
                .as_ref()
                .is_none_or(|c| fact.value.to_lowercase().contains(c))
    }

    /// The facts that meet the condition, in the given part when one is given.
    fn facts<'m>(&self, facts: &'m [Fact], part: Option<&str>) -> Option<Vec<&'m Fact>> {
        let met: Vec<_> = facts
            .iter()
            .filter(|f| part.is_none_or(|p| f.part == p) && self.holds(f))
            .collect();
        (met.len() >= self.at_least).then_some(met)
    }
}

impl Clause {
    fn judge(&self, facts: &[Fact]) -> Option<Vec<Fact>> {
        let attempt = |part: Option<&str>| {
            let mut met = Vec::new();
            for condition in &self.all {
                met.extend(condition.facts(facts, part)?.into_iter().cloned());
            }
            Some(met)
        };
        if !self.same_part {
            return attempt(None);
        }
        let first = self.all.first()?;
        let mut parts: Vec<&str> = facts
            .iter()
            .filter(|f| first.holds(f))
            .map(|f| f.part.as_str())
            .collect();
        parts.dedup();
        parts.into_iter().find_map(|p| attempt(Some(p)))
    }
}

impl LureRule {
    /// Reads a rule file; the error says what is wrong.
    pub(super) fn from_toml(text: &str) -> Result<Self, String> {
        let f: File = toml::from_str(text).map_err(|e| e.to_string())?;
        let any = f
            .any
            .into_iter()
            .map(|c| {
                let all: Result<Vec<_>, _> = c.all.into_iter().map(Condition::compile).collect();
                Ok(Clause {
                    all: all?,
                    same_part: c.same_part,
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        if any.is_empty() || any.iter().any(|c| c.all.is_empty()) {
            return Err("a rule needs at least one condition".into());
        }
        let unless = f
            .unless
            .into_iter()
            .map(Condition::compile)
            .collect::<Result<_, _>>()?;
        let phrases = f
            .phrase
            .into_iter()
            .map(|p| {
                let words = format!(r"(?:\b|^)(?:{})", p.words);
                let regex = Regex::new(&words).map_err(|e| format!("phrase {}: {e}", p.name))?;
                Ok((p.name, regex))
            })
            .collect::<Result<_, String>>()?;
        if !f.example.iter().any(|e| e.matches) {
            return Err("a rule needs an example that it matches".into());
        }
        Ok(Self {
            id: f.id,
            title: f.title,
            title_fr: f.title_fr,
            reason: f.reason,
            reason_fr: f.reason_fr,
            next: f.next,
            references: f.references,
            severity: f.severity,
            tags: f.tags,
            any,
            unless,
            phrases,
            examples: f.example,
        })
    }

    /// Whether a message meets the rule, and by which facts.
    pub fn judge(&self, message: &Message) -> Option<LureMatch> {
        if self
            .unless
            .iter()
            .any(|c| c.facts(&message.facts, None).is_some())
        {
            return None;
        }
        let mut facts = self.any.iter().find_map(|c| c.judge(&message.facts))?;
        facts.sort();
        facts.dedup();
        Some(LureMatch {
            rule: self.id.clone(),
            title: self.title.clone(),
            title_fr: self.title_fr.clone(),
            reason: self.reason.clone(),
            reason_fr: self.reason_fr.clone(),
            severity: self.severity,
            tags: self.tags.clone(),
            facts,
        })
    }

    pub(super) fn self_test(&self, rules: &ContentRules) -> Vec<String> {
        let mut failures = Vec::new();
        for example in &self.examples {
            let rules = ContentRules {
                internal_domains: example.internal_domains.clone(),
                ..rules.clone()
            };
            let message = crate::parse(example.message.trim_start().as_bytes(), &rules);
            if self.judge(&message).is_some() != example.matches {
                failures.push(format!(
                    "rule {}, example {:?}: expected {}, facts {:?}",
                    self.id,
                    example.name,
                    if example.matches {
                        "a match"
                    } else {
                        "no match"
                    },
                    message
                        .facts
                        .iter()
                        .map(|f| (&f.name, &f.value))
                        .collect::<Vec<_>>(),
                ));
            }
        }
        failures
    }
}
