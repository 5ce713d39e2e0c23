//! One name per account.
//!
//! Daemons write what the client typed: `Jean.Dupont`, `jean.dupont`, `jean.dupont@min.example`.
//! The case speaks of accounts by one canonical name.

use std::collections::{BTreeMap, BTreeSet};

/// Maps every spelling to its account.
#[derive(Debug, Default)]
pub struct Accounts {
    /// Local part → full addresses that have it.
    by_local: BTreeMap<String, BTreeSet<String>>,
}

impl Accounts {
    /// Learns from every name that logged in successfully or owns a mailbox. Names that only
    /// failed are not accounts: sprays invent them.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut by_local: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in names {
            let name = name.trim().to_lowercase();
            if let Some((local, domain)) = name.rsplit_once('@')
                && !local.is_empty()
                && !domain.is_empty()
            {
                by_local
                    .entry(local.to_string())
                    .or_default()
                    .insert(name.clone());
            }
        }
        Self { by_local }
    }

    /// The account that a logged name means: lower case; a bare local part becomes the full
    /// address when exactly one domain has it.
    pub fn canonical(&self, name: &str) -> String {
        let name = name.trim().to_lowercase();
        if name.contains('@') {
            return name;
        }
        match self.by_local.get(&name) {
            Some(full) if full.len() == 1 => full.iter().next().cloned().unwrap_or(name),
            _ => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_parts_find_their_domain_unless_ambiguous() {
        let a = Accounts::new(["Jean@min.example", "eve@a.example", "eve@b.example", "root"]);
        assert_eq!(a.canonical("JEAN"), "jean@min.example");
        assert_eq!(a.canonical("eve"), "eve");
        assert_eq!(a.canonical("root"), "root");
        assert_eq!(a.canonical(" Other@X.example "), "other@x.example");
    }
}
