//! `report.html`: one file that a minister can read from the top and a responder can search.
//!
//! Self-contained and readable without script: nothing is loaded from anywhere (the content
//! security policy forbids it), and the one inline script only sorts, filters and pages the ledger
//! and opens evidence beside the text. Every string of the evidence is escaped by `maud` after
//! [`crate::escape::shown`].
//!
//! One file per kind of content: [`answer`] (verdict to deadlines), [`picture`] (timeline and
//! matrix), [`ledger`], [`detail`] (all other lists), [`parts`] (what they share). A new list goes
//! into `detail` and into [`SECTIONS`].

mod answer;
mod detail;
mod ledger;
mod parts;
mod picture;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use vauban_case::contract::Case;

use crate::{Lang, facts::Facts, lang::Key as K};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What each part of the page needs.
pub(crate) struct Page<'a> {
    /// The case, arranged.
    pub facts: Facts<'a>,
    /// Language.
    pub lang: Lang,
}

/// Anchor, heading, content. Sections that have nothing to say leave themselves out.
type Section = (&'static str, K, fn(&Page) -> Option<Markup>);

const SECTIONS: &[Section] = &[
    ("taken", K::WhatWasTaken, answer::taken),
    ("entry", K::HowTheyGotIn, answer::entry),
    ("left-behind", K::LeftBehind, answer::left_behind),
    ("measures", K::Measures, answer::measures),
    ("unknown", K::NotKnown, answer::unknown),
    ("timeline", K::Timeline, picture::timeline),
    ("matrix", K::Matrix, picture::matrix),
    ("ledger", K::Ledger, ledger::section),
    ("searches", K::Searches, detail::searches),
    ("secrets", K::Secrets, detail::secrets),
    ("lateral", K::LateralMoves, detail::lateral),
    ("lures", K::Lures, detail::lures),
    ("indicators", K::Indicators, detail::indicators),
    ("detections", K::Detections, detail::detections),
    ("accounts", K::Accounts, detail::accounts),
    ("sessions", K::HostileSessions, detail::sessions),
    ("legitimate", K::LookAlikes, detail::look_alikes),
    ("exposure", K::Exposures, detail::exposure),
    ("hypotheses", K::Hypotheses, detail::hypotheses),
    ("coverage", K::Coverage, detail::coverage),
    ("advisories", K::Advisories, detail::advisories),
    ("evidence", K::Evidence, detail::evidence),
];

/// The page.
pub fn render(case: &Case, lang: Lang) -> String {
    let page = Page {
        facts: Facts::new(case),
        lang,
    };
    let sections: Vec<(&str, K, Markup)> = SECTIONS
        .iter()
        .filter_map(|(id, title, make)| make(&page).map(|body| (*id, *title, body)))
        .collect();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    );
    let title = lang.t(K::Title);
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) " – " (crate::labels::verdict(case.verdict, lang)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { (lang.t(K::SkipToContent)) }
                header.top {
                    p.kicker { (lang.t(K::Kicker)) }
                    h1 { (title) }
                }
                div.frame {
                    nav aria-label=(lang.t(K::Contents)) {
                        ol {
                            li { a href="#answer" { (lang.t(K::Answer)) } }
                            @for (id, heading, _) in &sections {
                                li { a href={ "#" (id) } { (lang.t(*heading)) } }
                            }
                        }
                    }
                    main #main {
                        section #answer aria-labelledby="h-answer" { (answer::verdict(&page)) }
                        @for (id, heading, body) in &sections {
                            section id=(id) aria-labelledby={ "h-" (id) } {
                                h2 id={ "h-" (id) } { (lang.t(*heading)) }
                                (body)
                            }
                        }
                    }
                }
                footer { p { (lang.t(K::Footer)) } }
                (parts::script_words(lang))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// Base64 of SHA-256, as a content security policy names an inline block (CSP level 3, §2.3.1).
pub(crate) fn digest(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
}
