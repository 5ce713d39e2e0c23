//! `lab score`: a case held against what really happened.
//!
//! `case.json` is read leniently (a missing field is an empty one), so that other programs and
//! older versions can be scored too; `ground-truth.json` is what `lab run` writes, and what
//! others may write for evidence of their own (`lab/README.md`).
//!
//! What counts as what:
//! - A case's session and a true one are the same when account (whole or local part), protocol
//!   and one address agree and their times overlap, with two minutes of slack. One may match
//!   several: precision counts case sessions, recall counts true ones.
//! - A refused log-in of the intruder is no session: to call it one is neither found nor wrong.
//! - A bound holds the truth when `bytes_min <= true octets <= bytes_max`; several transfers of
//!   one item count once; where sessions got pieces of it, the truth is a range itself. An item that left and has no row is a bound that fails.
//! - In the totals, a message sent whole holds its attachments, so per message the larger of
//!   both counts; what was merely shown and attachments saved beside it add up.

mod ledger;
mod read;
mod sessions;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Serialize;

/// Arguments of `lab score`.
#[derive(clap::Args, Clone, Debug)]
pub struct ScoreArgs {
    /// `case.json`, or the directory that holds it.
    case: PathBuf,
    /// `ground-truth.json`, or the directory that holds it.
    ground_truth: PathBuf,
    /// Form of the answer.
    #[arg(long, value_parser = ["text", "json"], default_value = "text")]
    format: String,
    /// Exit with 1 unless the case is good: right verdict, no false alarm where nothing happened,
    /// no bound that excludes the truth, session precision and recall of 0.95.
    #[arg(long)]
    require: bool,
}

/// A share with what it is made of.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    /// Hits.
    pub of: u64,
    /// All.
    pub all: u64,
}

impl Share {
    fn add(&mut self, hit: bool) {
        self.all += 1;
        self.of += u64::from(hit);
    }

    /// The share, 1 when there is nothing to hit.
    pub fn value(self) -> f64 {
        if self.all == 0 {
            1.0
        } else {
            self.of as f64 / self.all as f64
        }
    }
}

/// The result.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Score {
    /// Name of the story.
    pub story: String,
    /// Verdict of the case.
    pub verdict: String,
    /// Right verdict.
    pub expected_verdict: String,
    /// They agree.
    pub verdict_right: bool,
    /// Case sessions labelled intruder that are the intruder's.
    pub session_precision: Share,
    /// The intruder's sessions that the case labels intruder.
    pub session_recall: Share,
    /// Case sessions that stand for refused log-ins of the intruder.
    pub attempts_named: u64,
    /// True intruder sessions that no case session labelled intruder matches.
    pub missed_sessions: Vec<String>,
    /// Claims without truth behind them.
    pub false_alarms: Vec<String>,
    /// Ledger rows whose level is the true one.
    pub levels: Share,
    /// The same among items that an intruder got further with than `exposed`.
    pub levels_touched: Share,
    /// True level → level in the case → items. `none`: the account was never an intruder's;
    /// `absent`: the case has no row.
    pub confusion: std::collections::BTreeMap<String, std::collections::BTreeMap<String, u64>>,
    /// Bounds that hold the truth, one a ledger row, missing item and total.
    pub bounds: Share,
    /// Bounds that do not.
    pub violations: Vec<String>,
    /// Median of (max − min) / size among items that left.
    pub width_left: Option<f64>,
    /// The same among all rows.
    pub width_all: Option<f64>,
    /// Octets that left, content counted once, at least.
    pub true_total: u64,
    /// The same at most: more only where several sessions got pieces of one item.
    pub true_total_most: u64,
    /// Lower bound of the case for it.
    pub total_min: u64,
    /// Upper bound of the case for it.
    pub total_max: u64,
    /// What was left behind and named.
    pub persistence_recall: Share,
    /// Lures delivered and named.
    pub lure_recall: Share,
    /// Named lures whose `opened` is right, where the case commits itself.
    pub lure_opened: Share,
    /// Attempts at other hosts that are named.
    pub lateral_recall: Share,
    /// Searches that are named.
    pub search_recall: Share,
    /// What was missed of the four above.
    pub missed: Vec<String>,
}

