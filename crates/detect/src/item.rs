//! One line of a detection, `field|modifier|…: values`, → an expression.

use crate::expr::{Expr, Leaf};
use crate::pattern::{Part, Pattern, Place, Shape, lower};
use crate::table::{KEYWORDS, Tables};
use crate::test::{Net, Number, Ordering, Slow, Test, fold_dashes, number_key};
use crate::time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rsigma_parser::{DetectionItem, Modifier, SigmaString, SigmaValue};
use std::collections::BTreeMap;

/// Values for `%placeholders%`, by name.
pub(crate) type Placeholders = BTreeMap<String, Vec<String>>;

/// What the modifiers say, apart from those that change the value.
#[derive(Clone, Debug, Default)]
struct How {
    place: Option<Place>,
    all: bool,
    cased: bool,
    exists: bool,
    neq: bool,
    dash: bool,
    expand: bool,
    fieldref: bool,
    regex: bool,
    flags: String,
    cidr: bool,
    compare: Option<Ordering>,
    time: Option<time::Part>,
    encodings: Vec<Modifier>,
}

impl How {
    fn of(modifiers: &[Modifier]) -> Result<Self, String> {
        let mut how = Self::default();
        let mut operators = 0;
        for m in modifiers {
            let once = |slot: &mut bool| {
                let before = std::mem::replace(slot, true);
                if before {
                    Err(format!("modifier {} twice", word(*m)))
                } else {
                    Ok(())
                }
            };
            match m {
                Modifier::Contains => how.place(Place::Anywhere)?,
                Modifier::StartsWith => how.place(Place::Start)?,
                Modifier::EndsWith => how.place(Place::End)?,
                Modifier::All => once(&mut how.all)?,
                Modifier::Cased => once(&mut how.cased)?,
                Modifier::Exists => once(&mut how.exists)?,
                Modifier::Neq => once(&mut how.neq)?,
                Modifier::WindAsh => once(&mut how.dash)?,
                Modifier::Expand => once(&mut how.expand)?,
                Modifier::FieldRef => once(&mut how.fieldref)?,
                Modifier::Re => once(&mut how.regex)?,
                Modifier::Cidr => once(&mut how.cidr)?,
                Modifier::IgnoreCase => how.flags.push('i'),
                Modifier::Multiline => how.flags.push('m'),
                Modifier::DotAll => how.flags.push('s'),
                Modifier::Gt => how.compare(Ordering::Greater)?,
                Modifier::Gte => how.compare(Ordering::GreaterOrEqual)?,
                Modifier::Lt => how.compare(Ordering::Less)?,
                Modifier::Lte => how.compare(Ordering::LessOrEqual)?,
                Modifier::Minute => how.time(time::Part::Minute)?,
                Modifier::Hour => how.time(time::Part::Hour)?,
                Modifier::Day => how.time(time::Part::Day)?,
                Modifier::Week => how.time(time::Part::Week)?,
                Modifier::Month => how.time(time::Part::Month)?,
                Modifier::Year => how.time(time::Part::Year)?,
                Modifier::Base64
                | Modifier::Base64Offset
                | Modifier::Wide
                | Modifier::Utf16
                | Modifier::Utf16be => how.encodings.push(*m),
            }
        }
        let values_are_text = how.place.is_some() || !how.encodings.is_empty() || how.dash;
        for (set, name) in [
            (how.regex, "re"),
            (how.cidr, "cidr"),
            (how.exists, "exists"),
            (how.compare.is_some() || how.time.is_some(), "a comparison"),
        ] {
            if set {
                operators += 1;
                if values_are_text {
                    return Err(format!("{name} does not go with modifiers of text"));
                }
            }
        }
        if operators + usize::from(how.fieldref) > 1 {
            return Err("modifiers that exclude each other".into());
        }
        if !how.flags.is_empty() && !how.regex {
            return Err(format!("modifier {} without re", how.flags));
        }
        if how.fieldref && (how.dash || !how.encodings.is_empty()) {
            return Err("fieldref does not go with modifiers that change the value".into());
        }
        Ok(how)
    }

    fn place(&mut self, place: Place) -> Result<(), String> {
        match self.place.replace(place) {
            None => Ok(()),
            Some(_) => Err("two of contains, startswith, endswith".into()),
        }
    }

