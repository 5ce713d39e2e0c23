//! Zeek's and Suricata's logs: own lines with the facts expected of them, then other people's
//! captures, each record compared with what a JSON reader of its own finds in it.

mod more_common;

use more_common::{Keep, accounted, parse, recognised, shared};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use vauban_sources::flows::SURICATA;
use vauban_sources::zeek::{ZEEK_JSON, ZEEK_TSV};

fn tsv(path: &str, fields: &str, types: &str, line: &str) -> String {
    format!(
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{path}\n#fields\t{fields}\n#types\t{types}\n{line}\n#close\t2025-12-09-00-00-00\n"
    )
    .replace(' ', "\t")
    .replace("#separator\t", "#separator ")
}

#[test]
fn zeek_dns() {
    let text = tsv(
        "dns",
        "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected",
        "time string addr port addr port enum count interval string count string count string count string bool bool bool bool count vector[string] vector[interval] bool",
        "1765247400.5 C1 10.0.0.5 5353 10.0.0.1 53 udp 7 0.006970 mail.example 1 C_INTERNET 16 TXT 0 NOERROR F F T T 0 v=spf1\\x2ca,192.0.2.1 1.0 F",
    );
    let keep = recognised("dns.log", &text, "zeek");
    let fact = &keep.facts[0];
    assert_eq!(
        (fact.class, fact.product, &*fact.ip),
        (4003, "Zeek", "10.0.0.5")
    );
    assert_eq!(fact.time, "2025-12-09T02:30:00.500000Z");
    fact.is("activity", "Both")
        .says("query", "mail.example")
        .says("query_type", "TXT")
        .says("query_class", "IN")
        .says("rcode", "NOERROR")
        .says("answers", "v=spf1,a\n192.0.2.1")
        .says("detail", "AA=F TC=F RD=T RA=T Z=0")
        .says("flow_uid", "C1")
        .is("transaction", "Some(7)")
        .is("dst_ip", "Some(10.0.0.1)")
        .is("duration_us", "Some(6970)");
    let json = r#"{"ts":1765247400.5,"uid":"C1","id.orig_h":"10.0.0.5","id.orig_p":5353,"id.resp_h":"10.0.0.1","id.resp_p":53,"proto":"udp","trans_id":7,"rtt":0.00697,"query":"mail.example","qclass_name":"C_INTERNET","qtype":16,"qtype_name":"TXT","rcode_name":"NOERROR","AA":false,"TC":false,"RD":true,"RA":true,"Z":0,"answers":["v=spf1,a","192.0.2.1"],"rejected":false}"#;
    let same = recognised("dns.log", &format!("{json}\n"), "zeek-json");
    assert_eq!(same.facts[0].body, fact.body);
}

#[test]
fn zeek_tls_files_notices() {
    let line = r#"{"_path":"ssl","ts":"2025-12-09T02:30:00.000000Z","uid":"C2","id.orig_h":"10.0.0.5","id.orig_p":5,"id.resp_h":"198.51.100.9","id.resp_p":443,"version":"TLSv12","cipher":"X","server_name":"c2.example","resumed":false,"established":true,"ja3":"aa","ja3s":"bb","ja4":"t13d","cert_chain_fps":["f1","f2"],"validation_status":"self signed certificate"}
{"_path":"files","ts":"2025-12-09T02:30:00.000000Z","fuid":"F1","tx_hosts":["198.51.100.9"],"rx_hosts":["10.0.0.5"],"conn_uids":["C3"],"source":"HTTP","analyzers":["MD5","SHA1"],"mime_type":"application/zip","filename":"x.zip","seen_bytes":10,"total_bytes":12,"md5":"m","sha1":"s"}
{"_path":"notice","ts":"2025-12-09T02:30:00.000000Z","uid":"C4","id.orig_h":"10.0.0.5","id.resp_h":"198.51.100.9","id.resp_p":443,"note":"SSL::Invalid_Server_Cert","msg":"failed","sub":"CN=x","src":"10.0.0.5","dst":"198.51.100.9","p":443,"actions":["Notice::ACTION_LOG"]}
{"_path":"weird","ts":"2025-12-09T02:30:00.000000Z","name":"bad"}
"#;
    let keep = recognised("zeek.json", line, "zeek-json");
    assert_eq!((keep.facts.len(), keep.ignored.len()), (3, 1));
    keep.facts[0]
        .says("sni", "c2.example")
        .says("ja3", "aa")
        .says("ja3s", "bb")
        .says("ja4", "t13d")
        .says("fingerprint", "f1")
        .says("label", "C2")
        .is("established", "Some(true)");
    keep.facts[1]
        .is("action", "Transferred")
        .says("path", "x.zip")
        .says("sha1", "s")
        .says("service", "http")
        .says("operation", "MD5,SHA1")
        .says("flow_uid", "C3")
        .is("src_ip", "Some(198.51.100.9)")
        .is("dst_ip", "Some(10.0.0.5)")
        .is("size", "Some(12)");
    keep.facts[2]
        .says("title", "SSL::Invalid_Server_Cert")
        .says("detail", "failed; CN=x")
        .is("dst_port", "Some(443)");
}

