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
//! [`Judge`] is the detector that looks with Sigma rules and indicators.
//!
//! **What this crate deliberately is not:** it knows no log format and no rule of its own. Formats
//! are `vauban-sources`', rules `vauban-detect`'s, indicators `vauban-intel`'s.

mod command;
mod config;
mod detector;
mod engine;
pub mod follow;
mod http;
mod journal;
mod judge;
mod lake;
mod listen;
mod metrics;
mod notify;
pub mod sink;
mod source;
pub mod store;

pub use command::{Done, Mode, command};
pub use config::*;
pub use detector::{Block, Detector, SourceMeta};
pub use engine::{Engine, Summary, Tell, Until, WatchError};
pub use http::serve;
pub use judge::{Judge, Loaded};
pub use metrics::Metrics;

use std::sync::Arc;

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