    fn compare(&mut self, ordering: Ordering) -> Result<(), String> {
        match self.compare.replace(ordering) {
            None => Ok(()),
            Some(_) => Err("two of gt, gte, lt, lte".into()),
        }
    }

    fn time(&mut self, part: time::Part) -> Result<(), String> {
        match self.time.replace(part) {
            None => Ok(()),
            Some(_) => Err("two parts of a time".into()),
        }
    }
}

fn word(m: Modifier) -> String {
    format!("{m:?}").to_lowercase()
}

/// Compiles `field|modifiers: values`.
pub(crate) fn compile(
    item: &DetectionItem,
    tables: &mut Tables,
    placeholders: &Placeholders,
) -> Result<Expr, String> {
    let how = How::of(&item.field.modifiers)?;
    let slot = match &item.field.name {
        Some(name) => tables.slot(&name.replace("\\[", "[").replace("\\]", "]")),
        None => KEYWORDS,
    };
    if how.exists {
        let wanted = match item.values.first() {
            Some(SigmaValue::Bool(b)) => *b,
            Some(SigmaValue::String(s)) => !matches!(
                s.original.to_lowercase().as_str(),
                "false" | "no" | "off" | "0"
            ),
            _ => true,
        };
        let present = Expr::Leaf(Leaf::Present(slot));
        return Ok(if wanted { present } else { present.negate() });
    }
    if item.values.is_empty() {
        return Err("no value".into());
    }
    let mut alternatives = Vec::new();
    let mut tests = Vec::new();
    for value in &item.values {
        if matches!(value, SigmaValue::Null) && !how.neq {
            alternatives.push(Expr::Leaf(Leaf::Null(slot)));
            continue;
        }
        let these = value_tests(value, &how, slot, tables, placeholders)?;
        if how.all {
            alternatives.push(tables.group(slot, these));
        } else {
            tests.extend(these);
        }
    }
    let found = if how.all {
        Expr::all(alternatives)
    } else {
        if !tests.is_empty() {
            alternatives.push(tables.group(slot, tests));
        }
        Expr::any(alternatives)
    };
    Ok(if how.neq {
        Expr::And(vec![Expr::Leaf(Leaf::Present(slot)), found.negate()])
    } else {
        found
    })
}

/// Keywords: text anywhere in the record, linked with OR.
pub(crate) fn compile_keywords(values: &[SigmaValue], tables: &mut Tables) -> Result<Expr, String> {
    let how = How::default();
    let mut tests = Vec::new();
    for value in values {
        if matches!(value, SigmaValue::Null) {
            return Err("null is no keyword".into());
        }
        tests.extend(value_tests(
            value,
            &how,
            KEYWORDS,
            tables,
            &Placeholders::new(),
        )?);
    }
    if tests.is_empty() {
        return Err("no keyword".into());
    }
    Ok(tables.group(KEYWORDS, tests))
}

fn value_tests(
    value: &SigmaValue,
    how: &How,
    slot: u32,
    tables: &mut Tables,
    placeholders: &Placeholders,
) -> Result<Vec<Test>, String> {
    if let Some(part) = how.time {
        let ordering = how.compare.unwrap_or(Ordering::Equal);
        return Ok(vec![Test::Slow(Slow::Time(part, ordering, number(value)?))]);
    }
    if let Some(ordering) = how.compare {
        return Ok(vec![Test::Slow(Slow::Compare(ordering, number(value)?))]);
    }
    if how.regex {
        return regex(&raw(value)?, how, slot, tables);
    }
    if how.cidr {
        let text = raw(value)?;
        let net = Net::parse(&text).ok_or_else(|| format!("{text:?} is no network"))?;
        return Ok(vec![Test::Slow(Slow::Cidr(net))]);
    }
    if how.fieldref {
        let other = tables.slot(&raw(value)?);
        tables.keep_original(slot);
        tables.keep_original(other);
        return Ok(vec![Test::Slow(Slow::Field {
            slot: other,
            place: how.place.unwrap_or(Place::Whole),
            cased: how.cased,
        })]);
    }
    let place = how.place.unwrap_or(if slot == KEYWORDS {
        Place::Anywhere
    } else {
        Place::Whole
    });
    let plain = place == Place::Whole && how.encodings.is_empty() && !how.dash && !how.expand;
    match value {
        SigmaValue::Integer(n) if plain => return Ok(vec![Test::Number(number_key(*n as f64))]),
        SigmaValue::Float(n) if plain => return Ok(vec![Test::Number(number_key(*n))]),
        SigmaValue::Null => return Err("null does not go with these modifiers".into()),
        _ => {}
    }
    let patterns = match value {
        SigmaValue::String(s) if how.expand => expand(&s.original, placeholders)?,
        SigmaValue::String(s) => vec![Pattern::of(s)],
        other => vec![Pattern::text(&raw(other)?)],
    };
    let mut tests = Vec::new();
    for pattern in &patterns {
        encoded(pattern, how, place, slot, tables, &mut tests)?;
    }
    Ok(tests)
}

