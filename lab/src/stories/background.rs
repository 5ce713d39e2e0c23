//! The ordinary life of the ministry: desks, webmail, phones, mail within and from outside.
//!
//! Every person has habits that follow from the index in the cast: who works with a mail program at
//! the desk, who uses the webmail, whose phone looks for mail. They are the ground against which a
//! story's sessions stand out, or do not.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use vauban_corpus::{Corpus, Lookalike, OUTSIDERS, Rng};

use super::cast;
use crate::clock::{Nanos, SEC};
use crate::lab::Lab;
use crate::play::{self, ImapPlay, WebPlay};
use crate::sim::{Actor, Sim};
use crate::truth::Who;

/// A day in nanoseconds.
pub const DAY: Nanos = 86_400 * SEC;

/// What a story wants of its background.
#[derive(Clone)]
pub struct Plan {
    /// First midnight (Paris).
    pub from: Nanos,
    /// Days to play.
    pub days: u64,
    /// The story's end: nothing starts later.
    pub until: Nanos,
    /// Amount of traffic, 1.0 being the usual.
    pub scale: f64,
    /// Seed of its own.
    pub seed: u64,
    /// People who are not at their desk, by `(person, from, to)`.
    pub away: Vec<(usize, Nanos, Nanos)>,
}

/// What the people's mail programs remember between sessions.
#[derive(Default)]
pub struct Memory {
    /// Highest UID a client has fetched, by `(account, client)`.
    seen: Mutex<BTreeMap<(String, &'static str), u32>>,
}

impl Memory {
    /// Highest UID a client has fetched of a mailbox; 0 when it never looked.
    pub fn last(&self, account: &str, client: &'static str) -> u32 {
        let seen = self
            .seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.get(&(account.to_owned(), client))
            .copied()
            .unwrap_or(0)
    }

    /// Remembers the highest UID.
    pub fn remember(&self, account: &str, client: &'static str, uid: u32) {
        let mut seen = self
            .seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.insert((account.to_owned(), client), uid);
    }
}

/// Everything an ordinary session needs.
#[derive(Clone)]
pub struct Life {
    /// The laboratory.
    pub lab: Arc<Lab>,
    /// The people and their words.
    pub corpus: Arc<Corpus>,
    /// Their programs' memory.
    pub memory: Arc<Memory>,
}

/// Header fields mail programs fetch for their list.
const LIST_ITEMS: &str = "(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])";

impl Life {
    /// Starts a life around a laboratory.
    pub fn new(lab: &Arc<Lab>, corpus: &Arc<Corpus>) -> Life {
        Life {
            lab: Arc::clone(lab),
            corpus: Arc::clone(corpus),
            memory: Arc::default(),
        }
    }

    /// A person's address.
    pub fn address(&self, person: usize) -> String {
        self.corpus
            .people
            .get(person)
            .map(|p| p.address.clone())
            .unwrap_or_default()
    }

