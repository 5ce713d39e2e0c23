//! `vauban rules`: rule files checked, listed, explained, their examples run.

use crate::args::{Rules, RulesAction, RulesCheck, RulesExplain, RulesList, RulesTest, TextFormat};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vauban_ocsf::{Event, EventSink, Evidence};
use vauban_report::escape::shown;
use vauban_rulebook::{Book, Entry, Kind, Never, Report, RuleFile, Seen, Weight};

/// Runs what is asked.
pub fn run(args: &Rules) -> anyhow::Result<ExitCode> {
    match &args.action {
        None => all(args.dir.as_deref()),
        Some(RulesAction::Check(args)) => check(args),
        Some(RulesAction::List(args)) => list(args),
        Some(RulesAction::Explain(args)) => explain(args),
        Some(RulesAction::Test(args)) => test(args),
    }
}

fn found(something: bool) -> ExitCode {
    ExitCode::from(u8::from(something))
}

/// Files of rules: those given, or else the built-in ones. Correlations of one's own may refer to
/// the built-in building blocks by name, so `with_pack` adds these unless they are given anyway.
fn files(paths: &[PathBuf], with_pack: bool) -> anyhow::Result<Vec<RuleFile>> {
    if paths.is_empty() {
        return Ok(vauban_rulebook::builtin());
    }
    let mut files = Vec::new();
    for path in paths {
        let more = vauban_rulebook::load(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        files.extend(more);
    }
    if !files.iter().any(|f| !f.is_examples()) {
        bail!("no .yml or .yaml files to take rules from");
    }
    if with_pack {
        let own = Book::parse(&files);
        let blocks = vauban_rulebook::builtin()
            .into_iter()
            .filter(|f| f.path.starts_with("building-blocks/"))
            .filter(|f| {
                let block = Book::parse(std::slice::from_ref(f));
                block
                    .entries
                    .iter()
                    .all(|entry| own.find(entry.identity()).is_none())
            });
        files.extend(blocks);
    }
    Ok(files)
}

/// All kinds of rules: sessions, lures, markings, and Sigma.
fn all(dir: Option<&Path>) -> anyhow::Result<ExitCode> {
    let report = vauban_pipeline::check_rules(dir)?;
    let mut sigma = vauban_rulebook::run_examples(&vauban_rulebook::builtin());
    if let Some(own) = dir.map(|dir| dir.join("sigma")).filter(|dir| dir.is_dir()) {
        let more = vauban_rulebook::run_examples(&files(&[own], true)?);
        sigma.rules += more.rules;
        sigma.examples += more.examples;
        sigma.wrong.extend(more.wrong);
    }
    let mut text = format!(
        "{} rules, {} examples run\n{} Sigma rules, {} examples run\n",
        report.rules, report.examples, sigma.rules, sigma.examples
    );
    let wrong: Vec<String> = report.wrong.into_iter().chain(sigma.wrong).collect();
    for wrong in &wrong {
        text.push_str(&format!(
            "comes out otherwise than it says: {}\n",
            shown(wrong, 1000)
        ));
    }
    super::print(&text)?;
    Ok(found(!wrong.is_empty()))
}

fn check(args: &RulesCheck) -> anyhow::Result<ExitCode> {
    let lints: Vec<_> = vauban_rulebook::lint(&files(&args.rules, true)?)
        .into_iter()
        .filter(|lint| args.notes || lint.weight < Weight::Note)
        .collect();
    let text = match args.format {
        TextFormat::Json => {
            let lints: Vec<Value> = lints
                .iter()
                .map(|l| json!({"weight": l.weight.word(), "file": l.file, "text": l.text}))
                .collect();
            format!("{}\n", Value::Array(lints))
        }
        TextFormat::Text => {
            let line = |l: &vauban_rulebook::Lint| {
                let (file, text) = (shown(&l.file, 300), shown(&l.text, 1000));
                format!("{}: {file}: {text}\n", l.weight.word())
            };
            let mut text: String = lints.iter().map(line).collect();
            let count = |weight| lints.iter().filter(|l| l.weight == weight).count();
            text.push_str(&format!(
                "{} errors, {} warnings\n",
                count(Weight::Error),
                count(Weight::Warning)
            ));
            text
        }
    };
    super::print(&text)?;
    Ok(found(lints.iter().any(|l| l.weight < Weight::Note)))
}

fn test(args: &RulesTest) -> anyhow::Result<ExitCode> {
    let Report {
        rules,
        examples,
        wrong,
    } = vauban_rulebook::run_examples(&files(&args.rules, true)?);
    let text = match args.format {
        TextFormat::Json => format!(
            "{}\n",
            json!({"rules": rules, "examples": examples, "wrong": wrong})
        ),
        TextFormat::Text => {
            let mut text = format!("{rules} rules, {examples} examples run\n");
            for wrong in &wrong {
                text.push_str(&format!(
                    "comes out otherwise than it says: {}\n",
                    shown(wrong, 1000)
                ));
            }
            text
        }
    };
    super::print(&text)?;
    Ok(found(!wrong.is_empty()))
}

fn explain(args: &RulesExplain) -> anyhow::Result<ExitCode> {
    let book = Book::parse(&files(&args.rules, true)?);
    let Some(entry) = book.find(&args.rule) else {
        bail!(
            "no rule has the id, name or title “{}”; vauban rules list shows them",
            args.rule
        );
    };
    let words = vauban_rulebook::explain(&book, entry);
    let text: String = words
        .lines()
        .map(|line| format!("{}\n", shown(line, 4000)))
        .collect();
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn list(args: &RulesList) -> anyhow::Result<ExitCode> {
    let book = Book::parse(&files(&args.rules, true)?);
    for problem in &book.problems {
        crate::say(problem);
    }
    let seen = (!args.evidence.is_empty()).then(|| seen(&args.evidence));
    let rows: Vec<(&Entry, Option<Never>)> = book
        .entries
        .iter()
        .map(|entry| {
            let never = seen.as_ref().and_then(|s| s.why_never(&book, entry));
            (entry, never)
        })
        .collect();
    let text = match args.format {
        TextFormat::Json => as_json(&rows, seen.as_ref()),
        TextFormat::Text => match &seen {
            None => rows.iter().map(|(entry, _)| row(entry)).collect(),
            Some(seen) => coverage(&rows, seen),
        },
    };
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn row(entry: &Entry) -> String {
    format!(
        "{:<13} {:<36} {}\n",
        entry.level(),
        shown(entry.identity(), 60),
        shown(entry.title(), 200)
    )
}

/// Reasons with the rules they silence, the commonest first; then what the evidence has.
fn coverage(rows: &[(&Entry, Option<Never>)], seen: &Seen) -> String {
    let mut reasons: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for (entry, never) in rows {
        if let Some(never) = never {
            reasons.entry(never.to_string()).or_default().push(entry);
        }
    }
    let never: usize = reasons.values().map(Vec::len).sum();
    let mut text = format!(
        "{} of {} rules can fire on this evidence.\n",
        rows.len() - never,
        rows.len()
    );
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(reason, entries)| (std::cmp::Reverse(entries.len()), reason.clone()));
    for (reason, entries) in reasons {
        let rules = if entries.len() == 1 { "rule" } else { "rules" };
        text.push_str(&format!(
            "\n{} {rules} can never fire, because: {}\n",
            entries.len(),
            shown(&reason, 300)
        ));
        for entry in entries.iter().take(10) {
            text.push_str(&format!("    {}\n", shown(entry.title(), 200)));
        }
        if entries.len() > 10 {
            text.push_str(&format!("    and {} more\n", entries.len() - 10));
        }
    }
    text.push_str("\nThe evidence has events of (category / product / service):\n");
    for (source, events, _) in seen.sources() {
        let part = |part: &'static str| if part.is_empty() { "–" } else { part };
        text.push_str(&format!(
            "{events:>12}  {} / {} / {}\n",
            part(source.category),
            part(source.product),
            part(source.service)
        ));
    }
    text
}

fn as_json(rows: &[(&Entry, Option<Never>)], seen: Option<&Seen>) -> String {
    let rules: Vec<Value> = rows
        .iter()
        .map(|(entry, never)| {
            let kind = match &entry.kind {
                Kind::Rule(_) => "rule",
                Kind::Correlation(rule) => rule.correlation_type.as_str(),
            };
            let mut rule = json!({
                "id": entry.identity(), "title": entry.title(), "level": entry.level(),
                "type": kind, "file": entry.file,
            });
            if seen.is_some() {
                rule["never"] = never.as_ref().map(ToString::to_string).into();
            }
            rule
        })
        .collect();
    let mut out = json!({ "rules": rules });
    if let Some(seen) = seen {
        out["sources"] = seen
            .sources()
            .map(|(source, events, fields)| {
                json!({
                    "category": source.category, "product": source.product,
                    "service": source.service, "events": events, "fields": fields,
                })
            })
            .collect();
    }
    format!("{out}\n")
}

/// What logsources and fields the evidence has.
fn seen(evidence: &[PathBuf]) -> Seen {
    struct Fold(Seen);
    struct Piece(Seen);
    impl EventSink for Piece {
        fn event(&mut self, event: &Event<'_>) {
            self.0.event(event);
        }
        fn unparsed(&mut self, _: Evidence, _: &'static str) {}
    }
    impl vauban_pipeline::Fold for Fold {
        type Piece = Piece;
        fn piece(&self) -> Piece {
            Piece(Seen::default())
        }
        fn finish(&mut self, piece: Piece) {
            self.0.merge(piece.0);
        }
    }
    let threads = super::threads(None);
    let mut fold = Fold(Seen::default());
    let (_, problems) = vauban_pipeline::scan(evidence, threads, &mut fold, &|_, _, _| {});
    for problem in problems.iter().filter(|p| vauban_pipeline::is_loss(p)) {
        crate::say(&format!("{}: {}", problem.path, problem.what));
    }
    fold.0
}
