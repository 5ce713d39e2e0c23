//! What the events of a piece are folded into.

use crate::hunt::{HuntFold, HuntPiece};
use crate::read::Fold;
use vauban_case::inputs::Indicators;
use vauban_case::observe::Observations;
use vauban_evidence::Collection;
use vauban_intel::{Advisory, IndicatorSet, Match, Matcher};
use vauban_mail::Store;
use vauban_ocsf::{Body, Event, EventSink, Evidence, Timestamp};

/// Indicators of the advisories given, as the case asks for them.
pub struct Known {
    set: IndicatorSet,
}

impl Known {
    /// From advisories.
    pub fn new(advisories: Vec<Advisory>) -> Self {
        Self {
            set: IndicatorSet::new(advisories),
        }
    }

    /// All of them in one structure, to be looked for in events.
    pub fn matcher(&self) -> Matcher {
        Matcher::compile(&self.set)
    }

    /// The advisories.
    pub fn advisories(&self) -> &[Advisory] {
        self.set.advisories()
    }

    fn number(&self, found: &Match<'_>) -> Option<(usize, usize)> {
        let list = &self.set.advisories().get(found.advisory)?.indicators;
        let at = list
            .iter()
            .position(|i| std::ptr::eq(i, found.indicator))
            .or_else(|| {
                list.iter().position(|i| {
                    i.kind == found.indicator.kind && i.value == found.indicator.value
                })
            })?;
        Some((found.advisory, at))
    }

    /// The indicator that names a mail address or its domain.
    fn address(&self, address: &str) -> Option<(usize, usize)> {
        if address.is_empty() {
            return None;
        }
        self.set
            .match_email(address)
            .or_else(|| {
                let (_, domain) = address.rsplit_once('@')?;
                self.set.match_domain(domain)
            })
            .and_then(|m| self.number(&m))
    }

    fn sentence(&self, found: &Match<'_>) -> String {
        let name = self.set.advisories().get(found.advisory).map_or("", |a| {
            if a.title.is_empty() {
                a.name.as_str()
            } else {
                a.title.as_str()
            }
        });
        format!("{} ({name})", found.indicator.value)
    }
}

impl Indicators for Known {
    fn match_ip(&self, ip: std::net::IpAddr) -> Option<String> {
        self.set.match_ip(ip).map(|m| self.sentence(&m))
    }

    fn match_user_agent(&self, agent: &str) -> Option<String> {
        self.set.match_user_agent(agent).map(|m| self.sentence(&m))
    }

    fn describe(&self, advisory: usize, indicator: usize) -> (String, String, String) {
        let Some(a) = self.set.advisories().get(advisory) else {
            return Default::default();
        };
        let Some(i) = a.indicators.get(indicator) else {
            return Default::default();
        };
        (
            kind_name(i.kind).to_string(),
            i.value.clone(),
            a.name.clone(),
        )
    }
}

/// An indicator kind as `case.json` writes it.
pub fn kind_name(kind: vauban_intel::IndicatorKind) -> &'static str {
    use vauban_intel::IndicatorKind as K;
    match kind {
        K::Ipv4 => "ipv4",
        K::Ipv6 => "ipv6",
        K::Network => "network",
        K::Domain => "domain",
        K::Url => "url",
        K::EmailAddress => "email_address",
        K::Md5 => "md5",
        K::Sha1 => "sha1",
        K::Sha256 => "sha256",
        K::UserAgent => "user_agent",
        K::FileName => "file_name",
        K::EmailSubject => "email_subject",
        K::Ja3 => "ja3",
        K::Ja4 => "ja4",
    }
}

/// Looks for an advisory's values in what is stored: senders, subjects and attachments of messages,
/// and the hashes of all files.
pub fn look_at_store(
    known: &Known,
    store: &Store,
    collection: &Collection,
    observations: &mut Observations,
) {
    let set = &known.set;
    if set.is_empty() {
        return;
    }
    for mailbox in &store.mailboxes {
        for stored in &mailbox.messages {
            let m = &stored.message;
            let time = stored.received.or(m.date).unwrap_or_default();
            let mut found = vec![
                known.address(&m.from),
                set.match_subject(&m.subject).and_then(|x| known.number(&x)),
            ];
            for part in &m.parts {
                found.push(set.match_hash(&part.sha256).and_then(|x| known.number(&x)));
                if !part.filename.is_empty() {
                    let name = set.match_file_name(&part.filename);
                    found.push(name.and_then(|x| known.number(&x)));
                }
            }
            for (advisory, indicator) in found.into_iter().flatten() {
                observations.hit(advisory, indicator, time, stored.evidence);
            }
        }
    }
    for a in collection.artefacts() {
        if let Some((advisory, indicator)) = set
            .match_hash(&a.sha256_hex())
            .and_then(|x| known.number(&x))
        {
            let evidence = Evidence {
                artefact: a.id,
                offset: 0,
                length: u32::try_from(a.size).unwrap_or(u32::MAX),
            };
            observations.hit(
                advisory,
                indicator,
                a.modified.unwrap_or_default(),
                evidence,
            );
        }
    }
}

