//! The walk itself: statements and expressions, tolerant of what is no PHP.

use super::super::fold;
use super::super::token::{Piece, Tok, Token};
use super::super::value::*;
use super::{DEPTH, Function, Interp, STEPS, Target, What, far};
use std::rc::Rc;

pub(super) struct Walker<'t, 'i> {
    pub(super) toks: &'t [Token],
    pub(super) at: usize,
    pub(super) interp: &'i mut Interp,
    pub(super) depth: usize,
}

impl<'t> Walker<'t, '_> {
    fn tok(&self) -> Option<&'t Tok> {
        self.toks.get(self.at).map(|t| &t.tok)
    }
    fn line(&self) -> u32 {
        self.toks
            .get(self.at)
            .or(self.toks.last())
            .map_or(0, |t| t.line)
    }
    fn is(&self, op: &str) -> bool {
        matches!(self.tok(), Some(Tok::Op(o)) if *o == op)
    }
    fn next_is(&self, ahead: usize, op: &str) -> bool {
        matches!(self.toks.get(self.at + ahead).map(|t| &t.tok), Some(Tok::Op(o)) if *o == op)
    }
    fn eat(&mut self, op: &str) -> bool {
        let found = self.is(op);
        self.at += usize::from(found);
        found
    }
    fn word(&self) -> Option<String> {
        match self.tok() {
            Some(Tok::Ident(name)) => Some(name.to_ascii_lowercase()),
            _ => None,
        }
    }
    /// Moves to just after the bracket that closes the one just passed.
    fn skip_brackets(&mut self) {
        let mut depth = 1usize;
        while let Some(tok) = self.tok() {
            self.at += 1;
            match tok {
                Tok::Op("(" | "[" | "{") => depth += 1,
                Tok::Op(")" | "]" | "}") => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
    fn skip_statement(&mut self) {
        while let Some(tok) = self.tok() {
            if matches!(tok, Tok::Op(";" | "{" | "}")) {
                return;
            }
            self.at += 1;
        }
    }

    pub(super) fn statements(&mut self, block: bool) {
        while self.tok().is_some() && self.interp.steps < STEPS {
            if self.is("}") {
                self.at += 1;
                if block {
                    return;
                }
                continue;
            }
            let before = self.at;
            self.statement();
            if self.at == before {
                self.at += 1;
            }
        }
    }

    fn branch(&mut self) {
        self.interp.conditional += 1;
        if !self.eat(":") {
            self.statement();
        }
        self.interp.conditional -= 1;
    }

    fn parenthesised(&mut self) -> Val {
        if !self.eat("(") {
            return Val::default();
        }
        let mut value = Val::default();
        while self.tok().is_some() && !self.is(")") {
            let before = self.at;
            value = self.expression(0).0;
            while self.is(",") || self.is(";") {
                self.at += 1;
            }
            if self.at == before {
                self.at += 1;
            }
        }
        self.eat(")");
        value
    }

    fn statement(&mut self) {
        if self.depth > DEPTH {
            // Too deep to follow: the rest of this statement is passed over.
            self.at += 1;
            return;
        }
        self.depth += 1;
        self.statement_inner();
        self.depth -= 1;
    }

    fn statement_inner(&mut self) {
        match self.tok() {
            Some(Tok::Op(";") | Tok::Html) => {
                self.at += 1;
                return;
            }
            Some(Tok::Op("{")) => {
                self.at += 1;
                self.statements(true);
                return;
            }
            Some(Tok::Op("#")) if self.next_is(1, "[") => {
                self.at += 2;
                self.skip_brackets();
                return;
            }
            _ => {}
        }
        let Some(word) = self.word() else {
            self.expressions();
            return;
        };
        let called = self.next_is(1, "(");
        match word.as_str() {
            "if" | "elseif" | "while" | "switch" | "for" => {
                self.at += 1;
                self.parenthesised();
                self.branch();
            }
            "else" => {
                self.at += 1;
                self.branch();
            }
            "foreach" => self.foreach(),
            "do" | "try" | "finally" | "public" | "private" | "protected" | "abstract"
            | "final" | "var" | "readonly" => {
                self.at += 1;
                // A typed property: its type is no expression.
                while matches!(self.tok(), Some(Tok::Ident(w)) if !matches!(w.to_ascii_lowercase().as_str(), "function" | "static" | "const" | "class" | "abstract" | "final"))
                    && matches!(
                        self.toks.get(self.at + 1).map(|t| &t.tok),
                        Some(Tok::Var(_))
                    )
                {
                    self.at += 1;
                }
            }
            "catch" | "declare" | "unset" if called => {
                self.at += 2;
                self.skip_brackets();
            }
            "function" if !(called || self.next_is(1, "&") && self.next_is(2, "(")) => {
                self.function()
            }
            "class" | "interface" | "trait" | "enum"
                if matches!(
                    self.toks.get(self.at + 1).map(|t| &t.tok),
                    Some(Tok::Ident(_))
                ) =>
            {
                self.at += 2;
                while let Some(tok) = self.tok() {
                    match tok {
                        Tok::Op("{") => break,
                        Tok::Op(";") => return,
                        Tok::Ident(w)
                            if matches!(
                                w.to_ascii_lowercase().as_str(),
                                "extends" | "implements"
                            ) =>
                        {
                            self.interp.library = true
                        }
                        _ => {}
                    }
                    self.at += 1;
                }
                self.at += 1;
                self.interp.classes = true;
                self.interp.inside.push("->".into());
                self.statements(true);
                self.interp.inside.pop();
            }
            "namespace" | "use" => {
                self.interp.library = true;
                self.at += 1;
                self.skip_statement();
            }
            "return" => {
                self.at += 1;
                let value = self.expression(0).0;
                if let Some(name) = self.interp.inside.last().cloned()
                    && let Some(function) = self.interp.functions.get_mut(&name)
                {
                    function.result =
                        if function.result.taint == 0 && function.result.bytes.is_none() {
                            value
                        } else {
                            function.result.join(&value)
                        };
                }
            }
            "global" => {
                self.at += 1;
                while let Some(tok) = self.tok() {
                    match tok {
                        Tok::Var(name) => {
                            let value = self
                                .interp
                                .env
                                .get(&(0, name.clone()))
                                .cloned()
                                .unwrap_or_default();
                            let scope = self.interp.scope;
                            self.interp.env.insert((scope, name.clone()), value);
                        }
                        Tok::Op(",") => {}
                        _ => break,
                    }
                    self.at += 1;
                }
            }
            "static"
                if matches!(
                    self.toks.get(self.at + 1).map(|t| &t.tok),
                    Some(Tok::Var(_) | Tok::Ident(_))
                ) && !self.next_is(1, "::") =>
            {
                self.at += 1
            }
            "echo" | "print" | "const" | "throw" => {
                self.at += 1;
                self.expressions();
            }
            "case" => {
                self.at += 1;
                self.expression(0);
                self.eat(":");
            }
            "default" if self.next_is(1, ":") => self.at += 2,
            "break" | "continue" | "goto" => {
                self.at += 1;
                self.skip_statement();
            }
            "endif" | "endwhile" | "endfor" | "endforeach" | "endswitch" => self.at += 1,
            _ if self.next_is(1, ":") && !self.next_is(1, "::") => self.at += 2,
            _ => self.expressions(),
        }
    }

    fn expressions(&mut self) {
        loop {
            self.expression(0);
            if !self.eat(",") {
                return;
            }
        }
    }

    fn foreach(&mut self) {
        self.at += 1;
        if !self.eat("(") {
            return;
        }
        let subject = self.expression(0).0;
        if self.word().as_deref() == Some("as") {
            self.at += 1;
        }
        let element = Val {
            taint: subject.all()
                | if subject
                    .global
                    .is_some_and(|g| g != "_FILES" && g != "_SERVER" && g != "GLOBALS")
                {
                    INPUT | COMMAND | LEAD
                } else {
                    0
                },
            bytes: subject.array.as_ref().and_then(|a| {
                if a.len() == 1 {
                    a.first()?.1.bytes.clone()
                } else {
                    None
                }
            }),
            global: (subject.global == Some("_FILES")).then_some("_FILES"),
            ..Val::default()
        };
        while self.tok().is_some() && !self.is(")") {
            let before = self.at;
            self.eat("&");
            let target = self.expression(5).1;
            self.interp.set(&target, element.clone());
            self.eat("=>");
            if self.at == before {
                self.at += 1;
            }
        }
        self.eat(")");
        self.branch();
    }

    fn parameters(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        if !self.eat("(") {
            return out;
        }
        let mut depth = 1usize;
        while let Some(tok) = self.tok() {
            self.at += 1;
            match tok {
                Tok::Op("(" | "[" | "{") => depth += 1,
                Tok::Op(")" | "]" | "}") => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                Tok::Var(name) if depth == 1 => out.push(name.clone()),
                _ => {}
            }
        }
        out
    }

    /// `function name(…) {…}`; in a class, a method.
    fn function(&mut self) {
        self.at += 1;
        self.eat("&");
        let Some(Tok::Ident(name)) = self.tok() else {
            return;
        };
        self.at += 1;
        let prefix = if self.interp.inside.last().is_some_and(|i| i == "->") {
            "->"
        } else {
            ""
        };
        let key = format!("{prefix}{}", name.to_ascii_lowercase());
        let params = self.parameters();
        while self.tok().is_some() && !self.is("{") && !self.is(";") && !self.is("}") {
            self.at += 1;
        }
        if !self.eat("{") {
            return;
        }
        let scope = match self.interp.functions.get(&key) {
            Some(f) => f.scope,
            None => {
                self.interp.scopes += 1;
                let scope = self.interp.scopes;
                self.interp.functions.insert(
                    key.clone(),
                    Function {
                        params,
                        scope,
                        result: Val::default(),
                    },
                );
                scope
            }
        };
        self.body(key, scope);
    }

    fn body(&mut self, key: String, scope: u32) {
        let (outer, conditional) = (self.interp.scope, self.interp.conditional);
        self.interp.scope = scope;
        self.interp.conditional = 0;
        self.interp.inside.push(key);
        if self.depth < DEPTH {
            self.depth += 1;
            self.statements(true);
            self.depth -= 1;
        } else {
            self.skip_brackets();
        }
        self.interp.inside.pop();
        self.interp.scope = outer;
        self.interp.conditional = conditional;
    }

    /// `function (…) use (…) {…}` and `fn (…) => …`: seen in the scope around them.
    fn closure(&mut self, arrow: bool) -> Val {
        self.eat("&");
        self.parameters();
        if self.word().as_deref() == Some("use") {
            self.at += 1;
            self.parameters();
        }
        while self.tok().is_some()
            && !self.is("{")
            && !self.is("=>")
            && !self.is(";")
            && !self.is(")")
            && !self.is(",")
        {
            self.at += 1;
        }
        if arrow {
            if self.eat("=>") {
                self.expression(2);
            }
        } else if self.eat("{") {
            let scope = self.interp.scope;
            self.body("{closure}".into(), scope);
        }
        Val::default()
    }

    /// An expression of operators that bind at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> (Val, Target) {
        self.interp.steps += 1;
        if self.depth > DEPTH || self.interp.steps > STEPS {
            self.at += 1;
            return (Val::default(), Target::None);
        }
        self.depth += 1;
        let out = self.expression_inner(least);
        self.depth -= 1;
        out
    }

    fn expression_inner(&mut self, least: u8) -> (Val, Target) {
        let (mut value, mut target) = self.prefix();
        loop {
            let line = self.line();
            let Some(tok) = self.tok() else { break };
            let op = match tok {
                Tok::Op(op) => *op,
                Tok::Ident(w) => match w.to_ascii_lowercase().as_str() {
                    "or" | "xor" | "and" => "or",
                    "instanceof" => "instanceof",
                    _ => break,
                },
                _ => break,
            };
            if matches!(
                op,
                "=" | ".="
                    | "??="
                    | "+="
                    | "-="
                    | "*="
                    | "/="
                    | "%="
                    | "&="
                    | "|="
                    | "^="
                    | "<<="
                    | ">>="
                    | "**="
            ) {
                self.at += 1;
                self.eat("&");
                let right = self.expression(2).0;
                value = match op {
                    "=" => right,
                    ".=" => value.concat(&right),
                    "??=" => value.join(&right),
                    "^=" => bits(op, &value, &right),
                    _ => Val::default(),
                };
                // The only text of an empty variable is what is added.
                self.interp.set(&target, value.clone());
                target = Target::None;
                continue;
            }
            let power = match op {
                "or" => 1,
                "?" => 3,
                "??" => 4,
                "||" => 5,
                "&&" => 6,
                "|" => 7,
                "^" => 8,
                "&" => 9,
                "==" | "!=" | "===" | "!==" | "<>" | "<=>" | "<" | ">" | "<=" | ">=" => 10,
                "<<" | ">>" => 11,
                "." | "+" | "-" => 12,
                "*" | "/" | "%" => 13,
                "**" | "instanceof" => 14,
                _ => break,
            };
            if power < least {
                break;
            }
            self.at += 1;
            target = Target::None;
            if op == "?" {
                if self.eat(":") {
                    let other = self.expression(3).0;
                    value = value.join(&other);
                } else {
                    self.interp.conditional += 1;
                    let yes = self.expression(2).0;
                    self.eat(":");
                    let no = self.expression(3).0;
                    self.interp.conditional -= 1;
                    value = yes.join(&no);
                }
                continue;
            }
            let right = self.expression(power + 1).0;
            value = match op {
                "." => value.concat(&right),
                "??" => value.join(&right),
                "|" | "^" | "&" => bits(op, &value, &right),
                "+" | "-" | "*" | "/" | "%" | "<<" | ">>" => arithmetic(op, &value, &right),
                _ => Val::default(),
            };
            let _ = line;
        }
        (value, target)
    }

    fn prefix(&mut self) -> (Val, Target) {
        let line = self.line();
        let Some(tok) = self.tok() else {
            return (Val::default(), Target::None);
        };
        let (value, target) = match tok {
            Tok::Var(name) => {
                self.at += 1;
                let value = if name == "_FILES" {
                    self.takes_upload(line)
                } else {
                    self.interp.get(name)
                };
                if name == "_SESSION" {
                    self.interp.session = true;
                }
                (value, Target::Var(name.clone()))
            }
            Tok::Num(n) => {
                self.at += 1;
                let n = n.to_ascii_lowercase();
                let parsed = match n.strip_prefix("0x") {
                    Some(hex) => i64::from_str_radix(hex, 16).ok(),
                    None if n.len() > 1
                        && n.starts_with('0')
                        && n.bytes().all(|b| b.is_ascii_digit()) =>
                    {
                        i64::from_str_radix(&n, 8).ok()
                    }
                    None => n.parse().ok(),
                };
                (
                    Val::of(parsed.map_or(n, |p| p.to_string()).into_bytes()),
                    Target::None,
                )
            }
            Tok::Str(text) => {
                self.at += 1;
                (Val::of(text.clone()), Target::None)
            }
            Tok::Template(pieces) => {
                self.at += 1;
                (self.pieces(pieces), Target::None)
            }
            Tok::Command(pieces) => {
                self.at += 1;
                let command = self.pieces(pieces);
                self.interp.run_command(&command, line, "backticks");
                (Val::default(), Target::None)
            }
            Tok::Html => {
                self.at += 1;
                return (Val::default(), Target::None);
            }
            Tok::Op(op) => match *op {
                "(" => {
                    // A cast, or an expression in parentheses.
                    if let (Some(Tok::Ident(kind)), true) = (
                        self.toks.get(self.at + 1).map(|t| &t.tok),
                        self.next_is(2, ")"),
                    ) {
                        let kind = kind.to_ascii_lowercase();
                        if matches!(
                            kind.as_str(),
                            "int"
                                | "integer"
                                | "bool"
                                | "boolean"
                                | "float"
                                | "double"
                                | "string"
                                | "array"
                                | "object"
                                | "unset"
                                | "binary"
                        ) {
                            self.at += 3;
                            let value = self.expression(14).0;
                            let keep =
                                matches!(kind.as_str(), "string" | "array" | "object" | "binary");
                            return (
                                if keep {
                                    value
                                } else {
                                    Val {
                                        bytes: value.bytes,
                                        ..Val::default()
                                    }
                                },
                                Target::None,
                            );
                        }
                    }
                    self.at += 1;
                    let inner = self.expression(0);
                    if !self.eat(")") {
                        self.at += usize::from(self.is(","));
                    }
                    inner
                }
                "[" => {
                    self.at += 1;
                    self.array("]")
                }
                "!" => {
                    self.at += 1;
                    self.expression(14);
                    (Val::default(), Target::None)
                }
                "@" | "&" | "+" | "++" | "--" | "..." => {
                    self.at += 1;
                    return self.expression(if *op == "@" { 13 } else { 14 });
                }
                "-" => {
                    self.at += 1;
                    let v = self.expression(14).0;
                    (
                        v.text()
                            .and_then(|t| t.parse::<i64>().ok())
                            .map_or(Val::default(), |n| {
                                Val::of(n.wrapping_neg().to_string().into_bytes())
                            }),
                        Target::None,
                    )
                }
                "~" => {
                    self.at += 1;
                    let v = self.expression(14).0;
                    let flipped = v
                        .bytes
                        .as_ref()
                        .map(|b| b.iter().map(|c| !c).collect::<Vec<u8>>());
                    (
                        flipped.map_or(Val::tainted(v.taint | DECODED), |b| {
                            Val::of(b).with(v.taint | COMPUTED)
                        }),
                        Target::None,
                    )
                }
                "$" => {
                    // `$$name`, `${expression}`.
                    self.at += 1;
                    let name = if self.eat("{") {
                        let v = self.expression(0).0;
                        self.eat("}");
                        v
                    } else if let Some(Tok::Var(name)) = self.tok() {
                        self.at += 1;
                        self.interp.get(name)
                    } else {
                        self.expression(15).0
                    };
                    match name.text() {
                        Some(text) => {
                            let value = if text == "_FILES" {
                                self.takes_upload(line)
                            } else {
                                self.interp.get(&text)
                            };
                            if name.is(COMPUTED)
                                && value
                                    .global
                                    .is_some_and(|g| g != "GLOBALS" && g != "_SERVER")
                            {
                                self.interp.say(
                                    What::HidesNames,
                                    line,
                                    &format!("reads ${text} under a name that is put together"),
                                );
                            }
                            (value, Target::Var(text))
                        }
                        None => (Val::default(), Target::None),
                    }
                }
                _ => return (Val::default(), Target::None),
            },
            Tok::Ident(name) => {
                let lower = name.trim_start_matches('\\').to_ascii_lowercase();
                self.at += 1;
                match self.keyword(&lower, line) {
                    Some(value) => (value, Target::None),
                    None => self.named(name, &lower, line),
                }
            }
        };
        self.postfix(value, target)
    }

    fn takes_upload(&mut self, line: u32) -> Val {
        self.interp
            .say(What::TakesUpload, line, "looks at uploaded files");
        named("_FILES")
    }

    fn pieces(&mut self, pieces: &'t [Piece]) -> Val {
        let mut value = Val::of(Vec::new());
        let mut first = true;
        for piece in pieces {
            let next = match piece {
                Piece::Text(text) => Val::of(text.clone()),
                Piece::Code(toks) => {
                    Walker {
                        toks,
                        at: 0,
                        interp: self.interp,
                        depth: self.depth + 1,
                    }
                    .expression(0)
                    .0
                }
            };
            value = if first { next } else { value.concat(&next) };
            first = false;
        }
        value
    }

    fn array(&mut self, close: &'static str) -> (Val, Target) {
        let mut list: Vec<(Vec<u8>, Val)> = Vec::new();
        let mut targets = Vec::new();
        let mut taint = 0;
        while self.tok().is_some() && !self.is(close) {
            let before = self.at;
            if self.eat(",") {
                targets.push(Target::None);
                continue;
            }
            let (mut value, mut target) = self.expression(2);
            let mut key = list.len().to_string().into_bytes();
            if self.eat("=>") {
                if let Some(bytes) = &value.bytes {
                    key = bytes.to_vec();
                }
                self.eat("&");
                (value, target) = self.expression(2);
            }
            taint |= value.all();
            if list.len() < ELEMENTS {
                list.push((key, value));
            }
            targets.push(target);
            self.eat(",");
            if self.at == before {
                self.at += 1;
            }
        }
        self.eat(close);
        let value = Val {
            taint: taint & !LEAD,
            array: Some(Rc::new(list)),
            ..Val::default()
        };
        (value, Target::List(targets))
    }

    fn keyword(&mut self, lower: &str, line: u32) -> Option<Val> {
        Some(match lower {
            "true" | "false" | "null" => Val::of(if lower == "true" {
                b"1".to_vec()
            } else {
                Vec::new()
            }),
            "array" | "list" if self.is("(") => {
                self.at += 1;
                let (value, target) = self.array(")");
                if lower == "list" && self.eat("=") {
                    let right = self.expression(2).0;
                    self.interp.set(&target, right.clone());
                    return Some(right);
                }
                value
            }
            "function" => self.closure(false),
            "fn" => self.closure(true),
            "static" if matches!(self.word().as_deref(), Some("function" | "fn")) => return None,
            "include" | "include_once" | "require" | "require_once" => {
                let value = self.expression(2).0;
                self.include(&value, line, lower);
                Val::default()
            }
            "print" | "echo" | "throw" | "yield" | "clone" => {
                self.expression(2);
                Val::default()
            }
            "eval" if self.is("(") => {
                let code = self.parenthesised();
                self.interp.run_text(&code, line, "eval");
                Val::default()
            }
            "isset" | "empty" | "unset" if self.is("(") => {
                self.parenthesised();
                Val::default()
            }
            "exit" | "die" => {
                self.parenthesised();
                Val::default()
            }
            "new" => {
                if self.word().as_deref() == Some("class") {
                    self.at += 1;
                    if self.eat("(") {
                        self.skip_brackets();
                    }
                    while self.tok().is_some() && !self.is("{") && !self.is(";") {
                        self.at += 1;
                    }
                    if self.eat("{") {
                        self.interp.inside.push("->".into());
                        self.statements(true);
                        self.interp.inside.pop();
                    }
                    return Some(Val::default());
                }
                let class = match self.tok() {
                    Some(Tok::Ident(name)) => {
                        self.at += 1;
                        name.trim_start_matches('\\').to_ascii_lowercase()
                    }
                    _ => {
                        // The class is in a variable: `new $x(…)`.
                        if let Some(Tok::Var(_)) = self.tok() {
                            self.at += 1;
                        }
                        String::new()
                    }
                };
                if self.is("(") {
                    let (args, _) = self.arguments();
                    let first = args.first().cloned().unwrap_or_default();
                    if class == "reflectionfunction" && first.is(INPUT) {
                        self.interp.say(
                            What::RunsInput,
                            line,
                            "calls a function that the request names",
                        );
                    } else if class == "splfileobject" && first.is(INPUT) {
                        self.interp
                            .say(What::Reads, line, "opens a file that the request names");
                    }
                    return Some(Val::tainted(
                        args.iter().fold(0, |t, a| t | a.all()) & (REMOTE | SOCKET),
                    ));
                }
                Val::default()
            }
            "match" if self.is("(") => {
                self.parenthesised();
                let mut value = Val::default();
                if self.eat("{") {
                    while self.tok().is_some() && !self.is("}") {
                        let before = self.at;
                        let v = self.expression(2).0;
                        if self.eat("=>") {
                            let v = self.expression(2).0;
                            value.taint |= v.taint;
                        } else {
                            let _ = v;
                        }
                        self.eat(",");
                        if self.at == before {
                            self.at += 1;
                        }
                    }
                    self.eat("}");
                }
                value
            }
            "__file__" | "__dir__" | "__line__" | "__namespace__" => Val::default(),
            _ => return None,
        })
    }

    fn include(&mut self, value: &Val, line: u32, word: &str) {
        self.interp.includes = true;
        let lower = value.text().unwrap_or_default().to_ascii_lowercase();
        if value.is(INPUT) && value.is(LEAD) {
            self.interp.say(
                What::IncludesInput,
                line,
                &format!("{word} takes the file's name from the request"),
            );
        } else if lower.starts_with("php://input")
            || lower.starts_with("data:")
            || value.is(SCHEME) && value.is(INPUT)
        {
            self.interp.say(
                What::RunsInput,
                line,
                &format!("{word} runs the body of the request"),
            );
        } else if ["http://", "https://", "ftp://"]
            .iter()
            .any(|s| lower.starts_with(s))
            || value.is(REMOTE)
        {
            self.interp.say(
                What::RunsRemote,
                line,
                &format!("{word} runs code of another host"),
            );
        } else if [
            ".ico", ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".svg", ".woff",
        ]
        .iter()
        .any(|e| lower.ends_with(e))
        {
            self.interp.say(
                What::RunsHidden,
                line,
                &format!("{word} runs a file named as an image"),
            );
        }
    }

    fn arguments(&mut self) -> (Vec<Val>, Vec<Target>) {
        let (mut args, mut targets) = (Vec::new(), Vec::new());
        if !self.eat("(") {
            return (args, targets);
        }
        while self.tok().is_some() && !self.is(")") {
            let before = self.at;
            // A named argument.
            if matches!(self.tok(), Some(Tok::Ident(_))) && self.next_is(1, ":") {
                self.at += 2;
            }
            let (value, target) = self.expression(2);
            args.push(value);
            targets.push(target);
            self.eat(",");
            if self.at == before {
                self.at += 1;
            }
        }
        self.eat(")");
        (args, targets)
    }

    /// A name: a function's call, a class, a constant.
    fn named(&mut self, name: &'t str, lower: &str, line: u32) -> (Val, Target) {
        if self.is("(") {
            let (args, targets) = self.arguments();
            let short = lower.rsplit('\\').next().unwrap_or(lower);
            return (
                self.interp.call(short, &args, &targets, line, false),
                Target::None,
            );
        }
        if self.is("::") {
            self.at += 1;
            match self.tok() {
                Some(Tok::Ident(method)) => {
                    let method = method.to_ascii_lowercase();
                    self.at += 1;
                    if self.is("(") {
                        let (args, _) = self.arguments();
                        if matches!(lower, "self" | "static" | "parent")
                            || self.interp.functions.contains_key(&format!("->{method}"))
                        {
                            return (
                                self.interp
                                    .call(&format!("->{method}"), &args, &[], line, false),
                                Target::None,
                            );
                        }
                        if method.starts_with("get_input_") {
                            return (fold::call(&method, &args).unwrap_or_default(), Target::None);
                        }
                        if lower == "ffi" && method == "cdef" {
                            self.interp.shell.get_or_insert(line);
                        }
                        return (Val::default(), Target::None);
                    }
                    return (Val::default(), Target::None);
                }
                Some(Tok::Var(property)) => {
                    self.at += 1;
                    let key = (0, format!("->{property}"));
                    return (
                        self.interp.env.get(&key).cloned().unwrap_or_default(),
                        Target::Property(property.clone()),
                    );
                }
                _ => return (Val::default(), Target::None),
            }
        }
        // An unknown constant stands for its own name, as PHP before 8 had it (`$_GET[cmd]`).
        let constant = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (
            if constant && name.len() < 40 {
                Val::of(name.as_bytes().to_vec()).with(COMPUTED)
            } else {
                Val::default()
            },
            Target::None,
        )
    }

    fn postfix(&mut self, mut value: Val, mut target: Target) -> (Val, Target) {
        loop {
            let line = self.line();
            match self.tok() {
                Some(Tok::Op("[")) => {
                    self.at += 1;
                    if self.eat("]") {
                        if let Target::Var(name) = &target {
                            target = Target::Element(name.clone(), None);
                        }
                        value = Val::tainted(value.all());
                        continue;
                    }
                    let key = self.expression(0).0;
                    self.eat("]");
                    value = value.element(&key);
                    target = match target {
                        Target::Var(name) => {
                            Target::Element(name, key.bytes.as_deref().map(<[u8]>::to_vec))
                        }
                        other => other,
                    };
                }
                Some(Tok::Op("{"))
                    if value.bytes.is_some()
                        && matches!(
                            self.toks.get(self.at + 1).map(|t| &t.tok),
                            Some(Tok::Num(_) | Tok::Var(_))
                        )
                        && (self.next_is(2, "}")) =>
                {
                    // `$s{3}`, as PHP before 8 had it.
                    self.at += 1;
                    let key = self.expression(0).0;
                    self.eat("}");
                    value = value.element(&key);
                    target = Target::None;
                }
                Some(Tok::Op("->" | "?->")) => {
                    self.at += 1;
                    let this = matches!(&target, Target::Var(n) if n == "this");
                    let member = match self.tok() {
                        Some(Tok::Ident(name)) => {
                            self.at += 1;
                            Some(name.clone())
                        }
                        Some(Tok::Var(_)) => {
                            self.at += 1;
                            None
                        }
                        Some(Tok::Op("{")) => {
                            self.at += 1;
                            let v = self.expression(0).0;
                            self.eat("}");
                            v.text()
                        }
                        _ => None,
                    };
                    if self.is("(") {
                        let (args, _) = self.arguments();
                        let method = member.map(|m| m.to_ascii_lowercase()).unwrap_or_default();
                        value = if this
                            || self.interp.functions.contains_key(&format!("->{method}"))
                        {
                            self.interp
                                .call(&format!("->{method}"), &args, &[], line, false)
                        } else {
                            if matches!(method.as_str(), "invoke" | "invokeargs") && value.is(INPUT)
                            {
                                self.interp.say(
                                    What::RunsInput,
                                    line,
                                    "calls a function that the request names",
                                );
                            }
                            if method == "exec" && value.is(SOCKET) {
                                self.interp.run_command(
                                    &args.first().cloned().unwrap_or_default(),
                                    line,
                                    "exec",
                                );
                            }
                            Val::default()
                        };
                        target = Target::None;
                    } else {
                        let member = member.unwrap_or_default();
                        let known = self.interp.env.get(&(0, format!("->{member}"))).cloned();
                        value =
                            known.unwrap_or_else(|| Val::tainted(value.taint & (INPUT | REMOTE)));
                        target = Target::Property(member);
                    }
                }
                Some(Tok::Op("::")) => {
                    self.at += 1;
                    if matches!(self.tok(), Some(Tok::Ident(_) | Tok::Var(_))) {
                        self.at += 1;
                    }
                    if self.is("(") {
                        self.arguments();
                    }
                    value = Val::default();
                    target = Target::None;
                }
                Some(Tok::Op("(")) => {
                    let method = matches!(target, Target::Property(_));
                    let (args, targets) = self.arguments();
                    value = match value.name() {
                        Some(name) if value.bytes.is_some() => {
                            let computed = value.is(COMPUTED);
                            self.interp.call(&name, &args, &targets, line, computed)
                        }
                        _ => {
                            if value.is(INPUT) && value.is(LEAD) && !method {
                                self.interp.say(
                                    far(value.taint),
                                    line,
                                    "calls a function that the request names",
                                );
                            } else if value.is(DECODED) {
                                self.interp.say(
                                    What::RunsHidden,
                                    line,
                                    "calls a function whose name is decoded only then",
                                );
                            }
                            Val::tainted(
                                args.iter().fold(0, |t, a| t | a.all())
                                    & (INPUT | COMMAND)
                                    & if value.is(DECODED | COMPUTED) { !0 } else { 0 },
                            )
                        }
                    };
                    target = Target::None;
                }
                Some(Tok::Op("++" | "--")) => {
                    self.at += 1;
                    // `$a++` on letters counts through the alphabet: names are made so.
                    if let (Some(bytes), Target::Var(_)) = (&value.bytes, &target) {
                        let next = increment(bytes);
                        let stepped = Val::of(next).with(value.taint | COMPUTED);
                        let target_now = target.clone();
                        self.interp.set(&target_now, stepped);
                    }
                    target = Target::None;
                }
                _ => return (value, target),
            }
        }
    }
}

/// PHP's `++` on text: `'a'` gives `'b'`, `'z'` gives `'aa'`.
fn increment(bytes: &[u8]) -> Vec<u8> {
    if let Some(n) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|t| t.parse::<i64>().ok())
    {
        return n.wrapping_add(1).to_string().into_bytes();
    }
    let mut out = bytes.to_vec();
    for b in out.iter_mut().rev() {
        match *b {
            b'z' => *b = b'a',
            b'Z' => *b = b'A',
            b'a'..=b'y' | b'A'..=b'Y' => {
                *b += 1;
                return out;
            }
            _ => return out,
        }
    }
    out
}

