//! OpenDKIM and OpenDMARC: what a signature or a policy check came to, by queue id.
//!
//! `QID: no signature data`, `QID: DKIM verification successful`, `QID: DKIM-Signature field added
//! (s=SELECTOR, d=DOMAIN)`, `QID: HOST [ADDRESS] not internal` (`opendkim.c`); `QID: DOMAIN pass`,
//! `QID: SPF(mailfrom): DOMAIN pass` (`opendmarc.c`).

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, Email, EmailActivity, EmailExtra, Product, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    matches!(record.program, "opendkim" | "opendmarc")
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let Some((id, text)) = record.message.split_once(": ") else {
        return out.ignored(record);
    };
    if id.len() < 5 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return out.ignored(record);
    }
    let dmarc = record.program == "opendmarc";
    let mut email = Email {
        activity: EmailActivity::Other,
        queue_id: id,
        agent: if dmarc { "opendmarc" } else { "opendkim" },
        detail: text,
        ..Email::default()
    };
    let found = if dmarc {
        policy(text)
    } else {
        if let Some((host, address)) = text
            .strip_suffix(" not internal")
            .and_then(|t| t.strip_suffix(']'))
            .and_then(|t| t.rsplit_once(" ["))
        {
            email.src_host = field::known_host(host);
            email.src_ip = field::ip(address);
        }
        signature(text).map(|(verdict, status)| (format!("dkim={verdict}"), status))
    };
    if found.is_none() && email.src_ip.is_none() {
        return out.ignored(record);
    }
    let (verdicts, status) = found.unwrap_or_default();
    email.status = status;
    email.extra = Some(Box::new(EmailExtra {
        verdicts: &verdicts,
        ..EmailExtra::default()
    }));
    let product = if dmarc {
        Product::OpenDmarc
    } else {
        Product::OpenDkim
    };
    out.event(record, product, Body::Email(email))
}

/// Words of RFC 8601 for what OpenDKIM found.
fn signature(text: &str) -> Option<(&'static str, Status)> {
    Some(if text == "DKIM verification successful" {
        ("pass", Status::Success)
    } else if text.starts_with("DKIM-Signature field added")
        || text.starts_with("DKIM-Signature header added")
    {
        ("signed", Status::Success)
    } else if text.contains("no signature data") {
        ("none", Status::Unknown)
    } else if text.contains("bad signature data") || text.contains("signature verification failed")
    {
        ("fail", Status::Failure)
    } else if text.contains("key retrieval failed") {
        ("temperror", Status::Failure)
    } else {
        return None;
    })
}

/// `DOMAIN pass`, `SPF(mailfrom): DOMAIN pass`.
fn policy(text: &str) -> Option<(String, Status)> {
    let (subject, result) = text.rsplit_once(' ')?;
    let status = match result {
        "pass" => Status::Success,
        "fail" | "reject" | "quarantine" => Status::Failure,
        "none" | "neutral" | "softfail" | "temperror" | "permerror" => Status::Unknown,
        _ => return None,
    };
    let verdict = match subject.split_once("): ") {
        Some(("SPF(mailfrom", domain)) => format!("spf={result} smtp.mailfrom={domain}"),
        Some(("SPF(helo", domain)) => format!("spf={result} smtp.helo={domain}"),
        _ if !subject.contains(' ') => format!("dmarc={result} header.from={subject}"),
        _ => return None,
    };
    Some((verdict, status))
}
