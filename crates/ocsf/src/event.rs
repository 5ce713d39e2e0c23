//! The event row and its classes.
//!
//! Strings are as logged (after removing the log's own quoting); `""` means the record did not
//! say. Numbers the record did not carry are `None`, never 0. To add a field: add it here with
//! its OCSF path, map it in `vauban-lake`, and list it in `docs/OCSF.md`.

use crate::{Evidence, Timestamp};
use std::net::IpAddr;

/// The program that wrote the record (`metadata.product.name`).
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Product {
    Postfix,
    Dovecot,
    Exim,
    Roundcube,
    Nginx,
    Apache,
    PhpFpm,
    Sshd,
    Pam,
    Sudo,
    Fail2ban,
    Netfilter,
    Conntrack,
    Zeek,
    Suricata,
    Nfdump,
    Pcap,
    Stalwart,
    Cron,
    Systemd,
    Kernel,
    /// Anything else found in a syslog stream.
    Other,
}

impl Product {
    /// The name written to `metadata.product.name`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postfix => "Postfix",
            Self::Dovecot => "Dovecot",
            Self::Exim => "Exim",
            Self::Roundcube => "Roundcube",
            Self::Nginx => "nginx",
            Self::Apache => "Apache HTTP Server",
            Self::PhpFpm => "PHP-FPM",
            Self::Sshd => "OpenSSH",
            Self::Pam => "PAM",
            Self::Sudo => "sudo",
            Self::Fail2ban => "fail2ban",
            Self::Netfilter => "netfilter",
            Self::Conntrack => "conntrack",
            Self::Zeek => "Zeek",
            Self::Suricata => "Suricata",
            Self::Nfdump => "nfdump",
            Self::Pcap => "pcap",
            Self::Stalwart => "Stalwart",
            Self::Cron => "cron",
            Self::Systemd => "systemd",
            Self::Kernel => "kernel",
            Self::Other => "other",
        }
    }
}

/// One row: a record of the evidence in OCSF terms.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// `time`. For a record that is written when something ends (a session, an nginx request),
    /// this is the end.
    pub time: Timestamp,
    /// The bytes it was read from.
    pub evidence: Evidence,
    /// `metadata.product.name`.
    pub product: Product,
    /// `device.hostname`: the host that wrote the record, if the record says.
    pub host: &'a str,
    /// `actor.process.pid` of the daemon process that wrote the record.
    pub pid: Option<u32>,
    /// The class and its attributes.
    pub body: Body<'a>,
}

