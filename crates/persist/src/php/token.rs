//! PHP cut into tokens, tolerantly: what is no PHP is still some token, and the text goes on.

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tok {
    /// `$name`.
    Var(String),
    /// A name, keywords too, with namespaces.
    Ident(String),
    /// A number, as written.
    Num(String),
    /// A string without anything in it that is computed.
    Str(Vec<u8>),
    /// A string with variables or expressions in it.
    Template(Vec<Piece>),
    /// The same in backticks: a command.
    Command(Vec<Piece>),
    /// An operator or punctuation.
    Op(&'static str),
    /// Text outside PHP.
    Html,
}

/// A piece of a string.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(Vec<u8>),
    Code(Vec<Token>),
}

/// A token with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub tok: Tok,
    /// From 1.
    pub line: u32,
    /// A string that writes printable characters as numbers (`"\x65val"`).
    pub escaped: bool,
}

/// Longest first.
const OPS: &[&str] = &[
    "<<<=", "**=", "...", "<=>", "===", "!==", "<<=", ">>=", "??=", "?->", "->", "=>", "::", "==",
    "!=", "<>", "<=", ">=", "&&", "||", "??", "++", "--", "+=", "-=", "*=", "/=", ".=", "%=", "&=",
    "|=", "^=", "<<", ">>", "**", "+", "-", "*", "/", "%", "=", "<", ">", "!", "?", ":", ";", ",",
    ".", "(", ")", "[", "]", "{", "}", "&", "|", "^", "~", "@", "#", "$", "\\",
];

/// Most tokens of one file.
const TOKENS: usize = 2_000_000;
/// Deepest nesting of expressions in strings.
const DEPTH: usize = 8;

/// Tokens of a file; `inside` starts in PHP, as `eval` does.
pub(crate) fn tokens(source: &[u8], inside: bool) -> Vec<Token> {
    let mut lexer = Lexer {
        src: source,
        at: 0,
        line: 1,
        out: Vec::new(),
        depth: 0,
    };
    if inside || lexer.html() {
        lexer.php();
    }
    lexer.out
}

