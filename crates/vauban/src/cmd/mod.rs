//! One file per command.

pub mod completions;
pub mod hunt;
mod hunt_evidence;
pub mod investigate;
pub mod man;
pub mod rules;
mod sarif;
pub mod watch;

use std::io::{ErrorKind, Write};

/// Prints. A reader that has seen enough (`| head -1`) is no error.
fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Threads to use: as many as asked for, or one for each processor.
fn threads(given: Option<u16>) -> usize {
    given.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    )
}

/// Fails if one of the paths does not exist, before work is begun.
fn must_exist(paths: &[std::path::PathBuf]) -> anyhow::Result<()> {
    for path in paths {
        if let Err(e) = std::fs::symlink_metadata(path) {
            anyhow::bail!("{}: {e}", path.display());
        }
    }
    Ok(())
}
