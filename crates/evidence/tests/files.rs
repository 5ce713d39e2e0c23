//! Files and directories as they come from a server.

mod common;

use common::*;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use tempfile::tempdir;
use vauban_evidence::{Collection, Kind, Limits, Severity};

#[test]
fn order_hash_and_manifest_are_deterministic() {
    let dir = tempdir().unwrap();
    for name in ["b/2.log", "a.log", "b/10.log", "b.log", "a/x", "B"] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("content of {name}\n")).unwrap();
    }
    let one = open(dir.path());
    assert_eq!(
        paths(&one),
        ["B", "a/x", "a.log", "b/10.log", "b/2.log", "b.log"]
    );
    let json = |c: &Collection| serde_json::to_string_pretty(&c.manifest()).unwrap();
    let first = json(&one);
    for threads in [1, 2, 5] {
        let limits = Limits {
            threads,
            ..Limits::default()
        };
        assert_eq!(json(&open_with(dir.path(), &limits)), first);
    }
    // printf 'content of B\n' | sha256sum
    assert_eq!(
        find(&one, "B").sha256_hex(),
        sha256sum(dir.path().join("B"))
    );
    assert_eq!(one.artefacts()[3].id.0, 3);
}

fn sha256sum(path: std::path::PathBuf) -> String {
    let out = std::process::Command::new("sha256sum")
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap()[..64].to_string()
}

#[test]
fn links_are_noted_and_never_followed() {
    let outside = tempdir().unwrap();
    fs::write(outside.path().join("secret"), "not evidence").unwrap();
    let dir = tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join("var/log")).unwrap();
    fs::write(root.join("var/log/mail.log"), "x\n").unwrap();
    symlink("log/mail.log", root.join("var/inside")).unwrap();
    symlink("log", root.join("var/logs")).unwrap();
    symlink(outside.path().join("secret"), root.join("leak")).unwrap();
    symlink(outside.path(), root.join("leakdir")).unwrap();
    symlink("..", root.join("var/loop")).unwrap();
    symlink("self", root.join("self")).unwrap();
    let c = open(root);
    assert_eq!(paths(&c), ["var/log/mail.log"]);
    expect_problem(
        &c,
        "var/inside",
        "link to var/log/mail.log, which is listed",
    );
    expect_problem(&c, "var/logs", "link to var/log, which is listed");
    expect_problem(&c, "leak", "not in the evidence here");
    expect_problem(&c, "leakdir", "not in the evidence here");
    expect_problem(&c, "self", "not in the evidence here");
    symlink("/var/log/mail.log", root.join("var/absolute")).unwrap();
    for i in 0..50 {
        symlink("/nowhere", root.join(format!("many{i:02}"))).unwrap();
    }
    let c = open(root);
    expect_problem(
        &c,
        "var/absolute",
        "link to var/log/mail.log, which is listed",
    );
    expect_problem(&c, "many07", "so are 44 more");
    assert_eq!(c.links().len(), 57);
    assert!(c.problems().iter().all(|p| p.severity == Severity::Note));
}

#[test]
fn special_files_odd_names_and_unreadable_ones() {
    let dir = tempdir().unwrap();
    let root = dir.path();
    let mkfifo = std::process::Command::new("mkfifo")
        .arg(root.join("pipe"))
        .status()
        .unwrap();
    assert!(mkfifo.success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("sock")).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"caf\xe9\x1b.log")), "a\n").unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::write(root.join("closed"), "x").unwrap();
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let c = open(root);
    expect_problem(&c, "pipe", "FIFO");
    expect_problem(&c, "sock", "socket");
    assert_eq!(content(&c, "caf\\xe9\\x1b.log"), b"a\n");
    assert_eq!(find(&c, "empty").kind, Kind::Empty);
    // Root reads everything, others do not.
    if rustix_is_root() {
        assert_eq!(content(&c, "closed"), b"x");
    } else {
        expect_problem(&c, "closed", "ermission denied");
    }
}

fn rustix_is_root() -> bool {
    fs::read("/proc/self/status").is_ok_and(|s| s.windows(7).any(|w| w == b"Uid:\t0\t"))
}

#[test]
fn roots_missing_overlapping_and_of_one_name() {
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    for dir in [&a, &b] {
        fs::create_dir_all(dir.path().join("mx/log")).unwrap();
        fs::write(dir.path().join("mx/log/mail.log"), "x\n").unwrap();
    }
    let roots = [
        a.path().join("mx"),
        b.path().join("mx"),
        a.path().join("mx/log/mail.log"),
        a.path().join("nothing"),
        b.path().join("mx"),
    ];
    let c = Collection::open(&roots, &Limits::default(), &|_| {});
    assert_eq!(paths(&c), ["mx/log/mail.log", "mx~2/log/mail.log"]);
    let notes = c
        .problems()
        .iter()
        .filter(|p| p.what.contains("inside another given path"));
    assert_eq!(notes.count(), 2);
    assert!(c.problems().iter().any(|p| p.severity == Severity::Error));
    let c = open(&a.path().join("mx/log/mail.log"));
    assert_eq!(paths(&c), ["mail.log"]);
}

