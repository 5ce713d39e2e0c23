//! What a rule says about itself.

use rsigma_parser::{CorrelationRule, SigmaRule};
use std::collections::HashMap;
use vauban_ocsf::Level;

/// Identifies a detection rule within an [`crate::Engine`]: its place in the order of loading.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// Identifies a correlation rule within an [`crate::Engine`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId(pub u32);

/// A rule's own words.
#[derive(Clone, Debug, Default)]
pub struct RuleInfo {
    /// `id`.
    pub id: Option<String>,
    /// `name`, by which correlations refer to it.
    pub name: Option<String>,
    /// `title`.
    pub title: String,
    /// `level`; `None` if the rule does not say.
    pub level: Option<Level>,
    /// `status` ("stable", "test", …).
    pub status: Option<String>,
    /// `description`.
    pub description: String,
    /// `author`.
    pub author: String,
    /// `references`.
    pub references: Vec<String>,
    /// `falsepositives`.
    pub falsepositives: Vec<String>,
    /// `tags` as written.
    pub tags: Vec<String>,
    /// `fields`: those an analyst wants to see.
    pub fields: Vec<String>,
    /// What to do next: the custom attribute `remediation`; `""` if there is none.
    pub next: String,
    /// `logsource.category`; all empty for correlations.
    pub category: Option<String>,
    /// `logsource.product`.
    pub product: Option<String>,
    /// `logsource.service`.
    pub service: Option<String>,
    /// The file it was loaded from.
    pub file: String,
}

impl RuleInfo {
    pub(crate) fn of_rule(rule: &SigmaRule, file: &str) -> Self {
        Self {
            id: rule.id.clone(),
            name: rule.name.clone(),
            title: rule.title.clone(),
            level: rule.level.and_then(|l| Level::from_level(l.as_str())),
            status: rule.status.map(|s| format!("{s:?}").to_lowercase()),
            description: rule.description.clone().unwrap_or_default(),
            author: rule.author.clone().unwrap_or_default(),
            references: rule.references.clone(),
            falsepositives: rule.falsepositives.clone(),
            tags: rule.tags.clone(),
            fields: rule.fields.clone(),
            next: custom(&rule.custom_attributes, "remediation"),
            category: rule.logsource.category.clone(),
            product: rule.logsource.product.clone(),
            service: rule.logsource.service.clone(),
            file: file.to_owned(),
        }
    }

    pub(crate) fn of_correlation(rule: &CorrelationRule, file: &str) -> Self {
        Self {
            id: rule.id.clone(),
            name: rule.name.clone(),
            title: rule.title.clone(),
            level: rule.level.and_then(|l| Level::from_level(l.as_str())),
            status: rule.status.map(|s| format!("{s:?}").to_lowercase()),
            description: rule.description.clone().unwrap_or_default(),
            author: rule.author.clone().unwrap_or_default(),
            references: rule.references.clone(),
            falsepositives: rule.falsepositives.clone(),
            tags: rule.tags.clone(),
            fields: rule.fields.clone(),
            next: custom(&rule.custom_attributes, "remediation"),
            file: file.to_owned(),
            ..Self::default()
        }
    }

    /// The identifier that stands in findings: `id`, else `name`, else the title.
    pub fn identity(&self) -> &str {
        self.id
            .as_deref()
            .or(self.name.as_deref())
            .unwrap_or(&self.title)
    }

    /// ATT&CK technique ids ("T1566.001") among the tags, in their order.
    pub fn techniques(&self) -> Vec<String> {
        let technique = |tag: &String| {
            let id = tag.strip_prefix("attack.")?;
            let digits = id.strip_prefix(['t', 'T'])?;
            let valid =
                digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            valid.then(|| format!("T{digits}"))
        };
        self.tags.iter().filter_map(technique).collect()
    }
}

fn custom<V: serde::Serialize>(attributes: &HashMap<String, V>, name: &str) -> String {
    attributes
        .get(name)
        .and_then(|v| serde_json::to_value(v).ok())
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_among_tags() {
        let info = RuleInfo {
            tags: [
                "attack.initial-access",
                "attack.t1566.001",
                "attack.T1078",
                "cve.2024-42009",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..RuleInfo::default()
        };
        assert_eq!(info.techniques(), ["T1566.001", "T1078"]);
    }
}
