//! Active content in HTML.
//!
//! The tree is a browser's (scripting on). Two questions are asked of it: what would run if it
//! were shown as it is, and what a sanitiser that reads it otherwise would let through: markup
//! hidden in raw text, in attributes, or behind a change of namespace.

use std::sync::LazyLock;

use regex::Regex;

use super::{Facts, events};
use crate::html::dom::{Data, Dom, Element};
use crate::mime::{decode, header};

/// Deepest look into markup inside markup.
const MAX_INNER: usize = 2;

/// Attributes that browsers follow as URLs.
const URL_ATTRIBUTES: &[&str] = &[
    "action",
    "archive",
    "background",
    "cite",
    "classid",
    "code",
    "codebase",
    "data",
    "dynsrc",
    "formaction",
    "href",
    "longdesc",
    "lowsrc",
    "manifest",
    "ping",
    "poster",
    "profile",
    "src",
    "srcset",
    "usemap",
    "xlink:href",
];

/// Elements whose content browsers take as text, so that a sanitiser may see elements there.
const RAW_TEXT: &[&str] = &[
    "noscript",
    "noembed",
    "noframes",
    "xmp",
    "iframe",
    "plaintext",
    "title",
    "textarea",
];

static CODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:eval|atob|unescape|settimeout|setinterval|import|fetch|execscript|function)\s*\(|fromcharcode|xmlhttprequest|createelement|document\s*\.\s*(?:cookie|write|body|location|domain)|(?:window|self|top|parent)\s*(?:\.\s*(?:rcmail|location|parent|opener|top)|\[)|localstorage|sessionstorage",
    )
    .expect("a constant pattern")
});

/// States the facts of a parsed HTML part.
pub(crate) fn facts(dom: &Dom, part: &str, out: &mut Facts) {
    scan(dom, MAX_INNER, &mut |name, value| {
        out.add(name, value, part)
    });
}

/// Whether HTML would run something by itself or hides something that would; names the first.
pub(crate) fn active(html: &str) -> Option<String> {
    may_run(html)
        .then(|| active_in(&Dom::parse(html), 0, true))
        .flatten()
}

/// The same for a parsed tree. Script elements count only when asked for: every sanitiser removes
/// them, and old advertisements leave them as the fallback inside a frame.
pub(crate) fn active_in(dom: &Dom, inner: usize, scripts: bool) -> Option<String> {
    let mut found = None;
    scan(dom, inner, &mut |name, value| {
        let runs = matches!(
            name,
            "html.event_handler"
                | "html.script_url"
                | "html.svg_animate_script"
                | "html.svg_animate_attribute"
                | "html.data_url_markup"
                | "html.rawtext_markup"
        );
        if (runs || (scripts && name == "html.script")) && found.is_none() {
            found = Some(value.to_owned());
        }
    });
    found
}

fn scan(dom: &Dom, inner: usize, add: &mut dyn FnMut(&'static str, &str)) {
    if dom.overflow {
        add("html.parse_limit", "");
    }
    for (index, e) in dom.elements() {
        let name: &str = &e.name;
        element(dom, index, e, add);
        for (attribute, value) in &e.attributes {
            attribute_facts(e, attribute, value, inner, add);
        }
        if matches!(name, "style") {
            css(&dom.text_of(index, 64 * 1024), "style", add);
        }
        if inner > 0 && RAW_TEXT.contains(&name) {
            let text = dom.text_of(index, 64 * 1024);
            if let Some(what) = inner_active(&text, inner) {
                add("html.rawtext_markup", &format!("{name}: {what}"));
            }
        }
        if RAW_TEXT.contains(&name) || name == "style" {
            let text = dom.text_of(index, 64 * 1024);
            if ends_in_attribute(&text) {
                add("html.rawtext_cut", &format!("{name}: {text}"));
            }
        }
        if inner > 0 {
            mixed(dom, index, e, add);
        }
    }
}

/// Whether raw text ends inside what another parser reads as an attribute value: a tag was opened
/// and a quote after it never closed.
fn ends_in_attribute(text: &str) -> bool {
    let mut in_tag = false;
    let mut quote = None;
    let mut equals = false;
    let bytes = text.as_bytes();
    for (i, &b) in bytes.iter().enumerate() {
        match (in_tag, quote, b) {
            (false, _, b'<') => in_tag = bytes.get(i + 1).is_some_and(u8::is_ascii_alphabetic),
            (true, None, b'"' | b'\'') if equals => quote = Some(b),
            (true, None, b'>') => in_tag = false,
            (true, Some(q), b) if q == b => quote = None,
            _ => {}
        }
        equals = b == b'=' || (equals && b.is_ascii_whitespace());
    }
    quote.is_some()
}

/// Whether a text can hold active markup at all: a tag, and an attribute or a script element. Most
/// text (addresses in angle brackets among it) does not, and no tree is built to learn that.
fn may_run(text: &str) -> bool {
    let bytes = text.as_bytes();
    let tag = memchr::memchr_iter(b'<', bytes).any(|i| {
        bytes
            .get(i + 1)
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'/')
    });
    tag && (memchr::memchr(b'=', bytes).is_some()
        || bytes.windows(7).any(|w| w.eq_ignore_ascii_case(b"<script")))
}

