//! SOGo's log: log-ins and requests.
//!
//! `SOGoRootPage successful login from 'ADDRESS' for user 'USER' …`, `SOGoRootPage Login from
//! 'ADDRESS' for user 'USER' might not have worked …` (`UI/MainUI/SOGoRootPage.m`), and a line for
//! each request: `ADDRESS "METHOD PATH HTTP/1.1" STATUS OUT/IN SECONDS …` (SOPE, `WOHttpTransaction.m`).
//! The address is the peer's, or what the request's `X-Forwarded-For` says, to which each proxy
//! adds an element: the last one that is no private address is the client of the outermost proxy,
//! what stands before it the client may have written itself. The user name stands after it.

use super::{Accounted, Out, Program, Record};
use crate::field;
use std::net::IpAddr;
use vauban_ocsf::{Body, Http, Logon, Product, Service, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    record.program == "sogod" || record.host == "sogod"
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    // SOGo's own file: `sogod [26818]: …` after the time, where a host and a tag would stand.
    let own = Record {
        host: "",
        pid: field::number32(record.tag),
        ..*record
    };
    let record = if record.host == "sogod" { &own } else { record };
    let text = record.message;
    let login = text.strip_prefix("SOGoRootPage ").and_then(|rest| {
        rest.strip_prefix("Login from '")
            .map(|rest| (Status::Failure, rest))
            .or_else(|| {
                rest.strip_prefix("successful login from '")
                    .map(|rest| (Status::Success, rest))
            })
    });
    if let Some((status, rest)) = login {
        let Some((from, rest)) = rest.split_once("' for user '") else {
            return out.unparsed(record, "SOGo log-in without user");
        };
        // What SOGo adds has no quotation mark; a user name may.
        let (user, detail) = rest.rsplit_once('\'').unwrap_or((rest, ""));
        let logon = Logon {
            service: Service::Webmail,
            status,
            user,
            src_ip: client(from),
            attempts: 1,
            detail: detail.trim_start_matches([' ', '-']),
            ..Logon::default()
        };
        return out.event(record, Product::Sogo, Body::Logon(logon));
    }
    match request(text) {
        Some(http) => out.event(record, Product::Sogo, Body::Http(http)),
        None => out.ignored(record),
    }
}

/// The client out of a list of proxies.
fn client(list: &str) -> Option<IpAddr> {
    let inner = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    let mut last = None;
    for element in list.rsplit(',') {
        let ip = field::ip(element.trim())?;
        if !inner(&ip) {
            return Some(ip);
        }
        last = last.or(Some(ip));
    }
    last
}

fn request(text: &str) -> Option<Http<'_>> {
    let (from, rest) = text.split_once(" \"")?;
    // SOPE's own file has the name, the user and the time of the common log format before it.
    let src_ip = client(from.split(" - ").next()?.trim_end_matches(" -"))?;
    let (request, rest) = rest.rsplit_once("\" ")?;
    let mut words = request.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut words = rest.split(' ');
    let status = words.next()?.parse().ok()?;
    let (sent, received) = words.next()?.split_once('/')?;
    let seconds: f64 = words.next()?.parse().ok()?;
    Some(Http {
        method,
        path,
        query,
        status: Some(status),
        bytes_out: field::number(sent),
        bytes_in: field::number(received),
        duration_us: (seconds >= 0.0).then_some((seconds * 1e6) as u64),
        src_ip: Some(src_ip),
        ..Http::default()
    })
}
