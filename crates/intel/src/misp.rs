//! MISP: events, objects and attributes, as a server exports them or a feed holds them.

use crate::IndicatorKind::{self, *};
use crate::collect::{Collector, Given};
use crate::raw::{self, Members};
use crate::value::{self, Value};

/// Deepest nesting of containers that is followed.
const DEPTH: usize = 12;

/// Our kinds for a MISP attribute type without `|`.
pub(crate) fn kinds_of(kind: &str) -> &'static [IndicatorKind] {
    match kind {
        "ip-src" | "ip-dst" | "ip" => &[Ipv4, Ipv6, Network],
        "domain" | "hostname" => &[Domain],
        "url" | "uri" | "link" => &[Url],
        "email"
        | "email-src"
        | "email-dst"
        | "email-reply-to"
        | "target-email"
        | "whois-registrant-email" => &[EmailAddress],
        "md5" => &[Md5],
        "sha1" => &[Sha1],
        "sha256" => &[Sha256],
        "user-agent" | "http-user-agent" => &[UserAgent],
        "filename" | "attachment" | "email-attachment" | "malware-sample" => &[FileName],
        "email-subject" => &[EmailSubject],
        "ja3-fingerprint-md5" | "ja3s-fingerprint-md5" => &[Ja3],
        "ja4-fingerprint" | "ja4" | "ja4s" => &[Ja4],
        _ => &[],
    }
}

/// One attribute, kept until the whole document tells how its author uses `to_ids`.
struct Attribute {
    kind: String,
    value: String,
    offset: u64,
    to_ids: bool,
    deleted: bool,
    category: String,
    relation: String,
    first_seen: Option<String>,
}

#[derive(Default)]
struct Reader {
    attributes: Vec<Attribute>,
    events: usize,
}

/// Reads the JSON value `part` of `document`. Returns whether it was MISP's.
pub(crate) fn read(document: &str, part: &str, into: &mut Collector<'_>) -> bool {
    let mut reader = Reader::default();
    reader.walk(document, part, 0, false, into);
    if reader.events == 0 && reader.attributes.is_empty() {
        return false;
    }
    reader.finish(into);
    true
}

