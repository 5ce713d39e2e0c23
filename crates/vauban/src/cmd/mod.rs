//! One file per command.

pub mod completions;
pub mod hunt;
mod hunt_evidence;
pub mod investigate;
pub mod man;
pub mod rules;
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
