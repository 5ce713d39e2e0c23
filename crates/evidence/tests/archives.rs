//! Archives, sound and hostile.

mod common;

use common::*;
use std::fs;
use std::io::Write;
use tempfile::tempdir;
use vauban_evidence::{Kind, Limits, Severity};

const XZ_TEXT: &[u8] = b"Dec  9 10:00:00 mx dovecot: one\nDec  9 10:00:01 mx dovecot: two\n";

#[test]
fn single_files_of_every_codec_are_recognised_by_content() {
    let dir = tempdir().unwrap();
    let text = lines(2000);
    fs::write(dir.path().join("a.log.gz"), gz(&text)).unwrap();
    fs::write(dir.path().join("b.log.bz2"), bz2(&text)).unwrap();
    fs::write(dir.path().join("c.log.xz"), unhex(XZ)).unwrap();
    fs::write(dir.path().join("d.log.lzma"), unhex(LZMA)).unwrap();
    fs::write(dir.path().join("e.log.zst"), zst(&text)).unwrap();
    fs::write(dir.path().join("f.log"), gz(&text)).unwrap();
    let c = open(dir.path());
    for (path, expected) in [
        ("a.log.gz!a.log", &text[..]),
        ("b.log.bz2!b.log", &text),
        ("c.log.xz!c.log", XZ_TEXT),
        ("d.log.lzma!d.log", XZ_TEXT),
        ("e.log.zst!e.log", &text),
        ("f.log!f.log", &text),
    ] {
        assert!(content(&c, path) == expected, "{path}");
        assert_eq!(find(&c, path).kind, Kind::Text, "{path}");
    }
    assert_eq!(find(&c, "a.log.gz").kind, Kind::Container);
    assert_eq!(c.problems(), []);
    // The same text five times: four of them say so.
    let first = find(&c, "a.log.gz!a.log").id;
    for again in ["b.log.bz2!b.log", "e.log.zst!e.log", "f.log!f.log"] {
        assert_eq!(c.duplicate_of(find(&c, again).id), Some(first), "{again}");
    }
    assert_eq!(c.duplicate_of(first), None);
}

#[test]
fn nested_archives_and_tar_in_place() {
    let dir = tempdir().unwrap();
    let text = lines(100);
    let inner = gz(&tar(&[
        ("var/log/mail.log", &text),
        ("var/log/mail.log.1.gz", &gz(b"old\n")),
    ]));
    let outer = zip(
        &[("backup/host.tar.gz", &inner)],
        ::zip::CompressionMethod::Deflated,
    );
    fs::write(dir.path().join("all.zip"), outer).unwrap();
    let c = open(dir.path());
    assert_eq!(
        paths(&c),
        [
            "all.zip",
            "all.zip!backup/host.tar.gz",
            "all.zip!backup/host.tar.gz!var/log/mail.log",
            "all.zip!backup/host.tar.gz!var/log/mail.log.1.gz",
            "all.zip!backup/host.tar.gz!var/log/mail.log.1.gz!mail.log.1",
        ]
    );
    let log = find(&c, "all.zip!backup/host.tar.gz!var/log/mail.log");
    assert_eq!(log.modified.unwrap().seconds(), 1_765_243_800);
    assert_eq!(log.mode, Some(0o640));
    assert_eq!(c.read_range(log.id, 3, 7).unwrap(), &text[3..10]);
    assert_eq!(log.logical_path(), "var/log/mail.log");
    assert_eq!(c.problems(), []);
}

