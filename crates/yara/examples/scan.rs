//! Scans folders: `cargo run --release -p vauban-yara --example scan -- RULES DIR… [--threads N]`.
//! Prints `rule path` a line, as `yr scan` does, and totals to the error output.

use std::path::{Path, PathBuf};

use vauban_yara::{Limits, Rules, scan_tree};

fn main() {
    let mut limits = Limits::default();
    let mut paths = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(a) = arguments.next() {
        if a == "--threads" {
            limits.threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        } else {
            paths.push(PathBuf::from(a));
        }
    }
    let Some((rules, dirs)) = paths.split_first() else {
        eprintln!("usage: scan RULES DIR… [--threads N]");
        std::process::exit(2);
    };
    let (rules, errors) = Rules::folder(rules);
    for e in &errors {
        eprintln!("{e}");
    }
    let mut files = Vec::new();
    for dir in dirs {
        walk(dir, &mut files);
    }
    let scan = scan_tree(&rules, &files, &limits);
    for f in &scan.findings {
        println!("{} {}", f.rule, f.places[0].artefact);
    }
    eprintln!(
        "{} rules, {} files, {:.1} MB, {} findings, {} problems",
        rules.len(),
        scan.files,
        scan.bytes as f64 / 1e6,
        scan.findings.len(),
        scan.problems.len()
    );
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(t) if t.is_dir() => walk(&entry.path(), out),
            Ok(t) if t.is_file() => out.push(entry.path()),
            _ => {}
        }
    }
}
