//! What rules share: fields as numbered slots, and questions about them asked once.

use crate::expr::{Expr, Leaf};
use crate::test::Test;
use std::collections::HashMap;

/// The slot that holds every text of a record, for keyword searches.
pub(crate) const KEYWORDS: u32 = 0;

/// A field of a record.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub name: String,
    /// Some test needs the value as it is, not only in lower case.
    pub original: bool,
}

/// Tests of one field, linked with OR.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub slot: u32,
    pub tests: Vec<Test>,
}

/// Collects slots and groups while rules are compiled.
#[derive(Debug)]
pub(crate) struct Tables {
    pub slots: Vec<Slot>,
    by_name: HashMap<String, u32>,
    pub groups: Vec<Group>,
    by_group: HashMap<Group, u32>,
    pub regexes: Vec<regex::Regex>,
    by_source: HashMap<String, u32>,
}

impl Tables {
    pub fn new() -> Self {
        Self {
            slots: vec![Slot {
                name: String::new(),
                original: false,
            }],
            by_name: HashMap::new(),
            groups: Vec::new(),
            by_group: HashMap::new(),
            regexes: Vec::new(),
            by_source: HashMap::new(),
        }
    }

    /// The slot of a field, made if need be.
    pub fn slot(&mut self, name: &str) -> u32 {
        if let Some(&slot) = self.by_name.get(name) {
            return slot;
        }
        let slot = self.slots.len() as u32;
        self.slots.push(Slot {
            name: name.to_owned(),
            original: false,
        });
        self.by_name.insert(name.to_owned(), slot);
        slot
    }

    /// Asks for the slot's values as they are, too.
    pub fn keep_original(&mut self, slot: u32) {
        if let Some(slot) = self.slots.get_mut(slot as usize) {
            slot.original = true;
        }
    }

    /// The number of a regular expression, or why it is none.
    pub fn regex(&mut self, source: &str) -> Result<u32, String> {
        if let Some(&id) = self.by_source.get(source) {
            return Ok(id);
        }
        let re = regex::Regex::new(source).map_err(|e| {
            let reason = e.to_string();
            let reason = reason.lines().last().unwrap_or_default();
            reason.trim_start_matches("error: ").to_owned()
        })?;
        let id = self.regexes.len() as u32;
        self.regexes.push(re);
        self.by_source.insert(source.to_owned(), id);
        Ok(id)
    }

    /// The question whether the field passes one of `tests`.
    pub fn group(&mut self, slot: u32, tests: Vec<Test>) -> Expr {
        let mut unique: Vec<Test> = Vec::with_capacity(tests.len());
        let mut seen = std::collections::HashSet::new();
        for test in tests {
            if seen.insert(test.clone()) {
                unique.push(test);
            }
        }
        let group = Group {
            slot,
            tests: unique,
        };
        let next = self.groups.len() as u32;
        let id = *self.by_group.entry(group).or_insert_with_key(|group| {
            self.groups.push(group.clone());
            next
        });
        Expr::Leaf(Leaf::Group(id))
    }
}
