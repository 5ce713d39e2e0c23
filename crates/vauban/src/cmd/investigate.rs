//! `vauban investigate`.

use crate::args::{Format, Investigate, Language};
use crate::progress::Progress;
use anyhow::{Context, bail};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use vauban_case::contract::Verdict;
use vauban_evidence::{Problem, Severity};
use vauban_pipeline::{Options, Outcome};
use vauban_report::Lang;

/// Problems that are printed; all of them are in `problems.json`.
const PROBLEMS_SHOWN: usize = 20;

/// Runs.
pub fn run(args: &Investigate) -> anyhow::Result<ExitCode> {
    let lang = match args.lang {
        Language::En => Lang::En,
        Language::Fr => Lang::Fr,
    };
    for path in &args.evidence {
        if let Err(e) = std::fs::symlink_metadata(path) {
            bail!("{}: {e}", path.display());
        }
    }
    let mut advisories = Vec::new();
    for path in &args.advisory {
        let bytes = std::fs::read(path)
            .with_context(|| format!("advisory {} cannot be read", path.display()))?;
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        advisories.push((name, bytes));
    }
    if let Some(dir) = &args.out {
        prepare(dir, args)?;
    }
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .max(1);
    let options = Options {
        evidence: args.evidence.clone(),
        advisories,
        rules: args.rules.clone(),
        events: args
            .out
            .as_ref()
            .filter(|_| !args.no_events)
            .map(|dir| dir.join("events")),
        threads,
    };
    let progress = Progress::new(args.quiet);
    let outcome = vauban_pipeline::investigate(&options, &|stage, done, total| {
        progress.tell(stage, done, total);
    })?;
    progress.done();
    if let Some(dir) = &args.out {
        write(dir, &outcome, lang)
            .with_context(|| format!("cannot write the report into {}", dir.display()))?;
    }
    if !args.quiet {
        problems(&outcome.problems);
    }
    print(args, &outcome, lang)?;
    if outcome.nothing_useful {
        eprintln!("vauban: no log, mail store or webmail trace was recognised in the evidence");
        return Ok(ExitCode::from(2));
    }
    Ok(match outcome.case.verdict {
        Verdict::NoEvidenceOfBreach => ExitCode::SUCCESS,
        Verdict::Breached | Verdict::Inconclusive => ExitCode::from(1),
    })
}

/// Makes the report directory. It may not stand inside the evidence, which is never written to.
fn prepare(dir: &Path, args: &Investigate) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let real = dir.canonicalize()?;
    for path in &args.evidence {
        if let Ok(evidence) = path.canonicalize()
            && real.starts_with(&evidence)
        {
            bail!(
                "{} stands inside the evidence, which is never written to",
                dir.display()
            );
        }
    }
    let empty = std::fs::read_dir(dir)?.next().is_none();
    if !empty && !args.force {
        bail!(
            "{} is not empty (use --force to write into it)",
            dir.display()
        );
    }
    Ok(())
}

/// Writes everything that is handed on.
fn write(dir: &Path, outcome: &Outcome, lang: Lang) -> anyhow::Result<()> {
    let case = &outcome.case;
    let put = |name: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())
    };
    put("case.json", json(case)?.as_bytes())?;
    put("manifest.json", json(&outcome.manifest)?.as_bytes())?;
    put("problems.json", json(&outcome.problems)?.as_bytes())?;
    put(
        "report.html",
        vauban_report::html::render(case, lang).as_bytes(),
    )?;
    put("report.pdf", &vauban_report::pdf::render(case, lang))?;
    put("ledger.csv", &vauban_report::csv::ledger(case, lang))?;
    put("timeline.csv", &vauban_report::csv::timeline(case, lang))?;
    put(
        "case.stix.json",
        json(&vauban_report::stix::bundle(case))?.as_bytes(),
    )?;
    if vauban_report::notify::applies(case) {
        use vauban_report::notify;
        for (name, draft) in [
            ("gdpr-art33", notify::gdpr_art33(case, lang)),
            (
                "nis2-early-warning-24h",
                notify::nis2_early_warning(case, lang),
            ),
            (
                "nis2-notification-72h",
                notify::nis2_notification(case, lang),
            ),
            ("nis2-final-1-month", notify::nis2_final(case, lang)),
        ] {
            put(
                &format!("notifications/{name}.md"),
                draft.markdown().as_bytes(),
            )?;
            put(
                &format!("notifications/{name}.html"),
                draft.html().as_bytes(),
            )?;
        }
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

fn print(args: &Investigate, outcome: &Outcome, lang: Lang) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let text = match args.format {
        Format::Json => json(&outcome.case)?,
        Format::Text => {
            let terminal = std::io::stdout().is_terminal();
            let colour = terminal && std::env::var_os("NO_COLOR").is_none();
            let mut text = vauban_report::terminal::summary(&outcome.case, lang, 100, colour);
            if let Some(dir) = &args.out {
                text.push_str(&format!("\n{}\n", dir.join("report.html").display()));
            }
            text
        }
    };
    match out.write_all(text.as_bytes()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn problems(all: &[Problem]) {
    let worth: Vec<&Problem> = all
        .iter()
        .filter(|p| p.severity != Severity::Note)
        .collect();
    for p in worth.iter().take(PROBLEMS_SHOWN) {
        eprintln!("{}", vauban_report::escape::shown(&p.to_string(), 500));
    }
    if worth.len() > PROBLEMS_SHOWN {
        eprintln!(
            "… and {} more (problems.json in the report directory)",
            worth.len() - PROBLEMS_SHOWN
        );
    }
}
