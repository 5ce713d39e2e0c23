//! What a match means, in words: a finding with the indicator's source and validity.

use super::{IndicatorRef, Matcher, Source};
use crate::IndicatorKind;
use vauban_ocsf::{Analytic, Finding, Level, Observable, ObservableKind, Place, Timestamp};

/// A match, where and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// OCSF path of the attribute; "raw" where a line was scanned whole.
    pub path: String,
    /// The value as found.
    pub value: String,
    /// When; `None` if the evidence has no instant.
    pub time: Option<Timestamp>,
    /// Where in the evidence.
    pub place: Place,
}

/// How much a match tells, from what the indicator's sources say and when the match was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// How much it matters.
    pub level: Level,
    /// The instant lies within the validity that a source gives (or no source gives one).
    pub valid: bool,
    /// Why the value is an indicator, from when to when, and what weakens it, in words.
    pub reason: String,
}

/// Sources told one by one; there may be hundreds.
const SOURCES_TOLD: usize = 3;

impl Matcher {
    /// Judges a match at an instant.
    ///
    /// A source whose validity has ended by then gives [`Level::Low`]; one whose validity had not
    /// begun, or that names a place many people use, or a condition that its author only meant
    /// together with others, [`Level::Medium`]; any other [`Level::High`]. The strongest source
    /// counts.
    pub fn judge(&self, indicator: IndicatorRef, time: Option<Timestamp>) -> Option<Judgement> {
        let entry = self.entries.get(indicator.number())?;
        let mut told: Vec<(Level, bool, String)> = entry
            .sources
            .iter()
            .map(|s| {
                let (level, valid) = weigh(s, entry.kind, time);
                (level, valid, self.tell(s, time))
            })
            .collect();
        // The strongest first; the order of the documents otherwise.
        told.sort_by_key(|(level, valid, _)| (std::cmp::Reverse(*level), !valid));
        let (level, valid, _) = *told.first().as_ref()?;
        let (level, valid) = (*level, *valid);
        let mut reason = told
            .iter()
            .take(SOURCES_TOLD)
            .map(|(.., words)| words.as_str())
            .collect::<Vec<_>>()
            .join("; ");
        if told.len() > SOURCES_TOLD {
            reason.push_str(&format!("; and {} more sources", told.len() - SOURCES_TOLD));
        }
        Some(Judgement {
            level,
            valid,
            reason,
        })
    }

    fn tell(&self, source: &Source, time: Option<Timestamp>) -> String {
        let document = self.documents.get(source.document as usize);
        let name = document.map_or("", |d| {
            if d.title.is_empty() {
                d.name.as_str()
            } else {
                d.title.as_str()
            }
        });
        let file = document
            .filter(|d| !d.title.is_empty() && d.title != d.name)
            .map(|d| format!(" in {}", d.name))
            .unwrap_or_default();
        let mut words = format!("\"{name}\"{file}, byte {}: {}", source.offset, source.why);
        match (source.from, source.until) {
            (Some(from), Some(until)) => words.push_str(&format!("; valid {from} to {until}")),
            (Some(from), None) => words.push_str(&format!("; valid from {from}")),
            (None, Some(until)) => words.push_str(&format!("; valid until {until}")),
            (None, None) => {}
        }
        match time {
            Some(t) if source.until.is_some_and(|u| t >= u) => {
                words.push_str(", expired when it was seen");
            }
            Some(t) if source.from.is_some_and(|f| t < f) => {
                words.push_str(", seen before that");
            }
            _ => {}
        }
        words
    }

