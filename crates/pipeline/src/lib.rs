//! One investigation run: evidence is opened, its clocks worked out, logs parsed on all cores, the
//! mail store read, and everything folded into a case.
//!
//! This is where files, threads and the order of work live, so that the analysis crates need none
//! of them.
//!
//! **What this crate deliberately is not:** it knows no log format, judges nothing, renders
//! nothing, and prints nothing: progress is told to a callback.

mod events;
mod excerpt;
mod files;
mod fold;
mod hunt;
mod logs;
mod read;
mod scan;
mod store;
mod traces;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use vauban_case::contract::{AdvisoryIndicator, AdvisorySummary, Case};
use vauban_case::inputs::{EvidenceText, Indicators, Inputs};
use vauban_case::observe::Observations;
use vauban_case::rules::SessionRules;
use vauban_evidence::{Collection, Kind, Manifest, Problem, Severity};
use vauban_intel::{Advisory, Matcher, WarningLists};
use vauban_mail::ContentRules;
use vauban_ocsf::Level;
use vauban_spill::Scratch;

pub use events::files as event_files;
pub use fold::kind_name;
pub use hunt::{Hunt, Told};
pub use read::Fold;
pub use scan::scan;

/// What an investigation is given.
pub struct Options {
    /// Evidence: directories, archives, files.
    pub evidence: Vec<PathBuf>,
    /// Advisories: name and bytes.
    pub advisories: Vec<(String, Vec<u8>)>,
    /// A directory of the user's own rules (`sessions/`, `lures/`, `markings/`).
    pub rules: Option<PathBuf>,
    /// Where events are written as Parquet, if at all.
    pub events: Option<PathBuf>,
    /// Threads.
    pub threads: usize,
    /// Where lists too long for memory go; without it `$TMPDIR`, or `/var/tmp`. It should be on a
    /// disk.
    pub scratch: Option<PathBuf>,
}

/// Octets that a run may hold in memory before its long lists are left to the disk alone.
const RESIDENT: u64 = 512 << 20;

