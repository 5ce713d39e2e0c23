//! Secrets that stand in clear in a text: passwords, keys, tokens, internal addresses.
//!
//! What an intruder who reads the message can use next. A word about passwords is no secret
//! ("mot de passe oublié ?", "your password expires"), so a password needs a separator and a
//! value, and the value must look like one. Secrets leave this file masked.

mod scan;

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use regex_automata::meta;
use regex_automata::util::captures::Captures;

use crate::Secret;
use crate::text::brief;
use scan::{Places, group};

/// Most secrets kept of one text.
const MAX: usize = 100;

static PASSWORD: LazyLock<meta::Regex> = LazyLock::new(|| {
    meta::Regex::new(
        r#"(?ix)
        \b(?P<word>mots?\s{1,2}de\s{1,2}passe|mdp|m\.d\.p\.?|passwords?|passwd|passphrase|pwd|pass|code\s{1,2}(?:d['’]acc[eè]s|secret|confidentiel|pin)|pin\s{1,2}code)
        (?P<middle>[^\n:=]{0,40}?)
        (?:\s{0,3}(?::|=|\bis\b|\best\b|→|->|=>)\s{0,3}\n{0,1}\s{0,3})
        (?:(?:le\s{1,2}suivant|the\s{1,2}following)\s{0,2}:?\s{0,3})?
        (?P<value>"[^"\n]{3,64}"|«\s{0,2}[^»\n]{3,64}?\s{0,2}»|'[^'\n]{3,64}'|`[^`\n]{3,64}`|[^\s,;<>"«»]{4,64})"#,
    )
    .expect("a constant pattern")
});

/// "mot de passe Xk9#mmQ2": no separator, so only what cannot be a word counts.
static PASSWORD_BARE: LazyLock<meta::Regex> = LazyLock::new(|| {
    meta::Regex::new(
        r#"(?ix)\b(?:mots?\s{1,2}de\s{1,2}passe|mdp|passwords?|passphrase|user/pass(?:word)?)\s{0,2}:?\s{1,2}(?:[^\s/]{1,64}\s/\s)?(?P<value>[^\s,;<>"«»]{8,64})"#,
    )
    .expect("a constant pattern")
});

static LOGIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)\b(?:identifiant|login|user(?:name)?|utilisateur|compte|nom d['’]utilisateur|account|id)\s{0,3}(?::|=|\bis\b|\best\b)\s{0,3}["«']?\s{0,2}(?P<login>[A-Za-z0-9._@\\+-]{2,64})"#,
    )
    .expect("a constant pattern")
});

static TOKEN: LazyLock<meta::Regex> = LazyLock::new(|| {
    meta::Regex::new(
        r"\b(?:(?P<aws>(?:AKIA|ASIA)[A-Z0-9]{16})|(?P<github>gh[pousr]_[A-Za-z0-9]{36,80}|github_pat_[A-Za-z0-9_]{60,90})|(?P<gitlab>glpat-[A-Za-z0-9_-]{20,40})|(?P<slack>xox[abposr]-[A-Za-z0-9-]{20,80})|(?P<google>AIza[A-Za-z0-9_-]{35})|(?P<stripe>[rs]k_live_[A-Za-z0-9]{20,60})|(?P<jwt>eyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{20,600}))",
    )
    .expect("a constant pattern")
});

static URL_CREDENTIALS: LazyLock<meta::Regex> = LazyLock::new(|| {
    meta::Regex::new(
        r#"(?i)\b(?P<scheme>[a-z][a-z0-9+.-]{1,15})://(?P<user>[^\s:/@"'<>]{1,64}):(?P<value>[^\s:/@"'<>]{1,128})@(?P<host>[A-Za-z0-9._\[\]-]{1,255}(?::\d{1,5})?)"#,
    )
    .expect("a constant pattern")
});

static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-----BEGIN (?P<kind>(?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?)-----\s+[A-Za-z0-9+/=:\s,-]{32}")
        .expect("a constant pattern")
});

static INTERNAL: LazyLock<meta::Regex> = LazyLock::new(|| {
    meta::Regex::new(
        r"(?ix)\b(?:(?P<scheme>[a-z][a-z0-9+.-]{1,15})://)?(?P<host>
            (?:10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})
            |(?:[a-z0-9-]{1,63}\.){1,5}(?:interne|intra|intranet|internal|corp|lan)\.(?:[a-z0-9-]{1,63}\.){0,4}[a-z]{2,10}
            |[a-z0-9](?:[a-z0-9-]{0,62}\.){1,6}(?:local|lan|intra|interne|internal|intranet|corp|home\.arpa)
        )\b(?P<port>:\d{1,5})?",
    )
    .expect("a constant pattern")
});

static APPLICATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)https?://|ssh|rdp|vpn|sftp|ftp|smb|ldap|\bsql|serveur|server|portail|portal|application|applicatif|appli\b|base de donn|database|\bbdd\b|acc[eè]s|access|admin|connexion|log[ -]?in|console|\bapi\b|\bhost|\bh[oô]te|bastion|intranet|url|compte|mot de passe|password|port\s?:?\s?\d",
    )
    .expect("a constant pattern")
});

/// Words that follow "password:" without being one.
const NO_PASSWORD: &[&str] = &[
    "oublié",
    "oubliée",
    "oublie",
    "forgot",
    "forgotten",
    "perdu",
    "lost",
    "reset",
    "expired",
    "expiré",
    "expire",
    "required",
    "requis",
    "obligatoire",
    "invalid",
    "invalide",
    "incorrect",
    "incorrecte",
    "incorrects",
    "changed",
    "changé",
    "modifié",
    "personnel",
    "confidentiel",
    "strictement",
    "protected",
    "protégé",
    "valable",
    "valid",
    "temporaire",
    "temporary",
    "your",
    "votre",
    "vos",
    "the",
    "this",
    "that",
    "ici",
    "here",
    "null",
    "none",
    "aucun",
    "n/a",
    "yes",
    "true",
    "false",
    "string",
    "hidden",
    "change",
    "changer",
    "unchanged",
    "inchangé",
    "same",
    "identique",
    "sent",
    "envoyé",
    "transmis",
    "communiqué",
    "different",
    "différent",
    "stored",
    "correct",
    "empty",
    "vide",
    "about",
    "going",
    "being",
    "also",
    "always",
    "never",
    "only",
    "very",
    "too",
    "not",
    "now",
    "needed",
    "nécessaire",
    "used",
    "utilisé",
    "compromis",
    "compromised",
    "weak",
    "faible",
    "strong",
    "case",
    "sensible",
    "secret",
    "unique",
    "donc",
    "pour",
    "dans",
    "avec",
    "bien",
    "trop",
    "déjà",
    "already",
    "composé",
    "what",
    "when",
    "something",
];

/// Finds the secrets of one text.
pub fn find(text: &str, part: &str) -> Vec<Secret> {
    find_at(text, part, &Places::find(text))
}

fn find_at(text: &str, part: &str, places: &Places) -> Vec<Secret> {
    let mut out = Vec::new();
    if memchr::memmem::find(text.as_bytes(), b"PRIVATE KEY").is_some() {
        private_keys(text, part, &mut out);
    }
    let every = places.everywhere;
    scan::within(&URL_CREDENTIALS, text, &places.urls, every, MAX, &mut |c| {
        let get = |name| group(c, name, text);
        let target = format!("{}://{}@{}", get("scheme"), get("user"), get("host"));
        push(&mut out, "url_credentials", &target, text, c, part);
    });
    scan::within(&TOKEN, text, &places.tokens, every, MAX, &mut |c| {
        let kind = [
            "aws", "github", "gitlab", "slack", "google", "stripe", "jwt",
        ]
        .into_iter()
        .find(|n| c.get_group_by_name(n).is_some())
        .unwrap_or_default();
        push(&mut out, "api_token", kind, text, c, part);
    });
    passwords(text, part, places, &mut out);
    bare_passwords(text, part, places, &mut out);
    internal_hosts(text, part, places, &mut out);
    out.sort();
    out.dedup();
    out
}

/// Octets of the whole match and of a group, the whole match where the group took no part.
fn ranges(c: &Captures, name: &str) -> Option<(Range<usize>, Range<usize>)> {
    let whole = c.get_match()?.range();
    let group = c
        .get_group_by_name(name)
        .map_or_else(|| whole.clone(), |s| s.range());
    Some((whole, group))
}

fn private_keys(text: &str, part: &str, out: &mut Vec<Secret>) {
    for c in PRIVATE_KEY.captures_iter(text).take(MAX) {
        let kind = c.name("kind").map_or("", |m| m.as_str());
        out.push(Secret {
            kind: "private_key".into(),
            target: kind.to_owned(),
            masked: "**".into(),
            context: format!("-----BEGIN {kind}-----"),
            part: part.to_owned(),
        });
    }
}

