//! `vauban hunt EVIDENCE…`: findings over logs, mail and files, printed as they are made.

use super::investigate::{advisory, problems};
use crate::args::{Hunt, HuntFormat, HuntLevel};
use crate::progress::Progress;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use vauban_ocsf::{Finding, Level, Place, Timestamp};
use vauban_pipeline::Options;

/// Findings of one rule that text shows; of the others it says how many.
const SHOWN: u64 = 5;
/// Places of a finding that text shows.
const PLACES: usize = 3;

/// Hunts over evidence.
pub fn run(args: &Hunt) -> anyhow::Result<ExitCode> {
    super::must_exist(&args.evidence)?;
    let mut documents = Vec::new();
    for path in &args.indicators {
        let bytes = advisory(path).with_context(|| format!("{} cannot be read", path.display()))?;
        documents.push((path.display().to_string(), bytes));
    }
    let hunt = vauban_pipeline::Hunt {
        engine: Arc::new(super::hunt::engine(args)?),
        level: level(args.level),
    };
    let options = Options {
        evidence: args.evidence.clone(),
        advisories: documents,
        rules: None,
        events: None,
        threads: super::threads(args.threads),
        scratch: None,
    };
    let progress = Progress::new(args.quiet);
    let mut out = Output::new(args.format);
    let outcome = vauban_pipeline::hunt(
        &options,
        &hunt,
        &|stage, done, total| progress.tell(stage, done, total),
        &mut |finding| progress.aside(|| out.finding(&finding)),
    );
    progress.done();
    let outcome = outcome?;
    if !args.quiet {
        problems(&outcome.problems);
    }
    let found = out.found();
    if let Err(e) = out.end()
        && e.kind() != ErrorKind::BrokenPipe
    {
        bail!("cannot write: {e}");
    }
    if outcome.nothing_useful && !found {
        bail!("no log, mail store or webmail trace was recognised in the evidence");
    }
    Ok(ExitCode::from(u8::from(found)))
}

fn level(level: HuntLevel) -> Level {
    match level {
        HuntLevel::Informational => Level::Informational,
        HuntLevel::Low => Level::Low,
        HuntLevel::Medium => Level::Medium,
        HuntLevel::High => Level::High,
        HuntLevel::Critical => Level::Critical,
    }
}

/// Findings of one rule.
struct Count {
    level: Level,
    title: String,
    findings: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

struct Output {
    format: HuntFormat,
    out: BufWriter<io::Stdout>,
    failed: Option<io::Error>,
    counts: BTreeMap<String, Count>,
    /// For SARIF.
    results: Vec<Value>,
    now: Timestamp,
}

impl Output {
    fn new(format: HuntFormat) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.map_or(0, |d| d.as_secs());
        Self {
            format,
            out: BufWriter::new(io::stdout()),
            failed: None,
            counts: BTreeMap::new(),
            results: Vec::new(),
            now: Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(0)),
        }
    }

    fn found(&self) -> bool {
        !self.counts.is_empty()
    }

    fn finding(&mut self, finding: &Finding) {
        let count = self
            .counts
            .entry(finding.rule.clone())
            .or_insert_with(|| Count {
                level: finding.level,
                title: finding.title.clone(),
                findings: 0,
                first: finding.first,
                last: finding.last,
            });
        count.findings += 1;
        count.level = count.level.max(finding.level);
        count.first = match (count.first, finding.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        count.last = count.last.max(finding.last);
        let number = count.findings;
        let written = match self.format {
            HuntFormat::Jsonl => {
                writeln!(self.out, "{}", finding.to_ocsf(self.now)).and_then(|()| self.out.flush())
            }
            HuntFormat::Text if number <= SHOWN => text(&mut self.out, finding),
            HuntFormat::Text | HuntFormat::Table => Ok(()),
            HuntFormat::Sarif => {
                self.results.push(sarif(finding));
                Ok(())
            }
        };
        if let Err(e) = written {
            self.failed.get_or_insert(e);
        }
    }

    fn end(mut self) -> io::Result<()> {
        if let Some(e) = self.failed.take() {
            return Err(e);
        }
        match self.format {
            HuntFormat::Jsonl => {}
            HuntFormat::Text | HuntFormat::Table => self.table()?,
            HuntFormat::Sarif => self.sarif()?,
        }
        self.out.flush()
    }

    fn table(&mut self) -> io::Result<()> {
        if self.counts.is_empty() {
            return writeln!(self.out, "Nothing found at this level.");
        }
        if self.format == HuntFormat::Text {
            writeln!(self.out)?;
        }
        writeln!(
            self.out,
            "{:>8}  {:13}  {:20}  {:20}  RULE",
            "FINDINGS", "LEVEL", "FIRST", "LAST"
        )?;
        let mut rows: Vec<&Count> = self.counts.values().collect();
        rows.sort_by(|a, b| (b.level, &a.title).cmp(&(a.level, &b.title)));
        for c in rows {
            writeln!(
                self.out,
                "{:>8}  {:13}  {:20}  {:20}  {}",
                c.findings,
                c.level.caption().to_lowercase(),
                instant(c.first),
                instant(c.last),
                vauban_report::escape::shown(&c.title, 120),
            )?;
        }
        Ok(())
    }

    fn sarif(&mut self) -> io::Result<()> {
        let rules: Vec<Value> = self
            .counts
            .iter()
            .map(|(id, c)| json!({"id": id, "shortDescription": {"text": c.title}}))
            .collect();
        let results = std::mem::take(&mut self.results);
        writeln!(self.out, "{}", super::sarif::log(rules, results))
    }
}