struct Lexer<'s> {
    src: &'s [u8],
    at: usize,
    line: u32,
    out: Vec<Token>,
    depth: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.src.get(self.at + ahead).copied().unwrap_or(0)
    }
    fn rest(&self) -> &[u8] {
        self.src.get(self.at..).unwrap_or_default()
    }
    fn push(&mut self, tok: Tok, line: u32) {
        self.out.push(Token {
            tok,
            line,
            escaped: false,
        });
    }
    fn advance(&mut self, n: usize) {
        let to = (self.at + n).min(self.src.len());
        self.line += memchr::memchr_iter(b'\n', self.src.get(self.at..to).unwrap_or_default())
            .count() as u32;
        self.at = to;
    }

    /// Skips text up to the next opening tag; false at the end.
    fn html(&mut self) -> bool {
        let start = self.at;
        loop {
            let Some(found) = memchr::memmem::find(self.rest(), b"<") else {
                self.advance(self.src.len());
                return false;
            };
            self.advance(found);
            let rest = self.rest();
            let lower: Vec<u8> = rest.iter().take(32).map(u8::to_ascii_lowercase).collect();
            let script = lower.starts_with(b"<script") && lower.windows(3).any(|w| w == b"php");
            let open = if lower.starts_with(b"<?php") {
                5
            } else if lower.starts_with(b"<?=") {
                3
            } else if lower.starts_with(b"<?")
                && !lower.starts_with(b"<?xml")
                && rest.get(2).is_none_or(u8::is_ascii_whitespace)
            {
                2
            } else if script {
                rest.iter()
                    .position(|b| *b == b'>')
                    .map_or(rest.len(), |p| p + 1)
            } else {
                self.advance(1);
                continue;
            };
            if self.at > start {
                self.push(Tok::Html, self.line);
            }
            let echo = lower.starts_with(b"<?=");
            self.advance(open);
            self.push(Tok::Op(";"), self.line);
            if echo {
                self.push(Tok::Ident("echo".into()), self.line);
            }
            return true;
        }
    }

    fn php(&mut self) {
        while self.at < self.src.len() && self.out.len() < TOKENS {
            let c = self.peek(0);
            let line = self.line;
            match c {
                b' ' | b'\t' | b'\r' | b'\n' | 0 => self.advance(1),
                b'#' if self.peek(1) != b'[' => self.comment(),
                b'/' if self.peek(1) == b'/' => self.comment(),
                b'/' if self.peek(1) == b'*' => {
                    let end = memchr::memmem::find(self.rest().get(2..).unwrap_or_default(), b"*/");
                    self.advance(end.map_or(self.src.len(), |e| e + 4));
                }
                b'?' if self.peek(1) == b'>' => {
                    self.advance(2);
                    self.push(Tok::Op(";"), line);
                    if !self.html() {
                        return;
                    }
                }
                b'$' if word_start(self.peek(1)) => {
                    self.advance(1);
                    let name = self.word();
                    self.push(Tok::Var(name), line);
                }
                b'\'' => {
                    let text = self.single();
                    self.push(Tok::Str(text), line);
                }
                b'"' => {
                    self.advance(1);
                    self.template(Some(b'"'), line);
                }
                b'`' => {
                    self.advance(1);
                    self.template(Some(b'`'), line);
                }
                b'<' if self.rest().starts_with(b"<<<") && self.heredoc(line) => {}
                b'0'..=b'9' => {
                    let start = self.at;
                    while self.peek(0).is_ascii_alphanumeric()
                        || self.peek(0) == b'_'
                        || self.peek(0) == b'.' && self.peek(1).is_ascii_digit()
                    {
                        self.at += 1;
                    }
                    let text =
                        String::from_utf8_lossy(self.src.get(start..self.at).unwrap_or_default())
                            .replace('_', "");
                    self.push(Tok::Num(text), line);
                }
                c if word_start(c) || c == b'\\' && word_start(self.peek(1)) => {
                    let name = self.word();
                    let lower = name.to_ascii_lowercase();
                    self.push(Tok::Ident(name), line);
                    if lower == "__halt_compiler" {
                        return;
                    }
                }
                _ => {
                    let found = OPS.iter().find(|op| self.rest().starts_with(op.as_bytes()));
                    match found {
                        Some(op) => {
                            self.advance(op.len());
                            self.push(Tok::Op(op), line);
                        }
                        None => self.advance(1),
                    }
                }
            }
        }
    }

    fn comment(&mut self) {
        while self.at < self.src.len() {
            if self.peek(0) == b'\n' || self.rest().starts_with(b"?>") {
                return;
            }
            self.at += 1;
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while word_part(self.peek(0))
            || self.peek(0) == b'\\' && (word_start(self.peek(1)) || self.at == start)
        {
            self.at += 1;
        }
        String::from_utf8_lossy(self.src.get(start..self.at).unwrap_or_default()).into_owned()
    }

    fn single(&mut self) -> Vec<u8> {
        self.advance(1);
        let mut text = Vec::new();
        while self.at < self.src.len() {
            match self.peek(0) {
                b'\'' => {
                    self.advance(1);
                    break;
                }
                b'\\' if matches!(self.peek(1), b'\'' | b'\\') => {
                    text.push(self.peek(1));
                    self.advance(2);
                }
                c => {
                    text.push(c);
                    self.advance(1);
                }
            }
        }
        text
    }

    /// `<<<X`, `<<<"X"`, `<<<'X'`; false if it is none.
    fn heredoc(&mut self, line: u32) -> bool {
        let rest = self.rest();
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let label = String::from_utf8_lossy(rest.get(3..end).unwrap_or_default())
            .trim()
            .to_owned();
        let quote = label.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let label = label.trim_matches(['\'', '"']).to_owned();
        if label.is_empty() || !label.bytes().all(word_part) {
            return false;
        }
        self.advance(end + 1);
        let body_start = self.at;
        let mut at = self.at;
        let mut body_end = self.src.len();
        let mut after = self.src.len();
        while at < self.src.len() {
            let rest = self.src.get(at..).unwrap_or_default();
            let stop = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let text = rest.get(..stop).unwrap_or_default();
            let trimmed = text.trim_ascii_start();
            if trimmed.starts_with(label.as_bytes())
                && !trimmed.get(label.len()).copied().is_some_and(word_part)
            {
                body_end = at;
                after = at + (text.len() - trimmed.len()) + label.len();
                break;
            }
            at += stop + 1;
        }
        let body = self
            .src
            .get(body_start..body_end)
            .unwrap_or_default()
            .to_vec();
        let body = body
            .strip_suffix(b"\n")
            .map_or(body.clone(), <[u8]>::to_vec);
        if quote == Some('\'') {
            self.push(Tok::Str(body), line);
        } else {
            let mut inner = Lexer {
                src: &body,
                at: 0,
                line: line + 1,
                out: Vec::new(),
                depth: self.depth,
            };
            inner.template(None, line);
            let mut made = inner.out;
            self.out.append(&mut made);
        }
        let skip = after.saturating_sub(self.at);
        self.advance(skip);
        true
    }

    /// The rest of a string in double quotes, backticks or a heredoc.
    fn template(&mut self, end: Option<u8>, line: u32) {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut text: Vec<u8> = Vec::new();
        let mut escapes = 0usize;
        while self.at < self.src.len() {
            let c = self.peek(0);
            if Some(c) == end {
                self.advance(1);
                break;
            }
            match c {
                b'\\' => {
                    let before = text.len();
                    if self.escape(&mut text)
                        && text
                            .get(before..)
                            .unwrap_or_default()
                            .iter()
                            .all(u8::is_ascii_graphic)
                    {
                        escapes += 1;
                    }
                }
                b'$' if word_start(self.peek(1)) => {
                    take(&mut text, &mut pieces);
                    let code = self.simple();
                    pieces.push(Piece::Code(code));
                }
                b'$' | b'{' if matches!((c, self.peek(1)), (b'$', b'{') | (b'{', b'$')) => {
                    take(&mut text, &mut pieces);
                    let code = self.braced(c == b'$');
                    pieces.push(Piece::Code(code));
                }
                c => {
                    text.push(c);
                    self.advance(1);
                }
            }
        }
        let tok = if end == Some(b'`') {
            take(&mut text, &mut pieces);
            Tok::Command(pieces)
        } else if pieces.is_empty() {
            Tok::Str(text)
        } else {
            take(&mut text, &mut pieces);
            Tok::Template(pieces)
        };
        self.out.push(Token {
            tok,
            line,
            escaped: escapes >= 2,
        });
    }

    /// `$name`, `$name[key]`, `$name->field` in a string.
    fn simple(&mut self) -> Vec<Token> {
        let line = self.line;
        let make = |tok| Token {
            tok,
            line,
            escaped: false,
        };
        self.advance(1);
        let mut code = vec![make(Tok::Var(self.word()))];
        if self.peek(0) == b'[' {
            let close = memchr::memchr(
                b']',
                self.rest()
                    .get(..64.min(self.rest().len()))
                    .unwrap_or_default(),
            );
            if let Some(close) = close {
                let key = String::from_utf8_lossy(self.rest().get(1..close).unwrap_or_default())
                    .into_owned();
                code.push(make(Tok::Op("[")));
                code.push(make(match key.strip_prefix('$') {
                    Some(name) => Tok::Var(name.to_owned()),
                    None => Tok::Str(key.trim_matches('\'').as_bytes().to_vec()),
                }));
                code.push(make(Tok::Op("]")));
                self.advance(close + 1);
            }
        } else if self.rest().starts_with(b"->") && word_start(self.peek(2)) {
            self.advance(2);
            code.push(make(Tok::Op("->")));
            code.push(make(Tok::Ident(self.word())));
        }
        code
    }

    /// `{$expression}` or `${expression}` in a string.
    fn braced(&mut self, dollar: bool) -> Vec<Token> {
        let open = if dollar { 2 } else { 1 };
        let start = self.at + open;
        let mut depth = 1usize;
        let mut at = start;
        let mut quote = 0u8;
        while let Some(&c) = self.src.get(at) {
            match c {
                b'\\' if quote != 0 => at += 1,
                c if quote != 0 && c == quote => quote = 0,
                _ if quote != 0 => {}
                b'\'' | b'"' => quote = c,
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        let body = self
            .src
            .get(start..at.min(self.src.len()))
            .unwrap_or_default()
            .to_vec();
        let line = self.line;
        self.advance(at.min(self.src.len()) + 1 - self.at.min(at));
        let mut out = Vec::new();
        if self.depth >= DEPTH {
            return out;
        }
        let mut inner = Lexer {
            src: &body,
            at: 0,
            line,
            out: Vec::new(),
            depth: self.depth + 1,
        };
        inner.php();
        if dollar {
            // `${name}` is `$name`, `${expression}` the variable of that name.
            let plain = matches!(
                inner.out.as_slice(),
                [Token {
                    tok: Tok::Ident(_),
                    ..
                }]
            );
            if let (
                true,
                Some(Token {
                    tok: Tok::Ident(name),
                    ..
                }),
            ) = (plain, inner.out.first())
            {
                inner.out = vec![Token {
                    tok: Tok::Var(name.clone()),
                    line,
                    escaped: false,
                }];
            } else {
                for op in ["$", "{"] {
                    out.push(Token {
                        tok: Tok::Op(op),
                        line,
                        escaped: false,
                    });
                }
                inner.out.push(Token {
                    tok: Tok::Op("}"),
                    line,
                    escaped: false,
                });
            }
        }
        out.append(&mut inner.out);
        out
    }

    /// An escape in a double-quoted string; true if it wrote a character as a number.
    fn escape(&mut self, text: &mut Vec<u8>) -> bool {
        let c = self.peek(1);
        self.advance(2);
        match c {
            b'n' => text.push(b'\n'),
            b't' => text.push(b'\t'),
            b'r' => text.push(b'\r'),
            b'v' => text.push(11),
            b'e' => text.push(27),
            b'f' => text.push(12),
            b'x' | b'0'..=b'7' => {
                let (radix, most) = if c == b'x' { (16, 2) } else { (8, 2) };
                let mut value = if c == b'x' { 0 } else { u32::from(c - b'0') };
                let mut digits = 0;
                while digits < most
                    && let Some(d) = char::from(self.peek(0)).to_digit(radix)
                {
                    value = value * radix + d;
                    self.at += 1;
                    digits += 1;
                }
                if c == b'x' && digits == 0 {
                    text.extend_from_slice(b"\\x");
                    return false;
                }
                text.push(value as u8);
                return true;
            }
            b'u' if self.peek(0) == b'{' => {
                let close = memchr::memchr(
                    b'}',
                    self.rest()
                        .get(..12.min(self.rest().len()))
                        .unwrap_or_default(),
                );
                if let Some(close) = close {
                    let hex =
                        String::from_utf8_lossy(self.rest().get(1..close).unwrap_or_default())
                            .into_owned();
                    if let Some(c) = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32) {
                        text.extend_from_slice(c.to_string().as_bytes());
                    }
                    self.advance(close + 1);
                    return true;
                }
            }
            b'\\' | b'$' | b'"' | b'`' => text.push(c),
            0 => {}
            c => text.extend_from_slice(&[b'\\', c]),
        }
        false
    }
}

fn take(text: &mut Vec<u8>, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Text(std::mem::take(text)));
    }
}

