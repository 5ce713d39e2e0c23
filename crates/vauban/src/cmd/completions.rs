//! `vauban completions`: for packages.

use crate::args::{Cli, Out};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use std::process::ExitCode;

/// Writes completions for bash, zsh and fish.
pub fn run(args: &Out) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&args.dir)?;
    // Without the hidden commands, which would be offered.
    let cli = Cli::command();
    let shown = cli.get_subcommands().filter(|c| !c.is_hide_set());
    let mut cli = Command::new("vauban")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(shown.cloned());
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut cli, "vauban", &args.dir)?;
    }
    Ok(ExitCode::SUCCESS)
}