#[test]
fn truncated_archives_keep_what_is_in_front_of_the_break() {
    let dir = tempdir().unwrap();
    let text = lines(60_000);
    let packed = gz(&text);
    fs::write(dir.path().join("a.log.gz"), &packed[..packed.len() / 2]).unwrap();
    let tarred = tar(&[
        ("one", &text[..5000]),
        ("two", &text[5000..40_000]),
        ("three", b"x"),
    ]);
    fs::write(dir.path().join("b.tar"), &tarred[..20_000]).unwrap();
    fs::write(dir.path().join("c.tar.gz"), {
        let g = gz(&tarred);
        g[..g.len() - g.len() / 4].to_vec()
    })
    .unwrap();
    for (name, method) in [
        ("d.zip", ::zip::CompressionMethod::Deflated),
        ("e.zip", ::zip::CompressionMethod::Stored),
    ] {
        let z = zip(
            &[("one", &text[..9000]), ("two", &text), ("three", b"x")],
            method,
        );
        fs::write(dir.path().join(name), &z[..z.len() / 2]).unwrap();
    }
    fs::write(dir.path().join("good.log"), b"plain\n").unwrap();
    let c = open(dir.path());

    let half = content(&c, "a.log.gz!a.log");
    assert!(half.len() > text.len() / 3 && text.starts_with(&half));
    assert_eq!(
        expect_problem(&c, "a.log.gz", "truncated"),
        Some(packed.len() as u64 / 2)
    );

    assert_eq!(content(&c, "b.tar!one"), &text[..5000]);
    let two = content(&c, "b.tar!two");
    assert!(two.len() > 10_000 && text[5000..].starts_with(&two));
    assert_eq!(
        expect_problem(&c, "b.tar!two", "cut inside this member"),
        Some(20_000)
    );

    assert_eq!(content(&c, "c.tar.gz!one"), &text[..5000]);
    expect_problem(&c, "c.tar.gz", "truncated");

    for name in ["d.zip", "e.zip"] {
        assert_eq!(content(&c, &format!("{name}!one")), &text[..9000], "{name}");
        let two = content(&c, &format!("{name}!two"));
        assert!(
            two.len() > 100_000 && text.starts_with(&two),
            "{name}: {}",
            two.len()
        );
        expect_problem(&c, name, "no usable central directory");
    }
    assert_eq!(content(&c, "good.log"), b"plain\n");
}

#[test]
fn damage_in_the_middle_of_a_tar_costs_one_member() {
    let dir = tempdir().unwrap();
    let mut bytes = tar(&[("a", b"first"), ("b", b"second"), ("c", b"third")]);
    bytes[1024..1100].fill(0x55); // the header of b
    fs::write(dir.path().join("x.tar"), bytes).unwrap();
    let c = open(dir.path());
    assert_eq!(paths(&c), ["x.tar", "x.tar!a", "x.tar!c"]);
    assert_eq!(content(&c, "x.tar!c"), b"third");
    assert_eq!(expect_problem(&c, "x.tar", "damaged"), Some(1024));
    expect_problem(&c, "x.tar", "goes on at byte 2048");
}

/// Compresses zeros without holding them.
fn gz_zeros(n: u64) -> Vec<u8> {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![0; 1 << 20];
    for _ in 0..n >> 20 {
        e.write_all(&block).unwrap();
    }
    e.finish().unwrap()
}

#[test]
fn a_bomb_of_a_gigabyte_inside_a_zip_stops_early_and_costs_nothing_else() {
    let dir = tempdir().unwrap();
    let bomb = gz_zeros(1 << 30);
    let z = zip(
        &[("zeros.gz", &bomb), ("after.log", b"still here\n")],
        ::zip::CompressionMethod::Deflated,
    );
    fs::write(dir.path().join("bomb.zip"), z).unwrap();
    let c = open(dir.path());
    let limits = Limits::default();
    let offset = expect_problem(&c, "bomb.zip!zeros.gz", "decompression bomb").unwrap();
    assert!(offset > 0 && offset < bomb.len() as u64);
    let kept = find(&c, "bomb.zip!zeros.gz!zeros").size;
    assert!(kept <= limits.ratio_floor, "{kept}");
    assert_eq!(content(&c, "bomb.zip!after.log"), b"still here\n");
}

