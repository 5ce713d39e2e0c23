//! Names that rotation gives to a log.
//!
//! logrotate(8) appends `.1`, `-20261124` or what `dateformat` says, and the compressor's ending;
//! with `extension` it puts the date before the ending. Other rotators use the same shapes.

use std::cmp::Ordering;

/// Endings of the compressors that logrotate and others are set up with.
const PACKED: [&str; 4] = [".gz", ".xz", ".bz2", ".zst"];

/// What a rotation made of a log's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The digits of the suffix, with their separators.
    suffix: String,
    /// The ending says that it is compressed.
    pub packed: bool,
}

impl Rotated {
    /// Whether `name` is `base` after rotation, and how.
    pub fn of(base: &str, name: &str) -> Option<Self> {
        let (plain, packed) = PACKED
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .map_or((name, false), |plain| (plain, true));
        let suffix = suffix(base, plain)?;
        Some(Self {
            suffix: suffix.to_owned(),
            packed,
        })
    }

    /// Older before newer, as far as names tell: a count rises with age, a date falls. Only for
    /// names of one scheme ([`Self::counts`]).
    pub fn cmp_age(&self, other: &Self) -> Ordering {
        match (self.count(), other.count()) {
            (Some(a), Some(b)) => b.cmp(&a),
            _ => self.suffix.cmp(&other.suffix),
        }
    }

    /// The name has a count, not a date.
    pub fn counts(&self) -> bool {
        self.count().is_some()
    }

    /// The number of a rotation that counts; dates have eight digits or more, or several parts.
    fn count(&self) -> Option<u32> {
        let digits = self.suffix.strip_prefix(['.', '-', '_'])?;
        (digits.len() < 6).then(|| digits.parse().ok()).flatten()
    }
}

/// What stands between `base` and `plain`: `.1`, `-20261124`, `.2026-11-24-13`, `.old`, or a date
/// before the ending (`mail-20261124.log`).
fn suffix<'a>(base: &str, plain: &'a str) -> Option<&'a str> {
    if let Some(rest) = plain.strip_prefix(base) {
        return is_suffix(rest).then_some(rest);
    }
    let (stem, ending) = base.rsplit_once('.')?;
    let rest = plain
        .strip_prefix(stem)?
        .strip_suffix(ending)?
        .strip_suffix('.')?;
    is_suffix(rest).then_some(rest)
}

fn is_suffix(rest: &str) -> bool {
    if rest == ".old" {
        return true;
    }
    let Some(digits) = rest.strip_prefix(['.', '-', '_']) else {
        return false;
    };
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b'T' | b':'))
}

/// Whether a file's name is that of another's rotation: `mail.log.1` beside `mail.log`.
pub fn is_rotation_of(name: &str, base: &str) -> bool {
    name != base && Rotated::of(base, name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (base, name, expected) in [
            ("mail.log", "mail.log.1", Some(false)),
            ("mail.log", "mail.log.12.gz", Some(true)),
            ("mail.log", "mail.log-20261124", Some(false)),
            ("mail.log", "mail.log-20261124.xz", Some(true)),
            ("mail.log", "mail.log.2026-11-24-13.zst", Some(true)),
            ("mail.log", "mail-20261124.log.bz2", Some(true)),
            ("mail.log", "mail.1.log", Some(false)),
            ("mail.log", "mail.log.old", Some(false)),
            ("mail.log", "mail.log", None),
            ("mail.log", "mail.log.swp", None),
            ("mail.log", "mail.log.gz", None),
            ("mail.log", "mail.log.1.tmp", None),
            ("mail.log", "mail.err", None),
            ("mail", "mail.1", Some(false)),
            ("mail", "mail.log.1", None),
        ] {
            let got = Rotated::of(base, name).map(|r| r.packed);
            assert_eq!(got, expected, "{base} {name}");
        }
    }

    #[test]
    fn older_first() {
        let mut names = ["m.2.gz", "m.10.gz", "m.1"];
        names.sort_by(|a, b| {
            let of = |n| Rotated::of("m", n).expect("rotated");
            of(a).cmp_age(&of(b))
        });
        assert_eq!(names, ["m.10.gz", "m.2.gz", "m.1"]);
        let of = |n| Rotated::of("m", n).expect("rotated");
        assert_eq!(of("m-20261123").cmp_age(&of("m-20261124")), Ordering::Less);
    }
}
