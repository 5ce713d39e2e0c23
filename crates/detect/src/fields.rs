//! A record's fields, taken apart once: values land in numbered slots, in lower case, in buffers
//! that are used again for the next record.

use crate::LogSource;
use crate::Value;
use crate::index::hash;
use crate::pattern::push_lower;
use crate::route::{Route, Routes};
use crate::table::{KEYWORDS, Slot};
use std::collections::HashMap;
use std::fmt::Write as _;

/// No node, slot or value.
pub(crate) const NONE: u32 = u32::MAX;

/// The names rules ask for, as a tree: `a.b` is `b` within `a`, or a field of that very name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    nodes: Vec<Node>,
    table: Vec<(u64, u32)>,
    mask: usize,
}

#[derive(Debug)]
struct Node {
    key: Box<str>,
    parent: u32,
    slot: u32,
    /// Stands for the whole name, which goes before a nested field of the same path.
    whole: bool,
}

impl Names {
    /// The root's number.
    pub const ROOT: u32 = 0;

    pub fn new(slots: &[Slot]) -> Self {
        let mut nodes = vec![Node {
            key: "".into(),
            parent: NONE,
            slot: NONE,
            whole: false,
        }];
        let mut by_key: HashMap<(u32, String), u32> = HashMap::new();
        let mut child = |parent: u32, key: &str| {
            *by_key.entry((parent, key.to_owned())).or_insert_with(|| {
                nodes.push(Node {
                    key: key.into(),
                    parent,
                    slot: NONE,
                    whole: false,
                });
                nodes.len() as u32 - 1
            })
        };
        let mut leaves = Vec::new();
        for (slot, field) in slots.iter().enumerate() {
            if slot as u32 == KEYWORDS {
                continue;
            }
            leaves.push((child(Self::ROOT, &field.name), slot as u32, true));
            if field.name.contains('.') {
                let node = field.name.split('.').fold(Self::ROOT, &mut child);
                leaves.push((node, slot as u32, false));
            }
        }
        for (node, slot, whole) in leaves {
            nodes[node as usize].slot = slot;
            nodes[node as usize].whole = whole;
        }
        let size = (nodes.len() * 4).next_power_of_two();
        let mut out = Self {
            table: vec![(0, NONE); size],
            mask: size - 1,
            nodes,
        };
        for i in 1..out.nodes.len() {
            let node = &out.nodes[i];
            let h = key_hash(node.parent, node.key.as_bytes());
            let mut at = h as usize >> 7;
            while out.table[at & out.mask].1 != NONE {
                at += 1;
            }
            out.table[at & out.mask] = (h, i as u32);
        }
        out
    }

    /// The node of `key` within `parent`.
    #[inline]
    pub fn child(&self, parent: u32, key: &str) -> u32 {
        if parent == NONE {
            return NONE;
        }
        let h = key_hash(parent, key.as_bytes());
        let mut at = h as usize >> 7;
        while let Some(&(found, node)) = self.table.get(at & self.mask) {
            if node == NONE {
                return NONE;
            }
            if found == h
                && let Some(n) = self.nodes.get(node as usize)
                && n.parent == parent
                && *n.key == *key
            {
                return node;
            }
            at += 1;
        }
        NONE
    }
}

fn key_hash(parent: u32, key: &[u8]) -> u64 {
    hash(key).wrapping_add(u64::from(parent).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// What a value is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Bool,
    Null,
    /// An object where a rule asks for a value.
    Object,
}

/// A value; its text is in the buffers.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Held {
    pub kind: Kind,
    lower: (u32, u32),
    original: (u32, u32),
    pub next: u32,
}

#[derive(Copy, Clone, Debug)]
struct Head {
    first: u32,
    last: u32,
    present: bool,
    whole: bool,
}

const EMPTY: Head = Head {
    first: NONE,
    last: NONE,
    present: false,
    whole: false,
};

/// One record's fields. Holds as much memory as the largest record seen needed.
#[derive(Debug)]
pub(crate) struct Store {
    lower: String,
    original: String,
    pub held: Vec<Held>,
    heads: Vec<Head>,
    pub present: Vec<u32>,
    /// Keep texts of fields nobody asks for, because keywords may be anywhere.
    keywords: bool,
    keyword_originals: bool,
    number: String,
}

impl Store {
    pub fn new(slots: &[Slot], keywords: bool) -> Self {
        Self {
            lower: String::new(),
            original: String::new(),
            held: Vec::new(),
            heads: vec![EMPTY; slots.len()],
            present: Vec::new(),
            keywords,
            keyword_originals: slots.first().is_some_and(|s| s.original),
            number: String::new(),
        }
    }

    pub fn clear(&mut self) {
        self.lower.clear();
        self.original.clear();
        self.held.clear();
        for slot in self.present.drain(..) {
            if let Some(head) = self.heads.get_mut(slot as usize) {
                *head = EMPTY;
            }
        }
    }

    /// Whether a value of a field nobody asks for matters.
    pub fn wants_all(&self) -> bool {
        self.keywords
    }

