//! Shows what is read out of messages: `cargo run -p vauban-mail --example inspect -- FILE…`;
//! with `--time` only the speed over all of them, documents closed.

use std::time::Instant;

use vauban_mail::{ContentRules, parse};

fn main() {
    let mut timing = false;
    let mut messages = Vec::new();
    for argument in std::env::args().skip(1) {
        if argument == "--time" {
            timing = true;
        } else {
            match std::fs::read(&argument) {
                Ok(bytes) => messages.push((argument, bytes)),
                Err(e) => eprintln!("{argument}: {e}"),
            }
        }
    }
    let mut rules = ContentRules::builtin();
    if !timing {
        for (name, bytes) in &messages {
            let message = parse(bytes, &rules);
            println!("{name}: {message:#?}\n{:#?}", rules.lures(&message));
        }
        return;
    }
    rules.documents = false;
    let total: usize = messages.iter().map(|(_, b)| b.len()).sum();
    let rounds = (5_000 / messages.len().max(1)).max(1);
    for (label, rules) in [
        ("structure only", ContentRules::none()),
        ("all rules", rules),
    ] {
        let started = Instant::now();
        let mut lures = 0;
        for _ in 0..rounds {
            for (_, bytes) in &messages {
                lures += rules.lures(&parse(bytes, &rules)).len();
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{label}: {:.0} messages/s, {:.1} MB/s on one core ({} messages, {lures} lures)",
            (messages.len() * rounds) as f64 / seconds,
            (total * rounds) as f64 / seconds / 1e6,
            messages.len() * rounds
        );
    }
}