fn word_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || c >= 0x80
}

fn word_part(c: u8) -> bool {
    word_start(c) || c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toks(source: &str) -> Vec<Tok> {
        tokens(source.as_bytes(), false)
            .into_iter()
            .map(|t| t.tok)
            .collect()
    }

    #[test]
    fn kinds() {
        use Tok::{Command, Html, Ident, Num, Op, Str, Template, Var};
        assert_eq!(
            toks("a <b> <?php # x\n$a = 'b\\'' . \"\\x41\" /* c */ + 0x1F; // d ?> <?= f"),
            [
                Html,
                Op(";"),
                Var("a".into()),
                Op("="),
                Str(b"b'".to_vec()),
                Op("."),
                Str(b"A".to_vec()),
                Op("+"),
                Num("0x1F".into()),
                Op(";"),
                Op(";"),
                Html,
                Op(";"),
                Ident("echo".into()),
                Ident("f".into())
            ]
        );
        let t = toks("<?php \"a $b[c] {$d->e} ${f}\"; `x $y`; <<<E\nq $r\nE;\n<<<'N'\n$s\nN;");
        assert!(matches!(&t[1], Template(p) if p.len() == 6), "{t:?}");
        assert!(matches!(&t[3], Command(p) if p.len() == 2));
        assert!(matches!(&t[5], Template(p) if p.len() == 2));
        assert_eq!(t[7], Str(b"$s".to_vec()));
    }

    #[test]
    fn lines() {
        let t = tokens(b"<?php\n/* \n */ $a;\n\"x\ny\";\n$b;", false);
        let b = t.iter().find(|t| t.tok == Tok::Var("b".into())).unwrap();
        assert_eq!(b.line, 6);
    }
}
