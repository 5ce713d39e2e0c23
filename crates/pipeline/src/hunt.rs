//! Detections over evidence: Sigma rules and indicators on events as they are parsed, then
//! correlations in the order of time, then what is not in events: messages, sessions, files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use vauban_case::contract::{Case, Detection, EvidenceRef, Label, Session};
use vauban_case::inputs::EvidenceText;
use vauban_detect::{
    Correlator, CorrelatorOptions, Engine, Match, Observation, ObservationParts, Refire, RuleSet,
    Scanner,
};
use vauban_intel::{IndicatorRef, Matcher, Seen};
use vauban_ocsf::{
    Analytic, ArtefactId, Body, Event, Evidence, Finding, Level, Observable, ObservableKind, Place,
    Timestamp,
};
use vauban_rulebook::RuleFile;
use vauban_spill::{Scratch, Spill};

/// Places given of one correlation.
const PLACES: usize = 20;

/// What a hunt looks for.
pub struct Hunt {
    /// Sigma rules and correlations.
    pub engine: Arc<Engine>,
    /// Findings below this level are not told.
    pub level: Level,
}

/// Takes findings as they come.
pub type Told<'a> = &'a mut (dyn FnMut(Finding) + Send);

/// What was matched in an event, before a person's words are put to it.
struct Raw {
    what: What,
    time: Timestamp,
    evidence: Evidence,
    observables: Vec<Observable>,
}

enum What {
    Rule(Match),
    Indicator(IndicatorRef, &'static str, String),
}

/// Observations of rules that correlations wait for, in any number, told in the order of time.
struct Waiting {
    bytes: Spill<u8>,
    index: Spill<(Timestamp, u64, u32)>,
}

/// The hunting part of a fold.
pub struct HuntFold<'a> {
    hunt: &'a Hunt,
    matcher: &'a Matcher,
    scanners: Arc<Mutex<Vec<Scanner>>>,
    waiting: Waiting,
    told: Told<'a>,
    text: &'a dyn TextOf,
}

/// Access to the evidence's text from any thread.
pub trait TextOf: EvidenceText + Sync {}
impl<T: EvidenceText + Sync> TextOf for T {}

