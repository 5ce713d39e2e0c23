//! One record against all rules.

use crate::Value;
use crate::engine::{Engine, Open};
use crate::fields::{Fields, Held, Kind, Record, Store};
use crate::json::{JsonError, Walker};
use crate::plan::{Op, OpKind};
use crate::route::Route;
use crate::rule::RuleId;
use crate::table::KEYWORDS;
use crate::test::{Slow, Test, fold_dashes, has_shape, number_key, stands};
use crate::time::Written;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use vauban_ocsf::Timestamp;

/// So many records of one route are worth indices of its own.
const OFTEN: u32 = 1_000;

/// Routes a scanner keeps at hand.
const MOST_ROUTES: usize = 1024;

/// A rule that matches the record.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    /// Which.
    pub rule: RuleId,
    /// To be reported. Not so for a rule that only serves correlations which do not ask for it
    /// by `generate: true`.
    pub reported: bool,
}

/// Matches records against an engine's rules, one after the other. Each thread has its own; after
/// the first few records it allocates nothing more.
#[derive(Debug)]
pub struct Scanner {
    engine: Arc<Engine>,
    store: Store,
    answers: Answers,
    open: HashMap<Route, (Arc<Open>, u32)>,
    seen: Vec<u64>,
    matches: Vec<Match>,
    unescaped: String,
}

/// What is known about each group.
#[derive(Debug)]
struct Answers {
    state: Vec<State>,
    /// Groups whose state is not [`State::Unknown`].
    touched: Vec<u32>,
    text: String,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    /// No index has noticed it.
    Unknown,
    /// An index noticed what a slow test needs.
    Perhaps,
    Yes,
    No,
}

impl Scanner {
    /// A scanner for an engine's rules.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            store: engine.store(),
            answers: Answers {
                state: vec![State::Unknown; engine.groups.len()],
                touched: Vec::new(),
                text: String::new(),
            },
            open: HashMap::new(),
            seen: vec![0; engine.rules.len().div_ceil(64)],
            matches: Vec::new(),
            unescaped: String::new(),
            engine,
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Matches a record; gives the rules that hold, in the order of loading.
    pub fn scan(&mut self, record: &impl Record) -> &[Match] {
        self.store.clear();
        let engine = Arc::clone(&self.engine);
        let mut fields = Fields {
            store: &mut self.store,
            slots: &engine.slots,
            names: &engine.names,
            route: Route::UNKNOWN,
            routes: &engine.routes,
        };
        record.describe(&mut fields);
        let route = fields.route;
        self.judge(&engine, route);
        &self.matches
    }

    /// Matches a JSON object. Its logsource is in the fields [`crate::Options`] names.
    ///
    /// # Errors
    /// If the text is no JSON object; the scanner can go on with the next.
    pub fn scan_json(&mut self, text: &str) -> Result<&[Match], JsonError> {
        self.store.clear();
        self.matches.clear();
        let engine = Arc::clone(&self.engine);
        Walker {
            text,
            at: 0,
            store: &mut self.store,
            slots: &engine.slots,
            names: &engine.names,
            unescaped: &mut self.unescaped,
        }
        .run()?;
        let route = if engine.options.routing {
            let mut words = [""; 3];
            for (word, slot) in words.iter_mut().zip(engine.logsource_slots) {
                let mut values = self.store.values(slot);
                *word = match (values.next(), values.next()) {
                    (Some(only), None) => self.store.original(only),
                    _ => "",
                };
            }
            engine.routes.of(words[0], words[1], words[2])
        } else {
            Route::UNKNOWN
        };
        self.judge(&engine, route);
        Ok(&self.matches)
    }

    /// The time of the record scanned last, if one of the fields for it holds one.
    pub fn time(&self) -> Option<Timestamp> {
        self.engine.time_slots.iter().find_map(|slot| {
            let held = self.store.values(*slot).next()?;
            Some(Written::parse(self.store.original(held))?.instant())
        })
    }

