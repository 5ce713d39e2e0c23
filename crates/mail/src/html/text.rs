//! The text a reader sees, and the links with the text they stand under.

use super::dom::{Data, Dom, Step};
use crate::text::cut;

/// A link as the reader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// `href` as written.
    pub href: String,
    /// Visible text.
    pub text: String,
}

/// Elements whose text no reader sees.
fn hidden(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "head"
            | "title"
            | "noscript"
            | "template"
            | "noembed"
            | "noframes"
            | "iframe"
            | "textarea"
            | "select"
            | "object"
    )
}

/// Elements that begin a line.
fn block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "br"
            | "tr"
            | "li"
            | "ul"
            | "ol"
            | "table"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "blockquote"
            | "pre"
            | "hr"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "address"
            | "dl"
            | "dt"
            | "dd"
            | "form"
            | "center"
            | "body"
    )
}

/// Renders at most `limit` octets.
pub fn render(dom: &Dom, limit: usize) -> String {
    let mut out = String::new();
    let mut skip = 0usize;
    let mut pre = 0usize;
    for step in dom.walk() {
        if out.len() >= limit {
            break;
        }
        let (index, entering) = match step {
            Step::Enter(i) => (i, true),
            Step::Leave(i) => (i, false),
        };
        match &dom.nodes[index].data {
            Data::Element(e) => {
                let name: &str = &e.name;
                if hidden(name) {
                    skip = if entering { skip + 1 } else { skip - 1 };
                } else if block(name) && skip == 0 {
                    if !out.is_empty() && !out.ends_with('\n') {
                        out.push('\n');
                    }
                } else if matches!(name, "td" | "th") && !entering && skip == 0 {
                    out.push('\t');
                }
                if name == "pre" {
                    pre = if entering { pre + 1 } else { pre - 1 };
                }
            }
            Data::Text(t) if entering && skip == 0 => {
                if pre > 0 {
                    out.push_str(t);
                } else {
                    collapse(t, &mut out);
                }
            }
            _ => {}
        }
    }
    cut(&mut out, limit);
    out.truncate(out.trim_end().len());
    out
}

fn collapse(text: &str, out: &mut String) {
    for c in text.chars() {
        if matches!(c, ' ' | '\n' | '\r' | '\t') {
            if !out.is_empty() && !out.ends_with([' ', '\n', '\t']) {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
}

/// Every `a` and `area` with an `href`, at most 2,000.
pub fn links(dom: &Dom) -> Vec<Link> {
    dom.elements()
        .filter(|(_, e)| matches!(&*e.name, "a" | "area"))
        .filter_map(|(i, e)| {
            let href = e.attribute("href").or_else(|| e.attribute("xlink:href"))?;
            Some(Link {
                href: href.trim().to_owned(),
                text: dom.text_of(i, 400),
            })
        })
        .take(2000)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_lines_and_hides_what_is_hidden() {
        let dom = Dom::parse(
            "<title>t</title><style>a{}</style><p>Un  &eacute;t&eacute;<br>deux<script>x</script>\
             <table><tr><td>a<td>b</table><a href=' http://x '>voir <b>ici</b></a>",
        );
        assert_eq!(render(&dom, 1000), "Un été\ndeux\na\tb\t\nvoir ici");
        assert_eq!(
            links(&dom)[0],
            Link {
                href: "http://x".into(),
                text: "voir ici".into()
            }
        );
    }
}
