//! The verdict, how sure it is, what would settle it, and what to do.

use crate::contract::{AccountStatus, Case, Confidence, Label, NextStep, Text, Verdict};
use crate::coverage::{self, Hole};
use crate::judge::Judgement;
use crate::model::{Model, text};
use vauban_ocsf::DAY;

/// Words of estimative probability of ICD 203 (2015), with their intervals.
const WORDS: &[(&str, f64, f64)] = &[
    ("almost no chance", 0.01, 0.05),
    ("very unlikely", 0.05, 0.20),
    ("unlikely", 0.20, 0.45),
    ("roughly even chance", 0.45, 0.55),
    ("likely", 0.55, 0.80),
    ("very likely", 0.80, 0.95),
    ("almost certain", 0.95, 0.99),
];

fn confidence(word: &str) -> Confidence {
    let (word, low, high) = WORDS.iter().find(|(w, ..)| *w == word).copied().unwrap_or((
        "roughly even chance",
        0.45,
        0.55,
    ));
    Confidence {
        word: word.into(),
        low,
        high,
    }
}

/// Days of log-in records below which a clean result says little.
const DAYS_FOR_SURE: i64 = 7;

/// Fills verdict, confidence, summary, what is unknowable, and next steps.
pub fn conclude(case: &mut Case, m: &Model<'_>, judged: &[Judgement], holes: &[Hole]) {
    let strongest = judged
        .iter()
        .filter(|j| j.label == Label::Intruder)
        .map(|j| j.score)
        .fold(0.0, f64::max);
    let hostile_trace = case
        .persistence
        .iter()
        .any(|p| p.label == Label::Intruder && p.kind != "sieve_redirect");
    let suspects = case.totals.sessions_suspect > 0
        || case.persistence.iter().any(|p| p.label == Label::Suspect);
    let logins = coverage::can_show_logins(m);
    let stale = coverage::stale_by(m);
    let days = span_days(m);
    if strongest > 0.0 {
        case.verdict = Verdict::Breached;
        case.confidence = confidence(match strongest {
            s if s >= 90.0 => "almost certain",
            s if s >= 75.0 => "very likely",
            _ => "likely",
        });
    } else if hostile_trace {
        case.verdict = Verdict::Breached;
        case.confidence = confidence("very likely");
    } else if suspects || !logins || stale.is_some() {
        case.verdict = Verdict::Inconclusive;
        case.confidence = confidence("roughly even chance");
    } else {
        case.verdict = Verdict::NoEvidenceOfBreach;
        case.confidence = confidence(if days >= DAYS_FOR_SURE && holes.is_empty() {
            "very likely"
        } else {
            "likely"
        });
    }
    settle(case, m, logins, stale, suspects, holes);
    unknowable(case, m);
    summarise(case);
    steps(case);
}

fn span_days(m: &Model<'_>) -> i64 {
    let first = m.clients.iter().map(|c| c.start).min();
    let last = m.clients.iter().map(|c| c.end).max();
    match (first, last) {
        (Some(a), Some(b)) => (b.0 - a.0) / DAY,
        _ => 0,
    }
}

fn settle(
    case: &mut Case,
    m: &Model<'_>,
    logins: bool,
    stale: Option<i64>,
    suspects: bool,
    holes: &[Hole],
) {
    let mut add = |en: &str, fr: &str| case.would_settle.push(text(en, fr));
    if !logins {
        add(
            "Logs that record log-ins: the mail log (Dovecot, Postfix) and the web server's access log.",
            "Des journaux de connexions : le journal de messagerie (Dovecot, Postfix) et le journal d’accès du serveur web.",
        );
    }
    if let Some(seconds) = stale {
        let d = seconds / 86_400;
        add(
            &format!(
                "The logs of the last {d} days before the copy: the newest message is that much younger than the last record."
            ),
            &format!(
                "Les journaux des {d} derniers jours avant la copie : le message le plus récent est d’autant plus jeune que la dernière trace."
            ),
        );
    }
    if suspects {
        add(
            "The owners of the suspect sessions: was it you, from there, at that time?",
            "Les titulaires des sessions suspectes : était-ce vous, de là, à ce moment ?",
        );
    }
    if m.obs.requests.is_empty() {
        add(
            "The access log of the webmail's web server: without it, what was read in webmail is not known.",
            "Le journal d’accès du webmail : sans lui, ce qui y a été lu n’est pas connu.",
        );
    }
    if !holes.is_empty() {
        add(
            "The records missing in the periods listed under coverage, from backups or a central log server.",
            "Les traces manquantes des périodes indiquées, depuis des sauvegardes ou un serveur de journaux.",
        );
    }
    if m.obs.flows.is_empty() {
        add(
            "Flow records (conntrack, NetFlow, Zeek) of the period: they bound what left, whatever the daemons logged.",
            "Des relevés de flux (conntrack, NetFlow, Zeek) de la période : ils bornent ce qui est sorti, quoi qu’aient noté les services.",
        );
    }
}

