//! Rule files (`rules/persistence/*.toml`): judgement over subjects, with their own examples.

use crate::condition::Condition;
use crate::scan::{Options, subjects};
use crate::subject::{Kind, Subject, kind};
use crate::tree::{File, MemoryTree};
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use vauban_ocsf::{Analytic, Finding, Level, Timestamp};

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../rules/persistence");

/// Most places that a finding of a rule with `together` names.
const PLACES: usize = 50;

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
        /// What is wrong.
        reason: String,
    },
}

/// A rule, compiled.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Stable name ("sieve-redirect-foreign-copy").
    pub id: String,
    /// One line; facts may stand in braces.
    pub title: String,
    /// What was found, with facts in braces.
    pub text: String,
    /// Why it matters and what it proves.
    pub reason: String,
    /// What to do.
    pub next: String,
    /// How much it matters.
    pub level: Level,
    /// ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// URLs.
    pub references: Vec<String>,
    /// Kind of subject.
    pub subject: &'static Kind,
    /// All subjects of a host join into one finding.
    pub together: bool,
    all: Vec<Condition>,
    any: Vec<Vec<Condition>>,
    none: Vec<Vec<Condition>>,
    examples: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    rule: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: String,
    title: String,
    text: String,
    reason: String,
    next: String,
    level: String,
    subject: String,
    #[serde(default)]
    techniques: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    together: bool,
    #[serde(default)]
    all: Vec<String>,
    /// At least one of these lists must hold as a whole.
    #[serde(default)]
    any: Vec<Vec<String>>,
    /// None of these lists may hold as a whole.
    #[serde(default)]
    unless: Vec<Vec<String>>,
    #[serde(default)]
    example: Vec<Example>,
}

/// An example: files, and whether the rule fires on them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    name: String,
    fires: bool,
    #[serde(default)]
    domains: Vec<String>,
    file: Vec<ExampleFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExampleFile {
    path: String,
    /// Content. The character § is taken out, so that an example of hostile code is none as long
    /// as it stands in its rule file.
    #[serde(default)]
    text: String,
    /// Text of a symbolic link.
    link: Option<String>,
    /// Octal mode ("4755").
    mode: Option<String>,
    /// The package that owns it as it is.
    package: Option<String>,
    /// The content the package had, if it is not this.
    was: Option<String>,
    /// It is one of the package's configuration files.
    #[serde(default)]
    conffile: bool,
}

impl Rule {
    fn new(raw: RawRule) -> Result<Self, String> {
        let at = |e: String| format!("{}: {e}", raw.id);
        let subject =
            kind(&raw.subject).ok_or_else(|| at(format!("no subject {:?}", raw.subject)))?;
        let list = |texts: &[String]| {
            texts
                .iter()
                .map(|t| Condition::parse(t, subject))
                .collect::<Result<Vec<_>, _>>()
                .map_err(at)
        };
        for wanted in [true, false] {
            if !raw.example.iter().any(|e| e.fires == wanted) {
                return Err(at(format!("a rule needs an example with fires = {wanted}")));
            }
        }
        Ok(Self {
            level: Level::from_level(&raw.level)
                .ok_or_else(|| at(format!("no level {:?}", raw.level)))?,
            all: list(&raw.all)?,
            any: raw.any.iter().map(|t| list(t)).collect::<Result<_, _>>()?,
            none: raw
                .unless
                .iter()
                .map(|t| list(t))
                .collect::<Result<_, _>>()?,
            subject,
            id: raw.id,
            title: raw.title,
            text: raw.text,
            reason: raw.reason,
            next: raw.next,
            techniques: raw.techniques,
            references: raw.references,
            together: raw.together,
            examples: raw.example,
        })
    }

    /// Whether the rule fires on a subject.
    pub fn fires(&self, subject: &Subject) -> bool {
        let hold = |list: &[Condition]| list.iter().all(|c| c.holds(subject));
        subject.kind == self.subject.0
            && hold(&self.all)
            && (self.any.is_empty() || self.any.iter().any(|l| hold(l)))
            && !self.none.iter().any(|l| hold(l))
    }

    fn finding(&self, subject: &Subject) -> Finding {
        Finding {
            rule: self.id.clone(),
            analytic: if subject.kind == "web.script" {
                Analytic::Content
            } else {
                Analytic::Rule
            },
            title: fill(&self.title, subject),
            level: self.level,
            reason: format!("{} {}", fill(&self.text, subject), self.reason),
            next: fill(&self.next, subject),
            techniques: self.techniques.clone(),
            references: self.references.clone(),
            first: subject.time,
            last: subject.time,
            places: subject.places.clone(),
            observables: subject.observables.clone(),
        }
    }
}

