//! Broken, absurd and moving evidence: each a clear message that names file and offset, the rest
//! processed, the exit code by contract.

mod common;

use common::*;
use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

/// KiB of memory that no small evidence may take, whatever it unpacks to.
const MEMORY: u64 = 512 << 10;
/// More than any of these runs may take, even unoptimised on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn nothing_useful_and_nothing_there() {
    let empty = tempfile::tempdir().unwrap();
    let (output, out) = run(empty.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("no log, mail store") && said.contains("0 files"),
        "{said}"
    );
    assert!(output.stdout.is_empty(), "no verdict on nothing");
    assert!(!out.path().join("report.html").exists());

    fs::write(empty.path().join("poem.txt"), "roses are red\n").unwrap();
    let (output, out) = run(empty.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("1 file looked at"));
    // What was looked at can be looked up.
    let manifest = fs::read_to_string(out.path().join("manifest.json")).unwrap();
    assert!(manifest.contains("poem.txt"));

    let missing = empty.path().join("nowhere");
    let output = vauban(&["investigate", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere"));
    // One of several that is missing is a mistake, not something to pass over.
    let dir = evidence(true);
    let output = vauban(&[
        "investigate",
        dir.path().to_str().unwrap(),
        missing.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere"));
}

#[test]
fn a_cut_tar_is_read_as_far_as_it_goes() {
    let packed = tar_gz(evidence(true).path());
    let dir = evidence(true);
    fs::write(dir.path().join("cut.tar.gz"), &packed[..packed.len() / 2]).unwrap();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let cut = expect_problem(out.path(), "cut.tar.gz", "");
    assert!(cut["offset"].is_u64(), "{cut}");
    assert!(text(&output.stderr).contains("cut.tar.gz"));
    assert_eq!(case(out.path())["verdict"], "breached");
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let how = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*name, how).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_cut_zip_is_read_as_far_as_it_goes() {
    let log = mail_log(true);
    let noise: Vec<u8> = (0..200_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let packed = zip(&[("var/log/mail.log", log.as_bytes()), ("noise.bin", &noise)]);
    let dir = tempfile::tempdir().unwrap();
    // Without its directory, which stands at the end.
    fs::write(dir.path().join("cut.zip"), &packed[..packed.len() - 1000]).unwrap();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("cut.zip"),
        "{}",
        text(&output.stderr)
    );
    let cut = expect_problem(out.path(), "cut.zip", "");
    assert!(cut["offset"].is_u64(), "{cut}");
    // The log stood before the cut.
    assert_eq!(case(out.path())["verdict"], "breached");
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0u8; 300 << 20];
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(&zeros).unwrap();
    let gz = gz.finish().unwrap();
    let inner = zip(&[("zeros", &zeros)]);
    // Many times the same inside: what is counted is what one file on disk unpacks to.
    let names: Vec<String> = (0..40).map(|n| format!("layer{n}.zip")).collect();
    let members: Vec<(&str, &[u8])> = names
        .iter()
        .map(|n| (n.as_str(), inner.as_slice()))
        .collect();
    let nested = zip(&members);
    drop(zeros);
    let dir = evidence(true);
    fs::write(dir.path().join("bomb.gz"), gz).unwrap();
    fs::write(dir.path().join("nested.zip"), nested).unwrap();
    let before = Instant::now();
    let (output, out, memory) = run_watched(dir.path(), &["--quiet"]);
    assert!(before.elapsed() < PATIENCE, "{:?}", before.elapsed());
    assert!(memory > 0 && memory < MEMORY, "{memory} KiB");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    for bomb in ["bomb.gz", "nested.zip"] {
        let problem = expect_problem(out.path(), bomb, "bomb");
        assert!(problem["offset"].is_u64(), "{problem}");
    }
    assert_eq!(case(out.path())["verdict"], "breached");
}

#[test]
fn broken_lines_cost_only_themselves() {
    let dir = evidence(true);
    let path = dir.path().join("var/log/mail.log");
    let mut log = fs::read(&path).unwrap();
    log.extend(b"Dec  8 03:00:00 mail dovecot: \xff\xfe\x00\x00 imap-login: Login: user=<\xff>\n");
    log.extend(b"\n\0\0\0\0\n");
    log.extend(mail_log(false).as_bytes());
    fs::write(&path, log).unwrap();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let case = case(out.path());
    assert_eq!(case["verdict"], "breached");
    let log = syslog(&case);
    assert!(log["unparsed"].as_u64().unwrap() >= 1, "{log}");
    assert!(log["unparsed_samples"][0]["offset"].as_u64().unwrap() > 1000);
    // Every line that is not empty is accounted for.
    let count = |what: &str| log[what].as_u64().unwrap();
    let log_now = fs::read(&path).unwrap();
    let lines = log_now.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    let lines = lines.count() as u64;
    assert!(
        count("events") + count("ignored") + count("unparsed") >= lines,
        "{log}"
    );
}

fn syslog(case: &serde_json::Value) -> serde_json::Value {
    let all = case["coverage"].as_array().unwrap().iter();
    all.clone()
        .find(|c| c["source"] == "syslog")
        .unwrap()
        .clone()
}

/// 200 MB without a line end, in the middle of a log: as letters, and as the zeros that a sparse
/// file or a disk that lost its blocks gives.
#[test]
fn a_line_of_200_megabytes_costs_only_itself() {
    const LINE: u64 = 200 << 20;
    let start = mail_log(true).len() as u64;
    for letter in [Some(b'x'), None] {
        let dir = evidence(true);
        let path = dir.path().join("var/log/mail.log");
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        match letter {
            Some(letter) => {
                let block = vec![letter; 1 << 20];
                (0..LINE >> 20).for_each(|_| file.write_all(&block).unwrap());
            }
            None => file.set_len(start + LINE).unwrap(),
        }
        let after = "\nDec  9 07:00:00 mail dovecot: imap-login: Login: user=<late@min.example>, method=PLAIN, rip=10.1.1.7, lip=10.1.1.2, mpid=5, session=<lateAAAA>\n";
        file.write_all(after.as_bytes()).unwrap();
        let before = Instant::now();
        let (output, out, memory) = run_watched(dir.path(), &["--threads", "2"]);
        assert!(before.elapsed() < PATIENCE, "{:?}", before.elapsed());
        assert!(memory > 0 && memory < MEMORY, "{memory} KiB");
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let case = case(out.path());
        assert_eq!(case["verdict"], "breached");
        let samples = syslog(&case)["unparsed_samples"].clone();
        let said = samples
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["offset"] == start);
        assert!(said, "{samples}");
        // What stands after it was read.
        assert!(
            fs::read_to_string(out.path().join("case.json"))
                .unwrap()
                .contains("late@min.example")
        );
    }
}

/// Run by one who may not read everything; and if that is root, who may, by somebody else.
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let dir = evidence(true);
    let closed = dir.path().join("var/log/closed.log");
    fs::write(&closed, mail_log(true)).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    fs::create_dir(dir.path().join("closed")).unwrap();
    fs::set_permissions(dir.path().join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("out");
    let root = fs::metadata(work.path()).unwrap().uid() == 0;
    let program = work.path().join("vauban");
    fs::copy(env!("CARGO_BIN_EXE_vauban"), &program).unwrap();
    let mut command = Command::new(&program);
    if root {
        use std::os::unix::process::CommandExt as _;
        for (path, mode) in [(work.path(), 0o777), (dir.path(), 0o755)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        command.uid(65534).gid(65534);
    }
    let output = command
        .arg("investigate")
        .arg(dir.path())
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    fs::set_permissions(dir.path().join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(case(&out)["verdict"], "breached");
    for path in ["var/log/closed.log", "closed"] {
        let problem = expect_problem(&out, path, "ermission denied");
        assert_eq!(problem["severity"], "error");
        assert!(text(&output.stderr).contains(path));
    }
}

/// A live log: written to all the time while it is read.
#[test]
fn a_log_that_grows_counts_as_it_was_opened() {
    let dir = evidence(true);
    let path = dir.path().join("var/log/mail.log");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for _ in 0..50 {
                    file.write_all(
                        b"Dec  9 07:00:00 mail postfix/smtpd[7]: connect from unknown[192.0.2.7]\n",
                    )
                    .unwrap();
                }
                std::thread::sleep(Duration::from_micros(300));
            }
        });
        let results: Vec<_> = (0..3).map(|_| run(dir.path(), &[])).collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let mut sizes = Vec::new();
        for (output, out) in results {
            assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
            assert_eq!(case(out.path())["verdict"], "breached");
            let manifest: serde_json::Value =
                serde_json::from_slice(&fs::read(out.path().join("manifest.json")).unwrap())
                    .unwrap();
            let all = manifest["artefacts"].as_array().unwrap();
            let log = all
                .iter()
                .find(|a| a["path"] == "var/log/mail.log")
                .unwrap();
            sizes.push(log["size"].as_u64().unwrap());
        }
        // It did grow, or this test shows nothing.
        assert!(sizes[0] < sizes[2], "{sizes:?}");
    });
}

/// Opening a FIFO waits for its writer; a device never ends.
#[test]
fn what_is_no_file_is_not_opened() {
    let dir = evidence(true);
    let fifo = dir.path().join("var/log/fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    let before = Instant::now();
    let (output, out) = run(dir.path(), &[]);
    assert!(before.elapsed() < PATIENCE);
    assert_eq!(output.status.code(), Some(1));
    expect_problem(out.path(), "var/log/fifo", "FIFO");
    expect_problem(out.path(), "socket", "socket");
}
