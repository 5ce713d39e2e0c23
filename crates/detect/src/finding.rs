//! Matches → findings.

use crate::correlation::CorrelationMatch;
use crate::engine::Engine;
use crate::observable::group_observables;
use crate::rule::RuleInfo;
use crate::scan::Match;
use std::fmt::Write as _;
use vauban_ocsf::{Analytic, Finding, Observable, Place, Timestamp};

impl Engine {
    /// The finding a match amounts to: what the rule says, where the record stands, and the
    /// values it is about.
    pub fn finding(
        &self,
        found: Match,
        time: Option<Timestamp>,
        place: Place,
        observables: Vec<Observable>,
    ) -> Option<Finding> {
        let info = self.rule(found.rule)?;
        let mut out = base(info, Analytic::Rule);
        out.reason = reason(info);
        out.first = time;
        out.last = time;
        out.places = vec![place];
        out.observables = observables;
        Some(out)
    }

    /// The finding a correlation amounts to, about the values its events share. `places` are those
    /// of its events.
    pub fn correlation_finding(
        &self,
        found: &CorrelationMatch,
        places: Vec<Place>,
    ) -> Option<Finding> {
        let info = self.correlation(found.correlation)?;
        let mut out = base(info, Analytic::Rule);
        out.reason = reason(info);
        let kind = self.correlation_type(found.correlation)?;
        _ = write!(
            out.reason,
            " [{} event{}, {kind} {}",
            found.events.len(),
            if found.events.len() == 1 { "" } else { "s" },
            found.value,
        );
        for (name, value) in &found.group {
            _ = write!(
                out.reason,
                ", {name}: {}",
                value.as_deref().unwrap_or("none")
            );
        }
        out.reason.push(']');
        out.first = Some(found.first);
        out.last = Some(found.last);
        out.places = places;
        out.observables = group_observables(&found.group);
        Some(out)
    }
}

fn base(info: &RuleInfo, analytic: Analytic) -> Finding {
    Finding {
        rule: info.identity().to_owned(),
        analytic,
        title: info.title.clone(),
        level: info.level.unwrap_or_default(),
        reason: String::new(),
        next: info.next.clone(),
        techniques: info.techniques(),
        references: info.references.clone(),
        first: None,
        last: None,
        places: Vec::new(),
        observables: Vec::new(),
    }
}

fn reason(info: &RuleInfo) -> String {
    let text = info.description.trim();
    if text.is_empty() {
        info.title.clone()
    } else {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
