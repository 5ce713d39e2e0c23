//! Words for the codes of the contract. A code that is not in a table is shown as it is: the
//! report must not hide what a newer case says.

use vauban_case::contract::{AccountStatus, Exfiltrated, Label, Level, Verdict};

use crate::{Lang, escape::shown};

/// `(code, English, French)`.
type Table = &'static [(&'static str, &'static str, &'static str)];

fn look(table: Table, code: &str, lang: Lang) -> String {
    match table.iter().find(|(c, ..)| c.eq_ignore_ascii_case(code)) {
        Some((_, en, fr)) => match lang {
            Lang::En => (*en).to_owned(),
            Lang::Fr => (*fr).to_owned(),
        },
        None => shown(code, 60),
    }
}

/// ICD 203 words of likelihood.
const CONFIDENCE: Table = &[
    ("almost no chance", "almost no chance", "quasi exclu"),
    ("very unlikely", "very unlikely", "très improbable"),
    ("unlikely", "unlikely", "improbable"),
    (
        "roughly even chance",
        "roughly even chance",
        "une chance sur deux environ",
    ),
    ("likely", "likely", "probable"),
    ("very likely", "very likely", "très probable"),
    ("almost certain", "almost certain", "quasi certain"),
];

const VECTOR: Table = &[
    (
        "password_spray",
        "password spray",
        "essai d’un même mot de passe sur de nombreux comptes",
    ),
    (
        "stolen_credentials",
        "stolen credentials",
        "identifiants volés",
    ),
    (
        "found_credentials",
        "credentials found in mail",
        "identifiants trouvés dans du courrier",
    ),
    ("lure", "hostile message", "message hostile"),
    (
        "password_change",
        "password change",
        "changement de mot de passe",
    ),
    ("unknown", "unknown", "inconnue"),
];

const SECRET: Table = &[
    ("password", "password", "mot de passe"),
    ("private_key", "private key", "clé privée"),
    ("api_token", "API token", "jeton d’API"),
    ("internal_host", "internal host", "machine interne"),
    (
        "url_credentials",
        "credentials in a URL",
        "identifiants dans une URL",
    ),
];

const PERSISTENCE: Table = &[
    (
        "sieve_redirect",
        "redirect rule (Sieve)",
        "règle de redirection (Sieve)",
    ),
    ("identity", "sender identity", "identité d’expéditeur"),
    ("web_shell", "web shell", "porte dérobée web"),
    ("forward", "forwarding", "transfert automatique"),
    ("ssh_key", "SSH key", "clé SSH"),
    ("cron", "scheduled task", "tâche planifiée"),
    ("filter", "mail filter", "filtre de messagerie"),
];

const OUTCOME: Table = &[
    ("allowed", "allowed", "acceptée"),
    ("refused", "refused", "refusée"),
    ("unanswered", "unanswered", "sans réponse"),
    ("blocked", "blocked", "bloquée"),
    ("unknown", "outcome unknown", "issue inconnue"),
];

const GRAVITY: Table = &[
    ("informational", "informational", "pour information"),
    ("low", "low", "faible"),
    ("medium", "medium", "moyen"),
    ("high", "high", "élevé"),
    ("critical", "critical", "critique"),
];

const DEADLINE: Table = &[
    ("now", "now", "immédiatement"),
    ("24 h", "within 24 hours", "sous 24 heures"),
    ("72 h", "within 72 hours", "sous 72 heures"),
    ("1 week", "within one week", "sous une semaine"),
    ("1 month", "within one month", "sous un mois"),
];

/// Protective markings, by the identifiers of `rules/markings`, as they are written on paper: the
/// same in both languages.
const MARKING: Table = &[
    (
        "fr-diffusion-restreinte",
        "DIFFUSION RESTREINTE",
        "DIFFUSION RESTREINTE",
    ),
    (
        "fr-confidentiel-defense",
        "CONFIDENTIEL DÉFENSE",
        "CONFIDENTIEL DÉFENSE",
    ),
    ("fr-secret", "SECRET", "SECRET"),
    ("fr-tres-secret", "TRÈS SECRET", "TRÈS SECRET"),
    ("fr-special-france", "SPÉCIAL FRANCE", "SPÉCIAL FRANCE"),
    (
        "eu-restricted",
        "RESTREINT UE/EU RESTRICTED",
        "RESTREINT UE/EU RESTRICTED",
    ),
    (
        "eu-confidential",
        "CONFIDENTIEL UE/EU CONFIDENTIAL",
        "CONFIDENTIEL UE/EU CONFIDENTIAL",
    ),
    ("eu-secret", "SECRET UE/EU SECRET", "SECRET UE/EU SECRET"),
    ("nato-restricted", "NATO RESTRICTED", "NATO RESTRICTED"),
    ("nato-secret", "NATO SECRET", "NATO SECRET"),
    ("tlp-amber", "TLP:AMBER", "TLP:AMBER"),
    ("tlp-red", "TLP:RED", "TLP:RED"),
];

