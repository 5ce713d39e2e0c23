//! A case as a STIX 2.1 bundle (OASIS Standard, 10 June 2021), to hand to a CSIRT.
//!
//! Identifiers are UUIDs of version 5 over what an object says, and times come from the evidence,
//! so the same case gives the same bundle. (The standard recommends version 4 for domain objects
//! and allows others; validators remark on it.) Observables use the namespace that STIX 2.1,
//! section 2.9, prescribes for them.
//!
//! What was read stays out: the bundle travels to other organisations, and subjects and file names
//! of the victim are not theirs to know. They stand in `case.json` and `ledger.csv`.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use vauban_case::contract::{AccountStatus, Case, IndicatorHit, Label, Level, Verdict};

use crate::escape::shown;

/// Namespace of deterministic observable identifiers (STIX 2.1, 2.9).
const OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);
/// Namespace of everything else that Vauban makes.
const OBJECTS: Uuid = Uuid::from_u128(0x7c5e_0b46_6a7b_5d0e_9a44_1d0c_53c2_7f10);
/// Characters of a name or description.
const MAX_TEXT: usize = 2000;

/// The bundle.
pub fn bundle(case: &Case) -> Value {
    let mut b = Builder {
        when: when(case),
        objects: BTreeMap::new(),
        order: Vec::new(),
    };
    let author = b.author();
    let mut refs: BTreeSet<String> = BTreeSet::new();
    for hit in &case.indicators {
        refs.extend(b.hit(hit, &author));
    }
    for a in case
        .accounts
        .iter()
        .filter(|a| a.status == AccountStatus::Compromised)
    {
        refs.insert(b.account(&a.account));
    }
    for s in case.sessions.iter().filter(|s| s.label == Label::Intruder) {
        let mut seen = vec![b.account(&s.account)];
        seen.extend(b.address(&s.source_ip));
        let (first, last) = b.period(&s.start, &s.end);
        refs.insert(b.object(
            "observed-data",
            &s.id,
            json!({
                "created_by_ref": author,
                "first_observed": first,
                "last_observed": last,
                "number_observed": 1,
                "object_refs": seen,
            }),
        ));
    }
    for l in &case.lures {
        refs.insert(b.mail(&l.message_id, &l.subject));
    }
    for (id, name) in techniques(case) {
        let url = format!(
            "https://attack.mitre.org/techniques/{}/",
            id.replace('.', "/")
        );
        refs.insert(b.object(
            "attack-pattern",
            id,
            json!({
                "created_by_ref": author,
                "name": name,
                "external_references": [{"source_name": "mitre-attack", "external_id": id, "url": url}],
            }),
        ));
    }
    refs.insert(author.clone());
    let refs: Vec<String> = refs.into_iter().collect();
    let name = match case.verdict {
        Verdict::Breached => "Mail server breach",
        Verdict::NoEvidenceOfBreach => "Mail server examined: no evidence of a breach",
        Verdict::Inconclusive => "Mail server examined: inconclusive",
    };
    let published = b.when.clone();
    let mut report = json!({
        "created_by_ref": author,
        "name": name,
        "report_types": ["observed-data"],
        "published": published,
        "object_refs": refs,
    });
    if !case.summary.is_empty() {
        merge(
            &mut report,
            json!({"description": shown(&case.summary, MAX_TEXT)}),
        );
    }
    b.object("report", &format!("{name}{}", case.summary), report);
    let objects: Vec<Value> = b
        .order
        .iter()
        .filter_map(|id| b.objects.remove(id))
        .collect();
    let all = Value::from(objects.clone()).to_string();
    json!({
        "type": "bundle",
        "id": format!("bundle--{}", Uuid::new_v5(&OBJECTS, all.as_bytes())),
        "objects": objects,
    })
}

/// ATT&CK techniques that the case itself shows.
fn techniques(case: &Case) -> Vec<(&'static str, &'static str)> {
    let vector = |v: &str| case.initial_access.iter().any(|a| a.vector == v);
    let left = |kind: &str| {
        case.persistence
            .iter()
            .any(|p| p.kind == kind && p.label == Label::Intruder)
    };
    let read = case.ledger.iter().any(|e| e.level >= Level::Read);
    [
        ("T1078", "Valid Accounts", case.totals.sessions_intruder > 0),
        ("T1110.003", "Password Spraying", vector("password_spray")),
        ("T1566", "Phishing", vector("lure")),
        (
            "T1552",
            "Unsecured Credentials",
            vector("found_credentials"),
        ),
        ("T1114.002", "Remote Email Collection", read),
        ("T1114.003", "Email Forwarding Rule", left("sieve_redirect")),
        ("T1505.003", "Web Shell", left("web_shell")),
    ]
    .into_iter()
    .filter_map(|(id, name, shown)| shown.then_some((id, name)))
    .collect()
}

