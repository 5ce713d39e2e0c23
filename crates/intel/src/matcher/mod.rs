//! One structure over all indicators, so that a hundred thousand of them cost an event hardly more
//! than one.
//!
//! [`Matcher::compile`] takes the kept indicators of an [`IndicatorSet`]. Addresses and networks
//! become sorted ranges (`ranges`), everything else a hash table behind a filter that fits into a
//! processor's cache (`index`). Looking at an event allocates nothing. Which attributes are looked
//! at is one table (`fields`), which the search through stored events uses too.
//!
//! The rules of matching are those of [`IndicatorSet`], and one more: a URL that ends with a slash
//! below its host stands for everything below it.

mod fields;
mod finding;
mod index;
mod ranges;
mod text;
mod url;

pub use fields::{Field, FieldValue, Role, each_field, role_of};
pub use finding::{Judgement, Seen};

use crate::{IndicatorKind, IndicatorSet, time};
use index::{Index, Roll, whole, whole_lower};
use ranges::Ranges;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Parts;
use vauban_ocsf::{Event, Timestamp};

/// An indicator of a [`Matcher`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndicatorRef(u32);

impl IndicatorRef {
    /// Its number, below [`Matcher::len`].
    pub fn number(self) -> usize {
        self.0 as usize
    }
}

/// A value and the documents that give it.
#[derive(Clone, Debug)]
struct Entry {
    kind: IndicatorKind,
    /// As it is shown.
    value: Box<str>,
    /// As it is compared.
    key: Box<[u8]>,
    /// A URL that stands for everything below it.
    below: bool,
    sources: Vec<Source>,
}

/// One document's statement about a value.
#[derive(Clone, Debug)]
struct Source {
    document: u32,
    offset: u64,
    why: Box<str>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    shared: bool,
    partial: bool,
}

/// What a document is called.
#[derive(Clone, Debug)]
struct Document {
    name: String,
    title: String,
}

/// Compiled indicators.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    entries: Vec<Entry>,
    documents: Vec<Document>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    /// Single addresses by their text: most values are texts, and few are worth reading as numbers.
    addresses: Index,
    /// For the upper 16 bits of an IPv4 address, whether a network touches them; empty if none.
    touched: Vec<u64>,
    domains: Index,
    /// Every domain that is an indicator or above one: where a name has no such end, nothing of it
    /// is an indicator.
    tails: Index,
    urls: Index,
    /// Hosts (with port) of the URLs.
    url_hosts: Index,
    emails: Index,
    hashes: Index,
    ja3: Index,
    ja4: Index,
    agents: Index,
    files: Index,
    subjects: Index,
}

impl Matcher {
    /// Compiles what the advisories of `set` keep. A value that several of them give is one
    /// indicator with several sources.
    pub fn compile(set: &IndicatorSet) -> Self {
        let mut matcher = Self::default();
        let mut known: HashMap<(IndicatorKind, &str), u32> = HashMap::new();
        for (number, advisory) in set.advisories().iter().enumerate() {
            matcher.documents.push(Document {
                name: advisory.name.clone(),
                title: advisory.title.clone(),
            });
            for i in advisory.indicators.iter().filter(|i| i.kept) {
                let source = Source {
                    document: number as u32,
                    offset: i.offset,
                    why: i.why.as_str().into(),
                    from: i.valid_from.as_deref().and_then(time::parse),
                    until: i.valid_until.as_deref().and_then(time::parse),
                    shared: i.shared,
                    partial: i.partial,
                };
                let next = matcher.entries.len() as u32;
                let at = *known.entry((i.kind, &i.value)).or_insert(next);
                if at == next {
                    let (key, below) = key(i.kind, &i.value);
                    matcher.entries.push(Entry {
                        kind: i.kind,
                        value: i.value.as_str().into(),
                        key,
                        below,
                        sources: Vec::new(),
                    });
                }
                if let Some(entry) = matcher.entries.get_mut(at as usize) {
                    entry.sources.push(source);
                }
            }
        }
        matcher.index();
        matcher
    }

