//! The clock of each artefact: the zone of stamps that carry no offset, and the year of stamps
//! that carry no year.
//!
//! * `stamp.rs` reads the stamp of one line, in any of the notations logs use;
//! * `sample.rs` takes stamps from all over each artefact of a [`Collection`] (the only part that
//!   reads);
//! * `host.rs` tells which artefacts come from one host;
//! * `zone.rs` and `year.rs` decide, and say in words what they rest on.

mod host;
mod sample;
mod stamp;
mod year;
mod zone;

pub use sample::{Clues, Sampled, ZoneClue, ZoneFile};
pub use stamp::{Notation, Stamp, stamp_of_line};

use crate::collection::Collection;
use crate::problem::Problem;
use jiff::tz::TimeZone;
use vauban_ocsf::ArtefactId;

/// How to turn the time stamps of one artefact into instants. Worked out once per artefact.
#[derive(Clone, Debug)]
pub struct TimeBase {
    /// Zone of stamps that do not carry an offset.
    pub zone: TimeZone,
    /// Where `zone` comes from, for the report ("etc/timezone in the evidence", "assumed").
    pub zone_source: String,
    /// Latest civil date `(year, month, day)` that a stamp without year can mean: a stamp is given
    /// the greatest year for which it is not later than this date. RFC 3164 files of up to twelve
    /// months are thereby unambiguous wherever in the file one starts reading.
    pub latest: (i32, u32, u32),
    /// Where `latest` comes from, for the report ("modification time", "last stamp of access.log").
    pub latest_source: String,
}

impl TimeBase {
    /// UTC, and stamps without year taken as not later than the given date. For tests and for
    /// streams whose clock is known.
    pub fn utc(latest: (i32, u32, u32)) -> Self {
        Self {
            zone: TimeZone::UTC,
            zone_source: "assumed".into(),
            latest,
            latest_source: "given".into(),
        }
    }
}

/// The time bases of a whole collection.
#[derive(Clone, Debug, Default)]
pub struct TimeBases {
    /// One for each artefact, by id. `None` where no stamps are to be read (messages, archives,
    /// binaries).
    pub bases: Vec<Option<TimeBase>>,
    /// What was assumed, contradicts itself, or cannot be known.
    pub problems: Vec<Problem>,
}

impl TimeBases {
    /// Works out the time bases of a collection.
    ///
    /// Zone: the host's own `etc/localtime` or `etc/timezone`, nearest above the artefact; else
    /// the offsets that other logs of that host carry; else UTC, assumed and said. Year: the date
    /// in the file's name, its modification time if that fits its last stamp, the order of
    /// rotation, else the last stamp with a year of the same host.
    pub fn infer(collection: &Collection) -> Self {
        Self::from_clues(&Clues::gather(collection))
    }

    /// The same from clues gathered elsewhere; reads nothing.
    pub fn from_clues(clues: &Clues) -> Self {
        let mut problems = Vec::new();
        let hosts = host::Hosts::of(clues);
        let zones = zone::Zones::decide(clues, &hosts, &mut problems);
        let years = year::decide(clues, &hosts, &mut problems);
        let mut bases = vec![None; clues.artefacts.len()];
        for (at, (sampled, year)) in clues.artefacts.iter().zip(years).enumerate() {
            if !sampled.wanted {
                continue;
            }
            let (zone, zone_source) = zones.of(&sampled.path);
            if let Some(slot) = bases.get_mut(at) {
                let (latest, latest_source) = year;
                *slot = Some(TimeBase {
                    zone,
                    zone_source,
                    latest,
                    latest_source,
                });
            }
        }
        problems.sort();
        problems.dedup();
        Self { bases, problems }
    }

    /// The time base of one artefact.
    pub fn get(&self, id: ArtefactId) -> Option<&TimeBase> {
        self.bases.get(id.0 as usize)?.as_ref()
    }
}
