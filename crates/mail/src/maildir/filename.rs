//! Maildir file names: `EPOCH.M…P….HOST,S=…,W=…:2,FLAGS` (D. J. Bernstein's maildir, with
//! Dovecot's `,S=` stored size and `,W=` size with CRLF).

use vauban_ocsf::{SECOND, Timestamp};

/// A file name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The part before the flags: what an index knows the file by.
    pub base: &'a str,
    /// When the server took the message, to the microsecond when the name tells.
    pub received: Option<Timestamp>,
    /// `,S=`: octets as stored.
    pub size: Option<u64>,
    /// `,W=`: octets with CRLF.
    pub vsize: Option<u64>,
    letters: &'a str,
}

/// Reads a file name without its directory. Never fails.
pub fn parse(name: &str) -> Name<'_> {
    // ';' and '!' stand for ':' in copies made on file systems that refuse it.
    let flags_at = [":2,", ";2,", "!2,"].iter().find_map(|s| name.rfind(s));
    let (base, letters) = match flags_at {
        Some(i) => (&name[..i], &name[i + 3..]),
        None => (name, ""),
    };
    let field = |key: &str| {
        base.split(',')
            .skip(1)
            .find_map(|f| f.strip_prefix(key)?.parse::<u64>().ok())
    };
    let mut dots = base.split('.');
    let seconds = dots
        .next()
        .and_then(|s| s.parse::<i64>().ok())
        .filter(|s| (0..=253_402_300_799).contains(s));
    let micros = dots.next().and_then(microseconds).unwrap_or(0);
    Name {
        base,
        received: seconds.map(|s| Timestamp(s * SECOND + micros)),
        size: field("S="),
        vsize: field("W="),
        letters,
    }
}

/// `M123P456` or `V…I…M123456P…`: the number after M, below a million.
fn microseconds(unique: &str) -> Option<i64> {
    let at = unique.find('M')?;
    let digits: String = unique[at + 1..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok().filter(|m| *m < 1_000_000)
}

impl Name<'_> {
    /// IMAP flags; lower-case letters are keywords by their index in `dovecot-keywords`.
    pub fn flags(&self, keywords: &[String]) -> Vec<String> {
        let mut out = Vec::new();
        for c in self.letters.chars() {
            let flag = match c {
                'D' => "\\Draft",
                'F' => "\\Flagged",
                'P' => "$Forwarded",
                'R' => "\\Answered",
                'S' => "\\Seen",
                'T' => "\\Deleted",
                'a'..='z' => match keywords.get((c as u8 - b'a') as usize) {
                    Some(k) if !k.is_empty() => k,
                    _ => continue,
                },
                _ => continue,
            };
            out.push(flag.to_owned());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let n = parse("1764054000.M123456P77.mx,S=2000,W=2050:2,FRS");
        assert_eq!(n.base, "1764054000.M123456P77.mx,S=2000,W=2050");
        assert_eq!(n.received, Some(Timestamp(1_764_054_000_123_456)));
        assert_eq!((n.size, n.vsize), (Some(2000), Some(2050)));
        assert_eq!(n.flags(&[]), ["\\Flagged", "\\Answered", "\\Seen"]);
        assert_eq!(parse("99999999999999999999.x").received, None);
        assert_eq!(parse("").base, "");
        assert_eq!(parse("1.a;2,S").flags(&[]), ["\\Seen"]);
    }
}