    /// The finding of a match. `rule` of the finding is the indicator's kind and value, so that
    /// the same indicator over the same place is the same finding whatever document gave it.
    pub fn finding(&self, indicator: IndicatorRef, seen: Seen) -> Option<Finding> {
        let entry = self.entries.get(indicator.number())?;
        let judgement = self.judge(indicator, seen.time)?;
        let what = words(entry.kind);
        let shown = if seen.value.eq_ignore_ascii_case(&entry.value) {
            entry.value.to_string()
        } else {
            format!("{} (indicator {})", seen.value, entry.value)
        };
        let expired = if judgement.valid {
            ""
        } else {
            " outside its validity"
        };
        Some(Finding {
            rule: format!("indicator:{}:{}", slug(entry.kind), entry.value),
            analytic: Analytic::Indicator,
            title: format!("{what} {shown} of an advisory{expired}"),
            level: judgement.level,
            reason: judgement.reason,
            next: "Look at everything this address, name or file did around that time, and search \
                   earlier evidence for it."
                .into(),
            techniques: Vec::new(),
            references: Vec::new(),
            first: seen.time,
            last: seen.time,
            places: vec![seen.place],
            observables: vec![Observable {
                kind: observable(entry.kind),
                name: seen.path,
                value: seen.value,
            }],
        })
    }
}

fn weigh(source: &Source, kind: IndicatorKind, time: Option<Timestamp>) -> (Level, bool) {
    if let Some(t) = time {
        if source.until.is_some_and(|u| t >= u) {
            return (Level::Low, false);
        }
        if source.from.is_some_and(|f| t < f) {
            return (Level::Medium, false);
        }
    }
    // A name of a file or the words of a subject are chosen by others too.
    let weak = matches!(kind, IndicatorKind::FileName | IndicatorKind::EmailSubject);
    if source.shared || source.partial || weak {
        (Level::Medium, true)
    } else {
        (Level::High, true)
    }
}

fn words(kind: IndicatorKind) -> &'static str {
    match kind {
        IndicatorKind::Ipv4 | IndicatorKind::Ipv6 => "Address",
        IndicatorKind::Network => "Network",
        IndicatorKind::Domain => "Domain",
        IndicatorKind::Url => "URL",
        IndicatorKind::EmailAddress => "E-mail address",
        IndicatorKind::Md5 | IndicatorKind::Sha1 | IndicatorKind::Sha256 => "File hash",
        IndicatorKind::UserAgent => "User agent",
        IndicatorKind::FileName => "File name",
        IndicatorKind::EmailSubject => "Subject",
        IndicatorKind::Ja3 => "TLS fingerprint (JA3)",
        IndicatorKind::Ja4 => "TLS fingerprint (JA4)",
    }
}

fn slug(kind: IndicatorKind) -> &'static str {
    match kind {
        IndicatorKind::Ipv4 => "ipv4",
        IndicatorKind::Ipv6 => "ipv6",
        IndicatorKind::Network => "network",
        IndicatorKind::Domain => "domain",
        IndicatorKind::Url => "url",
        IndicatorKind::EmailAddress => "email",
        IndicatorKind::Md5 => "md5",
        IndicatorKind::Sha1 => "sha1",
        IndicatorKind::Sha256 => "sha256",
        IndicatorKind::UserAgent => "user-agent",
        IndicatorKind::FileName => "file-name",
        IndicatorKind::EmailSubject => "subject",
        IndicatorKind::Ja3 => "ja3",
        IndicatorKind::Ja4 => "ja4",
    }
}

fn observable(kind: IndicatorKind) -> ObservableKind {
    match kind {
        IndicatorKind::Ipv4 | IndicatorKind::Ipv6 => ObservableKind::IpAddress,
        IndicatorKind::Network => ObservableKind::IpAddress,
        IndicatorKind::Domain => ObservableKind::Hostname,
        IndicatorKind::Url => ObservableKind::Url,
        IndicatorKind::EmailAddress => ObservableKind::EmailAddress,
        IndicatorKind::Md5 | IndicatorKind::Sha1 | IndicatorKind::Sha256 | IndicatorKind::Ja3 => {
            ObservableKind::Hash
        }
        IndicatorKind::UserAgent => ObservableKind::UserAgent,
        IndicatorKind::FileName => ObservableKind::FileName,
        IndicatorKind::EmailSubject | IndicatorKind::Ja4 => ObservableKind::Other,
    }
}
