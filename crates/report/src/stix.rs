//! A case as a STIX 2.1 bundle (OASIS Standard, 10 June 2021).
//!
//! Identifiers are UUIDs of version 5 over what an object says, and times come from the evidence,
//! so the same case gives the same bundle. Observables use the namespace that STIX 2.1 section 2.9
//! prescribes for them.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use vauban_case::contract::{AccountStatus, Case, Label, Level, Verdict};

/// Namespace of deterministic observable identifiers (STIX 2.1, 2.9).
const OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);
/// Namespace of everything else that Vauban makes.
const OBJECTS: Uuid = Uuid::from_u128(0x7c5e_0b46_6a7b_5d0e_9a44_1d0c_53c2_7f10);

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
        refs.extend(b.indicator(&hit.kind, &hit.value, &hit.first, &hit.source, &author));
    }
    for a in case
        .accounts
        .iter()
        .filter(|a| a.status == AccountStatus::Compromised)
    {
        refs.insert(b.observable("user-account", json!({"user_id": a.account}), &["user_id"]));
    }
    for s in case.sessions.iter().filter(|s| s.label == Label::Intruder) {
        let account = b.observable("user-account", json!({"user_id": s.account}), &["user_id"]);
        let mut seen = vec![account];
        seen.extend(b.address(&s.source_ip));
        refs.insert(b.object(
            "observed-data",
            &s.id,
            json!({
                "created_by_ref": author,
                "first_observed": stamp(&s.start),
                "last_observed": stamp(s.end.as_str().max(s.start.as_str())),
                "number_observed": 1,
                "object_refs": seen,
            }),
        ));
    }
    for l in &case.lures {
        let mail = json!({
            "is_multipart": false,
            "message_id": l.message_id,
            "subject": l.subject,
        });
        refs.insert(b.observable("email-message", mail, &["message_id", "subject"]));
    }
    for (id, name) in techniques(case) {
        refs.insert(b.object(
            "attack-pattern",
            id,
            json!({
                "created_by_ref": author,
                "name": name,
                "external_references": [{"source_name": "mitre-attack", "external_id": id}],
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
    b.object(
        "report",
        &format!("{name}{}", case.summary),
        json!({
            "created_by_ref": author,
            "name": name,
            "description": case.summary,
            "report_types": ["observed-data"],
            "published": published,
            "object_refs": refs,
        }),
    );
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
    let latest = case.coverage.iter().filter_map(|c| c.to.as_deref()).max();
    stamp(latest.unwrap_or("1970-01-01T00:00:00Z"))
}

/// A STIX timestamp: RFC 3339 in UTC with milliseconds, as `created` and `modified` want it.
fn stamp(rfc3339: &str) -> String {
    let (seconds, rest) = rfc3339
        .trim_end_matches('Z')
        .split_once('.')
        .unwrap_or((rfc3339.trim_end_matches('Z'), ""));
    let mut millis: String = rest.chars().take(3).collect();
    while millis.len() < 3 {
        millis.push('0');
    }
    format!("{seconds}.{millis}Z")
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

    /// An indicator with its pattern, for kinds that STIX has an observable for.
    fn indicator(
        &mut self,
        kind: &str,
        value: &str,
        first: &str,
        source: &str,
        author: &str,
    ) -> Option<String> {
        let path = match kind {
            "ipv4" => "ipv4-addr:value",
            "ipv6" => "ipv6-addr:value",
            "domain" => "domain-name:value",
            "url" => "url:value",
            "email_address" => "email-addr:value",
            "md5" => "file:hashes.MD5",
            "sha1" => "file:hashes.'SHA-1'",
            "sha256" => "file:hashes.'SHA-256'",
            _ => return None,
        };
        let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
        Some(self.object(
            "indicator",
            &format!("{path}={value}"),
            json!({
                "created_by_ref": author,
                "name": format!("{value} ({source})"),
                "indicator_types": ["malicious-activity"],
                "pattern": format!("[{path} = '{quoted}']"),
                "pattern_type": "stix",
                "valid_from": stamp(first),
            }),
        ))
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
            .find(|o| o["type"] == "observed-data")
            .unwrap();
        assert_eq!(observed["last_observed"], "2025-12-09T21:05:00.123Z");
        // The example of STIX 2.1, section 6.1: the identifier of an address follows from it.
        let address = objects.iter().find(|o| o["type"] == "ipv4-addr").unwrap();
        assert!(address["id"].as_str().unwrap().starts_with("ipv4-addr--"));
    }
}
