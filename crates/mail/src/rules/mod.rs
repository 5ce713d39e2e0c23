//! Rule files over messages: which structure is a lure, which words make a document sensitive.
//!
//! - [`lure`]: `rules/lures/*.toml`, conditions over [`crate::Fact`]s;
//! - [`marking`]: `rules/markings/*.toml`, patterns over text.
//!
//! To add a rule, add a file with its own examples; `cargo test -p vauban-mail` runs them, and so
//! does [`ContentRules::self_test`] for files a user brings.

pub mod lure;
pub mod marking;

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

pub use lure::{LureMatch, LureRule, Severity};
pub use marking::{MarkingMatch, MarkingRule};

static LURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../rules/lures");
static MARKINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../rules/markings");

/// Why a rule file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what a rule file must be.
    #[error("{path}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        reason: String,
    },
}

/// How much of a message is looked into.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Octets of each text part that are analysed (sizes and hashes are always of the whole).
    pub text: usize,
    /// Octets of a document that is opened for its text or its members; larger ones are not.
    pub document: usize,
    /// Octets of text taken out of one document.
    pub extracted: usize,
    /// Facts kept of one message.
    pub facts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text: 1 << 20,
            document: 32 << 20,
            extracted: 1 << 20,
            facts: 400,
        }
    }
}

/// The rules that [`crate::parse`] and [`ContentRules::lures`] judge by, compiled.
#[derive(Clone, Debug, Default)]
pub struct ContentRules {
    lures: Vec<LureRule>,
    markings: marking::Set,
    /// Domains of the organisation, lower case: what look-alike senders imitate.
    pub internal_domains: Vec<String>,
    /// Whether the text of PDF and office documents is extracted (markings, secrets).
    pub documents: bool,
    /// Whether secrets are looked for.
    pub secrets: bool,
    /// How much is looked into.
    pub limits: Limits,
}

impl ContentRules {
    /// The rules built into the program.
    ///
    /// # Panics
    /// Never in a released build: a test reads every built-in file.
    pub fn builtin() -> Self {
        let mut lures = Vec::new();
        let mut markings = Vec::new();
        for file in LURES.files().filter(|f| is_toml(f.path())) {
            let text = file.contents_utf8().unwrap_or_default();
            lures.push(LureRule::from_toml(text).unwrap_or_else(|e| bad(file.path(), &e)));
        }
        for file in MARKINGS.files().filter(|f| is_toml(f.path())) {
            let text = file.contents_utf8().unwrap_or_default();
            let rules = marking::from_toml(text).unwrap_or_else(|e| bad(file.path(), &e));
            markings.extend(rules);
        }
        lures.sort_by(|a, b| a.id.cmp(&b.id));
        Self {
            lures,
            markings: marking::Set::new(markings),
            documents: true,
            secrets: true,
            ..Self::default()
        }
    }

    /// The built-in rules and those below `dir/lures` and `dir/markings`; a file with the id of a
    /// built-in rule takes its place.
    ///
    /// # Errors
    /// Names the first file that could not be read or is not a rule.
    pub fn load(dir: &Path) -> Result<Self, RuleError> {
        let mut rules = Self::builtin();
        let mut markings = rules.markings.into_rules();
        for (path, text) in toml_files(&dir.join("lures"))? {
            let rule =
                LureRule::from_toml(&text).map_err(|reason| RuleError::Invalid { path, reason })?;
            rules.lures.retain(|r| r.id != rule.id);
            rules.lures.push(rule);
        }
        for (path, text) in toml_files(&dir.join("markings"))? {
            let new =
                marking::from_toml(&text).map_err(|reason| RuleError::Invalid { path, reason })?;
            markings.retain(|r| new.iter().all(|n| n.id != r.id));
            markings.extend(new);
        }
        rules.lures.sort_by(|a, b| a.id.cmp(&b.id));
        rules.markings = marking::Set::new(markings);
        Ok(rules)
    }

    /// No rules, no documents opened: structure and sizes only, as fast as it gets.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether anything judges what the parts hold.
    pub(crate) fn reads_content(&self) -> bool {
        !self.lures.is_empty()
            || !self.markings.rules().is_empty()
            || self.documents
            || self.secrets
    }

    /// Lure rules in order of id.
    pub fn lure_rules(&self) -> &[LureRule] {
        &self.lures
    }

    /// Marking rules in order of id.
    pub fn marking_rules(&self) -> &[MarkingRule] {
        self.markings.rules()
    }

    /// The lure rules that a message meets, gravest first, then by id.
    pub fn lures(&self, message: &crate::Message) -> Vec<LureMatch> {
        let mut out: Vec<_> = self.lures.iter().filter_map(|r| r.judge(message)).collect();
        out.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| a.rule.cmp(&b.rule))
        });
        out
    }

    /// States the phrases that rules ask for, met by a text the reader sees.
    pub(crate) fn phrases(&self, text: &str, part: &str, out: &mut crate::facts::Facts) {
        if self.lures.iter().all(|r| r.phrases.is_empty()) || text.is_empty() {
            return;
        }
        let folded: String = text.chars().map(crate::text::fold).collect();
        for rule in &self.lures {
            for (name, regex) in &rule.phrases {
                if let Some(m) = regex.find(&folded) {
                    out.add(
                        "text.phrase",
                        &format!("{}/{name}: {}", rule.id, m.as_str()),
                        part,
                    );
                }
            }
        }
    }

    /// Marking rules met by a text, by id.
    pub fn markings(&self, text: &str) -> Vec<MarkingMatch> {
        self.markings.find(text)
    }

    /// Runs every rule's own examples; one sentence for each that fails.
    pub fn self_test(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for rule in &self.lures {
            failures.extend(rule.self_test(self));
        }
        for rule in self.markings.rules() {
            failures.extend(rule.self_test());
        }
        failures
    }
}

fn bad(path: &Path, reason: &str) -> ! {
    panic!("built-in rule {}: {reason}", path.display())
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "toml")
}

/// Rule files of a folder by name; an absent folder has none.
fn toml_files(dir: &Path) -> Result<Vec<(PathBuf, String)>, RuleError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| RuleError::Io { path, source }
    };
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io(dir))? {
        paths.push(entry.map_err(io(dir))?.path());
    }
    paths.retain(|p| is_toml(p));
    paths.sort();
    paths
        .into_iter()
        .map(|p| std::fs::read_to_string(&p).map_err(io(&p)).map(|t| (p, t)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_example_holds() {
        let rules = ContentRules::builtin();
        assert!(rules.lure_rules().len() >= 10 && rules.marking_rules().len() >= 8);
        let failures = rules.self_test();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    #[test]
    fn a_users_file_replaces_a_builtin_one_and_errors_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("lures")).unwrap();
        let file = dir.path().join("lures/mine.toml");
        std::fs::write(&file, "id = \"x\"\n").unwrap();
        let error = ContentRules::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("mine.toml"), "{error}");
        let builtin = ContentRules::builtin();
        let id = &builtin.lure_rules()[0].id;
        let rule = format!(
            "id='{id}'\ntitle='t'\ntitle_fr='t'\nreason='r'\nreason_fr='r'\nseverity='low'\n\
             [[any]]\nall=[{{fact='html.script'}}]\n\
             [[example]]\nname='yes'\nmatches=true\nmessage='''\nContent-Type: text/html\n\n<script>x</script>'''\n"
        );
        std::fs::write(&file, rule).unwrap();
        let loaded = ContentRules::load(dir.path()).unwrap();
        assert_eq!(loaded.lure_rules().len(), builtin.lure_rules().len());
        assert!(loaded.self_test().is_empty());
    }
}
