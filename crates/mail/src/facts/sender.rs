//! Who the message says it is from, and what the headers say about that.

use super::{Facts, domain};
use crate::mime::header::{Field, find};
use crate::mime::words;

/// States the facts of the message's own header.
pub(crate) fn facts(fields: &[Field<'_>], internal: &[String], out: &mut Facts) {
    let address =
        |name: &str| find(fields, name).and_then(|f| words::addresses(f.value).into_iter().next());
    if let Some(from) = address("From") {
        let own = domain::of_address(&from.address);
        let own_site = domain::site(own);
        if let Some(other) = address_in(&from.name)
            && !own.is_empty()
            && domain::site(&other) != own_site
        {
            out.add(
                "sender.name_is_address",
                &format!("{} <{}>", from.name, from.address),
                "",
            );
        }
        if let Some(real) = domain::imitates(own, internal) {
            out.add("sender.lookalike", &format!("{own} ~ {real}"), "");
        }
        let outside = !own.is_empty() && !internal.iter().any(|d| domain::is_within(own, d));
        let name = from.name.to_lowercase();
        if outside && internal.iter().any(|d| name.contains(d.as_str())) {
            out.add(
                "sender.internal_name",
                &format!("{} <{}>", from.name, from.address),
                "",
            );
        }
        for (header, fact) in [
            ("Reply-To", "sender.reply_to_differs"),
            ("Return-Path", "sender.return_path_differs"),
        ] {
            if let Some(other) = address(header) {
                let theirs = domain::of_address(&other.address);
                if !theirs.is_empty() && !own.is_empty() && domain::site(theirs) != own_site {
                    out.add(fact, &format!("{} -> {}", from.address, other.address), "");
                }
            }
        }
    }
    authentication(fields, out);
    oddities(fields, out);
}

/// The topmost Authentication-Results only: those below it may be the sender's own (RFC 8601).
fn authentication(fields: &[Field<'_>], out: &mut Facts) {
    if let Some(results) = find(fields, "Authentication-Results") {
        let text = String::from_utf8_lossy(results.value).to_lowercase();
        for (method, fact) in [
            ("spf", "auth.spf_fail"),
            ("dkim", "auth.dkim_fail"),
            ("dmarc", "auth.dmarc_fail"),
        ] {
            let verdicts: Vec<&str> = text
                .split([';', ' ', '\t', '\r', '\n'])
                .filter_map(|w| w.strip_prefix(method)?.strip_prefix('='))
                .collect();
            // One valid signature is enough; a broken one beside it says nothing.
            if verdicts.contains(&"fail") && !verdicts.contains(&"pass") {
                out.add(fact, &text, "");
            }
        }
    } else if let Some(spf) = find(fields, "Received-SPF") {
        let text = String::from_utf8_lossy(spf.value);
        if text
            .trim_start()
            .get(..4)
            .is_some_and(|w| w.eq_ignore_ascii_case("fail"))
        {
            out.add("auth.spf_fail", &text, "");
        }
    }
}

fn oddities(fields: &[Field<'_>], out: &mut Facts) {
    for single in ["From", "Subject", "Date", "Message-ID", "Content-Type"] {
        if fields.iter().filter(|f| f.is(single)).count() > 1 {
            out.add("header.duplicate", single, "");
        }
    }
    for field in fields {
        let name = String::from_utf8_lossy(field.name);
        if memchr::memchr(0, field.value).is_some() {
            out.add("header.nul", &name, "");
        }
        if name
            .get(..17)
            .is_some_and(|n| n.eq_ignore_ascii_case("X-Zimbra-Calendar"))
        {
            out.add(
                "header.zimbra_calendar",
                &format!("{name} {}", String::from_utf8_lossy(field.value)),
                "",
            );
        }
        if field.name.is_empty() {
            continue;
        }
        // An encoded word may hide the bracket, so those are decoded first.
        if memchr::memchr(b'<', field.value).is_some()
            || memchr::memmem::find(field.value, b"=?").is_some()
        {
            let value = words::unstructured(field.value);
            if let Some(what) = value
                .contains('<')
                .then(|| super::html::active(&value))
                .flatten()
            {
                out.add("header.markup", &format!("{name} {what}"), "");
            }
        }
    }
}

/// The domain of an address that stands in a display name.
fn address_in(name: &str) -> Option<String> {
    let word = name
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '(' | ')' | ','))
        .find(|w| w.contains('@'))?;
    let domain = domain::of_address(word)
        .trim_end_matches('.')
        .to_lowercase();
    (domain.contains('.')
        && domain
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-')))
    .then_some(domain)
}
