//! No breach: the same volume, with everything that looks like one.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use vauban_corpus::{Corpus, Rng, SEARCH_WORDS};

use super::background::{self, DAY, Life, Plan, pause};
use super::cast::{self, at, ip};
use crate::RunArgs;
use crate::clients::http::Agent;
use crate::clients::sieve::Sieve;
use crate::clock::SEC;
use crate::daemons::mail::MailOptions;
use crate::daemons::web::{WebOptions, WebServer};
use crate::lab::{Lab, Setup};
use crate::play::{ImapPlay, PopPlay, WebPlay};
use crate::sim::{Actor, Sim};
use crate::syslogd::Stamp;
use crate::truth::{Open, Who};

const BACKUP_HOST: &str = "10.20.0.60";
const ADMIN_HOST: &str = "10.20.0.9";
const HOTEL: &str = "203.0.113.98";
const AIRPORT: &str = "198.51.100.150";
const ROAMING: &str = "2001:db8:51::a7";
/// The master user of the backup and of the administrator.
const MASTER: (&str, &str) = ("sauvegarde", "Coffre-Fort.2025.bis");

const TRAVELLER: usize = 17;
const NEW_PHONE: usize = 9;
const PRESS: usize = 19;
const BUYER: usize = 11;
const MIGRATED: usize = 16;
const LEAVER: usize = 7;
const CAREFUL: usize = 6;
const JURIST: usize = 12;

/// Where the password spray comes from.
fn spray_sources() -> Vec<IpAddr> {
    (0..10u8)
        .map(|i| match i % 3 {
            0 => IpAddr::from([203, 0, 113, 210 + i]),
            1 => IpAddr::from([198, 51, 100, 220 + i]),
            _ => IpAddr::from([198, 19, 240, 5 + i]),
        })
        .collect()
}

