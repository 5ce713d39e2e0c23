//! Correlations: the same as `rsigma-eval` over random streams, and what the specification's own
//! examples say.

mod common;

use common::generate::Random;
use rsigma_eval::event::JsonEvent;
use rsigma_eval::{CorrelationConfig, CorrelationEngine, EvaluationResult};
use serde_json::{Value, json};
use std::sync::Arc;
use vauban_detect::{
    CorrelationMatch, Correlator, CorrelatorOptions, Engine, Options, Refire, RuleSet, Scanner,
};

/// Three rules over events `{"kind": "a"|"b"|"c", …}`.
fn base() -> String {
    ["a", "b", "c"]
        .map(|k| {
            format!(
                "title: kind {k}\nid: rule-{k}\nname: name_{k}\nlogsource: {{product: x}}\n\
                 detection: {{s: {{kind: {k}}}, condition: s}}\n---\n"
            )
        })
        .concat()
}

fn correlation(id: &str, body: &str) -> String {
    format!("title: {id}\nid: {id}\ncorrelation:\n{body}\n---\n")
}

fn engine(yaml: &str) -> Arc<Engine> {
    let (set, problems) = RuleSet::load([("test.yml", yaml)]);
    assert_eq!(problems, []);
    let (engine, problems) = Engine::compile(&set, Options::default());
    assert_eq!(problems, []);
    Arc::new(engine)
}

struct Stream {
    scanner: Scanner,
    correlator: Correlator,
    count: u64,
}

impl Stream {
    fn new(engine: &Arc<Engine>, refire: Refire) -> Self {
        Self {
            scanner: Scanner::new(Arc::clone(engine)),
            correlator: Correlator::new(
                Arc::clone(engine),
                CorrelatorOptions {
                    refire,
                    ..CorrelatorOptions::default()
                },
            ),
            count: 0,
        }
    }

    fn feed(&mut self, event: &Value) -> Vec<CorrelationMatch> {
        let matches = self
            .scanner
            .scan_json(&event.to_string())
            .expect("JSON")
            .to_vec();
        let time = self.scanner.time().expect("a time");
        let mut out = Vec::new();
        for m in matches {
            if let Some(seen) = self.scanner.observe(m, self.count, time) {
                self.correlator.feed(&seen, &mut out);
            }
        }
        self.count += 1;
        out
    }

    fn ids(&mut self, event: &Value) -> Vec<String> {
        let found = self.feed(event);
        let engine = Arc::clone(self.scanner.engine());
        found
            .iter()
            .map(|c| {
                let info = engine.correlation(c.correlation).expect("a correlation");
                info.identity().to_owned()
            })
            .collect()
    }
}

/// Identifier, group, value.
type Fired = (String, Vec<(String, String)>, String);

