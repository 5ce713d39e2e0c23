//! Gathers what the readers of each format find, and judges what a feed gives as an indicator.

use crate::address::{self, Special};
use crate::value::{self, Value};
use crate::{Advisory, Indicator, IndicatorKind, Mention, WarningLists};
use std::collections::HashMap;
use std::net::IpAddr;

/// Most indicators kept of one document.
const INDICATORS_MAX: usize = 1_000_000;
/// Most problems listed one by one.
const PROBLEMS_MAX: usize = 200;

/// Fills an [`Advisory`].
pub(crate) struct Collector<'w> {
    pub(crate) lists: &'w WarningLists,
    pub(crate) advisory: Advisory,
    seen: HashMap<(IndicatorKind, String), usize>,
    mentions: HashMap<String, ()>,
    more_problems: usize,
    overflow: usize,
}

/// A value as a document gives it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given<'a> {
    /// As written.
    pub(crate) written: &'a str,
    /// Where.
    pub(crate) offset: u64,
    /// What gives it ("STIX indicator pattern").
    pub(crate) by: &'a str,
    /// Validity.
    pub(crate) valid_from: Option<String>,
    /// See `valid_from`.
    pub(crate) valid_until: Option<String>,
    /// One of several conditions that must hold together.
    pub(crate) partial: bool,
}

/// What is to be said of a value that is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    /// Goes after "given as a STIX indicator"; empty or with a blank before it.
    pub(crate) text: String,
    /// See [`Indicator::shared`].
    pub(crate) shared: bool,
}

impl<'w> Collector<'w> {
    pub(crate) fn new(name: &str, format: &str, lists: &'w WarningLists) -> Self {
        Self {
            lists,
            advisory: Advisory {
                name: name.into(),
                format: format.into(),
                ..Default::default()
            },
            seen: HashMap::new(),
            mentions: HashMap::new(),
            more_problems: 0,
            overflow: 0,
        }
    }

    /// Adds a value. Of several mentions of one value, the first that is kept stands; if none
    /// is, the first.
    pub(crate) fn push(&mut self, indicator: Indicator) {
        if self.seen.len() >= INDICATORS_MAX {
            self.overflow += 1;
            return;
        }
        match self.seen.entry((indicator.kind, indicator.value.clone())) {
            std::collections::hash_map::Entry::Vacant(e) => {
                e.insert(self.advisory.indicators.len());
                self.advisory.indicators.push(indicator);
            }
            std::collections::hash_map::Entry::Occupied(e) => {
                let old = &mut self.advisory.indicators[*e.get()];
                if indicator.kept && !old.kept {
                    *old = indicator;
                }
            }
        }
    }

    /// Adds a value that a feed gives as an indicator, after the checks that hold for all feeds.
    pub(crate) fn give(&mut self, value: Value, given: &Given<'_>) {
        let judged = self.judge(&value);
        let port = value
            .port
            .map(|p| format!(", written with port {p}"))
            .unwrap_or_default();
        let (kept, why, shared) = match judged {
            Ok(note) => (
                true,
                format!("given as {}{}{port}", given.by, note.text),
                note.shared,
            ),
            Err(why) => (false, format!("given as {}, but {why}", given.by), false),
        };
        let derived = if kept { self.host_of(&value) } else { None };
        self.put(value, given, kept, why, shared);
        if let Some((host, why)) = derived {
            self.put(host, given, true, why, false);
        }
    }

    /// Adds a value that a feed names without meaning it to be looked for.
    pub(crate) fn refuse(&mut self, value: Value, given: &Given<'_>, why: impl Into<String>) {
        self.put(value, given, false, why.into(), false);
    }

    fn put(&mut self, value: Value, given: &Given<'_>, kept: bool, why: String, shared: bool) {
        self.push(Indicator {
            kind: value.kind,
            value: value.value,
            written: cut(given.written, 512).to_owned(),
            offset: given.offset,
            kept,
            why,
            shared,
            partial: given.partial,
            valid_from: given.valid_from.clone(),
            valid_until: given.valid_until.clone(),
        });
    }

    /// The host of a kept URL as an indicator of its own, unless others live there too. Logs of a
    /// mail server have names and addresses far more often than whole URLs.
    pub(crate) fn host_of(&self, value: &Value) -> Option<(Value, String)> {
        if value.kind != IndicatorKind::Url {
            return None;
        }
        let host = value::host_of(&value.value)?;
        if self
            .lists
            .lookup(host.kind, &host.value)
            .is_some_and(|h| h.exact || !is_tenant(&host.value))
        {
            return None;
        }
        self.judge(&host).ok()?;
        Some((
            host,
            "host of a URL that was kept; no list knows it as shared".into(),
        ))
    }

