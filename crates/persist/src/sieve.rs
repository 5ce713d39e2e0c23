//! Sieve scripts of mailboxes and global ones: what happens to mail when nobody looks.

use crate::names::{domain_of, resembles};
use crate::scan::Host;
use crate::subject::Subject;
use crate::tree::{name, parent};
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use vauban_mail::sieve::{Action, ActionKind, parse};
use vauban_ocsf::ObservableKind;

/// Words of mail that an intruder does not want the owner to see.
static WARNING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)secur|sécur|alert|warn|suspicious|suspect|hack|pirat|phish|hame[cç]on|fraud|virus|malware|compromi|unusual|inhabituel|sign.?in|log.?in|connexion|verif|vérif|mailer-daemon|postmaster|undeliver|non remis|delivery (status|fail)|bounce|helpdesk|csirt|\bsoc\b|abuse|2fa|mfa|password (was|has been|re)|(changement|réinitialis)\S* d[eu] mot de passe").unwrap_or_else(|_| never())
});
/// Words of mail that is worth stealing.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)password|passwd|mot de passe|identifiant|credential|secret|confiden|restreinte|classifi|invoice|facture|payment|paiement|virement|\biban\b|\brib\b|wire transfer|\bswift\b|\bvpn\b|otp|contrat|contract|passport|passeport|tender|appel d.offres").unwrap_or_else(|_| never())
});

fn never() -> Regex {
    // A class that nothing is in: both patterns above are constant and tested.
    Regex::new(r"[^\s\S]").unwrap_or_else(|_| unreachable!("a constant pattern"))
}

/// Folders that clients have and people do not open.
const HIDDEN_FOLDERS: &[&str] = &[
    "trash",
    "deleted items",
    "deleted messages",
    "deleted",
    "corbeille",
    "papierkorb",
    "éléments supprimés",
    "rss feeds",
    "rss subscriptions",
    "rss",
    "flux rss",
    "conversation history",
    "notes",
    "journal",
    "sync issues",
    "outbox",
];

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    let active = active(host);
    // A copy made without links has the script twice; it counts once, by its content.
    let mut seen: BTreeMap<(String, Vec<u8>), ()> = BTreeMap::new();
    let globals = crate::dovecot::sieve_globals(host);
    let mut paths: Vec<&str> = host
        .paths()
        .filter(|p| {
            is_script(p)
                || globals
                    .iter()
                    .any(|(_, g)| p == g || p.starts_with(&format!("{g}/")))
        })
        .collect();
    // Named scripts before `.dovecot.sieve`, so that a copy of one is known as such.
    paths.sort_by_key(|p| (name(p).starts_with('.'), *p));
    for path in paths {
        let Some(file) = host.file(path) else {
            continue;
        };
        if file.link.is_some() || path.ends_with(".svbin") || host.origin(path).pristine() {
            continue;
        }
        let Some(bytes) = host.read(path) else {
            continue;
        };
        let account = host.account_of(path);
        let scope = globals
            .iter()
            .find(|(_, g)| path == g || path.starts_with(&format!("{g}/")))
            .map_or(
                if account.is_empty() { "global" } else { "user" },
                |(s, _)| s,
            );
        let dotted = name(path).starts_with(".dovecot.sieve") || name(path) == ".sieve";
        let again = seen.insert((account.clone(), bytes.clone()), ()).is_some();
        if dotted && again {
            continue;
        }
        let is_active = scope != "user" || dotted || active.contains_key(path) || active.is_empty();
        let outside =
            active.contains_key(path) && !path.contains("/sieve/") && !path.contains("/.sieve/");
        let context = Context {
            path,
            account: &account,
            scope,
            active: is_active,
            beside_ui: scope == "user" && (dotted || outside),
        };
        script(host, &context, &bytes, out);
    }
}

struct Context<'c> {
    path: &'c str,
    account: &'c str,
    scope: &'c str,
    active: bool,
    beside_ui: bool,
}

fn is_script(path: &str) -> bool {
    let file = name(path);
    !path.contains("/doc/")
        && !path.contains("/tests/")
        && (file.ends_with(".sieve") || file == ".sieve")
}

/// Scripts that `.dovecot.sieve` links lead to.
fn active(host: &Host<'_>) -> BTreeMap<String, ()> {
    host.paths()
        .filter(|p| name(p) == ".dovecot.sieve")
        .map(|p| (host.follow(p), ()))
        .collect()
}

fn script(host: &Host<'_>, c: &Context<'_>, bytes: &[u8], out: &mut Vec<Subject>) {
    let script = parse(bytes);
    for e in script.errors.iter().take(3) {
        host.problem(c.path, format!("Sieve, offset {}: {}", e.offset, e.reason));
    }
    let text = host.text(c.path, bytes);
    // Managed scripts bear the webmail's comments; a rule without, among others, was put by hand.
    let managed = script.actions.iter().any(|a| !a.rule.is_empty());
    for action in &script.actions {
        if matches!(action.kind, ActionKind::Keep | ActionKind::Stop) {
            continue;
        }
        let targets: Vec<&str> = match action.kind {
            ActionKind::Redirect => action.argument.split(", ").collect(),
            _ => vec![action.argument.as_str()],
        };
        for to in targets {
            let subject = host
                .subject("sieve.action", c.path)
                .text("account", c.account)
                .at(text.place(action.range.start, action.range.end));
            out.push(facts(
                host,
                c,
                &script.actions,
                action,
                managed,
                to,
                subject,
            ));
        }
    }
}

