//! Detection Finding 2004: something a rule, an indicator or an inspection found, with the places
//! in the evidence that a person can open.

use crate::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What kind of analytic found it (`finding_info.analytic.type_id`).
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Analytic {
    /// A Sigma rule or correlation, or another rule file over events or files.
    Rule,
    /// A behaviour over time, judged against the account's or the network's own past.
    Behaviour,
    /// An indicator of an advisory or feed.
    Indicator,
    /// Content of a message, attachment or file (structure, YARA).
    Content,
}

impl Analytic {
    /// OCSF `analytic.type_id` and caption: 1 Rule, 2 Behavioral, 9 Exact Data Match, 5
    /// Fingerprinting.
    pub const fn ocsf_type(self) -> (u8, &'static str) {
        match self {
            Self::Rule => (1, "Rule"),
            Self::Behaviour => (2, "Behavioral"),
            Self::Indicator => (9, "Exact Data Match"),
            Self::Content => (5, "Fingerprinting"),
        }
    }
}

/// How much it matters (`severity_id`); Sigma's `level` maps to it by name.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Level {
    #[default]
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    /// OCSF `severity_id` (1–5).
    pub const fn id(self) -> u8 {
        self as u8 + 1
    }

    /// OCSF `severity`.
    pub const fn caption(self) -> &'static str {
        match self {
            Self::Informational => "Informational",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// From Sigma's `level`; `None` if it is none of its five words.
    pub fn from_level(level: &str) -> Option<Self> {
        Some(match level {
            "informational" => Self::Informational,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => return None,
        })
    }
}

/// A place a person can open. Offsets as in [`crate::Evidence`]: bytes of the decoded artefact.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The artefact's path in the evidence or on the host.
    pub artefact: String,
    /// First byte, counted from 0.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// Line number from 1, where it is known.
    pub line: Option<u64>,
    /// What stands there, as it stands there (hostile: escape it where it is shown).
    pub excerpt: String,
}

/// A value the finding is about (`observables[]`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Observable {
    /// What kind of value (`type_id`).
    pub kind: ObservableKind,
    /// The attribute it was found in ("src_endpoint.ip").
    pub name: String,
    /// The value as found.
    pub value: String,
}

/// OCSF `observable.type_id`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum ObservableKind {
    Hostname = 1,
    IpAddress = 2,
    UserName = 4,
    EmailAddress = 5,
    Url = 6,
    FileName = 7,
    Hash = 8,
    ProcessName = 9,
    Subnet = 12,
    UserAgent = 16,
    FilePath = 45,
    Other = 99,
}

impl ObservableKind {
    /// OCSF `observable.type`.
    pub const fn caption(self) -> &'static str {
        match self {
            Self::Hostname => "Hostname",
            Self::IpAddress => "IP Address",
            Self::UserName => "User Name",
            Self::EmailAddress => "Email Address",
            Self::Url => "URL String",
            Self::FileName => "File Name",
            Self::Hash => "Hash",
            Self::ProcessName => "Process Name",
            Self::Subnet => "Subnet",
            Self::UserAgent => "HTTP User-Agent",
            Self::FilePath => "File Path",
            Self::Other => "Other",
        }
    }
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Identifier of the rule, indicator or inspection, stable over versions
    /// (`finding_info.analytic.uid`).
    pub rule: String,
    /// What kind of analytic it is.
    pub analytic: Analytic,
    /// One line in words (`finding_info.title`).
    pub title: String,
    /// How much it matters.
    pub level: Level,
    /// Why: the facts that made it fire, in words (`message`).
    pub reason: String,
    /// What to do next (`remediation.desc`); `""` if the rule does not say.
    pub next: String,
    /// ATT&CK technique ids ("T1566.001").
    pub techniques: Vec<String>,
    /// URLs that say more (`remediation.references` and the rule's own).
    pub references: Vec<String>,
    /// First and last instant of what was found; `None` where the artefact has none (a file).
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// Every place it stands on, at least one.
    pub places: Vec<Place>,
    /// Values it is about.
    pub observables: Vec<Observable>,
}

impl Finding {
    /// The identity of the finding: the same rule over the same places and values gives the same
    /// identifier, whatever run found it (SHA-256, first 128 bits in hex).
    pub fn uid(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(self.rule.as_bytes());
        for p in &self.places {
            part(p.artefact.as_bytes());
            part(&p.offset.to_le_bytes());
            part(&p.length.to_le_bytes());
            part(p.excerpt.as_bytes());
        }
        for o in &self.observables {
            part(o.name.as_bytes());
            part(o.value.as_bytes());
        }
        hash.finalize()[..16]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }

