//! Facts about client sessions: numbers that rules judge, each with the lines it stands on.
//!
//! Facts are computed without opinion; a fact that cannot be computed (no history, nothing
//! logged) is absent, and no condition on an absent fact holds.

use crate::client::{Client, Protocol, is_inside, network, wide_network};
use crate::daemon::DaemonSession;
use crate::intern::{Ip, Sym};
use crate::model::{Model, shows};
use crate::profile::{NETWORK_SETTLES, Profiles};
use crate::webreq::Action;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use vauban_ocsf::{DAY, Evidence, HOUR, SECOND, Timestamp};

/// All facts, in alphabetical order; rules may name no other. `rules/README.md` describes them.
pub const NAMES: &[&str] = &[
    "account_failure_networks",
    "account_failures",
    "agent_known",
    "agent_new",
    "agent_tool",
    "bulk_ratio",
    "compromised_before",
    "content_items",
    "continued_elsewhere",
    "documents_downloaded",
    "filter_saved",
    "history_days",
    "indicator",
    "inside",
    "lure_opened_before",
    "lure_opened_here",
    "machine_speed",
    "mailbox_share",
    "master_user",
    "messages_shown",
    "network_residents",
    "network_new",
    "new_networks_near",
    "no_commands",
    "password_changed_by_stranger",
    "password_changed_here",
    "protocol_new",
    "redirect_created",
    "regular_days",
    "roaming_networks",
    "same_network_intruder",
    "same_source_intruder",
    "searches",
    "secret_reuse",
    "sensitive_searches",
    "source_accounts_new",
    "source_failed_accounts",
    "source_failures_here",
    "source_passwords_changed",
    "spray_accounts",
    "taken_by_strangers",
    "wide_network_new",
];

/// Facts of one session. Of most sessions none are kept, so having none takes one word only.
#[derive(Clone, Debug, Default)]
pub struct Facts(Option<Box<Known>>);

#[derive(Clone, Debug, Default)]
struct Known {
    values: BTreeMap<&'static str, (f64, Vec<Evidence>)>,
    words: BTreeMap<&'static str, String>,
}

impl Facts {
    /// States a fact. Zero is a statement too.
    pub fn set(&mut self, name: &'static str, value: f64, mut evidence: Vec<Evidence>) {
        debug_assert!(NAMES.contains(&name), "{name} is not in NAMES");
        evidence.truncate(6);
        self.known().values.insert(name, (value, evidence));
    }

    fn known(&mut self) -> &mut Known {
        self.0.get_or_insert_default()
    }

    /// A word that sentences may use beside the facts (an address, a list of search words).
    pub fn say(&mut self, name: &'static str, word: String) {
        self.known().words.insert(name, word);
    }

    /// See [`Self::say`].
    pub fn word(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.words.get(name).map(String::as_str)
    }

    /// The value of a fact.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.as_ref()?.values.get(name).map(|(v, _)| *v)
    }

    /// The lines of a fact.
    pub fn evidence(&self, name: &str) -> &[Evidence] {
        self.0
            .as_ref()
            .and_then(|k| k.values.get(name))
            .map_or(&[], |(_, e)| e)
    }
}

/// How far back failed log-ins are held against a later success.
const FAILURES_REACH: i64 = 21 * DAY;
/// How far back a lure or a password change is held against a later log-in.
const EVENT_REACH: i64 = 14 * DAY;
/// A person does not open this many things in [`MACHINE_SPAN`].
const MACHINE_ACTIONS: usize = 10;
/// See [`MACHINE_ACTIONS`].
const MACHINE_SPAN: i64 = 10 * SECOND;

/// What an intruder searches for: words for secrets, credentials and access, French and English,
/// compared without case and accents.
const SENSITIVE: &[&str] = &[
    "secret",
    "confidentiel",
    "confidential",
    "restreint",
    "restricted",
    "diffusion",
    "mot de passe",
    "mdp",
    "password",
    "passwd",
    "pwd",
    "passe",
    "login",
    "identifiant",
    "credential",
    "vpn",
    "acces",
    "access",
    "token",
    "jeton",
    "cle privee",
    "private key",
    "ssh",
    "rdp",
    "admin",
    "intranet",
    "portail",
    "portal",
    "certificat",
    "code",
    "otp",
    "totp",
    "2fa",
    "defense",
    "interpol",
    "enquete",
    "dossier",
    "fichier",
    "passeport",
    "passport",
    "iban",
    "rib",
    "salaire",
    "payroll",
    "contrat",
    "contract",
    "strategie",
    "nucleaire",
    "classified",
];

