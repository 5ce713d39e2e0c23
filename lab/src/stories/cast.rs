//! Who plays: the ministry's people with their addresses and habits, and the world outside.

use std::net::IpAddr;

use anyhow::{Context, Result};
use vauban_corpus::{Corpus, Mail, OUTSIDERS, maildir_folder};

use crate::clients::http::Agent;
use crate::clock::{Nanos, SEC};
use crate::daemons::Account;
use crate::dns::Zone;
use crate::store;

/// Parses an address that stands in a story's table.
pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or(IpAddr::from([127, 0, 0, 1]))
}

/// A civil time in Paris as story time; for tables such as `at("2025-12-09 14:30")`.
pub fn at(text: &str) -> Nanos {
    let local: jiff::civil::DateTime = text.parse().unwrap_or_default();
    local.in_tz("Europe/Paris").map_or(0, |z| {
        i64::try_from(z.timestamp().as_nanosecond()).unwrap_or(0)
    })
}

/// Browsers people use.
pub const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
];

/// The browser on a person's desk.
pub fn browser(person: usize) -> Agent {
    let name = BROWSERS
        .get(person % BROWSERS.len())
        .copied()
        .unwrap_or_default();
    Agent {
        name: name.to_owned(),
        language: "fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3".to_owned(),
        gzip: true,
    }
}

/// The person's desk on the ministry's network.
pub fn desk(person: usize) -> IpAddr {
    let host = u8::try_from(20 + person).unwrap_or(250);
    let floor = u8::try_from(1 + person % 4).unwrap_or(1);
    IpAddr::from([10, 20, floor, host])
}

/// The person's home connection: eight providers' networks.
pub fn home(person: usize) -> IpAddr {
    let [a, b, c] = match person % 6 {
        0 => [198, 18, 4],
        1 => [198, 18, 77],
        2 => [198, 18, 140],
        3 => [198, 19, 12],
        4 => [198, 19, 66],
        _ => [198, 19, 201],
    };
    IpAddr::from([a, b, c, u8::try_from(30 + 7 * person % 200).unwrap_or(30)])
}

/// The addresses a person's phone gets from its operator, changing by the day.
pub fn mobile(person: usize, day: u64) -> IpAddr {
    let nets: [[u8; 3]; 3] = [[198, 18, 200], [198, 18, 201], [198, 18, 202]];
    let pick = usize::try_from(day).unwrap_or(0) + person;
    let [a, b, c] = nets.get(pick % 3).copied().unwrap_or([198, 18, 200]);
    IpAddr::from([
        a,
        b,
        c,
        u8::try_from(10 + person * 3 + pick % 3).unwrap_or(99),
    ])
}

/// All addresses [`desk`], [`home`] and [`mobile`] can give.
pub fn addresses(people: usize) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = Vec::new();
    for person in 0..people {
        all.push(desk(person));
        all.push(home(person));
        for day in 0..3 {
            all.push(mobile(person, day));
        }
    }
    all.extend(OUTSIDERS.iter().map(|o| ip(o.ip)));
    for last in 140..=142 {
        all.push(IpAddr::from([198, 51, 100, last]));
    }
    all.push(ip("203.0.113.141"));
    all.sort_unstable();
    all.dedup();
    all
}

/// The corpus' people as accounts of the server.
pub fn accounts(corpus: &Corpus) -> Vec<Account> {
    corpus
        .people
        .iter()
        .map(|p| Account {
            address: p.address.clone(),
            password: p.password.clone(),
        })
        .collect()
}

/// Names of the world: outsiders' mail servers and newsletters.
pub fn names() -> Zone {
    let mut zone = Zone::default();
    for outsider in OUTSIDERS {
        let domain = outsider.address.rsplit_once('@').map_or("", |a| a.1);
        zone.hosts.push((format!("mx.{domain}"), ip(outsider.ip)));
        zone.exchangers
            .push((domain.to_owned(), format!("mx.{domain}")));
    }
    for (name, address) in [
        ("envoi.archives-actu.example", "198.51.100.140"),
        ("news.batiment-hebdo.example", "198.51.100.141"),
        ("marches-territoires.example", "198.51.100.142"),
        ("mail.records-union.example", "203.0.113.141"),
    ] {
        zone.hosts.push((name.to_owned(), ip(address)));
    }
    zone
}

/// Outsiders' mail exchangers, one for each address.
pub fn exchangers() -> Vec<(IpAddr, String)> {
    let mut all: Vec<(IpAddr, String)> = Vec::new();
    for outsider in OUTSIDERS {
        let domain = outsider.address.rsplit_once('@').map_or("", |a| a.1);
        if !all.iter().any(|e| e.0 == ip(outsider.ip)) {
            all.push((ip(outsider.ip), format!("mx.{domain}")));
        }
    }
    all
}

/// The IMAP name of a corpus folder.
pub fn mailbox(folder: &str) -> String {
    let dir = maildir_folder(folder);
    match dir.strip_prefix('.') {
        Some(name) => name.to_owned(),
        None => "INBOX".to_owned(),
    }
}

/// Puts mail into the store as it stood before the story.
pub fn fill(corpus: &Corpus, mails: &[Mail]) -> Result<()> {
    for (serial, mail) in mails.iter().enumerate() {
        let person = corpus
            .people
            .get(mail.owner)
            .context("mail without owner")?;
        let mut flags = String::new();
        if mail.answered {
            flags.push('R');
        }
        if mail.seen {
            flags.push('S');
        }
        let serial = u32::try_from(serial).unwrap_or(u32::MAX);
        // A few seconds pass between writing and delivery.
        let when =
            mail.date * SEC + i64::from(serial % 7) * SEC + i64::from(serial) * 1_371_000 % SEC;
        store::deposit(
            &person.address,
            &mailbox(&mail.folder),
            &mail.raw,
            when,
            serial,
            &flags,
        )?;
    }
    for (index, person) in corpus.people.iter().enumerate() {
        let mut folders: Vec<String> = mails
            .iter()
            .filter(|m| m.owner == index)
            .map(|m| mailbox(&m.folder))
            .collect();
        folders.extend(["Sent", "Drafts", "Trash", "Junk", "Archive"].map(str::to_owned));
        folders.sort();
        folders.dedup();
        let folders: Vec<&str> = folders
            .iter()
            .map(String::as_str)
            .filter(|f| *f != "INBOX")
            .collect();
        store::subscribe(&person.address, &folders)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cast_has_addresses_enough() {
        let all = addresses(20);
        let inside = all
            .iter()
            .filter(|a| a.to_string().starts_with("10."))
            .count();
        assert_eq!(inside, 20);
        let nets: std::collections::BTreeSet<String> = all
            .iter()
            .map(|a| a.to_string())
            .filter(|a| !a.starts_with("10."))
            .filter_map(|a| a.rsplit_once('.').map(|p| p.0.to_owned()))
            .collect();
        assert!(nets.len() >= 8, "{nets:?}");
    }

    #[test]
    fn civil_times_are_paris_times() {
        assert_eq!(at("2025-11-25 01:00"), 1_764_028_800 * SEC);
    }
}
