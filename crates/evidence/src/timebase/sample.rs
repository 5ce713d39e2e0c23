//! Takes stamps from all over each artefact.

use super::stamp::{Stamp, stamp_of_line};
use crate::artefact::{Artefact, Kind};
use crate::collection::Collection;
use crate::data::ArtefactReader;
use vauban_ocsf::{ArtefactId, Timestamp};

/// Places of a large artefact that are looked at.
const PLACES: u64 = 48;
/// Bytes looked at in each place; the first and the last get [`ENDS`].
const PLACE: usize = 4 << 10;
/// Bytes looked at from the beginning and at the end.
const ENDS: usize = 64 << 10;

/// What is known of one artefact's clock before anything is decided.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// The artefact.
    pub id: ArtefactId,
    /// Its path.
    pub path: String,
    /// Its modification time (of the file, the archive member, or the gzip header).
    pub modified: Option<Timestamp>,
    /// Whether it is to get a time base.
    pub wanted: bool,
    /// Stamps in the order of the file: the first, the last, and some between.
    pub stamps: Vec<Stamp>,
    /// An instant that its own name tells (a Maildir file).
    pub named: Option<Timestamp>,
}

/// A statement about a host's zone.
#[derive(Clone, Debug)]
pub struct ZoneClue {
    /// The host's root: what stands in front of `etc/`.
    pub root: String,
    /// Where it stands, for the report.
    pub path: String,
    /// What it says.
    pub says: ZoneFile,
}

/// Forms of statements about a zone, the most authoritative first: the C library reads
/// `/etc/localtime` only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZoneFile {
    /// `etc/localtime` is a link to this zone's file.
    Link(String),
    /// `etc/localtime` holds these bytes (TZif, RFC 9636).
    Tzif(Vec<u8>),
    /// `etc/timezone` (Debian) or `etc/sysconfig/clock` (old Red Hat) holds this name.
    Name(String),
}

/// All that time bases are inferred from.
#[derive(Clone, Debug, Default)]
pub struct Clues {
    /// One for each artefact, by id.
    pub artefacts: Vec<Sampled>,
    /// Statements about zones.
    pub zones: Vec<ZoneClue>,
}

impl Clues {
    /// Reads the clues of a collection: beginnings, ends and some places between.
    pub fn gather(collection: &Collection) -> Self {
        let mut clues = Self::default();
        for artefact in collection.artefacts() {
            let stamps = match artefact.kind {
                Kind::Text => collection
                    .reader(artefact.id)
                    .map(|r| stamps(&r))
                    .unwrap_or_default(),
                _ => Vec::new(),
            };
            if let Some(zone) = zone_file(collection, artefact) {
                clues.zones.push(zone);
            }
            clues.artefacts.push(Sampled {
                id: artefact.id,
                path: artefact.path.clone(),
                modified: artefact.modified,
                wanted: wanted(artefact.kind),
                stamps,
                named: (artefact.kind == Kind::Message)
                    .then(|| maildir_time(&artefact.path))
                    .flatten(),
            });
        }
        for link in collection.links() {
            let Some(root) = link.path.strip_suffix("etc/localtime") else {
                continue;
            };
            if let Some((_, name)) = link.target.split_once("zoneinfo/")
                && is_boundary(root)
            {
                let says = ZoneFile::Link(name.to_string());
                clues.zones.push(ZoneClue {
                    root: root.into(),
                    path: link.path.clone(),
                    says,
                });
            }
        }
        clues
    }
}

fn wanted(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Text
            | Kind::Config
            | Kind::SqlDump
            | Kind::Sqlite
            | Kind::Mbox
            | Kind::DpkgStatus
            | Kind::RpmList
            | Kind::JournalBinary
            | Kind::Pcap
    )
}

fn is_boundary(root: &str) -> bool {
    root.is_empty() || root.ends_with(['/', '!'])
}

