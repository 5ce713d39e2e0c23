//! Requests, pages, patience.

use crate::TaxiiError;
use crate::model::{ApiRoot, Collection, Collections, Discovery, Envelope, Message};
use serde::de::DeserializeOwned;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Response, header};

/// The media type of TAXII 2.1 (section 1.6.8).
const MEDIA: &str = "application/taxii+json;version=2.1";
/// The header that tells when the last object of a page was added.
const ADDED_LAST: &str = "x-taxii-date-added-last";
/// Longest wait that is taken from a server, in seconds.
const WAIT_MAX: u64 = 300;
/// Most pages of one collection: a server that never ends must not keep us for ever.
const PAGES_MAX: u64 = 1_000_000;

/// Who asks.
#[derive(Clone, Default)]
pub enum Auth {
    /// Nobody in particular.
    #[default]
    None,
    /// HTTP Basic (RFC 7617).
    Basic {
        /// Account.
        user: String,
        /// Password.
        password: String,
    },
    /// A bearer token (RFC 6750).
    Bearer(String),
}

impl std::fmt::Debug for Auth {
    /// Secrets stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic { user, .. } => write!(f, "Basic({user})"),
            Self::Bearer(_) => f.write_str("Bearer"),
        }
    }
}

/// How to ask.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Who asks.
    pub auth: Auth,
    /// How often a request is made before it is given up (429, 502, 503, 504, broken
    /// connections); at least once.
    pub attempts: u32,
    /// How long the whole of one request may take.
    pub timeout: Duration,
    /// Most bytes of one answer.
    pub answer_max: u64,
    /// Objects asked for at a time; the server may give fewer.
    pub page: u32,
    /// Send credentials over unencrypted connections to hosts other than this one.
    pub allow_cleartext: bool,
    /// Certificates (PEM) of authorities to trust instead of the system's.
    pub authorities: Vec<u8>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            auth: Auth::None,
            attempts: 4,
            timeout: Duration::from_secs(120),
            answer_max: 256 << 20,
            page: 1000,
            allow_cleartext: false,
            authorities: Vec::new(),
        }
    }
}

/// Which objects of a collection.
#[derive(Clone, Debug, Default)]
pub struct ObjectsQuery {
    /// Only those added after this instant (RFC 3339, as [`Pages::added_last`] gave it).
    pub added_after: Option<String>,
    /// Only these STIX types ("indicator"); none: all.
    pub types: Vec<String>,
}

/// One page of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The objects in a STIX bundle, as the server wrote them.
    pub bundle: String,
    /// How many.
    pub objects: usize,
}

/// A connection to TAXII servers.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    options: ClientOptions,
    authorization: Option<String>,
}

