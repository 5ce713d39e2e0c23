//! Sentences with choices and slots: `[a|b|]` draws one of the alternatives (they nest),
//! `{slot}` takes a value of the scene.

use crate::rng::Rng;

/// Values for the slots.
#[derive(Clone, Debug, Default)]
pub struct Slots(Vec<(&'static str, String)>);

impl Slots {
    /// Sets a slot; a later value wins.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some(slot) => slot.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// Value of a slot.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// Expands a template. An unknown slot stays as it stands, which the tests look for.
pub fn expand(template: &str, slots: &Slots, rng: &mut Rng) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(at) = rest.find(['[', '{']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        if rest.as_bytes()[at] == b'{' {
            let Some(end) = tail.find('}') else {
                out.push_str(&rest[at..]);
                return out;
            };
            match slots.get(&tail[..end]) {
                Some(v) => out.push_str(v),
                None => out.push_str(&rest[at..at + end + 2]),
            }
            rest = &tail[end + 1..];
        } else {
            let (choices, end) = alternatives(tail);
            let choice = choices[rng.below(choices.len())];
            out.push_str(&expand(choice, slots, rng));
            rest = &tail[end..];
        }
    }
    out.push_str(rest);
    out
}

/// Expands a template that is a sentence of its own: it begins with a capital, whatever the slot
/// it begins with.
pub fn sentence(template: &str, slots: &Slots, rng: &mut Rng) -> String {
    let text = expand(template, slots, rng);
    let mut chars = text.chars();
    match chars.next() {
        Some(c) if c.is_lowercase() => c.to_uppercase().chain(chars).collect(),
        _ => text,
    }
}

/// Splits at the `|` of the outermost level; the second value is where the text goes on.
fn alternatives(tail: &str) -> (Vec<&str>, usize) {
    let (mut depth, mut from, mut parts) = (0usize, 0, Vec::new());
    for (i, b) in tail.bytes().enumerate() {
        match b {
            b'[' => depth += 1,
            b']' if depth == 0 => {
                parts.push(&tail[from..i]);
                return (parts, i + 1);
            }
            b']' => depth -= 1,
            b'|' if depth == 0 => {
                parts.push(&tail[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&tail[from..]);
    (parts, tail.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_nest_and_slots_fill() {
        let mut s = Slots::default();
        s.set("x", "un");
        s.set("x", "deux");
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..60 {
            seen.insert(expand("a [b|c [d|{x}]|] {x} {y}", &s, &mut Rng::new(seed)));
        }
        let want = [
            "a b deux {y}",
            "a c d deux {y}",
            "a c deux deux {y}",
            "a  deux {y}",
        ];
        assert_eq!(seen, want.map(String::from).into());
        assert_eq!(expand("open [a|b", &s, &mut Rng::new(1)).len(), 6);
        assert_eq!(expand("open {x", &s, &mut Rng::new(1)), "open {x");
    }
}
