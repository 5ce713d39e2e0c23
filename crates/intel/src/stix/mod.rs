//! STIX 2.0 and 2.1: indicators' patterns, observations, attack patterns, vulnerabilities.

pub mod pattern;

use crate::IndicatorKind;
use crate::collect::{Collector, Given, cut};
use crate::raw::{self, Members};
use crate::value::{self, Value};
use pattern::Pattern;
use pattern::values::{Negation, comparisons};
use std::collections::{BTreeMap, HashSet};

/// Deepest nesting of containers that is followed.
const DEPTH: usize = 12;

/// State over one document.
#[derive(Default)]
struct Reader {
    observed: Vec<Observed>,
    /// Observations that malware, infrastructure, an actor or an indicator is said to use.
    hostile: HashSet<String>,
    indicators: usize,
    objects: usize,
    version: Option<&'static str>,
    /// Paths compared that no kind of ours stands for.
    other_paths: BTreeMap<String, usize>,
}

/// A cyber-observable object of the bundle.
struct Observed {
    id: String,
    value: Value,
    written: String,
    offset: u64,
}

/// Reads `document` (one JSON value at `part`) into `into`. Returns the format's name, or `None`
/// if it holds no STIX object.
pub(crate) fn read(document: &str, part: &str, into: &mut Collector<'_>) -> Option<String> {
    let mut reader = Reader::default();
    reader.walk(document, part, 0, into);
    if reader.objects == 0 {
        return None;
    }
    reader.finish(into);
    Some(format!("stix-{}", reader.version.unwrap_or("2.0")))
}

impl Reader {
    fn walk(&mut self, document: &str, part: &str, depth: usize, into: &mut Collector<'_>) {
        if depth > DEPTH {
            return;
        }
        for element in raw::elements(part) {
            self.walk(document, element, depth + 1, into);
        }
        let Some(members) = Members::of(part) else {
            return;
        };
        let kind = members.string("type");
        let id = members.string("id");
        if let (Some(kind), Some(id)) = (&kind, &id)
            && id.split_once("--").is_some_and(|(t, _)| t == kind)
        {
            if kind == "bundle" {
                if members.string("spec_version").as_deref() == Some("2.0") {
                    self.version.get_or_insert("2.0");
                }
            } else {
                self.objects += 1;
                if members.string("spec_version").as_deref() == Some("2.1") {
                    self.version = Some("2.1");
                }
                self.object(document, part, kind, id, &members, into);
                return;
            }
        }
        for (_, member) in &members.0 {
            if member.get().starts_with(['{', '[']) {
                self.walk(document, member.get(), depth + 1, into);
            }
        }
    }

    fn object(
        &mut self,
        document: &str,
        part: &str,
        kind: &str,
        id: &str,
        members: &Members<'_>,
        into: &mut Collector<'_>,
    ) {
        let offset = raw::offset(document, part);
        let revoked = members.truth("revoked").unwrap_or(false);
        match kind {
            "indicator" => {
                self.indicators += 1;
                self.indicator(document, part, members, revoked, into);
            }
            "report" | "grouping" => {
                if into.advisory.title.is_empty() || kind == "report" {
                    into.advisory.title = members.string("name").unwrap_or_default();
                }
            }
            "attack-pattern" | "vulnerability" if !revoked => {
                // The identifiers stand in the external references; a vulnerability's also in
                // its name.
                for reference in members
                    .get("external_references")
                    .map(raw::elements)
                    .unwrap_or_default()
                {
                    let Some(r) = Members::of(reference) else {
                        continue;
                    };
                    let at = raw::offset(document, reference);
                    if let Some(external) = r.string("external_id") {
                        let name = members.string("name").unwrap_or_default();
                        let text = format!("{external} {name}");
                        crate::ids::scan(&text, |_| at, into);
                    }
                }
                if let Some(name) = members.string("name") {
                    crate::ids::scan(&name, |_| offset, into);
                }
            }
            "relationship" | "sighting" => {
                let source = members.string("source_ref").unwrap_or_default();
                let hostile = [
                    "malware--",
                    "infrastructure--",
                    "indicator--",
                    "threat-actor--",
                    "intrusion-set--",
                    "campaign--",
                    "tool--",
                ]
                .iter()
                .any(|p| source.starts_with(p));
                let verb = members.string("relationship_type").unwrap_or_default();
                let neutral =
                    ["targets", "impersonates", "located-at", "hosts"].contains(&verb.as_str());
                if hostile
                    && !neutral
                    && let Some(target) = members.string("target_ref")
                {
                    self.hostile.insert(target);
                }
            }
            "observed-data" => {
                // STIX 2.0 keeps the observables inside, numbered.
                if let Some(objects) = members.get("objects").and_then(Members::of) {
                    for (number, object) in &objects.0 {
                        if let Some(m) = Members::of(object.get())
                            && let Some(kind) = m.string("type")
                        {
                            let id = format!("{id}/{number}");
                            self.observable(document, object.get(), &kind, &id, &m);
                        }
                    }
                }
            }
            _ => self.observable(document, part, kind, id, members),
        }
    }