    /// Puts all ordinary events of a plan on the schedule.
    pub fn schedule(&self, sim: &mut Sim, plan: &Plan) {
        let mut rng = Rng::new(plan.seed);
        let people = self.corpus.people.len();
        for day in 0..plan.days {
            let midnight = plan.from + i64::try_from(day).unwrap_or(0) * DAY;
            let workday = is_workday(midnight);
            for person in 0..people {
                let mut dice = rng.fork(day * 1000 + person as u64);
                self.person_day(sim, plan, midnight, day, workday, person, &mut dice);
            }
            let mut dice = rng.fork(day);
            self.outside_mail(sim, plan, midnight, workday, &mut dice);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn person_day(
        &self,
        sim: &mut Sim,
        plan: &Plan,
        midnight: Nanos,
        day: u64,
        workday: bool,
        person: usize,
        dice: &mut Rng,
    ) {
        let clock = |dice: &mut Rng, hour: i64, spread_min: i64| {
            midnight + hour * 3600 * SEC + dice.between(0, spread_min * 60) * SEC
        };
        let plan_ok = |at: Nanos| {
            at < plan.until
                && !plan
                    .away
                    .iter()
                    .any(|a| a.0 == person && a.1 <= at && at < a.2)
        };
        let chance = |dice: &mut Rng, percent: f64| {
            let scaled = (percent * plan.scale).clamp(0.0, 100.0) * 100.0;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let limit = scaled as usize;
            dice.below(10_000) < limit
        };
        let by_web = person % 4 == 1;
        if workday {
            for hour in [8, 13] {
                let at = clock(dice, hour, 50);
                if !chance(dice, 86.0) || !plan_ok(at) {
                    continue;
                }
                let (life, seed) = (self.clone(), dice.next());
                if by_web {
                    sim.at(at, "webmail at the desk", move |me| {
                        life.webmail(
                            me,
                            person,
                            cast::desk(person),
                            seed,
                            "reads mail at the desk",
                        )
                    });
                } else {
                    sim.at(at, "mail program at the desk", move |me| {
                        life.desk(me, person, seed)
                    });
                }
            }
            for _ in 0..2 {
                let at = clock(dice, 9, 510);
                if chance(dice, 55.0) && plan_ok(at) {
                    let (life, seed) = (self.clone(), dice.next());
                    sim.at(at, "letter", move |me| life.letter(me, person, seed));
                }
            }
        }
        if person % 5 == 3 || person % 7 == 2 {
            let hour = if workday { 19 } else { 11 };
            let at = clock(dice, hour, 150);
            if chance(dice, 30.0) && plan_ok(at) {
                let (life, seed) = (self.clone(), dice.next());
                sim.at(at, "webmail at home", move |me| {
                    life.webmail(me, person, cast::home(person), seed, "reads mail at home")
                });
            }
        }
        if person % 3 == 2 {
            for hour in [7, 12, 18, 21] {
                let at = clock(dice, hour, 40);
                if chance(dice, 75.0) && plan_ok(at) {
                    let life = self.clone();
                    sim.at(at, "phone", move |me| {
                        life.phone(me, person, cast::mobile(person, day))
                    });
                }
            }
        }
    }

    fn outside_mail(
        &self,
        sim: &mut Sim,
        plan: &Plan,
        midnight: Nanos,
        workday: bool,
        dice: &mut Rng,
    ) {
        let usual = if workday { 6.0 } else { 1.0 };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let letters = (usual * plan.scale).ceil() as usize;
        for _ in 0..letters {
            let at = midnight + dice.between(7 * 3600, 20 * 3600) * SEC;
            let to = dice.below(self.corpus.people.len());
            if at < plan.until {
                let (life, mut dice) = (self.clone(), Rng::new(dice.next()));
                sim.at(at, "letter from outside", move |me| {
                    let mail = life
                        .corpus
                        .external_mail(&mut dice, None, to, me.now() / SEC);
                    life.deliver(&mail, to)
                });
            }
        }
        if workday && dice.chance(60) {
            let at = midnight + dice.between(5 * 3600, 9 * 3600) * SEC;
            if at < plan.until {
                let (life, mut dice) = (self.clone(), Rng::new(dice.next()));
                sim.at(at, "newsletter", move |me| {
                    for to in 0..life.corpus.people.len() {
                        if dice.chance(45) {
                            let mail = if dice.chance(25) {
                                let pick = dice.below(Lookalike::ALL.len());
                                let kind = Lookalike::ALL[pick];
                                life.corpus.lookalike(kind, &mut dice, to, me.now() / SEC)
                            } else {
                                life.corpus.newsletter(&mut dice, to, me.now() / SEC)
                            };
                            life.deliver(&mail, to)?;
                            me.sleep(2.0)?;
                        }
                    }
                    Ok(())
                });
            }
        }
    }

    /// Delivers a letter from outside as its author's mail server does.
    pub fn deliver(&self, mail: &vauban_corpus::Mail, to: usize) -> Result<()> {
        let (helo, address) = self.corpus.origin(mail);
        let known = OUTSIDERS.iter().any(|o| o.ip == address)
            || address.starts_with("198.51.100.")
            || address.starts_with("203.0.113.");
        let source = cast::ip(if known { &address } else { "198.51.100.140" });
        let from = mail.from.clone();
        play::deliver(
            &self.lab,
            source,
            &helo,
            &from,
            &[&self.address(to)],
            &mail.raw,
        )
    }

    /// A mail program at the desk: looks for new mail, fetches it, idles, fetches what arrives.
    pub fn desk(&self, me: &Actor, person: usize, seed: u64) -> Result<()> {
        let mut dice = Rng::new(seed);
        let account = self.address(person);
        let who = Who::honest("user", "mail program at the desk");
        let Some(mut imap) = self.imap(person, cast::desk(person), "Thunderbird", &who)? else {
            return Ok(());
        };
        self.sync(me, &mut imap, &account, "desk", true)?;
        for _ in 0..dice.between(1, 3) {
            imap.raw().idle()?;
            #[allow(clippy::cast_precision_loss)]
            me.sleep(dice.between(900, 5400) as f64)?;
            let news = imap.raw().has_news()?;
            imap.raw().done()?;
            if news {
                self.sync(me, &mut imap, &account, "desk", true)?;
            }
        }
        imap.logout()
    }

    /// A phone: short looks for new mail from a changing network.
    pub fn phone(&self, me: &Actor, person: usize, source: IpAddr) -> Result<()> {
        let who = Who::honest("phone", "looks for new mail on the way");
        let account = self.address(person);
        let Some(mut imap) = self.imap(person, source, "iOS Mail", &who)? else {
            return Ok(());
        };
        self.sync(me, &mut imap, &account, "phone", false)?;
        me.sleep(4.0)?;
        imap.vanish();
        Ok(())
    }

    /// Logs in over IMAP with the password the owner knows; `None` when it is refused.
    pub fn imap(
        &self,
        person: usize,
        source: IpAddr,
        agent: &str,
        who: &Who,
    ) -> Result<Option<ImapPlay>> {
        let account = self.address(person);
        let password = self.lab.known_password(&account);
        ImapPlay::login_as(&self.lab, source, &account, &account, &password, agent, who)
    }

    /// Fetches headers and bodies of what a client has not seen. A client that has never been seen
    /// before starts with the ten newest messages: it has synchronised before the story.
    fn sync(
        &self,
        me: &Actor,
        imap: &mut ImapPlay,
        account: &str,
        client: &'static str,
        bodies: bool,
    ) -> Result<()> {
        imap.select("INBOX")?;
        let last = self.memory.last(account, client);
        let uids = imap.uids()?;
        let mut new: Vec<u32> = uids.iter().copied().filter(|u| *u > last).collect();
        if last == 0 {
            new.reverse();
            new.truncate(10);
            new.reverse();
        }
        if let Some(top) = uids.last() {
            self.memory.remember(account, client, *top);
        }
        imap.headers(&new, LIST_ITEMS)?;
        if bodies {
            for uid in &new {
                imap.fetch(&[*uid], "(UID RFC822.SIZE BODY[])")?;
                me.sleep(0.2)?;
            }
        } else {
            let shown: Vec<u32> = new.iter().rev().take(3).copied().collect();
            for uid in shown {
                imap.fetch(&[uid], "(UID BODY.PEEK[1])")?;
                me.sleep(2.0)?;
                imap.seen(uid)?;
            }
        }
        Ok(())
    }

    /// A person reads mail in the browser.
    pub fn webmail(
        &self,
        me: &Actor,
        person: usize,
        source: IpAddr,
        seed: u64,
        why: &str,
    ) -> Result<()> {
        let mut dice = Rng::new(seed);
        let who = Who::honest("user", why);
        let account = self.address(person);
        let password = self.lab.known_password(&account);
        let agent = cast::browser(person);
        let assets = dice.chance(40);
        let web =
            WebPlay::login_with(&self.lab, source, &account, &password, &agent, &who, assets)?;
        let Some(mut web) = web else {
            return Ok(());
        };
        let rows = web.list("INBOX", 1)?;
        me.sleep(pause(&mut dice, 4, 30))?;
        let count = usize::try_from(dice.between(1, 4)).unwrap_or(1);
        for uid in rows.iter().take(count) {
            web.preview("INBOX", *uid)?;
            me.sleep(pause(&mut dice, 10, 90))?;
            if dice.chance(25) {
                web.download_all("INBOX", *uid)?;
                me.sleep(pause(&mut dice, 20, 120))?;
            }
        }
        if dice.chance(15) {
            let word = dice.pick(&["réunion", "facture", "badge", "planning", "convention"]);
            let hits = web.search("INBOX", word, "subject,from")?;
            me.sleep(pause(&mut dice, 8, 40))?;
            if let Some(uid) = hits.first() {
                web.show("INBOX", *uid)?;
                me.sleep(pause(&mut dice, 20, 90))?;
            }
        }
        if dice.chance(35) {
            let to = self.address(dice.below(self.corpus.people.len()));
            web.send(
                &to,
                "Point rapide",
                "Bonjour,\n\nPouvez-vous me rappeler cet après-midi ?\n\nCordialement\n",
            )?;
            me.sleep(pause(&mut dice, 5, 20))?;
        }
        web.web.refresh("INBOX")?;
        me.sleep(pause(&mut dice, 5, 60))?;
        if dice.chance(60) {
            web.logout()
        } else {
            web.close();
            Ok(())
        }
    }

    /// A person writes to colleagues from the desk's mail program.
    pub fn letter(&self, me: &Actor, person: usize, seed: u64) -> Result<()> {
        let mut dice = Rng::new(seed);
        let people = self.corpus.people.len();
        let mut to: Vec<usize> = (0..dice.between(1, 3))
            .map(|_| dice.below(people))
            .collect();
        to.sort_unstable();
        to.dedup();
        to.retain(|t| *t != person);
        if to.is_empty() {
            return Ok(());
        }
        let account = self.address(person);
        if self.lab.known_password(&account) != self.lab.password(&account) {
            return Ok(());
        }
        let mail = self
            .corpus
            .new_mail(&mut dice, person, &to, me.now() / SEC, 3600);
        let who = Who::honest("user", "writes from the desk");
        let addresses: Vec<String> = to.iter().map(|t| self.address(*t)).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        play::submit(
            &self.lab,
            cast::desk(person),
            &account,
            &addresses,
            &mail.raw,
            &who,
        )?;
        me.sleep(1.0)?;
        // The program files a copy in Sent.
        if let Some(mut imap) = self.imap(person, cast::desk(person), "Thunderbird", &who)? {
            imap.raw().append("Sent", "\\Seen", &mail.raw)?;
            imap.logout()?;
        }
        Ok(())
    }
}

/// A pause of some seconds.
pub fn pause(dice: &mut Rng, low: i64, high: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    {
        dice.between(low * 10, high * 10) as f64 / 10.0
    }
}

/// Whether a Paris midnight begins a working day.
pub fn is_workday(midnight: Nanos) -> bool {
    // 1970-01-01 was a Thursday; noon avoids the zone's offset.
    let days = (midnight + DAY / 2).div_euclid(DAY);
    (days + 4).rem_euclid(7) % 6 != 0
}

/// Rotates logs as Debian's logrotate does: the web's daily, syslog on Sundays.
pub fn schedule_rotation(sim: &mut Sim, lab: &Arc<Lab>, plan: &Plan) {
    for day in 1..plan.days {
        let midnight = plan.from + i64::try_from(day).unwrap_or(0) * DAY;
        if midnight >= plan.until {
            break;
        }
        let lab = Arc::clone(lab);
        let sunday = !is_workday(midnight) && !is_workday(midnight - DAY);
        sim.at(midnight + 5 * SEC, "logrotate", move |_| {
            lab.rotate_web_logs()?;
            if sunday {
                lab.rotate_syslog()?;
            }
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekends_are_known() {
        assert!(is_workday(cast::at("2025-11-28 00:00")));
        assert!(!is_workday(cast::at("2025-11-29 00:00")));
        assert!(!is_workday(cast::at("2025-11-30 00:00")));
        assert!(is_workday(cast::at("2025-12-01 00:00")));
    }
}
