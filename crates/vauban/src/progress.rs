//! Progress on a terminal, and none in a pipe.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use vauban_pipeline::Stage;

/// Shows how far a run is.
pub struct Progress {
    bar: Option<ProgressBar>,
    stage: Mutex<Option<Stage>>,
}

impl Progress {
    /// Shown on standard error if that is a terminal and `quiet` is not asked for.
    pub fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| ProgressBar::new(0));
        Self {
            bar,
            stage: Mutex::new(None),
        }
    }

    /// Takes the pipeline's word.
    pub fn tell(&self, stage: Stage, done: u64, total: u64) {
        let Some(bar) = &self.bar else { return };
        let mut current = self.stage.lock().unwrap_or_else(|e| e.into_inner());
        if *current != Some(stage) {
            *current = Some(stage);
            let (template, name) = match stage {
                Stage::Opening => (BYTES, "opening"),
                Stage::Parsing => (BYTES, "parsing"),
                Stage::Reading => (COUNT, "reading mail"),
                Stage::Judging => (WAIT, "judging"),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.reset();
            bar.set_message(name);
        }
        bar.set_length(total.max(done));
        bar.set_position(done);
    }

    /// Lets something else be printed while the line is away.
    pub fn aside(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Clears the line.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

const BYTES: &str = "{msg:12} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} eta {eta}";
const COUNT: &str = "{msg:12} [{bar:30}] {pos}/{len} {per_sec} eta {eta}";
const WAIT: &str = "{msg:12} {elapsed}";
