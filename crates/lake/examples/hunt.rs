//! Looks for a feed's indicators in a lake and says what it cost:
//! `cargo run --release -p vauban-lake --example hunt -- LAKE FEED [--threads N] [--no-text] [--list]`.
//!
//! `LAKE` is a directory or a file. `--list` prints file, row, attribute, value and indicator of
//! every hit.

use std::ops::ControlFlow;
use std::time::Instant;
use vauban_intel::{IndicatorSet, Matcher, WarningLists, parse};
use vauban_lake::{HuntOptions, LakeReader};

/// Seconds this thread has been on a processor, as Linux counts them.
fn on_processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = text.split(' ').next().and_then(|n| n.parse().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| args.iter().any(|a| a == name);
    let usage = "usage: hunt LAKE FEED [--threads N] [--no-text] [--list]";
    let place = args.first().ok_or(usage)?;
    let feed = args.get(1).ok_or(usage)?;
    let threads = args
        .iter()
        .position(|a| a == "--threads")
        .and_then(|at| args.get(at + 1))
        .map_or(Ok(0), |n| n.parse())?;
    let start = Instant::now();
    let advisory = parse(feed, &std::fs::read(feed)?, &WarningLists::built_in());
    let matcher = Matcher::compile(&IndicatorSet::new(vec![advisory]));
    let ready = start.elapsed();
    let ready_cpu = on_processor();
    let options = HuntOptions {
        text: !flag("--no-text"),
        threads,
        ..Default::default()
    };
    let start = Instant::now();
    let mut hits = Vec::new();
    let lake = LakeReader::open(place)?;
    let report = lake.hunt(&matcher, &options, &mut |hit| {
        hits.push(hit);
        ControlFlow::Continue(())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    if flag("--list") {
        hits.sort_by(|a, b| (&a.file, a.row, &a.path).cmp(&(&b.file, b.row, &b.path)));
        for h in &hits {
            let value = matcher.indicator(h.indicator).map_or("", |(_, v)| v);
            println!("{}\t{}\t{}\t{}\t{value}", h.file, h.row, h.path, h.value);
        }
    }
    for problem in &report.problems {
        eprintln!("problem: {problem}");
    }
    eprintln!(
        "{} indicators ready in {:.2} s, ready took {ready_cpu:.2} s of a processor; {} events in {} row groups of {} files, {:.1} MB read, \
         {} columns settled by their dictionary, {} read",
        matcher.len(),
        ready.as_secs_f64(),
        report.rows,
        report.groups,
        report.files,
        report.bytes as f64 / 1e6,
        report.by_dictionary,
        report.scanned,
    );
    eprintln!("{} hits in {seconds:.3} s", hits.len());
    Ok(())
}
