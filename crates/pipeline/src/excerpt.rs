//! Evidence opened for people: excerpts and line numbers.

use std::collections::HashMap;
use std::sync::Mutex;
use vauban_case::inputs::EvidenceText;
use vauban_evidence::{Collection, Kind};
use vauban_mail::StoredMessage;
use vauban_ocsf::{ArtefactId, Evidence};

/// Characters of an excerpt.
const EXCERPT: usize = 400;
/// Line numbers are counted from marks this many bytes apart.
const MARK: u64 = 1 << 20;

/// Reads excerpts from a collection.
pub struct Excerpts<'a> {
    collection: &'a Collection,
    /// Newlines before each multiple of [`MARK`], filled as far as asked.
    marks: Mutex<HashMap<ArtefactId, Vec<u64>>>,
    /// Whole message texts for searches, most recent only.
    search: Mutex<HashMap<Evidence, std::sync::Arc<crate::store::SearchText>>>,
}

impl<'a> Excerpts<'a> {
    /// Over a collection.
    pub fn new(collection: &'a Collection) -> Self {
        Self {
            collection,
            marks: Mutex::default(),
            search: Mutex::default(),
        }
    }

    /// Line number, from 1, of an offset.
    fn line(&self, artefact: ArtefactId, offset: u64) -> Option<u64> {
        let mut all = self.marks.lock().unwrap_or_else(|e| e.into_inner());
        let marks = all.entry(artefact).or_insert_with(|| vec![0]);
        let block = usize::try_from(offset / MARK).ok()?;
        let reader = self.collection.reader(artefact).ok()?;
        let mut bytes = vec![0; MARK as usize];
        while marks.len() <= block {
            let at = (marks.len() as u64 - 1) * MARK;
            let n = reader.read_at(at, &mut bytes).ok()?;
            let lines = memchr::memchr_iter(b'\n', &bytes[..n]).count() as u64;
            marks.push(marks.last().copied().unwrap_or(0) + lines);
        }
        let start = block as u64 * MARK;
        let rest = usize::try_from(offset - start).ok()?;
        let n = reader.read_at(start, &mut bytes[..rest]).ok()?;
        let lines = memchr::memchr_iter(b'\n', &bytes[..n]).count() as u64;
        Some(marks.get(block)? + lines + 1)
    }
}

impl EvidenceText for Excerpts<'_> {
    fn path(&self, artefact: ArtefactId) -> &str {
        self.collection
            .get(artefact)
            .map_or("", |a| a.path.as_str())
    }

    fn excerpt(&self, evidence: Evidence) -> (String, Option<u64>) {
        let length = (evidence.length as usize).min(4 * EXCERPT);
        let bytes = self
            .collection
            .read_range(evidence.artefact, evidence.offset, length)
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let mut excerpt: String = text.chars().take(EXCERPT).collect();
        if (evidence.length as usize) > bytes.len() || text.chars().count() > EXCERPT {
            excerpt.push('…');
        }
        let is_text = self.collection.get(evidence.artefact).is_some_and(|a| {
            !matches!(
                a.kind,
                Kind::Sqlite | Kind::Pcap | Kind::Binary | Kind::JournalBinary
            )
        });
        let line = is_text
            .then(|| self.line(evidence.artefact, evidence.offset))
            .flatten();
        (excerpt, line)
    }

    fn message_matches(&self, message: &StoredMessage, query: &str, fields: &str) -> bool {
        let mut cache = self.search.lock().unwrap_or_else(|e| e.into_inner());
        if cache.len() > 4096 {
            cache.clear();
        }
        let text = cache.entry(message.evidence).or_insert_with(|| {
            let length = (message.evidence.length as usize).min(8 << 20);
            let bytes = self
                .collection
                .read_range(message.evidence.artefact, message.evidence.offset, length)
                .unwrap_or_default();
            std::sync::Arc::new(crate::store::SearchText::new(&bytes))
        });
        text.matches(query, fields)
    }
}
