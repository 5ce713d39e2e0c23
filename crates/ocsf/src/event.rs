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
    Auditd,
    Squid,
    Unbound,
    Bind,
    Dnsmasq,
    Rspamd,
    OpenDkim,
    OpenDmarc,
    Sogo,
    Zimbra,
    Horde,
    Cyrus,
    Caddy,
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
            Self::Auditd => "auditd",
            Self::Squid => "Squid",
            Self::Unbound => "Unbound",
            Self::Bind => "BIND",
            Self::Dnsmasq => "dnsmasq",
            Self::Rspamd => "Rspamd",
            Self::OpenDkim => "OpenDKIM",
            Self::OpenDmarc => "OpenDMARC",
            Self::Sogo => "SOGo",
            Self::Zimbra => "Zimbra",
            Self::Horde => "Horde",
            Self::Cyrus => "Cyrus IMAP",
            Self::Caddy => "Caddy",
            Self::Other => "other",
        }
    }

    /// The product of a name as [`Self::name`] gives it, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|product| product.name().eq_ignore_ascii_case(name))
    }

    /// All products.
    pub const ALL: &'static [Self] = &[
        Self::Postfix,
        Self::Dovecot,
        Self::Exim,
        Self::Roundcube,
        Self::Nginx,
        Self::Apache,
        Self::PhpFpm,
        Self::Sshd,
        Self::Pam,
        Self::Sudo,
        Self::Fail2ban,
        Self::Netfilter,
        Self::Conntrack,
        Self::Zeek,
        Self::Suricata,
        Self::Nfdump,
        Self::Pcap,
        Self::Stalwart,
        Self::Cron,
        Self::Systemd,
        Self::Kernel,
        Self::Auditd,
        Self::Squid,
        Self::Unbound,
        Self::Bind,
        Self::Dnsmasq,
        Self::Rspamd,
        Self::OpenDkim,
        Self::OpenDmarc,
        Self::Sogo,
        Self::Zimbra,
        Self::Horde,
        Self::Cyrus,
        Self::Caddy,
        Self::Other,
    ];

    /// Whether the program records what it saw pass between others (a network sensor, a forward
    /// proxy), not what it did itself. Requests and messages in such records repeat what the
    /// servers' own logs say, or are of servers elsewhere: counting both counts twice.
    pub const fn is_sensor(self) -> bool {
        matches!(
            self,
            Self::Zeek | Self::Suricata | Self::Nfdump | Self::Pcap | Self::Squid
        )
    }

    /// Whether requests and messages in its records stand beside those of the server that handled
    /// them: sensors, filters that a mail server asks, a webmail behind a web server.
    pub const fn repeats(self) -> bool {
        self.is_sensor()
            || matches!(
                self,
                Self::Rspamd | Self::OpenDkim | Self::OpenDmarc | Self::Sogo | Self::Zimbra
            )
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
    /// `actor.process.pid` of the daemon process that wrote the record; in auditd's records of the
    /// process that acted (for a launch: the parent).
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
    /// Process Activity 1007, activity Launch: sudo, cron, auditd's execve.
    Process(ProcessLaunch<'a>),
    /// DNS Activity 4003: a question asked of a resolver, with or without its answer.
    Dns(Dns<'a>),
    /// File System Activity 1001, or File Hosting Activity 6006 for a file seen in transfer
    /// ([`FileAction::Transferred`]).
    File(FileActivity<'a>),
    /// Detection Finding 2004: an alert that another product raised (Suricata, Zeek's notice.log).
    Alert(Alert<'a>),
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
    /// What only sensors and proxies tell.
    pub extra: Option<Box<HttpExtra<'a>>>,
}

/// What sensors and proxies tell of a request beyond what a web server does.
#[derive(Clone, Debug, Default)]
pub struct HttpExtra<'a> {
    /// `src_endpoint.port`.
    pub src_port: Option<u16>,
    /// `dst_endpoint.ip`: the server asked.
    pub dst_ip: Option<IpAddr>,
    /// `dst_endpoint.port`.
    pub dst_port: Option<u16>,
    /// `http_response.content_type`: type of the answer, as declared or as the sensor found it.
    pub mime: &'a str,
    /// A sensor's identifier of the connection (Zeek uid, Suricata flow_id).
    pub flow_uid: &'a str,
    /// What a proxy did with it (Squid: "TCP_MISS", "TCP_DENIED"), or `""`.
    pub proxy_result: &'a str,
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
    /// What only sensors and filters tell.
    pub extra: Option<Box<EmailExtra<'a>>>,
}

/// What sensors and filters tell of a message beyond what an MTA does.
#[derive(Clone, Debug, Default)]
pub struct EmailExtra<'a> {
    /// Score that a filter gave: spam the higher it is.
    pub score: Option<f32>,
    /// A filter's symbols, an authentication result ("dkim=fail"), as logged.
    pub verdicts: &'a str,
    /// First hop that a header names (Zeek `x_originating_ip`).
    pub origin_ip: Option<IpAddr>,
    /// Author as the header gives it (Zeek `from`, rspamd `mime_from`): not the envelope's.
    pub header_from: &'a str,
    /// Recipients as the header gives them, separated by commas.
    pub header_to: &'a str,
    /// `email.reply_to`.
    pub reply_to: &'a str,
    /// Program that wrote the message, as its header says.
    pub user_agent: &'a str,
    /// Address of the server asked, where a sensor saw the session.
    pub dst_ip: Option<IpAddr>,
    /// Its port.
    pub dst_port: Option<u16>,
    /// A sensor's identifier of the connection.
    pub flow_uid: &'a str,
    /// The session was encrypted, when the record tells.
    pub tls: Option<bool>,
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
    /// What only some sources tell.
    pub extra: Option<Box<NetworkExtra<'a>>>,
}

/// What only some sources tell of a connection.
#[derive(Clone, Debug, Default)]
pub struct NetworkExtra<'a> {
    /// `app_protocol_name` as a sensor recognised it ("http", "ssl"), or `""`.
    pub service: &'a str,
    /// `tls`: what a sensor saw of the handshake.
    pub tls: Option<Tls<'a>>,
    /// `actor.process.file.path`: the program whose call this was (auditd).
    pub image: &'a str,
    /// `actor.user.name`: who ran that program.
    pub user: &'a str,
    /// Key of the audit rule that asked for the record.
    pub rule: &'a str,
}

/// A TLS handshake as a sensor saw it.
#[derive(Clone, Debug, Default)]
pub struct Tls<'a> {
    /// `tls.version` as logged ("TLSv12", "TLS 1.3").
    pub version: &'a str,
    /// `tls.cipher`.
    pub cipher: &'a str,
    /// `tls.sni`: name the client asked for.
    pub sni: &'a str,
    /// `tls.ja3_hash.value`: MD5 in hexadecimal.
    pub ja3: &'a str,
    /// `tls.ja3s_hash.value`.
    pub ja3s: &'a str,
    /// `ja4_fingerprint_list` of type JA4.
    pub ja4: &'a str,
    /// `ja4_fingerprint_list` of type JA4S.
    pub ja4s: &'a str,
    /// `tls.certificate.subject`.
    pub subject: &'a str,
    /// `tls.certificate.issuer`.
    pub issuer: &'a str,
    /// `tls.certificate.serial_number`, as logged.
    pub serial: &'a str,
    /// `tls.certificate.fingerprints`: SHA-1 or SHA-256, hexadecimal, colons kept.
    pub fingerprint: &'a str,
    /// Next protocol chosen (ALPN).
    pub alpn: &'a str,
    /// Whether the sensor could check the chain ("ok", "self signed certificate"), as logged.
    pub validation: &'a str,
    /// The handshake was completed.
    pub established: Option<bool>,
    /// An earlier session was resumed: no certificate is seen then.
    pub resumed: Option<bool>,
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
    /// `process.file.path`: the program's file.
    pub image: &'a str,
    /// `process.name` (`comm`: 15 octets at most).
    pub name: &'a str,
    /// The arguments one by one, the program's own name first, each ended by NUL; `""` where only
    /// a command line is logged. [`Self::command`] is the same, joined by blanks.
    pub argv: &'a str,
    /// `process.pid`: the process launched.
    pub pid: Option<u32>,
    /// `process.parent_process.pid`.
    pub parent_pid: Option<u32>,
    /// Number of the log-in session (auditd `ses`).
    pub session: &'a str,
    /// Terminal.
    pub terminal: &'a str,
    /// Key of the audit rule that asked for the record.
    pub rule: &'a str,
}

