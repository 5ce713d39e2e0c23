//! From what rules say of a message to findings: which part of which message, why, what next.
//!
//! [`hunt_message`] is for a message alone, [`hunt_store`] for every message of a store that is
//! parsed already. Both say the same of the same message.

use std::collections::BTreeMap;

use vauban_ocsf::{
    Analytic, Evidence, Finding, Level, Observable, ObservableKind, Place, Timestamp,
};

use crate::mime::header;
use crate::rules::{ContentRules, LureMatch, LureRule, Severity};
use crate::text::brief;
use crate::{Fact, Message, OwnDomains, Store};

/// Characters of an excerpt.
const EXCERPT: usize = 200;
/// Places given of one finding.
const MAX_PLACES: usize = 20;

/// What the lure rules find in one message, gravest first. Offsets are octets of `raw`; the
/// artefact of the places is left empty for the caller, who knows the file's name.
pub fn hunt_message(raw: &[u8], rules: &ContentRules, own: &OwnDomains) -> Vec<Finding> {
    let message = crate::parse_for(raw, rules, own);
    hunt_parsed(raw, &message, rules, "", 0)
}

/// The same of a message that is parsed already. `base` is where the message begins in the
/// artefact of that name.
pub fn hunt_parsed(
    raw: &[u8],
    message: &Message,
    rules: &ContentRules,
    artefact: &str,
    base: u64,
) -> Vec<Finding> {
    let source = Source {
        raw,
        message,
        artefact,
        base,
        shift: 0,
    };
    source.findings(rules)
}

/// What the lure rules find in every message of a store. `bytes` gives the octets of a message by
/// its evidence (`None`: not to be had, the finding then has no excerpt of a header and no line),
/// `name` the artefact's path.
pub fn hunt_store(
    store: &Store,
    rules: &ContentRules,
    name: &dyn Fn(Evidence) -> String,
    bytes: &dyn Fn(Evidence) -> Option<Vec<u8>>,
) -> Vec<Finding> {
    let mut out = Vec::new();
    for mailbox in &store.mailboxes {
        for stored in &mailbox.messages {
            // Most messages meet no rule and are not read again.
            if rules.lures(&stored.message).is_empty() {
                continue;
            }
            let raw = bytes(stored.evidence).unwrap_or_default();
            let path = name(stored.evidence);
            // Dovecot's own fields in the header of an mbox message are not part of the message:
            // what was parsed is that much shorter, and its parts stand that much later.
            let length = u64::from(stored.evidence.length);
            let source = Source {
                raw: &raw,
                message: &stored.message,
                artefact: &path,
                base: stored.evidence.offset,
                shift: length.saturating_sub(stored.message.size),
            };
            let mut found = source.findings(rules);
            for finding in &mut found {
                finding.first = stored.received.or(finding.first);
                finding.last = finding.first;
                finding.observables.push(Observable {
                    kind: ObservableKind::UserName,
                    name: "actor.user.name".into(),
                    value: mailbox.account.clone(),
                });
            }
            out.extend(found);
        }
    }
    out
}

/// A message and where it stands.
struct Source<'a> {
    raw: &'a [u8],
    message: &'a Message,
    artefact: &'a str,
    base: u64,
    /// Octets that the parts stand later than in the message as parsed.
    shift: u64,
}

