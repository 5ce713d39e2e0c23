//! What audit records say happened.

use super::fields::{Record, decode, fields, hex};
use super::syscalls;
use crate::field;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vauban_ocsf::{
    AccountActivity, AccountChange, Body, Event, EventSink, Evidence, FileAction, FileActivity,
    Logon, Message, NetAction, Network, NetworkExtra, ProcessLaunch, Product, Service, Severity,
    Status,
};

/// Reads a record that stands alone; always accounts for it.
pub(crate) fn single(record: &Record<'_>, evidence: Evidence, sink: &mut dyn EventSink) {
    if !alone(record, evidence, sink) {
        sink.ignored(evidence, Some(record.time));
    }
}

/// Reads the records of one event of the kernel. How many events they gave.
pub(super) fn joined(
    records: &[(Record<'_>, Evidence)],
    evidence: Evidence,
    sink: &mut dyn EventSink,
) -> usize {
    let mut count = 0;
    for (record, _) in records {
        let told = match record.kind {
            "SYSCALL" => syscall(record, records, evidence, sink),
            "EXECVE" if !records.iter().any(|(r, _)| r.kind == "SYSCALL") => {
                launch(None, record, records, evidence, sink);
                true
            }
            _ => alone(record, evidence, sink),
        };
        count += usize::from(told);
    }
    count
}

fn give(
    record: &Record<'_>,
    pid: Option<u32>,
    evidence: Evidence,
    body: Body<'_>,
    sink: &mut dyn EventSink,
) {
    sink.event(&Event {
        time: record.time,
        evidence,
        product: Product::Auditd,
        host: record.node,
        pid,
        body,
    });
}

/// `res=success`, `res=1`, `success=yes` and their contraries.
fn outcome(word: &str) -> Status {
    match word {
        "success" | "1" | "yes" => Status::Success,
        "failed" | "0" | "no" => Status::Failure,
        _ => Status::Unknown,
    }
}

/// Reads a record by itself; `false` if it holds nothing to keep.
fn alone(r: &Record<'_>, evidence: Evidence, sink: &mut dyn EventSink) -> bool {
    let status = outcome(r.raw("res"));
    match r.kind {
        "USER_AUTH" | "USER_LOGIN" => logon(r, evidence, status, sink),
        // Success says that the account is not locked; only a refusal decides a log-in.
        "USER_ACCT" if status == Status::Failure => logon(r, evidence, status, sink),
        // PAM was given no name that is an account's.
        "USER_ERR" if r.raw("op") == "PAM:bad_ident" => logon(r, evidence, status, sink),
        "USER_CHAUTHTOK" | "ADD_USER" | "DEL_USER" | "ADD_GROUP" | "DEL_GROUP" | "USER_MGMT"
        | "GRP_MGMT" | "GRP_CHAUTHTOK" | "ACCT_LOCK" | "ACCT_UNLOCK" => {
            account(r, evidence, status, sink)
        }
        "USER_CMD" => command(r, evidence, status, sink),
        "TTY" | "USER_TTY" => typed(r, evidence, sink),
        "CONFIG_CHANGE" | "DAEMON_END" | "DAEMON_ABORT" | "DAEMON_CONFIG" | "KERN_MODULE"
        | "MAC_STATUS" | "MAC_CONFIG_CHANGE" | "NETFILTER_CFG" => {
            message(r, evidence, Severity::Warning, sink)
        }
        kind if kind.starts_with("ANOM_") => message(r, evidence, Severity::Warning, sink),
        "AVC" | "USER_AVC" | "SECCOMP" | "SERVICE_START" | "SERVICE_STOP" | "DAEMON_START"
        | "DAEMON_ROTATE" | "BPF" | "USER_ERR" => message(r, evidence, Severity::Info, sink),
        _ => return false,
    }
    true
}

/// The record as logged, with its type before it.
fn message(r: &Record<'_>, evidence: Evidence, severity: Severity, sink: &mut dyn EventSink) {
    let text = format!("{} {}", r.kind, r.text);
    let body = Body::Message(Message {
        severity,
        text: &text,
        src_ip: field::ip(r.raw("addr")),
        user: r.actor(),
    });
    give(r, r.number("pid"), evidence, body, sink);
}

fn logon(r: &Record<'_>, evidence: Evidence, status: Status, sink: &mut dyn EventSink) {
    let exe = r.text_of("exe");
    let program = exe.rsplit('/').next().unwrap_or_default();
    let service = match program {
        "sshd" | "sshd-session" | "sshd-auth" => Service::Ssh,
        "sudo" | "su" | "pkexec" | "doas" => Service::Sudo,
        _ => Service::Other,
    };
    // These write records of their own that count the attempt; USER_AUTH is one step of it.
    let counted = service != Service::Other || r.kind != "USER_LOGIN";
    let account = account_of(r);
    let host = host_of(r);
    let body = Body::Logon(Logon {
        service,
        status,
        user: &account,
        src_ip: address_of(r),
        src_host: host,
        method: method(r.raw("op")),
        attempts: u32::from(!counted),
        detail: &exe,
        ..Logon::default()
    });
    give(r, r.number("pid"), evidence, body, sink);
}

/// `op=PAM:authentication`, `op=pubkey`, `op=login`.
fn method(op: &str) -> &str {
    op.strip_prefix("PAM:").unwrap_or(op)
}

/// The account's name; where only its number is known (`id=1000`), the number.
fn account_of<'a>(r: &Record<'a>) -> Cow<'a, str> {
    // `acct` before `id`: the name is what was typed.
    let name = r.text_of("acct");
    match &*name {
        "" => {}
        // sshd does not say what was typed.
        "?" | "(unknown user)" | "(invalid user)" => return "".into(),
        _ => return name,
    }
    let resolved = r.enriched("ID");
    if !resolved.is_empty() && !resolved.starts_with("unknown(") {
        return resolved.into();
    }
    match r.said("id") {
        "4294967295" | "unknown(4294967295)" => "".into(),
        id => id.into(),
    }
}

