//! A draft as blocks, written as Markdown or HTML.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{Lang, escape, lang::Key as K};

/// Characters of one piece of text.
const MAX: usize = 2000;

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// From the case; may quote evidence.
    Known(String),
    /// What a person has to fill in.
    Open(String),
    /// Evidence numbers.
    Cited(String),
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Section(&'static str),
    Note(String),
    Field {
        name: &'static str,
        lines: Vec<Vec<Piece>>,
    },
}

/// A notification draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub(super) lang: Lang,
    pub(super) title: &'static str,
    pub(super) blocks: Vec<Block>,
    /// `E12 = artefact, line, bytes` for every number cited.
    pub(super) cited: Vec<String>,
}

const STYLE: &str = "body{font:11pt/1.45 system-ui,\"Open Sans\",\"Liberation Sans\",Arial,sans-serif;\
max-width:48rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}h1{font-size:1.5rem;line-height:1.2}\
h2{font-size:1.15rem;margin:1.6rem 0 .3rem;padding-top:.6rem;border-top:2px solid #111}\
dt{font-weight:700;margin-top:.6rem}dd{margin:0 0 .2rem}dd p{margin:.1rem 0}\
mark{background:#fff3c4;color:#111;padding:0 .15em;border-bottom:2px solid #7a5c00}\
small{color:#444}li{overflow-wrap:anywhere}";

impl Draft {
    /// Places a person has to complete.
    pub fn open_places(&self) -> usize {
        self.blocks
            .iter()
            .map(|b| match b {
                Block::Field { lines, .. } => lines
                    .iter()
                    .flatten()
                    .filter(|p| matches!(p, Piece::Open(_)))
                    .count(),
                _ => 0,
            })
            .sum()
    }

    /// As Markdown (CommonMark). Strings of the evidence cannot act as markup.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", self.title);
        for block in &self.blocks {
            match block {
                Block::Section(name) => out.push_str(&format!("\n## {name}\n")),
                Block::Note(text) => {
                    out.push_str(&format!("\n> {}\n", escape::markdown(text, MAX)));
                }
                Block::Field { name, lines } => {
                    out.push_str(&format!("\n**{name}**\n"));
                    for line in lines {
                        out.push_str("\n- ");
                        for piece in line {
                            out.push_str(&self.markdown_piece(piece));
                        }
                    }
                    out.push('\n');
                }
            }
        }
        if !self.cited.is_empty() {
            out.push_str(&format!("\n## {}\n\n", self.lang.t(K::Evidence)));
            for c in &self.cited {
                out.push_str(&format!("- {}\n", escape::markdown(c, MAX)));
            }
        }
        out
    }

    fn markdown_piece(&self, piece: &Piece) -> String {
        match piece {
            Piece::Known(t) => escape::markdown(t, MAX),
            Piece::Open(t) => format!("**{}**", self.open(t)),
            Piece::Cited(t) => format!(" ({t})"),
        }
    }

    fn open(&self, what: &str) -> String {
        self.lang.f(K::ToComplete, &[what])
    }

    /// As a self-contained page without script.
    pub fn html(&self) -> String {
        let piece = |p: &Piece| -> Markup {
            html! {
                @match p {
                    Piece::Known(t) => { bdi { (escape::shown(t, MAX)) } }
                    Piece::Open(t) => { mark { (self.open(t)) } }
                    Piece::Cited(t) => { small { " (" (t) ")" } }
                }
            }
        };
        html! {
            (DOCTYPE)
            html lang=(self.lang.tag()) {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content={
                        "default-src 'none'; style-src 'sha256-" (crate::html::digest(STYLE)) "'; base-uri 'none'; form-action 'none'"
                    };
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        h1 { (self.title) }
                        @for block in &self.blocks {
                            @match block {
                                Block::Section(name) => { h2 { (name) } }
                                Block::Note(text) => { p { small { (escape::shown(text, MAX)) } } }
                                Block::Field { name, lines } => {
                                    dl {
                                        dt { (name) }
                                        dd { @for line in lines { p { @for p in line { (piece(p)) } } } }
                                    }
                                }
                            }
                        }
                        @if !self.cited.is_empty() {
                            h2 { (self.lang.t(K::Evidence)) }
                            ul { @for c in &self.cited { li { small { (escape::shown(c, MAX)) } } } }
                        }
                    }
                }
            }
        }
        .into_string()
    }
}
