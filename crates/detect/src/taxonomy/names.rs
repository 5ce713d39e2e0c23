//! Words for products, services and what was done.

use vauban_ocsf::{
    AccountActivity, DnsActivity, EmailActivity, FileAction, MailboxAction, NetAction, Product,
    Service, Severity,
};

/// `logsource.product`. Programs of the base system are `linux`, as in Sigma.
pub const fn product(product: Product) -> &'static str {
    match product {
        Product::Postfix => "postfix",
        Product::Dovecot => "dovecot",
        Product::Exim => "exim",
        Product::Roundcube => "roundcube",
        Product::Nginx => "nginx",
        Product::Apache => "apache",
        Product::PhpFpm => "php",
        Product::Sshd
        | Product::Pam
        | Product::Sudo
        | Product::Cron
        | Product::Systemd
        | Product::Kernel
        | Product::Auditd
        | Product::Other => "linux",
        Product::Fail2ban => "fail2ban",
        Product::Netfilter => "netfilter",
        Product::Conntrack => "conntrack",
        Product::Zeek => "zeek",
        Product::Suricata => "suricata",
        Product::Nfdump => "nfdump",
        Product::Pcap => "pcap",
        Product::Stalwart => "stalwart",
        Product::Squid => "squid",
        Product::Unbound => "unbound",
        Product::Bind => "bind",
        Product::Dnsmasq => "dnsmasq",
        Product::Rspamd => "rspamd",
        Product::OpenDkim => "opendkim",
        Product::OpenDmarc => "opendmarc",
        Product::Sogo => "sogo",
        Product::Zimbra => "zimbra",
        Product::Horde => "horde",
        Product::Cyrus => "cyrus",
        Product::Caddy => "caddy",
    }
}

/// `logsource.service` of a message of a program that has no better one.
pub const fn log(product: Product) -> &'static str {
    match product {
        Product::Sshd => "sshd",
        Product::Pam => "auth",
        Product::Sudo => "sudo",
        Product::Cron => "cron",
        Product::Auditd => "auditd",
        Product::Systemd | Product::Kernel | Product::Other => "syslog",
        Product::Fail2ban => "fail2ban",
        Product::Nginx | Product::Apache | Product::Caddy | Product::PhpFpm => "error",
        Product::Roundcube => "webmail",
        Product::Postfix => "smtp",
        _ => "",
    }
}

/// `logsource.service` of a log-in or session, and the field `service`.
pub const fn service(product: Product, service: Service) -> &'static str {
    match (product, service) {
        (Product::Sshd, _) => "sshd",
        (Product::Sudo, _) => "sudo",
        (Product::Pam, _) => "auth",
        (_, Service::Imap) => "imap",
        (_, Service::Pop3) => "pop3",
        (_, Service::ManageSieve) => "managesieve",
        (_, Service::Lmtp) => "lmtp",
        (_, Service::Smtp) => "smtp",
        (_, Service::Webmail) => "webmail",
        (_, Service::Ssh) => "sshd",
        (_, Service::Sudo) => "sudo",
        (_, Service::Local) => "doveadm",
        (_, Service::Other) => "other",
    }
}

/// `action` of mail on its way.
pub const fn email(activity: EmailActivity) -> &'static str {
    match activity {
        EmailActivity::Accepted => "accepted",
        EmailActivity::Identified => "identified",
        EmailActivity::Queued => "queued",
        EmailActivity::Delivered => "delivered",
        EmailActivity::Forwarded => "forwarded",
        EmailActivity::Rejected => "rejected",
        EmailActivity::Removed => "removed",
        EmailActivity::Other => "other",
        EmailActivity::Submitted => "submitted",
    }
}

/// `action` in a mailbox.
pub const fn mailbox(action: MailboxAction) -> &'static str {
    match action {
        MailboxAction::Opened => "opened",
        MailboxAction::Fetch => "fetch",
        MailboxAction::Search => "search",
        MailboxAction::List => "list",
        MailboxAction::Command => "command",
        MailboxAction::Save => "save",
        MailboxAction::Copy => "copy",
        MailboxAction::Delete => "delete",
        MailboxAction::Undelete => "undelete",
        MailboxAction::Expunge => "expunge",
        MailboxAction::FlagChange => "flag_change",
        MailboxAction::MailboxCreate => "mailbox_create",
        MailboxAction::MailboxDelete => "mailbox_delete",
        MailboxAction::MailboxRename => "mailbox_rename",
        MailboxAction::SieveScript => "sieve_script",
    }
}

/// `action` on an account.
pub const fn account(activity: AccountActivity) -> &'static str {
    match activity {
        AccountActivity::PasswordChange => "password_change",
        AccountActivity::Create => "create",
        AccountActivity::Delete => "delete",
        AccountActivity::Other => "other",
    }
}

/// `action` of a packet filter or connection.
pub const fn network(action: NetAction) -> &'static str {
    match action {
        NetAction::Allowed => "allowed",
        NetAction::Blocked => "blocked",
        NetAction::Unknown => "unknown",
    }
}

/// `action` on a file.
pub const fn file(action: FileAction) -> &'static str {
    match action {
        FileAction::Open => "open",
        FileAction::Read => "read",
        FileAction::Create => "create",
        FileAction::Update => "update",
        FileAction::Delete => "delete",
        FileAction::Rename => "rename",
        FileAction::SetAttributes => "set_attributes",
        FileAction::SetSecurity => "set_security",
        FileAction::Transferred => "transferred",
    }
}

/// `action` of a DNS record.
pub const fn dns(activity: DnsActivity) -> &'static str {
    match activity {
        DnsActivity::Query => "query",
        DnsActivity::Response => "response",
        DnsActivity::Both => "query_response",
    }
}

/// `severity` and OCSF's `severity_id`.
pub const fn severity(severity: Severity) -> (&'static str, i64) {
    match severity {
        Severity::Info => ("info", 1),
        Severity::Warning => ("warning", 3),
        Severity::Error => ("error", 4),
    }
}

/// IANA protocol numbers that rules name.
pub const fn protocol(number: u8) -> &'static str {
    match number {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        58 => "icmpv6",
        132 => "sctp",
        _ => "",
    }
}