/// The latest instant that the evidence knows: the bundle has no clock of its own.
fn when(case: &Case) -> String {
    let latest = case
        .coverage
        .iter()
        .filter_map(|c| instant(c.to.as_deref()?))
        .max();
    stamp(latest.unwrap_or_default())
}

fn instant(rfc3339: &str) -> Option<jiff::Timestamp> {
    rfc3339.trim().parse().ok()
}

/// A STIX timestamp: RFC 3339 in UTC with milliseconds, as `created` and `modified` want it.
fn stamp(t: jiff::Timestamp) -> String {
    let utc = crate::fmt::utc(t);
    let millis = utc.subsec_nanosecond() / 1_000_000;
    format!("{}.{millis:03}Z", utc.strftime("%Y-%m-%dT%H:%M:%S"))
}

struct Builder {
    when: String,
    objects: BTreeMap<String, Value>,
    order: Vec<String>,
}

impl Builder {
    fn put(&mut self, id: String, object: Value) -> String {
        if self.objects.insert(id.clone(), object).is_none() {
            self.order.push(id.clone());
        }
        id
    }

    /// A domain object; `key` makes its identifier.
    fn object(&mut self, kind: &str, key: &str, body: Value) -> String {
        let id = format!(
            "{kind}--{}",
            Uuid::new_v5(&OBJECTS, format!("{kind}|{key}").as_bytes())
        );
        let mut object = json!({
            "type": kind,
            "spec_version": "2.1",
            "id": id,
            "created": self.when,
            "modified": self.when,
        });
        merge(&mut object, body);
        self.put(id, object)
    }

    /// An observable; the properties named make its identifier (STIX 2.1, 2.9).
    fn observable(&mut self, kind: &str, body: Value, contributing: &[&str]) -> String {
        let mut key = serde_json::Map::new();
        for name in contributing {
            if let Some(value) = body.get(*name) {
                key.insert((*name).to_string(), value.clone());
            }
        }
        let key = Value::Object(key).to_string();
        let id = format!("{kind}--{}", Uuid::new_v5(&OBSERVABLES, key.as_bytes()));
        let mut object = json!({"type": kind, "spec_version": "2.1", "id": id});
        merge(&mut object, body);
        self.put(id, object)
    }

    fn author(&mut self) -> String {
        self.object(
            "identity",
            "vauban",
            json!({"name": "Vauban", "identity_class": "system"}),
        )
    }

    fn address(&mut self, ip: &str) -> Option<String> {
        let kind = match ip.parse::<std::net::IpAddr>().ok()? {
            std::net::IpAddr::V4(_) => "ipv4-addr",
            std::net::IpAddr::V6(_) => "ipv6-addr",
        };
        Some(self.observable(kind, json!({"value": ip}), &["value"]))
    }

    fn account(&mut self, name: &str) -> String {
        self.observable("user-account", json!({"user_id": name}), &["user_id"])
    }

    /// A message. Its identifier is not made as 2.9 says (from sender, subject and body): two
    /// messages of one subject must not become one.
    fn mail(&mut self, message_id: &str, subject: &str) -> String {
        let key = format!("email-message|{message_id}|{subject}");
        let id = format!("email-message--{}", Uuid::new_v5(&OBJECTS, key.as_bytes()));
        let mut object = json!({"type": "email-message", "spec_version": "2.1", "id": id, "is_multipart": false});
        for (name, value) in [("message_id", message_id), ("subject", subject)] {
            if !value.is_empty() {
                merge(&mut object, json!({name: shown(value, MAX_TEXT)}));
            }
        }
        self.put(id, object)
    }

    /// Two timestamps in order; what is no time becomes the bundle's own.
    fn period(&self, first: &str, last: &str) -> (String, String) {
        let Some(first) = instant(first) else {
            return (self.when.clone(), self.when.clone());
        };
        let last = instant(last).unwrap_or(first).max(first);
        (stamp(first), stamp(last))
    }