    fn index(&mut self) {
        use IndicatorKind as K;
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        let mut tables: HashMap<K, Vec<(u64, u32)>> = HashMap::new();
        let mut hosts: Vec<(u64, u32)> = Vec::new();
        let mut addresses: Vec<(u64, u32)> = Vec::new();
        let mut touched = Vec::new();
        let mut tails: Vec<(u64, u32)> = Vec::new();
        for (number, entry) in self.entries.iter().enumerate() {
            let number = number as u32;
            let k = &*entry.key;
            let hash = match entry.kind {
                K::Ipv4 | K::Ipv6 | K::Network => {
                    match network(&entry.value) {
                        Some((IpAddr::V4(a), IpAddr::V4(b))) => {
                            let (a, b) = (u32::from(a), u32::from(b));
                            v4.push((a, b, number));
                            if a == b {
                                addresses.push((whole(k), number));
                            } else {
                                touched.resize(1024, 0);
                                for top in a >> 16..=b >> 16 {
                                    if let Some(word) = touched.get_mut(top as usize / 64) {
                                        *word |= 1u64 << (top % 64);
                                    }
                                }
                            }
                        }
                        Some((IpAddr::V6(a), IpAddr::V6(b))) => {
                            v6.push((u128::from(a), u128::from(b), number));
                        }
                        _ => {}
                    }
                    continue;
                }
                K::Domain => {
                    each_tail(k, &mut |_, hash| {
                        tails.push((hash, 0));
                        true
                    });
                    whole_lower(k)
                }
                K::Url => {
                    if let Some(parts) = Parts::of(entry.value.as_bytes()) {
                        hosts.push((parts.host_roll().finish(), number));
                    }
                    let mut roll = Roll::new();
                    roll.bytes(k);
                    roll.finish()
                }
                K::UserAgent => whole(k),
                K::EmailSubject => {
                    let mut roll = Roll::new();
                    roll.bytes(k);
                    roll.finish()
                }
                _ => whole_lower(k),
            };
            let table = match entry.kind {
                K::Sha1 | K::Sha256 => K::Md5,
                kind => kind,
            };
            tables.entry(table).or_default().push((hash, number));
        }
        let mut table = |kind| Index::build(&tables.remove(&kind).unwrap_or_default());
        self.domains = table(K::Domain);
        self.urls = table(K::Url);
        self.emails = table(K::EmailAddress);
        self.hashes = table(K::Md5);
        self.ja3 = table(K::Ja3);
        self.ja4 = table(K::Ja4);
        self.agents = table(K::UserAgent);
        self.files = table(K::FileName);
        self.subjects = table(K::EmailSubject);
        hosts.sort_unstable();
        hosts.dedup_by_key(|(hash, _)| *hash);
        self.url_hosts = Index::build(&hosts);
        tails.sort_unstable();
        tails.dedup();
        self.tails = Index::build(&tails);
        self.addresses = Index::build(&addresses);
        self.touched = touched;
        self.v4 = Ranges::build(v4);
        self.v6 = Ranges::build(v6);
    }

    /// Number of indicators.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no indicator.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What an indicator is, and its value.
    pub fn indicator(&self, indicator: IndicatorRef) -> Option<(IndicatorKind, &str)> {
        let entry = self.entries.get(indicator.number())?;
        Some((entry.kind, &entry.value))
    }

    /// Every indicator.
    pub fn indicators(&self) -> impl Iterator<Item = (IndicatorRef, IndicatorKind, &str)> {
        self.entries
            .iter()
            .enumerate()
            .map(|(n, e)| (IndicatorRef(n as u32), e.kind, &*e.value))
    }