/// Lower case without French accents.
fn plain(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .map(|c| match c {
            'à' | 'â' | 'ä' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'î' | 'ï' => 'i',
            'ô' | 'ö' => 'o',
            'ù' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            c => c,
        })
        .collect()
}

/// Whether a search is for something an intruder would want.
pub fn is_sensitive(query: &str) -> bool {
    let query = plain(query);
    SENSITIVE.iter().any(|word| query.contains(word))
}

/// User agents of programs rather than browsers.
pub fn is_tool(agent: &str) -> bool {
    let agent = agent.to_lowercase();
    agent.is_empty()
        || agent == "-"
        || [
            "curl",
            "wget",
            "python",
            "go-http",
            "libwww",
            "java/",
            "okhttp",
            "httpclient",
            "ruby",
            "axios",
            "node-fetch",
            "headless",
            "phantomjs",
            "scrapy",
            "powershell",
        ]
        .iter()
        .any(|tool| agent.contains(tool))
}

/// Content a session took: messages or parts with body.
pub fn volume(c: &Client, m: &Model<'_>) -> u64 {
    match c.protocol {
        Protocol::Webmail => m
            .clients
            .list(c.requests)
            .iter()
            .map(|&r| &m.obs.requests[r as usize])
            .filter(|r| {
                (200..300).contains(&r.status)
                    && (shows(r)
                        || matches!(r.action, Action::ZipAttachments | Action::ZipMessages)
                        || (r.action == Action::Get && !r.flags.thumb() && !r.flags.wrapper()))
            })
            .count() as u64,
        _ => m
            .clients
            .list(c.daemon)
            .iter()
            .filter_map(|&d| m.daemon[d as usize].counters.as_ref())
            .map(|k| u64::from(k.body_count.unwrap_or(0)) + u64::from(k.retr_count.unwrap_or(0)))
            .sum(),
    }
}

/// Computes the facts of session `index`, those apart that need other sessions' judgement.
pub fn compute(index: usize, m: &Model<'_>) -> Facts {
    let c = &m.clients[index];
    let mut f = Facts::default();
    let first_lines = m.lines(c, 3);
    let own = || first_lines.clone();
    f.say("account", m.name(c.account).to_string());
    f.say("protocol", c.protocol.name().to_string());
    if let Some(ip) = m.addr(c.ip) {
        f.say("ip", ip.to_string());
        f.set("inside", f64::from(is_inside(ip)), own());
        novelty(c, ip, m, &first_lines, &mut f);
        failures(c, ip, m, &mut f);
        passwords(c, ip, m, &mut f);
        lures_before(c, m, &mut f);
    }
    if c.master != Sym(0) {
        f.set("master_user", 1.0, own());
    }
    let volume = volume(c, m);
    f.set("content_items", volume as f64, own());
    if let (Some(ip), true) = (m.addr(c.ip), volume > 0) {
        // Compared with what the account's sessions from elsewhere took before.
        if let Some(largest) = m.profiles.largest_before(c.account, c.start, network(ip)) {
            f.set("bulk_ratio", volume as f64 / largest.max(1) as f64, own());
        }
        let stored = m.universe.count(c.account, c.end);
        if stored > 0 && c.protocol != Protocol::Smtp {
            f.set(
                "mailbox_share",
                (volume as f64 / stored as f64).min(1.0),
                own(),
            );
        }
        if m.baseline().network_is_new(c.account, network(ip), c.start) == Some(true) {
            let (taken, lines) = m.taken_by_strangers(c.account, c.start);
            f.set("taken_by_strangers", taken as f64, lines);
        }
    }
    let silent: Vec<&DaemonSession> = m
        .clients
        .list(c.daemon)
        .iter()
        .map(|&d| &m.daemon[d as usize])
        .filter(|d| d.no_commands)
        .collect();
    if c.protocol != Protocol::Webmail && !silent.is_empty() {
        f.set("no_commands", 1.0, own());
    }
    if c.protocol == Protocol::Webmail {
        webmail(c, m, &mut f);
    }
    if c.protocol == Protocol::Sieve {
        filter(c, 1, own(), m, &mut f);
    }
    indicators(c, m, &mut f);
    f
}

