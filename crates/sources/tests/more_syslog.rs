//! Name servers, filters, webmails and Squid: own lines with the facts expected of them, then the
//! lines of fail2ban, CrowdSec, OSSEC and Wazuh for these services.

mod more_common;

use more_common::{accounted, parse, recognised, shared, syslog};
use proptest::prelude::*;
use std::collections::BTreeMap;
use vauban_sources::LogFormat;
use vauban_sources::dnslog::{BIND, UNBOUND};
use vauban_sources::squid::SQUID;
use vauban_sources::syslog::Syslog;
use vauban_sources::zimbra::ZIMBRA;

#[test]
fn bind() {
    let f = syslog(
        "Dec  9 02:30:00 ns named[7]: client @0x7f6 10.0.0.5#5353 (mail.example): view in: query: mail.example IN MX +E(0)TK (10.0.0.53)",
    );
    assert_eq!(
        (f.class, f.product, &*f.ip, f.pid),
        (4003, "BIND", "10.0.0.5", Some(7))
    );
    f.says("query", "mail.example")
        .says("query_type", "MX")
        .says("query_class", "IN")
        .says("detail", "+E(0)TK")
        .is("src_port", "Some(5353)")
        .is("protocol", "6")
        .is("dst_ip", "Some(10.0.0.53)")
        .is("action", "Allowed");
    let f = syslog(
        "Dec  9 02:30:00 ns named[7]: security: info: client 192.0.2.7#9 (x.example): query (cache) 'x.example/A/IN' denied (allow-query-cache did not match)",
    );
    f.says("query", "x.example")
        .says("query_type", "A")
        .is("action", "Blocked");
    let f = syslog(
        "Dec  9 02:30:00 ns named[7]: rpz: info: client @0x1 10.0.0.5#1 (c2.example): rpz QNAME NXDOMAIN rewrite c2.example/AAAA/IN via c2.example.rpz",
    );
    f.says("query", "c2.example")
        .says("query_type", "AAAA")
        .is("action", "Blocked");
    let own = "09-Dec-2025 02:30:00.123 queries: info: client @0x1 10.0.0.5#1 (a.example): query: a.example IN A + (10.0.0.53)\n\
               09-Dec-2025 02:30:01.000 general: info: zone x/IN: loaded serial 1\n\
               client 10.0.0.5#1: no stamp\n";
    let keep = parse(&BIND, own.as_bytes());
    accounted(own.as_bytes(), &keep).expect("every line once");
    assert_eq!(
        (keep.facts.len(), keep.ignored.len(), keep.unparsed.len()),
        (1, 1, 1)
    );
    assert_eq!(keep.facts[0].time, "2025-12-09T02:30:00.123000Z");
}

#[test]
fn unbound_and_dnsmasq() {
    let f = syslog("Dec  9 02:30:00 ns unbound: [9405:0] info: 127.0.0.1 talk.example. A IN");
    f.says("query", "talk.example")
        .says("query_type", "A")
        .is("activity", "Query");
    let f = syslog(
        "Dec  9 02:30:00 ns unbound[9405]: [9405:0] reply: 10.0.0.5 talk.example. AAAA IN NXDOMAIN 0.000250 1 40",
    );
    f.says("rcode", "NXDOMAIN")
        .says("detail", "cached")
        .is("activity", "Both")
        .is("duration_us", "Some(250)");
    let f = syslog(
        "Dec  9 02:30:00 ns unbound[9405:0] info: rpz: applied [bad] c2.example. rpz-nxdomain 10.0.0.5@53124 c2.example. A IN",
    );
    assert_eq!(f.ip, "10.0.0.5");
    f.says("query", "c2.example")
        .is("action", "Blocked")
        .is("src_port", "Some(53124)");
    let own = "[1765247400] unbound[12345:0] info: 10.0.0.5 a.example. A IN\n[1765247400] unbound[12345:0] notice: init module 0\n";
    let keep = recognised("unbound.log", own, "unbound");
    assert_eq!((keep.facts.len(), keep.ignored.len()), (1, 1));
    assert_eq!(keep.facts[0].time, "2025-12-09T02:30:00Z");
    let f = syslog("Dec  9 02:30:00 gw dnsmasq[5]: query[AAAA] x from 6.6.6.6 from 10.0.0.5");
    assert_eq!(f.ip, "10.0.0.5");
    f.says("query", "x from 6.6.6.6").says("query_type", "AAAA");
    let f = syslog("Dec  9 02:30:00 gw dnsmasq[5]: 77 10.0.0.5/5353 config ads.example is 0.0.0.0");
    f.says("answers", "0.0.0.0")
        .is("action", "Blocked")
        .is("src_port", "Some(5353)");
    let f = syslog("Dec  9 02:30:00 gw dnsmasq[5]: reply a.example is NXDOMAIN");
    f.says("rcode", "NXDOMAIN")
        .is("activity", "Response")
        .is("action", "Allowed");
}