/// What a DNS record tells of.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum DnsActivity {
    /// A question.
    #[default]
    Query,
    /// An answer, or a reply of another kind.
    Response,
    /// Both in one record.
    Both,
}

/// A question to a name server or resolver.
#[derive(Clone, Debug, Default)]
pub struct Dns<'a> {
    /// What the record tells of.
    pub activity: DnsActivity,
    /// `query.hostname`, without the final dot.
    pub query: &'a str,
    /// `query.type` ("A", "MX", "TYPE65").
    pub query_type: &'a str,
    /// `query.class` ("IN").
    pub query_class: &'a str,
    /// `rcode` ("NOERROR", "NXDOMAIN"), or `""`.
    pub rcode: &'a str,
    /// `answers[].rdata`, one a line.
    pub answers: &'a str,
    /// `transaction_id`.
    pub transaction: Option<u16>,
    /// `connection_info.protocol_num`; 0 if not said.
    pub protocol: u8,
    /// `src_endpoint.ip`: who asked.
    pub src_ip: Option<IpAddr>,
    /// `src_endpoint.port`.
    pub src_port: Option<u16>,
    /// `dst_endpoint.ip`: who was asked.
    pub dst_ip: Option<IpAddr>,
    /// `dst_endpoint.port`.
    pub dst_port: Option<u16>,
    /// Blocked: refused by access control or answered by a policy (response policy zone, a
    /// resolver's block list).
    pub action: NetAction,
    /// Duration in microseconds, when logged.
    pub duration_us: Option<u64>,
    /// A sensor's identifier of the connection.
    pub flow_uid: &'a str,
    /// What else the record says (flags, policy zone), as logged.
    pub detail: &'a str,
}

