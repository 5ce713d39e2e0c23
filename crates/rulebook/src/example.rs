//! Log lines that must and must not match, run through parsers and engine.
//!
//! Beside `NAME.yml` stands `NAME.examples`, YAML too (and not called so, because other programs take
//! every `.yml` below a folder for a rule):
//!
//! ```yaml
//! examples:
//!     - name: twelve accounts in half an hour
//!       matches: true
//!       logs:
//!           var/log/mail.log: |
//!               Mar 10 10:00:00 mail dovecot: imap-login: …
//! ```
//!
//! Several logs of one example are read as one evidence and their events put in order of time.
//! Stamps without a zone are UTC, stamps without a year of 2026. `rule:` before `examples:` names
//! the rule (id, name or title) if the file has several and the first correlation, or else the
//! first rule, is not meant.

use crate::RuleFile;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use vauban_detect::{
    CorrelationId, Correlator, CorrelatorOptions, Engine, Observation, Options, RuleId, RuleSet,
    Scanner,
};
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, Event, EventSink, Evidence};
use vauban_sources::{Context, Mode, recognise};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    #[serde(default)]
    rule: Option<String>,
    examples: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    name: String,
    matches: bool,
    logs: BTreeMap<String, String>,
}

/// What running examples gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rules and correlations that have examples.
    pub rules: usize,
    /// Examples run.
    pub examples: usize,
    /// What came out otherwise than it says, or could not be run.
    pub wrong: Vec<String>,
}

/// Runs the examples that stand beside rules. All rules are loaded together, since correlations
/// refer to rules in other files.
pub fn run_examples(files: &[RuleFile]) -> Report {
    let mut report = Report::default();
    let rules = files.iter().filter(|f| !f.is_examples());
    let (set, problems) = RuleSet::load(rules.map(|f| (f.path.as_str(), f.text.as_bytes())));
    report
        .wrong
        .extend(problems.iter().map(ToString::to_string));
    let (engine, problems) = Engine::compile(&set, Options::default());
    report
        .wrong
        .extend(problems.iter().map(ToString::to_string));
    let engine = Arc::new(engine);
    for file in files.iter().filter(|f| f.is_examples()) {
        let examples: Examples = match yaml_serde::from_str(&file.text) {
            Ok(examples) => examples,
            Err(e) => {
                report.wrong.push(format!("{}: {e}", file.path));
                continue;
            }
        };
        let Some(target) = target(&engine, &file.path, examples.rule.as_deref()) else {
            report
                .wrong
                .push(format!("{}: no such rule beside it", file.path));
            continue;
        };
        report.rules += 1;
        for example in &examples.examples {
            report.examples += 1;
            match run(&engine, example, target) {
                Ok(matched) if matched == example.matches => {}
                Ok(matched) => report.wrong.push(format!(
                    "{}: {:?} {}, and should{}",
                    file.path,
                    example.name,
                    if matched { "matches" } else { "does not match" },
                    if matched { " not" } else { "" },
                )),
                Err(why) => report
                    .wrong
                    .push(format!("{}: {:?}: {why}", file.path, example.name)),
            }
        }
    }
    report
}

/// What examples are about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Target {
    Rule(RuleId),
    Correlation(CorrelationId),
}

fn target(engine: &Engine, examples: &str, named: Option<&str>) -> Option<Target> {
    let stem = examples.strip_suffix(".examples")?;
    let is = |info: &vauban_detect::RuleInfo| {
        let extension = info.file.strip_prefix(stem);
        extension.is_some_and(|x| x == ".yml" || x == ".yaml")
            && named.is_none_or(|named| {
                info.id.as_deref() == Some(named)
                    || info.name.as_deref() == Some(named)
                    || info.title == named
            })
    };
    (0..engine.correlation_count() as u32)
        .map(CorrelationId)
        .find(|id| engine.correlation(*id).is_some_and(is))
        .map(Target::Correlation)
        .or_else(|| {
            let at = engine.rules().iter().position(is)?;
            Some(Target::Rule(RuleId(at as u32)))
        })
}

/// Whether the target matches anything in the example's logs.
fn run(engine: &Arc<Engine>, example: &Example, target: Target) -> Result<bool, String> {
    let mut scan = Scan {
        scanner: Scanner::new(Arc::clone(engine)),
        target,
        matched: false,
        events: 0,
        observations: Vec::new(),
        unparsed: None,
    };
    for (number, (path, text)) in example.logs.iter().enumerate() {
        scan.events = 0;
        let format = recognise(path, text.as_bytes())
            .ok_or_else(|| format!("{path}: no log of a known format"))?;
        let context = Context {
            artefact: ArtefactId(number as u32),
            time: TimeBase::utc((2026, 12, 31)),
            access_layouts: Vec::new(),
        };
        match format.mode() {
            Mode::Lines => format.parse(&context, text.as_bytes(), 0, &mut scan),
            Mode::Stream => format
                .parse_stream(&context, &mut text.as_bytes(), &mut scan)
                .map_err(|e| format!("{path}: {e}"))?,
        }
        if let Some((offset, why)) = scan.unparsed {
            return Err(format!("{path}: not read at byte {offset}: {why}"));
        }
        if scan.events == 0 && example.matches {
            return Err(format!("{path}: read as {}, no event", format.name()));
        }
    }
    if let Target::Rule(_) = target {
        return Ok(scan.matched);
    }
    scan.observations.sort_by_key(|o| o.time);
    let mut correlator = Correlator::new(Arc::clone(engine), CorrelatorOptions::default());
    let mut out = Vec::new();
    for observation in &scan.observations {
        correlator.feed(observation, &mut out);
    }
    Ok(out
        .iter()
        .any(|m| Target::Correlation(m.correlation) == target))
}

struct Scan {
    scanner: Scanner,
    target: Target,
    matched: bool,
    events: u64,
    observations: Vec<Observation>,
    unparsed: Option<(u64, &'static str)>,
}

impl EventSink for Scan {
    fn event(&mut self, event: &Event<'_>) {
        self.events += 1;
        let found = self.scanner.scan(event).to_vec();
        for m in found {
            self.matched |= Target::Rule(m.rule) == self.target;
            self.observations
                .extend(self.scanner.observe(m, self.events, event.time));
        }
    }

    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        self.unparsed.get_or_insert((evidence.offset, why));
    }
}
