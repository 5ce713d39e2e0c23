//! Everything known about a case before it is judged, indexed for the questions that are asked.

use crate::accounts::Accounts;
use crate::client::{self, Client, Clients, network};
use crate::contract::{Label, Text};
use crate::daemon::{self, DaemonSession};
use crate::facts;
use crate::inputs::{Inputs, SieveScript};
use crate::intern::{Ip, Sym};
use crate::judge::Judgement;
use crate::observe::{ChangeRec, MailboxRec, Observations, RequestRec};
use crate::profile::Profiles;
use crate::universe::Universe;
use crate::webmail::{self, Anchor};
use crate::webreq::Action;
use hashbrown::{HashMap, HashSet};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use vauban_mail::Store;
use vauban_ocsf::{AccountActivity, Evidence, MailboxAction, SECOND, Service, Status, Timestamp};
use vauban_spill::Spill;

/// Failed log-ins, as facts ask for them.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Account as tried.
    pub account: Sym,
    /// From where.
    pub ip: Ip,
    /// First of the day.
    pub first: Timestamp,
    /// Attempts of the day.
    pub count: u64,
    /// First line.
    pub evidence: Evidence,
}

/// A redirect to another address that stands in a Sieve script.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// Account.
    pub account: Sym,
    /// Where to.
    pub to: String,
    /// Name of the rule, if it has one.
    pub rule: String,
    /// The script is the active one, as far as the store tells.
    pub active: bool,
    /// Modification time of the script, if plausible.
    pub modified: Option<Timestamp>,
    /// The action in the script.
    pub evidence: Evidence,
}

/// A message was shown.
#[derive(Copy, Clone, Debug)]
pub struct Shown {
    /// Client session.
    pub session: usize,
    /// When.
    pub time: Timestamp,
    /// The request.
    pub evidence: Evidence,
}

/// A lure was opened.
#[derive(Clone, Debug)]
pub struct LureOpening {
    /// Victim.
    pub account: Sym,
    /// From where.
    pub ip: Ip,
    /// When.
    pub time: Timestamp,
    /// Index into `Inputs::lures`.
    pub lure: usize,
    /// The request.
    pub evidence: Evidence,
    /// The message.
    pub message: Evidence,
}

/// A secret and who lost it.
#[derive(Clone, Debug)]
pub struct SecretAt {
    /// Message.
    pub known: u32,
    /// Index into the message's secrets.
    pub secret: usize,
    /// Account that the secret opens, if it names one of ours.
    pub opens: Option<Sym>,
}

/// The model.
pub struct Model<'a> {
    /// Records.
    pub obs: Observations,
    /// Mail store.
    pub store: &'a Store,
    /// Daemons' sessions.
    pub daemon: Spill<DaemonSession>,
    /// Which of them the webmail opened.
    pub local: Vec<u32>,
    /// Client sessions.
    pub clients: Clients,
    /// What is usual, all sessions counted.
    pub profiles: Profiles,
    /// The same without the sessions of intruders, once there are any.
    pub innocent: Option<Profiles>,
    /// Messages.
    pub universe: Universe,
    /// Lures opened in webmail.
    pub lure_openings: Vec<LureOpening>,
    /// Redirects standing in scripts.
    pub redirects: Vec<Redirect>,
    /// Secrets in messages.
    pub secrets: Vec<SecretAt>,
    /// Indicators to look for.
    pub indicators: &'a dyn crate::inputs::Indicators,
    /// Accounts and addresses whose own browser a lure made act.
    pub victim_browser: HashSet<(Sym, Ip)>,
    /// Accounts' client sessions, in order of start.
    pub clients_of: HashMap<Sym, Vec<u32>>,
    /// How far the web server's clock is ahead of the mail server's, in microseconds.
    pub web_clock_ahead: i64,
    /// Domains of the accounts.
    pub domains: BTreeSet<String>,
    /// Who was shown a message that is a lure or carries a secret: `(mailbox, message)` in the store.
    pub shown: HashMap<(usize, usize), Vec<Shown>>,
    commands: HashMap<u64, Vec<u32>>,
    changes_from: HashMap<Ip, Vec<u32>>,
    changes_of: HashMap<Sym, Vec<u32>>,
    spray_by_day: RefCell<HashMap<i64, (usize, Vec<Evidence>)>>,
    fail_by_ip: HashMap<Ip, Vec<Failure>>,
    fail_by_account: HashMap<Sym, Vec<Failure>>,
    spray: Vec<(Timestamp, Sym, Evidence)>,
    secrets_of: HashMap<Sym, Vec<u32>>,
}