#[test]
fn filters() {
    let line = "2025-12-09 02:30:00 #842(normal) <de4dd5>; task; rspamd_task_write_log: id: <m@x.example>, qid: <448A7731FEA>, ip: 203.0.113.52, user: anne, from: <a@b.example>, (default: T (reject): [51.90/15.00] [FUZZY_DENIED(9.29){1:05:0.78:txt;},SUBJ(1.0){]), len: 7;}]), len: 10692, time: 1.2ms, dns req: 3, digest: <aa>, rcpts: <c@d.example>, mime_rcpts: <c@d.example>";
    for line in [
        line.to_owned(),
        line.replace(
            "2025-12-09 02:30:00 #842(normal)",
            "Dec  9 02:30:00 mx rspamd[842]:",
        ),
    ] {
        let f = syslog(&line);
        assert_eq!(
            (f.product, &*f.ip, &*f.user, &*f.status),
            ("Rspamd", "203.0.113.52", "anne", "Failure")
        );
        f.says("queue_id", "448A7731FEA")
            .says("message_id", "m@x.example")
            .says("from", "a@b.example")
            .says("to", "c@d.example")
            .says("outcome", "reject")
            .is("activity", "Rejected")
            .is("size", "Some(10692)")
            .is("score", "Some(51.9)");
    }
    // A Message-ID that imitates what follows it.
    let forged = line.replace("<m@x.example>", "<m>, ip: 198.51.100.6, from: <z@z>, x>");
    let f = syslog(&forged);
    assert_eq!(f.ip, "");
    f.says("from", "");
    let f = syslog("Dec  9 02:30:00 mx opendkim[1]: 4Xabc12: bad signature data");
    f.says("queue_id", "4Xabc12")
        .says("verdicts", "dkim=fail")
        .is("status", "Failure");
    let f =
        syslog("Dec  9 02:30:00 mx opendkim[1]: 4Xabc12: h.example [203.0.113.52] not internal");
    assert_eq!(f.ip, "203.0.113.52");
    let f = syslog("Dec  9 02:30:00 mx opendmarc[1]: 4Xabc12: b.example fail");
    f.says("verdicts", "dmarc=fail header.from=b.example");
    let f = syslog("Dec  9 02:30:00 mx opendmarc[1]: 4Xabc12: SPF(mailfrom): b.example pass");
    f.says("verdicts", "spf=pass smtp.mailfrom=b.example");
}

#[test]
fn webmails() {
    let f = syslog(
        "Dec  9 02:30:00 sogod [26818]: SOGoRootPage Login from '198.51.100.6, 203.0.113.52, 10.0.0.1' for user 'x' for user 'anne' might not have worked - password policy: 65535  grace: -1  expire: -1  bound: 0",
    );
    assert_eq!(
        (f.product, &*f.ip, &*f.user, f.pid),
        ("SOGo", "203.0.113.52", "x' for user 'anne", Some(26818))
    );
    assert_eq!(f.status, "Failure");
    let f = syslog(
        "Dec  9 02:30:00 mail sogod [26818]: SOGoRootPage successful login from '203.0.113.52' for user 'anne' - expire = -1  grace = -1",
    );
    assert_eq!(
        (&*f.ip, &*f.user, &*f.status, &*f.host),
        ("203.0.113.52", "anne", "Success", "mail")
    );
    let f = syslog(
        "Dec  9 02:30:00 sogod [2571]: 203.0.113.52 \"POST /SOGo/so/anne/Mail/view?a=b HTTP/1.1\" 200 2700/62 0.069 - - 2M",
    );
    f.says("path", "/SOGo/so/anne/Mail/view")
        .says("query", "a=b")
        .is("bytes_out", "Some(2700)")
        .is("bytes_in", "Some(62)")
        .is("duration_us", "Some(69000)");
    let f = syslog(
        "Dec  9 02:30:00 mail HORDE: [imp] Login success for anne@b.example [203.0.113.52] to {mx.b.example:993 [imap/ssl]} [pid 6 on line 139 of \"x.php\"]",
    );
    assert_eq!(
        (f.product, &*f.ip, &*f.user, &*f.status),
        ("Horde", "203.0.113.52", "anne@b.example", "Success")
    );
    // Both the name and the forwarded-for header are the client's.
    let f = syslog(
        "Dec  9 02:30:00 mail HORDE: [horde] FAILED LOGIN for x [198.51.100.6] to y [203.0.113.52] (forwarded for [192.0.2.3]) to Horde [pid 6 on line 1 of \"x.php\"]",
    );
    assert_eq!(
        (&*f.ip, &*f.user),
        ("203.0.113.52", "x [198.51.100.6] to y")
    );
    let f = syslog(
        "Dec  9 02:30:00 mail HORDE: [horde] FAILED LOGIN for x [203.0.113.52] (forwarded for [a [198.51.100.6] (forwarded for [b]) to Horde [pid 6 on line 1 of \"x.php\"]",
    );
    assert_eq!(f.ip, "");
}

