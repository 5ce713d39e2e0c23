//! One scan: files sorted into hosts, each host looked at by every inspector, subjects judged.

use crate::host::accounts::Accounts;
use crate::names::Domains;
use crate::rules::Rules;
use crate::subject::{Subject, Text};
use crate::tree::{File, Root, Tree, roots};
use crate::{Baseline, Origin};
use std::cell::RefCell;
use std::collections::BTreeMap;
use vauban_ocsf::Finding;

/// What the caller knows.
#[derive(Clone, Debug)]
pub struct Options {
    /// The organisation's domains, besides those that the host's own configuration names.
    pub own_domains: Vec<String>,
    /// Files larger than this are not read whole, in bytes.
    pub file: usize,
    /// Databases larger than this are not read, in bytes.
    pub database: usize,
    /// Whether every packaged file is compared with its checksum, not only those that other
    /// inspections open. Reads all of `/usr`.
    pub verify_all: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            own_domains: Vec::new(),
            file: 4 << 20,
            database: 1 << 30,
            verify_all: true,
        }
    }
}

/// Something that could not be read, or not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// What was wrong, with line or offset where it has one.
    pub reason: String,
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Files and links given.
    pub files: usize,
    /// Scripts of web servers that were judged by structure.
    pub scripts: usize,
    /// Files compared with their package's checksum.
    pub compared: usize,
    /// Packages known.
    pub packages: usize,
    /// Hosts found.
    pub hosts: usize,
    /// On every host the files of all installed packages are known, so that "no package has it"
    /// can be said.
    pub complete: bool,
}

/// What a scan gives.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Findings, gravest first.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// What was looked at.
    pub looked: Looked,
}

/// Subjects before they are judged.
#[derive(Clone, Debug, Default)]
pub struct Subjects {
    /// All of them.
    pub subjects: Vec<Subject>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// What was looked at.
    pub looked: Looked,
}

/// Scans files and judges what it finds. Never fails; what could not be read is in
/// [`Report::problems`].
pub fn scan(tree: &dyn Tree, options: &Options, rules: &Rules) -> Report {
    let found = subjects(tree, options);
    Report {
        findings: rules.judge(&found.subjects),
        problems: found.problems,
        looked: found.looked,
    }
}

/// Computes subjects, without judging them.
pub fn subjects(tree: &dyn Tree, options: &Options) -> Subjects {
    let mut out = Subjects::default();
    out.looked.files = tree.files().len();
    out.looked.complete = true;
    for root in roots(tree.files()) {
        let host = Host::new(tree, &root, options);
        let mut subjects = Vec::new();
        crate::sieve::inspect(&host, &mut subjects);
        crate::postfix::inspect(&host, &mut subjects);
        crate::dovecot::inspect(&host, &mut subjects);
        crate::webmail::inspect(&host, &mut subjects);
        crate::web::inspect(&host, &mut subjects);
        crate::host::inspect(&host, &mut subjects);
        crate::files::inspect(&host, &mut subjects);
        out.looked.hosts += 1;
        out.looked.packages += host.base.packages.len();
        out.looked.complete &= host.base.complete;
        let state = host.state.into_inner();
        out.looked.scripts += state.scripts;
        out.looked.compared += state.compared;
        out.problems.extend(state.problems);
        out.subjects.extend(subjects);
    }
    out.problems.sort();
    out.problems.dedup();
    out
}

/// One host as inspectors see it.
pub(crate) struct Host<'t> {
    tree: &'t dyn Tree,
    pub root: &'t Root,
    pub options: &'t Options,
    pub base: Baseline,
    pub domains: Domains,
    pub accounts: Accounts,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    problems: Vec<Problem>,
    origins: BTreeMap<String, Origin>,
    scripts: usize,
    compared: usize,
}

impl<'t> Host<'t> {
    fn new(tree: &'t dyn Tree, root: &'t Root, options: &'t Options) -> Self {
        let mut problems = Vec::new();
        let base = Baseline::read(tree, root, &mut |path, reason| {
            problems.push(Problem {
                path: format!("{}{}", root.prefix, path.trim_start_matches('/')),
                reason,
            });
        });
        let mut host = Self {
            tree,
            root,
            options,
            base,
            domains: Domains::default(),
            accounts: Accounts::default(),
            state: RefCell::new(State {
                problems,
                ..State::default()
            }),
        };
        host.accounts = Accounts::read(&host);
        host.domains = crate::names::own_domains(&host);
        host
    }

