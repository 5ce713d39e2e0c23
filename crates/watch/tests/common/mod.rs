//! A detector simple enough to say by hand what it has to find, and a watch around it.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vauban_ocsf::{Analytic, EventSink, Finding, Level, Place, Timestamp};
use vauban_watch::{Block, Config, Detector, Engine, Metrics, SourceMeta, Summary, Until};

/// Lines are `<log> <number> <user> <ok|bad>`. Every line whose number ends in 7 is a finding, and
/// so are every three `bad` of one user, with the three lines.
#[derive(Default)]
pub struct Counting {
    bad: BTreeMap<String, Vec<Place>>,
    delay: std::time::Duration,
}

impl Counting {
    /// One to whom every block takes some time.
    pub fn slow(delay: std::time::Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }
}

type Flat = Vec<(String, Vec<(String, u64, u64, String)>)>;

/// Failures that make a finding.
pub const BAD: usize = 3;

fn finding(rule: &str, user: &str, places: Vec<Place>) -> Finding {
    Finding {
        rule: rule.into(),
        analytic: Analytic::Rule,
        title: format!("{rule} of {user}"),
        level: Level::Medium,
        reason: String::new(),
        next: String::new(),
        techniques: Vec::new(),
        references: Vec::new(),
        first: Some(Timestamp(0)),
        last: Some(Timestamp(0)),
        places,
        observables: Vec::new(),
    }
}

impl Detector for Counting {
    fn block(
        &mut self,
        source: &SourceMeta<'_>,
        block: Block<'_>,
        out: &mut Vec<Finding>,
        _: Option<&mut dyn EventSink>,
    ) {
        std::thread::sleep(self.delay);
        let mut offset = block.offset;
        for line in block.bytes.split_inclusive(|b| *b == b'\n') {
            let text = String::from_utf8_lossy(line);
            let text = text.trim_end();
            let place = Place {
                artefact: source.artefact.into(),
                offset,
                length: text.len() as u64,
                line: None,
                excerpt: text.to_string(),
            };
            offset += line.len() as u64;
            // A syslog header may stand before it.
            let words: Vec<&str> = text.split(' ').collect();
            let [.., _, number, user, verdict] = words.as_slice() else {
                continue;
            };
            if number.ends_with('7') {
                out.push(finding("seven", user, vec![place.clone()]));
            }
            if *verdict == "bad" {
                let places = self.bad.entry((*user).to_string()).or_default();
                places.push(place);
                if places.len() == BAD {
                    out.push(finding("three", user, std::mem::take(places)));
                }
            }
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        let flat: Flat = self
            .bad
            .iter()
            .map(|(user, places)| {
                let places = places.iter().cloned();
                let flat = places.map(|p| (p.artefact, p.offset, p.length, p.excerpt));
                (user.clone(), flat.collect())
            })
            .collect();
        serde_json::to_vec(&flat).expect("serialise")
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let flat: Flat = serde_json::from_slice(state).map_err(|e| e.to_string())?;
        let place = |(artefact, offset, length, excerpt)| Place {
            artefact,
            offset,
            length,
            line: None,
            excerpt,
        };
        self.bad = flat
            .into_iter()
            .map(|(user, places)| (user, places.into_iter().map(place).collect()))
            .collect();
        Ok(())
    }
}

/// Watches as `config` says, until `stop` or until everything is read.
pub fn watch(config: &str, until: Until, stop: &AtomicBool) -> Summary {
    watch_with(config, Counting::default(), until, stop, &Arc::default())
}

/// The same with a detector and metrics of one's own.
pub fn watch_with(
    config: &str,
    detector: Counting,
    until: Until,
    stop: &AtomicBool,
    metrics: &Arc<Metrics>,
) -> Summary {
    let config = Config::parse(config).expect("configuration");
    let sinks = vauban_watch::sinks(&config, metrics).expect("sinks");
    let tell: vauban_watch::Tell = Arc::new(|text| eprintln!("told: {text}"));
    let engine =
        Engine::new(config, Box::new(detector), Arc::clone(metrics), tell).expect("engine");
    engine.run(sinks, until, stop).expect("run")
}

/// The findings of a file: rule and numbers of the lines, as text; sorted.
pub fn findings(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut found: Vec<String> = text
        .lines()
        .map(|line| {
            let v: serde_json::Value = serde_json::from_str(line).expect("one finding a line");
            let rule = v["finding_info"]["analytic"]["uid"].as_str().expect("rule");
            let lines: Vec<&str> = v["evidences"]
                .as_array()
                .expect("evidence")
                .iter()
                .map(|e| e["data"]["excerpt"].as_str().expect("excerpt"))
                .collect();
            format!("{rule}: {}", lines.join(" | "))
        })
        .collect();
    found.sort();
    found
}

/// What [`Counting`] has to find in lines, by another way: from all lines of a user at once.
pub fn expected(lines: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut bad: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let n = words.len();
        if words[n - 3].ends_with('7') {
            found.push(format!("seven: {line}"));
        }
        if words[n - 1] == "bad" {
            bad.entry(words[n - 2]).or_default().push(line);
        }
    }
    for lines in bad.values() {
        for three in lines.chunks_exact(BAD) {
            found.push(format!("three: {}", three.join(" | ")));
        }
    }
    found.sort();
    found
}

/// A generator of random numbers that a printed seed repeats (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// Seed from the environment, or from the clock.
pub fn seed() -> u64 {
    let given = std::env::var("VAUBAN_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = given.unwrap_or_else(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |d| d.as_nanos() as u64)
    });
    println!("VAUBAN_SEED={seed}");
    seed
}

/// A path as a TOML string.
pub fn quoted(path: PathBuf) -> String {
    format!("'{}'", path.display())
}