    /// An indicator that was met: its pattern, what was seen, and the sighting that joins them.
    /// Nothing for kinds that STIX has no observable for.
    fn hit(&mut self, hit: &IndicatorHit, author: &str) -> Vec<String> {
        let file = |hash: &str| json!({"hashes": {hash: hit.value}});
        let value = json!({"value": hit.value});
        let (path, kind, body, contributing) = match hit.kind.as_str() {
            "ipv4" => ("ipv4-addr:value", "ipv4-addr", value, "value"),
            "ipv6" => ("ipv6-addr:value", "ipv6-addr", value, "value"),
            "network" if hit.value.contains(':') => {
                ("ipv6-addr:value", "ipv6-addr", value, "value")
            }
            "network" => ("ipv4-addr:value", "ipv4-addr", value, "value"),
            "domain" => ("domain-name:value", "domain-name", value, "value"),
            "url" => ("url:value", "url", value, "value"),
            "email_address" => ("email-addr:value", "email-addr", value, "value"),
            "file_name" => ("file:name", "file", json!({"name": hit.value}), "name"),
            "md5" => ("file:hashes.MD5", "file", file("MD5"), "hashes"),
            "sha1" => ("file:hashes.'SHA-1'", "file", file("SHA-1"), "hashes"),
            "sha256" => ("file:hashes.'SHA-256'", "file", file("SHA-256"), "hashes"),
            _ => return Vec::new(),
        };
        // The pattern grammar has strings with \\ and \' escaped and no control characters.
        if hit.value.is_empty() || hit.value.chars().any(char::is_control) {
            return Vec::new();
        }
        let quoted = hit.value.replace('\\', "\\\\").replace('\'', "\\'");
        let compare = if hit.kind == "network" {
            "ISSUBSET"
        } else {
            "="
        };
        let (first, last) = self.period(&hit.first, &hit.last);
        let from = if hit.source == "case" {
            "Address or value that the intruder used, from this case.".to_owned()
        } else {
            format!("Named in {}.", shown(&hit.source, 200))
        };
        let indicator = self.object(
            "indicator",
            &format!("{path} {compare} {}", hit.value),
            json!({
                "created_by_ref": author,
                "name": shown(&hit.value, 300),
                "description": format!("{from} Met in {} records of the evidence.", hit.count),
                "indicator_types": ["malicious-activity"],
                "pattern": format!("[{path} {compare} '{quoted}']"),
                "pattern_type": "stix",
                "valid_from": first,
            }),
        );
        let seen = self.observable(kind, body, &[contributing]);
        // 1 to 999,999,999 (STIX 2.1, 4.14).
        let count = hit.count.clamp(1, 999_999_999);
        let observed = self.object(
            "observed-data",
            &format!("hit|{path}|{}", hit.value),
            json!({
                "created_by_ref": author,
                "first_observed": first,
                "last_observed": last,
                "number_observed": count,
                "object_refs": [seen],
            }),
        );
        let sighting = self.object(
            "sighting",
            &format!("{path}|{}", hit.value),
            json!({
                "created_by_ref": author,
                "first_seen": first,
                "last_seen": last,
                "count": count,
                "sighting_of_ref": indicator,
                "observed_data_refs": [observed],
                "where_sighted_refs": [author],
            }),
        );
        vec![indicator, seen, observed, sighting]
    }
}

fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vauban_case::contract::{IndicatorHit, Session};

    fn case() -> Case {
        Case {
            verdict: Verdict::Breached,
            summary: "s".into(),
            indicators: vec![IndicatorHit {
                kind: "ipv4".into(),
                value: "192.0.2.1".into(),
                first: "2025-12-09T21:04:00Z".into(),
                ..Default::default()
            }],
            sessions: vec![Session {
                id: "S0001".into(),
                account: "a@b.example".into(),
                source_ip: "192.0.2.1".into(),
                start: "2025-12-09T21:04:00Z".into(),
                end: "2025-12-09T21:05:00.123456Z".into(),
                label: Label::Intruder,
                ..Default::default()
            }],
            ..Case::default()
        }
    }

    #[test]
    fn references_lead_somewhere_and_identifiers_are_stable() {
        let bundle = bundle(&case());
        assert_eq!(bundle, super::bundle(&case()));
        let objects = bundle["objects"].as_array().unwrap();
        let ids: BTreeSet<&str> = objects.iter().filter_map(|o| o["id"].as_str()).collect();
        assert_eq!(ids.len(), objects.len());
        for o in objects {
            for reference in o["object_refs"].as_array().into_iter().flatten() {
                assert!(ids.contains(reference.as_str().unwrap()), "{reference}");
            }
            if let Some(author) = o["created_by_ref"].as_str() {
                assert!(ids.contains(author));
            }
        }
        let observed = objects
            .iter()
            .find(|o| {
                o["object_refs"].as_array().is_some_and(|r| r.len() == 2)
                    && o["type"] == "observed-data"
            })
            .unwrap();
        assert_eq!(observed["last_observed"], "2025-12-09T21:05:00.123Z");
    }

    #[test]
    fn observables_have_the_identifiers_that_others_give_them() {
        let mut b = Builder {
            when: String::new(),
            objects: BTreeMap::new(),
            order: Vec::new(),
        };
        // Made with OASIS's Python library stix2 3.0.2.
        assert_eq!(
            b.address("198.51.100.3").unwrap(),
            "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
        );
        assert_eq!(
            b.account("a@b.example"),
            "user-account--79a969e6-adf5-5fcd-bf9e-1e369ea8d8e9"
        );
        let hit = IndicatorHit {
            kind: "sha256".into(),
            value: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            ..Default::default()
        };
        let ids = b.hit(&hit, "identity--x");
        assert!(ids.contains(&"file--a7928fbf-e7c8-52e1-9d22-c8c4d008ad01".to_owned()));
    }
}