impl<'a> Model<'a> {
    /// Builds the model.
    pub fn new(mut obs: Observations, inputs: &Inputs<'a>) -> Self {
        obs.settle();
        canonical_accounts(&mut obs, inputs);
        obs.requests.sort_by_key(|r| (r.time, r.evidence));
        obs.requests.dedup_by_key(|r| (r.time, r.evidence));
        obs.mailbox.sort_by_key(|r| (r.time, r.evidence));
        obs.forwards.sort_by_key(|r| (r.time, r.evidence));
        obs.changes.sort_by_key(|r| (r.time, r.evidence));
        obs.flows.sort_by_key(|r| (r.start, r.evidence));
        let webmail_logins: Vec<Anchor> = obs
            .logons
            .iter()
            .filter(|l| l.service == Service::Webmail)
            .map(|l| Anchor {
                time: l.time,
                ip: l.ip,
                user: l.user,
            })
            .chain(
                obs.changes
                    .iter()
                    .filter(|c| c.product == vauban_ocsf::Product::Roundcube)
                    .map(|c| Anchor {
                        time: c.time,
                        ip: c.ip,
                        user: c.user,
                    }),
            )
            .collect();
        obs.logons.retain(|l| l.service != Service::Webmail);
        let daemon = daemon::join(&mut obs);
        let relays = relays(&obs, &daemon);
        let mut local = client::local_sessions(&daemon, &obs.names);
        local.extend((0..daemon.len() as u32).filter(|&i| {
            daemon.pace(i as usize);
            let d = &daemon[i as usize];
            d.service == Service::Imap && relays.contains(&d.ip)
        }));
        // Daemon sessions are in order of their start.
        local.sort_unstable();
        local.dedup();
        let (web, web_clock_ahead) = webmail::join(
            &obs.requests,
            &daemon,
            &local,
            &webmail_logins,
            obs.scratch.as_ref(),
        );
        let names = &obs.names;
        let own: HashSet<Ip> = daemon
            .iter()
            .map(|d| d.dst_ip)
            .filter(|ip| ip.0 != 0)
            .collect();
        let is_relay = |ip: Ip| {
            relays.contains(&ip)
                || own.contains(&ip)
                || names.addr(ip).is_some_and(|a| a.is_loopback())
        };
        let clients = client::build(&obs, &daemon, &local, web, &is_relay);
        let account = |name: &str| obs.names.find(name).unwrap_or(Sym(0));
        let universe = Universe::new(inputs.store, &obs, &account);
        let domains = domains(&obs, inputs, &clients);
        let mut m = Model {
            store: inputs.store,
            daemon,
            local,
            clients,
            profiles: Profiles::default(),
            innocent: None,
            universe,
            lure_openings: Vec::new(),
            redirects: Vec::new(),
            secrets: Vec::new(),
            indicators: inputs.indicators,
            victim_browser: HashSet::new(),
            clients_of: HashMap::new(),
            domains,
            web_clock_ahead,
            shown: HashMap::new(),
            commands: HashMap::new(),
            changes_from: HashMap::new(),
            changes_of: HashMap::new(),
            spray_by_day: RefCell::default(),
            fail_by_ip: HashMap::new(),
            fail_by_account: HashMap::new(),
            spray: Vec::new(),
            secrets_of: HashMap::new(),
            obs,
        };
        m.index(inputs);
        m
    }