fn address_of(r: &Record<'_>) -> Option<IpAddr> {
    field::ip(r.raw("addr")).or_else(|| field::ip(r.raw("hostname")))
}

fn host_of<'a>(r: &Record<'a>) -> &'a str {
    match r.raw("hostname") {
        "?" | "(null)" => "",
        name if field::ip(name).is_some() => "",
        name => name,
    }
}

/// Operations are those of shadow's `audit_logger` calls and of pam_unix.
fn account(r: &Record<'_>, evidence: Evidence, status: Status, sink: &mut dyn EventSink) {
    let op = r.raw("op");
    let activity = match r.kind {
        "ADD_USER" if !op.contains("group") && !op.contains("home") => AccountActivity::Create,
        "DEL_USER" if !op.contains("group") && !op.contains("home") => AccountActivity::Delete,
        "USER_CHAUTHTOK"
            if op.contains("chauthtok") || op.contains("password") && !op.contains("aging") =>
        {
            AccountActivity::PasswordChange
        }
        _ => AccountActivity::Other,
    };
    let name = account_of(r);
    let group = r.text_of("grp");
    let mut detail = format!("{} {op}", r.kind);
    if !group.is_empty() {
        detail.push_str(" grp=");
        detail.push_str(&group);
    }
    let body = Body::Account(AccountChange {
        activity,
        user: &name,
        actor: r.actor(),
        src_ip: address_of(r),
        status,
        detail: &detail,
    });
    give(r, r.number("pid"), evidence, body, sink);
}

/// sudo's own record of a command.
fn command(r: &Record<'_>, evidence: Evidence, status: Status, sink: &mut dyn EventSink) {
    let (command, directory) = (decode(r.said("cmd")), decode(r.said("cwd")));
    let terminal = match r.said("terminal") {
        "?" => "",
        terminal => terminal,
    };
    let body = Body::Process(ProcessLaunch {
        user: r.actor(),
        command: &command,
        directory: &directory,
        status,
        session: session(r),
        terminal,
        ..ProcessLaunch::default()
    });
    give(r, r.number("pid"), evidence, body, sink);
}

fn session<'a>(r: &Record<'a>) -> &'a str {
    match r.raw("ses") {
        "4294967295" | "-1" | "unset" => "",
        session => session,
    }
}

