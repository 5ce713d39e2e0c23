//! `docs/case.schema.json` is the JSON Schema of `case.json`, made from the types themselves.
//!
//! After a change to the contract, `UPDATE_SCHEMA=1 cargo test -p vauban-case --test contract`
//! writes it anew.

use vauban_case::contract::Case;

#[test]
fn the_schema_on_record_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/case.schema.json");
    let schema = serde_json::to_value(schemars::schema_for!(Case)).unwrap();
    let mut schema = serde_json::to_string_pretty(&sorted(schema)).unwrap();
    schema.push('\n');
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let recorded = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        recorded == schema,
        "docs/case.schema.json is out of date: UPDATE_SCHEMA=1 writes it"
    );
}

/// The same with keys in order, whether or not another crate of the build asks `serde_json` to keep
/// the order in which they were made.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let map: std::collections::BTreeMap<_, _> =
                map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            map.into_iter().collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(list) => list.into_iter().map(sorted).collect(),
        other => other,
    }
}
