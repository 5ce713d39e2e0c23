//! Drafts of the legal notifications: what the case knows is filled in with its evidence, what it
//! does not know is marked `⟦to be completed: …⟧` / `⟦à compléter : …⟧`.
//!
//! Sources of the fields: GDPR (Regulation 2016/679) art. 33(3), with the questions of the French
//! authority's form (CNIL, "Notifier une violation de données personnelles"); NIS2 (Directive
//! 2022/2555) art. 23(4)(a), (b) and (d).
//!
//! **A draft never guesses.** The case counts messages and documents, not persons; it does not
//! know when an organisation became aware, who its officer is, or whether the law applies to it.

mod draft;
mod fields;

pub use draft::Draft;

use vauban_case::contract::{Case, Verdict};

use crate::{Lang, facts::Facts, lang::Key as K};
use fields::Form;

/// `(when, what, to whom)` of the legal clocks, in order of time.
pub const CLOCKS: &[(K, K, K)] = &[
    (K::ClockNow, K::DutyPersons, K::ToPersons),
    (K::Clock24, K::DutyEarly, K::ToCsirt),
    (K::Clock72, K::DutyNotification, K::ToCsirt),
    (K::Clock72, K::DutyGdpr, K::ToDpa),
    (K::ClockMonth, K::DutyFinal, K::ToCsirt),
];

/// Personal data breach, to the data protection authority, within 72 hours of awareness
/// (GDPR art. 33).
pub fn gdpr_art33(case: &Case, lang: Lang) -> Draft {
    let facts = Facts::new(case);
    let mut f = Form::new(&facts, lang, K::DraftGdpr, K::ClockAndTo72Dpa);
    f.organisation(true);
    f.section(K::FAwareness);
    f.ask(K::FAware, K::AskAware);
    f.ask(K::FDelay, K::AskDelay);
    f.ask(K::FInitialOrMore, K::AskInitialOrMore);
    f.section(K::FNature);
    f.verdict();
    f.period();
    f.entry();
    f.confidentiality();
    f.section(K::FWhoAndHowMany);
    f.persons();
    f.records();
    f.section(K::FConsequences);
    f.consequences();
    f.section(K::FMeasures);
    f.measures();
    f.ask(K::FPersonsTold, K::AskPersonsTold);
    f.section(K::NotKnown);
    f.unknown();
    f.finish()
}

/// Early warning, to the CSIRT or authority, within 24 hours of awareness (NIS2 art. 23(4)(a)).
pub fn nis2_early_warning(case: &Case, lang: Lang) -> Draft {
    let facts = Facts::new(case);
    let mut f = Form::new(&facts, lang, K::DraftEarly, K::ClockAndTo24);
    f.organisation(false);
    f.section(K::FAwareness);
    f.ask(K::FAware, K::AskAware);
    f.section(K::FIncident);
    f.verdict();
    f.malicious();
    f.period();
    f.ask(K::FCrossBorder, K::AskCrossBorder);
    f.section(K::FMeasures);
    f.measures();
    f.finish()
}

/// Incident notification, within 72 hours of awareness (NIS2 art. 23(4)(b)).
pub fn nis2_notification(case: &Case, lang: Lang) -> Draft {
    let facts = Facts::new(case);
    let mut f = Form::new(&facts, lang, K::DraftNotification, K::ClockAndTo72);
    f.organisation(false);
    f.section(K::FAwareness);
    f.ask(K::FAware, K::AskAware);
    f.ask(K::FReference, K::AskReference);
    f.section(K::FIncident);
    f.verdict();
    f.malicious();
    f.period();
    f.entry();
    f.section(K::FSeverity);
    f.records();
    f.confidentiality();
    f.ask(K::FServices, K::AskServices);
    f.ask(K::FCrossBorder, K::AskCrossBorder);
    f.section(K::Indicators);
    f.indicators();
    f.section(K::FMeasures);
    f.measures();
    f.section(K::NotKnown);
    f.unknown();
    f.finish()
}

/// Final report, within one month of the notification (NIS2 art. 23(4)(d)).
pub fn nis2_final(case: &Case, lang: Lang) -> Draft {
    let facts = Facts::new(case);
    let mut f = Form::new(&facts, lang, K::DraftFinal, K::ClockAndToMonth);
    f.organisation(false);
    f.ask(K::FReference, K::AskReference);
    f.section(K::FDescription);
    f.summary();
    f.verdict();
    f.period();
    f.entry();
    f.left_behind();
    f.lateral();
    f.section(K::FSeverity);
    f.records();
    f.confidentiality();
    f.ask(K::FServices, K::AskServices);
    f.section(K::FCause);
    f.cause();
    f.section(K::FMeasures);
    f.measures();
    f.ask(K::FMeasuresTaken, K::AskMeasuresTaken);
    f.ask(K::FCrossBorder, K::AskCrossBorder);
    f.section(K::Indicators);
    f.indicators();
    f.section(K::NotKnown);
    f.unknown();
    f.finish()
}

/// True if the verdict calls for these drafts at all.
pub fn applies(case: &Case) -> bool {
    case.verdict != Verdict::NoEvidenceOfBreach
}