/// The verdict in two or three words.
pub fn verdict(v: Verdict, lang: Lang) -> &'static str {
    match (v, lang) {
        (Verdict::Breached, Lang::En) => "Breached",
        (Verdict::Breached, Lang::Fr) => "Intrusion avérée",
        (Verdict::NoEvidenceOfBreach, Lang::En) => "No evidence of a breach",
        (Verdict::NoEvidenceOfBreach, Lang::Fr) => "Aucune trace d’intrusion",
        (Verdict::Inconclusive, Lang::En) => "Inconclusive",
        (Verdict::Inconclusive, Lang::Fr) => "Non concluant",
    }
}

/// Level of the ledger.
pub fn level(l: Level, lang: Lang) -> &'static str {
    match (l, lang) {
        (Level::Exposed, Lang::En) => "Exposed",
        (Level::Exposed, Lang::Fr) => "Exposé",
        (Level::Listed, Lang::En) => "Listed",
        (Level::Listed, Lang::Fr) => "Listé",
        (Level::Read, Lang::En) => "Read",
        (Level::Read, Lang::Fr) => "Lu",
        (Level::Downloaded, Lang::En) => "Downloaded",
        (Level::Downloaded, Lang::Fr) => "Téléchargé",
        (Level::Forwarded, Lang::En) => "Forwarded",
        (Level::Forwarded, Lang::Fr) => "Transféré",
    }
}

/// Whether content left.
pub fn exfiltrated(e: Exfiltrated, lang: Lang) -> &'static str {
    match (e, lang) {
        (Exfiltrated::NoEvidence, Lang::En) => "no evidence",
        (Exfiltrated::NoEvidence, Lang::Fr) => "aucune trace",
        (Exfiltrated::Possible, Lang::En) => "possible",
        (Exfiltrated::Possible, Lang::Fr) => "possible",
        (Exfiltrated::Confirmed, Lang::En) => "confirmed",
        (Exfiltrated::Confirmed, Lang::Fr) => "confirmée",
    }
}

/// Label of a session.
pub fn label(l: Label, lang: Lang) -> &'static str {
    match (l, lang) {
        (Label::Intruder, Lang::En) => "intruder",
        (Label::Intruder, Lang::Fr) => "intrus",
        (Label::Suspect, Lang::En) => "suspect",
        (Label::Suspect, Lang::Fr) => "suspecte",
        (Label::Legitimate, Lang::En) => "legitimate",
        (Label::Legitimate, Lang::Fr) => "légitime",
    }
}

/// State of an account.
pub fn account_status(s: AccountStatus, lang: Lang) -> &'static str {
    match (s, lang) {
        (AccountStatus::Compromised, Lang::En) => "compromised",
        (AccountStatus::Compromised, Lang::Fr) => "compromis",
        (AccountStatus::Targeted, Lang::En) => "targeted",
        (AccountStatus::Targeted, Lang::Fr) => "visé",
        (AccountStatus::Clean, Lang::En) => "clean",
        (AccountStatus::Clean, Lang::Fr) => "sain",
    }
}

/// ICD 203 word.
pub fn confidence(word: &str, lang: Lang) -> String {
    look(CONFIDENCE, word, lang)
}

/// Way in.
pub fn vector(code: &str, lang: Lang) -> String {
    look(VECTOR, code, lang)
}

/// Protective marking or class of content.
pub fn marking(code: &str) -> String {
    look(MARKING, code, Lang::En)
}

/// Kind of secret.
pub fn secret(code: &str, lang: Lang) -> String {
    look(SECRET, code, lang)
}

/// Kind of what was left behind.
pub fn persistence(code: &str, lang: Lang) -> String {
    look(PERSISTENCE, code, lang)
}

/// Outcome of an attempt at another host.
pub fn outcome(code: &str, lang: Lang) -> String {
    look(OUTCOME, code, lang)
}

/// How much a detection matters.
pub fn gravity(code: &str, lang: Lang) -> String {
    look(GRAVITY, code, lang)
}

/// Deadline of a next step: a word, or the instant when it is an RFC 3339 time.
pub fn deadline(code: &str, lang: Lang) -> String {
    if crate::fmt::seconds(code).is_some() {
        return crate::fmt::instant(code, lang);
    }
    look(DEADLINE, code, lang)
}

/// Protocol as people write it.
pub fn protocol(code: &str) -> String {
    match code {
        "imap" | "pop3" | "smtp" | "ssh" => code.to_ascii_uppercase(),
        "webmail" => "Webmail".to_owned(),
        "sieve" => "ManageSieve".to_owned(),
        other => shown(other, 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_complete_and_unknown_codes_are_shown() {
        for table in [
            CONFIDENCE,
            VECTOR,
            SECRET,
            PERSISTENCE,
            OUTCOME,
            DEADLINE,
            MARKING,
        ] {
            for (code, en, fr) in table {
                assert!(!code.is_empty() && !en.is_empty() && !fr.is_empty());
            }
        }
        assert_eq!(vector("zero_day\u{1b}", Lang::En), "zero_day⟨U+001B⟩");
        assert_eq!(deadline("72 h", Lang::Fr), "sous 72 heures");
        assert_eq!(
            deadline("2025-12-12T10:00:00Z", Lang::En),
            "12 December 2025, 10:00 UTC"
        );
    }
}