fn zone_file(collection: &Collection, artefact: &Artefact) -> Option<ZoneClue> {
    let path = artefact.path.as_str();
    let of = |suffix: &str| path.strip_suffix(suffix).filter(|root| is_boundary(root));
    let text = || {
        let bytes = collection.read_all(artefact.id, 4096).ok()?;
        String::from_utf8(bytes).ok()
    };
    let (root, says) = if let Some(root) = of("etc/localtime") {
        let bytes = collection.read_all(artefact.id, 64 << 10).ok()?;
        (root, ZoneFile::Tzif(bytes))
    } else if let Some(root) = of("etc/timezone") {
        let text = text()?;
        let name = text
            .lines()
            .map(str::trim)
            .find(|l| !l.is_empty() && !l.starts_with('#'))?;
        (root, ZoneFile::Name(name.to_string()))
    } else if let Some(root) = of("etc/sysconfig/clock") {
        let text = text()?;
        let value = text.lines().find_map(|l| l.trim().strip_prefix("ZONE="))?;
        (
            root,
            ZoneFile::Name(value.trim_matches(['"', '\'']).to_string()),
        )
    } else {
        return None;
    };
    Some(ZoneClue {
        root: root.to_string(),
        path: path.to_string(),
        says,
    })
}

/// Seconds since the epoch at the beginning of a Maildir file's name.
fn maildir_time(path: &str) -> Option<Timestamp> {
    let file = path.rsplit(['/', '!']).next()?;
    let (seconds, _) = file.split_once('.')?;
    let seconds: i64 = seconds.parse().ok()?;
    // Before 1995 there was no Maildir; eleven digits are no seconds.
    (800_000_000..10_000_000_000)
        .contains(&seconds)
        .then(|| Timestamp::from_seconds(seconds))
}

/// Stamps of an artefact: all near both ends would be too many, so the first, the last and one in
/// each of some places between, and where two neighbours' offsets differ the line where it changes.
fn stamps(reader: &ArtefactReader) -> Vec<Stamp> {
    let len = reader.len();
    if len <= ENDS as u64 {
        return read(reader, 0, ENDS)
            .map(|bytes| all(&bytes))
            .unwrap_or_default();
    }
    let Some(first) = first_after(reader, 0, ENDS) else {
        return Vec::new();
    };
    let mut found: Vec<(u64, Stamp)> = vec![first];
    let step = (len / PLACES).max(PLACE as u64);
    let mut at = step;
    while at.saturating_add(step) < len {
        found.extend(first_after(reader, at, PLACE));
        at += step;
    }
    found.extend(last(reader));
    found.sort_by_key(|(at, _)| *at);
    found.dedup_by_key(|(at, _)| *at);
    let mut all: Vec<Stamp> = Vec::new();
    let mut previous: Option<(u64, Stamp)> = None;
    for (at, stamp) in found {
        if let Some((from, before)) = previous
            && before.offset.is_some()
            && stamp.offset.is_some()
            && before.offset != stamp.offset
        {
            all.extend(change(reader, (from, before), (at, stamp)));
        }
        all.push(stamp);
        previous = Some((at, stamp));
    }
    all
}

/// All stamps of a short artefact; of those of one day with one offset the first and the last.
fn all(bytes: &[u8]) -> Vec<Stamp> {
    let alike = |a: &Stamp, b: &Stamp| {
        (a.year, a.month, a.day, a.offset) == (b.year, b.month, b.day, b.offset)
    };
    let mut all: Vec<Stamp> = Vec::new();
    for stamp in bytes.split(|b| *b == b'\n').filter_map(stamp_of_line) {
        if let [.., a, b] = all.as_slice()
            && alike(a, b)
            && alike(b, &stamp)
        {
            all.pop();
        }
        all.push(stamp);
    }
    all
}

/// The lines on both sides of the place where the offset changes.
fn change(reader: &ArtefactReader, low: (u64, Stamp), high: (u64, Stamp)) -> Vec<Stamp> {
    let (mut low, mut high) = (low, high);
    for _ in 0..64 {
        let middle = low.0 + (high.0 - low.0) / 2;
        // `first_after` skips to the next line's start, which may be `high` itself.
        match first_after(reader, middle, ENDS) {
            Some((at, stamp)) if at > low.0 && at < high.0 => {
                if stamp.offset == low.1.offset {
                    low = (at, stamp);
                } else {
                    high = (at, stamp);
                }
            }
            _ if middle > low.0 + 1 && high.0 - low.0 > 1 => {
                // Nothing between the middle and `high`: look in the lower half only.
                let Some(s) = first_after(reader, low.0 + 1, ENDS).filter(|s| s.0 < high.0) else {
                    break;
                };
                if s.1.offset == low.1.offset {
                    low = s;
                } else {
                    high = s;
                }
            }
            _ => break,
        }
    }
    vec![low.1, high.1]
}