/// What was done with a file.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum FileAction {
    /// Opened, and the record does not say for what.
    #[default]
    Open,
    /// Opened for reading.
    Read,
    /// Created.
    Create,
    /// Opened for writing, or cut short.
    Update,
    /// Removed.
    Delete,
    /// Renamed: `path` became `other_path`. Also another link (`link`, `symlink`).
    Rename,
    /// Times or extended attributes changed.
    SetAttributes,
    /// Owner or permissions changed.
    SetSecurity,
    /// Seen in transfer by a network sensor.
    Transferred,
}

/// A file was used, or passed by.
#[derive(Clone, Debug, Default)]
pub struct FileActivity<'a> {
    /// What was done.
    pub action: FileAction,
    /// `status_id`.
    pub status: Status,
    /// `file.path`; a relative one is as logged, below `directory`. In a transfer: its name.
    pub path: &'a str,
    /// New name of a renamed file, new link.
    pub other_path: &'a str,
    /// Directory that relative paths start from.
    pub directory: &'a str,
    /// `file.size` in octets.
    pub size: Option<u64>,
    /// `file.mime_type`.
    pub mime: &'a str,
    /// MD5, hexadecimal.
    pub md5: &'a str,
    /// SHA-1, hexadecimal.
    pub sha1: &'a str,
    /// SHA-256, hexadecimal.
    pub sha256: &'a str,
    /// `actor.user.name`: who did it (auditd: the log-in user).
    pub user: &'a str,
    /// The user it ran as.
    pub target_user: &'a str,
    /// `actor.process.file.path`: the program that did it.
    pub image: &'a str,
    /// `actor.process.name`.
    pub name: &'a str,
    /// System call or analyzer ("openat", "SMTP").
    pub operation: &'a str,
    /// Key of the audit rule that asked for the record.
    pub rule: &'a str,
    /// `src_endpoint.ip` of a transfer: who sent the file.
    pub src_ip: Option<IpAddr>,
    /// `dst_endpoint.ip` of a transfer: who received it.
    pub dst_ip: Option<IpAddr>,
    /// Protocol of a transfer ("http", "smtp").
    pub service: &'a str,
    /// A sensor's identifier of the connection.
    pub flow_uid: &'a str,
}

/// An alert of another product.
#[derive(Clone, Debug, Default)]
pub struct Alert<'a> {
    /// `severity_id`.
    pub severity: Severity,
    /// `finding_info.title`.
    pub title: &'a str,
    /// The rule's number or name.
    pub rule: &'a str,
    /// Class of the rule ("Web Application Attack").
    pub category: &'a str,
    /// More words of the record.
    pub detail: &'a str,
    /// What was done about it.
    pub action: NetAction,
    /// `connection_info.protocol_num`; 0 if not said.
    pub protocol: u8,
    /// Source as the sensor saw it (an alert on an answer has the server here).
    pub src_ip: Option<IpAddr>,
    /// Its port.
    pub src_port: Option<u16>,
    /// Destination.
    pub dst_ip: Option<IpAddr>,
    /// Its port.
    pub dst_port: Option<u16>,
    /// A sensor's identifier of the connection.
    pub flow_uid: &'a str,
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
            Self::Dns(_) => 4003,
            Self::File(f) => match f.action {
                FileAction::Transferred => 6006,
                _ => 1001,
            },
            Self::Alert(_) => 2004,
            Self::Message(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_is_listed_once_and_found_by_its_name() {
        for (at, product) in Product::ALL.iter().enumerate() {
            // `ALL` is in the order of declaration, so its last is the enumeration's last.
            assert_eq!(*product as usize, at);
            assert_eq!(Product::from_name(product.name()), Some(*product));
        }
        assert_eq!(Product::Other as usize + 1, Product::ALL.len());
        assert_eq!(Product::from_name("zeek"), Some(Product::Zeek));
        assert_eq!(Product::from_name("no such"), None);
    }
}