#[test]
fn suricata_events() {
    let eve = |kind: &str, more: &str| {
        format!(
            r#"{{"timestamp":"2025-12-09T03:30:00.000000+0100","flow_id":9,"event_type":"{kind}","src_ip":"10.0.0.5","src_port":5,"dest_ip":"198.51.100.9","dest_port":25,"proto":"TCP",{more},"host":"ids"}}"#
        )
    };
    let lines = [
        eve(
            "alert",
            r#""alert":{"action":"blocked","gid":1,"signature_id":7,"rev":2,"signature":"S","category":"K","severity":1},"http":{"hostname":"h","url":"/u","http_method":"GET"}"#,
        ),
        eve(
            "smtp",
            r#""smtp":{"helo":"x","mail_from":"<a@b.example>","rcpt_to":["<c@d.example>","<e@f.example>"]},"email":{"from":"A <a@b.example>","to":["c@d.example"],"subject":"hi","attachment":["v.zip"]}"#,
        ),
        eve(
            "dns",
            r#""dns":{"version":3,"type":"response","id":3,"queries":[{"rrname":"q.example","rrtype":"A"}],"rcode":"NOERROR","answers":[{"rdata":"192.0.2.9"},{"rdata":{"mname":"n"}}]}"#,
        ),
        eve(
            "tls",
            r#""tls":{"sni":"c2.example","version":"TLS 1.3","ja3":{"hash":"aa"},"ja4":"t13d","fingerprint":"aa:bb"}"#,
        ),
        eve(
            "fileinfo",
            r#""app_proto":"smtp","fileinfo":{"filename":"v.zip","size":5,"sha256":"ff"}"#,
        ),
        eve(
            "http",
            r#""http":{"hostname":"h.example","url":"/a?b=c","http_user_agent":"curl","http_method":"POST","status":200,"length":9}"#,
        ),
        eve("stats", r#""stats":{}"#),
        eve("flow", r#""nothing":1"#),
    ];
    let keep = recognised("eve.json", &lines.join("\n"), "suricata-eve");
    assert_eq!(
        (keep.facts.len(), keep.ignored.len(), keep.unparsed.len()),
        (6, 1, 1)
    );
    assert!(
        keep.facts
            .iter()
            .all(|f| f.ip == "10.0.0.5" && f.host == "ids" && f.time == "2025-12-09T02:30:00Z")
    );
    keep.facts[0]
        .says("title", "S")
        .says("rule", "1:7:2")
        .says("category", "K")
        .says("detail", "GET h/u")
        .is("action", "Blocked")
        .is("severity", "Error");
    keep.facts[1]
        .says("from", "a@b.example")
        .says("to", "c@d.example,e@f.example")
        .says("header_from", "A <a@b.example>")
        .says("detail", "v.zip");
    keep.facts[2]
        .is("activity", "Response")
        .says("query", "q.example")
        .says("answers", "192.0.2.9\n{\"mname\":\"n\"}");
    keep.facts[3]
        .says("sni", "c2.example")
        .says("ja4", "t13d")
        .says("ja3", "aa");
    keep.facts[4]
        .says("sha256", "ff")
        .says("service", "smtp")
        .is("size", "Some(5)");
    keep.facts[5]
        .says("path", "/a")
        .says("query", "b=c")
        .says("vhost", "h.example");
}

/// The fields of a line by another reader.
fn object(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))
}

/// Compares each event with the line it is of.
#[track_caller]
fn compare(text: &str, keep: &Keep, address: &str, pairs: &[(&str, &str)]) -> usize {
    for fact in &keep.facts {
        let line = object(&text[fact.at.0 as usize..fact.at.1 as usize]);
        let expected = line[address].as_str().unwrap_or_default();
        let same = expected
            .parse::<std::net::IpAddr>()
            .ok()
            .map(|ip| ip.to_string());
        assert_eq!(
            Some(fact.ip.clone()),
            same.or(Some(String::new())),
            "{line}"
        );
        for (key, field) in pairs {
            let value = key.split('/').fold(&line, |value, part| &value[part]);
            if let Some(text) = value.as_str() {
                fact.says(field, text);
            }
            if let Some(number) = value.as_u64() {
                fact.is(field, &format!("Some({number})"));
            }
        }
    }
    keep.facts.len()
}

