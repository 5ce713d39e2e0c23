//! Where other people's rules are, and how they are read.

#![allow(dead_code)]

pub mod generate;

use std::path::{Path, PathBuf};

/// Test data of others, kept outside the repository; `None` (said aloud) where it is absent.
pub fn shared(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = root.join("data").join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "{} is absent: only the built-in examples are tested",
        path.display()
    );
    None
}

/// All files below `dir` with one of these endings, in the order of their names.
pub fn files(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if path
                .extension()
                .and_then(|e| e.to_str())
                .is_some_and(|e| endings.contains(&e))
            {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// Names and contents of all rule files below `dir`.
pub fn rule_files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    files(dir, &["yml", "yaml"])
        .into_iter()
        .map(|p| {
            let content = std::fs::read(&p).expect("readable");
            (p.display().to_string(), content)
        })
        .collect()
}
