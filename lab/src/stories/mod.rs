//! The stories, one file each, over a common cast and common background traffic.
//!
//! To add one: write a file with a `play(args)` function, name it in [`NAMES`] and in [`play`].

mod background;
mod cast;
mod clean;
mod drip;
mod ministry;
mod random;
mod slice;

use anyhow::{Result, bail};

use crate::RunArgs;

/// All stories by name.
pub const NAMES: &[&str] = &["slice", "ministry", "clean", "drip", "random"];

/// Plays a story; called inside the closed room.
pub fn play(args: &RunArgs) -> Result<()> {
    match args.story.as_str() {
        "slice" => slice::play(args),
        "random" => random::play(args),
        "clean" => clean::play(args),
        "drip" => drip::play(args),
        "ministry" => ministry::play(args),
        other => bail!("no story `{other}`"),
    }
}
