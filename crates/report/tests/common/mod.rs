//! The two fixtures: a breached ministry with hostile strings everywhere, and a clean one.

use vauban_case::contract::Case;

/// `tests/fixtures/NAME.json`.
pub fn case(name: &str) -> Case {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("fixture");
    serde_json::from_str(&text).expect("a fixture is a case")
}