    /// As an OCSF 1.8 Detection Finding (class 2004, activity Create).
    ///
    /// `now` fills `time` where the finding has no instant of its own.
    pub fn to_ocsf(&self, now: Timestamp) -> Value {
        let (type_id, type_name) = self.analytic.ocsf_type();
        let millis = |t: Timestamp| t.0.div_euclid(1000);
        let mut info = json!({
            "uid": self.uid(),
            "title": self.title,
            "analytic": {"uid": self.rule, "name": self.title, "type_id": type_id, "type": type_name},
        });
        if !self.techniques.is_empty() {
            info["attacks"] = self
                .techniques
                .iter()
                .map(|t| match t.split_once('.') {
                    Some((main, _)) => {
                        json!({"technique": {"uid": main}, "sub_technique": {"uid": t}})
                    }
                    None => json!({"technique": {"uid": t}}),
                })
                .collect();
        }
        if let Some(t) = self.first {
            info["first_seen_time"] = millis(t).into();
        }
        if let Some(t) = self.last {
            info["last_seen_time"] = millis(t).into();
        }
        let evidences: Vec<Value> = self
            .places
            .iter()
            .map(|p| {
                let mut data =
                    json!({"offset": p.offset, "length": p.length, "excerpt": p.excerpt});
                if let Some(line) = p.line {
                    data["line"] = line.into();
                }
                json!({"name": p.artefact, "data": data})
            })
            .collect();
        let observables: Vec<Value> = self
            .observables
            .iter()
            .map(|o| {
                json!({"name": o.name, "value": o.value, "type_id": o.kind as u8, "type": o.kind.caption()})
            })
            .collect();
        let mut out = json!({
            "activity_id": 1, "activity_name": "Create",
            "category_uid": 2, "category_name": "Findings",
            "class_uid": 2004, "class_name": "Detection Finding",
            "type_uid": 200_401, "type_name": "Detection Finding: Create",
            "severity_id": self.level.id(), "severity": self.level.caption(),
            "status_id": 1, "status": "New", "is_alert": true,
            "time": millis(self.last.or(self.first).unwrap_or(now)),
            "message": self.reason,
            "metadata": {
                "version": "1.8.0",
                "product": {"name": "Vauban", "vendor_name": "Vauban", "version": env!("CARGO_PKG_VERSION")},
            },
            "finding_info": info,
            "evidences": evidences,
            "observables": observables,
        });
        if !self.next.is_empty() {
            out["remediation"] = json!({"desc": self.next, "references": self.references});
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Finding {
        Finding {
            rule: "r1".into(),
            analytic: Analytic::Rule,
            title: "Redirect created".into(),
            level: Level::High,
            reason: "a Sieve script sends every message on".into(),
            next: "Remove the script.".into(),
            techniques: vec!["T1114.003".into(), "T1078".into()],
            references: vec![],
            first: Some(Timestamp::from_seconds(10)),
            last: None,
            places: vec![Place {
                artefact: "mail.log".into(),
                offset: 5,
                length: 7,
                line: Some(2),
                excerpt: "x".into(),
            }],
            observables: vec![Observable {
                kind: ObservableKind::EmailAddress,
                name: "email.to".into(),
                value: "a@example.org".into(),
            }],
        }
    }

    #[test]
    fn identity_follows_place_and_value() {
        let one = finding();
        let mut other = finding();
        other.title = "Other words".into();
        assert_eq!(one.uid(), other.uid());
        other.places[0].offset = 6;
        assert_ne!(one.uid(), other.uid());
    }

    #[test]
    fn ocsf_form_has_what_the_class_requires() {
        let v = finding().to_ocsf(Timestamp::from_seconds(99));
        assert_eq!(v["class_uid"], 2004);
        assert_eq!(v["type_uid"], 200_401);
        assert_eq!(v["time"], 10_000);
        assert_eq!(v["severity_id"], 4);
        assert_eq!(
            v["finding_info"]["attacks"][0]["sub_technique"]["uid"],
            "T1114.003"
        );
        assert_eq!(v["finding_info"]["attacks"][1]["technique"]["uid"], "T1078");
        assert_eq!(v["evidences"][0]["data"]["line"], 2);
        assert_eq!(v["observables"][0]["type_id"], 5);
    }
}
