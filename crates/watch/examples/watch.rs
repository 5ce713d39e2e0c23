//! The watch without the rest of Vauban: `watch CONFIG [--once|--check]`. For `scripts/soak-watch`.

use std::process::ExitCode;
use std::sync::Arc;
use vauban_watch::{Done, Mode, command};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(config) = arguments.next() else {
        eprintln!("usage: watch CONFIG [--once|--check]");
        return ExitCode::from(2);
    };
    let mode = match arguments.next().as_deref() {
        None => Mode::Watch,
        Some("--once") => Mode::Once,
        Some("--check") => Mode::Check,
        Some(other) => {
            eprintln!("{other}: --once or --check");
            return ExitCode::from(2);
        }
    };
    match command(config.as_ref(), mode, Arc::new(|text| eprintln!("{text}"))) {
        Ok(Done::Checked(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Done::Watched(found, text)) => {
            eprintln!("{text}");
            ExitCode::from(u8::from(found))
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}
