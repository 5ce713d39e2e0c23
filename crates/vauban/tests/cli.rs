//! Arguments, help, man pages, completions.

mod common;

use common::*;
use std::fs;
use std::process::Command;

#[test]
fn help_and_mistakes() {
    let help = vauban(&["investigate", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Exit status"));
    // Without arguments: the help, and the status of what could not run.
    for args in [&[][..], &["investigate"]] {
        let output = vauban(args);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("Exit status"), "{args:?}");
    }
    for (args, named) in [
        (&["nonsense"][..], "nonsense"),
        (&["investigate", ".", "--threads", "0"], "--threads"),
        (&["investigate", ".", "--threads", "70000"], "--threads"),
        (&["investigate", ".", "--lang", "tlh"], "en, fr"),
        (&["investigate", ".", "--force"], "--out"),
    ] {
        let output = vauban(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = text(&output.stderr);
        assert!(said.contains(named), "{said}");
    }
    assert!(text(&vauban(&["--version"]).stdout).starts_with("vauban 0."));
}

#[test]
fn man_pages_for_every_command_a_user_sees() {
    let dir = tempfile::tempdir().unwrap();
    let output = vauban(&["man", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let names: Vec<String> = files_below(dir.path())
        .iter()
        .map(|p| p.file_name().unwrap().to_str().unwrap().to_string())
        .collect();
    assert_eq!(
        names,
        [
            "vauban-hunt.1",
            "vauban-investigate.1",
            "vauban-rules.1",
            "vauban-watch.1",
            "vauban.1"
        ]
    );
    let page = fs::read_to_string(dir.path().join("vauban-investigate.1")).unwrap();
    for part in [
        "\\-\\-advisory",
        ".SH \"EXIT STATUS\"",
        ".SH FILES",
        ".SH EXAMPLES",
        "EVIDENCE\\fR>...",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.starts_with(".TH VAUBAN-INVESTIGATE 1 "), "{page}");
    let page = fs::read_to_string(dir.path().join("vauban.1")).unwrap();
    assert!(page.contains("vauban\\-investigate(1)"), "{page}");
    assert!(
        !page.contains("help(1)") && !page.contains("completions"),
        "{page}"
    );
}

#[test]
fn completions_complete_in_bash() {
    let dir = tempfile::tempdir().unwrap();
    let output = vauban(&["completions", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for name in ["vauban.bash", "_vauban", "vauban.fish"] {
        assert!(
            fs::metadata(dir.path().join(name)).unwrap().len() > 500,
            "{name}"
        );
    }
    let complete = |words: &str| {
        let script = format!(
            "source {0}/vauban.bash; COMP_WORDS=(vauban {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _vauban vauban \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            dir.path().display()
        );
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(dir.path())
            .output()
            .unwrap();
        text(&output.stdout)
    };
    assert!(complete("inv").contains("investigate"));
    for name in ["vauban.bash", "_vauban", "vauban.fish"] {
        let script = fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(
            script.contains("rules") && !script.contains("completions for"),
            "{name}"
        );
    }
    assert!(complete("investigate --adv").contains("--advisory"));
    assert!(complete("investigate --lang \"\"").contains("fr"));
    // Files of the directory.
    assert!(complete("investigate --advisory vauban.f").contains("vauban.fish"));
}