impl Client {
    /// Prepares a client; nothing is asked yet.
    ///
    /// # Errors
    /// If the authorities' certificates cannot be read, or the build has no TLS for them.
    pub fn new(options: ClientOptions) -> Result<Self, TaxiiError> {
        let authorization = match &options.auth {
            Auth::None => None,
            Auth::Basic { user, password } => {
                Some(format!("Basic {}", base64(&format!("{user}:{password}"))))
            }
            Auth::Bearer(token) => Some(format!("Bearer {token}")),
        };
        let builder = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(options.timeout))
            .max_redirects(5)
            .user_agent(concat!("vauban/", env!("CARGO_PKG_VERSION")));
        let config = tls(builder, &options)?.build();
        Ok(Self {
            agent: config.into(),
            options,
            authorization,
        })
    }

    /// What a server has: asks `<server>/taxii2/`, or the address as it is if it names a path.
    ///
    /// # Errors
    /// If it cannot be reached, refuses, or is no TAXII 2.1 server.
    pub fn discover(&self, server: &str) -> Result<Discovery, TaxiiError> {
        let path = server
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or("", |(_, path)| path);
        let url = if path.is_empty() {
            format!("{}/taxii2/", server.trim_end_matches('/'))
        } else {
            slashed(server)
        };
        let mut discovery: Discovery = self.json(&url)?;
        for root in discovery.api_roots.iter_mut().chain(&mut discovery.default) {
            *root = absolute(&url, root);
        }
        Ok(discovery)
    }

    /// What an API root is.
    ///
    /// # Errors
    /// As [`Self::discover`].
    pub fn root(&self, root: &str) -> Result<ApiRoot, TaxiiError> {
        self.json(&slashed(root))
    }

    /// The collections of an API root.
    ///
    /// # Errors
    /// As [`Self::discover`].
    pub fn collections(&self, root: &str) -> Result<Vec<Collection>, TaxiiError> {
        let url = format!("{}collections/", slashed(root));
        Ok(self.json::<Collections>(&url)?.collections)
    }

    /// The objects of a collection, page by page. Nothing is asked before the first page is.
    pub fn objects(&self, root: &str, collection: &str, query: &ObjectsQuery) -> Pages<'_> {
        let mut base = format!(
            "{}collections/{}/objects/?limit={}",
            slashed(root),
            encode(collection),
            self.options.page.max(1)
        );
        if let Some(after) = &query.added_after {
            base.push_str(&format!("&added_after={}", encode(after)));
        }
        if !query.types.is_empty() {
            base.push_str(&format!("&match[type]={}", encode(&query.types.join(","))));
        }
        Pages {
            client: self,
            base,
            next: None,
            done: false,
            pages: 0,
            last: None,
            added_last: None,
        }
    }

    fn json<T: DeserializeOwned>(&self, url: &str) -> Result<T, TaxiiError> {
        let (body, _) = self.get(url)?;
        serde_json::from_slice(&body).map_err(|e| TaxiiError::Answer {
            url: url.to_owned(),
            why: format!("not what TAXII 2.1 says: {e}"),
        })
    }

    /// Asks until there is an answer: its body, and when its last object was added.
    fn get(&self, url: &str) -> Result<(Vec<u8>, Option<String>), TaxiiError> {
        self.check(url)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let last = attempt >= self.options.attempts.max(1);
            // A second, two, four…; the server's word counts more.
            let pause = Duration::from_secs(1 << (attempt - 1).min(6));
            let mut request = self.agent.get(url).header(header::ACCEPT, MEDIA);
            if let Some(authorization) = &self.authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let mut response = match request.call() {
                Ok(response) => response,
                Err(error) if last || !passing(&error) => {
                    return Err(TaxiiError::Transport {
                        url: url.to_owned(),
                        why: error.to_string(),
                    });
                }
                Err(_) => {
                    std::thread::sleep(pause);
                    continue;
                }
            };
            let status = response.status().as_u16();
            if matches!(status, 429 | 502 | 503 | 504) && !last {
                std::thread::sleep(retry_after(&response).unwrap_or(pause));
                continue;
            }
            let body = response
                .body_mut()
                .with_config()
                .limit(self.options.answer_max)
                .read_to_vec();
            if status != 200 {
                let title = body
                    .ok()
                    .and_then(|b| serde_json::from_slice::<Message>(&b).ok())
                    .map(|m| m.title)
                    .filter(|t| !t.is_empty());
                return Err(TaxiiError::Status {
                    url: url.to_owned(),
                    status,
                    title,
                });
            }
            match body {
                Ok(body) => {
                    let kind = text(&response, header::CONTENT_TYPE.as_str()).unwrap_or_default();
                    if !kind
                        .to_ascii_lowercase()
                        .starts_with("application/taxii+json")
                    {
                        return Err(TaxiiError::Answer {
                            url: url.to_owned(),
                            why: format!("answered with \"{kind}\", not {MEDIA}"),
                        });
                    }
                    return Ok((body, text(&response, ADDED_LAST)));
                }
                Err(error) if last || !passing(&error) => {
                    return Err(TaxiiError::Transport {
                        url: url.to_owned(),
                        why: error.to_string(),
                    });
                }
                Err(_) => std::thread::sleep(pause),
            }
        }
    }

    /// Credentials go over TLS only, or to this host.
    fn check(&self, url: &str) -> Result<(), TaxiiError> {
        let bad = |why: &str| {
            Err(TaxiiError::Url {
                url: url.to_owned(),
                why: why.to_owned(),
            })
        };
        if url.starts_with("https://") {
            return if cfg!(feature = "tls") {
                Ok(())
            } else {
                bad("this build has no TLS (cargo feature `tls`)")
            };
        }
        let Some(rest) = url.strip_prefix("http://") else {
            return bad("not an address of the Web (https://…)");
        };
        let host = rest.split(['/', '?']).next().unwrap_or("");
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        if self.authorization.is_some() && !here && !self.options.allow_cleartext {
            return bad("credentials are not sent without encryption; use https://");
        }
        Ok(())
    }
}

