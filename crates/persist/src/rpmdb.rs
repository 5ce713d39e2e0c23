//! rpm's package database in its SQLite form (`rpmdb.sqlite`, Fedora 33, RHEL 9 and later): one
//! blob a package, rpm's header structure (librpm `header.c`): two counts, an index of tags, data.
//!
//! The older forms (Berkeley DB, ndb) are not read; `rpm -qa` output has no checksums.

use crate::baseline::{Baseline, Sum};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Most entries of one header's index.
const ENTRIES: usize = 10_000;

/// Tags (rpmtag.h).
const NAME: u32 = 1000;
const FILE_MODES: u32 = 1030;
const FILE_DIGESTS: u32 = 1035;
const FILE_FLAGS: u32 = 1037;
const DIR_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIR_NAMES: u32 = 1118;
/// RPMFILE_CONFIG and RPMFILE_GHOST.
const CONFIG: u32 = 1;
const GHOST: u32 = 64;

/// Adds the packages of a database.
///
/// # Errors
/// If the bytes are no SQLite database with a table `Packages`. A header that cannot be read is
/// left out, and the list of packages is then not complete.
pub(crate) fn read(
    bytes: &[u8],
    base: &mut Baseline,
    listed: &mut BTreeSet<String>,
) -> Result<(), String> {
    let mut db = Connection::open_in_memory().map_err(|e| e.to_string())?;
    db.deserialize_read_exact("main", bytes, bytes.len(), true)
        .map_err(|e| e.to_string())?;
    let mut query = db
        .prepare("SELECT hnum, blob FROM Packages ORDER BY hnum")
        .map_err(|e| e.to_string())?;
    let mut rows = query.query([]).map_err(|e| e.to_string())?;
    let mut unread = 0usize;
    while let Some(row) = rows.next().map_err(|e| e.to_string())? {
        let blob: Vec<u8> = row.get(1).map_err(|e| e.to_string())?;
        match Header::new(&blob).and_then(|h| package(&h, base)) {
            Some(name) => {
                base.packages.insert(name.clone());
                listed.insert(name);
            }
            None => unread += 1,
        }
    }
    if unread > 0 {
        base.packages.insert(String::from("(unreadable)"));
        return Err(format!("{unread} package headers could not be read"));
    }
    Ok(())
}

