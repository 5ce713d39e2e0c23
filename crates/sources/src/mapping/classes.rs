//! The classes that a mapping can fill, with their attributes.
//!
//! An attribute bears the name of its field in `vauban-ocsf`; a class's list is made from the same
//! words as the code that fills it, so the two cannot differ.

use std::net::IpAddr;
use vauban_ocsf::*;

/// Attribute → text.
pub(super) struct Values(Vec<(String, String)>);

impl FromIterator<(String, String)> for Values {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Values {
    fn text(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    fn ip(&self, name: &str) -> Option<IpAddr> {
        crate::web::ip(self.text(name))
    }

    pub(super) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.text(name).parse().ok()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name) {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        }
    }

    fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| !self.text(name).is_empty())
    }
}

/// A class and what it is filled by.
pub(super) struct Class {
    name: &'static str,
    lists: &'static [&'static [&'static str]],
    fill: for<'a> fn(&'a Values) -> Body<'a>,
}

impl Class {
    /// The attributes it has.
    pub(super) fn attributes(&self) -> Vec<&'static str> {
        self.lists.iter().copied().flatten().copied().collect()
    }

    pub(super) fn has(&self, attribute: &str) -> bool {
        attribute == "process_pid" || self.attributes().contains(&attribute)
    }

    pub(super) fn body<'a>(&self, values: &'a Values) -> Body<'a> {
        (self.fill)(values)
    }
}

pub(super) fn find(name: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name == name)
}

pub(super) fn names() -> Vec<&'static str> {
    CLASSES.iter().map(|class| class.name).collect()
}

/// A list of attributes and a function that fills a struct with them: texts; options, with the
/// method that reads them; the rest, with a function from text.
macro_rules! fields {
    ($fill:ident, $list:ident, $type:ident;
     $($text:ident)*; $($option:ident: $how:ident)*; $($plain:ident: $from:path),*) => {
        const $list: &[&str] = &[
            $(stringify!($text),)* $(stringify!($option),)* $(stringify!($plain),)*
        ];
        #[allow(clippy::needless_update)]
        fn $fill<'a>(v: &'a Values) -> $type<'a> {
            $type {
                $($text: v.text(stringify!($text)),)*
                $($option: v.$how(stringify!($option)),)*
                $($plain: $from(v.text(stringify!($plain))),)*
                ..$type::default()
            }
        }
    };
}

fn status(word: &str) -> Status {
    match word {
        "success" | "Success" | "true" | "ok" => Status::Success,
        "failure" | "Failure" | "failed" | "false" => Status::Failure,
        _ => Status::Unknown,
    }
}

fn service(word: &str) -> Service {
    [
        Service::Imap,
        Service::Pop3,
        Service::ManageSieve,
        Service::Lmtp,
        Service::Smtp,
        Service::Webmail,
        Service::Ssh,
        Service::Sudo,
        Service::Local,
    ]
    .into_iter()
    .find(|service| service.name().eq_ignore_ascii_case(word))
    .unwrap_or_default()
}

/// One attempt if the line does not say.
fn attempts(word: &str) -> u32 {
    word.parse().unwrap_or(1)
}

fn severity(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "warning" | "warn" => Severity::Warning,
        "error" | "err" | "critical" | "fatal" => Severity::Error,
        _ => Severity::Info,
    }
}

fn net_action(word: &str) -> NetAction {
    match word {
        "blocked" | "deny" | "denied" | "drop" | "reject" => NetAction::Blocked,
        "unknown" => NetAction::Unknown,
        _ => NetAction::Allowed,
    }
}

fn protocol(word: &str) -> u8 {
    crate::flows::protocol(word).unwrap_or(0)
}

fn http_time(word: &str) -> HttpTime {
    match word {
        "start" => HttpTime::Start,
        _ => HttpTime::End,
    }
}

fn http_bytes(word: &str) -> HttpBytes {
    match word {
        "wire" => HttpBytes::Wire,
        _ => HttpBytes::Body,
    }
}

fn email_activity(word: &str) -> EmailActivity {
    match word {
        "accepted" => EmailActivity::Accepted,
        "identified" => EmailActivity::Identified,
        "queued" => EmailActivity::Queued,
        "delivered" => EmailActivity::Delivered,
        "forwarded" => EmailActivity::Forwarded,
        "rejected" => EmailActivity::Rejected,
        "removed" => EmailActivity::Removed,
        "submitted" => EmailActivity::Submitted,
        _ => EmailActivity::Other,
    }
}

fn mailbox_action(word: &str) -> MailboxAction {
    match word {
        "opened" => MailboxAction::Opened,
        "fetch" => MailboxAction::Fetch,
        "search" => MailboxAction::Search,
        "list" => MailboxAction::List,
        "save" => MailboxAction::Save,
        "copy" => MailboxAction::Copy,
        "delete" => MailboxAction::Delete,
        "undelete" => MailboxAction::Undelete,
        "expunge" => MailboxAction::Expunge,
        "flag_change" => MailboxAction::FlagChange,
        "mailbox_create" => MailboxAction::MailboxCreate,
        "mailbox_delete" => MailboxAction::MailboxDelete,
        "mailbox_rename" => MailboxAction::MailboxRename,
        "sieve_script" => MailboxAction::SieveScript,
        _ => MailboxAction::Command,
    }
}

fn account_activity(word: &str) -> AccountActivity {
    match word {
        "password_change" => AccountActivity::PasswordChange,
        "create" => AccountActivity::Create,
        "delete" => AccountActivity::Delete,
        _ => AccountActivity::Other,
    }
}

