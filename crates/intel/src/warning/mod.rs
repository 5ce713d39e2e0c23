//! What must never be flagged, whatever a document says: public resolvers, large providers,
//! reference sites, hashes of empty files.
//!
//! A small list of our own is always there ([`WarningLists::built_in`]). The lists of MISP
//! (<https://github.com/MISP/misp-warninglists>) can be loaded beside it, each from its
//! `list.json`.

mod builtin;
mod misp;

pub use misp::ListError;

use crate::IndicatorKind;
use aho_corasick::AhoCorasick;
use ipnet::IpNet;
use regex_lite::Regex;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Lists of well-known values.
#[derive(Clone, Debug, Default)]
pub struct WarningLists {
    lists: Vec<List>,
}

/// Which list a value is on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct WarningHit<'a> {
    /// Name of the list, to be shown.
    pub list: &'a str,
    /// Whether the list only says where reports are published (a reference, not infrastructure).
    pub reference: bool,
    /// Whether a URL on this host, or an address in this range, may still be hostile because
    /// anybody can rent or use it (cloud ranges, large sites).
    pub shared: bool,
    /// Whether the value itself is an entry, and not only a host below one.
    pub exact: bool,
}

#[derive(Clone, Debug)]
struct List {
    name: String,
    /// Kinds it speaks about.
    kinds: Vec<IndicatorKind>,
    reference: bool,
    shared: bool,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// The value itself.
    Exact(HashSet<String>),
    /// A host and the hosts below it.
    Host(HashSet<String>),
    /// Anywhere in the value.
    Substring(Box<AhoCorasick>),
    /// Addresses by network.
    Cidr(Networks),
    /// Regular expressions.
    Regex(Vec<Regex>),
}

/// A set of networks, looked up by prefix length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Networks {
    /// `(is IPv4, prefix length)` → network addresses with the value stored for each.
    by_length: Vec<((bool, u8), HashMap<IpAddr, usize>)>,
}

impl Networks {
    /// Adds a network with a value; the first value of a network stays.
    pub(crate) fn insert(&mut self, net: IpNet, value: usize) {
        let net = net.trunc();
        let key = (net.network().is_ipv4(), net.prefix_len());
        let at = match self.by_length.iter().position(|(k, _)| *k == key) {
            Some(at) => at,
            None => {
                // Longest first, so that the most specific network answers.
                let at = self.by_length.partition_point(|(k, _)| k.1 >= key.1);
                self.by_length.insert(at, (key, HashMap::new()));
                at
            }
        };
        self.by_length[at].1.entry(net.network()).or_insert(value);
    }

    /// The value of the most specific network that contains `ip`.
    pub(crate) fn get(&self, ip: IpAddr) -> Option<usize> {
        self.by_length
            .iter()
            .filter(|((v4, _), _)| *v4 == ip.is_ipv4())
            .find_map(|((_, length), nets)| {
                let net = IpNet::new(ip, *length).ok()?.trunc();
                nets.get(&net.network()).copied()
            })
    }
}

impl WarningLists {
    /// No list at all: for tests.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The built-in selection.
    pub fn built_in() -> Self {
        Self {
            lists: builtin::lists(),
        }
    }

    /// Number of lists.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there is no list.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Adds one MISP warning list (the bytes of its `list.json`).
    pub fn add_misp(&mut self, json: &[u8]) -> Result<(), ListError> {
        self.lists.push(misp::read(json)?);
        Ok(())
    }

    /// The first list that a value is on. `value` is normalised as in
    /// [`Indicator::value`](crate::Indicator::value).
    pub fn lookup(&self, kind: IndicatorKind, value: &str) -> Option<WarningHit<'_>> {
        let host = match kind {
            IndicatorKind::Url => crate::value::host_of(value),
            _ => None,
        };
        let ip: Option<IpAddr> = match kind {
            IndicatorKind::Ipv4 | IndicatorKind::Ipv6 => value.parse().ok(),
            IndicatorKind::Network => None,
            _ => host.as_ref().and_then(|h| h.value.parse().ok()),
        };
        let name = match kind {
            IndicatorKind::Domain => Some(value),
            IndicatorKind::Url => host.as_ref().map(|h| h.value.as_str()),
            _ => None,
        };
        self.lists
            .iter()
            .find(|l| l.kinds.contains(&kind) && l.matcher.matches(value, name, ip))
            .map(|l| WarningHit {
                list: &l.name,
                reference: l.reference,
                shared: l.shared,
                exact: match &l.matcher {
                    Matcher::Host(set) => name.is_some_and(|n| set.contains(n)),
                    _ => true,
                },
            })
    }
}

impl Matcher {
    fn matches(&self, value: &str, name: Option<&str>, ip: Option<IpAddr>) -> bool {
        match self {
            Self::Exact(set) => set.contains(value) || name.is_some_and(|n| set.contains(n)),
            Self::Host(set) => name.is_some_and(|n| suffixes(n).any(|s| set.contains(s))),
            Self::Substring(ac) => ac.is_match(value),
            Self::Cidr(nets) => ip.is_some_and(|ip| nets.get(ip).is_some()),
            Self::Regex(list) => list.iter().any(|r| r.is_match(value)),
        }
    }
}

/// The name, then the name without its first label, and so on ("a.b.c", "b.c", "c").
pub(crate) fn suffixes(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |n| n.split_once('.').map(|(_, rest)| rest))
}