    fn index(&mut self, inputs: &Inputs<'a>) {
        for (i, c) in self.clients.iter().enumerate() {
            self.clients_of.entry(c.account).or_default().push(i as u32);
        }
        let volume = |c: &Client| facts::volume(c, self);
        let paced = self.clients.iter().enumerate().map(|(i, c)| {
            self.clients.pace(i);
            c
        });
        self.profiles = Profiles::new(paced, &volume, &self.obs.names);
        for (i, r) in self.obs.mailbox.iter().enumerate() {
            if r.session != 0
                && matches!(
                    r.action,
                    MailboxAction::Fetch | MailboxAction::Search | MailboxAction::Opened
                )
            {
                self.commands.entry(r.session).or_default().push(i as u32);
            }
        }
        for (i, change) in self.obs.changes.iter().enumerate() {
            if change.activity == AccountActivity::PasswordChange
                && change.status != Status::Failure
            {
                self.changes_from
                    .entry(change.ip)
                    .or_default()
                    .push(i as u32);
                self.changes_of
                    .entry(change.user)
                    .or_default()
                    .push(i as u32);
            }
        }
        self.index_failures();
        for script in inputs.sieve {
            self.index_script(script);
        }
        self.index_lures(inputs);
        self.index_secrets();
    }

    /// Brings in the messages that only the log names, of the accounts that are asked about: those
    /// with sessions that are not an ordinary user's, and those with a redirect.
    pub fn know_log_of(&mut self, judged: &[Judgement]) {
        let accounts: HashSet<Sym> = self
            .clients
            .iter()
            .zip(judged)
            .filter(|(_, j)| j.label != Label::Legitimate)
            .map(|(c, _)| c.account)
            .chain(self.redirects.iter().map(|r| r.account))
            .collect();
        let names = &self.obs.names;
        let account = |name: &str| names.find(name).unwrap_or(Sym(0));
        self.universe
            .of_log(self.store, &self.obs, &account, &accounts);
        // Messages have other numbers now.
        self.index_secrets();
    }

    fn index_failures(&mut self) {
        for (&(account, ip, _), rec) in &self.obs.failures {
            let failure = Failure {
                account,
                ip,
                first: rec.first,
                count: rec.count,
                evidence: rec.first_evidence,
            };
            self.fail_by_ip.entry(ip).or_default().push(failure.clone());
            self.fail_by_account
                .entry(account)
                .or_default()
                .push(failure);
            // Part of a spray: a stranger's address failed at an account that exists.
            let stranger = self.addr(ip).is_some_and(|a| {
                !client::is_inside(a)
                    && self
                        .profiles
                        .network
                        .get(&(account, network(a)))
                        .is_none_or(|s| s.first > rec.first)
            });
            if stranger && self.profiles.account.contains_key(&account) {
                self.spray.push((rec.first, account, rec.first_evidence));
            }
        }
        self.spray.sort_unstable();
        self.spray_by_day.borrow_mut().clear();
    }

    fn index_lures(&mut self, inputs: &Inputs<'a>) {
        let mut lure_of: HashMap<(usize, usize), usize> = HashMap::new();
        for (l, lure) in inputs.lures.iter().enumerate().filter(|(_, l)| l.active) {
            lure_of.insert(lure.message, l);
        }
        // Of other messages nobody asks who was shown them.
        let lures: HashSet<(usize, usize)> = inputs.lures.iter().map(|l| l.message).collect();
        let watched = |at: (usize, usize)| {
            lures.contains(&at)
                || !self.store.mailboxes[at.0].messages[at.1]
                    .message
                    .secrets
                    .is_empty()
        };
        for s in 0..self.clients.len() {
            self.clients.pace(s);
            let c = &self.clients[s];
            for &r in self.clients.list(c.requests) {
                let r = &self.obs.requests[r as usize];
                if !(200..300).contains(&r.status) {
                    continue;
                }
                if !shows(r) {
                    continue;
                }
                let mailbox = self.obs.names.str(r.mailbox);
                let Some(k) = self.universe.by_uid(c.account, mailbox, r.uid) else {
                    continue;
                };
                let known = &self.universe.known[k as usize];
                let Some(at) = known.stored.filter(|&at| watched(at)) else {
                    continue;
                };
                self.shown.entry(at).or_default().push(Shown {
                    session: s,
                    time: r.time,
                    evidence: r.evidence,
                });
                if let Some(&lure) = lure_of.get(&at) {
                    self.lure_openings.push(LureOpening {
                        account: c.account,
                        ip: c.ip,
                        time: r.time,
                        lure,
                        evidence: r.evidence,
                        message: known.evidence,
                    });
                }
            }
        }
        self.lure_openings.sort_by_key(|o| (o.time, o.evidence));
    }

