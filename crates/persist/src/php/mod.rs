//! Scripts of web servers judged by structure: does what a request sends become code, a command,
//! a file; is code hidden; is there a page that only an intruder needs.
//!
//! - `token` cuts PHP into tokens;
//! - `value`, `fold` say what is known of a value and where it comes from;
//! - `interp` walks through the script;
//! - this file makes reasons and a score out of what was found.
//!
//! Other languages (JSP, ASP, Perl) are judged by what stands together in one call only.

mod fold;
mod interp;
mod token;
mod value;

use interp::{What, walk};
use regex::bytes::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Why a script is suspicious.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// Line, from 1.
    pub line: u32,
    /// What stands there.
    pub words: String,
}

/// What was found in a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Sum of the reasons' weights. 0: nothing; from 50 on, one reason is enough by itself.
    pub score: u32,
    /// Flags of `web.script` in [`crate::subject::SUBJECTS`] that hold.
    pub facts: BTreeSet<&'static str>,
    /// Reasons, by line.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// Whether a flag holds.
    pub fn is(&self, fact: &str) -> bool {
        self.facts.contains(fact)
    }

    /// Whether anything was found that a page of an application does not do.
    pub fn suspicious(&self) -> bool {
        self.facts.iter().any(|f| match *f {
            "alone" | "gate" | "takes_upload" => false,
            "stores_input" => self.is("alone"),
            _ => true,
        })
    }
}

/// Weight and flag of what was found.
fn weight(what: What) -> (u32, Option<&'static str>) {
    match what {
        What::RunsInput => (100, Some("runs_input")),
        What::RunsFar => (0, None),
        What::NetworkShell => (90, Some("network_shell")),
        What::RunsHidden => (80, Some("runs_hidden")),
        What::RunsRemote => (80, Some("runs_remote")),
        What::GrabsPassword => (70, Some("grabs_password")),
        What::IncludesInput => (50, Some("includes_input")),
        What::StoresInput => (40, Some("stores_input")),
        What::StoresUpload => (20, None),
        What::HidesNames => (30, Some("hides_names")),
        What::Packed => (30, Some("packed_only")),
        What::TakesUpload => (5, Some("takes_upload")),
        What::Lists | What::Reads | What::Changes => (5, None),
    }
}

/// Judges PHP.
pub fn judge(source: &[u8]) -> Verdict {
    let found = walk(source);
    let mut out = Verdict::default();
    let mut kinds: BTreeSet<What> = BTreeSet::new();
    let alone = !found.includes && !found.library;
    for ((what, line), words) in &found.found {
        // In a page of its own a long way is a way as well.
        let what = match *what {
            What::RunsFar if alone => What::RunsInput,
            What::RunsFar => continue,
            what => what,
        };
        let (points, fact) = weight(what);
        if kinds.insert(what) {
            out.score += points;
        }
        out.facts.extend(fact);
        out.reasons.push(Reason {
            line: *line,
            words: words.clone(),
        });
    }
    if alone {
        out.facts.insert("alone");
    }
    if found.escaped >= 8 && found.hides_enough() {
        out.facts.insert("hides_names");
        out.score += 30;
        out.reasons.push(Reason {
            line: 1,
            words: format!("{} strings are written as numbers", found.escaped),
        });
    }
    if found.hashes_input && found.hash_constant {
        out.facts.insert("gate");
    }
    if alone && !found.classes && !found.session && kinds.contains(&What::StoresUpload) {
        out.facts.insert("uploader");
        out.score += 40;
    }
    let manages = [What::Lists, What::Reads, What::Changes]
        .iter()
        .filter(|w| kinds.contains(w))
        .count()
        + usize::from(kinds.contains(&What::StoresInput) || kinds.contains(&What::StoresUpload));
    if alone && manages >= 3 {
        out.facts.insert("file_manager");
        out.score += 70;
    }
    out.reasons.sort();
    out.reasons.dedup();
    out
}

impl interp::Interp {
    /// Strings written as numbers matter beside a call that runs or writes something.
    fn hides_enough(&self) -> bool {
        self.found
            .keys()
            .any(|(w, _)| !matches!(w, What::TakesUpload))
    }
}

/// Calls in other languages that run what a request sends.
static OTHER: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    [
        ("runs_input", r#"(?is)getRuntime\s*\(\s*\)\s*\.\s*exec\s*\([^;]{0,120}getParameter"#),
        ("runs_input", r#"(?is)ProcessBuilder\s*\([^;]{0,120}getParameter"#),
        ("runs_input", r#"(?is)(defineClass|ClassLoader)[^;]{0,200}(getParameter|getReader|getInputStream|readLine)"#),
        ("runs_input", r#"(?is)\b(eval|execute|executeglobal)\s*\(?\s*request\b"#),
        ("runs_input", r#"(?is)Process\.Start\s*\([^;]{0,120}Request"#),
        ("runs_input", r#"(?is)(system|exec|eval|qx|`)\s*\(?[^;\n]{0,60}\bparam\s*\("#),
        ("runs_input", r#"(?is)os\.(system|popen)\s*\([^)\n]{0,80}(getvalue|FieldStorage|QUERY_STRING)"#),
    ]
    .into_iter()
    .filter_map(|(fact, pattern)| Some((fact, Regex::new(pattern).ok()?)))
    .collect()
});

/// Judges a script in another language of web servers.
pub fn judge_other(source: &[u8]) -> Verdict {
    let mut out = Verdict::default();
    for (fact, regex) in OTHER.iter() {
        if let Some(m) = regex.find(source) {
            out.facts.insert(fact);
            out.score = 100;
            let line = memchr::memchr_iter(b'\n', source.get(..m.start()).unwrap_or_default())
                .count() as u32
                + 1;
            out.reasons.push(Reason {
                line,
                words: "what the request sends is run".into(),
            });
        }
    }
    out
}

#[cfg(test)]
mod tests;
