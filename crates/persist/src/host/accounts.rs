//! Accounts of the host, as other inspectors need them.

use crate::scan::Host;
use crate::subject::Subject;

/// An account of `passwd`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub home: String,
}

/// All accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    pub list: Vec<Account>,
}

/// Homes that several system accounts share and that are nobody's.
const SHARED: &[&str] = &[
    "",
    "/",
    "/bin",
    "/sbin",
    "/dev",
    "/usr",
    "/usr/sbin",
    "/var",
    "/nonexistent",
    "/run",
    "/proc",
    "/tmp",
    "/etc",
    "/usr/bin",
    "/var/spool",
    "/var/lib",
    "/home",
    "/opt",
    "/srv",
];

impl Accounts {
    pub fn read(host: &Host<'_>) -> Self {
        let Some(bytes) = host.read("/etc/passwd") else {
            return Self::default();
        };
        let list = String::from_utf8_lossy(&bytes)
            .lines()
            .filter_map(|line| {
                let f: Vec<&str> = line.split(':').collect();
                Some(Account {
                    name: (*f.first()?).to_owned(),
                    uid: f.get(2)?.parse().ok()?,
                    home: f.get(5)?.trim_end_matches('/').to_owned(),
                })
            })
            .collect();
        Self { list }
    }

    pub fn get(&self, name: &str) -> Option<&Account> {
        self.list.iter().find(|a| a.name == name)
    }

    /// Whether an account is a service's: a number below 1000 that is not root's, or nobody's.
    pub fn service(&self, name: &str) -> bool {
        match self.get(name) {
            Some(a) => {
                a.uid != 0 && (a.uid < 1000 || a.uid == 65534) || matches!(name, "vmail" | "nobody")
            }
            None => matches!(
                name,
                "www-data"
                    | "apache"
                    | "nginx"
                    | "vmail"
                    | "postfix"
                    | "dovecot"
                    | "dovenull"
                    | "nobody"
                    | "mail"
                    | "mysql"
                    | "daemon"
                    | "bin"
                    | "sys"
                    | "games"
                    | "lp"
                    | "news"
                    | "uucp"
                    | "proxy"
                    | "backup"
                    | "list"
                    | "irc"
            ),
        }
    }

    /// Whose home a path lies in, the longest home first.
    pub fn home_owner(&self, path: &str) -> Option<String> {
        let store = self
            .list
            .iter()
            // Mail stores under a service's home belong to mailboxes, not to the service.
            .filter(|a| !SHARED.contains(&a.home.as_str()) && !self.service(&a.name))
            .filter(|a| {
                path.strip_prefix(a.home.as_str())
                    .is_some_and(|r| r.starts_with('/'))
            })
            .max_by_key(|a| a.home.len());
        store.map(|a| a.name.clone())
    }
}

/// Groups whose members are as good as root.
const POWERFUL: &[&str] = &[
    "root", "sudo", "wheel", "admin", "docker", "disk", "shadow", "lxd", "libvirt", "kmem",
];

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    passwd(host, out);
    groups(host, out);
}

fn shadow(host: &Host<'_>) -> std::collections::BTreeMap<String, String> {
    let bytes = host.read("/etc/shadow").unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .lines()
        .filter_map(|l| {
            let mut f = l.split(':');
            Some((f.next()?.to_owned(), f.next()?.to_owned()))
        })
        .collect()
}

/// Accounts to which packages give a shell.
const SHELLS_BY_PACKAGES: &[&str] = &[
    "root",
    "postgres",
    "git",
    "gitea",
    "gitlab",
    "jenkins",
    "oracle",
    "nagios",
    "icinga",
    "zabbix",
    "backuppc",
    "barman",
    "cyrus",
    "list",
    "vagrant",
    "gitolite3",
    "gitolite",
    "forgejo",
    "sync",
    "amavis",
    "solr",
    "elasticsearch",
    "opendkim",
    "uucp",
    "rundeck",
    "buildbot",
    "munin",
    "proxmox",
    "ceph",
    "tomcat",
    "kolab",
    "zimbra",
    "gitlab-runner",
    "www",
    "debian-spamd",
    "sympa",
    "mailman",
    "libvirt-qemu",
    "speech-dispatcher",
    "hplip",
];

