//! IMAP sessions: what came of which section, pieces put together.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::clients::imap::{Fetched, Imap, quote};
use crate::lab::Lab;
use crate::mime::{self, Message, Part};
use crate::store;
use crate::truth::{Level, Open, Who};

/// An IMAP session.
pub struct ImapPlay {
    lab: Arc<Lab>,
    imap: Imap,
    open: Open,
    account: String,
    mailbox: String,
    /// Octets of partial transfers by (UID, section), assembled from the start.
    pieces: BTreeMap<(u32, String), Vec<u8>>,
    /// Decoded octets of text parts by (UID, section).
    texts: BTreeMap<(u32, String), u64>,
}

impl ImapPlay {
    /// Logs in; `None` when the password is refused. `login` is what is sent as user name (with a
    /// master user's suffix, for instance), `account` whose mailbox it is.
    pub fn login_as(
        lab: &Arc<Lab>,
        source: IpAddr,
        account: &str,
        login: &str,
        password: &str,
        agent: &str,
        who: &Who,
    ) -> Result<Option<ImapPlay>> {
        let mut open = Open::new(account, "imap", source, agent, who, lab.clock.now());
        let mut imap = Imap::connect(source)?;
        if !imap.login(login, password)? {
            lab.books
                .attempt(account, "imap", source, who.intruder, lab.clock.now());
            imap.logout()?;
            lab.flow_closed();
            return Ok(None);
        }
        open.logged_in();
        if !agent.is_empty() {
            imap.command(&format!("ID (\"name\" {})", quote(agent)))?;
        }
        Ok(Some(ImapPlay {
            lab: Arc::clone(lab),
            imap,
            open,
            account: account.to_owned(),
            mailbox: String::new(),
            pieces: BTreeMap::new(),
            texts: BTreeMap::new(),
        }))
    }

    /// Logs in with the account's present password, which must be accepted.
    pub fn login(
        lab: &Arc<Lab>,
        source: IpAddr,
        account: &str,
        agent: &str,
        who: &Who,
    ) -> Result<ImapPlay> {
        let password = lab.password(account);
        match ImapPlay::login_as(lab, source, account, account, &password, agent, who)? {
            Some(play) => Ok(play),
            None => bail!("{account} cannot log in over IMAP from {source}"),
        }
    }

    /// The connection, for commands without content.
    pub fn raw(&mut self) -> &mut Imap {
        &mut self.imap
    }

    /// Selects a mailbox; returns its number of messages.
    pub fn select(&mut self, mailbox: &str) -> Result<u32> {
        mailbox.clone_into(&mut self.mailbox);
        self.imap.select(mailbox)
    }

    /// All UIDs of the selected mailbox.
    pub fn uids(&mut self) -> Result<Vec<u32>> {
        self.imap.uid_search("ALL")
    }

    /// Searches for words (`criteria` is IMAP's: `TEXT "…"`), as a person does.
    pub fn search(&mut self, criteria: &str) -> Result<Vec<u32>> {
        self.open.searched(criteria);
        let hits = self.imap.uid_search(criteria)?;
        for uid in &hits {
            self.listed(*uid)?;
        }
        Ok(hits)
    }

    fn listed(&mut self, uid: u32) -> Result<()> {
        let message = store::message(&self.account, &self.mailbox, uid)?;
        self.open.listed((&self.mailbox, uid), &message);
        Ok(())
    }

