//! The detector: lines to events, events against Sigma rules, correlations and indicators.

use crate::config::Config;
use crate::detector::{Block, Detector, SourceMeta};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use vauban_detect::{
    CorrelationMatch, Correlator, CorrelatorOptions, Engine, Options, Refire, RuleSet, Scanner,
    Snapshot, observables,
};
use vauban_evidence::TimeBase;
use vauban_intel::{IndicatorSet, Matcher, Seen, WarningLists};
use vauban_ocsf::{ArtefactId, Event, EventSink, Evidence, Finding, Level, Place, Timestamp};
use vauban_rulebook::RuleFile;
use vauban_sources::{Context, FORMATS, LogFormat, Mode, recognise};

/// Events whose places are remembered for correlations.
const REMEMBERED: usize = 20_000;
/// Places given of one correlation, and letters of one excerpt.
const PLACES: usize = 20;
const EXCERPT: usize = 500;

/// Judges lines by rules and indicators.
pub struct Judge {
    engine: Arc<Engine>,
    matcher: Matcher,
    level: Level,
    formats: HashMap<String, &'static dyn LogFormat>,
    scanner: Scanner,
    state: State,
    unparsed: u64,
}

/// What lines leave behind.
struct State {
    correlator: Correlator,
    places: BTreeMap<u64, Place>,
    next: u64,
    latest: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    correlator: Snapshot,
    places: Vec<(u64, KeptPlace)>,
    next: u64,
    latest: i64,
}

/// A [`Place`]: artefact, offset, length, line, excerpt.
type KeptPlace = (String, u64, u64, Option<u64>, String);

/// A judge and what of its rules and indicators could not be used.
pub struct Loaded {
    /// The judge.
    pub judge: Judge,
    /// Rules and correlations in use.
    pub rules: usize,
    /// Indicators in use.
    pub indicators: usize,
    /// One line each.
    pub problems: Vec<String>,
}

impl Judge {
    /// With the rules that are built in, if the configuration wants them, and those it names.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn load(config: &Config) -> Result<Loaded, String> {
        let mut files = Vec::new();
        if config.builtin_rules {
            files.extend(vauban_rulebook::builtin());
        }
        for dir in &config.rules {
            let loaded = vauban_rulebook::load(dir);
            files.extend(loaded.map_err(|e| format!("{}: {e}", dir.display()))?);
        }
        let (set, mut found) = RuleSet::load(files.into_iter().filter_map(RuleFile::into_rules));
        let (engine, more) = Engine::compile(&set, Options::default());
        found.extend(more);
        let problems = found.iter().map(ToString::to_string).collect();
        let lists = WarningLists::built_in();
        let mut advisories = Vec::new();
        for path in &config.indicators {
            let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let name = path.display().to_string();
            advisories.push(vauban_intel::parse(&name, &bytes, &lists));
        }
        let matcher = Matcher::compile(&IndicatorSet::new(advisories));
        let engine = Arc::new(engine);
        Ok(Loaded {
            rules: engine.rules().len() + engine.correlation_count(),
            indicators: matcher.len(),
            problems,
            judge: Self {
                scanner: Scanner::new(Arc::clone(&engine)),
                state: State::new(&engine),
                engine,
                matcher,
                level: config.level.0,
                formats: HashMap::new(),
                unparsed: 0,
            },
        })
    }

    fn format(&mut self, source: &SourceMeta<'_>, head: &[u8]) -> Option<&'static dyn LogFormat> {
        if let Some(name) = source.format {
            return FORMATS.iter().find(|f| f.name() == name).copied();
        }
        if let Some(format) = self.formats.get(source.artefact) {
            return Some(*format);
        }
        let head = head.get(..64 << 10).unwrap_or(head);
        let format = recognise(source.artefact, head)?;
        self.formats.insert(source.artefact.to_owned(), format);
        Some(format)
    }
}

