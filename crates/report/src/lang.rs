//! Languages, and every sentence of ours in each of them.
//!
//! One table: a sentence cannot exist in one language only. Words for codes of the contract stand
//! in [`crate::labels`]; sentences about the case come from the case, which has both languages.

/// Language of a report.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

impl Lang {
    /// BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Fr => "fr",
        }
    }

    /// The sentence of the case that is in this language; the other one if it is missing, because
    /// a fact in the wrong language is better than none.
    pub fn pick<'a>(self, en: &'a str, fr: &'a str) -> &'a str {
        match self {
            Lang::En if en.is_empty() => fr,
            Lang::En => en,
            Lang::Fr if fr.is_empty() => en,
            Lang::Fr => fr,
        }
    }

    /// [`Lang::pick`] for a [`vauban_case::contract::Text`].
    pub fn text(self, text: &vauban_case::contract::Text) -> &str {
        self.pick(&text.en, &text.fr)
    }

    /// A sentence of the table.
    pub const fn t(self, key: Key) -> &'static str {
        let (en, fr) = key.both();
        match self {
            Lang::En => en,
            Lang::Fr => fr,
        }
    }

    /// A number with its noun in the right form: `1 document`, `12 documents`. The table has
    /// `one|many`; French uses the first for 0 too.
    pub fn n(self, n: u64, key: Key) -> String {
        format!("{}\u{A0}{}", crate::fmt::count(n, self), self.form(n, key))
    }

    /// The form of a `one|many` sentence that goes with a number.
    pub fn form(self, n: u64, key: Key) -> &'static str {
        let (one, many) = self
            .t(key)
            .split_once('|')
            .unwrap_or((self.t(key), self.t(key)));
        let single = match self {
            Lang::En => n == 1,
            Lang::Fr => n <= 1,
        };
        if single { one } else { many }
    }

    /// A sentence with `{0}`, `{1}` … filled in.
    pub fn f(self, key: Key, values: &[&str]) -> String {
        let mut out = String::new();
        let mut rest = self.t(key);
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            let tail = &rest[at + 1..];
            let end = tail.find('}').unwrap_or(tail.len());
            let index: usize = tail[..end].parse().unwrap_or(usize::MAX);
            out.push_str(values.get(index).copied().unwrap_or(""));
            rest = tail.get(end + 1..).unwrap_or("");
        }
        out.push_str(rest);
        out
    }
}

macro_rules! sentences {
    ($($key:ident: $en:literal, $fr:literal;)*) => {
        /// A sentence of the table.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Key { $($key),* }

        impl Key {
            /// All of them.
            pub const ALL: &'static [Key] = &[$(Key::$key),*];

            /// English and French.
            pub const fn both(self) -> (&'static str, &'static str) {
                match self { $(Key::$key => ($en, $fr)),* }
            }
        }
    };
}

include!("sentences.rs");

#[cfg(test)]
mod tests {
    use super::*;

    /// The same word in both languages.
    const SAME: &[Key] = &[
        Key::Account,
        Key::Possible,
        Key::SourceN,
        Key::Sessions,
        Key::Session,
        Key::Vector,
        Key::Port,
        Key::Source,
        Key::Ledger,
        Key::Documents,
        Key::Messages,
        Key::DocumentN,
        Key::MessageN,
        Key::SessionN,
        Key::Techniques,
        Key::Type,
        Key::Score,
        Key::Indicators,
    ];

    #[test]
    fn every_sentence_is_there_in_both_languages_with_the_same_blanks() {
        let blanks = |s: &str| {
            let mut out: Vec<_> = (0..9).filter(|i| s.contains(&format!("{{{i}}}"))).collect();
            out.push(s.matches('|').count());
            out
        };
        for key in Key::ALL {
            let (en, fr) = key.both();
            assert!(
                !en.trim().is_empty() && !fr.trim().is_empty(),
                "{key:?} is empty"
            );
            assert_eq!(blanks(en), blanks(fr), "{key:?} has other blanks in French");
            assert!(en != fr || SAME.contains(key), "{key:?} is not translated");
            assert!(
                !fr.contains('\''),
                "{key:?}: French takes the typographic apostrophe"
            );
            for sign in [" :", " ;", " ?", " !", "« ", " »"] {
                assert!(
                    !fr.contains(sign),
                    "{key:?}: breaking space beside {sign:?}"
                );
            }
        }
    }

    #[test]
    fn nouns_and_blanks() {
        assert_eq!(Lang::En.n(0, Key::DocumentN), "0\u{A0}documents");
        assert_eq!(Lang::Fr.n(0, Key::DocumentN), "0\u{A0}document");
        assert_eq!(Lang::En.n(1, Key::DocumentN), "1\u{A0}document");
        assert_eq!(Lang::En.f(Key::PageOf, &["2", "7"]), "Page 2 of 7");
        assert_eq!(Lang::En.f(Key::PageOf, &[]), "Page  of ");
    }
}