#[test]
fn same_as_the_other_engine_on_random_streams() {
    let mut yaml = base();
    let rules = |list: &str| format!("  rules: [{list}]\n  group-by: [user]\n  timespan: 20s\n");
    for (id, kind, list, condition) in [
        ("count", "event_count", "rule-a", "{gte: 3}"),
        ("count2", "event_count", "rule-a, rule-b", "{gt: 2, lt: 6}"),
        ("few", "event_count", "rule-c", "{eq: 2}"),
        ("not", "event_count", "rule-c", "{neq: 2}"),
        ("values", "value_count", "rule-a", "{field: host, gte: 2}"),
        (
            "pairs",
            "value_count",
            "rule-b",
            "{field: [host, port], gte: 3}",
        ),
        ("sum", "value_sum", "rule-b", "{field: bytes, gte: 300}"),
        ("avg", "value_avg", "rule-b", "{field: bytes, lt: 60}"),
        ("median", "value_median", "rule-c", "{field: bytes, gt: 80}"),
        ("near", "temporal", "rule-a, rule-b, rule-c", "{gte: 3}"),
        ("two", "temporal", "rule-a, rule-b, rule-c", "{gte: 2}"),
        (
            "words",
            "temporal",
            "rule-a, rule-b, rule-c",
            "rule-a and (rule-b or not rule-c)",
        ),
        (
            "order",
            "temporal_ordered",
            "rule-a, rule-b, rule-c",
            "{gte: 3}",
        ),
    ] {
        yaml.push_str(&correlation(
            id,
            &format!("  type: {kind}\n{}  condition: {condition}", rules(list)),
        ));
    }
    for (id, more) in [
        ("tumble", "  window: tumbling"),
        ("session", "  window: session\n  gap: 4s"),
    ] {
        yaml.push_str(&correlation(
            id,
            &format!(
                "  type: event_count\n{}  condition: {{gte: 3}}\n{more}",
                rules("rule-a")
            ),
        ));
    }
    yaml.push_str(&correlation(
        "alias",
        "  type: temporal\n  rules: [rule-a, rule-b]\n  group-by: [peer]\n  timespan: 10s\n  \
         condition: {gte: 2}\n  aliases:\n    peer: {rule-a: host, rule-b: to}",
    ));
    let engine = engine(yaml.trim_end_matches("---\n"));
    let collection = rsigma_parser::parse_sigma_yaml(yaml.trim_end_matches("---\n")).expect("YAML");
    let mut fired = 0;
    for seed in 1..40_u64 {
        let mut other = CorrelationEngine::new(CorrelationConfig::default());
        other.add_collection(&collection).expect("valid rules");
        let mut ours = Stream::new(&engine, Refire::Always);
        let mut random = Random(0x1234_5678_9abc_def1_u64.wrapping_mul(seed));
        let mut time = 1_700_000_000;
        for step in 0..250 {
            time += random.below(6) as i64;
            let mut event = json!({
                "timestamp": time,
                "kind": random.word(&["a", "b", "c", "none"]),
                "host": random.word(&["h1", "h2", "h3"]),
                "to": random.word(&["h1", "h2", "h3"]),
                "port": random.below(3),
                "bytes": random.below(200),
            });
            if random.percent(90) {
                event["user"] = json!(random.word(&["u1", "u2"]));
            }
            let results = other.process_event_at(&JsonEvent::borrow(&event), time);
            let mut expected: Vec<Fired> = results.iter().filter_map(theirs).collect();
            let mut found: Vec<Fired> = ours
                .feed(&event)
                .into_iter()
                .map(|c| {
                    let info = engine.correlation(c.correlation).expect("a correlation");
                    let group = c
                        .group
                        .into_iter()
                        .filter_map(|(n, v)| Some((n, v?)))
                        .collect();
                    (info.identity().to_owned(), group, format!("{:.6}", c.value))
                })
                .collect();
            expected.sort();
            found.sort();
            fired += found.len();
            assert_eq!(found, expected, "seed {seed}, step {step}, {event}");
        }
    }
    println!("{fired} correlations");
    assert!(fired > 1000);
}

fn theirs(result: &EvaluationResult) -> Option<Fired> {
    let body = result.as_correlation()?;
    Some((
        result.header.rule_id.clone()?,
        body.group_key.clone(),
        format!("{:.6}", body.aggregated_value),
    ))
}

fn at(seconds: i64, kind: &str, user: &str) -> Value {
    json!({"timestamp": 1_700_000_000 + seconds, "kind": kind, "user": user})
}