/// Applies encodings in the order they are written, then asks for what came out.
fn encoded(
    pattern: &Pattern,
    how: &How,
    mut place: Place,
    slot: u32,
    tables: &mut Tables,
    tests: &mut Vec<Test>,
) -> Result<(), String> {
    if how.encodings.is_empty() {
        tests.push(text_test(pattern, how, place, slot, tables));
        return Ok(());
    }
    let plain = pattern
        .plain()
        .ok_or("wildcards cannot be encoded (escape them with a backslash)")?;
    let mut values = vec![plain.as_bytes().to_vec()];
    for m in &how.encodings {
        let mut next = Vec::new();
        for bytes in &values {
            let units = || -> Result<Vec<u16>, String> {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| format!("{} after an encoding to bytes", word(*m)))?;
                Ok(text.encode_utf16().collect())
            };
            let le = |units: Vec<u16>| units.into_iter().flat_map(u16::to_le_bytes);
            match m {
                Modifier::Base64 => next.push(BASE64.encode(bytes).into_bytes()),
                Modifier::Base64Offset => {
                    place = Place::Anywhere;
                    next.extend(base64_offsets(bytes));
                }
                Modifier::Utf16be => {
                    next.push(units()?.into_iter().flat_map(u16::to_be_bytes).collect());
                }
                Modifier::Utf16 => {
                    next.push([0xff, 0xfe].into_iter().chain(le(units()?)).collect())
                }
                _ => next.push(le(units()?).collect()),
            }
        }
        values = next;
    }
    for bytes in values {
        let text = String::from_utf8(bytes)
            .map_err(|_| "the encoded value is no text that a field could hold".to_owned())?;
        tests.push(text_test(&Pattern::text(&text), how, place, slot, tables));
    }
    Ok(())
}

/// The characters of Base64 that do not depend on what stands before and after, for the three
/// positions a value can have within groups of three bytes.
fn base64_offsets(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for offset in 0..3 {
        let mut shifted = vec![0; offset];
        shifted.extend_from_slice(bytes);
        // Sextets wholly within the value: the first begins at bit 8·offset or later, the last
        // ends before the value's end.
        let first = (offset * 8).div_ceil(6);
        let last = shifted.len() * 8 / 6;
        let encoded = BASE64.encode(&shifted).into_bytes();
        if let Some(part) = encoded.get(first..last).filter(|p| !p.is_empty()) {
            out.push(part.to_vec());
        }
    }
    out
}

fn text_test(pattern: &Pattern, how: &How, place: Place, slot: u32, tables: &mut Tables) -> Test {
    if how.cased {
        tables.keep_original(slot);
    }
    if how.dash {
        let folded = pattern.map_text(|t| {
            let mut out = String::new();
            fold_dashes(&mut out, t);
            out
        });
        if folded
            .parts
            .iter()
            .any(|p| matches!(p, Part::Text(t) if t.contains('-')))
        {
            let folded = if how.cased {
                folded
            } else {
                folded.map_text(lower)
            };
            return Test::Slow(Slow::Dash {
                shape: Shape::new(&folded, place),
                cased: how.cased,
            });
        }
    }
    if how.cased {
        return match Shape::new(pattern, place) {
            Shape::Any => Test::AnyText,
            shape => Test::Slow(Slow::Cased(shape)),
        };
    }
    match Shape::new(&pattern.map_text(lower), place) {
        Shape::Any => Test::AnyText,
        Shape::Text(place, text) => Test::Text(place, text),
        Shape::Glob(glob) => Test::Slow(Slow::Glob(glob)),
    }
}

