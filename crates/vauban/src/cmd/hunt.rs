//! `vauban hunt`: over evidence (`hunt_evidence`), or Sigma rules over JSON events.

use crate::args::{Hunt, HuntFormat};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use vauban_detect::{
    CorrelationMatch, CorrelatorOptions, Engine, Level, LoadProblem, Options, Refire, RuleInfo,
    RuleSet, Told, scan_lines,
};
use vauban_rulebook::RuleFile;

/// Hunts.
pub fn run(args: &Hunt) -> anyhow::Result<ExitCode> {
    let Some(events) = &args.events else {
        return super::hunt_evidence::run(args);
    };
    let engine = Arc::new(engine(args)?);
    let threads = super::threads(args.threads);
    let name = events.display();
    let input: Box<dyn io::Read> = if events == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(events).with_context(|| format!("cannot read {name}"))?)
    };
    let options = CorrelatorOptions {
        refire: if args.once {
            Refire::Once
        } else {
            Refire::Always
        },
        ..CorrelatorOptions::default()
    };
    let mut out = Output::new(&engine, args.format);
    let mut found = false;
    let totals = scan_lines(input, &engine, threads, options, |told| {
        let written = match &told {
            Told::Match { event, found: m } => {
                if !m.reported {
                    return ControlFlow::Continue(());
                }
                found = true;
                out.rule(m.rule.0 as usize, *event)
            }
            Told::Correlation { event, found: c } => {
                if !c.reported {
                    return ControlFlow::Continue(());
                }
                found = true;
                out.correlation(c, *event)
            }
            Told::Bad {
                line,
                offset,
                reason,
            } => {
                if !args.quiet {
                    crate::say(&format!("{name}: line {line}, byte {offset}: {reason}"));
                }
                Ok(())
            }
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                out.failed = Some(e);
                ControlFlow::Break(())
            }
        }
    })
    .with_context(|| format!("cannot read {name}"))?;
    if let Err(e) = out.end()
        && e.kind() != ErrorKind::BrokenPipe
    {
        bail!("cannot write: {e}");
    }
    for (count, what) in [
        (totals.bad, "lines of {} events are no JSON objects"),
        (
            totals.timeless,
            "matches were not correlated: their event has no time",
        ),
        (
            totals.late,
            "matches were not correlated: they came too late",
        ),
    ] {
        if count > 0 && !args.quiet {
            let what = what.replace("{}", &totals.events.to_string());
            crate::say(&format!("{name}: {count} {what}"));
        }
    }
    Ok(ExitCode::from(u8::from(found)))
}

/// Reads and compiles the rules, and says what could not be used.
pub(super) fn engine(args: &Hunt) -> anyhow::Result<Engine> {
    let mut files = Vec::new();
    for path in &args.rules {
        rule_files(path, &mut files).with_context(|| format!("cannot read {}", path.display()))?;
    }
    if files.is_empty() && !args.rules.is_empty() {
        bail!("no .yml or .yaml files to take rules from");
    }
    let mut contents = Vec::new();
    if args.events.is_none() || args.rules.is_empty() {
        contents.extend(
            vauban_rulebook::builtin()
                .into_iter()
                .filter_map(RuleFile::into_rules)
                .map(|(path, text)| (path, text.into_bytes())),
        );
    }
    for path in files {
        let content =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        contents.push((path.display().to_string(), content));
    }
    let mut options = Options {
        routing: !args.no_routing,
        ..Options::default()
    };
    for given in &args.placeholder {
        let Some((name, value)) = given.split_once('=') else {
            bail!("--placeholder {given}: expected NAME=VALUE");
        };
        let name = name.trim_matches('%').to_owned();
        let values: &mut Vec<String> = options.placeholders.entry(name).or_default();
        values.push(value.to_owned());
    }
    let (set, mut problems) = RuleSet::load(contents);
    let (engine, more) = Engine::compile(&set, options);
    problems.extend(more);
    if !args.quiet {
        say_problems(&problems);
    }
    if engine.rules().is_empty() {
        bail!("none of the files holds a rule that can be used");
    }
    Ok(engine)
}

fn say_problems(problems: &[LoadProblem]) {
    const MOST: usize = 50;
    for problem in problems.iter().take(MOST) {
        crate::say(&problem.to_string());
    }
    if let Some(more) = problems.len().checked_sub(MOST).filter(|n| *n > 0) {
        crate::say(&format!("and {more} more problems in rule files"));
    }
}

/// Files below `path` that may hold rules, in the order of their names.
fn rule_files(path: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_file() {
        out.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<_> = std::fs::read_dir(path)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            rule_files(&path, out)?;
        } else if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("yml") || e.eq_ignore_ascii_case("yaml"))
        {
            out.push(path);
        }
    }
    Ok(())
}

/// What is printed, and in which form.
struct Output<'a> {
    engine: &'a Engine,
    format: HuntFormat,
    out: BufWriter<io::Stdout>,
    failed: Option<io::Error>,
    /// How each rule's line begins.
    heads: Vec<String>,
    /// Level, title, identity → events, for the table.
    counts: BTreeMap<(u8, String, String), (u64, u64)>,
    /// For SARIF.
    results: Vec<Value>,
}

impl<'a> Output<'a> {
    fn new(engine: &'a Engine, format: HuntFormat) -> Self {
        Self {
            engine,
            format,
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
            failed: None,
            heads: engine.rules().iter().map(head).collect(),
            counts: BTreeMap::new(),
            results: Vec::new(),
        }
    }

