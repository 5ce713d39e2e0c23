//! No input makes the web half panic, and every non-empty line is accounted for exactly once.

mod web_support;

use proptest::prelude::*;
use vauban_sources::flows::{CONNTRACK, NFDUMP, PCAP, SURICATA, ZEEK_CONN, ZEEK_CONN_JSON};
use vauban_sources::roundcube::ROUNDCUBE;
use vauban_sources::web::layouts::{Layout, NGINX_COMBINED, from_config, layouts_for};
use vauban_sources::web::{
    APACHE_ACCESS, APACHE_ERROR, JSON_ACCESS, NGINX_ACCESS, NGINX_ERROR, PHP_LOG,
};
use vauban_sources::{LogFormat, recognise};
use web_support::{all_accounted, context, parse};

/// Line formats, whose lines are counted.
static LINES: &[&dyn LogFormat] = &[
    &APACHE_ACCESS,
    &NGINX_ACCESS,
    &JSON_ACCESS,
    &APACHE_ERROR,
    &NGINX_ERROR,
    &PHP_LOG,
    &ROUNDCUBE,
    &CONNTRACK,
    &ZEEK_CONN,
    &ZEEK_CONN_JSON,
    &SURICATA,
    &NFDUMP,
];

/// One line of each shape, to be damaged.
const SEEDS: &[&str] = &[
    r#"192.0.2.7 - - [09/Dec/2025:02:30:00 +0100] "GET /?_task=mail&_action=show&_uid=7&_mbox=INBOX HTTP/1.1" 200 5120 "https://mail.example/" "Mozilla/5.0 (X11; \"q\" \xC3\xA9)""#,
    r#"mail.example:443 2001:db8::7 - bob [09/Dec/2025:02:30:00 +0100] "POST / HTTP/2.0" 302 - "-" "-""#,
    r#"{"time":"2025-12-09T02:30:00+01:00","remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","status":"200","body_bytes_sent":"12","a":{"b":[1,{"c":null}]}}"#,
    r#"2025/12/09 02:30:00 [error] 12#12: *7 user "x": password mismatch, client: 192.0.2.7, server: _, request: "GET / HTTP/1.1", host: "x""#,
    "[Tue Dec 09 02:30:00.123456 2025] [auth_basic:error] [pid 1:tid 2] (70014)End of file found: [client [2001:db8::7]:51] AH01617: user bob: authentication failure for \"/\": x",
    "[09-Dec-2025 02:30:00 +0100]: <ab12cd34> Failed login for bob from 192.0.2.7 (X-Forwarded-For: a, b) in session ab12cd34 (error: 1)",
    "[09-Dec-2025 02:30:00 +0100]: <ab12cd34> IMAP Error: Login failed for bob against h from 192.0.2.7. AUTHENTICATE PLAIN: no in /x.php on line 1 (POST /)",
    "[09-Dec-2025 02:30:00 +0100]: User bob [192.0.2.7]; Message <a@b> for c@d, e@f; 250: 2.0.0 Ok: queued as 4X",
    "[09-Dec-2025 02:30:00] WARNING: [pool www] child 7 said into stderr: \"x\"",
    "[1795509650.924694]\t[DESTROY] tcp 6 120 CLOSE src=10.99.0.1 dst=10.99.0.2 sport=33560 dport=81 packets=1 bytes=60 [UNREPLIED] src=10.99.0.2 dst=10.99.0.1 sport=81 dport=33560 packets=1 bytes=40 delta-time=0",
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto",
    "1733731200.5\tCx\t192.0.2.1\t4000\t198.51.100.1\t993\ttcp",
    r#"{"ts":1733731200.5,"uid":"C","id.orig_h":"192.0.2.1","id.orig_p":1,"id.resp_h":"::1","id.resp_p":2,"proto":"tcp","conn_state":"SF","duration":9.5e-07}"#,
    r#"{"timestamp":"2024-12-09T09:00:10.000000+0100","event_type":"flow","src_ip":"192.0.2.1","dest_ip":"::","proto":"TCP","flow":{"bytes_toclient":1,"start":"x"}}"#,
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt",
    "2026-11-24 08:40:50,2026-11-24 08:40:50,0.011,10.99.0.1,10.99.0.2,49588,8080,TCP,...AP.SF,0,0,19,1075,0,0",
];

const LAYOUTS: &[&str] = &[
    NGINX_COMBINED,
    "apache log %h %u %{%d/%b/%Y %T}t.%{msec_frac}t %m %U%q \"%{User-Agent}i\" %D",
    r#"nginx json {"t":"$time_iso8601","r":"$request","u":"$http_user_agent","s":$status}"#,
    "nginx none $remote_addr|$http_user_agent|$msec|$request",
];

/// A seed with a few bytes replaced, cut out, doubled or put in.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..5u8, any::<u8>()), 0..6);
    (prop::sample::select(SEEDS), edits).prop_map(|(seed, edits)| {
        let mut bytes = seed.as_bytes().to_vec();
        for (at, edit, value) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = value,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, value),
                3 => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend_from_slice(&tail);
                }
                _ => bytes.insert(at, b"\" []\\()-:,|={}"[usize::from(value) % 14]),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_line_once(
        lines in prop::collection::vec(
            prop_oneof![
                4 => damaged(),
                1 => prop::collection::vec(any::<u8>(), 0..60),
            ],
            0..8,
        )
    ) {
        let bytes = lines.join(&b'\n');
        let context = context("Europe/Paris", (2025, 12, 31), LAYOUTS);
        for format in LINES {
            let keep = parse(*format, &context, &bytes);
            if let Err(why) = all_accounted(&bytes, &keep) {
                prop_assert!(false, "{}: {why}", format.name());
            }
        }
        let _ = recognise("var/log/x", &bytes);
    }

    #[test]
    fn captures_and_configuration(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,120}") {
        let context = context("UTC", (2025, 12, 31), &[]);
        for magic in [&b"\xd4\xc3\xb2\xa1"[..], b"\x0a\x0d\x0d\x0a", b"\xa1\xb2\x3c\x4d"] {
            let _ = parse(&PCAP, &context, &[magic, &bytes].concat());
        }
        for prefix in ["LogFormat ", "CustomLog x ", "log_format x ", "access_log x; log_format combined "] {
            let declared = from_config(&format!("{prefix}{text}\naccess_log y x;"), "x");
            let _ = layouts_for(&declared, &text);
        }
        for server in ["apache log ", "nginx json ", "nginx none "] {
            if let Some(layout) = Layout::compile(&format!("{server}{text}$time_local %t")) {
                let _ = layout.product();
            }
        }
        let http = vauban_ocsf::Http { query: &text, method: "GET", ..vauban_ocsf::Http::default() };
        if let Some(request) = vauban_sources::web::roundcube_request(&http) {
            let _ = (request.reveals(), request.saves());
        }
    }
}
