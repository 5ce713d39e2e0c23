//! Reading back what `%{format}t` wrote with `strftime` in the C locale.

use crate::stamp;
use crate::web::record::Pieces;

/// Reads `text` by `format` and adds what it says to `pieces`; stops where the two part.
pub(super) fn read(format: &str, text: &str, pieces: &mut Pieces) -> Option<()> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut directives = format.chars();
    let (mut year, mut month, mut day) = (None, None, None);
    let mut time: (Option<u32>, Option<u32>, Option<u32>) = (None, None, None);
    let two = |at: &mut usize| {
        let value = stamp::two(bytes, *at)?;
        *at += 2;
        Some(value)
    };
    while let Some(c) = directives.next() {
        if c != '%' {
            at += c.len_utf8();
            continue;
        }
        match directives.next()? {
            'Y' => {
                year = Some(stamp::four(bytes, at)? as i32);
                at += 4;
            }
            'y' => {
                let short = two(&mut at)? as i32;
                // POSIX: 69–99 mean the last century.
                year = Some(if short < 69 { 2000 } else { 1900 } + short);
            }
            'm' => month = Some(two(&mut at)?),
            'b' | 'h' => {
                month = Some(stamp::month(bytes, at)?);
                at += 3;
            }
            'd' | 'e' => day = Some(two(&mut at)?),
            'a' => at += 3,
            'F' => {
                year = Some(stamp::four(bytes, at)? as i32);
                month = Some(stamp::two(bytes, at + 5)?);
                day = Some(stamp::two(bytes, at + 8)?);
                at += 10;
            }
            'D' => {
                month = Some(two(&mut at)?);
                at += 1;
                day = Some(two(&mut at)?);
                at += 1;
                year = Some(2000 + two(&mut at)? as i32);
            }
            'H' | 'k' => time.0 = Some(two(&mut at)?),
            'M' => time.1 = Some(two(&mut at)?),
            'S' => time.2 = Some(two(&mut at)?),
            'T' => {
                let (h, m, s) = stamp::clock_time(bytes, at)?;
                time = (Some(h), Some(m), Some(s));
                at += 8;
            }
            'R' => {
                time.0 = Some(two(&mut at)?);
                at += 1;
                time.1 = Some(two(&mut at)?);
            }
            'z' => {
                let (offset, end) = stamp::offset(bytes, at)?;
                pieces.offset = Some(offset);
                at = end;
            }
            'Z' => {
                let name = text.get(at..)?;
                let end = name
                    .find(|c: char| !c.is_ascii_alphanumeric())
                    .unwrap_or(name.len());
                if matches!(name.get(..end), Some("UTC" | "GMT")) {
                    pieces.offset = Some(0);
                }
                at += end;
            }
            '%' => at += 1,
            'n' | 't' => at += 1,
            _ => return None,
        }
        if let (Some(y), Some(m), Some(d)) = (year, month, day) {
            pieces.date = Some((y, m, d));
        }
        if let (Some(h), Some(m)) = (time.0, time.1) {
            pieces.clock = Some((h, m, time.2.unwrap_or(0)));
        }
    }
    Some(())
}