fn regex(pattern: &str, how: &How, slot: u32, tables: &mut Tables) -> Result<Vec<Test>, String> {
    tables.keep_original(slot);
    let source = if how.flags.is_empty() {
        pattern.to_owned()
    } else {
        format!("(?{}){pattern}", how.flags)
    };
    let re = tables
        .regex(&source)
        .map_err(|reason| format!("regular expression {pattern:?}: {reason}"))?;
    Ok(vec![Test::Slow(Slow::Regex(re))])
}

fn raw(value: &SigmaValue) -> Result<String, String> {
    Ok(match value {
        SigmaValue::String(s) => s.as_plain().unwrap_or_else(|| s.original.clone()),
        SigmaValue::Integer(n) => n.to_string(),
        SigmaValue::Float(n) => n.to_string(),
        SigmaValue::Bool(b) => b.to_string(),
        SigmaValue::Null => return Err("null does not go with these modifiers".into()),
    })
}

fn number(value: &SigmaValue) -> Result<Number, String> {
    let n = match value {
        SigmaValue::Integer(n) => *n as f64,
        SigmaValue::Float(n) => *n,
        other => {
            let text = raw(other)?;
            text.trim()
                .parse()
                .map_err(|_| format!("{text:?} is no number"))?
        }
    };
    Ok(Number(n))
}

/// Every combination of the placeholders' values in `text`, in which `\%` is a percent sign.
fn expand(text: &str, placeholders: &Placeholders) -> Result<Vec<Pattern>, String> {
    const MOST: usize = 10_000;
    let mut out = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = (
            rest.get(..at).unwrap_or(""),
            rest.get(at + 1..).unwrap_or(""),
        );
        let literal =
            |out: &mut Vec<String>, text: &str| out.iter_mut().for_each(|o| o.push_str(text));
        if let Some(before) = before.strip_suffix('\\') {
            literal(&mut out, before);
            literal(&mut out, "%");
            rest = after;
            continue;
        }
        let Some((name, after)) = after.split_once('%') else {
            break;
        };
        literal(&mut out, before);
        let values = placeholders
            .get(name)
            .filter(|v| !v.is_empty())
            .ok_or_else(|| format!("placeholder %{name}% has no values"))?;
        if out.len().saturating_mul(values.len()) > MOST {
            return Err(format!("more than {MOST} values after expansion"));
        }
        out = out
            .iter()
            .flat_map(|o| values.iter().map(move |v| format!("{o}{v}")))
            .collect();
        rest = after;
    }
    out.iter_mut().for_each(|o| o.push_str(rest));
    Ok(out
        .iter()
        .map(|o| Pattern::of(&SigmaString::new(o)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_found_at_every_offset() {
        for value in ["a", "ab", "abc", "http://", "/bin/bash", "IEX"] {
            for before in ["", "x", "xy", "xyz"] {
                for after in ["", "1", "12"] {
                    let whole = BASE64.encode(format!("{before}{value}{after}"));
                    let parts = base64_offsets(value.as_bytes());
                    assert!(
                        parts.iter().any(|p| {
                            let p = std::str::from_utf8(p).expect("ASCII");
                            whole.contains(p)
                        }) || parts.len() < 3,
                        "{value} in {before}{value}{after}"
                    );
                }
            }
        }
        let known: Vec<_> = base64_offsets(b"foobar")
            .into_iter()
            .map(|p| String::from_utf8(p).expect("ASCII"))
            .collect();
        assert_eq!(known, ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
    }

    #[test]
    fn placeholders() {
        let table: Placeholders = [
            ("a".to_owned(), vec!["1".to_owned(), "2*".to_owned()]),
            ("b".to_owned(), vec!["x".to_owned()]),
        ]
        .into();
        let all = |text| expand(text, &table).map(|p| p.len());
        assert_eq!(all("%a%"), Ok(2));
        assert_eq!(all("p%a%-%b%s"), Ok(2));
        assert_eq!(all("%c%"), Err("placeholder %c% has no values".into()));
        assert_eq!(
            expand(r"\%plain%b%", &table),
            Ok(vec![Pattern::text("%plainx")])
        );
        assert_eq!(expand("50%", &table), Ok(vec![Pattern::text("50%")]));
    }
}
