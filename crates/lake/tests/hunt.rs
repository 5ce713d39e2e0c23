//! Indicators in stored events: the same as in the events themselves, however they are stored.

#[allow(dead_code)]
mod common;

use parquet::arrow::ArrowWriter;
use parquet::basic::Encoding;
use parquet::file::properties::{WriterProperties, WriterVersion};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use vauban_intel::{FieldValue, IndicatorSet, Matcher, WarningLists, parse};
use vauban_lake::*;
use vauban_ocsf::*;

const FEED: &str = "value,type\n203.0.113.77,ip\n198.51.100.0/24,network\nb.example,domain\n\
    e@f.example,email\nMozilla/5.0,useragent\nhttp://kit.test.net/kit/,url\n2001:db8::/32,network\n";

fn matcher(feed: &str) -> Matcher {
    let advisory = parse("feed.csv", feed.as_bytes(), &WarningLists::empty());
    let matcher = Matcher::compile(&IndicatorSet::new(vec![advisory]));
    assert!(!matcher.is_empty());
    matcher
}

/// The tests' events of every class, and requests through a proxy; each at an offset of its own.
fn events() -> Vec<Event<'static>> {
    let mut all = common::events();
    let plain = all[0].clone();
    for (vhost, path) in [
        ("kit.test.net", "/kit/a.php"),
        ("kit.test.net:80", "/other"),
        ("", "http://kit.test.net/kit/x"),
        ("webmail.example", "/kit/a.php"),
    ] {
        let mut e = plain.clone();
        e.body = Body::Http(Http {
            vhost,
            path,
            referrer: "https://www.b.example/from",
            ..Default::default()
        });
        all.push(e);
    }
    for (n, e) in all.iter_mut().enumerate() {
        e.evidence.offset = n as u64;
        e.time = Timestamp(1_000_000 * n as i64);
    }
    all
}

fn write(dir: &Path, events: &[Event<'_>]) {
    let mut sink = ParquetSink::new(dir, vec!["a.log".into(), "b.log".into()]).unwrap();
    let mut piece = sink.chunk();
    for e in events {
        piece.event(e);
    }
    sink.write(&piece.finish().unwrap()).unwrap();
    sink.close().unwrap();
}

type Row = (u64, String, String, String);

/// (offset, attribute, value, indicator) by looking at each event.
fn direct(events: &[Event<'_>], matcher: &Matcher) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for e in events {
        matcher.scan_event(e, &mut |i, f| {
            let value = match f.value {
                FieldValue::Ip(ip) => ip.to_string(),
                FieldValue::Text(t) => t.to_owned(),
            };
            let path = f.path.replace("[]", "");
            rows.insert((
                e.evidence.offset,
                path,
                value,
                matcher.indicator(i).unwrap().1.to_owned(),
            ));
        });
    }
    rows
}

fn stored(hits: &[LakeHit], matcher: &Matcher) -> BTreeSet<Row> {
    hits.iter()
        .map(|h| {
            let indicator = matcher.indicator(h.indicator).unwrap().1.to_owned();
            (
                h.place.offset,
                h.path.to_string(),
                h.value.clone(),
                indicator,
            )
        })
        .collect()
}

#[test]
fn as_in_the_events_themselves() {
    let events = events();
    let matcher = matcher(FEED);
    let expected = direct(&events, &matcher);
    assert!(expected.len() > 60, "{}", expected.len());
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &events);
    let hunt = hunt_indicators(dir.path(), &matcher).unwrap();
    assert_eq!(hunt.report.problems, Vec::<String>::new());
    assert_eq!(stored(&hunt.hits, &matcher), expected);
    // Files without any attribute that these indicators are of are not gone through.
    assert!(hunt.report.rows > 150 && hunt.report.rows <= events.len() as u64);
    for h in &hunt.hits {
        assert_eq!(h.time, Some(Timestamp(1_000_000 * h.place.offset as i64)));
        assert_eq!(h.place.artefact, "b.log");
        assert_eq!(h.place.length, 99);
    }
    // Rows are counted over the file.
    let mut last = ("".to_owned(), 0);
    for h in &hunt.hits {
        let here = (h.file.to_string(), h.row);
        assert!(here >= last);
        last = here;
    }
    let finding = hunt.hits[0].finding(&matcher).unwrap();
    assert_eq!(finding.places[0], hunt.hits[0].place);
}

