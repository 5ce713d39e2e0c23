//! Clients and books together: every action of a session is played and written down.
//!
//! One file per protocol; a new client gets a file here that pairs it with [`crate::truth::Open`].

mod imap;
mod pop3;
mod web;

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Result;

pub use imap::ImapPlay;
pub use pop3::PopPlay;
pub use web::WebPlay;

use crate::clients::smtp::Smtp;
use crate::lab::Lab;
use crate::truth::{Open, Who};

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
