//! Web requests folded into records: what the webmail was asked, and which other scripts ran.

use crate::observe::{Observations, RequestRec, ScriptRec};
use vauban_ocsf::{Event, Http, HttpBytes, HttpTime};
use vauban_sources::web::{Part, RoundcubeRequest, roundcube_request};

pub use vauban_sources::web::RoundcubeAction as Action;

/// How a part or source was asked for, in one byte.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    const DOWNLOAD: u8 = 1;
    const THUMB: u8 = 1 << 1;
    const WRAPPER: u8 = 1 << 2;
    const SAVE: u8 = 1 << 3;
    const DRAFT: u8 = 1 << 4;
    const ALL: u8 = 1 << 5;

    fn of(how: Part, all: bool) -> Self {
        let mut bits = 0;
        for (on, bit) in [
            (how.download, Self::DOWNLOAD),
            (how.thumb, Self::THUMB),
            (how.frame || how.preload, Self::WRAPPER),
            (how.save, Self::SAVE),
            (how.of_draft, Self::DRAFT),
            (all, Self::ALL),
        ] {
            bits |= if on { bit } else { 0 };
        }
        Self(bits)
    }

    /// Sent to be saved.
    pub fn download(self) -> bool {
        self.0 & Self::DOWNLOAD != 0
    }

    /// A picture scaled down.
    pub fn thumb(self) -> bool {
        self.0 & Self::THUMB != 0
    }

    /// Only the page around the part.
    pub fn wrapper(self) -> bool {
        self.0 & Self::WRAPPER != 0
    }

    /// The source as a file.
    pub fn save(self) -> bool {
        self.0 & Self::SAVE != 0
    }

    /// A part of a message being written.
    pub fn draft(self) -> bool {
        self.0 & Self::DRAFT != 0
    }

    /// All messages of the folder.
    pub fn all(self) -> bool {
        self.0 & Self::ALL != 0
    }
}

/// Most UIDs of one request that are kept.
const UIDS_KEPT: usize = 2000;

/// Folds a web request.
pub fn observe(obs: &mut Observations, event: &Event<'_>, http: &Http<'_>) {
    if http.malformed {
        return;
    }
    match roundcube_request(http) {
        Some(request) => webmail(obs, event, http, &request),
        None => script(obs, event, http),
    }
}

fn webmail(obs: &mut Observations, event: &Event<'_>, http: &Http<'_>, q: &RoundcubeRequest<'_>) {
    let names = &mut obs.names;
    let uid = q.uids.first().map_or(0, |u| u.first);
    let uids = if q.uids.len() > 1 || q.uids.first().is_some_and(|u| u.last != u.first) {
        let mut set = String::new();
        for u in q.uids.iter().take(UIDS_KEPT) {
            if !set.is_empty() {
                set.push(',');
            }
            if u.first == u.last {
                set.push_str(&u.first.to_string());
            } else {
                set.push_str(&format!("{}:{}", u.first, u.last));
            }
        }
        names.sym(&set)
    } else {
        Default::default()
    };
    let rec = RequestRec {
        time: event.time,
        time_is_start: http.time_is == HttpTime::Start,
        duration_ms: http
            .duration_us
            .map_or(0, |us| (us / 1000).clamp(1, u64::from(u32::MAX)) as u32),
        ip: names.ip(client_address(http)),
        agent: names.sym(http.user_agent),
        cookie: names.sym(http.cookie),
        status: http.status.unwrap_or(0),
        bytes: http.bytes_out,
        wire: http.bytes_are == HttpBytes::Wire,
        compressed: http.compressed,
        post: http.method == "POST",
        action: q.action,
        login: q.action == Action::Login,
        uid,
        uids,
        mailbox: names.sym(&mailbox_name(&q.mailbox)),
        part: names.sym(&q.part),
        inner: q.uids.first().is_some_and(|u| !u.inner.is_empty()),
        flags: Flags::of(q.how, q.all_uids),
        query: names.sym(&q.query),
        headers: names.sym(&q.search_in),
        page: q.page.unwrap_or(1),
        ajax: q.ajax,
        evidence: event.evidence,
    };
    obs.requests.push(rec);
}

/// The client: the peer, or, where the peer is a proxy of our own, the address that proxy added
/// last. Earlier entries of the header are the client's own words.
fn client_address(http: &Http<'_>) -> Option<std::net::IpAddr> {
    let peer = http.src_ip;
    let behind_proxy = peer.is_none_or(crate::client::is_inside);
    if behind_proxy
        && let Some(last) = http.forwarded_for.rsplit(',').next()
        && let Ok(ip) = last.trim().parse()
    {
        return Some(ip);
    }
    peer
}

/// Folder names are compared in UTF-8 with `/` between levels, whatever the server's separator.
pub fn mailbox_name(imap: &str) -> String {
    vauban_mail::maildir::utf7::decode(imap).replace('.', "/")
}

/// Scripts and the like that are not the webmail's own entry. Only those that were asked for with
/// a name a server would run.
fn script(obs: &mut Observations, event: &Event<'_>, http: &Http<'_>) {
    let runs = [".php", ".phtml", ".phar", ".cgi", ".pl", ".jsp", ".aspx"]
        .iter()
        .any(|end| http.path.contains(end));
    if !runs {
        return;
    }
    let ok = http.status.is_some_and(|s| (200..400).contains(&s));
    // Scanners ask for thousands of names that do not exist.
    if !ok {
        return;
    }
    let key = (obs.names.sym(http.path), obs.names.ip(client_address(http)));
    let rec = obs.scripts.entry(key).or_insert(ScriptRec {
        first: event.time,
        last: event.time,
        count: 0,
        posts: 0,
        ok: 0,
        evidence: event.evidence,
    });
    rec.count += 1;
    rec.ok += 1;
    rec.posts += u64::from(http.method == "POST");
    rec.first = rec.first.min(event.time);
    rec.last = rec.last.max(event.time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailbox_names() {
        for (imap, name) in [
            ("INBOX", "INBOX"),
            ("&AMk-l&AOk-ments supprim&AOk-s", "Éléments supprimés"),
            ("A &- B", "A & B"),
            ("Projets.2025", "Projets/2025"),
            ("broken&", "broken&"),
            ("broken&!!-x", "broken&!!-x"),
        ] {
            assert_eq!(mailbox_name(imap), name, "{imap}");
        }
    }
}
