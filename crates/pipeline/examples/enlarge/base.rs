//! The small logs that are to be repeated, read with their clocks.

use crate::line::{Layout, Line};
use std::error::Error;
use std::path::{Path, PathBuf};
use vauban_evidence::{Collection, Limits, TimeBase, TimeBases};
use vauban_ocsf::DAY;

/// Logs that are made: what the names of one log's files begin with.
pub const STREAMS: [&str; 3] = ["mail.log", "access.log", "auth.log"];

/// The lines of one evidence directory.
#[derive(Clone, Default)]
pub struct Base {
    streams: Vec<(&'static str, Vec<Line>)>,
    /// Folder of each log found.
    folders: Vec<(&'static str, String)>,
    /// Files, relative to the directory, that the lines come from.
    pub taken: Vec<String>,
}

impl Base {
    /// Reads the logs below `dir`, rotated and compressed ones too.
    pub fn load(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let collection = Collection::open(&[PathBuf::from(dir)], &Limits::default(), &|_| {});
        let times = TimeBases::infer(&collection);
        let mut base = Self::default();
        for name in STREAMS {
            let mut lines = Vec::new();
            for a in collection.artefacts() {
                let logical = a.logical_path();
                let (folder, file) = logical.rsplit_once('/').unwrap_or(("", &logical));
                let rest = file.strip_prefix(name);
                if !rest.is_some_and(|r| r.is_empty() || r.starts_with(['.', '-'])) {
                    continue;
                }
                let on_disk = a.path.split('!').next().unwrap_or("").to_string();
                base.taken.push(on_disk);
                base.folders.push((name, folder.to_string()));
                let Some(time) = times.get(a.id) else {
                    continue;
                };
                let layout = match name {
                    "access.log" => Layout::Web,
                    _ => Layout::Syslog,
                };
                let bytes = collection.read_all(a.id, usize::MAX)?;
                lines.extend(Line::all(&bytes, layout, time));
            }
            lines.sort_by_key(Line::time);
            base.streams.push((name, lines));
        }
        if base.span().is_none() {
            return Err(format!("{}: no mail, web or auth log", dir.display()).into());
        }
        let own = Line::own_addresses(base.streams.iter().flat_map(|(_, lines)| lines));
        for (_, lines) in &mut base.streams {
            for line in lines {
                line.keep_addresses(&own);
            }
        }
        Ok(base)
    }

    /// Adds the lines of one day, on every day the other logs cover.
    pub fn add_daily(&mut self, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        let (first, last) = self.span().ok_or("no log to go by")?;
        let utc = TimeBase::utc((2099, 12, 31));
        let lines: Vec<Line> = Line::all(bytes, Layout::Syslog, &utc).collect();
        let own = Line::own_addresses(&lines);
        let day_of = |t: i64| t.div_euclid(DAY);
        let Some(start) = lines.first().map(|l| day_of(l.time())) else {
            return Err("no line of the day can be read".into());
        };
        let Some((_, stream)) = self.streams.iter_mut().find(|(n, _)| *n == name) else {
            return Err(format!("{name}: no such log").into());
        };
        if !stream.is_empty() {
            return Ok(());
        }
        for day in day_of(first)..=day_of(last) {
            for line in &lines {
                let mut line = line.moved((day - start) * DAY);
                line.keep_addresses(&own);
                if (first..=last).contains(&line.time()) {
                    stream.push(line);
                }
            }
        }
        stream.sort_by_key(Line::time);
        Ok(())
    }

    /// The lines of one log.
    pub fn stream(&self, name: &str) -> &[Line] {
        self.streams
            .iter()
            .find(|(n, _)| *n == name)
            .map_or(&[], |(_, lines)| lines.as_slice())
    }

    /// Where a log is written, relative to the evidence directory.
    pub fn place(&self, name: &str) -> PathBuf {
        let folder = self.folders.iter().find(|(n, _)| *n == name);
        Path::new(folder.map_or("var/log", |(_, folder)| folder)).join(name)
    }

    /// First and last instant of all logs, microseconds.
    pub fn span(&self) -> Option<(i64, i64)> {
        let lines = || self.streams.iter().flat_map(|(_, l)| l);
        let first = lines().map(Line::time).min()?;
        Some((first, lines().map(Line::time).max()?))
    }

    /// Bytes of all logs.
    pub fn bytes(&self) -> u64 {
        let lines = self.streams.iter().flat_map(|(_, l)| l);
        lines.map(|l| l.len() as u64).sum()
    }
}