impl Source<'_> {
    fn findings(&self, rules: &ContentRules) -> Vec<Finding> {
        let matches = rules.lures(self.message);
        if matches.is_empty() {
            return Vec::new();
        }
        let by_id: BTreeMap<&str, &LureRule> = rules
            .lure_rules()
            .iter()
            .map(|r| (r.id.as_str(), r))
            .collect();
        matches
            .iter()
            .map(|m| self.finding(m, by_id.get(m.rule.as_str()).copied()))
            .collect()
    }

    fn finding(&self, m: &LureMatch, rule: Option<&LureRule>) -> Finding {
        let message = self.message;
        let mut places = Vec::new();
        for fact in &m.facts {
            let place = self.place(fact);
            if places.len() < MAX_PLACES && !places.contains(&place) {
                places.push(place);
            }
        }
        let said: Vec<String> = m
            .facts
            .iter()
            .take(5)
            .map(|f| {
                let place = match f.part.as_str() {
                    "" => String::from("header"),
                    n => format!("part {n}"),
                };
                format!("{} ({place}): {}", words_of(&f.name), f.value)
            })
            .collect();
        let instant: Option<Timestamp> = message.date;
        Finding {
            rule: m.rule.clone(),
            analytic: Analytic::Content,
            title: m.title.clone(),
            level: level(m.severity),
            reason: format!("{} Found: {}.", m.reason, said.join("; ")),
            next: rule
                .map(|r| r.next.clone())
                .filter(|n| !n.is_empty())
                .unwrap_or_else(|| next_of(&m.tags).to_owned()),
            techniques: techniques(&m.tags),
            references: rule.map(|r| urls(&r.references)).unwrap_or_default(),
            first: instant,
            last: instant,
            places,
            observables: self.observables(m),
        }
    }

    /// The part a fact stands in, or the header field it is about.
    fn place(&self, fact: &Fact) -> Place {
        let part = self.message.parts.iter().find(|p| p.number == fact.part);
        let (offset, length, excerpt) = match part {
            Some(p) if !fact.part.is_empty() => {
                let offset = p.offset + self.shift;
                (offset, p.stored_size, brief(&fact.value, EXCERPT))
            }
            _ => self.field(fact),
        };
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        // Lines are counted within the message, so they are known only where it is the file.
        let line = (self.base == 0)
            .then(|| self.raw.get(..at))
            .flatten()
            .map(|before| memchr::memchr_iter(b'\n', before).count() as u64 + 1);
        Place {
            artefact: self.artefact.to_owned(),
            offset: self.base + offset,
            length,
            line,
            excerpt,
        }
    }

    /// Octets of the header field that a fact is about; the whole header where none is named.
    fn field(&self, fact: &Fact) -> (u64, u64, String) {
        let head = self.raw.get(..header_end(self.raw)).unwrap_or_default();
        let wanted = field_of(fact);
        let whole = (0, head.len() as u64, brief(&fact.value, EXCERPT));
        let Some(name) = wanted else { return whole };
        let fields = header::fields(head);
        let Some(field) = fields.iter().find(|f| f.is(name)) else {
            return whole;
        };
        // Fields borrow from the header, so their place follows from their address in it.
        let base = head.as_ptr() as usize;
        let start = (field.name.as_ptr() as usize).saturating_sub(base);
        let end = (field.value.as_ptr() as usize + field.value.len()).saturating_sub(base);
        let text = String::from_utf8_lossy(head.get(start..end).unwrap_or_default());
        (
            start as u64,
            end.saturating_sub(start) as u64,
            brief(&text, EXCERPT),
        )
    }

    fn observables(&self, m: &LureMatch) -> Vec<Observable> {
        let mut out = Vec::new();
        let mut add = |kind, name: &str, value: &str| {
            if !value.is_empty() {
                out.push(Observable {
                    kind,
                    name: name.into(),
                    value: value.into(),
                });
            }
        };
        add(
            ObservableKind::EmailAddress,
            "email.from",
            &self.message.from,
        );
        add(
            ObservableKind::Other,
            "email.message_uid",
            &self.message.message_id,
        );
        for part in &self.message.parts {
            if !part.filename.is_empty() && m.facts.iter().any(|f| f.part == part.number) {
                add(ObservableKind::FileName, "email.files.name", &part.filename);
                add(ObservableKind::Hash, "email.files.hashes", &part.sha256);
            }
        }
        out
    }
}

/// Where the header ends: behind the first empty line, or with the message.
fn header_end(raw: &[u8]) -> usize {
    let mut at = 0;
    while let Some(i) = memchr::memchr(b'\n', &raw[at..]) {
        let line = &raw[at..at + i];
        at += i + 1;
        if line.is_empty() || line == b"\r" {
            break;
        }
        if at >= raw.len() {
            break;
        }
    }
    if at == 0 { raw.len() } else { at }
}

/// The header field that a fact without a part is about.
fn field_of(fact: &Fact) -> Option<&str> {
    let first = fact.value.split_whitespace().next();
    Some(match fact.name.as_str() {
        "sender.reply_to_differs" | "sender.reply_leaves" => "Reply-To",
        "sender.return_path_differs" => "Return-Path",
        "sender.reply_lookalike"
        | "header.markup"
        | "header.nul"
        | "header.duplicate"
        | "header.zimbra_calendar" => first?,
        "text.phrase" => "Subject",
        n if n.starts_with("sender.") => "From",
        n if n.starts_with("auth.") => "Authentication-Results",
        _ => return None,
    })
}

/// What the facts are called in a sentence.
fn words_of(name: &str) -> &str {
    crate::FACTS
        .iter()
        .find(|(n, _)| *n == name)
        .map_or(name, |(_, words)| words.split(':').next().unwrap_or(words))
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Low => Level::Low,
        Severity::Medium => Level::Medium,
        Severity::High => Level::High,
        Severity::Critical => Level::Critical,
    }
}

/// ATT&CK technique ids among the tags, in ATT&CK's own spelling.
fn techniques(tags: &[String]) -> Vec<String> {
    tags.iter()
        .filter_map(|t| t.strip_prefix("attack.t"))
        .map(|t| format!("T{t}"))
        .collect()
}

