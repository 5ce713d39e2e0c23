//! `vauban man`: for packages.
//!
//! Names, options and texts come from the arguments' own definition; sections that man-pages(7)
//! wants and a help text has not are added here.

use crate::args::{self, Cli, Out};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::io::Write;
use std::process::ExitCode;

/// Writes `vauban.1` and a page for each command that is not hidden.
pub fn run(args: &Out) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&args.dir)?;
    // `vauban help` has no page.
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    write(&args.dir, &cli)?;
    for command in cli.get_subcommands() {
        if !command.is_hide_set() {
            write(&args.dir, command)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write(dir: &std::path::Path, command: &Command) -> anyhow::Result<()> {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
        .to_string();
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    // No date: the same program gives the same page.
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        page,
        ".TH {} 1 \"\" \"vauban {version}\" \"User Commands\"",
        name.to_uppercase()
    )?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    match name.as_str() {
        "vauban" => {
            section(
                &mut page,
                "EXIT STATUS",
                &["0 nothing found; 1 found, or not settled; 2 could not run."],
            )?;
            see_also(
                &mut page,
                &[
                    "vauban-hunt",
                    "vauban-investigate",
                    "vauban-rules",
                    "vauban-watch",
                ],
            )?;
        }
        "vauban-investigate" => {
            section(&mut page, "EVIDENCE", &[args::EVIDENCE])?;
            section(&mut page, "EXIT STATUS", &[args::EXIT_STATUS])?;
            files(&mut page)?;
            writeln!(page, ".SH EXAMPLES")?;
            for example in args::EXAMPLES {
                writeln!(page, ".PP\n.EX\n{}\n.EE", roff(example))?;
            }
            see_also(&mut page, &["vauban", "vauban-rules"])?;
        }
        _ => {
            if let Some(text) = command.get_after_help() {
                let text = text.to_string();
                let status = text.strip_prefix("Exit status: ").unwrap_or(&text);
                section(&mut page, "EXIT STATUS", &[status])?;
            }
            see_also(&mut page, &["vauban", "vauban-investigate"])?;
        }
    }
    // clap_mangen has no dots for an argument that may be repeated.
    let page = String::from_utf8(page)?.replace("<\\fIEVIDENCE\\fR>", "<\\fIEVIDENCE\\fR>...");
    std::fs::write(dir.join(format!("{name}.1")), page)?;
    Ok(())
}

fn section(page: &mut Vec<u8>, title: &str, paragraphs: &[&str]) -> std::io::Result<()> {
    writeln!(page, ".SH \"{title}\"")?;
    for text in paragraphs {
        writeln!(page, ".PP\n{}", roff(text))?;
    }
    Ok(())
}

/// What stands in the report directory.
fn files(page: &mut Vec<u8>) -> std::io::Result<()> {
    writeln!(
        page,
        ".SH FILES\n.PP\nIn the directory that \\fB\\-\\-out\\fR names:"
    )?;
    for (name, what) in [
        (
            "report.html",
            "to read: timeline, who read what, ledger, every claim with its evidence",
        ),
        ("report.pdf", "to hand on"),
        (
            "case.json",
            "the whole case, for programs; docs/case.schema.json describes it",
        ),
        ("ledger.csv, timeline.csv", "for spreadsheets"),
        (
            "case.stix.json",
            "indicators and what was seen of them, as a STIX 2.1 bundle",
        ),
        (
            "events/*.parquet",
            "every event that was read, one file for each OCSF class",
        ),
        (
            "notifications/",
            "drafts under GDPR art. 33 and NIS2 art. 23, if there is something to notify",
        ),
        (
            "manifest.json",
            "every file that was read, with its SHA-256",
        ),
        (
            "problems.json",
            "what could not be read, with file and offset",
        ),
    ] {
        writeln!(page, ".TP\n\\fI{}\\fR\n{}", roff(name), roff(what))?;
    }
    Ok(())
}

fn see_also(page: &mut Vec<u8>, pages: &[&str]) -> std::io::Result<()> {
    let pages: Vec<String> = pages
        .iter()
        .map(|p| format!("\\fB{}\\fR(1)", roff(p)))
        .collect();
    writeln!(page, ".SH \"SEE ALSO\"\n.PP\n{}", pages.join(", "))
}

/// Text as roff has it (groff(7)): backslashes and hyphens escaped, no dot or quote at the
/// beginning of a line.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}