    fn indicator(
        &mut self,
        document: &str,
        part: &str,
        members: &Members<'_>,
        revoked: bool,
        into: &mut Collector<'_>,
    ) {
        let offset = raw::offset(document, part);
        let Some(raw_pattern) = members.get("pattern") else {
            into.problem(format!("byte {offset}: an indicator without a pattern"));
            return;
        };
        let language = members
            .string("pattern_type")
            .unwrap_or_else(|| "stix".into());
        if language != "stix" {
            into.problem(format!(
                "byte {offset}: a pattern in the language \"{language}\" was not read"
            ));
            return;
        }
        let Some(text) = raw::string(raw_pattern) else {
            into.problem(format!(
                "byte {offset}: an indicator whose pattern is no string"
            ));
            return;
        };
        let types = [members.get("indicator_types"), members.get("labels")];
        let benign = types.iter().flatten().any(|t| t.contains("\"benign\""));
        let validity = (members.string("valid_from"), members.string("valid_until"));
        let reason = if revoked {
            Some("its author has revoked the indicator")
        } else if benign {
            Some("its author labels the indicator benign")
        } else {
            None
        };
        let place = Place {
            raw: raw_pattern,
            offset: raw::offset(document, raw_pattern),
            validity,
        };
        let name = members.string("name").unwrap_or_default();
        self.whole_pattern(&text, &name, &place, reason, into);
        if let Some(problem) = self.pattern(&text, &place, reason, into) {
            into.problem(format!("byte {}: STIX pattern: {problem}", place.offset));
        }
    }

