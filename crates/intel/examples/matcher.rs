//! What indicators cost an event: `cargo run --release -p vauban-intel --example matcher [EVENTS]`.
//!
//! The same made-up events are looked at with no, one and 100,000 indicators (each kind its
//! share), and with each kind alone. Nanoseconds are of one core; the smallest of five runs
//! counts, as other work may take the processor.

use std::net::IpAddr;
use std::time::Instant;
use vauban_intel::{IndicatorSet, Matcher, WarningLists, parse};
use vauban_ocsf::*;

/// Numbers that are the same every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A feed of `count` indicators: addresses, domains, URLs, mail addresses, hashes, user agents.
fn feed(count: usize, kinds: &[&str]) -> String {
    let mut r = Random(0x1234_5678_9abc_def1);
    let mut text = String::from("value,type\n");
    for n in 0..count {
        let x = r.next();
        let line = match kinds[n % kinds.len()] {
            "ip" => {
                let [a, b, c, d, ..] = x.to_le_bytes();
                format!("{}.{b}.{c}.{d},ip", 20 + a % 60)
            }
            "network" => format!(
                "{}.{}.{}.0/24,network",
                80 + x % 9,
                x >> 8 & 255,
                x >> 16 & 255
            ),
            "domain" => format!("c{:x}.example-{}.net,domain", x >> 20, x % 997),
            "url" => format!("http://u{:x}.org/{:x}/x.php,url", x >> 30, x & 0xffff),
            "email" => format!("a{:x}@m{}.info,email", x >> 30, x % 9973),
            "sha256" => format!(
                "{:016x}{:016x}{:016x}{:016x},sha256",
                x,
                r.next(),
                r.next(),
                r.next()
            ),
            _ => format!("agent/{x:x} (bad),useragent"),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn events(strings: &[String]) -> Vec<Event<'_>> {
    let mut r = Random(42);
    strings
        .chunks_exact(4)
        .map(|s| {
            let x = r.next();
            let src = Some(IpAddr::from((x as u32 | 0x0100_0000).to_be_bytes()));
            let body = match x >> 32 & 3 {
                0 => Body::Logon(Logon {
                    user: &s[0],
                    src_ip: src,
                    ..Default::default()
                }),
                1 => Body::Email(Email {
                    from: &s[0],
                    to: &s[1],
                    src_ip: src,
                    src_host: &s[2],
                    relay_host: "mx.example.net",
                    ..Default::default()
                }),
                _ => Body::Http(Http {
                    method: "GET",
                    path: "/roundcube/",
                    query: "_task=mail&_action=show&_uid=7&_mbox=INBOX",
                    vhost: "webmail.example.net",
                    referrer: "https://webmail.example.net/roundcube/?_task=mail",
                    user_agent: &s[3],
                    src_ip: src,
                    ..Default::default()
                }),
            };
            Event {
                time: Timestamp(x as i64),
                evidence: Evidence::default(),
                product: Product::Other,
                host: "mx1",
                pid: None,
                body,
            }
        })
        .collect()
}

fn measure(name: &str, feed: &str, events: &[Event<'_>], base: &mut f64) {
    let advisory = parse("feed.csv", feed.as_bytes(), &WarningLists::built_in());
    let start = Instant::now();
    let matcher = Matcher::compile(&IndicatorSet::new(vec![advisory]));
    let compiled = start.elapsed();
    let mut best = f64::MAX;
    let mut hits = 0;
    for _ in 0..5 {
        hits = 0;
        let start = Instant::now();
        for e in events {
            matcher.scan_event(e, &mut |_, _| hits += 1);
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / events.len() as f64);
    }
    if *base == 0.0 {
        *base = best;
    }
    println!(
        "{name:<28} {:>7} indicators  {best:>7.1} ns an event  x{:.2}  {hits} hits, compiled in {:.1} ms",
        matcher.len(),
        best / *base,
        compiled.as_secs_f64() * 1e3
    );
}

fn main() {
    let count: usize = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(400_000);
    let mut r = Random(7);
    let strings: Vec<String> = (0..count * 4)
        .map(|n| {
            let x = r.next();
            match n % 4 {
                0 => format!("user{}@example.org", x % 5000),
                1 => format!("someone{}@partner{}.example.com", x % 500, x >> 20 & 63),
                2 => format!("mail{}.host{}.example.net", x % 50, x >> 20 & 1023),
                _ => format!(
                    "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0",
                    x % 140,
                    x % 140
                ),
            }
        })
        .collect();
    let events = events(&strings);
    let all = [
        "ip",
        "domain",
        "url",
        "email",
        "sha256",
        "network",
        "useragent",
    ];
    let mut base = 0.0;
    measure(
        "one of each kind",
        &feed(all.len(), &all),
        &events,
        &mut base,
    );
    measure("all kinds", &feed(100_000, &all), &events, &mut base);
    measure("all kinds", &feed(1_000_000, &all), &events, &mut base);
    for kind in all {
        let mut base = 0.0;
        measure(
            &format!("one {kind}"),
            &feed(1, &[kind]),
            &events,
            &mut base,
        );
        measure(
            &format!("{kind} alone"),
            &feed(100_000, &[kind]),
            &events,
            &mut base,
        );
    }
}