/// Plays it.
pub fn play(args: &RunArgs) -> Result<()> {
    let corpus = Arc::new(Corpus::ministry(args.seed));
    let start = at("2025-11-25 06:30");
    let end = at("2025-12-12 18:00");
    let mut addresses = cast::addresses(corpus.people.len());
    addresses.extend([BACKUP_HOST, ADMIN_HOST, HOTEL, AIRPORT, ROAMING].map(ip));
    addresses.extend(spray_sources());
    let lab = Arc::new(Lab::build(
        Setup {
            start,
            zone: "Europe/Paris",
            stamp: Stamp::Rfc3164,
            accounts: cast::accounts(&corpus),
            mail: MailOptions {
                rich_log: args.rich_log,
                master: Some((MASTER.0.to_owned(), MASTER.1.to_owned())),
            },
            web: WebOptions {
                server: WebServer::Nginx,
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
        from: at("2025-11-25 00:00"),
        days: 18,
        until: end,
        scale: 0.5 * args.scale,
        seed: args.seed ^ 0xc1ea,
        away: vec![(TRAVELLER, at("2025-12-02 06:00"), at("2025-12-06 00:00"))],
    };
    life.schedule(&mut sim, &plan);
    background::schedule_rotation(&mut sim, &lab, &plan);
    backup(&mut sim, &life);
    traveller(&mut sim, &life, args.seed);
    new_phone(&mut sim, &life);
    filters(&mut sim, &life);
    spray(&mut sim, &life, args.seed);
    migration(&mut sim, &life);
    leaver(&mut sim, &life);
    others(&mut sim, &life, args.seed);
    sim.at(end, "end", |_| Ok(()));
    lab.play(sim)?;
    let redirected = format!("o.chassagnard@{}", "boitealettres.example");
    lab.book_redirects("redirect", &redirected, &life.address(PRESS), false)?;
    let mut truth = lab.books.finish("clean", "no_evidence_of_breach");
    truth.made_with = json!({"seed": args.seed, "scale": args.scale});
    lab.finish(&args.out, &truth)
}

/// Every night the backup host reads what is new, on Sundays everything, as its own master user.
fn backup(sim: &mut Sim, life: &Life) {
    for night in 1..18 {
        let life = life.clone();
        let when = at("2025-11-25 01:30") + night * DAY;
        sim.at(when, "backup", move |me| {
            let full = night == 1 || night % 7 == 5;
            for person in 0..life.corpus.people.len() {
                let account = life.address(person);
                let who = Who::honest("backup", "nightly backup from inside as a master user");
                let login = format!("{account}*{}", MASTER.0);
                let imap = ImapPlay::login_as(
                    &life.lab,
                    ip(BACKUP_HOST),
                    &account,
                    &login,
                    MASTER.1,
                    "",
                    &who,
                )?;
                let Some(mut imap) = imap else {
                    anyhow::bail!("the backup's master user cannot log in");
                };
                for mailbox in ["INBOX", "Sent"] {
                    imap.select(mailbox)?;
                    let uids = imap.uids()?;
                    let key = (
                        account.as_str(),
                        if mailbox == "INBOX" {
                            "backup"
                        } else {
                            "backup-sent"
                        },
                    );
                    let last = if full {
                        0
                    } else {
                        life.memory.last(key.0, key.1)
                    };
                    let new: Vec<u32> = uids.iter().copied().filter(|u| *u > last).collect();
                    if let Some(top) = uids.last() {
                        life.memory.remember(key.0, key.1, *top);
                    }
                    imap.fetch(&new, "(UID FLAGS INTERNALDATE BODY.PEEK[])")?;
                }
                imap.logout()?;
                me.sleep(2.0)?;
            }
            Ok(())
        });
    }
}

/// A week abroad: hotel, airport, roaming telephone, one wrong password.
fn traveller(sim: &mut Sim, life: &Life, seed: u64) {
    let days = [
        ("2025-12-02 09:40", AIRPORT),
        ("2025-12-02 21:15", HOTEL),
        ("2025-12-03 07:20", HOTEL),
        ("2025-12-03 22:02", HOTEL),
        ("2025-12-04 21:40", HOTEL),
        ("2025-12-05 16:05", AIRPORT),
    ];
    for (i, (when, source)) in days.into_iter().enumerate() {
        let life = life.clone();
        sim.at(at(when), "traveller", move |me| {
            if i == 1 {
                let who = Who::honest("user", "mistypes the password at the hotel");
                let account = life.address(TRAVELLER);
                let agent = cast::browser(TRAVELLER);
                WebPlay::login_with(
                    &life.lab,
                    ip(source),
                    &account,
                    "wrong.Keys1",
                    &agent,
                    &who,
                    true,
                )?;
                me.sleep(14.0)?;
            }
            let seed = seed ^ u64::try_from(i).unwrap_or(0) ^ 0x7a7e;
            life.webmail(
                me,
                TRAVELLER,
                ip(source),
                seed,
                "travels: webmail from hotel and airport",
            )
        });
    }
    for hour in [8, 12, 18, 23] {
        for day in 0..4 {
            let life = life.clone();
            let when = at("2025-12-02 00:00") + day * DAY + (hour * 3600 + 437) * SEC;
            sim.at(when, "roaming phone", move |me| {
                life.phone(me, TRAVELLER, ip(ROAMING))
            });
        }
    }
}

/// A new telephone at home fetches everything once.
fn new_phone(sim: &mut Sim, life: &Life) {
    let life = life.clone();
    sim.at(at("2025-11-29 15:12"), "new phone", move |me| {
        let who = Who::honest("phone", "a new telephone synchronises everything at home");
        let Some(mut imap) = life.imap(NEW_PHONE, cast::home(NEW_PHONE), "iOS Mail", &who)? else {
            return Ok(());
        };
        for mailbox in ["INBOX", "Sent", "Archive"] {
            imap.select(mailbox)?;
            let uids = imap.uids()?;
            imap.headers(
                &uids,
                "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
            )?;
            for chunk in uids.chunks(20) {
                imap.fetch(chunk, "(UID BODY.PEEK[])")?;
                me.sleep(1.0)?;
            }
        }
        imap.vanish();
        Ok(())
    });
}

/// A redirect the press officer sets at the desk, and a filing rule over ManageSieve.
fn filters(sim: &mut Sim, life: &Life) {
    let one = life.clone();
    sim.at(at("2025-11-26 10:24"), "own redirect", move |me| {
        let who = Who::honest(
            "user",
            "has mail sent on to a private mailbox, from the desk",
        );
        let account = one.address(PRESS);
        let agent = cast::browser(PRESS);
        let mut web = WebPlay::login(&one.lab, cast::desk(PRESS), &account, &agent, &who, false)?;
        web.list("INBOX", 1)?;
        me.sleep(25.0)?;
        web.web
            .add_redirect("Copie perso", "o.chassagnard@boitealettres.example", true)?;
        me.sleep(40.0)?;
        web.logout()
    });
    let two = life.clone();
    sim.at(at("2025-11-27 14:03"), "filing rule", move |me| {
        let account = two.address(BUYER);
        let who = Who::honest("user", "files newsletters with a rule, from the desk");
        let source = cast::desk(BUYER);
        let mut open = Open::new(&account, "sieve", source, "", &who, me.now());
        let mut sieve = Sieve::connect(source)?;
        if !sieve.login(&account, &two.lab.known_password(&account))? {
            anyhow::bail!("{account} cannot log in over ManageSieve");
        }
        open.logged_in();
        sieve.put_active(
            "regles",
            "require [\"fileinto\"];\r\nif exists \"List-Id\" {\r\n  fileinto \"Archive\";\r\n}\r\n",
        )?;
        let received = sieve.logout()?;
        open.close(&two.lab.books, received, me.now());
        two.lab.flow_closed();
        Ok(())
    });
}

/// A spray over three nights: ten addresses, every account, no success.
fn spray(sim: &mut Sim, life: &Life, seed: u64) {
    let mut dice = Rng::new(seed ^ 0x5b4a);
    let words = [
        "Ministere2025!",
        "Bonjour123",
        "Azerty2025",
        "Noel2025!",
        "Password1",
    ];
    for attempt in 0..66i64 {
        let night = attempt % 3;
        let when =
            at("2025-12-03 00:40") + night * DAY + (attempt / 3 * 611 + dice.between(0, 300)) * SEC;
        let source = spray_sources()
            .get(dice.below(10))
            .copied()
            .unwrap_or(ip("203.0.113.210"));
        let account = if dice.chance(20) {
            format!(
                "{}@ministere.example",
                dice.pick(&["contact", "admin", "accueil", "rh"])
            )
        } else {
            life.address(dice.below(life.corpus.people.len()))
        };
        let word = (*dice.pick(&words)).to_owned();
        let life = life.clone();
        let kind = dice.below(3);
        sim.at(when, "spray", move |me| {
            let who = Who {
                actor: "sprayer",
                intruder: false,
                why: "password spray that never succeeds".into(),
            };
            let success = match kind {
                0 => ImapPlay::login_as(&life.lab, source, &account, &account, &word, "", &who)?
                    .is_some(),
                1 => PopPlay::login_with(&life.lab, source, &account, &word, &who)?.is_some(),
                _ => {
                    let agent = Agent {
                        name: "python-requests/2.31.0".into(),
                        language: "*".into(),
                        gzip: true,
                    };
                    WebPlay::login_with(&life.lab, source, &account, &word, &agent, &who, false)?
                        .is_some()
                }
            };
            if success {
                anyhow::bail!("the spray guessed a password; the story wants none");
            }
            me.sleep(1.0)
        });
    }
}

/// The administrator copies a mailbox to another server with imapsync.
fn migration(sim: &mut Sim, life: &Life) {
    let life = life.clone();
    sim.at(at("2025-12-01 20:10"), "imapsync", move |me| {
        let account = life.address(MIGRATED);
        let who = Who::honest(
            "admin",
            "imapsync of a mailbox from the administrators' host",
        );
        let login = format!("{account}*{}", MASTER.0);
        let imap = ImapPlay::login_as(
            &life.lab,
            ip(ADMIN_HOST),
            &account,
            &login,
            MASTER.1,
            "imapsync",
            &who,
        )?;
        let Some(mut imap) = imap else {
            anyhow::bail!("imapsync cannot log in");
        };
        for mailbox in ["INBOX", "Sent", "Archive", "Trash"] {
            imap.select(mailbox)?;
            let uids = imap.uids()?;
            imap.headers(
                &uids,
                "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID RECEIVED)])",
            )?;
            for uid in uids {
                imap.fetch(&[uid], "(UID BODY.PEEK[])")?;
                me.sleep(0.1)?;
            }
        }
        imap.logout()
    });
}

/// A colleague who leaves takes her mail along, from the desk.
fn leaver(sim: &mut Sim, life: &Life) {
    let life = life.clone();
    sim.at(at("2025-12-11 16:30"), "leaver", move |me| {
        let account = life.address(LEAVER);
        let who = Who::honest("user", "exports the mailbox before leaving, from the desk");
        let agent = cast::browser(LEAVER);
        let mut web = WebPlay::login(&life.lab, cast::desk(LEAVER), &account, &agent, &who, false)?;
        let rows = web.list("INBOX", 1)?;
        me.sleep(20.0)?;
        for chunk in rows.chunks(15) {
            if chunk.len() > 1 {
                web.zip_messages("INBOX", chunk)?;
                me.sleep(12.0)?;
            }
        }
        for uid in rows.iter().take(8) {
            web.save_eml("INBOX", *uid)?;
            me.sleep(4.0)?;
        }
        web.logout()?;
        let Some(mut imap) = life.imap(LEAVER, cast::desk(LEAVER), "Thunderbird", &who)? else {
            return Ok(());
        };
        imap.select("Sent")?;
        let uids = imap.uids()?;
        imap.fetch(&uids, "(UID BODY.PEEK[])")?;
        imap.logout()
    });
}

/// A password changed at the usual desk, and a jurist who searches a lot.
fn others(sim: &mut Sim, life: &Life, seed: u64) {
    let one = life.clone();
    sim.at(at("2025-12-04 09:31"), "own password", move |me| {
        let who = Who::honest("user", "changes the own password at the desk");
        let account = one.address(CAREFUL);
        let agent = cast::browser(CAREFUL);
        let mut web = WebPlay::login(&one.lab, cast::desk(CAREFUL), &account, &agent, &who, false)?;
        web.list("INBOX", 1)?;
        me.sleep(30.0)?;
        web.change_password("Ecluse-du-Nord-1789")?;
        one.lab.tell_owner(&account);
        me.sleep(10.0)?;
        web.logout()
    });
    let two = life.clone();
    sim.at(at("2025-12-09 10:05"), "jurist", move |me: &Actor| {
        let mut dice = Rng::new(seed ^ 0x1a3);
        let who = Who::honest("user", "looks for old cases with many words, at the desk");
        let account = two.address(JURIST);
        let agent = cast::browser(JURIST);
        let mut web = WebPlay::login(&two.lab, cast::desk(JURIST), &account, &agent, &who, false)?;
        web.list("INBOX", 1)?;
        for word in SEARCH_WORDS.iter().skip(20).take(28) {
            me.sleep(pause(&mut dice, 8, 40))?;
            let hits = web.search("INBOX", word, "text")?;
            if let Some(uid) = hits.first()
                && dice.chance(60)
            {
                me.sleep(pause(&mut dice, 5, 20))?;
                web.show("INBOX", *uid)?;
                if dice.chance(30) {
                    web.download_all("INBOX", *uid)?;
                }
            }
        }
        web.logout()
    });
}
