//! The grammar of RFC 5228 section 8.2, going on after errors.

use std::ops::Range;

use super::ScriptError;
use super::lexer::{Kind, Token};

/// Deepest nesting of blocks and tests that is followed (RFC 5228 asks for 15 at least).
const MAX_DEPTH: usize = 64;

/// An argument of a command or test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// `:tag`.
    Tag(String),
    /// A number.
    Number(u64),
    /// A string.
    String(String),
    /// A list of strings.
    List(Vec<String>),
}

impl Argument {
    /// Whether it is a string or a list of them.
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_) | Self::List(_))
    }

    /// Its strings.
    pub fn strings(&self) -> Vec<String> {
        match self {
            Self::String(s) => vec![s.clone()],
            Self::List(l) => l.clone(),
            _ => Vec::new(),
        }
    }

    /// As it would be written.
    pub fn shown(&self) -> String {
        match self {
            Self::Tag(t) => t.clone(),
            Self::Number(n) => n.to_string(),
            Self::String(s) => format!("{s:?}"),
            Self::List(l) => format!("{l:?}"),
        }
    }
}

/// A test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Test {
    /// Name as written.
    pub name: String,
    /// Arguments in order.
    pub arguments: Vec<Argument>,
    /// Tests inside (`not`, `allof`, `anyof`).
    pub tests: Vec<Test>,
    /// Octets of the script.
    pub range: Range<usize>,
}

/// A command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Name as written.
    pub name: String,
    /// Arguments in order.
    pub arguments: Vec<Argument>,
    /// Its test (`if`, `elsif`).
    pub test: Option<Test>,
    /// Its block.
    pub block: Option<Vec<Command>>,
    /// Octets of the script, semicolon or closing brace included.
    pub range: Range<usize>,
}

/// Builds commands from tokens.
pub fn commands(tokens: &[Token]) -> (Vec<Command>, Vec<ScriptError>) {
    let tokens = tokens
        .iter()
        .filter(|t| !matches!(t.kind, Kind::Comment(_)))
        .collect();
    let mut p = Parser {
        tokens,
        at: 0,
        errors: Vec::new(),
    };
    let commands = p.block(0, false);
    (commands, p.errors)
}

struct Parser<'t> {
    tokens: Vec<&'t Token>,
    at: usize,
    errors: Vec<ScriptError>,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at).copied()
    }

    fn punctuation(&self) -> Option<u8> {
        match self.peek()?.kind {
            Kind::Punctuation(p) => Some(p),
            _ => None,
        }
    }

    fn take(&mut self, p: u8) -> bool {
        let found = self.punctuation() == Some(p);
        self.at += usize::from(found);
        found
    }

    /// Offset of the next token, or the end of the last.
    fn offset(&self) -> usize {
        match self.peek() {
            Some(t) => t.range.start,
            None => self.end(),
        }
    }

    /// End of the token before the cursor.
    fn end(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|i| self.tokens.get(i))
            .map_or(0, |t| t.range.end)
    }

    fn error(&mut self, reason: &str) {
        if self.errors.len() < 1000 {
            let offset = self.offset();
            self.errors.push(ScriptError {
                offset,
                reason: reason.to_owned(),
            });
        }
    }

    fn block(&mut self, depth: usize, nested: bool) -> Vec<Command> {
        let mut out = Vec::new();
        while let Some(token) = self.peek() {
            match &token.kind {
                Kind::Identifier(_) => {
                    let command = self.command(depth);
                    out.push(command);
                }
                Kind::Punctuation(b'}') if nested => {
                    self.at += 1;
                    return out;
                }
                // An empty command is harmless and common after hand editing.
                Kind::Punctuation(b';') => self.at += 1,
                _ => {
                    self.error("expected a command");
                    self.at += 1;
                }
            }
        }
        if nested {
            self.error("block without end");
        }
        out
    }

    fn command(&mut self, depth: usize) -> Command {
        let start = self.offset();
        let mut command = Command {
            name: self.identifier(),
            ..Command::default()
        };
        command.arguments = self.arguments();
        if takes_test(&command.name) {
            command.test = Some(self.test(depth + 1));
        }
        match self.punctuation() {
            Some(b';') => self.at += 1,
            Some(b'{') if depth < MAX_DEPTH => {
                self.at += 1;
                command.block = Some(self.block(depth + 1, true));
            }
            Some(b'{') => {
                self.error("nested too deep");
                self.at += 1;
            }
            _ => {
                self.error("expected a semicolon or a block");
                self.resynchronise();
                if self.take(b'{') && depth < MAX_DEPTH {
                    command.block = Some(self.block(depth + 1, true));
                }
            }
        }
        command.range = start..self.end().max(start);
        command
    }

    /// Skips to what may begin or end a command.
    fn resynchronise(&mut self) {
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Identifier(_) | Kind::Punctuation(b'{' | b'}') => return,
                Kind::Punctuation(b';') => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    fn identifier(&mut self) -> String {
        match self.peek().map(|t| &t.kind) {
            Some(Kind::Identifier(name)) => {
                self.at += 1;
                name.clone()
            }
            _ => String::new(),
        }
    }

    fn test(&mut self, depth: usize) -> Test {
        let start = self.offset();
        let mut test = Test {
            name: self.identifier(),
            ..Test::default()
        };
        if test.name.is_empty() {
            self.error("expected a test");
        }
        test.arguments = self.arguments();
        if depth >= MAX_DEPTH {
            self.error("nested too deep");
        } else if self.take(b'(') {
            loop {
                if !matches!(self.peek().map(|t| &t.kind), Some(Kind::Identifier(_))) {
                    if self.punctuation() != Some(b')') {
                        self.error("expected a test");
                    }
                    break;
                }
                let inner = self.test(depth + 1);
                test.tests.push(inner);
                if !self.take(b',') {
                    break;
                }
            }
            if !self.take(b')') {
                self.error("expected a closing parenthesis");
            }
        } else if test.name.eq_ignore_ascii_case("not")
            && matches!(self.peek().map(|t| &t.kind), Some(Kind::Identifier(_)))
        {
            let inner = self.test(depth + 1);
            test.tests.push(inner);
        }
        test.range = start..self.end().max(start);
        test
    }

    fn arguments(&mut self) -> Vec<Argument> {
        let mut out = Vec::new();
        while let Some(token) = self.peek() {
            match &token.kind {
                Kind::Tag(t) => out.push(Argument::Tag(t.clone())),
                Kind::Number(n) => out.push(Argument::Number(*n)),
                Kind::String(s) => out.push(Argument::String(s.clone())),
                Kind::Punctuation(b'[') => {
                    self.at += 1;
                    out.push(Argument::List(self.list()));
                    continue;
                }
                _ => break,
            }
            self.at += 1;
        }
        out
    }

    fn list(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        loop {
            match self.peek().map(|t| &t.kind) {
                Some(Kind::String(s)) => out.push(s.clone()),
                Some(Kind::Punctuation(b',')) => {}
                Some(Kind::Punctuation(b']')) => {
                    self.at += 1;
                    return out;
                }
                _ => {
                    self.error("list without end");
                    return out;
                }
            }
            self.at += 1;
        }
    }
}

/// Commands that a test may follow. Others that are followed by a name lack a semicolon.
fn takes_test(name: &str) -> bool {
    ["if", "elsif", "while", "unless"]
        .iter()
        .any(|n| name.eq_ignore_ascii_case(n))
}
