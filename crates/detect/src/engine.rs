//! Rules → an engine: compiled once, then read by any number of scanners.

use crate::detection::{self, Compiled};
use crate::expr::{Expr, Leaf};
use crate::fields::{Names, Store};
use crate::index::{Builder, Commonness, Index};
use crate::item::Placeholders;
use crate::load::{LoadProblem, RuleSet};
use crate::pattern::Place;
use crate::plan::{Op, OpKind, emit, witnesses};
use crate::route::{Route, Routes};
use crate::rule::{RuleId, RuleInfo};
use crate::table::{Group, KEYWORDS, Slot, Tables};
use crate::test::{Slow, Test};
use crate::trigger;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

/// How rules are compiled.
#[derive(Clone, Debug)]
pub struct Options {
    /// Look only at rules whose logsource does not contradict the record's.
    pub routing: bool,
    /// Values of `%placeholders%` (modifier `expand`), by name without percent signs. A rule
    /// whose placeholder has no values is rejected, as the specification wants.
    pub placeholders: Placeholders,
    /// Fields of JSON events that hold category, product and service.
    pub logsource_fields: [String; 3],
    /// Fields that may hold an event's time, for correlations; the first that is a time counts.
    pub time_fields: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            routing: true,
            placeholders: Placeholders::new(),
            logsource_fields: ["category", "product", "service"].map(str::to_owned),
            time_fields: [
                "@timestamp",
                "timestamp",
                "EventTime",
                "TimeCreated",
                "eventTime",
                "UtcTime",
                "time",
            ]
            .map(str::to_owned)
            .to_vec(),
        }
    }
}

/// A rule, ready to run.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Its code.
    pub code: (u32, u32),
    /// It matches in its own right, not only within correlations.
    pub reported: bool,
}

/// A group, ready to run.
#[derive(Debug, Default)]
pub(crate) struct GroupPlan {
    pub slot: u32,
    /// Tests that the index does not answer.
    pub rest: (u32, u32),
    /// Some of them can hold without the index having noticed anything.
    pub blind: bool,
}

/// Compiled rules. Share it between threads; each has its own [`crate::Scanner`].
#[derive(Debug)]
pub struct Engine {
    pub(crate) options: Options,
    pub(crate) infos: Vec<RuleInfo>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) code: Vec<Op>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) names: Names,
    pub(crate) groups: Vec<GroupPlan>,
    pub(crate) tests: Vec<Test>,
    pub(crate) regexes: Vec<regex::Regex>,
    /// Rules to look at when a group answers yes (or perhaps).
    pub(crate) by_group: Lists,
    /// Rules to look at when a field is there.
    pub(crate) by_slot: Lists,
    /// Rules always to look at.
    pub(crate) always: Vec<u32>,
    pub(crate) routes: Routes,
    pub(crate) logsource_slots: [u32; 3],
    pub(crate) time_slots: Vec<u32>,
    pub(crate) keywords: bool,
    sources: Vec<Group>,
    common: Commonness,
    open: RwLock<HashMap<Route, Arc<Open>>>,
    /// Indices of all groups.
    whole: OnceLock<Arc<Vec<Index>>>,
    pub(crate) correlations: crate::correlation::Compiled,
}

/// What a record of one route is judged by: rules that the route leaves in play, and indices of
/// what they ask for. A route that comes often gets indices of its own, which are far smaller than
/// those of all rules.
#[derive(Debug)]
pub(crate) struct Open {
    /// A bit for each rule.
    pub rules: Vec<u64>,
    /// Rules always to look at.
    pub always: Vec<u32>,
    /// Some of the rules look for keywords.
    pub keywords: bool,
    /// By slot.
    pub indices: Arc<Vec<Index>>,
}

/// Routes with indices of their own, at most; a stream that claims more logsources than that is
/// served by the indices of all rules.
const MOST_ROUTES: usize = 256;

