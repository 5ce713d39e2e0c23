//! Where links lead, and what they show.

use super::{Facts, domain};
use crate::html::text::Link;

/// States the facts of the links of one part.
pub(crate) fn facts(links: &[Link], internal: &[String], part: &str, out: &mut Facts) {
    for link in links {
        if link
            .href
            .trim_start()
            .get(..5)
            .is_some_and(|s| s.eq_ignore_ascii_case("data:"))
        {
            out.add("link.data_url", &link.href, part);
        }
        let Some((host, user)) = domain::url_host(&link.href) else {
            continue;
        };
        if user {
            out.add("link.userinfo", &link.href, part);
        }
        if host.parse::<std::net::IpAddr>().is_ok() || host.bytes().all(|b| b.is_ascii_digit()) {
            out.add("link.ip_host", &link.href, part);
        }
        if host.split('.').any(|l| l.starts_with("xn--")) {
            out.add("link.punycode", &host, part);
        }
        if let Some(real) = domain::imitates(&host, internal) {
            out.add("link.lookalike", &format!("{host} ~ {real}"), part);
        }
        if let Some(shown) = shown_host(&link.text)
            && domain::site(&shown) != domain::site(&host)
        {
            out.add("link.text_mismatch", &format!("{shown} -> {host}"), part);
        }
    }
}

/// The host that a link's text shows, when the text is an address of the web and nothing else.
fn shown_host(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > 300 || text.contains(char::is_whitespace) || text.contains('@') {
        return None;
    }
    if let Some((host, _)) = domain::url_host(text) {
        return host.contains('.').then_some(host);
    }
    let lower = text.to_lowercase();
    let host = lower
        .split(['/', '?', '#', ':'])
        .next()?
        .trim_end_matches('.');
    let labels = host.split('.').count();
    let plausible = host
        .split('.')
        .all(|l| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-'));
    let (_, top) = host.rsplit_once('.')?;
    // "rapport.pdf" is a file, not a site: without www, a path or three labels nothing is shown.
    let named = host.starts_with("www.") || labels >= 3 || lower.contains('/');
    (plausible && named && top.len() >= 2 && top.chars().all(char::is_alphabetic))
        .then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_are_shown_hosts() {
        assert_eq!(
            shown_host("https://portail.gouv.fr/x").as_deref(),
            Some("portail.gouv.fr")
        );
        assert_eq!(
            shown_host("www.impots.fr").as_deref(),
            Some("www.impots.fr")
        );
        for text in ["rapport.pdf", "cliquez ici", "a@b.fr", "v1.2.3", "1.2.3.4"] {
            assert_eq!(shown_host(text), None, "{text}");
        }
    }
}
