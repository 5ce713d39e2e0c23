//! Keeps or drops each value of an article, with the reason.
//!
//! The order of the checks is the order of certainty: what a value *cannot* be, what nobody
//! should flag, what the article says it is, and last how it is written. To add a reason: a check
//! in [`Judge::verdict`] and a case in the tests.

use super::context::{self, Line, Section, Standing};
use super::scan::Candidate;
use super::words::{HOSTILE, NOT_HOSTILE, VERSION_TAILS, VERSION_WORDS};
use crate::IndicatorKind::{self, *};
use crate::collect::{Collector, cut};
use crate::value::{self, Value};

/// What the document as a whole tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits {
    /// Names and URLs are written defanged somewhere.
    pub(crate) defangs_names: bool,
    /// Addresses are written defanged somewhere.
    pub(crate) defangs_addresses: bool,
    /// Most lines are nothing but a value: a list.
    pub(crate) is_list: bool,
    /// Several domains stand live and alone in lines or cells: the author lists them so.
    pub(crate) lists_live_names: bool,
    /// Registrable domain of the site the article is on.
    pub(crate) own_site: Option<String>,
}

pub(crate) struct Judge<'a> {
    pub(crate) text: &'a str,
    pub(crate) habits: &'a Habits,
}

impl Judge<'_> {
    /// Whether to keep the candidate, and why.
    pub(crate) fn verdict(
        &self,
        c: &Candidate,
        line: &Line,
        standing: Standing,
        linked: bool,
        into: &Collector<'_>,
    ) -> (bool, String) {
        if let Some(flaw) = c.flaw {
            return (false, flaw.into());
        }
        let before = self.before(c, line);
        if c.value.kind == Ipv4
            && !c.defanged
            && c.value.port.is_none()
            && let Some(why) = self.version(c, line, &before, standing)
        {
            return (false, why);
        }
        let note = match into.judge(&c.value) {
            Ok(note) => note.text,
            Err(why) => return (false, why),
        };
        if let Some(why) = self.own_site(&c.value) {
            return (false, why);
        }
        let heading = || {
            cut(
                self.text[line.heading.0..line.heading.1].trim_matches(['#', '=', ' ', '*', ':']),
                80,
            )
        };
        match line.section {
            Section::References => {
                return (false, format!("stands under the heading \"{}\"", heading()));
            }
            Section::Victims => {
                return (
                    false,
                    format!(
                        "named as victim or legitimate, under the heading \"{}\"",
                        heading()
                    ),
                );
            }
            _ => {}
        }
        if let Some(cue) = not_hostile(&before) {
            return (
                false,
                format!("named as an example, a victim or what is imitated (\"{cue}\")"),
            );
        }
        // An exercise's address is an example unless the document gives it as an indicator.
        let exercise = note.contains("an exercise");
        if c.defanged {
            return (true, format!("written defanged{note}"));
        }
        if linked || c.target {
            return (
                false,
                "the target or text of a hyperlink: a reference".into(),
            );
        }
        let in_list = line.section == Section::Indicators || self.habits.is_list;
        let place = || {
            if self.habits.is_list {
                "in a list of values".to_owned()
            } else {
                format!("under the heading \"{}\"", heading())
            }
        };
        let is_name = matches!(c.value.kind, Domain | Url | EmailAddress);
        match c.value.kind {
            Md5 | Sha1 | Sha256 => {
                let git = ["commit", "revision", "sha1 of the commit", "tree", "blob"];
                let word = before.split_whitespace().next_back().unwrap_or("");
                if git.contains(&word.trim_matches(['`', ':', '(', '"'])) {
                    return (false, "the name of a commit".into());
                }
                return (true, format!("a hash names one file{note}"));
            }
            FileName => {
                return if in_list && standing != Standing::Running {
                    (true, format!("a file name, {}{note}", place()))
                } else {
                    (false, "a file name in running text".into())
                };
            }
            _ => {}
        }
        if line.section == Section::Measures && standing == Standing::Running {
            return (
                false,
                format!("named among measures, under the heading \"{}\"", heading()),
            );
        }
        let label_refers = standing == Standing::Labelled && label_is_reference(&before);
        if label_refers {
            return (false, "labelled as a reference".into());
        }
        let live_link =
            c.value.kind == Url && self.habits.defangs_names && line.section != Section::Indicators;
        if in_list && standing != Standing::Running && !live_link {
            return (true, format!("stands {}{note}", place()));
        }
        if c.value.kind == Domain
            && standing == Standing::Alone
            && self.habits.lists_live_names
            && !exercise
        {
            return (
                true,
                format!("one of several names that stand alone in lines or cells{note}"),
            );
        }
        let hostile = self.hostile(c, line);
        let defangs = if is_name {
            self.habits.defangs_names
        } else {
            self.habits.defangs_addresses
        };
        if defangs && is_name {
            return (
                false,
                "written live in a document that defangs its indicators: a reference".into(),
            );
        }
        if exercise {
            return (false, format!("an example{note}"));
        }
        if let Some(word) = hostile {
            return (true, format!("named with \"{word}\" in its sentence{note}"));
        }
        if standing != Standing::Running && !defangs && c.value.kind != Url {
            return (
                true,
                format!("stands by itself in a line, cell or behind a label{note}"),
            );
        }
        if defangs {
            return (
                false,
                "written live in a document that defangs its indicators".into(),
            );
        }
        if matches!(c.value.kind, Ipv4 | Ipv6 | Network) {
            return (
                true,
                format!("a public address in a document that defangs nothing{note}"),
            );
        }
        if in_list {
            return (
                false,
                "in running text under a heading of indicators, not defanged".into(),
            );
        }
        (
            false,
            "named in running text, neither defanged nor given as an indicator".into(),
        )
    }

    /// Text of the line before the candidate, at most 160 bytes, lower-case, from the last end of
    /// a sentence on.
    fn before(&self, c: &Candidate, line: &Line) -> String {
        let from = context::floor(self.text, c.start.saturating_sub(160).max(line.start));
        let before = self.text.get(from..c.start).unwrap_or("");
        let sentence = before.rfind(". ").map_or(before, |i| &before[i + 2..]);
        sentence.to_lowercase()
    }

    fn after(&self, c: &Candidate, line: &Line, max: usize) -> String {
        let to = context::floor(self.text, (c.end + max).min(line.end));
        self.text.get(c.end..to).unwrap_or("").to_lowercase()
    }

    fn hostile(&self, c: &Candidate, line: &Line) -> Option<&'static str> {
        let before = self.before(c, line);
        let after = self.after(c, line, 60);
        let after = after.split(". ").next().unwrap_or("");
        HOSTILE
            .iter()
            .copied()
            .find(|w| starts_word(&before, w) || starts_word(after, w))
    }

    /// Whether four numbers are a version or a section number.
    fn version(
        &self,
        c: &Candidate,
        line: &Line,
        before: &str,
        standing: Standing,
    ) -> Option<String> {
        let words: Vec<&str> = before
            .split(|ch: char| !(ch.is_alphanumeric() || "§-.".contains(ch)))
            .filter(|w| !w.is_empty())
            .rev()
            .take(4)
            .collect();
        // "version 1.2.3.4", "versions before 1.6.5.3", "1.6.5.1 through 1.6.5.3"; with a word
        // that speaks of addresses in between it is one ("the Exchange server at 1.2.3.4").
        let speaks_of_hosts = [
            "ip", "address", "adresse", "at", "host", "server", "serveur", "c2", "hôte",
        ];
        for word in &words {
            if speaks_of_hosts.contains(word) {
                break;
            }
            if VERSION_WORDS.contains(word) {
                return Some(format!(
                    "a version or section number (\"{word}\" stands before it)"
                ));
            }
        }
        let after = self.after(c, line, 40);
        let tail = after.trim_start_matches([' ', ')', '`', ',']);
        if let Some(t) = VERSION_TAILS.iter().find(|t| tail.starts_with(**t)) {
            return Some(format!("a version (\"{t}\" stands after it)"));
        }
        if before.ends_with(['<', '>', '≤', '≥'])
            || before.ends_with("< ")
            || before.ends_with("<= ")
        {
            return Some("a version (compared)".into());
        }
        // A numbered heading: small numbers, then a title.
        let small = c
            .value
            .value
            .split('.')
            .all(|n| n.parse::<u8>().is_ok_and(|n| n < 30));
        let first = before.trim_matches(['#', '=', ' ', '*']).is_empty();
        let title = self.text.get(c.end..line.end).unwrap_or("");
        let title = title.strip_prefix('.').unwrap_or(title);
        let titled = title.starts_with(' ')
            && title.trim_start().starts_with(|ch: char| ch.is_uppercase())
            && standing == Standing::Running;
        (small && first && (titled || line.is_heading)).then(|| "the number of a section".into())
    }

    fn own_site(&self, v: &Value) -> Option<String> {
        let own = self.habits.own_site.as_deref()?;
        let host = match v.kind {
            Url => value::host_of(&v.value)?.value,
            Domain => v.value.clone(),
            EmailAddress => v.value.rsplit('@').next()?.to_owned(),
            _ => return None,
        };
        (value::registrable(&host) == Some(own)).then(|| format!("on the article's own site {own}"))
    }
}