/// Bitwise operators on texts work byte by byte.
fn bits(op: &str, a: &Val, b: &Val) -> Val {
    let taint = (a.all() | b.all()) & !LEAD;
    match (&a.bytes, &b.bytes) {
        (Some(x), Some(y)) if !(digits(x) && digits(y)) => {
            let bytes: Vec<u8> = match op {
                "|" => {
                    let mut out: Vec<u8> = x.iter().zip(y.iter()).map(|(p, q)| p | q).collect();
                    let longer = if x.len() > y.len() { x } else { y };
                    out.extend_from_slice(longer.get(out.len()..).unwrap_or_default());
                    out
                }
                "&" => x.iter().zip(y.iter()).map(|(p, q)| p & q).collect(),
                _ => x.iter().zip(y.iter()).map(|(p, q)| p ^ q).collect(),
            };
            Val::of(bytes).with(taint | COMPUTED | UNPACKED)
        }
        (Some(x), Some(y)) => {
            let n = |b: &[u8]| {
                std::str::from_utf8(b)
                    .ok()
                    .and_then(|t| t.parse::<i64>().ok())
                    .unwrap_or(0)
            };
            let (p, q) = (n(x), n(y));
            let r = match op {
                "|" => p | q,
                "&" => p & q,
                _ => p ^ q,
            };
            Val::of(r.to_string().into_bytes())
        }
        // A loop that combines characters with a key decodes.
        _ if op.starts_with('^') && taint & (FILE | INPUT | DECODED | COMPUTED) != 0 => {
            Val::tainted(taint | DECODED)
        }
        _ => Val::tainted(taint & DECODED),
    }
}

fn digits(b: &[u8]) -> bool {
    !b.is_empty() && b.iter().all(u8::is_ascii_digit)
}

fn arithmetic(op: &str, a: &Val, b: &Val) -> Val {
    if a.global.is_some() || b.global.is_some() || a.array.is_some() || b.array.is_some() {
        return Val::tainted(a.all() | b.all());
    }
    let n = |v: &Val| v.text().and_then(|t| t.trim().parse::<i64>().ok());
    let (Some(x), Some(y)) = (n(a), n(b)) else {
        return Val::default();
    };
    let result = match op {
        "+" => x.checked_add(y),
        "-" => x.checked_sub(y),
        "*" => x.checked_mul(y),
        "/" => x.checked_div(y),
        "%" => x.checked_rem(y),
        "<<" => u32::try_from(y).ok().and_then(|y| x.checked_shl(y)),
        _ => u32::try_from(y).ok().and_then(|y| x.checked_shr(y)),
    };
    result.map_or(Val::default(), |r| Val::of(r.to_string().into_bytes()))
}
