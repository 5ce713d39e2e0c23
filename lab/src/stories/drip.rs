//! Slowly, through the back door: a distributed spray with few failures, mailboxes emptied by POP3
//! from rotating addresses, a file in the web root, a piece of a log removed. Apache instead of
//! nginx, ISO-8601 stamps, and a server that changes its time zone half-way.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::json;
use vauban_corpus::{Corpus, Rng};

use super::background::{self, Life, Plan, pause};
use super::cast::{self, at, ip};
use crate::RunArgs;
use crate::clients::http::{Agent, Http};
use crate::clock::{Nanos, SEC, rfc3339};
use crate::daemons::WEBMAIL;
use crate::daemons::mail::MailOptions;
use crate::daemons::web::{WebOptions, WebServer};
use crate::lab::{Lab, Setup};
use crate::play::{ImapPlay, PopPlay, WebPlay};
use crate::sim::Sim;
use crate::syslogd::Stamp;
use crate::truth::Who;

/// Whose passwords the spray finds.
const FOUND: [usize; 2] = [8, 15];
/// Whose passwords it does not find.
const TRIED: [usize; 9] = [0, 1, 4, 6, 7, 9, 12, 16, 18];
/// Where the shell placeholder lies, and what it is.
const SHELL_PATH: &str = "/var/lib/roundcube/public_html/thumb.php";
const SHELL: &str = r"<?php
// Inert placeholder of the laboratory. It has the shape of an upload handler, so that a search for
// such files finds it, and does nothing: no file is written, no command is run.
if (isset($_FILES['f']) && isset($_POST['d'])) {
    $target = basename((string) $_POST['d']);
    $size = (int) $_FILES['f']['size'];
    unset($target, $size);
}
http_response_code(404);
";

/// Thirty addresses in six networks.
fn pool() -> Vec<IpAddr> {
    let nets: [[u8; 3]; 6] = [
        [203, 0, 113],
        [198, 51, 100],
        [198, 18, 33],
        [198, 18, 91],
        [198, 19, 150],
        [192, 0, 2],
    ];
    (0..30u8)
        .map(|i| {
            let [a, b, c] = nets
                .get(usize::from(i % 6))
                .copied()
                .unwrap_or([198, 18, 33]);
            IpAddr::from([a, b, c, 152 + (i / 6) * 17])
        })
        .collect()
}

/// Plays it.
pub fn play(args: &RunArgs) -> Result<()> {
    let corpus = Arc::new(Corpus::ministry(args.seed));
    // Until the change of zone the server's clock shows UTC.
    let start = at("2025-12-01 06:30");
    let end = at("2025-12-14 12:00");
    let mut addresses = cast::addresses(corpus.people.len());
    addresses.extend(pool());
    let lab = Arc::new(Lab::build(
        Setup {
            start,
            zone: "Etc/UTC",
            stamp: Stamp::Iso8601,
            accounts: cast::accounts(&corpus),
            mail: MailOptions {
                rich_log: args.rich_log,
                master: None,
            },
            web: WebOptions {
                server: WebServer::Apache,
                rich_log: args.rich_log,
            },
            addresses,
            names: cast::names(),
            exchangers: cast::exchangers(),
        },
        || cast::fill(&corpus, &corpus.mails),
    )?);
    let life = Life::new(&lab, &corpus);
    let mut sim = Sim::new(Arc::clone(&lab.clock));
    let plan = Plan {
        from: at("2025-12-01 00:00"),
        days: 14,
        until: end,
        scale: 0.55 * args.scale,
        seed: args.seed ^ 0xd21b,
        away: Vec::new(),
    };
    life.schedule(&mut sim, &plan);
    for day in 1..14 {
        let lab = Arc::clone(&lab);
        let when = plan.from + day * background::DAY + 65 * SEC;
        sim.at(when, "logrotate", move |_| {
            lab.rotate_web_logs()?;
            if day % 4 == 0 {
                lab.rotate_syslog()?;
            }
            Ok(())
        });
    }
    spray(&mut sim, &life, args.seed);
    emptying(&mut sim, &life, args.seed);
    shell(&mut sim, &life);
    cover(&mut sim, &life);
    sim.at(end, "end", |_| Ok(()));
    lab.play(sim)?;
    let mut truth = lab.books.finish("drip", "breached");
    truth.made_with = json!({"seed": args.seed, "scale": args.scale});
    lab.finish(&args.out, &truth)
}

/// 1 to 4 December: one or two failures an account a day, every time from another address.
fn spray(sim: &mut Sim, life: &Life, seed: u64) {
    let mut dice = Rng::new(seed ^ 0x51a3);
    let words = ["Ministere.2025", "Hiver2025!", "Bienvenue1", "Archives2025"];
    let mut turn = 0usize;
    for day in 0..4i64 {
        let targets = TRIED.iter().chain(FOUND.iter());
        for person in targets.copied() {
            for _ in 0..dice.between(1, 2) {
                turn += 1;
                let source = pool()
                    .get(turn * 7 % 30)
                    .copied()
                    .unwrap_or(ip("198.18.33.152"));
                let when = at("2025-12-01 07:00")
                    + day * background::DAY
                    + dice.between(0, 15 * 3600) * SEC;
                let word = (*dice.pick(&words)).to_owned();
                let (life, kind) = (life.clone(), dice.below(3));
                sim.at(when, "spray", move |me| {
                    let account = life.address(person);
                    let who = Who::intruder("low and slow password spray");
                    match kind {
                        0 => drop(ImapPlay::login_as(&life.lab, source, &account, &account, &word, "", &who)?),
                        1 => drop(PopPlay::login_with(&life.lab, source, &account, &word, &who)?),
                        _ => {
                            let agent = Agent {
                                name: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36".into(),
                                language: "en-US,en;q=0.9".into(),
                                gzip: true,
                            };
                            drop(WebPlay::login_with(&life.lab, source, &account, &word, &agent, &who, false)?);
                        }
                    }
                    me.sleep(1.0)
                });
            }
        }
    }
    // The passwords it finds in the end; the first success only looks at the number of messages.
    for (i, person) in FOUND.into_iter().enumerate() {
        let life = life.clone();
        let when = at("2025-12-04 22:10") + i64::try_from(i).unwrap_or(0) * 4021 * SEC;
        let source = pool()
            .get(3 + i * 11)
            .copied()
            .unwrap_or(ip("198.18.33.152"));
        sim.at(when, "spray succeeds", move |me| {
            let who = Who::intruder("the spray has found a password: first log-in");
            let mut pop = PopPlay::login(&life.lab, source, &life.address(person), &who)?;
            pop.list()?;
            me.sleep(2.0)?;
            pop.quit()
        });
    }
}

