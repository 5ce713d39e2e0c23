//! Writes every output of a case beside each other, to be looked at:
//! `cargo run -p vauban-report --example render -- case.json OUT_DIR`.

use vauban_report::{Lang, csv, html, notify, pdf, stix, terminal};

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
        std::fs::write(
            out.join(format!("report.{tag}.html")),
            html::render(&case, lang),
        )?;
        std::fs::write(
            out.join(format!("ledger.{tag}.csv")),
            csv::ledger(&case, lang),
        )?;
        std::fs::write(
            out.join(format!("timeline.{tag}.csv")),
            csv::timeline(&case, lang),
        )?;
        std::fs::write(
            out.join(format!("report.{tag}.pdf")),
            pdf::render(&case, lang),
        )?;
        for (name, draft) in [
            ("gdpr-art33", notify::gdpr_art33(&case, lang)),
            (
                "nis2-early-warning",
                notify::nis2_early_warning(&case, lang),
            ),
            ("nis2-notification", notify::nis2_notification(&case, lang)),
            ("nis2-final", notify::nis2_final(&case, lang)),
        ] {
            std::fs::write(out.join(format!("{name}.{tag}.md")), draft.markdown())?;
            std::fs::write(out.join(format!("{name}.{tag}.html")), draft.html())?;
        }
        print!("{}", terminal::summary(&case, lang, 100, false));
    }
    std::fs::write(
        out.join("case.stix.json"),
        serde_json::to_vec_pretty(&stix::bundle(&case))?,
    )?;
    Ok(())
}
