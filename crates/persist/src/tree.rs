//! The files to look at, as the caller has them: a live root, copied evidence, a test.

use std::collections::{BTreeMap, BTreeSet};
use vauban_ocsf::Timestamp;

/// One file, or one symbolic link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Name under which a person finds it: the artefact's path in the evidence, or the absolute
    /// path on a live host.
    pub artefact: String,
    /// Path on the host as far as it is known, `/`-separated; a leading `/` is optional. Steps in
    /// front of the host's root (`case7/host1/etc/passwd`) are found and taken off by
    /// [`roots`].
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Unix mode bits, when known. Copies made by an ordinary user lose set-user-id bits.
    pub mode: Option<u32>,
    /// Numeric owner, when known.
    pub owner: Option<u32>,
    /// Last modification, when known. Weak evidence: copying loses it, and anybody can set it.
    pub modified: Option<Timestamp>,
    /// Text of the symbolic link, if it is one.
    pub link: Option<String>,
}

/// Access to files. Implementations do the reading; nothing in this crate opens a file.
pub trait Tree: Sync {
    /// Every file and symbolic link, in a stable order.
    fn files(&self) -> &[File];

    /// The first `limit` bytes of a file of [`Tree::files`].
    ///
    /// # Errors
    /// Says why it could not be read; the scan goes on and reports it as a problem.
    fn read(&self, index: usize, limit: usize) -> Result<Vec<u8>, String>;
}

/// Files held in memory: for tests, for rule examples, and for callers with little to look at.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    files: Vec<File>,
    bytes: Vec<Vec<u8>>,
}

impl MemoryTree {
    /// Adds a file; its size is taken from `bytes`.
    pub fn add(&mut self, mut file: File, bytes: Vec<u8>) {
        file.size = bytes.len() as u64;
        self.files.push(file);
        self.bytes.push(bytes);
    }

    /// Adds a file by its path and content, nothing else known of it.
    pub fn text(&mut self, path: &str, content: &str) {
        let file = File {
            artefact: path.to_owned(),
            path: path.to_owned(),
            ..File::default()
        };
        self.add(file, content.as_bytes().to_vec());
    }
}

impl Tree for MemoryTree {
    fn files(&self) -> &[File] {
        &self.files
    }

    fn read(&self, index: usize, limit: usize) -> Result<Vec<u8>, String> {
        let bytes = self.bytes.get(index).ok_or("no such file")?;
        Ok(bytes
            .get(..limit.min(bytes.len()))
            .unwrap_or_default()
            .to_vec())
    }
}

/// Directories that stand in a root and hardly anywhere else at the front of a path.
const TOP: &[&str] = &[
    "etc", "usr", "var", "home", "root", "opt", "srv", "bin", "sbin", "lib", "lib64", "boot",
    "tmp", "run", "dev",
];

/// The root in front of a path: what stands before the first directory that only a root has.
fn root_of(path: &str) -> Option<&str> {
    let mut at = 0;
    for step in path.split('/') {
        if TOP.contains(&step) && path.len() > at + step.len() {
            return path.get(..at);
        }
        at += step.len() + 1;
    }
    None
}

/// A host's files: index into [`Tree::files`] by absolute path.
#[derive(Clone, Debug, Default)]
pub struct Root {
    /// What stood in front (`case7/host1/`), without which paths are given; `""` if nothing.
    pub prefix: String,
    /// Absolute path on the host to the file's index. `/bin`, `/sbin` and `/lib*` are followed to
    /// `/usr`, as every current distribution has it.
    pub files: BTreeMap<String, usize>,
}

/// Sorts files into the hosts they come from.
///
/// A file in which no root shows belongs to the root whose prefix its path begins with, else to
/// the first.
pub fn roots(files: &[File]) -> Vec<Root> {
    let clean = |f: &File| f.path.trim_start_matches('/').to_owned();
    let mut prefixes: BTreeSet<String> = files
        .iter()
        .filter_map(|f| root_of(&clean(f)).map(str::to_owned))
        .collect();
    // A backup of a host inside a host (`srv/backup/etc/…`) has the outer host's prefix already,
    // for the outer `srv` is met first.
    if prefixes.is_empty() {
        prefixes.insert(String::new());
    }
    let mut out: Vec<Root> = prefixes
        .iter()
        .map(|prefix| Root {
            prefix: prefix.clone(),
            files: BTreeMap::new(),
        })
        .collect();
    for (index, file) in files.iter().enumerate() {
        let path = clean(file);
        let prefix = root_of(&path).map(str::to_owned).unwrap_or_else(|| {
            let longest = prefixes.iter().rev().find(|p| path.starts_with(p.as_str()));
            longest.or(prefixes.first()).cloned().unwrap_or_default()
        });
        let rest = path.strip_prefix(prefix.as_str()).unwrap_or(&path);
        if let Some(root) = out.iter_mut().find(|r| r.prefix == prefix) {
            root.files.insert(usr(&format!("/{rest}")), index);
        }
    }
    out
}

/// `/bin/x` is `/usr/bin/x` since the directories were merged; package lists name either.
pub fn usr(path: &str) -> String {
    for dir in ["/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/", "/libx32/"] {
        if path.starts_with(dir) {
            return format!("/usr{path}");
        }
    }
    path.to_owned()
}

/// The path that `target`, text of a link in directory `dir`, leads to. `..` stops at the root.
pub fn resolve(dir: &str, target: &str) -> String {
    let joined = if target.starts_with('/') {
        target.to_owned()
    } else {
        format!("{dir}/{target}")
    };
    let mut out: Vec<&str> = Vec::new();
    for step in joined.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                out.pop();
            }
            step => out.push(step),
        }
    }
    format!("/{}", out.join("/"))
}

/// The directory of a path, without the last `/`.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// The last step of a path.
pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Vec<Root> {
        let files: Vec<File> = paths
            .iter()
            .map(|p| File {
                path: (*p).into(),
                ..File::default()
            })
            .collect();
        roots(&files)
    }

    #[test]
    fn several_hosts_in_one_directory() {
        let r = tree(&[
            "case/web1/etc/passwd",
            "case/web1/var/www/x.php",
            "case/web1/notes.txt",
            "case/web2/bin/sh",
        ]);
        assert_eq!(r.len(), 2);
        assert_eq!(r[0].prefix, "case/web1/");
        let paths: Vec<_> = r[0].files.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/etc/passwd", "/notes.txt", "/var/www/x.php"]);
        assert!(r[1].files.contains_key("/usr/bin/sh"));
    }

    #[test]
    fn a_live_root_and_a_bare_directory() {
        let r = tree(&["/etc/passwd", "/srv/backup/etc/passwd"]);
        assert_eq!((r.len(), r[0].files.len()), (1, 2));
        let r = tree(&["roundcube/index.php", "x.php"]);
        assert!(r[0].files.contains_key("/roundcube/index.php"));
    }

    #[test]
    fn links() {
        for (dir, target, expected) in [
            ("/etc/x", "../y", "/etc/y"),
            ("/a", "/b/./c", "/b/c"),
            ("/a", "../../../b", "/b"),
        ] {
            assert_eq!(resolve(dir, target), expected);
        }
    }
}