    /// Judges a pattern as a whole: one that is no pattern is a problem, one that is more than a
    /// list of values is kept as such.
    fn whole_pattern(
        &self,
        text: &str,
        name: &str,
        place: &Place<'_>,
        reason: Option<&str>,
        into: &mut Collector<'_>,
    ) {
        let parsed = match Pattern::parse(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                into.problem(format!(
                    "byte {}: not a valid STIX 2.1 pattern ({error}); its values are taken as far \
                     as they can be read",
                    place.offset
                ));
                return;
            }
        };
        for unusable in parsed.unusable() {
            into.problem(format!("byte {}: STIX pattern: {unusable}", place.offset));
        }
        if parsed.is_list_of_values() {
            return;
        }
        into.advisory.patterns.push(crate::IndicatorPattern {
            name: name.to_owned(),
            pattern: text.to_owned(),
            offset: place.offset,
            kept: reason.is_none(),
            why: match reason {
                None => "a STIX indicator of several conditions".to_owned(),
                Some(reason) => format!("a STIX indicator, but {reason}"),
            },
            valid_from: place.validity.0.clone(),
            valid_until: place.validity.1.clone(),
        });
    }

    /// Takes the values of a pattern; gives what could not be understood of it.
    fn pattern(
        &mut self,
        text: &str,
        place: &Place<'_>,
        reason: Option<&str>,
        into: &mut Collector<'_>,
    ) -> Option<String> {
        let (found, problem) = comparisons(text);
        let mut cursor = 0;
        for c in &found {
            let Some(target) = Target::of(&c.path) else {
                *self
                    .other_paths
                    .entry(cut(&c.path, 80).to_owned())
                    .or_default() += 1;
                continue;
            };
            for written in &c.values {
                let offset = place.offset + find(place.raw, written, &mut cursor) as u64;
                let by = match c.joined {
                    0 => "a STIX indicator".to_owned(),
                    n => format!(
                        "one of {} conditions of a STIX indicator that must hold together",
                        n + 1
                    ),
                };
                let given = Given {
                    written,
                    offset,
                    by: &by,
                    valid_from: place.validity.0.clone(),
                    valid_until: place.validity.1.clone(),
                    partial: c.joined > 0,
                };
                let Some(value) = target.value(written) else {
                    let plain = Value::new(target.kind(), cut(written, 512));
                    into.refuse(plain, &given, format!("no valid value for {}", c.path));
                    continue;
                };
                let refusal = match (reason, c.operator.as_str(), c.negation) {
                    (Some(reason), ..) => Some(reason.to_owned()),
                    (_, _, Negation::Yes) => {
                        Some("the pattern excludes it (NOT): it is not what is looked for".into())
                    }
                    (_, "=" | "IN" | "ISSUBSET", _) => None,
                    (_, op, _) => Some(format!(
                        "compared by {op}: an expression, not a value; the pattern is evaluated as a whole"
                    )),
                };
                let refusal = refusal.or_else(|| {
                    (target == Target::Recipient)
                        .then(|| "a recipient: a victim, not a sender".into())
                });
                match refusal {
                    Some(why) => into.refuse(value, &given, why),
                    None => into.give(value, &given),
                }
            }
        }
        problem
    }

    fn observable(&mut self, document: &str, part: &str, kind: &str, id: &str, m: &Members<'_>) {
        let mut found: Vec<(Value, String)> = Vec::new();
        let mut take = |target: Target, text: Option<String>| {
            if let Some(text) = text
                && let Some(value) = target.value(&text)
            {
                found.push((value, text));
            }
        };
        match kind {
            "ipv4-addr" | "ipv6-addr" | "domain-name" | "url" | "email-addr" => {
                take(Target::Any, m.string("value"));
            }
            "file" | "artifact" => {
                if let Some(hashes) = m.get("hashes").and_then(Members::of) {
                    for (_, hash) in &hashes.0 {
                        take(Target::Hash, raw::string(hash.get()));
                    }
                }
                take(Target::File, m.string("name"));
            }
            "email-message" => take(Target::Subject, m.string("subject")),
            _ => return,
        }
        let offset = raw::offset(document, part);
        for (value, written) in found {
            let mut cursor = 0;
            let at = offset + find(part, &written, &mut cursor) as u64;
            self.observed.push(Observed {
                id: id.to_owned(),
                value,
                written,
                offset: at,
            });
        }
    }

    fn finish(&mut self, into: &mut Collector<'_>) {
        for o in std::mem::take(&mut self.observed) {
            let hostile = self.hostile.contains(&o.id);
            let by = if hostile {
                "an observation that the bundle ties to an attacker's tool or infrastructure"
            } else {
                "an observation, in a bundle without indicators"
            };
            let given = Given {
                written: &o.written,
                offset: o.offset,
                by,
                ..Default::default()
            };
            if hostile || self.indicators == 0 {
                into.give(o.value, &given);
            } else {
                into.refuse(
                    o.value,
                    &given,
                    "observed, but none of the bundle's indicators: it may be a victim's",
                );
            }
        }
        if !self.other_paths.is_empty() {
            let list: Vec<String> = self
                .other_paths
                .iter()
                .take(20)
                .map(|(p, n)| format!("{p} ({n})"))
                .collect();
            into.problem(format!(
                "comparisons that are not looked for here: {}",
                list.join(", ")
            ));
        }
    }
}

