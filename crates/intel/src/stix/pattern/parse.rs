//! Reads a pattern by the grammar of STIX 2.1, section 9.8, and the rules beside it.
//!
//! Precedence, from loosest to tightest: FOLLOWEDBY, OR, AND, qualifiers; within an observation OR,
//! AND.

use super::ast::{Comparison, Literal, ObjectPath, Observation, Operator, Step};
use super::lex::{Kind, Token, tokens};
use super::{Pattern, PatternError, fault};

/// Deepest nesting of parentheses.
const DEPTH: usize = 64;
/// Longest pattern in bytes.
const LENGTH: usize = 1 << 20;

const KEYWORDS: &[&str] = &[
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "ISSUPERSET",
    "ISSUBSET",
    "EXISTS",
    "LAST",
    "IN",
    "START",
    "STOP",
    "SECONDS",
    "WITHIN",
    "REPEATS",
    "TIMES",
];

pub(super) fn pattern(text: &str) -> Result<Pattern, PatternError> {
    if text.len() > LENGTH {
        return Err(fault(0, "a pattern of more than a megabyte"));
    }
    let mut reader = Reader {
        tokens: tokens(text)?,
        at: 0,
        end: text.len(),
        depth: 0,
    };
    let root = reader.followed_by()?;
    match reader.peek() {
        None => Ok(Pattern::new(text, root)),
        Some(_) => Err(reader.unexpected("the end or AND, OR, FOLLOWEDBY, a qualifier")),
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|t| &t.kind)
    }

    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |t| t.at)
    }

    fn next(&mut self) -> Option<Kind> {
        let kind = self.tokens.get(self.at).map(|t| t.kind.clone());
        self.at += 1;
        kind
    }

    fn unexpected(&self, wanted: &str) -> PatternError {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Kind::Word(w)) => format!("\"{w}\""),
            Some(Kind::Literal(l)) => format!("the constant {}", l.text()),
            Some(Kind::Operator(o)) => format!("\"{o}\""),
            Some(Kind::Mark(m)) => format!("\"{m}\""),
        };
        fault(self.place(), format!("{found} where {wanted} should be"))
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Word(w)) if w == word)
    }

    fn word(&mut self, word: &str) -> bool {
        let there = self.is_word(word);
        self.at += usize::from(there);
        there
    }

    fn mark(&mut self, mark: char) -> bool {
        let there = self.peek() == Some(&Kind::Mark(mark));
        self.at += usize::from(there);
        there
    }

    fn need_word(&mut self, word: &str) -> Result<(), PatternError> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.unexpected(word))
        }
    }

    fn need_mark(&mut self, mark: char) -> Result<(), PatternError> {
        if self.mark(mark) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("\"{mark}\"")))
        }
    }

    fn deeper(&mut self) -> Result<(), PatternError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(fault(self.place(), "too deep a nesting of parentheses"));
        }
        Ok(())
    }

    fn followed_by(&mut self) -> Result<Observation, PatternError> {
        let mut all = vec![self.either()?];
        while self.word("FOLLOWEDBY") {
            all.push(self.either()?);
        }
        Ok(single(all, Observation::FollowedBy))
    }

    fn either(&mut self) -> Result<Observation, PatternError> {
        let mut all = vec![self.both()?];
        while self.word("OR") {
            all.push(self.both()?);
        }
        Ok(single(all, Observation::Or))
    }

    fn both(&mut self) -> Result<Observation, PatternError> {
        let mut all = vec![self.qualified()?];
        while self.word("AND") {
            all.push(self.qualified()?);
        }
        Ok(single(all, Observation::And))
    }

    fn qualified(&mut self) -> Result<Observation, PatternError> {
        let mut inner = if self.mark('(') {
            self.deeper()?;
            let inner = self.followed_by()?;
            self.need_mark(')')?;
            self.depth -= 1;
            inner
        } else if self.mark('[') {
            let comparison = self.any_of()?;
            self.need_mark(']')?;
            Observation::One(comparison)
        } else {
            return Err(self.unexpected("\"[\" or \"(\""));
        };
        // Each kind of qualifier once for one expression.
        let (mut within, mut repeats, mut span) = (false, false, false);
        loop {
            let place = self.place();
            let once = |seen: &mut bool| {
                if std::mem::replace(seen, true) {
                    Err(fault(place, "the same qualifier twice"))
                } else {
                    Ok(())
                }
            };
            if self.is_word("WITHIN") {
                once(&mut within)?;
                self.at += 1;
                let seconds = match self.next() {
                    Some(Kind::Literal(Literal::Int(n))) if n > 0 => n as f64,
                    Some(Kind::Literal(Literal::Float(n))) if n > 0.0 => n,
                    _ => {
                        self.at -= 1;
                        return Err(self.unexpected("a number of seconds above 0"));
                    }
                };
                self.need_word("SECONDS")?;
                inner = Observation::Within(Box::new(inner), seconds);
            } else if self.is_word("REPEATS") {
                once(&mut repeats)?;
                self.at += 1;
                let times = match self.next() {
                    Some(Kind::Literal(Literal::Int(n))) if n > 0 => u32::try_from(n).ok(),
                    _ => None,
                };
                let Some(times) = times else {
                    self.at -= 1;
                    return Err(self.unexpected("a whole number of times above 0"));
                };
                self.need_word("TIMES")?;
                inner = Observation::Repeats(Box::new(inner), times);
            } else if self.is_word("START") {
                once(&mut span)?;
                self.at += 1;
                let Some(Kind::Literal(Literal::Time(from))) = self.next() else {
                    self.at -= 1;
                    return Err(self.unexpected("an instant t'…'"));
                };
                self.need_word("STOP")?;
                let Some(Kind::Literal(Literal::Time(until))) = self.next() else {
                    self.at -= 1;
                    return Err(self.unexpected("an instant t'…'"));
                };
                if until <= from {
                    return Err(fault(place, "STOP is not after START"));
                }
                inner = Observation::StartStop(Box::new(inner), from, until);
            } else {
                return Ok(inner);
            }
        }
    }

    fn any_of(&mut self) -> Result<Comparison, PatternError> {
        let mut all = vec![self.all_of()?];
        while self.word("OR") {
            all.push(self.all_of()?);
        }
        Ok(single(all, Comparison::Or))
    }

    fn all_of(&mut self) -> Result<Comparison, PatternError> {
        let mut all = vec![self.test()?];
        while self.word("AND") {
            all.push(self.test()?);
        }
        Ok(single(all, Comparison::And))
    }

    fn test(&mut self) -> Result<Comparison, PatternError> {
        if self.mark('(') {
            self.deeper()?;
            let inner = self.any_of()?;
            self.need_mark(')')?;
            self.depth -= 1;
            return Ok(inner);
        }
        let before = self.word("NOT");
        if self.word("EXISTS") {
            let path = self.path()?;
            return Ok(Comparison::Test {
                path,
                operator: Operator::Exists,
                negated: before,
            });
        }
        if before {
            return Err(self.unexpected("EXISTS (NOT stands after the path otherwise)"));
        }
        let path = self.path()?;
        let mut negated = self.word("NOT");
        let place = self.place();
        let operator = match self.next() {
            Some(Kind::Operator(op)) => {
                if op == "!=" {
                    negated = !negated;
                }
                let Some(Kind::Literal(literal)) = self.next() else {
                    self.at -= 1;
                    return Err(self.unexpected("a constant"));
                };
                let ordered = !matches!(op, "=" | "!=");
                if ordered && matches!(literal, Literal::Bool(_)) {
                    return Err(fault(place, "true and false have no order"));
                }
                match op {
                    "<" => Operator::Less(literal),
                    "<=" => Operator::LessOrEqual(literal),
                    ">" => Operator::Greater(literal),
                    ">=" => Operator::GreaterOrEqual(literal),
                    _ => Operator::Equal(literal),
                }
            }
            Some(Kind::Word(word)) => self.by_word(&word)?,
            _ => {
                self.at -= 1;
                return Err(self.unexpected("an operator"));
            }
        };
        Ok(Comparison::Test {
            path,
            operator,
            negated,
        })
    }

    fn by_word(&mut self, word: &str) -> Result<Operator, PatternError> {
        if word == "IN" {
            self.need_mark('(')?;
            let mut all = Vec::new();
            if self.mark(')') {
                return Ok(Operator::In(all));
            }
            loop {
                let Some(Kind::Literal(literal)) = self.next() else {
                    self.at -= 1;
                    return Err(self.unexpected("a constant"));
                };
                all.push(literal);
                if self.mark(')') {
                    return Ok(Operator::In(all));
                }
                self.need_mark(',')?;
            }
        }
        if !["LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"].contains(&word) {
            self.at -= 1;
            return Err(self.unexpected("an operator"));
        }
        let Some(Kind::Literal(Literal::Text(text))) = self.next() else {
            self.at -= 1;
            return Err(self.unexpected("a string"));
        };
        Ok(match word {
            "LIKE" => Operator::Like(text),
            "MATCHES" => Operator::Matches(text),
            "ISSUBSET" => Operator::IsSubset(text),
            _ => Operator::IsSuperset(text),
        })
    }

    fn path(&mut self) -> Result<ObjectPath, PatternError> {
        let place = self.place();
        let object = match self.next() {
            Some(Kind::Word(word)) if !KEYWORDS.contains(&word.as_str()) => word,
            _ => {
                self.at -= 1;
                return Err(self.unexpected("an object path"));
            }
        };
        self.need_mark(':')?;
        let mut steps = vec![self.key()?];
        loop {
            if self.mark('.') {
                steps.push(self.key()?);
            } else if self.peek() == Some(&Kind::Mark('[')) {
                self.at += 1;
                steps.push(match self.next() {
                    Some(Kind::Mark('*')) => Step::Any,
                    Some(Kind::Literal(Literal::Int(n))) => Step::Index(n),
                    _ => {
                        self.at -= 1;
                        return Err(self.unexpected("\"*\" or a whole number"));
                    }
                });
                self.need_mark(']')?;
            } else {
                return Ok(ObjectPath { object, steps });
            }
            if steps.len() > DEPTH {
                return Err(fault(place, "too long an object path"));
            }
        }
    }

    fn key(&mut self) -> Result<Step, PatternError> {
        match self.next() {
            Some(Kind::Word(word)) if word.contains('-') => {
                self.at -= 1;
                Err(self.unexpected("a property (one with a hyphen stands in quotes)"))
            }
            Some(Kind::Word(word)) if !KEYWORDS.contains(&word.as_str()) => Ok(Step::Key(word)),
            Some(Kind::Literal(Literal::Text(text))) => Ok(Step::Key(text)),
            _ => {
                self.at -= 1;
                Err(self.unexpected("a property"))
            }
        }
    }
}

fn single<T>(mut all: Vec<T>, many: fn(Vec<T>) -> T) -> T {
    if all.len() == 1
        && let Some(one) = all.pop()
    {
        return one;
    }
    many(all)
}