/// Puts facts in place of their names in braces.
fn fill(template: &str, subject: &Subject) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        out.push_str(before);
        let Some(close) = after.find('}') else {
            rest = after;
            break;
        };
        let name = after.get(1..close).unwrap_or_default();
        match subject.facts.get(name) {
            Some(fact) => out.push_str(&crate::subject::brief(&fact.to_string())),
            None => out.push('–'),
        }
        rest = after.get(close + 1..).unwrap_or_default();
    }
    out + rest
}

/// All rules.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// The rules built into the program.
    ///
    /// # Panics
    /// Never in a released build: a test reads every built-in file.
    pub fn builtin() -> Self {
        let mut rules = Self::default();
        for file in BUILTIN.files() {
            if file.path().extension().is_some_and(|e| e == "toml") {
                let text = file.contents_utf8().unwrap_or_default();
                if let Err(e) = rules.add(text) {
                    panic!("built-in rule {}: {e}", file.path().display());
                }
            }
        }
        rules
    }

    /// The built-in rules and those in `dir/persistence/*.toml`; a rule with the id of a built-in
    /// one takes its place.
    ///
    /// # Errors
    /// Names the first file that could not be read or is not a rule file.
    pub fn load(dir: &Path) -> Result<Self, RuleError> {
        let mut rules = Self::builtin();
        let dir = dir.join("persistence");
        if !dir.is_dir() {
            return Ok(rules);
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| RuleError::Io { path, source }
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&dir).map_err(io(&dir))? {
            paths.push(entry.map_err(io(&dir))?.path());
        }
        paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).map_err(io(&path))?;
            rules
                .add(&text)
                .map_err(|reason| RuleError::Invalid { path, reason })?;
        }
        Ok(rules)
    }

    /// Adds the rules of a file's text; a rule takes the place of one with its id.
    ///
    /// # Errors
    /// Says what is wrong with which rule.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let file: RawFile = toml::from_str(text).map_err(|e| e.to_string())?;
        for raw in file.rule {
            let rule = Rule::new(raw)?;
            self.rules.retain(|r| r.id != rule.id);
            self.rules.push(rule);
        }
        self.rules.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(())
    }

    /// All rules by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Judges subjects. Of the rules that fire on one subject those of the highest level speak;
    /// the others would say less of the same thing.
    pub fn judge(&self, subjects: &[Subject]) -> Vec<Finding> {
        let mut out: Vec<Finding> = Vec::new();
        let mut together: Vec<(&Rule, Vec<&Subject>)> = Vec::new();
        for subject in subjects {
            let fired: Vec<&Rule> = self.rules.iter().filter(|r| r.fires(subject)).collect();
            let Some(top) = fired.iter().map(|r| r.level).max() else {
                continue;
            };
            for rule in fired.into_iter().filter(|r| r.level == top) {
                if !rule.together {
                    out.push(rule.finding(subject));
                    continue;
                }
                match together.iter_mut().find(|(r, _)| r.id == rule.id) {
                    Some((_, list)) => list.push(subject),
                    None => together.push((rule, vec![subject])),
                }
            }
        }
        for (rule, list) in together {
            let Some((first, more)) = list.split_first() else {
                continue;
            };
            let mut finding = rule.finding(first);
            if !more.is_empty() {
                finding.reason = format!(
                    "{} (and {} more) {}",
                    fill(&rule.text, first),
                    more.len(),
                    rule.reason
                );
                finding.first = list.iter().filter_map(|s| s.time).min();
                finding.last = list.iter().filter_map(|s| s.time).max();
            }
            for subject in more {
                let room = PLACES.saturating_sub(finding.places.len());
                finding
                    .places
                    .extend(subject.places.iter().take(room).cloned());
                let room = PLACES.saturating_sub(finding.observables.len());
                finding
                    .observables
                    .extend(subject.observables.iter().take(room).cloned());
            }
            out.push(finding);
        }
        out.sort_by(|a, b| {
            (b.level, &a.rule, &a.places, &a.observables).cmp(&(
                a.level,
                &b.rule,
                &b.places,
                &b.observables,
            ))
        });
        out.dedup();
        out
    }

    /// Runs every rule's own examples; one sentence for each that fails.
    pub fn self_test(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for rule in &self.rules {
            for example in &rule.examples {
                let tree = match example.tree() {
                    Ok(tree) => tree,
                    Err(e) => {
                        failures.push(format!("{} / {}: {e}", rule.id, example.name));
                        continue;
                    }
                };
                let options = Options {
                    own_domains: example.domains.clone(),
                    ..Options::default()
                };
                let found = subjects(&tree, &options).subjects;
                if found.iter().any(|s| rule.fires(s)) != example.fires {
                    let near: Vec<_> = found
                        .iter()
                        .filter(|s| s.kind == rule.subject.0)
                        .map(|s| format!("{:?}", s.facts))
                        .collect();
                    failures.push(format!(
                        "{} / {}: should {}fire; facts: {}",
                        rule.id,
                        example.name,
                        if example.fires { "" } else { "not " },
                        near.join(" | ")
                    ));
                }
            }
        }
        failures
    }
}