#[test]
fn squid() {
    let text = "1765247400.525   1231 10.0.0.5 TCP_MISS/200 1536 GET http://u:p@files.example:8080/a?b=c anne HIER_DIRECT/198.51.100.9 text/html\n\
                1765247401.000     -3 10.0.0.6 TCP_TUNNEL/200 4099 CONNECT [2001:db8::9]:443 - HIER_DIRECT/2001:db8::9 -\n\
                10.0.0.7 - bob [09/Dec/2025:02:30:00 +0000] \"GET http://x.example/y HTTP/1.1\" 403 77 \"-\" \"curl/8\" TCP_DENIED:HIER_NONE\n\
                nonsense\n";
    let keep = parse(&SQUID, text.as_bytes());
    accounted(text.as_bytes(), &keep).expect("every line once");
    assert_eq!((keep.facts.len(), keep.unparsed.len()), (3, 1));
    let f = &keep.facts[0];
    assert_eq!(
        (f.product, &*f.ip, &*f.user, &*f.time),
        ("Squid", "10.0.0.5", "anne", "2025-12-09T02:30:00.525000Z")
    );
    f.says("vhost", "files.example")
        .says("path", "/a")
        .says("query", "b=c")
        .says("proxy_result", "TCP_MISS")
        .says("mime", "text/html")
        .is("status", "Some(200)")
        .is("bytes_out", "Some(1536)")
        .is("bytes_are", "Wire")
        .is("duration_us", "Some(1231000)")
        .is("dst_ip", "Some(198.51.100.9)")
        .is("dst_port", "Some(8080)");
    keep.facts[1]
        .says("vhost", "2001:db8::9")
        .says("method", "CONNECT")
        .is("dst_port", "Some(443)");
    keep.facts[2]
        .says("vhost", "x.example")
        .says("path", "/y")
        .says("proxy_result", "TCP_DENIED")
        .says("user_agent", "curl/8")
        .says("user", "bob");
}

fn formats(line: &str) -> Vec<&'static dyn LogFormat> {
    let mut list: Vec<&'static dyn LogFormat> = vec![&SQUID, &BIND, &UNBOUND, &Syslog];
    list.retain(|format| format.sniff("", line.as_bytes()) >= vauban_sources::SNIFF_MIN);
    list
}