    /// Whether any indicator can be found in attributes of this role.
    pub fn can_match(&self, role: Role) -> bool {
        let ips = !self.v4.is_empty() || !self.v6.is_empty();
        let hosts = ips || !self.domains.is_empty();
        match role {
            Role::Ip => ips,
            Role::Host => hosts,
            Role::Email | Role::Account => hosts || !self.emails.is_empty(),
            Role::Agent => !self.agents.is_empty(),
            Role::Url | Role::UrlHost | Role::UrlPath => hosts || !self.urls.is_empty(),
            Role::UrlQuery => !self.urls.is_empty(),
            Role::Hash => !self.hashes.is_empty(),
            Role::Ja3 => !self.ja3.is_empty(),
            Role::Ja4 => !self.ja4.is_empty(),
            Role::File => !self.files.is_empty(),
            Role::Subject => !self.subjects.is_empty(),
            Role::Text => {
                hosts
                    || !self.urls.is_empty()
                    || !self.emails.is_empty()
                    || !self.hashes.is_empty()
                    || !self.ja3.is_empty()
                    || !self.ja4.is_empty()
            }
        }
    }

    fn key(&self, number: u32) -> &[u8] {
        self.entries.get(number as usize).map_or(b"", |e| &e.key)
    }

    /// The address itself, or the smallest network that contains it.
    #[inline]
    pub fn match_ip(&self, ip: IpAddr) -> Option<IndicatorRef> {
        match ip.to_canonical() {
            IpAddr::V4(ip) => self.v4.get(u32::from(ip)),
            IpAddr::V6(ip) => self.v6.get(u128::from(ip)),
        }
        .map(IndicatorRef)
    }

    /// The name, or the longest one that it is below; an address in the place of a name as one.
    pub fn match_host(&self, host: &[u8]) -> Option<IndicatorRef> {
        let host = host.strip_suffix(b".").unwrap_or(host);
        // No top-level domain ends with a digit.
        if host.last().is_some_and(u8::is_ascii_digit) || host.contains(&b':') {
            return self.match_address(host);
        }
        if self.domains.is_empty() {
            return None;
        }
        let mut best = None;
        each_tail(host, &mut |name, hash| {
            if self.tails.find(hash, |_| true).is_none() {
                return false;
            }
            let same = |n: u32| self.key(n).eq_ignore_ascii_case(name);
            best = self.domains.find(hash, same).or(best);
            true
        });
        best.map(IndicatorRef)
    }

    /// An address as text. Only if it is in no table as it is written, and in no network's
    /// neighbourhood, is it none without being read as a number.
    #[inline]
    fn match_address(&self, text: &[u8]) -> Option<IndicatorRef> {
        if text.contains(&b':') {
            return self.match_ip(address(text)?);
        }
        let same = |n: u32| self.key(n) == text;
        if let Some(found) = self.addresses.find(whole(text), same) {
            return Some(IndicatorRef(found));
        }
        if self.touched.is_empty() {
            return None;
        }
        let top = upper(text)?;
        let word = self.touched.get(top as usize / 64)?;
        if word >> (top % 64) & 1 == 0 {
            return None;
        }
        self.match_ip(address(text)?)
    }

    /// The address, or its domain. Angle brackets and blanks around it do not matter.
    pub fn match_email(&self, address: &[u8]) -> Option<IndicatorRef> {
        let address = address.trim_ascii();
        let address = address.strip_prefix(b"<").unwrap_or(address);
        let address = address.strip_suffix(b">").unwrap_or(address);
        let at = memchr::memrchr(b'@', address)?;
        if let Some(found) = find_lower(&self.emails, self, address) {
            return Some(found);
        }
        self.match_host(address.get(at + 1..)?)
    }

    /// The whole user agent, byte by byte.
    pub fn match_agent(&self, agent: &[u8]) -> Option<IndicatorRef> {
        if self.agents.is_empty() {
            return None;
        }
        self.agents
            .find(whole(agent), |n| self.key(n) == agent)
            .map(IndicatorRef)
    }

    /// MD5, SHA-1 or SHA-256 in hexadecimal, either case, colons between octets allowed.
    pub fn match_hash(&self, hash: &[u8]) -> Option<IndicatorRef> {
        if hash.get(2) == Some(&b':') {
            let mut plain = [0; 64];
            let mut length = 0;
            for &b in hash.iter().filter(|b| **b != b':') {
                *plain.get_mut(length)? = b;
                length += 1;
            }
            return find_lower(&self.hashes, self, plain.get(..length)?);
        }
        find_lower(&self.hashes, self, hash)
    }