#[test]
fn limits_on_depth_bytes_and_artefacts() {
    let dir = tempdir().unwrap();
    let mut deep = b"core\n".to_vec();
    for _ in 0..12 {
        deep = gz(&deep);
    }
    fs::write(dir.path().join("deep"), deep).unwrap();
    let c = open(dir.path());
    assert_eq!(c.artefacts().len(), 9, "{:?}", paths(&c));
    let last = c.artefacts().last().unwrap();
    assert_eq!(last.kind, Kind::Container);
    expect_problem(&c, &last.path, "nested 8 deep");

    let dir = tempdir().unwrap();
    for i in 0..20 {
        fs::write(dir.path().join(format!("{i:02}.gz")), gz(&lines(3000))).unwrap();
    }
    let size = lines(3000).len() as u64;
    let limits = Limits {
        decoded_total: size * 5 + 10,
        ..Limits::default()
    };
    let a = open_with(dir.path(), &limits);
    let b = open_with(dir.path(), &limits);
    assert_eq!(
        a.manifest(),
        b.manifest(),
        "a limit must not depend on timing"
    );
    assert_eq!(a.problems(), b.problems());
    assert_eq!(content(&a, "04.gz!04"), lines(3000));
    assert!(!paths(&a).contains(&"05.gz!05"));
    expect_problem(&a, "05.gz", "decoded bytes in total");
    expect_problem(&a, "19.gz", "decoded bytes in total");

    let limits = Limits {
        artefacts: 7,
        ..Limits::default()
    };
    let c = open_with(dir.path(), &limits);
    assert_eq!(c.artefacts().len(), 7);
    assert_eq!(paths(&c)[6], "03.gz");

    let limits = Limits {
        decoded_member: 1000,
        ..Limits::default()
    };
    let c = open_with(dir.path(), &limits);
    expect_problem(&c, "00.gz", "decoded bytes for a member");
}

#[test]
fn names_that_leave_the_archive_are_shown_harmless() {
    let dir = tempdir().unwrap();
    let t = tar(&[
        ("../../outside", b"1"),
        ("/etc/cron.d/x", b"2"),
        ("a\x1b[31m\n", b"3"),
        ("d/./e//f", b"4"),
    ]);
    fs::write(dir.path().join("t.tar"), t).unwrap();
    let z = zip(&[("../up", b"5")], ::zip::CompressionMethod::Stored);
    fs::write(dir.path().join("z.zip"), z).unwrap();
    let c = open(dir.path());
    assert_eq!(
        paths(&c),
        [
            "t.tar",
            "t.tar!outside",
            "t.tar!etc/cron.d/x",
            "t.tar!a\\x1b[31m\\x0a",
            "t.tar!d/e/f",
            "z.zip",
            "z.zip!up",
        ]
    );
    expect_problem(&c, "t.tar!outside", "named ../../outside");
    expect_problem(&c, "t.tar!etc/cron.d/x", "named /etc/cron.d/x");
    expect_problem(&c, "z.zip!up", "named ../up");
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "nothing was written"
    );
}

