//! What the distribution installed: the yardstick by which a file is the administrator's, the
//! package's, or nobody's.
//!
//! Sources: dpkg's `info/*.md5sums` (checksums), `info/*.list` (ownership), the conffiles in
//! `status` (checksums of configuration as shipped), ucf's register (configuration that packages'
//! scripts wrote), dpkg's diversions, and rpm's SQLite database (see [`crate::rpmdb`]).
//!
//! MD5 is what dpkg has: a match means that the file was not changed by accident or by somebody
//! who did not bother, no more; and who is root can change the lists as well.

use crate::tree::{Root, Tree, name, parent, usr};
use std::collections::{BTreeMap, BTreeSet};
use vauban_ocsf::ArtefactId;

/// Longest package list that is read, in bytes.
const LIST: usize = 64 << 20;

/// MD5 of bytes.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    <md5::Md5 as md5::Digest>::digest(bytes).into()
}

/// A checksum as the package has it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sum {
    Md5([u8; 16]),
    Sha256([u8; 32]),
}

impl Sum {
    fn fits(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Md5(sum) => *sum == md5(bytes),
            Self::Sha256(sum) => {
                let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(bytes).into();
                *sum == digest
            }
        }
    }
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As its package has it: nothing an intruder could have put there without changing the lists.
    Packaged,
    /// A package's file, with other content.
    Changed(String),
    /// A package's configuration file, with other content: what administrators do.
    Edited,
    /// Configuration that a package's script wrote, as it wrote it.
    Generated,
    /// A package has a file of this name, without a checksum.
    Owned,
    /// No package has it, and the lists are complete.
    Unowned,
    /// The evidence does not tell.
    Unknown,
}

impl Origin {
    /// The word that rules use.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Packaged => "packaged",
            Self::Changed(_) => "changed",
            Self::Edited => "edited",
            Self::Generated => "generated",
            Self::Owned => "owned",
            Self::Unowned => "unowned",
            Self::Unknown => "unknown",
        }
    }

    /// Nothing to judge: the file is the distribution's own.
    pub fn pristine(&self) -> bool {
        matches!(self, Self::Packaged | Self::Generated)
    }
}

/// The packages' files.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// Path to checksum and package; several where packages divert each other's files.
    pub(crate) sums: BTreeMap<String, Vec<(Sum, String)>>,
    /// Path to checksum of configuration as shipped.
    pub(crate) conffiles: BTreeMap<String, Sum>,
    /// Configuration that ucf put there.
    ucf: BTreeMap<String, Sum>,
    /// Everything that packages own, directories too.
    pub(crate) owned: BTreeSet<String>,
    /// Directories in which packages have files.
    pub(crate) directories: BTreeSet<String>,
    /// Set-user-id files by package metadata (rpm).
    pub(crate) suid: BTreeSet<String>,
    /// Diverted path to where it went.
    diverted: BTreeMap<String, String>,
    /// Names of installed packages.
    pub packages: BTreeSet<String>,
    /// Whether every installed package's files are known.
    pub complete: bool,
}

impl Baseline {
    /// Reads the lists of a root. `problem` is told what could not be read.
    pub fn read(tree: &dyn Tree, root: &Root, problem: &mut dyn FnMut(&str, String)) -> Self {
        let mut base = Self::default();
        let mut listed: BTreeSet<String> = BTreeSet::new();
        let mut unread: Vec<(String, String)> = Vec::new();
        let mut read = |index: usize, path: &str| match tree.read(index, LIST) {
            Ok(bytes) => Some(bytes),
            Err(e) => {
                unread.push((path.to_owned(), e));
                None
            }
        };
        for (path, &index) in root.files.range("/var/lib/dpkg/".to_owned()..) {
            if !path.starts_with("/var/lib/dpkg/") {
                break;
            }
            let file = name(path);
            let package = |end: &str| {
                let stem = file.strip_suffix(end)?;
                Some(stem.split(':').next().unwrap_or(stem).to_owned())
            };
            if path.starts_with("/var/lib/dpkg/info/") {
                if let Some(package) = package(".md5sums") {
                    let Some(bytes) = read(index, path) else {
                        continue;
                    };
                    let text = String::from_utf8_lossy(&bytes);
                    for (path, sum) in vauban_sources::packages::md5sums(&text) {
                        base.own(&path);
                        base.sums
                            .entry(usr(&path))
                            .or_default()
                            .push((Sum::Md5(sum), package.clone()));
                    }
                    listed.insert(package);
                } else if let Some(package) = package(".list") {
                    let Some(bytes) = read(index, path) else {
                        continue;
                    };
                    for line in String::from_utf8_lossy(&bytes).lines() {
                        base.own(line.trim_end());
                    }
                    listed.insert(package);
                }
            } else if file == "status" && path == "/var/lib/dpkg/status" {
                let Some(bytes) = read(index, path) else {
                    continue;
                };
                let (packages, _) = vauban_sources::packages::dpkg_status(&bytes, ArtefactId(0));
                base.packages
                    .extend(packages.into_iter().filter(|p| p.installed).map(|p| p.name));
                base.conffiles(&String::from_utf8_lossy(&bytes));
            } else if file == "diversions" {
                let Some(bytes) = read(index, path) else {
                    continue;
                };
                let text = String::from_utf8_lossy(&bytes);
                let lines: Vec<&str> = text.lines().collect();
                for three in lines.chunks_exact(3) {
                    if let [from, to, _] = three {
                        base.diverted.insert(usr(from), usr(to));
                        base.own(to);
                    }
                }
            }
        }
        if let Some(&index) = root.files.get("/var/lib/ucf/hashfile")
            && let Some(bytes) = read(index, "/var/lib/ucf/hashfile")
        {
            for line in String::from_utf8_lossy(&bytes).lines() {
                if let Some((sum, path)) = line.split_once("  ")
                    && let Some(sum) = hex16(sum)
                {
                    base.ucf.insert(usr(path.trim()), Sum::Md5(sum));
                }
            }
        }
        let mut said: Vec<(String, String)> = Vec::new();
        for place in [
            "/var/lib/rpm/rpmdb.sqlite",
            "/usr/lib/sysimage/rpm/rpmdb.sqlite",
        ] {
            if let Some(&index) = root.files.get(place)
                && let Some(bytes) = read(index, place)
                && let Err(e) = crate::rpmdb::read(&bytes, &mut base, &mut listed)
            {
                said.push((place.to_owned(), e));
            }
        }
        for (path, e) in unread.into_iter().chain(said) {
            problem(&path, e);
        }
        base.complete =
            !base.packages.is_empty() && base.packages.iter().all(|p| listed.contains(p));
        base
    }

