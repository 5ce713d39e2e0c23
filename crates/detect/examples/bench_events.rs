//! `bench_events SIGMA COUNT > events.jsonl`: events as a collector of Windows, Linux and web logs
//! would see them. Of a hundred, ninety-six are everyday ones made from templates, three are made
//! from what SigmaHQ's rules ask for and one is from its regression data.

#[path = "../tests/common/mod.rs"]
#[allow(missing_docs)]
mod common;

use common::generate::{Random, event};
use serde_json::{Map, Value, json};
use std::io::Write;

const IMAGES: &[&str] = &[
    r"C:\Windows\System32\svchost.exe",
    r"C:\Windows\System32\conhost.exe",
    r"C:\Windows\System32\SearchIndexer.exe",
    r"C:\Windows\System32\RuntimeBroker.exe",
    r"C:\Windows\explorer.exe",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE",
    r"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE",
    r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
    r"C:\Windows\System32\cmd.exe",
    r"C:\Windows\System32\taskhostw.exe",
    r"C:\Windows\System32\backgroundTaskHost.exe",
    r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.2301.6-0\MsMpEng.exe",
    r"C:\Users\mdupont\AppData\Local\Microsoft\Teams\current\Teams.exe",
    r"C:\Program Files\Git\cmd\git.exe",
];

const ARGUMENTS: &[&str] = &[
    "",
    " -k netsvcs -p -s Schedule",
    " 0xffffffff -ForceV1",
    " --type=renderer --lang=fr --device-scale-factor=1 --num-raster-threads=4 --enable-main-frame-before-activation",
    " --type=gpu-process --gpu-preferences=UAAAAAAAAADgAAAYAAAAAAAAAAAAAAAAAABgAAAAAAAwAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAA",
    " /c \"\"C:\\Program Files\\Backup\\nightly.cmd\" /quiet\"",
    " -NoProfile -File C:\\Scripts\\inventory.ps1 -Site Lyon",
    " -Embedding",
    " /n \"C:\\Users\\mdupont\\Documents\\budget 2026.xlsx\"",
    " status --porcelain --branch",
];

const USERS: &[&str] = &[
    r"CORP\mdupont",
    r"CORP\asmith",
    r"NT AUTHORITY\SYSTEM",
    r"CORP\svc_backup",
];
const HOSTS: &[&str] = &[
    "ws-0412.corp.example",
    "ws-0077.corp.example",
    "srv-file1.corp.example",
];

fn guid(random: &mut Random) -> String {
    format!(
        "{{{:08X}-{:04X}-6928-A50B-{:012X}}}",
        random.below(1 << 31),
        random.below(1 << 16),
        random.below(1 << 40)
    )
}

fn hashes(random: &mut Random) -> String {
    let hex = |random: &mut Random, words: usize| -> String {
        (0..words)
            .map(|_| format!("{:08X}", random.below(1 << 32)))
            .collect()
    };
    format!(
        "SHA1={},MD5={},SHA256={},IMPHASH={}",
        hex(random, 5),
        hex(random, 4),
        hex(random, 8),
        hex(random, 4)
    )
}

/// What every Sysmon event has.
fn sysmon(id: u32, category: &str, more: Value, random: &mut Random) -> Value {
    let mut out = json!({
        "product": "windows", "category": category,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Provider_Name": "Microsoft-Windows-Sysmon",
        "EventID": id, "Version": 5, "Level": 4, "Task": id, "Opcode": 0,
        "Keywords": "0x8000000000000000",
        "EventRecordID": random.below(10_000_000),
        "Computer": random.word(HOSTS),
        "RuleName": "-",
        "UtcTime": format!("2026-02-{:02} {:02}:{:02}:{:02}.{:03}", 1 + random.below(28), random.below(24), random.below(60), random.below(60), random.below(1000)),
        "ProcessGuid": guid(random), "ProcessId": random.below(30_000),
        "Image": random.word(IMAGES),
        "User": random.word(USERS),
    });
    if let (Value::Object(out), Value::Object(more)) = (&mut out, more) {
        out.extend(more);
    }
    out
}