#[test]
fn tar_links_sparse_members_and_repeated_names() {
    let dir = tempdir().unwrap();
    let mut b = ::tar::Builder::new(Vec::new());
    let mut add = |kind: ::tar::EntryType, name: &str, link: Option<&str>, bytes: &[u8]| {
        let mut h = ::tar::Header::new_gnu();
        h.set_entry_type(kind);
        h.set_size(bytes.len() as u64);
        h.set_mode(0o600);
        h.set_mtime(0);
        match link {
            Some(link) => b.append_link(&mut h, name, link).unwrap(),
            None => b.append_data(&mut h, name, bytes).unwrap(),
        }
    };
    let long = format!(
        "{}/mail.log",
        "very-long-directory-name/".repeat(8).trim_end_matches('/')
    );
    add(::tar::EntryType::Regular, "log", None, b"one\n");
    add(::tar::EntryType::Link, "hard", Some("log"), b"");
    add(::tar::EntryType::Link, "dangling", Some("nowhere"), b"");
    add(
        ::tar::EntryType::Symlink,
        "etc/localtime",
        Some("/usr/share/zoneinfo/Europe/Paris"),
        b"",
    );
    add(::tar::EntryType::Regular, "log", None, b"two\n");
    add(::tar::EntryType::Fifo, "pipe", None, b"");
    add(::tar::EntryType::Regular, &long, None, b"long\n");
    // A sparse file: 1 MiB hole, then ten bytes.
    let holes = dir.path().join("holes");
    let f = fs::File::create(&holes).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&f, b"0123456789", 1 << 20).unwrap();
    drop(f);
    b.append_path_with_name(&holes, "holes").unwrap();
    fs::write(dir.path().join("t.tar"), b.into_inner().unwrap()).unwrap();
    let c = open(dir.path());
    assert_eq!(content(&c, "t.tar!log"), b"one\n");
    assert_eq!(content(&c, "t.tar!hard"), b"one\n");
    assert_eq!(content(&c, "t.tar!log#2"), b"two\n");
    assert_eq!(content(&c, &format!("t.tar!{long}")), b"long\n");
    assert_eq!(content(&c, "t.tar!holes"), fs::read(&holes).unwrap());
    assert_eq!(find(&c, "t.tar!holes").sha256, find(&c, "holes").sha256);
    assert_eq!(c.links()[0].path, "t.tar!etc/localtime");
    assert_eq!(c.links()[0].target, "/usr/share/zoneinfo/Europe/Paris");
    expect_problem(&c, "t.tar!dangling", "hard link to nowhere");
    expect_problem(&c, "t.tar!log", "more than once");
    expect_problem(&c, "t.tar!pipe", "FIFO");
}

#[test]
fn one_name_many_times_stays_unique_and_quick() {
    let dir = tempdir().unwrap();
    let mut members: Vec<(&str, &[u8])> = vec![("a#3", b"real"); 1];
    members.extend(vec![("a", &b"x"[..]); 5000]);
    fs::write(dir.path().join("t.tar"), tar(&members)).unwrap();
    let c = open(dir.path());
    let unique: std::collections::BTreeSet<_> = paths(&c).into_iter().collect();
    assert_eq!((unique.len(), c.artefacts().len()), (5002, 5002));
    assert_eq!(content(&c, "t.tar!a#3"), b"real");
    assert!(unique.contains("t.tar!a#5001"));
}

/// GNU's pax form 1.0 of a sparse file, as bsdtar writes it.
#[test]
fn sparse_members_in_pax_form() {
    let dir = tempdir().unwrap();
    let mut b = ::tar::Builder::new(Vec::new());
    b.append_pax_extensions([
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"var/log/mail.log"),
        ("GNU.sparse.realsize", b"5010"),
    ])
    .unwrap();
    let mut body = b"2\n0\n4\n5000\n10\n".to_vec();
    body.resize(512, 0);
    body.extend_from_slice(b"abcd0123456789");
    let mut h = ::tar::Header::new_ustar();
    h.set_size(body.len() as u64);
    h.set_mode(0o600);
    b.append_data(&mut h, "GNUSparseFile.0/mail.log", &body[..])
        .unwrap();
    fs::write(dir.path().join("t.tar"), b.into_inner().unwrap()).unwrap();
    let c = open(dir.path());
    let mut expected = b"abcd".to_vec();
    expected.resize(5000, 0);
    expected.extend_from_slice(b"0123456789");
    assert_eq!(content(&c, "t.tar!var/log/mail.log"), expected);
    assert_eq!(c.artefacts().len(), 2);
}