/// Lists of numbers, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    fn new(lists: Vec<Vec<u32>>) -> Self {
        let mut out = Self {
            starts: vec![0],
            items: Vec::new(),
        };
        for list in lists {
            out.items.extend(list);
            out.starts.push(out.items.len() as u32);
        }
        out
    }

    pub fn get(&self, i: u32) -> &[u32] {
        match self.starts.get(i as usize..) {
            Some([from, upto, ..]) => self
                .items
                .get(*from as usize..*upto as usize)
                .unwrap_or_default(),
            _ => &[],
        }
    }
}

impl Engine {
    /// Compiles every rule of `set` that can be; the others are problems.
    pub fn compile(set: &RuleSet, options: Options) -> (Self, Vec<LoadProblem>) {
        let mut problems = Vec::new();
        let mut tables = Tables::new();
        let logsource_slots = std::array::from_fn(|i| {
            let slot = tables.slot(&options.logsource_fields[i]);
            tables.keep_original(slot);
            slot
        });
        let time_slots: Vec<u32> = options
            .time_fields
            .iter()
            .map(|f| {
                let slot = tables.slot(f);
                tables.keep_original(slot);
                slot
            })
            .collect();
        let compiled = detection::compile(set, &options.placeholders, &mut tables, &mut problems);
        let correlations = crate::correlation::Compiled::new(
            set,
            &compiled.iter().map(|c| &c.info).collect::<Vec<_>>(),
            &mut tables,
            &mut problems,
        );
        let mut engine = Self::assemble(compiled, tables, options, correlations);
        engine.logsource_slots = logsource_slots;
        engine.time_slots = time_slots;
        (engine, problems)
    }

    fn assemble(
        compiled: Vec<Compiled>,
        tables: Tables,
        options: Options,
        correlations: crate::correlation::Compiled,
    ) -> Self {
        let (groups, tests, common, shares) = plan_groups(&tables);
        let slot_uses = slot_uses(&compiled, &tables);
        let cost = |leaf: Leaf| match leaf {
            Leaf::Group(g) => groups
                .get(g as usize)
                .map_or(1, |g| 1 + 20 * (g.rest.1 - g.rest.0)),
            _ => 1,
        };
        let of = |leaf: Leaf| {
            let present = |slot: u32| {
                let uses = slot_uses.get(slot as usize).copied().unwrap_or(0);
                (slot != KEYWORDS).then(|| {
                    (
                        Leaf::Present(slot),
                        (0.02 + f64::from(uses) * 0.001).min(0.9),
                    )
                })
            };
            match leaf {
                Leaf::Group(g) => {
                    let group = groups.get(g as usize)?;
                    if group.blind {
                        return present(group.slot);
                    }
                    let share = shares.get(g as usize).copied().unwrap_or(1.0);
                    Some((leaf, share))
                }
                Leaf::Present(slot) => present(slot),
                Leaf::Null(_) => None,
            }
        };
        let mut code = Vec::new();
        let mut rules = Vec::new();
        let mut by_group = vec![Vec::new(); groups.len()];
        let mut by_slot = vec![Vec::new(); tables.slots.len()];
        let mut always = Vec::new();
        let mut infos = Vec::new();
        for (i, rule) in compiled.into_iter().enumerate() {
            let from = code.len() as u32;
            emit(&rule.expr, &cost, &mut code);
            let reported = correlations.reported(RuleId(i as u32));
            rules.push(Rule {
                code: (from, code.len() as u32),
                reported,
            });
            match witnesses(&rule.expr, &of) {
                None => always.push(i as u32),
                Some((leaves, _)) => {
                    for leaf in leaves {
                        match leaf {
                            Leaf::Group(g) => by_group[g as usize].push(i as u32),
                            Leaf::Present(s) | Leaf::Null(s) => by_slot[s as usize].push(i as u32),
                        }
                    }
                }
            }
            infos.push(rule.info);
        }
        let keywords = tables.groups.iter().any(|g| g.slot == KEYWORDS);
        Self {
            names: Names::new(&tables.slots),
            slots: tables.slots,
            regexes: tables.regexes,
            routes: Routes::new(infos.iter()),
            by_group: Lists::new(by_group),
            by_slot: Lists::new(by_slot),
            always,
            infos,
            rules,
            code,
            sources: tables.groups,
            common,
            open: RwLock::default(),
            whole: OnceLock::new(),
            groups,
            tests,
            logsource_slots: [0; 3],
            time_slots: Vec::new(),
            keywords,
            correlations,
            options,
        }
    }