    fn index_script(&mut self, script: &SieveScript) {
        let Some(account) = self.obs.names.find(&script.account) else {
            return;
        };
        for redirect in &script.redirects {
            self.redirects.push(Redirect {
                account,
                to: redirect.to.to_lowercase(),
                rule: redirect.rule.clone(),
                active: script.active && !redirect.disabled,
                modified: script.modified,
                evidence: redirect.evidence,
            });
        }
    }

    fn index_secrets(&mut self) {
        self.secrets.clear();
        self.secrets_of.clear();
        for i in 0..self.universe.known.len() as u32 {
            self.index_secrets_of(i);
        }
    }

    fn index_secrets_of(&mut self, known: u32) {
        let k = &self.universe.known[known as usize];
        let Some((b, i)) = k.stored else { return };
        for (s, secret) in self.store.mailboxes[b].messages[i]
            .message
            .secrets
            .iter()
            .enumerate()
        {
            let context = format!("{} {}", secret.target, secret.context).to_lowercase();
            // A secret opens one of our accounts when the text beside it names that account.
            let opens = context
                .split(|c: char| !(c.is_alphanumeric() || "@._-".contains(c)))
                .map(|w| w.trim_matches(['.', '-']))
                .filter(|w| w.len() >= 3)
                .find_map(|w| self.account_named(w));
            if let Some(account) = opens {
                let at = self.secrets.len() as u32;
                self.secrets_of.entry(account).or_default().push(at);
            }
            self.secrets.push(SecretAt {
                known,
                secret: s,
                opens,
            });
        }
    }

    /// The account that a word of a text names: its full address, or a local part that is no
    /// ordinary word.
    fn account_named(&self, word: &str) -> Option<Sym> {
        let exact = self
            .obs
            .names
            .find(word)
            .filter(|a| self.clients_of.contains_key(a));
        if exact.is_some() || !word.contains(['.', '-', '_']) || word.contains('@') {
            return exact;
        }
        self.domains
            .iter()
            .filter_map(|d| self.obs.names.find(&format!("{word}@{d}")))
            .find(|a| self.clients_of.contains_key(a))
    }

    /// Up to `most` lines that show a session.
    pub fn lines(&self, c: &Client, most: usize) -> Vec<Evidence> {
        self.clients.evidence(c, &self.obs, &self.daemon, most)
    }

    /// The text of a number.
    pub fn name(&self, sym: Sym) -> &str {
        self.obs.names.str(sym)
    }

    /// The address of a number.
    pub fn addr(&self, ip: Ip) -> Option<IpAddr> {
        self.obs.names.addr(ip)
    }

    /// The address as text, empty if not known.
    pub fn addr_text(&self, ip: Ip) -> String {
        self.addr(ip).map(|a| a.to_string()).unwrap_or_default()
    }