/// One class many times over, written with other settings: the hits stay the same.
#[test]
fn however_it_is_written() {
    let matcher = matcher(FEED);
    let long = "x".repeat(100);
    let senders: Vec<String> = (0..40_000)
        .map(|n| {
            if n % 1000 == 7 {
                format!("s{n}@mail.b.example")
            } else {
                format!("{long}{n}@other.example.org")
            }
        })
        .collect();
    let to: Vec<String> = (0..40_000)
        .map(|n| match n % 500 {
            3 => "x@y.example,e@f.example,z@y.example".to_owned(),
            n if n % 3 == 0 => String::new(),
            n => format!("u{n}@y.example"),
        })
        .collect();
    let mut sample = common::events()[0].clone();
    let mut builder = BatchBuilder::new(Class::Email);
    let mut expected = BTreeSet::new();
    for (n, (from, to)) in senders.iter().zip(&to).enumerate() {
        sample.evidence.offset = n as u64;
        let body = Body::Email(Email {
            from,
            to,
            src_ip: (n % 7 == 0).then(|| std::net::IpAddr::from([9, 9, (n >> 8) as u8, n as u8])),
            ..Default::default()
        });
        let event = Event {
            body,
            ..sample.clone()
        };
        expected.extend(direct(std::slice::from_ref(&event), &matcher));
        builder.append(&event, "b.log");
    }
    assert_eq!(expected.len(), 40 + 80);
    let batch = builder.finish().unwrap();
    let base = || WriterProperties::builder().set_max_row_group_row_count(Some(15_000));
    let settings = [
        ("as it is", base()),
        (
            "small dictionary",
            base().set_dictionary_page_size_limit(2000),
        ),
        ("no dictionary", base().set_dictionary_enabled(false)),
        (
            "second version",
            base().set_writer_version(WriterVersion::PARQUET_2_0),
        ),
        (
            "second version, no dictionary",
            base()
                .set_writer_version(WriterVersion::PARQUET_2_0)
                .set_dictionary_enabled(false),
        ),
        (
            "prefixes",
            base()
                .set_dictionary_enabled(false)
                .set_encoding(Encoding::DELTA_BYTE_ARRAY),
        ),
        ("short pages", base().set_data_page_row_count_limit(100)),
    ];
    for (name, properties) in settings {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let file = File::create(&path).unwrap();
        let properties = properties
            .set_column_encoding("time".into(), Encoding::PLAIN)
            .set_column_encoding("email.size".into(), Encoding::PLAIN);
        let properties = if name == "prefixes" {
            base().set_dictionary_enabled(false)
        } else {
            properties
        };
        let mut writer =
            ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let hunt = hunt_indicators(&path, &matcher).unwrap();
        assert_eq!(hunt.report.problems, Vec::<String>::new(), "{name}");
        assert_eq!(stored(&hunt.hits, &matcher), expected, "{name}");
        assert!(hunt.hits.iter().all(|h| h.row == h.place.offset), "{name}");
    }
}

#[test]
fn only_in_the_time_asked_for_and_until_told_to_stop() {
    let events = events();
    let matcher = matcher(FEED);
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &events);
    let lake = LakeReader::open(dir.path().to_str().unwrap()).unwrap();
    let all = hunt_indicators(dir.path(), &matcher).unwrap();
    let middle = Timestamp(1_000_000 * (events.len() as i64 / 2));
    let mut halves = 0;
    for (from, until) in [(None, Some(middle)), (Some(middle), None)] {
        let options = HuntOptions {
            from,
            until,
            ..Default::default()
        };
        lake.hunt(&matcher, &options, &mut |hit| {
            assert!(from.is_none_or(|f| hit.time.unwrap() >= f));
            assert!(until.is_none_or(|u| hit.time.unwrap() < u));
            halves += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    }
    assert_eq!(halves, all.hits.len());
    let never = HuntOptions {
        from: Some(Timestamp(i64::MAX)),
        ..Default::default()
    };
    let report = lake
        .hunt(&matcher, &never, &mut |hit| panic!("{hit:?}"))
        .unwrap();
    assert_eq!(report.groups, 0);
    assert!(report.groups_out_of_time > 0);
    let mut seen = 0;
    lake.hunt(&matcher, &HuntOptions::default(), &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn late_indicators() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &events());
    let lake = LakeReader::open(dir.path().to_str().unwrap()).unwrap();
    let feed = "value,type,valid from,valid until\n203.0.113.77,ip,,1970-01-01T00:00:05Z\n";
    let late = parse("late.csv", feed.as_bytes(), &WarningLists::empty());
    let late = IndicatorSet::new(vec![late]);
    let (findings, report) = search_past(&lake, &late, &HuntOptions::default()).unwrap();
    assert!(report.problems.is_empty());
    assert!(findings.is_sorted_by_key(|f| f.first));
    let low = findings.iter().filter(|f| f.level == Level::Low).count();
    assert!(low > 0 && low < findings.len());
    assert!(findings.iter().all(|f| f.reason.contains("late.csv")));
}

#[test]
fn what_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &events());
    let whole = hunt_indicators(dir.path(), &matcher(FEED)).unwrap();
    std::fs::write(dir.path().join("bad.parquet"), b"PAR1 nothing PAR1").unwrap();
    std::fs::write(dir.path().join("empty.parquet"), b"").unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let bytes = std::fs::read(dir.path().join("http_activity.parquet")).unwrap();
    std::fs::write(
        dir.path().join("sub/cut.parquet"),
        &bytes[..bytes.len() / 2],
    )
    .unwrap();
    let hunt = hunt_indicators(dir.path(), &matcher(FEED)).unwrap();
    assert_eq!(hunt.hits.len(), whole.hits.len());
    let problems = hunt.report.problems.join("\n");
    for name in ["bad.parquet", "empty.parquet", "sub/cut.parquet"] {
        assert!(problems.contains(name), "{problems}");
    }
    assert!(hunt_indicators(Path::new("/nowhere/at/all"), &matcher(FEED)).is_err());
    assert!(LakeReader::open("s3://bucket/x").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Damage anywhere in a file: an answer or a problem, never a panic.
    #[test]
    fn no_file_is_too_strange(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &events()[..40]);
        let path = dir.path().join("authentication.parquet");
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] ^= value;
        }
        std::fs::write(&path, &bytes).unwrap();
        let _ = hunt_indicators(dir.path(), &matcher(FEED)).unwrap();
    }
}
