//! Which artefacts are logs, in which format, with which clock and layout.

use crate::read::Log;
use vauban_case::contract::Text;
use vauban_case::inputs::LogArtefact;
use vauban_evidence::{Collection, Kind, Problem, TimeBase, TimeBases};
use vauban_sources::web::layouts::{Configuration, layouts_for};
use vauban_sources::{Context, recognise};

/// Bytes that a format is told by.
const HEAD: usize = 64 << 10;
/// Configuration files larger than this are not configuration.
const CONFIG: usize = 4 << 20;

/// The logs of a collection.
pub struct Found {
    /// To be parsed.
    pub logs: Vec<Log>,
    /// For the report.
    pub described: Vec<LogArtefact>,
    /// Clocks of all artefacts.
    pub times: Vec<Option<TimeBase>>,
    /// What is doubtful about clocks.
    pub problems: Vec<Problem>,
}

/// Finds the logs.
pub fn find(collection: &Collection) -> Found {
    let times = TimeBases::infer(collection);
    let mut configuration = Configuration::default();
    for a in collection.artefacts() {
        if !matches!(a.kind, Kind::Config | Kind::Text) || a.size > CONFIG as u64 {
            continue;
        }
        let path = a.path.to_ascii_lowercase();
        if !["nginx", "apache", "httpd"]
            .iter()
            .any(|server| path.contains(server))
            || path.contains("/log/")
        {
            continue;
        }
        if let Ok(bytes) = collection.read_all(a.id, CONFIG) {
            configuration.add(&String::from_utf8_lossy(&bytes), &a.path);
        }
    }
    let declared = configuration.declared();
    let mut found = Found {
        logs: Vec::new(),
        described: Vec::new(),
        times: Vec::new(),
        problems: Vec::new(),
    };
    for a in collection.artefacts() {
        let may_be_log = matches!(a.kind, Kind::Text | Kind::Pcap | Kind::Binary);
        if !may_be_log || collection.duplicate_of(a.id).is_some() {
            continue;
        }
        let Ok(head) = collection.read_range(a.id, 0, HEAD) else {
            continue;
        };
        let access_layouts = layouts_for(&declared, &a.path);
        let format = recognise(&a.path, &head)
            .or_else(|| vauban_sources::web::recognise_declared(&access_layouts, &head));
        let Some(format) = format else { continue };
        let time = base(&times, a.id).unwrap_or_else(|| fallback(a.modified));
        let clock = vec![Text {
            en: format!(
                "{}: stamps without offset are in {} ({}); stamps without year are not later than {:04}-{:02}-{:02} ({}).",
                a.path,
                zone_name(&time),
                time.zone_source,
                time.latest.0,
                time.latest.1,
                time.latest.2,
                time.latest_source
            ),
            fr: format!(
                "{} : les horodatages sans décalage sont en {} ({}) ; ceux sans année ne dépassent pas le {:04}-{:02}-{:02} ({}).",
                a.path,
                zone_name(&time),
                time.zone_source,
                time.latest.0,
                time.latest.1,
                time.latest.2,
                time.latest_source
            ),
        }];
        found.described.push(LogArtefact {
            artefact: a.id,
            format: format.name().to_string(),
            clock,
        });
        found.logs.push(Log {
            artefact: a.id,
            format,
            context: Context {
                artefact: a.id,
                time,
                access_layouts,
            },
            size: a.size,
        });
    }
    found.problems = times.problems;
    found.times = times.bases;
    found
}

fn base(times: &TimeBases, id: vauban_ocsf::ArtefactId) -> Option<TimeBase> {
    times.bases.get(id.0 as usize).cloned().flatten()
}

fn zone_name(time: &TimeBase) -> String {
    time.zone
        .iana_name()
        .map_or_else(|| "a fixed offset".to_string(), str::to_string)
}

/// Without any hint: UTC, and no stamp later than the file itself.
fn fallback(modified: Option<vauban_ocsf::Timestamp>) -> TimeBase {
    let (y, m, d, ..) = modified.map_or((2099, 12, 31, 0, 0, 0, 0), |t| t.civil());
    TimeBase::utc((y, m, d))
}
