//! `ledger.csv` and `timeline.csv`, for spreadsheets.
//!
//! RFC 4180 with CRLF. UTF-8 **with** a byte order mark: these files are opened by people in
//! spreadsheet programs, which take UTF-8 without the mark for the local eight-bit encoding and
//! garble every accent; programs read `case.json`. A field that a spreadsheet would run as a
//! formula is preceded by `'` (OWASP, "CSV Injection"), and no control character is left in one.
//! Column names are English in every language, so that a macro works on both.

use vauban_case::contract::{Case, EvidenceRef};

use crate::{
    Lang,
    escape::shown,
    facts::{Facts, MomentKind},
};

/// Characters in a field; spreadsheets refuse more than 32,767.
const MAX_FIELD: usize = 8_000;
/// Evidence places named in a row.
const MAX_PLACES: usize = 50;

/// The ledger, one row a message or attachment, in the order of the case.
pub fn ledger(case: &Case, lang: Lang) -> Vec<u8> {
    let mut out = Table::new(&[
        "account",
        "mailbox",
        "uid",
        "message_id",
        "part",
        "filename",
        "size_bytes",
        "classification",
        "level",
        "exfiltrated",
        "bytes_min",
        "bytes_max",
        "to",
        "first",
        "last",
        "sessions",
        "why",
        "evidence",
    ]);
    for e in &case.ledger {
        out.row([
            text(&e.account),
            text(&e.mailbox),
            e.uid.map(|u| u.to_string()).unwrap_or_default(),
            text(&e.message_id),
            text(e.part.as_deref().unwrap_or("")),
            text(&e.filename),
            e.size_bytes.map(|n| n.to_string()).unwrap_or_default(),
            text(&e.classification.join("; ")),
            code(&e.level),
            code(&e.exfiltrated),
            e.bytes_min.to_string(),
            e.bytes_max.to_string(),
            text(&e.to.join("; ")),
            text(e.first.as_deref().unwrap_or("")),
            text(e.last.as_deref().unwrap_or("")),
            text(&e.sessions.join("; ")),
            text(lang.text(&e.why)),
            places(&e.evidence),
        ]);
    }
    out.finish()
}

/// Everything that has a time, in order.
pub fn timeline(case: &Case, lang: Lang) -> Vec<u8> {
    let facts = Facts::new(case);
    let mut out = Table::new(&[
        "time",
        "kind",
        "account",
        "session",
        "source_ip",
        "what",
        "evidence",
    ]);
    for m in &facts.moments {
        out.row([
            text(m.time),
            kind(m.kind).to_owned(),
            text(m.account),
            text(m.session),
            text(m.source_ip),
            text(lang.text(&m.text)),
            places(m.evidence),
        ]);
    }
    out.finish()
}

fn kind(k: MomentKind) -> &'static str {
    match k {
        MomentKind::LureOpened => "lure_opened",
        MomentKind::InitialAccess => "initial_access",
        MomentKind::Session => "session",
        MomentKind::Search => "search",
        MomentKind::Listed => "listed",
        MomentKind::Read => "read",
        MomentKind::Downloaded => "downloaded",
        MomentKind::Forwarded => "forwarded",
        MomentKind::Persistence => "persistence",
        MomentKind::Lateral => "lateral",
    }
}

/// A field that is only text to a spreadsheet. Tab and CR, which the advice also names, are
/// already written out by [`shown`]; the full-width forms are formulas in some locales.
fn text(value: &str) -> String {
    let value = shown(value, MAX_FIELD);
    if value
        .trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '%', '|'])
    {
        format!("'{value}")
    } else {
        value
    }
}

/// The word of the contract for one of its enums.
fn code(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(s)) => s,
        _ => String::new(),
    }
}

/// `artefact line 12 bytes 400+88`, one place after the other.
fn places(evidence: &[EvidenceRef]) -> String {
    let mut out = evidence
        .iter()
        .take(MAX_PLACES)
        .map(|e| {
            let line = e.line.map(|l| format!(" line {l}")).unwrap_or_default();
            format!("{}{line} bytes {}+{}", e.artefact, e.offset, e.length)
        })
        .collect::<Vec<_>>()
        .join("; ");
    if evidence.len() > MAX_PLACES {
        out.push_str(&format!("; +{}", evidence.len() - MAX_PLACES));
    }
    text(&out)
}

struct Table(::csv::Writer<Vec<u8>>);

impl Table {
    fn new(head: &[&str]) -> Self {
        let mut writer = ::csv::WriterBuilder::new()
            .terminator(::csv::Terminator::CRLF)
            .from_writer("\u{FEFF}".as_bytes().to_vec());
        // Writing to memory does not fail.
        let _ = writer.write_record(head);
        Self(writer)
    }

    fn row<const N: usize>(&mut self, fields: [String; N]) {
        let _ = self.0.write_record(&fields);
    }

    fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vauban_case::contract::LedgerEntry;

    #[test]
    fn formulas_are_text() {
        for (given, expected) in [
            ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
            ("+33 1", "'+33 1"),
            ("-2+3", "'-2+3"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "⟨U+0009⟩=1"),
            ("  =1", "'  =1"),
            ("rapport.pdf", "rapport.pdf"),
        ] {
            assert_eq!(text(given), expected);
        }
    }

    proptest! {
        #[test]
        fn every_row_reads_back(names in proptest::collection::vec("(?s).{0,40}", 1..20)) {
            let mut case = Case::default();
            for name in &names {
                case.ledger.push(LedgerEntry { filename: name.clone(), ..Default::default() });
            }
            let bytes = ledger(&case, Lang::En);
            prop_assert!(bytes.starts_with(b"\xEF\xBB\xBFaccount,"));
            let mut reader = ::csv::Reader::from_reader(&bytes[3..]);
            let rows: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(rows.len(), names.len());
            for (row, name) in rows.iter().zip(&names) {
                let expected = text(name);
                prop_assert_eq!(&row[5], expected.as_str());
                prop_assert!(row.iter().all(|f| !f.starts_with(['=', '+', '-', '@', '\t', '\r'])));
            }
        }
    }
}
