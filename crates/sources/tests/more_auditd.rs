//! auditd: own lines with the facts expected of them, then Plaso's and CrowdSec's samples.

mod more_common;

use more_common::{Fact, Keep, accounted, parse, recognised, shared, syslog};
use proptest::prelude::*;
use vauban_sources::auditd::AUDITD;

/// What `audit.log` has of one command, an ENRICHED field set after U+001D.
const EXEC: &str = "\
type=SYSCALL msg=audit(1765247400.123:901): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=8 items=2 ppid=800 pid=812 auid=1000 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 sgid=33 fsgid=33 tty=(none) ses=4 comm=\"sh\" exe=\"/usr/bin/dash\" subj=unconfined key=\"web\u{1d}ARCH=x86_64 SYSCALL=execve AUID=\"anne\" UID=\"www-data\" EUID=\"www-data\"
type=EXECVE msg=audit(1765247400.123:901): argc=3 a0=\"sh\" a1=\"-c\" a2=636174202F6574632F706173737764
type=CWD msg=audit(1765247400.123:901): cwd=\"/var/www/html\"
type=PATH msg=audit(1765247400.123:901): item=0 name=\"/usr/bin/sh\" inode=1 dev=fc:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0
type=PROCTITLE msg=audit(1765247400.123:901): proctitle=7368002D6300636174202F657463
";

fn one(keep: &Keep) -> &Fact {
    assert_eq!(keep.facts.len(), 1, "{:?}", keep.facts);
    &keep.facts[0]
}

#[test]
fn a_command_with_its_arguments() {
    let text = EXEC.replace("key=\"web\u{1d}", "key=\"web\"\u{1d}");
    let keep = recognised("var/log/audit/audit.log", &text, "auditd");
    let fact = one(&keep);
    assert_eq!((fact.class, fact.product), (1007, "auditd"));
    assert_eq!(fact.time, "2025-12-09T02:30:00.123000Z");
    assert_eq!(fact.pid, Some(800));
    // All five lines are the evidence.
    assert_eq!(fact.at, (0, text.trim_end().len() as u64));
    fact.says("user", "anne")
        .says("target_user", "www-data")
        .says("command", "sh -c cat /etc/passwd")
        .says("argv", "sh\0-c\0cat /etc/passwd\0")
        .says("directory", "/var/www/html")
        .says("image", "/usr/bin/dash")
        .says("name", "sh")
        .says("rule", "web")
        .says("session", "4")
        .is("pid", "Some(812)")
        .is("parent_pid", "Some(800)")
        .is("status", "Success");
}

#[test]
fn interleaved_events_are_told_apart() {
    let other = EXEC.replace(":901)", ":902)").replace("pid=812", "pid=813");
    let mixed: String = EXEC
        .lines()
        .zip(other.lines())
        .flat_map(|(a, b)| [a, "\n", b, "\n"])
        .collect();
    let keep = parse(&AUDITD, mixed.as_bytes());
    accounted(mixed.as_bytes(), &keep).expect("every line once");
    assert_eq!(keep.facts.len(), 2);
    keep.facts[0].is("pid", "Some(812)");
    keep.facts[1]
        .is("pid", "Some(813)")
        .says("command", "sh -c cat /etc/passwd");
    // Their lines do not stand together: the system call is cited, the rest is ignored.
    assert_eq!(keep.ignored.len(), 8);
}