#[test]
fn logs_of_slips() {
    let Some(folder) = shared("logs-zeek-suricata/slips/dataset") else {
        return;
    };
    let ports = [
        ("id.orig_p", "src_port"),
        ("id.resp_p", "dst_port"),
        ("uid", "flow_uid"),
    ];
    for (log, lines, more) in [
        (
            "http",
            516,
            &[
                ("host", "vhost"),
                ("user_agent", "user_agent"),
                ("status_code", "status"),
                ("method", "method"),
                ("response_body_len", "bytes_out"),
            ][..],
        ),
        (
            "dns",
            239,
            &[
                ("query", "query"),
                ("qtype_name", "query_type"),
                ("rcode_name", "rcode"),
                ("trans_id", "transaction"),
            ],
        ),
        (
            "smtp",
            5,
            &[
                ("mailfrom", "from"),
                ("subject", "subject"),
                ("last_reply", "detail"),
                ("from", "header_from"),
            ],
        ),
        (
            "ssl",
            205,
            &[
                ("server_name", "sni"),
                ("version", "version"),
                ("subject", "subject"),
                ("validation_status", "validation"),
            ],
        ),
    ] {
        let text = std::fs::read_to_string(folder.join(format!("test9-mixed-zeek-dir/{log}.log")))
            .expect("log");
        let keep = recognised(&format!("{log}.log"), &text, "zeek-json");
        assert!(keep.unparsed.is_empty(), "{log}: {:?}", keep.unparsed);
        let ports = if log == "ssl" { &ports[..2] } else { &ports };
        let pairs: Vec<_> = ports.iter().chain(more).copied().collect();
        assert_eq!(compare(&text, &keep, "id.orig_h", &pairs), lines, "{log}");
    }
    // Tab-separated: every line of these is an event.
    let mut seen = BTreeMap::new();
    for log in ["dns", "ssl", "files", "notice", "x509", "weird"] {
        let text = std::fs::read_to_string(folder.join(format!("test10-mixed-zeek-dir/{log}.log")))
            .expect("log");
        let keep = recognised(&format!("{log}.log"), &text, "zeek");
        let records = text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.is_empty())
            .count();
        assert!(keep.unparsed.is_empty(), "{log}: {:?}", keep.unparsed);
        let expected = if matches!(log, "x509" | "weird") {
            0
        } else {
            records
        };
        assert_eq!(keep.facts.len(), expected, "{log}");
        seen.insert(log, keep);
    }
    let dns = &seen["dns"].facts[0];
    assert_eq!(dns.ip, "2001:718:2:1663:dc58:6d9:ef13:51a5");
    dns.says("query", "clients6.google.com")
        .says("answers", "clients.l.google.com\n2a00:1450:4014:80c::200e")
        .is("duration_us", "Some(6970)");
    let labelled = folder.join("test18-malicious-ctu-sme-11-win/zeek-labeled/dns.log.labeled");
    let text = std::fs::read_to_string(labelled).expect("log");
    let keep = recognised("dns.log.labeled", &text, "zeek");
    assert!(keep.unparsed.is_empty());
    assert!(keep.facts.len() > 1, "{}", keep.facts.len());
}

/// The same traffic written by Zeek in both forms.
#[test]
fn both_forms_of_zeek_say_the_same() {
    let Some(folder) = shared("logs-zeek-suricata/zed-sample-data") else {
        return;
    };
    let unpack = |path: &str| {
        let out = Command::new("gzip")
            .arg("-dc")
            .arg(folder.join(path))
            .output();
        String::from_utf8_lossy(&out.expect("gzip").stdout).into_owned()
    };
    for log in ["smtp", "ssl", "notice"] {
        let tsv = unpack(&format!("zeek-default/{log}.log.gz"));
        let json = unpack(&format!("zeek-json/{log}.json.gz"));
        let (a, b) = (
            parse(&ZEEK_TSV, tsv.as_bytes()),
            parse(&ZEEK_JSON, json.as_bytes()),
        );
        assert!(a.facts.len() > 10, "{log}: {}", a.facts.len());
        assert!(a.unparsed.is_empty() && b.unparsed.is_empty());
        let sorted = |keep: &Keep| {
            let mut all: Vec<_> = keep
                .facts
                .iter()
                .map(|f| (f.time.clone(), f.body.clone()))
                .collect();
            all.sort();
            all
        };
        // Not `assert_eq`: thousands of records.
        let (a, b) = (sorted(&a), sorted(&b));
        let differs = a.iter().zip(&b).find(|(a, b)| a != b);
        assert!(
            a.len() == b.len() && differs.is_none(),
            "{log}: {differs:?}"
        );
    }
}