fn passwd(host: &Host<'_>, out: &mut Vec<Subject>) {
    let path = "/etc/passwd";
    let Some(bytes) = host.read(path) else { return };
    let hashes = shadow(host);
    let before: Option<Vec<String>> = host.read("/etc/passwd-").map(|b| {
        String::from_utf8_lossy(&b)
            .lines()
            .filter_map(|l| l.split(':').next().map(str::to_owned))
            .collect()
    });
    let keys: std::collections::BTreeSet<String> = host
        .paths()
        .filter(|p| {
            p.ends_with("/.ssh/authorized_keys") && host.file(p).is_some_and(|f| f.size > 0)
        })
        .map(|p| crate::tree::parent(crate::tree::parent(p)).to_owned())
        .collect();
    let text = String::from_utf8_lossy(&bytes);
    let mut seen: std::collections::BTreeMap<String, usize> = Default::default();
    for (i, line) in text.lines().enumerate() {
        let f: Vec<&str> = line.split(':').collect();
        let (Some(user), Some(password), Some(uid)) = (
            f.first(),
            f.get(1),
            f.get(2).and_then(|u| u.parse::<u32>().ok()),
        ) else {
            if !line.trim().is_empty() && !line.starts_with(['#', '+', '-']) {
                host.problem(path, format!("line {}: no account", i + 1));
            }
            continue;
        };
        let shell = f.get(6).copied().unwrap_or("").trim();
        let home = f.get(5).copied().unwrap_or("").trim_end_matches('/');
        let can_login = ["sh", "bash", "zsh", "dash", "ksh", "fish", "tcsh", "csh"]
            .contains(&crate::tree::name(shell))
            || shell.is_empty();
        let hash = hashes.get(*user).map_or("", String::as_str);
        let real = |h: &str| h.starts_with('$') || h.len() == 13 && !h.starts_with(['!', '*']);
        let service = uid != 0 && (uid < 1000 || uid == 65534);
        let odd = !user.is_ascii()
            || user.ends_with([' ', '$'])
            || user.starts_with(['.', ' '])
            || user.contains(|c: char| c.is_control());
        let twice = seen.insert((*user).to_owned(), i).is_some();
        let mut place = host.text(path, &bytes).line(i + 1);
        if real(password) {
            place.excerpt = line.replace(password, "…");
        }
        out.push(
            host.subject("host.account", path)
                .text("user", *user)
                .text("account", *user)
                .number("uid", f64::from(uid))
                .text("shell", shell)
                .flag("root", uid == 0 && *user != "root")
                .flag("service", service)
                .flag("can_login", can_login)
                .flag("has_password", real(hash) || real(password))
                .flag(
                    "empty_password",
                    password.is_empty()
                        || *password == "x" && hashes.contains_key(*user) && hash.is_empty(),
                )
                .flag("password_in_passwd", real(password))
                .flag("has_keys", keys.contains(home) && home.len() > 1)
                .flag("usual_shell", SHELLS_BY_PACKAGES.contains(user))
                .flag(
                    "new",
                    before
                        .as_ref()
                        .is_some_and(|b| !b.iter().any(|n| n == user)),
                )
                .flag("twice", twice)
                .flag("lookalike", odd)
                .at(place)
                .about(vauban_ocsf::ObservableKind::UserName, "user.name", user),
        );
    }
}

fn groups(host: &Host<'_>, out: &mut Vec<Subject>) {
    let path = "/etc/group";
    let Some(bytes) = host.read(path) else { return };
    for (i, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
        let f: Vec<&str> = line.split(':').collect();
        let (Some(group), Some(members)) = (f.first(), f.get(3)) else {
            continue;
        };
        if !POWERFUL.contains(group) {
            continue;
        }
        for user in members
            .split(',')
            .map(str::trim)
            .filter(|m| !m.is_empty() && *m != "root")
        {
            out.push(
                host.subject("host.account", path)
                    .text("user", user)
                    .text("account", user)
                    .text("group", *group)
                    .flag("powerful_group", true)
                    .flag("service", host.accounts.service(user))
                    .at(host.text(path, &bytes).line(i + 1))
                    .about(vauban_ocsf::ObservableKind::UserName, "user.name", user),
            );
        }
    }
}