    /// A JA3 or JA3S hash.
    pub fn match_ja3(&self, hash: &[u8]) -> Option<IndicatorRef> {
        find_lower(&self.ja3, self, hash)
    }

    /// A JA4 or JA4S fingerprint.
    pub fn match_ja4(&self, fingerprint: &[u8]) -> Option<IndicatorRef> {
        find_lower(&self.ja4, self, fingerprint)
    }

    /// A file's name, without the directories before it.
    pub fn match_file(&self, path: &[u8]) -> Option<IndicatorRef> {
        if self.files.is_empty() {
            return None;
        }
        let start = path
            .iter()
            .rposition(|b| matches!(b, b'/' | b'\\'))
            .map_or(0, |at| at + 1);
        find_lower(&self.files, self, path.get(start..)?.trim_ascii())
    }

    /// A subject: case and blanks do not matter, reply and forward marks are taken off.
    pub fn match_subject(&self, subject: &str) -> Option<IndicatorRef> {
        if self.subjects.is_empty() {
            return None;
        }
        let mut roll = Roll::new();
        crate::set::each_subject_byte(subject, &mut |b| {
            roll.byte(b);
            true
        });
        let same = |n: u32| {
            let mut rest = self.key(n).iter();
            crate::set::each_subject_byte(subject, &mut |b| rest.next() == Some(&b))
                && rest.next().is_none()
        };
        self.subjects.find(roll.finish(), same).map(IndicatorRef)
    }

    /// The URL, with or without a scheme: itself, itself without its query, a URL indicator that it
    /// is below, or its host.
    pub fn match_url(&self, url: &[u8]) -> Option<IndicatorRef> {
        let parts = Parts::of(url)?;
        self.whole_url(&parts)
            .or_else(|| self.match_host(parts.host))
    }

    /// As [`Self::match_url`] for a request whose parts are logged apart.
    pub fn match_request(&self, host: &[u8], path: &[u8], query: &[u8]) -> Option<IndicatorRef> {
        let parts = Parts::from_log(host, path, query);
        self.whole_url(&parts)
            .or_else(|| self.match_host(parts.host))
    }

    /// Whether some URL indicator has this host (with its port, where one is written).
    pub fn has_url_host(&self, host: &[u8]) -> bool {
        self.url_host(&Parts::from_log(host, b"", b"")).is_some()
    }

    fn url_host(&self, parts: &Parts<'_>) -> Option<Roll> {
        let roll = parts.host_roll();
        let same = |n: u32| {
            self.entries
                .get(n as usize)
                .and_then(|e| Parts::of(e.value.as_bytes()))
                .is_some_and(|p| {
                    p.host.eq_ignore_ascii_case(parts.host) && p.port == parts.port
                        || parts.is_host(&p.key())
                })
        };
        self.url_hosts.find(roll.finish(), same).map(|_| roll)
    }

    /// The most telling URL indicator, hosts alone left out.
    fn whole_url(&self, parts: &Parts<'_>) -> Option<IndicatorRef> {
        if self.urls.is_empty() {
            return None;
        }
        let host = self.url_host(parts)?;
        if !parts.query.is_empty() {
            let mut roll = host;
            roll.bytes(parts.path);
            roll.byte(b'?');
            roll.bytes(parts.query);
            let same = |n: u32| {
                parts
                    .after_host(self.key(n))
                    .and_then(|k| k.strip_prefix(parts.path))
                    .and_then(|k| k.strip_prefix(b"?"))
                    == Some(parts.query)
            };
            if let Some(found) = self.urls.find(roll.finish(), same) {
                return Some(IndicatorRef(found));
            }
        }
        // The path and every directory above it, the longest first to be kept.
        let path = parts.bare_path();
        let mut best = None;
        let mut roll = host;
        for (at, &b) in path.iter().enumerate() {
            if b == b'/' && at > 0 {
                best = self.directory(parts, path.get(..at)?, roll).or(best);
            }
            roll.byte(b);
        }
        let same = |n: u32| parts.after_host(self.key(n)) == Some(path);
        self.urls
            .find(roll.finish(), same)
            .or(best)
            .map(IndicatorRef)
    }

