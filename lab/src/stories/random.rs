//! Random sessions on a small store: the raw material for testing byte bounds as a property.
//!
//! Every client does what its protocol allows, in any order: partial FETCHes, repeated RETR, TOP,
//! aborted downloads, archives, compressed pages, several sessions of one account at once. Every
//! session has its truth. A random subset of the source addresses counts as the intruder's and is
//! written to `advisory.csv`, so that an analyst's program can be told and its bounds be checked.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::json;
use vauban_corpus::{Corpus, Mail, Rng};

use super::background::{Life, pause};
use super::cast::{self, at, ip};
use crate::RunArgs;
use crate::clients::http::Agent;
use crate::clock::SEC;
use crate::daemons::mail::MailOptions;
use crate::daemons::web::{WebOptions, WebServer};
use crate::lab::{Lab, Setup};
use crate::play::{ImapPlay, PopPlay, WebPlay};
use crate::sim::{Actor, Sim};
use crate::store;
use crate::syslogd::Stamp;
use crate::truth::Who;

/// How many people have mailboxes here.
const PEOPLE: usize = 4;

/// Where sessions come from.
const SOURCES: [&str; 16] = [
    "203.0.113.10",
    "203.0.113.180",
    "203.0.113.181",
    "198.51.100.5",
    "198.51.100.6",
    "198.51.100.199",
    "198.18.4.30",
    "198.18.77.31",
    "198.18.140.32",
    "198.19.12.33",
    "198.19.66.34",
    "198.19.201.35",
    "192.0.2.130",
    "192.0.2.131",
    "2001:db8:7::1",
    "2001:db8:8::1",
];

/// Plays it.
pub fn play(args: &RunArgs) -> Result<()> {
    let mut rng = Rng::new(args.seed ^ 0x7a4d);
    let mut corpus = Corpus::ministry(args.seed);
    let mails = choose(&corpus, &mut rng);
    corpus.people.truncate(PEOPLE);
    corpus.mails.clear();
    let corpus = Arc::new(corpus);
    let start = at("2025-12-01 07:00");
    let server = if args.seed.is_multiple_of(2) {
        WebServer::Apache
    } else {
        WebServer::Nginx
    };
    let stamp = if args.seed.is_multiple_of(3) {
        Stamp::Iso8601
    } else {
        Stamp::Rfc3164
    };
    let lab = Arc::new(Lab::build(
        Setup {
            start,
            zone: "Europe/Paris",
            stamp,
            accounts: cast::accounts(&corpus),
            mail: MailOptions {
                rich_log: args.rich_log,
                master: None,
            },
            web: WebOptions {
                server,
                rich_log: args.rich_log,
            },
            addresses: SOURCES.iter().map(|s| ip(s)).collect(),
            names: cast::names(),
            exchangers: Vec::new(),
        },
        || cast::fill(&corpus, &mails),
    )?);
    let life = Life::new(&lab, &corpus);
    let mut bad: Vec<&str> = SOURCES.to_vec();
    rng.shuffle(&mut bad);
    bad.truncate(usize::try_from(rng.between(3, 7)).unwrap_or(4));
    let mut sim = Sim::new(Arc::clone(&lab.clock));
    for number in 0..args.sessions {
        let source = *SOURCES.get(rng.below(SOURCES.len())).context("no source")?;
        let who = if bad.contains(&source) {
            Who::intruder("random session from an address of the advisory")
        } else {
            Who::honest("user", "random session")
        };
        // Six hours for sixty sessions: several of one account overlap.
        let when = start + rng.between(600, 360 * i64::from(args.sessions.max(10))) * SEC;
        let (life, seed) = (life.clone(), rng.next());
        let name = format!("random {number}");
        sim.at(when, &name, move |me| {
            session(&life, me, ip(source), &who, seed)
        });
    }
    lab.play(sim)?;
    let breached = lab.books.lock().sessions.iter().any(|s| s.intruder);
    let verdict = if breached {
        "breached"
    } else {
        "no_evidence_of_breach"
    };
    let mut truth = lab.books.finish("random", verdict);
    truth.made_with = json!({"seed": args.seed, "sessions": args.sessions, "intruder": bad});
    lab.finish(&args.out, &truth)?;
    let mut csv = String::from("type,value,comment\n");
    for address in &bad {
        let kind = if address.contains(':') {
            "ipv6-addr"
        } else {
            "ipv4-addr"
        };
        csv.push_str(&format!("{kind},{address},seen in this intrusion\n"));
    }
    std::fs::write(args.out.join("advisory.csv"), csv).context("cannot write the advisory")
}

