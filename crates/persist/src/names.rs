//! Whose addresses are the organisation's own.

use crate::scan::Host;
use std::collections::BTreeSet;

/// The organisation's domains.
#[derive(Clone, Debug, Default)]
pub(crate) struct Domains {
    own: BTreeSet<String>,
}

/// Labels below which two names belong to different owners ("co.uk", "gouv.fr"): too short a
/// common end proves nothing.
const PUBLIC: &[&str] = &[
    "co", "com", "org", "net", "gov", "gouv", "ac", "edu", "gob", "go", "or", "ne", "asso", "mil",
];

impl Domains {
    /// Adds a domain; what is none is left out.
    pub fn add(&mut self, domain: &str) {
        let domain = domain.trim().trim_end_matches('.').to_ascii_lowercase();
        let plain = domain.contains('.')
            && domain.len() <= 253
            && domain.split('.').all(|l| {
                !l.is_empty()
                    && l.bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            })
            && !domain.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if plain {
            self.own.insert(domain);
        }
    }

    /// Whether any is known; without one nothing can be called foreign.
    pub fn known(&self) -> bool {
        !self.own.is_empty()
    }

    /// Whether a domain is none of the organisation's: neither one of them, nor below one, nor
    /// of the same owner by its registered name.
    pub fn foreign(&self, domain: &str) -> bool {
        let domain = domain.trim().trim_matches('.').to_ascii_lowercase();
        if !domain.contains('.') || !self.known() {
            return false;
        }
        let registered = registered(&domain);
        !self.own.iter().any(|own| {
            domain == *own
                || domain.ends_with(&format!(".{own}"))
                || registered == crate::names::registered(own)
        })
    }

    /// Whether an address leaves the organisation: its domain is foreign. Without any known
    /// domain, an address is compared with the account's own.
    pub fn leaves(&self, address: &str, account: &str) -> bool {
        let Some(domain) = domain_of(address) else {
            return false;
        };
        match domain_of(account) {
            Some(own) if registered(&own) == registered(&domain) => false,
            Some(_) if !self.known() => true,
            _ => self.foreign(&domain),
        }
    }
}

/// The registered name as far as it can be told without the list of public suffixes: the last
/// two labels, three where the second is a word for "company" or "government".
fn registered(domain: &str) -> &str {
    let labels: Vec<&str> = domain.split('.').collect();
    let second = labels.len().checked_sub(2).and_then(|i| labels.get(i));
    let keep = match second {
        Some(label) if labels.len() > 2 && PUBLIC.contains(label) => 3,
        _ => 2,
    };
    let skip: usize = labels
        .iter()
        .take(labels.len().saturating_sub(keep))
        .map(|l| l.len() + 1)
        .sum();
    domain.get(skip..).unwrap_or(domain)
}

/// The domain of an address, lower case: `"A" <x@B.example>` gives `b.example`.
pub(crate) fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    let end = domain
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
        .unwrap_or(domain.len());
    let domain = domain.get(..end)?.trim_matches('.').to_lowercase();
    (!domain.is_empty()).then_some(domain)
}

/// Whether an address has the owner's name in it: people forward to their private mailboxes,
/// which bear their names. An intruder can choose such a name too, so this lowers a level and
/// silences nothing.
pub(crate) fn resembles(address: &str, account: &str) -> bool {
    let local = |a: &str| {
        a.split('@')
            .next()
            .unwrap_or(a)
            .trim_matches(['<', '"', ' '])
            .to_lowercase()
    };
    let (address, account) = (local(address), local(account));
    let words = account
        .split(|c: char| !c.is_alphabetic())
        .filter(|w| w.chars().count() >= 4);
    let mut any = false;
    for word in words {
        any = true;
        if address.contains(word) {
            return true;
        }
    }
    // A short name ("li"): only as a whole word.
    !any && !account.is_empty()
        && address
            .split(|c: char| !c.is_alphanumeric())
            .any(|w| w == account)
}

/// Domains that the host's own configuration calls its own: mail name, Postfix's destinations and
/// virtual domains, mailboxes on disk, Dovecot's users, the webmail's.
pub(crate) fn own_domains(host: &Host<'_>) -> Domains {
    let mut out = Domains::default();
    for domain in &host.options.own_domains {
        out.add(domain);
    }
    let first = |path: &str| {
        let bytes = host.read(path)?;
        Some(
            String::from_utf8_lossy(&bytes)
                .lines()
                .next()?
                .trim()
                .to_owned(),
        )
    };
    if let Some(name) = first("/etc/mailname") {
        out.add(&name);
    }
    if let Some(name) = first("/etc/hostname")
        && let Some((_, domain)) = name.split_once('.')
    {
        out.add(domain);
    }
    for domain in crate::postfix::own_domains(host) {
        out.add(&domain);
    }
    for path in host.under("/etc/dovecot/") {
        let file = crate::tree::name(path);
        if (file == "users" || file.contains("passwd") || file.ends_with(".users"))
            && !file.contains(".conf")
            && let Some(bytes) = host.read(path)
        {
            for line in String::from_utf8_lossy(&bytes).lines() {
                if let Some(domain) = line.split(':').next().and_then(domain_of) {
                    out.add(&domain);
                }
            }
        }
    }
    // /var/mail/vhosts/DOMAIN/user/Maildir, /var/vmail/DOMAIN/user/…
    for path in host.under("/var/") {
        let store = [
            "/Maildir/",
            "/mdbox/",
            "/sdbox/",
            "/dovecot.index",
            "/.dovecot",
            "/sieve/",
            "/cur/",
        ]
        .iter()
        .find_map(|m| path.find(m));
        if let Some(at) = store
            && let Some(front) = path.get(..at)
        {
            let mut steps = front.rsplit('/').filter(|s| !s.starts_with('.'));
            match (steps.next(), steps.next()) {
                (Some(user), _) if user.contains('@') => {
                    out.add(user.rsplit('@').next().unwrap_or_default());
                }
                (Some(_), Some(domain)) => out.add(domain),
                _ => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign() {
        let mut d = Domains::default();
        assert!(!d.foreign("x.example"));
        d.add("ministere.example");
        d.add("mail.interieur.gouv.fr");
        d.add("localhost");
        d.add("192.0.2.1");
        for (domain, expected) in [
            ("ministere.example", false),
            ("sub.ministere.example", false),
            ("ministere.example.evil.example", true),
            ("evil.example", true),
            ("interieur.gouv.fr", false),
            ("autre.gouv.fr", true),
            ("localhost", false),
        ] {
            assert_eq!(d.foreign(domain), expected, "{domain}");
        }
    }

    #[test]
    fn names() {
        for (address, account, expected) in [
            (
                "o.chassagnard@boite.example",
                "olivier.chassagnard@m.example",
                true,
            ),
            (
                "sauvegarde.archives@libre.example",
                "yann.treguidec@m.example",
                false,
            ),
            ("\"X\" <LI@b.example>", "li@m.example", true),
            ("alice@b.example", "li@m.example", false),
        ] {
            assert_eq!(resembles(address, account), expected, "{address} {account}");
        }
        assert_eq!(domain_of("A <a@B.Example>").as_deref(), Some("b.example"));
        assert_eq!(domain_of("a"), None);
    }
}