    /// What a rule says about itself.
    pub fn rule(&self, id: RuleId) -> Option<&RuleInfo> {
        self.infos.get(id.0 as usize)
    }

    /// All rules, in the order of loading; the index is the [`RuleId`].
    pub fn rules(&self) -> &[RuleInfo] {
        &self.infos
    }

    /// The fields rules ask for, and so the only ones that matter.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().skip(1).map(|s| s.name.as_str())
    }

    /// How many rules have no witness, and are looked at for every record of their logsource.
    pub fn always_evaluated(&self) -> usize {
        self.always.len()
    }

    /// What a record of this route is judged by, with indices of all rules, or `own` ones.
    pub(crate) fn open(&self, route: Route, own: bool) -> Arc<Open> {
        let known = self.open.read().unwrap_or_else(|e| e.into_inner());
        if let Some(open) = known.get(&route) {
            return Arc::clone(open);
        }
        let own = own && known.len() < MOST_ROUTES;
        drop(known);
        let rules = self.routes.open(route);
        let is_open = |rule: usize| {
            rules
                .get(rule / 64)
                .is_some_and(|w| w >> (rule % 64) & 1 != 0)
        };
        let mut used = vec![false; self.sources.len()];
        for (_, rule) in self.rules.iter().enumerate().filter(|(i, _)| is_open(*i)) {
            let code = self.code.get(rule.code.0 as usize..rule.code.1 as usize);
            for op in code.unwrap_or_default() {
                if op.kind == OpKind::Group
                    && let Some(used) = used.get_mut(op.arg as usize)
                {
                    *used = true;
                }
            }
        }
        let used = || {
            (0_u32..)
                .zip(&self.sources)
                .zip(&used)
                .filter(|(_, used)| **used)
                .map(|(group, _)| group)
        };
        let indices = |groups: &mut dyn Iterator<Item = (u32, &Group)>| {
            Arc::new(build_indices(groups, self.slots.len(), &self.common))
        };
        let open = Arc::new(Open {
            always: self
                .always
                .iter()
                .copied()
                .filter(|r| is_open(*r as usize))
                .collect(),
            keywords: used().any(|(_, g)| g.slot == KEYWORDS),
            indices: if own {
                indices(&mut used())
            } else {
                let whole = self
                    .whole
                    .get_or_init(|| indices(&mut (0_u32..).zip(&self.sources)));
                Arc::clone(whole)
            },
            rules,
        });
        if own {
            let mut known = self.open.write().unwrap_or_else(|e| e.into_inner());
            known.insert(route, Arc::clone(&open));
        }
        open
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(&self.slots, self.keywords)
    }
}

/// How many rules ask for each slot.
fn slot_uses(compiled: &[Compiled], tables: &Tables) -> Vec<u32> {
    fn walk(expr: &Expr, tables: &Tables, uses: &mut Vec<u32>) {
        match expr {
            Expr::Leaf(leaf) => {
                let slot = match leaf {
                    Leaf::Group(g) => tables.groups.get(*g as usize).map_or(0, |g| g.slot),
                    Leaf::Present(s) | Leaf::Null(s) => *s,
                };
                if let Some(n) = uses.get_mut(slot as usize) {
                    *n += 1;
                }
            }
            Expr::And(p) | Expr::Or(p) | Expr::AtLeast(_, p) => {
                p.iter().for_each(|p| walk(p, tables, uses));
            }
            Expr::Not(p) => walk(p, tables, uses),
        }
    }
    let mut uses = vec![0; tables.slots.len()];
    for rule in compiled {
        walk(&rule.expr, tables, &mut uses);
    }
    uses
}