    /// The conffiles of all packages in `status`: ` /path md5 [obsolete]`.
    fn conffiles(&mut self, status: &str) {
        let mut inside = false;
        for line in status.lines() {
            if !line.starts_with(' ') {
                inside = line.starts_with("Conffiles:");
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            if inside
                && let (Some(path), Some(sum)) = (words.next(), words.next())
                && let Some(sum) = hex16(sum)
            {
                self.own(path);
                self.conffiles.insert(usr(path), Sum::Md5(sum));
            }
        }
    }

    pub(crate) fn own(&mut self, path: &str) {
        let path = usr(path);
        if let Some(dir) = Some(parent(&path)).filter(|d| !d.is_empty())
            && !self.directories.contains(dir)
        {
            self.directories.insert(dir.to_owned());
        }
        self.owned.insert(path);
    }

    /// Whether anything is known of packages at all.
    pub fn known(&self) -> bool {
        !self.owned.is_empty()
    }

    /// Where a file comes from; `bytes` is called only if there is a checksum to compare.
    pub fn origin(&self, path: &str, bytes: &mut dyn FnMut() -> Option<Vec<u8>>) -> Origin {
        let real = self.diverted.get(path).map_or(path, String::as_str);
        if let Some(sums) = self.sums.get(path).or_else(|| self.sums.get(real)) {
            let Some(bytes) = bytes() else {
                return Origin::Owned;
            };
            if sums.iter().any(|(sum, _)| sum.fits(&bytes)) {
                return Origin::Packaged;
            }
            if self.conffiles.contains_key(path) {
                return Origin::Edited;
            }
            let package = sums.first().map(|(_, p)| p.clone()).unwrap_or_default();
            return Origin::Changed(package);
        }
        if let Some(sum) = self.conffiles.get(path) {
            return match bytes() {
                Some(bytes) if sum.fits(&bytes) => Origin::Packaged,
                Some(_) => Origin::Edited,
                None => Origin::Owned,
            };
        }
        if let Some(sum) = self.ucf.get(path) {
            return match bytes() {
                Some(bytes) if sum.fits(&bytes) => Origin::Generated,
                Some(_) => Origin::Edited,
                None => Origin::Owned,
            };
        }
        if self.owned.contains(path) {
            return Origin::Owned;
        }
        if self.complete {
            Origin::Unowned
        } else {
            Origin::Unknown
        }
    }
}

fn hex16(text: &str) -> Option<[u8; 16]> {
    let mut sum = [0; 16];
    if text.len() != 32 {
        return None;
    }
    for (i, byte) in sum.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{MemoryTree, roots};

    #[test]
    fn packaged_changed_edited_unowned() {
        let mut tree = MemoryTree::default();
        let sum = |text: &str| -> String {
            md5(text.as_bytes())
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect()
        };
        tree.text(
            "/var/lib/dpkg/info/a.md5sums",
            &format!("{}  bin/same\n{}  usr/bin/other\n", sum("1"), sum("2")),
        );
        tree.text(
            "/var/lib/dpkg/status",
            &format!(
                "Package: a\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/a.conf {}\n /etc/b.conf {}\n\n",
                sum("c"),
                sum("c")
            ),
        );
        tree.text(
            "/var/lib/ucf/hashfile",
            &format!("{}  /etc/u.conf\n", sum("u")),
        );
        let files = tree.files().to_vec();
        let root = &roots(&files)[0];
        let base = Baseline::read(&tree, root, &mut |_, _| panic!());
        assert!(base.complete);
        for (path, content, expected) in [
            ("/usr/bin/same", "1", Origin::Packaged),
            ("/usr/bin/other", "x", Origin::Changed("a".into())),
            ("/etc/a.conf", "c", Origin::Packaged),
            ("/etc/b.conf", "x", Origin::Edited),
            ("/etc/u.conf", "u", Origin::Generated),
            ("/etc/u.conf", "x", Origin::Edited),
            ("/etc/n.conf", "x", Origin::Unowned),
        ] {
            let origin = base.origin(path, &mut || Some(content.as_bytes().to_vec()));
            assert_eq!(origin, expected, "{path} {content}");
        }
    }
}
