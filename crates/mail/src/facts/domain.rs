//! Hosts and domains: which site they belong to, and which other they imitate.

/// The host of an absolute URL, lower case, with the user part that stood before it.
pub(crate) fn url_host(url: &str) -> Option<(String, bool)> {
    let clean: String = url.chars().filter(|c| !c.is_control()).take(2048).collect();
    let lower = clean.trim().to_lowercase().replace('\\', "/");
    let (scheme, rest) = lower.split_once(':')?;
    if !matches!(scheme, "http" | "https" | "ftp") {
        return None;
    }
    let rest = rest.trim_start_matches('/');
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, host) = match authority.rsplit_once('@') {
        Some((_, h)) => (true, h),
        None => (false, authority),
    };
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    let host = host.trim_end_matches('.');
    (!host.is_empty()).then(|| (host.to_owned(), user))
}

/// The domain of an address, lower case.
pub(crate) fn of_address(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, d)| d)
}

/// Second-level names under which sites are registered, below country codes.
const SECOND_LEVEL: &[&str] = &[
    "ac", "asso", "co", "com", "edu", "gob", "gouv", "gov", "gv", "mil", "ne", "net", "nom", "or",
    "org", "tm",
];

/// The registrable part of a host, by rule of thumb (no public suffix list): two labels, three
/// below a country's second level ("co.uk", "gouv.fr").
pub(crate) fn site(host: &str) -> &str {
    let labels: Vec<usize> = host.rmatch_indices('.').map(|(i, _)| i).take(3).collect();
    let third = || labels.get(2).map_or(host, |i| &host[i + 1..]);
    match labels.as_slice() {
        [] | [_] => host,
        [top, second, ..] => {
            let country = host.len() - top - 1 == 2;
            if country && SECOND_LEVEL.contains(&&host[second + 1..*top]) {
                third()
            } else {
                &host[second + 1..]
            }
        }
    }
}

/// Whether a host is, or is below, a domain.
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|h| h.ends_with('.'))
}

/// The internal domain that a host imitates without belonging to it.
pub(crate) fn imitates<'d>(host: &str, internal: &'d [String]) -> Option<&'d str> {
    if host.is_empty() || internal.iter().any(|d| is_within(host, d)) {
        return None;
    }
    let decoded = host.split('.').map(unpuny).collect::<Vec<_>>().join(".");
    let seen = skeleton(&decoded);
    let seen_site = site(&seen);
    internal.iter().map(String::as_str).find(|d| {
        let real = skeleton(d);
        let real_site = site(&real);
        let name = |s: &str| s.split('.').next().unwrap_or_default().to_owned();
        let (a, b) = (name(seen_site), name(real_site));
        // Same look, or one slip of the key in a name long enough not to be chance, or the whole
        // internal name as a label of a foreign site ("interieur-gouv-fr.example").
        seen_site == real_site
            || (a == b && b.len() >= 6)
            || (b.len() >= 6 && distance_at_most_one(&a, &b))
            || (real.len() >= 8 && seen.replace('-', ".").contains(&real.replace('-', ".")))
    })
}

/// Characters that look like ASCII ones, folded to what they look like.
fn skeleton(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        out.push(match c {
            'а' | 'α' => 'a',
            'е' | 'є' | 'ε' => 'e',
            'о' | 'ο' | '0' => 'o',
            'р' | 'ρ' => 'p',
            'с' | 'ϲ' => 'c',
            'х' | 'χ' => 'x',
            'у' | 'γ' => 'y',
            'і' | 'ι' | 'ı' | '1' | 'l' | 'ӏ' => 'l',
            'i' => 'i',
            'ѕ' | '5' => 's',
            'ј' => 'j',
            'ԁ' => 'd',
            'һ' => 'h',
            'ԛ' => 'q',
            'ԝ' | 'ω' => 'w',
            'ν' => 'v',
            'т' | 'τ' => 't',
            'м' => 'm',
            'к' | 'κ' => 'k',
            'в' => 'b',
            'н' => 'h',
            c => crate::text::fold(c),
        });
    }
    out.replace("rn", "m").replace("vv", "w").replace('l', "i")
}

fn distance_at_most_one(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    if long.len() - short.len() > 1 {
        return false;
    }
    let prefix = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    if short.len() == long.len() {
        let same = short[prefix..]
            .iter()
            .zip(&long[prefix..])
            .filter(|(x, y)| x != y)
            .count();
        let swapped = same == 2
            && short.get(prefix) == long.get(prefix + 1)
            && short.get(prefix + 1) == long.get(prefix);
        same <= 1 || swapped
    } else {
        short[prefix..] == long[prefix + 1..]
    }
}

/// Decodes a punycode label (RFC 3492); other labels are returned as they are.
fn unpuny(label: &str) -> String {
    let Some(body) = label.strip_prefix("xn--") else {
        return label.to_owned();
    };
    decode_punycode(body).unwrap_or_else(|| label.to_owned())
}

fn decode_punycode(input: &str) -> Option<String> {
    let (basic, extended) = input.rsplit_once('-').unwrap_or(("", input));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let before = i;
        let mut weight = 1u32;
        let mut k = 36u32;
        loop {
            let digit = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'A'..=b'Z' => u32::from(b - b'A'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            i = i.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k = k.checked_add(36)?;
        }
        let length = u32::try_from(out.len()).ok()? + 1;
        let mut delta = if before == 0 {
            i / 700
        } else {
            (i - before) / 2
        };
        delta += delta / length;
        let mut rounds = 0;
        while delta > 455 {
            delta /= 35;
            rounds += 36;
        }
        bias = rounds + 36 * delta / (delta + 38);
        n = n.checked_add(i / length)?;
        i %= length;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
        if out.len() > 63 {
            return None;
        }
    }
    Some(out.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_sites() {
        assert_eq!(
            url_host("HTTP://a:b@Example.org:80/x"),
            Some(("example.org".into(), true))
        );
        assert_eq!(url_host("mailto:x@y"), None);
        for (host, want) in [
            ("www.a.fr", "a.fr"),
            ("x.interieur.gouv.fr", "interieur.gouv.fr"),
            ("a.b.co.uk", "b.co.uk"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(site(host), want);
        }
    }

    #[test]
    fn imitations() {
        let internal = vec!["ministere-exemple.fr".to_owned()];
        for bad in [
            "ministere-exemp1e.fr",
            "ministere-exemple.com",
            "ministere-exenple.fr",
            "ministere-exemple.fr.evil.net",
            "xn--ministre-exemple-fqb.fr",
        ] {
            assert!(imitates(bad, &internal).is_some(), "{bad}");
        }
        for good in ["mail.ministere-exemple.fr", "exemple.fr", "example.org", ""] {
            assert_eq!(imitates(good, &internal), None, "{good}");
        }
        assert_eq!(decode_punycode("mnchen-3ya").as_deref(), Some("münchen"));
    }
}