fn passwords(text: &str, part: &str, places: &Places, out: &mut Vec<Secret>) {
    scan::at(&PASSWORD, text, places, 10_000, &mut |c| {
        let Some((whole, value_at)) = ranges(c, "value") else {
            return;
        };
        let raw = group(c, "value", text);
        let value = clean(raw);
        let quoted = raw.len() > value.len() + 1;
        let middle = group(c, "middle", text).to_lowercase();
        let copula = !text[whole.start..value_at.start].contains([':', '=', '→', '>']);
        if out.len() >= MAX || !plausible(value, quoted, copula) || denies(&middle) {
            return;
        }
        let target = target_near(text, whole.start, whole.end);
        push_at(out, "password", &target, text, value, value_at.start, part);
    });
}

/// Passwords that follow the word directly.
fn bare_passwords(text: &str, part: &str, places: &Places, out: &mut Vec<Secret>) {
    scan::at(&PASSWORD_BARE, text, places, 10_000, &mut |c| {
        let Some((whole, value_at)) = ranges(c, "value") else {
            return;
        };
        let value = clean(group(c, "value", text));
        if out.len() >= MAX || !random_looking(value) || !plausible(value, false, true) {
            return;
        }
        let target = target_near(text, whole.start, whole.end);
        push_at(out, "password", &target, text, value, value_at.start, part);
    });
}

/// At least three of the four classes that password policies ask for, a digit among them, and no
/// address or date.
fn random_looking(value: &str) -> bool {
    let has = |f: fn(char) -> bool| value.chars().any(f);
    let digit = has(|c| c.is_ascii_digit());
    let classes = [
        digit,
        has(char::is_lowercase),
        value.chars().skip(1).any(char::is_uppercase),
        has(|c| !c.is_alphanumeric()),
    ];
    digit
        && classes.iter().filter(|x| **x).count() >= 3
        && !value.contains('@')
        && !value.contains("//")
        && value
            .chars()
            .filter(|c| c.is_ascii_digit() || "/-.:".contains(*c))
            .count()
            < value.chars().count()
}

/// The value without quotes and the punctuation of the sentence.
fn clean(raw: &str) -> &str {
    let inner = raw.trim_matches(['"', '\'', '`', '«', '»', ' ', '\u{a0}']);
    if inner.len() < raw.len() {
        return inner;
    }
    let trimmed = raw.trim_end_matches(['.', ')', ',', ';']);
    if trimmed.len() >= 4 { trimmed } else { raw }
}

/// Whether a value looks like a password rather than the next word of the sentence.
fn plausible(value: &str, quoted: bool, copula: bool) -> bool {
    let lower = value.to_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric());
    if value.chars().count() < 4 || NO_PASSWORD.contains(&bare) || bare.is_empty() {
        return false;
    }
    // Masks, placeholders, template variables and addresses of pages.
    if value
        .chars()
        .all(|c| matches!(c, '*' | '•' | 'x' | 'X' | '.' | '_' | '-' | '#' | '?' | '='))
        || value.starts_with(['<', '{', '[', '$', '%', '('])
        || value.starts_with("http")
        || value.starts_with("www.")
        || value.contains("****")
    {
        return false;
    }
    let digit = value.chars().any(|c| c.is_ascii_digit());
    let letter = value.chars().any(char::is_alphabetic);
    let sign = value
        .trim_end_matches(['.', '!', '?', ':'])
        .chars()
        .any(|c| !c.is_alphanumeric());
    let mixed =
        value.chars().skip(1).any(char::is_uppercase) && value.chars().any(char::is_lowercase);
    let strong =
        (digit && letter) || (sign && letter && value.len() >= 6 && !word_like(value)) || mixed;
    // "password is X" needs more than a word; "password: X" or quotes say that X is the value.
    if copula {
        strong || quoted
    } else {
        strong || quoted || (digit && value.len() >= 4) || bare_word(value)
    }
}

/// A word with hyphens or apostrophes, as in running text ("c'est-à-dire").
fn word_like(value: &str) -> bool {
    value
        .chars()
        .all(|c| c.is_lowercase() || matches!(c, '-' | '\'' | '’' | '.' | '/' | ':'))
}

/// After a colon a single lower-case word of some length may be a bad password ("bienvenue").
fn bare_word(value: &str) -> bool {
    value.len() >= 6 && value.chars().all(|c| c.is_ascii_lowercase())
}

/// "password policy:", "mot de passe oublié :" speak about passwords.
fn denies(middle: &str) -> bool {
    [
        "oubli",
        "forgot",
        "perdu",
        "lost",
        "policy",
        "politique",
        "expir",
        "reset",
        "réinit",
        "reinit",
        "change",
        "chang",
        "modif",
        "manager",
        "gestion",
        "protect",
        "?",
        "conseil",
        "hint",
        "indice",
        "length",
        "longueur",
        "caractère",
        "character",
        "ne ",
        "not ",
        "jamais",
        "never",
        "http",
        "strength",
    ]
    .iter()
    .any(|w| middle.contains(w))
}