    /// The file of that path.
    pub fn file(&self, path: &str) -> Option<&'t File> {
        self.tree.files().get(*self.root.files.get(path)?)
    }

    /// Whether there is a file of that path.
    pub fn has(&self, path: &str) -> bool {
        self.root.files.contains_key(path)
    }

    /// Paths that begin so, in order.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.root
            .files
            .range(prefix.to_owned()..)
            .map(|(path, _)| path.as_str())
            .take_while(move |path| path.starts_with(prefix))
    }

    /// All paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.root.files.keys().map(String::as_str)
    }

    /// Reads a regular file up to the limit of one; `None` is reported. Links give `None` without
    /// a word: what they lead to is read in its own place.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.read_up_to(path, self.options.file)
    }

    /// As [`Self::read`], with a limit of its own.
    pub fn read_up_to(&self, path: &str, limit: usize) -> Option<Vec<u8>> {
        let index = *self.root.files.get(path)?;
        let file = self.tree.files().get(index)?;
        if file.link.is_some() {
            return None;
        }
        match self.tree.read(index, limit) {
            Ok(bytes) => {
                if file.size > limit as u64 {
                    self.problem(path, format!("only its first {limit} bytes were looked at"));
                }
                Some(bytes)
            }
            Err(e) => {
                self.problem(path, e);
                None
            }
        }
    }

    /// The first bytes of a file, empty if it cannot be read; that it is longer is no news.
    pub fn read_head(&self, path: &str, limit: usize) -> Vec<u8> {
        let Some(&index) = self.root.files.get(path) else {
            return Vec::new();
        };
        match self.tree.read(index, limit) {
            Ok(bytes) => bytes,
            Err(e) => {
                self.problem(path, e);
                Vec::new()
            }
        }
    }

    /// Where a path leads to, up to eight links on.
    pub fn follow(&self, path: &str) -> String {
        let mut path = crate::tree::usr(path);
        for _ in 0..8 {
            match self.file(&path).and_then(|f| f.link.as_deref()) {
                Some(target) => {
                    path =
                        crate::tree::usr(&crate::tree::resolve(crate::tree::parent(&path), target));
                }
                None => break,
            }
        }
        path
    }

    /// Says that something could not be read.
    pub fn problem(&self, path: &str, reason: String) {
        self.state.borrow_mut().problems.push(Problem {
            path: self.artefact(path).to_owned(),
            reason,
        });
    }

    /// Counts a script that was judged.
    pub fn count_script(&self) {
        self.state.borrow_mut().scripts += 1;
    }

    /// Where a file comes from.
    pub fn origin(&self, path: &str) -> Origin {
        if let Some(known) = self.state.borrow().origins.get(path) {
            return known.clone();
        }
        let mut compared = 0;
        let origin = self.base.origin(path, &mut || {
            compared = 1;
            let index = *self.root.files.get(path)?;
            self.tree.read(index, self.options.database).ok()
        });
        let mut state = self.state.borrow_mut();
        state.compared += compared;
        state.origins.insert(path.to_owned(), origin.clone());
        origin
    }

    /// A text of that file, for making places.
    pub fn text<'b>(&'b self, path: &'b str, bytes: &'b [u8]) -> Text<'b> {
        Text {
            artefact: self.artefact(path),
            bytes,
        }
    }

    /// The name of a file for people.
    pub fn artefact<'a>(&'a self, path: &'a str) -> &'a str {
        self.file(path).map_or(path, |f| f.artefact.as_str())
    }

    /// A subject with the facts that all have.
    pub fn subject(&self, kind: &'static str, path: &str) -> Subject {
        let mut subject = Subject::new(kind)
            .text("path", path)
            .text("origin", self.origin(path).word());
        subject.time = self.file(path).and_then(|f| f.modified);
        subject
    }
}