impl Reader {
    fn walk(
        &mut self,
        document: &str,
        part: &str,
        depth: usize,
        deleted: bool,
        into: &mut Collector<'_>,
    ) {
        if depth > DEPTH {
            return;
        }
        for element in raw::elements(part) {
            self.walk(document, element, depth + 1, deleted, into);
        }
        let Some(members) = Members::of(part) else {
            return;
        };
        let deleted = deleted || members.truth("deleted").unwrap_or(false);
        if members.get("value").is_some()
            && members.get("type").is_some()
            && members.get("tag_name").is_none()
            && (members.get("to_ids").is_some() || members.get("category").is_some())
        {
            self.attribute(document, part, &members, deleted, into);
        }
        for (key, member) in &members.0 {
            let at = raw::offset(document, member.get());
            match key.as_str() {
                "response" | "Attribute" | "Object" => {
                    self.walk(document, member.get(), depth + 1, deleted, into);
                }
                "Event" => {
                    self.events += 1;
                    self.walk(document, member.get(), depth + 1, deleted, into);
                }
                "info" => {
                    if let Some(info) = raw::string(member.get()) {
                        crate::ids::scan(&info, |_| at, into);
                        if into.advisory.title.is_empty() {
                            into.advisory.title = info;
                        }
                    }
                }
                "Tag" => {
                    for tag in raw::elements(member.get()) {
                        if let Some(name) = Members::of(tag).and_then(|m| m.string("name")) {
                            crate::ids::scan(&name, |_| raw::offset(document, tag), into);
                        }
                    }
                }
                "Galaxy" => self.galaxy(document, member.get(), into),
                "EventReport" => {
                    for report in raw::elements(member.get()) {
                        if let Some(text) = Members::of(report).and_then(|m| m.string("content")) {
                            crate::ids::scan(&text, |_| raw::offset(document, report), into);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn galaxy(&mut self, document: &str, part: &str, into: &mut Collector<'_>) {
        for galaxy in raw::elements(part) {
            let Some(galaxy) = Members::of(galaxy) else {
                continue;
            };
            for cluster in galaxy
                .get("GalaxyCluster")
                .map(raw::elements)
                .unwrap_or_default()
            {
                let Some(m) = Members::of(cluster) else {
                    continue;
                };
                let text = ["value", "tag_name"]
                    .iter()
                    .filter_map(|k| m.string(k))
                    .collect::<Vec<_>>();
                let at = raw::offset(document, cluster);
                crate::ids::scan(&text.join(" "), |_| at, into);
                // Clusters also keep the identifier by itself, as a list of one.
                if let Some(ids) = m
                    .get("meta")
                    .and_then(Members::of)
                    .and_then(|m| m.get("external_id").map(str::to_owned))
                {
                    crate::ids::scan(&ids, |_| at, into);
                }
            }
        }
    }

    fn attribute(
        &mut self,
        document: &str,
        part: &str,
        m: &Members<'_>,
        deleted: bool,
        into: &mut Collector<'_>,
    ) {
        let (Some(kind), Some(value)) = (m.string("type"), m.string("value")) else {
            return;
        };
        let place = m.get("value").unwrap_or(part);
        let offset = raw::offset(document, place) + 1;
        if kind == "vulnerability" || kind == "comment" || kind == "text" {
            crate::ids::scan(&value, |_| offset, into);
        }
        if let Some(comment) = m.string("comment") {
            crate::ids::scan(&comment, |_| offset, into);
        }
        let seen = |key: &str| m.string(key).filter(|s| !s.is_empty());
        self.attributes.push(Attribute {
            kind,
            value,
            offset,
            to_ids: m.truth("to_ids").unwrap_or(false),
            deleted,
            category: m.string("category").unwrap_or_default(),
            relation: m.string("object_relation").unwrap_or_default(),
            first_seen: seen("first_seen"),
        });
    }

    fn finish(self, into: &mut Collector<'_>) {
        // `to_ids` says "use for detection". Many authors never set it; then it says nothing.
        let uses_flag = self.attributes.iter().any(|a| a.to_ids);
        let mut not_kinds = std::collections::BTreeMap::<&str, usize>::new();
        for a in &self.attributes {
            let values = values(a);
            if values.is_empty() {
                *not_kinds.entry(&a.kind).or_default() += 1;
            }
            let by = match (a.to_ids, uses_flag) {
                (true, _) => "a MISP attribute for detection (to_ids)",
                _ => "a MISP attribute of an event that never sets to_ids",
            };
            for (value, written) in values {
                let given = Given {
                    written,
                    offset: a.offset,
                    by,
                    valid_from: a.first_seen.clone(),
                    ..Default::default()
                };
                match refusal(a, uses_flag, value.kind) {
                    Some(why) => into.refuse(value, &given, why),
                    None => into.give(value, &given),
                }
            }
        }
        if !not_kinds.is_empty() {
            let list: Vec<String> = not_kinds
                .iter()
                .take(40)
                .map(|(k, n)| format!("{k} ({n})"))
                .collect();
            into.problem(format!(
                "attributes that are not looked for here: {}",
                list.join(", ")
            ));
        }
    }
}

/// Why an attribute is not to be looked for, if so.
fn refusal(a: &Attribute, uses_flag: bool, kind: IndicatorKind) -> Option<&'static str> {
    if a.deleted {
        return Some("the attribute is deleted in its event");
    }
    match a.category.as_str() {
        "Targeting data" => return Some("a target of the attack (MISP category Targeting data)"),
        "Internal reference" => return Some("an internal reference of the author"),
        "External analysis" if kind == Url => return Some("a link to an analysis"),
        _ => {}
    }
    if matches!(a.kind.as_str(), "link" | "target-email") {
        return Some(if a.kind == "link" {
            "a link to a reference"
        } else {
            "a target of the attack"
        });
    }
    if matches!(a.relation.as_str(), "to" | "cc" | "bcc" | "to-display-name") {
        return Some("a recipient: a victim, not a sender");
    }
    if uses_flag && !a.to_ids {
        return Some("its author does not mean it for detection (to_ids is false)");
    }
    None
}

/// The values of an attribute; composite types (`domain|ip`) have two.
fn values(a: &Attribute) -> Vec<(Value, &str)> {
    let kinds = a.kind.split('|');
    let parts: Vec<&str> = if a.kind.contains('|') {
        a.value.split('|').collect()
    } else {
        vec![&a.value]
    };
    kinds
        .zip(parts)
        .filter_map(|(kind, part)| {
            let allowed = kinds_of(kind);
            let part = part.trim();
            let value = match allowed.first()? {
                UserAgent | EmailSubject if !part.is_empty() => Value::new(allowed[0], part),
                FileName if !part.is_empty() => Value::new(FileName, crate::stix::base_name(part)),
                Domain => value::domain(part)?,
                Ja3 => value::hash(part)
                    .filter(|v| v.kind == Md5)
                    .map(|v| Value::new(Ja3, v.value))?,
                Url => value::url(part).or_else(|| value::schemeless_url(part))?,
                _ => value::classify(part).filter(|v| allowed.contains(&v.kind))?,
            };
            Some((value, part))
        })
        .collect()
}
