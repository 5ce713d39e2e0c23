//! Clients and books together: every action of a session is played and written down.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::clients::http::Agent;
use crate::clients::imap::{Fetched, Imap, quote};
use crate::clients::pop3::Pop3;
use crate::clients::roundcube::Webmail;
use crate::clients::smtp::Smtp;
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
pub fn set(uids: &[u32]) -> String {
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

/// A POP3 session.
pub struct PopPlay {
    lab: Arc<Lab>,
    pop3: Pop3,
    open: Open,
    account: String,
    /// UIDs in POP3's order of message numbers.
    uids: Vec<u32>,
}

impl PopPlay {
    /// Logs in; `None` when the password is refused.
    pub fn login_with(
        lab: &Arc<Lab>,
        source: IpAddr,
        account: &str,
        password: &str,
        who: &Who,
    ) -> Result<Option<PopPlay>> {
        let mut open = Open::new(account, "pop3", source, "", who, lab.clock.now());
        let mut pop3 = Pop3::connect(source)?;
        if !pop3.login(account, password)? {
            lab.books
                .attempt(account, "pop3", source, who.intruder, lab.clock.now());
            pop3.quit()?;
            lab.flow_closed();
            return Ok(None);
        }
        open.logged_in();
        let mut play = PopPlay {
            lab: Arc::clone(lab),
            pop3,
            open,
            account: account.to_owned(),
            uids: Vec::new(),
        };
        // Dovecot's UIDL is the IMAP UID and UIDVALIDITY in hexadecimal (%08Xu%08Xv).
        for (_, id) in play.pop3.uidl()? {
            let uid = id
                .get(..8)
                .and_then(|h| u32::from_str_radix(h, 16).ok())
                .unwrap_or(0);
            play.uids.push(uid);
        }
        Ok(Some(play))
    }

    /// Logs in with the account's present password.
    pub fn login(lab: &Arc<Lab>, source: IpAddr, account: &str, who: &Who) -> Result<PopPlay> {
        let password = lab.password(account);
        match PopPlay::login_with(lab, source, account, &password, who)? {
            Some(play) => Ok(play),
            None => bail!("{account} cannot log in over POP3 from {source}"),
        }
    }

    /// How many messages there are.
    pub fn count(&self) -> usize {
        self.uids.len()
    }

    fn message(&self, number: u32) -> Result<(u32, Message)> {
        let uid = self
            .uids
            .get(number as usize - 1)
            .copied()
            .unwrap_or_default();
        Ok((uid, store::message(&self.account, "INBOX", uid)?))
    }

    /// Fetches sizes, as every client does.
    pub fn list(&mut self) -> Result<()> {
        self.pop3.list().map(|_| ())
    }

    /// Downloads a message.
    pub fn retr(&mut self, number: u32) -> Result<()> {
        let (uid, message) = self.message(number)?;
        let data = self.pop3.retr(number)?;
        self.open.whole(("INBOX", uid), &message, data.len() as u64);
        Ok(())
    }

    /// Downloads header and some lines of a message.
    pub fn top(&mut self, number: u32, lines: u32) -> Result<()> {
        let (uid, message) = self.message(number)?;
        let data = self.pop3.top(number, lines)?;
        let id = ("INBOX", uid, message.message_id.as_str());
        if lines == 0 {
            self.open.listed(("INBOX", uid), &message);
        } else if data.len() as u64 == message.octets {
            self.open.whole(("INBOX", uid), &message, data.len() as u64);
        } else {
            self.open.saw(id, None, Level::Read, data.len() as u64);
        }
        Ok(())
    }

    /// Marks a message for deletion.
    pub fn dele(&mut self, number: u32) -> Result<()> {
        self.pop3.dele(number)
    }

    /// Breaks the connection off in the middle of a download.
    pub fn abort_retr(mut self, number: u32, octets: usize) -> Result<()> {
        let (uid, message) = self.message(number)?;
        // Waiting for more than there is would wait for ever.
        let octets = octets.min(usize::try_from(message.octets).unwrap_or(usize::MAX));
        let (came, received) = self.pop3.retr_and_abort(number, octets)?;
        if came >= message.octets {
            self.open.whole(("INBOX", uid), &message, message.octets);
        } else {
            let id = ("INBOX", uid, message.message_id.as_str());
            self.open.saw(id, None, Level::Read, came);
        }
        self.open
            .close(&self.lab.books, received, self.lab.clock.now());
        self.lab.flow_closed();
        Ok(())
    }

    /// Leaves in order.
    pub fn quit(self) -> Result<()> {
        let received = self.pop3.quit()?;
        self.open
            .close(&self.lab.books, received, self.lab.clock.now());
        self.lab.flow_closed();
        Ok(())
    }
}

/// A webmail session.
pub struct WebPlay {
    lab: Arc<Lab>,
    /// The browser, for actions without content.
    pub web: Webmail,
    open: Open,
    /// Whose mailbox.
    pub account: String,
}

impl WebPlay {
    /// Logs in; `None` when the password is refused.
    pub fn login_with(
        lab: &Arc<Lab>,
        source: IpAddr,
        account: &str,
        password: &str,
        agent: &Agent,
        who: &Who,
        assets: bool,
    ) -> Result<Option<WebPlay>> {
        let now = lab.clock.now();
        let mut open = Open::new(account, "webmail", source, &agent.name, who, now);
        let mut web = Webmail::open(source, agent.clone(), assets, now / 1_000_000)?;
        if !web.login(account, password)? {
            lab.books
                .attempt(account, "webmail", source, who.intruder, lab.clock.now());
            web.http.hang_up();
            lab.flow_closed();
            return Ok(None);
        }
        open.logged_in();
        Ok(Some(WebPlay {
            lab: Arc::clone(lab),
            web,
            open,
            account: account.to_owned(),
        }))
    }

    /// Logs in with the account's present password.
    pub fn login(
        lab: &Arc<Lab>,
        source: IpAddr,
        account: &str,
        agent: &Agent,
        who: &Who,
        assets: bool,
    ) -> Result<WebPlay> {
        let password = lab.password(account);
        match WebPlay::login_with(lab, source, account, &password, agent, who, assets)? {
            Some(play) => Ok(play),
            None => bail!("{account} cannot log in to the webmail from {source}"),
        }
    }

    fn message(&self, mailbox: &str, uid: u32) -> Result<Message> {
        store::message(&self.account, mailbox, uid)
    }

    fn listed(&mut self, mailbox: &str, uids: &[u32]) -> Result<()> {
        for uid in uids {
            let message = self.message(mailbox, *uid)?;
            self.open.listed((mailbox, *uid), &message);
        }
        Ok(())
    }

    /// Lists a page of a mailbox.
    pub fn list(&mut self, mailbox: &str, page: u32) -> Result<Vec<u32>> {
        let rows = self.web.list(mailbox, page)?;
        self.listed(mailbox, &rows)?;
        Ok(rows)
    }

    /// Searches in one mailbox.
    pub fn search(&mut self, mailbox: &str, words: &str, headers: &str) -> Result<Vec<u32>> {
        self.open.searched(words);
        let rows = self.web.search(mailbox, words, headers, "base")?;
        self.listed(mailbox, &rows)?;
        Ok(rows)
    }

    /// Shows a message in the preview pane.
    pub fn preview(&mut self, mailbox: &str, uid: u32) -> Result<()> {
        let message = self.message(mailbox, uid)?;
        self.web.preview(mailbox, uid)?;
        self.open.shown((mailbox, uid), &message);
        Ok(())
    }

    /// Opens a message on its own page.
    pub fn show(&mut self, mailbox: &str, uid: u32) -> Result<()> {
        let message = self.message(mailbox, uid)?;
        self.web.show(mailbox, uid)?;
        self.open.shown((mailbox, uid), &message);
        Ok(())
    }

    /// Saves every attachment of a message, one by one.
    pub fn download_all(&mut self, mailbox: &str, uid: u32) -> Result<usize> {
        let message = self.message(mailbox, uid)?;
        let parts: Vec<String> = message.attachments().map(|p| p.number.clone()).collect();
        for part in &parts {
            self.download(mailbox, uid, part)?;
        }
        Ok(parts.len())
    }

    /// Saves an attachment.
    pub fn download(&mut self, mailbox: &str, uid: u32, part: &str) -> Result<()> {
        let message = self.message(mailbox, uid)?;
        let reply = self.web.download(mailbox, uid, part)?;
        self.open.listed((mailbox, uid), &message);
        self.open
            .attachment((mailbox, uid), &message, part, reply.body.len() as u64);
        Ok(())
    }

    /// Opens an attachment in the browser.
    pub fn open_part(&mut self, mailbox: &str, uid: u32, part: &str) -> Result<()> {
        let message = self.message(mailbox, uid)?;
        let reply = self.web.open_part(mailbox, uid, part)?;
        self.open.listed((mailbox, uid), &message);
        let content = message.parts.iter().find(|p| p.number == part);
        // Roundcube may send a warning about the file's type instead of the file.
        if content.is_some_and(|p| p.content == reply.body) {
            let id = (mailbox, uid, message.message_id.as_str());
            self.open
                .saw(id, Some(part), Level::Read, reply.body.len() as u64);
        }
        Ok(())
    }

    /// Breaks off while an attachment comes.
    pub fn abort_download(
        &mut self,
        mailbox: &str,
        uid: u32,
        part: &str,
        octets: usize,
    ) -> Result<()> {
        let message = self.message(mailbox, uid)?;
        let path = self.web.download_path(mailbox, uid, part);
        let (data, reply) = self.web.http.get_and_abort(&path, octets)?;
        self.open.listed((mailbox, uid), &message);
        // Of a compressed answer it is not said how much content a piece holds; attachments are not
        // compressed by the servers' default settings.
        if reply.status == 200 && reply.header("content-encoding").is_none() {
            let id = (mailbox, uid, message.message_id.as_str());
            self.open
                .saw(id, Some(part), Level::Downloaded, data.len() as u64);
        } else {
            bail!(
                "the aborted download of {mailbox}/{uid}/{part} answered {}",
                reply.status
            );
        }
        Ok(())
    }

    /// Saves a message as `.eml`.
    pub fn save_eml(&mut self, mailbox: &str, uid: u32) -> Result<()> {
        let message = self.message(mailbox, uid)?;
        let reply = self.web.save_eml(mailbox, uid)?;
        self.open
            .whole((mailbox, uid), &message, reply.body.len() as u64);
        Ok(())
    }

    /// Saves all attachments of a message in one archive.
    pub fn zip_attachments(&mut self, mailbox: &str, uid: u32) -> Result<()> {
        let message = self.message(mailbox, uid)?;
        let (members, _) = self.web.zip_attachments(mailbox, uid)?;
        let parts: Vec<(String, u64)> = message
            .attachments()
            .map(|p| (p.number.clone(), p.content.len() as u64))
            .collect();
        if members.len() != parts.len() {
            bail!(
                "the archive of {mailbox}/{uid} has {} members, the message {} attachments",
                members.len(),
                parts.len()
            );
        }
        self.open.listed((mailbox, uid), &message);
        for ((part, _), (_, size)) in parts.iter().zip(&members) {
            self.open.attachment((mailbox, uid), &message, part, *size);
        }
        Ok(())
    }

    /// Saves several messages in one archive.
    pub fn zip_messages(&mut self, mailbox: &str, uids: &[u32]) -> Result<()> {
        let (members, _) = self.web.zip_messages(mailbox, uids)?;
        if members.len() != uids.len() {
            bail!(
                "the archive has {} members for {} messages",
                members.len(),
                uids.len()
            );
        }
        // Members stand in the order the messages were asked for.
        for (uid, (_, size)) in uids.iter().zip(&members) {
            let message = self.message(mailbox, *uid)?;
            self.open.whole((mailbox, *uid), &message, *size);
        }
        Ok(())
    }

    /// Sends a message.
    pub fn send(&mut self, to: &str, subject: &str, text: &str) -> Result<()> {
        self.lab.mail_moves();
        self.web.send(to, subject, text)
    }

    /// Changes the password.
    pub fn change_password(&mut self, new: &str) -> Result<()> {
        let old = self.lab.password(&self.account);
        if !self.web.change_password(&old, new)? {
            bail!("the password of {} was not changed", self.account);
        }
        self.lab.password_changed(&self.account, new);
        Ok(())
    }

    /// The session goes on from another network.
    pub fn move_to(&mut self, source: IpAddr) {
        self.web.http.hang_up();
        self.web.http.source = source;
        self.open.also_from(source);
    }

    /// Logs out.
    pub fn logout(self) -> Result<()> {
        let received = self.web.logout()?;
        self.open
            .close(&self.lab.books, received, self.lab.clock.now());
        self.lab.flow_closed();
        Ok(())
    }

    /// Closes the browser without logging out.
    pub fn close(mut self) {
        self.web.http.hang_up();
        let received = self.web.http.received();
        self.open
            .close(&self.lab.books, received, self.lab.clock.now());
        self.lab.flow_closed();
    }
}

/// Submits a message over SMTP with the account's password.
pub fn submit(
    lab: &Arc<Lab>,
    source: IpAddr,
    account: &str,
    to: &[&str],
    message: &[u8],
    who: &Who,
) -> Result<()> {
    let mut open = Open::new(account, "smtp", source, "", who, lab.clock.now());
    let helo = format!("[{source}]");
    let mut smtp = Smtp::connect(source, 587, &helo)?;
    if !smtp.login(account, &lab.password(account))? {
        lab.books
            .attempt(account, "smtp", source, who.intruder, lab.clock.now());
        smtp.quit()?;
        return Ok(());
    }
    open.logged_in();
    lab.mail_moves();
    smtp.send(account, to, message)?;
    let received = smtp.quit()?;
    open.close(&lab.books, received, lab.clock.now());
    lab.flow_closed();
    Ok(())
}

/// Delivers a message from another site's mail server.
pub fn deliver(
    lab: &Lab,
    source: IpAddr,
    helo: &str,
    from: &str,
    to: &[&str],
    message: &[u8],
) -> Result<()> {
    lab.mail_moves();
    let mut smtp = Smtp::connect(source, 25, helo)?;
    smtp.send(from, to, message)?;
    smtp.quit()?;
    lab.flow_closed();
    Ok(())
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
