//! Facts about the structure of a message, for rules to judge.
//!
//! Code states what stands there; whether it is a lure is said in `rules/lures/*.toml`. To add a
//! fact, name it in [`FACTS`] (rule files are checked against that list) and state it in the file
//! of its subject:
//!
//! - [`html`]: active content as a browser would run it or a sanitiser would miss it;
//! - [`links`]: where links lead and what they show;
//! - [`plain`]: plain text that a webmail turns into markup;
//! - [`calendar`]: invitations that carry markup;
//! - [`sender`]: who the message says it is from;
//! - [`attachment`]: what the attached files are, with [`archive`], [`office`] and [`scripted`].

pub(crate) mod archive;
pub(crate) mod attachment;
pub(crate) mod calendar;
pub(crate) mod domain;
pub(crate) mod events;
pub(crate) mod html;
pub(crate) mod links;
pub(crate) mod office;
pub(crate) mod plain;
pub(crate) mod scripted;
pub(crate) mod sender;

use crate::Fact;
use crate::text::brief;

/// Every fact with what its value holds.
pub const FACTS: &[(&str, &str)] = &[
    (
        "html.event_handler",
        "an on… attribute on an element: `element attribute=value`",
    ),
    (
        "html.auto_handler",
        "such an attribute that runs without a click (load, error, animation, focus)",
    ),
    ("html.script", "a script element: its source or beginning"),
    (
        "html.frame",
        "iframe, frame, object, embed, applet or portal: `element source`",
    ),
    ("html.base", "a base element: its href"),
    ("html.form", "a form: its action"),
    ("html.password_field", "an input for a password"),
    ("html.meta_refresh", "a meta refresh: its content"),
    (
        "html.script_url",
        "javascript: or vbscript: in an attribute, after entity decoding and removal of white space: `element attribute=value`",
    ),
    (
        "html.data_url_active",
        "data: URL of a type that can run (HTML, SVG, XML, script) where a document loads: `element attribute=value`",
    ),
    (
        "html.data_url_markup",
        "data: URL whose decoded content holds active markup",
    ),
    ("html.svg_use_data", "svg use with a data: URL"),
    (
        "html.svg_animate_attribute",
        "svg animate or set on href or an on… attribute: `element attributeName`",
    ),
    (
        "html.svg_animate_script",
        "svg animate or set with a script URL in values, from, to or by",
    ),
    ("html.svg_foreign_object", "foreignObject in svg"),
    (
        "html.mixed_namespaces",
        "elements that switch parsers inside svg or math and hold markup in text or attributes",
    ),
    (
        "html.rawtext_markup",
        "active markup inside an element whose content browsers take as text",
    ),
    (
        "html.rawtext_cut",
        "raw text (noembed, title, style, …) that ends inside what another parser reads as an attribute: `element: text`",
    ),
    (
        "html.attribute_markup",
        "an attribute value that is active markup when read as HTML",
    ),
    (
        "html.attribute_handler",
        "an attribute value that holds an event handler assignment",
    ),
    (
        "html.code_in_attribute",
        "an attribute that evaluates, decodes or fetches",
    ),
    (
        "html.css_active",
        "expression(), behaviour, -moz-binding or a script URL in CSS",
    ),
    (
        "html.parse_limit",
        "HTML too deep or too large to be parsed whole",
    ),
    (
        "link.text_mismatch",
        "a link that shows one site and leads to another: `shown -> real`",
    ),
    (
        "link.redirected",
        "the same by way of a service that counts or checks clicks",
    ),
    ("link.ip_host", "a link to a bare address"),
    ("link.userinfo", "a link with a name before the host"),
    ("link.punycode", "a link to an internationalised host"),
    (
        "link.lookalike",
        "a link to a host that imitates an internal domain: `host ~ domain, how`",
    ),
    ("link.data_url", "a link to a data: URL"),
    (
        "text.linkref_markup",
        "plain text: a link reference whose label or URL leads out of the anchor",
    ),
    (
        "text.replacer_token",
        "plain text: a webmail's own placeholder token",
    ),
    (
        "text.phrase",
        "a phrase that a rule file asks for: `rule/phrase`",
    ),
    (
        "calendar.markup",
        "a calendar property with active markup: `property value`",
    ),
    (
        "header.markup",
        "a header field with active markup: `name value`",
    ),
    ("header.zimbra_calendar", "an X-Zimbra-Calendar header"),
    ("header.nul", "a NUL in a header"),
    (
        "header.duplicate",
        "a field that must be single stands twice",
    ),
    (
        "sender.name_is_address",
        "the display name shows an address of another domain: `name <address>`",
    ),
    (
        "sender.reply_to_differs",
        "Reply-To leads to another site than From: `from -> reply-to`",
    ),
    (
        "sender.return_path_differs",
        "the envelope sender is of another site than From: `from -> return-path`",
    ),
    (
        "sender.lookalike",
        "the sender's domain imitates an internal domain: `domain ~ internal, how`",
    ),
    (
        "sender.internal_name",
        "the display name names an internal domain, the address is outside",
    ),
    (
        "sender.person_name",
        "the display name is that of a person of ours, the address is outside: `name <address> ~ real address`",
    ),
    (
        "sender.mixed_script",
        "a word of the display name mixes Latin with Cyrillic or Greek letters",
    ),
    (
        "sender.reply_leaves",
        "From is of ours, answers go outside: `from -> reply-to`",
    ),
    (
        "sender.reply_lookalike",
        "Reply-To or Return-Path imitates an internal domain: `field domain ~ internal, how`",
    ),
    (
        "auth.own_domain_fail",
        "From is of ours, a method failed and nothing speaks for the domain: `domain: results by server`",
    ),
    (
        "auth.untrusted",
        "Authentication-Results of a server that is not trusted, not read: its name",
    ),
    (
        "auth.spf_fail",
        "trusted Authentication-Results, or Received-SPF: SPF failed",
    ),
    (
        "auth.dkim_fail",
        "trusted Authentication-Results: DKIM failed",
    ),
    (
        "auth.dmarc_fail",
        "trusted Authentication-Results: DMARC failed",
    ),
    (
        "attachment.double_extension",
        "a document's extension before a program's: file name",
    ),
    (
        "attachment.program",
        "a file that runs when opened, by its extension: file name",
    ),
    (
        "attachment.program_disguised",
        "a program by its first octets under another name: file name",
    ),
    (
        "attachment.archive_program",
        "an archive with a program in it: `archive: member`",
    ),
    (
        "attachment.archive_encrypted",
        "an archive that needs a password: file name",
    ),
    ("attachment.disk_image", "a disk image: file name"),
    (
        "attachment.macro",
        "an office document with macros: file name",
    ),
    (
        "attachment.macro_auto",
        "macros with procedures that run by themselves: `file: names`",
    ),
    (
        "attachment.macro_calls",
        "macros that reach out of the document: `file: calls`",
    ),
    (
        "attachment.macro_sheet",
        "an Excel 4 macro sheet: `file: visible, hidden or member`",
    ),
    (
        "attachment.activex",
        "an ActiveX control in a document: file name",
    ),
    (
        "attachment.remote_template",
        "a document that loads a template, object or frame from elsewhere: `file: kind target`",
    ),
    (
        "attachment.external_link",
        "a workbook that refers to another one elsewhere: `file: target`",
    ),
    (
        "attachment.dde",
        "a field or link that starts a program by DDE: `file: field`",
    ),
    (
        "attachment.equation",
        "an object of the old equation editor: file name",
    ),
    (
        "attachment.equation_overflow",
        "such an object whose font name overflows the editor (CVE-2017-11882): file name",
    ),
    (
        "attachment.rtf_update",
        "rich text that loads such an object without being asked: `file: object`",
    ),
    ("attachment.pdf_script", "JavaScript in a PDF: file name"),
    (
        "attachment.pdf_script_auto",
        "JavaScript that runs when the PDF opens: file name",
    ),
    (
        "attachment.pdf_launch",
        "a PDF that starts a program: `file: what`",
    ),
    (
        "attachment.pdf_submit",
        "a PDF form sent elsewhere: `file: target`",
    ),
    (
        "attachment.html_smuggling",
        "a page whose script makes a file out of itself: `file: how`",
    ),
    (
        "attachment.onenote_file",
        "a program or script in a OneNote section: `file: kind`",
    ),
    (
        "attachment.archive_single",
        "an archive with one file, a program, image, page or archive: `archive: member`",
    ),
    (
        "attachment.archive_nested",
        "an archive in an archive: `archive: member`",
    ),
    (
        "attachment.archive_rare",
        "an archive of a format that mail does not use: file name",
    ),
    (
        "attachment.padded_name",
        "a file name whose extension is pushed out of sight by blanks: file name",
    ),
    (
        "attachment.html_active",
        "an attached HTML file with script or handlers: file name",
    ),
    (
        "attachment.html_form",
        "an attached HTML file with a password form: file name",
    ),
    (
        "attachment.svg_active",
        "an attached SVG with script, handlers or foreign HTML: file name",
    ),
    (
        "attachment.reversed_name",
        "a file name with a right-to-left override: file name",
    ),
];

/// Most facts of one name in one message; more of the same says nothing new.
const MAX_PER_NAME: usize = 20;
/// Characters of a value that are kept.
const VALUE_MAX: usize = 200;

/// Facts being gathered.
pub(crate) struct Facts {
    list: Vec<Fact>,
    limit: usize,
}

impl Facts {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            limit,
        }
    }

    pub(crate) fn add(&mut self, name: &'static str, value: &str, part: &str) {
        debug_assert!(
            FACTS.iter().any(|(n, _)| *n == name),
            "{name} is not in FACTS"
        );
        if self.list.len() >= self.limit
            || self.list.iter().filter(|f| f.name == name).count() >= MAX_PER_NAME
        {
            return;
        }
        self.list.push(Fact {
            name: name.to_owned(),
            value: brief(value, VALUE_MAX),
            part: part.to_owned(),
        });
    }

    /// The facts in a fixed order, each once.
    pub(crate) fn finish(mut self) -> Vec<Fact> {
        self.list.sort();
        self.list.dedup();
        self.list
    }
}
