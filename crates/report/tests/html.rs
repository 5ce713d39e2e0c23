//! `report.html` as a browser's tokenizer sees it: well-formed, nothing active, every link leads
//! somewhere, whatever stands in the evidence.

mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;

use base64::Engine as _;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::{RawKind, State};
use html5ever::tokenizer::{
    BufferQueue, CharacterTokens, ParseError, Tag, TagKind, TagToken, Token, TokenSink,
    TokenSinkResult, Tokenizer, TokenizerOpts,
};
use proptest::prelude::*;
use sha2::Digest as _;
use vauban_case::contract::{
    Account, Case, EvidenceRef, Label, LedgerEntry, Level, Lure, Search, Session, Text, Verdict,
};
use vauban_report::{Lang, html, notify};

const VOID: [&str; 5] = ["meta", "br", "wbr", "input", "hr"];

/// What was found in a page.
#[derive(Default)]
struct Seen {
    open: Vec<String>,
    problems: Vec<String>,
    ids: Vec<String>,
    links: Vec<String>,
    policy: String,
    raw: Vec<(String, String)>,
    text: String,
}

#[derive(Default)]
struct Sink(RefCell<Seen>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut seen = self.0.borrow_mut();
        match token {
            TagToken(tag) if tag.kind == TagKind::StartTag => return start(&mut seen, &tag),
            TagToken(tag) => {
                let name = seen.open.pop();
                if name.as_deref() != Some(&*tag.name) {
                    seen.problems
                        .push(format!("</{}> closes {name:?}", tag.name));
                }
            }
            CharacterTokens(t) => {
                let inside = seen.open.last().cloned().unwrap_or_default();
                if matches!(inside.as_str(), "script" | "style") {
                    if let Some((_, raw)) = seen.raw.last_mut() {
                        raw.push_str(&t);
                    }
                } else {
                    seen.text.push_str(&t);
                }
            }
            ParseError(e) => seen.problems.push(e.into_owned()),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

fn start(seen: &mut Seen, tag: &Tag) -> TokenSinkResult<()> {
    let name = tag.name.to_string();
    let active = [
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "link",
        "base",
        "foreignobject",
    ];
    if active.contains(&name.as_str()) {
        seen.problems.push(format!("<{name}>"));
    }
    for a in &tag.attrs {
        let (key, value) = (a.name.local.to_string(), a.value.to_string());
        match key.as_str() {
            "id" => seen.ids.push(value),
            "href" => seen.links.push(value),
            "content" if value.contains("default-src") => seen.policy = value,
            "src" | "style" | "srcdoc" | "action" => seen.problems.push(format!("{key}={value}")),
            k if k.starts_with("on") => seen.problems.push(format!("{key}={value}")),
            _ => {}
        }
    }
    if !VOID.contains(&name.as_str()) && !tag.self_closing {
        seen.open.push(name.clone());
    }
    match name.as_str() {
        "script" => {
            seen.raw.push((name, String::new()));
            TokenSinkResult::RawData(RawKind::ScriptData)
        }
        "style" => {
            seen.raw.push((name, String::new()));
            TokenSinkResult::RawData(RawKind::Rawtext)
        }
        "title" if seen.open.len() < 4 => TokenSinkResult::RawData(RawKind::Rcdata),
        _ => TokenSinkResult::Continue,
    }
}

fn look(page: &str) -> Seen {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(page));
    let options = TokenizerOpts {
        exact_errors: true,
        initial_state: Some(State::Data),
        ..Default::default()
    };
    let tokenizer = Tokenizer::new(Sink::default(), options);
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Everything that holds for each page; gives what was seen.
fn sound(page: &str) -> Seen {
    let seen = look(page);
    assert!(seen.problems.is_empty(), "{:?}", seen.problems.first());
    assert!(seen.open.is_empty(), "not closed: {:?}", seen.open);
    let ids: BTreeSet<&String> = seen.ids.iter().collect();
    assert_eq!(ids.len(), seen.ids.len(), "an id stands twice");
    for link in &seen.links {
        let id = link
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("leads outside: {link}"));
        assert!(ids.contains(&id.to_owned()), "leads nowhere: {link}");
    }
    assert!(seen.policy.starts_with("default-src 'none';"));
    for (kind, text) in &seen.raw {
        let hash =
            base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text.as_bytes()));
        assert!(
            seen.policy.contains(&format!("{kind}-src 'sha256-{hash}'")),
            "{kind} is not in the policy"
        );
    }
    assert!(
        !seen
            .text
            .chars()
            .any(|c| vauban_report::escape::is_deceptive(c) && c != '\n')
    );
    seen
}

#[test]
fn fixtures_are_sound_in_both_languages() {
    for name in ["breach", "clean"] {
        for lang in [Lang::En, Lang::Fr] {
            let case = common::case(name);
            let page = html::render(&case, lang);
            let seen = sound(&page);
            assert_eq!(page, html::render(&case, lang));
            assert_eq!(seen.raw.len(), 2, "one style, one script");
            for section in ["answer", "coverage", "evidence", "timeline", "legitimate"] {
                assert!(
                    seen.ids.contains(&section.to_owned()),
                    "{name} lacks {section}"
                );
            }
        }
    }
}

