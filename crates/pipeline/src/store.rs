//! The mail store read: messages parsed on all cores, lures judged, Sieve scripts opened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use vauban_case::contract::Text;
use vauban_case::inputs::{LureInput, SieveRedirect, SieveScript};
use vauban_evidence::{Collection, Kind, Problem};
use vauban_mail::maildir::{Layout, assemble, layout::StoreKind, uidlist};
use vauban_mail::sieve::{self, ActionKind};
use vauban_mail::{ContentRules, Mailbox, Message, Store, StoredMessage};
use vauban_ocsf::{ArtefactId, Evidence};

/// A message larger than this is read up to here; its size is still exact.
const LARGEST: usize = 64 << 20;
/// A file of many messages is read up to here.
const LARGEST_FILE: usize = 1 << 30;

/// What was found.
pub struct Mail {
    /// Mailboxes.
    pub store: Store,
    /// Messages that lure rules name.
    pub lures: Vec<LureInput>,
    /// Scripts.
    pub scripts: Vec<SieveScript>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Reads the store.
pub fn load(
    collection: &Collection,
    rules: &ContentRules,
    threads: usize,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Mail {
    let paths = collection
        .artefacts()
        .iter()
        .filter(|a| !matches!(a.kind, Kind::Container))
        .map(|a| (a.id, a.path.as_str()));
    let layout = Layout::from_paths(paths);
    let mut rules = rules.clone();
    rules.internal_domains = layout
        .mailboxes
        .iter()
        .filter_map(|m| m.account.rsplit_once('@').map(|(_, d)| d.to_lowercase()))
        .collect();
    rules.internal_domains.sort();
    rules.internal_domains.dedup();
    let mut mail = Mail {
        store: Store::default(),
        lures: Vec::new(),
        scripts: Vec::new(),
        problems: Vec::new(),
    };
    let work: Vec<ArtefactId> = layout
        .mailboxes
        .iter()
        .flat_map(|f| f.messages.iter().map(|m| m.artefact))
        .collect();
    let mut parsed = parse_all(
        collection,
        &work,
        &rules,
        threads,
        progress,
        &mut mail.problems,
    );
    for files in &layout.mailboxes {
        let messages = files
            .messages
            .iter()
            .map(|m| parsed.remove(&m.artefact))
            .collect();
        let index = files.uidlist.and_then(|id| {
            let bytes = collection.read_all(id, LARGEST).ok()?;
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let list = uidlist::parse(&bytes);
            let path = collection.get(id).map_or("", |a| a.path.as_str());
            mail.problems.extend(
                list.errors
                    .iter()
                    .map(|(at, what)| Problem::warning(path, *what).at(*at)),
            );
            Some((
                list,
                Evidence {
                    artefact: id,
                    offset: 0,
                    length,
                },
            ))
        });
        let keywords = files
            .keywords
            .and_then(|id| collection.read_all(id, LARGEST).ok())
            .map(|bytes| uidlist::keywords(&bytes))
            .unwrap_or_default();
        let index = index.as_ref().map(|(list, evidence)| (list, *evidence));
        mail.store
            .mailboxes
            .push(assemble(files, index, &keywords, messages));
    }
    dbox(collection, &layout, &rules, &mut mail);
    mboxes(collection, &rules, &mut mail);
    mail.store
        .mailboxes
        .sort_by(|a, b| (&a.account, &a.name).cmp(&(&b.account, &b.name)));
    for (b, mailbox) in mail.store.mailboxes.iter().enumerate() {
        for (i, stored) in mailbox.messages.iter().enumerate() {
            for lure in rules.lures(&stored.message) {
                mail.lures.push(lure_input((b, i), &lure));
            }
        }
    }
    scripts(collection, &mut mail);
    mail
}

/// Messages in Dovecot's own single and multi-message files.
fn dbox(collection: &Collection, layout: &Layout, rules: &ContentRules, mail: &mut Mail) {
    for file in &layout.dbox {
        let path = collection
            .get(file.artefact)
            .map_or("", |a| a.path.as_str())
            .to_string();
        let Ok(bytes) = collection.read_all(file.artefact, LARGEST_FILE) else {
            continue;
        };
        let (found, errors) = vauban_mail::dbox::parse(&bytes);
        mail.problems.extend(
            errors
                .iter()
                .map(|(at, what)| Problem::warning(path.clone(), *what).at(*at)),
        );
        for m in found {
            let Some(raw) = bytes.get(m.message.clone()) else {
                continue;
            };
            let uid = match file.kind {
                StoreKind::Sdbox { uid } => Some(uid),
                StoreKind::Mdbox => None,
            };
            let name = if m.mailbox.is_empty() {
                file.name.clone()
            } else {
                m.mailbox.clone()
            };
            let stored = StoredMessage {
                uid,
                evidence: range(file.artefact, &m.message),
                received: m.received,
                flags: Vec::new(),
                message: vauban_mail::parse(raw, rules),
            };
            mailbox(mail, &file.account, &name).messages.push(stored);
        }
    }
}

/// Messages in mbox files.
fn mboxes(collection: &Collection, rules: &ContentRules, mail: &mut Mail) {
    for a in collection.of_kind(Kind::Mbox) {
        let bytes = match collection.read_all(a.id, LARGEST_FILE) {
            Ok(bytes) => bytes,
            Err(e) => {
                mail.problems
                    .push(Problem::error(a.path.clone(), format!("not read: {e}")));
                continue;
            }
        };
        if a.size > bytes.len() as u64 {
            mail.problems.push(
                Problem::error(
                    a.path.clone(),
                    "mbox larger than 1 GiB; its rest is not read",
                )
                .at(bytes.len() as u64),
            );
        }
        let (account, name) = mbox_owner(&a.path);
        for m in vauban_mail::mbox::split(&bytes) {
            let Some(raw) = bytes.get(m.message.clone()) else {
                continue;
            };
            let (visible, hidden) = vauban_mail::mbox::visible(raw);
            let stored = StoredMessage {
                uid: hidden.uid,
                evidence: range(a.id, &m.message),
                received: m.received,
                flags: hidden.flags,
                message: vauban_mail::parse(&visible, rules),
            };
            mailbox(mail, &account, &name).messages.push(stored);
        }
    }
}

/// `/var/mail/USER` and `/var/spool/mail/USER` are INBOXes; `/home/USER/mail/NAME` a mailbox.
fn mbox_owner(path: &str) -> (String, String) {
    let parts: Vec<&str> = path.split(['/', '!']).collect();
    let file = parts
        .last()
        .copied()
        .unwrap_or(path)
        .trim_end_matches(".mbox")
        .to_string();
    if let Some(home) = parts.iter().position(|p| *p == "home")
        && let Some(user) = parts.get(home + 1)
        && home + 2 < parts.len()
    {
        return (user.to_string(), file);
    }
    (file, "INBOX".into())
}

fn mailbox<'m>(mail: &'m mut Mail, account: &str, name: &str) -> &'m mut Mailbox {
    let list = &mut mail.store.mailboxes;
    let at = list
        .iter()
        .position(|m| m.account == account && m.name == name);
    let at = at.unwrap_or_else(|| {
        list.push(Mailbox {
            account: account.to_string(),
            name: name.to_string(),
            ..Mailbox::default()
        });
        list.len() - 1
    });
    &mut list[at]
}

