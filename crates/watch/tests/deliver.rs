//! Receivers that fail, disks that are full, senders that are faster than we are.

mod common;

use common::{Counting, Random, expected, findings, quoted, seed};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vauban_watch::{Config, Engine, Metrics, Until};

fn lines(count: usize) -> Vec<String> {
    (1..=count)
        .map(|n| {
            format!(
                "log {n} u{} {}",
                n % 3,
                if n % 4 == 0 { "bad" } else { "ok" }
            )
        })
        .collect()
}

/// Waits; what does not come ends the process, for threads that watch would be waited for forever.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(100);
    while !done() {
        if Instant::now() > end {
            eprintln!("waited in vain: {what}");
            std::process::exit(1);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("address").port()
}

/// Answers one request in two with an error, or not at all after having taken it.
fn half_broken(listener: &TcpListener, stop: &AtomicBool, seed: u64) -> Vec<(String, String)> {
    let mut random = Random(seed);
    let mut taken = Vec::new();
    listener.set_nonblocking(true).expect("nonblocking");
    while !stop.load(Ordering::Acquire) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        stream.set_nonblocking(false).expect("blocking");
        let mut reader = BufReader::new(stream);
        let mut head = BTreeMap::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                head.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        let length: usize = head["content-length"].parse().expect("length");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("body");
        let body = String::from_utf8(body).expect("text");
        let fate = random.below(4);
        if fate != 0 {
            taken.push((head["idempotency-key"].clone(), body));
        }
        let answer = match fate {
            0 => "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            1 => "",
            _ => "HTTP/1.1 204 Yes\r\nConnection: close\r\n\r\n",
        };
        let _ = reader.get_mut().write_all(answer.as_bytes());
    }
    taken
}

#[test]
fn a_webhook_that_fails_half_the_time_gets_every_finding() {
    let seed = seed();
    let dir = tempfile::tempdir().expect("directory");
    let log = dir.path().join("x.log");
    let lines = lines(120);
    std::fs::write(&log, lines.join("\n") + "\n").expect("write");
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("http://{}/hook", listener.local_addr().expect("address"));
    let config = format!(
        "state = {}\ncheckpoint_ms = 20\npoll_ms = 5\n[[file]]\npath = {}\nfrom = 'beginning'\n\
         [[sink.webhook]]\nurl = '{url}'\n[[sink.file]]\npath = {}\n",
        quoted(dir.path().join("state")),
        quoted(log),
        quoted(dir.path().join("findings.jsonl")),
    );
    let (stop, quiet) = (AtomicBool::new(false), AtomicBool::new(false));
    let expected = expected(&lines);
    let metrics: Arc<Metrics> = Arc::default();
    let taken = std::thread::scope(|scope| {
        let server = scope.spawn(|| half_broken(&listener, &quiet, seed));
        let watch = scope.spawn(|| {
            common::watch_with(
                &config,
                Counting::default(),
                Until::Stopped,
                &stop,
                &metrics,
            )
        });
        let delivered = format!(
            "vauban_watch_sink_delivered_total{{sink=\"webhook:{url}\"}} {}\n",
            expected.len()
        );
        until("all are delivered", || {
            metrics.prometheus().contains(&delivered)
        });
        stop.store(true, Ordering::Release);
        watch.join().expect("watch");
        quiet.store(true, Ordering::Release);
        server.join().expect("server")
    });
    // The same finding under the same key; in the order of the file.
    let mut seen = BTreeSet::new();
    let once: Vec<&str> = taken
        .iter()
        .filter(|(key, _)| seen.insert(key))
        .map(|(_, body)| body.as_str())
        .collect();
    let file = std::fs::read_to_string(dir.path().join("findings.jsonl")).expect("read");
    assert_eq!(once, file.lines().collect::<Vec<_>>());
    assert_eq!(once.len(), expected.len());
    assert!(taken.len() > once.len(), "some were sent again");
    for (key, body) in &taken {
        assert!(
            body.contains(&format!("\"uid\":\"{key}\"")),
            "{key}: {body}"
        );
    }
}

