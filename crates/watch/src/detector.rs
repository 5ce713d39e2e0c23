//! What is watched with: a detector is given lines in order and gives findings.

use vauban_ocsf::{EventSink, Finding, Timestamp};

/// Where a block of lines comes from.
#[derive(Copy, Clone, Debug)]
pub struct SourceMeta<'a> {
    /// Number of the source in this run; what [`vauban_ocsf::ArtefactId`] stands for in events.
    pub index: u32,
    /// What a person opens to see the lines: path of the log (as configured, whatever a rotation
    /// has named it since), of the file that received messages are kept in, or a journal cursor.
    pub artefact: &'a str,
    /// Name of the log format if the configuration says it; otherwise it is told by content.
    pub format: Option<&'a str>,
    /// Zone of stamps without offset, an IANA name; the system's if not said.
    pub zone: Option<&'a str>,
}

/// Whole lines that follow each other. Every line ends with a newline, except perhaps the last
/// one of a log that was rotated in the middle of a line.
#[derive(Copy, Clone, Debug)]
pub struct Block<'a> {
    /// The lines.
    pub bytes: &'a [u8],
    /// Where the first byte stands in the artefact, in decoded bytes.
    pub offset: u64,
    /// Number of the first line, from 1; 0 where lines are not counted.
    pub line: u64,
}

/// Judges lines.
///
/// Called from one thread. A detector must be a function of its state and the lines: what it has
/// found since its last snapshot is forgotten and found again after a crash.
pub trait Detector: Send {
    /// Takes a block. Findings go to `out`; events, where somebody keeps them, to `events`.
    fn block(
        &mut self,
        source: &SourceMeta<'_>,
        block: Block<'_>,
        out: &mut Vec<Finding>,
        events: Option<&mut dyn EventSink>,
    );

    /// Time passes; called about every second.
    fn tick(&mut self, now: Timestamp, out: &mut Vec<Finding>) {
        let _ = (now, out);
    }

    /// Only the events of a block that was judged before: nothing is found, no state changes.
    fn events(&mut self, source: &SourceMeta<'_>, block: Block<'_>, events: &mut dyn EventSink) {
        let _ = (source, block, events);
    }

    /// All state, for [`Self::restore`].
    fn snapshot(&self) -> Vec<u8>;

    /// Takes the state of an earlier run over.
    ///
    /// # Errors
    /// Says in words what is wrong with it (another version, other rules). The detector then
    /// stands as new, and watching goes on from the same place in the logs.
    fn restore(&mut self, state: &[u8]) -> Result<(), String>;

    /// Lines that were counted as not understood since the start, for the metrics.
    fn unparsed(&self) -> u64 {
        0
    }
}