#[test]
fn lines_of_fail2ban() {
    let Some(folder) = shared("logs-fail2ban/fail2ban/tests/files/logs") else {
        return;
    };
    let mut compared = BTreeMap::new();
    for file in [
        "squid",
        "horde",
        "sogo-auth",
        "cyrus-imap",
        "sieve",
        "named-refused",
    ] {
        let text = std::fs::read_to_string(folder.join(file)).expect("file");
        let mut label: Option<serde_json::Value> = None;
        for line in text.lines() {
            if let Some(json) = line.strip_prefix("# failJSON: ") {
                label = serde_json::from_str(json).ok();
                continue;
            }
            let (false, Some(label)) = (line.starts_with('#') || line.is_empty(), label.take())
            else {
                continue;
            };
            let host = label["host"].as_str().unwrap_or_default();
            let Some(format) = formats(line).first().copied() else {
                *compared.entry((file, "no format")).or_insert(0) += 1;
                println!("{file}: no format: {line}");
                continue;
            };
            let keep = parse(format, line.as_bytes());
            let failed = keep
                .facts
                .iter()
                .find(|f| matches!(&*f.status, "Failure" | "Blocked" | "403" | "405" | "407"));
            if label["match"] == true {
                let Some(fact) = failed else {
                    panic!("{file}: no failure in {line}: {:?}", keep.facts);
                };
                assert_eq!(fact.ip, host, "{file}: {line}");
                // Years that a stamp lacks are fail2ban's guess; its tests run in Zurich.
                if let Some(time) = label["time"].as_str() {
                    let time = time.trim_end_matches(".000");
                    let civil: jiff::civil::DateTime = time.parse().expect("time");
                    let zone = if file == "squid" {
                        "Europe/Zurich"
                    } else {
                        "UTC"
                    };
                    let instant = civil.in_tz(zone).expect("zone").timestamp().to_string();
                    let from = if line.contains("2013") || file == "squid" {
                        0
                    } else {
                        5
                    };
                    assert_eq!(
                        fact.time.get(from..19),
                        instant.get(from..19),
                        "{file}: {line}"
                    );
                }
            }
            *compared.entry((file, "compared")).or_insert(0) += 1;
        }
    }
    println!("{compared:?}");
}

proptest! {
    #[test]
    fn every_line_once_whatever_comes(
        lines in prop::collection::vec(
            prop_oneof![
                "Dec  9 02:30:00 h (named|unbound|dnsmasq|rspamd|opendkim|opendmarc|sogod|HORDE|audit|cyrus/imap)(\\[1\\])?: [ -~]{0,60}",
                "Dec  9 02:30:00 h named: client (@0x1 )?10\\.0\\.0\\.1#[0-9]{1,6} [ -~]{0,40}",
                "Dec  9 02:30:00 h rspamd: rspamd_task_write_log: [ -~]{0,20}\\(default: [ -~]{0,30}",
                "1[0-9]{9}\\.[0-9]{3} +[0-9]{1,5} [0-9.:]{1,9} TCP_MISS/200 [0-9]{1,4} GET [ -~é]{0,30}",
                "\\[[0-9]{1,12}\\] unbound\\[1:0\\] [ -~é]{0,40}",
                "2025-12-09 02:30:00,100 (INFO|WARN)  \\[t\\] \\[[a-z=;0-9.]{0,12}\\] (security|mailop|smtp|imap|SoapEngine) - [ -~é]{0,40}",
                "0[0-9]-Dec-2025 02:30:00\\.[0-9]{0,4} [ -~é]{0,40}",
                "\\PC{0,60}",
            ],
            0..20,
        )
    ) {
        let text = lines.join("\n");
        for format in [&Syslog as &dyn LogFormat, &SQUID, &BIND, &UNBOUND, &ZIMBRA] {
            let keep = parse(format, text.as_bytes());
            prop_assert_eq!(accounted(text.as_bytes(), &keep), Ok(()));
        }
    }
}

