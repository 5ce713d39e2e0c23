//! One JSON object → fields, in one walk and without a tree.

use crate::fields::{Kind, NONE, Names, Store};
use crate::table::Slot;

/// Why a line is no JSON object (RFC 8259).
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}")]
pub struct JsonError {
    /// Byte within the line, from 0.
    pub offset: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// Objects and arrays within each other, at most.
const DEPTH: u32 = 128;

pub(crate) struct Walker<'a> {
    pub text: &'a str,
    pub at: usize,
    pub store: &'a mut Store,
    pub slots: &'a [Slot],
    pub names: &'a Names,
    pub unescaped: &'a mut String,
}

type Step = Result<(), JsonError>;

impl<'a> Walker<'a> {
    /// Walks the whole text: an object, and white space around it.
    pub fn run(mut self) -> Step {
        self.space();
        if self.byte() != Some(b'{') {
            return self.error("not a JSON object");
        }
        self.at += 1;
        self.object(Names::ROOT, false, 1)?;
        self.space();
        if self.at < self.text.len() {
            return self.error("something after the object");
        }
        Ok(())
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn error<T>(&self, reason: &'static str) -> Result<T, JsonError> {
        Err(JsonError {
            offset: self.at,
            reason,
        })
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    /// After `{`.
    fn object(&mut self, node: u32, in_array: bool, depth: u32) -> Step {
        if depth > DEPTH {
            return self.error("nested too deeply");
        }
        self.space();
        if self.byte() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            if self.byte() != Some(b'"') {
                return self.error("expected a name");
            }
            self.at += 1;
            let key = self.string()?;
            let child = match key {
                Str::Plain(from, upto) => {
                    let key = self.text.get(from..upto).unwrap_or_default();
                    self.names.child(node, key)
                }
                Str::Unescaped => self.names.child(node, self.unescaped),
            };
            self.space();
            if self.byte() != Some(b':') {
                return self.error("expected ':'");
            }
            self.at += 1;
            self.value(child, in_array, depth)?;
            self.space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.error("expected ',' or '}'"),
            }
        }
    }

    fn value(&mut self, node: u32, in_array: bool, depth: u32) -> Step {
        let slot = if node == NONE {
            NONE
        } else {
            self.store.open(self.names, node, in_array)
        };
        self.space();
        match self.byte() {
            Some(b'"') => {
                self.at += 1;
                match self.string()? {
                    Str::Plain(from, upto) => {
                        let text = self.text.get(from..upto).unwrap_or_default();
                        self.store.push(self.slots, slot, Kind::Text, text);
                    }
                    Str::Unescaped => {
                        self.store
                            .push(self.slots, slot, Kind::Text, self.unescaped);
                    }
                }
                Ok(())
            }
            Some(b'{') => {
                self.at += 1;
                if slot != NONE {
                    self.store.push(self.slots, slot, Kind::Object, "");
                }
                self.object(node, in_array, depth + 1)
            }
            Some(b'[') => {
                self.at += 1;
                self.array(node, depth + 1)
            }
            Some(b't') => self.word("true", slot, Kind::Bool),
            Some(b'f') => self.word("false", slot, Kind::Bool),
            Some(b'n') => self.word("null", slot, Kind::Null),
            Some(b'-' | b'0'..=b'9') => self.number(slot),
            _ => self.error("expected a value"),
        }
    }

