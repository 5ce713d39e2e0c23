//! Files of rules: those built in, and those of a directory.

use std::io;
use std::path::{Path, PathBuf};

/// A file of rules, or of examples beside one (`.examples`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Path: of a built-in one below `rules/sigma`, of another as it was given.
    pub path: String,
    /// Content. Bytes that are no UTF-8 are replaced, and the engine will say what is wrong.
    pub text: String,
}

impl RuleFile {
    /// Whether it holds examples, not rules.
    pub fn is_examples(&self) -> bool {
        self.path.ends_with(".examples")
    }

    /// Path and content for `RuleSet::load`; `None` of examples.
    pub fn into_rules(self) -> Option<(String, String)> {
        (!self.is_examples()).then_some((self.path, self.text))
    }
}

static PACK: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/pack.rs"));

/// The rules for mail servers that are built in, with their examples, by path.
pub fn builtin() -> Vec<RuleFile> {
    PACK.iter()
        .map(|(path, text)| RuleFile {
            path: (*path).to_string(),
            text: (*text).to_string(),
        })
        .collect()
}

/// All files ending in `.yml`, `.yaml` or `.examples` below `dir` (or `dir` itself, if it is a
/// file), by path.
/// Folders named `pipelines` hold processing pipelines for converters and are left out. Links to
/// folders are not followed, so that a circle of them ends.
///
/// # Errors
/// If a directory or file cannot be read.
pub fn load(dir: &Path) -> io::Result<Vec<RuleFile>> {
    let mut paths = Vec::new();
    if dir.is_dir() {
        walk(dir, &mut paths)?;
    } else {
        paths.push(dir.to_path_buf());
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path)
                .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
            Ok(RuleFile {
                path: path.display().to_string(),
                text: String::from_utf8_lossy(&bytes).into_owned(),
            })
        })
        .collect()
}

fn walk(dir: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", dir.display()));
    for entry in std::fs::read_dir(dir).map_err(named)? {
        let entry = entry.map_err(named)?;
        let path = entry.path();
        if entry.file_type().map_err(named)?.is_dir() {
            if entry.file_name() != "pipelines" {
                walk(&path, paths)?;
            }
        } else if path
            .extension()
            .is_some_and(|x| x == "yml" || x == "yaml" || x == "examples")
        {
            paths.push(path);
        }
    }
    Ok(())
}