impl State {
    fn new(engine: &Arc<Engine>) -> Self {
        let options = CorrelatorOptions {
            refire: Refire::Once,
            ..CorrelatorOptions::default()
        };
        Self {
            correlator: Correlator::new(Arc::clone(engine), options),
            places: BTreeMap::new(),
            next: 0,
            latest: Timestamp(i64::MIN),
        }
    }
}

/// The clock of a source: the zone said or the system's, and stamps without year not later than
/// tomorrow.
fn context(source: &SourceMeta<'_>) -> Context {
    let zone = match source.zone {
        Some(name) => jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC),
        None => jiff::tz::TimeZone::system(),
    };
    let tomorrow = Timestamp(jiff::Timestamp::now().as_microsecond() + vauban_ocsf::DAY);
    let (year, month, day, ..) = tomorrow.civil();
    Context {
        artefact: ArtefactId(source.index),
        time: TimeBase {
            zone,
            zone_source: "configuration or system".into(),
            ..TimeBase::utc((year, month, day))
        },
        access_layouts: Vec::new(),
    }
}

/// One block on its way through the judge.
struct Pass<'a, 'e> {
    engine: &'a Engine,
    matcher: &'a Matcher,
    level: Level,
    scanner: &'a mut Scanner,
    state: &'a mut State,
    source: &'a SourceMeta<'a>,
    block: Block<'a>,
    out: &'a mut Vec<Finding>,
    events: Option<&'a mut (dyn EventSink + 'e)>,
    unparsed: &'a mut u64,
    correlated: Vec<CorrelationMatch>,
}

impl Pass<'_, '_> {
    fn place(&self, evidence: Evidence) -> Place {
        let start = evidence.offset.saturating_sub(self.block.offset) as usize;
        let end = start.saturating_add(evidence.length as usize);
        let bytes = self.block.bytes.get(start..end).unwrap_or_default();
        let before = self.block.bytes.get(..start).unwrap_or_default();
        let line = self.block.line + memchr::memchr_iter(b'\n', before).count() as u64;
        Place {
            artefact: self.source.artefact.to_owned(),
            offset: evidence.offset,
            length: u64::from(evidence.length),
            line: (self.block.line > 0).then_some(line),
            excerpt: String::from_utf8_lossy(bytes)
                .chars()
                .take(EXCERPT)
                .collect(),
        }
    }

    fn correlate(&mut self, found: &CorrelationMatch, here: &Place) {
        let Some(info) = self.engine.correlation(found.correlation) else {
            return;
        };
        if !found.reported || info.level.unwrap_or_default() < self.level {
            return;
        }
        let known = |events: &[u64]| -> Vec<Place> {
            let places = events.iter().filter_map(|e| self.state.places.get(e));
            places.cloned().collect()
        };
        let events = &found.events;
        let mut places = match events.len().checked_sub(PLACES / 2) {
            Some(late) if events.len() > PLACES => {
                let mut places = known(events.get(..PLACES / 2).unwrap_or_default());
                places.extend(known(events.get(late..).unwrap_or_default()));
                places
            }
            _ => known(events),
        };
        places.dedup();
        if places.is_empty() {
            places.push(here.clone());
        }
        let finding = self.engine.correlation_finding(found, places);
        self.out.extend(finding);
    }
}

