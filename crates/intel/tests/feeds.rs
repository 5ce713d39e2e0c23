//! STIX, MISP and CSV of our own: the small examples that hold without anybody else's data.

use vauban_intel::{Advisory, IndicatorKind::*, WarningLists, parse};

fn read(name: &str, text: &str) -> Advisory {
    parse(name, text.as_bytes(), &WarningLists::built_in())
}

fn expect(a: &Advisory, rows: &[(vauban_intel::IndicatorKind, &str, bool, &str)]) {
    for (kind, value, keep, why) in rows {
        let i = a
            .indicators
            .iter()
            .find(|i| i.kind == *kind && i.value == *value)
            .unwrap_or_else(|| panic!("{kind:?} {value} in {:#?}", a.indicators));
        assert_eq!(i.kept, *keep, "{value}: {}", i.why);
        assert!(i.why.contains(why), "{value}: {}", i.why);
    }
    assert_eq!(a.indicators.len(), rows.len(), "{:#?}", a.indicators);
}

#[test]
fn stix_21() {
    let text = r#"{"type":"bundle","id":"bundle--1","objects":[
      {"type":"report","spec_version":"2.1","id":"report--1","name":"Webmail"},
      {"type":"indicator","spec_version":"2.1","id":"indicator--1","pattern_type":"stix",
       "pattern":"[ipv4-addr:value = '45.61.136.242' OR domain-name:value IN ('evil.fr', 'www.evil.fr')] FOLLOWEDBY [file:hashes.'SHA-256' = '4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a']",
       "valid_from":"2025-01-01T00:00:00Z","valid_until":"2026-01-01T00:00:00Z"},
      {"type":"indicator","spec_version":"2.1","id":"indicator--2","pattern_type":"stix","revoked":true,
       "pattern":"[ipv4-addr:value = '45.61.136.243']","valid_from":"2025-01-01T00:00:00Z"},
      {"type":"indicator","spec_version":"2.1","id":"indicator--3","pattern_type":"stix",
       "pattern":"[url:value LIKE 'http://evil.fr/%' AND ipv4-addr:value != '45.61.136.244' AND ipv4-addr:value ISSUBSET '45.61.140.0/24' AND file:size = 3]"},
      {"type":"indicator","spec_version":"2.1","id":"indicator--4","pattern_type":"yara","pattern":"rule x {}"},
      {"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--1","value":"45.61.136.245"},
      {"type":"domain-name","spec_version":"2.1","id":"domain-name--1","value":"c2.fr"},
      {"type":"relationship","spec_version":"2.1","id":"relationship--1","relationship_type":"communicates-with",
       "source_ref":"malware--1","target_ref":"domain-name--1"},
      {"type":"attack-pattern","spec_version":"2.1","id":"attack-pattern--1","name":"Remote Email Collection",
       "external_references":[{"source_name":"mitre-attack","external_id":"T1114.002"}]},
      {"type":"vulnerability","spec_version":"2.1","id":"vulnerability--1","name":"CVE-2023-5631"}]}"#;
    let a = read("b.json", text);
    assert_eq!(
        (a.format.as_str(), a.title.as_str()),
        ("stix-2.1", "Webmail")
    );
    expect(
        &a,
        &[
            (Ipv4, "45.61.136.242", true, "STIX indicator"),
            (Domain, "evil.fr", true, "STIX indicator"),
            (Domain, "www.evil.fr", true, "STIX indicator"),
            (
                Sha256,
                "4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a",
                true,
                "",
            ),
            (Ipv4, "45.61.136.243", false, "revoked"),
            (Url, "http://evil.fr/%", false, "LIKE"),
            (Ipv4, "45.61.136.244", false, "NOT"),
            (Network, "45.61.140.0/24", true, "4 conditions"),
            (Ipv4, "45.61.136.245", false, "observed"),
            (Domain, "c2.fr", true, "ties to an attacker"),
        ],
    );
    assert_eq!(
        a.indicators[0].valid_until.as_deref(),
        Some("2026-01-01T00:00:00Z")
    );
    for i in &a.indicators {
        assert!(text[i.offset as usize..].starts_with(&i.written), "{i:?}");
    }
    assert_eq!(a.techniques[0].id, "T1114.002");
    assert_eq!(a.vulnerabilities[0].id, "CVE-2023-5631");
    assert!(
        a.problems.iter().any(|p| p.contains("yara")),
        "{:?}",
        a.problems
    );
    assert!(
        a.problems.iter().any(|p| p.contains("file:size (1)")),
        "{:?}",
        a.problems
    );
}

#[test]
fn stix_20_observed_data_and_damage() {
    let bundle = r#"{"type":"bundle","id":"bundle--1","spec_version":"2.0","objects":[
      {"type":"observed-data","id":"observed-data--1","objects":{"0":{"type":"ipv4-addr","value":"45.61.136.242"},
       "1":{"type":"file","name":"Evil.EXE","hashes":{"MD5":"9e107d9d372bb6826bd81d3542a419d6"}}}}]}"#;
    let a = read("b.json", bundle);
    assert_eq!(a.format, "stix-2.0");
    expect(
        &a,
        &[
            (Ipv4, "45.61.136.242", true, "without indicators"),
            (
                Md5,
                "9e107d9d372bb6826bd81d3542a419d6",
                true,
                "without indicators",
            ),
            (FileName, "evil.exe", true, "without indicators"),
        ],
    );
    for i in &a.indicators {
        assert!(bundle[i.offset as usize..].starts_with(&i.written), "{i:?}");
    }
    // Cut off in the middle: read as text, said so.
    let a = read("b.json", &bundle[..bundle.len() - 3]);
    assert!(a.problems[0].contains("damaged JSON"), "{:?}", a.problems);
    assert!(
        a.indicators
            .iter()
            .any(|i| i.value == "45.61.136.242" && i.kept)
    );
}

