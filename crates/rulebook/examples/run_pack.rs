//! Runs the examples of a directory of rules: `cargo run -p vauban-rulebook --example run_pack DIR`

fn main() -> std::io::Result<()> {
    let dir = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "rules/sigma".into());
    let report = vauban_rulebook::run_examples(&vauban_rulebook::load(dir.as_ref())?);
    println!("{} rules, {} examples", report.rules, report.examples);
    for wrong in &report.wrong {
        println!("{wrong}");
    }
    Ok(())
}