#[test]
fn zimbra() {
    let text = "\
2025-12-09 02:30:00,100 INFO  [qtp1-2:https://m.example/service/soap/AuthRequest] [name=anne@b.example;oip=203.0.113.52;port=5;ua=x;oip=198.51.100.6;soapId=1;] security - cmd=Auth; account=anne@b.example; protocol=soap;
2025-12-09 02:30:01,100 WARN  [ImapServer-3] [ip=203.0.113.53;via=203.0.113.53(nginx/1.20);] security - cmd=Auth; account=anne@b.example; protocol=imap; error=authentication failed for [anne@b.example], invalid password;
2025-12-09 02:30:02,100 INFO  [qtp1-3:https] [name=admin@b.example;ip=10.0.0.9;ua=ZimbraAdmin [x] (Linux);] security - cmd=SetPassword; name=anne@b.example;
2025-12-09 02:30:03,100 INFO  [LmtpServer-1] [name=anne@b.example;mid=3;ip=10.0.0.2;] mailop - Adding Message: id=300, Message-ID=<m@x.example>, parentId=-1, folderId=2, folderName=Inbox.
2025-12-09 02:30:04,100 INFO  [qtp1-4:https] [name=anne@b.example;mid=3;oip=203.0.113.52;] mailop - moving Message (id=300) to Folder Trash (id=3)
2025-12-09 02:30:05,100 INFO  [qtp1-5:https] [name=anne@b.example;mid=3;oip=203.0.113.52;] smtp - Sending message to MTA at m.example: Message-ID=<n@b.example>, origMsgId=300, replyType=r
2025-12-09 02:30:06,100 ERROR [qtp1-5:https] [] index - broken
java.lang.RuntimeException: x
\tat com.zimbra.x(y.java:1)
2025-12-09 02:30:07,100 INFO  [main] [] store - nothing
nonsense
";
    let keep = recognised(
        "opt/zimbra/log/audit.log",
        &text.replace("nonsense\n", ""),
        "zimbra",
    );
    assert_eq!((keep.facts.len(), keep.ignored.len()), (7, 3));
    let f = &keep.facts;
    assert_eq!(
        (&*f[0].ip, &*f[0].user, &*f[0].status),
        ("203.0.113.52", "anne@b.example", "Success")
    );
    assert_eq!(f[0].time, "2025-12-09T02:30:00.100000Z");
    f[0].is("service", "Webmail");
    assert_eq!((&*f[1].ip, &*f[1].status), ("203.0.113.53", "Failure"));
    f[1].is("service", "Imap");
    f[2].is("activity", "PasswordChange")
        .says("user", "anne@b.example")
        .says("actor", "admin@b.example");
    f[3].is("action", "Save")
        .says("uids", "300")
        .says("message_id", "m@x.example")
        .says("mailbox", "Inbox");
    f[4].is("action", "Copy")
        .says("mailbox", "Trash")
        .says("user", "anne@b.example");
    f[5].is("activity", "Submitted")
        .says("message_id", "n@b.example")
        .says("sasl_user", "anne@b.example");
    f[6].is("severity", "Error");
    let keep = parse(&ZIMBRA, text.as_bytes());
    assert_eq!(keep.unparsed.len(), 1);
}

#[test]
fn cyrus() {
    let f = syslog(
        "Dec  9 02:30:00 mx cyrus/imaps[5]: login: h.example [203.0.113.52] anne@b.example plaintext+TLS User logged in SESSIONID=<mx-5-1765-1>",
    );
    assert_eq!(
        (f.product, &*f.user, &*f.status),
        ("Cyrus IMAP", "anne@b.example", "Success")
    );
    f.says("session", "mx-5-1765-1")
        .says("method", "plaintext")
        .is("tls", "Some(true)");
    let f = syslog(
        "Dec  9 02:30:00 mx cyrus/imap[5]: auditlog: expunge sessionid=<mx-5-1765-1> mailbox=<b.example!user.anne^x.Trash> uniqueid=<6f> uid=<17> guid=<ab> size=<2048>",
    );
    f.is("action", "Expunge")
        .says("user", "anne.x@b.example")
        .says("uids", "17")
        .says("session", "mx-5-1765-1")
        .is("size", "Some(2048)");
    let f = syslog(
        "Dec  9 02:30:00 mx cyrus/imap[5]: auditlog: traffic sessionid=<mx-5-1765-1> bytes_in=<100> bytes_out=<20000>",
    );
    f.is("bytes_out", "Some(20000)")
        .says("session", "mx-5-1765-1");
    let f = syslog(
        "Dec  9 02:30:00 mx cyrus/lmtpunix[5]: Delivered: <m@x.example> to mailbox: user.anne",
    );
    f.is("activity", "Delivered")
        .says("message_id", "m@x.example")
        .says("to", "anne");
}