    /// Commands that the daemon exported for a session, in order of time.
    pub fn commands_of(&self, session: u64) -> Vec<&MailboxRec> {
        self.commands
            .get(&session)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|&i| &self.obs.mailbox[i as usize])
            .collect()
    }

    /// Whether a mail address is outside the organisation.
    pub fn is_external(&self, address: &str) -> bool {
        address
            .rsplit_once('@')
            .is_some_and(|(_, domain)| !self.domains.contains(&domain.to_lowercase()))
    }

    /// Password changes of an account, in order of time.
    pub fn password_changes(&self, account: Sym) -> impl Iterator<Item = &ChangeRec> {
        self.changes_of
            .get(&account)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|&i| &self.obs.changes[i as usize])
    }

    /// Sessions of an account that began up to an instant, the latest first, a day back.
    pub fn sessions_of(&self, account: Sym, until: Timestamp) -> impl Iterator<Item = &Client> {
        let list = self.clients_of.get(&account).map_or(&[][..], Vec::as_slice);
        let end = list.partition_point(|&i| self.clients[i as usize].start <= until);
        list[..end]
            .iter()
            .rev()
            .map(|&i| &self.clients[i as usize])
            .take_while(move |c| until.0 - c.start.0 < vauban_ocsf::DAY)
    }

    /// Failed log-ins from an address.
    pub fn failures_from(&self, ip: Ip) -> &[Failure] {
        self.fail_by_ip.get(&ip).map_or(&[], Vec::as_slice)
    }

    /// Failed log-ins at an account.
    pub fn failures_at(&self, account: Sym) -> &[Failure] {
        self.fail_by_account
            .get(&account)
            .map_or(&[], Vec::as_slice)
    }

    /// Accounts that strangers failed at in the time before the end of a day, with some lines.
    pub fn spray_before(&self, at: Timestamp, reach: i64) -> (usize, Vec<Evidence>) {
        // The same for all sessions of a day, and asked by each of them.
        let day = at.0.div_euclid(vauban_ocsf::DAY);
        if let Some(known) = self.spray_by_day.borrow().get(&day) {
            return known.clone();
        }
        let until = (day + 1) * vauban_ocsf::DAY;
        let from = self.spray.partition_point(|(t, ..)| t.0 < until - reach);
        let to = self.spray.partition_point(|(t, ..)| t.0 < until);
        let mut accounts = HashSet::new();
        let mut lines = Vec::new();
        for (_, account, line) in &self.spray[from..to] {
            if accounts.insert(*account) && lines.len() < 6 {
                lines.push(*line);
            }
        }
        let found = (accounts.len(), lines);
        self.spray_by_day.borrow_mut().insert(day, found.clone());
        found
    }

    /// Items that sessions from passing networks took of an account within a week of an instant:
    /// what a slow collector takes piece by piece. A network is passing when the account was there
    /// on one day only; a traveller's hotel and phone serve for days. The account's own browser
    /// does not count.
    pub fn taken_by_strangers(&self, account: Sym, at: Timestamp) -> (u64, Vec<Evidence>) {
        /// Fewer are the stops of one journey.
        const NETWORKS: usize = 4;
        let mut taken = 0;
        let mut networks = HashSet::new();
        let mut lines = Vec::new();
        let list = self.clients_of.get(&account).map_or(&[][..], Vec::as_slice);
        let from = list.partition_point(|&i| {
            self.clients[i as usize].start.0 < at.0 - crate::profile::NETWORK_SETTLES
        });
        for &i in &list[from..] {
            let c = &self.clients[i as usize];
            if c.start.0 > at.0 + crate::profile::NETWORK_SETTLES {
                break;
            }
            let Some(ip) = self.addr(c.ip).filter(|ip| !client::is_inside(*ip)) else {
                continue;
            };
            let net = network(ip);
            let volume = facts::volume(c, self);
            let passing = self
                .profiles
                .network
                .get(&(account, net))
                .is_some_and(|seen| seen.days.len() == 1);
            let own_browser = self
                .baseline()
                .agent
                .get(&(account, c.agent))
                .is_some_and(crate::profile::Seen::settled);
            if volume == 0
                || !passing
                || own_browser
                || self.baseline().network_is_new(account, net, c.start) != Some(true)
            {
                continue;
            }
            taken += volume;
            if networks.insert(net) {
                lines.extend(self.lines(c, 1));
            }
        }
        if networks.len() < NETWORKS {
            (0, Vec::new())
        } else {
            (taken, lines)
        }
    }

    /// What is usual when no intruder is at work.
    pub fn baseline(&self) -> &Profiles {
        self.innocent.as_ref().unwrap_or(&self.profiles)
    }

    /// Learns what is usual from all sessions but those of intruders. An intruder who comes from
    /// the same place for weeks would else become part of the account's life.
    pub fn learn_without(&mut self, intruders: &[usize]) {
        let left_out: HashSet<usize> = intruders.iter().copied().collect();
        let kept = self
            .clients
            .iter()
            .enumerate()
            .inspect(|(i, _)| self.clients.pace(*i))
            .filter(|(i, _)| !left_out.contains(i))
            .map(|(_, c)| c);
        let volume = |c: &Client| facts::volume(c, self);
        self.innocent = Some(Profiles::new(kept, &volume, &self.obs.names));
    }

    /// How many accounts' passwords were changed from an address within `reach` of an instant.
    pub fn passwords_changed_from(
        &self,
        ip: Ip,
        at: Timestamp,
        reach: i64,
    ) -> (usize, Vec<Evidence>) {
        let mut accounts = HashSet::new();
        let mut lines = Vec::new();
        for &i in self.changes_from.get(&ip).map_or(&[][..], Vec::as_slice) {
            let change = &self.obs.changes[i as usize];
            if (change.time.0 - at.0).abs() < reach && accounts.insert(change.user) {
                lines.push(change.evidence);
            }
        }
        (accounts.len(), lines)
    }

    /// A line of the session of an account that began at an instant from a network.
    pub fn first_line_from(&self, account: Sym, net: u128, start: Timestamp) -> Option<Evidence> {
        let list = self.clients_of.get(&account).map_or(&[][..], Vec::as_slice);
        let from = list.partition_point(|&i| self.clients[i as usize].start < start);
        list[from..]
            .iter()
            .map(|&i| &self.clients[i as usize])
            .take_while(|c| c.start == start)
            .filter(|c| self.addr(c.ip).is_some_and(|ip| network(ip) == net))
            .find_map(|c| self.lines(c, 1).first().copied())
    }

    /// A message that carries a secret of the account and was shown to an intruder before.
    /// `intruders` are in order.
    pub fn secret_of_account_read(
        &self,
        account: Sym,
        before: Timestamp,
        intruders: &[usize],
    ) -> Option<Evidence> {
        self.secrets_of
            .get(&account)?
            .iter()
            .map(|&s| &self.secrets[s as usize])
            .find_map(|s| {
                let stored = self.universe.known[s.known as usize].stored?;
                self.shown.get(&stored)?.iter().find_map(|shown| {
                    (shown.time < before
                        && intruders.binary_search(&shown.session).is_ok()
                        && self.clients[shown.session].account != account)
                        .then_some(shown.evidence)
                })
            })
    }
}

