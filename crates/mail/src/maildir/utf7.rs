//! Modified UTF-7 of mailbox names (RFC 3501 section 5.1.3).

/// Decodes a name; one that is not well-formed is returned as it is (it is UTF-8 then).
pub fn decode(name: &str) -> String {
    if !name.contains('&') {
        return name.to_owned();
    }
    try_decode(name).unwrap_or_else(|| name.to_owned())
}

fn try_decode(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (shifted, tail) = after.split_once('-')?;
        rest = tail;
        if shifted.is_empty() {
            out.push('&');
            continue;
        }
        let mut bits = 0u32;
        let mut have = 0;
        let mut units = Vec::new();
        for b in shifted.bytes() {
            let value = match b {
                b'A'..=b'Z' => b - b'A',
                b'a'..=b'z' => b - b'a' + 26,
                b'0'..=b'9' => b - b'0' + 52,
                b'+' => 62,
                b',' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
            have += 6;
            if have >= 16 {
                have -= 16;
                units.push((bits >> have) as u16);
                bits &= (1 << have) - 1;
            }
        }
        out.push_str(&String::from_utf16(&units).ok()?);
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (raw, want) in [
            ("Envoy&AOk-s", "Envoyés"),
            ("R&-D", "R&D"),
            ("plain", "plain"),
            ("a & b", "a & b"),
            ("&2D3eAA-", "😀"),
        ] {
            assert_eq!(decode(raw), want);
        }
    }
}