    /// The first value of a field of the record scanned last; in lower case, unless a rule needs
    /// it as it is. Only fields that rules ask for are kept.
    pub fn value(&self, field: &str) -> Option<Value<'_>> {
        let slot = self.slot(field)?;
        let held = self.store.values(slot).next()?;
        let text = if self.engine.slots.get(slot as usize)?.original {
            self.store.original(held)
        } else {
            self.store.lower(held)
        };
        Some(match held.kind {
            Kind::Null => Value::Null,
            _ => Value::Str(text),
        })
    }

    fn slot(&self, field: &str) -> Option<u32> {
        let found = self.engine.slots.iter().position(|s| s.name == field)?;
        u32::try_from(found).ok()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    fn judge(&mut self, engine: &Engine, route: Route) {
        let route = if engine.options.routing {
            route
        } else {
            Route::UNKNOWN
        };
        self.matches.clear();
        self.answers.clear();
        self.seen.fill(0);
        if self.open.len() > MOST_ROUTES {
            self.open.clear();
        }
        let (open, records) = self
            .open
            .entry(route)
            .or_insert_with(|| (engine.open(route, false), 0));
        *records = records.saturating_add(1);
        if *records == OFTEN {
            *open = engine.open(route, true);
        }
        let open = &**open;
        self.answers.search(open, &self.store);

        let mut candidates = Candidates {
            open: &open.rules,
            seen: &mut self.seen,
        };
        let noticed = self.answers.touched.len();
        let mut run = |rules: &[u32], answers: &mut Answers| {
            for &rule in rules {
                if candidates.take(rule)
                    && let Some(plan) = engine.rules.get(rule as usize)
                    && answers.holds(engine, &self.store, plan.code.0)
                {
                    self.matches.push(Match {
                        rule: RuleId(rule),
                        reported: plan.reported,
                    });
                }
            }
        };
        for i in 0..noticed {
            let Some(&group) = self.answers.touched.get(i) else {
                break;
            };
            run(engine.by_group.get(group), &mut self.answers);
        }
        for &slot in &self.store.present {
            run(engine.by_slot.get(slot), &mut self.answers);
        }
        run(&open.always, &mut self.answers);
        self.matches.sort_unstable();
    }
}

struct Candidates<'a> {
    open: &'a [u64],
    seen: &'a mut [u64],
}

impl Candidates<'_> {
    /// Whether the rule is to be looked at now: open, and not looked at before.
    #[inline]
    fn take(&mut self, rule: u32) -> bool {
        let (word, bit) = (rule as usize / 64, 1 << (rule % 64));
        match (self.open.get(word), self.seen.get_mut(word)) {
            (Some(open), Some(seen)) if open & bit != 0 && *seen & bit == 0 => {
                *seen |= bit;
                true
            }
            _ => false,
        }
    }
}

impl Answers {
    fn clear(&mut self) {
        for group in self.touched.drain(..) {
            if let Some(state) = self.state.get_mut(group as usize) {
                *state = State::Unknown;
            }
        }
    }

    #[inline]
    fn note(&mut self, group: u32, new: State) {
        if let Some(state) = self.state.get_mut(group as usize) {
            if *state == State::Unknown {
                self.touched.push(group);
                *state = new;
            } else if *state == State::Perhaps {
                *state = new;
            }
        }
    }

    /// Lets the indices answer.
    fn search(&mut self, open: &Open, store: &Store) {
        let mut found = |actions: &[u32]| {
            for action in actions {
                let state = if action & 1 == 0 {
                    State::Yes
                } else {
                    State::Perhaps
                };
                self.note(action >> 1, state);
            }
        };
        for &slot in &store.present {
            let Some(index) = open.indices.get(slot as usize) else {
                continue;
            };
            for held in store.values(slot) {
                if matches!(held.kind, Kind::Null | Kind::Object) {
                    continue;
                }
                let text = store.lower(held);
                index.search(text.as_bytes(), &mut found);
                if index.has_numbers()
                    && let Some(number) = number(held.kind, text)
                {
                    index.number(number_key(number), &mut found);
                }
            }
        }
        if open.keywords
            && let Some(index) = open.indices.get(KEYWORDS as usize)
        {
            for held in store.held.iter().filter(|h| is_keyword_text(h)) {
                index.search(store.lower(held).as_bytes(), &mut found);
            }
        }
    }