#[test]
fn a_file_replaced_or_cut_after_listing_is_an_error_not_a_crash() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("a"), lines(1000)).unwrap();
    fs::write(dir.path().join("b"), lines(1000)).unwrap();
    let c = open(dir.path());
    let (a, b) = (find(&c, "a").id, find(&c, "b").id);
    let reader = c.reader(a).unwrap();
    fs::File::options()
        .write(true)
        .open(dir.path().join("a"))
        .unwrap()
        .set_len(10)
        .unwrap();
    let mut buf = [0; 100];
    let e = reader.read_at(0, &mut buf).unwrap_err();
    assert!(e.to_string().contains("shorter"), "{e}");
    assert_eq!(c.read_range(a, 0, 10).unwrap(), &lines(1)[..10]);
    fs::write(dir.path().join("new"), lines(1000)).unwrap();
    fs::rename(dir.path().join("new"), dir.path().join("b")).unwrap();
    assert!(c.reader(b).unwrap_err().to_string().contains("replaced"));
}

#[test]
fn a_file_that_grows_while_it_is_read_counts_as_it_was_opened() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("mail.log");
    fs::write(&path, lines(100_000)).unwrap();
    let grown = std::sync::atomic::AtomicBool::new(false);
    let c = Collection::open(std::slice::from_ref(&path), &Limits::default(), &|p| {
        // Progress is told between two reads of the file.
        if p.bytes > 0 && !grown.swap(true, std::sync::atomic::Ordering::SeqCst) {
            let mut f = fs::File::options().append(true).open(&path).unwrap();
            std::io::Write::write_all(&mut f, b"one more\n").unwrap();
        }
    });
    assert_eq!(find(&c, "mail.log").size, lines(100_000).len() as u64);
    expect_problem(&c, "mail.log", "grew while being read");
    assert_eq!(content(&c, "mail.log"), lines(100_000));
}

#[test]
fn maildirs_are_messages_and_compressed_ones_too() {
    let dir = tempdir().unwrap();
    let cur = dir.path().join("mail/alice/Maildir/cur");
    fs::create_dir_all(&cur).unwrap();
    let mail = b"Return-Path: <x@y>\r\nSubject: z\r\n\r\nbody\r\n";
    fs::write(cur.join("1765243800.M1P2.mx,S=40:2,S"), mail).unwrap();
    fs::write(cur.join("1765243801.M1P2.mx,S=40:2,"), gz(mail)).unwrap();
    fs::write(
        dir.path().join("mail/alice/Maildir/dovecot-uidlist"),
        "3 V1 N3\n",
    )
    .unwrap();
    let c = open(dir.path());
    let messages: Vec<_> = c.of_kind(Kind::Message).map(|a| a.logical_path()).collect();
    assert_eq!(
        messages,
        [
            "mail/alice/Maildir/cur/1765243800.M1P2.mx,S=40:2,S",
            "mail/alice/Maildir/cur/1765243801.M1P2.mx,S=40:2,",
        ]
    );
    assert_eq!(c.of_kind(Kind::DovecotUidlist).count(), 1);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Random bytes behind each signature: no panic, and every file is listed.
    #[test]
    fn hostile_bytes_never_panic(which in 0usize..10, tail: Vec<u8>, flips: Vec<(u16, u8)>) {
        let sound = match which {
            0 => gz(&lines(30)),
            1 => bz2(&lines(30)),
            2 => zst(&lines(30)),
            3 => tar(&[("a", b"aaa"), ("b", &lines(20))]),
            4 => zip(&[("a", b"aaa"), ("b", &lines(20))], ::zip::CompressionMethod::Deflated),
            5 => zip(&[("a", b"aaa"), ("b", &lines(20))], ::zip::CompressionMethod::Stored),
            6 => gz(&tar(&[("a", &gz(&lines(5)))])),
            7 => unhex(XZ),
            8 => unhex(LZMA),
            _ => Vec::new(),
        };
        let mut bytes = sound;
        for (at, value) in flips.iter().take(8) {
            let n = bytes.len().max(1);
            if let Some(b) = bytes.get_mut(usize::from(*at) % n) {
                *b ^= value;
            }
        }
        bytes.extend_from_slice(&tail);
        let dir = tempdir().unwrap();
        let name = if which == 8 { "x.lzma" } else { "x" };
        fs::write(dir.path().join(name), &bytes).unwrap();
        let limits = Limits { ratio_floor: 1 << 20, decoded_member: 4 << 20, ..Limits::default() };
        let c = open_with(dir.path(), &limits);
        let panicked = c.problems().iter().any(|p| p.what.contains("decoder failed"));
        proptest::prop_assert!(!panicked);
        proptest::prop_assert_eq!(c.artefacts()[0].size, bytes.len() as u64);
        for a in c.artefacts() {
            proptest::prop_assert_eq!(c.read_all(a.id, usize::MAX).unwrap().len() as u64, a.size);
        }
    }
}
