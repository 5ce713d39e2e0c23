//! Events kept as Parquet, each once.
//!
//! A Parquet file is complete only when it is closed, which may be minutes after its first event.
//! Until then the lines themselves are kept in a journal in the state directory, of which a
//! checkpoint holds the length; after a crash they are parsed again, without judging them. A
//! segment is written beside its place and renamed; one that was renamed but not noted is removed
//! and written again.

#[cfg(feature = "lake")]
pub use kept::Slot;
#[cfg(not(feature = "lake"))]
pub use none::Slot;

#[cfg(not(feature = "lake"))]
mod none {
    use crate::detector::{Block, Detector, SourceMeta};
    use std::path::Path;
    use vauban_ocsf::EventSink;

    /// No lake.
    pub struct Slot;

    #[allow(missing_docs, clippy::unused_self)]
    impl Slot {
        pub fn open(
            _: Option<&Path>,
            _: &Path,
            _: Option<Vec<u8>>,
            _: &mut dyn Detector,
        ) -> Result<Self, String> {
            Ok(Self)
        }
        pub fn index(&mut self, _: &str) -> Option<u32> {
            None
        }
        pub fn block(&mut self, _: &SourceMeta<'_>, _: &str, _: Block<'_>) {}
        pub fn events(&mut self) -> Option<&mut dyn EventSink> {
            None
        }
        pub fn keep(&mut self) -> Result<Option<String>, String> {
            Ok(None)
        }
        pub fn kept(&mut self) -> u64 {
            0
        }
        pub fn close(
            &mut self,
            _: &mut dyn FnMut(String) -> Result<(), String>,
        ) -> Result<(), String> {
            Ok(())
        }
    }
}

#[cfg(feature = "lake")]
mod kept {
    use crate::detector::{Block, Detector, SourceMeta};
    use serde::{Deserialize, Serialize};
    use std::fs::{File, OpenOptions};
    use std::io::{self, Read, Seek, SeekFrom, Write};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use vauban_lake::{ChunkEvents, ClassBatch, ParquetSink};
    use vauban_ocsf::{Event, EventSink, Evidence, Timestamp};

    /// Bytes of lines after which a segment is closed.
    const SEGMENT_BYTES: u64 = 64 << 20;
    /// Time after which a segment with anything in it is closed.
    const SEGMENT_TIME: Duration = Duration::from_secs(300);

    /// A lake, or none.
    pub struct Slot(Option<Lake>);

    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    struct State {
        segment: u64,
        length: u64,
        rows: u64,
    }

    struct Lake {
        dir: PathBuf,
        journals: PathBuf,
        /// What the last checkpoint said.
        noted: State,
        state: State,
        /// A segment was closed since: its journal goes when that is noted.
        closed: Option<PathBuf>,
        file: File,
        length: u64,
        buffer: Vec<u8>,
        rows: Rows,
        begun: Instant,
        error: Option<String>,
    }

    /// Rows of the segment under way.
    struct Rows {
        names: Vec<String>,
        chunk: ChunkEvents,
        batches: Vec<ClassBatch>,
        count: u64,
        error: Option<String>,
    }

    impl Rows {
        fn new() -> Self {
            Self {
                names: Vec::new(),
                chunk: ChunkEvents::new(Arc::from(Vec::new())),
                batches: Vec::new(),
                count: 0,
                error: None,
            }
        }

        /// The number that events of a log carry.
        fn index(&mut self, log: &str) -> u32 {
            if let Some(at) = self.names.iter().position(|n| n == log) {
                return at as u32;
            }
            // The names of a chunk are fixed when it is begun.
            self.names.push(log.to_owned());
            let next = ChunkEvents::new(Arc::from(self.names.clone()));
            match std::mem::replace(&mut self.chunk, next).finish() {
                Ok(batches) => self.batches.extend(batches),
                Err(e) => self.error = Some(e.to_string()),
            }
            self.names.len() as u32 - 1
        }
    }

    impl EventSink for Rows {
        fn event(&mut self, event: &Event<'_>) {
            self.count += 1;
            self.chunk.event(event);
        }
        fn ignored(&mut self, _: Evidence, _: Option<Timestamp>) {}
        fn unparsed(&mut self, _: Evidence, _: &'static str) {}
    }

    impl Slot {
        /// Opens the lake in `dir`, if one is wanted, and takes up the segment that was under way.
        pub fn open(
            dir: Option<&Path>,
            state_dir: &Path,
            kept: Option<Vec<u8>>,
            detector: &mut dyn Detector,
        ) -> Result<Self, String> {
            let Some(dir) = dir else {
                return Ok(Self(None));
            };
            let state: State = match kept {
                Some(bytes) => serde_json::from_slice(&bytes)
                    .map_err(|e| format!("state of the lake cannot be read: {e}"))?,
                None => State::default(),
            };
            Lake::open(dir, state_dir, state, detector)
                .map(|lake| Self(Some(lake)))
                .map_err(|e| format!("lake {}: {e}", dir.display()))
        }