    /// Runs a rule's code from `at` on.
    fn holds(&mut self, engine: &Engine, store: &Store, at: u32) -> bool {
        let Some(&Op { kind, arg, end }) = engine.code.get(at as usize) else {
            return false;
        };
        let mut next = at + 1;
        let mut parts = || {
            let part = next;
            (part < end).then(|| {
                next = engine.code.get(part as usize).map_or(end, |op| op.end);
                part
            })
        };
        match kind {
            OpKind::Group => self.group(engine, store, arg),
            OpKind::Present => store.is_present(arg),
            OpKind::Null => {
                // A list with a value besides null is not null.
                !store.is_present(arg)
                    || (store.values(arg).next().is_some()
                        && store.values(arg).all(|h| h.kind == Kind::Null))
            }
            OpKind::Not => !self.holds(engine, store, at + 1),
            OpKind::And => {
                while let Some(part) = parts() {
                    if !self.holds(engine, store, part) {
                        return false;
                    }
                }
                true
            }
            OpKind::Or => {
                while let Some(part) = parts() {
                    if self.holds(engine, store, part) {
                        return true;
                    }
                }
                false
            }
            OpKind::AtLeast => {
                let mut missing = arg;
                while missing > 0 {
                    match parts() {
                        Some(part) => missing -= u32::from(self.holds(engine, store, part)),
                        None => return false,
                    }
                }
                true
            }
        }
    }

    fn group(&mut self, engine: &Engine, store: &Store, group: u32) -> bool {
        let Some(plan) = engine.groups.get(group as usize) else {
            return false;
        };
        match self.state.get(group as usize) {
            Some(State::Yes) => return true,
            Some(State::Unknown) if plan.blind => {}
            Some(State::Perhaps) => {}
            _ => return false,
        }
        let tests = engine
            .tests
            .get(plan.rest.0 as usize..plan.rest.1 as usize)
            .unwrap_or_default();
        let mut text = std::mem::take(&mut self.text);
        let mut passes = |held: &Held| {
            tests
                .iter()
                .any(|t| passes(engine, t, held, store, &mut text))
        };
        let answer = if plan.slot == KEYWORDS {
            store.held.iter().filter(|h| is_keyword_text(h)).any(passes)
        } else {
            store.values(plan.slot).any(&mut passes)
        };
        self.text = text;
        if let Some(state) = self.state.get_mut(group as usize) {
            if *state == State::Unknown {
                self.touched.push(group);
            }
            *state = if answer { State::Yes } else { State::No };
        }
        answer
    }
}

fn is_keyword_text(held: &Held) -> bool {
    matches!(held.kind, Kind::Text | Kind::Number)
}

/// The value as a number, if it is one or reads like one.
fn number(kind: Kind, text: &str) -> Option<f64> {
    let like = matches!(
        text.as_bytes().first(),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.')
    );
    (like && matches!(kind, Kind::Text | Kind::Number)).then(|| text.parse().ok())?
}

/// Whether a value passes a test that no index answers.
fn passes(engine: &Engine, test: &Test, held: &Held, store: &Store, buffer: &mut String) -> bool {
    if matches!(held.kind, Kind::Null | Kind::Object) {
        return false;
    }
    let slow = match test {
        Test::Slow(slow) => slow,
        Test::Text(place, text) => return stands(*place, text, store.lower(held)),
        Test::AnyText => return true,
        Test::Number(key) => {
            return number(held.kind, store.lower(held)).is_some_and(|n| number_key(n) == *key);
        }
    };
    match slow {
        Slow::Glob(glob) => glob.is_match(store.lower(held)),
        Slow::Cased(shape) => has_shape(shape, store.original(held)),
        Slow::Regex(re) => engine
            .regexes
            .get(*re as usize)
            .is_some_and(|re| re.is_match(store.original(held))),
        Slow::Cidr(net) => store
            .lower(held)
            .parse::<IpAddr>()
            .is_ok_and(|a| net.contains(a)),
        Slow::Compare(ordering, bound) => {
            number(held.kind, store.lower(held)).is_some_and(|n| ordering.holds(n, bound.0))
        }
        Slow::Dash { shape, cased } => {
            buffer.clear();
            let text = if *cased {
                store.original(held)
            } else {
                store.lower(held)
            };
            fold_dashes(buffer, text);
            has_shape(shape, buffer)
        }
        Slow::Time(part, ordering, bound) => Written::parse(store.lower(held))
            .is_some_and(|w| ordering.holds(w.part(*part) as f64, bound.0)),
        Slow::Field { slot, place, cased } => store.values(*slot).any(|other| {
            if matches!(other.kind, Kind::Null | Kind::Object) {
                return false;
            }
            if *cased {
                stands(*place, store.original(other), store.original(held))
            } else {
                stands(*place, store.lower(other), store.lower(held))
            }
        }),
    }
}