impl EventSink for Pass<'_, '_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Some(events) = &mut self.events {
            events.event(event);
        }
        self.state.latest = self.state.latest.max(event.time);
        // Mostly nothing matches, and then nothing is allocated.
        let matches = self.scanner.scan(event).to_vec();
        for found in matches {
            let place = self.place(event.evidence);
            let number = self.state.next;
            if let Some(seen) = self.scanner.observe(found, number, event.time) {
                self.state.places.insert(number, place.clone());
                if self.state.places.len() > REMEMBERED {
                    self.state.places.pop_first();
                }
                let mut correlated = std::mem::take(&mut self.correlated);
                self.state.correlator.feed(&seen, &mut correlated);
                for found in correlated.drain(..) {
                    self.correlate(&found, &place);
                }
                self.correlated = correlated;
            }
            let level = self.engine.rule(found.rule).and_then(|info| info.level);
            if found.reported && level.unwrap_or_default() >= self.level {
                let observables = observables(event);
                let finding = self
                    .engine
                    .finding(found, Some(event.time), place, observables);
                self.out.extend(finding);
            }
        }
        self.state.next += 1;
        if self.matcher.is_empty() {
            return;
        }
        let mut hits = Vec::new();
        self.matcher.scan_event(event, &mut |indicator, field| {
            hits.push((indicator, field.path, field.value.to_string()));
        });
        for (indicator, path, value) in hits {
            let seen = Seen {
                path: path.to_string(),
                value,
                time: Some(event.time),
                place: self.place(event.evidence),
            };
            let finding = self.matcher.finding(indicator, seen);
            self.out
                .extend(finding.filter(|finding| finding.level >= self.level));
        }
    }

    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        *self.unparsed += 1;
        if let Some(events) = &mut self.events {
            events.unparsed(evidence, why);
        }
    }
}

impl Detector for Judge {
    fn block(
        &mut self,
        source: &SourceMeta<'_>,
        block: Block<'_>,
        out: &mut Vec<Finding>,
        events: Option<&mut dyn EventSink>,
    ) {
        let format = self.format(source, block.bytes);
        // A format that has to be read from its beginning cannot be followed.
        let Some(format) = format.filter(|f| f.mode() == Mode::Lines) else {
            self.unparsed += memchr::memchr_iter(b'\n', block.bytes).count() as u64;
            return;
        };
        let context = context(source);
        let mut pass = Pass {
            engine: &self.engine,
            matcher: &self.matcher,
            level: self.level,
            scanner: &mut self.scanner,
            state: &mut self.state,
            source,
            block,
            out,
            events,
            unparsed: &mut self.unparsed,
            correlated: Vec::new(),
        };
        format.parse(&context, block.bytes, block.offset, &mut pass);
    }

    fn tick(&mut self, _: Timestamp, _: &mut Vec<Finding>) {
        // By the time of the lines, not of the day: a log may be read long after.
        if self.state.latest.0 != i64::MIN {
            self.state.correlator.expire(self.state.latest);
        }
        if self.state.correlator.groups() == 0 {
            self.state.places.clear();
        }
    }

    fn events(&mut self, source: &SourceMeta<'_>, block: Block<'_>, events: &mut dyn EventSink) {
        if let Some(format) = self.format(source, block.bytes)
            && format.mode() == Mode::Lines
        {
            format.parse(&context(source), block.bytes, block.offset, events);
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        let place = |(number, p): (&u64, &Place)| {
            let kept = (
                p.artefact.clone(),
                p.offset,
                p.length,
                p.line,
                p.excerpt.clone(),
            );
            (*number, kept)
        };
        let kept = Kept {
            correlator: self.state.correlator.snapshot(),
            places: self.state.places.iter().map(place).collect(),
            // Only what is remembered counts: numbers of events nobody refers to may come again.
            next: self.state.places.keys().last().map_or(0, |last| last + 1),
            latest: 0,
        };
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let kept: Kept = serde_json::from_slice(state).map_err(|e| e.to_string())?;
        let mut state = State::new(&self.engine);
        let gone = state.correlator.restore(kept.correlator);
        state.places = kept
            .places
            .into_iter()
            .map(|(number, (artefact, offset, length, line, excerpt))| {
                let place = Place {
                    artefact,
                    offset,
                    length,
                    line,
                    excerpt,
                };
                (number, place)
            })
            .collect();
        state.next = kept.next;
        self.state = state;
        if gone.is_empty() {
            Ok(())
        } else {
            Err(format!("changed or gone: {}", gone.join(", ")))
        }
    }

    fn unparsed(&self) -> u64 {
        self.unparsed
    }
}