/// Where scratch files go when nobody says: `/var/tmp` is on a disk where `/tmp` may be memory.
fn scratch_dir() -> PathBuf {
    std::env::var_os("TMPDIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// What stage a run is in.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Listing, unpacking, hashing.
    Opening,
    /// Parsing logs.
    Parsing,
    /// Reading messages.
    Reading,
    /// Joining and judging.
    Judging,
}

/// How far a run is: stage, done, total; both in bytes, or in messages for [`Stage::Reading`].
pub type Progress<'a> = &'a (dyn Fn(Stage, u64, u64) + Sync);

/// What an investigation gives.
pub struct Outcome {
    /// The case.
    pub case: Case,
    /// What was read.
    pub manifest: Manifest,
    /// What could not be read, and what must be known.
    pub problems: Vec<Problem>,
    /// Nothing in the evidence was of use: no log and no message was recognised.
    pub nothing_useful: bool,
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule file, or a directory of them, cannot be used.
    #[error("rules: {0}")]
    Rule(String),
    /// The events' directory cannot be written.
    #[error("cannot write events: {0}")]
    Events(#[from] vauban_lake::LakeError),
}

/// Folders of a directory of rules.
const RULE_FOLDERS: [&str; 3] = ["sessions", "lures", "markings"];

/// Investigates.
pub fn investigate(options: &Options, progress: Progress<'_>) -> Result<Outcome, Error> {
    let hunt = Hunt {
        engine: Arc::new(hunt::builtin()),
        level: Level::Medium,
    };
    let mut detections = hunt::Detections::default();
    let mut outcome = run(
        options,
        progress,
        (&hunt, &mut |finding| detections.add(finding)),
        false,
    )?;
    outcome.case.detections = detections.finish();
    Ok(outcome)
}

/// Hunts: tells every finding as it is made, those of events first, in the order of the evidence,
/// then correlations, then messages, sessions and files.
pub fn hunt(
    options: &Options,
    hunt: &Hunt,
    progress: Progress<'_>,
    told: Told<'_>,
) -> Result<Outcome, Error> {
    run(options, progress, (hunt, told), true)
}

fn run(
    options: &Options,
    progress: Progress<'_>,
    (hunt, told): (&Hunt, Told<'_>),
    only_findings: bool,
) -> Result<Outcome, Error> {
    let (session_rules, content_rules) = rules(options)?;
    let lists = WarningLists::built_in();
    let advisories: Vec<Advisory> = options
        .advisories
        .iter()
        .map(|(name, bytes)| vauban_intel::parse(name, bytes, &lists))
        .collect();
    let known = fold::Known::new(advisories);
    // In a case, messages, sessions and indicators have lists of their own.
    let matcher = if only_findings {
        known.matcher()
    } else {
        Matcher::default()
    };

    let (collection, found, mut problems) =
        scan::open(&options.evidence, options.threads, progress);
    let paths = collection
        .artefacts()
        .iter()
        .map(|a| a.path.clone())
        .collect();
    let lake = options
        .events
        .as_ref()
        .map(|dir| events::Writer::create(dir, paths))
        .transpose()?;
    let scratch = Scratch::new(
        options.scratch.as_deref().unwrap_or(&scratch_dir()),
        RESIDENT,
    );
    let excerpts = excerpt::Excerpts::new(&collection);
    let mut fold = fold::CaseFold {
        hunt: hunt::HuntFold::new(hunt, &matcher, &excerpts, &scratch, told),
        observations: Observations::with_scratch(&scratch),
        known: &known,
        lake,
    };
    problems.extend(scan::parse(
        &collection,
        &found.logs,
        options.threads,
        &mut fold,
        progress,
    ));
    let fold::CaseFold {
        mut observations,
        lake,
        mut hunt,
        ..
    } = fold;
    hunt.correlate();
    if let Some(lake) = lake {
        lake.finish()?;
    }

    let mail = store::load(
        &collection,
        &content_rules,
        options.threads,
        &|done, total| {
            progress(Stage::Reading, done, total);
        },
    );
    problems.extend(mail.problems.iter().cloned());
    let traces = traces::find(&collection, &found.times, &mut observations, &mut problems);
    fold::look_at_store(&known, &mail.store, &collection, &mut observations);
    problems.extend(unread(&collection));
    progress(Stage::Judging, 0, 1);
    let summaries = summaries(&known, &observations.hits);
    let nothing_useful =
        found.logs.is_empty() && mail.store.mailboxes.is_empty() && traces.is_empty();
    let inputs = Inputs {
        store: &mail.store,
        lures: &mail.lures,
        sieve: &mail.scripts,
        traces: &traces,
        indicators: &known,
        advisories: &summaries,
        rules: &session_rules,
        evidence: &excerpts,
        logs: &found.described,
        exposure: &[],
    };
    if only_findings {
        let found = vauban_mail::hunt_store(
            &mail.store,
            &content_rules,
            &|e| excerpts.path(e.artefact).to_string(),
            &|e| {
                collection
                    .read_range(e.artefact, e.offset, e.length as usize)
                    .ok()
            },
        );
        found.into_iter().for_each(|f| hunt.tell(f));
    }
    let case = vauban_case::build(observations, &inputs);
    if only_findings {
        hunt::of_case(&case).into_iter().for_each(|f| hunt.tell(f));
    }
    files::inspect(&collection, &case, &mut problems)
        .into_iter()
        .for_each(|f| hunt.tell(f));
    if let Some(why) = scratch.problem() {
        problems.push(Problem::warning(
            "",
            format!("{why}; more memory was used instead"),
        ));
    }
    problems.sort();
    problems.dedup();
    Ok(Outcome {
        case,
        manifest: collection.manifest(),
        problems,
        nothing_useful,
    })
}

fn rules(options: &Options) -> Result<(SessionRules, ContentRules), Error> {
    let mut sessions = SessionRules::builtin();
    let mut content = ContentRules::builtin();
    if let Some(dir) = &options.rules {
        let unusable = |path: &Path, e: &dyn std::fmt::Display| {
            Error::Rule(format!("{}: {e}", path.display()))
        };
        // A directory named by mistake must not pass for one without rules.
        if let Err(e) = std::fs::read_dir(dir) {
            return Err(unusable(dir, &e));
        }
        if !RULE_FOLDERS.iter().any(|f| dir.join(f).is_dir()) {
            let e = format!("none of the folders {} is in it", RULE_FOLDERS.join(", "));
            return Err(unusable(dir, &e));
        }
        let folder = dir.join("sessions");
        if folder.is_dir() {
            let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
                .map_err(|e| unusable(&folder, &e))?
                .filter_map(|e| e.ok().map(|e| e.path()))
                .filter(|p| p.extension().is_some_and(|x| x == "toml"))
                .collect();
            files.sort();
            for file in files {
                let text = std::fs::read_to_string(&file).map_err(|e| unusable(&file, &e))?;
                sessions
                    .add(&file.display().to_string(), &text)
                    .map_err(|e| Error::Rule(e.to_string()))?;
            }
        }
        content = ContentRules::load(dir).map_err(|e| Error::Rule(e.to_string()))?;
    }
    Ok((sessions, content))
}

/// Evidence of a kind that is not read, with what to do about it.
fn unread(collection: &Collection) -> Vec<Problem> {
    collection
        .artefacts()
        .iter()
        .filter_map(|a| {
            let what = match a.kind {
                Kind::JournalBinary => {
                    "a binary journal is not read; give its export too (journalctl --file=… -o export)"
                }
                Kind::Sqlite | Kind::Binary
                    if a.path.ends_with(".journal") || a.path.ends_with(".journal~") =>
                {
                    "a journal in an unknown form is not read"
                }
                _ => return None,
            };
            Some(Problem::warning(a.path.clone(), what))
        })
        .collect()
}

/// Advisories as the case shows them.
fn summaries(
    known: &fold::Known,
    hits: &std::collections::BTreeMap<(usize, usize), vauban_case::observe::HitRec>,
) -> Vec<AdvisorySummary> {
    known
        .advisories()
        .iter()
        .enumerate()
        .map(|(a, advisory)| AdvisorySummary {
            name: advisory.name.clone(),
            title: advisory.title.clone(),
            format: advisory.format.clone(),
            indicators: advisory
                .indicators
                .iter()
                .enumerate()
                .map(|(i, indicator)| AdvisoryIndicator {
                    kind: kind_name(indicator.kind).to_string(),
                    value: indicator.value.clone(),
                    kept: indicator.kept,
                    why: indicator.why.clone(),
                    hits: hits.get(&(a, i)).map_or(0, |h| h.count),
                })
                .collect(),
            techniques: advisory.techniques.iter().map(|t| t.id.clone()).collect(),
            vulnerabilities: advisory
                .vulnerabilities
                .iter()
                .map(|v| v.id.clone())
                .collect(),
            problems: advisory.problems.clone(),
        })
        .collect()
}

/// Whether a problem means that evidence was lost to the analysis.
pub fn is_loss(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

/// So that a caller can ask the indicators itself.
pub fn describe(indicators: &dyn Indicators, hit: (usize, usize)) -> (String, String, String) {
    indicators.describe(hit.0, hit.1)
}

/// What checking rule files found.
pub struct RulesReport {
    /// Rules loaded.
    pub rules: usize,
    /// Examples run.
    pub examples: usize,
    /// Examples that come out otherwise than they say.
    pub wrong: Vec<String>,
}

/// Loads the built-in rules and those of a directory, and runs the examples of all.
pub fn check_rules(dir: Option<&Path>) -> Result<RulesReport, Error> {
    let options = Options {
        evidence: Vec::new(),
        advisories: Vec::new(),
        rules: dir.map(PathBuf::from),
        events: None,
        threads: 1,
        scratch: None,
    };
    let (sessions, content) = rules(&options)?;
    let (examples, mut wrong) = sessions.run_examples();
    wrong.extend(content.self_test());
    let content_rules = content.lure_rules().len() + content.marking_rules().len();
    Ok(RulesReport {
        rules: sessions.len() + content_rules,
        examples,
        wrong,
    })
}