    fn directory(&self, parts: &Parts<'_>, path: &[u8], roll: Roll) -> Option<u32> {
        self.urls.find(roll.finish(), |n| {
            self.entries.get(n as usize).is_some_and(|e| e.below)
                && parts.after_host(self.key(n)) == Some(path)
        })
    }

    /// Looks a value up as its role demands. Of a [`Role::Text`] all indicators in it are given,
    /// with what of the value matched; otherwise one at most, with the whole value.
    pub fn match_role<'v>(
        &self,
        role: Role,
        value: &'v [u8],
        found: &mut dyn FnMut(IndicatorRef, &'v [u8]),
    ) {
        let hit = match role {
            Role::Ip => self.match_address(value),
            Role::Host | Role::UrlHost => self.match_host(host_of(value)),
            Role::Email => self.match_email(value),
            Role::Account => self.match_email(value),
            Role::Agent => self.match_agent(value),
            Role::Url => self.match_url(value),
            Role::Hash => self.match_hash(value),
            Role::Ja3 => self.match_ja3(value),
            Role::Ja4 => self.match_ja4(value),
            Role::File => self.match_file(value),
            Role::Subject => std::str::from_utf8(value)
                .ok()
                .and_then(|s| self.match_subject(s)),
            // A proxy logs the whole URL in the place of the path.
            Role::UrlPath => is_absolute(value).then(|| self.match_url(value)).flatten(),
            Role::UrlQuery => None,
            Role::Text => {
                self.scan_text(value, &mut |indicator, range| {
                    found(indicator, value.get(range).unwrap_or(value));
                });
                None
            }
        };
        if let Some(indicator) = hit {
            found(indicator, value);
        }
    }

