//! A walk through a script that follows where values come from, without running it.
//!
//! Statements are taken in order, three times over, so that what a function is given further down
//! is known further up. Values are folded where they are constant, so that a name put together
//! from pieces is a name; `eval` of a known text is walked through as well. What cannot be told
//! is taken for harmless: a shell has its input and its call in one file.

mod effects;
mod walker;

use super::fold;
use super::token::{Tok, tokens};
use super::value::{
    COMMAND, COMPUTED, DECODED, FAR, INPUT, LEAD, REMOTE, SOCKET, Taint, UNPACKED, Val, named,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use walker::Walker;

/// A handle onto a file that the request names.
const WRITES: Taint = 4096;
/// Deepest nesting that is followed.
const DEPTH: usize = 90;
/// Most expressions looked at in one file.
const STEPS: usize = 3_000_000;
/// Deepest nesting of texts that are run.
const UNPACK: usize = 6;

/// What a script does, as far as it can matter.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    RunsInput,
    /// The same, by a way through parameters and properties.
    RunsFar,
    RunsHidden,
    Packed,
    RunsRemote,
    IncludesInput,
    StoresInput,
    StoresUpload,
    TakesUpload,
    Lists,
    Reads,
    Changes,
    NetworkShell,
    GrabsPassword,
    HidesNames,
}

/// Code is run.
const CODE: &[&str] = &["eval", "assert", "create_function"];
/// A command is run.
const COMMANDS: &[&str] = &[
    "system",
    "exec",
    "shell_exec",
    "passthru",
    "popen",
    "proc_open",
    "pcntl_exec",
    "expect_popen",
    "wscript.shell",
];
/// Functions that call a function they are given, and at which argument it stands.
const CALLBACKS: &[(&str, usize)] = &[
    ("call_user_func", 0),
    ("call_user_func_array", 0),
    ("array_map", 0),
    ("array_filter", 1),
    ("array_walk", 1),
    ("array_walk_recursive", 1),
    ("array_reduce", 1),
    ("usort", 1),
    ("uasort", 1),
    ("uksort", 1),
    ("register_shutdown_function", 0),
    ("register_tick_function", 0),
    ("ob_start", 0),
    ("iterator_apply", 1),
    ("forward_static_call", 0),
    ("forward_static_call_array", 0),
    ("array_udiff", 2),
    ("array_uintersect", 2),
    ("array_diff_ukey", 2),
    ("preg_replace_callback", 1),
    ("set_error_handler", 0),
    ("spl_autoload_register", 0),
    ("mb_ereg_replace_callback", 1),
    ("array_intersect_ukey", 2),
    ("array_diff_uassoc", 2),
];
/// Names that nobody has to hide.
const TELLING: &[&str] = &[
    "eval",
    "assert",
    "create_function",
    "system",
    "exec",
    "shell_exec",
    "passthru",
    "popen",
    "proc_open",
    "pcntl_exec",
    "base64_decode",
    "gzinflate",
    "gzuncompress",
    "str_rot13",
    "strrev",
    "file_put_contents",
    "fwrite",
    "move_uploaded_file",
    "call_user_func",
    "call_user_func_array",
    "preg_replace",
    "file_get_contents",
    "curl_exec",
    "hex2bin",
    "gzdecode",
    "fsockopen",
];

#[derive(Clone, Debug, Default)]
struct Function {
    params: Vec<String>,
    scope: u32,
    result: Val,
}

/// Where a value can be put.
#[derive(Clone, Debug, Default)]
enum Target {
    #[default]
    None,
    Var(String),
    /// Element of a variable, with its key if that is known.
    Element(String, Option<Vec<u8>>),
    Property(String),
    List(Vec<Target>),
}

/// State over all passes.
#[derive(Default)]
pub(crate) struct Interp {
    env: HashMap<(u32, String), Val>,
    functions: HashMap<String, Function>,
    scope: u32,
    scopes: u32,
    inside: Vec<String>,
    conditional: u32,
    extracted: BTreeSet<u32>,
    /// What was found: kind and line, with words.
    pub found: BTreeMap<(What, u32), String>,
    /// Text that is run has this line for the reader.
    outer: Option<u32>,
    unpacked: usize,
    steps: usize,
    socket: Option<u32>,
    shell: Option<u32>,
    pub hashes_input: bool,
    pub includes: bool,
    pub library: bool,
    pub classes: bool,
    pub session: bool,
    pub escaped: u32,
    pub hash_constant: bool,
}

/// Near or far.
fn far(taint: Taint) -> What {
    if taint & FAR != 0 {
        What::RunsFar
    } else {
        What::RunsInput
    }
}

