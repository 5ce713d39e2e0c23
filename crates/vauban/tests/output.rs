//! Where the report goes and where it must not; what is printed, to whom, in which language.

mod common;

use common::*;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn into(evidence: &Path, out: &Path, more: &[&str]) -> Output {
    let mut args = vec![
        "investigate",
        evidence.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    args.extend(more);
    vauban(&args)
}

/// Refused, and nothing made before that was found out.
#[test]
fn a_report_inside_the_evidence_is_refused_before_anything_is_written() {
    let dir = evidence(true);
    let before = snapshot(dir.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(dir.path().join("var"), &link).unwrap();
    for out in [
        dir.path().to_path_buf(),
        dir.path().join("report"),
        dir.path().join("a/b/c"),
        dir.path()
            .join("../")
            .join(dir.path().file_name().unwrap())
            .join("x"),
        link.clone(),
        link.join("report"),
    ] {
        for more in [&[][..], &["--force"]] {
            let output = into(dir.path(), &out, more);
            assert_eq!(output.status.code(), Some(2), "{}", out.display());
            let said = text(&output.stderr);
            assert!(said.contains("inside the evidence"), "{said}");
        }
    }
    assert!(before == snapshot(dir.path()), "the evidence was changed");
}

/// The evidence stands in the report directory, under the name of a file of the report.
#[test]
fn evidence_that_the_report_would_overwrite_is_refused() {
    let out = tempfile::tempdir().unwrap();
    let evidence = out.path().join("events");
    fs::create_dir_all(&evidence).unwrap();
    fs::write(evidence.join("mail.log"), mail_log(true)).unwrap();
    let output = into(&evidence, out.path(), &["--force"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("would be overwritten"));
    // Under any other name it is not in the way.
    let other = out.path().join("mail1");
    fs::rename(&evidence, &other).unwrap();
    assert_eq!(into(&other, out.path(), &[]).status.code(), Some(2));
    assert_eq!(
        into(&other, out.path(), &["--force"]).status.code(),
        Some(1)
    );
    assert_eq!(
        fs::read_to_string(other.join("mail.log")).unwrap(),
        mail_log(true)
    );
}

#[test]
fn an_earlier_report_is_replaced_as_a_whole_and_only_when_asked() {
    let out = tempfile::tempdir().unwrap();
    let (breached, clean) = (evidence(true), evidence(false));
    fs::write(out.path().join("mine"), "x").unwrap();
    let output = into(breached.path(), out.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--force"));
    assert_eq!(files_below(out.path()).len(), 1);

    assert_eq!(
        into(breached.path(), out.path(), &["--force"])
            .status
            .code(),
        Some(1)
    );
    let draft = out.path().join("notifications/gdpr-art33.md");
    let events = out.path().join("events/authentication.parquet");
    assert!(draft.exists() && events.exists());
    // A run that cannot begin leaves it alone.
    let output = into(
        breached.path(),
        out.path(),
        &["--force", "--rules", "/nonexistent"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(draft.exists() && events.exists());
    // A link in the place of a file of the report is replaced, not written through.
    let target = tempfile::NamedTempFile::new().unwrap();
    fs::remove_file(out.path().join("report.html")).unwrap();
    std::os::unix::fs::symlink(target.path(), out.path().join("report.html")).unwrap();
    let output = into(clean.path(), out.path(), &["--force", "--no-events"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!draft.exists(), "a draft of another verdict stays");
    assert!(!events.exists(), "events of another run stay");
    assert_eq!(fs::metadata(target.path()).unwrap().len(), 0);
    assert!(fs::metadata(out.path().join("report.html")).unwrap().len() > 0);
    assert_eq!(fs::read(out.path().join("mine")).unwrap(), b"x");
    let parts = files_below(out.path());
    assert!(
        !parts
            .iter()
            .any(|p| p.extension().is_some_and(|x| x == "part")),
        "{parts:?}"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let dir = evidence(true);
    for out in ["/proc/nowhere", "/dev/null", "/dev/full"] {
        let output = into(dir.path(), Path::new(out), &[]);
        assert_eq!(output.status.code(), Some(2), "{out}");
        assert!(
            text(&output.stderr).contains(out),
            "{}",
            text(&output.stderr)
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_summary_is_one_screen_and_a_pipe_gets_no_progress() {
    let (dir, _) = webmail("Rapport", "rapport.pdf", "Mozilla/5.0 (X11)", "budget");
    let output = vauban(&["investigate", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(shown.starts_with("BREACHED"), "{shown}");
    assert!(shown.lines().count() <= 45, "{shown}");
    assert!(shown.lines().all(|l| l.chars().count() <= 100), "{shown}");
    for stream in [&output.stdout, &output.stderr] {
        assert!(
            !stream.contains(&0x1b) && !stream.contains(&b'\r'),
            "{}",
            text(stream)
        );
    }
    let quiet = vauban(&["investigate", dir.path().to_str().unwrap(), "-q"]);
    assert_eq!(quiet.stdout, output.stdout);
    assert!(quiet.stderr.is_empty(), "{}", text(&quiet.stderr));
}

/// `| head -1`, and a reader that is gone before anything is printed.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let dir = evidence(true);
    fs::write(
        dir.path().join("cut.gz"),
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03cut",
    )
    .unwrap();
    let program = env!("CARGO_BIN_EXE_vauban");
    for (pipe, expected) in [
        ("| head -1", Some("BREACHED")),
        ("--format json | head -1", Some("{")),
        ("2>&1 | true", None),
        (">&- 2>&-", None),
    ] {
        let script =
            format!("\"$0\" investigate \"$1\" {pipe}; echo \"status ${{PIPESTATUS[0]}}\"");
        let output = Command::new("bash")
            .args(["-c", &script, program])
            .arg(dir.path())
            .output()
            .unwrap();
        let shown = text(&output.stdout);
        if let Some(expected) = expected {
            assert!(shown.starts_with(expected), "{pipe}: {shown}");
        }
        // Standard output that is closed from the beginning is an error to tell; a panic is not.
        let status = shown.lines().last().unwrap();
        assert!(
            ["status 1", "status 2"].contains(&status),
            "{pipe}: {shown}"
        );
        assert!(
            pipe.contains(">&-") || status == "status 1",
            "{pipe}: {shown}"
        );
        assert!(
            !text(&output.stderr).contains("panicked"),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn french() {
    let dir = evidence(true);
    let (output, out) = run(dir.path(), &["--lang", "fr"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(shown.contains("INTRUSION AVÉRÉE"), "{shown}");
    assert!(!shown.contains("BREACHED"), "{shown}");
    let html = fs::read_to_string(out.path().join("report.html")).unwrap();
    assert!(html.contains("<html lang=\"fr\""));
    // case.json holds both languages and is the same whichever is chosen.
    let (_, english) = run(dir.path(), &[]);
    let bytes = |dir: &Path| fs::read(dir.join("case.json")).unwrap();
    assert!(bytes(out.path()) == bytes(english.path()));
}