/// The cue that stands directly before the value, if one does.
fn not_hostile(before: &str) -> Option<&'static str> {
    let trim = |s: &str| {
        s.trim_end_matches([
            ' ', '"', '`', '“', '«', '(', ':', ',', '*', '\'', '‘', '\u{a0}',
        ])
        .len()
    };
    let mut text = &before[..trim(before)];
    // A generic noun may stand between: "the legitimate site x".
    for noun in [
        "site",
        "domain",
        "website",
        "server",
        "domaine",
        "serveur",
        "service",
        "address",
        "page",
        "adresse",
        "portal",
        "portail",
        "organisation",
    ] {
        if let Some(rest) = text.strip_suffix(noun) {
            text = &rest[..trim(rest)];
            break;
        }
    }
    NOT_HOSTILE.iter().copied().find(|cue| {
        text.strip_suffix(cue)
            .is_some_and(|r| r.chars().next_back().is_none_or(|c| !c.is_alphanumeric()))
    })
}

fn label_is_reference(before: &str) -> bool {
    let label = before.trim_end_matches([' ', ':', '=', '`', '"', '*']);
    let word = label
        .rsplit([' ', '\t', '-', '|', '*'])
        .next()
        .unwrap_or("");
    [
        "source",
        "sources",
        "reference",
        "référence",
        "ref",
        "see",
        "voir",
        "link",
        "lien",
        "website",
        "contact",
        "twitter",
        "blog",
        "information",
        "author",
        "auteur",
        "credit",
        "report",
        "rapport",
        "article",
    ]
    .contains(&word)
}

/// Whether `word` stands in `text` at the beginning of a word.
fn starts_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        text[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric())
    })
}

/// Whether a kind is a name rather than a number.
pub(crate) fn is_name(kind: IndicatorKind) -> bool {
    matches!(kind, Domain | Url | EmailAddress)
}
