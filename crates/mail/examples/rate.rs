//! How many messages a second one core judges: `cargo run --release -p vauban-mail --example rate
//! -- DIR…`. Every file below the folders is a message (JSON files hold one under `text`); all are
//! read first. Seconds are processor time of this process, so a busy machine does not distort them.

use std::path::{Path, PathBuf};

use vauban_mail::{ContentRules, parse};

fn main() {
    let mut messages = Vec::new();
    for dir in std::env::args().skip(1) {
        gather(Path::new(&dir), &mut messages);
    }
    let total: usize = messages.iter().map(Vec::len).sum();
    println!("{} messages, {:.1} MB", messages.len(), total as f64 / 1e6);
    let all = ContentRules::builtin();
    let mut closed = all.clone();
    closed.documents = false;
    let mut no_secrets = all.clone();
    no_secrets.secrets = false;
    let kinds = [
        ("structure only", ContentRules::none()),
        ("rules, secrets, documents", all),
        ("the same, documents closed", closed),
        ("the same, secrets not looked for", no_secrets),
    ];
    for (label, rules) in kinds {
        let rounds = (3_000 / messages.len().max(1)).max(1);
        let before = processor_seconds();
        let mut lures = 0;
        for _ in 0..rounds {
            for bytes in &messages {
                lures += rules.lures(&parse(bytes, &rules)).len();
            }
        }
        let seconds = processor_seconds() - before;
        println!(
            "{label:34} {:>8.0} messages/s {:>7.1} MB/s ({lures} lures)",
            (messages.len() * rounds) as f64 / seconds,
            (total * rounds) as f64 / seconds / 1e6,
        );
    }
}

/// User and system time so far, in seconds (proc(5), `/proc/self/stat` fields 14 and 15, in
/// hundredths).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |x| x.1);
    let ticks: f64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

fn gather(dir: &Path, out: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            gather(&path, out);
        } else if name.starts_with("dovecot") || matches!(name.as_str(), "subscriptions") {
            // The store's own files.
        } else if let Ok(bytes) = std::fs::read(&path) {
            if name.ends_with(".json") {
                let value: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
                let text = value
                    .as_ref()
                    .and_then(|v| v.get("text"))
                    .and_then(|t| t.as_str());
                out.extend(text.map(|t| t.as_bytes().to_vec()));
            } else {
                out.push(bytes);
            }
        }
    }
}
