//! Lines with a few places damaged, for tests that two ways of reading agree on them.

use proptest::prelude::*;

/// What grammars look for.
const MARKS: &[&str] = &[
    " ",
    ":",
    ": ",
    ", ",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "=",
    "'",
    "\\",
    "-",
    "é",
    "*",
    ", rip=",
    "rip=1.2.3.4",
    ": user=<",
    ">: ",
    "): ",
    "=0",
    " in=1",
    "x=1) ",
    "  ",
    "0",
    ".",
    "::",
    "%",
    ", size=",
    ", from=",
    ": saved mail to ",
    " - - [",
];

/// One of `lines` with up to three pieces cut out, doubled or put in.
pub fn damaged(lines: &'static [&'static str]) -> impl Strategy<Value = String> {
    let damage = (
        0usize..3,
        any::<prop::sample::Index>(),
        0usize..24,
        0..MARKS.len(),
    );
    (0..lines.len(), prop::collection::vec(damage, 0..4)).prop_map(|(line, damages)| {
        let mut text: Vec<char> = lines[line].chars().collect();
        for (kind, at, length, mark) in damages {
            let from = at.index(text.len() + 1);
            let to = (from + length).min(text.len());
            match kind {
                0 => drop(text.drain(from..to)),
                1 => {
                    let piece = text[from..to].to_vec();
                    text.splice(to..to, piece);
                }
                _ => drop(text.splice(from..from, MARKS[mark].chars())),
            }
        }
        text.into_iter().collect()
    })
}
