//! Rule files → rules, correlations and filters, each with where it came from.

use rsigma_parser::{CorrelationRule, FilterRule, SigmaRule, parse_sigma_yaml};

/// Why something in a rule file is not used, or not used as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}{reason}", if rule.is_empty() { String::new() } else { format!("{rule}: ") })]
pub struct LoadProblem {
    /// The file, as it was named by the caller.
    pub file: String,
    /// The rule's identifier or title; `""` if it could not even be read.
    pub rule: String,
    /// In words.
    pub reason: String,
}

/// Everything read from rule files, not yet compiled.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    pub(crate) rules: Vec<Sourced<SigmaRule>>,
    pub(crate) correlations: Vec<Sourced<CorrelationRule>>,
    pub(crate) filters: Vec<Sourced<FilterRule>>,
}

/// With the file it stands in.
#[derive(Clone, Debug)]
pub(crate) struct Sourced<T> {
    pub file: String,
    pub item: T,
}

impl RuleSet {
    /// Reads Sigma YAML: one or many documents a file, `action: global`, `repeat` and `reset`
    /// included. A document that cannot be read is a problem, and the others still count.
    ///
    /// `files` gives name and content of each file; nothing is opened here.
    pub fn load<N, B>(files: impl IntoIterator<Item = (N, B)>) -> (Self, Vec<LoadProblem>)
    where
        N: Into<String>,
        B: AsRef<[u8]>,
    {
        let mut set = Self::default();
        let mut problems = Vec::new();
        for (file, content) in files {
            set.add(&file.into(), content.as_ref(), &mut problems);
        }
        (set, problems)
    }

    fn add(&mut self, file: &str, content: &[u8], problems: &mut Vec<LoadProblem>) {
        let mut problem = |reason: String| {
            problems.push(LoadProblem {
                file: file.to_owned(),
                rule: String::new(),
                reason,
            });
        };
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let text = match std::str::from_utf8(content) {
            Ok(text) => text,
            Err(e) => return problem(format!("not UTF-8 from byte {} on", e.valid_up_to())),
        };
        let found = match parse_sigma_yaml(text) {
            Ok(found) => found,
            Err(e) => return problem(e.to_string()),
        };
        let with_file = |item| Sourced {
            file: file.to_owned(),
            item,
        };
        if found.rules.is_empty()
            && found.correlations.is_empty()
            && found.filters.is_empty()
            && found.errors.is_empty()
        {
            problem("no rule in it".into());
        }
        self.rules.extend(found.rules.into_iter().map(with_file));
        let with_file = |item| Sourced {
            file: file.to_owned(),
            item,
        };
        self.correlations
            .extend(found.correlations.into_iter().map(with_file));
        let with_file = |item| Sourced {
            file: file.to_owned(),
            item,
        };
        self.filters
            .extend(found.filters.into_iter().map(with_file));
        found.errors.into_iter().for_each(problem);
    }

    /// Number of detection rules.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// Number of correlation rules.
    pub fn correlations(&self) -> usize {
        self.correlations.len()
    }

    /// Number of filters.
    pub fn filters(&self) -> usize {
        self.filters.len()
    }

    /// Adds what another set holds.
    pub fn extend(&mut self, other: Self) {
        self.rules.extend(other.rules);
        self.correlations.extend(other.correlations);
        self.filters.extend(other.filters);
    }
}
