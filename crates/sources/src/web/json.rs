//! JSON access lines of which no declaration is at hand, by the key names that nginx's own
//! variables, common recipes, Caddy, Traefik and Apache templates use.
//!
//! Every line is an object; nested objects are read as `outer.inner`. A key that is not in the
//! table is passed over, so a declaration (see [`super::layouts`]) always tells more.

use super::layouts::Named;
use super::record::Record;
use crate::stamp::Clock;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use vauban_ocsf::{HttpTime, Product, Timestamp};

/// Deepest nesting that is looked into.
const DEPTH: u8 = 3;

/// Reads a line and gives the record to `take`, with the server that writes such keys.
/// `false` if it is not an object with a time and at least a request, a path or a status.
pub(super) fn read(
    line: &str,
    clock: &Clock<'_>,
    take: &mut dyn FnMut(Record<'_>, Product),
) -> bool {
    let mut pairs = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let collect = Collect {
        prefix: "",
        depth: 0,
        pairs: &mut pairs,
    };
    if deserializer.deserialize_map(collect).is_err() || deserializer.end().is_err() {
        return false;
    }
    let mut record = Record::default();
    record.http.time_is = HttpTime::End;
    for (key, value) in &pairs {
        match key.as_str() {
            // Epoch seconds, possibly fractional, or any full stamp.
            "time" | "timestamp" | "@timestamp" | "ts" | "date" | "time_local" | "time_iso8601"
            | "msec" | "StartUTC" | "datetime" | "iso8601" => {
                record.time = record.time.or_else(|| any_time(value, clock));
                if key == "StartUTC" {
                    record.http.time_is = HttpTime::Start;
                }
            }
            // Traefik counts nanoseconds, Caddy seconds.
            "Duration" => {
                record.http.duration_us = value.parse::<u64>().ok().map(|nanos| nanos / 1_000);
            }
            key => Named(key).fill(value, &mut record, clock),
        }
    }
    record.finish(clock);
    let said = !record.http.path.is_empty() || record.http.status.is_some();
    if record.time.is_none() || !said {
        return false;
    }
    let has =
        |known: &dyn Fn(&str, &str) -> bool| pairs.iter().any(|(key, value)| known(key, value));
    let product = if has(&|key, _| {
        matches!(
            key,
            "remote_addr" | "time_iso8601" | "time_local" | "body_bytes_sent" | "request_uri"
        )
    }) {
        Product::Nginx
    } else if has(&|key, value| key == "logger" && value.starts_with("http.log.access")) {
        Product::Caddy
    } else {
        Product::Other
    };
    // nginx's `$uri` is decoded and may hold a question mark of the file's; elsewhere it parts.
    if product != Product::Nginx
        && record.http.query.is_empty()
        && let Some((path, query)) = record.http.path.split_once('?')
    {
        (record.http.path, record.http.query) = (path, query);
    }
    take(record, product);
    true
}

fn any_time(text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
    use crate::stamp::{clf, epoch, rfc3339};
    let text = text.trim_matches(['[', ']']);
    let bytes = text.as_bytes();
    let (time, end) = rfc3339(bytes, clock)
        .or_else(|| clf(bytes, clock))
        .or_else(|| epoch(bytes))?;
    (end == text.len()).then_some(time)
}

/// Gathers `(key, value)` of scalars.
struct Collect<'c, 'de> {
    prefix: &'c str,
    depth: u8,
    pairs: &'c mut Vec<(String, Cow<'de, str>)>,
}

impl<'de> Visitor<'de> for Collect<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let key = if self.prefix.is_empty() {
                key.into_owned()
            } else {
                format!("{}.{key}", self.prefix)
            };
            map.next_value_seed(Scalar {
                key,
                depth: self.depth,
                pairs: self.pairs,
            })?;
        }
        Ok(())
    }
}

struct Scalar<'c, 'de> {
    key: String,
    depth: u8,
    pairs: &'c mut Vec<(String, Cow<'de, str>)>,
}

impl<'de> de::DeserializeSeed<'de> for Scalar<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.pairs.push((self.key, Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.pairs.push((self.key, Cow::Owned(text.to_owned())));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.pairs.push((self.key, Cow::Owned(number.to_string())));
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.pairs.push((self.key, Cow::Owned(number.to_string())));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.pairs.push((self.key, Cow::Owned(number.to_string())));
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        // Caddy writes every header as an array; the first value is the one.
        let first = seq.next_element_seed(Scalar {
            key: self.key,
            depth: self.depth,
            pairs: self.pairs,
        });
        first?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.depth >= DEPTH {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        Collect {
            prefix: &self.key,
            depth: self.depth + 1,
            pairs: self.pairs,
        }
        .visit_map(map)
    }
}
