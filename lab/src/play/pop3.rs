//! POP3 sessions: messages by number, booked by their IMAP UID.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::clients::pop3::Pop3;
use crate::lab::Lab;
use crate::mime::Message;
use crate::store;
use crate::truth::{Level, Open, Who};

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