/// The class of an event.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// Authentication 3002, activity Logon.
    Logon(Logon<'a>),
    /// Authentication 3002, activity Logoff, with the session's counters.
    Logoff(Box<Logoff<'a>>),
    /// HTTP Activity 4002.
    Http(Http<'a>),
    /// Email Activity 4009: mail on its way through an MTA.
    Email(Email<'a>),
    /// Web Resources Activity 6001 or File Hosting Activity 6006: a mailbox was used. OCSF has no
    /// class for this; `docs/OCSF.md` says how these two carry it.
    Mailbox(Mailbox<'a>),
    /// Network Activity 4001: a flow, a connection, a packet decision.
    Network(Network<'a>),
    /// User Management 3007: something about an account changed (password, creation).
    Account(AccountChange<'a>),
    /// Process Activity 1007, activity Launch: sudo, cron.
    Process(ProcessLaunch<'a>),
    /// Base Event 0: an error or notice kept because a person may want to see it.
    Message(Message<'a>),
}

/// Whether the thing attempted came about (`status_id`).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    Unknown,
    Success,
    Failure,
}

/// The service a log-in or session was for (`service.name`).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Service {
    Imap,
    Pop3,
    ManageSieve,
    Lmtp,
    /// SMTP AUTH, submission included.
    Smtp,
    /// An interactive webmail log-in.
    Webmail,
    Ssh,
    Sudo,
    /// Dovecot's `doveadm`, dsync and other local tools.
    Local,
    #[default]
    Other,
}

impl Service {
    /// The name written to `service.name`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::ManageSieve => "sieve",
            Self::Lmtp => "lmtp",
            Self::Smtp => "smtp",
            Self::Webmail => "webmail",
            Self::Ssh => "ssh",
            Self::Sudo => "sudo",
            Self::Local => "local",
            Self::Other => "other",
        }
    }
}

/// A log-in or an attempt at one.
#[derive(Clone, Debug, Default)]
pub struct Logon<'a> {
    /// `service.name`.
    pub service: Service,
    /// `status_id`.
    pub status: Status,
    /// `user.name`, as the client gave it.
    pub user: &'a str,
    /// The master user or the account acted as, when the log names one beside `user`.
    pub master_user: &'a str,
    /// `src_endpoint.ip`.
    pub src_ip: Option<IpAddr>,
    /// `src_endpoint.port`.
    pub src_port: Option<u16>,
    /// `src_endpoint.hostname` when the log gives a name.
    pub src_host: &'a str,
    /// `dst_endpoint.ip`: the server's own address.
    pub dst_ip: Option<IpAddr>,
    /// `dst_endpoint.port`.
    pub dst_port: Option<u16>,
    /// `auth_protocol`: SASL mechanism or method ("PLAIN", "publickey").
    pub method: &'a str,
    /// `session.uid`: the daemon's own session identifier.
    pub session: &'a str,
    /// Process that serves the session (Dovecot `mpid=`), to join 2.2 logs.
    pub session_pid: Option<u32>,
    /// Whether the connection was encrypted (`is_cleartext` inverted).
    pub tls: Option<bool>,
    /// Attempts this one record stands for (Dovecot: "auth failed, 3 attempts"); 1 if not said, 0
    /// if another record of the same attempt counts it (PAM beside sshd, Dovecot's auth process
    /// beside its log-in process).
    pub attempts: u32,
    /// `status_detail`: the reason as logged.
    pub detail: &'a str,
}

/// The end of a session with what it counted.
#[derive(Clone, Debug, Default)]
pub struct Logoff<'a> {
    /// `service.name`.
    pub service: Service,
    /// `user.name`.
    pub user: &'a str,
    /// `session.uid`.
    pub session: &'a str,
    /// `src_endpoint.ip`, when the record repeats it.
    pub src_ip: Option<IpAddr>,
    /// `status_detail`: why it ended, as logged.
    pub reason: &'a str,
    /// Last command named by an abnormal end ("UID FETCH"), or `""`.
    pub last_command: &'a str,
    /// Bytes the last command had sent, when the record says.
    pub last_command_bytes_out: Option<u64>,
    /// The record says that the client sent no command at all.
    pub no_commands: bool,
    /// `traffic.bytes_in`: octets from the client.
    pub bytes_in: Option<u64>,
    /// `traffic.bytes_out`: octets to the client, protocol chatter included.
    pub bytes_out: Option<u64>,
    /// Messages deleted / expunged / moved to trash, as Dovecot counts them.
    pub deleted: Option<u32>,
    /// See `deleted`.
    pub expunged: Option<u32>,
    /// See `deleted`.
    pub trashed: Option<u32>,
    /// FETCHes of header parts, and their octets.
    pub hdr_count: Option<u32>,
    /// See `hdr_count`.
    pub hdr_bytes: Option<u64>,
    /// FETCHes of parts with body, and their octets (Dovecot `body_count`, `body_bytes`).
    pub body_count: Option<u32>,
    /// See `body_count`.
    pub body_bytes: Option<u64>,
    /// Messages APPENDed.
    pub appended: Option<u32>,
    /// POP3: RETR commands and the octets they sent.
    pub retr_count: Option<u32>,
    /// See `retr_count`.
    pub retr_bytes: Option<u64>,
    /// POP3: TOP commands and the octets they sent.
    pub top_count: Option<u32>,
    /// See `top_count`.
    pub top_bytes: Option<u64>,
    /// POP3 `del=a/b`: messages deleted, messages in the mailbox at log-in.
    pub pop3_deleted: Option<u32>,
    /// See `pop3_deleted`.
    pub pop3_messages: Option<u32>,
    /// POP3 `size=`: octets of the whole mailbox at log-in.
    pub pop3_size: Option<u64>,
}

/// What the instant of an HTTP record means.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum HttpTime {
    /// When the request was received (Apache `%t`).
    Start,
    /// When the response had been sent (nginx `$time_local`).
    #[default]
    End,
}

/// What the byte count of an HTTP record counts.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum HttpBytes {
    /// Response body octets as sent, after compression (Apache `%b`/`%B`, nginx
    /// `$body_bytes_sent`).
    #[default]
    Body,
    /// Response octets including header (Apache `%O`, nginx `$bytes_sent`).
    Wire,
}