/// Records of a system call on files, and what is expected: action, path, other path.
#[test]
fn files() {
    let event = |number: u32, args: &str, paths: &[(&str, &str)]| {
        let mut text = format!(
            "type=SYSCALL msg=audit(1765247400.123:7): arch=c000003e syscall={number} success=yes exit=3 {args} ppid=1 pid=2 auid=4294967295 uid=0 euid=0 tty=pts0 ses=4294967295 comm=\"vi\" exe=\"/usr/bin/vi\" key=6373010A6B\n\
             type=CWD msg=audit(1765247400.123:7): cwd=\"/etc\"\n"
        );
        for (at, (kind, name)) in paths.iter().enumerate() {
            text.push_str(&format!(
                "type=PATH msg=audit(1765247400.123:7): item={at} name={name} inode=5 nametype={kind}\n"
            ));
        }
        text
    };
    let parent = ("PARENT", "\"cron.d/\"");
    for (number, args, paths, action, path, other) in [
        (
            257,
            "a0=ffffff9c a1=1 a2=0",
            vec![("NORMAL", "\"/etc/shadow\"")],
            "Read",
            "/etc/shadow",
            "",
        ),
        (
            257,
            "a0=ffffff9c a1=1 a2=80241",
            vec![parent, ("NORMAL", "\"x\"")],
            "Update",
            "x",
            "",
        ),
        (
            257,
            "a0=ffffff9c a1=1 a2=241",
            vec![parent, ("CREATE", "\"x\"")],
            "Create",
            "x",
            "",
        ),
        (
            2,
            "a0=1 a1=2",
            vec![("NORMAL", "6120622E747874")],
            "Update",
            "a b.txt",
            "",
        ),
        (
            87,
            "a0=1",
            vec![parent, ("DELETE", "\"x\"")],
            "Delete",
            "x",
            "",
        ),
        (
            263,
            "a0=1",
            vec![parent, ("DELETE", "\"x\"")],
            "Delete",
            "x",
            "",
        ),
        (
            82,
            "a0=1",
            vec![parent, parent, ("DELETE", "\"old\""), ("CREATE", "\"new\"")],
            "Rename",
            "old",
            "new",
        ),
        (
            90,
            "a0=1",
            vec![("NORMAL", "\"x\"")],
            "SetSecurity",
            "x",
            "",
        ),
        (
            188,
            "a0=1",
            vec![("NORMAL", "\"x\"")],
            "SetAttributes",
            "x",
            "",
        ),
        (
            88,
            "a0=1",
            vec![parent, ("CREATE", "\"link\"")],
            "Create",
            "link",
            "",
        ),
    ] {
        let text = event(number, args, &paths);
        let keep = parse(&AUDITD, text.as_bytes());
        accounted(text.as_bytes(), &keep).expect("every line once");
        let fact = one(&keep);
        assert_eq!(fact.class, 1001);
        fact.is("action", action)
            .says("path", path)
            .says("other_path", other)
            .says("directory", "/etc")
            .says("user", "0")
            .says("image", "/usr/bin/vi")
            .says("rule", "cs,\nk")
            .is("status", "Success");
    }
}

#[test]
fn connections() {
    let text = "\
type=SYSCALL msg=audit(1765247400.123:8): arch=c000003e syscall=42 success=no exit=-115 a0=3 items=0 ppid=1 pid=2 auid=1000 uid=33 euid=33 comm=\"nc\" exe=\"/usr/bin/nc\" key=\"net\"
type=SOCKADDR msg=audit(1765247400.123:8): saddr=020001BBC6336409000000000000000000
type=PROCTITLE msg=audit(1765247400.123:8): proctitle=\"nc\"
";
    let keep = parse(&AUDITD, text.as_bytes());
    let fact = one(&keep);
    fact.is("dst_ip", "Some(198.51.100.9)")
        .is("dst_port", "Some(443)")
        .is("action", "Allowed")
        .says("image", "/usr/bin/nc")
        .says("user", "1000")
        .says("rule", "net");
    // A local socket.
    let local = text.replace("020001BBC6336409000000000000000000", "01002F72756E");
    let keep = parse(&AUDITD, local.as_bytes());
    assert!(keep.facts.is_empty());
    accounted(local.as_bytes(), &keep).expect("every line once");
}

