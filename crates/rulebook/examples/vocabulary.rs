//! The table of `docs/RULES.md`: `cargo run -p vauban-rulebook --example vocabulary`
//!
//! Each class of events with its logsources and fields, as `vauban_detect::vocabulary` gives them.

fn main() {
    for (class, sources, fields) in vauban_rulebook::classes() {
        println!("### {class}\n");
        println!("Logsources: {}.\n", sources.join("; "));
        println!("Fields: {}.\n", fields.join(", "));
    }
}