    /// Fetches what a client shows in its list: flags, sizes, envelopes or chosen header fields.
    pub fn headers(&mut self, uids: &[u32], items: &str) -> Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        self.imap.uid_fetch(&set(uids), items)?;
        for uid in uids {
            self.listed(*uid)?;
        }
        Ok(())
    }

    /// Fetches sections with content, such as `BODY.PEEK[]`, `BODY[1]` or `BODY[2]<0.65536>`.
    pub fn fetch(&mut self, uids: &[u32], items: &str) -> Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        let fetched = self.imap.uid_fetch(&set(uids), items)?;
        for item in &fetched {
            self.book(item)?;
        }
        Ok(())
    }

    /// Fetches a section in pieces, as clients do with large parts, `pieces` of `size` octets at most.
    pub fn fetch_in_pieces(
        &mut self,
        uid: u32,
        section: &str,
        size: usize,
        pieces: usize,
    ) -> Result<()> {
        for i in 0..pieces {
            let items = format!("BODY.PEEK[{section}]<{}.{size}>", i * size);
            let got = self.imap.uid_fetch(&uid.to_string(), &items)?;
            let mut last = true;
            for item in &got {
                last = item.data.len() < size;
                self.book(item)?;
            }
            if last {
                break;
            }
        }
        Ok(())
    }

    fn book(&mut self, item: &Fetched) -> Result<()> {
        let message = store::message(&self.account, &self.mailbox, item.uid)?;
        self.book_of(&message, item);
        Ok(())
    }

    fn book_of(&mut self, message: &Message, item: &Fetched) {
        let at = (self.mailbox.clone(), item.uid);
        let at = (at.0.as_str(), at.1);
        let id = (at.0, at.1, message.message_id.as_str());
        let section = item
            .section
            .strip_prefix("BODY[")
            .and_then(|s| s.strip_suffix(']'))
            .unwrap_or("")
            .to_owned();
        if section.contains("HEADER") || section.contains("MIME") {
            self.open.listed(at, message);
            return;
        }
        let to = item.offset + item.data.len() as u64;
        let octets = self.open.range(at.0, item.uid, &section, item.offset, to);
        if section.is_empty() {
            if octets == message.octets {
                self.open.whole(at, message, octets);
            } else {
                self.open.saw(id, None, Level::Read, octets);
            }
            return;
        }
        let Some(part) = message.parts.iter().find(|p| p.number == section) else {
            // A multipart: with it come all parts below it.
            let below = format!("{section}.");
            let parts: Vec<&Part> = message
                .parts
                .iter()
                .filter(|p| p.number.starts_with(&below))
                .collect();
            let text = parts
                .iter()
                .filter(|p| !p.is_attachment())
                .map(|p| p.content.len() as u64)
                .sum();
            self.open.saw(id, None, Level::Read, text);
            for part in parts.iter().filter(|p| p.is_attachment()) {
                self.open
                    .attachment(at, message, &part.number, part.content.len() as u64);
            }
            return;
        };
        let decoded = self.assemble(item, &section, part);
        if part.is_attachment() {
            self.open.attachment(at, message, &section, decoded);
            self.open.listed(at, message);
        } else {
            self.texts.insert((item.uid, section), decoded);
            let all = self
                .texts
                .iter()
                .filter(|t| t.0.0 == item.uid)
                .map(|t| *t.1)
                .sum();
            self.open.saw(id, None, Level::Read, all);
        }
    }

    /// Decoded octets of a part that came so far: of the piece from its start without a hole.
    fn assemble(&mut self, item: &Fetched, section: &str, part: &Part) -> u64 {
        let encoding = &part.encoding;
        let piece = self
            .pieces
            .entry((item.uid, section.to_owned()))
            .or_default();
        let offset = usize::try_from(item.offset).unwrap_or(usize::MAX);
        if offset <= piece.len() {
            let keep = item.data.get(piece.len() - offset..).unwrap_or_default();
            piece.extend_from_slice(keep);
        }
        mime::decode(piece, encoding).len() as u64
    }

    /// Sets `\Seen`, as clients do after showing a message they fetched with `BODY.PEEK`.
    pub fn seen(&mut self, uid: u32) -> Result<()> {
        self.imap
            .command(&format!("UID STORE {uid} +FLAGS (\\Seen)"))
            .map(|_| ())
    }

    /// Breaks the connection off in the middle of fetching a whole message.
    pub fn abort_fetch(mut self, uid: u32, octets: usize) -> Result<()> {
        let message = store::message(&self.account, &self.mailbox, uid)?;
        let imap = self.imap;
        let (data, received) = imap.fetch_and_abort(uid, "BODY.PEEK[]", octets)?;
        let at = (self.mailbox.as_str(), uid);
        let came = self.open.range(at.0, uid, "", 0, data.len() as u64);
        if came == message.octets {
            self.open.whole(at, &message, came);
        } else {
            let id = (at.0, at.1, message.message_id.as_str());
            self.open.saw(id, None, Level::Read, came);
        }
        self.open
            .close(&self.lab.books, received, self.lab.clock.now());
        self.lab.flow_closed();
        Ok(())
    }

    /// Logs out.
    pub fn logout(self) -> Result<()> {
        let received = self.imap.logout()?;
        self.open
            .close(&self.lab.books, received, self.lab.clock.now());
        self.lab.flow_closed();
        Ok(())
    }

    /// Vanishes without LOGOUT, as phones do.
    pub fn vanish(self) {
        let received = self.imap.abort();
        self.open
            .close(&self.lab.books, received, self.lab.clock.now());
        self.lab.flow_closed();
    }
}

/// A UID set, with ranges where UIDs follow each other.
fn set(uids: &[u32]) -> String {
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut out: Vec<String> = Vec::new();
    let mut i = 0;
    while let Some(&from) = sorted.get(i) {
        let mut to = from;
        while sorted.get(i + 1) == Some(&(to + 1)) {
            i += 1;
            to += 1;
        }
        out.push(if from == to {
            from.to_string()
        } else {
            format!("{from}:{to}")
        });
        i += 1;
    }
    out.join(",")
}

#[cfg(test)]
mod tests {
    use super::set;

    #[test]
    fn uid_sets_use_ranges() {
        assert_eq!(set(&[3, 1, 2, 7, 9, 10, 10]), "1:3,7,9:10");
        assert_eq!(set(&[]), "");
    }
}
