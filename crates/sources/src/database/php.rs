//! PHP's session encoding (`session.serialize_handler = php`): `name|VALUE name|VALUE …`, where
//! `VALUE` is `serialize()`'s form.

/// The top-level variables of a decoded session: name and, for strings, numbers and booleans, the
/// value as text. Arrays, objects and NULL have none. Decoding stops where the text is no longer
/// what PHP writes.
pub fn session_variables(bytes: &[u8]) -> Vec<(String, Option<String>)> {
    let mut variables = Vec::new();
    let mut at = 0;
    while let Some(bar) = bytes
        .get(at..)
        .and_then(|rest| memchr::memchr(b'|', rest))
        .map(|bar| at + bar)
    {
        let name = String::from_utf8_lossy(bytes.get(at..bar).unwrap_or_default()).into_owned();
        let Some((value, end)) = value(bytes, bar + 1, 0) else {
            break;
        };
        variables.push((name, value));
        at = end;
    }
    variables
}

/// Deepest nesting that is walked.
const DEPTH: u8 = 64;

/// A scalar's text and the position after the value at `at`.
fn value(bytes: &[u8], at: usize, depth: u8) -> Option<(Option<String>, usize)> {
    let rest = bytes.get(at..)?;
    match rest.first()? {
        b'N' => (rest.get(1) == Some(&b';')).then_some((None, at + 2)),
        b'b' | b'i' | b'd' | b'r' | b'R' => {
            let end = memchr::memchr(b';', rest)?;
            let text = String::from_utf8_lossy(rest.get(2..end)?).into_owned();
            Some((Some(text), at + end + 1))
        }
        b's' | b'E' => {
            let (length, start) = length(bytes, at + 2)?;
            let start = start + 1;
            let end = start.checked_add(length)?;
            let text = String::from_utf8_lossy(bytes.get(start..end)?).into_owned();
            (bytes.get(end..end + 2)? == b"\";").then_some((Some(text), end + 2))
        }
        kind @ (b'a' | b'O' | b'C') => {
            if depth >= DEPTH {
                return None;
            }
            let mut cursor = at + 2;
            if *kind != b'a' {
                // `O:3:"Foo":2:{`
                let (length, start) = length(bytes, cursor)?;
                cursor = (start + 1).checked_add(length)?.checked_add(2)?;
            }
            let (count, open) = length(bytes, cursor)?;
            cursor = open + 1;
            if *kind == b'C' {
                // A class that serialises itself: opaque bytes.
                let end = cursor.checked_add(count)?;
                return (bytes.get(end)? == &b'}').then_some((None, end + 1));
            }
            // Keys and values; a count that lies ends at the first thing that is no value.
            for _ in 0..count.checked_mul(2)? {
                (_, cursor) = value(bytes, cursor, depth + 1)?;
            }
            (bytes.get(cursor)? == &b'}').then_some((None, cursor + 1))
        }
        _ => None,
    }
}

/// A decimal number and the position after the `:` that follows it.
fn length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = bytes.get(at..)?;
    let colon = memchr::memchr(b':', rest.get(..24.min(rest.len()))?)?;
    let digits = std::str::from_utf8(rest.get(..colon)?).ok()?;
    Some((digits.parse().ok()?, at + colon + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_session_of_roundcube() {
        let text = "temp|b:1;language|s:5:\"fr_FR\";a|a:2:{i:0;s:3:\"x|y\";s:1:\"k\";N;}\
                    o|O:8:\"stdClass\":1:{s:1:\"p\";d:1.5;}user_id|i:3;n|N;utf|s:3:\"é!\";";
        let variables = session_variables(text.as_bytes());
        let expected = [
            ("temp", Some("1")),
            ("language", Some("fr_FR")),
            ("a", None),
            ("o", None),
            ("user_id", Some("3")),
            ("n", None),
            ("utf", Some("é!")),
        ];
        assert_eq!(
            variables,
            expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
        );
    }

    #[test]
    fn lies_about_lengths() {
        for text in [
            "a|s:99:\"x\";",
            "a|a:99999999:{i:0;i:1;}",
            "a|a:18446744073709551615:{}",
            "a|s:18446744073709551615:\"\";",
            "a|O:1:",
            "a|",
            "|",
        ] {
            assert!(session_variables(text.as_bytes()).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z|:;\"{}0-9absiNOCrdR]{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (session_variables(text.as_bytes()), session_variables(&bytes));
        }
    }
}
