//! The organisation's own domains: what look-alike senders imitate, and whose word on
//! authentication counts.
//!
//! Likeness is judged on what the reader sees: labels decoded from punycode, then the skeleton of
//! UTS #39 section 4 (Unicode's own table of confusables), then the few likenesses of plain ASCII
//! that the table leaves out (`vv`, `cl`, `i`). Registrable domains come from the public suffix
//! list.

use std::collections::{BTreeMap, BTreeSet};

/// How a host resembles a domain of ours.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Looks the same: homoglyphs, digits for letters, `rn` for `m`.
    SameLook,
    /// Our name under another top-level domain.
    OtherSuffix,
    /// One letter more, less, other, or two swapped.
    OneSlip,
    /// Our domain as labels, or with hyphens for dots, within a foreign one.
    Within,
    /// Our name with something joined to it by a hyphen.
    Affix,
}

impl Likeness {
    /// In words, to stand after "which".
    pub const fn words(self) -> &'static str {
        match self {
            Self::SameLook => "looks the same",
            Self::OtherSuffix => "is the same name under another suffix",
            Self::OneSlip => "differs by one letter",
            Self::Within => "holds the whole domain",
            Self::Affix => "adds a word to the name",
        }
    }
}

#[derive(Clone, Debug)]
struct Own {
    domain: String,
    look: String,
    site_look: String,
    name: String,
    /// The name is long or of several words, so that others do not bear it by chance.
    distinct: bool,
}

/// The organisation's own domains and what is known of its surroundings.
#[derive(Clone, Debug, Default)]
pub struct OwnDomains {
    domains: Vec<Own>,
    authserv: Vec<String>,
    people: BTreeMap<String, String>,
    quiet: BTreeSet<String>,
}

impl OwnDomains {
    /// Domains, in any case, each with all that is below it.
    pub fn new<S: AsRef<str>>(domains: impl IntoIterator<Item = S>) -> Self {
        let domains = domains
            .into_iter()
            .map(|d| d.as_ref().trim().trim_matches('.').to_lowercase())
            .filter(|d| !d.is_empty())
            .map(|domain| {
                let look = look(&domain);
                let site_look = look_of_site(&domain);
                let name = first_label(&site_look).to_owned();
                let plain = first_label(site(&domain));
                let distinct = plain.chars().count() >= 10 || plain.contains('-');
                Own {
                    domain,
                    look,
                    site_look,
                    name,
                    distinct,
                }
            })
            .collect();
        Self {
            domains,
            ..Self::default()
        }
    }

    /// Trusts the `Authentication-Results` of these servers only (RFC 8601 section 5). Without
    /// any, those of a host of ours or of the host that received the message last are believed.
    pub fn trusting<S: Into<String>>(mut self, authserv: impl IntoIterator<Item = S>) -> Self {
        self.authserv
            .extend(authserv.into_iter().map(|s| s.into().to_lowercase()));
        self
    }

    /// Display names of people of ours with their addresses: strangers who bear them are told of.
    pub fn with_people<'a>(mut self, people: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (name, address) in people {
            let name = person(name);
            if name.contains(' ') {
                self.people
                    .entry(name)
                    .or_insert_with(|| address.to_lowercase());
            }
        }
        self
    }

    /// Hosts that say nothing when a link leads there (warning lists, own click counters), each
    /// with all that is below it.
    pub fn quiet_hosts<S: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.quiet
            .extend(hosts.into_iter().map(|h| h.as_ref().to_lowercase()));
        self
    }

    /// Whether no domain is known.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// The domains, lower case.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.iter().map(|d| d.domain.as_str())
    }

    /// Whether a host is one of ours.
    pub fn holds(&self, host: &str) -> bool {
        self.domains.iter().any(|d| is_within(host, &d.domain))
    }

    /// Whether links to the host are not worth a word.
    pub(crate) fn is_quiet(&self, host: &str) -> bool {
        !self.quiet.is_empty()
            && std::iter::successors(Some(host), |h| h.split_once('.').map(|x| x.1))
                .any(|h| self.quiet.contains(h))
    }

    /// Whether a server's word on authentication counts; `received_by` is the host that took the
    /// message last.
    pub(crate) fn trusts(&self, authserv: &str, received_by: &str) -> bool {
        if !self.authserv.is_empty() {
            return self.authserv.iter().any(|a| a == authserv);
        }
        self.holds(authserv) || (!received_by.is_empty() && (site(authserv) == site(received_by)))
    }

    /// The address of the person of ours whose display name this is.
    pub(crate) fn person(&self, name: &str) -> Option<&str> {
        if self.people.is_empty() || name.is_empty() {
            return None;
        }
        self.people.get(&person(name)).map(String::as_str)
    }

    /// The domain of ours that a host imitates without being of ours.
    pub fn imitated(&self, host: &str) -> Option<(&str, Likeness)> {
        if host.is_empty() || self.domains.is_empty() || self.holds(host) {
            return None;
        }
        let seen = look(host);
        let seen_site = look_of_site(host);
        let seen_name = first_label(&seen_site);
        self.domains.iter().find_map(|own| {
            likeness(&seen, &seen_site, seen_name, own).map(|l| (own.domain.as_str(), l))
        })
    }
}

