//! Looks values of the evidence up among the indicators that were kept.

use crate::warning::{Networks, suffixes};
use crate::{Advisory, Indicator, IndicatorKind};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

/// The kept indicators of several advisories, indexed.
#[derive(Debug, Default)]
pub struct IndicatorSet {
    advisories: Vec<Advisory>,
    ips: HashMap<IpAddr, Position>,
    networks: Networks,
    /// Positions of the networks, in the order the index gives.
    network_positions: Vec<Position>,
    domains: HashMap<String, Position>,
    urls: HashMap<String, Position>,
    emails: HashMap<String, Position>,
    hashes: HashMap<String, Position>,
    agents: HashMap<String, Position>,
    fingerprints: HashMap<String, Position>,
    files: HashMap<String, Position>,
    subjects: HashMap<String, Position>,
}

type Position = (usize, usize);

/// An indicator that a value matched.
#[derive(Copy, Clone, Debug)]
pub struct Match<'a> {
    /// The indicator.
    pub indicator: &'a Indicator,
    /// Index of its advisory in [`IndicatorSet::advisories`].
    pub advisory: usize,
}

impl IndicatorSet {
    /// Indexes what the advisories keep. Of equal indicators the first advisory's answers.
    pub fn new(advisories: Vec<Advisory>) -> Self {
        let mut set = Self::default();
        for (a, advisory) in advisories.iter().enumerate() {
            for (i, indicator) in advisory.indicators.iter().enumerate() {
                if indicator.kept {
                    set.insert(indicator, (a, i));
                }
            }
        }
        set.advisories = advisories;
        set
    }

    fn insert(&mut self, indicator: &Indicator, at: Position) {
        let value = &indicator.value;
        let table = match indicator.kind {
            IndicatorKind::Ipv4 | IndicatorKind::Ipv6 => {
                if let Ok(ip) = value.parse::<IpAddr>() {
                    self.ips.entry(ip.to_canonical()).or_insert(at);
                }
                return;
            }
            IndicatorKind::Network => {
                if let Ok(net) = value.parse() {
                    self.networks.insert(net, self.network_positions.len());
                    self.network_positions.push(at);
                }
                return;
            }
            IndicatorKind::Domain => &mut self.domains,
            IndicatorKind::Url => {
                self.urls.entry(url_key(value)).or_insert(at);
                return;
            }
            IndicatorKind::EmailAddress => &mut self.emails,
            IndicatorKind::Md5 | IndicatorKind::Sha1 | IndicatorKind::Sha256 => &mut self.hashes,
            IndicatorKind::Ja3 | IndicatorKind::Ja4 => &mut self.fingerprints,
            IndicatorKind::UserAgent => &mut self.agents,
            IndicatorKind::FileName => &mut self.files,
            IndicatorKind::EmailSubject => {
                self.subjects.entry(subject_key(value)).or_insert(at);
                return;
            }
        };
        table.entry(value.clone()).or_insert(at);
    }

    /// The advisories given.
    pub fn advisories(&self) -> &[Advisory] {
        &self.advisories
    }

    /// Whether nothing was kept.
    pub fn is_empty(&self) -> bool {
        self.ips.is_empty()
            && self.network_positions.is_empty()
            && [
                &self.domains,
                &self.urls,
                &self.emails,
                &self.hashes,
                &self.agents,
                &self.fingerprints,
                &self.files,
                &self.subjects,
            ]
            .iter()
            .all(|t| t.is_empty())
    }

