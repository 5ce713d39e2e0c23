//! Writes made-up events of a busy mail server as Parquet, and a feed of indicators of which some
//! occur: `cargo run --release -p vauban-lake --example generate -- DIR EVENTS INDICATORS [DAYS]`.
//!
//! The events lie in `DIR/lake/eventDay=…/`, the feed in `DIR/feed.csv`. Skewed as a real server's:
//! few accounts do most of the work, an account comes from few addresses, noise from the Internet
//! comes from everywhere, a partner writes often and a stranger once. The same arguments give the
//! same files. About one event in 50,000 is of an indicator by itself, and about as many come in
//! bursts, as an intruder's do.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use vauban_lake::ParquetSink;
use vauban_ocsf::*;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Numbers that are the same every time (xorshift64*).
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(mix(seed) | 1)
    }
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
    /// Small numbers far more often than large ones, about as Zipf's law has it.
    fn skewed(&mut self, n: u64) -> u64 {
        let u = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        ((n as f64).powf(u) - 1.0) as u64 % n
    }
}

fn mix(x: u64) -> u64 {
    let x = (x ^ x >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ x >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^ x >> 32
}

/// Addresses of indicators are in networks where no other address of the events is.
fn bad_ip(n: u64) -> IpAddr {
    let x = mix(n + 0xbad);
    IpAddr::from([
        185 + (x & 7) as u8,
        (x >> 8) as u8,
        (x >> 16) as u8,
        (x >> 24) as u8,
    ])
}

fn good_ip(x: u64) -> IpAddr {
    let x = mix(x);
    IpAddr::from([
        1 + (x % 180) as u8,
        (x >> 8) as u8,
        (x >> 16) as u8,
        (x >> 24) as u8,
    ])
}

fn bad_domain(n: u64) -> String {
    format!("cdn-{:07x}.update-{}.net", mix(n) & 0xfff_ffff, n % 977)
}

fn bad_email(n: u64) -> String {
    format!("info{}@m{:06x}.org", n % 89, mix(n) & 0xff_ffff)
}

fn bad_agent(n: u64) -> String {
    format!("Mozilla/5.0 (compatible; tool {:06x})", mix(n) & 0xff_ffff)
}

/// Of ten indicators: five addresses, two domains, one URL, one mail address, one hash or agent.
fn feed(count: u64) -> String {
    let mut text = String::from("value,type\n");
    for n in 0..count {
        let line = match n % 10 {
            0..5 => format!("{},ip", bad_ip(n)),
            5 | 6 => format!("{},domain", bad_domain(n)),
            7 => format!("http://{}/{:x}/login.php,url", bad_domain(n), n),
            8 => format!("{},email", bad_email(n)),
            _ if n % 100 == 9 => format!("{},useragent", bad_agent(n)),
            _ => format!(
                "{:016x}{:016x}{:016x}{:016x},sha256",
                mix(n),
                mix(n + 1),
                mix(n + 2),
                mix(n + 3)
            ),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[derive(Default)]
struct Strings {
    user: String,
    from: String,
    to: String,
    host: String,
    query: String,
    agent: String,
    referrer: String,
    id: String,
}

struct Maker {
    random: Random,
    indicators: u64,
    /// Events of a burst still to come, and its indicator.
    burst: (u32, u64),
    s: Strings,
}

const ACCOUNTS: u64 = 20_000;
const PARTNERS: u64 = 60_000;
const STRANGERS: u64 = 40_000_000;

impl Maker {
    fn agent(&mut self) {
        let n = self.random.skewed(4000);
        self.s.agent.clear();
        let _ = write!(
            self.s.agent,
            "Mozilla/5.0 ({}; rv:{}.0) Gecko/20100101 Firefox/{}.0",
            [
                "X11; Linux x86_64",
                "Windows NT 10.0; Win64; x64",
                "Macintosh; Intel Mac OS X 10.15"
            ][(n % 3) as usize],
            60 + n / 3 % 90,
            60 + n / 3 % 90
        );
    }

    /// The event's indicator, if it is to have one.
    fn bad(&mut self) -> Option<u64> {
        if self.burst.0 > 0 {
            if self.random.below(20) == 0 {
                self.burst.0 -= 1;
                return Some(self.burst.1);
            }
            return None;
        }
        match self.random.below(100_000_000) {
            0..40 => {
                let n = self.random.below(self.indicators);
                self.burst = (20 + self.random.below(80) as u32, n);
                None
            }
            40..2040 => Some(self.random.below(self.indicators)),
            _ => None,
        }
    }

    fn event(&mut self, piece: &mut vauban_lake::ChunkEvents, time: i64, offset: u64) {
        let bad = self.bad();
        let account = self.random.skewed(ACCOUNTS);
        self.s.user.clear();
        let _ = write!(self.s.user, "user{account:05}@ministry.example");
        // An account comes from a handful of addresses, the first of them mostly.
        let place = self.random.skewed(12);
        let mut ip = good_ip(account * 16 + place);
        let kind = self.random.below(100);
        let mut host = String::new();
        std::mem::swap(&mut host, &mut self.s.host);
        host.clear();
        let (artefact, product, body) = if kind < 22 {
            let noise = self.random.below(4) == 0;
            if noise {
                // Somebody tries passwords, from anywhere.
                ip = good_ip(1 << 40 | self.random.skewed(3_000_000));
            }
            if let Some(n) = bad {
                ip = bad_ip(n - n % 10 + n % 5);
            }
            self.s.id.clear();
            let _ = write!(self.s.id, "{:011x}", self.random.next() >> 20);
            (
                0,
                Product::Dovecot,
                Body::Logon(Logon {
                    service: Service::Imap,
                    status: if noise {
                        Status::Failure
                    } else {
                        Status::Success
                    },
                    user: &self.s.user,
                    src_ip: Some(ip),
                    dst_ip: Some(IpAddr::from([10, 0, 0, 25])),
                    method: "PLAIN",
                    session: &self.s.id,
                    tls: Some(true),
                    attempts: 1,
                    ..Default::default()
                }),
            )
        } else if kind < 64 {
            self.agent();
            let uid = self.random.below(90_000);
            let s = &mut self.s;
            s.query.clear();
            let _ = write!(s.query, "_task=mail&_action=show&_uid={uid}&_mbox=INBOX");
            s.referrer.clear();
            let _ = write!(
                s.referrer,
                "https://webmail.ministry.example/?_task=mail&_mbox=INBOX"
            );
            if self.random.below(6) == 0 {
                ip = good_ip(1 << 41 | self.random.skewed(5_000_000));
            }
            match bad {
                Some(n) if n % 10 == 7 => {
                    let n = n - n % 10 + 7;
                    self.s.referrer = format!("http://{}/{n:x}/login.php", bad_domain(n));
                }
                Some(n) if n % 100 == 9 => self.s.agent = bad_agent(n),
                Some(n) => ip = bad_ip(n - n % 10 + n % 5),
                None => {}
            }
            (
                1,
                Product::Nginx,
                Body::Http(Http {
                    method: if kind < 60 { "GET" } else { "POST" },
                    path: "/",
                    query: &self.s.query,
                    vhost: "webmail.ministry.example",
                    referrer: &self.s.referrer,
                    user_agent: &self.s.agent,
                    status: Some(200),
                    bytes_out: Some(2000 + self.random.skewed(400_000)),
                    src_ip: Some(ip),
                    ..Default::default()
                }),
            )
        } else if kind < 88 {
            let stranger = self.random.below(3) == 0;
            let who = if stranger {
                self.random.skewed(STRANGERS)
            } else {
                self.random.skewed(PARTNERS)
            };
            let domain = mix(who) % if stranger { 900_000 } else { 4000 };
            let s = &mut self.s;
            s.from.clear();
            let _ = write!(s.from, "{:x}@d{domain}.example.com", mix(who) >> 40);
            let _ = write!(host, "mail{}.d{domain}.example.com", domain % 3);
            s.to.clone_from(&s.user);
            s.id.clear();
            let _ = write!(s.id, "4{:012X}", self.random.next() >> 16);
            ip = good_ip(1 << 42 | domain);
            match bad {
                Some(n) if n % 10 < 5 => ip = bad_ip(n),
                Some(n) if n % 10 < 7 => host = bad_domain(n),
                Some(n) => self.s.from = bad_email(n - n % 10 + 8),
                None => {}
            }
            (
                2,
                Product::Postfix,
                Body::Email(Email {
                    activity: EmailActivity::Delivered,
                    status: Status::Success,
                    queue_id: &self.s.id,
                    from: &self.s.from,
                    to: &self.s.to,
                    size: Some(3000 + self.random.skewed(9_000_000)),
                    src_ip: Some(ip),
                    src_host: &host,
                    agent: "lmtp",
                    dsn: "2.0.0",
                    outcome: "sent",
                    ..Default::default()
                }),
            )
        } else if kind < 97 {
            let mut peer = good_ip(1 << 43 | self.random.skewed(2_000_000));
            if let Some(n) = bad {
                peer = bad_ip(n - n % 10 + n % 5);
            }
            (
                3,
                Product::Zeek,
                Body::Network(Network {
                    protocol: 6,
                    src_ip: Some(IpAddr::from([10, 0, 0, (account % 200) as u8])),
                    src_port: Some(30_000 + (self.random.next() % 30_000) as u16),
                    dst_ip: Some(peer),
                    dst_port: Some(443),
                    bytes_out: Some(self.random.skewed(90_000)),
                    bytes_in: Some(self.random.skewed(900_000)),
                    state: "SF",
                    ..Default::default()
                }),
            )
        } else {
            (
                0,
                Product::Dovecot,
                Body::Mailbox(Mailbox {
                    action: MailboxAction::Search,
                    service: Service::Imap,
                    user: &self.s.user,
                    mailbox: "INBOX",
                    src_ip: Some(ip),
                    arguments: "CHARSET UTF-8 SUBJECT invoice",
                    ..Default::default()
                }),
            )
        };
        piece.event(&Event {
            time: Timestamp(time),
            evidence: Evidence {
                artefact: ArtefactId(artefact),
                offset,
                length: 180,
            },
            product,
            host: "mx1",
            pid: Some(1000),
            body,
        });
        self.s.host = host;
    }
}

fn day(dir: &Path, day: u64, events: u64, indicators: u64) -> Result<u64, Fault> {
    let start = Timestamp::from_civil(2025, 10, 1, 0, 0, 0, 0, 0).0 + day as i64 * DAY;
    let (y, m, d, ..) = Timestamp(start).civil();
    let names = ["mail.log", "access.log", "mail.log.1", "conn.log"];
    let names = names
        .iter()
        .map(|n| format!("var/log/{y:04}{m:02}{d:02}/{n}"))
        .collect();
    let mut sink = ParquetSink::new(&dir.join(format!("eventDay={y:04}{m:02}{d:02}")), names)?;
    let mut piece = sink.chunk();
    let mut maker = Maker {
        random: Random::new(day + 1),
        indicators,
        burst: (0, 0),
        s: Strings::default(),
    };
    for n in 0..events {
        let time = start + (n as i64) * (DAY / events.max(1) as i64);
        maker.event(&mut piece, time, n * 181);
        if n % 16_384 == 0 {
            sink.write(&piece.take_ready())?;
        }
    }
    sink.write(&piece.finish()?)?;
    Ok(sink.close()?.iter().map(|w| w.rows).sum())
}

fn main() -> Result<(), Fault> {
    let args: Vec<String> = std::env::args().collect();
    let usage = "usage: generate DIR EVENTS INDICATORS [DAYS]";
    let dir = PathBuf::from(args.get(1).ok_or(usage)?);
    let events: u64 = args.get(2).ok_or(usage)?.parse()?;
    let indicators: u64 = args.get(3).ok_or(usage)?.parse()?;
    let days: u64 = args.get(4).map_or(Ok(30), |d| d.parse())?;
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("feed.csv"), feed(indicators))?;
    let lake = dir.join("lake");
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let rows = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut rows = 0;
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= days {
                            return Ok::<u64, Fault>(rows);
                        }
                        let count = events / days + u64::from(n < events % days);
                        rows += day(&lake, n, count, indicators)?;
                    }
                })
            })
            .collect();
        let mut rows = 0;
        for w in workers {
            rows += w.join().map_err(|_| "a thread failed")??;
        }
        Ok::<_, Fault>(rows)
    })?;
    println!("{rows} events, {indicators} indicators");
    Ok(())
}
