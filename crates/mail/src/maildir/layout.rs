//! From paths to accounts and mailboxes.

use std::collections::{BTreeMap, BTreeSet};

use vauban_ocsf::ArtefactId;

use super::utf7;

/// Where in the mailbox a message file lies.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// `cur`: a client has seen that it is there.
    Cur,
    /// `new`: delivered, no client has looked since.
    New,
    /// `tmp`: being written when copied; never delivered.
    Tmp,
}

/// A message file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFile {
    /// The artefact.
    pub artefact: ArtefactId,
    /// File name without directory.
    pub name: String,
    /// `cur`, `new` or `tmp`.
    pub state: State,
}

/// The files of one mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxFiles {
    /// Account: `user@domain` when the path has both, else `user`.
    pub account: String,
    /// IMAP name with `/` as separator.
    pub name: String,
    /// Directory that holds `cur` and `new`.
    pub directory: String,
    /// Message files in order of path.
    pub messages: Vec<MessageFile>,
    /// `dovecot-uidlist` or `courierimapuiddb`.
    pub uidlist: Option<ArtefactId>,
    /// `dovecot-keywords`.
    pub keywords: Option<ArtefactId>,
}

/// A file that holds many messages or one with metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFile {
    /// The artefact.
    pub artefact: ArtefactId,
    /// Account as the path tells it.
    pub account: String,
    /// IMAP name; `""` for mdbox storage, whose messages name their mailbox themselves.
    pub name: String,
    /// What it is.
    pub kind: StoreKind,
}

/// Kinds of [`StoreFile`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// `u.<UID>` below `dbox-Mails`: one message.
    Sdbox {
        /// IMAP UID from the file name.
        uid: u32,
    },
    /// `m.<n>` below `storage`: many messages of all mailboxes.
    Mdbox,
}

/// What was found in a set of paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Maildir mailboxes by account and name.
    pub mailboxes: Vec<MailboxFiles>,
    /// dbox files in order of path.
    pub dbox: Vec<StoreFile>,
}

/// A path below a mailbox; `None` for its index files.
type Found<'p> = (ArtefactId, &'p str, Option<State>);

impl Layout {
    /// Groups paths (`/` separated, in any order). Paths that belong to no store are ignored.
    pub fn from_paths<'a>(paths: impl IntoIterator<Item = (ArtefactId, &'a str)>) -> Layout {
        let mut dirs: BTreeMap<&str, Vec<Found<'_>>> = BTreeMap::new();
        let mut dbox = Vec::new();
        for (artefact, path) in paths {
            let Some((dir, file)) = path.rsplit_once('/') else {
                continue;
            };
            let (parent, last) = dir.rsplit_once('/').unwrap_or(("", dir));
            let state = match last {
                "cur" => Some(State::Cur),
                "new" => Some(State::New),
                "tmp" => Some(State::Tmp),
                _ => None,
            };
            if let Some(state) = state {
                if is_message(file) {
                    dirs.entry(parent)
                        .or_default()
                        .push((artefact, path, Some(state)));
                }
            } else if matches!(
                file,
                "dovecot-uidlist" | "courierimapuiddb" | "dovecot-keywords"
            ) {
                dirs.entry(dir).or_default().push((artefact, path, None));
            } else if let Some(found) = dbox_file(artefact, path) {
                dbox.push((path, found));
            }
        }
        let known: BTreeSet<&str> = dirs.keys().copied().collect();
        let mut mailboxes: Vec<MailboxFiles> = dirs
            .into_iter()
            .map(|(dir, files)| mailbox(dir, files, &known))
            .collect();
        mailboxes.sort_by(|a, b| {
            (&a.account, &a.name, &a.directory).cmp(&(&b.account, &b.name, &b.directory))
        });
        dbox.sort_by(|a, b| a.0.cmp(b.0));
        Layout {
            mailboxes,
            dbox: dbox.into_iter().map(|x| x.1).collect(),
        }
    }
}

