//! What a log's events are called in rules: `cargo run -p vauban-rulebook --example describe FILE…`
//!
//! One JSON object a line: logsource and fields as `vauban_detect::describe` gives them, short names
//! only (`--all` for every name).

use std::io::Write;
use vauban_detect::Value;
use vauban_evidence::TimeBase;
use vauban_ocsf::{Event, EventSink, Evidence};
use vauban_sources::{Context, Mode, recognise};

struct Print {
    all: bool,
}

impl EventSink for Print {
    fn event(&mut self, event: &Event<'_>) {
        let mut fields = serde_json::Map::new();
        let mut scratch = String::new();
        let source = vauban_detect::describe(event, &mut |name, value: Value<'_>| {
            if self.all || !name.contains(['.', '-']) || name.starts_with("c") {
                let text = value.text(&mut scratch).unwrap_or("null").to_string();
                fields.insert(name.to_string(), text.into());
            }
        });
        let source = format!("{}/{}/{}", source.category, source.product, source.service);
        let _ = writeln!(
            std::io::stdout().lock(),
            "{source} {}",
            serde_json::Value::Object(fields)
        );
    }
    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        eprintln!("unparsed at {}: {why}", evidence.offset);
    }
}

fn main() -> std::io::Result<()> {
    let mut sink = Print { all: false };
    for path in std::env::args().skip(1) {
        if path == "--all" {
            sink.all = true;
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let Some(format) = recognise(&path, &bytes[..bytes.len().min(64 << 10)]) else {
            eprintln!("{path}: no format");
            continue;
        };
        let context = Context {
            artefact: Default::default(),
            time: TimeBase::utc((2026, 12, 31)),
            access_layouts: Vec::new(),
        };
        match format.mode() {
            Mode::Lines => format.parse(&context, &bytes, 0, &mut sink),
            Mode::Stream => format.parse_stream(&context, &mut &bytes[..], &mut sink)?,
        }
    }
    Ok(())
}
