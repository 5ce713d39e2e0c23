//! Logs watched without end: lines in, findings out, each delivered once.
//!
//! [`follow`] reads log files through every kind of rotation, `journal` systemd's journal, `listen`
//! syslog from the network. [`Engine`] gives their lines to a [`Detector`] in one order, and keeps
//! positions, the detector's state and the findings in a [`store`] that a crash cannot divide;
//! [`sink`]s deliver from there. `docs/WATCH.md` is for those who run it.
//!
//! To add a source: implement `source::Source`, and open it in `engine`. To add a receiver of
//! findings: implement [`sink::Sink`] in a file under `sink/`, and make it in [`sinks`].
//!
//! **What this crate deliberately is not:** it parses no log line and judges nothing. That is the
//! business of a [`Detector`].

mod config;
mod detector;
mod engine;
pub mod follow;
mod http;
mod journal;
mod lake;
mod listen;
mod metrics;
mod notify;
pub mod sink;
mod source;
pub mod store;

pub use config::*;
pub use detector::{Block, Detector, SourceMeta};
pub use engine::{Engine, Summary, Tell, Until, WatchError};
pub use http::serve;
pub use metrics::Metrics;

use std::sync::Arc;
use vauban_ocsf::Level;

/// The receivers of findings that a configuration names.
///
/// # Errors
/// Which of them cannot be set up, and why.
pub fn sinks(config: &Config, metrics: &Arc<Metrics>) -> Result<Vec<Box<dyn sink::Sink>>, String> {
    let mut sinks: Vec<Box<dyn sink::Sink>> = Vec::new();
    let all = &config.sink;
    for file in &all.file {
        let out = sink::file::FileOut::new(file.path.clone(), file.level.0);
        sinks.push(Box::new(out));
    }
    for syslog in &all.syslog {
        let out = sink::syslog::SyslogOut::new(&syslog.to, syslog.level.0);
        sinks.push(Box::new(out.map_err(|e| format!("[[sink.syslog]] {e}"))?));
    }
    for webhook in &all.webhook {
        let out = sink::webhook::Webhook::new(webhook, &config.state, Arc::clone(metrics));
        let out = out.map_err(|e| format!("[[sink.webhook]] {}: {e}", webhook.url))?;
        sinks.push(Box::new(out));
    }
    for mail in &all.mail {
        sinks.push(Box::new(sink::mail::MailOut::new(mail)));
    }
    let mut names: Vec<&str> = sinks.iter().map(|s| s.name()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
        return Err(format!("two sinks are {}", twice[0]));
    }
    Ok(sinks)
}

/// The lowest level there is, for those who want everything.
pub const EVERYTHING: Level = Level::Informational;
