//! Compiling rules.

use std::path::{Path, PathBuf};

use vauban_ocsf::Finding;
use yara_x::errors::CompileError;
use yara_x::{Compiler, SourceCode};

use crate::finding;

/// Why a rule was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}:{column}: {message}")]
pub struct RuleError {
    /// The file, or the name given for the text.
    pub path: String,
    /// Line from 1; 0 when the file could not be read.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Compiled rules. Cheap to share between threads by reference.
pub struct Rules {
    compiled: yara_x::Rules,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rules({})", self.len())
    }
}

impl Rules {
    /// Compiles texts, each with a name for messages. What is wrong in one text costs that text
    /// only. Rules of the same name in two texts do not clash: each text is its own namespace.
    pub fn compile<'s>(
        sources: impl IntoIterator<Item = (&'s str, &'s [u8])>,
    ) -> (Self, Vec<RuleError>) {
        let mut compiler = Compiler::new();
        let mut errors = Vec::new();
        // A rule could read any file of the machine by an include.
        compiler.enable_includes(false);
        for (name, text) in sources {
            compiler.new_namespace(name);
            let source = SourceCode::from(text).with_origin(name);
            let before = compiler.errors().len();
            if compiler.add_source(source).is_err() {
                let new = compiler.errors().get(before..).unwrap_or_default();
                errors.extend(new.iter().map(|e| error(name, text, e)));
            }
        }
        let compiled = compiler.build();
        (Self { compiled }, errors)
    }

    /// Compiles every `*.yar` and `*.yara` below a folder, in order of path.
    pub fn folder(dir: &Path) -> (Self, Vec<RuleError>) {
        let mut errors = Vec::new();
        let mut texts = Vec::new();
        for path in rule_files(dir, &mut errors) {
            match std::fs::read(&path) {
                Ok(text) => texts.push((path.display().to_string(), text)),
                Err(e) => errors.push(unread(&path, &e)),
            }
        }
        let (rules, more) = Self::compile(texts.iter().map(|(n, t)| (n.as_str(), t.as_slice())));
        errors.extend(more);
        (rules, errors)
    }

    /// How many rules there are, private ones included.
    pub fn len(&self) -> usize {
        self.compiled.iter().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Judges octets; `name` becomes the artefact of the places. `None` when the engine gave up
    /// (time limit of the rules, which has no default).
    pub fn scan(&self, name: &str, content: &[u8]) -> Option<Vec<Finding>> {
        let mut scanner = self.scanner();
        let results = scanner.scan(content).ok()?;
        Some(finding::all(name, content, results.matching_rules()))
    }

    pub(crate) fn scanner(&self) -> yara_x::Scanner<'_> {
        let mut scanner = yara_x::Scanner::new(&self.compiled);
        // Patterns that a rule only asks for are not searched again once met; verdicts are the
        // same, and the first place is the one a person opens.
        scanner.fast_scan(true);
        // Rules that count matches stay right far beyond what they count to.
        scanner.max_matches_per_pattern(100_000);
        scanner
    }
}

fn rule_files(dir: &Path, errors: &mut Vec<RuleError>) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut stack = vec![dir.to_owned()];
    while let Some(dir) = stack.pop() {
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(e) => {
                errors.push(unread(&dir, &e));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(t) if t.is_dir() => stack.push(path),
                Ok(t) if t.is_file() => {
                    let yes = path.extension().is_some_and(|e| e == "yar" || e == "yara");
                    out.extend(yes.then_some(path));
                }
                _ => {}
            }
        }
    }
    out.sort();
    out
}

fn unread(path: &Path, e: &std::io::Error) -> RuleError {
    RuleError {
        path: path.display().to_string(),
        line: 0,
        column: 0,
        message: format!("not read: {e}"),
    }
}

fn error(name: &str, text: &[u8], e: &CompileError) -> RuleError {
    let label = e.labels().next();
    let start = label.as_ref().map_or(0, |l| l.span().start());
    let before = text.get(..start.min(text.len())).unwrap_or_default();
    let line_start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |i| i + 1);
    let mut message = e.title().to_owned();
    if let Some(label) = &label
        && !label.text().is_empty()
    {
        message = format!("{message}: {}", label.text());
    }
    if e.code() == "E034" || message.contains("unknown module") {
        message += " (only the modules math, string and hash are built in)";
    }
    RuleError {
        path: name.to_owned(),
        line: before.iter().filter(|b| **b == b'\n').count() + 1,
        column: String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count()
            + 1,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_line_and_column_and_the_rest_is_kept() {
        let good = "rule a { strings: $x = \"needle\" condition: $x }";
        let bad = "rule b {\n  strings:\n    $x = \"a\"\n  condition: $y\n}\n";
        let module = "import \"pe\"\nrule c { condition: pe.is_pe }";
        let (rules, errors) = Rules::compile([
            ("good.yar", good.as_bytes()),
            ("bad.yar", bad.as_bytes()),
            ("module.yar", module.as_bytes()),
        ]);
        assert_eq!(rules.len(), 1, "{errors:?}");
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert_eq!((errors[0].line, errors[0].column), (4, 14), "{}", errors[0]);
        assert_eq!(errors[1].line, 1);
        assert!(errors[1].message.contains("built in"), "{}", errors[1]);
        let found = rules.scan("f", b"a needle").unwrap();
        assert_eq!(
            (found[0].rule.as_str(), found[0].places[0].offset),
            ("a", 2)
        );
    }

    #[test]
    fn folders_and_what_is_no_rule() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yar"), "rule a { condition: true }").unwrap();
        std::fs::write(dir.path().join("b.yara"), b"rule a { condition: \xc3\x28 }").unwrap();
        std::fs::write(dir.path().join("c.txt"), "nothing").unwrap();
        let (rules, errors) = Rules::folder(dir.path());
        assert_eq!(rules.len(), 1);
        assert!(
            errors.len() == 1 && errors[0].path.ends_with("b.yara"),
            "{errors:?}"
        );
        let (none, errors) = Rules::folder(&dir.path().join("absent"));
        assert!(none.is_empty() && errors.len() == 1);
    }
}