fn novelty(c: &Client, ip: IpAddr, m: &Model<'_>, lines: &[Evidence], f: &mut Facts) {
    // What is usual is what the account did when no intruder was at it.
    let p = m.baseline();
    let own = || lines.to_vec();
    let (net, wide) = (network(ip), wide_network(ip));
    let days = p.account.get(&c.account).map_or(0, |all| all.days.len());
    let apart = p
        .network
        .get(&(c.account, net))
        .map_or(days, |s| p.days_apart(c.account, s));
    f.set("history_days", apart as f64, own());
    if let Some(is_new) = p.network_is_new(c.account, net, c.start) {
        f.set("network_new", f64::from(is_new), own());
    }
    for (seen, name) in [
        (p.wide.get(&(c.account, wide)), "wide_network_new"),
        (p.protocol.get(&(c.account, c.protocol)), "protocol_new"),
    ] {
        // Webmail is there for the odd use from anywhere; its being new says nothing.
        if name == "protocol_new" && c.protocol == Protocol::Webmail {
            continue;
        }
        let is_new = match seen {
            Some(seen) => {
                let before = p.history_days(c.account, seen.first);
                let apart = p.days_apart(c.account, seen);
                Profiles::is_new(seen, c.start, before, apart)
            }
            None => p.never_seen(c.account),
        };
        if let Some(is_new) = is_new {
            f.set(name, f64::from(is_new), own());
        }
    }
    if c.agent != Sym(0) {
        f.say("agent", m.name(c.agent).to_string());
        f.set("agent_tool", f64::from(is_tool(m.name(c.agent))), own());
        // Only webmail sessions have a browser, so only their days count as history of one.
        if let Some(web) = p.protocol.get(&(c.account, Protocol::Webmail)) {
            let seen = p.agent.get(&(c.account, c.agent));
            let is_new = match seen {
                Some(seen) => {
                    let before = web.days_before(seen.first);
                    let apart = web.days.len().saturating_sub(seen.days.len());
                    Profiles::is_new(seen, c.start, before, apart)
                        .or(seen.settled().then_some(false))
                }
                None => (web.days.len() >= crate::profile::HISTORY_NEEDED).then_some(true),
            };
            if let Some(is_new) = is_new {
                f.set("agent_new", f64::from(is_new), own());
                f.set("agent_known", f64::from(!is_new), own());
            }
        }
    }
    if let Some(seen) = p.habit.get(&(c.account, c.protocol, c.ip)) {
        f.set("regular_days", seen.days_before(c.start) as f64, own());
    }
    f.set(
        "network_residents",
        p.residents(c.account, net) as f64,
        own(),
    );
    // Accounts to which this address is new, within a week of this session. An address, not a
    // network: the customers of one mobile provider share networks, not addresses.
    if let Some(users) = m.profiles.users_of_ip.get(&c.ip) {
        let mut lines = Vec::new();
        let mut count = 0;
        for (user, first) in users {
            if (first.0 - c.start.0).abs() < NETWORK_SETTLES
                && p.network_is_new(*user, net, *first) == Some(true)
            {
                count += 1;
                lines.extend(m.first_line_from(*user, net, *first));
            }
        }
        f.set("source_accounts_new", f64::from(count), lines);
    }
    // Accounts whose password was changed from this address.
    let (changed, lines) = m.passwords_changed_from(c.ip, c.start, NETWORK_SETTLES);
    f.set("source_passwords_changed", changed as f64, lines);
    if let Some(networks) = m.profiles.networks_of.get(&c.account) {
        let mut lines = Vec::new();
        let mut wides = BTreeSet::new();
        for (other, (wide, first)) in networks {
            if (first.0 - c.start.0).abs() < NETWORK_SETTLES
                && p.network_is_new(c.account, *other, *first) == Some(true)
                && wides.insert(*wide)
            {
                lines.extend(m.first_line_from(c.account, *other, *first));
            }
        }
        f.set("new_networks_near", wides.len() as f64, lines);
        let roaming = p.networks_of.get(&c.account).map_or(0, |usual| {
            usual
                .values()
                .filter(|(_, first)| c.start.0 - first.0 >= NETWORK_SETTLES)
                .count()
        });
        f.set("roaming_networks", roaming as f64, own());
    }
}

