//! Webmail sessions: what a page, a download or an archive held.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::clients::http::Agent;
use crate::clients::roundcube::Webmail;
use crate::lab::Lab;
use crate::mime::{Message, Part};
use crate::store;
use crate::truth::{Level, Open, Who};

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
        if reply.status != 200 {
            bail!(
                "the aborted download of {mailbox}/{uid}/{part} answered {}",
                reply.status
            );
        }
        // An attached web page comes compressed: what can be unpacked of the piece has arrived.
        let arrived = match reply.header("content-encoding") {
            Some(_) => unpacked(&data),
            None => data.len() as u64,
        };
        let id = (mailbox, uid, message.message_id.as_str());
        self.open.saw(id, Some(part), Level::Downloaded, arrived);
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
        self.open.listed((mailbox, uid), &message);
        // Roundcube's attachments are not the parts with a file name: it leaves inline pictures out
        // and takes invitations in. A member is the part whose content has its size.
        let mut left: Vec<&Part> = message.attachments().collect();
        left.extend(message.parts.iter().filter(|p| !p.is_attachment()));
        for (name, size) in &members {
            let found = left.iter().position(|p| p.content.len() as u64 == *size);
            let Some(found) = found else {
                bail!(
                    "the archive of {mailbox}/{uid} holds {name} ({size} octets), the message does not"
                );
            };
            let part = left.remove(found);
            self.open
                .attachment((mailbox, uid), &message, &part.number, *size);
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

/// Octets that the beginning of a gzip stream unpacks to.
fn unpacked(piece: &[u8]) -> u64 {
    let mut decoder = flate2::read::GzDecoder::new(piece);
    let mut buffer = [0; 4096];
    let mut octets = 0;
    while let Ok(n) = std::io::Read::read(&mut decoder, &mut buffer) {
        if n == 0 {
            break;
        }
        octets += n as u64;
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::unpacked;
    use std::io::Write;

    #[test]
    fn a_cut_gzip_stream_holds_a_part_of_the_content() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        encoder.write_all(&[b'x'; 50_000]).unwrap();
        let whole = encoder.finish().unwrap();
        assert_eq!(unpacked(&whole), 50_000);
        let part = unpacked(&whole[..20_000]);
        assert!(part > 0 && part < 20_000, "{part}");
        assert_eq!(unpacked(b""), 0);
    }
}
