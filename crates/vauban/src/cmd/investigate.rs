//! `vauban investigate`.

use crate::args::{Format, Investigate, Language};
use crate::progress::Progress;
use anyhow::{Context, bail};
use std::io::{IsTerminal, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use vauban_case::contract::Verdict;
use vauban_evidence::{Problem, Severity};
use vauban_pipeline::{Options, Outcome};
use vauban_report::Lang;

/// Problems that are printed; all of them are in `problems.json`.
const PROBLEMS_SHOWN: usize = 20;
/// Bytes of an advisory. The largest feeds of years are some tens of megabytes.
const ADVISORY: u64 = 256 << 20;
/// What stands in a report directory.
const FILES: [&str; 8] = [
    "case.json",
    "manifest.json",
    "problems.json",
    "report.html",
    "report.pdf",
    "ledger.csv",
    "timeline.csv",
    "case.stix.json",
];
/// Drafts in it, as Markdown and HTML.
const DRAFTS: [&str; 4] = [
    "gdpr-art33",
    "nis2-early-warning-24h",
    "nis2-notification-72h",
    "nis2-final-1-month",
];
const NOTIFICATIONS: &str = "notifications";
const EVENTS: &str = "events";

/// Runs.
pub fn run(args: &Investigate) -> anyhow::Result<ExitCode> {
    let lang = match args.lang {
        Language::En => Lang::En,
        Language::Fr => Lang::Fr,
    };
    super::must_exist(&args.evidence)?;
    let mut advisories = Vec::new();
    for path in &args.advisory {
        let bytes = advisory(path)
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
    let threads = super::threads(args.threads);
    let options = Options {
        evidence: args.evidence.clone(),
        advisories,
        rules: args.rules.clone(),
        events: args
            .out
            .as_ref()
            .filter(|_| !args.no_events)
            .map(|dir| dir.join(EVENTS)),
        threads,
        scratch: args.scratch.clone(),
    };
    let progress = Progress::new(args.quiet);
    let outcome = vauban_pipeline::investigate(&options, &|stage, done, total| {
        progress.tell(stage, done, total);
    });
    progress.done();
    let outcome = outcome?;
    if let Some(dir) = &args.out {
        remove_report(dir, args.no_events)
            .and_then(|()| write(dir, &outcome, lang))
            .with_context(|| format!("cannot write the report into {}", dir.display()))?;
    }
    if !args.quiet {
        problems(&outcome.problems);
    }
    if outcome.nothing_useful {
        let files = outcome.manifest.artefacts.len();
        bail!(
            "no log, mail store or webmail trace was recognised in the evidence ({files} {} looked \
             at); give /var/log, the mail store, /etc, the webmail's database",
            if files == 1 { "file" } else { "files" }
        );
    }
    print(args, &outcome, lang)?;
    Ok(match outcome.case.verdict {
        Verdict::NoEvidenceOfBreach => ExitCode::SUCCESS,
        Verdict::Breached | Verdict::Inconclusive => ExitCode::from(1),
    })
}

/// An advisory's bytes.
pub(super) fn advisory(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(ADVISORY + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > ADVISORY {
        bail!("it is larger than {} MiB", ADVISORY >> 20);
    }
    Ok(bytes)
}

/// Makes the report directory. It may not stand inside the evidence, which is never written to:
/// that is found out before anything is made.
fn prepare(dir: &Path, args: &Investigate) -> anyhow::Result<()> {
    let real = resolved(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for path in &args.evidence {
        let Ok(evidence) = path.canonicalize() else {
            continue;
        };
        if real.starts_with(&evidence) {
            bail!(
                "{} stands inside the evidence, which is never written to",
                dir.display()
            );
        }
        let first = evidence.strip_prefix(&real).ok().map(Path::components);
        if let Some(Component::Normal(name)) = first.and_then(|mut c| c.next())
            && FILES
                .iter()
                .chain(&[NOTIFICATIONS, EVENTS])
                .any(|w| name == *w)
        {
            bail!("{} would be overwritten by the report", path.display());
        }
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let empty = std::fs::read_dir(dir)?.next().is_none();
    if !empty && !args.force {
        bail!(
            "{} is not empty (use --force to write into it)",
            dir.display()
        );
    }
    Ok(())
}

/// Removes an earlier report: a draft or a file of events that the new one does not replace would
/// pass for part of it. Nothing else in the directory is touched.
fn remove_report(dir: &Path, events: bool) -> anyhow::Result<()> {
    let files = FILES.map(PathBuf::from).into_iter();
    let drafts = DRAFTS.iter().flat_map(|draft| {
        ["md", "html"].map(|kind| Path::new(NOTIFICATIONS).join(format!("{draft}.{kind}")))
    });
    let events = vauban_pipeline::event_files()
        .filter(|_| events)
        .map(|name| Path::new(EVENTS).join(name));
    for path in files.chain(drafts).chain(events) {
        let path = dir.join(path);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(e).with_context(|| path.display().to_string());
            }
            _ => {}
        }
    }
    Ok(())
}

/// The path without links, of a directory that may not be there yet.
fn resolved(dir: &Path) -> std::io::Result<PathBuf> {
    let mut there = std::path::absolute(dir)?;
    let mut missing = Vec::new();
    loop {
        match there.canonicalize() {
            Ok(real) => return Ok(real.join(missing.iter().rev().collect::<PathBuf>())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                // `..` below a directory that is not there has no name and no meaning.
                let Some(name) = there.file_name() else {
                    return Err(e);
                };
                missing.push(name.to_owned());
                there.pop();
            }
            Err(e) => return Err(e),
        }
    }
}

/// Writes everything that is handed on.
fn write(dir: &Path, outcome: &Outcome, lang: Lang) -> anyhow::Result<()> {
    let case = &outcome.case;
    let put = |name: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let path = dir.join(name);
        replace(&path, bytes).with_context(|| path.display().to_string())
    };
    put("case.json", json(case)?.as_bytes())?;
    put("manifest.json", json(&outcome.manifest)?.as_bytes())?;
    put("problems.json", json(&outcome.problems)?.as_bytes())?;
    if outcome.nothing_useful {
        return Ok(());
    }
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
        let drafts = [
            notify::gdpr_art33(case, lang),
            notify::nis2_early_warning(case, lang),
            notify::nis2_notification(case, lang),
            notify::nis2_final(case, lang),
        ];
        for (name, draft) in DRAFTS.iter().zip(drafts) {
            let name = format!("{NOTIFICATIONS}/{name}");
            put(&format!("{name}.md"), draft.markdown().as_bytes())?;
            put(&format!("{name}.html"), draft.html().as_bytes())?;
        }
    }
    Ok(())
}

/// Writes a file whole or not at all. A link that stands in its place is replaced, not followed.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let part = path.with_added_extension("part");
    match std::fs::remove_file(&part) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    std::fs::File::create_new(&part)?.write_all(bytes)?;
    std::fs::rename(&part, path)
}

/// JSON for programs that people look at too (`--format json`, `cat`): what acts on a terminal or
/// turns text round is written as `\uNNNN`, which is the same string to every parser.
fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let plain = serde_json::to_string_pretty(value)?;
    let mut text = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        // The line ends of the layout are the only ones left: those in strings are escaped.
        if c != '\n' && vauban_report::escape::is_deceptive(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(c);
        }
    }
    text.push('\n');
    Ok(text)
}

fn print(args: &Investigate, outcome: &Outcome, lang: Lang) -> anyhow::Result<()> {
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
    Ok(super::print(&text)?)
}

pub(super) fn problems(all: &[Problem]) {
    let worth: Vec<&Problem> = all
        .iter()
        .filter(|p| p.severity != Severity::Note)
        .collect();
    for p in worth.iter().take(PROBLEMS_SHOWN) {
        crate::say(&p.to_string());
    }
    if worth.len() > PROBLEMS_SHOWN {
        crate::say(&format!(
            "… and {} more (problems.json in the report directory)",
            worth.len() - PROBLEMS_SHOWN
        ));
    }
}
