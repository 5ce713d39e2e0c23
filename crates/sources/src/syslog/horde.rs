//! Horde and IMP: log-ins, in syslog and in Horde's own file.
//!
//! `FAILED LOGIN for USER [ADDRESS][ (forwarded for [X])] to SERVER [pid … on line … of …]` and
//! `Login success for …` alike (`horde/login.php`, `imp/lib/Auth.php`). User name and forwarded-for
//! header are the client's: if a line can be read in two ways, it names no address.

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, Logon, Product, Service, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

/// The file has `HORDE [error] [imp] …` where a host and tag would stand.
fn claims(record: &Record<'_>) -> bool {
    record.program == "HORDE"
        || record.host == "HORDE"
        || record.program.eq_ignore_ascii_case("horde")
        || record.message.starts_with("HORDE ")
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let text = record.message;
    let found = field::find(text, "FAILED LOGIN for ")
        .map(|at| (Status::Failure, at + "FAILED LOGIN for ".len()))
        .or_else(|| {
            field::find(text, "Login success for ")
                .map(|at| (Status::Success, at + "Login success for ".len()))
        });
    let Some((status, at)) = found else {
        return out.ignored(record);
    };
    let rest = text.get(at..).unwrap_or_default();
    let mut logon = Logon {
        service: Service::Webmail,
        status,
        attempts: 1,
        detail: text,
        ..Logon::default()
    };
    // The server's part has neither of these.
    let close = field::rfind(rest, "] to ").max(field::rfind(rest, ") to "));
    let Some(mut before) = close.and_then(|at| rest.get(..=at)) else {
        return out.unparsed(record, "Horde log-in without address");
    };
    if let Some((address, _)) = before.split_once(" (forwarded for [") {
        if before.matches(" (forwarded for [").count() > 1 {
            logon.user = rest.split(" [").next().unwrap_or_default();
            return out.event(record, Product::Horde, Body::Logon(logon));
        }
        before = address;
    }
    let Some((user, address)) = before
        .strip_suffix(']')
        .and_then(|text| text.rsplit_once(" ["))
    else {
        return out.unparsed(record, "Horde log-in without address");
    };
    logon.user = user;
    logon.src_ip = field::ip(address);
    out.event(record, Product::Horde, Body::Logon(logon))
}
