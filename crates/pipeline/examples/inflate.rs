//! Makes big logs of small ones, for benchmarks: the same days over and over, each time later.
//!
//! `inflate EVIDENCE OUT BYTES`: every plain `mail.log*` and `access.log*` below EVIDENCE is
//! repeated until OUT holds about BYTES, half of it mail. Stamps are moved by whole periods
//! (RFC 3164 ones become ISO 8601, so that years are unambiguous) and Dovecot's session ids are
//! made distinct, so that no two sessions are the same.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use vauban_ocsf::{DAY, Timestamp};
use vauban_sources::stamp::Clock;

fn below(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            below(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// A line cut at its stamp: instant, what stands before it, what stands behind it.
struct Line {
    at: Timestamp,
    before: String,
    after: String,
}

fn mail(line: &str, clock: &Clock<'_>) -> Option<Line> {
    let bytes = line.as_bytes();
    let (at, length) = vauban_sources::stamp::rfc3339(bytes, clock)
        .or_else(|| vauban_sources::stamp::rfc3164(bytes, clock))?;
    Some(Line {
        at,
        before: String::new(),
        after: line.get(length..)?.to_string(),
    })
}

fn web(line: &str, clock: &Clock<'_>) -> Option<Line> {
    let open = line.find('[')?;
    let close = line.find(']')?;
    let (at, _) = vauban_sources::stamp::clf(line.get(open + 1..)?.as_bytes(), clock)?;
    Some(Line {
        at,
        before: line.get(..open)?.to_string(),
        after: line.get(close + 1..)?.to_string(),
    })
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A copy's own session ids: `session=<…>` at log-in, `imap(user)<pid><…>` after it.
fn marked(after: &str, mark: &str) -> String {
    let after = after.replace("session=<", &format!("session=<{mark}"));
    match after.find("><") {
        Some(i) if after.get(..i).is_some_and(|a| a.contains("dovecot: ")) => {
            format!("{}><{mark}{}", &after[..i], &after[i + 2..])
        }
        _ => after,
    }
}

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, from, to, bytes] = args.as_slice() else {
        eprintln!("inflate EVIDENCE OUT BYTES");
        std::process::exit(2);
    };
    let bytes: u64 = bytes.parse().map_err(std::io::Error::other)?;
    let mut files = Vec::new();
    below(Path::new(from), &mut files);
    files.sort();
    let base = vauban_evidence::TimeBase::utc((2025, 12, 31));
    let clock = Clock::new(&base);
    for (name, is_mail) in [("mail.log", true), ("access.log", false)] {
        let mut lines = Vec::new();
        for file in files.iter().filter(|f| {
            f.file_name().is_some_and(|n| {
                n.to_string_lossy().starts_with(name) && !n.to_string_lossy().ends_with(".gz")
            })
        }) {
            let text = fs::read_to_string(file)?;
            lines.extend(text.lines().filter_map(|l| {
                if is_mail {
                    mail(l, &clock)
                } else {
                    web(l, &clock)
                }
            }));
        }
        lines.sort_by_key(|l| l.at);
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            continue;
        };
        let period = (last.at.0 - first.at.0) / DAY * DAY + DAY;
        fs::create_dir_all(Path::new(to).join("var/log"))?;
        let path = Path::new(to).join("var/log").join(name);
        let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
        let (mut written, mut copy) = (0_u64, 0_i64);
        while written < bytes / 2 {
            for line in &lines {
                let (y, mo, d, h, mi, s, us) = Timestamp(line.at.0 + copy * period).civil();
                let text = if is_mail {
                    let after = marked(&line.after, &format!("{copy:04x}"));
                    format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{us:06}+00:00{after}\n")
                } else {
                    let month = MONTHS.get(mo as usize - 1).copied().unwrap_or("Jan");
                    format!(
                        "{}[{d:02}/{month}/{y:04}:{h:02}:{mi:02}:{s:02} +0000]{}\n",
                        line.before, line.after
                    )
                };
                out.write_all(text.as_bytes())?;
                written += text.len() as u64;
            }
            copy += 1;
        }
        out.flush()?;
        println!(
            "{name}: {written} bytes, {copy} copies of {} lines",
            lines.len()
        );
    }
    Ok(())
}