    /// After `[`.
    fn array(&mut self, node: u32, depth: u32) -> Step {
        if depth > DEPTH {
            return self.error("nested too deeply");
        }
        self.space();
        if self.byte() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(node, true, depth)?;
            self.space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.error("expected ',' or ']'"),
            }
        }
    }

    fn word(&mut self, word: &'static str, slot: u32, kind: Kind) -> Step {
        if !self
            .text
            .as_bytes()
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            return self.error("expected a value");
        }
        self.at += word.len();
        if slot != NONE {
            let text = if kind == Kind::Null { "" } else { word };
            self.store.push(self.slots, slot, kind, text);
        }
        Ok(())
    }

    fn number(&mut self, slot: u32) -> Step {
        let from = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => _ = self.digits(),
            _ => return self.error("expected a digit"),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.error("expected a digit");
            }
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.error("expected a digit");
            }
        }
        if slot != NONE || self.store.wants_all() {
            let raw = self.text.get(from..self.at).unwrap_or_default();
            self.store.push_number(self.slots, slot, raw);
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        self.at - from
    }

    /// After the opening quote; leaves `at` behind the closing one.
    #[inline]
    fn string(&mut self) -> Result<Str, JsonError> {
        let from = self.at;
        self.at = stop(self.text.as_bytes(), from);
        match self.byte() {
            Some(b'"') => {
                self.at += 1;
                Ok(Str::Plain(from, self.at - 1))
            }
            Some(b'\\') => self.escaped(from),
            Some(_) => self.error("control character in a string"),
            None => self.error("string without end"),
        }
    }

    fn escaped(&mut self, from: usize) -> Result<Str, JsonError> {
        self.unescaped.clear();
        let mut from = from;
        loop {
            self.unescaped
                .push_str(self.text.get(from..self.at).unwrap_or_default());
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Str::Unescaped);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = match self.byte() {
                        Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
                        Some(b'b') => '\u{8}',
                        Some(b'f') => '\u{c}',
                        Some(b'n') => '\n',
                        Some(b'r') => '\r',
                        Some(b't') => '\t',
                        Some(b'u') => self.unicode()?,
                        _ => return self.error("unknown escape"),
                    };
                    self.at += 1;
                    self.unescaped.push(c);
                }
                Some(_) => return self.error("control character in a string"),
                None => return self.error("string without end"),
            }
            from = self.at;
            self.at = stop(self.text.as_bytes(), from);
        }
    }

    /// At `u`; leaves `at` on the last digit. Half a pair of surrogates becomes U+FFFD: logs do
    /// hold such, and a value with one odd character can still be judged.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let unit = self.hex()?;
        if !(0xd800..0xdc00).contains(&unit) {
            return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        if self.text.as_bytes().get(self.at + 1..self.at + 3) == Some(b"\\u") {
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let c = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at + 1..self.at + 5);
        let value = digits
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u32::from_str_radix(d, 16).ok());
        match value {
            Some(value) => {
                self.at += 4;
                Ok(value)
            }
            None => self.error("expected four hexadecimal digits"),
        }
    }
}

enum Str {
    /// As it stands between the quotes.
    Plain(usize, usize),
    /// In `unescaped`.
    Unescaped,
}