impl Score {
    /// Why the case is not good enough; empty when it is.
    pub fn failures(&self) -> Vec<String> {
        let mut out = Vec::new();
        if !self.verdict_right {
            out.push(format!(
                "verdict {} instead of {}",
                self.verdict, self.expected_verdict
            ));
        }
        if self.expected_verdict == "no_evidence_of_breach" && !self.false_alarms.is_empty() {
            out.push(format!(
                "{} false alarms where nothing happened",
                self.false_alarms.len()
            ));
        }
        if !self.violations.is_empty() {
            out.push(format!(
                "{} bounds exclude the truth",
                self.violations.len()
            ));
        }
        for (name, share) in [
            ("precision", self.session_precision),
            ("recall", self.session_recall),
        ] {
            if share.value() < 0.95 {
                out.push(format!("session {name} {:.3}", share.value()));
            }
        }
        out
    }

    /// The table for people.
    pub fn render(&self) -> String {
        let mut out = String::new();
        let line = |out: &mut String, name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:<26} {value}");
        };
        let share = |s: Share| format!("{:.3}  ({}/{})", s.value(), s.of, s.all);
        let width = |w: Option<f64>| w.map_or("-".to_owned(), |w| format!("{w:.3}"));
        line(&mut out, "story", self.story.clone());
        let right = if self.verdict_right {
            "right".to_owned()
        } else {
            format!("WRONG, is {}", self.expected_verdict)
        };
        line(&mut out, "verdict", format!("{} ({right})", self.verdict));
        line(&mut out, "session precision", share(self.session_precision));
        line(&mut out, "session recall", share(self.session_recall));
        line(
            &mut out,
            "refused log-ins named",
            self.attempts_named.to_string(),
        );
        line(
            &mut out,
            "false alarms",
            self.false_alarms.len().to_string(),
        );
        line(&mut out, "ledger level accuracy", share(self.levels));
        line(&mut out, "  of items touched", share(self.levels_touched));
        line(&mut out, "bounds with the truth", share(self.bounds));
        line(&mut out, "median width, items left", width(self.width_left));
        line(&mut out, "median width, all", width(self.width_all));
        let left = if self.true_total == self.true_total_most {
            self.true_total.to_string()
        } else {
            format!("{} to {}", self.true_total, self.true_total_most)
        };
        line(
            &mut out,
            "octets that left",
            format!("{left} in [{}, {}]", self.total_min, self.total_max),
        );
        line(
            &mut out,
            "persistence recall",
            share(self.persistence_recall),
        );
        line(&mut out, "lure recall", share(self.lure_recall));
        line(&mut out, "  opened or not", share(self.lure_opened));
        line(&mut out, "lateral recall", share(self.lateral_recall));
        line(&mut out, "search recall", share(self.search_recall));
        if !self.confusion.is_empty() {
            let columns = [
                "exposed",
                "listed",
                "read",
                "downloaded",
                "forwarded",
                "absent",
            ];
            let _ = write!(out, "\n{:<12}", "true \\ case");
            for c in columns {
                let _ = write!(out, "{c:>12}");
            }
            out.push('\n');
            for (row, cells) in &self.confusion {
                let _ = write!(out, "{row:<12}");
                for c in columns {
                    let _ = write!(out, "{:>12}", cells.get(c).copied().unwrap_or(0));
                }
                out.push('\n');
            }
        }
        for (title, list) in [
            ("bounds that exclude the truth", &self.violations),
            ("false alarms", &self.false_alarms),
            ("missed sessions", &self.missed_sessions),
            ("missed", &self.missed),
        ] {
            if !list.is_empty() {
                let _ = writeln!(out, "\n{title}:");
                for l in list {
                    let _ = writeln!(out, "  {}", printable(l));
                }
            }
        }
        out
    }
}

/// Subjects and names come from mail: control characters must not reach a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Scores a case.
///
/// # Errors
/// When a file cannot be read or is not JSON of the expected shape.
pub fn run(case: &Path, truth: &Path) -> Result<Score> {
    let case: read::Case = load(case, "case.json")?;
    let truth: read::Truth = load(truth, "ground-truth.json")?;
    Ok(score(&case, &truth))
}

