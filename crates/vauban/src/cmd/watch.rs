//! `vauban watch`: detections without end.

use anyhow::anyhow;
use clap::{Args, ValueHint};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use vauban_watch::{Done, Mode};

/// `vauban watch`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
The configuration is described in docs/WATCH.md; packaging/systemd/vauban-watch.service runs it.\n\n\
Exit status: 0 ended as told, nothing found; 1 found; 2 could not run.\n\n\
Examples:\n  \
vauban watch --config /etc/vauban/watch.toml --check\n  \
vauban watch --config /etc/vauban/watch.toml"
)]
pub struct Watch {
    /// What is watched, with what, and who is told.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// Judge what is there, deliver what is found, and end.
    #[arg(long, conflicts_with = "check")]
    pub once: bool,
    /// Only say whether the configuration can be used.
    #[arg(long)]
    pub check: bool,
}

/// Watches.
pub fn run(args: &Watch) -> anyhow::Result<ExitCode> {
    let mode = match (args.once, args.check) {
        (true, _) => Mode::Once,
        (_, true) => Mode::Check,
        _ => Mode::Watch,
    };
    let done = vauban_watch::command(&args.config, mode, Arc::new(crate::say))
        .map_err(|why| anyhow!(why))?;
    match done {
        Done::Checked(text) => {
            super::print(&format!("{text}\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Done::Watched(found, text) => {
            crate::say(&text);
            Ok(ExitCode::from(u8::from(found)))
        }
    }
}
