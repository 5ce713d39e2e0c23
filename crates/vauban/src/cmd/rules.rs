//! `vauban rules`: rule files checked, their examples run.

use crate::args::Rules;
use anyhow::Context;
use std::process::ExitCode;

/// Checks.
pub fn run(args: &Rules) -> anyhow::Result<ExitCode> {
    let report =
        vauban_pipeline::check_rules(args.dir.as_deref()).context("rules cannot be used")?;
    println!("{} rules, {} examples run", report.rules, report.examples);
    for wrong in &report.wrong {
        println!("comes out otherwise than it says: {wrong}");
    }
    Ok(if report.wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