/// Pages of a collection.
#[derive(Debug)]
pub struct Pages<'c> {
    client: &'c Client,
    base: String,
    next: Option<String>,
    done: bool,
    pages: u64,
    /// Hash of the page before.
    last: Option<u64>,
    added_last: Option<String>,
}

impl Pages<'_> {
    /// When the last object so far was added, as the server says it: what to ask after next time.
    pub fn added_last(&self) -> Option<&str> {
        self.added_last.as_deref()
    }

    fn page(&mut self) -> Result<Option<Page>, TaxiiError> {
        let url = match &self.next {
            Some(next) => format!("{}&next={}", self.base, encode(next)),
            None => self.base.clone(),
        };
        let (body, added_last) = self.client.get(&url)?;
        let bad = |why: String| TaxiiError::Answer {
            url: url.clone(),
            why,
        };
        let text = std::str::from_utf8(&body).map_err(|e| bad(e.to_string()))?;
        let envelope: Envelope<'_> =
            serde_json::from_str(text).map_err(|e| bad(format!("no envelope: {e}")))?;
        if added_last.is_some() {
            self.added_last = added_last;
        }
        self.pages += 1;
        let mark = mark(&body);
        match (envelope.more, envelope.next) {
            (false, _) => self.done = true,
            (true, None) => {
                return Err(bad("there is more, but no word of how to ask for it".into()));
            }
            // The word for the next page may stay the same while the server goes on; a page that
            // comes again does not end.
            (true, _) if Some(mark) == self.last => {
                return Err(bad("the next page is this page".into()));
            }
            (true, _) if self.pages >= PAGES_MAX => {
                return Err(bad(format!("more than {PAGES_MAX} pages")));
            }
            (true, next) => {
                self.next = next;
                self.last = Some(mark);
            }
        }
        let objects = envelope.objects.len();
        if objects == 0 && self.done {
            return Ok(None);
        }
        let mut bundle = format!(
            "{{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-{:012}\",\"objects\":[",
            self.pages
        );
        for (n, object) in envelope.objects.iter().enumerate() {
            if n > 0 {
                bundle.push_str(",\n");
            }
            bundle.push_str(object.get());
        }
        bundle.push_str("]}");
        Ok(Some(Page { bundle, objects }))
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<Page, TaxiiError>;

    /// The next page. After an error there is none: what was given before is whole.
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let page = self.page();
        if page.is_err() {
            self.done = true;
        }
        page.transpose()
    }
}

#[cfg(feature = "tls")]
fn tls(
    builder: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>,
    options: &ClientOptions,
) -> Result<ureq::config::ConfigBuilder<ureq::typestate::AgentScope>, TaxiiError> {
    use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
    let roots = if options.authorities.is_empty() {
        RootCerts::PlatformVerifier
    } else {
        let mut all: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(&options.authorities) {
            match item {
                Ok(PemItem::Certificate(certificate)) => all.push(certificate),
                Ok(_) => {}
                Err(error) => {
                    return Err(TaxiiError::Url {
                        url: "certificates of authorities".into(),
                        why: error.to_string(),
                    });
                }
            }
        }
        RootCerts::new_with_certs(&all)
    };
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(roots)
        .build();
    Ok(builder.tls_config(config))
}

