//! Every message known to have stood in a mailbox: those in the store, and those that only the
//! daemon's log still names (deleted or moved away since).

use crate::intern::{Interner, Sym};
use crate::observe::{MailboxRec, Observations, message_hash};
use hashbrown::{HashMap, HashSet};
use vauban_mail::{Part, Store};
use vauban_ocsf::{Evidence, MailboxAction, Timestamp};
use vauban_spill::Spill;

/// A message known.
#[derive(Clone, Debug)]
pub struct Known {
    /// Account.
    pub account: Sym,
    /// Mailbox; empty when only a log that does not name it tells.
    pub mailbox: String,
    /// UID.
    pub uid: Option<u32>,
    /// Message-ID.
    pub message_id: String,
    /// Hash of the Message-ID.
    pub hash: u64,
    /// Subject.
    pub subject: String,
    /// RFC822.SIZE; none when only a log tells and it does not give a size.
    pub vsize: Option<u64>,
    /// Octets as stored.
    pub size: Option<u64>,
    /// Decoded octets of all text parts: the most that showing the message displays.
    pub text_size: Option<u64>,
    /// Where it stands: `(mailbox, message)` in the store.
    pub stored: Option<(usize, usize)>,
    /// When it came.
    pub received: Option<Timestamp>,
    /// When it went.
    pub removed: Option<Timestamp>,
    /// Classes.
    pub classification: Vec<String>,
    /// File, or log line.
    pub evidence: Evidence,
}

/// When the messages of an account came and went, without saying which.
#[derive(Debug, Default)]
struct Stock {
    /// Messages that were always there, as far as is known.
    always: usize,
    /// Arrivals of the others, in order.
    came: Vec<Timestamp>,
    /// Removals, in order.
    went: Vec<Timestamp>,
}

/// The messages.
///
/// A log names every message that ever came. Of those that are not in the store only numbers are
/// kept, until [`Universe::of_log`] is told whose are asked for.
#[derive(Debug, Default)]
pub struct Universe {
    /// In order of account, mailbox, UID.
    pub known: Vec<Known>,
    /// When the newest came.
    pub newest: Option<Timestamp>,
    stock: HashMap<Sym, Stock>,
    by_account: HashMap<Sym, Vec<u32>>,
    by_uid: HashMap<(Sym, u32), Vec<u32>>,
    by_hash: HashMap<u64, Vec<u32>>,
}

/// Whether a record names a message that came to a mailbox or went.
fn named_in_log(r: &MailboxRec) -> bool {
    matches!(
        r.action,
        MailboxAction::Expunge | MailboxAction::Save | MailboxAction::Delete
    ) && r.message != 0
        && r.message_sym != Sym(0)
}

/// Whether a part is text that a webmail shows with the message.
fn shown_as_text(part: &Part) -> bool {
    part.content_type.starts_with("text/") || part.content_type.starts_with("message/")
}

impl Universe {
    /// Messages of the store; of the log's only their numbers.
    pub fn new(store: &Store, obs: &Observations, account: &dyn Fn(&str) -> Sym) -> Self {
        let mut new = Self::stored(store, account);
        for k in &new.known {
            new.newest = new.newest.max(k.received);
            let stock = new.stock.entry(k.account).or_default();
            match k.received {
                Some(t) => stock.came.push(t),
                None => stock.always += 1,
            }
        }
        new.count_log(obs);
        for stock in new.stock.values_mut() {
            stock.came.sort_unstable();
            stock.went.sort_unstable();
        }
        new.index();
        new
    }

    /// The same with the messages that only the log names, of some accounts. Indices change.
    pub fn of_log(
        &mut self,
        store: &Store,
        obs: &Observations,
        account: &dyn Fn(&str) -> Sym,
        accounts: &HashSet<Sym>,
    ) {
        let mut known = Self::stored(store, account).known;
        let mut have: HashMap<(Sym, u64), ()> =
            known.iter().map(|k| ((k.account, k.hash), ())).collect();
        Self::from_log(&mut known, obs, &mut have, accounts);
        self.known = known;
        self.index();
    }

    /// Whether no message is known at all.
    pub fn is_empty(&self) -> bool {
        self.stock.is_empty()
    }

