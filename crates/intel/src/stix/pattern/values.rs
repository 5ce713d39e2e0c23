//! The comparisons of a STIX pattern (STIX 2.1, part 9; STIX 2.0, part 5).
//!
//! A pattern is a condition over observations. What is needed here are the values it compares
//! with, and whether it asks for them or excludes them; so this reads tokens and keeps the state
//! of negation and conjunction, and does not build a tree.

/// One comparison of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Object path ("ipv4-addr:value").
    pub path: String,
    /// Operator in upper case ("=", "IN", "LIKE", "ISSUBSET", …).
    pub operator: String,
    /// The constants compared with, unescaped.
    pub values: Vec<String>,
    /// Whether the pattern asks for them.
    pub negation: Negation,
    /// Number of comparisons joined to this one by AND in its observation, itself not counted.
    pub joined: usize,
}

/// Whether a comparison asks for its values or excludes them.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Negation {
    /// It asks for them.
    No,
    /// `NOT` or `!=`: it excludes them.
    Yes,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Path(String),
    Word(String),
    Text(String),
    Other(String),
    Operator(&'static str),
    Open,
    Close,
    OpenObservation,
    CloseObservation,
    Comma,
}

/// The comparisons of `pattern`, in order, and what could not be understood of it, if anything.
/// Comparisons read before an error are given.
pub fn comparisons(pattern: &str) -> (Vec<Comparison>, Option<String>) {
    let (tokens, mut problem) = tokens(pattern);
    let mut found: Vec<Comparison> = Vec::new();
    // Negation of the open parentheses, innermost last.
    let mut negated: Vec<bool> = Vec::new();
    let mut observation_start = 0;
    let mut conjunctions = 0;
    let mut pending_not = false;
    let mut depth = 0usize;
    let mut i = 0;
    while let Some(token) = tokens.get(i) {
        i += 1;
        match token {
            Token::Open => {
                negated.push(pending_not || negated.last().copied().unwrap_or(false));
                pending_not = false;
            }
            Token::Close if negated.pop().is_none() => {
                problem.get_or_insert_with(|| "a parenthesis is closed twice".into());
            }
            Token::Close => {}
            Token::OpenObservation => {
                depth += 1;
                negated.push(pending_not || negated.last().copied().unwrap_or(false));
                pending_not = false;
                observation_start = found.len();
                conjunctions = 0;
            }
            Token::CloseObservation => {
                if depth == 0 {
                    problem.get_or_insert_with(|| "an observation is closed twice".into());
                }
                depth = depth.saturating_sub(1);
                negated.pop();
                for c in found.iter_mut().skip(observation_start) {
                    c.joined = conjunctions;
                }
                observation_start = found.len();
            }
            Token::Word(word) if word == "NOT" => pending_not = true,
            Token::Word(word) if word == "AND" => conjunctions += 1,
            Token::Path(path) => {
                let mut not =
                    std::mem::take(&mut pending_not) || negated.last().copied().unwrap_or(false);
                if tokens.get(i) == Some(&Token::Word("NOT".into())) {
                    not = !not;
                    i += 1;
                }
                let operator = match tokens.get(i) {
                    Some(Token::Operator(op)) => (*op).to_owned(),
                    Some(Token::Word(w)) if is_operator(w) => w.clone(),
                    _ => {
                        problem.get_or_insert_with(|| format!("no operator after {path}"));
                        continue;
                    }
                };
                i += 1;
                if operator == "!=" {
                    not = !not;
                }
                let mut values = Vec::new();
                if tokens.get(i) == Some(&Token::Open) {
                    i += 1;
                    while let Some(token) = tokens.get(i) {
                        i += 1;
                        match token {
                            Token::Text(v) | Token::Other(v) | Token::Word(v) => {
                                values.push(v.clone());
                            }
                            Token::Comma => {}
                            _ => break,
                        }
                    }
                } else if let Some(Token::Text(v) | Token::Other(v) | Token::Word(v)) =
                    tokens.get(i)
                {
                    values.push(v.clone());
                    i += 1;
                }
                if values.is_empty() {
                    problem.get_or_insert_with(|| format!("nothing to compare {path} with"));
                }
                let negation = if not { Negation::Yes } else { Negation::No };
                found.push(Comparison {
                    path: path.clone(),
                    operator,
                    values,
                    negation,
                    joined: 0,
                });
            }
            _ => {}
        }
    }
    if depth > 0 {
        problem.get_or_insert_with(|| "an observation is not closed".into());
        for c in found.iter_mut().skip(observation_start) {
            c.joined = conjunctions;
        }
    }
    (found, problem)
}

fn is_operator(word: &str) -> bool {
    matches!(word, "IN" | "LIKE" | "MATCHES" | "ISSUBSET" | "ISSUPERSET")
}