fn likeness(seen: &str, seen_site: &str, seen_name: &str, own: &Own) -> Option<Likeness> {
    let long = own.name.len() >= 6;
    if seen_site == own.site_look {
        Some(Likeness::SameLook)
    } else if long && seen_name == own.name {
        Some(Likeness::OtherSuffix)
    } else if own.look.len() >= 8 && dotted(seen).contains(&dotted(&own.look)) {
        Some(Likeness::Within)
    } else if long && one_slip(seen_name, &own.name) {
        Some(Likeness::OneSlip)
    } else if own.distinct && format!("-{seen_name}-").contains(&format!("-{}-", own.name)) {
        Some(Likeness::Affix)
    } else {
        None
    }
}

fn dotted(text: &str) -> String {
    text.replace('-', ".")
}

fn first_label(domain: &str) -> &str {
    domain.split('.').next().unwrap_or_default()
}

/// Whether a host is, or is below, a domain.
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|h| h.ends_with('.'))
}

/// The registrable domain of a host (public suffix list); the host itself when it has none.
pub(crate) fn site(host: &str) -> &str {
    psl::domain_str(host).unwrap_or(host)
}

fn look_of_site(host: &str) -> String {
    look(site(host))
}

/// What a host looks like to a reader.
fn look(host: &str) -> String {
    let shown = if host.contains("xn--") {
        idna::domain_to_unicode(host).0
    } else {
        host.to_lowercase()
    };
    let mut out = String::with_capacity(shown.len());
    for c in unicode_security::confusable_detection::skeleton(&shown) {
        // Accents come apart in the skeleton, and i loses its dot; a reader overlooks both.
        let c = if c == 'ı' { 'i' } else { c };
        if !matches!(c, '\u{300}'..='\u{36f}') {
            out.extend(c.to_lowercase());
        }
    }
    out.replace("vv", "w").replace("cl", "d").replace('l', "i")
}

/// A display name for comparison: folded words in order of the alphabet, so that "Dupont, Jeanne"
/// and "Jeanne Dupont" are one.
fn person(name: &str) -> String {
    let mut skeleton = String::new();
    for c in unicode_security::confusable_detection::skeleton(name) {
        if !matches!(c, '\u{300}'..='\u{36f}') {
            skeleton.extend(c.to_lowercase());
        }
    }
    let mut words: Vec<&str> = skeleton
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    words.sort_unstable();
    words.join(" ")
}

/// One letter more, less, other, or two neighbours swapped; not equal.
fn one_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    if long.len() - short.len() > 1 || short == long {
        return false;
    }
    let prefix = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    if short.len() == long.len() {
        let differ = short.iter().zip(long).filter(|(x, y)| x != y).count();
        let swapped = differ == 2
            && short.get(prefix) == long.get(prefix + 1)
            && short.get(prefix + 1) == long.get(prefix);
        differ <= 1 || swapped
    } else {
        short[prefix..] == long[prefix + 1..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imitations_by_kind() {
        let own = OwnDomains::new(["Ministere-Exemple.fr", "interieur.gouv.fr"]);
        for (host, kind) in [
            ("ministere-exemp1e.fr", Likeness::SameLook),
            ("rninistere-exemple.fr", Likeness::SameLook),
            ("mail.ministere-exempIe.fr", Likeness::SameLook),
            // Cyrillic letters, and an accent.
            ("ministеre-ехemple.fr", Likeness::SameLook),
            ("ministère-exemple.fr", Likeness::SameLook),
            ("ministere-exemple.com", Likeness::OtherSuffix),
            ("ministere-exenple.fr", Likeness::OneSlip),
            ("ministere-exempel.fr", Likeness::OneSlip),
            ("ministere-exemple.fr.evil.net", Likeness::Within),
            ("interieur-gouv-fr.example", Likeness::Within),
            ("portail-ministere-exemple.fr", Likeness::Within),
            ("ministere-exemple-support.com", Likeness::Affix),
        ] {
            let host = host.to_lowercase();
            assert_eq!(own.imitated(&host).map(|x| x.1), Some(kind), "{host}");
        }
        for good in [
            "mail.ministere-exemple.fr",
            "exemple.fr",
            "example.org",
            "economie.gouv.fr",
            "interieur-design.fr",
            "service-public.fr",
            "",
        ] {
            assert_eq!(own.imitated(good), None, "{good}");
        }
    }

    #[test]
    fn sites_follow_the_public_suffix_list() {
        for (host, want) in [
            ("www.a.fr", "a.fr"),
            ("x.interieur.gouv.fr", "interieur.gouv.fr"),
            ("a.b.co.uk", "b.co.uk"),
            ("someone.github.io", "someone.github.io"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(site(host), want);
        }
    }

    #[test]
    fn trust_and_people() {
        let own = OwnDomains::new(["a.fr"]).with_people([("Jeanne Dupont", "jeanne@a.fr")]);
        assert!(own.trusts("mx.a.fr", "") && !own.trusts("mx.b.fr", ""));
        assert!(own.trusts("b.fr", "mx1.b.fr"));
        assert!(!own.clone().trusting(["mx.a.fr"]).trusts("b.fr", "mx1.b.fr"));
        assert_eq!(own.person("DUPONT, Jéanne"), Some("jeanne@a.fr"));
        assert_eq!(own.person("Jeanne"), None);
        assert!(own.quiet_hosts(["t.co"]).is_quiet("x.t.co"));
    }

    proptest::proptest! {
        #[test]
        fn any_host_is_judged(host in "\\PC{0,60}") {
            OwnDomains::new(["ministere-exemple.fr"]).imitated(&host.to_lowercase());
        }
    }
}
