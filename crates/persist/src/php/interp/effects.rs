//! What PHP's functions do to files, to other hosts and to their arguments.

use super::super::value::*;
use super::{Interp, Target, WRITES, What};

impl Interp {
    /// What a function does to files and other hosts.
    pub(super) fn effects(&mut self, name: &str, args: &[Val], all: Taint, line: u32) {
        let arg = |i: usize| args.get(i).cloned().unwrap_or_default();
        let (first, second) = (arg(0), arg(1));
        let runs = |v: &Val| {
            v.text().is_some_and(|t| {
                [".php", ".phtml", ".phar", ".htaccess", ".user.ini"]
                    .iter()
                    .any(|e| t.to_ascii_lowercase().ends_with(e))
            })
        };
        match name {
            "preg_replace" | "preg_filter" => {
                let modifier = first.text().and_then(|p| {
                    let p = p.trim_start().to_owned();
                    let open = p.chars().next()?;
                    let close = match open {
                        '(' => ')',
                        '{' => '}',
                        '[' => ']',
                        '<' => '>',
                        c => c,
                    };
                    let end = p.rfind(close)?;
                    p.get(end + 1..).map(|m| m.contains('e'))
                });
                if modifier == Some(true) {
                    let code = if second.bytes.is_some() && arg(2).all() & INPUT == 0 {
                        second.clone()
                    } else {
                        Val::tainted(second.all() | arg(2).all())
                    };
                    self.run_text(&code, line, "preg_replace with /e");
                } else if first.is(LEAD) && first.is(INPUT) && second.is(INPUT) && !self.library {
                    self.say(
                        What::RunsInput,
                        line,
                        "preg_replace takes pattern and replacement from the request",
                    );
                }
            }
            "mb_ereg_replace" | "mb_eregi_replace"
                if arg(3).text().is_some_and(|o| o.contains('e')) =>
            {
                self.run_text(&second, line, name)
            }
            "mail" if arg(4).is(INPUT) => self.say(
                What::RunsInput,
                line,
                "mail gives data of the request to the mail program",
            ),
            "dl" if first.is(INPUT) => self.say(
                What::RunsInput,
                line,
                "dl loads a library that the request names",
            ),
            "file_put_contents" => {
                let data = second.all();
                let odd = data & (INPUT | DECODED | UPLOAD | REMOTE) != 0;
                if first.is(INPUT) && odd || runs(&first) && data & (INPUT | DECODED | REMOTE) != 0
                {
                    self.say(
                        What::StoresInput,
                        line,
                        "file_put_contents writes a file that the request chooses",
                    );
                }
            }
            "fwrite" | "fputs"
                if first.is(WRITES) && second.all() & (INPUT | DECODED | REMOTE) != 0 =>
            {
                self.say(
                    What::StoresInput,
                    line,
                    "writes a file that the request names",
                );
            }
            "copy" if second.is(INPUT) && (first.is(INPUT | UPLOAD | REMOTE)) => {
                let what = if first.is(UPLOAD) {
                    What::StoresUpload
                } else {
                    What::StoresInput
                };
                self.say(what, line, "copy writes a file that the request names");
            }
            "move_uploaded_file" => {
                let named = second.is(INPUT | UPLOAD_NAME);
                self.say(
                    if named {
                        What::StoresUpload
                    } else {
                        What::TakesUpload
                    },
                    line,
                    if named {
                        "stores an upload under a name from the request"
                    } else {
                        "stores an upload"
                    },
                );
            }
            "scandir" | "opendir" | "glob" | "dir" | "chdir" if first.is(INPUT) => self.say(
                What::Lists,
                line,
                "lists a directory that the request names",
            ),
            "readfile" | "file_get_contents" | "show_source" | "highlight_file" | "fopen"
            | "file"
                if first.is(INPUT) =>
            {
                self.say(What::Reads, line, "reads a file that the request names");
            }
            "unlink" | "rmdir" | "rename" | "chmod" | "mkdir" | "touch" if first.is(INPUT) => {
                self.say(
                    What::Changes,
                    line,
                    "changes or deletes a file that the request names",
                );
            }
            "fsockopen" | "pfsockopen" | "stream_socket_client" | "socket_create" => {
                self.socket.get_or_insert(line);
            }
            "md5" | "sha1" | "crypt" | "hash" | "password_verify" if all & INPUT != 0 => {
                self.hashes_input = true
            }
            "session_start" | "session_id" => self.session = true,
            _ => {}
        }
        let sends = match name {
            "fwrite" | "fputs" | "file_put_contents" => second.all(),
            "error_log" | "curl_init" | "mail" => all,
            "curl_setopt" | "curl_setopt_array" => all,
            "file_get_contents" | "fopen" | "readfile" if first.taint & LEAD == 0 => first.all(),
            "setcookie" => 0,
            _ => 0,
        };
        if sends & PASSWORD != 0 {
            self.say(
                What::GrabsPassword,
                line,
                &format!("{name} is given a password of the request"),
            );
        }
    }

    /// Functions that write into their arguments.
    pub(super) fn outputs(&mut self, name: &str, args: &[Val], targets: &[Target]) {
        let input = args.first().map_or(0, Val::all);
        match name {
            "extract" | "import_request_variables"
                if input & INPUT != 0 || name.starts_with("import") =>
            {
                self.extracted.insert(self.scope);
            }
            "parse_str" | "mb_parse_str" => match targets.get(1) {
                Some(target) => self.set(&target.clone(), Val::tainted(input)),
                None if input & INPUT != 0 => {
                    self.extracted.insert(self.scope);
                }
                None => {}
            },
            "preg_match" | "preg_match_all" => {
                if let Some(target) = targets.get(2) {
                    let taint = args.get(1).map_or(0, Val::all) & !LEAD;
                    self.set(&target.clone(), Val::tainted(taint));
                }
            }
            "array_push" | "array_unshift" => {
                if let Some(target) = targets.first() {
                    let all = args.iter().fold(0, |t, v| t | v.all());
                    self.set(&target.clone(), Val::tainted(all));
                }
            }
            _ => {}
        }
    }
}