/// A STIX pattern that stands by itself, as some CSV files have it.
pub(crate) fn lone_pattern(
    text: &str,
    offset: u64,
    validity: (Option<String>, Option<String>),
    into: &mut Collector<'_>,
) {
    let mut reader = Reader::default();
    let place = Place {
        raw: text,
        offset,
        validity,
    };
    if let Some(problem) = reader.pattern(text, &place, None, into) {
        into.problem(format!("byte {offset}: STIX pattern: {problem}"));
    }
    reader.finish(into);
}

struct Place<'a> {
    /// The pattern as it stands in the document.
    raw: &'a str,
    offset: u64,
    validity: (Option<String>, Option<String>),
}

/// Where `needle` stands in `haystack`, searched from the cursor on and not far: values come in
/// order, and an escaped one is not worth a scan of the whole.
fn find(haystack: &str, needle: &str, cursor: &mut usize) -> usize {
    const WINDOW: usize = 4096;
    let bytes = haystack.as_bytes();
    let end = (*cursor + WINDOW + needle.len()).min(bytes.len());
    match bytes
        .get(*cursor..end)
        .and_then(|w| memchr::memmem::find(w, needle.as_bytes()))
    {
        Some(at) => {
            let at = *cursor + at;
            *cursor = at + needle.len();
            at
        }
        None => *cursor,
    }
}

/// What an object path points to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Target {
    /// An address, domain, URL or e-mail address: the value tells which.
    Any,
    Recipient,
    Hash,
    File,
    Subject,
    UserAgent,
}

impl Target {
    fn of(path: &str) -> Option<Self> {
        let (object, property) = path.split_once(':')?;
        let lower = property.to_ascii_lowercase();
        Some(match object {
            "ipv4-addr" | "ipv6-addr" | "domain-name" | "url" | "email-addr"
                if lower.ends_with("value") =>
            {
                Self::Any
            }
            "email-message" if lower == "subject" => Self::Subject,
            "email-message" if lower.starts_with("from_ref") || lower.starts_with("sender_ref") => {
                Self::Any
            }
            "email-message"
                if lower.starts_with("to_refs")
                    || lower.starts_with("cc_refs")
                    || lower.starts_with("bcc_refs") =>
            {
                Self::Recipient
            }
            "email-message" if lower.ends_with("body_raw_ref.name") => Self::File,
            "file" | "artifact" if lower.contains("hashes.") => Self::Hash,
            "file" if lower == "name" => Self::File,
            "network-traffic" if lower.ends_with("user-agent") => Self::UserAgent,
            "network-traffic"
                if lower.ends_with("_ref.value")
                    || lower.ends_with("resolves_to_refs[*].value") =>
            {
                Self::Any
            }
            _ => return None,
        })
    }

    /// The kind under which something unreadable is listed.
    fn kind(self) -> IndicatorKind {
        match self {
            Self::Any => IndicatorKind::Domain,
            Self::Recipient => IndicatorKind::EmailAddress,
            Self::Hash => IndicatorKind::Sha256,
            Self::File => IndicatorKind::FileName,
            Self::Subject => IndicatorKind::EmailSubject,
            Self::UserAgent => IndicatorKind::UserAgent,
        }
    }

    fn value(self, text: &str) -> Option<Value> {
        let text = text.trim();
        match self {
            Self::Any | Self::Recipient => value::classify(text),
            Self::Hash => value::hash(text),
            Self::File => {
                (!text.is_empty()).then(|| Value::new(IndicatorKind::FileName, base_name(text)))
            }
            Self::Subject => {
                (!text.is_empty()).then(|| Value::new(IndicatorKind::EmailSubject, text))
            }
            Self::UserAgent => {
                (!text.is_empty()).then(|| Value::new(IndicatorKind::UserAgent, text))
            }
        }
    }
}

/// The last component of a path of either system, in lower case.
pub(crate) fn base_name(path: &str) -> String {
    path.rsplit(['/', '\\'])
        .next()
        .unwrap_or(path)
        .trim()
        .to_lowercase()
}
