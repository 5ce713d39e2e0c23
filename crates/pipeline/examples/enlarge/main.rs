//! Makes big logs out of small ones, for load tests and benchmarks:
//!
//! `cargo run --release -p vauban-pipeline --example enlarge -- EVIDENCE OUT --bytes 2G
//! [--background EVIDENCE] [--lanes 100] [--auth FILE]`
//!
//! The mail, web and authentication logs of an evidence directory are repeated until they have the
//! size asked for; everything else is copied once (hard-linked where the file system allows). What
//! comes out is shaped like the logs of a larger server over a longer time:
//!
//! * *periods*: the whole is repeated every so many whole weeks, into the past;
//! * *lanes*: in every period, so many copies run side by side, each some seconds after the one
//!   before, and each with accounts, client addresses and processes of its own.
//!
//! Session ids, queue ids and message ids are distinct in every copy. The last period's first lane
//! is EVIDENCE itself at its own time: what there is to be found in it must still be found. All
//! other copies are made from `--background` (EVIDENCE too, if not given). RFC 3164 stamps become
//! ISO 8601 with offset, so that years are unambiguous. A log of EVIDENCE that is not there is left
//! out, but `--auth` gives lines (of one day) for an `auth.log`. The same arguments give the same
//! bytes.

mod base;
mod line;
mod write;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// What is asked for.
struct Arguments {
    evidence: PathBuf,
    out: PathBuf,
    bytes: u64,
    background: Option<PathBuf>,
    lanes: usize,
    auth: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let mut evidence = base::Base::load(&arguments.evidence)?;
    let mut background = match &arguments.background {
        Some(dir) => base::Base::load(dir)?,
        None => evidence.clone(),
    };
    if let Some(file) = &arguments.auth {
        let lines = fs::read(file)?;
        evidence.add_daily("auth.log", &lines)?;
        background.add_daily("auth.log", &lines)?;
    }
    copy_rest(&arguments.evidence, &arguments.out, &evidence.taken)?;
    let plan = write::Plan::new(&evidence, &background, arguments.lanes, arguments.bytes)?;
    for name in base::STREAMS {
        if evidence.stream(name).is_empty() {
            continue;
        }
        let path = evidence.place(name);
        let to = arguments.out.join(&path);
        if let Some(dir) = to.parent() {
            fs::create_dir_all(dir)?;
        }
        let written = plan.write(name, &to)?;
        println!(
            "{}: {} lines, {} bytes",
            path.display(),
            written.lines,
            written.bytes
        );
    }
    println!(
        "{} copies in {} periods of {} days, at most {} side by side",
        plan.copies(),
        plan.periods(),
        plan.days(),
        arguments.lanes
    );
    Ok(())
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut places = Vec::new();
    let (mut bytes, mut background, mut lanes, mut auth) = (None, None, 100, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word}: a value is wanted"));
        match word.as_str() {
            "--bytes" => bytes = Some(size(&value()?)?),
            "--background" => background = Some(PathBuf::from(value()?)),
            "--lanes" => lanes = value()?.parse()?,
            "--auth" => auth = Some(PathBuf::from(value()?)),
            _ => places.push(PathBuf::from(word)),
        }
    }
    let usage =
        "enlarge EVIDENCE OUT --bytes N[K|M|G] [--background EVIDENCE] [--lanes N] [--auth FILE]";
    let [evidence, out] = places.try_into().map_err(|_| usage)?;
    if !(1..=200).contains(&lanes) {
        return Err("--lanes: 1 to 200".into());
    }
    Ok(Arguments {
        evidence,
        out,
        bytes: bytes.ok_or(usage)?,
        background,
        lanes,
        auth,
    })
}

/// `512M` and the like, in powers of ten.
fn size(word: &str) -> Result<u64, Box<dyn Error>> {
    let (digits, unit) = match word.as_bytes().last() {
        Some(b'K') => (&word[..word.len() - 1], 1e3),
        Some(b'M') => (&word[..word.len() - 1], 1e6),
        Some(b'G') => (&word[..word.len() - 1], 1e9),
        _ => (word, 1.0),
    };
    Ok((digits.parse::<f64>()? * unit) as u64)
}

/// Copies or links what is not made anew.
fn copy_rest(from: &Path, to: &Path, taken: &[String]) -> Result<(), Box<dyn Error>> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(to.join(&folder))?;
        for entry in fs::read_dir(from.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && !taken.iter().any(|t| Path::new(t) == path) {
                let target = to.join(&path);
                if target.exists() {
                    continue;
                }
                if fs::hard_link(entry.path(), &target).is_err() {
                    fs::copy(entry.path(), &target)?;
                }
            }
        }
    }
    Ok(())
}