/// Gives every spelling of an account one number, in all records.
fn canonical_accounts(obs: &mut Observations, inputs: &Inputs<'_>) {
    let mut used: BTreeSet<Sym> = BTreeSet::new();
    used.extend(obs.logons.iter().map(|l| l.user));
    used.extend(obs.logoffs.iter().map(|l| l.user));
    let names: Vec<String> = used.iter().map(|&s| obs.names.str(s).to_string()).collect();
    let accounts = Accounts::new(
        names
            .iter()
            .map(String::as_str)
            .chain(inputs.store.mailboxes.iter().map(|b| b.account.as_str())),
    );
    let mut map: HashMap<Sym, Sym> = HashMap::new();
    let mut all = used;
    all.extend(obs.mailbox.iter().map(|r| r.user));
    all.extend(obs.forwards.iter().map(|r| r.user));
    all.extend(obs.changes.iter().map(|r| r.user));
    all.extend(obs.failures.keys().map(|k| k.0));
    all.extend(obs.mails.iter().map(|q| q.sasl_user));
    for sym in all {
        let canonical = accounts.canonical(obs.names.str(sym));
        let to = obs.names.sym(&canonical);
        map.insert(sym, to);
    }
    for mailbox in &inputs.store.mailboxes {
        let canonical = accounts.canonical(&mailbox.account);
        obs.names.sym(&canonical);
    }
    let fix = |s: &mut Sym| {
        if let Some(&to) = map.get(s) {
            *s = to;
        }
    };
    obs.logons.iter_mut().for_each(|r| fix(&mut r.user));
    obs.logoffs.iter_mut().for_each(|r| fix(&mut r.user));
    obs.mailbox.iter_mut().for_each(|r| fix(&mut r.user));
    obs.forwards.iter_mut().for_each(|r| fix(&mut r.user));
    obs.changes.iter_mut().for_each(|r| fix(&mut r.user));
    obs.mails.iter_mut().for_each(|q| fix(&mut q.sasl_user));
    let failures = std::mem::take(&mut obs.failures);
    let mut merged: BTreeMap<(Sym, Ip, i64), crate::observe::FailRec> = BTreeMap::new();
    for ((mut user, ip, day), rec) in failures {
        fix(&mut user);
        match merged.get_mut(&(user, ip, day)) {
            Some(mine) => {
                mine.count += rec.count;
                if rec.first < mine.first {
                    (mine.first, mine.first_evidence) = (rec.first, rec.first_evidence);
                }
                if rec.last >= mine.last {
                    (mine.last, mine.last_evidence) = (rec.last, rec.last_evidence);
                }
            }
            None => drop(merged.insert((user, ip, day), rec)),
        }
    }
    obs.failures = merged;
}