        /// The number that events of a log carry; `None` without a lake.
        pub fn index(&mut self, log: &str) -> Option<u32> {
            self.0.as_mut().map(|lake| lake.rows.index(log))
        }

        /// Notes lines whose events come next.
        pub fn block(&mut self, source: &SourceMeta<'_>, log: &str, block: Block<'_>) {
            if let Some(lake) = &mut self.0 {
                record(&mut lake.buffer, source, log, block);
                if lake.buffer.len() >= 1 << 20 {
                    lake.flush();
                }
            }
        }

        /// Takes events.
        pub fn events(&mut self) -> Option<&mut dyn EventSink> {
            self.0
                .as_mut()
                .map(|lake| &mut lake.rows as &mut dyn EventSink)
        }

        /// Puts everything on disk; the state to note with it, if it changed.
        pub fn keep(&mut self) -> Result<Option<String>, String> {
            let Some(lake) = &mut self.0 else {
                return Ok(None);
            };
            lake.keep(false).map(|state| state.map(|s| text(&s)))
        }

        /// The state that [`Self::keep`] gave is noted. Rows written so far.
        pub fn kept(&mut self) -> u64 {
            self.0.as_mut().map_or(0, |lake| {
                lake.noted = lake.state.clone();
                if let Some(old) = lake.closed.take() {
                    // If it stays, the next start removes it.
                    let _ = std::fs::remove_file(old);
                }
                lake.state.rows
            })
        }

        /// Closes the segment under way; `note` keeps the state.
        pub fn close(
            &mut self,
            note: &mut dyn FnMut(String) -> Result<(), String>,
        ) -> Result<(), String> {
            if let Some(lake) = &mut self.0
                && let Some(state) = lake.keep(true)?
            {
                note(text(&state))?;
                self.kept();
            }
            Ok(())
        }
    }

    fn text(state: &State) -> String {
        serde_json::to_string(state).unwrap_or_default()
    }

    impl Lake {
        fn open(
            dir: &Path,
            state_dir: &Path,
            state: State,
            detector: &mut dyn Detector,
        ) -> io::Result<Self> {
            let journals = state_dir.join("lake");
            std::fs::create_dir_all(&journals)?;
            std::fs::create_dir_all(dir)?;
            let path = journal(&journals, state.segment);
            for entry in std::fs::read_dir(&journals)? {
                let other = entry?.path();
                if other != path {
                    std::fs::remove_file(other)?;
                }
            }
            // Written but not noted: its events are in the journal still.
            for day in std::fs::read_dir(dir)?.filter_map(Result::ok) {
                let name = day.file_name().to_string_lossy().into_owned();
                if name.starts_with(".watch-") && name.ends_with(".unfinished") {
                    std::fs::remove_dir_all(day.path())?;
                }
                if !name.starts_with("eventDay=") || !day.path().is_dir() {
                    continue;
                }
                for segment in std::fs::read_dir(day.path())?.filter_map(Result::ok) {
                    let number = segment.file_name().to_string_lossy().into_owned();
                    let number = number.strip_prefix("watch-").map(str::parse::<u64>);
                    if number.is_some_and(|n| n.is_ok_and(|n| n >= state.segment)) {
                        std::fs::remove_dir_all(segment.path())?;
                    }
                }
            }
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            file.set_len(state.length)?;
            file.seek(SeekFrom::Start(0))?;
            let mut rows = Rows::new();
            replay(&mut io::BufReader::new(&file), &mut rows, detector)?;
            file.seek(SeekFrom::End(0))?;
            Ok(Self {
                dir: dir.to_path_buf(),
                journals,
                length: state.length,
                noted: state.clone(),
                state,
                closed: None,
                file,
                buffer: Vec::new(),
                rows,
                begun: Instant::now(),
                error: None,
            })
        }

        fn flush(&mut self) {
            let buffer = std::mem::take(&mut self.buffer);
            match self.file.write_all(&buffer) {
                Ok(()) => self.length += buffer.len() as u64,
                Err(e) => {
                    // Some of it may be there: cut back, and try again with the checkpoint.
                    self.error = Some(e.to_string());
                    self.buffer = buffer;
                    let back = self.file.set_len(self.length);
                    let _ = back.and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
                }
            }
        }

        fn keep(&mut self, last: bool) -> Result<Option<State>, String> {
            self.error = None;
            if !self.buffer.is_empty() {
                self.flush();
            }
            if let Some(e) = self.error.take().or_else(|| self.rows.error.clone()) {
                return Err(format!("lake: {e}"));
            }
            let full = self.length >= SEGMENT_BYTES || self.begun.elapsed() >= SEGMENT_TIME;
            if self.length > 0 && (full || last) {
                self.write_segment()
                    .map_err(|e| format!("lake {}: {e}", self.dir.display()))?;
            } else {
                self.file.sync_data().map_err(|e| format!("lake: {e}"))?;
            }
            self.state.length = self.length;
            Ok((self.state != self.noted).then(|| self.state.clone()))
        }

