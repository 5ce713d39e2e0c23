//! What is usual: networks, browsers and protocols of each account, and of the organisation.

use crate::client::{Client, Protocol, network, wide_network};
use crate::intern::{Interner, Ip, Sym};
use hashbrown::HashMap;
use std::collections::BTreeMap;
use vauban_ocsf::{DAY, Timestamp};

/// When something was first and last seen, and on which days.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// First time.
    pub first: Timestamp,
    /// Last time.
    pub last: Timestamp,
    /// Days since the epoch, in order.
    pub days: Vec<i32>,
}

/// Day since the epoch; five million years fit.
fn day(at: Timestamp) -> i32 {
    at.0.div_euclid(DAY) as i32
}

impl Seen {
    fn add(&mut self, at: Timestamp) {
        if self.days.is_empty() || at < self.first {
            self.first = at;
        }
        self.last = self.last.max(at);
        let day = day(at);
        // Sessions come in order of their start, so this is mostly the last day.
        if self.days.last() != Some(&day)
            && let Err(place) = self.days.binary_search(&day)
        {
            self.days.insert(place, day);
        }
    }

    /// Seen again and again over a longer time: part of an account's life, not of one event.
    pub fn settled(&self) -> bool {
        self.days.len() >= SETTLED_DAYS && self.last.0 - self.first.0 >= SETTLED_SPAN
    }

    /// Days before the day of `at` on which it was seen.
    pub fn days_before(&self, at: Timestamp) -> usize {
        let before = self.days.partition_point(|d| *d < day(at));
        before.min(DAYS_COUNTED)
    }
}

/// Beyond this many days, more days say nothing more.
const DAYS_COUNTED: usize = 60;
/// See [`Seen::settled`].
const SETTLED_DAYS: usize = 3;
/// See [`Seen::settled`].
const SETTLED_SPAN: i64 = 7 * DAY;
/// A network counts as new to an account for this long after its first use.
pub const NETWORK_SETTLES: i64 = 7 * DAY;
/// Novelty needs this many days with the account in the logs.
pub const HISTORY_NEEDED: usize = 3;

/// Largest volumes up to an instant: the largest with its network, and the largest of any other
/// network.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Peak {
    at: Timestamp,
    largest: (u64, u128),
    elsewhere: u64,
}

/// The profiles.
#[derive(Debug, Default)]
pub struct Profiles {
    /// Account → everything.
    pub account: HashMap<Sym, Seen>,
    /// Account and network.
    pub network: HashMap<(Sym, u128), Seen>,
    /// Account and wider network.
    pub wide: HashMap<(Sym, u128), Seen>,
    /// Account and browser.
    pub agent: HashMap<(Sym, Sym), Seen>,
    /// Account and protocol.
    pub protocol: HashMap<(Sym, Protocol), Seen>,
    /// Account, protocol and address.
    pub habit: HashMap<(Sym, Protocol, Ip), Seen>,
    /// Network → accounts with first use.
    pub users: HashMap<u128, BTreeMap<Sym, Timestamp>>,
    /// Address → accounts with first use.
    pub users_of_ip: HashMap<Ip, BTreeMap<Sym, Timestamp>>,
    /// Account → networks, each with the wider one and the first use.
    pub networks_of: HashMap<Sym, BTreeMap<u128, (u128, Timestamp)>>,
    /// The largest volumes of content that each account's sessions took: where they changed.
    volumes: HashMap<Sym, Vec<Peak>>,
}