/// The hunting part of one piece.
pub struct HuntPiece<'a> {
    hunt: &'a Hunt,
    matcher: &'a Matcher,
    scanner: Option<Scanner>,
    scanners: Arc<Mutex<Vec<Scanner>>>,
    raw: Vec<Raw>,
    seen: Vec<Observation>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl<'a> HuntFold<'a> {
    /// Begins a hunt.
    pub fn new(
        hunt: &'a Hunt,
        matcher: &'a Matcher,
        text: &'a dyn TextOf,
        scratch: &Scratch,
        told: Told<'a>,
    ) -> Self {
        Self {
            hunt,
            matcher,
            scanners: Arc::default(),
            waiting: Waiting {
                bytes: Spill::new(Some(scratch)),
                index: Spill::new(Some(scratch)),
            },
            told,
            text,
        }
    }

    /// For one piece of a log.
    pub fn piece(&self) -> HuntPiece<'a> {
        let scanner = lock(&self.scanners)
            .pop()
            .unwrap_or_else(|| Scanner::new(Arc::clone(&self.hunt.engine)));
        HuntPiece {
            hunt: self.hunt,
            matcher: self.matcher,
            scanner: Some(scanner),
            scanners: Arc::clone(&self.scanners),
            raw: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Tells what a piece found. Pieces come in the order of the evidence.
    pub fn finish(&mut self, mut piece: HuntPiece<'a>) {
        for raw in &piece.raw {
            let place = self.place(raw.evidence);
            let finding = match &raw.what {
                What::Rule(found) => {
                    self.hunt
                        .engine
                        .finding(*found, Some(raw.time), place, raw.observables.clone())
                }
                What::Indicator(indicator, path, value) => self.matcher.finding(
                    *indicator,
                    Seen {
                        path: (*path).to_string(),
                        value: value.clone(),
                        time: Some(raw.time),
                        place,
                    },
                ),
            };
            if let Some(mut finding) = finding {
                if finding.analytic == Analytic::Indicator {
                    finding.observables.extend(raw.observables.iter().cloned());
                    finding.observables.dedup();
                }
                self.tell(finding);
            }
        }
        for seen in std::mem::take(&mut piece.seen) {
            self.waiting.push(seen);
        }
    }

    /// Tells a finding, if it is grave enough.
    pub fn tell(&mut self, finding: Finding) {
        if finding.level >= self.hunt.level {
            (self.told)(finding);
        }
    }

    fn place(&self, evidence: Evidence) -> Place {
        let (excerpt, line) = self.text.excerpt(evidence);
        Place {
            artefact: self.text.path(evidence.artefact).to_string(),
            offset: evidence.offset,
            length: u64::from(evidence.length),
            line,
            excerpt,
        }
    }

    /// After the last piece: correlations, over all artefacts together, in the order of time.
    ///
    /// A log is read after another, but what correlates may stand in both (a failed log-in in one,
    /// a request in the other).
    pub fn correlate(&mut self) {
        let engine = Arc::clone(&self.hunt.engine);
        let options = CorrelatorOptions {
            refire: Refire::Once,
            ..CorrelatorOptions::default()
        };
        let mut correlator = Correlator::new(Arc::clone(&engine), options);
        self.waiting.index.sort_by_key(|i| (i.0, i.1));
        let index = std::mem::take(&mut self.waiting.index);
        let bytes = std::mem::take(&mut self.waiting.bytes);
        let mut out = Vec::new();
        for (step, &(_, start, length)) in index.iter().enumerate() {
            index.pace(step);
            let start = start as usize;
            let Some(seen) = bytes
                .get(start..start + length as usize)
                .and_then(|b| postcard::from_bytes::<ObservationParts>(b).ok())
                .map(Observation::from)
            else {
                continue;
            };
            correlator.feed(&seen, &mut out);
            for found in out.drain(..) {
                let reported = found.reported
                    && engine
                        .correlation(found.correlation)
                        .is_some_and(|info| info.level.unwrap_or_default() >= self.hunt.level);
                if !reported {
                    continue;
                }
                let places: Vec<Place> = edges(&found.events)
                    .into_iter()
                    .map(|e| self.place(unpacked(e)))
                    .collect();
                if let Some(finding) = engine.correlation_finding(&found, places) {
                    self.tell(finding);
                }
            }
        }
    }
}

impl Waiting {
    fn push(&mut self, seen: Observation) {
        let time = seen.time;
        // Encoding into memory does not fail.
        if let Ok(bytes) = postcard::to_allocvec(&ObservationParts::from(seen)) {
            let start = self.bytes.len() as u64;
            self.bytes.extend(bytes.iter().copied());
            self.index.push((time, start, bytes.len() as u32));
        }
    }
}

/// The first and the last events of many.
fn edges(events: &[u64]) -> Vec<u64> {
    let mut events = events.to_vec();
    events.dedup();
    if events.len() > PLACES {
        let tail = events.split_off(events.len() - PLACES / 2);
        events.truncate(PLACES - tail.len());
        events.extend(tail);
    }
    events
}

/// An event's number: artefact (16 bits), offset (36 bits: 64 GiB), length (12 bits, saturating:
/// of a longer line the beginning is shown).
fn packed(e: Evidence) -> u64 {
    (u64::from(e.artefact.0 & 0xffff) << 48)
        | ((e.offset & 0xf_ffff_ffff) << 12)
        | u64::from(e.length.min(0xfff))
}

fn unpacked(number: u64) -> Evidence {
    Evidence {
        artefact: ArtefactId((number >> 48) as u32),
        offset: (number >> 12) & 0xf_ffff_ffff,
        length: (number & 0xfff) as u32,
    }
}

impl HuntPiece<'_> {
    /// Looks at an event.
    pub fn event(&mut self, event: &Event<'_>) {
        let hunt = self.hunt;
        if let Some(scanner) = &mut self.scanner {
            // Mostly nothing matches, and then nothing is allocated.
            let matches: Vec<Match> = scanner.scan(event).to_vec();
            for found in matches {
                if let Some(seen) = scanner.observe(found, packed(event.evidence), event.time) {
                    self.seen.push(seen);
                }
                let level = hunt
                    .engine
                    .rule(found.rule)
                    .and_then(|info| info.level)
                    .unwrap_or_default();
                if found.reported && level >= hunt.level {
                    self.raw.push(Raw {
                        what: What::Rule(found),
                        time: event.time,
                        evidence: event.evidence,
                        observables: observables(event),
                    });
                }
            }
        }
        if !self.matcher.is_empty() {
            let raw = &mut self.raw;
            self.matcher.scan_event(event, &mut |indicator, field| {
                raw.push(Raw {
                    what: What::Indicator(indicator, field.path, field.value.to_string()),
                    time: event.time,
                    evidence: event.evidence,
                    observables: observables(event),
                });
            });
        }
    }
}

impl Drop for HuntPiece<'_> {
    fn drop(&mut self) {
        if let Some(scanner) = self.scanner.take() {
            lock(&self.scanners).push(scanner);
        }
    }
}

/// What an event is about.
fn observables(event: &Event<'_>) -> Vec<Observable> {
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
    match &event.body {
        Body::Http(b) => add(
            ObservableKind::UserAgent,
            "http_request.user_agent",
            b.user_agent,
        ),
        Body::Email(b) => {
            add(ObservableKind::EmailAddress, "email.from", b.from);
            add(ObservableKind::EmailAddress, "email.to", b.to);
        }
        Body::Network(b) => {
            let ip = b.dst_ip.map(|ip| ip.to_string()).unwrap_or_default();
            add(ObservableKind::IpAddress, "dst_endpoint.ip", &ip);
        }
        _ => {}
    }
    out.extend(vauban_detect::observables(event));
    out
}