fn failures(c: &Client, ip: IpAddr, m: &Model<'_>, f: &mut Facts) {
    let near = |t: Timestamp| (c.start.0 - FAILURES_REACH..=c.start.0 + DAY).contains(&t.0);
    // By this address.
    let mut accounts = BTreeSet::new();
    let mut here = 0;
    let mut lines = Vec::new();
    let mut lines_here = Vec::new();
    for fail in m.failures_from(c.ip).iter().filter(|x| near(x.first)) {
        if fail.account == c.account {
            if fail.first < c.start {
                here += fail.count;
                lines_here.push(fail.evidence);
            }
        } else if accounts.insert(fail.account) {
            lines.push(fail.evidence);
        }
    }
    f.set("source_failed_accounts", accounts.len() as f64, lines);
    f.set("source_failures_here", here as f64, lines_here);
    // At this account, from networks it never used with success.
    let mut networks = BTreeSet::new();
    let mut count = 0;
    let mut lines = Vec::new();
    for fail in m
        .failures_at(c.account)
        .iter()
        .filter(|x| x.first < c.start && x.first.0 >= c.start.0 - FAILURES_REACH)
    {
        let Some(from) = m.addr(fail.ip) else {
            continue;
        };
        // An owner mistypes where the owner is: a network the account is at home in, or had used
        // before, is not a stranger's.
        let known = m.baseline().network.get(&(c.account, network(from)));
        if is_inside(from) || known.is_some_and(|s| s.settled() || s.first < fail.first) {
            continue;
        }
        networks.insert(network(from));
        count += fail.count;
        lines.push(fail.evidence);
    }
    f.set("account_failures", count as f64, lines.clone());
    f.set("account_failure_networks", networks.len() as f64, lines);
    let _ = ip;
    // The campaign this account was part of: accounts that strangers failed at in the time before.
    let (accounts, lines) = m.spray_before(c.start, FAILURES_REACH);
    f.set("spray_accounts", accounts as f64, lines);
}

fn passwords(c: &Client, ip: IpAddr, m: &Model<'_>, f: &mut Facts) {
    let net = network(ip);
    let mut here = Vec::new();
    let mut strangers = Vec::new();
    for change in m.password_changes(c.account) {
        let Some(from) = m.addr(change.ip) else {
            continue;
        };
        let during = (c.start.0 - 2 * SECOND..=c.end.0 + 2 * SECOND).contains(&change.time.0);
        if during && change.ip == c.ip {
            here.push(change.evidence);
        } else if change.time < c.start
            && c.start.0 - change.time.0 < EVENT_REACH
            && !is_inside(from)
            && m.profiles
                .network_is_new(c.account, network(from), change.time)
                == Some(true)
        {
            strangers.push(change.evidence);
        }
    }
    let _ = net;
    // Without a log of its own, the request that saves a new password tells.
    if here.is_empty() {
        here.extend(
            m.clients
                .list(c.requests)
                .iter()
                .map(|&r| &m.obs.requests[r as usize])
                .filter(|r| r.action == Action::PasswordChange && r.post && r.status == 200)
                .map(|r| r.evidence),
        );
    }
    f.set("password_changed_here", here.len() as f64, here);
    f.set(
        "password_changed_by_stranger",
        strangers.len() as f64,
        strangers,
    );
}

fn lures_before(c: &Client, m: &Model<'_>, f: &mut Facts) {
    let lines: Vec<Evidence> = m
        .lure_openings
        .iter()
        .filter(|o| {
            o.account == c.account && o.time < c.start && c.start.0 - o.time.0 < EVENT_REACH
        })
        .flat_map(|o| [o.evidence, o.message])
        .collect();
    f.set("lure_opened_before", f64::from(!lines.is_empty()), lines);
}