type Plans = (Vec<GroupPlan>, Vec<Test>, Commonness, Vec<f64>);

/// Splits each group into what the indices answer and the rest, and estimates in which share of
/// records it is answered yes.
fn plan_groups(tables: &Tables) -> Plans {
    let mut common = Commonness::default();
    let mut uses: HashMap<(u32, &Test), u32> = HashMap::new();
    for group in &tables.groups {
        for test in &group.tests {
            *uses.entry((group.slot, test)).or_default() += 1;
            if let Test::Text(_, text) = test {
                common.learn(text.as_bytes());
            }
        }
    }
    let mut tests: Vec<Test> = Vec::new();
    let mut plans = Vec::new();
    let mut shares = Vec::new();
    for group in &tables.groups {
        let from = tests.len();
        let mut blind = false;
        let mut share = 0.0;
        for test in &group.tests {
            let uses = f64::from(uses.get(&(group.slot, test)).copied().unwrap_or(1));
            let text_share = |text: &str| {
                0.000_2 + 0.000_002 * f64::from(common.of(text.as_bytes())) + 0.001 * uses
            };
            let how = indexed(test, &common);
            if matches!(how, None | Some(Indexed::Trigger(_))) {
                tests.push(test.clone());
            }
            share += match how {
                None => {
                    blind = true;
                    0.0
                }
                Some(Indexed::Text(Place::Whole, _)) => 0.000_5 + 0.002 * uses,
                Some(Indexed::Text(_, text)) => text_share(&text),
                Some(Indexed::Trigger(text)) => text_share(&text),
                Some(Indexed::Number(_)) => 0.002 + 0.004 * uses,
                Some(Indexed::Any) => 0.3,
            };
        }
        if let Some(rest) = tests.get_mut(from..) {
            rest.sort_by_key(|t| matches!(t, Test::Slow(Slow::Regex(_))));
        }
        plans.push(GroupPlan {
            slot: group.slot,
            rest: (from as u32, tests.len() as u32),
            blind,
        });
        shares.push(share.min(1.0));
    }
    (plans, tests, common, shares)
}

/// How an index answers a test, or helps to.
enum Indexed<'a> {
    Text(Place, std::borrow::Cow<'a, str>),
    Number(u64),
    Any,
    /// Without this text the test fails.
    Trigger(String),
}

fn indexed<'a>(test: &'a Test, common: &Commonness) -> Option<Indexed<'a>> {
    match test {
        Test::Text(Place::Anywhere, text) if text.len() < 3 => None,
        Test::Text(place, text) => Some(Indexed::Text(*place, text.as_str().into())),
        Test::Number(key) => Some(Indexed::Number(*key)),
        Test::AnyText => Some(Indexed::Any),
        Test::Slow(slow) => trigger::of(slow, common).map(Indexed::Trigger),
    }
}

/// Indices, by slot, of what these groups ask for.
fn build_indices(
    groups: &mut dyn Iterator<Item = (u32, &Group)>,
    slots: usize,
    common: &Commonness,
) -> Vec<Index> {
    let mut builders: Vec<Builder> = Vec::new();
    builders.resize_with(slots, Builder::default);
    for (g, group) in groups {
        let Some(builder) = builders.get_mut(group.slot as usize) else {
            continue;
        };
        let sure = g << 1;
        for test in &group.tests {
            match indexed(test, common) {
                Some(Indexed::Text(place, text)) => builder.text(place, &text, sure),
                Some(Indexed::Number(key)) => builder.number(key, sure),
                Some(Indexed::Any) => builder.any(sure),
                Some(Indexed::Trigger(text)) => builder.text(Place::Anywhere, &text, sure | 1),
                None => {}
            }
        }
    }
    builders.into_iter().map(|b| b.build(common)).collect()
}