/// CrowdSec's assertions: which address (and account) each line is about.
#[test]
fn assertions_of_crowdsec() {
    let Some(folder) = shared("logs-crowdsec/tests") else {
        return;
    };
    let mut compared = 0;
    for (test, parser, format) in [
        (
            "zimbra-logs",
            "firewallservices/zimbra-logs",
            &ZIMBRA as &dyn LogFormat,
        ),
        ("zimbra-bf", "firewallservices/zimbra-logs", &ZIMBRA),
        ("bind9-logs", "mstilkerich/bind9", &BIND),
        ("bind9-refused", "mstilkerich/bind9", &BIND),
        ("bind9-syslog", "mstilkerich/bind9", &Syslog),
    ] {
        let log =
            std::fs::read_to_string(folder.join(test).join(format!("{test}.log"))).expect("log");
        let asserts =
            std::fs::read_to_string(folder.join(test).join("parser.assert")).expect("assertions");
        let lines: Vec<&str> = log.lines().filter(|l| !l.is_empty()).collect();
        for (index, line) in lines.iter().enumerate() {
            let get = |key: &str| {
                let start = format!(
                    "results[\"s01-parse\"][\"{parser}\"][{index}].Evt.Meta[\"{key}\"] == \""
                );
                asserts
                    .lines()
                    .find_map(|l| l.strip_prefix(&start))
                    .map(|v| v.trim_end_matches('"').to_owned())
            };
            let Some(ip) = get("source_ip") else { continue };
            let keep = parse(format, line.as_bytes());
            // Two lines have no time: what a journal's reader left.
            if test == "bind9-logs" && !line.starts_with(|c: char| c.is_ascii_digit()) {
                assert_eq!(keep.unparsed.len(), 1, "{line}");
                continue;
            }
            let fact = keep
                .facts
                .first()
                .unwrap_or_else(|| panic!("{test}: no event of {line}"));
            assert_eq!(fact.ip, ip, "{line}");
            assert!(matches!(&*fact.status, "Failure" | "Blocked"), "{line}");
            if let Some(user) = get("user") {
                assert_eq!(fact.user, user, "{line}");
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 27);
}

/// OSSEC's and Wazuh's rule tests for these services.
#[test]
fn lines_of_ossec_and_wazuh() {
    let Some(folder) = shared("logs-ossec-wazuh") else {
        return;
    };
    let mut compared = 0;
    for tests in [
        "wazuh-ruleset/tools/rules-testing/tests",
        "ossec/contrib/ossec-testing/tests",
    ] {
        for (file, class) in [
            ("squid_rules", 4002),
            ("named", 4003),
            ("unbound", 4003),
            ("dnsmasq", 4003),
        ] {
            let Ok(text) = std::fs::read_to_string(folder.join(tests).join(format!("{file}.ini")))
            else {
                continue;
            };
            for line in text.lines() {
                let line = line.trim_start_matches(';');
                let Some((_, line)) = line
                    .strip_prefix("log ")
                    .and_then(|l| l.split_once(" pass = "))
                else {
                    continue;
                };
                let line = line.trim_end();
                // Statistics, socket errors, where a query went on to, and one cut off before its verdict.
                let silent = line.contains("server stats")
                    || line.contains("sendto failed")
                    || line.contains(" forwarded ")
                    || line.ends_with("query (cache)");
                let format: &dyn LogFormat = if class == 4002 { &SQUID } else { &Syslog };
                let keep = parse(format, line.as_bytes());
                accounted(line.as_bytes(), &keep).expect("once");
                let classes: Vec<u32> = keep.facts.iter().map(|f| f.class).collect();
                assert_eq!(classes, if silent { vec![] } else { vec![class] }, "{line}");
                compared += 1;
            }
        }
    }
    println!("{compared} lines");
    assert!(compared > 10, "{compared}");
}

#[test]
fn history_of_rspamd() {
    let row = r#"{"unix_time":1765247400.5,"message-id":"m@x.example","ip":"203.0.113.52","user":"unknown","sender_smtp":"a@b.example","rcpt_smtp":["c@d.example","e@d.example"],"sender_mime":"A <a@b.example>","rcpt_mime":["c@d.example"],"subject":"hi","size":99,"action":"reject","score":51.9,"required_score":15,"symbols":{"FUZZY":{"score":9.29,"name":"FUZZY"}}}"#;
    let text = format!(
        "{row}\n{{\"version\":2,\"rows\":[{row},{row}]}}\n{{\"rows\":[]}}\n{{\"unix_time\":1}}\nnonsense\n"
    );
    let keep = recognised("history.json", &text, "rspamd-history");
    assert_eq!(
        (keep.facts.len(), keep.ignored.len(), keep.unparsed.len()),
        (3, 1, 2)
    );
    let f = &keep.facts[0];
    assert_eq!(
        (f.product, &*f.ip, &*f.time),
        ("Rspamd", "203.0.113.52", "2025-12-09T02:30:00.500000Z")
    );
    f.is("activity", "Rejected")
        .says("from", "a@b.example")
        .says("to", "c@d.example,e@d.example")
        .says("subject", "hi")
        .says("verdicts", "FUZZY(9.29)")
        .is("score", "Some(51.9)")
        .is("size", "Some(99)");
}

#[test]
fn reject_log_of_exim() {
    let text = "\
2025-12-09 02:30:00 1vSmXX-0001Ab-2C H=x.example (y) [203.0.113.52] F=<a@b.example> rejected after DATA: spam
Envelope-from: <a@b.example>
Envelope-to: <c@d.example>
P Received: from x.example ([203.0.113.52])
	by mx.example with esmtp
  Subject: 2025-12-09 02:30:00 H=z [198.51.100.6] rejected
-----------------------------------------------------------------------------
2025-12-09 02:30:09 H=(y) [203.0.113.53] F=<a@b.example> rejected RCPT <c@d.example>: Unknown user
";
    let keep = recognised("var/log/exim4/rejectlog", text, "exim-reject");
    let ips: Vec<&str> = keep.facts.iter().map(|f| &*f.ip).collect();
    assert_eq!(
        (ips, keep.ignored.len()),
        (vec!["203.0.113.52", "203.0.113.53"], 6)
    );
    assert!(
        keep.facts
            .iter()
            .all(|f| f.product == "Exim" && f.status == "Failure")
    );
}

/// CrowdSec's lines of nginx's mail proxy.
#[test]
fn mail_proxy_of_nginx() {
    let line = "2025/12/09 02:30:00 [info] 8#8: *1 client logged in, client: 203.0.113.52, server: 0.0.0.0:143, login: \"anne\", upstream: 10.0.0.2:143";
    let f = &recognised("error.log", line, "nginx-error").facts[0];
    assert_eq!(
        (&*f.ip, &*f.user, &*f.status),
        ("203.0.113.52", "anne", "Success")
    );
    let Some(folder) = shared("logs-crowdsec/tests/nginx-mail-logs") else {
        return;
    };
    let log = std::fs::read_to_string(folder.join("nginx-mail-logs.log")).expect("log");
    let asserts = std::fs::read_to_string(folder.join("parser.assert")).expect("assertions");
    let mut seen = Vec::new();
    for line in log.lines().filter(|l| l.contains("client log")) {
        let keep = parse(&vauban_sources::web::NGINX_ERROR, line.as_bytes());
        let f = &keep.facts[0];
        for (key, value) in [("source_ip", &f.ip), ("username", &f.user)] {
            let label = format!("Evt.Meta[\"{key}\"] == {value:?}");
            assert!(
                value.is_empty() || asserts.contains(&label),
                "{line}: {label}"
            );
        }
        seen.push((f.ip.clone(), f.user.clone(), f.status.clone()));
    }
    let expected = [
        ("5.34.207.182", "servers@example.com", "Failure"),
        ("209.85.210.53", "", "Success"),
        ("174.233.1.144", "admin@example.com", "Success"),
        ("174.233.1.144", "admin@example.com", "Success"),
        ("201.170.64.255", "postmaster", "Failure"),
    ];
    assert_eq!(
        seen,
        expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
    );
}

/// JSON access logs without a declaration: the keys tell whose they are.
#[test]
fn json_access_logs_name_their_server() {
    let caddy = r#"{"level":"info","ts":1765247400.5,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"203.0.113.52","proto":"HTTP/2.0","method":"GET","host":"m.example","uri":"/a?b=c","headers":{"User-Agent":["curl/8"]}},"duration":0.002,"size":7,"status":200}"#;
    let nginx = r#"{"time_iso8601":"2025-12-09T02:30:00+00:00","remote_addr":"203.0.113.52","request":"GET /a?b=c HTTP/1.1","status":200,"body_bytes_sent":7,"http_user_agent":"curl/8"}"#;
    let other = r#"{"time":"2025-12-09T02:30:00Z","client_ip":"203.0.113.52","method":"GET","path":"/a?b=c","status":200}"#;
    for (line, product) in [(caddy, "Caddy"), (nginx, "nginx"), (other, "other")] {
        let f = &recognised("access.log", line, "json-access").facts[0];
        assert_eq!(
            (f.product, &*f.ip, &*f.status),
            (product, "203.0.113.52", "200"),
            "{line}"
        );
        f.says("path", "/a").says("query", "b=c");
    }
}