/// A web request.
#[derive(Clone, Debug, Default)]
pub struct Http<'a> {
    /// What [`Event::time`] means here.
    pub time_is: HttpTime,
    /// `http_request.http_method`.
    pub method: &'a str,
    /// `http_request.url.path`, as logged (percent-encoding kept).
    pub path: &'a str,
    /// `http_request.url.query_string` without `?`, as logged.
    pub query: &'a str,
    /// `http_request.url.hostname`: virtual host, when logged.
    pub vhost: &'a str,
    /// `http_request.referrer`.
    pub referrer: &'a str,
    /// `http_request.user_agent`.
    pub user_agent: &'a str,
    /// `http_response.code`.
    pub status: Option<u16>,
    /// `traffic.bytes_out`: octets to the client; [`Self::bytes_are`] says which.
    pub bytes_out: Option<u64>,
    /// What `bytes_out` counts.
    pub bytes_are: HttpBytes,
    /// `traffic.bytes_in`: octets of the request (nginx `$request_length`, Apache `%I`).
    pub bytes_in: Option<u64>,
    /// Duration of the request in microseconds, when logged.
    pub duration_us: Option<u64>,
    /// `src_endpoint.ip`: the peer of the connection, or the client where the configuration makes
    /// the log write it.
    pub src_ip: Option<IpAddr>,
    /// `src_endpoint.hostname`: a name in place of the address (Apache `HostnameLookups On`).
    pub src_host: &'a str,
    /// `http_request.x_forwarded_for` as logged.
    pub forwarded_for: &'a str,
    /// `actor.user.name`: HTTP authentication, not webmail.
    pub user: &'a str,
    /// A session cookie, when the log format has one.
    pub cookie: &'a str,
    /// Connection was TLS, when the record tells.
    pub tls: Option<bool>,
    /// nginx `$gzip_ratio` present and not "-": the body was compressed. `None`: not logged.
    pub compressed: Option<bool>,
    /// The request line was not HTTP (port scans, TLS on a plain port); `path` then holds it raw.
    pub malformed: bool,
}

/// What an MTA did with a message.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum EmailActivity {
    /// A client opened a transaction and a queue id was given (Postfix `client=`).
    #[default]
    Accepted,
    /// cleanup saw the Message-ID.
    Identified,
    /// The message entered the active queue with its size and sender.
    Queued,
    /// An attempt at delivery to one recipient.
    Delivered,
    /// A Sieve script sent the message on (`redirect`).
    Forwarded,
    /// Refused at the door.
    Rejected,
    /// The queue file was removed.
    Removed,
    /// Deliverability problem, bounce, hold, warning…
    Other,
    /// A webmail handed the message to an MTA (Roundcube `sendmail` log).
    Submitted,
}