/// Addresses of a webmail host that is not the mail server itself: many accounts' IMAP sessions
/// come from them, and begin when webmail requests are at work.
fn relays(obs: &Observations, daemon: &Spill<DaemonSession>) -> HashSet<Ip> {
    /// Fewer sessions say nothing.
    const SESSIONS: usize = 20;
    /// Share of sessions that must coincide with a request.
    const COINCIDE: f64 = 0.7;
    let times: Vec<i64> = obs.requests.iter().map(|r| r.time.0).collect();
    let mut by_ip: HashMap<Ip, (usize, usize, HashSet<Sym>)> = HashMap::new();
    for d in daemon
        .iter()
        .filter(|d| d.service == Service::Imap && d.ip.0 != 0)
    {
        if !obs.names.addr(d.ip).is_some_and(client::is_inside) {
            continue;
        }
        let entry = by_ip.entry(d.ip).or_default();
        entry.0 += 1;
        let at = times.partition_point(|&t| t < d.start.0 - 2 * SECOND);
        entry.1 += usize::from(times.get(at).is_some_and(|&t| t <= d.start.0 + 3 * SECOND));
        entry.2.insert(d.user);
    }
    by_ip
        .into_iter()
        .filter(|(_, (n, coincide, users))| {
            *n >= SESSIONS && users.len() >= 3 && *coincide as f64 >= COINCIDE * *n as f64
        })
        .map(|(ip, _)| ip)
        .collect()
}

/// The organisation's own mail domains: those of its accounts.
fn domains(obs: &Observations, inputs: &Inputs<'_>, clients: &Clients) -> BTreeSet<String> {
    clients
        .iter()
        .map(|c| obs.names.str(c.account))
        .chain(inputs.store.mailboxes.iter().map(|b| b.account.as_str()))
        .filter_map(|a| a.rsplit_once('@').map(|(_, d)| d.to_lowercase()))
        .collect()
}

/// Whether a request shows or sends the text of the message it names.
pub fn shows(r: &RequestRec) -> bool {
    r.uid != 0
        && matches!(
            r.action,
            Action::Show | Action::Preview | Action::Print | Action::Source | Action::Compose
        )
}

/// A sentence in both languages.
pub fn text(en: impl Into<String>, fr: impl Into<String>) -> Text {
    Text {
        en: en.into(),
        fr: fr.into(),
    }
}