#[test]
fn suricata_of_slips_and_crowdsec() {
    let Some(folder) = shared("logs-zeek-suricata/slips/dataset") else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("test6-malicious.suricata.json")).expect("log");
    let keep = parse(&SURICATA, text.as_bytes());
    assert!(keep.unparsed.is_empty(), "{:?}", keep.unparsed);
    let mut classes = BTreeMap::new();
    for fact in &keep.facts {
        *classes.entry(fact.class).or_insert(0) += 1;
    }
    // alert, http, dns, tls and flow, fileinfo.
    assert_eq!(
        classes,
        BTreeMap::from([
            (2004, 745),
            (4001, 3512 + 1),
            (4002, 56),
            (4003, 680),
            (6006, 3)
        ])
    );
    let mut seen = 0;
    for fact in &keep.facts {
        let line = object(&text[fact.at.0 as usize..fact.at.1 as usize]);
        let is = |kind: &str| line["event_type"] == kind;
        if is("dns") && line["src_port"] == 53 {
            continue;
        }
        assert_eq!(fact.ip, line["src_ip"].as_str().expect("address"));
        for (kind, object, key, field) in [
            ("alert", "alert", "signature", "title"),
            ("alert", "alert", "category", "category"),
            ("http", "http", "hostname", "vhost"),
            ("http", "http", "http_user_agent", "user_agent"),
            ("dns", "dns", "rrname", "query"),
            ("tls", "tls", "sni", "sni"),
            ("fileinfo", "fileinfo", "filename", "path"),
        ] {
            if is(kind)
                && let Some(value) = line[object][key].as_str()
            {
                fact.says(field, value);
                seen += 1;
            }
        }
    }
    assert!(seen > 1500, "{seen}");
    let crowdsec = folder.join("../../../logs-crowdsec/tests/suricata-logs-evelog");
    let text = std::fs::read_to_string(crowdsec.join("suricata-logs-evelog.log")).expect("log");
    let asserts = std::fs::read_to_string(crowdsec.join("parser.assert")).expect("assertions");
    let keep = parse(&SURICATA, text.as_bytes());
    accounted(text.as_bytes(), &keep).expect("every line once");
    let alerts: Vec<_> = keep.facts.iter().filter(|f| f.class == 2004).collect();
    let addresses: Vec<&str> = asserts
        .lines()
        .filter(|l| l.contains("s01-parse") && l.contains("Evt.Meta[\"source_ip\"]"))
        .filter_map(|l| l.split("== \"").nth(1)?.strip_suffix('"'))
        .collect();
    assert!(!addresses.is_empty());
    assert_eq!(alerts.iter().map(|f| &*f.ip).collect::<Vec<_>>(), addresses);
}

proptest! {
    #[test]
    fn every_line_once_whatever_comes(
        lines in prop::collection::vec(
            prop_oneof![
                "#(fields|types|path)\t(ts|dns|ssl|query|vector\\[string\\])\t?(ts|answers|uid)?",
                "1[0-9]{3}\\.[0-9]{0,8}\t[\\\\x0-9a-f,\t-]{0,20}",
                "\\{\"ts\":[0-9.eE-]{1,12},\"id.orig_h\":\"[0-9.]{0,9}\",\"(trans_depth|qtype|fuid|established|note|rtt)\":[\\[\\]\"0-9,-]{0,9}\\}",
                "\\{\"timestamp\":\"2025-12-09T02:30:00Z\",\"event_type\":\"(dns|tls|smtp|alert|flow|fileinfo)\",\"(dns|tls|smtp|alert|flow)\":[\\{\\}\\[\\]\":a-z0-9]{0,20}\\}",
                "\\PC{0,40}",
            ],
            0..20,
        )
    ) {
        let text = lines.join("\n");
        for format in [&ZEEK_TSV as &dyn vauban_sources::LogFormat, &ZEEK_JSON, &SURICATA] {
            let keep = parse(format, text.as_bytes());
            prop_assert_eq!(accounted(text.as_bytes(), &keep), Ok(()));
        }
    }
}
