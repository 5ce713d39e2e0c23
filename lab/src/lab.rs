//! One running laboratory: network, daemons, clock and books together.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};

use crate::clock::{Clock, Nanos, SEC, rfc3339};
use crate::collect::Collector;
use crate::daemons::mail::{self, MailOptions};
use crate::daemons::web::{self, WebOptions};
use crate::daemons::{Account, HOSTNAME};
use crate::dns::{self, Zone};
use crate::mime::Message;
use crate::net::{Net, RULESET};
use crate::sandbox::{STATE, furnish, server_shell};
use crate::sim::Sim;
use crate::sink::{self, Sink};
use crate::syslogd::{Stamp, Syslogd};
use crate::truth::{Books, Forwarded, Truth};

/// What a story wants of its laboratory.
pub struct Setup {
    /// Story time at which the daemons start.
    pub start: Nanos,
    /// The server's time zone.
    pub zone: &'static str,
    /// How syslog lines begin.
    pub stamp: Stamp,
    /// The mailboxes.
    pub accounts: Vec<Account>,
    /// Postfix and Dovecot.
    pub mail: MailOptions,
    /// Web server and Roundcube.
    pub web: WebOptions,
    /// Client addresses that are played.
    pub addresses: Vec<IpAddr>,
    /// Names of the world.
    pub names: Zone,
    /// Mail exchangers of other sites: address and name.
    pub exchangers: Vec<(IpAddr, String)>,
}

/// A running laboratory.
pub struct Lab {
    /// The story clock.
    pub clock: Arc<Clock>,
    /// The books.
    pub books: Books,
    /// What other sites' exchangers accepted.
    pub sink: Sink,
    /// The syslog daemon.
    pub syslog: Arc<Syslogd>,
    accounts: Mutex<Vec<Account>>,
    /// Passwords as the mailboxes' owners know them.
    known: Mutex<Vec<Account>>,
    web: WebOptions,
    net: Net,
    mail_moves: AtomicBool,
    flows_open: AtomicU64,
}

impl Lab {
    /// Builds and starts everything. `fill` puts the initial mail into the store.
    pub fn build(setup: Setup, fill: impl FnOnce() -> Result<()>) -> Result<Lab> {
        furnish(HOSTNAME, setup.zone)?;
        let clock = Arc::new(Clock::start(
            PathBuf::from(STATE).join("clock"),
            setup.start,
        )?);
        fill().context("cannot fill the mail store")?;
        mail::configure(&setup.accounts, &setup.mail)?;
        web::configure(&setup.web)?;
        let net = Net::build(RULESET)?;
        net.add_addresses(&setup.addresses)?;
        let mut names = setup.names;
        for (address, name) in &setup.exchangers {
            names.hosts.push((name.clone(), *address));
        }
        let gateway: IpAddr = "10.20.0.1".parse().context("no address")?;
        dns::serve(gateway, names)?;
        let sink: Sink = Arc::default();
        let exchangers: Vec<IpAddr> = setup.exchangers.iter().map(|e| e.0).collect();
        net.add_addresses(&exchangers)?;
        for (address, name) in &setup.exchangers {
            sink::start(*address, name, &clock, &sink)?;
        }
        let syslog = Syslogd::start(Arc::clone(&clock), "mail", setup.stamp, setup.zone)?;
        mail::start()?;
        web::start(&setup.web)?;
        net.start_logs(&PathBuf::from(STATE).join("conntrack.log"))?;
        let lab = Lab {
            clock,
            books: Books::default(),
            sink,
            syslog,
            known: Mutex::new(setup.accounts.clone()),
            accounts: Mutex::new(setup.accounts),
            web: setup.web,
            net,
            mail_moves: AtomicBool::new(false),
            flows_open: AtomicU64::new(0),
        };
        lab.index()?;
        Ok(lab)
    }

    /// Has Dovecot give UIDs to what was put into the store.
    fn index(&self) -> Result<()> {
        let script: String = self
            .accounts()
            .iter()
            .map(|a| {
                format!(
                    "doveadm mailbox status -u {} messages INBOX '*' >/dev/null 2>&1\n",
                    a.address
                )
            })
            .collect();
        server_shell(&script, true).map(|_| ())
    }