#[test]
fn without_a_condition_all_rules_must_have_been_seen() {
    let mut yaml = base();
    yaml.push_str(&correlation(
        "all",
        "  type: temporal\n  rules: [name_a, name_b]\n  group-by: [user]\n  timespan: 1m",
    ));
    yaml.push_str(&correlation(
        "ordered",
        "  type: temporal_ordered\n  rules: [name_a, name_b]\n  group-by: [user]\n  timespan: 1m",
    ));
    let engine = engine(yaml.trim_end_matches("---\n"));
    let mut s = Stream::new(&engine, Refire::Always);
    assert_eq!(s.ids(&at(0, "b", "u")), [] as [&str; 0]);
    assert_eq!(s.ids(&at(1, "a", "v")), [] as [&str; 0]);
    assert_eq!(s.ids(&at(2, "a", "u")), ["all"]);
    assert_eq!(s.ids(&at(3, "b", "u")), ["all", "ordered"]);
    assert_eq!(s.ids(&at(64, "b", "u")), [] as [&str; 0]);
}

#[test]
fn chains_as_in_the_specification() {
    let yaml = r#"
title: Many failures, then success
id: outer
correlation:
    type: temporal_ordered
    rules: [many, success]
    group-by: [User]
    timespan: 10m
---
title: Many failures
id: inner
name: many
correlation:
    type: event_count
    rules: [failure]
    group-by: [ComputerName]
    timespan: 10m
    condition: {gte: 3}
---
title: Failure
id: f
name: failure
logsource: {product: windows}
detection: {s: {EventID: [529, 4625]}, condition: s}
---
title: Success
id: s
name: success
logsource: {product: windows}
detection: {s: {EventID: [528, 4624]}, condition: s}
"#;
    let engine = engine(yaml);
    let mut s = Stream::new(&engine, Refire::Always);
    let event = |t: i64, id: i64, user: &str| json!({"timestamp": t, "EventID": id, "User": user, "ComputerName": "pc"});
    let mut told = Vec::new();
    for (t, id, user) in [
        (1, 4624, "x"),
        (2, 4625, "x"),
        (3, 4625, "y"),
        (4, 529, "x"),
        (5, 4624, "y"),
        (6, 4624, "x"),
    ] {
        for c in s.feed(&event(t, id, user)) {
            let info = engine.correlation(c.correlation).expect("a correlation");
            told.push((t, info.identity().to_owned(), c.reported, c.group, c.events));
        }
    }
    let group = |n: &str, v: &str| vec![(n.to_owned(), Some(v.to_owned()))];
    assert_eq!(
        told,
        [
            (
                4,
                "inner".to_owned(),
                false,
                group("ComputerName", "pc"),
                vec![1, 2, 3]
            ),
            (
                6,
                "outer".to_owned(),
                true,
                group("User", "x"),
                vec![0, 3, 5]
            ),
        ]
    );
    // Neither the failure nor the success is reported by itself.
    let matches = s
        .scanner
        .scan_json(&event(9, 4624, "z").to_string())
        .expect("JSON");
    assert!(matches.len() == 1 && !matches[0].reported);
}

#[test]
fn generate_reports_the_rules_too() {
    let yaml = base()
        + "title: c\nid: c\ngenerate: true\ncorrelation: {type: event_count, rules: [rule-a], \
           group-by: [user], timespan: 1m, condition: {gte: 2}}\n";
    let engine = engine(&yaml);
    let mut s = Stream::new(&engine, Refire::Always);
    let matches = s
        .scanner
        .scan_json(&at(0, "a", "u").to_string())
        .expect("JSON");
    assert!(matches[0].reported);
}

#[test]
fn once_is_once_for_each_time_span() {
    let mut yaml = base();
    yaml.push_str(&correlation(
        "c",
        "  type: event_count\n  rules: [rule-a]\n  group-by: [user]\n  timespan: 10s\n  condition: {gte: 2}",
    ));
    let engine = engine(yaml.trim_end_matches("---\n"));
    let mut s = Stream::new(&engine, Refire::Once);
    let fired: Vec<i64> = [0, 1, 2, 5, 9, 11, 12, 40, 41]
        .into_iter()
        .filter(|t| !s.ids(&at(*t, "a", "u")).is_empty())
        .collect();
    assert_eq!(fired, [1, 11, 41]);
}