    /// Accounts that have or had messages.
    pub fn accounts(&self) -> impl Iterator<Item = Sym> + '_ {
        self.stock.keys().copied()
    }

    fn stored(store: &Store, account: &dyn Fn(&str) -> Sym) -> Self {
        let mut known = Vec::new();
        for (b, mailbox) in store.mailboxes.iter().enumerate() {
            let owner = account(&mailbox.account);
            for (i, stored) in mailbox.messages.iter().enumerate() {
                let m = &stored.message;
                let mut classification = m.classification.clone();
                for part in &m.parts {
                    classification.extend(part.classification.iter().cloned());
                }
                classification.sort();
                classification.dedup();
                known.push(Known {
                    account: owner,
                    mailbox: mailbox.name.clone(),
                    uid: stored.uid,
                    message_id: m.message_id.clone(),
                    hash: message_hash(&m.message_id),
                    subject: m.subject.clone(),
                    vsize: Some(m.vsize),
                    size: Some(m.size),
                    text_size: Some(
                        m.parts
                            .iter()
                            .filter(|p| shown_as_text(p))
                            .map(|p| p.decoded_size)
                            .sum(),
                    ),
                    stored: Some((b, i)),
                    received: stored.received,
                    removed: None,
                    classification,
                    evidence: stored.evidence,
                });
            }
        }
        Self {
            known,
            ..Self::default()
        }
    }

    fn index(&mut self) {
        self.known.sort_by(|a, b| {
            (a.account, &a.mailbox, a.uid, &a.message_id, a.evidence).cmp(&(
                b.account,
                &b.mailbox,
                b.uid,
                &b.message_id,
                b.evidence,
            ))
        });
        self.by_account.clear();
        self.by_uid.clear();
        self.by_hash.clear();
        for (i, k) in self.known.iter().enumerate() {
            self.by_account.entry(k.account).or_default().push(i as u32);
            if let Some(uid) = k.uid {
                self.by_uid
                    .entry((k.account, uid))
                    .or_default()
                    .push(i as u32);
            }
            if k.hash != 0 {
                self.by_hash.entry(k.hash).or_default().push(i as u32);
            }
        }
    }

    /// Counts the messages that the log saw saved or removed and the store lacks.
    fn count_log(&mut self, obs: &Observations) {
        let have: HashSet<(Sym, u64)> = self.known.iter().map(|k| (k.account, k.hash)).collect();
        let mut acts: Spill<(Sym, u64, Timestamp, MailboxAction)> = obs.mailbox.sibling();
        acts.extend(
            obs.mailbox
                .iter()
                .filter(|r| named_in_log(r) && !have.contains(&(r.user, r.message)))
                .map(|r| (r.user, r.message, r.time, r.action)),
        );
        acts.sort_by_key(|a| (a.0, a.1, a.2));
        for message in acts.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let stock = self.stock.entry(message[0].0).or_default();
            let when = |action| message.iter().filter(move |a| a.3 == action).map(|a| a.2);
            let came = when(MailboxAction::Save).min();
            match came {
                Some(t) => stock.came.push(t),
                None => stock.always += 1,
            }
            // What went before it came stays counted for no time at all.
            if let Some(went) = when(MailboxAction::Expunge).max() {
                stock.went.push(went.max(came.unwrap_or(went)));
            }
            self.newest = self.newest.max(came);
        }
    }

    /// Adds messages that the log saw saved or removed and the store lacks.
    fn from_log(
        known: &mut Vec<Known>,
        obs: &Observations,
        have: &mut HashMap<(Sym, u64), ()>,
        accounts: &HashSet<Sym>,
    ) {
        let mut by_key: HashMap<(Sym, u64), usize> = HashMap::new();
        for rec in obs.mailbox.iter().filter(|r| accounts.contains(&r.user)) {
            if !named_in_log(rec) {
                continue;
            }
            let removal = rec.action == MailboxAction::Expunge;
            let key = (rec.user, rec.message);
            if let Some(&at) = by_key.get(&key) {
                let k: &mut Known = &mut known[at];
                if removal {
                    k.removed = Some(k.removed.map_or(rec.time, |t| t.max(rec.time)));
                } else if rec.action == MailboxAction::Save {
                    k.received = Some(k.received.map_or(rec.time, |t| t.min(rec.time)));
                }
                k.vsize = k.vsize.max(rec.vsize);
                k.size = k.size.max(rec.size);
                continue;
            }
            if have.insert(key, ()).is_some() {
                continue;
            }
            by_key.insert(key, known.len());
            known.push(Known {
                account: rec.user,
                mailbox: obs.names.str(rec.mailbox).to_string(),
                uid: obs.names.str(rec.uids).parse().ok(),
                message_id: obs.names.str(rec.message_sym).to_string(),
                hash: rec.message,
                subject: String::new(),
                vsize: rec.vsize,
                size: rec.size.or(rec.vsize),
                text_size: None,
                stored: None,
                received: (rec.action == MailboxAction::Save).then_some(rec.time),
                removed: removal.then_some(rec.time),
                classification: Vec::new(),
                evidence: rec.evidence,
            });
        }
    }

    /// Messages of an account, as indices.
    pub fn of(&self, account: Sym) -> &[u32] {
        self.by_account.get(&account).map_or(&[], Vec::as_slice)
    }

    /// How many messages an account had at an instant.
    pub fn count(&self, account: Sym, at: Timestamp) -> usize {
        let Some(stock) = self.stock.get(&account) else {
            return 0;
        };
        let came = stock.always + stock.came.partition_point(|t| *t <= at);
        came.saturating_sub(stock.went.partition_point(|t| *t < at))
    }

    /// The message with a UID in a mailbox. `INBOX` is compared without case (RFC 3501, 5.1). A
    /// message that has moved since is found if the account has just one candidate by the log.
    pub fn by_uid(&self, account: Sym, mailbox: &str, uid: u32) -> Option<u32> {
        let list = self.by_uid.get(&(account, uid))?;
        let same = |k: &Known| {
            k.mailbox == mailbox
                || (k.mailbox.eq_ignore_ascii_case("inbox")
                    && mailbox.eq_ignore_ascii_case("inbox"))
        };
        list.iter()
            .copied()
            .find(|&i| same(&self.known[i as usize]))
            .or_else(|| {
                let mut unnamed = list
                    .iter()
                    .copied()
                    .filter(|&i| self.known[i as usize].mailbox.is_empty());
                unnamed.next().filter(|_| unnamed.next().is_none())
            })
    }

    /// The account's message with a Message-ID.
    pub fn by_hash(&self, account: Sym, hash: u64) -> Option<u32> {
        self.by_hash
            .get(&hash)?
            .iter()
            .copied()
            .find(|&i| self.known[i as usize].account == account)
    }
}