/// Some mail for each mailbox, messages with attachments preferred.
fn choose(corpus: &Corpus, rng: &mut Rng) -> Vec<Mail> {
    let mut chosen: Vec<Mail> = Vec::new();
    for owner in 0..PEOPLE {
        let mut own: Vec<&Mail> = corpus
            .mails
            .iter()
            .filter(|m| m.owner == owner && (m.folder == "INBOX" || m.folder == "Sent"))
            .collect();
        rng.shuffle(&mut own);
        own.sort_by_key(|m| m.attachments.is_empty());
        let count = usize::try_from(rng.between(12, 30)).unwrap_or(20);
        let (with, without): (Vec<&Mail>, Vec<&Mail>) =
            own.iter().partition(|m| !m.attachments.is_empty());
        chosen.extend(with.into_iter().take(count / 2).cloned());
        chosen.extend(without.into_iter().take(count).cloned());
    }
    chosen.sort_by_key(|m| (m.owner, m.date));
    chosen
}

fn session(life: &Life, me: &Actor, source: IpAddr, who: &Who, seed: u64) -> Result<()> {
    let mut dice = Rng::new(seed);
    let account = life.address(dice.below(PEOPLE));
    match dice.below(10) {
        0..4 => imap(life, me, source, &account, who, &mut dice),
        4..6 => pop3(life, me, source, &account, who, &mut dice),
        _ => webmail(life, me, source, &account, who, &mut dice),
    }
}

fn pick(dice: &mut Rng, uids: &[u32]) -> Option<u32> {
    uids.get(dice.below(uids.len().max(1))).copied()
}

fn a_part(dice: &mut Rng, account: &str, mailbox: &str, uid: u32) -> Result<Option<String>> {
    let message = store::message(account, mailbox, uid)?;
    let parts: Vec<String> = message.attachments().map(|p| p.number.clone()).collect();
    Ok(parts.get(dice.below(parts.len().max(1))).cloned())
}

fn imap(
    life: &Life,
    me: &Actor,
    source: IpAddr,
    account: &str,
    who: &Who,
    dice: &mut Rng,
) -> Result<()> {
    if dice.chance(8) {
        let wrong = ImapPlay::login_as(&life.lab, source, account, account, "nothing", "", who)?;
        if wrong.is_none() {
            me.sleep(3.0)?;
        }
    }
    let mut imap = ImapPlay::login(&life.lab, source, account, "", who)?;
    let mailbox = if dice.chance(75) { "INBOX" } else { "Sent" };
    imap.select(mailbox)?;
    let uids = imap.uids()?;
    if dice.chance(60) {
        imap.headers(&uids, "(UID FLAGS RFC822.SIZE ENVELOPE)")?;
    }
    for _ in 0..dice.between(0, 9) {
        me.sleep(pause(dice, 1, 200))?;
        let Some(uid) = pick(dice, &uids) else { break };
        match dice.below(10) {
            0 => imap.fetch(&[uid], "(UID RFC822)")?,
            1 | 2 => imap.fetch(&[uid], "(UID BODY.PEEK[])")?,
            3 => imap.fetch(&[uid], "(UID BODY[1])")?,
            4 => {
                let (offset, size) = (dice.between(0, 3000), dice.between(1, 5000));
                imap.fetch(&[uid], &format!("(UID BODY.PEEK[]<{offset}.{size}>)"))?;
            }
            5 => {
                if let Some(part) = a_part(dice, account, mailbox, uid)? {
                    imap.fetch(&[uid], &format!("(UID BODY.PEEK[{part}])"))?;
                }
            }
            6 => {
                if let Some(part) = a_part(dice, account, mailbox, uid)? {
                    let size = usize::try_from(dice.between(500, 4000)).unwrap_or(1000);
                    let pieces = usize::try_from(dice.between(1, 6)).unwrap_or(2);
                    imap.fetch_in_pieces(uid, &part, size, pieces)?;
                }
            }
            7 => imap.fetch(&[uid], "(UID BODY.PEEK[HEADER] BODY.PEEK[1])")?,
            8 => drop(imap.search("TEXT \"budget\"")?),
            _ => imap.headers(
                &[uid],
                "(UID BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)] BODYSTRUCTURE)",
            )?,
        }
    }
    match dice.below(10) {
        0..6 => imap.logout(),
        6..8 => {
            imap.vanish();
            Ok(())
        }
        _ => match pick(dice, &uids) {
            Some(uid) => {
                let octets = usize::try_from(dice.between(100, 30_000)).unwrap_or(1000);
                imap.abort_fetch(uid, octets)
            }
            None => imap.logout(),
        },
    }
}

