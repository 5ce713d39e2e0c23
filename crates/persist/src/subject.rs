//! What rules judge: one thing that was found, with facts about it.

use std::collections::BTreeMap;
use vauban_ocsf::{Observable, ObservableKind, Place, Timestamp};

/// A fact's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// Whether it is so.
    Flag(bool),
    /// How many, how long.
    Number(f64),
    /// Text as found.
    Text(String),
}

impl std::fmt::Display for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(v) => write!(f, "{v}"),
            Self::Number(v) => write!(f, "{v}"),
            Self::Text(v) => f.write_str(v),
        }
    }
}

/// A thing that was found: a Sieve action, a setting, a job, a script, an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Which of [`SUBJECTS`].
    pub kind: &'static str,
    /// Facts by name, as [`SUBJECTS`] lists them. A flag that is not there is false, a number 0, a
    /// text empty.
    pub facts: BTreeMap<&'static str, Fact>,
    /// Where it stands, at least one.
    pub places: Vec<Place>,
    /// When it was made, as far as the evidence tells.
    pub time: Option<Timestamp>,
    /// Values it is about.
    pub observables: Vec<Observable>,
}

/// Longest excerpt in a place, in characters.
const EXCERPT: usize = 240;

impl Subject {
    /// A subject of a kind, with nothing known of it.
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            facts: BTreeMap::new(),
            places: Vec::new(),
            time: None,
            observables: Vec::new(),
        }
    }

    /// States a text.
    pub fn text(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.insert(name, Fact::Text(value.into()));
        self
    }

    /// States that something is so, or is not.
    pub fn flag(mut self, name: &'static str, value: bool) -> Self {
        self.facts.insert(name, Fact::Flag(value));
        self
    }

    /// States a number.
    pub fn number(mut self, name: &'static str, value: f64) -> Self {
        self.facts.insert(name, Fact::Number(value));
        self
    }

    /// Adds a place; texts are cut to what a person reads.
    pub fn at(mut self, place: Place) -> Self {
        self.places.push(place);
        self
    }

    /// Adds a value that it is about; empty ones are left out.
    pub fn about(mut self, kind: ObservableKind, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.observables.push(Observable {
                kind,
                name: name.to_owned(),
                value: value.to_owned(),
            });
        }
        self
    }

    /// A fact that is a text, or `""`.
    pub fn get(&self, name: &str) -> &str {
        match self.facts.get(name) {
            Some(Fact::Text(text)) => text,
            _ => "",
        }
    }

    /// A fact that is a flag, false if it is not there.
    pub fn is(&self, name: &str) -> bool {
        matches!(self.facts.get(name), Some(Fact::Flag(true)))
    }
}

/// A text of an artefact, for making places in it.
#[derive(Copy, Clone, Debug)]
pub struct Text<'t> {
    /// As [`Place::artefact`].
    pub artefact: &'t str,
    /// All of it.
    pub bytes: &'t [u8],
}

impl Text<'_> {
    /// The place of a half-open range of bytes.
    pub fn place(&self, from: usize, to: usize) -> Place {
        let to = to.min(self.bytes.len());
        let from = from.min(to);
        let before = self.bytes.get(..from).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
        let piece = self.bytes.get(from..to).unwrap_or_default();
        Place {
            artefact: self.artefact.to_owned(),
            offset: from as u64,
            length: (to - from) as u64,
            line: Some(line),
            excerpt: brief(&String::from_utf8_lossy(piece)),
        }
    }

    /// The place of line `number` (from 1), without its terminator.
    pub fn line(&self, number: usize) -> Place {
        let mut at = 0;
        for (i, line) in self.bytes.split(|b| *b == b'\n').enumerate() {
            if i + 1 == number {
                return self.place(at, at + line.trim_ascii_end().len());
            }
            at += line.len() + 1;
        }
        self.whole()
    }

    /// The artefact as a whole, with its first line as excerpt.
    pub fn whole(&self) -> Place {
        let first = self.bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let printable = std::str::from_utf8(first).is_ok_and(|s| !s.chars().any(char::is_control));
        Place {
            artefact: self.artefact.to_owned(),
            offset: 0,
            length: self.bytes.len() as u64,
            line: None,
            excerpt: if printable {
                brief(&String::from_utf8_lossy(first))
            } else {
                String::new()
            },
        }
    }
}