fn everyday(random: &mut Random) -> Value {
    match random.below(100) {
        0..=19 => {
            let image = random.word(IMAGES);
            let parent = random.word(IMAGES);
            let command = format!("\"{image}\"{}", random.word(ARGUMENTS));
            let parent_command = format!("{parent}{}", random.word(ARGUMENTS));
            let more = json!({
                "Image": image,
                "FileVersion": "10.0.19041.1806 (WinBuild.160101.0800)",
                "Description": "Host Process for Windows Services",
                "Product": "Microsoft® Windows® Operating System",
                "Company": "Microsoft Corporation",
                "OriginalFileName": image.rsplit('\\').next(),
                "CommandLine": command,
                "CurrentDirectory": r"C:\Windows\system32\",
                "LogonGuid": guid(random), "LogonId": format!("0x{:x}", random.below(1 << 20)),
                "TerminalSessionId": random.below(4), "IntegrityLevel": random.word(&["System", "Medium", "High"]),
                "Hashes": hashes(random),
                "ParentProcessGuid": guid(random), "ParentProcessId": random.below(30_000),
                "ParentImage": parent, "ParentCommandLine": parent_command,
                "ParentUser": random.word(USERS),
            });
            sysmon(1, "process_creation", more, random)
        }
        20..=29 => {
            let more = json!({
                "Protocol": "tcp", "Initiated": random.word(&["true", "false"]),
                "SourceIsIpv6": "false", "SourceIp": format!("10.20.{}.{}", random.below(256), random.below(256)),
                "SourceHostname": random.word(HOSTS), "SourcePort": 49152 + random.below(16000),
                "SourcePortName": "-", "DestinationIsIpv6": "false",
                "DestinationIp": format!("198.51.100.{}", random.below(256)),
                "DestinationHostname": "cdn.example.net", "DestinationPort": *random.pick(&[443, 80, 53, 445]),
                "DestinationPortName": "https",
            });
            sysmon(3, "network_connection", more, random)
        }
        30..=44 => {
            let dll = random.word(&[
                "ntdll.dll",
                "kernel32.dll",
                "bcrypt.dll",
                "clr.dll",
                "sechost.dll",
                "amsi.dll",
                "dbgcore.dll",
                "uxtheme.dll",
            ]);
            let more = json!({
                "ImageLoaded": format!(r"C:\Windows\System32\{dll}"),
                "FileVersion": "10.0.19041.1806", "Description": "Windows component",
                "Product": "Microsoft® Windows® Operating System", "Company": "Microsoft Corporation",
                "OriginalFileName": dll, "Hashes": hashes(random), "Signed": "true",
                "Signature": "Microsoft Windows", "SignatureStatus": "Valid",
            });
            sysmon(7, "image_load", more, random)
        }
        45..=59 => {
            let more = json!({
                "EventType": "SetValue",
                "TargetObject": format!(r"HKLM\System\CurrentControlSet\Services\{}\Parameters\Interfaces\{}\{}", random.word(&["Tcpip", "W32Time", "Dnscache", "bam"]), guid(random), random.word(&["DhcpIPAddress", "LeaseObtainedTime", "SequenceNumber"])),
                "Details": random.word(&["DWORD (0x00000001)", "10.20.3.4", "Binary Data", r"%SystemRoot%\system32\x.dll"]),
            });
            sysmon(13, "registry_set", more, random)
        }
        60..=69 => {
            let more = json!({
                "TargetFilename": format!(r"C:\Users\mdupont\AppData\Local\{}\{:08x}.{}", random.word(&["Temp", r"Google\Chrome\User Data\Default\Cache", r"Microsoft\Outlook"]), random.below(1 << 31), random.word(&["tmp", "log", "dat", "json"])),
                "CreationUtcTime": "2026-02-03 10:11:12.131",
            });
            sysmon(11, "file_event", more, random)
        }
        70..=76 => {
            let more = json!({
                "QueryName": format!("{}.{}.example", random.word(&["www", "mail", "cdn", "api"]), random.below(3000)),
                "QueryStatus": "0", "QueryResults": "::ffff:198.51.100.7;",
            });
            sysmon(22, "dns_query", more, random)
        }
        77..=84 => {
            let id = *random.pick(&[4624, 4625, 4634, 4672, 5156]);
            json!({
                "product": "windows", "service": "security", "Channel": "Security",
                "Provider_Name": "Microsoft-Windows-Security-Auditing",
                "EventID": id, "Version": 2, "Level": 0, "Task": 12544, "Computer": random.word(HOSTS),
                "EventRecordID": random.below(10_000_000),
                "SubjectUserSid": "S-1-5-18", "SubjectUserName": "WS-0412$", "SubjectDomainName": "CORP",
                "SubjectLogonId": "0x3e7", "TargetUserSid": "S-1-5-21-1004336348-1177238915-682003330-512",
                "TargetUserName": random.word(&["mdupont", "asmith", "WS-0077$"]), "TargetDomainName": "CORP",
                "LogonType": *random.pick(&[3, 5, 2]), "LogonProcessName": "Kerberos",
                "AuthenticationPackageName": "Kerberos", "WorkstationName": "-",
                "ProcessName": "-", "IpAddress": format!("10.20.{}.{}", random.below(256), random.below(256)), "IpPort": "50123",
            })
        }
        85..=92 => json!({
            "product": "linux", "service": random.word(&["syslog", "auth", "cron"]), "host": "mail1",
            "timestamp": "2026-02-03T10:11:12Z", "facility": "mail", "pid": random.below(30_000),
            "message": format!("{} {}: {}", random.word(&["postfix/smtpd", "dovecot", "sshd", "CRON"]), random.below(30000), random.word(&[
                "connect from mx.example.net[198.51.100.7]",
                "imap-login: Login: user=<a.durand@corp.example>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.2, mpid=4242, TLS, session=<abc/def>",
                "Accepted publickey for deploy from 10.20.0.4 port 50122 ssh2: ED25519 SHA256:abcdef",
                "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
                "disconnect from mx.example.net[198.51.100.7] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
            ])),
        }),
        _ => json!({
            "category": "webserver", "c-ip": format!("203.0.113.{}", random.below(256)),
            "cs-method": random.word(&["GET", "POST"]), "sc-status": *random.pick(&[200, 304, 302, 404]),
            "cs-uri-stem": random.word(&["/", "/roundcube/", "/static/app.js", "/index.php"]),
            "cs-uri-query": format!("_task=mail&_action={}&_uid={}&_mbox=INBOX", random.word(&["show", "list", "preview", "get"]), random.below(9000)),
            "cs-user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            "cs-referer": "https://webmail.corp.example/", "sc-bytes": random.below(60_000),
        }),
    }
}