/// Records that stand alone, as they are in `audit.log`, and in syslog.
#[test]
fn user_space() {
    let user = |kind: &str, message: &str| {
        format!(
            "type={kind} msg=audit(1765247400.123:9): pid=77 uid=0 auid=4294967295 ses=4294967295 subj=x msg='{message}'\u{1d}UID=\"root\" AUID=\"unset\""
        )
    };
    let fact = |line: &str| one(&parse(&AUDITD, line.as_bytes())).clone();
    let auth = user(
        "USER_AUTH",
        "op=PAM:authentication grantors=? acct=\"anne\" exe=\"/usr/sbin/sshd\" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=failed",
    );
    let f = fact(&auth);
    assert_eq!(
        (&*f.ip, &*f.user, &*f.status),
        ("192.0.2.7", "anne", "Failure")
    );
    f.is("service", "Ssh")
        .says("method", "authentication")
        .is("attempts", "0");
    // A name that needs encoding; nothing else writes a record of a log-in at the console.
    let f = fact(&user(
        "USER_LOGIN",
        "op=login acct=612027622220 exe=\"/usr/bin/login\" hostname=? addr=? terminal=tty1 res=success",
    ));
    assert_eq!((&*f.user, &*f.status), ("a 'b\" ", "Success"));
    f.is("attempts", "1").is("service", "Other");
    let f = fact(&user(
        "ADD_USER",
        "op=add-user acct=\"eve\" exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=pts/0 res=success",
    ));
    assert_eq!((f.class, &*f.user), (3007, "eve"));
    f.is("activity", "Create").says("actor", "root");
    let f = fact(&user(
        "USER_MGMT",
        "op=add-user-to-group grp=\"sudo\" acct=\"eve\" exe=\"/usr/sbin/usermod\" res=success",
    ));
    f.is("activity", "Other")
        .says("detail", "USER_MGMT add-user-to-group grp=sudo");
    let f = fact(&user(
        "USER_CHAUTHTOK",
        "op=PAM:chauthtok grantors=pam_unix acct=\"eve\" exe=\"/usr/bin/passwd\" hostname=h addr=? res=success",
    ));
    f.is("activity", "PasswordChange").is("status", "Success");
    let f = fact(&user(
        "USER_CMD",
        "cwd=\"/root\" cmd=636174202F6574632F736861646F77 exe=\"/usr/bin/sudo\" terminal=pts/1 res=success",
    ));
    f.says("command", "cat /etc/shadow")
        .says("directory", "/root")
        .says("terminal", "pts/1");
    let f = fact(
        "type=CONFIG_CHANGE msg=audit(1765247400.123:9): auid=0 ses=1 op=remove_rule key=\"x\" list=4 res=1",
    );
    f.is("severity", "Warning");
    let f = fact(
        "type=TTY msg=audit(1765247400.123:9): tty pid=5 uid=0 auid=0 ses=1 major=136 minor=0 comm=\"bash\" data=69640D",
    );
    f.says("text", "TTY comm=bash data=id\r");
    // Steps of a log-in that other records already tell.
    let silent = user(
        "CRED_ACQ",
        "op=PAM:setcred acct=\"anne\" exe=\"/usr/sbin/sshd\" res=success",
    );
    let keep = parse(&AUDITD, silent.as_bytes());
    assert_eq!((keep.facts.len(), keep.ignored.len()), (0, 1));
    for prefix in [
        "Dec  9 02:30:00 mx audispd: ",
        "Dec  9 02:30:00 mx kernel: audit: ",
        "Dec  9 02:30:00 mx kernel: [  12.345] audit: ",
    ] {
        let f = syslog(&format!("{prefix}{auth}").replace("type=USER_AUTH", "type=1100"));
        assert_eq!(
            (&*f.host, f.product, &*f.ip),
            ("mx", "auditd", "192.0.2.7"),
            "{prefix}"
        );
    }
    let bare = auth.replace("type=USER_AUTH msg=audit(1765247400.123:9): ", "USER_AUTH ");
    let f = syslog(&format!("Dec  9 02:30:00 mx audit[77]: {bare}"));
    assert_eq!(
        (&*f.user, f.time.as_str()),
        ("anne", "2026-12-09T02:30:00Z")
    );
}

#[test]
fn samples_of_plaso() {
    let Some(folder) = shared("logs-syslog-hosts/plaso/test_data") else {
        return;
    };
    let text = std::fs::read(folder.join("audit_enriched.log")).expect("file");
    let keep = parse(&AUDITD, &text);
    accounted(&text, &keep).expect("every line once");
    assert!(keep.unparsed.is_empty());
    let find = |what: &str| {
        keep.facts
            .iter()
            .find(|f| f.body.contains(what))
            .unwrap_or_else(|| panic!("no {what}"))
    };
    let added = find("add-user");
    assert_eq!((&*added.user, &*added.status), ("specimenuser", "Success"));
    assert_eq!(added.time, "2026-07-07T08:56:13.160000Z");
    let key = find("pubkey");
    assert_eq!((&*key.ip, &*key.status), ("172.23.112.1", "Failure"));
    let shell = find("grep -c . /etc/hostname");
    shell
        .says("argv", "/bin/sh\0-c\0grep -c . /etc/hostname\0")
        .says("rule", "specimen_exec")
        .says("user", "root");
    let text = std::fs::read(folder.join("selinux.log")).expect("file");
    let keep = parse(&AUDITD, &text);
    accounted(&text, &keep).expect("every line once");
    // Plaso skips the same four: no milliseconds, no time, no type, no `type=`.
    assert_eq!(keep.unparsed.len(), 4);
    find_in(&keep, "locale-archive").is("severity", "Info");
}

#[track_caller]
fn find_in<'k>(keep: &'k Keep, what: &str) -> &'k Fact {
    keep.facts
        .iter()
        .find(|f| f.body.contains(what))
        .unwrap_or_else(|| panic!("no {what}"))
}