/// The rules built in.
pub fn builtin() -> Engine {
    let files = vauban_rulebook::builtin().into_iter();
    let (rules, _) = RuleSet::load(files.filter_map(RuleFile::into_rules));
    Engine::compile(&rules, vauban_detect::Options::default()).0
}

/// Findings gathered by rule, as a case lists them.
#[derive(Default)]
pub struct Detections {
    by_rule: BTreeMap<String, (Level, Detection)>,
}

impl Detections {
    /// Adds a finding.
    pub fn add(&mut self, f: Finding) {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (level, d) = self.by_rule.entry(f.rule.clone()).or_insert_with(|| {
            let d = Detection {
                rule: f.rule.clone(),
                title: f.title.clone(),
                reason: words(&f.reason),
                next: words(&f.next),
                techniques: f.techniques.clone(),
                ..Detection::default()
            };
            (f.level, d)
        });
        *level = f.level.max(*level);
        d.level = level.caption().to_lowercase();
        d.count += 1;
        let text = |t: Option<Timestamp>| t.map(|t| t.to_string());
        if let Some(first) = text(f.first)
            && d.first.as_ref().is_none_or(|d| first < *d)
        {
            d.first = Some(first);
        }
        d.last = text(f.last).max(d.last.take());
        for p in f.places {
            if d.evidence.len() >= PLACES {
                break;
            }
            d.evidence.push(EvidenceRef {
                artefact: p.artefact,
                offset: p.offset,
                length: p.length,
                line: p.line,
                excerpt: p.excerpt,
            });
        }
    }

    /// Gravest first.
    pub fn finish(self) -> Vec<Detection> {
        let mut all: Vec<(Level, Detection)> = self.by_rule.into_values().collect();
        all.sort_by(|a, b| (b.0, &a.1.first, &a.1.rule).cmp(&(a.0, &b.1.first, &b.1.rule)));
        all.into_iter().map(|(_, d)| d).collect()
    }
}

/// Findings that a case amounts to: sessions that are not their account's owner's.
pub fn of_case(case: &Case) -> Vec<Finding> {
    let mut out: Vec<Finding> = case
        .sessions
        .iter()
        .filter(|s| s.label != Label::Legitimate)
        .map(of_session)
        .collect();
    out.retain(|f| !f.places.is_empty());
    out
}

fn of_session(s: &Session) -> Finding {
    let mut reasons = Vec::new();
    for r in s.reasons.iter().filter(|r| r.weight > 0.0) {
        reasons.push(r.text.en.clone());
    }
    let mut observables = user(&s.account);
    observables.push(Observable {
        kind: ObservableKind::IpAddress,
        name: "src_endpoint.ip".into(),
        value: s.source_ip.clone(),
    });
    let mut all = places(&s.evidence);
    for r in &s.reasons {
        all.extend(places(&r.evidence));
    }
    let mut unique: Vec<Place> = Vec::new();
    for p in all {
        if !unique.contains(&p) && unique.len() < PLACES {
            unique.push(p);
        }
    }
    Finding {
        rule: format!("session:{}", if s.label == Label::Intruder { "intruder" } else { "suspect" }),
        analytic: Analytic::Behaviour,
        title: format!("Session of an account that is not its owner's ({})", s.protocol),
        level: if s.label == Label::Intruder { Level::High } else { Level::Medium },
        reason: reasons.join(" "),
        next: "Investigate what the session read: vauban investigate; close it and change the password."
            .into(),
        techniques: vec!["T1078".into()],
        references: Vec::new(),
        first: instant(&s.start),
        last: instant(&s.end),
        places: unique,
        observables,
    }
}

/// An instant as the case writes it.
fn instant(text: &str) -> Option<Timestamp> {
    let parsed: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(parsed.as_microsecond()))
}

fn user(account: &str) -> Vec<Observable> {
    if account.is_empty() {
        return Vec::new();
    }
    vec![Observable {
        kind: ObservableKind::UserName,
        name: "user.name".into(),
        value: account.into(),
    }]
}

fn places(evidence: &[EvidenceRef]) -> Vec<Place> {
    evidence
        .iter()
        .map(|e| Place {
            artefact: e.artefact.clone(),
            offset: e.offset,
            length: e.length,
            line: e.line,
            excerpt: e.excerpt.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_number_gives_its_place_back() {
        for (artefact, offset, length) in [(0, 0, 1), (65_535, (1 << 36) - 1, 4000), (7, 123, 90)] {
            let e = Evidence {
                artefact: ArtefactId(artefact),
                offset,
                length,
            };
            assert_eq!(unpacked(packed(e)), e);
        }
    }

    #[test]
    fn of_many_events_the_first_and_last_are_shown() {
        let all: Vec<u64> = (0..100).collect();
        let shown = edges(&all);
        assert_eq!(shown.len(), PLACES);
        assert_eq!((shown[0], shown[PLACES - 1]), (0, 99));
        assert_eq!(edges(&[4, 4, 5]), [4, 5]);
    }
}