fn inner_active(text: &str, inner: usize) -> Option<String> {
    may_run(text)
        .then(|| active_in(&Dom::parse(text), inner - 1, false))
        .flatten()
}

fn element(dom: &Dom, index: usize, e: &Element, add: &mut dyn FnMut(&'static str, &str)) {
    let value = |name: &str| e.attribute(name).unwrap_or("");
    match &*e.name {
        "script" => {
            let src = [value("src"), value("href"), value("xlink:href")].concat();
            let shown = if src.is_empty() {
                dom.text_of(index, 200)
            } else {
                src
            };
            add("html.script", &shown);
        }
        n @ ("iframe" | "frame" | "object" | "embed" | "applet" | "portal") => {
            let source = [value("src"), value("data"), value("code")].concat();
            let srcdoc = value("srcdoc");
            add("html.frame", &format!("{n} {source}{srcdoc}"));
        }
        "base" if e.attribute("href").is_some() => add("html.base", value("href")),
        "form" => add("html.form", value("action")),
        "input" if value("type").trim().eq_ignore_ascii_case("password") => {
            add("html.password_field", value("name"));
        }
        "meta" if value("http-equiv").trim().eq_ignore_ascii_case("refresh") => {
            add("html.meta_refresh", value("content"));
            if let Some((_, url)) = value("content").split_once('=')
                && script_scheme(url)
            {
                add("html.script_url", &format!("meta content={url}"));
            }
        }
        "foreignObject" if e.foreign => add("html.svg_foreign_object", ""),
        n if e.foreign && is_animation(n) => animation(e, n, add),
        _ => {}
    }
}

fn is_animation(name: &str) -> bool {
    name.eq_ignore_ascii_case("set") || name.to_ascii_lowercase().starts_with("animate")
}

/// SVG animation that writes into an attribute (CVE-2024-37383, CVE-2025-68461).
fn animation(e: &Element, name: &str, add: &mut dyn FnMut(&'static str, &str)) {
    if let Some(target) = e.attribute("attributename") {
        let clean = squeeze(target);
        // "xlink:href:x" is href to some readers, so every piece counts.
        let aimed =
            |piece: &str| matches!(piece, "href" | "src" | "style") || events::is_handler(piece);
        if clean.split(':').any(aimed) {
            add("html.svg_animate_attribute", &format!("{name} {target}"));
        }
    }
    for source in ["values", "from", "to", "by"] {
        let value = e.attribute(source).unwrap_or("");
        if value.split(';').any(|v| script_scheme(v) || active_data(v)) {
            add(
                "html.svg_animate_script",
                &format!("{name} {source}={value}"),
            );
        }
    }
}

fn attribute_facts(
    e: &Element,
    attribute: &str,
    value: &str,
    inner: usize,
    add: &mut dyn FnMut(&'static str, &str),
) {
    let name: &str = &e.name;
    let shown = || format!("{name} {attribute}={value}");
    if events::is_handler(attribute) {
        add("html.event_handler", &shown());
        if events::is_automatic(attribute) {
            add("html.auto_handler", &shown());
        }
    } else if value.len() > 6 && events::assignment_in(value).is_some() {
        add("html.attribute_handler", &shown());
    }
    if value.len() > 8 && CODE.is_match(value) {
        add("html.code_in_attribute", &shown());
    }
    if URL_ATTRIBUTES.contains(&attribute) {
        if script_scheme(value) {
            add("html.script_url", &shown());
        }
        if is_data(value) {
            data_url(e, attribute, value, inner, add);
        }
    }
    if attribute == "style" {
        css(value, name, add);
    }
    if inner > 0 && value.contains('<') {
        let found = inner_active(value, inner);
        if let Some(what) = found {
            add(
                "html.attribute_markup",
                &format!("{name} {attribute}: {what}"),
            );
        }
    }
}

fn data_url(
    e: &Element,
    attribute: &str,
    value: &str,
    inner: usize,
    add: &mut dyn FnMut(&'static str, &str),
) {
    let name: &str = &e.name;
    let shown = format!("{name} {attribute}={value}");
    if name == "use" {
        add("html.svg_use_data", &shown);
    }
    // Pictures given as data: never run script, whatever their type.
    let picture = matches!(
        name,
        "img"
            | "source"
            | "input"
            | "image"
            | "feimage"
            | "td"
            | "table"
            | "body"
            | "video"
            | "audio"
    );
    if !active_data(value) {
        return;
    }
    if !picture {
        add("html.data_url_active", &shown);
    }
    if inner > 0
        && let Some(what) = data_content(value).and_then(|t| active(&t))
    {
        add(
            "html.data_url_markup",
            &format!("{name} {attribute}: {what}"),
        );
    }
}

/// The decoded content of a data: URL (RFC 2397), at most 256 KiB.
fn data_content(url: &str) -> Option<String> {
    let (head, body) = url.split_once(',')?;
    let raw = header::percent_decode(&body.as_bytes()[..body.len().min(512 * 1024)]);
    let bytes = if squeeze(head).ends_with(";base64") {
        decode::decode_prefix(&raw, decode::Encoding::Base64, 256 * 1024).0
    } else {
        raw
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// CSS that browsers of some age run, and script URLs in it.
fn css(style: &str, place: &str, add: &mut dyn FnMut(&'static str, &str)) {
    let bytes = style.as_bytes();
    if memchr::memchr3(b'(', b'\\', b':', bytes).is_none() {
        return;
    }
    let mut clean = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, after)) = rest.split_once("/*") {
        clean.push_str(before);
        rest = after.split_once("*/").map_or("", |x| x.1);
    }
    clean.push_str(rest);
    let clean = css_unescape(&clean);
    let behaviour = clean.find("behavior:").is_some_and(|i| {
        // Outlook names its own VML renderer in nearly every message.
        let value = &clean[i + 9..];
        !value.starts_with("url(#default#") && !value.starts_with("url('#default#")
    });
    for (sign, found) in [
        ("expression", clean.contains("expression(")),
        ("behavior", behaviour),
        ("-moz-binding", clean.contains("-moz-binding:")),
        (
            "script url",
            clean.contains("javascript:") || clean.contains("vbscript:"),
        ),
    ] {
        if found {
            add("html.css_active", &format!("{place}: {sign}"));
        }
    }
}

/// Undoes CSS escapes, drops white space, lower-cases.
fn css_unescape(style: &str) -> String {
    let mut out = String::with_capacity(style.len());
    let mut chars = style.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' {
            let mut code = 0u32;
            let mut digits = 0;
            while let Some(d) = chars
                .peek()
                .and_then(|c| c.to_digit(16))
                .filter(|_| digits < 6)
            {
                code = code * 16 + d;
                digits += 1;
                chars.next();
            }
            if digits > 0 {
                if chars.peek().is_some_and(|c| c.is_whitespace()) {
                    chars.next();
                }
                out.extend(char::from_u32(code).map(|c| c.to_ascii_lowercase()));
            }
        } else if !c.is_whitespace() {
            out.extend(c.to_lowercase());
        }
    }
    out
}

/// Parser-switching elements below svg or math with markup in them: where two parsers part ways.
fn mixed(dom: &Dom, index: usize, e: &Element, add: &mut dyn FnMut(&'static str, &str)) {
    let name: &str = &e.name;
    if matches!(name, "mglyph" | "malignmark") {
        add("html.mixed_namespaces", name);
        return;
    }
    let switches = RAW_TEXT.contains(&name)
        || matches!(
            name,
            "style" | "annotation-xml" | "desc" | "mtext" | "p" | "br" | "table"
        );
    if !switches
        || !dom
            .ancestors(index)
            .any(|a| matches!(&*a.name, "svg" | "math"))
    {
        return;
    }
    let text = match &dom.nodes[index].data {
        Data::Element(_) => dom.text_of(index, 16 * 1024),
        _ => return,
    };
    let looks = |t: &str| {
        let b = t.as_bytes();
        memchr::memchr_iter(b'<', b).any(|i| {
            b.get(i + 1)
                .is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, b'/' | b'!'))
        })
    };
    let closing = dom
        .descendants(index)
        .take(50)
        .any(|d| d.attributes.iter().any(|(_, v)| looks(v)));
    if looks(&text) || closing {
        add("html.mixed_namespaces", &format!("{name}: {text}"));
    }
}

/// Lower case without white space and control characters, as browsers read a scheme.
fn squeeze(url: &str) -> String {
    url.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{200b}')
        .flat_map(char::to_lowercase)
        .take(4096)
        .collect()
}

fn script_scheme(url: &str) -> bool {
    let bytes = url.trim_start().as_bytes();
    if !matches!(
        bytes.first(),
        Some(b'j' | b'J' | b'v' | b'V' | b'l' | b'L' | 0..=31 | 0x80..)
    ) {
        return false;
    }
    let clean = squeeze(url);
    ["javascript:", "vbscript:", "livescript:"]
        .iter()
        .any(|s| clean.starts_with(s))
}

fn is_data(url: &str) -> bool {
    matches!(
        url.trim_start().as_bytes().first(),
        Some(b'd' | b'D' | 0..=31)
    ) && squeeze(url).starts_with("data:")
}

/// A data: URL of a type in which script runs.
fn active_data(url: &str) -> bool {
    if !is_data(url) {
        return false;
    }
    let clean = squeeze(url);
    [
        "text/html",
        "image/svg",
        "application/xhtml",
        "text/xml",
        "application/xml",
        "text/javascript",
        "application/javascript",
        "application/x-javascript",
    ]
    .iter()
    .any(|t| clean[5..].starts_with(t))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(html: &str) -> Vec<&'static str> {
        let mut out = Vec::new();
        scan(&Dom::parse(html), MAX_INNER, &mut |n, _| out.push(n));
        out.sort_unstable();
        out.dedup();
        out
    }

    #[test]
    fn each_shape_gives_its_fact() {
        let cases: &[(&str, &str)] = &[
            ("<img src=x onerror=a()>", "html.auto_handler"),
            ("<a href=x onclick=a()>", "html.event_handler"),
            ("<a href='java&#10;script:x'>", "html.script_url"),
            ("<a href='&#1;javascript&colon;x'>", "html.script_url"),
            ("<iframe src=x>", "html.frame"),
            (
                "<svg><use href='data:image/svg+xml;base64,PHN2Zz4='/></svg>",
                "html.svg_use_data",
            ),
            (
                "<svg><animate attributeName='href ' values='x;javascript:y'/></svg>",
                "html.svg_animate_attribute",
            ),
            (
                "<svg><set attributeName=onmouseover to=x>",
                "html.svg_animate_attribute",
            ),
            (
                "<noembed><img src=x onerror=y></noembed>",
                "html.rawtext_markup",
            ),
            (
                "<p title='</title><img src=x onerror=y>'>",
                "html.attribute_markup",
            ),
            ("<body name='a onload=b'>", "html.attribute_handler"),
            ("<div style='width:e\\78pression(a)'>", "html.css_active"),
            (
                "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=a>'>",
                "html.mixed_namespaces",
            ),
            (
                "<svg><use href='data:image/svg+xml,%3Csvg onload=a()%3E'/>",
                "html.data_url_markup",
            ),
            (
                "<meta http-equiv=refresh content='0;url=javascript:a'>",
                "html.script_url",
            ),
        ];
        for (html, want) in cases {
            assert!(names(html).contains(want), "{html}: {:?}", names(html));
        }
    }

    #[test]
    fn honest_mail_is_quiet() {
        for html in [
            "<style>p{color:red} v\\:* {behavior:url(#default#VML);}</style><p>x &lt;script&gt;a()&lt;/script&gt;",
            "<svg width=1><style>.a{fill:red}</style><path d='M0 0'/><title>logo</title></svg>",
            "<img src='data:image/png;base64,AAAA'><img src='data:image/svg+xml,%3Csvg/%3E'>",
            "<a href='https://x/?u=javascript:y&onclick=1'>x</a><noscript><img src=pixel></noscript>",
            "<img alt='a < b'><td background='x.png'><a href='mailto:a@b'>javascript: the good parts</a>",
        ] {
            assert_eq!(names(html), Vec::<&str>::new(), "{html}");
        }
    }
}