/// Mail on its way.
#[derive(Clone, Debug, Default)]
pub struct Email<'a> {
    /// What happened.
    pub activity: EmailActivity,
    /// `status_id`.
    pub status: Status,
    /// `email.uid`… the MTA's queue id.
    pub queue_id: &'a str,
    /// `email.message_uid`: Message-ID without angle brackets.
    pub message_id: &'a str,
    /// `email.smtp_from`: envelope sender without angle brackets.
    pub from: &'a str,
    /// `email.smtp_to`: one envelope recipient without angle brackets; several, comma separated,
    /// where the record lists several.
    pub to: &'a str,
    /// Recipient before aliases (`orig_to=`).
    pub orig_to: &'a str,
    /// `email.size`: octets as the MTA counts them (Postfix: LF line ends).
    pub size: Option<u64>,
    /// Number of recipients (`nrcpt=`).
    pub recipients: Option<u32>,
    /// SASL login name of the submitter.
    pub sasl_user: &'a str,
    /// SASL mechanism.
    pub sasl_method: &'a str,
    /// `src_endpoint.ip` of the SMTP client.
    pub src_ip: Option<IpAddr>,
    /// `src_endpoint.port` of the SMTP client.
    pub src_port: Option<u16>,
    /// `src_endpoint.hostname`.
    pub src_host: &'a str,
    /// Host name of the next hop.
    pub relay_host: &'a str,
    /// `dst_endpoint.ip` of the next hop.
    pub relay_ip: Option<IpAddr>,
    /// `dst_endpoint.port` of the next hop.
    pub relay_port: Option<u16>,
    /// Delivery agent or program name without the instance ("smtp", "lmtp", "virtual").
    pub agent: &'a str,
    /// HELO name.
    pub helo: &'a str,
    /// Enhanced status code (RFC 3463) of a delivery or reject.
    pub dsn: &'a str,
    /// Status word of a delivery ("sent", "deferred", "bounced").
    pub outcome: &'a str,
    /// Remaining text of the record.
    pub detail: &'a str,
    /// Queue id that the next hop gave ("250 2.0.0 Ok: queued as …"), or the one a message was
    /// re-injected under.
    pub next_queue_id: &'a str,
    /// Sieve: mailbox a message was stored into.
    pub mailbox: &'a str,
    /// Subject, where a log carries it.
    pub subject: &'a str,
}

/// What was done in a mailbox.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum MailboxAction {
    /// The message's file was opened for reading (Dovecot event `mail_opened`).
    #[default]
    Opened,
    /// FETCH.
    Fetch,
    /// SEARCH, SORT, THREAD.
    Search,
    /// LIST, SELECT, STATUS and other commands that reveal structure, not content.
    List,
    /// Another IMAP command (`imap_command_finished`).
    Command,
    /// A message was stored (`save`, APPEND).
    Save,
    /// A message was copied or moved here.
    Copy,
    /// Marked deleted.
    Delete,
    /// `undelete`.
    Undelete,
    /// Removed for good.
    Expunge,
    /// Flags changed; `flags` has the new ones.
    FlagChange,
    /// Mailbox created, deleted, renamed.
    MailboxCreate,
    /// See `MailboxCreate`.
    MailboxDelete,
    /// See `MailboxCreate`.
    MailboxRename,
    /// A Sieve script was stored, activated or removed through ManageSieve.
    SieveScript,
}

/// Use of a mailbox, one message or one command.
#[derive(Clone, Debug, Default)]
pub struct Mailbox<'a> {
    /// What was done.
    pub action: MailboxAction,
    /// Through which service.
    pub service: Service,
    /// `actor.user.name`: the mailbox's account.
    pub user: &'a str,
    /// `session.uid`.
    pub session: &'a str,
    /// `src_endpoint.ip`, when the record has it.
    pub src_ip: Option<IpAddr>,
    /// Mailbox name (`box=`), UTF-8, hierarchy separator as logged.
    pub mailbox: &'a str,
    /// For copy and rename: the other mailbox.
    pub other_mailbox: &'a str,
    /// One UID, or an IMAP set of them ("3:7,9").
    pub uids: &'a str,
    /// Message-ID without angle brackets; possibly cut short by the daemon (Dovecot: 80 chars).
    pub message_id: &'a str,
    /// `size=`: octets as stored.
    pub size: Option<u64>,
    /// `vsize=`: octets with CRLF line ends (RFC822.SIZE).
    pub vsize: Option<u64>,
    /// Flags as logged.
    pub flags: &'a str,
    /// Sender as logged.
    pub from: &'a str,
    /// Subject as logged.
    pub subject: &'a str,
    /// IMAP command name ("UID FETCH").
    pub command: &'a str,
    /// Command arguments in the human form Dovecot exports.
    pub arguments: &'a str,
    /// Octets the command sent to the client.
    pub bytes_out: Option<u64>,
    /// Octets the command read from the client.
    pub bytes_in: Option<u64>,
    /// Status of the command.
    pub status: Status,
}