    /// The accounts with their present passwords.
    pub fn accounts(&self) -> Vec<Account> {
        self.accounts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// The present password of an account.
    pub fn password(&self, address: &str) -> String {
        self.accounts()
            .into_iter()
            .find(|a| a.address == address)
            .map(|a| a.password)
            .unwrap_or_default()
    }

    /// The password an account's owner believes to be the present one.
    pub fn known_password(&self, address: &str) -> String {
        let known = self
            .known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        known
            .iter()
            .find(|a| a.address == address)
            .map(|a| a.password.clone())
            .unwrap_or_default()
    }

    /// Remembers that an account's password was changed; its owner does not know.
    pub fn password_changed(&self, address: &str, password: &str) {
        set_password(&self.accounts, address, password);
    }

    /// Tells an account's owner the present password.
    pub fn tell_owner(&self, address: &str) {
        set_password(&self.known, address, &self.password(address));
    }

    /// Gives an account a new password as the administrator does, and tells its owner.
    pub fn reset_password(&self, address: &str, password: &str) -> Result<()> {
        let hash = server_shell(&format!("doveadm pw -s SHA256-CRYPT -p '{password}'"), true)?;
        let path = "/etc/dovecot/users";
        let users = fs::read_to_string(path)?;
        let mut out = String::new();
        for line in users.lines() {
            if line.starts_with(&format!("{address}:")) {
                out.push_str(&format!("{address}:{}::::::\n", hash.trim()));
            } else {
                out.push_str(&format!("{line}\n"));
            }
        }
        fs::write(path, out).context("cannot write dovecot's users")?;
        self.password_changed(address, password);
        self.tell_owner(address);
        Ok(())
    }

    /// Says that mail was handed to Postfix: the clock waits for it before it jumps.
    pub fn mail_moves(&self) {
        self.mail_moves.store(true, Ordering::Relaxed);
    }

    /// Says that a client connection was closed.
    pub fn flow_closed(&self) {
        self.flows_open.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for what the daemons have in hand before the clock jumps by `jump`.
    pub fn settle(&self, jump: Nanos) -> Result<()> {
        if jump < SEC {
            return Ok(());
        }
        if self.mail_moves.swap(false, Ordering::Relaxed) {
            // A pickup or a Sieve redirect queues a second message when the first is done.
            for _ in 0..3 {
                std::thread::sleep(std::time::Duration::from_millis(10));
                mail::wait_for_queue()?;
            }
        } else {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        if jump > 60 * SEC && self.flows_open.swap(0, Ordering::Relaxed) > 0 {
            self.net.flush_flows()?;
        }
        Ok(())
    }

    /// Plays a scheduler's actors to the end.
    pub fn play(&self, mut sim: Sim) -> Result<()> {
        sim.run(|jump| self.settle(jump))
    }

    /// Rotates the web server's and Roundcube's logs.
    pub fn rotate_web_logs(&self) -> Result<()> {
        let dir = match self.web.server {
            web::WebServer::Nginx => "/var/log/nginx",
            web::WebServer::Apache => "/var/log/apache2",
        };
        for name in ["access.log", "error.log"] {
            crate::collect::rotate(&Path::new(dir).join(name), self.clock.now())?;
        }
        web::reopen_logs(&self.web)
    }

    /// Rotates the syslog files.
    pub fn rotate_syslog(&self) -> Result<()> {
        self.syslog.rotate()
    }

    /// Moves the server to another time zone; the daemons are started anew, as an administrator
    /// would do it.
    pub fn change_zone(&self, zone: &str) -> Result<()> {
        mail::stop()?;
        web::stop(&self.web)?;
        crate::sandbox::shell(&format!(
            "ln -sf /usr/share/zoneinfo/{zone} /etc/localtime; echo {zone} > /etc/timezone"
        ))?;
        self.syslog.set_zone(zone)?;
        mail::start()?;
        web::start(&self.web)
    }

    /// Books the mail that other sites accepted for `to` as forwarded from `account`.
    pub fn book_redirects(&self, via: &str, to: &str, account: &str, intruder: bool) -> Result<()> {
        self.settle(2 * SEC)?;
        let kept = self
            .sink
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        let mut truth = self.books.lock();
        for accepted in kept.iter().filter(|a| a.to.iter().any(|t| t == to)) {
            let message = Message::parse(&accepted.data);
            let mut book = |part: Option<String>, bytes: u64| {
                truth.forwarded.push(Forwarded {
                    account: account.to_owned(),
                    message_id: message.message_id.clone(),
                    part,
                    to: to.to_owned(),
                    bytes,
                    via: via.to_owned(),
                    time: rfc3339(accepted.at),
                    intruder,
                });
            };
            book(None, accepted.data.len() as u64);
            for part in message.attachments() {
                book(Some(part.number.clone()), part.content.len() as u64);
            }
        }
        Ok(())
    }

    /// Stops the daemons, packs the evidence and writes the ground truth.
    pub fn finish(&self, out: &Path, truth: &Truth) -> Result<()> {
        self.settle(2 * SEC)?;
        self.net.stop_logs()?;
        mail::stop()?;
        web::stop(&self.web)?;
        let collector = Collector::new(&self.clock, &out.join("evidence"))?;
        collector.all(self.web.server)?;
        let flows = fs::read_to_string(PathBuf::from(STATE).join("conntrack.log"))?;
        collector.text("flows/conntrack.log", &without_deleter(&flows))?;
        let text = serde_json::to_string_pretty(truth).context("cannot write the ground truth")?;
        fs::write(out.join("ground-truth.json"), text + "\n")
            .context("cannot write the ground truth")?;
        eprintln!(
            "lab: {} sessions, {} refused log-ins, {} messages and parts sent on; {} log lines left out that only the shifted clock causes",
            truth.sessions.len(),
            truth.attempts.len(),
            truth.forwarded.len(),
            self.syslog.dropped()
        );
        Ok(())
    }
}

fn set_password(accounts: &Mutex<Vec<Account>>, address: &str, password: &str) {
    let mut accounts = accounts
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(account) = accounts.iter_mut().find(|a| a.address == address) {
        password.clone_into(&mut account.password);
    }
}

/// Flows are closed by deleting their entries, because the kernel's own timers do not follow the
/// story clock; `conntrack` notes who deleted them, and with which time left. Both are taken out.
fn without_deleter(flows: &str) -> String {
    let mut out = String::with_capacity(flows.len());
    for line in flows.lines() {
        let line = line.split(" [USERSPACE]").next().unwrap_or(line);
        let mut fields: Vec<&str> = line.split(' ').collect();
        // `tcp      6 9 TIME_WAIT src=…` and `udp      17 3 src=…`: the number after the protocol's.
        let timer = ["6", "17"].iter().find_map(|number| {
            let at = fields.iter().position(|f| f == number)?;
            let next = fields.get(at + 1)?;
            next.parse::<u64>().is_ok().then_some(at + 1)
        });
        if let Some(at) = timer {
            fields.remove(at);
        }
        out.push_str(&fields.join(" "));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_look_as_if_the_kernel_had_closed_them() {
        let deleted = "[1.5]\t[DESTROY] ipv4     2 tcp      6 9 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 bytes=5 [ASSURED] [USERSPACE] portid=41 progname=conntrack\n";
        assert_eq!(
            without_deleter(deleted),
            "[1.5]\t[DESTROY] ipv4     2 tcp      6 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 bytes=5 [ASSURED]\n"
        );
        let closed =
            "[1.5]\t[DESTROY] ipv4     2 tcp      6 CLOSE src=10.0.0.1 bytes=5 [ASSURED]\n";
        assert_eq!(without_deleter(closed), closed);
        let asked = "[1.5]\t[DESTROY] ipv4     2 udp      17 3 src=10.0.0.1 dport=53\n";
        assert_eq!(
            without_deleter(asked),
            "[1.5]\t[DESTROY] ipv4     2 udp      17 src=10.0.0.1 dport=53\n"
        );
    }
}