fn range(artefact: ArtefactId, range: &std::ops::Range<usize>) -> Evidence {
    Evidence {
        artefact,
        offset: range.start as u64,
        length: u32::try_from(range.len()).unwrap_or(u32::MAX),
    }
}

fn lure_input(message: (usize, usize), lure: &vauban_mail::LureMatch) -> LureInput {
    LureInput {
        message,
        rule: lure.rule.clone(),
        text: Text {
            en: lure.reason.clone(),
            fr: lure.reason_fr.clone(),
        },
        active: lure.severity >= vauban_mail::Severity::High,
    }
}

/// Parses messages on all cores.
fn parse_all(
    collection: &Collection,
    work: &[ArtefactId],
    rules: &ContentRules,
    threads: usize,
    progress: &(dyn Fn(u64, u64) + Sync),
    problems: &mut Vec<Problem>,
) -> BTreeMap<ArtefactId, Message> {
    let next = AtomicUsize::new(0);
    let out: Mutex<(BTreeMap<ArtefactId, Message>, Vec<Problem>)> = Mutex::default();
    let run = || {
        let mut mine = Vec::new();
        let mut bad = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(&id) = work.get(i) else { break };
            if i.is_multiple_of(64) {
                progress(i as u64, work.len() as u64);
            }
            match collection.read_all(id, LARGEST) {
                Ok(bytes) => mine.push((id, vauban_mail::parse(&bytes, rules))),
                Err(e) => {
                    let path = collection.get(id).map_or("", |a| a.path.as_str());
                    bad.push(Problem::error(path, format!("not read: {e}")));
                }
            }
        }
        let mut out = out.lock().unwrap_or_else(|e| e.into_inner());
        out.0.extend(mine);
        out.1.extend(bad);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(run);
        }
        run();
    });
    let (messages, bad) = out.into_inner().unwrap_or_else(|e| e.into_inner());
    problems.extend(bad);
    messages
}