fn facts(
    host: &Host<'_>,
    c: &Context<'_>,
    all: &[Action],
    action: &Action,
    managed: bool,
    to: &str,
    subject: Subject,
) -> Subject {
    let word = match &action.kind {
        ActionKind::Redirect => "redirect",
        ActionKind::FileInto => "fileinto",
        ActionKind::Discard => "discard",
        ActionKind::Keep => "keep",
        ActionKind::Reject => "reject",
        ActionKind::Vacation => "vacation",
        ActionKind::Stop => "stop",
        ActionKind::Flags => "flags",
        ActionKind::EditHeader => "header",
        ActionKind::Notify => "notify",
        ActionKind::Include => "include",
        ActionKind::Program => "program",
        ActionKind::Other(_) => "other",
    };
    let beside = || {
        all.iter().filter(|a| {
            a.conditions == action.conditions && a.rule == action.rule && a.range != action.range
        })
    };
    let keeps = action.copy
        || beside().any(|a| match a.kind {
            ActionKind::Keep => true,
            ActionKind::FileInto => !hidden_folder(&a.argument),
            _ => false,
        });
    let marks = beside().any(|a| {
        a.kind == ActionKind::Flags
            && a.argument.to_lowercase().contains("seen")
            && !a.tags.iter().any(|t| t == ":remove")
    });
    let conditions = action.conditions.join(" and ");
    let address = matches!(action.kind, ActionKind::Redirect | ActionKind::Notify);
    let target = to.trim_start_matches("mailto:");
    let domain = if address {
        domain_of(target).unwrap_or_default()
    } else {
        String::new()
    };
    let vacation = action.kind == ActionKind::Vacation;
    let lower = if vacation {
        to.to_lowercase()
    } else {
        String::new()
    };
    let rule = action.rule.trim();
    let foreign = address && host.domains.leaves(target, c.account);
    let mut subject = subject
        .text("action", word)
        .text("to", to)
        .text("domain", domain.as_str())
        .flag("foreign", foreign)
        .flag("resembles_owner", address && resembles(target, c.account))
        .flag("copy", keeps)
        .flag("everything", action.conditions.is_empty())
        .text("conditions", conditions.as_str())
        .flag("warning_words", WARNING.is_match(&conditions))
        .flag("secret_words", SECRET.is_match(&conditions))
        .flag(
            "hidden_folder",
            action.kind == ActionKind::FileInto && hidden_folder(to),
        )
        .flag("marks_read", marks)
        .flag("disabled", action.disabled)
        .flag("active", c.active)
        .flag("beside_ui", c.beside_ui)
        .text("scope", c.scope)
        .text("rule", rule)
        .flag(
            "nameless",
            managed && rule.chars().filter(|c| c.is_alphanumeric()).count() <= 1,
        )
        .flag(
            "text_url",
            vacation && (lower.contains("http://") || lower.contains("https://")),
        )
        .flag(
            "text_credentials",
            vacation
                && [
                    "password",
                    "mot de passe",
                    "iban",
                    "bank details",
                    "coordonnées bancaires",
                    "gift card",
                ]
                .iter()
                .any(|w| lower.contains(w)),
        );
    if action.kind == ActionKind::Program {
        subject = crate::shell::judge(&to.replace(", ", " "))
            .state(subject)
            .text("command", to);
    }
    if address {
        subject = subject.about(ObservableKind::EmailAddress, "email.to", target);
    }
    subject.about(ObservableKind::UserName, "user.name", c.account)
}

fn hidden_folder(folder: &str) -> bool {
    let last = folder
        .rsplit(['/', '.'])
        .next()
        .unwrap_or(folder)
        .trim()
        .to_lowercase();
    let whole = folder.trim().to_lowercase();
    HIDDEN_FOLDERS.contains(&last.as_str())
        || HIDDEN_FOLDERS.contains(&whole.as_str())
        || !whole.chars().any(char::is_alphanumeric)
        || whole.chars().count() == 1
}

impl Host<'_> {
    /// The mailbox or system account in whose directory a file lies, or `""`:
    /// `/var/mail/vhosts/DOMAIN/USER/…`, `/var/vmail/USER@DOMAIN/…`, `/home/USER/…`.
    pub(crate) fn account_of(&self, path: &str) -> String {
        if let Some(user) = self.accounts.home_owner(path) {
            return user;
        }
        let mut dir = parent(path);
        // Steps inside a home.
        while matches!(
            name(dir),
            "sieve"
                | "Maildir"
                | "mail"
                | "mdbox"
                | "sdbox"
                | "tmp"
                | "home"
                | ".sieve"
                | "scripts"
        ) || name(dir).starts_with('.')
        {
            dir = parent(dir);
        }
        let user = name(dir);
        let above = name(parent(dir));
        let store = [
            "/var/mail",
            "/var/vmail",
            "/srv/",
            "/var/spool/",
            "/home/",
            "/var/lib/",
            "/data/",
            "/mnt/",
            "/opt/",
        ]
        .iter()
        .any(|s| path.starts_with(s));
        let global = ["/var/lib/dovecot", "/etc/", "/usr/"]
            .iter()
            .any(|s| path.starts_with(s));
        if global || !store && path.starts_with("/var/") || user.is_empty() {
            return String::new();
        }
        if user.contains('@') || !above.contains('.') {
            return user.to_owned();
        }
        format!("{user}@{above}")
    }
}