/// 5 to 13 December: a few messages at a time, every few hours, each time from another address.
fn emptying(sim: &mut Sim, life: &Life, seed: u64) {
    let mut dice = Rng::new(seed ^ 0xe307);
    for (lane, person) in FOUND.into_iter().enumerate() {
        let next = Arc::new(std::sync::Mutex::new(1u32));
        let mut when: Nanos =
            at("2025-12-05 01:10") + i64::try_from(lane).unwrap_or(0) * 5311 * SEC;
        let mut turn = lane * 3;
        while when < at("2025-12-13 20:00") {
            turn += 1;
            let source = pool()
                .get(turn * 11 % 30)
                .copied()
                .unwrap_or(ip("198.18.33.152"));
            let (life, next, mut inner) = (life.clone(), Arc::clone(&next), Rng::new(dice.next()));
            sim.at(when, "emptying", move |me| {
                let who = Who::intruder("empties a mailbox by POP3, a few messages at a time");
                let mut pop = PopPlay::login(&life.lab, source, &life.address(person), &who)?;
                let mut at = next.lock().map(|n| *n).unwrap_or(1);
                let last = u32::try_from(pop.count()).context("too many messages")?;
                pop.list()?;
                for _ in 0..inner.between(1, 3) {
                    if at > last {
                        break;
                    }
                    pop.retr(at)?;
                    at += 1;
                    me.sleep(pause(&mut inner, 1, 30))?;
                }
                if let Ok(mut n) = next.lock() {
                    *n = at;
                }
                pop.quit()
            });
            when += dice.between(2 * 3600, 9 * 3600) * SEC;
        }
    }
    // At the end the newest few are removed from the server, as a clumsy client does.
    let life = life.clone();
    sim.at(at("2025-12-13 22:40"), "removal", move |me| {
        let who = Who::intruder("downloads the newest messages and deletes them");
        let account = life.address(FOUND[1]);
        let source = pool().get(29).copied().unwrap_or(ip("198.18.33.152"));
        let mut pop = PopPlay::login(&life.lab, source, &account, &who)?;
        let last = u32::try_from(pop.count()).context("too many messages")?;
        for number in last.saturating_sub(2)..=last {
            pop.retr(number)?;
            pop.dele(number)?;
            me.sleep(1.0)?;
        }
        pop.quit()
    });
}

/// 6 December, night: a placeholder of a web shell appears in the web root and is asked for.
fn shell(sim: &mut Sim, life: &Life) {
    for (i, when) in ["2025-12-06 03:12", "2025-12-08 02:20", "2025-12-09 03:31"]
        .into_iter()
        .enumerate()
    {
        let life = life.clone();
        sim.at(at(when), "shell", move |me| {
            if i == 0 {
                std::fs::write(SHELL_PATH, SHELL).context("cannot place the shell's placeholder")?;
                crate::sandbox::shell(&format!("chown www-data:www-data {SHELL_PATH}"))?;
                life.lab.books.lock().persistence.push(json!({
                    "kind": "web_shell", "account": null, "detail": SHELL_PATH, "time": rfc3339(me.now()),
                }));
                me.sleep(40.0)?;
            }
            let source = pool().get(4 + i * 9).copied().unwrap_or(ip("198.18.33.152"));
            let agent = Agent {
                name: "curl/8.5.0".into(),
                language: "*".into(),
                gzip: false,
            };
            let mut http = Http::new(source, WEBMAIL, agent);
            http.post("/thumb.php", &[], &[("d", "x"), ("t", "1")])?;
            me.sleep(2.0)?;
            http.get("/thumb.php", &[])?;
            http.hang_up();
            life.lab.flow_closed();
            Ok(())
        });
    }
}

/// 8 December: the administrator sets the right time zone. 10 December: the intruder removes three
/// hours from the mail log.
fn cover(sim: &mut Sim, life: &Life) {
    let one = life.clone();
    sim.at(at("2025-12-08 07:02"), "time zone", move |me| {
        one.lab.change_zone("Europe/Paris")?;
        one.lab.books.lock().clock_changes.push(json!({
            "time": rfc3339(me.now()), "from": "Etc/UTC", "to": "Europe/Paris", "kind": "zone",
        }));
        Ok(())
    });
    let two = life.clone();
    sim.at(at("2025-12-10 23:50"), "log removal", move |_| {
        let (from, to) = (at("2025-12-10 09:00"), at("2025-12-10 12:00"));
        let removed = two.lab.syslog.cut("mail.log", from, to)?;
        anyhow::ensure!(removed > 0, "there was nothing to remove from the mail log");
        two.lab.books.lock().deleted_log.push(json!({
            "artefact": "var/log/mail.log", "from": rfc3339(from), "to": rfc3339(to), "lines": removed,
        }));
        Ok(())
    });
}