    /// Every indicator that an attribute of `event` matches, with the attribute. Allocates
    /// nothing. An indicator is given once for every attribute that matches it.
    pub fn scan_event<'e>(
        &self,
        event: &Event<'e>,
        found: &mut dyn FnMut(IndicatorRef, Field<'e>),
    ) {
        let mut request: [&'e str; 3] = [""; 3];
        each_field(event, &mut |role, field| {
            let text = match field.value {
                FieldValue::Ip(ip) => {
                    if let Some(indicator) = self.match_ip(ip) {
                        found(indicator, field);
                    }
                    return;
                }
                FieldValue::Text(text) => text,
            };
            match role {
                Role::UrlHost => request[0] = text,
                Role::UrlQuery => request[2] = text,
                Role::UrlPath if !is_absolute(text.as_bytes()) => request[1] = text,
                Role::Text => self.scan_text(text.as_bytes(), &mut |indicator, range| {
                    let value = FieldValue::Text(text.get(range).unwrap_or(text));
                    found(indicator, Field { value, ..field });
                }),
                _ => self.match_role(role, text.as_bytes(), &mut |indicator, _| {
                    found(indicator, field);
                }),
            }
        });
        let [host, path, query] = request;
        if !host.is_empty()
            && let Some(indicator) =
                self.match_request(host.as_bytes(), path.as_bytes(), query.as_bytes())
        {
            let is_url = self
                .indicator(indicator)
                .is_some_and(|(kind, _)| kind == IndicatorKind::Url);
            let (path, value) = if is_url {
                ("http_request.url.path", path)
            } else {
                ("http_request.url.hostname", host)
            };
            let value = FieldValue::Text(value);
            found(indicator, Field { path, value });
        }
    }
}

fn find_lower(index: &Index, matcher: &Matcher, value: &[u8]) -> Option<IndicatorRef> {
    if index.is_empty() {
        return None;
    }
    index
        .find(whole_lower(value), |n| {
            matcher.key(n).eq_ignore_ascii_case(value)
        })
        .map(IndicatorRef)
}

/// Whether the path of a request is a whole URL, as forward proxies log it.
fn is_absolute(path: &[u8]) -> bool {
    path.first().is_some_and(u8::is_ascii_alphabetic)
        && memchr::memmem::find(path.get(..path.len().min(16)).unwrap_or(b""), b"://").is_some()
}

/// Host without a port.
fn host_of(value: &[u8]) -> &[u8] {
    Parts::from_log(value, b"", b"").host
}

/// How an indicator's value is compared, and whether it stands for all below it.
fn key(kind: IndicatorKind, value: &str) -> (Box<[u8]>, bool) {
    match kind {
        IndicatorKind::Url => {
            let Some(parts) = Parts::of(value.as_bytes()) else {
                return (value.as_bytes().into(), false);
            };
            let below = parts.query.is_empty() && parts.path.len() > 1 && value.ends_with('/');
            (parts.key().into(), below)
        }
        IndicatorKind::EmailSubject => {
            let mut key = Vec::new();
            crate::set::each_subject_byte(value, &mut |b| {
                key.push(b);
                true
            });
            (key.into(), false)
        }
        _ => (value.as_bytes().into(), false),
    }
}

/// First and last address.
fn network(value: &str) -> Option<(IpAddr, IpAddr)> {
    if let Ok(ip) = value.parse::<IpAddr>() {
        let ip = ip.to_canonical();
        return Some((ip, ip));
    }
    let net: ipnet::IpNet = value.parse().ok()?;
    Some((net.network(), net.broadcast()))
}

/// Hands over every end of a name that has two labels or more, the shortest first, with its hash,
/// until `take` says no.
#[inline]
fn each_tail<'n>(name: &'n [u8], take: &mut dyn FnMut(&'n [u8], u64) -> bool) {
    let mut labels = 0;
    for at in memchr::memrchr_iter(b'.', name) {
        labels += 1;
        if labels < 2 {
            continue;
        }
        let Some(tail) = name.get(at + 1..) else {
            return;
        };
        if !take(tail, whole_lower(tail)) {
            return;
        }
    }
    take(name, whole_lower(name));
}

/// The upper 16 bits of an IPv4 address, read from its first two groups.
#[inline]
fn upper(text: &[u8]) -> Option<u16> {
    let mut groups = [0u16; 2];
    let mut rest = text.iter();
    for group in &mut groups {
        loop {
            match rest.next()? {
                d @ b'0'..=b'9' => {
                    *group = group.checked_mul(10)?.checked_add(u16::from(d - b'0'))?;
                }
                b'.' => break,
                _ => return None,
            }
        }
        if *group > 255 {
            return None;
        }
    }
    Some(groups[0] << 8 | groups[1])
}

/// An address in its text form. Dotted groups are read by hand: it is the most frequent look-up.
pub(crate) fn address(text: &[u8]) -> Option<IpAddr> {
    if let Some(ip) = ipv4(text) {
        return Some(IpAddr::V4(ip));
    }
    if !text.contains(&b':') || text.len() > 64 {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let text = text
        .strip_prefix('[')
        .map_or(text, |t| t.trim_end_matches(']'));
    text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    if text.len() > 15 {
        return None;
    }
    let mut number = 0u32;
    let mut groups = 0;
    let mut group = 0u32;
    let mut digits = 0;
    for &b in text {
        match b {
            // `010` is eight for some programs and ten for others.
            b'0'..=b'9' if digits > 0 && group == 0 => return None,
            b'0'..=b'9' => {
                group = group * 10 + u32::from(b - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && group < 256 => {
                number = number << 8 | group;
                groups += 1;
                (group, digits) = (0, 0);
            }
            _ => return None,
        }
        if digits > 3 || groups > 3 {
            return None;
        }
    }
    (groups == 3 && digits > 0 && group < 256).then(|| Ipv4Addr::from(number << 8 | group))
}