        /// Writes the segment under way and begins the next; the old journal goes when the new
        /// state is noted.
        fn write_segment(&mut self) -> Result<(), String> {
            let text = |e: &dyn std::fmt::Display| e.to_string();
            let number = self.state.segment;
            let next = ChunkEvents::new(Arc::from(self.rows.names.clone()));
            let chunk = std::mem::replace(&mut self.rows.chunk, next);
            let batches = chunk.finish().map_err(|e| text(&e))?;
            self.rows.batches.extend(batches);
            if !self.rows.batches.is_empty() {
                let temporary = self.dir.join(unfinished(number));
                let _ = std::fs::remove_dir_all(&temporary);
                let mut sink =
                    ParquetSink::new(&temporary, self.rows.names.clone()).map_err(|e| text(&e))?;
                sink.write(&self.rows.batches).map_err(|e| text(&e))?;
                for written in sink.close().map_err(|e| text(&e))? {
                    let synced = File::open(&written.path).and_then(|f| f.sync_all());
                    synced.map_err(|e| text(&e))?;
                }
                let day = self.dir.join(today());
                std::fs::create_dir_all(&day).map_err(|e| text(&e))?;
                let place = day.join(segment_name(number));
                let _ = std::fs::remove_dir_all(&place);
                std::fs::rename(&temporary, &place).map_err(|e| text(&e))?;
                File::open(&day)
                    .and_then(|d| d.sync_all())
                    .map_err(|e| text(&e))?;
            }
            let path = journal(&self.journals, number + 1);
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)
                .map_err(|e| text(&e))?;
            self.file = file;
            self.closed = Some(journal(&self.journals, number));
            self.state.segment = number + 1;
            self.state.rows += self.rows.count;
            self.rows = Rows::new();
            self.length = 0;
            self.begun = Instant::now();
            Ok(())
        }
    }

    fn journal(dir: &Path, segment: u64) -> PathBuf {
        dir.join(format!("{segment:012}.lines"))
    }

    fn segment_name(segment: u64) -> String {
        format!("watch-{segment:012}")
    }

    fn unfinished(segment: u64) -> String {
        format!(".watch-{segment:012}.unfinished")
    }

    /// Security Lake's name for a day's directory.
    fn today() -> String {
        let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
        format!(
            "eventDay={:04}{:02}{:02}",
            now.year(),
            now.month(),
            now.day()
        )
    }

    /// Appends a block to the journal: lengths, then log, format, zone, lines.
    fn record(out: &mut Vec<u8>, source: &SourceMeta<'_>, log: &str, block: Block<'_>) {
        let parts = [
            log.as_bytes(),
            source.format.unwrap_or("").as_bytes(),
            source.zone.unwrap_or("").as_bytes(),
            block.bytes,
        ];
        let body: usize = parts.iter().map(|p| p.len() + 4).sum();
        out.reserve(body + 16);
        out.extend_from_slice(&block.offset.to_le_bytes());
        out.extend_from_slice(&block.line.to_le_bytes());
        for part in parts {
            out.extend_from_slice(&(part.len() as u32).to_le_bytes());
            out.extend_from_slice(part);
        }
    }

    fn replay(
        reader: &mut dyn Read,
        rows: &mut Rows,
        detector: &mut dyn Detector,
    ) -> io::Result<()> {
        loop {
            let mut head = [0; 16];
            match reader.read_exact(&mut head) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(e) => return Err(e),
            }
            let number = |at: usize| {
                let bytes = head.get(at..at + 8).and_then(|b| b.try_into().ok());
                u64::from_le_bytes(bytes.unwrap_or_default())
            };
            let mut parts: [Vec<u8>; 4] = Default::default();
            for part in &mut parts {
                let mut length = [0; 4];
                reader.read_exact(&mut length)?;
                part.resize(u32::from_le_bytes(length) as usize, 0);
                reader.read_exact(part)?;
            }
            let [log, format, zone, bytes] = parts;
            let (log, format, zone) = (
                String::from_utf8_lossy(&log),
                String::from_utf8_lossy(&format),
                String::from_utf8_lossy(&zone),
            );
            let meta = SourceMeta {
                index: rows.index(&log),
                artefact: &log,
                format: (!format.is_empty()).then_some(&*format),
                zone: (!zone.is_empty()).then_some(&*zone),
            };
            let block = Block {
                bytes: &bytes,
                offset: number(0),
                line: number(8),
            };
            detector.events(&meta, block, rows);
        }
    }
}