fn unknowable(case: &mut Case, m: &Model<'_>) {
    let exported = m.obs.mailbox.iter().any(|r| !m.name(r.command).is_empty());
    if !m.daemon.is_empty() && !exported {
        case.unknowable.push(text(
            "Which messages an IMAP session read: Dovecot records only their number and octets unless its event export (imap_command_finished, mail_opened) is on.",
            "Quels messages une session IMAP a lus : Dovecot n’en note que le nombre et les octets, sauf export d’événements (imap_command_finished, mail_opened).",
        ));
    }
    if !m.obs.requests.is_empty() {
        case.unknowable.push(text(
            "Whether a message shown in webmail was also saved on the reader's side (screen copy, browser cache).",
            "Si un message affiché dans le webmail a aussi été conservé côté lecteur (copie d’écran, cache du navigateur).",
        ));
        let packed = m
            .obs
            .requests
            .iter()
            .any(|r| r.action == crate::webreq::Action::ZipMessages);
        if packed {
            case.unknowable.push(text(
                "Which messages a ZIP download of selected messages held: the selection is in the body of the request, which no log has.",
                "Quels messages contenait un téléchargement ZIP de messages choisis : la sélection est dans le corps de la requête, qu’aucun journal ne garde.",
            ));
        }
    }
    if m.universe.is_empty() {
        case.unknowable.push(text(
            "Sizes and contents of messages: the evidence holds no mail store.",
            "Tailles et contenus des messages : aucune boîte ne figure dans les éléments.",
        ));
    }
}

/// Octets in decimal units with one decimal, rounded down or up, so that a rounded bound is still
/// one: `339679` is at least `339.6 kB` and at most `339.7 kB`.
fn octets(n: u64, up: bool, french: bool) -> String {
    let (unit, name) = match n {
        u64::MAX => return "∞".into(),
        n if n < 1000 => return format!("{n} {}", if french { "o" } else { "B" }),
        n if n < 1_000_000 => (1000, if french { "ko" } else { "kB" }),
        n if n < 1_000_000_000 => (1_000_000, if french { "Mo" } else { "MB" }),
        _ => (1_000_000_000, if french { "Go" } else { "GB" }),
    };
    let tenths = if up {
        n.div_ceil(unit / 10)
    } else {
        n / (unit / 10)
    };
    let point = if french { ',' } else { '.' };
    format!("{}{point}{} {name}", tenths / 10, tenths % 10)
}

fn summarise(case: &mut Case) {
    let period = |case: &Case| -> (String, String) {
        let from = case
            .coverage
            .iter()
            .filter_map(|c| c.from.as_deref())
            .min()
            .unwrap_or("?");
        let to = case
            .coverage
            .iter()
            .filter_map(|c| c.to.as_deref())
            .max()
            .unwrap_or("?");
        (
            from.get(..10).unwrap_or(from).to_string(),
            to.get(..10).unwrap_or(to).to_string(),
        )
    };
    let (from, to) = period(case);
    let t = &case.totals;
    let s: Text = match case.verdict {
        Verdict::Breached => {
            let first = case
                .accounts
                .iter()
                .filter(|a| a.status == AccountStatus::Compromised)
                .filter_map(|a| a.first.as_deref())
                .min()
                .unwrap_or("?");
            let first = first.get(..16).unwrap_or(first).replace('T', " ") + " UTC";
            let names: Vec<&str> = case
                .accounts
                .iter()
                .filter(|a| a.status == AccountStatus::Compromised)
                .map(|a| a.account.as_str())
                .collect();
            let shown = if names.len() > 4 {
                format!("{} (+{})", names[..4].join(", "), names.len() - 4)
            } else {
                names.join(", ")
            };
            let left_behind = case
                .persistence
                .iter()
                .filter(|p| p.label == Label::Intruder)
                .count();
            text(
                format!(
                    "Breached since {first}: {} account(s) ({shown}), {} session(s) of an intruder. {} message(s) and {} attachment(s) were read, of which {} and {} were downloaded; {} message(s) were forwarded. Between {} and {} of content left. {left_behind} thing(s) were left behind.",
                    t.accounts_compromised,
                    t.sessions_intruder,
                    t.messages_read,
                    t.documents_read,
                    t.messages_downloaded,
                    t.documents_downloaded,
                    t.messages_forwarded,
                    octets(t.bytes_min, false, false),
                    octets(t.bytes_max, true, false),
                ),
                format!(
                    "Compromission depuis {first} : {} compte(s) ({shown}), {} session(s) d’un intrus. {} message(s) et {} pièce(s) jointe(s) lus, dont {} et {} téléchargés ; {} message(s) réexpédiés. Entre {} et {} de contenu sont sortis. {left_behind} trace(s) persistante(s).",
                    t.accounts_compromised,
                    t.sessions_intruder,
                    t.messages_read,
                    t.documents_read,
                    t.messages_downloaded,
                    t.documents_downloaded,
                    t.messages_forwarded,
                    octets(t.bytes_min, false, true),
                    octets(t.bytes_max, true, true),
                ),
            )
        }
        Verdict::NoEvidenceOfBreach => text(
            format!(
                "No evidence of a breach in what was given, {from} to {to}: {} sessions of {} accounts were judged, none is an intruder's.",
                t.sessions, t.accounts
            ),
            format!(
                "Aucune trace de compromission dans les éléments fournis, du {from} au {to} : {} sessions de {} comptes examinées, aucune d’un intrus.",
                t.sessions, t.accounts
            ),
        ),
        Verdict::Inconclusive => text(
            format!(
                "The evidence, {from} to {to}, does not settle whether there was a breach: {} suspect session(s). See what would settle it.",
                t.sessions_suspect
            ),
            format!(
                "Les éléments, du {from} au {to}, ne permettent pas de conclure : {} session(s) suspecte(s). Voir ce qui permettrait de trancher.",
                t.sessions_suspect
            ),
        ),
    };
    (case.summary, case.summary_fr) = (s.en, s.fr);
}