impl Profiles {
    /// Learns from all client sessions.
    pub fn new<'a>(
        clients: impl Iterator<Item = &'a Client>,
        volume: &dyn Fn(&Client) -> u64,
        names: &Interner,
    ) -> Self {
        let mut p = Self::default();
        for c in clients {
            let Some(ip) = names.addr(c.ip) else { continue };
            let (net, wide) = (network(ip), wide_network(ip));
            for at in [c.start, c.end] {
                p.account.entry(c.account).or_default().add(at);
                p.network.entry((c.account, net)).or_default().add(at);
                p.wide.entry((c.account, wide)).or_default().add(at);
                p.protocol
                    .entry((c.account, c.protocol))
                    .or_default()
                    .add(at);
                p.habit
                    .entry((c.account, c.protocol, c.ip))
                    .or_default()
                    .add(at);
                if c.agent != Sym(0) {
                    p.agent.entry((c.account, c.agent)).or_default().add(at);
                }
            }
            for first in [
                p.users
                    .entry(net)
                    .or_default()
                    .entry(c.account)
                    .or_insert(c.start),
                p.users_of_ip
                    .entry(c.ip)
                    .or_default()
                    .entry(c.account)
                    .or_insert(c.start),
                &mut p
                    .networks_of
                    .entry(c.account)
                    .or_default()
                    .entry(net)
                    .or_insert((wide, c.start))
                    .1,
            ] {
                *first = (*first).min(c.start);
            }
            // Client sessions come in order of their start.
            let taken = volume(c);
            let peaks = p.volumes.entry(c.account).or_default();
            let last = peaks.last().copied();
            let mut peak = last.unwrap_or(Peak {
                at: c.start,
                largest: (0, net),
                elsewhere: 0,
            });
            if net == peak.largest.1 {
                peak.largest.0 = peak.largest.0.max(taken);
            } else if taken > peak.largest.0 {
                peak.elsewhere = peak.largest.0;
                peak.largest = (taken, net);
            } else {
                peak.elsewhere = peak.elsewhere.max(taken);
            }
            if last != Some(peak) {
                peak.at = c.start;
                peaks.push(peak);
            }
        }
        p
    }

    /// Whether something first seen at `seen.first` is new at `at`, judged by the account's days
    /// without it: `before`, days of the account before it came; `apart`, days of the account on
    /// which it was not there, before or after. `None` if the logs hold too little to say.
    ///
    /// What settles is new for its first week, if there was a time before it. What never settles
    /// (a few days, then gone) is foreign to an account that has a life elsewhere, and then it
    /// does not matter whether the logs begin before or after it.
    pub fn is_new(seen: &Seen, at: Timestamp, before: usize, apart: usize) -> Option<bool> {
        if seen.settled() {
            return Some(before >= HISTORY_NEEDED && at.0 - seen.first.0 < NETWORK_SETTLES);
        }
        (apart >= HISTORY_NEEDED).then_some(true)
    }

    /// Days of the account on which `seen` was not there. `seen` is of the account itself, so its
    /// days are among the account's.
    pub fn days_apart(&self, account: Sym, seen: &Seen) -> usize {
        self.account
            .get(&account)
            .map_or(0, |all| all.days.len().saturating_sub(seen.days.len()))
    }

    /// Whether a network is new to an account at an instant; see [`Self::is_new`].
    pub fn network_is_new(&self, account: Sym, net: u128, at: Timestamp) -> Option<bool> {
        let Some(seen) = self.network.get(&(account, net)) else {
            return self.never_seen(account);
        };
        let before = self.history_days(account, seen.first);
        Self::is_new(seen, at, before, self.days_apart(account, seen))
    }

    /// What is nowhere in the account's life is new to it, if it has enough of a life here.
    pub fn never_seen(&self, account: Sym) -> Option<bool> {
        let days = self.account.get(&account).map_or(0, |s| s.days.len());
        (days >= HISTORY_NEEDED).then_some(true)
    }

    /// Other accounts that are at home in a network.
    pub fn residents(&self, account: Sym, net: u128) -> usize {
        self.users.get(&net).map_or(0, |users| {
            users
                .keys()
                .filter(|u| **u != account)
                .filter(|u| self.network.get(&(**u, net)).is_some_and(Seen::settled))
                .count()
        })
    }

    /// Days of history of the account before an instant.
    pub fn history_days(&self, account: Sym, at: Timestamp) -> usize {
        self.account.get(&account).map_or(0, |s| s.days_before(at))
    }

    /// Largest volume of the account's sessions before an instant from networks other than `net`;
    /// none without earlier sessions.
    pub fn largest_before(&self, account: Sym, at: Timestamp, net: u128) -> Option<u64> {
        let peaks = self.volumes.get(&account)?;
        let before = peaks.partition_point(|p| p.at < at).checked_sub(1)?;
        let peak = peaks[before];
        Some(if peak.largest.1 == net {
            peak.elsewhere
        } else {
            peak.largest.0
        })
    }
}