fn tokens(pattern: &str) -> (Vec<Token>, Option<String>) {
    let bytes = pattern.as_bytes();
    let mut tokens = Vec::new();
    let mut problem = None;
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        match b {
            b' ' | b'\t' | b'\r' | b'\n' => i += 1,
            b'[' => {
                tokens.push(Token::OpenObservation);
                i += 1;
            }
            b']' => {
                tokens.push(Token::CloseObservation);
                i += 1;
            }
            b'(' => {
                tokens.push(Token::Open);
                i += 1;
            }
            b')' => {
                tokens.push(Token::Close);
                i += 1;
            }
            b',' => {
                tokens.push(Token::Comma);
                i += 1;
            }
            b'\'' => {
                let (text, end, closed) = quoted(pattern, i);
                if !closed {
                    problem.get_or_insert_with(|| "a string is not closed".to_owned());
                }
                tokens.push(Token::Text(text));
                i = end;
            }
            b'=' | b'!' | b'<' | b'>' => {
                let two = bytes.get(i + 1);
                let (op, n) = match (b, two) {
                    (b'=', Some(b'=')) => ("=", 2),
                    (b'=', _) => ("=", 1),
                    (b'!', Some(b'=')) | (b'<', Some(b'>')) => ("!=", 2),
                    (b'<', Some(b'=')) => ("<=", 2),
                    (b'>', Some(b'=')) => (">=", 2),
                    (b'<', _) => ("<", 1),
                    (b'>', _) => (">", 1),
                    _ => {
                        problem.get_or_insert_with(|| format!("'!' at byte {i}"));
                        i += 1;
                        continue;
                    }
                };
                tokens.push(Token::Operator(op));
                i += n;
            }
            _ => {
                let (token, end) = word(pattern, i);
                match token {
                    Some(token) => tokens.push(token),
                    None => {
                        problem.get_or_insert_with(|| format!("unexpected character at byte {i}"));
                    }
                }
                i = end.max(i + 1);
            }
        }
    }
    (tokens, problem)
}

/// A quoted string that begins at `start`: its content, where it ends, whether it was closed.
fn quoted(pattern: &str, start: usize) -> (String, usize, bool) {
    let mut text = String::new();
    let mut chars = pattern[start + 1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return (text, start + 1 + at + 1, true),
            '\\' => {
                if let Some((_, next)) = chars.next() {
                    text.push(next);
                }
            }
            c => text.push(c),
        }
    }
    (text, pattern.len(), false)
}

/// A keyword, number, typed constant or object path that begins at `start`.
fn word(pattern: &str, start: usize) -> (Option<Token>, usize) {
    let bytes = pattern.as_bytes();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.+".contains(&b);
    let mut i = start;
    while bytes.get(i).is_some_and(|&b| plain(b)) {
        i += 1;
    }
    if i == start {
        // Not ASCII, or punctuation that no token begins with.
        let end = pattern
            .get(start..)
            .and_then(|s| s.chars().next())
            .map_or(1, char::len_utf8);
        return (None, start + end);
    }
    // Typed constants: t'…', b'…', h'…'.
    if i == start + 1 && bytes.get(i) == Some(&b'\'') {
        let (text, end, _) = quoted(pattern, i);
        return (Some(Token::Other(text)), end);
    }
    if bytes.get(i) != Some(&b':') {
        let word = &pattern[start..i];
        let upper = word.to_ascii_uppercase();
        let keyword = [
            "AND",
            "OR",
            "NOT",
            "IN",
            "FOLLOWEDBY",
            "WITHIN",
            "REPEATS",
            "EXISTS",
        ]
        .contains(&upper.as_str())
            || is_operator(&upper);
        return (
            Some(Token::Word(if keyword { upper } else { word.to_owned() })),
            i,
        );
    }
    // An object path: letters, dots, quoted steps, list steps ([*], [0]).
    let mut path = String::from(&pattern[start..i]);
    path.push(':');
    i += 1;
    while let Some(&b) = bytes.get(i) {
        match b {
            b'\'' => {
                let (text, end, _) = quoted(pattern, i);
                path.push_str(&text);
                i = end;
            }
            b'[' => {
                let Some(close) = bytes[i..].iter().take(24).position(|&b| b == b']') else {
                    break;
                };
                path.push_str("[*]");
                i += close + 1;
            }
            b if plain(b) => {
                path.push(char::from(b));
                i += 1;
            }
            _ => break,
        }
    }
    (Some(Token::Path(path)), i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(pattern: &str) -> Vec<(String, String, Vec<String>, Negation)> {
        let (found, problem) = comparisons(pattern);
        assert_eq!(problem, None, "{pattern}");
        found
            .into_iter()
            .map(|c| (c.path, c.operator, c.values, c.negation))
            .collect()
    }

    #[test]
    fn comparisons_of_the_common_forms() {
        use Negation::{No, Yes};
        let s = |x: &str| x.to_owned();
        assert_eq!(
            one("[ipv4-addr:value = '1.2.3.4' OR domain-name:value IN ('a.org','b.org')]"),
            vec![
                (s("ipv4-addr:value"), s("="), vec![s("1.2.3.4")], No),
                (
                    s("domain-name:value"),
                    s("IN"),
                    vec![s("a.org"), s("b.org")],
                    No
                ),
            ]
        );
        assert_eq!(
            one("[url:value NOT LIKE '%x%' AND url:value != 'http://a/']"),
            vec![
                (s("url:value"), s("LIKE"), vec![s("%x%")], Yes),
                (s("url:value"), s("!="), vec![s("http://a/")], Yes),
            ]
        );
        assert_eq!(
            one(
                "([file:hashes.'SHA-256' = 'ab'] FOLLOWEDBY [file:name='it\\'s']) WITHIN 3 SECONDS"
            ),
            vec![
                (s("file:hashes.SHA-256"), s("="), vec![s("ab")], No),
                (s("file:name"), s("="), vec![s("it's")], No),
            ]
        );
    }

    #[test]
    fn conjunctions_are_counted_per_observation() {
        let (found, _) = comparisons("[a:b='1' AND a:c=2 AND a:d=t'2020'] OR [a:b='3']");
        assert_eq!(
            found.iter().map(|c| c.joined).collect::<Vec<_>>(),
            [2, 2, 2, 0]
        );
    }

    #[test]
    fn broken_patterns_give_what_they_have() {
        let (found, problem) = comparisons("[ipv4-addr:value = '1.2.3.4");
        assert_eq!(found.len(), 1);
        assert!(problem.is_some());
        let (found, problem) = comparisons("[ipv4-addr:value ~ '1.2.3.4']");
        assert!(found.is_empty());
        assert!(problem.is_some());
    }
}
