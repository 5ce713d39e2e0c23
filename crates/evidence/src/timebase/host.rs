//! Which artefacts come from one host: directories and archives side by side may be of several.

use super::sample::Clues;
use std::collections::BTreeSet;

/// Directories at the top of a Unix file system by which its root is told.
const TOP: &[&str] = &[
    "etc", "var", "home", "usr", "srv", "opt", "root", "boot", "run",
];

/// The hosts' roots, as path prefixes that end in `/` or `!` or are empty.
pub(crate) struct Hosts {
    roots: BTreeSet<String>,
}

impl Hosts {
    pub fn of(clues: &Clues) -> Self {
        let mut roots: BTreeSet<String> = clues
            .artefacts
            .iter()
            .filter_map(|a| root_in(&a.path))
            .map(str::to_string)
            .collect();
        roots.extend(clues.zones.iter().map(|z| z.root.clone()));
        Self { roots }
    }

    /// The root of the host that an artefact comes from: the longest known one above it, else `""`.
    pub fn root(&self, path: &str) -> &str {
        above(path)
            .find_map(|p| self.roots.get(p))
            .map_or("", String::as_str)
    }
}

/// Prefixes of a path that end where a component ends, the longest first, `""` last.
pub(crate) fn above(path: &str) -> impl Iterator<Item = &str> {
    let ends = path
        .char_indices()
        .rev()
        .filter(|(_, c)| matches!(c, '/' | '!'));
    ends.filter_map(|(at, _)| path.get(..=at))
        .chain(std::iter::once(""))
}

/// What stands in front of the innermost top-level directory's first appearance: for
/// `mx1/var/log/x` it is `mx1/`. Within an archive the search starts anew.
fn root_in(path: &str) -> Option<&str> {
    let inner = path.rfind('!').map_or(0, |at| at + 1);
    for from in [inner, 0] {
        let mut at = from;
        for part in path.get(from..)?.split(['/', '!']) {
            let end = at + part.len();
            if TOP.contains(&part) && end < path.len() {
                return path.get(..at);
            }
            at = end + 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots() {
        for (path, expected) in [
            ("mx1/var/log/mail.log", Some("mx1/")),
            ("var/log/mail.log", Some("")),
            ("b.tgz!./var/log/x", Some("b.tgz!./")),
            ("b.tgz!var/www/home/x", Some("b.tgz!")),
            ("mx/var/log/mail.log.1.gz!mail.log.1", Some("mx/")),
            ("logs/mail.log", None),
            ("var", None),
        ] {
            assert_eq!(root_in(path), expected, "{path}");
        }
        assert_eq!(above("a/b!c").collect::<Vec<_>>(), ["a/b!", "a/", ""]);
    }
}