fn steps(case: &mut Case) {
    let mut out = Vec::new();
    let mut step = |what: &str, what_fr: &str, why: &str, why_fr: &str, deadline: &str| {
        out.push(NextStep {
            what: what.into(),
            what_fr: what_fr.into(),
            why: why.into(),
            why_fr: why_fr.into(),
            deadline: deadline.into(),
        });
    };
    if case.verdict == Verdict::Breached {
        step(
            "Preserve the servers' disks and logs before changing anything.",
            "Préserver les disques et journaux des serveurs avant toute modification.",
            "What is rotated away now cannot be examined later.",
            "Ce qui est effacé par rotation ne pourra plus être examiné.",
            "now",
        );
        step(
            "Close the sessions and change the passwords of the compromised accounts, from a clean machine.",
            "Fermer les sessions et changer les mots de passe des comptes compromis, depuis un poste sain.",
            "The intruder's log-ins still work.",
            "Les accès de l’intrus fonctionnent encore.",
            "now",
        );
        if case
            .persistence
            .iter()
            .any(|p| p.label != Label::Legitimate)
        {
            step(
                "Remove what was left behind (redirects, scripts), after copying it as evidence.",
                "Retirer ce qui a été laissé (redirections, scripts), après copie comme preuve.",
                "Mail goes on leaving after passwords are changed.",
                "Le courrier continue de sortir après le changement des mots de passe.",
                "now",
            );
        }
        if !case.secrets.is_empty() {
            step(
                "Reset the secrets that stood in messages within the intruder's reach, in the order of the list.",
                "Renouveler les secrets figurant dans les messages à portée de l’intrus, dans l’ordre de la liste.",
                "They open other systems.",
                "Ils ouvrent d’autres systèmes.",
                "24 h",
            );
        }
        step(
            "Send the early warning (NIS2 art. 23(4)(a)), if the organisation falls under it.",
            "Envoyer l’alerte précoce (NIS2 art. 23, §4, a), si l’organisme y est soumis.",
            "Due within 24 hours of becoming aware.",
            "Due sous 24 heures après en avoir pris connaissance.",
            "24 h",
        );
        step(
            "Notify the data-protection authority (GDPR art. 33) and send the NIS2 notification; drafts are in this directory.",
            "Notifier l’autorité de protection des données (RGPD art. 33) et envoyer la notification NIS2 ; les projets sont dans ce dossier.",
            "Personal data in mailboxes was within reach of others.",
            "Des données personnelles étaient à portée de tiers.",
            "72 h",
        );
        step(
            "Send the final report (NIS2 art. 23(4)(d)).",
            "Envoyer le rapport final (NIS2 art. 23, §4, d).",
            "Due one month after the notification.",
            "Dû un mois après la notification.",
            "1 month",
        );
    }
    if case.verdict == Verdict::Inconclusive {
        step(
            "Get what would settle it, listed above, and run again.",
            "Obtenir ce qui permettrait de trancher, puis relancer.",
            "Missing records are not innocence.",
            "L’absence de traces n’est pas l’innocence.",
            "24 h",
        );
    }
    if case
        .unknowable
        .iter()
        .any(|u| u.en.contains("event export"))
    {
        step(
            "Turn on Dovecot's event export for imap_command_finished and mail_opened.",
            "Activer l’export d’événements de Dovecot pour imap_command_finished et mail_opened.",
            "The next question “which messages were read?” can then be answered.",
            "La prochaine question « quels messages ont été lus ? » aura alors une réponse.",
            "1 month",
        );
    }
    case.next_steps = out;
}

#[cfg(test)]
mod tests {
    use super::octets;

    #[test]
    fn rounded_bounds_are_still_bounds() {
        for (n, low, high) in [
            (339_679, "339.6 kB", "339.7 kB"),
            (1_214_047, "1.2 MB", "1.3 MB"),
            (999, "999 B", "999 B"),
            (2_000_000_000, "2.0 GB", "2.0 GB"),
        ] {
            assert_eq!(
                (octets(n, false, false), octets(n, true, false)),
                (low.into(), high.into())
            );
        }
        assert_eq!(octets(1_214_047, true, true), "1,3 Mo");
    }
}