fn webmail(c: &Client, m: &Model<'_>, f: &mut Facts) {
    let mut searches = Vec::new();
    let mut queries: BTreeSet<String> = BTreeSet::new();
    let mut sensitive: BTreeSet<String> = BTreeSet::new();
    let mut sensitive_lines = Vec::new();
    let (mut shown, mut downloads) = (Vec::new(), Vec::new());
    let mut filters = Vec::new();
    let mut quick: Vec<(Timestamp, Evidence)> = Vec::new();
    for &r in m.clients.list(c.requests) {
        let r = &m.obs.requests[r as usize];
        let ok = (200..300).contains(&r.status);
        match r.action {
            Action::Search => {
                let query = m.name(r.query);
                if !query.is_empty() && queries.insert(query.to_lowercase()) {
                    searches.push(r.evidence);
                    if is_sensitive(query) && sensitive.insert(query.to_string()) {
                        sensitive_lines.push(r.evidence);
                    }
                }
                quick.push((r.time, r.evidence));
            }
            Action::Show | Action::Preview | Action::Print if ok => {
                shown.push(r.evidence);
                quick.push((r.time, r.evidence));
            }
            Action::Source | Action::ZipAttachments | Action::ZipMessages if ok => {
                downloads.push(r.evidence);
                quick.push((r.time, r.evidence));
            }
            Action::Get if ok && r.flags.download() => {
                downloads.push(r.evidence);
                quick.push((r.time, r.evidence));
            }
            Action::FiltersChange if r.post && r.status < 400 => filters.push(r.evidence),
            _ => {}
        }
    }
    let list: Vec<&str> = sensitive.iter().map(String::as_str).take(8).collect();
    f.say("queries", list.join(", "));
    f.set("searches", queries.len() as f64, searches);
    f.set(
        "sensitive_searches",
        sensitive.len() as f64,
        sensitive_lines,
    );
    f.set("messages_shown", shown.len() as f64, shown);
    f.set("documents_downloaded", downloads.len() as f64, downloads);
    // Machine speed: a window that holds more than hands can do. Prefetching and inline images
    // are not among the actions counted.
    let times: Vec<i64> = quick.iter().map(|(t, _)| t.0).collect();
    let burst = (0..times.len())
        .filter(|&i| {
            times
                .get(i + MACHINE_ACTIONS - 1)
                .is_some_and(|&t| t - times[i] <= MACHINE_SPAN)
        })
        .map(|i| quick[i].1)
        .collect::<Vec<_>>();
    f.set("machine_speed", burst.len() as f64, burst);
    if !filters.is_empty() {
        let n = filters.len();
        filter(c, n, filters, m, f);
    }
    let here: Vec<Evidence> = m
        .lure_openings
        .iter()
        .filter(|o| o.account == c.account && o.ip == c.ip && (c.start..=c.end).contains(&o.time))
        .flat_map(|o| [o.evidence, o.message])
        .collect();
    f.set("lure_opened_here", f64::from(!here.is_empty()), here);
    continued(c, m, f);
}

/// A webmail session that no log-in began, while another browser elsewhere holds the account's
/// session: the cookie is used from two places.
fn continued(c: &Client, m: &Model<'_>, f: &mut Facts) {
    let acts = m.clients.list(c.requests).iter().any(|&r| {
        let r = &m.obs.requests[r as usize];
        (200..300).contains(&r.status)
            && (shows(r) || matches!(r.action, Action::List | Action::Get | Action::Search))
    });
    if c.logged_in || !acts {
        return;
    }
    let other = m.sessions_of(c.account, c.start).find(|o| {
        o.protocol == Protocol::Webmail
            && o.account == c.account
            && o.ip != c.ip
            && o.logged_in
            && o.start <= c.start
            && c.start.0 - o.end.0 < HOUR
            && match (m.addr(o.ip), m.addr(c.ip)) {
                (Some(a), Some(b)) => network(a) != network(b),
                _ => false,
            }
    });
    if let Some(o) = other {
        let mut lines = m.lines(c, 2);
        lines.extend(m.lines(o, 2));
        f.say(
            "other_ip",
            m.addr(o.ip).map(|ip| ip.to_string()).unwrap_or_default(),
        );
        // 2: another browser too; 1: the same browser on another network (a laptop that moved).
        f.set(
            "continued_elsewhere",
            if o.agent == c.agent { 1.0 } else { 2.0 },
            lines,
        );
    }
}

