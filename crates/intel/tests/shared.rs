//! Other people's reports: what vendors published, against what their own structured files say.
//!
//! The data is not part of the project. `VAUBAN_SHARED` names its folder; without it the tests say
//! so and check small examples of the same shapes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use vauban_intel::{IndicatorKind, IndicatorKind::*, WarningLists, parse};

fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).to_path_buf()
        });
    let path = root.join("data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!(
        "{} is absent: only the built-in example is checked",
        path.display()
    );
    None
}

fn files(root: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if ends.iter().any(|e| path.to_string_lossy().ends_with(e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

type Values = BTreeSet<(IndicatorKind, String)>;

/// Hits, misses and surplus by kind.
#[derive(Default)]
struct Score(BTreeMap<IndicatorKind, [usize; 3]>);

impl Score {
    fn add(&mut self, expected: &Values, got: &Values) {
        for (kind, _) in expected.intersection(got) {
            self.0.entry(*kind).or_default()[0] += 1;
        }
        for (kind, _) in expected.difference(got) {
            self.0.entry(*kind).or_default()[1] += 1;
        }
        for (kind, _) in got.difference(expected) {
            self.0.entry(*kind).or_default()[2] += 1;
        }
    }

    fn print(&self, title: &str) {
        println!("{title}: kind, found, missed, surplus, recall, precision");
        for (kind, [hit, miss, surplus]) in &self.0 {
            let share = |rest: usize| *hit as f64 / (hit + rest).max(1) as f64;
            println!(
                "  {kind:?}: {hit} {miss} {surplus} {:.4} {:.4}",
                share(*miss),
                share(*surplus)
            );
        }
    }

    fn at_least(&self, kind: IndicatorKind, recall: f64, precision: f64) {
        let [hit, miss, surplus] = self.0.get(&kind).copied().unwrap_or_default();
        assert!(
            hit as f64 >= recall * (hit + miss) as f64,
            "{kind:?}: recall {hit}/{}",
            hit + miss
        );
        assert!(
            hit as f64 >= precision * (hit + surplus) as f64,
            "{kind:?}: precision {hit}/{}",
            hit + surplus
        );
    }
}

fn kept(name: &str, text: &str, lists: &WarningLists) -> Values {
    parse(name, text.as_bytes(), lists)
        .indicators
        .into_iter()
        .filter(|i| i.kept && !i.why.starts_with("host of a URL"))
        .map(|i| (i.kind, i.value))
        .collect()
}

/// Rows of `value,type,notes` files: the value as plain text must give the kind that the type
/// column names. Warning lists are off: the vendor lists what he lists.
fn typed_rows(text: &str) -> Vec<(String, String)> {
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    rows.records()
        .flatten()
        .filter_map(|r| Some((r.get(0)?.trim().to_owned(), r.get(1)?.trim().to_lowercase())))
        .collect()
}

fn expected_kind(kind: &str) -> Option<IndicatorKind> {
    Some(match kind {
        "hostname" => Domain,
        "ipaddress" => Ipv4,
        "md5" => Md5,
        "sha1" => Sha1,
        "sha256" => Sha256,
        "emailwhois" | "emailsender" | "email-sender" => EmailAddress,
        _ => return None,
    })
}

#[test]
fn values_of_csv_files_as_plain_text() {
    let lists = WarningLists::empty();
    let mut score = Score::default();
    let mut texts = vec!["evil.fr,hostname,\n45.61.136.242,ipaddress,\n".to_owned()];
    if let Some(root) = shared("intel-ioc-reports/volexity") {
        texts.extend(
            files(&root, &[".csv"])
                .iter()
                .filter_map(|f| std::fs::read_to_string(f).ok()),
        );
    }
    let mut differences = Vec::new();
    for text in &texts {
        let rows = typed_rows(text);
        let expected: Values = rows
            .iter()
            .filter_map(|(v, t)| Some((expected_kind(t)?, v.trim_matches('.').to_lowercase())))
            .collect();
        let list: String = rows
            .iter()
            .filter(|(_, t)| expected_kind(t).is_some())
            .map(|(v, _)| format!("{v}\n"))
            .collect();
        if expected.is_empty() {
            continue;
        }
        let got = kept("list.txt", &list, &lists);
        differences.extend(expected.symmetric_difference(&got).cloned());
        score.add(&expected, &got);
    }
    score.print("values of CSV files");
    println!("differences: {differences:?}");
    for kind in [Domain, Ipv4, Md5, Sha1, Sha256] {
        score.at_least(kind, 0.99, 0.99);
    }
}

#[test]
fn csv_files_as_they_are() {
    let lists = WarningLists::built_in();
    let Some(root) = shared("intel-ioc-reports") else {
        return example_table(&lists);
    };
    let (mut rows, mut without) = (0, 0);
    for file in files(&root, &[".csv"]) {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        let a = parse(&file.to_string_lossy(), &bytes, &lists);
        assert_eq!(a.format, "csv", "{}", file.display());
        let text = String::from_utf8_lossy(&bytes);
        rows += text.lines().filter(|l| !l.trim().is_empty()).count();
        without += a.problems.iter().filter(|p| p.starts_with("row")).count();
        assert!(!a.indicators.is_empty(), "{}", file.display());
    }
    println!("{rows} rows, {without} without a value of a kind known here");
    assert!(without * 50 < rows);
    example_table(&lists);
}

fn example_table(lists: &WarningLists) {
    let got = kept(
        "x.csv",
        "value,entity_type,description\nevil[.]fr,hostname,C2\n",
        lists,
    );
    assert_eq!(got, Values::from([(Domain, "evil.fr".to_owned())]));
}

/// Hashes that a campaign's `samples.*` files list must be found in its report, and the network
/// indicators of its MISP event too, if the report has them at all.
#[test]
fn asciidoc_reports_against_their_own_structured_files() {
    let lists = WarningLists::built_in();
    let Some(root) = shared("intel-eset-ioc") else {
        let got = kept(
            "a.adoc",
            "= Report\n\n== Samples\n\n|===\n|`2ef7bde608ce5404e97d5f042f95f89f1c232871`|x\n|===\n",
            &lists,
        );
        assert_eq!(got.len(), 1);
        return;
    };
    let mut score = Score::default();
    let mut misses = Vec::new();
    for report in files(&root, &["README.adoc"]) {
        let Ok(text) = std::fs::read_to_string(&report) else {
            continue;
        };
        let Some(folder) = report.parent() else {
            continue;
        };
        let a = parse("README.adoc", text.as_bytes(), &lists);
        let got: Values = a
            .indicators
            .iter()
            .filter(|i| i.kept)
            .map(|i| (i.kind, i.value.clone()))
            .collect();
        let plain = text
            .to_lowercase()
            .replace("[.]", ".")
            .replace("hxxp", "http");
        let mut expected = Values::new();
        for (name, kind) in [
            ("samples.sha1", Sha1),
            ("samples.sha256", Sha256),
            ("samples.md5", Md5),
        ] {
            let list = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            expected.extend(list.split_whitespace().map(|h| (kind, h.to_lowercase())));
        }
        for event in files(folder, &[".json"])
            .iter()
            .filter(|f| f.parent() == Some(folder))
        {
            let Ok(bytes) = std::fs::read(event) else {
                continue;
            };
            // Of the event, what its author calls by type; kept or not does not matter here.
            let event = parse("event.json", &bytes, &WarningLists::empty());
            if event.format == "misp" {
                expected.extend(
                    event
                        .indicators
                        .into_iter()
                        .filter(|i| matches!(i.kind, Ipv4 | Domain) && i.kept)
                        .filter(|i| !i.why.starts_with("host of"))
                        .map(|i| (i.kind, i.value)),
                );
            }
        }
        // Only what stands in the report, as a word of its own, can be found in it.
        let word = |v: &str| {
            plain.match_indices(v).any(|(at, _)| {
                let edge = |c: Option<char>| {
                    c.is_none_or(|c| !c.is_alphanumeric() && c != '.' && c != '-')
                };
                edge(plain[..at].chars().next_back()) && edge(plain[at + v.len()..].chars().next())
            })
        };
        expected.retain(|(_, v)| word(v));
        for miss in expected.difference(&got) {
            let why = a
                .indicators
                .iter()
                .find(|i| i.kind == miss.0 && i.value == miss.1);
            misses.push(format!(
                "{}: {miss:?}: {:?}",
                folder.display(),
                why.map(|i| &i.why)
            ));
        }
        let found: Values = got.intersection(&expected).cloned().collect();
        score.add(&expected, &found);
    }
    score
        .print("recall of reports against their structured files (precision is not measured here)");
    for m in &misses {
        println!("  missed {m}");
    }
    for (kind, recall) in [
        (Sha1, 0.97),
        (Sha256, 0.97),
        (Md5, 0.97),
        (Ipv4, 0.95),
        (Domain, 0.95),
    ] {
        score.at_least(kind, recall, 0.0);
    }
}

#[test]
fn stix_documents() {
    let lists = WarningLists::built_in();
    let Some(root) = shared("intel-stix-taxii") else {
        assert!(parse("x.json", b"{\"type\":\"bundle\"", &lists).problems[0].contains("damaged"));
        return;
    };
    let mut formats: BTreeMap<String, usize> = BTreeMap::new();
    for file in files(&root, &[".json"]) {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        let a = parse(&file.to_string_lossy(), &bytes, &lists);
        let name = file.to_string_lossy().into_owned();
        *formats.entry(a.format.clone()).or_default() += 1;
        // Documents that are broken on purpose are said to be, if they begin like JSON at all.
        let json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
        let broken = json && serde_json::from_slice::<serde_json::Value>(&bytes).is_err();
        assert_eq!(
            broken,
            a.problems.iter().any(|p| p.contains("damaged")),
            "{name}: {:?}",
            a.problems
        );
        if name.ends_with("poisonivy.json") {
            assert!(
                a.indicators.iter().filter(|i| i.kept).count() > 40,
                "{name}"
            );
        }
    }
    println!("{formats:?}");
    assert!(formats.get("stix-2.1").copied().unwrap_or(0) > 10);
    assert!(formats.get("misp").copied().unwrap_or(0) > 3);
    for spec in files(&root, &["spec_examples.txt"]) {
        let text = std::fs::read_to_string(spec).unwrap_or_default();
        for pattern in text.lines().filter(|l| !l.trim().is_empty()) {
            let (found, problem) = vauban_intel::comparisons(pattern);
            assert_eq!(problem, None, "{pattern}");
            assert!(!found.is_empty(), "{pattern}");
        }
    }
}

#[test]
fn misp_warning_lists_load_and_answer() {
    let mut lists = WarningLists::empty();
    let own = [
        r#"{"name":"own string","type":"string","matching_attributes":["domain"],"list":["Known.fr"]}"#,
        r#"{"name":"own hosts","type":"hostname","matching_attributes":["domain","url"],"list":[".bank.fr"]}"#,
        r#"{"name":"own sub","type":"substring","matching_attributes":["email-src"],"list":["@throwaway."]}"#,
        r#"{"name":"own cidr","type":"cidr","matching_attributes":["ip-dst"],"list":["45.61.0.0/16","2a02:6b8::1"]}"#,
        r#"{"name":"own regex","type":"regex","matching_attributes":["email-dst"],"list":["/^(noc|abuse)\\@.*$/i"]}"#,
    ];
    for list in own {
        lists.add_misp(list.as_bytes()).unwrap();
    }
    let hit = |k, v: &str| lists.lookup(k, v).map(|h| h.list.to_owned());
    assert_eq!(hit(Domain, "known.fr").as_deref(), Some("own string"));
    assert_eq!(hit(Domain, "www.known.fr"), None);
    assert_eq!(hit(Domain, "www.bank.fr").as_deref(), Some("own hosts"));
    assert_eq!(
        hit(Url, "https://www.bank.fr/x").as_deref(),
        Some("own hosts")
    );
    assert_eq!(hit(Domain, "notbank.fr"), None);
    assert_eq!(
        hit(EmailAddress, "x@throwaway.fr").as_deref(),
        Some("own sub")
    );
    assert_eq!(hit(Ipv4, "45.61.136.242").as_deref(), Some("own cidr"));
    assert_eq!(hit(Ipv6, "2a02:6b8::1").as_deref(), Some("own cidr"));
    assert_eq!(
        hit(EmailAddress, "NOC@x.fr".to_lowercase().as_str()).as_deref(),
        Some("own regex")
    );
    assert!(lists.add_misp(b"{}").is_err());
    assert!(
        lists
            .add_misp(br#"{"name":"x","type":"odd","list":[]}"#)
            .is_err()
    );

    let Some(root) = shared("intel-misp-warninglists") else {
        return;
    };
    let mut all = WarningLists::empty();
    for file in files(&root, &["list.json"]) {
        let bytes = std::fs::read(&file).unwrap();
        if let Err(error) = all.add_misp(&bytes) {
            panic!("{}: {error}", file.display());
        }
    }
    println!("{} lists", all.len());
    assert!(all.lookup(Ipv4, "8.8.8.8").is_some());
    assert!(
        all.lookup(Md5, "d41d8cd98f00b204e9800998ecf8427e")
            .is_some()
    );
    assert!(all.lookup(Domain, "google.com").is_some());
    assert!(all.lookup(Domain, "evil-webmail-login.fr").is_none());
}

/// Identifiers of other kinds (cloud resources, coins, registry keys) must not be taken for ours.
#[test]
fn other_identifiers_are_not_taken_for_indicators() {
    let lists = WarningLists::built_in();
    let mut texts = vec!["arn:aws:s3:::bucket/my-data/*\nHKCU\\Software\\Run\nbitcoin 1FeexV6bAHb8ybZjqQMjJrcCrHGW9sb6uF\n".to_owned()];
    if let Some(root) = shared("ioc-iocsearcher") {
        texts.extend(
            files(&root, &[".ioc"])
                .iter()
                .filter_map(|f| std::fs::read_to_string(f).ok()),
        );
    }
    for text in texts {
        let got: Vec<_> = kept("x.txt", &text, &lists).into_iter().collect();
        println!("{got:?}");
        assert!(got.is_empty(), "{got:?}");
    }
}
