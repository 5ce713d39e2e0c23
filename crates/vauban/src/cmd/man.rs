//! `vauban man`: for packages.

use crate::args::{Cli, Out};
use clap::CommandFactory;
use std::process::ExitCode;

/// Writes `vauban.1` and a page for each command.
pub fn run(args: &Out) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&args.dir)?;
    clap_mangen::generate_to(Cli::command(), &args.dir)?;
    Ok(ExitCode::SUCCESS)
}