/// What was typed (pam_tty_audit).
fn typed(r: &Record<'_>, evidence: Evidence, sink: &mut dyn EventSink) {
    let data = r.text_of("data");
    let comm = r.text_of("comm");
    let text = format!("{} comm={comm} data={data}", r.kind);
    let body = Body::Message(Message {
        text: &text,
        user: r.actor(),
        ..Message::default()
    });
    give(r, r.number("pid"), evidence, body, sink);
}

/// What the system call was for. `false`: nothing to keep.
fn syscall(
    r: &Record<'_>,
    records: &[(Record<'_>, Evidence)],
    evidence: Evidence,
    sink: &mut dyn EventSink,
) -> bool {
    let name = match r.enriched("SYSCALL") {
        "" => syscalls::name(r.raw("arch"), r.raw("syscall").parse().unwrap_or(u32::MAX)),
        name => name,
    };
    match name {
        "execve" | "execveat" => {
            let arguments = records.iter().find(|(e, _)| e.kind == "EXECVE");
            launch(
                Some(r),
                arguments.map_or(r, |(e, _)| e),
                records,
                evidence,
                sink,
            );
            true
        }
        "connect" | "accept" | "accept4" | "bind" | "sendto" => {
            network(r, name, records, evidence, sink)
        }
        _ => match file_action(name) {
            Some(action) => file(r, name, action, records, evidence, sink),
            None => {
                // Some rule asked for it, or it was refused.
                let key = r.raw("key");
                if key == "(null)" || key.is_empty() {
                    return false;
                }
                let named = if name.is_empty() {
                    String::new()
                } else {
                    format!(" SYSCALL={name}")
                };
                let text = format!("SYSCALL {}{named}", r.text);
                let body = Body::Message(Message {
                    text: &text,
                    user: r.actor(),
                    ..Message::default()
                });
                give(r, r.number("pid"), evidence, body, sink);
                true
            }
        },
    }
}

/// The keys of the rule; several are parted by U+0001.
fn rule(r: &Record<'_>) -> String {
    r.text_of("key").replace('\u{1}', ",")
}

fn directory(records: &[(Record<'_>, Evidence)]) -> String {
    records
        .iter()
        .find(|(c, _)| c.kind == "CWD")
        .map(|(c, _)| c.text_of("cwd").into_owned())
        .unwrap_or_default()
}

/// A program was started. `arguments` is the EXECVE record if there is one.
fn launch(
    call: Option<&Record<'_>>,
    arguments: &Record<'_>,
    records: &[(Record<'_>, Evidence)],
    evidence: Evidence,
    sink: &mut dyn EventSink,
) {
    let mut argv = String::new();
    // Long argument lists are spread over several records.
    for (record, _) in records.iter().filter(|(e, _)| e.kind == "EXECVE") {
        argv.push_str(&argument_list(record.text));
    }
    if argv.is_empty()
        && let Some((title, _)) = records.iter().find(|(t, _)| t.kind == "PROCTITLE")
    {
        // Cut at 128 octets by the kernel, arguments ended by NUL.
        argv = title.text_of("proctitle").into_owned();
        argv.push('\0');
    }
    let command = argv
        .trim_end_matches('\0')
        .split('\0')
        .collect::<Vec<_>>()
        .join(" ");
    let r = call.unwrap_or(arguments);
    let (image, name) = (r.text_of("exe"), r.text_of("comm"));
    let directory = directory(records);
    let rule = rule(r);
    let terminal = r.text_of("tty");
    let body = Body::Process(ProcessLaunch {
        user: r.actor(),
        target_user: r.user("euid"),
        command: &command,
        directory: &directory,
        status: outcome(r.raw("success")),
        image: &image,
        name: &name,
        argv: &argv,
        pid: r.number("pid"),
        parent_pid: r.number("ppid"),
        session: session(r),
        terminal: &terminal,
        rule: &rule,
    });
    give(r, r.number("ppid"), evidence, body, sink);
}

/// `argc=3 a0="/bin/sh" a1="-c" a2=6964`, and pieces of long ones `a2_len=… a2[0]=… a2[1]=…`: the
/// arguments, each ended by NUL.
fn argument_list(text: &str) -> String {
    let mut list: Vec<u8> = Vec::new();
    let mut open: Option<&str> = None;
    fields(text, |key, value| {
        let Some(number) = key.strip_prefix('a') else {
            return;
        };
        if !number.starts_with(|c: char| c.is_ascii_digit()) || number.ends_with("_len") {
            return;
        }
        let piece = number.split_once('[').map(|(number, _)| number);
        if open.is_some() && open != piece {
            list.push(0);
        }
        open = piece;
        match value.strip_prefix('"') {
            Some(quoted) => {
                list.extend_from_slice(quoted.strip_suffix('"').unwrap_or(quoted).as_bytes());
            }
            None => match hex(value) {
                Some(bytes) => list.extend_from_slice(&bytes),
                None => list.extend_from_slice(value.as_bytes()),
            },
        }
        if piece.is_none() {
            list.push(0);
        }
    });
    if open.is_some() {
        list.push(0);
    }
    String::from_utf8_lossy(&list).into_owned()
}

fn file_action(name: &str) -> Option<FileAction> {
    Some(match name {
        "open" | "openat" | "openat2" => FileAction::Open,
        "creat" | "mkdir" | "mkdirat" | "mknod" | "mknodat" => FileAction::Create,
        "truncate" | "ftruncate" => FileAction::Update,
        "unlink" | "unlinkat" | "rmdir" => FileAction::Delete,
        "rename" | "renameat" | "renameat2" | "link" | "linkat" | "symlink" | "symlinkat" => {
            FileAction::Rename
        }
        "chmod" | "fchmod" | "fchmodat" | "fchmodat2" | "chown" | "fchown" | "lchown"
        | "fchownat" => FileAction::SetSecurity,
        "setxattr" | "lsetxattr" | "fsetxattr" | "removexattr" | "lremovexattr"
        | "fremovexattr" | "utimensat" => FileAction::SetAttributes,
        _ => return None,
    })
}

/// `O_WRONLY` and `O_RDWR`, the same on every architecture here.
const WRITES: u32 = 0o3;

fn file(
    r: &Record<'_>,
    name: &str,
    mut action: FileAction,
    records: &[(Record<'_>, Evidence)],
    evidence: Evidence,
    sink: &mut dyn EventSink,
) -> bool {
    let mut paths: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (p, _) in records.iter().filter(|(p, _)| p.kind == "PATH") {
        paths.push((p.raw("nametype"), p.text_of("name")));
    }
    let of = |kind: &str| {
        paths
            .iter()
            .find(|(nametype, name)| *nametype == kind && !name.is_empty())
            .map(|(_, name)| &**name)
    };
    let any = paths
        .iter()
        .rev()
        .find(|(nametype, _)| *nametype != "PARENT")
        .or_else(|| paths.last())
        .map_or("", |(_, name)| &**name);
    let mut other = "";
    let path = match action {
        FileAction::Rename => {
            let (old, new) = (of("DELETE").or_else(|| of("NORMAL")), of("CREATE"));
            match (old, new) {
                (Some(old), Some(new)) => {
                    other = new;
                    old
                }
                // A symbolic link: what it points to has no PATH record.
                (None, Some(new)) => {
                    action = FileAction::Create;
                    new
                }
                (old, None) => old.unwrap_or(any),
            }
        }
        FileAction::Delete => of("DELETE").unwrap_or(any),
        FileAction::Open => {
            let flags = match name {
                "open" => r.raw("a1"),
                "openat" => r.raw("a2"),
                // openat2's flags are behind a pointer; a record of their own has them.
                _ => records
                    .iter()
                    .find(|(o, _)| o.kind == "OPENAT2")
                    .map_or("", |(o, _)| o.raw("oflag")),
            };
            let flags = u32::from_str_radix(
                flags.strip_prefix("0x").unwrap_or(flags),
                if name == "openat2" && !flags.starts_with("0x") {
                    8
                } else {
                    16
                },
            );
            action = match (of("CREATE"), flags) {
                (Some(_), _) => FileAction::Create,
                (None, Ok(flags)) if flags & WRITES != 0 => FileAction::Update,
                (None, Ok(_)) => FileAction::Read,
                (None, Err(_)) => FileAction::Open,
            };
            of("CREATE").or_else(|| of("NORMAL")).unwrap_or(any)
        }
        FileAction::Create => of("CREATE").unwrap_or(any),
        _ => of("NORMAL").unwrap_or(any),
    };
    let (image, comm) = (r.text_of("exe"), r.text_of("comm"));
    let directory = directory(records);
    let rule = rule(r);
    let body = Body::File(FileActivity {
        action,
        status: outcome(r.raw("success")),
        path,
        other_path: other,
        directory: &directory,
        user: r.actor(),
        target_user: r.user("euid"),
        image: &image,
        name: &comm,
        operation: name,
        rule: &rule,
        ..FileActivity::default()
    });
    give(r, r.number("pid"), evidence, body, sink);
    true
}

/// A connection by system call. Those to local sockets are not kept.
fn network(
    r: &Record<'_>,
    name: &str,
    records: &[(Record<'_>, Evidence)],
    evidence: Evidence,
    sink: &mut dyn EventSink,
) -> bool {
    let address = records
        .iter()
        .find(|(s, _)| s.kind == "SOCKADDR")
        .and_then(|(s, _)| socket_address(s.raw("saddr")));
    let Some((ip, port)) = address else {
        return false;
    };
    let image = r.text_of("exe");
    let rule = rule(r);
    // A connection that is not waited for fails with EINPROGRESS.
    let under_way = r.raw("exit") == "-115" || r.raw("exit") == "EINPROGRESS";
    let failed = outcome(r.raw("success")) == Status::Failure && !under_way;
    let mut flow = Network {
        action: if failed {
            NetAction::Unknown
        } else {
            NetAction::Allowed
        },
        state: name,
        extra: Some(Box::new(NetworkExtra {
            image: &image,
            user: r.actor(),
            rule: &rule,
            ..NetworkExtra::default()
        })),
        ..Network::default()
    };
    if name.starts_with("accept") {
        (flow.src_ip, flow.src_port) = (Some(ip), port);
    } else {
        (flow.dst_ip, flow.dst_port) = (Some(ip), port);
    }
    give(r, r.number("pid"), evidence, Body::Network(flow), sink);
    true
}

/// `struct sockaddr` in hexadecimal: family in the host's order (all of ours are little-endian),
/// port and address in the network's.
fn socket_address(saddr: &str) -> Option<(IpAddr, Option<u16>)> {
    let bytes = hex(saddr)?;
    let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    let ip = match bytes.get(..2)? {
        [2, 0] => {
            let octets: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            IpAddr::V4(Ipv4Addr::from(octets))
        }
        [10, 0] => {
            let octets: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
        }
        _ => return None,
    };
    Some((ip, (port != 0).then_some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        assert_eq!(
            argument_list("argc=3 a0=\"/bin/sh\" a1=\"-c\" a2=67726570202D63"),
            "/bin/sh\0-c\0grep -c\0"
        );
        assert_eq!(
            argument_list("argc=2 a0=\"x\" a1_len=6 a1[0]=6162 a1[1]=63 "),
            "x\0abc\0"
        );
        assert_eq!(argument_list("a2_len=6 a2[0]=6162 a3=\"y\""), "ab\0y\0");
        assert_eq!(argument_list("argc=1 a0=\"\""), "\0");
    }

    #[test]
    fn addresses() {
        let (ip, port) = socket_address("020001BBC6336409000000000000000000")
            .unwrap_or((IpAddr::V4(Ipv4Addr::UNSPECIFIED), None));
        assert_eq!(
            (ip.to_string(), port),
            ("198.51.100.9".to_owned(), Some(443))
        );
        let v6 = "0A0001BB0000000020010DB800000000000000000000000100000000";
        assert_eq!(
            socket_address(v6).map(|(ip, _)| ip.to_string()).as_deref(),
            Some("2001:db8::1")
        );
        // A local socket, cut short, no digits.
        for other in ["01002F7661722F72756E", "0200", "xyz", ""] {
            assert_eq!(socket_address(other), None, "{other}");
        }
    }
}