/// A Windows event as Sigma's rules see it.
fn flatten(event: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    for part in ["System", "EventData"] {
        for (name, value) in event["Event"][part].as_object().into_iter().flatten() {
            if !value.is_object() {
                out.insert(name.replace(' ', ""), value.clone());
            }
        }
    }
    out.insert("product".into(), json!("windows"));
    out
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let sigma = std::path::Path::new(&args[1]);
    let count: usize = args[2].parse().expect("a number");
    let rules: Vec<_> = common::rule_files(&sigma.join("rules"))
        .into_iter()
        .flat_map(|(_, content)| {
            let text = String::from_utf8(content).expect("UTF-8");
            rsigma_parser::parse_sigma_yaml(&text).expect("YAML").rules
        })
        .collect();
    let mut known = Vec::new();
    for path in common::files(&sigma.join("regression_data"), &["json"]) {
        let content = std::fs::read_to_string(path).expect("readable");
        for value in serde_json::Deserializer::from_str(&content)
            .into_iter::<Value>()
            .flatten()
        {
            let flat = flatten(&value);
            if flat.len() > 2 {
                known.push(Value::Object(flat));
            }
        }
    }
    let mut random = Random(0x5eed_1234_5678_9abc);
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for _ in 0..count {
        let value = match random.below(100) {
            0 => random.pick(&known).clone(),
            1..=3 => event(random.pick(&rules), &mut random),
            _ => everyday(&mut random),
        };
        writeln!(out, "{value}").expect("written");
    }
}
