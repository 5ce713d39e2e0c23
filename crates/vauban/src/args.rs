//! Every argument, defined once: parser, help, man pages and completions come from here.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// From an advisory about a mail-server breach to a verdict on your own servers.
#[derive(Debug, Parser)]
#[command(
    name = "vauban",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Exit status: 0 nothing found; 1 found, or not settled; 2 could not run."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Was this server breached, what was read, what left, and what cannot be known?
    Investigate(Investigate),
    /// Check rule files and run the examples they carry.
    Rules(Rules),
    /// Write man pages.
    #[command(hide = true)]
    Man(Out),
    /// Write shell completions.
    #[command(hide = true)]
    Completions(Out),
}

/// `vauban investigate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Evidence is what was copied from a mail server: logs, mail store, configuration, webmail database, \
flow records, in any mix of directories, archives (tar, zip, gz, xz, zst, bz2, nested) and files. \
It is only read.

Exit status: 0 no evidence of a breach; 1 breached, or inconclusive; 2 could not run.

Examples:
  vauban investigate /mnt/copy-of-mail1
  vauban investigate mail1.tar.gz web1.tar.gz --advisory alert.html --out case/ --lang fr")]
pub struct Investigate {
    /// Directories, archives or files copied from the server.
    #[arg(required = true, value_name = "EVIDENCE")]
    pub evidence: Vec<PathBuf>,
    /// An advisory to look for: STIX bundle, MISP event, CSV, article (text, HTML). Repeatable.
    #[arg(long, value_name = "FILE")]
    pub advisory: Vec<PathBuf>,
    /// Write the report directory here. Without it only the summary is printed.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write into DIR although it is not empty; files of the same name are replaced.
    #[arg(long)]
    pub force: bool,
    /// Language of summary and reports.
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// What to print: the summary, or the whole case.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Directory with rule files of your own (sessions/, lures/, markings/).
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Do not write events/*.parquet into the report directory.
    #[arg(long)]
    pub no_events: bool,
    /// Threads; as many as there are processors by default.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// No progress, and no list of what could not be read.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Languages.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

/// What is printed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A summary for people.
    Text,
    /// case.json.
    Json,
}

/// `vauban rules`.
#[derive(Debug, Args)]
pub struct Rules {
    /// Rule files of your own to check beside the built-in ones.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Where to write.
#[derive(Debug, Args)]
pub struct Out {
    /// Directory, created if need be.
    pub dir: PathBuf,
}
