//! Writes every output of a case beside each other, to be looked at:
//! `cargo run -p vauban-report --example render -- case.json OUT_DIR`.

use vauban_report::{Lang, html};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(input), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: render case.json OUT_DIR".into());
    };
    let case = serde_json::from_str(&std::fs::read_to_string(input)?)?;
    let out = std::path::PathBuf::from(out);
    std::fs::create_dir_all(&out)?;
    for lang in [Lang::En, Lang::Fr] {
        let tag = lang.tag();
        std::fs::write(out.join(format!("report.{tag}.html")), html::render(&case, lang))?;
    }
    Ok(())
}