#[test]
fn misp() {
    let event = |flag: &str| {
        format!(
            r#"{{"response":[{{"Event":{{"info":"Webmail (T1114)","Attribute":[
        {{"type":"ip-dst","category":"Network activity","to_ids":{flag},"value":"45.61.136.242"}},
        {{"type":"domain|ip","category":"Network activity","to_ids":false,"value":"evil.fr|45.61.136.243"}},
        {{"type":"ip-src","category":"Network activity","to_ids":{flag},"deleted":true,"value":"45.61.136.244"}},
        {{"type":"target-email","category":"Targeting data","to_ids":false,"value":"minister@ministry.fr"}},
        {{"type":"link","category":"External analysis","to_ids":false,"value":"https://analysis.fr/x"}},
        {{"type":"yara","category":"Payload delivery","to_ids":true,"value":"rule x {{}}"}}],
      "Object":[{{"name":"file","Attribute":[{{"type":"filename|sha1","category":"Payload delivery","to_ids":{flag},
        "value":"a.zip|2ef7bde608ce5404e97d5f042f95f89f1c232871"}}]}}],
      "Tag":[{{"name":"misp-galaxy:mitre-attack-pattern=\"Email Account - T1087.003\""}}]}}}}]}}"#
        )
    };
    let a = read("e.json", &event("true"));
    assert_eq!(
        (a.format.as_str(), a.title.as_str()),
        ("misp", "Webmail (T1114)")
    );
    expect(
        &a,
        &[
            (Ipv4, "45.61.136.242", true, "to_ids"),
            (Domain, "evil.fr", false, "to_ids is false"),
            (Ipv4, "45.61.136.243", false, "to_ids is false"),
            (Ipv4, "45.61.136.244", false, "deleted"),
            (EmailAddress, "minister@ministry.fr", false, "target"),
            (Url, "https://analysis.fr/x", false, "link"),
            (FileName, "a.zip", true, "to_ids"),
            (
                Sha1,
                "2ef7bde608ce5404e97d5f042f95f89f1c232871",
                true,
                "to_ids",
            ),
        ],
    );
    let ids: Vec<&str> = a.techniques.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(ids, ["T1087.003", "T1114"]);
    assert!(a.problems.iter().any(|p| p.contains("yara")));
    // An author who never sets the flag says nothing by it.
    let never = event("false").replace("\"to_ids\":true", "\"to_ids\":false");
    let a = read("e.json", &never);
    assert!(a.indicators.iter().any(|i| i.value == "evil.fr" && i.kept));
    assert!(
        a.indicators
            .iter()
            .any(|i| i.value == "minister@ministry.fr" && !i.kept)
    );
}

#[test]
fn tables() {
    let a = read(
        "x.csv",
        "\u{feff}value,entity_type,description\nevil[.]fr,hostname,C2 beside 45.61.136.242\n\
         9e107d9d372bb6826bd81d3542a419d6,file,\"a, \"\"b\"\"\"\n8.8.8.8,ipaddress,\nnonsense,hostname,\n",
    );
    expect(
        &a,
        &[
            (Domain, "evil.fr", true, "value of the table"),
            (Ipv4, "45.61.136.242", false, "comment"),
            (Md5, "9e107d9d372bb6826bd81d3542a419d6", true, ""),
            (Ipv4, "8.8.8.8", false, "resolvers"),
        ],
    );
    assert!(
        a.problems
            .iter()
            .any(|p| p.contains("row 5") && p.contains("nonsense"))
    );

    let a = read(
        "x.txt",
        "ip;45.61[.]136.242\ndomain;evil.fr\nurl;hxxp://evil.fr/a\n",
    );
    assert_eq!(a.format, "csv");
    assert_eq!(a.indicators.iter().filter(|i| i.kept).count(), 3);

    let a = read(
        "x.csv",
        "evil.fr,2024-01-01T00:00:00Z,https://portal.fr/indicator--1\n45.61.136.242:8080,,https://portal.fr/2\n",
    );
    expect(
        &a,
        &[
            (Domain, "evil.fr", true, ""),
            (
                Url,
                "https://portal.fr/indicator--1",
                false,
                "further column",
            ),
            (Ipv4, "45.61.136.242", true, "port 8080"),
            (Url, "https://portal.fr/2", false, "further column"),
        ],
    );
    let a = read(
        "x.csv",
        "IOC,Valid From,Valid Until\nevil.fr,2024-01-01T00:00:00Z,2025-01-01T00:00:00Z\n",
    );
    assert_eq!(
        a.indicators[0].valid_until.as_deref(),
        Some("2025-01-01T00:00:00Z")
    );
}
