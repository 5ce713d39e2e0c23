//! What our own events are called in Sigma's taxonomy: logsource and field names.
//!
//! Every attribute of an event has up to three names: the one of Sigma's taxonomy appendix where
//! it has one (`c-ip`, `cs-uri-query`, `CommandLine`), our short name in Sigma's style
//! (`src_ip`, `user`, `outcome`), and its OCSF path as in `docs/OCSF.md` (`src_endpoint.ip`). Rules
//! may use any of them. `docs/RULES.md` has the table of all of them, made by
//! [`vocabulary`].
//!
//! - this file: logsources, the dispatch, and what every event has;
//! - `put`: how fields are handed over;
//! - `names`: products, services and words;
//! - `mail`: log-ins, sessions, mailboxes, mail on its way, accounts;
//! - `web`: requests;
//! - `host`: processes, files, messages;
//! - `network`: flows, DNS, alerts;
//! - `samples`: an event of each class with everything in it, from which the vocabulary follows.
//!
//! To add a field: put it in the class's function and fill it in `samples`; a test holds that the
//! table in `docs/RULES.md` names it.

mod host;
mod mail;
mod names;
mod network;
mod put;
mod samples;
mod web;

use crate::Value;
use put::Put;
pub use samples::{Described, vocabulary};
use vauban_ocsf::{Body, Event};

/// Sigma's `logsource`, of an event or of a rule. `""` means not set.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogSource {
    /// `category` ("webserver", "authentication", "mail").
    pub category: &'static str,
    /// `product` ("linux", "dovecot", "nginx").
    pub product: &'static str,
    /// `service` ("imap", "sshd").
    pub service: &'static str,
}

/// An event's logsource in other words of the taxonomy: what may stand in place of its parts.
///
/// A line that sshd wrote is of service `sshd`, and also of `auth` (it stands in auth.log) and of
/// `syslog`. nginx's access log is `category: webserver`, and `product: nginx`, `service: access`.
const ALSO: &[(LogSource, &[LogSource])] = &[
    (
        ls("authentication", "linux", "sshd"),
        &[ls("", "linux", "auth"), ls("", "linux", "syslog")],
    ),
    (
        ls("authentication", "linux", "sudo"),
        &[ls("", "linux", "auth"), ls("", "linux", "syslog")],
    ),
    (
        ls("process_creation", "linux", "sudo"),
        &[ls("", "linux", "auth"), ls("", "linux", "syslog")],
    ),
    (
        ls("authentication", "linux", "auth"),
        &[ls("", "linux", "syslog")],
    ),
    (ls("account", "linux", "auth"), &[ls("", "linux", "syslog")]),
    (
        ls("process_creation", "linux", "cron"),
        &[ls("", "linux", "syslog")],
    ),
    (
        ls("", "linux", "sshd"),
        &[ls("", "linux", "auth"), ls("", "linux", "syslog")],
    ),
    (
        ls("", "linux", "sudo"),
        &[ls("", "linux", "auth"), ls("", "linux", "syslog")],
    ),
    (ls("", "linux", "auth"), &[ls("", "linux", "syslog")]),
    (ls("", "linux", "cron"), &[ls("", "linux", "syslog")]),
    // The appendix has both `service: apache` and `product: apache, service: error`.
    (ls("", "apache", "error"), &[ls("", "", "apache")]),
    (ls("", "nginx", "error"), &[ls("", "", "nginx")]),
    (ls("webserver", "apache", "access"), &[ls("", "", "apache")]),
    (ls("webserver", "nginx", "access"), &[ls("", "", "nginx")]),
    // Daemons that log through syslog; their messages may be looked for there.
    (ls("", "postfix", "smtp"), &[ls("", "linux", "syslog")]),
    (ls("", "dovecot", ""), &[ls("", "linux", "syslog")]),
    (ls("", "exim", ""), &[ls("", "linux", "syslog")]),
    (ls("", "fail2ban", "fail2ban"), &[ls("", "linux", "syslog")]),
    // Sensors of the network category: `category: network, service: connection|dns`.
    (
        ls("network", "zeek", "conn"),
        &[ls("network", "", "connection"), ls("firewall", "", "")],
    ),
    (ls("network", "zeek", "dns"), &[ls("dns", "", "")]),
    (
        ls("network", "suricata", "conn"),
        &[ls("network", "", "connection")],
    ),
    (ls("network", "suricata", "dns"), &[ls("dns", "", "")]),
    (
        ls("network", "conntrack", "connection"),
        &[ls("firewall", "", "")],
    ),
    (
        ls("network", "nfdump", "connection"),
        &[ls("", "", "netflow")],
    ),
    (
        ls("firewall", "netfilter", "connection"),
        &[ls("network", "", "connection"), ls("", "linux", "syslog")],
    ),
    (ls("dns", "unbound", "dns"), &[ls("network", "", "dns")]),
    (ls("dns", "bind", "dns"), &[ls("network", "", "dns")]),
    (ls("dns", "dnsmasq", "dns"), &[ls("network", "", "dns")]),
];

const fn ls(category: &'static str, product: &'static str, service: &'static str) -> LogSource {
    LogSource {
        category,
        product,
        service,
    }
}

impl LogSource {
    /// Whether an event of this logsource is one that a rule's logsource asks for: each part the
    /// rule sets is the same here, or in one of the other names of this logsource. Parts compare
    /// without regard to case.
    ///
    /// There are few distinct logsources among events (they are constants), so an engine asks
    /// once for each and rule, and keeps the answer under `self`.
    pub fn satisfies(&self, category: &str, product: &str, service: &str) -> bool {
        let same = |wanted: &str, is: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(is);
        let all = |is: &LogSource| {
            same(category, is.category) && same(product, is.product) && same(service, is.service)
        };
        all(self) || self.also().iter().any(all)
    }

    /// Other logsources an event of this one belongs to.
    pub fn also(&self) -> &'static [LogSource] {
        ALSO.iter()
            .find(|(source, _)| source == self)
            .map_or(&[], |(_, also)| also)
    }
}

/// Calls `put` with every field of `event` that the record gave, under each of its names, and
/// gives its logsource. A field the record did not give is not put, so `exists` tells.
pub fn describe<'a>(event: &Event<'a>, put: &mut dyn FnMut(&'static str, Value<'a>)) -> LogSource {
    let mut put = Put(put);
    put.time(&["time"], event.time);
    put.text(&["hostname", "device.hostname"], event.host);
    put.number(&["pid", "actor.process.pid"], event.pid);
    put.text(&["product", "metadata.product.name"], event.product.name());
    put.int(&["class_uid"], i64::from(event.body.class_uid()));
    match &event.body {
        Body::Logon(logon) => mail::logon(event.product, logon, &mut put),
        Body::Logoff(logoff) => mail::logoff(event.product, logoff, &mut put),
        Body::Mailbox(mailbox) => mail::mailbox(event.product, mailbox, &mut put),
        Body::Email(email) => mail::email(event.product, email, &mut put),
        Body::Account(change) => mail::account(event.product, change, &mut put),
        Body::Http(http) => web::http(event.product, event.host, http, &mut put),
        Body::Process(launch) => host::process(event.product, launch, &mut put),
        Body::File(file) => host::file(event.product, file, &mut put),
        Body::Message(message) => host::message(event.product, message, &mut put),
        Body::Network(network) => network::network(event.product, network, &mut put),
        Body::Dns(dns) => network::dns(event.product, dns, &mut put),
        Body::Alert(alert) => network::alert(event.product, alert, &mut put),
    }
}
