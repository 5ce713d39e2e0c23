//! Scans a directory as a host's root and prints what was found; `--php` judges every file below
//! as a script instead. A tool for those who write rules: the program proper gives the files.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use vauban_ocsf::{Level, Timestamp};
use vauban_persist::{File, Options, Rules, Tree, php, scan};

struct Disk {
    base: std::path::PathBuf,
    files: Vec<File>,
}

impl Disk {
    fn walk(&mut self, dir: &Path) {
        let Ok(entries) = std::fs::read_dir(dir) else {
            return;
        };
        let mut paths: Vec<_> = entries.flatten().map(|e| e.path()).collect();
        paths.sort();
        for path in paths {
            let Ok(meta) = path.symlink_metadata() else {
                continue;
            };
            let name = path
                .strip_prefix(&self.base)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            if meta.is_dir() {
                if !["proc", "sys", "dev", "run"].contains(&name.as_str()) {
                    self.walk(&path);
                }
            } else if meta.is_file() || meta.is_symlink() {
                self.files.push(File {
                    artefact: name.clone(),
                    path: name,
                    size: meta.len(),
                    mode: Some(meta.mode()),
                    owner: Some(meta.uid()),
                    modified: Some(Timestamp::from_seconds(meta.mtime())),
                    link: std::fs::read_link(&path)
                        .ok()
                        .map(|l| l.to_string_lossy().into_owned()),
                });
            }
        }
    }
}

impl Tree for Disk {
    fn files(&self) -> &[File] {
        &self.files
    }
    fn read(&self, index: usize, limit: usize) -> Result<Vec<u8>, String> {
        use std::io::Read;
        let file = self.files.get(index).ok_or("no such file")?;
        let mut bytes = Vec::new();
        std::fs::File::open(self.base.join(&file.path))
            .and_then(|f| f.take(limit as u64).read_to_end(&mut bytes))
            .map_err(|e| e.to_string())?;
        Ok(bytes)
    }
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let judge_only = args.iter().any(|a| a == "--php");
    let all = args.iter().any(|a| a == "--all");
    args.retain(|a| !a.starts_with("--"));
    let mut base = std::path::PathBuf::from(args.first().map_or(".", String::as_str));
    let mut only = Vec::new();
    // Several arguments: the first is the root, the others what to take of it.
    only.extend(args.iter().skip(1).map(|a| base.join(a)));
    if base.as_os_str().is_empty() {
        base = ".".into();
    }
    let mut disk = Disk {
        base: base.clone(),
        files: Vec::new(),
    };
    if only.is_empty() {
        only.push(base);
    }
    for dir in only {
        disk.walk(&dir);
    }
    if judge_only {
        let (mut files, mut bytes, mut alarms) = (0u64, 0u64, 0u64);
        for (i, file) in disk.files.iter().enumerate() {
            let ends = [
                ".php", ".inc", ".phtml", ".module", ".install", ".phpt", ".ctp", ".tpl", ".phar",
            ];
            if file.link.is_some() || !ends.iter().any(|e| file.path.ends_with(e)) {
                continue;
            }
            let Ok(text) = disk.read(i, 8 << 20) else {
                continue;
            };
            files += 1;
            bytes += text.len() as u64;
            let verdict = php::judge(&text);
            if verdict.suspicious() {
                alarms += 1;
                println!("{} {} {:?}", verdict.score, file.path, verdict.facts);
                for r in verdict.reasons.iter().take(6) {
                    println!("    {}: {}", r.line, r.words);
                }
            }
        }
        println!("{files} files, {bytes} bytes, {alarms} with an alarm");
        return;
    }
    let report = scan(&disk, &Options::default(), &Rules::builtin());
    for f in &report.findings {
        if f.level == Level::Informational && !all {
            continue;
        }
        println!(
            "{:13} {} | {} | {}",
            f.level.caption(),
            f.rule,
            f.title,
            f.reason
        );
        for p in f.places.iter().take(3) {
            println!(
                "              {}:{} {}",
                p.artefact,
                p.line.unwrap_or(0),
                p.excerpt
            );
        }
    }
    let mut counts = std::collections::BTreeMap::new();
    for f in &report.findings {
        *counts.entry((f.level, f.rule.clone())).or_insert(0) += 1;
    }
    println!("{counts:?}");
    for p in report.problems.iter().take(20) {
        println!("problem {}: {}", p.path, p.reason);
    }
    println!("{:?}, {} problems", report.looked, report.problems.len());
}