/// A zip whose central directory points nowhere is read by its members' own headers.
#[test]
fn zip_directory_that_points_nowhere() {
    let dir = tempdir().unwrap();
    let mut z = zip(
        &[("a", b"first"), ("b", b"second")],
        ::zip::CompressionMethod::Stored,
    );
    let entries: Vec<_> = (0..z.len() - 4)
        .filter(|i| z[*i..].starts_with(b"PK\x01\x02"))
        .collect();
    for at in entries {
        z[at + 42..at + 46].copy_from_slice(&3u32.to_le_bytes());
    }
    fs::write(dir.path().join("z.zip"), z).unwrap();
    let c = open(dir.path());
    assert_eq!(content(&c, "z.zip!a"), b"first");
    assert_eq!(content(&c, "z.zip!b"), b"second");
}

#[test]
fn problems_of_one_file_are_counted_not_endless() {
    let dir = tempdir().unwrap();
    let names: Vec<String> = (0..6000).map(|i| format!("../{i}")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"x"[..])).collect();
    fs::write(dir.path().join("t.tar"), tar(&members)).unwrap();
    let c = open(dir.path());
    assert_eq!(c.artefacts().len(), 6001);
    assert_eq!(c.problems().len(), 5001);
    expect_problem(&c, "t.tar", "the rest is not listed");
}

/// Two central directory entries for one local file: the core of the "better zip bomb".
#[test]
fn overlapping_zip_members_are_read_once() {
    let dir = tempdir().unwrap();
    let one = zip(
        &[("aa", b"the same bytes")],
        ::zip::CompressionMethod::Stored,
    );
    let find_at = |sig: &[u8]| one.windows(4).position(|w| w == sig).unwrap();
    let (central, end) = (find_at(b"PK\x01\x02"), find_at(b"PK\x05\x06"));
    let mut entry = one[central..end].to_vec();
    let mut z = one[..end].to_vec();
    entry[46] = b'b';
    z.extend_from_slice(&entry);
    let mut eocd = one[end..].to_vec();
    eocd[8] = 2;
    eocd[10] = 2;
    let size = (2 * (end - central)) as u32;
    eocd[12..16].copy_from_slice(&size.to_le_bytes());
    z.extend_from_slice(&eocd);
    fs::write(dir.path().join("o.zip"), z).unwrap();
    let c = open(dir.path());
    assert_eq!(paths(&c), ["o.zip", "o.zip!aa"]);
    expect_problem(&c, "o.zip!ba", "overlap bomb");
}