#[cfg(not(feature = "tls"))]
fn tls(
    builder: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>,
    options: &ClientOptions,
) -> Result<ureq::config::ConfigBuilder<ureq::typestate::AgentScope>, TaxiiError> {
    if options.authorities.is_empty() {
        return Ok(builder);
    }
    Err(TaxiiError::Url {
        url: "certificates of authorities".into(),
        why: "this build has no TLS (cargo feature `tls`)".into(),
    })
}

/// A hash of a page, to know it again.
fn mark(body: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// Whether asking again may help.
fn passing(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
    )
}

fn text<B>(response: &Response<B>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// How long the server asks to wait: seconds, or an instant (RFC 9110, section 10.2.3), which is
/// taken from the server's own clock.
fn retry_after<B>(response: &Response<B>) -> Option<Duration> {
    let value = text(response, header::RETRY_AFTER.as_str())?;
    let seconds = match value.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let then = http_date(&value)?;
            let now = http_date(&text(response, header::DATE.as_str())?)?;
            u64::try_from(then - now).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds.min(WAIT_MAX)))
}

/// Seconds since the epoch of "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = text.trim().split([' ', ':']);
    let mut word = || words.next();
    word()?;
    let day: i64 = word()?.parse().ok()?;
    let month = i64::try_from(MONTHS.find(word()?)?).ok()? / 3 + 1;
    let year: i64 = word()?.parse().ok()?;
    let mut number = || word()?.parse::<i64>().ok();
    let (hour, minute, second) = (number()?, number()?, number()?);
    if !(1..=31).contains(&day) || !(1970..=9999).contains(&year) {
        return None;
    }
    // Days by the Gregorian calendar, years beginning in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn slashed(url: &str) -> String {
    format!("{}/", url.trim_end_matches('/'))
}

/// A reference as an address of its own: relative ones are relative to the host.
fn absolute(base: &str, reference: &str) -> String {
    if reference.contains("://") {
        return slashed(reference);
    }
    let scheme_end = base.find("://").map_or(0, |at| at + 3);
    let host_end = base
        .get(scheme_end..)
        .and_then(|rest| rest.find('/'))
        .map_or(base.len(), |at| scheme_end + at);
    let host = base.get(..host_end).unwrap_or(base);
    slashed(&format!("{host}/{}", reference.trim_start_matches('/')))
}

/// Percent-encoding of a query value (RFC 3986: all but unreserved characters).
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// Base64 (RFC 4648, section 4).
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let mut bits = 0u32;
        for n in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(n).copied().unwrap_or(0));
        }
        for n in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * n) & 63) as usize);
            match digit {
                Some(d) if n <= chunk.len() => out.push(char::from(*d)),
                _ => out.push('='),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (base, reference, expected) in [
            (
                "https://t.org/taxii2/",
                "https://t.org/api1",
                "https://t.org/api1/",
            ),
            ("https://t.org/taxii2/", "/api1/", "https://t.org/api1/"),
            ("https://t.org:8443", "api1", "https://t.org:8443/api1/"),
        ] {
            assert_eq!(absolute(base, reference), expected);
        }
        assert_eq!(
            encode("2020-01-01T00:00:00+01:00"),
            "2020-01-01T00%3A00%3A00%2B01%3A00"
        );
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("user:pä", "dXNlcjpww6Q="),
        ] {
            assert_eq!(base64(text), encoded);
        }
    }

    #[test]
    fn dates() {
        assert_eq!(
            http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        for bad in [
            "",
            "soon",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994",
        ] {
            assert_eq!(http_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_sent_in_clear() {
        let options = ClientOptions {
            auth: Auth::Bearer("secret".into()),
            ..Default::default()
        };
        assert!(!format!("{options:?}").contains("secret"));
        let client = Client::new(options).unwrap();
        assert!(matches!(
            client.check("http://t.org/"),
            Err(TaxiiError::Url { .. })
        ));
        assert!(client.check("http://127.0.0.1:5000/").is_ok());
        assert!(client.check("ftp://t.org/").is_err());
        assert_eq!(
            client.check("https://t.org/").is_ok(),
            cfg!(feature = "tls")
        );
    }
}
