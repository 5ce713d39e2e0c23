//! What people write about. One [`Topic`] is a family of letters: subjects, first sentences,
//! sentences that may follow in any order, requests, and answers.
//!
//! To add one, append it to `fr.rs` or `en.rs`; slots are listed in `scene.rs`, and a test
//! checks that every slot exists.

mod en;
mod fr;

use crate::docs::DocKind;
use crate::people::Language;

/// A family of letters.
#[derive(Debug)]
pub struct Topic {
    /// Short name.
    pub key: &'static str,
    /// How often it comes up.
    pub weight: usize,
    /// Services (by a word in their name) whose people start such a thread; empty for anyone.
    pub by: &'static [&'static str],
    /// Subjects.
    pub subjects: &'static [&'static str],
    /// First sentences.
    pub lead: &'static [&'static str],
    /// Sentences that stand alone, in any order.
    pub body: &'static [&'static str],
    /// Requests, last before the closing.
    pub ask: &'static [&'static str],
    /// First sentences of an answer.
    pub replies: &'static [&'static str],
    /// Documents that go with it; empty for none.
    pub docs: &'static [DocKind],
    /// Chance in percent that a document is attached to the first message.
    pub attach: usize,
    /// Chance in percent that such a document bears the protective marking.
    pub restricted: usize,
    /// Folder the people concerned file it under; empty for the inbox.
    pub folder: &'static str,
    /// The letter hands over a credential.
    pub secret: bool,
}

/// Topics in a language.
pub fn topics(language: Language) -> &'static [Topic] {
    match language {
        Language::Fr => fr::TOPICS,
        Language::En => en::TOPICS,
    }
}

/// Sentences of an answer that fit any topic.
pub fn generic_replies(language: Language) -> &'static [&'static str] {
    match language {
        Language::Fr => fr::GENERIC,
        Language::En => en::GENERIC,
    }
}

/// Sentences that introduce a forwarded message.
pub fn forwards(language: Language) -> &'static [&'static str] {
    match language {
        Language::Fr => fr::FORWARD,
        Language::En => en::FORWARD,
    }
}

/// Letters from outside.
pub fn external(language: Language) -> &'static [Topic] {
    match language {
        Language::Fr => fr::EXTERNAL,
        Language::En => en::EXTERNAL,
    }
}
