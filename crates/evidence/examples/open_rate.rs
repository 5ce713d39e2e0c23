//! Opens the given paths and prints how long it took: `cargo run --release --example open_rate
//! PATH…`.

use std::path::PathBuf;
use std::time::Instant;
use vauban_evidence::{Collection, Limits, TimeBases};

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let start = Instant::now();
    let collection = Collection::open(&paths, &Limits::default(), &|_| {});
    let opened = start.elapsed();
    let bases = TimeBases::infer(&collection);
    let inferred = start.elapsed() - opened;
    let bytes: u64 = collection.artefacts().iter().map(|a| a.size).sum();
    println!(
        "{} artefacts, {bytes} bytes, {} problems in {opened:.2?} ({:.2} GB/s); time bases in \
         {inferred:.2?}",
        collection.artefacts().len(),
        collection.problems().len() + bases.problems.len(),
        bytes as f64 / 1e9 / opened.as_secs_f64(),
    );
    for problem in collection.problems().iter().chain(&bases.problems).take(20) {
        println!("{problem}");
    }
    for artefact in collection.artefacts().iter().take(20) {
        if let Some(base) = bases.get(artefact.id) {
            println!(
                "{} {}: zone {}; latest {:?}, {}",
                artefact.path,
                artefact.kind.as_str(),
                base.zone_source,
                base.latest,
                base.latest_source
            );
        }
    }
}
