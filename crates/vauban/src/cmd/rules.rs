//! `vauban rules`: rule files checked, their examples run.

use crate::args::Rules;
use std::process::ExitCode;

/// Checks.
pub fn run(args: &Rules) -> anyhow::Result<ExitCode> {
    let report = vauban_pipeline::check_rules(args.dir.as_deref())?;
    let mut text = format!("{} rules, {} examples run\n", report.rules, report.examples);
    for wrong in &report.wrong {
        let wrong = vauban_report::escape::shown(wrong, 1000);
        text.push_str(&format!("comes out otherwise than it says: {wrong}\n"));
    }
    super::print(&text)?;
    Ok(if report.wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
