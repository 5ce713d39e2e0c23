//! JSON read one level at a time, so that every value keeps its place in the document.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Members of a JSON object, in document order.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Each).map(Members)
    }
}

impl<'a> Members<'a> {
    /// The members of `raw`, if it is an object.
    pub(crate) fn of(raw: &'a str) -> Option<Self> {
        if !raw.trim_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(raw).ok()
    }

    /// A member's text.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.get())
    }

    /// A member that is a string.
    pub(crate) fn string(&self, key: &str) -> Option<String> {
        string(self.get(key)?)
    }

    /// A member that is `true`, or `"1"` or `1`, as older MISP servers write it.
    pub(crate) fn truth(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            "true" | "1" | "\"1\"" | "\"true\"" => Some(true),
            "false" | "0" | "\"0\"" | "\"false\"" => Some(false),
            _ => None,
        }
    }
}

/// A JSON string's content.
pub(crate) fn string(raw: &str) -> Option<String> {
    raw.starts_with('"')
        .then(|| serde_json::from_str(raw).ok())
        .flatten()
}

/// The elements of `raw`, if it is an array; none if it is not.
pub(crate) fn elements(raw: &str) -> Vec<&str> {
    if !raw.trim_start().starts_with('[') {
        return Vec::new();
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
    list.into_iter().map(RawValue::get).collect()
}

/// Where `part`, a piece of `whole`, begins in it.
pub(crate) fn offset(whole: &str, part: &str) -> u64 {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize) as u64
}
