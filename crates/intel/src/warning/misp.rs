//! Reads a MISP warning list.

use super::{List, Matcher, Networks};
use crate::IndicatorKind;
use aho_corasick::AhoCorasick;
use ipnet::IpNet;
use regex_lite::RegexBuilder;
use serde::Deserialize;
use std::net::IpAddr;

/// Why a warning list could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not the JSON of a warning list.
    #[error("not a warning list: {0}")]
    Json(#[from] serde_json::Error),
    /// A type that is none of string, substring, hostname, cidr and regex.
    #[error("warning list {name:?} has unknown type {kind:?}")]
    Type {
        /// Its name.
        name: String,
        /// The type it gives.
        kind: String,
    },
    /// The entries could not be compiled.
    #[error("warning list {name:?}: {why}")]
    Entries {
        /// Its name.
        name: String,
        /// The compiler's reason.
        why: String,
    },
}

#[derive(Deserialize)]
struct Raw {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    matching_attributes: Vec<String>,
    list: Vec<String>,
}

pub(super) fn read(json: &[u8]) -> Result<List, ListError> {
    let raw: Raw = serde_json::from_slice(json)?;
    let lower = |s: &String| s.trim().to_lowercase();
    let fail = |why: String| ListError::Entries {
        name: raw.name.clone(),
        why,
    };
    let matcher = match raw.kind.as_str() {
        "string" => Matcher::Exact(raw.list.iter().map(lower).collect()),
        // An entry with a leading dot means the hosts below; without, itself too. MISP matches
        // both as "ends with", which is what the label-wise look-up does.
        "hostname" => Matcher::Host(
            raw.list
                .iter()
                .map(|s| lower(s).trim_matches('.').to_owned())
                .collect(),
        ),
        "substring" => Matcher::Substring(Box::new(
            AhoCorasick::new(raw.list.iter().map(lower).filter(|s| !s.is_empty()))
                .map_err(|e| fail(e.to_string()))?,
        )),
        "cidr" => {
            let mut nets = Networks::default();
            for entry in &raw.list {
                let entry = entry.trim();
                // Entries that are no network are found in the real lists; one must not cost the
                // rest.
                let net = entry
                    .parse::<IpNet>()
                    .or_else(|_| entry.parse::<IpAddr>().map(IpNet::from))
                    .ok();
                if let Some(net) = net {
                    nets.insert(net, 0);
                }
            }
            Matcher::Cidr(nets)
        }
        "regex" => Matcher::Regex(
            raw.list
                .iter()
                .map(|s| regex(s).map_err(|e| fail(e.to_string())))
                .collect::<Result<_, _>>()?,
        ),
        _ => {
            return Err(ListError::Type {
                name: raw.name.clone(),
                kind: raw.kind.clone(),
            });
        }
    };
    let kinds = kinds(&raw.matching_attributes);
    let lower_name = raw.name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| lower_name.contains(w));
    Ok(List {
        reference: has(&["security provider", "blogpost"]),
        // Ranges and sites that anyone can rent or publish on: MISP calls such a list a hint, not
        // a false positive.
        shared: has(&[
            "amazon",
            "azure",
            "gcp",
            "cloudflare",
            "akamai",
            "fastly",
            "vpn",
            "dynamic dns",
            "top 1",
            "top500",
            "top 500",
            "top 10",
            "majestic",
            "alexa",
            "tranco",
            "cisco",
            "living off",
            "lots",
            "shortener",
            "disposable",
            "university",
            "bank",
            "parking",
            "smtp",
            "second level",
        ]),
        name: raw.name,
        kinds,
        matcher,
    })
}

/// PHP-style `/…/flags` or a bare expression.
fn regex(entry: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    let (body, flags) = match entry.strip_prefix('/').and_then(|e| e.rsplit_once('/')) {
        Some((body, flags)) => (body, flags),
        None => (entry, ""),
    };
    // PHP allows any punctuation to be escaped, and lists use `\@` and `\/`.
    let body = body.replace("\\@", "@").replace("\\/", "/");
    RegexBuilder::new(&body)
        .case_insensitive(flags.contains('i'))
        .size_limit(1 << 20)
        .build()
}

/// Our kinds for MISP's attribute types.
fn kinds(types: &[String]) -> Vec<IndicatorKind> {
    let mut kinds = Vec::new();
    for kind in types
        .iter()
        .flat_map(|t| t.split('|'))
        .flat_map(crate::misp::kinds_of)
    {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    kinds
}
