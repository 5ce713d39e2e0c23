//! `dovecot-uidlist` versions 1 and 3, `courierimapuiddb`, and `dovecot-keywords`.
//!
//! Version 3: a header `3 V<uidvalidity> N<uidnext> G<guid>`, then a line for each message:
//! `<uid> [<key><value> …] :<file name>` (Dovecot's `maildir-uidlist.c`; keys W = size with CRLF,
//! S = size, P = POP3 UIDL, G = GUID, O = POP3 order).

/// An index of UIDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uidlist {
    /// IMAP UIDVALIDITY.
    pub uid_validity: Option<u32>,
    /// IMAP UIDNEXT.
    pub uid_next: Option<u32>,
    /// Entries in order of the file.
    pub entries: Vec<Entry>,
    /// Lines that could not be read: byte offset and reason.
    pub errors: Vec<(u64, &'static str)>,
}

/// A message in the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// IMAP UID.
    pub uid: u32,
    /// File name without flags.
    pub base: String,
    /// Octets with CRLF, when noted.
    pub vsize: Option<u64>,
    /// Octets as stored, when noted.
    pub size: Option<u64>,
    /// Mail GUID when it differs from the file name.
    pub guid: String,
    /// POP3 UIDL when it differs.
    pub pop3_uidl: String,
}

/// Reads an index. Never fails; see [`Uidlist::errors`].
pub fn parse(bytes: &[u8]) -> Uidlist {
    let mut out = Uidlist::default();
    let mut offset = 0u64;
    let mut version = 0u32;
    for (number, raw) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
        let at = offset;
        offset += raw.len() as u64;
        let line = String::from_utf8_lossy(raw);
        let line = line.trim_end_matches(['\n', '\r']);
        let result = match number {
            0 => header(line, &mut out).map(|v| version = v),
            _ if line.is_empty() => Ok(()),
            _ => entry(line, version).map(|e| out.entries.push(e)),
        };
        if let Err(reason) = result {
            out.errors.push((at, reason));
        }
    }
    out
}

fn header(line: &str, out: &mut Uidlist) -> Result<u32, &'static str> {
    let mut words = line.split(' ');
    match words.next() {
        Some("3") => {
            for word in words {
                if let Some(v) = word.strip_prefix('V') {
                    out.uid_validity = v.parse().ok();
                } else if let Some(n) = word.strip_prefix('N') {
                    out.uid_next = n.parse().ok();
                }
            }
            Ok(3)
        }
        // Dovecot 1.0 and Courier: version, UIDVALIDITY, UIDNEXT.
        Some("1") => {
            out.uid_validity = words.next().and_then(|w| w.parse().ok());
            out.uid_next = words.next().and_then(|w| w.parse().ok());
            Ok(1)
        }
        _ => Err("header of an unknown version"),
    }
}

fn entry(line: &str, version: u32) -> Result<Entry, &'static str> {
    let (uid, rest) = line.split_once(' ').ok_or("line without file name")?;
    let uid = uid.parse().map_err(|_| "UID is no number")?;
    let mut entry = Entry {
        uid,
        ..Entry::default()
    };
    let name = if version == 3 {
        // The file name follows the first colon that begins a word.
        let (fields, name) = match rest.strip_prefix(':') {
            Some(name) => ("", name),
            None => rest.split_once(" :").ok_or("line without file name")?,
        };
        for field in fields.split(' ') {
            let mut chars = field.chars();
            let (key, value) = (chars.next(), chars.as_str());
            match key {
                Some('W') => entry.vsize = value.parse().ok(),
                Some('S') => entry.size = value.parse().ok(),
                Some('G') => entry.guid = value.to_owned(),
                Some('P') => entry.pop3_uidl = value.to_owned(),
                _ => {}
            }
        }
        name
    } else {
        rest
    };
    if name.is_empty() {
        return Err("line without file name");
    }
    entry.base = super::filename::parse(name).base.to_owned();
    Ok(entry)
}

/// Reads `dovecot-keywords`: `index name` a line. The index is the letter's place in the alphabet.
pub fn keywords(bytes: &[u8]) -> Vec<String> {
    let mut out = vec![String::new(); 26];
    for line in String::from_utf8_lossy(bytes).lines() {
        if let Some((index, name)) = line.split_once(' ')
            && let Ok(index) = index.parse::<usize>()
            && let Some(slot) = out.get_mut(index)
        {
            name.trim().clone_into(slot);
        }
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_three_and_one_and_junk() {
        let l =
            parse(b"3 V1795508950 N12 G84ba\n1 W10 S9 Gxy :1.M1P2.h,S=9:2,S\n4 :2.a\nx :y\n5\n");
        assert_eq!(
            (l.uid_validity, l.uid_next),
            (Some(1_795_508_950), Some(12))
        );
        assert_eq!(
            l.entries[0],
            Entry {
                uid: 1,
                base: "1.M1P2.h,S=9".into(),
                vsize: Some(10),
                size: Some(9),
                guid: "xy".into(),
                ..Entry::default()
            }
        );
        assert_eq!(l.entries[1].base, "2.a");
        assert_eq!(l.errors.len(), 2);
        let l = parse(b"1 5 9\n3 1.a:2,S\n");
        assert_eq!(
            (l.uid_validity, l.entries[0].uid, l.entries[0].base.as_str()),
            (Some(5), 3, "1.a")
        );
        assert_eq!(parse(b"").entries.len(), 0);
    }

    #[test]
    fn keyword_letters() {
        assert_eq!(
            keywords(b"0 $Forwarded\n2 Junk\n99 x\n"),
            ["$Forwarded", "", "Junk"]
        );
    }
}