/// What CrowdSec's parser says of each line: time, serial, program, user, parent.
#[test]
fn assertions_of_crowdsec() {
    let Some(folder) = shared("logs-crowdsec/tests/auditd-logs") else {
        return;
    };
    let log = std::fs::read_to_string(folder.join("auditd-logs.log")).expect("log");
    let asserts = std::fs::read_to_string(folder.join("parser.assert")).expect("assertions");
    let keep = parse(&AUDITD, log.as_bytes());
    accounted(log.as_bytes(), &keep).expect("every line once");
    let mut compared = 0;
    for index in 0.. {
        let prefix = format!("results[\"s01-parse\"][\"crowdsecurity/auditd-logs\"][{index}].");
        let get = |key: &str| {
            let start = format!("{prefix}{key} == \"");
            asserts
                .lines()
                .find_map(|l| l.strip_prefix(&start))
                .map(|v| v.trim_end_matches('"').to_owned())
        };
        let Some(pid) = get("Evt.Unmarshaled[\"auditd\"][\"pid\"]") else {
            break;
        };
        let fact = keep.facts.get(index).expect("an event for each line");
        let exe = get("Evt.Meta[\"exe\"]").expect("exe");
        let success = get("Evt.Unmarshaled[\"auditd\"][\"success\"]").expect("success");
        fact.is("pid", &format!("Some({pid})"))
            .says("image", &exe)
            .says("user", &get("Evt.Meta[\"auid\"]").expect("auid"))
            .says("terminal", &get("Evt.Meta[\"tty\"]").expect("tty"))
            .is(
                "status",
                if success == "yes" {
                    "Success"
                } else {
                    "Failure"
                },
            );
        assert_eq!(
            fact.pid,
            get("Evt.Meta[\"ppid\"]").expect("ppid").parse().ok()
        );
        compared += 1;
    }
    assert_eq!(compared, 4);
}

/// fail2ban's lines, those it does not count for a failure of their own included: each is one, from
/// the address labelled, and what it counts at the time labelled (its tests run in Zurich).
#[test]
fn lines_of_fail2ban() {
    let Some(file) = shared("logs-fail2ban/fail2ban/tests/files/logs/selinux-ssh") else {
        return;
    };
    let text = std::fs::read_to_string(file).expect("file");
    let mut label: Option<serde_json::Value> = None;
    let mut users = Vec::new();
    for line in text.lines() {
        if let Some(json) = line.strip_prefix("# failJSON: ") {
            label = serde_json::from_str(json).ok();
            continue;
        }
        let Some(label) = label.take() else { continue };
        let keep = parse(&AUDITD, line.as_bytes());
        let fact = one(&keep);
        assert_eq!((fact.class, &*fact.status), (3002, "Failure"), "{line}");
        assert_eq!(Some(&*fact.ip), label["host"].as_str(), "{line}");
        let time = label["time"].as_str().expect("time");
        let time: jiff::civil::DateTime = time.parse().expect("time");
        let time = time.in_tz("Europe/Zurich").expect("zone").timestamp();
        // fail2ban checks the times only of what it counts, and some of the others are wrong.
        if label["match"] == true {
            let expected = time.to_string();
            assert_eq!(fact.time.get(..19), expected.get(..19), "{line}");
        }
        users.push(fact.user.clone());
    }
    let names = [
        "root", "", "", "", "sshd", "", "", "root", "dan", "dan", "root",
    ];
    assert_eq!(users, names);
}

proptest! {
    #[test]
    fn every_line_once_whatever_comes(
        lines in prop::collection::vec(
            prop_oneof![
                "type=(SYSCALL|EXECVE|PATH|CWD|PROCTITLE|EOE|LOGIN|USER_AUTH|SOCKADDR|AVC) msg=audit\\(1[0-9]{2}\\.[0-9]{3}:[0-9]\\): [a-z0-9]{1,6}=[\"'0-9A-F= ]{0,20}",
                "type=SYSCALL msg=audit\\(100\\.000:[0-9]\\): arch=c000003e syscall=(2|59|42|82|257) a0=\"\" a1[0-9]=41 saddr=[0-9A-F]{0,8}",
                "\\PC{0,40}",
            ],
            0..30,
        )
    ) {
        let text = lines.join("\n");
        let keep = parse(&AUDITD, text.as_bytes());
        prop_assert_eq!(accounted(text.as_bytes(), &keep), Ok(()));
    }
}