    /// What holds for every value whatever the document says of it: `Ok(note)` to keep it,
    /// `Err(why)` to drop it.
    pub(crate) fn judge(&self, value: &Value) -> Result<Note, String> {
        let mut note = Note::default();
        let host = match value.kind {
            IndicatorKind::Url => value::host_of(&value.value),
            _ => None,
        };
        let subject = host.as_ref().unwrap_or(value);
        let ip = match subject.kind {
            IndicatorKind::Network => subject
                .value
                .split('/')
                .next()
                .and_then(|a| a.parse::<IpAddr>().ok()),
            _ => subject.value.parse::<IpAddr>().ok(),
        };
        if value.kind == IndicatorKind::Network {
            let net: Option<ipnet::IpNet> = value.value.parse().ok();
            if net.is_some_and(|n| n.prefix_len() < if n.addr().is_ipv4() { 8 } else { 16 }) {
                return Err("it covers too much of the Internet to tell anything".into());
            }
        }
        match ip.and_then(address::special) {
            Some(Special::Never(why)) => return Err(format!("not a public address: {why}")),
            Some(Special::Documentation(why)) => note.text = format!(" (an exercise: {why})"),
            None => {}
        }
        let domain = match value.kind {
            IndicatorKind::EmailAddress => value.value.rsplit('@').next(),
            _ if subject.kind == IndicatorKind::Domain => Some(subject.value.as_str()),
            _ => None,
        };
        if let Some(domain) = domain {
            if let Some(why) = address::internal_domain(domain) {
                return Err(why.into());
            }
            if let Some(why) = address::documentation_domain(domain) {
                note.text = format!(" (an exercise: {why})");
            }
            if value.kind == IndicatorKind::Domain && value::is_public_suffix(domain) {
                return Err("it is a public suffix, under which anybody registers names".into());
            }
        }
        if let Some(hit) = self.lists.lookup(value.kind, &value.value) {
            // A page on a large site can be hostile while the site is not; a name registered
            // under a shared suffix belongs to whoever registered it.
            let own_name = subject.kind == IndicatorKind::Domain
                && hit.shared
                && !hit.exact
                && is_tenant(&subject.value);
            let page = value.kind == IndicatorKind::Url && hit.shared && has_page(&value.value);
            if own_name || page {
                note.shared = true;
                note.text
                    .push_str(&format!(" (on shared ground: {})", hit.list));
            } else if hit.shared && ip.is_some() && value.kind != IndicatorKind::Network {
                note.shared = true;
                note.text
                    .push_str(&format!(" (anybody can rent it: {})", hit.list));
            } else {
                return Err(format!("on the warning list \"{}\"", hit.list));
            }
        }
        Ok(note)
    }

    /// Notes an identifier (technique, CVE); each once.
    pub(crate) fn technique(&mut self, mention: Mention) {
        if self.mentions.insert(mention.id.clone(), ()).is_none() {
            self.advisory.techniques.push(mention);
        }
    }

    /// See [`Self::technique`].
    pub(crate) fn vulnerability(&mut self, mention: Mention) {
        if self.mentions.insert(mention.id.clone(), ()).is_none() {
            self.advisory.vulnerabilities.push(mention);
        }
    }

    /// Notes a part that could not be read.
    pub(crate) fn problem(&mut self, text: impl Into<String>) {
        if self.advisory.problems.len() < PROBLEMS_MAX {
            self.advisory.problems.push(text.into());
        } else {
            self.more_problems += 1;
        }
    }

    /// The finished advisory, in document order.
    pub(crate) fn finish(mut self) -> Advisory {
        if self.more_problems > 0 {
            let text = format!("{} further problems are not listed", self.more_problems);
            self.advisory.problems.push(text);
        }
        if self.overflow > 0 {
            self.advisory.problems.push(format!(
                "more than {INDICATORS_MAX} values; {} were not read",
                self.overflow
            ));
        }
        let a = &mut self.advisory;
        a.indicators
            .sort_by(|x, y| (x.offset, x.kind, &x.value).cmp(&(y.offset, y.kind, &y.value)));
        a.techniques.sort();
        a.vulnerabilities.sort();
        self.advisory
    }
}

/// Suffixes under which a provider gives names to customers, and that the public suffix list
/// does not have (or has deeper).
const TENANTS: &[&str] = &[
    "amazonaws.com",
    "azureedge.net",
    "blog.163.com",
    "cloudapp.azure.com",
    "cloudfront.net",
    "googleusercontent.com",
    "onmicrosoft.com",
    "sharepoint.com",
];

/// Whether a name was registered under a suffix that its owner gives away (`x.duckdns.org`,
/// `x.blob.core.windows.net`): the private part of the public suffix list, and [`TENANTS`].
fn is_tenant(domain: &str) -> bool {
    let below = |t: &&str| {
        domain
            .strip_suffix(*t)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    TENANTS.iter().any(below)
        || psl::domain(domain.as_bytes())
            .is_some_and(|d| d.suffix().typ() == Some(psl::Type::Private))
}

/// Whether a URL names more than the front page.
fn has_page(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, r)| r);
    rest.find(['/', '?']).is_some_and(|i| rest.len() > i + 1)
}

/// At most `max` bytes of `text`, cut between characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