/// `lab score`.
///
/// # Errors
/// Those of [`run`].
pub fn main(args: &ScoreArgs) -> Result<ExitCode> {
    let score = run(&args.case, &args.ground_truth)?;
    if args.format == "json" {
        println!("{}", serde_json::to_string_pretty(&score)?);
    } else {
        print!("{}", score.render());
    }
    let failures = score.failures();
    if args.require && !failures.is_empty() {
        eprintln!("not good enough: {}", failures.join("; "));
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

fn load<T: serde::de::DeserializeOwned>(path: &Path, name: &str) -> Result<T> {
    let file = if path.is_dir() {
        path.join(name)
    } else {
        path.to_owned()
    };
    let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} is not what it should be", file.display()))
}

fn score(case: &read::Case, truth: &read::Truth) -> Score {
    let mut out = Score {
        story: truth.story.clone(),
        verdict: case.verdict.clone(),
        expected_verdict: truth.verdict.clone(),
        verdict_right: case.verdict == truth.verdict,
        total_min: case.totals.bytes_min,
        total_max: case.totals.bytes_max,
        ..Score::default()
    };
    sessions::score(case, truth, &mut out);
    ledger::score(case, truth, &mut out);
    findings(case, truth, &mut out);
    out
}

/// Persistence, lures, lateral movement, searches, accounts.
fn findings(case: &read::Case, truth: &read::Truth, out: &mut Score) {
    use read::{id, local};
    let same_persistence = |c: &read::Persistence, t: &read::Persistence| {
        let account =
            c.account.is_empty() || t.account.is_empty() || local(&c.account) == local(&t.account);
        account && c.kind == t.kind
    };
    for t in &truth.persistence {
        let hit = case
            .persistence
            .iter()
            .any(|c| c.label != "legitimate" && same_persistence(c, t));
        out.persistence_recall.add(hit);
        if !hit {
            out.missed
                .push(format!("persistence {} {} {}", t.kind, t.account, t.detail));
        }
    }
    for c in case.persistence.iter().filter(|c| c.label != "legitimate") {
        if !truth.persistence.iter().any(|t| same_persistence(c, t)) {
            out.false_alarms.push(format!(
                "persistence {} of {}: {}",
                c.kind, c.account, c.text
            ));
        }
    }
    let same_lure = |c: &read::Lure, t: &read::Lure| {
        id(&c.message_id) == id(&t.message_id)
            && (c.account.is_empty()
                || t.account.is_empty()
                || local(&c.account) == local(&t.account))
    };
    for t in &truth.lures {
        let hit = case.lures.iter().find(|c| same_lure(c, t));
        out.lure_recall.add(hit.is_some());
        match hit {
            None => out
                .missed
                .push(format!("lure {} to {}", t.message_id, t.account)),
            Some(c) => {
                if let (Some(said), Some(was)) = (c.opened, t.opened) {
                    out.lure_opened.add(said == was);
                }
            }
        }
    }
    for c in &case.lures {
        if !truth.lures.iter().any(|t| same_lure(c, t)) {
            out.false_alarms
                .push(format!("lure {} to {}", c.message_id, c.account));
        }
    }
    for t in &truth.lateral {
        let hit = case
            .lateral
            .iter()
            .any(|c| c.to == t.to && (c.port == t.port || t.port == 0));
        out.lateral_recall.add(hit);
        if !hit {
            out.missed
                .push(format!("lateral to {} port {}", t.to, t.port));
        }
    }
    let words = |s: &str| {
        s.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase()
    };
    let said: std::collections::BTreeSet<(String, String)> = case
        .searches
        .iter()
        .map(|s| (local(&s.account), words(&s.query)))
        .collect();
    let mut wanted: std::collections::BTreeSet<(String, String)> = truth
        .sessions
        .iter()
        .filter(|s| s.intruder)
        .flat_map(|s| s.searches.iter().map(|w| (local(&s.account), words(w))))
        .collect();
    if wanted.is_empty() {
        wanted = truth
            .searches
            .iter()
            .map(|w| (String::new(), words(w)))
            .collect();
    }
    for (account, query) in &wanted {
        let hit = if account.is_empty() {
            said.iter().any(|(_, q)| q == query)
        } else {
            said.contains(&(account.clone(), query.clone()))
        };
        out.search_recall.add(hit);
        if !hit {
            out.missed.push(format!("search {query:?} in {account}"));
        }
    }
    let mut taken = read::touched(truth);
    taken.extend(truth.persistence.iter().map(|p| local(&p.account)));
    for a in case.accounts.iter().filter(|a| a.status == "compromised") {
        if !taken.contains(&local(&a.account)) {
            out.false_alarms
                .push(format!("account {} called compromised", a.account));
        }
    }
}