/// Files in `cur` and `new` that are messages: dot files and Dovecot's own are not.
fn is_message(file: &str) -> bool {
    !file.starts_with('.') && !file.starts_with("dovecot") && !file.is_empty()
}

fn mailbox(dir: &str, mut files: Vec<Found<'_>>, known: &BTreeSet<&str>) -> MailboxFiles {
    files.sort_by(|a, b| a.1.cmp(b.1));
    let (root, name) = place(dir, known);
    let mut out = MailboxFiles {
        account: account(root),
        name,
        directory: dir.to_owned(),
        ..MailboxFiles::default()
    };
    for (artefact, path, state) in files {
        let file = path.rsplit_once('/').map_or(path, |x| x.1);
        match (state, file) {
            (Some(state), _) => {
                out.messages.push(MessageFile {
                    artefact,
                    name: file.to_owned(),
                    state,
                });
            }
            (None, "dovecot-keywords") => out.keywords = Some(artefact),
            (None, _) => out.uidlist = Some(artefact),
        }
    }
    out
}

/// The root of the account's store and the mailbox's name in it.
fn place<'d>(dir: &'d str, known: &BTreeSet<&str>) -> (&'d str, String) {
    let (parent, last) = dir.rsplit_once('/').unwrap_or(("", dir));
    // Maildir++: every mailbox but INBOX is a dot directory right below the root. A store may be
    // named ".maildir" itself.
    if let Some(name) = last.strip_prefix('.')
        && !is_root_name(last)
        && !name.is_empty()
    {
        return (parent, decoded(name.split('.')));
    }
    // fs layout: mailboxes nest as directories below the root.
    let mut root = None;
    let mut at = if is_root_name(last) { "" } else { parent };
    while let Some((up, base)) = at.rsplit_once('/') {
        // The outermost mailbox is the root; without one, the nearest directory named as stores
        // are. "/var/mail" is named so too, but holds accounts.
        let home = || up.rsplit('/').nth(1) == Some("home");
        let named = is_root_name(base) && (!base.eq_ignore_ascii_case("mail") || home());
        if known.contains(at) || (named && root.is_none()) {
            root = Some(at);
        }
        at = up;
    }
    match root.and_then(|r| Some((r, dir.strip_prefix(r)?.strip_prefix('/')?))) {
        Some((root, below)) => (root, decoded(below.split('/'))),
        None => (dir, "INBOX".to_owned()),
    }
}

fn decoded<'p>(pieces: impl Iterator<Item = &'p str>) -> String {
    let name = pieces.map(utf7::decode).collect::<Vec<_>>().join("/");
    if name.eq_ignore_ascii_case("inbox") {
        "INBOX".to_owned()
    } else {
        name
    }
}

/// Directory names that hold a store and say nothing about the account.
fn is_root_name(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "maildir" | ".maildir" | "mail" | "mails" | "mdbox" | "sdbox" | "dbox"
    )
}

/// The account that a store's root directory belongs to.
pub fn account(root: &str) -> String {
    let mut parts: Vec<&str> = root.split('/').filter(|p| !p.is_empty()).collect();
    while parts.len() > 1 && parts.last().is_some_and(|p| is_root_name(p)) {
        parts.pop();
    }
    let Some(user) = parts.pop() else {
        return String::new();
    };
    if user.contains('@') {
        return user.to_lowercase();
    }
    // Hash directories between domain and user: "x.fr/d/u/dupont".
    while parts
        .last()
        .is_some_and(|p| p.chars().count() <= 2 && !p.contains('.'))
    {
        parts.pop();
    }
    match parts.last() {
        Some(domain) if is_domain(domain) => format!("{user}@{}", domain.to_lowercase()),
        _ => user.to_owned(),
    }
}

fn is_domain(name: &str) -> bool {
    let Some((_, top)) = name.rsplit_once('.') else {
        return false;
    };
    !name.starts_with('.')
        && top.len() >= 2
        && top.chars().all(char::is_alphabetic)
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}