/// Every row of the ledger and every evidence line is in the page without script, and each claim
/// that the case has evidence for leads to it.
#[test]
fn all_rows_and_lines_are_there() {
    let case = common::case("breach");
    let page = html::render(&case, Lang::Fr);
    let seen = sound(&page);
    let facts = vauban_report::facts::Facts::new(&case);
    let lines = facts.evidence.lines().len();
    assert!(lines > 100);
    for n in 1..=lines {
        assert!(seen.ids.contains(&format!("e{n}")));
        assert!(seen.links.contains(&format!("#e{n}")), "nothing cites E{n}");
    }
    let reached = case
        .ledger
        .iter()
        .filter(|e| e.level > Level::Exposed)
        .count();
    assert_eq!(page.matches("<tr data-l=").count(), reached);
    for e in &case.ledger {
        let shown = vauban_report::escape::shown(&e.filename, 120);
        assert!(
            seen.text
                .contains(shown.get(..20.min(shown.len())).unwrap_or(&shown)),
            "{shown}"
        );
    }
    assert!(
        seen.text.contains("<script>alert(\"ledger\")</script>"),
        "shown as text"
    );
    assert!(seen.text.contains("facture⟨U+202E⟩fdp.exe"));
}

#[test]
fn twenty_thousand_rows_stay_small() {
    let mut case = common::case("breach");
    let rows: Vec<LedgerEntry> = case
        .ledger
        .iter()
        .filter(|e| e.level > Level::Exposed)
        .cloned()
        .collect();
    case.ledger = (0..20_000_u32)
        .map(|i| {
            let mut row = rows[i as usize % rows.len()].clone();
            row.uid = Some(i);
            for e in &mut row.evidence {
                e.offset += u64::from(i) * 1_000_000;
            }
            row
        })
        .collect();
    let page = html::render(&case, Lang::En);
    assert!(page.len() < 30_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<tr data-l=").count(), 20_000);
    assert_eq!(page.matches("<details class=\"block\"").count(), 40);
}

#[test]
fn drafts_are_sound_pages_too() {
    for name in ["breach", "clean"] {
        for lang in [Lang::En, Lang::Fr] {
            let case = common::case(name);
            for draft in [
                notify::gdpr_art33(&case, lang),
                notify::nis2_early_warning(&case, lang),
                notify::nis2_notification(&case, lang),
                notify::nis2_final(&case, lang),
            ] {
                sound(&draft.html());
            }
        }
    }
}

fn hostile_case(s: &str) -> Case {
    let s = s.to_owned();
    let text = Text {
        en: s.clone(),
        fr: s.clone(),
    };
    let evidence = vec![EvidenceRef {
        artefact: s.clone(),
        excerpt: s.clone(),
        ..Default::default()
    }];
    Case {
        verdict: Verdict::Breached,
        summary: s.clone(),
        summary_fr: s.clone(),
        unknowable: vec![text.clone()],
        accounts: vec![Account {
            account: s.clone(),
            evidence: evidence.clone(),
            ..Default::default()
        }],
        sessions: vec![Session {
            id: s.clone(),
            account: s.clone(),
            protocol: s.clone(),
            source_ip: s.clone(),
            user_agent: s.clone(),
            start: s.clone(),
            label: Label::Intruder,
            evidence: evidence.clone(),
            ..Default::default()
        }],
        ledger: vec![LedgerEntry {
            account: s.clone(),
            mailbox: s.clone(),
            filename: s.clone(),
            message_id: s.clone(),
            part: Some(s.clone()),
            classification: vec![s.clone()],
            to: vec![s.clone()],
            sessions: vec![s.clone()],
            level: Level::Read,
            why: text.clone(),
            evidence: evidence.clone(),
            ..Default::default()
        }],
        searches: vec![Search {
            query: s.clone(),
            account: s.clone(),
            session: s.clone(),
            ..Default::default()
        }],
        lures: vec![Lure {
            subject: s.clone(),
            message_id: s.clone(),
            kind: s,
            text,
            ..Default::default()
        }],
        ..Default::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any string in any place: the page stays sound, and nothing panics.
    #[test]
    fn any_string_in_any_place(s in "(?s).{0,60}|.*(<|>|\"|'|&|]]>|<!--|</script>|\u{202E}|\u{1b}).*") {
        let case = hostile_case(&s);
        for lang in [Lang::En, Lang::Fr] {
            sound(&html::render(&case, lang));
        }
        sound(&notify::nis2_final(&case, Lang::Fr).html());
        prop_assert!(vauban_report::pdf::render(&case, Lang::Fr).starts_with(b"%PDF-"));
        vauban_report::csv::ledger(&case, Lang::En);
        vauban_report::csv::timeline(&case, Lang::En);
        vauban_report::stix::bundle(&case);
    }
}
