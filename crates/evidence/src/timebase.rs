//! The clock of one artefact.

use jiff::tz::TimeZone;

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