/// Walks through a file.
pub(crate) fn walk(source: &[u8]) -> Interp {
    let toks = tokens(source, false);
    let mut interp = Interp {
        escaped: toks.iter().filter(|t| t.escaped).count() as u32,
        hash_constant: toks.iter().any(|t| match &t.tok {
            Tok::Str(s) => {
                matches!(s.len(), 32 | 40 | 64) && s.iter().all(u8::is_ascii_hexdigit)
                    || s.len() == 60 && s.starts_with(b"$2")
            }
            _ => false,
        }),
        ..Interp::default()
    };
    for _ in 0..3 {
        let before = (
            interp.found.len(),
            interp
                .functions
                .values()
                .map(|f| u32::from(f.result.taint))
                .sum::<u32>(),
            interp.env.values().map(|v| u64::from(v.taint)).sum::<u64>(),
        );
        interp.conditional = 0;
        interp.scope = 0;
        Walker {
            toks: &toks,
            at: 0,
            interp: &mut interp,
            depth: 0,
        }
        .statements(false);
        let after = (
            interp.found.len(),
            interp
                .functions
                .values()
                .map(|f| u32::from(f.result.taint))
                .sum::<u32>(),
            interp.env.values().map(|v| u64::from(v.taint)).sum::<u64>(),
        );
        if before == after {
            break;
        }
    }
    if let (Some(_), Some(line)) = (interp.socket, interp.shell) {
        interp.say(
            What::NetworkShell,
            line,
            "ties a shell to a network connection",
        );
    }
    interp
}

impl Interp {
    fn say(&mut self, what: What, line: u32, words: &str) {
        let line = self.outer.unwrap_or(line);
        if self.found.len() < 200 {
            self.found
                .entry((what, line))
                .or_insert_with(|| words.to_owned());
        }
    }

    fn get(&self, name: &str) -> Val {
        let global = named(name);
        if global.global.is_some() || global.taint != 0 {
            return global;
        }
        match self.env.get(&(self.scope, name.to_owned())) {
            Some(value) => value.clone(),
            None if self.extracted.contains(&self.scope) => Val::tainted(INPUT | COMMAND | LEAD),
            None => Val::default(),
        }
    }

    fn set(&mut self, target: &Target, value: Val) {
        match target {
            Target::None => {}
            Target::Var(name) => self.put((self.scope, name.clone()), value),
            Target::Property(name) => {
                let far = if value.all() & INPUT != 0 { FAR } else { 0 };
                self.put((0, format!("->{name}")), value.with(far));
            }
            Target::List(list) => {
                for (i, t) in list.iter().enumerate() {
                    let element = value.element(&Val::of(i.to_string().into_bytes()));
                    self.set(t, element);
                }
            }
            Target::Element(name, key) => {
                let slot = self.env.entry((self.scope, name.clone())).or_default();
                let count = slot.array.as_ref().map_or(0, |a| a.len());
                if count < super::value::ELEMENTS && slot.bytes.is_none() {
                    let list = Rc::make_mut(slot.array.get_or_insert_with(Default::default));
                    match key {
                        Some(key) => match list.iter_mut().find(|(k, _)| k == key) {
                            Some((_, old)) => *old = value,
                            None => list.push((key.clone(), value)),
                        },
                        None => list.push((count.to_string().into_bytes(), value)),
                    }
                } else {
                    slot.taint |= value.all();
                }
            }
        }
    }

    fn put(&mut self, slot: (u32, String), mut value: Val) {
        // In a branch the other branch's value may hold as well.
        if self.conditional > 0
            && let Some(old) = self.env.get(&slot)
        {
            value.taint |= old.taint & !(LEAD | COMPUTED | UNPACKED);
        }
        if self.env.len() < 200_000 {
            self.env.insert(slot, value);
        }
    }

    /// Code in a text is run.
    fn run_text(&mut self, value: &Val, line: u32, call: &str) {
        if value.all() & INPUT != 0 {
            return self.say(
                far(value.all()),
                line,
                &format!("{call} runs data of the request"),
            );
        }
        if value.is(REMOTE) {
            return self.say(
                What::RunsRemote,
                line,
                &format!("{call} runs what another host sends"),
            );
        }
        if let Some(bytes) = &value.bytes {
            if self.unpacked >= UNPACK || bytes.len() < 4 {
                return;
            }
            let packed = value.is(UNPACKED);
            let before = self.found.len();
            let toks = tokens(bytes, true);
            let outer = self.outer;
            self.outer = Some(outer.unwrap_or(line));
            self.unpacked += 1;
            Walker {
                toks: &toks,
                at: 0,
                interp: self,
                depth: 0,
            }
            .statements(false);
            self.unpacked -= 1;
            self.outer = outer;
            if packed {
                let words = format!("{call} runs packed code of {} bytes", bytes.len());
                self.say(
                    if self.found.len() > before {
                        What::RunsHidden
                    } else {
                        What::Packed
                    },
                    line,
                    &words,
                );
            }
            return;
        }
        if value.is(DECODED) {
            self.say(
                What::RunsHidden,
                line,
                &format!("{call} runs code that is decoded only then"),
            );
        }
    }

