//! Prints what is made of documents: `cargo run --example advisory -- FILE…`.

use vauban_intel::{WarningLists, parse};

fn main() -> std::io::Result<()> {
    let lists = WarningLists::built_in();
    for name in std::env::args().skip(1) {
        let advisory = parse(&name, &std::fs::read(&name)?, &lists);
        println!("== {name}: {} \"{}\"", advisory.format, advisory.title);
        for i in &advisory.indicators {
            let mark = if i.kept { '+' } else { '-' };
            println!(
                "{mark} {:?} {} @{} [{}]: {}",
                i.kind, i.value, i.offset, i.written, i.why
            );
        }
        for m in advisory.techniques.iter().chain(&advisory.vulnerabilities) {
            println!("  {} @{}: {}", m.id, m.offset, m.context);
        }
        for p in &advisory.problems {
            println!("  ! {p}");
        }
    }
    Ok(())
}
