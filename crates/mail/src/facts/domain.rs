//! Hosts of URLs and addresses; which other they imitate is said by [`crate::OwnDomains`].

pub(crate) use crate::own::site;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        assert_eq!(
            url_host("HTTP://a:b@Example.org:80/x"),
            Some(("example.org".into(), true))
        );
        assert_eq!(url_host("mailto:x@y"), None);
        assert_eq!(
            url_host("https:\\\\example.org\\x").unwrap().0,
            "example.org"
        );
    }
}
