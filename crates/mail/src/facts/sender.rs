//! Who the message says it is from, and what the headers say about that.

use super::{Facts, domain};
use crate::OwnDomains;
use crate::mime::authres;
use crate::mime::header::{Field, find};
use crate::mime::words;

/// States the facts of the message's own header.
pub(crate) fn facts(fields: &[Field<'_>], own: &OwnDomains, out: &mut Facts) {
    let address =
        |name: &str| find(fields, name).and_then(|f| words::addresses(f.value).into_iter().next());
    let from = address("From");
    if let Some(from) = &from {
        names(from, own, out);
        let domain = domain::of_address(&from.address);
        let ours = own.holds(domain);
        for (header, differs) in [
            ("Reply-To", "sender.reply_to_differs"),
            ("Return-Path", "sender.return_path_differs"),
        ] {
            let Some(other) = address(header) else {
                continue;
            };
            let theirs = domain::of_address(&other.address);
            if theirs.is_empty() || domain.is_empty() {
                continue;
            }
            let shown = format!("{} -> {}", from.address, other.address);
            if domain::site(theirs) != domain::site(domain) {
                out.add(differs, &shown, "");
                if ours && header == "Reply-To" && !own.holds(theirs) {
                    out.add("sender.reply_leaves", &shown, "");
                }
            }
            if let Some((real, how)) = own.imitated(theirs) {
                let likeness = format!("{header} {theirs} ~ {real}, {}", how.words());
                out.add("sender.reply_lookalike", &likeness, "");
            }
        }
    }
    let from = from.as_ref().map_or("", |f| domain::of_address(&f.address));
    authentication(fields, from, own, out);
    oddities(fields, out);
}

/// What display name and address say of each other.
fn names(from: &words::Mailbox, own: &OwnDomains, out: &mut Facts) {
    let domain = domain::of_address(&from.address);
    let shown = || format!("{} <{}>", from.name, from.address);
    if let Some(other) = address_in(&from.name)
        && !domain.is_empty()
        && domain::site(&other) != domain::site(domain)
    {
        out.add("sender.name_is_address", &shown(), "");
    }
    if let Some((real, how)) = own.imitated(domain) {
        let likeness = format!("{domain} ~ {real}, {}", how.words());
        out.add("sender.lookalike", &likeness, "");
    }
    if from.name.is_empty() {
        return;
    }
    if from
        .name
        .split(|c: char| !c.is_alphanumeric())
        .any(mixes_scripts)
    {
        out.add("sender.mixed_script", &shown(), "");
    }
    if domain.is_empty() || own.holds(domain) {
        return;
    }
    let name = from.name.to_lowercase();
    if own.domains().any(|d| name.contains(d)) {
        out.add("sender.internal_name", &shown(), "");
    }
    if let Some(real) = own.person(&from.name)
        && !real.eq_ignore_ascii_case(&from.address)
    {
        out.add("sender.person_name", &format!("{} ~ {real}", shown()), "");
    }
}

/// A word of Latin letters with Cyrillic or Greek ones that look like them.
fn mixes_scripts(word: &str) -> bool {
    let latin = word.chars().filter(char::is_ascii_alphabetic).count();
    let other = word
        .chars()
        .filter(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}'))
        .count();
    latin > 0 && other > 0 && latin + other >= 4
}

/// The topmost Authentication-Results of a server that is trusted: others may be the sender's own
/// (RFC 8601 section 5).
fn authentication(fields: &[Field<'_>], from: &str, own: &OwnDomains, out: &mut Facts) {
    let received_by = find(fields, "Received").map_or(String::new(), |f| received_by(f.value));
    let mut trusted = None;
    for field in fields.iter().filter(|f| f.is("Authentication-Results")) {
        let results = authres::parse(field.value);
        if own.trusts(&results.authserv, &received_by) {
            trusted = Some((field, results));
            break;
        }
        out.add("auth.untrusted", &results.authserv, "");
    }
    let Some((field, results)) = trusted else {
        received_spf(fields, out);
        return;
    };
    let text = String::from_utf8_lossy(field.value);
    let of = |method: &'static str| results.results.iter().filter(move |r| r.method == method);
    let passed = |method: &'static str| of(method).any(|r| r.result == "pass");
    for (method, fact) in [
        ("spf", "auth.spf_fail"),
        ("dkim", "auth.dkim_fail"),
        ("dmarc", "auth.dmarc_fail"),
    ] {
        // One valid signature is enough; a broken one beside it says nothing.
        if of(method).any(|r| r.result == "fail") && !passed(method) {
            out.add(fact, &text, "");
        }
    }
    if !own.holds(from) {
        return;
    }
    // Our own name, and nothing that speaks for it: no DMARC pass, no signature of ours, and a
    // failure of at least one method.
    let signed = of("dkim").any(|r| {
        r.result == "pass"
            && r.domain("header.d")
                .or_else(|| r.domain("header.i"))
                .is_some_and(|d| domain::site(&d) == domain::site(from))
    });
    let failed = results.results.iter().any(|r| {
        matches!(
            (r.method.as_str(), r.result.as_str()),
            ("dmarc", "fail" | "permerror") | ("spf", "fail" | "softfail") | ("dkim", "fail")
        )
    });
    if failed && !signed && !passed("dmarc") {
        let said: Vec<String> = results
            .results
            .iter()
            .map(|r| format!("{}={}", r.method, r.result))
            .collect();
        let value = format!("{from}: {} by {}", said.join(" "), results.authserv);
        out.add("auth.own_domain_fail", &value, "");
    }
}

/// Received-SPF (RFC 7208 section 9.1) where no other result is to be had.
fn received_spf(fields: &[Field<'_>], out: &mut Facts) {
    if let Some(spf) = find(fields, "Received-SPF") {
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

/// The host after `by` in a Received field, lower case.
fn received_by(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value.get(..2048).unwrap_or(value));
    let mut words = text.split_whitespace();
    words
        .find(|w| w.eq_ignore_ascii_case("by"))
        .and_then(|_| words.next())
        .map(|w| w.trim_end_matches(';').to_lowercase())
        .unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mime::header;

    fn names(own: &OwnDomains, head: &str) -> Vec<String> {
        let mut out = Facts::new(50);
        facts(&header::fields(head.as_bytes()), own, &mut out);
        out.finish().into_iter().map(|f| f.name).collect()
    }

    #[test]
    fn only_a_trusted_server_is_believed() {
        let own = OwnDomains::new(["ministere.example"]);
        let forged = "Received: from a by mx.ministere.example with ESMTP; x\n\
            Authentication-Results: mx.evil.example; dmarc=pass header.from=ministere.example\n\
            Authentication-Results: mx.ministere.example; spf=fail smtp.mailfrom=x@evil.example; dmarc=fail header.from=ministere.example\n\
            From: Le Directeur <d@ministere.example>\n";
        assert_eq!(
            names(&own, forged),
            [
                "auth.dmarc_fail",
                "auth.own_domain_fail",
                "auth.spf_fail",
                "auth.untrusted"
            ]
        );
        let honest = "Authentication-Results: mx.ministere.example; spf=softfail smtp.mailfrom=liste.example; dkim=pass header.d=ministere.example; dmarc=pass\n\
            From: d@ministere.example\n";
        assert_eq!(names(&own, honest), [""; 0]);
        let only_foreign = "Received: from a by mx.ministere.example\n\
            Authentication-Results: elsewhere.example; dmarc=fail\nFrom: d@ministere.example\n";
        assert_eq!(names(&own, only_foreign), ["auth.untrusted"]);
    }

    #[test]
    fn names_and_answers() {
        let own = OwnDomains::new(["ministere.example"])
            .with_people([("Gaëlle Kervazo", "gaelle.kervazo@ministere.example")]);
        for (head, want) in [
            (
                "From: Gaelle KERVAZO <g.kervazo@mail.example>\n",
                "sender.person_name",
            ),
            ("From: Suppоrt <a@mail.example>\n", "sender.mixed_script"),
            (
                "From: a@ministere.example\nReply-To: a@mail.example\n",
                "sender.reply_leaves",
            ),
            (
                "From: a@x.example\nReply-To: a@rninistere.example\n",
                "sender.reply_lookalike",
            ),
            ("From: a@min1stere.example\n", "sender.lookalike"),
        ] {
            assert!(
                names(&own, head).contains(&want.into()),
                "{head}: {:?}",
                names(&own, head)
            );
        }
        let honest = "From: Gaëlle Kervazo <gaelle.kervazo@ministere.example>\nReply-To: b@sub.ministere.example\n";
        assert_eq!(names(&own, honest), [""; 0]);
    }
}