impl Example {
    /// The files, with the package lists that make the packaged ones packaged.
    fn tree(&self) -> Result<MemoryTree, String> {
        let mut tree = MemoryTree::default();
        let mut packages: std::collections::BTreeMap<&str, (String, String)> = Default::default();
        for f in &self.file {
            let text = f.text.replace('§', "");
            let mode = f
                .mode
                .as_deref()
                .map(|m| u32::from_str_radix(m, 8).map_err(|e| e.to_string()))
                .transpose()?;
            if let Some(package) = &f.package {
                let was = f.was.as_deref().map(|w| w.replace('§', ""));
                let sum = crate::baseline::md5(was.as_deref().unwrap_or(&text).as_bytes());
                let hex: String = sum.iter().map(|b| format!("{b:02x}")).collect();
                let (sums, conf) = packages.entry(package).or_default();
                if f.conffile {
                    conf.push_str(&format!(" {} {hex}\n", f.path));
                } else {
                    sums.push_str(&format!("{hex}  {}\n", f.path.trim_start_matches('/')));
                }
            }
            tree.add(
                File {
                    artefact: f.path.clone(),
                    path: f.path.clone(),
                    mode,
                    modified: Some(Timestamp::from_seconds(1_765_000_000)),
                    link: f.link.clone(),
                    ..File::default()
                },
                text.into_bytes(),
            );
        }
        let mut status = String::new();
        for (package, (sums, conf)) in &packages {
            tree.text(&format!("/var/lib/dpkg/info/{package}.md5sums"), sums);
            status.push_str(&format!(
                "Package: {package}\nStatus: install ok installed\nVersion: 1\n"
            ));
            if !conf.is_empty() {
                status.push_str(&format!("Conffiles:\n{conf}"));
            }
            status.push('\n');
        }
        if !status.is_empty() {
            tree.text("/var/lib/dpkg/status", &status);
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_example_holds() {
        let rules = Rules::builtin();
        assert!(rules.rules().len() >= 40);
        let failures = rules.self_test();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    #[test]
    fn techniques_are_ids_and_texts_name_facts_that_exist() {
        for rule in Rules::builtin().rules() {
            for t in &rule.techniques {
                assert!(
                    t.starts_with('T') && t.get(1..5).is_some_and(|d| d.parse::<u32>().is_ok()),
                    "{}: {t}",
                    rule.id
                );
            }
            assert!(
                !rule.next.is_empty() && !rule.reason.is_empty(),
                "{}",
                rule.id
            );
            for piece in [&rule.title, &rule.text, &rule.next] {
                for name in piece.split('{').skip(1).filter_map(|p| p.split('}').next()) {
                    assert!(
                        crate::subject::has_fact(rule.subject, name),
                        "{}: {{{name}}}",
                        rule.id
                    );
                }
            }
        }
    }

    #[test]
    fn a_users_file_replaces_a_rule_and_errors_name_file_and_rule() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("persistence")).unwrap();
        let file = dir.path().join("persistence/mine.toml");
        std::fs::write(&file, "[[rule]]\nid = \"x\"\n").unwrap();
        assert!(
            Rules::load(dir.path())
                .unwrap_err()
                .to_string()
                .contains("mine.toml")
        );
        let builtin = Rules::builtin();
        let id = &builtin.rules()[0].id;
        let rule = |fact: &str| {
            format!(
                "[[rule]]\nid='{id}'\ntitle='t'\ntext='t'\nreason='r'\nnext='n'\nlevel='low'\n\
                 subject='sieve.action'\nall=['{fact}']\n\
                 [[rule.example]]\nname='y'\nfires=true\n[[rule.example.file]]\n\
                 path='/home/a/.dovecot.sieve'\ntext='redirect \"a@b.example\";'\n\
                 [[rule.example]]\nname='n'\nfires=false\n[[rule.example.file]]\n\
                 path='/home/a/.dovecot.sieve'\ntext='keep;'\n"
            )
        };
        std::fs::write(&file, rule("nosuch")).unwrap();
        let error = Rules::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains(id) && error.contains("nosuch"), "{error}");
        std::fs::write(&file, rule("everything")).unwrap();
        let loaded = Rules::load(dir.path()).unwrap();
        assert_eq!(loaded.rules().len(), builtin.rules().len());
        let own: Vec<_> = loaded
            .rules
            .iter()
            .filter(|r| &r.id == id)
            .cloned()
            .collect();
        assert_eq!(Rules { rules: own }.self_test(), Vec::<String>::new());
    }
}