/// Whole seconds, as a table shows them.
fn instant(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || "-".to_string(),
        |t| Timestamp::from_seconds(t.seconds()).to_string(),
    )
}

fn text(out: &mut impl Write, f: &Finding) -> io::Result<()> {
    use vauban_report::escape::shown;
    writeln!(
        out,
        "{:8} {:20} {}",
        f.level.caption().to_uppercase(),
        instant(f.first),
        shown(&f.title, 200)
    )?;
    let about: Vec<String> = f
        .observables
        .iter()
        .map(|o| format!("{} {}", o.name, o.value))
        .collect();
    if !about.is_empty() {
        writeln!(out, "         {}", shown(&about.join(", "), 200))?;
    }
    if !f.reason.is_empty() && f.reason != f.title {
        writeln!(out, "         {}", shown(&f.reason, 400))?;
    }
    for p in f.places.iter().take(PLACES) {
        let line = p
            .line
            .map_or(format!("byte {}", p.offset), |l| format!("line {l}"));
        writeln!(
            out,
            "         {}, {line}: {}",
            shown(&p.artefact, 120),
            shown(&p.excerpt, 160)
        )?;
    }
    if f.places.len() > PLACES {
        writeln!(
            out,
            "         … and {} more places",
            f.places.len() - PLACES
        )?;
    }
    if !f.next.is_empty() {
        let next: Vec<&str> = f.next.split_whitespace().collect();
        writeln!(out, "         Next: {}", shown(&next.join(" "), 300))?;
    }
    out.flush()
}

fn sarif(f: &Finding) -> Value {
    let locations: Vec<Value> = f.places.iter().map(location).collect();
    json!({
        "ruleId": f.rule,
        "level": super::sarif::level(f.level),
        "message": {"text": if f.reason.is_empty() { &f.title } else { &f.reason }},
        "locations": locations,
        "fingerprints": {"vauban/v1": f.uid()},
    })
}

fn location(p: &Place) -> Value {
    let mut region = json!({"byteOffset": p.offset, "byteLength": p.length});
    if let Some(line) = p.line {
        region["startLine"] = line.into();
    }
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&p.artefact)},
        "region": region,
    }})
}

/// A relative URI reference (RFC 3986): what may not stand in a path is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for b in path.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'!' => {
                out.push(char::from(b));
            }
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(
            uri("a.tar.gz!var/log/été 1"),
            "a.tar.gz!var/log/%C3%A9t%C3%A9%201"
        );
    }
}