#[test]
fn encrypted_members_and_documents() {
    let dir = tempdir().unwrap();
    let mut z = zip(
        &[("secret.log", b"cipher"), ("open.log", b"clear\n")],
        ::zip::CompressionMethod::Stored,
    );
    // Bit 0 of the general purpose flags, in the local and the central header.
    z[6] |= 1;
    let central = z.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    z[central + 8] |= 1;
    fs::write(dir.path().join("e.zip"), z).unwrap();
    let docx = zip(
        &[("[Content_Types].xml", b"<x/>")],
        ::zip::CompressionMethod::Deflated,
    );
    fs::write(dir.path().join("memo.docx"), docx).unwrap();
    fs::write(dir.path().join("x.7z"), b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0").unwrap();
    let c = open(dir.path());
    expect_problem(&c, "e.zip!secret.log", "encrypted");
    assert_eq!(content(&c, "e.zip!open.log"), b"clear\n");
    assert_eq!(find(&c, "memo.docx").kind, Kind::Binary);
    assert_eq!(paths(&c), ["e.zip", "e.zip!open.log", "memo.docx", "x.7z"]);
    expect_problem(&c, "x.7z", "7z archives are not opened");
}

#[test]
fn zip_methods() {
    let dir = tempdir().unwrap();
    let text = lines(500);
    for (name, method) in [
        ("stored", ::zip::CompressionMethod::Stored),
        ("deflated", ::zip::CompressionMethod::Deflated),
        ("bzip2", ::zip::CompressionMethod::Bzip2),
    ] {
        fs::write(dir.path().join(name), zip(&[("m.log", &text)], method)).unwrap();
    }
    // A checksum that does not match is said and the bytes are kept.
    let mut bad = zip(&[("m.log", &text)], ::zip::CompressionMethod::Stored);
    let at = bad.windows(3).position(|w| w == b"Dec").unwrap();
    bad[at] = b'd';
    fs::write(dir.path().join("wrong"), bad).unwrap();
    let c = open(dir.path());
    for name in ["stored", "deflated", "bzip2"] {
        assert_eq!(content(&c, &format!("{name}!m.log")), text, "{name}");
    }
    assert_eq!(content(&c, "wrong!m.log").len(), text.len());
    expect_problem(&c, "wrong!m.log", "checksum");
}

#[test]
fn large_members_are_spooled_and_read_at_random() {
    let dir = tempdir().unwrap();
    let text = lines(50_000);
    fs::write(dir.path().join("a.gz"), gz(&text)).unwrap();
    fs::write(
        dir.path().join("b.tgz"),
        gz(&tar(&[("x", &text), ("y", b"small")])),
    )
    .unwrap();
    let limits = Limits {
        small_member: 10_000,
        memory: 0,
        ..Limits::default()
    };
    let c = open_with(dir.path(), &limits);
    for path in ["a.gz!a", "b.tgz!x"] {
        let id = find(&c, path).id;
        assert_eq!(
            c.read_range(id, 1_000_000, 100).unwrap(),
            &text[1_000_000..1_000_100]
        );
        assert!(content(&c, path) == text, "{path}");
    }
    assert_eq!(content(&c, "b.tgz!y"), b"small");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn garbage_with_an_archive_signature_is_binary_and_said() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("a.gz"), b"\x1f\x8b\x08\xff\xff\xff").unwrap();
    fs::write(dir.path().join("b.zip"), b"PK\x03\x04garbage").unwrap();
    fs::write(dir.path().join("c.xz"), b"\xfd7zXZ\0nothing").unwrap();
    fs::write(
        dir.path().join("d.zst"),
        b"\x28\xb5\x2f\xfd\xff\xff\xff\xff",
    )
    .unwrap();
    let c = open(dir.path());
    assert_eq!(c.artefacts().len(), 4);
    for a in c.artefacts() {
        assert_eq!(a.kind, Kind::Binary, "{}", a.path);
        let said = c
            .problems()
            .iter()
            .any(|p| p.path == a.path && p.severity > Severity::Note);
        assert!(said, "{}", a.path);
    }
}

/// Other people's archives of one log, if they are here.
#[test]
fn plaso_archives_give_the_same_log() {
    let Some(shared) = shared() else {
        return eprintln!("shared data is absent: single_files_of_every_codec… covers this");
    };
    let dir = shared.join("data/logs-syslog-hosts/plaso/test_data");
    let list = [
        "syslog.gz",
        "syslog.bz2",
        "syslog.xz",
        "syslog.zip",
        "syslog.tar",
        "syslog.tgz",
    ];
    let paths: Vec<_> = list
        .iter()
        .map(|n| dir.join(n))
        .filter(|p| p.exists())
        .collect();
    if paths.is_empty() {
        return eprintln!("shared archives are absent: single_files_of_every_codec… covers this");
    }
    let c = vauban_evidence::Collection::open(&paths, &Limits::default(), &|_| {});
    let hard: Vec<_> = c
        .problems()
        .iter()
        .filter(|p| p.severity > Severity::Note)
        .collect();
    assert!(hard.is_empty(), "{hard:#?}");
    let texts: Vec<_> = c.of_kind(Kind::Text).collect();
    assert!(texts.len() >= paths.len(), "{:?}", common::paths(&c));
    for text in &texts {
        let head = c.read_all(text.id, 200).unwrap();
        assert!(head.is_ascii() && text.size > 1000, "{}", text.path);
    }
}