/// What became of a connection.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum NetAction {
    /// Seen, or let through.
    #[default]
    Allowed,
    /// Dropped or rejected.
    Blocked,
    /// A record that does not tell (an nftables `log` statement without verdict in its prefix).
    Unknown,
}

/// A flow, a connection, a packet decision.
#[derive(Clone, Debug, Default)]
pub struct Network<'a> {
    /// Start of the flow; [`Event::time`] is its end where the record has both.
    pub start: Option<Timestamp>,
    /// `connection_info.protocol_num` (IANA).
    pub protocol: u8,
    /// Initiator.
    pub src_ip: Option<IpAddr>,
    /// Initiator's port.
    pub src_port: Option<u16>,
    /// Responder.
    pub dst_ip: Option<IpAddr>,
    /// Responder's port.
    pub dst_port: Option<u16>,
    /// Octets from initiator to responder; [`Self::bytes_are_ip`] says with which headers.
    pub bytes_out: Option<u64>,
    /// Octets from responder to initiator.
    pub bytes_in: Option<u64>,
    /// Packets from initiator to responder.
    pub packets_out: Option<u64>,
    /// Packets from responder to initiator.
    pub packets_in: Option<u64>,
    /// `true`: byte counts include IP and transport headers (conntrack, nfdump, pcap);
    /// `false`: payload only (Zeek `orig_bytes`).
    pub bytes_are_ip: bool,
    /// The verdict.
    pub action: NetAction,
    /// State or flags as logged ("SYN_SENT", "S0", "…AP.SF").
    pub state: &'a str,
    /// `true` when the responder never answered.
    pub unanswered: Option<bool>,
    /// Log prefix, rule name or sensor's identifier of the flow.
    pub label: &'a str,
    /// Input interface.
    pub iif: &'a str,
    /// Output interface.
    pub oif: &'a str,
}

/// What changed about an account.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum AccountActivity {
    /// The password was changed.
    #[default]
    PasswordChange,
    /// The account was created.
    Create,
    /// The account was deleted.
    Delete,
    /// Anything else; `detail` says.
    Other,
}

/// A change to an account.
#[derive(Clone, Debug, Default)]
pub struct AccountChange<'a> {
    /// What changed.
    pub activity: AccountActivity,
    /// `user.name`.
    pub user: &'a str,
    /// `actor.user.name`, when another did it.
    pub actor: &'a str,
    /// `src_endpoint.ip`.
    pub src_ip: Option<IpAddr>,
    /// `status_id`.
    pub status: Status,
    /// As logged.
    pub detail: &'a str,
}

/// A command that was run.
#[derive(Clone, Debug, Default)]
pub struct ProcessLaunch<'a> {
    /// `actor.user.name`.
    pub user: &'a str,
    /// The user it ran as.
    pub target_user: &'a str,
    /// `process.cmd_line`.
    pub command: &'a str,
    /// Working directory.
    pub directory: &'a str,
    /// `status_id`.
    pub status: Status,
}

/// Seriousness of a [`Message`] (`severity_id` 1, 3, 4).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Severity {
    #[default]
    Info,
    Warning,
    Error,
}

/// A notice or error.
#[derive(Clone, Debug, Default)]
pub struct Message<'a> {
    /// `severity_id`.
    pub severity: Severity,
    /// `message`.
    pub text: &'a str,
    /// `src_endpoint.ip`, when the message names a client.
    pub src_ip: Option<IpAddr>,
    /// `actor.user.name`, when the message names an account.
    pub user: &'a str,
}

impl Body<'_> {
    /// `class_uid` of OCSF 1.8.
    pub const fn class_uid(&self) -> u32 {
        match self {
            Self::Logon(_) | Self::Logoff(_) => 3002,
            Self::Http(_) => 4002,
            Self::Email(_) => 4009,
            Self::Mailbox(m) => match m.action {
                MailboxAction::Opened | MailboxAction::Fetch => 6006,
                _ => 6001,
            },
            Self::Network(_) => 4001,
            Self::Account(_) => 3007,
            Self::Process(_) => 1007,
            Self::Message(_) => 0,
        }
    }
}