/// The first quote, backslash or control character from `from` on; the end if there is none.
#[inline]
fn stop(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |w: u64| w.wrapping_sub(ONES) & !w & HIGH;
    let mut at = from;
    while let Some(&[a, b, c, d, e, f, g, h]) = bytes.get(at..at + 8) {
        let w = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let control = w.wrapping_sub(ONES * 0x20) & !w & HIGH;
        let found =
            zero(w ^ (ONES * u64::from(b'"'))) | zero(w ^ (ONES * u64::from(b'\\'))) | control;
        if found != 0 {
            // A borrow can only mark bytes above a true one, so the lowest mark is right.
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&b) = bytes.get(at) {
        if b == b'"' || b == b'\\' || b < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walk(text: &str) -> Result<Vec<(String, Kind, String)>, JsonError> {
        let slots: Vec<Slot> = ["", "a", "a.b", "c"]
            .map(|name| Slot {
                name: name.to_owned(),
                original: true,
            })
            .to_vec();
        let names = Names::new(&slots);
        let mut store = Store::new(&slots, false);
        Walker {
            text,
            at: 0,
            store: &mut store,
            slots: &slots,
            names: &names,
            unescaped: &mut String::new(),
        }
        .run()?;
        let mut out = Vec::new();
        for slot in 1..4 {
            for held in store.values(slot) {
                let name = slots[slot as usize].name.clone();
                out.push((name, held.kind, store.original(held).to_owned()));
            }
        }
        Ok(out)
    }

    #[test]
    fn fields() {
        let text = |name: &str, text: &str| (name.to_owned(), Kind::Text, text.to_owned());
        assert_eq!(walk(r#" {"a":"x","d":{"a":1}} "#), Ok(vec![text("a", "x")]));
        assert_eq!(
            walk(r#"{"a":{"b":"x"}}"#),
            Ok(vec![
                ("a".into(), Kind::Object, "".into()),
                text("a.b", "x")
            ])
        );
        assert_eq!(
            walk(r#"{"a.b":"flat","a":{"b":"nested"}}"#),
            Ok(vec![
                ("a".into(), Kind::Object, "".into()),
                text("a.b", "flat")
            ])
        );
        assert_eq!(
            walk(r#"{"a":{"b":"nested"},"a.b":"flat"}"#),
            Ok(vec![
                ("a".into(), Kind::Object, "".into()),
                text("a.b", "flat")
            ])
        );
        assert_eq!(walk(r#"{"c":"1","c":"2"}"#), Ok(vec![text("c", "2")]));
        assert_eq!(
            walk(r#"{"c":["1",["2",{"x":1}]]}"#),
            Ok(vec![
                text("c", "1"),
                text("c", "2"),
                ("c".into(), Kind::Object, "".into())
            ])
        );
        assert_eq!(
            walk(r#"{"c":"\u00e9\ud83d\ude00\ud800x\n\"\\"}"#),
            Ok(vec![text("c", "é😀\u{fffd}x\n\"\\")])
        );
        assert_eq!(
            walk(r#"{"c":[1.50,-0,1e3,18446744073709551615,true,null]}"#)
                .map(|v| v.into_iter().map(|v| v.2).collect::<Vec<_>>()),
            Ok(["1.5", "-0", "1000", "18446744073709552000", "true", ""]
                .map(str::to_owned)
                .to_vec())
        );
    }

    #[test]
    fn errors_have_their_place() {
        for (text, offset) in [
            ("", 0),
            ("[]", 0),
            ("{", 1),
            (r#"{"a" 1}"#, 5),
            (r#"{"a":01}"#, 6),
            (r#"{"a":"x"#, 7),
            (r#"{"a":"\x"}"#, 7),
            (r#"{"a":1,}"#, 7),
            (r#"{"a":1} x"#, 8),
            ("{\"a\":\"\n\"}", 6),
            (r#"{"a":tru}"#, 5),
            (r#"{"a":1.}"#, 7),
        ] {
            assert_eq!(walk(text).map_err(|e| e.offset), Err(offset), "{text}");
        }
        let deep = format!("{}{}", "{\"a\":".repeat(200), "}".repeat(200));
        assert_eq!(walk(&deep).map_err(|e| e.reason), Err("nested too deeply"));
    }

    proptest! {
        #[test]
        fn accepts_what_others_accept(text in r#"\{"a":[\[\]{}"a:,0-9.eE+\\-]{0,12}\}"#) {
            let other: Result<serde_json::Value, _> = serde_json::from_str(&text);
            let ours = walk(&text);
            // A number too large for a float is an error there, and infinite here.
            if !text.contains(['e', 'E']) {
                prop_assert_eq!(ours.is_ok(), other.is_ok(), "{}", text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            _ = walk(&text);
            _ = walk(&format!("{{\"a\":\"{text}"));
        }

        #[test]
        fn strings_come_back(value in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let text = serde_json::json!({"c": value}).to_string();
            prop_assert_eq!(walk(&text), Ok(vec![("c".to_owned(), Kind::Text, value)]));
        }
    }
}
