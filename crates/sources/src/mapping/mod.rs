//! JSON lines of any program, read by a mapping that the user writes.
//!
//! A mapping is a TOML file that says which path of a line gives which attribute of which class of
//! event:
//!
//! ```toml
//! name = "nextcloud"
//! time = "time"                       # a path; nested keys are parted by points
//! # time_format = "auto"              # auto, epoch, epoch_ms, epoch_us, epoch_ns
//! # product = "Zeek"                  # a known product, or left out
//! # host = "hostname"                 # a path
//!
//! [[event]]
//! class = "logon"
//! when = { message = "Login failed: *" }
//! set.src_ip = "remoteAddr"
//! set.user = { from = "message", after = "Login failed: ", before = " (Remote IP: " }
//! set.status = { value = "failure" }
//! set.service = { value = "webmail" }
//! ```
//!
//! The first event whose conditions all hold is made of a line; a line that none fits is ignored
//! and counted. `when` compares a path with a text (which may end in `*`), one of several texts, or
//! `true` and `false` for being there and not. A source in `set` is a path, or a table: `value`, a
//! constant; `from`, a path, with `after` and `before` to cut a piece out, `map` to translate
//! words, and `default` for what is not there or not in `map`.
//!
//! Attributes are the fields of `vauban-ocsf`'s classes by their names; those of a class's `extra`
//! stand beside its own. An unknown one is an error when the mapping is read, not when a line is.

mod classes;

use crate::stamp::{self, Clock};
use crate::{Context, LogFormat, each_line};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use vauban_ocsf::{Event, EventSink, Product, Timestamp};

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// It is no TOML, or not of this form.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// No such product.
    #[error("unknown product {0:?}")]
    Product(String),
    /// No such class.
    #[error("unknown class {0:?}; known are {known}", known = classes::names().join(", "))]
    Class(String),
    /// The class has no such attribute.
    #[error("class {class} has no attribute {attribute:?}; it has {known}")]
    Attribute {
        /// The class.
        class: String,
        /// What was asked for.
        attribute: String,
        /// What there is.
        known: String,
    },
    /// A source that says nothing.
    #[error("attribute {0:?} has neither `from` nor `value`")]
    Source(String),
    /// No event is described.
    #[error("a mapping needs at least one [[event]]")]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    time: String,
    #[serde(default)]
    time_format: TimeFormat,
    #[serde(default)]
    product: Option<String>,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    event: Vec<EventText>,
}

