//! `scan RULES EVENTS [print]`: how fast events are matched on one core, without the command
//! line around it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;
use vauban_detect::{CorrelatorOptions, Engine, Options, RuleSet, Told, scan_lines};

fn rule_files(dir: &std::path::Path, out: &mut Vec<(String, Vec<u8>)>) {
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .expect("a directory")
        .map(|e| e.expect("an entry").path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            rule_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yml") {
            out.push((
                path.display().to_string(),
                std::fs::read(&path).expect("readable"),
            ));
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, rules, events, print @ ..] = args.as_slice() else {
        eprintln!("scan RULES EVENTS [print]");
        std::process::exit(2);
    };
    let begin = Instant::now();
    let mut files = Vec::new();
    rule_files(rules.as_ref(), &mut files);
    let (set, problems) = RuleSet::load(files);
    let (engine, more) = Engine::compile(&set, Options::default());
    eprintln!(
        "{} rules, {} problems, {:?}",
        engine.rules().len(),
        problems.len() + more.len(),
        begin.elapsed()
    );
    let engine = Arc::new(engine);
    let reader = std::fs::File::open(events).expect("readable");
    let begin = Instant::now();
    let mut matches = 0_u64;
    let totals = scan_lines(reader, &engine, 1, CorrelatorOptions::default(), |told| {
        if let Told::Match { event, found } = told {
            matches += 1;
            if !print.is_empty() {
                println!(
                    "{event} {}",
                    engine.rules()[found.rule.0 as usize].identity()
                );
            }
        }
        ControlFlow::Continue(())
    })
    .expect("readable");
    let took = begin.elapsed();
    eprintln!(
        "{totals:?}, {matches} matches, {took:?}, {:.0} events/s",
        totals.events as f64 / took.as_secs_f64()
    );
}
