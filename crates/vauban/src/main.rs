//! The `vauban` command: arguments, progress, exit codes. One file per command under `cmd`; no
//! logic here.
//!
//! Exit codes: 0 nothing found, 1 found (or not settled), 2 could not run.

mod args;
mod cmd;
mod progress;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let result = match cli.command {
        args::Command::Investigate(a) => cmd::investigate::run(&a),
        args::Command::Hunt(a) => cmd::hunt::run(&a),
        args::Command::Watch(a) => cmd::watch::run(&a),
        args::Command::Rules(a) => cmd::rules::run(&a),
        args::Command::Man(a) => cmd::man::run(&a),
        args::Command::Completions(a) => cmd::completions::run(&a),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // Names of files may stand in it, and a name can hold what a terminal acts on.
            format!("vauban: {error:#}").lines().for_each(say);
            ExitCode::from(2)
        }
    }
}

/// One line for a person, on standard error, made harmless. A reader who closed it does not end us.
fn say(line: &str) {
    use std::io::Write;
    let line = vauban_report::escape::shown(line, 1000);
    let _ = writeln!(std::io::stderr(), "{line}");
}