/// Shortened to what a person reads.
pub fn brief(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A kind of subject: name, what it is, and its facts with what each means.
pub type Kind = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Facts that every subject has.
pub const COMMON: &[(&str, &str)] = &[
    ("path", "absolute path on the host"),
    ("account", "mailbox or system account, empty if none"),
    (
        "origin",
        "where the file comes from: unowned (no package), changed (differs from its package), edited (a package's configuration file, edited), generated (configuration a package's script wrote), unknown (the evidence does not tell). Files as packaged are not judged",
    ),
];

/// Facts about a command line or shell script; see `shell`.
pub const COMMAND: &[(&str, &str)] = &[
    ("command", "the command or the script's telling line"),
    ("fetch_run", "what a download brings is run"),
    ("fetches", "something is downloaded"),
    ("reverse_shell", "a shell is tied to a network connection"),
    ("decode_run", "encoded text is decoded and run"),
    (
        "temp_program",
        "a program in a directory for temporary or shared-memory files is run",
    ),
    (
        "hidden_program",
        "a program whose path has a hidden step is run",
    ),
    (
        "program_unowned",
        "the program run belongs to no package though the package list is complete",
    ),
    ("program", "the program run, if its path is absolute"),
    ("writes_keys", "an authorized_keys file is written"),
    (
        "writes_accounts",
        "accounts, passwords or sudo rights are changed",
    ),
    ("sets_suid", "a set-user-id bit is put on a file"),
    (
        "preload",
        "a library is put in front of others (LD_PRELOAD)",
    ),
    (
        "mail_out",
        "a mail store, or a file an unknown name is made of, is packed or sent to another host",
    ),
    ("sends_out", "files are sent to another host"),
    (
        "erases_traces",
        "logs or histories are deleted or switched off",
    ),
    (
        "password_grab",
        "a password prompt is imitated or what is typed is kept",
    ),
    (
        "hidden_text",
        "the line is written so that listing it does not show it (carriage return, escape sequences, a very long run of blanks)",
    ),
    (
        "raw_address",
        "a download or connection goes to a bare IP address",
    ),
];

/// All kinds of subjects. Rules that name another kind or fact are refused.
pub const SUBJECTS: &[Kind] = &[
    (
        "sieve.action",
        "an action of an active or stored Sieve script",
        &[
            (
                "action",
                "redirect, fileinto, discard, reject, vacation, program, notify, header, include, flags, other",
            ),
            ("to", "address, mailbox, program or text"),
            ("domain", "domain of the address"),
            (
                "foreign",
                "the address is outside the organisation's domains",
            ),
            ("resembles_owner", "the address has the owner's name in it"),
            ("copy", "the message stays in the mailbox as well"),
            ("everything", "no condition: every message"),
            ("conditions", "the conditions in words"),
            (
                "warning_words",
                "a condition picks security warnings, password mails or administrators' mail",
            ),
            (
                "secret_words",
                "a condition picks passwords, secrets, classified or money matters",
            ),
            (
                "hidden_folder",
                "the mailbox is one that nobody looks into: Trash, RSS, archive of another name, one character",
            ),
            ("marks_read", "the same rule sets \\Seen"),
            ("disabled", "switched off"),
            ("active", "the script is the active one, or a global one"),
            (
                "beside_ui",
                "active, but where the webmail and ManageSieve do not show it",
            ),
            ("scope", "user, before, after, global"),
            ("rule", "the rule's name in the webmail"),
            (
                "nameless",
                "a rule made without the webmail's comment, or with an empty or one-character name",
            ),
            ("text_url", "the answer has a link"),
            (
                "text_credentials",
                "the answer asks for a password or for payment",
            ),
        ],
    ),
    (
        "webmail.identity",
        "a sender identity in the webmail's database",
        &[
            ("email", "its address"),
            ("reply_to", "answers go to"),
            ("bcc", "blind copies go to"),
            ("foreign_email", "its address is outside the organisation"),
            ("foreign_reply_to", "answers leave the organisation"),
            ("foreign_bcc", "blind copies leave the organisation"),
            (
                "resembles_owner",
                "the foreign address has the owner's name in it",
            ),
            ("standard", "the default identity"),
        ],
    ),
    (
        "webmail.user",
        "a user of the webmail and her preferences",
        &[
            ("mail_host", "IMAP server"),
            (
                "foreign_host",
                "the IMAP server is another than that of nearly all users and not local",
            ),
            (
                "preference",
                "name of a preference that sends data elsewhere or runs something",
            ),
            ("value", "its value"),
            (
                "foreign_value",
                "the value names an address or host outside",
            ),
            ("sessions", "sessions in the database at the same time"),
            (
                "session_networks",
                "networks (/24, /48) these sessions come from",
            ),
        ],
    ),
    (
        "webmail.plugin",
        "a plugin of the webmail that no package brought",
        &[
            ("plugin", "its name"),
            ("enabled", "the configuration switches it on"),
            ("known", "the name is that of a published plugin"),
            (
                "missing",
                "enabled, but its directory is not in the evidence though others are",
            ),
            (
                "takes_password",
                "its code reads the password of the log-in",
            ),
            (
                "reads_mail",
                "its code hooks the sending or showing of messages",
            ),
            (
                "sends_out",
                "its code talks to another host or writes a file",
            ),
        ],
    ),
    (
        "webmail.setting",
        "a setting of the webmail",
        &[
            ("setting", "its name"),
            ("value", "its value"),
            ("foreign", "it names a host outside"),
        ],
    ),
    (
        "postfix.setting",
        "a parameter of Postfix",
        &[
            ("setting", "its name"),
            ("value", "its value"),
            (
                "service",
                "the service of master.cf that overrides it, empty for main.cf",
            ),
            ("foreign", "it names an address, domain or host outside"),
            ("local", "it names this host"),
            (
                "known",
                "the address is a usual local service (rspamd, OpenDKIM, ClamAV, …)",
            ),
        ],
    ),
    (
        "postfix.map",
        "an entry of a table that sends mail somewhere",
        &[
            (
                "map",
                "alias, virtual, recipient_bcc, sender_bcc, transport, header_checks, body_checks, canonical, forward_file, relocated, sender_relay",
            ),
            ("key", "address or pattern"),
            ("to", "where it goes"),
            ("foreign", "outside the organisation"),
            (
                "resembles_owner",
                "the foreign address has the owner's name in it",
            ),
            ("copy", "the owner keeps a copy"),
            (
                "everything",
                "the key takes every address of a domain, or all mail",
            ),
            ("program", "it is a program"),
            (
                "known_program",
                "a usual program (Mailman, procmail, vacation, …)",
            ),
            (
                "compiled_only",
                "the compiled table has it, its source has not",
            ),
            (
                "redirects",
                "a check redirects or copies instead of judging",
            ),
        ],
    ),
    (
        "dovecot.setting",
        "a setting of Dovecot",
        &[
            ("setting", "its name with its sections (passdb.driver)"),
            ("value", "its value"),
            (
                "nopassword",
                "a password database that accepts any password",
            ),
            ("master", "log-in as another user"),
            ("everyone", "it holds for all networks"),
            ("plain_log", "passwords are written to the log"),
            (
                "odd_path",
                "it names a program or library in an odd or unowned place",
            ),
            ("extprograms", "Sieve may run programs"),
        ],
    ),
    (
        "dovecot.user",
        "a line of a Dovecot user file",
        &[
            ("user", "its name"),
            ("master_file", "the file gives master users"),
            ("root", "user id 0"),
            ("nopassword", "no password is asked"),
            ("other_store", "the mail store of another user"),
            ("twice", "the name stands twice in the file"),
            ("plain_password", "the password stands in clear"),
        ],
    ),
    (
        "dovecot.acl",
        "a right on a mailbox given to another",
        &[
            ("to", "who"),
            ("rights", "which"),
            ("everybody", "anyone, or all authenticated users"),
            ("read", "may read"),
            ("write", "may insert, post or delete"),
            ("administer", "may change rights"),
            ("mailbox", "the mailbox"),
        ],
    ),
    (
        "web.script",
        "a script that a web server may run",
        &[
            ("score", "sum of the reasons' weights, from 0"),
            ("reasons", "why, with line numbers"),
            ("runs_input", "code or a command from the request is run"),
            (
                "runs_hidden",
                "packed or decoded code is run that does not stand in the file",
            ),
            (
                "packed_only",
                "packed code was unpacked as far as it goes and does nothing of the others",
            ),
            ("runs_remote", "code from another host is run"),
            (
                "includes_input",
                "the file to include is named by the request from its first character",
            ),
            (
                "stores_input",
                "the request chooses name or content of a file that is written",
            ),
            (
                "uploader",
                "a page of its own that stores uploads under a name from the request",
            ),
            ("takes_upload", "it looks at uploaded files"),
            (
                "file_manager",
                "a page of its own that lists, reads and changes files the request names",
            ),
            ("network_shell", "a shell is tied to a network connection"),
            (
                "grabs_password",
                "a password of the request is written to a file, mailed or sent to another host",
            ),
            (
                "hides_names",
                "names of functions or variables are put together so that they cannot be read",
            ),
            (
                "disguised",
                "PHP inside a file that is named, or begins, as an image or text",
            ),
            (
                "alone",
                "a page of its own: includes nothing, belongs to no class library",
            ),
            (
                "gate",
                "asks for its own password, whose hash stands in the file",
            ),
            ("web_root", "stands where the web server serves files"),
            ("beside_packaged", "its directory holds files of a package"),
            (
                "for_additions",
                "the place is made for additions (plugins, skins, configuration)",
            ),
            (
                "for_data",
                "the place is made for data: uploads, temporary files, logs, cache, attachments",
            ),
            ("hidden", "the name or a directory is hidden"),
            ("replaces", "stands in place of a packaged file"),
            ("language", "php, jsp, asp, perl, cgi"),
        ],
    ),
    (
        "web.setting",
        "a setting of PHP or of the web server",
        &[
            ("setting", "its name"),
            ("value", "its value"),
            (
                "file_kind",
                "php.ini, pool, user.ini, htaccess, apache, nginx",
            ),
            ("prepend", "code is put before or after every script"),
            (
                "prepend_odd",
                "that code has the name of no script, lies in a directory for temporary files, or comes over the network",
            ),
            (
                "prepend_known",
                "that code is a known web application firewall's",
            ),
            (
                "runs_as_php",
                "files that are no scripts by name are run as PHP",
            ),
            ("remote_include", "code may be included over the network"),
            ("loads", "a module is loaded"),
            (
                "loads_odd",
                "the module has a path of its own that belongs to no package, or lies in an odd place",
            ),
            ("for_data", "the file stands in a directory for data"),
            (
                "odd_program",
                "it names a program in an odd place or one that fetches and runs",
            ),
            (
                "injects",
                "text with a script of another host is put into pages",
            ),
        ],
    ),
    (
        "web.page",
        "a page or script for browsers that a package brought and somebody changed, or that stands beside such",
        &[
            ("foreign_script", "a script of another host is loaded"),
            (
                "sends_form",
                "what is typed into the log-in form is sent elsewhere",
            ),
            ("host", "which host"),
        ],
    ),
    (
        "file.changed",
        "a packaged file that differs from its package",
        &[
            ("package", "the package"),
            ("program", "a program, library or module"),
            ("script", "code of a web application"),
            ("active", "text that something acts on: unit, rule, hook"),
            ("documentation", "documentation, translation, image"),
        ],
    ),
    (
        "file.odd",
        "a file that no package owns, in a place where it has an effect",
        &[
            (
                "place",
                "suid, module, pam_module, generator, library, kernel_module, hidden_program, temp_program, python_path, daemon_module, link_out",
            ),
            (
                "interpreter",
                "the program is a shell, an interpreter or reads any file, by name or content",
            ),
            ("program", "it is an executable program by content"),
            (
                "writable_place",
                "everybody may write to its directory (/tmp, /var/tmp, /dev/shm)",
            ),
            (
                "complete",
                "the list of packages is complete, so that unowned is known",
            ),
            ("target", "target of a link"),
            (
                "imports",
                "it imports or runs code at the start of an interpreter",
            ),
        ],
    ),
    (
        "host.command",
        "a command or script that the host runs by itself or at log-in",
        &[
            (
                "where",
                "cron, at, systemd, generator, rc, profile, udev, apt, logrotate, motd, git, network, ssh_rc, initrd, dkms, alias_pipe, mail_pipe, sieve_program, polkit, modprobe, logging, fail2ban, web",
            ),
            ("user", "account it runs as, if known"),
            ("when", "schedule or trigger"),
            ("service_user", "that account is a service's"),
            ("often", "every few minutes, or at start-up"),
            ("dropin", "changes a unit of a package"),
            (
                "lookalike",
                "named like a part of the system, but by no package",
            ),
            ("known", "a usual administration tool"),
        ],
    ),
    (
        "host.account",
        "an account in passwd, shadow or group",
        &[
            ("user", "its name"),
            ("uid", "its number"),
            ("root", "number 0 and not root"),
            (
                "service",
                "a service's account (number below 1000 and not 0, or nobody)",
            ),
            ("shell", "its shell"),
            ("can_login", "its shell is one"),
            ("has_password", "a password is set"),
            ("empty_password", "no password is asked"),
            (
                "password_in_passwd",
                "the hash stands in passwd, readable by all",
            ),
            ("has_keys", "it has authorized keys"),
            ("usual_shell", "packages give this account a shell"),
            ("new", "not in passwd-, the copy that the last change left"),
            ("twice", "name or number stands twice"),
            (
                "lookalike",
                "named like another account, with odd characters or a final blank or dollar",
            ),
            ("group", "group that gives rights"),
            (
                "powerful_group",
                "member of a group that is as good as root",
            ),
        ],
    ),
    (
        "host.key",
        "a key that lets somebody log in",
        &[
            ("user", "the account"),
            ("service", "a service's account"),
            ("root", "root's"),
            ("comment", "the key's comment"),
            ("type", "its type"),
            ("forced_command", "a command is forced"),
            (
                "restricted",
                "from=, restrict or a forced command limits it",
            ),
            ("environment", "it sets variables"),
            ("hidden_text", "the line is written so that it is not seen"),
            ("shared", "the same key opens accounts of others too"),
            ("home", "it stands in the account's home directory"),
        ],
    ),
    (
        "host.sudo",
        "a rule of sudo",
        &[
            ("who", "for whom"),
            ("what", "which commands"),
            ("no_password", "no password is asked"),
            ("all", "every command"),
            ("everybody", "for every account"),
            ("service", "for a service's account"),
            ("shell_escape", "a command with which any other can be run"),
            (
                "weakens",
                "switches off password, log or clean environment for all",
            ),
            ("group", "for a group"),
        ],
    ),
    (
        "host.pam",
        "a line of PAM's configuration",
        &[
            ("service", "the service"),
            ("module", "the module"),
            ("control", "its control word"),
            ("lets_all_in", "anybody is let in"),
            ("runs_program", "a program is run at log-in"),
            ("gets_password", "the program gets the password"),
            ("module_unowned", "no package brought the module"),
            ("module_odd", "the module's path is odd"),
            ("program", "the program"),
        ],
    ),
    (
        "host.setting",
        "a setting of the host",
        &[
            ("setting", "its name"),
            ("value", "its value"),
            ("preload", "a library is put into every program"),
            ("library_owned", "that library belongs to a package"),
            (
                "keys_elsewhere",
                "keys are taken from an odd file or a program",
            ),
            (
                "odd_program",
                "it names a program in an odd or unowned place",
            ),
            ("empty_passwords", "accounts without password may log in"),
            (
                "foreign_ca",
                "an authority whose certificates are accepted as keys",
            ),
            ("untrusted_packages", "packages are taken without signature"),
            ("logging_off", "logging is switched off"),
        ],
    ),
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    SUBJECTS.iter().find(|(n, ..)| *n == name)
}

/// Whether a kind has a fact: its own, one of all, or (for those with a command) one of those.
pub fn has_fact(kind: &Kind, fact: &str) -> bool {
    let with_command = matches!(
        kind.0,
        "host.command" | "host.key" | "sieve.action" | "web.setting"
    );
    kind.2.iter().chain(COMMON).any(|(n, _)| *n == fact)
        || with_command && COMMAND.iter().any(|(n, _)| *n == fact)
}