#[test]
fn a_fast_sender_waits_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("directory");
    let (tcp, udp) = (free_port(), free_port());
    let findings_file = dir.path().join("findings.jsonl");
    let limit = 200_000_u64;
    let config = format!(
        "state = {}\ncheckpoint_ms = 20\npoll_ms = 5\n[[syslog]]\ntcp = '127.0.0.1:{tcp}'\n\
         udp = '127.0.0.1:{udp}'\nmax_unread_bytes = {limit}\nkeep_bytes = 100000\n\
         [[sink.file]]\npath = {}\n",
        quoted(dir.path().join("state")),
        quoted(findings_file.clone()),
    );
    let slow = Counting::slow(Duration::from_millis(30));
    let padding = "x".repeat(400);
    let sent: Vec<String> = (1..=20_000)
        .map(|n| format!("<13>1 2026-11-24T12:00:00Z mx1 test - - - {padding} log {n} u0 ok"))
        .collect();
    let metrics: Arc<Metrics> = Arc::default();
    let stop = AtomicBool::new(false);
    let expected = sent.iter().filter(|l| l.contains("7 u0")).count();
    let held = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch =
            scope.spawn(|| common::watch_with(&config, slow, Until::Stopped, &stop, &metrics));
        let mut stream = None;
        until("listening", || {
            stream = TcpStream::connect(("127.0.0.1", tcp)).ok();
            stream.is_some()
        });
        let mut stream = stream.expect("connected");
        let sender = scope.spawn(|| {
            let mut bytes = Vec::new();
            for (n, line) in sent.iter().enumerate() {
                if n % 2 == 0 {
                    bytes.extend_from_slice(format!("{} {line}", line.len()).as_bytes());
                } else {
                    bytes.extend_from_slice(format!("{line}\n").as_bytes());
                }
            }
            stream.write_all(&bytes).expect("send");
            drop(stream);
        });
        let mut most = 0;
        until("all are told", || {
            let page = metrics.prometheus();
            if page.contains("vauban_watch_syslog_held{source=\"syslog\"} 1") {
                held.store(true, Ordering::Release);
            }
            let behind = page.lines().find_map(|l| {
                l.strip_prefix("vauban_watch_source_behind_bytes{source=\"syslog:syslog\"} ")
            });
            most = most.max(behind.and_then(|b| b.parse().ok()).unwrap_or(0));
            findings(&findings_file).len() >= expected
        });
        sender.join().expect("sender");
        // A datagram without time stamp, with a line feed in it.
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
        socket
            .send_to(b"<13>line\nfeed log 990007 u1 ok", ("127.0.0.1", udp))
            .expect("send");
        until("the datagram is told", || {
            findings(&findings_file).len() > expected
        });
        stop.store(true, Ordering::Release);
        watch.join().expect("watch");
        assert!(held.load(Ordering::Acquire), "the sender had to wait");
        assert!(most <= limit + (128 << 10), "{most} bytes unread");
    });
    let found = findings(&findings_file);
    assert_eq!(found.len(), expected + 1);
    let datagram = found
        .iter()
        .find(|f| f.contains("990007"))
        .expect("datagram");
    assert!(
        datagram.contains("127.0.0.1 line#012feed log 990007"),
        "{datagram}"
    );
}

#[test]
fn a_state_that_cannot_be_kept_is_an_error_that_names_it() {
    let config = Config::parse("state = '/proc/nowhere'\n[[file]]\npath = '/x'").expect("sound");
    let tell: vauban_watch::Tell = Arc::new(|_| {});
    let result = Engine::new(config, Box::new(Counting::default()), Arc::default(), tell);
    let error = result.err().expect("refused").to_string();
    assert!(error.contains("/proc/nowhere"), "{error}");
}

/// A disk that is full for a while. Needs the right to mount; without it only says so.
#[test]
fn a_full_disk_stops_reading_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("directory");
    let state = dir.path().join("state");
    std::fs::create_dir(&state).expect("mkdir");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
        .arg(&state)
        .status()
        .is_ok_and(|s| s.success());
    if !mounted {
        println!("no right to mount: a full disk is not tried");
        return;
    }
    struct Unmount<'a>(&'a std::path::Path);
    impl Drop for Unmount<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(self.0).status();
        }
    }
    let _unmount = Unmount(&state);
    let log = dir.path().join("x.log");
    std::fs::write(&log, "").expect("write");
    let out = dir.path().join("findings.jsonl");
    let config = format!(
        "state = {}\ncheckpoint_ms = 20\npoll_ms = 5\n[[file]]\npath = {}\nfrom = 'beginning'\n\
         [[sink.file]]\npath = {}\n",
        quoted(state.clone()),
        quoted(log.clone()),
        quoted(out.clone()),
    );
    let metrics: Arc<Metrics> = Arc::default();
    let stop = AtomicBool::new(false);
    let lines = lines(3000);
    let told: Mutex<usize> = Mutex::default();
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            common::watch_with(
                &config,
                Counting::default(),
                Until::Stopped,
                &stop,
                &metrics,
            )
        });
        until("the watch has begun", || {
            metrics.checkpoints.load(Ordering::Relaxed) > 0
        });
        let filler = state.join("filler");
        let mut file = std::fs::File::create(&filler).expect("create");
        while file.write_all(&[0; 4096]).is_ok() {}
        std::fs::write(&log, lines.join("\n") + "\n").expect("write");
        until("it is told", || {
            metrics
                .troubles()
                .iter()
                .any(|t| t.contains("state cannot be kept") && t.contains("state.db"))
        });
        *told.lock().expect("lock") = findings(&out).len();
        drop(file);
        std::fs::remove_file(&filler).expect("remove");
        let all = expected(&lines).len();
        until("all are told", || findings(&out).len() >= all);
        stop.store(true, Ordering::Release);
        watch.join().expect("watch");
    });
    assert_eq!(findings(&out), expected(&lines));
    assert_eq!(*told.lock().expect("lock"), 0, "nothing before it was kept");
}