/// Sieve scripts.
fn scripts(collection: &Collection, mail: &mut Mail) {
    /// Larger ones are no scripts.
    const SCRIPT: usize = 4 << 20;
    // `~/.dovecot.sieve` names the active one; a copy may have kept the link or its target only.
    let active: BTreeSet<String> = collection
        .links()
        .iter()
        .filter(|l| l.path.ends_with(".dovecot.sieve"))
        .map(|l| {
            let home = l.path.rsplit_once('/').map_or("", |(home, _)| home);
            let target = l.target.rsplit('/').next().unwrap_or(&l.target);
            format!("{home}\u{0}{target}")
        })
        .collect();
    for a in collection.of_kind(Kind::Sieve) {
        let bytes = match collection.read_all(a.id, SCRIPT) {
            Ok(bytes) => bytes,
            Err(e) => {
                mail.problems
                    .push(Problem::error(a.path.clone(), format!("not read: {e}")));
                continue;
            }
        };
        let script = sieve::parse(&bytes);
        mail.problems.extend(script.errors.iter().map(|e| {
            Problem::warning(a.path.clone(), format!("Sieve: {}", e.reason)).at(e.offset as u64)
        }));
        let (dir, file) = a.path.rsplit_once('/').unwrap_or(("", &a.path));
        let home = dir.strip_suffix("/sieve").unwrap_or(dir);
        let is_active = file == ".dovecot.sieve"
            || active.contains(&format!("{home}\u{0}{file}"))
            || !active
                .iter()
                .any(|l| l.starts_with(&format!("{home}\u{0}")));
        let redirects = script
            .actions
            .iter()
            .filter(|x| x.kind == ActionKind::Redirect)
            .map(|x| SieveRedirect {
                to: x.argument.clone(),
                rule: x.rule.clone(),
                disabled: x.disabled,
                evidence: range(a.id, &x.range),
            })
            .collect();
        mail.scripts.push(SieveScript {
            account: account_of(home),
            active: is_active,
            modified: a.modified,
            redirects,
        });
    }
}

/// The account whose home a directory is.
fn account_of(home: &str) -> String {
    vauban_mail::maildir::layout::account(home)
}

/// A message's text as a search sees it.
pub struct SearchText(vauban_mail::search::SearchText);

impl SearchText {
    /// From the message's bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(vauban_mail::search::SearchText::new(bytes))
    }

    /// Whether the search finds it. `fields` is Roundcube's `_headers`: "subject,from" if empty
    /// (`search_mods` of the default configuration).
    pub fn matches(&self, query: &str, fields: &str) -> bool {
        use vauban_mail::search::Scope;
        let fields = if fields.is_empty() {
            "subject,from"
        } else {
            fields
        };
        fields.split(',').any(|field| {
            let scope = match field.trim() {
                "subject" => Scope::Subject,
                "from" => Scope::From,
                "to" => Scope::To,
                "cc" | "bcc" => Scope::Cc,
                "body" => Scope::Body,
                "text" => Scope::Text,
                _ => return false,
            };
            self.0.matches(query, scope)
        })
    }
}