/// A filter was saved: did the account begin to redirect mail outside after it?
fn filter(c: &Client, saved: usize, lines: Vec<Evidence>, m: &Model<'_>, f: &mut Facts) {
    if c.protocol == Protocol::Sieve {
        // ManageSieve clients also only list scripts; one that stores sends more than it names.
        let sent: u64 = m
            .clients
            .list(c.daemon)
            .iter()
            .filter_map(|&d| m.daemon[d as usize].counters.as_ref()?.bytes_in)
            .sum();
        if sent == 0 {
            return;
        }
    }
    f.set("filter_saved", saved as f64, lines.clone());
    let mut first_forward: Option<Timestamp> = None;
    let mut evidence = lines;
    for x in m
        .obs
        .forwards
        .iter()
        .filter(|x| x.user == c.account && m.is_external(m.name(x.to)))
    {
        if first_forward.is_none_or(|t| x.time < t) {
            first_forward = Some(x.time);
            evidence.truncate(3);
            evidence.push(x.evidence);
        }
    }
    let redirects: Vec<&crate::model::Redirect> = m
        .redirects
        .iter()
        .filter(|r| r.account == c.account && m.is_external(&r.to))
        .collect();
    let began = first_forward.is_some_and(|t| t >= c.start)
        || (first_forward.is_none() && !redirects.is_empty());
    if began {
        evidence.extend(redirects.iter().map(|r| r.evidence));
        let to: BTreeSet<&str> = redirects.iter().map(|r| r.to.as_str()).collect();
        f.say("redirect_to", to.into_iter().collect::<Vec<_>>().join(", "));
        f.set("redirect_created", 1.0, evidence);
    }
}

fn indicators(c: &Client, m: &Model<'_>, f: &mut Facts) {
    let by_ip = m.addr(c.ip).and_then(|ip| m.indicators.match_ip(ip));
    let by_agent = (c.agent != Sym(0))
        .then(|| m.indicators.match_user_agent(m.name(c.agent)))
        .flatten();
    if let Some(found) = by_ip.or(by_agent) {
        f.say("indicator", found.to_string());
        f.set("indicator", 1.0, m.lines(c, 3));
    }
}

/// Sessions of intruders, found by what other sessions share with them.
#[derive(Debug, Default)]
pub struct Intruders {
    /// In order.
    all: Vec<usize>,
    by_ip: HashMap<Ip, Vec<usize>>,
    by_network: HashMap<u128, Vec<usize>>,
    by_account: HashMap<Sym, Vec<usize>>,
}

impl Intruders {
    /// Of indices of client sessions, in order.
    pub fn new(m: &Model<'_>, all: &[usize]) -> Self {
        let mut new = Self {
            all: all.to_vec(),
            ..Self::default()
        };
        for &i in all {
            let c = &m.clients[i];
            new.by_account.entry(c.account).or_default().push(i);
            if let Some(ip) = m.addr(c.ip) {
                new.by_ip.entry(c.ip).or_default().push(i);
                new.by_network.entry(network(ip)).or_default().push(i);
            }
        }
        new
    }
}

/// Facts that follow from other sessions being an intruder's; whether there are any.
pub fn follow(index: usize, m: &Model<'_>, intruders: &Intruders, f: &mut Facts) -> bool {
    let c = &m.clients[index];
    let Some(ip) = m.addr(c.ip) else { return false };
    let mut any = false;
    let lines = |o: &Client| m.lines(o, 2);
    let others = |list: Option<&Vec<usize>>| {
        list.map_or(&[][..], Vec::as_slice)
            .iter()
            .filter(|&&i| i != index)
            .map(|&i| &m.clients[i])
            .collect::<Vec<_>>()
    };
    // A lure makes the victim's own browser act; its address is the victim's, not an intruder's.
    let foreign = |o: &&&Client| {
        !m.victim_browser.contains(&(o.account, o.ip)) && (o.start.0 - c.start.0).abs() < 90 * DAY
    };
    if let Some(o) = others(intruders.by_ip.get(&c.ip)).iter().find(foreign) {
        f.say("same_source_account", m.name(o.account).to_string());
        f.set("same_source_intruder", 1.0, lines(o));
        any = true;
    }
    if let Some(o) = others(intruders.by_network.get(&network(ip)))
        .iter()
        .find(foreign)
    {
        f.say(
            "intruder_ip",
            m.addr(o.ip).map(|a| a.to_string()).unwrap_or_default(),
        );
        f.set("same_network_intruder", 1.0, lines(o));
        any = true;
    }
    if let Some(o) = others(intruders.by_account.get(&c.account))
        .iter()
        .find(|o| o.start < c.start && c.start.0 - o.start.0 < 30 * DAY)
    {
        f.set("compromised_before", 1.0, lines(o));
        any = true;
    }
    if let Some(line) = m.secret_of_account_read(c.account, c.start, &intruders.all) {
        f.set("secret_reuse", 1.0, vec![line]);
        any = true;
    }
    any
}