/// The account or system named on the same lines, at most 300 octets before and 120 after.
fn target_near(text: &str, start: usize, end: usize) -> String {
    let from = floor(text, start.saturating_sub(300));
    let to = floor(text, (end + 120).min(text.len()));
    let window = &text[from..to];
    let login = LOGIN
        .captures_iter(window)
        .filter_map(|c| c.name("login"))
        .min_by_key(|m| (from + m.start()).abs_diff(start))
        .map(|m| m.as_str().trim_end_matches('.').to_owned());
    let host = INTERNAL.find(window).map(|m| window[m.range()].to_owned());
    match (login, host) {
        (Some(l), Some(h)) => format!("{l} @ {h}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}

fn internal_hosts(text: &str, part: &str, places: &Places, out: &mut Vec<Secret>) {
    let every = places.everywhere;
    scan::within(&INTERNAL, text, &places.hosts, every, 10_000, &mut |c| {
        let Some(m) = c.get_match() else { return };
        let host = group(c, "host", text);
        // A version number or a longer dotted number is no address.
        let octets = host.split('.').all(|o| o.parse::<u8>().is_ok());
        let numeric = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let longer = text[m.end()..].starts_with(|c: char| c.is_alphanumeric() || c == '@')
            || text[m.end()..]
                .strip_prefix('.')
                .is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
            || text[..m.start()].ends_with(['.', '@', '-']);
        if out.len() >= MAX || longer || (numeric && !octets) || in_trace(text, m.start()) {
            return;
        }
        let from = floor(text, m.start().saturating_sub(80));
        let to = floor(text, (m.end() + 80).min(text.len()));
        let scheme =
            c.get_group_by_name("scheme").is_some() || c.get_group_by_name("port").is_some();
        if !scheme && !APPLICATION.is_match(&text[from..to]) {
            return;
        }
        let found = text[m.range()].to_owned();
        if out
            .iter()
            .any(|s| s.kind == "internal_host" && s.target == found)
        {
            return;
        }
        out.push(Secret {
            kind: "internal_host".into(),
            target: found.clone(),
            masked: found,
            context: brief(&text[from..to], 120),
            part: part.to_owned(),
        });
    });
}

/// Whether an address stands in a quoted mail header (Received, X-Originating-IP): a trace of
/// delivery, not a pointer to a system.
fn in_trace(text: &str, at: usize) -> bool {
    let near = floor(text, at.saturating_sub(1000));
    let line = text[near..at].rfind('\n').map_or(near, |i| near + i + 1);
    let before =
        text[floor(text, line.saturating_sub(200).max(at.saturating_sub(1000)))..at].to_lowercase();
    [
        "received:",
        "x-originating",
        "x-sender-ip",
        "esmtp",
        "smtp id",
    ]
    .iter()
    .any(|w| before.contains(w))
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn push(out: &mut Vec<Secret>, kind: &str, target: &str, text: &str, c: &Captures, part: &str) {
    if let Some((_, value)) = ranges(c, "value")
        && out.len() < MAX
    {
        push_at(
            out,
            kind,
            target,
            text,
            &text[value.clone()],
            value.start,
            part,
        );
    }
}

fn push_at(
    out: &mut Vec<Secret>,
    kind: &str,
    target: &str,
    text: &str,
    value: &str,
    at: usize,
    part: &str,
) {
    let masked = mask(value);
    let from = floor(text, at.saturating_sub(70));
    let to = floor(text, (at + value.len() + 30).min(text.len()));
    // The secret may stand twice in the window; no copy of it leaves.
    let context = brief(&text[from..to].replace(value, &masked), 120);
    out.push(Secret {
        kind: kind.into(),
        target: target.to_owned(),
        masked,
        context,
        part: part.to_owned(),
    });
}

/// The first two characters and a mask that does not tell the length.
fn mask(value: &str) -> String {
    let shown = if value.chars().count() >= 6 { 2 } else { 1 };
    value.chars().take(shown).collect::<String>() + "******"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(String, String)> {
        find(text, "1")
            .into_iter()
            .map(|s| (s.kind, s.masked))
            .collect()
    }

    #[test]
    fn passwords_french_and_english() {
        for (text, masked) in [
            ("Mot de passe : Tulipe!2024", "Tu******"),
            ("identifiant: jdupont / mdp: azerty42", "az******"),
            ("Your password is Xk9#mmQ2.", "Xk******"),
            ("Le mot de passe est « Printemps 2025 »", "Pr******"),
            ("password=hunter2", "hu******"),
            ("Mot de passe du portail = bienvenue", "bi******"),
            ("pwd:1234", "1******"),
            (
                "yann.treguidec, mot de passe ZxPDRhF6Yc#g (avec son accord)",
                "Zx******",
            ),
            ("password Qw7rtyUiop (mind the case)", "Qw******"),
            ("user/pass: depot / S3cr#t9Zx", "S3******"),
        ] {
            let found = find(text, "1");
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(
                (found[0].kind.as_str(), found[0].masked.as_str()),
                ("password", masked),
                "{text}"
            );
        }
        let s = &find(
            "Accès portail https://app.interne.exemple.fr\nLogin : m.martin\nMot de passe : Zorro-77",
            "1",
        );
        let p = s.iter().find(|s| s.kind == "password").unwrap();
        assert_eq!(p.target, "m.martin @ https://app.interne.exemple.fr");
        assert!(!p.context.contains("Zorro-77"));
    }

    #[test]
    fn talk_about_passwords_is_no_secret() {
        for text in [
            "Mot de passe oublié ? Cliquez ici",
            "Votre mot de passe est personnel et confidentiel.",
            "Your password is about to expire",
            "Password: ********",
            "Changement de mot de passe : procédure",
            "password policy: at least twelve characters",
            "Le mot de passe : il doit changer tous les ans",
            "mot de passe : <votre mot de passe>",
            "I pass: no",
            "mot de passe temporairement suspendu",
            "password expires 2025-12-01",
            "le mot de passe ministere2025 est interdit",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn keys_tokens_urls_and_hosts() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq3m0y3q2f9r1c2p3q4\nx";
        assert_eq!(kinds(key)[0].0, "private_key");
        assert_eq!(kinds("AKIAIOSFODNN7EXAMPLE")[0].0, "api_token");
        let url = find("voir sftp://depot:S3same@files.example.org/", "1");
        assert_eq!(
            (url[0].kind.as_str(), url[0].target.as_str()),
            ("url_credentials", "sftp://depot@files.example.org")
        );
        assert!(!url[0].context.contains("S3same"));
        for host in [
            "http://10.20.1.5:8080/app",
            "serveur 192.168.4.2",
            "connexion ssh à bastion.interne.exemple.fr",
            "portail http://fichiers.local",
        ] {
            assert_eq!(find(host, "1")[0].kind, "internal_host", "{host}");
        }
        for none in [
            "version 10.2.3.4.5 du serveur",
            "Received: from x (10.0.0.1) by server",
            "le 192.168.1.300 serveur",
            "rue du local",
        ] {
            assert_eq!(kinds(none), [], "{none}");
        }
    }

    fn everywhere() -> Places {
        Places {
            everywhere: true,
            ..Places::default()
        }
    }

    #[test]
    fn letters_that_fold_to_ascii_are_not_missed() {
        for text in [
            "PA\u{17f}\u{17f}WORD: hunter2x",
            "mots de pa\u{17f}se : Tulipe!2024",
        ] {
            assert_eq!(kinds(text).len(), 1, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_same_matches_as_over_the_whole_text(pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "mot de passe", "mots", " ", "  ", "\n", ":", " : ", "=", "password", "PassWord",
                "pass", "mdp", "pwd", "code", "code d'accès", "pin code", "m.d.p.", "user/pass",
                "est", "is", "Xk9#mmQ2", "Tulipe!2024", "« Printemps 2025 »", "é", "_", "x", "/",
                "://", "http", "sftp", "depot", "@", "10.1.2.3", "192.168.4.2", "172.16.0.9", ".",
                "a.local", "intranet", ".interne.", "exemple", "fr", ".lan", "corp", ":8080", "-",
                "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9", "glpat-aaaaaaaaaaaaaaaaaaaa",
                "serveur ", "\"", "'", "<", "\u{2003}", "\u{212a}", "٣", "host.home.arpa",
            ]), 0..40)) {
            let text = pieces.concat();
            proptest::prop_assert_eq!(find(&text, "1"), find_at(&text, "1", &everywhere()), "{}", text);
        }
    }

    #[test]
    #[ignore = "slow; other people's mail"]
    fn the_same_on_a_corpus() {
        let dir = std::env::var("VAUBAN_TEXTS").expect("a folder of texts");
        let mut n = 0;
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(
                find(&text, ""),
                find_at(&text, "", &everywhere()),
                "{:?}",
                entry.path()
            );
            n += 1;
        }
        assert!(n > 0);
    }
}