    fn run_command(&mut self, value: &Val, line: u32, call: &str) {
        let taint = value.all();
        if taint & COMMAND != 0 && taint & INPUT != 0 {
            self.say(
                far(taint),
                line,
                &format!("{call} runs a command with data of the request"),
            );
        } else if taint & REMOTE != 0 {
            self.say(
                What::NetworkShell,
                line,
                &format!("{call} runs what comes over the network"),
            );
        } else if taint & DECODED != 0 && value.bytes.is_none() {
            self.say(
                What::RunsHidden,
                line,
                &format!("{call} runs a command that is decoded only then"),
            );
        }
        if let Some(text) = value.text() {
            let shell = text.split_ascii_whitespace().next().is_some_and(|p| {
                matches!(
                    p.rsplit(['/', '\\']).next(),
                    Some("sh" | "bash" | "cmd.exe" | "cmd" | "zsh" | "dash")
                )
            });
            let verdict = crate::shell::judge(&text);
            if verdict.is("reverse_shell") {
                self.say(
                    What::NetworkShell,
                    line,
                    &format!("{call} ties a shell to a network connection"),
                );
            } else if verdict.is("fetch_run") {
                self.say(
                    What::RunsRemote,
                    line,
                    &format!("{call} runs what a download brings"),
                );
            }
            if shell && !text.contains(" -c ") {
                self.shell.get_or_insert(line);
            }
        }
    }

    /// A function is called; `computed`: its name was put together.
    fn call(
        &mut self,
        name: &str,
        args: &[Val],
        targets: &[Target],
        line: u32,
        computed: bool,
    ) -> Val {
        let arg = |i: usize| args.get(i).cloned().unwrap_or_default();
        let all: Taint = args.iter().fold(0, |t, v| t | v.all());
        if computed && TELLING.contains(&name) {
            self.say(
                What::HidesNames,
                line,
                &format!("calls {name} under a name that is put together"),
            );
        }
        if let Some(function) = self.functions.get(name) {
            let (params, scope, result) = (
                function.params.clone(),
                function.scope,
                function.result.clone(),
            );
            for (param, value) in params.iter().zip(args) {
                let slot = (scope, param.clone());
                let mut joined = match self.env.get(&slot) {
                    Some(old) => old.join(value),
                    None => value.clone(),
                };
                if joined.taint & INPUT != 0 {
                    joined.taint |= FAR;
                }
                self.env.insert(slot, joined);
            }
            return result;
        }
        if CODE.contains(&name) {
            let code = if name == "create_function" {
                arg(1).concat(&arg(0)).without(0)
            } else {
                arg(0)
            };
            let code = if name == "create_function" && arg(1).bytes.is_some() {
                arg(1).with(arg(0).all() & INPUT)
            } else {
                code
            };
            self.run_text(&code, line, name);
            return Val::tainted(code.all() & INPUT);
        }
        if COMMANDS.contains(&name) {
            let mut command = arg(0);
            if let Some(list) = &command.array {
                command = Val::tainted(list.iter().fold(0, |t, (_, v)| t | v.all()));
            }
            if name == "pcntl_exec" {
                command.taint |= arg(1).all();
            }
            self.run_command(&command, line, name);
            return Val::tainted(if name == "proc_open" || name == "popen" {
                SOCKET & all
            } else {
                0
            });
        }
        if let Some((_, at)) = CALLBACKS.iter().find(|(n, _)| *n == name) {
            let callback = arg(*at);
            let others: Vec<Val> = args
                .iter()
                .enumerate()
                .filter(|(i, _)| i != at)
                .map(|(_, v)| v.clone())
                .collect();
            if callback.bytes.is_some() {
                if let Some(inner) = callback.name() {
                    let mut flat: Vec<Val> = others
                        .iter()
                        .map(|v| match &v.array {
                            Some(list) => list
                                .first()
                                .map(|(_, v)| v.clone())
                                .unwrap_or_default()
                                .with(v.all()),
                            None => v.clone(),
                        })
                        .collect();
                    if flat.is_empty() {
                        flat.push(Val::default());
                    }
                    return self.call(&inner, &flat, &[], line, callback.is(COMPUTED));
                }
            } else if callback.is(LEAD) && callback.taint & INPUT != 0 && callback.array.is_none() {
                self.say(
                    far(callback.taint),
                    line,
                    &format!("{name} calls a function that the request names"),
                );
            }
            return Val::tainted(all & !LEAD);
        }
        self.effects(name, args, all, line);
        self.outputs(name, args, targets);
        let mut value = fold::call(name, args).unwrap_or_default();
        if name == "fopen"
            && arg(0).is(INPUT)
            && arg(1)
                .text()
                .is_some_and(|m| m.contains(['w', 'a', 'x', 'c', '+']))
        {
            value.taint |= WRITES;
        }
        value
    }
}