struct Header<'b> {
    index: Vec<(u32, u32, usize, usize)>,
    data: &'b [u8],
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl<'b> Header<'b> {
    fn new(blob: &'b [u8]) -> Option<Self> {
        let count = be32(blob, 0)? as usize;
        let length = be32(blob, 4)? as usize;
        if count > ENTRIES {
            return None;
        }
        let data = blob.get(8 + count * 16..)?;
        let data = data.get(..length.min(data.len()))?;
        let index = (0..count)
            .map(|i| {
                let at = 8 + i * 16;
                Some((
                    be32(blob, at)?,
                    be32(blob, at + 4)?,
                    be32(blob, at + 8)? as usize,
                    be32(blob, at + 12)? as usize,
                ))
            })
            .collect::<Option<_>>()?;
        Some(Self { index, data })
    }

    fn entry(&self, tag: u32) -> Option<(u32, usize, usize)> {
        self.index
            .iter()
            .find(|e| e.0 == tag)
            .map(|e| (e.1, e.2, e.3))
    }

    /// Texts of a tag (types 6, 8, 9).
    fn texts(&self, tag: u32) -> Vec<&'b str> {
        let Some((6 | 8 | 9, at, count)) = self.entry(tag) else {
            return Vec::new();
        };
        self.data
            .get(at..)
            .unwrap_or_default()
            .split(|b| *b == 0)
            .take(count)
            .map(|t| std::str::from_utf8(t).unwrap_or(""))
            .collect()
    }

    /// Numbers of a tag (16 or 32 bits).
    fn numbers(&self, tag: u32) -> Vec<u32> {
        match self.entry(tag) {
            Some((3, at, count)) => self
                .data
                .get(at..)
                .unwrap_or_default()
                .chunks_exact(2)
                .take(count)
                .map(|c| u32::from(u16::from_be_bytes([c[0], c[1]])))
                .collect(),
            Some((4, at, count)) => self
                .data
                .get(at..)
                .unwrap_or_default()
                .chunks_exact(4)
                .take(count)
                .map(|c| u32::from_be_bytes([c[0], c[1], c[2], c[3]]))
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn package(header: &Header<'_>, base: &mut Baseline) -> Option<String> {
    let name = header.texts(NAME).first()?.to_string();
    let (names, dirs, indexes) = (
        header.texts(BASE_NAMES),
        header.texts(DIR_NAMES),
        header.numbers(DIR_INDEXES),
    );
    let (digests, flags, modes) = (
        header.texts(FILE_DIGESTS),
        header.numbers(FILE_FLAGS),
        header.numbers(FILE_MODES),
    );
    for (i, file) in names.iter().enumerate() {
        let Some(dir) = indexes.get(i).and_then(|d| dirs.get(*d as usize)) else {
            continue;
        };
        let path = crate::tree::usr(&format!("{dir}{file}"));
        base.own(&path);
        let (flag, mode) = (
            flags.get(i).copied().unwrap_or(0),
            modes.get(i).copied().unwrap_or(0),
        );
        if mode & 0o4000 != 0 && mode & 0o170000 == 0o100000 {
            base.suid.insert(path.clone());
        }
        let Some(sum) = digests.get(i).and_then(|d| digest(d)) else {
            continue;
        };
        if flag & GHOST != 0 {
            continue;
        }
        if flag & CONFIG != 0 {
            base.conffiles.insert(path, sum);
        } else {
            base.sums.entry(path).or_default().push((sum, name.clone()));
        }
    }
    Some(name)
}

/// SHA-256 (64 digits) or MD5 (32); other algorithms are left out.
fn digest(hex: &str) -> Option<Sum> {
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok())
        .collect::<Option<_>>()?;
    match bytes.len() {
        32 => Some(Sum::Sha256(bytes.try_into().ok()?)),
        16 => Some(Sum::Md5(bytes.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A header as librpm stores it: tag, type, data.
    fn header(tags: &[(u32, u32, usize, Vec<u8>)]) -> Vec<u8> {
        let (mut index, mut data): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        for (tag, kind, count, bytes) in tags {
            for n in [*tag, *kind, data.len() as u32, *count as u32] {
                index.extend(u32::to_be_bytes(n));
            }
            data.extend(bytes);
        }
        let mut out = (tags.len() as u32).to_be_bytes().to_vec();
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(index);
        out.extend(data);
        out
    }

    #[test]
    fn a_package() {
        let sum = "ab".repeat(32);
        let blob = header(&[
            (NAME, 6, 1, b"sudo\0".to_vec()),
            (
                FILE_MODES,
                3,
                2,
                [0o104755u16, 0o100644]
                    .iter()
                    .flat_map(|m| m.to_be_bytes())
                    .collect(),
            ),
            (FILE_DIGESTS, 8, 2, format!("{sum}\0{sum}\0").into_bytes()),
            (
                FILE_FLAGS,
                4,
                2,
                [0u32, CONFIG]
                    .iter()
                    .flat_map(|m| m.to_be_bytes())
                    .collect(),
            ),
            (
                DIR_INDEXES,
                4,
                2,
                [0u32, 1].iter().flat_map(|m| m.to_be_bytes()).collect(),
            ),
            (BASE_NAMES, 8, 2, b"sudo\0sudoers\0".to_vec()),
            (DIR_NAMES, 8, 2, b"/usr/bin/\0/etc/\0".to_vec()),
        ]);
        let mut db = Connection::open_in_memory().unwrap();
        db.execute(
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)",
            [],
        )
        .unwrap();
        db.execute("INSERT INTO Packages VALUES (1, ?1)", [&blob])
            .unwrap();
        let file = db.serialize("main").unwrap().to_vec();
        let (mut base, mut listed) = (Baseline::default(), BTreeSet::new());
        read(&file, &mut base, &mut listed).unwrap();
        assert!(listed.contains("sudo") && base.suid.contains("/usr/bin/sudo"));
        assert_eq!(base.sums["/usr/bin/sudo"][0].0, Sum::Sha256([0xab; 32]));
        assert!(base.conffiles.contains_key("/etc/sudoers"));
        assert!(read(b"no database", &mut base, &mut listed).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(h) = Header::new(&bytes) {
                let _ = package(&h, &mut Baseline::default());
            }
        }
    }
}