fn dbox_file(artefact: ArtefactId, path: &str) -> Option<StoreFile> {
    let (dir, file) = path.rsplit_once('/')?;
    if let Some(number) = file.strip_prefix("m.") {
        number.parse::<u32>().ok()?;
        let root = dir.strip_suffix("/storage")?;
        return Some(StoreFile {
            artefact,
            account: account(root),
            name: String::new(),
            kind: StoreKind::Mdbox,
        });
    }
    let uid = file.strip_prefix("u.")?.parse().ok()?;
    let mailbox = dir.strip_suffix("/dbox-Mails")?;
    let (root, name) = mailbox.rsplit_once("/mailboxes/")?;
    Some(StoreFile {
        artefact,
        account: account(root),
        name: decoded(name.split('/')),
        kind: StoreKind::Sdbox { uid },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<(String, String, usize)> {
        Layout::from_paths(
            paths
                .iter()
                .enumerate()
                .map(|(i, p)| (ArtefactId(i as u32), *p)),
        )
        .mailboxes
        .into_iter()
        .map(|m| (m.account, m.name, m.messages.len()))
        .collect()
    }

    #[test]
    fn the_usual_places() {
        type Want<'w> = &'w [(&'w str, &'w str, usize)];
        let cases: &[(&[&str], Want<'_>)] = &[
            (
                &[
                    "h/home/anna/Maildir/cur/1.a:2,S",
                    "h/home/anna/Maildir/.Sent/cur/2.a",
                    "h/home/anna/Maildir/.Projets.2025/new/3.a",
                ],
                &[
                    ("anna", "INBOX", 1),
                    ("anna", "Projets/2025", 1),
                    ("anna", "Sent", 1),
                ],
            ),
            (
                &[
                    "var/mail/vhosts/x.fr/jean/Maildir/new/1.a",
                    "var/mail/vhosts/x.fr/jean/Maildir/.&AMk-t&AOk-/cur/1.b",
                ],
                &[("jean@x.fr", "INBOX", 1), ("jean@x.fr", "Été", 1)],
            ),
            (
                &[
                    "var/mail/x.fr/jean/cur/1.a",
                    "var/vmail/jean@X.fr/.Envoyés/cur/1.b",
                ],
                &[("jean@x.fr", "Envoyés", 1), ("jean@x.fr", "INBOX", 1)],
            ),
            (
                &[
                    "mail/x.fr/j/d/jdoe/cur/1.a",
                    "mail/x.fr/j/d/jdoe/Projets/2025/cur/2.a",
                    "mail/x.fr/j/d/jdoe/dovecot-uidlist",
                ],
                &[("jdoe@x.fr", "INBOX", 1), ("jdoe@x.fr", "Projets/2025", 1)],
            ),
        ];
        for (paths, want) in cases {
            let want: Vec<_> = want
                .iter()
                .map(|(a, n, c)| ((*a).to_owned(), (*n).to_owned(), *c))
                .collect();
            assert_eq!(names(paths), want);
        }
    }

    #[test]
    fn dbox_paths() {
        let l = Layout::from_paths([
            (ArtefactId(0), "home/a/mdbox/storage/m.3"),
            (
                ArtefactId(1),
                "v/x.fr/b/sdbox/mailboxes/Sent/dbox-Mails/u.12",
            ),
            (
                ArtefactId(2),
                "v/x.fr/b/sdbox/mailboxes/Sent/dbox-Mails/dovecot.index",
            ),
        ]);
        assert_eq!(l.dbox.len(), 2);
        assert_eq!(l.dbox[1].kind, StoreKind::Sdbox { uid: 12 });
        assert_eq!(
            (l.dbox[1].account.as_str(), l.dbox[1].name.as_str()),
            ("b@x.fr", "Sent")
        );
    }
}
