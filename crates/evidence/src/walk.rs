//! Finding the files: directories in sorted order, links noted and not followed, devices left
//! alone.

use crate::names;
use crate::problem::Problem;
use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A file that was found.
#[derive(Debug)]
pub(crate) struct Listed {
    pub file: PathBuf,
    /// As shown.
    pub path: String,
    pub meta: Metadata,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub files: Vec<Listed>,
    /// Symbolic links: path and target, both as shown.
    pub links: Vec<(String, String)>,
    pub problems: Vec<Problem>,
}

/// A sparse file whose holes are larger than this is not read: `lastlog` on a host with large
/// user ids states hundreds of gigabytes and has a few kilobytes.
const HOLES_MAX: u64 = 8 << 30;

/// Lists what is under the given paths, in the order given, each directory sorted by name.
pub(crate) fn walk(paths: &[PathBuf]) -> Walk {
    let mut walk = Walk::default();
    let roots = roots(paths, &mut walk.problems);
    let several = roots.len() > 1;
    let mut names = BTreeSet::new();
    for root in roots {
        let own = root
            .file_name()
            .map_or_else(String::new, |n| names::show(n.as_bytes()));
        let meta = match fs::metadata(&root) {
            Ok(meta) => meta,
            Err(e) => {
                walk.problems.push(Problem::error(own, e.to_string()));
                continue;
            }
        };
        if meta.is_dir() {
            let prefix = if several {
                unique(&mut names, own)
            } else {
                String::new()
            };
            walk.directory(&root, prefix, meta.dev());
        } else {
            let path = unique(&mut names, own);
            walk.file(root, path, meta);
        }
    }
    walk.resolve_links();
    walk
}

/// The roots with links resolved (the user named them), without those that lie in another: their
/// files would be counted twice.
fn roots(paths: &[PathBuf], problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = Vec::new();
    let mut real = Vec::new();
    for path in paths {
        match fs::canonicalize(path) {
            Ok(root) => real.push(root),
            Err(e) => problems.push(Problem::error(
                names::show(path.as_os_str().as_bytes()),
                e.to_string(),
            )),
        }
    }
    for (i, root) in real.iter().enumerate() {
        let inside = real
            .iter()
            .enumerate()
            .any(|(j, other)| root.starts_with(other) && (root != other || j < i));
        if inside {
            let shown = names::show(root.as_os_str().as_bytes());
            problems.push(Problem::note(
                shown,
                "lies inside another given path, listed there",
            ));
        } else {
            roots.push(root.clone());
        }
    }
    roots
}

fn unique(names: &mut BTreeSet<String>, name: String) -> String {
    let mut n = 2;
    let mut candidate = name.clone();
    while !names.insert(candidate.clone()) {
        candidate = format!("{name}~{n}");
        n += 1;
    }
    candidate
}

impl Walk {
    fn directory(&mut self, root: &Path, prefix: String, dev: u64) {
        // A stack of its own: a directory nested ten thousand deep must not exhaust ours.
        let mut stack = vec![Step::Directory(root.to_path_buf(), prefix, dev)];
        while let Some(step) = stack.pop() {
            match step {
                Step::File(file, path, meta) => self.file(file, path, *meta),
                Step::Directory(dir, path, parent_dev) => {
                    let mut inside = self.list(&dir, &path, parent_dev);
                    inside.reverse();
                    stack.append(&mut inside);
                }
            }
        }
    }