impl Known {
    /// The most octets the message can have on the wire: its RFC822.SIZE, or, where only the
    /// octets as stored are known, twice as many (a file of empty lines doubles).
    pub fn most(&self) -> Option<u64> {
        self.vsize.or(self.size.map(|s| s.saturating_mul(2)))
    }

    /// Whether it can have stood in the mailbox at some time in `from..=to`.
    pub fn present(&self, from: Timestamp, to: Timestamp) -> bool {
        self.received.is_none_or(|t| t <= to) && self.removed.is_none_or(|t| t >= from)
    }

    /// Its parts.
    pub fn parts<'a>(&self, store: &'a Store) -> &'a [Part] {
        self.stored
            .map_or(&[], |(b, i)| &store.mailboxes[b].messages[i].message.parts)
    }
}

/// UIDs of an IMAP set (RFC 3501 `sequence-set`) of at most `most` numbers; `*` is `last`.
pub fn uid_set(set: &str, last: u32, most: usize) -> Vec<u32> {
    let number = |s: &str| {
        if s == "*" {
            Some(last)
        } else {
            s.parse::<u32>().ok()
        }
    };
    let mut out = Vec::new();
    for piece in set.split(',') {
        match piece.split_once(':') {
            Some((a, b)) => {
                let (Some(a), Some(b)) = (number(a), number(b)) else {
                    continue;
                };
                let (a, b) = (a.min(b), a.max(b).min(last.max(a.min(b))));
                for uid in a..=b {
                    if out.len() >= most {
                        return out;
                    }
                    out.push(uid);
                }
            }
            None => out.extend(number(piece)),
        }
    }
    out.truncate(most);
    out
}

/// The account's name in a table that already holds it, or a new one.
pub fn account_sym(names: &mut Interner, canonical: &str) -> Sym {
    names.sym(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        for (set, last, expected) in [
            ("3", 9, vec![3]),
            ("3:5,7", 9, vec![3, 4, 5, 7]),
            ("5:3", 9, vec![3, 4, 5]),
            ("8:*", 9, vec![8, 9]),
            ("1:4294967295", 3, vec![1, 2, 3]),
            ("x,2", 9, vec![2]),
        ] {
            assert_eq!(uid_set(set, last, 100), expected, "{set}");
        }
        assert_eq!(uid_set("1:1000000", 1_000_000, 10).len(), 10);
    }
}
