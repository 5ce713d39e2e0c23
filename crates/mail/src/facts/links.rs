//! Where links lead, and what they show.

use super::{Facts, domain};
use crate::OwnDomains;
use crate::html::text::Link;
use crate::mime::header;

/// Services that rewrite links to count or check clicks: what is shown and where the link leads
/// differ by design. Each with all that is below it.
const REWRITERS: &[&str] = &[
    "awstrack.me",
    "cmail19.com",
    "cmail20.com",
    "createsend1.com",
    "cudasvc.com",
    "exct.net",
    "googleadservices.com",
    "hs-sites.com",
    "hubspotlinks.com",
    "list-manage.com",
    "list-manage1.com",
    "lnks.gd",
    "mailchi.mp",
    "mailjet.com",
    "mandrillapp.com",
    "mimecast.com",
    "mjt.lu",
    "mkt.com",
    "mlsend.com",
    "proofpoint.com",
    "protection.outlook.com",
    "rs6.net",
    "sendgrid.net",
    "sendibm1.com",
    "sendinblue.com",
    "sophos.com",
    "sparkpostmail.com",
    "urldefense.com",
];

/// States the facts of the links of one part.
pub(crate) fn facts(links: &[Link], own: &OwnDomains, part: &str, out: &mut Facts) {
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
        address(&link.href, &host, user, own, part, out);
        if let Some(shown) = shown_host(&link.text)
            && domain::site(&shown) != domain::site(&host)
            && !own.is_quiet(&host)
        {
            let fact = if is_rewriter(&host) || carries(&link.href, &shown) {
                "link.redirected"
            } else {
                "link.text_mismatch"
            };
            out.add(fact, &format!("{shown} -> {host}"), part);
        }
    }
}

/// States what is odd about an address itself.
pub(crate) fn address(
    url: &str,
    host: &str,
    user: bool,
    own: &OwnDomains,
    part: &str,
    out: &mut Facts,
) {
    if user {
        out.add("link.userinfo", url, part);
    }
    if host.parse::<std::net::IpAddr>().is_ok() || host.bytes().all(|b| b.is_ascii_digit()) {
        out.add("link.ip_host", url, part);
    }
    if host.split('.').any(|l| l.starts_with("xn--")) {
        out.add("link.punycode", host, part);
    }
    if let Some((real, how)) = own.imitated(host) {
        out.add(
            "link.lookalike",
            &format!("{host} ~ {real}, {}", how.words()),
            part,
        );
    }
}

fn is_rewriter(host: &str) -> bool {
    std::iter::successors(Some(host), |h| h.split_once('.').map(|x| x.1))
        .any(|h| REWRITERS.binary_search(&h).is_ok())
}

/// Whether the address carries the shown host behind its own, as redirectors do.
fn carries(url: &str, shown: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let behind = rest.find(['/', '?', '#']).map_or("", |i| &rest[i..]);
    let decoded = header::percent_decode(behind.as_bytes());
    let decoded = String::from_utf8_lossy(&decoded).to_lowercase();
    let site = domain::site(shown);
    decoded.match_indices(site).any(|(i, _)| {
        let before = decoded[..i].chars().next_back();
        let after = decoded[i + site.len()..].chars().next();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '-')
            && after.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '.')
    })
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

    #[test]
    fn click_counters_are_no_mismatch() {
        let names = |href: &str, text: &str| {
            let mut out = Facts::new(10);
            let link = Link {
                href: href.into(),
                text: text.into(),
            };
            let own = OwnDomains::default().quiet_hosts(["clics.example.org"]);
            facts(&[link], &own, "1", &mut out);
            out.finish().into_iter().map(|f| f.name).collect::<Vec<_>>()
        };
        let shown = "https://www.impots.gouv.fr/x";
        assert_eq!(
            names("https://evil.example/x", shown),
            ["link.text_mismatch"]
        );
        assert_eq!(
            names("https://evil.example/www.impots.gouv.fr.login/", shown),
            ["link.text_mismatch"]
        );
        for redirector in [
            "https://emea01.safelinks.protection.outlook.com/?x=1",
            "https://r.example/?u=https%3A%2F%2Fwww.impots.gouv.fr%2Fx",
        ] {
            assert_eq!(names(redirector, shown), ["link.redirected"]);
        }
        assert_eq!(names("https://a.clics.example.org/1", shown), [""; 0]);
        assert!(REWRITERS.is_sorted());
    }
}