fn urls(references: &[String]) -> Vec<String> {
    references
        .iter()
        .map(|r| match r.strip_prefix("CVE-") {
            Some(_) => format!("https://www.cve.org/CVERecord?id={r}"),
            None => r.clone(),
        })
        .collect()
}

/// What to do when the rule does not say.
fn next_of(tags: &[String]) -> &'static str {
    let has = |t: &str| tags.iter().any(|x| x == t);
    if has("attack.t1203") {
        "Do not open the message in the webmail. Find out from the access log who opened it and \
         with which version; end their sessions, change their passwords, look at their filters, \
         identities and forwarding; search all mailboxes for the same sender and shape; update \
         the webmail."
    } else if has("attack.t1566.001") {
        "Do not open the file. Take it out of the mailboxes, ask the recipients whether they \
         opened it, and examine it and their computers if they did."
    } else if has("attack.t1566.002") || has("attack.t1598.003") {
        "Block the address the link leads to, ask the recipients whether they followed it, and \
         change the password of those who typed one."
    } else {
        "Ask the person whose name is used, by another way than answering the message; tell the \
         recipients."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mailbox, StoredMessage, mbox};
    use vauban_ocsf::ArtefactId;

    const LURE: &str = "From: \"dsi@ministere.example\" <x@evil.example>\nSubject: Note\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n\
        <img src=x onerror=x()>\n--b\nContent-Type: application/octet-stream\n\
        Content-Disposition: attachment; filename=\"note.pdf.js\"\n\nx()\n--b--\n";

    fn own() -> OwnDomains {
        OwnDomains::new(["ministere.example"])
    }

    #[test]
    fn findings_point_at_the_part_and_the_field() {
        let findings = hunt_message(LURE.as_bytes(), &ContentRules::builtin(), &own());
        let by = |rule: &str| findings.iter().find(|f| f.rule == rule).unwrap();
        let html = by("html-active-content");
        assert_eq!(html.level, Level::High);
        assert_eq!(html.analytic, Analytic::Content);
        let place = &html.places[0];
        let text = &LURE[place.offset as usize..(place.offset + place.length) as usize];
        assert_eq!(text, "<img src=x onerror=x()>");
        assert_eq!(place.line, Some(8));
        assert!(html.techniques.contains(&"T1203".into()), "{html:?}");
        assert!(html.next.contains("access log"));
        let sender = &by("lookalike-sender").places[0];
        assert!(LURE[sender.offset as usize..].starts_with("From: "));
        let file = by("dangerous-attachment");
        assert_eq!(
            &LURE[file.places[0].offset as usize..][..3],
            "x()",
            "{file:?}"
        );
        assert!(file.observables.iter().any(|o| o.value == "note.pdf.js"));
    }

    #[test]
    fn an_mbox_gives_the_same_at_its_own_offsets() {
        let mut rules = ContentRules::builtin();
        rules.internal_domains = vec!["ministere.example".into()];
        let file = format!(
            "From a@b Mon Jan  1 00:00:00 2024\nSubject: x\n\ny\n\n\
             From a@b Mon Jan  1 00:00:00 2024\nX-UID: 7\n{LURE}\n"
        );
        let mailbox: Mailbox =
            mbox::mailbox(ArtefactId(3), "/var/mail/anna", file.as_bytes(), &rules);
        assert_eq!(mailbox.messages.len(), 2);
        let store = Store {
            mailboxes: vec![mailbox],
        };
        let bytes = |e: Evidence| {
            let start = e.offset as usize;
            file.as_bytes()
                .get(start..start + e.length as usize)
                .map(<[u8]>::to_vec)
        };
        let found = hunt_store(&store, &rules, &|e| format!("mbox{}", e.artefact.0), &bytes);
        let alone = hunt_message(LURE.as_bytes(), &rules, &own());
        assert_eq!(found.len(), alone.len());
        for (f, a) in found.iter().zip(&alone) {
            assert_eq!(f.rule, a.rule);
            for (p, q) in f.places.iter().zip(&a.places) {
                let text = |all: &str, p: &Place| {
                    all[p.offset as usize..(p.offset + p.length) as usize].to_owned()
                };
                assert_eq!(text(&file, p), text(LURE, q), "{}", f.rule);
                assert_eq!(p.artefact, "mbox3");
            }
        }
    }

    #[test]
    fn a_message_without_octets_still_has_findings() {
        let rules = ContentRules::builtin();
        let message = crate::parse(LURE.as_bytes(), &rules);
        let stored = StoredMessage {
            message,
            ..StoredMessage::default()
        };
        let store = Store {
            mailboxes: vec![Mailbox {
                messages: vec![stored],
                ..Mailbox::default()
            }],
        };
        assert!(!hunt_store(&store, &rules, &|_| String::new(), &|_| None).is_empty());
    }
}
