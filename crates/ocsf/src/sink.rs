//! The trait between those who make events and those who take them.

use crate::{Event, Evidence};

/// Takes what a parser makes of an artefact, in the order it stands there.
///
/// For every non-empty line (or record) of an artefact a parser calls exactly one of:
/// [`event`](Self::event) one or more times, [`ignored`](Self::ignored), or
/// [`unparsed`](Self::unparsed). Nothing is dropped without one of the three, so the counts of a
/// sink add up to the artefact's lines.
pub trait EventSink {
    /// An event. The strings it borrows live only as long as the call.
    fn event(&mut self, event: &Event<'_>);

    /// A line that was understood and carries nothing this vocabulary has a place for
    /// (for example a daemon's start-up notice). `time` if the line had one.
    fn ignored(&mut self, evidence: Evidence, time: Option<crate::Timestamp>) {
        let _ = (evidence, time);
    }

    /// A line that was not understood. `why` is a short fixed phrase.
    fn unparsed(&mut self, evidence: Evidence, why: &'static str);
}