/// Folds events into observations, and into the lake when one is written.
pub struct CaseFold<'a> {
    /// Observations so far.
    pub observations: Observations,
    /// Indicators.
    pub known: &'a Known,
    /// Events for the lake.
    pub lake: Option<crate::events::Writer>,
    /// Detections.
    pub hunt: HuntFold<'a>,
}

/// One piece's events.
pub struct CasePiece<'a> {
    observations: Observations,
    known: &'a Known,
    events: Option<vauban_lake::ChunkEvents>,
    hunt: HuntPiece<'a>,
}

impl<'a> Fold for CaseFold<'a> {
    type Piece = CasePiece<'a>;

    fn piece(&self) -> CasePiece<'a> {
        CasePiece {
            observations: Observations::default(),
            known: self.known,
            events: self.lake.as_ref().map(crate::events::Writer::chunk),
            hunt: self.hunt.piece(),
        }
    }

    fn finish(&mut self, piece: CasePiece<'a>) {
        self.observations.absorb(piece.observations);
        if let (Some(lake), Some(events)) = (&mut self.lake, piece.events) {
            lake.take(events);
        }
        self.hunt.finish(piece.hunt);
    }
}

impl CasePiece<'_> {
    fn found(&mut self, found: Option<(usize, usize)>, time: Timestamp, evidence: Evidence) {
        if let Some((advisory, indicator)) = found {
            self.observations.hit(advisory, indicator, time, evidence);
        }
    }

    fn look(&mut self, event: &Event<'_>) {
        let known = self.known;
        let set = &known.set;
        let ip = |ip: Option<std::net::IpAddr>| {
            ip.and_then(|ip| set.match_ip(ip))
                .and_then(|m| known.number(&m))
        };
        let address = |a: &str| known.address(a);
        let mut hits = [None; 4];
        match &event.body {
            Body::Logon(l) => hits[0] = ip(l.src_ip),
            Body::Logoff(l) => hits[0] = ip(l.src_ip),
            Body::Http(h) => {
                hits[0] = ip(h.src_ip);
                hits[1] = set
                    .match_user_agent(h.user_agent)
                    .and_then(|m| known.number(&m));
            }
            Body::Email(e) => {
                hits = [ip(e.src_ip), ip(e.relay_ip), address(e.from), address(e.to)];
            }
            Body::Mailbox(m) => {
                hits[0] = ip(m.src_ip);
                hits[1] = address(m.from);
            }
            Body::Network(n) => {
                hits[0] = ip(n.src_ip);
                hits[1] = ip(n.dst_ip);
                hits[2] = n
                    .extra
                    .as_deref()
                    .and_then(|x| x.tls.as_ref())
                    .and_then(|t| set.match_domain(t.sni))
                    .and_then(|m| known.number(&m));
            }
            Body::Account(a) => hits[0] = ip(a.src_ip),
            Body::Dns(d) => {
                hits[0] = ip(d.src_ip);
                hits[1] = set.match_domain(d.query).and_then(|m| known.number(&m));
                hits[2] = d.answers.lines().find_map(|a| ip(a.parse().ok()));
            }
            Body::File(f) => {
                hits[0] = ip(f.src_ip);
                hits[1] = ip(f.dst_ip);
                hits[2] = [f.sha256, f.sha1, f.md5]
                    .into_iter()
                    .filter(|hash| !hash.is_empty())
                    .find_map(|hash| set.match_hash(hash).and_then(|m| known.number(&m)));
            }
            Body::Alert(a) => {
                hits[0] = ip(a.src_ip);
                hits[1] = ip(a.dst_ip);
            }
            Body::Process(_) | Body::Message(_) => {}
        }
        for hit in hits {
            self.found(hit, event.time, event.evidence);
        }
    }
}

impl EventSink for CasePiece<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if !self.known.set.is_empty() {
            self.look(event);
        }
        self.observations.event(event);
        if let Some(events) = &mut self.events {
            events.event(event);
        }
        self.hunt.event(event);
    }

    fn ignored(&mut self, evidence: Evidence, time: Option<Timestamp>) {
        self.observations.ignored(evidence, time);
    }

    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        self.observations.unparsed(evidence, why);
    }
}
