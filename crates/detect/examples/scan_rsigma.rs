//! `scan_rsigma RULES EVENTS [print]`: the same as the example `scan`, with `rsigma-eval` in our
//! place, for measuring and comparing where its command line is not at hand.

use rsigma_eval::event::JsonEvent;
use rsigma_eval::{Engine, LogSourceExtractor};
use std::io::BufRead;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, rules, events, print @ ..] = args.as_slice() else {
        eprintln!("scan_rsigma RULES EVENTS [print]");
        std::process::exit(2);
    };
    let collection = rsigma_parser::parse_sigma_directory(rules.as_ref()).expect("rules");
    let mut engine = Engine::new();
    let rejected = engine.add_rules(&collection.rules).len();
    engine.set_logsource_extractor(Some(LogSourceExtractor::new()));
    let reader = std::io::BufReader::new(std::fs::File::open(events).expect("readable"));
    let (mut count, mut matches) = (0_u64, 0_u64);
    for (i, line) in reader.lines().enumerate() {
        let line = line.expect("UTF-8");
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        for result in engine.evaluate(&JsonEvent::borrow(&event)) {
            matches += 1;
            if !print.is_empty() {
                println!("{i} {}", result.header.rule_id.unwrap_or_default());
            }
        }
        count += 1;
    }
    eprintln!("{rejected} rules rejected, {count} events, {matches} matches");
}
