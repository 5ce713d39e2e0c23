//! Configuration and life of the server's daemons, one file per group.
//!
//! Files whose name holds `lab` (`99-lab.conf`, `99-lab.ini`) and lines between `# lab-begin` and
//! `# lab-end` exist only for the shifted clock and stay out of the packaged evidence.

pub mod mail;
pub mod web;

/// A mailbox the server hosts.
#[derive(Clone, Debug)]
pub struct Account {
    /// The full address, which is also the log-in name.
    pub address: String,
    /// The password in clear.
    pub password: String,
}

/// The server's mail domain.
pub const DOMAIN: &str = "ministere.example";
/// The server's own name.
pub const HOSTNAME: &str = "mail.ministere.example";
/// The webmail's name.
pub const WEBMAIL: &str = "webmail.ministere.example";