    fn rule(&mut self, rule: usize, event: u64) -> io::Result<()> {
        let Some(info) = self.engine.rules().get(rule) else {
            return Ok(());
        };
        match self.format {
            HuntFormat::Jsonl => {
                let head = self.heads.get(rule).map_or("", String::as_str);
                writeln!(self.out, "{head}{event},\"correlation\":null}}")
            }
            HuntFormat::Text => self.line(info, event, ""),
            HuntFormat::Table => self.count(info, event),
            HuntFormat::Sarif => {
                self.result(info, event, &[event]);
                Ok(())
            }
        }
    }

    fn correlation(&mut self, found: &CorrelationMatch, event: u64) -> io::Result<()> {
        let Some(info) = self.engine.correlation(found.correlation) else {
            return Ok(());
        };
        match self.format {
            HuntFormat::Jsonl => {
                let group: serde_json::Map<String, Value> = found
                    .group
                    .iter()
                    .map(|(name, value)| (name.clone(), json!(value)))
                    .collect();
                let correlation = json!({
                    "type": self.engine.correlation_type(found.correlation),
                    "group_by": group,
                    "value": found.value,
                    "events": found.events,
                    "first": found.first.to_string(),
                    "last": found.last.to_string(),
                });
                let head = head(info);
                writeln!(self.out, "{head}{event},\"correlation\":{correlation}}}")
            }
            HuntFormat::Text => {
                let mut more = format!(" [{} events", found.events.len());
                for (name, value) in &found.group {
                    more.push_str(&format!(", {name}: {}", value.as_deref().unwrap_or("none")));
                }
                more.push(']');
                self.line(info, event, &more)
            }
            HuntFormat::Table => self.count(info, event),
            HuntFormat::Sarif => {
                self.result(info, event, &found.events);
                Ok(())
            }
        }
    }

    fn line(&mut self, info: &RuleInfo, event: u64, more: &str) -> io::Result<()> {
        let text = format!("event {event}: {}: {}{more}", level(info), info.title);
        writeln!(self.out, "{}", vauban_report::escape::shown(&text, 1000))
    }

    fn count(&mut self, info: &RuleInfo, event: u64) -> io::Result<()> {
        let rank = info.level.map_or(0, Level::id);
        let key = (
            u8::MAX - rank,
            info.title.clone(),
            info.identity().to_owned(),
        );
        let entry = self.counts.entry(key).or_insert((0, event));
        entry.0 += 1;
        Ok(())
    }

    fn result(&mut self, info: &RuleInfo, event: u64, events: &[u64]) {
        let severity = super::sarif::level(info.level.unwrap_or_default());
        let locations: Vec<Value> = events
            .iter()
            .map(|e| json!({"logicalLocations": [{"name": format!("event {e}"), "index": e}]}))
            .collect();
        self.results.push(json!({
            "ruleId": info.identity(),
            "level": severity,
            "message": {"text": format!("{} (event {event})", info.title)},
            "locations": locations,
        }));
    }

    fn end(mut self) -> io::Result<()> {
        if let Some(e) = self.failed.take() {
            return Err(e);
        }
        match self.format {
            HuntFormat::Table => {
                writeln!(
                    self.out,
                    "{:>9}  {:>9}  {:13}  RULE",
                    "MATCHES", "FIRST", "LEVEL"
                )?;
                for ((rank, title, _), (count, first)) in &self.counts {
                    let level = LEVELS[usize::from(u8::MAX - rank).min(5)];
                    let title = vauban_report::escape::shown(title, 200);
                    writeln!(self.out, "{count:>9}  {first:>9}  {level:13}  {title}")?;
                }
            }
            HuntFormat::Sarif => {
                let mut used: Vec<&RuleInfo> = Vec::new();
                let mut ids = std::collections::BTreeSet::new();
                let correlations = (0..self.engine.correlation_count() as u32)
                    .filter_map(|i| self.engine.correlation(vauban_detect::CorrelationId(i)));
                let seen: std::collections::BTreeSet<&str> = self
                    .results
                    .iter()
                    .filter_map(|r| r["ruleId"].as_str())
                    .collect();
                for info in self.engine.rules().iter().chain(correlations) {
                    if seen.contains(info.identity()) && ids.insert(info.identity()) {
                        used.push(info);
                    }
                }
                let rules: Vec<Value> = used
                    .iter()
                    .map(|info| {
                        json!({
                            "id": info.identity(),
                            "name": info.title,
                            "shortDescription": {"text": info.title},
                            "fullDescription": {"text": info.description},
                            "helpUri": info.references.first(),
                            "properties": {"tags": info.tags},
                        })
                    })
                    .collect();
                let results = std::mem::take(&mut self.results);
                writeln!(self.out, "{}", super::sarif::log(rules, results))?;
            }
            HuntFormat::Jsonl | HuntFormat::Text => {}
        }
        self.out.flush()
    }
}

const LEVELS: [&str; 6] = ["-", "informational", "low", "medium", "high", "critical"];

fn level(info: &RuleInfo) -> &'static str {
    LEVELS[usize::from(info.level.map_or(0, Level::id)).min(5)]
}

/// `{"rule_id":…,"rule_title":…,"level":…,"event_index":`, to which the number is added.
fn head(info: &RuleInfo) -> String {
    let level = info.level.map(|_| level(info));
    format!(
        "{{\"rule_id\":{},\"rule_title\":{},\"level\":{},\"event_index\":",
        json!(info.identity()),
        json!(info.title),
        json!(level),
    )
}