fn pop3(
    life: &Life,
    me: &Actor,
    source: IpAddr,
    account: &str,
    who: &Who,
    dice: &mut Rng,
) -> Result<()> {
    // POP3 locks nothing here: Maildir, and Dovecot's pop3_lock_session is off by default.
    let mut pop = PopPlay::login(&life.lab, source, account, who)?;
    let count = i64::try_from(pop.count()).unwrap_or(0);
    if count == 0 {
        return pop.quit();
    }
    pop.list()?;
    let number = |dice: &mut Rng| u32::try_from(dice.between(1, count)).unwrap_or(1);
    if dice.chance(15) {
        for n in 1..=u32::try_from(count).unwrap_or(1) {
            pop.retr(n)?;
        }
    }
    for _ in 0..dice.between(0, 8) {
        me.sleep(pause(dice, 1, 40))?;
        let n = number(dice);
        match dice.below(4) {
            0 => pop.top(n, 0)?,
            1 => {
                let lines = u32::try_from(dice.between(1, 40)).unwrap_or(1);
                pop.top(n, lines)?;
            }
            2 => {
                pop.retr(n)?;
                pop.retr(n)?;
            }
            _ => pop.retr(n)?,
        }
    }
    if dice.chance(20) {
        let octets = usize::try_from(dice.between(50, 20_000)).unwrap_or(500);
        let n = number(dice);
        return pop.abort_retr(n, octets);
    }
    pop.quit()
}

fn webmail(
    life: &Life,
    me: &Actor,
    source: IpAddr,
    account: &str,
    who: &Who,
    dice: &mut Rng,
) -> Result<()> {
    let agent = Agent {
        name: cast::BROWSERS
            .get(dice.below(cast::BROWSERS.len()))
            .copied()
            .unwrap_or_default()
            .to_owned(),
        language: "en".to_owned(),
        gzip: dice.chance(70),
    };
    let assets = dice.chance(30);
    let mut web = WebPlay::login(&life.lab, source, account, &agent, who, assets)?;
    let mailbox = if dice.chance(80) { "INBOX" } else { "Sent" };
    let rows = web.list(mailbox, 1)?;
    for _ in 0..dice.between(1, 10) {
        me.sleep(pause(dice, 1, 60))?;
        let Some(uid) = pick(dice, &rows) else { break };
        match dice.below(11) {
            0 | 1 => web.preview(mailbox, uid)?,
            2 => web.show(mailbox, uid)?,
            3 => {
                web.download_all(mailbox, uid)?;
            }
            4 => web.save_eml(mailbox, uid)?,
            5 => {
                if let Some(part) = a_part(dice, account, mailbox, uid)? {
                    web.open_part(mailbox, uid, &part)?;
                }
            }
            6 => {
                let count = store::message(account, mailbox, uid)?.attachments().count();
                if count > 1 {
                    web.zip_attachments(mailbox, uid)?;
                }
            }
            7 => {
                let mut some = rows.clone();
                dice.shuffle(&mut some);
                some.truncate(usize::try_from(dice.between(2, 6)).unwrap_or(2));
                if some.len() > 1 {
                    web.zip_messages(mailbox, &some)?;
                }
            }
            8 => drop(web.search(mailbox, "budget", "text")?),
            9 => {
                if let Some(part) = a_part(dice, account, mailbox, uid)? {
                    let octets = usize::try_from(dice.between(100, 20_000)).unwrap_or(500);
                    web.abort_download(mailbox, uid, &part, octets)?;
                }
            }
            _ => web.web.refresh(mailbox)?,
        }
    }
    if dice.chance(60) {
        web.logout()
    } else {
        web.close();
        Ok(())
    }
}