    fn at(&self, position: Option<&Position>) -> Option<Match<'_>> {
        let &(advisory, i) = position?;
        let indicator = self.advisories.get(advisory)?.indicators.get(i)?;
        Some(Match {
            indicator,
            advisory,
        })
    }

    /// The address itself, or the smallest network that contains it.
    pub fn match_ip(&self, ip: IpAddr) -> Option<Match<'_>> {
        let ip = ip.to_canonical();
        self.at(self.ips.get(&ip)).or_else(|| {
            let n = self.networks.get(ip)?;
            self.at(self.network_positions.get(n))
        })
    }

    /// The domain itself, or one that it is below: `mail.evil.org` matches `evil.org`, not the
    /// other way round. An address in the place of a name is matched as one.
    pub fn match_domain(&self, domain: &str) -> Option<Match<'_>> {
        if self.domains.is_empty() && self.ips.is_empty() {
            return None;
        }
        let name = lower(domain.trim_end_matches('.'));
        let found = suffixes(&name).find_map(|s| self.domains.get(s));
        self.at(found).or_else(|| self.match_ip(name.parse().ok()?))
    }

    /// The URL (scheme, default port and fragment do not matter), the URL without its query where
    /// the indicator has none, or its host.
    pub fn match_url(&self, url: &str) -> Option<Match<'_>> {
        let key = url_key(url);
        if let Some(found) = self.at(self.urls.get(&key)) {
            return Some(found);
        }
        if let Some((path, _)) = key.split_once('?')
            && let Some(found) = self.at(self.urls.get(path))
        {
            return Some(found);
        }
        self.match_domain(&crate::value::host_of(url)?.value)
    }

    /// The address, or its domain.
    pub fn match_email(&self, address: &str) -> Option<Match<'_>> {
        let address = lower(address.trim().trim_matches(['<', '>']));
        self.at(self.emails.get(address.as_ref()))
            .or_else(|| self.match_domain(address.rsplit_once('@')?.1))
    }

    /// MD5, SHA-1 or SHA-256 in hexadecimal, either case.
    pub fn match_hash(&self, hash: &str) -> Option<Match<'_>> {
        self.at(self.hashes.get(lower(hash).as_ref()))
    }

    /// The whole user agent, byte by byte.
    pub fn match_user_agent(&self, agent: &str) -> Option<Match<'_>> {
        self.at(self.agents.get(agent))
    }

    /// A JA3 hash or a JA4 fingerprint, either case.
    pub fn match_fingerprint(&self, fingerprint: &str) -> Option<Match<'_>> {
        self.at(self.fingerprints.get(lower(fingerprint).as_ref()))
    }

    /// A file's name without its directory, either case.
    pub fn match_file_name(&self, name: &str) -> Option<Match<'_>> {
        self.at(self.files.get(&crate::stix::base_name(name)))
    }

    /// An e-mail subject: blanks and case do not matter, reply and forward marks are taken off.
    pub fn match_subject(&self, subject: &str) -> Option<Match<'_>> {
        if self.subjects.is_empty() {
            return None;
        }
        self.at(self.subjects.get(&subject_key(subject)))
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// A URL without scheme, fragment, default port and final slash.
fn url_key(url: &str) -> String {
    let normal = crate::value::url(url).or_else(|| crate::value::schemeless_url(url));
    let text = normal.as_ref().map_or(url, |v| v.value.as_str());
    let rest = text.split_once("://").map_or(text, |(_, r)| r);
    let rest = rest.split('#').next().unwrap_or(rest);
    rest.strip_suffix('/').unwrap_or(rest).to_owned()
}

fn subject_key(subject: &str) -> String {
    let mut key = Vec::with_capacity(subject.len());
    each_subject_byte(subject, &mut |b| {
        key.push(b);
        true
    });
    String::from_utf8(key).unwrap_or_default()
}

/// Marks of replies and forwards, as mail programs of several languages write them.
const REPLY_MARKS: &[&str] = &["re", "fw", "fwd", "tr", "aw", "wg", "rép"];

/// Hands over the bytes of a subject in lower case, its blanks joined and its reply marks taken
/// off, until `take` says no. Gives whether it never did.
pub(crate) fn each_subject_byte(subject: &str, take: &mut dyn FnMut(u8) -> bool) -> bool {
    let mut rest = subject.trim();
    for _ in 0..8 {
        let Some((mark, after)) = rest.split_once(':') else {
            break;
        };
        let mark = mark.trim();
        let same = |known: &&str| mark.chars().flat_map(char::to_lowercase).eq(known.chars());
        if mark.len() > 8 || !REPLY_MARKS.iter().any(same) {
            break;
        }
        rest = after.trim_start();
    }
    for (n, word) in rest.split_whitespace().enumerate() {
        if n > 0 && !take(b' ') {
            return false;
        }
        for c in word.chars().flat_map(char::to_lowercase) {
            let mut buffer = [0; 4];
            for &b in c.encode_utf8(&mut buffer).as_bytes() {
                if !take(b) {
                    return false;
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{WarningLists, parse};

    #[test]
    fn rules_of_matching() {
        let text = "ioc,type\n38.180.76.31,ip\n45.9.0.0/16,network\nevil.org,domain\n\
                    http://bad.net/login,url\nspy@outlook.com,email\n\
                    D41D8CD98F00B204E9800998ECF84272,md5\ncurl/7.1,useragent\nYour Invoice,subject\n";
        let lists = WarningLists::built_in();
        let set = IndicatorSet::new(vec![parse("a.csv", text.as_bytes(), &lists)]);
        let ip = |s: &str| {
            set.match_ip(s.parse().unwrap())
                .map(|m| m.indicator.value.clone())
        };
        assert_eq!(ip("38.180.76.31").as_deref(), Some("38.180.76.31"));
        assert_eq!(ip("::ffff:38.180.76.31").as_deref(), Some("38.180.76.31"));
        assert_eq!(ip("45.9.8.7").as_deref(), Some("45.9.0.0/16"));
        assert!(ip("45.10.8.7").is_none());
        assert!(set.match_domain("www.EVIL.org.").is_some());
        assert!(set.match_domain("notevil.org").is_none());
        assert!(set.match_domain("org").is_none());
        assert!(set.match_url("https://bad.net/login?x=1").is_some());
        assert!(set.match_url("https://evil.org/anything").is_some());
        assert!(set.match_email("<Spy@Outlook.com>").is_some());
        assert!(set.match_email("other@outlook.com").is_none());
        assert!(set.match_email("a@evil.org").is_some());
        assert!(set.match_hash("d41d8cd98f00b204e9800998ecf84272").is_some());
        assert!(set.match_user_agent("curl/7.1").is_some());
        assert!(set.match_user_agent("curl/7.1.0").is_none());
        assert!(set.match_subject("RE: your  invoice").is_some());
    }
}