    /// One directory's entries in order of their names' bytes.
    fn list(&mut self, dir: &Path, path: &str, dev: u64) -> Vec<Step> {
        let shown = || {
            if path.is_empty() {
                ".".to_string()
            } else {
                path.to_string()
            }
        };
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) => {
                self.problems
                    .push(Problem::error(shown(), format!("directory not read: {e}")));
                return Vec::new();
            }
        };
        let mut names_here = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => names_here.push(entry.file_name()),
                Err(e) => {
                    let what = format!("directory not read to its end: {e}");
                    self.problems.push(Problem::error(shown(), what));
                    break;
                }
            }
        }
        names_here.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        let mut steps = Vec::with_capacity(names_here.len());
        for name in names_here {
            let file = dir.join(&name);
            let own = names::show(name.as_bytes());
            let path = if path.is_empty() {
                own
            } else {
                format!("{path}/{own}")
            };
            match fs::symlink_metadata(&file) {
                Ok(meta) if meta.is_dir() => {
                    if meta.dev() != dev && pseudo(&file) {
                        let what = "not a file system on a disk, not entered";
                        self.problems.push(Problem::note(path, what));
                    } else {
                        steps.push(Step::Directory(file, path, meta.dev()));
                    }
                }
                Ok(meta) => steps.push(Step::File(file, path, Box::new(meta))),
                Err(e) => self.problems.push(Problem::error(path, e.to_string())),
            }
        }
        steps
    }

    fn file(&mut self, file: PathBuf, path: String, meta: Metadata) {
        let kind = meta.file_type();
        if kind.is_symlink() {
            match fs::read_link(&file) {
                Ok(to) => self
                    .links
                    .push((path, names::show(to.as_os_str().as_bytes()))),
                Err(e) => self.problems.push(Problem::warning(path, e.to_string())),
            }
            return;
        }
        if !kind.is_file() {
            let what = if kind.is_fifo() {
                "FIFO, not read"
            } else if kind.is_socket() {
                "socket, not read"
            } else {
                "device, not read"
            };
            self.problems.push(Problem::note(path, what));
            return;
        }
        // st_blocks counts 512 bytes whatever the file system's block is (stat(2)).
        let holes = meta.len().saturating_sub(meta.blocks().saturating_mul(512));
        if holes > HOLES_MAX && holes / 100 * 99 > meta.len() / 100 * 98 {
            let what = format!(
                "sparse file of {} bytes with {} on disk, not read",
                meta.len(),
                meta.blocks().saturating_mul(512)
            );
            self.problems.push(Problem::warning(path, what));
            return;
        }
        self.files.push(Listed { file, path, meta });
    }

    /// Says of each link whether what it names is listed anyway. Judged by the text of the target:
    /// nothing is followed.
    fn resolve_links(&mut self) {
        let listed: BTreeSet<&str> = self.files.iter().map(|f| f.path.as_str()).collect();
        let is_listed = |path: &String| {
            let below = format!("{path}/");
            let from = (Bound::Included(below.as_str()), Bound::Unbounded);
            let next = listed.range::<str, _>(from).next();
            listed.contains(path.as_str()) || next.is_some_and(|n| n.starts_with(&below))
        };
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for (path, target) in &self.links {
            match targets(path, target).into_iter().find(is_listed) {
                Some(found) => {
                    inside.push((path, format!("symbolic link to {found}, which is listed")));
                }
                None => outside.push((
                    path,
                    format!("symbolic link to {target}, which is not in the evidence here"),
                )),
            }
        }
        for mut notes in [inside, outside] {
            // A copied /etc has hundreds: the first tell the story, `Collection::links` has all.
            let more = notes.len().saturating_sub(LINKS_SAID);
            notes.truncate(LINKS_SAID);
            let last = notes.len();
            for (i, (path, mut what)) in notes.into_iter().enumerate() {
                if i + 1 == last && more > 0 {
                    what = format!("{what}; so are {more} more symbolic links");
                }
                self.problems.push(Problem::note(path.clone(), what));
            }
        }
    }
}

/// Links said one by one, of those whose target is listed and of those whose is not.
const LINKS_SAID: usize = 10;

enum Step {
    Directory(PathBuf, String, u64),
    File(PathBuf, String, Box<Metadata>),
}

/// The paths in the evidence that a link's target can mean. A relative one means one place, if it
/// stays inside; an absolute one is of the host's root, which is any directory above the link.
fn targets(path: &str, target: &str) -> Vec<String> {
    let Some(absolute) = target.strip_prefix('/') else {
        return joined(path.rsplit_once('/').map_or("", |(dir, _)| dir), target)
            .into_iter()
            .collect();
    };
    let above = path.char_indices().rev().filter(|(_, c)| *c == '/');
    above
        .filter_map(|(at, _)| path.get(..at))
        .chain(std::iter::once(""))
        .filter_map(|root| joined(root, absolute))
        .collect()
}

fn joined(dir: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split('/').filter(|p| !p.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// proc, sysfs and their kin: reading them is endless or does things.
fn pseudo(dir: &Path) -> bool {
    // Magic numbers of statfs(2).
    const MAGICS: &[u64] = &[
        0x9fa0,
        0x6265_6572,
        0x0027_e0eb,
        0x6367_7270,
        0x1cd1,
        0x6462_6720,
        0x7363_6673,
        0x7472_6163,
        0xcafe_4a11,
        0x6e66_7364,
        0x4249_4e4d,
        0x1980_0202,
    ];
    rustix::fs::statfs(dir).is_ok_and(|fs| MAGICS.contains(&(fs.f_type.cast_unsigned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_targets() {
        for (path, target, expected) in [
            ("a/b", "c", vec!["a/c"]),
            ("a/b", "../c/./d", vec!["c/d"]),
            ("a/b", "../../c", vec![]),
            (
                "mx/etc/x",
                "/etc/y",
                vec!["mx/etc/etc/y", "mx/etc/y", "etc/y"],
            ),
            ("b", ".", vec![""]),
        ] {
            assert_eq!(targets(path, target), expected, "{path} -> {target}");
        }
    }
}
