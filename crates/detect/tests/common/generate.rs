//! Events made from rules: what a rule asks for, changed here and there.

use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaRule, SigmaValue, StringPart};
use serde_json::{Map, Value, json};

/// A small generator of numbers (xorshift); the same seed gives the same events.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 0 to `n - 1`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n.max(1)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// One of these texts.
    pub fn word(&mut self, list: &[&'static str]) -> &'static str {
        list[self.below(list.len())]
    }
}

/// An event that may match `rule`, and sometimes just does not.
pub fn event(rule: &SigmaRule, random: &mut Random) -> Value {
    let mut out = Map::new();
    let mut named: Vec<_> = rule.detection.named.iter().collect();
    named.sort_by_key(|n| n.0);
    for (name, detection) in named {
        let wanted = if name.starts_with("filter") { 12 } else { 88 };
        if random.percent(wanted) {
            fill(detection, &mut out, random);
        }
    }
    let source = &rule.logsource;
    for (field, word) in [
        ("product", &source.product),
        ("category", &source.category),
        ("service", &source.service),
    ] {
        if let Some(word) = word
            && !out.contains_key(field)
            && random.percent(70)
        {
            out.insert(field.into(), json!(word));
        }
    }
    if random.percent(10) {
        out.insert(
            "Message".into(),
            json!("an event that says nothing of note"),
        );
    }
    Value::Object(out)
}

fn fill(detection: &Detection, out: &mut Map<String, Value>, random: &mut Random) {
    match detection {
        Detection::AllOf(items) => {
            for item in items {
                if random.percent(95) {
                    fill_item(item, out, random);
                }
            }
        }
        Detection::AnyOf(parts) => {
            let part = random.below(parts.len());
            fill(&parts[part], out, random);
        }
        Detection::And(parts) => parts.iter().for_each(|p| fill(p, out, random)),
        Detection::Keywords(values) => {
            let value = random.pick(values).clone();
            let text = format!("log: {} end", text(&value, random));
            let text = changed(text, random);
            out.insert("Message".into(), json!(text));
        }
        _ => {}
    }
}

fn fill_item(item: &DetectionItem, out: &mut Map<String, Value>, random: &mut Random) {
    let has = |m: Modifier| item.field.has_modifier(m);
    let Some(name) = item.field.name.as_deref() else {
        let parts: Vec<String> = item.values.iter().map(|v| text(v, random)).collect();
        let joined = changed(parts.join(" .. "), random);
        out.insert("Message".into(), json!(joined));
        return;
    };
    let Some(value) = (!item.values.is_empty()).then(|| random.pick(&item.values).clone()) else {
        return;
    };
    let made = if has(Modifier::Exists) {
        match random.below(3) {
            0 => return,
            1 => json!("something"),
            _ => json!(""),
        }
    } else if has(Modifier::FieldRef) {
        let other = text(&value, random);
        let same = json!(random.word(&["alice", "bob"]));
        out.insert(other, json!(random.word(&["alice", "Bob"])));
        same
    } else if has(Modifier::Re) {
        let source = text(&value, random);
        // The expression's own characters often match it, or nearly.
        json!(source.replace(['\\', '^', '$', '(', ')', '?', '+'], ""))
    } else if has(Modifier::Cidr) {
        let net = text(&value, random);
        let address = net.split('/').next().unwrap_or_default().to_owned();
        if random.percent(70) {
            json!(address)
        } else {
            json!("203.0.113.9")
        }
    } else if has(Modifier::All) {
        let parts: Vec<String> = item.values.iter().map(|v| text(v, random)).collect();
        json!(changed(parts.join(" "), random))
    } else {
        match &value {
            SigmaValue::Null => {
                if random.percent(50) {
                    return;
                }
                Value::Null
            }
            SigmaValue::Bool(b) => {
                if random.percent(50) {
                    json!(b)
                } else {
                    json!(b.to_string())
                }
            }
            SigmaValue::Integer(n) => match random.below(6) {
                0 => json!(n + 1),
                1 => json!(n.to_string()),
                2 => json!(*n as f64),
                _ => json!(n),
            },
            SigmaValue::Float(n) => json!(n),
            SigmaValue::String(_) => {
                let core = text(&value, random);
                let before =
                    random.percent(80) && (has(Modifier::Contains) || has(Modifier::EndsWith));
                let after =
                    random.percent(80) && (has(Modifier::Contains) || has(Modifier::StartsWith));
                let mut whole = String::new();
                if before {
                    whole.push_str(random.word(&["C:\\Users\\x\\", "pre ", "é", "-"]));
                }
                whole.push_str(&core);
                if after {
                    whole.push_str(random.word(&[" post", "\\z", "ß", "/"]));
                }
                json!(changed(whole, random))
            }
        }
    };
    let made = if random.percent(6) {
        json!([made, "other"])
    } else {
        made
    };
    put(out, name, made, random);
}

fn put(out: &mut Map<String, Value>, name: &str, value: Value, random: &mut Random) {
    let parts: Vec<&str> = name.split('.').collect();
    if parts.len() > 1 && random.percent(60) {
        let mut at = out;
        for part in &parts[..parts.len() - 1] {
            let next = at
                .entry(part.to_string())
                .or_insert_with(|| Value::Object(Map::new()));
            match next {
                Value::Object(inner) => at = inner,
                _ => return,
            }
        }
        at.insert(parts[parts.len() - 1].to_owned(), value);
    } else {
        out.insert(name.to_owned(), value);
    }
}

/// The value with its wildcards filled in.
fn text(value: &SigmaValue, random: &mut Random) -> String {
    let SigmaValue::String(s) = value else {
        return value.to_string();
    };
    let mut out = String::new();
    for part in &s.parts {
        match part {
            StringPart::Plain(text) => out.push_str(text),
            StringPart::Special(rsigma_parser::SpecialChar::WildcardMulti) => {
                out.push_str(random.word(&["", "x", "abc def", "\\"]));
            }
            StringPart::Special(rsigma_parser::SpecialChar::WildcardSingle) => {
                out.push_str(random.word(&["", "x", "7", "ü", "xx"]));
            }
        }
    }
    out
}

/// Other case, another character, one less or one more.
fn changed(text: String, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    if random.percent(50) {
        for c in &mut chars {
            if random.percent(30) {
                let other: Vec<char> = if c.is_lowercase() {
                    c.to_uppercase().collect()
                } else {
                    c.to_lowercase().collect()
                };
                if let [other] = other.as_slice() {
                    *c = *other;
                }
            }
        }
    }
    if random.percent(12) && !chars.is_empty() {
        let at = random.below(chars.len());
        match random.below(4) {
            0 => _ = chars.remove(at),
            1 => chars.insert(at, 'q'),
            2 => chars[at] = '-',
            _ => chars.truncate(at),
        }
    }
    if random.percent(5) {
        for c in &mut chars {
            if *c == '-' {
                *c = *random.pick(&['-', '/', '\u{2013}', '\u{2014}', '\u{2015}']);
            }
        }
    }
    chars.into_iter().collect()
}