fn file_action(word: &str) -> FileAction {
    match word {
        "read" => FileAction::Read,
        "create" => FileAction::Create,
        "update" => FileAction::Update,
        "delete" => FileAction::Delete,
        "rename" => FileAction::Rename,
        "set_attributes" => FileAction::SetAttributes,
        "set_security" => FileAction::SetSecurity,
        "transferred" => FileAction::Transferred,
        _ => FileAction::Open,
    }
}

fn dns_activity(word: &str) -> DnsActivity {
    match word {
        "response" => DnsActivity::Response,
        "both" => DnsActivity::Both,
        _ => DnsActivity::Query,
    }
}

fields!(logon, LOGON, Logon;
    user master_user src_host method session detail;
    src_ip: ip src_port: number dst_ip: ip dst_port: number session_pid: number tls: flag;
    service: service, status: status, attempts: attempts);

fields!(logoff, LOGOFF, Logoff;
    user session reason last_command;
    src_ip: ip bytes_in: number bytes_out: number;
    service: service);

fields!(http, HTTP, Http;
    method path query vhost referrer user_agent src_host forwarded_for user cookie;
    status: number bytes_out: number bytes_in: number duration_us: number src_ip: ip tls: flag;
    time_is: http_time, bytes_are: http_bytes);

fields!(http_extra, HTTP_EXTRA, HttpExtra;
    mime flow_uid proxy_result;
    src_port: number dst_ip: ip dst_port: number;);

fields!(email, EMAIL, Email;
    queue_id message_id from to orig_to sasl_user sasl_method src_host relay_host agent helo dsn
    outcome detail next_queue_id mailbox subject;
    size: number recipients: number src_ip: ip src_port: number relay_ip: ip relay_port: number;
    activity: email_activity, status: status);

fields!(email_extra, EMAIL_EXTRA, EmailExtra;
    verdicts header_from header_to reply_to user_agent flow_uid;
    score: number origin_ip: ip dst_ip: ip dst_port: number tls: flag;);

fields!(mailbox, MAILBOX, Mailbox;
    user session mailbox other_mailbox uids message_id flags from subject command arguments;
    src_ip: ip size: number vsize: number bytes_out: number bytes_in: number;
    action: mailbox_action, service: service, status: status);

fields!(network, NETWORK, Network;
    state label iif oif;
    src_ip: ip src_port: number dst_ip: ip dst_port: number bytes_out: number bytes_in: number
    packets_out: number packets_in: number unanswered: flag;
    protocol: protocol, action: net_action);

fields!(tls, TLS, Tls;
    version cipher sni ja3 ja3s ja4 ja4s subject issuer serial fingerprint alpn validation;
    established: flag resumed: flag;);

fields!(account, ACCOUNT, AccountChange;
    user actor detail;
    src_ip: ip;
    activity: account_activity, status: status);

fields!(process, PROCESS, ProcessLaunch;
    user target_user command directory image name session terminal rule;
    pid: number parent_pid: number;
    status: status);

fields!(dns, DNS, Dns;
    query query_type query_class rcode answers flow_uid detail;
    transaction: number src_ip: ip src_port: number dst_ip: ip dst_port: number
    duration_us: number;
    activity: dns_activity, protocol: protocol, action: net_action);

fields!(file, FILE, FileActivity;
    path other_path directory mime md5 sha1 sha256 user target_user image name operation rule
    service flow_uid;
    size: number src_ip: ip dst_ip: ip;
    action: file_action, status: status);

fields!(alert, ALERT, Alert;
    title rule category detail flow_uid;
    src_ip: ip src_port: number dst_ip: ip dst_port: number;
    severity: severity, action: net_action, protocol: protocol);

fields!(message, MESSAGE, Message;
    text user;
    src_ip: ip;
    severity: severity);

static CLASSES: &[Class] = &[
    Class {
        name: "logon",
        lists: &[LOGON],
        fill: |v| Body::Logon(logon(v)),
    },
    Class {
        name: "logoff",
        lists: &[LOGOFF],
        fill: |v| Body::Logoff(Box::new(logoff(v))),
    },
    Class {
        name: "http",
        lists: &[HTTP, HTTP_EXTRA],
        fill: |v| {
            let extra = v.any(HTTP_EXTRA).then(|| Box::new(http_extra(v)));
            Body::Http(Http { extra, ..http(v) })
        },
    },
    Class {
        name: "email",
        lists: &[EMAIL, EMAIL_EXTRA],
        fill: |v| {
            let extra = v.any(EMAIL_EXTRA).then(|| Box::new(email_extra(v)));
            Body::Email(Email { extra, ..email(v) })
        },
    },
    Class {
        name: "mailbox",
        lists: &[MAILBOX],
        fill: |v| Body::Mailbox(mailbox(v)),
    },
    Class {
        name: "network",
        lists: &[NETWORK, TLS],
        fill: |v| {
            let extra = v.any(TLS).then(|| {
                Box::new(NetworkExtra {
                    tls: Some(tls(v)),
                    ..NetworkExtra::default()
                })
            });
            Body::Network(Network {
                extra,
                ..network(v)
            })
        },
    },
    Class {
        name: "account",
        lists: &[ACCOUNT],
        fill: |v| Body::Account(account(v)),
    },
    Class {
        name: "process",
        lists: &[PROCESS],
        fill: |v| Body::Process(process(v)),
    },
    Class {
        name: "dns",
        lists: &[DNS],
        fill: |v| Body::Dns(dns(v)),
    },
    Class {
        name: "file",
        lists: &[FILE],
        fill: |v| Body::File(file(v)),
    },
    Class {
        name: "alert",
        lists: &[ALERT],
        fill: |v| Body::Alert(alert(v)),
    },
    Class {
        name: "message",
        lists: &[MESSAGE],
        fill: |v| Body::Message(message(v)),
    },
];
