//! The watch as a command: configuration in, exit status out.

use crate::{Config, Engine, Judge, Metrics, Tell, Until};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What to do.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Watch until SIGTERM or SIGINT.
    Watch,
    /// Judge what is there and end.
    Once,
    /// Only say whether the configuration can be used.
    Check,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The configuration can be used; says what would be watched with.
    Checked(String),
    /// Watched; whether anything was found, and a line about it.
    Watched(bool, String),
}

/// Watches as the file says. Rules that cannot be used are told and left out.
///
/// # Errors
/// In words: what cannot be read, opened or listened on.
pub fn command(path: &Path, mode: Mode, tell: Tell) -> Result<Done, String> {
    let config = Config::read(path).map_err(|e| e.to_string())?;
    let loaded = Judge::load(&config)?;
    for problem in &loaded.problems {
        tell(problem);
    }
    let metrics = Arc::new(Metrics::default());
    let sinks = crate::sinks(&config, &metrics)?;
    let with = format!(
        "{} rules, {} indicators, {} sources, {} receivers of findings",
        loaded.rules,
        loaded.indicators,
        config.file.len() + config.journal.len() + config.syslog.len(),
        sinks.len()
    );
    if mode == Mode::Check {
        return Ok(Done::Checked(with));
    }
    if sinks.is_empty() {
        return Err("nobody is told of findings: no [[sink.…]]".into());
    }
    // Before anything is opened: an early signal must find us listening.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // A second one ends the process at once.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|e| format!("signals: {e}"))?;
    }
    let listen = config.listen;
    let engine = Engine::new(
        config,
        Box::new(loaded.judge),
        Arc::clone(&metrics),
        Arc::clone(&tell),
    )
    .map_err(|e| e.to_string())?;
    if let Some(address) = listen {
        let page = crate::serve(address, Arc::clone(&metrics))
            .map_err(|e| format!("listen = \"{address}\": {e}"))?;
        tell(&format!("health and metrics at http://{page}/"));
    }
    tell(&format!("watching with {with}"));
    let until = match mode {
        Mode::Once => Until::Read,
        _ => Until::Stopped,
    };
    let summary = engine.run(sinks, until, &stop).map_err(|e| e.to_string())?;
    let mut text = format!("{} lines, {} findings", summary.lines, summary.findings);
    if summary.undelivered > 0 {
        text += &format!(
            "; {} findings are not delivered yet, and will be at the next start",
            summary.undelivered
        );
    }
    Ok(Done::Watched(summary.findings > 0, text))
}
