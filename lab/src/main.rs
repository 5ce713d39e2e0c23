//! `lab`: plays stories through real mail daemons and writes evidence with ground truth.
//!
//! `lab run STORY --out DIR` makes network namespaces, starts Debian's Postfix, Dovecot and
//! Roundcube in them, plays days of ordinary use (and, in some stories, a breach) on a shifted
//! clock, and packs `DIR/evidence/` and `DIR/ground-truth.json`. It deliberately analyses nothing:
//! that is the business of the program the evidence is made for.

mod clients;
mod clock;
mod collect;
mod daemons;
mod dns;
mod lab;
mod mime;
mod net;
mod play;
mod sandbox;
mod score;
mod sim;
mod sink;
mod store;
mod stories;
mod syslogd;
mod truth;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};

/// A mail server laboratory: real daemons, played stories, evidence and ground truth.
#[derive(Parser)]
#[command(name = "lab", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays a story and writes its evidence and ground truth (needs root and Debian packages).
    Run(RunArgs),
    /// Holds a case against the ground truth of its evidence.
    Score(score::ScoreArgs),
    /// The part of `run` inside the closed room; not for use by hand.
    #[command(hide = true)]
    Inside(RunArgs),
}

/// What to play.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
    /// The story: slice, ministry, clean, drip or random.
    story: String,
    /// Where `evidence/` and `ground-truth.json` go.
    #[arg(long)]
    out: PathBuf,
    /// Same seed, same story.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Amount of background traffic, 1.0 being the story's own.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Number of sessions of the story `random`.
    #[arg(long, default_value_t = 60)]
    sessions: u32,
    /// Turns richer logging on: Roundcube's log-ins, Dovecot's mail_opened events.
    #[arg(long)]
    rich_log: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Score(args) => match score::main(&args) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Run(args) => run(&args),
        Command::Inside(args) => stories::play(&args).inspect_err(|_| keep_logs(&args)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// What the daemons logged until a story failed is the first thing to look at.
fn keep_logs(args: &RunArgs) {
    let out = args.out.join("failed-log");
    let copied = sandbox::shell(&format!(
        "[ -d /run/vauban-lab ] && rm -rf '{0}' && cp -r /var/log '{0}'",
        out.display()
    ));
    if copied.is_ok() {
        eprintln!("lab: the daemons' logs until then are in {}", out.display());
    }
}

fn run(args: &RunArgs) -> Result<()> {
    if !stories::NAMES.contains(&args.story.as_str()) {
        bail!(
            "no story `{}`; there are {}",
            args.story,
            stories::NAMES.join(", ")
        );
    }
    sandbox::check_packages()?;
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make {}", args.out.display()))?;
    let out = args.out.canonicalize()?;
    for hidden in [
        "/run",
        "/etc",
        "/dev",
        "/var/log",
        "/var/mail",
        "/var/lib",
        "/var/spool",
        "/proc",
    ] {
        if out.starts_with(hidden) {
            bail!(
                "--out {} lies where the daemons get their own file systems",
                out.display()
            );
        }
    }
    let stale = out.join("failed-log");
    if stale.exists() {
        std::fs::remove_dir_all(&stale).context("cannot clear failed-log")?;
    }
    let mut inside = vec![
        "inside".to_owned(),
        args.story.clone(),
        format!("--out={}", out.display()),
        format!("--seed={}", args.seed),
        format!("--scale={}", args.scale),
        format!("--sessions={}", args.sessions),
    ];
    if args.rich_log {
        inside.push("--rich-log".to_owned());
    }
    let status = sandbox::enter(&inside)?;
    if !status.success() {
        bail!(
            "the story `{}` was not played to its end ({status})",
            args.story
        );
    }
    Ok(())
}