#[test]
fn late_events_count_where_they_belong() {
    let mut yaml = base();
    yaml.push_str(&correlation(
        "c",
        "  type: temporal_ordered\n  rules: [rule-a, rule-b]\n  group-by: [user]\n  timespan: 10s",
    ));
    let engine = engine(yaml.trim_end_matches("---\n"));
    let mut s = Stream::new(&engine, Refire::Always);
    assert!(s.ids(&at(20, "b", "u")).is_empty());
    assert_eq!(s.ids(&at(15, "a", "u")), ["c"]);
    assert!(s.ids(&at(5, "a", "u")).is_empty());
    assert_eq!(s.correlator.late(), 1);
}

#[test]
fn state_survives_a_restart() {
    let mut yaml = base();
    for (id, kind, condition) in [
        ("c", "event_count", "{gte: 3}"),
        ("v", "value_count", "{field: host, gte: 2}"),
        ("m", "value_median", "{field: bytes, gt: 100}"),
    ] {
        yaml.push_str(&correlation(
            id,
            &format!(
                "  type: {kind}\n  rules: [rule-a]\n  group-by: [user]\n  timespan: 30s\n  condition: {condition}"
            ),
        ));
    }
    let engine = engine(yaml.trim_end_matches("---\n"));
    let mut whole = Stream::new(&engine, Refire::Once);
    let mut cut = Stream::new(&engine, Refire::Once);
    let mut random = Random(77);
    for t in 0..300 {
        let mut event = at(t * 3, random.word(&["a", "b"]), random.word(&["u", "v"]));
        event["host"] = json!(random.word(&["h1", "h2"]));
        event["bytes"] = json!(random.below(200));
        assert_eq!(whole.feed(&event), cut.feed(&event));
        if random.percent(20) {
            let saved = serde_json::to_string(&cut.correlator.snapshot()).expect("serialisable");
            let count = cut.count;
            cut = Stream::new(&engine, Refire::Once);
            cut.count = count;
            let snapshot = serde_json::from_str(&saved).expect("what was saved");
            assert!(cut.correlator.restore(snapshot).is_empty());
        }
    }
}

#[test]
fn memory_is_bounded() {
    let mut yaml = base();
    yaml.push_str(&correlation(
        "c",
        "  type: event_count\n  rules: [rule-a]\n  group-by: [user]\n  timespan: 1h\n  condition: {gte: 5}",
    ));
    let engine = engine(yaml.trim_end_matches("---\n"));
    let mut s = Stream::new(&engine, Refire::Always);
    s.correlator = Correlator::new(
        Arc::clone(&engine),
        CorrelatorOptions {
            most_groups: 100,
            most_matches: 10,
            ..CorrelatorOptions::default()
        },
    );
    for i in 0..1000 {
        s.feed(&at(i, "a", &format!("user{i}")));
        assert!(s.correlator.groups() <= 100);
    }
    assert!(s.correlator.forgotten() > 800);
}

#[test]
fn circles_and_missing_rules_are_problems() {
    let yaml = base()
        + &correlation(
            "x",
            "  type: event_count\n  rules: [y]\n  group-by: [u]\n  timespan: 1m\n  condition: {gte: 1}",
        )
        + &correlation(
            "y",
            "  type: event_count\n  rules: [x]\n  group-by: [u]\n  timespan: 1m\n  condition: {gte: 1}",
        )
        + "title: z\nid: z\ncorrelation: {type: event_count, rules: [nobody], group-by: [u], timespan: 1m, condition: {gte: 1}}\n";
    let (set, problems) = RuleSet::load([("f.yml", yaml)]);
    assert_eq!(problems, []);
    let (engine, problems) = Engine::compile(&set, Options::default());
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "f.yml: z: refers to rule nobody, which was not loaded",
            "f.yml: x: refers to itself in a circle",
            "f.yml: y: refers to itself in a circle",
        ]
    );
    assert_eq!(engine.correlation_count(), 0);
}