/// The first stamped line that starts at or after `at` (at a line's start, `at` 0 included).
fn first_after(reader: &ArtefactReader, at: u64, bytes: usize) -> Option<(u64, Stamp)> {
    let from = at.saturating_sub(1);
    let buf = read(reader, from, bytes)?;
    // From one byte earlier, so that a line starting exactly at `at` is seen as a start.
    let mut pos = match at {
        0 => 0,
        _ => memchr::memchr(b'\n', &buf)? + 1,
    };
    while pos < buf.len() {
        let rest = buf.get(pos..)?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        if let Some(stamp) = stamp_of_line(rest.get(..end)?) {
            return Some((from + pos as u64, stamp));
        }
        pos += end + 1;
    }
    None
}

/// The last stamped line.
fn last(reader: &ArtefactReader) -> Option<(u64, Stamp)> {
    let from = reader.len().saturating_sub(ENDS as u64);
    let buf = read(reader, from, ENDS)?;
    let mut end = buf.len();
    while end > 0 {
        let head = buf.get(..end)?;
        let start = memchr::memrchr(b'\n', head.get(..end - 1)?).map_or(0, |n| n + 1);
        let whole = start > 0 || from == 0;
        if let Some(stamp) = head.get(start..).and_then(stamp_of_line).filter(|_| whole) {
            return Some((from + start as u64, stamp));
        }
        end = start;
    }
    None
}

fn read(reader: &ArtefactReader, at: u64, bytes: usize) -> Option<Vec<u8>> {
    let mut buf = vec![0; bytes];
    let n = reader.read_at(at, &mut buf).ok()?;
    buf.truncate(n);
    Some(buf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Data;

    fn of(text: &str) -> Vec<Stamp> {
        stamps(&Data::memory(text.as_bytes().to_vec()).reader().unwrap())
    }

    #[test]
    fn the_line_where_the_offset_changes_is_found() {
        let mut text = String::new();
        for i in 0..20_000 {
            let offset = if i < 12_345 { "+0100" } else { "+0000" };
            let (h, m, s) = (i / 3600, i / 60 % 60, i % 60);
            text += &format!("a - - [09/Dec/2025:{h:02}:{m:02}:{s:02} {offset}] \"GET /\" 200 1\n");
        }
        let seconds = |offset| {
            of(&text)
                .into_iter()
                .filter(move |s| s.offset == Some(offset))
        };
        assert_eq!(seconds(3600).map(|s| s.second).max(), Some(12_344));
        assert_eq!(seconds(0).map(|s| s.second).min(), Some(12_345));
    }

    #[test]
    fn first_and_last_are_there_whatever_the_size() {
        for n in [1u32, 2, 100, 5000, 40_000] {
            let text: String = (0..n)
                .map(|i| {
                    format!(
                        "Jan  1 {:02}:{:02}:{:02} mx x: y\n",
                        i / 3600,
                        i / 60 % 60,
                        i % 60
                    )
                })
                .collect();
            let stamps = of(&text);
            assert_eq!(stamps.first().unwrap().second, 0);
            assert_eq!(stamps.last().unwrap().second, n - 1);
            assert!(stamps.len() <= 60, "{}", stamps.len());
        }
        assert!(of("no stamps\nat all").is_empty());
        assert!(of("").is_empty());
    }

    #[test]
    fn names_of_maildir_files() {
        for (path, expected) in [
            ("Maildir/cur/1765243800.M1P2.mx:2,S", Some(1_765_243_800)),
            ("Maildir/cur/17.M1", None),
            ("x/message.eml", None),
        ] {
            assert_eq!(
                maildir_time(path).map(Timestamp::seconds),
                expected,
                "{path}"
            );
        }
    }
}