    /// The slot that a value at `node` goes to. A field given twice outside arrays holds what
    /// was given last.
    pub fn open(&mut self, names: &Names, node: u32, in_array: bool) -> u32 {
        let Some(node) = names.nodes.get(node as usize) else {
            return NONE;
        };
        let Some(head) = self.heads.get_mut(node.slot as usize) else {
            return NONE;
        };
        if head.whole && !node.whole {
            return NONE;
        }
        if !in_array {
            head.first = NONE;
            head.last = NONE;
        }
        head.whole = node.whole;
        if !head.present {
            head.present = true;
            self.present.push(node.slot);
        }
        node.slot
    }

    /// Adds a value to a slot, or to nothing but the texts keywords are looked for in.
    #[inline]
    pub fn push(&mut self, slots: &[Slot], slot: u32, kind: Kind, text: &str) {
        if slot == NONE && !(self.keywords && matches!(kind, Kind::Text | Kind::Number)) {
            return;
        }
        let from = self.lower.len() as u32;
        push_lower(&mut self.lower, text);
        let lower = (from, self.lower.len() as u32);
        let mut original = (0, 0);
        if self.keyword_originals || slots.get(slot as usize).is_some_and(|s| s.original) {
            let from = self.original.len() as u32;
            self.original.push_str(text);
            original = (from, self.original.len() as u32);
        }
        let id = self.held.len() as u32;
        self.held.push(Held {
            kind,
            lower,
            original,
            next: NONE,
        });
        if let Some(head) = self.heads.get_mut(slot as usize) {
            if let Some(last) = self.held.get_mut(head.last as usize) {
                last.next = id;
            } else {
                head.first = id;
            }
            head.last = id;
        }
    }

    /// A number as JSON has it, in the form in which texts are compared with it.
    pub fn push_number(&mut self, slots: &[Slot], slot: u32, raw: &str) {
        if raw.parse::<i64>().is_ok() && raw != "-0" {
            return self.push(slots, slot, Kind::Number, raw);
        }
        let mut text = std::mem::take(&mut self.number);
        text.clear();
        match raw.parse::<f64>() {
            Ok(n) => _ = write!(text, "{n}"),
            Err(_) => text.push_str(raw),
        }
        self.push(slots, slot, Kind::Number, &text);
        self.number = text;
    }

    pub fn is_present(&self, slot: u32) -> bool {
        self.heads.get(slot as usize).is_some_and(|h| h.present)
    }

    /// The first value of a slot; the others follow by `next`.
    pub fn first(&self, slot: u32) -> u32 {
        self.heads.get(slot as usize).map_or(NONE, |h| h.first)
    }

    /// The values of a slot.
    pub fn values(&self, slot: u32) -> impl Iterator<Item = &Held> {
        let mut next = self.first(slot);
        std::iter::from_fn(move || {
            let held = self.held.get(next as usize)?;
            next = held.next;
            Some(held)
        })
    }

    pub fn lower(&self, held: &Held) -> &str {
        self.lower
            .get(held.lower.0 as usize..held.lower.1 as usize)
            .unwrap_or_default()
    }

    pub fn original(&self, held: &Held) -> &str {
        self.original
            .get(held.original.0 as usize..held.original.1 as usize)
            .unwrap_or_default()
    }
}

/// Where a record puts its fields.
#[derive(Debug)]
pub struct Fields<'s> {
    pub(crate) store: &'s mut Store,
    pub(crate) slots: &'s [Slot],
    pub(crate) names: &'s Names,
    pub(crate) route: Route,
    pub(crate) routes: &'s Routes,
}

impl Fields<'_> {
    /// Puts one field. A field put several times has several values, and a rule is content with
    /// any of them.
    pub fn put(&mut self, name: &str, value: Value<'_>) {
        let node = self.names.child(Names::ROOT, name);
        let slot = self.store.open(self.names, node, true);
        let kind = match value {
            Value::Str(text) => return self.store.push(self.slots, slot, Kind::Text, text),
            Value::Null => return self.store.push(self.slots, slot, Kind::Null, ""),
            _ if slot == NONE && !self.store.wants_all() => return,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) | Value::Float(_) => Kind::Number,
            Value::Joined(..) | Value::Ip(_) | Value::Time(_) => Kind::Text,
        };
        let mut buffer = std::mem::take(&mut self.store.number);
        if let Some(text) = value.text(&mut buffer) {
            self.store.push(self.slots, slot, kind, text);
        }
        self.store.number = buffer;
    }

    /// Says what is known of the record's logsource; `""` is not set. Rules that name another one
    /// are not looked at, unless routing is off.
    pub fn logsource(&mut self, category: &str, product: &str, service: &str) {
        self.route = self.routes.of(category, product, service);
    }

    /// Says which logsource the record belongs to. Rules that ask for one it is not are not looked
    /// at, unless routing is off.
    pub fn logsource_is(&mut self, source: LogSource) {
        self.route = Route::Is(source);
    }
}

/// Something rules can be matched against.
pub trait Record {
    /// Puts every field, and says the logsource if it is known.
    fn describe(&self, fields: &mut Fields<'_>);
}

impl Record for vauban_ocsf::Event<'_> {
    fn describe(&self, fields: &mut Fields<'_>) {
        let source = crate::describe(self, &mut |name, value| fields.put(name, value));
        fields.logsource_is(source);
    }
}