#[derive(Copy, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TimeFormat {
    /// RFC 3339 (without offset: the artefact's zone), common log format, seconds since the epoch.
    #[default]
    Auto,
    Epoch,
    EpochMs,
    EpochUs,
    EpochNs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventText {
    class: String,
    #[serde(default)]
    when: BTreeMap<String, Condition>,
    #[serde(default)]
    set: BTreeMap<String, SourceText>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Condition {
    There(bool),
    Is(String),
    OneOf(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SourceText {
    Path(String),
    Table(Source),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    before: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, String>,
    #[serde(default)]
    default: Option<String>,
}

/// One `[[event]]`.
struct Rule {
    class: &'static classes::Class,
    when: Vec<(String, Condition)>,
    set: Vec<(String, Source)>,
}

/// A mapping, ready to read lines with.
pub struct Mapping {
    name: String,
    time: String,
    time_format: TimeFormat,
    product: Product,
    host: Option<String>,
    rules: Vec<Rule>,
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping")
            .field("name", &self.name)
            .field("events", &self.rules.len())
            .finish_non_exhaustive()
    }
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// If it is no TOML of this form, or names a class, attribute or product that there is not.
    pub fn from_toml(text: &str) -> Result<Self, MappingError> {
        let file: File = toml::from_str(text)?;
        let product = match file.product {
            None => Product::Other,
            Some(name) => Product::from_name(&name).ok_or(MappingError::Product(name))?,
        };
        let mut rules = Vec::new();
        for event in file.event {
            let class = classes::find(&event.class)
                .ok_or_else(|| MappingError::Class(event.class.clone()))?;
            let mut set = Vec::new();
            for (attribute, source) in event.set {
                if !class.has(&attribute) {
                    return Err(MappingError::Attribute {
                        class: event.class,
                        attribute,
                        known: class.attributes().join(", "),
                    });
                }
                let source = match source {
                    SourceText::Path(path) => Source {
                        from: Some(path),
                        ..Source::default()
                    },
                    SourceText::Table(source) => source,
                };
                if source.from.is_none() && source.value.is_none() {
                    return Err(MappingError::Source(attribute));
                }
                set.push((attribute, source));
            }
            rules.push(Rule {
                class,
                when: event.when.into_iter().collect(),
                set,
            });
        }
        if rules.is_empty() {
            return Err(MappingError::Empty);
        }
        Ok(Self {
            name: file.name,
            time: file.time,
            time_format: file.time_format,
            product,
            host: file.host,
            rules,
        })
    }

    /// What the user calls it.
    pub fn title(&self) -> &str {
        &self.name
    }

    /// The time of a line, if it has one.
    fn time(&self, line: &Value, clock: &Clock<'_>) -> Option<Timestamp> {
        let text = text_at(line, &self.time)?;
        let whole = |scale: i64| {
            // Numbers with a fraction or an exponent; whole ones are kept exact.
            match text.parse::<i64>() {
                Ok(number) if scale >= 0 => number.checked_mul(scale),
                Ok(number) => Some(number.div_euclid(-scale)),
                Err(_) => {
                    let number: f64 = text.parse().ok()?;
                    let micros = if scale >= 0 {
                        number * scale as f64
                    } else {
                        number / -scale as f64
                    };
                    (micros.abs() < 9e18).then_some(micros as i64)
                }
            }
            .map(Timestamp)
        };
        match self.time_format {
            TimeFormat::Auto => {
                let bytes = text.as_bytes();
                stamp::rfc3339(bytes, clock)
                    .or_else(|| stamp::clf(bytes, clock))
                    .map(|(time, _)| time)
                    .or_else(|| whole(1_000_000))
            }
            TimeFormat::Epoch => whole(1_000_000),
            TimeFormat::EpochMs => whole(1_000),
            TimeFormat::EpochUs => whole(1),
            TimeFormat::EpochNs => whole(-1_000),
        }
    }

    fn rule(&self, line: &Value) -> Option<&Rule> {
        self.rules.iter().find(|rule| {
            rule.when
                .iter()
                .all(|(path, condition)| condition.holds(text_at(line, path).as_deref()))
        })
    }
}

impl Condition {
    fn holds(&self, text: Option<&str>) -> bool {
        let is = |pattern: &String| match (pattern.strip_suffix('*'), text) {
            (Some(start), Some(text)) => text.starts_with(start),
            (None, Some(text)) => pattern == text,
            (_, None) => false,
        };
        match self {
            Self::There(there) => *there == text.is_some_and(|text| !text.is_empty()),
            Self::Is(pattern) => is(pattern),
            Self::OneOf(patterns) => patterns.iter().any(is),
        }
    }
}

impl Source {
    fn read(&self, line: &Value) -> String {
        if let Some(value) = &self.value {
            return value.clone();
        }
        let found = self
            .from
            .as_deref()
            .and_then(|path| text_at(line, path))
            .and_then(|text| self.piece(&text).map(str::to_owned));
        let translated = match found {
            Some(text) if self.map.is_empty() => Some(text),
            Some(text) => self.map.get(&text).cloned(),
            None => None,
        };
        translated
            .or_else(|| self.default.clone())
            .unwrap_or_default()
    }

    /// What stands after the first `after` and before the last `before`.
    fn piece<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut piece = text;
        if let Some(after) = &self.after {
            (_, piece) = piece.split_once(after.as_str())?;
        }
        if let Some(before) = &self.before {
            (piece, _) = piece.rsplit_once(before.as_str())?;
        }
        Some(piece)
    }
}

/// The text at a path: keys parted by points, where a key that has points itself is found first.
/// Elements of a list come one a line; an element is named by its number. `null` is nothing.
fn text_at(value: &Value, path: &str) -> Option<String> {
    let found = at(value, path)?;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Object(_) | Value::Array(_) => None,
    };
    match found {
        Value::Array(list) => Some(list.iter().filter_map(text).collect::<Vec<_>>().join("\n")),
        value => text(value),
    }
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(value);
    }
    match value {
        Value::Object(members) => {
            if let Some(found) = members.get(path) {
                return Some(found);
            }
            path.match_indices('.').find_map(|(point, _)| {
                let (key, rest) = (path.get(..point)?, path.get(point + 1..)?);
                at(members.get(key)?, rest)
            })
        }
        Value::Array(list) => {
            let (number, rest) = path.split_once('.').unwrap_or((path, ""));
            at(list.get(number.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}

impl LogFormat for Mapping {
    fn name(&self) -> &'static str {
        "mapped-json"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        // Above every built-in format: the user asked for it.
        crate::web::sniff_lines(head, |line, clock| {
            serde_json::from_str::<Value>(line).is_ok_and(|value| {
                self.time(&value, clock).is_some() && self.rule(&value).is_some()
            })
        })
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            let Ok(value) = serde_json::from_str::<Value>(line.text) else {
                return sink.unparsed(line.evidence, "no JSON");
            };
            let Some(time) = self.time(&value, &clock) else {
                return sink.unparsed(line.evidence, "no time where the mapping has it");
            };
            let Some(rule) = self.rule(&value) else {
                return sink.ignored(line.evidence, Some(time));
            };
            let values: classes::Values = rule
                .set
                .iter()
                .map(|(attribute, source)| (attribute.clone(), source.read(&value)))
                .collect();
            let host = self
                .host
                .as_deref()
                .and_then(|path| text_at(&value, path))
                .unwrap_or_default();
            sink.event(&Event {
                time,
                evidence: line.evidence,
                product: self.product,
                host: &host,
                pid: values.number("process_pid"),
                body: rule.class.body(&values),
            });
        });
    }
}
