//! `vauban completions`: for packages.

use crate::args::{Cli, Out};
use clap::CommandFactory;
use clap_complete::Shell;
use std::process::ExitCode;

/// Writes completions for bash, zsh and fish.
pub fn run(args: &Out) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&args.dir)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "vauban", &args.dir)?;
    }
    Ok(ExitCode::SUCCESS)
}
