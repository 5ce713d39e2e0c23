//! The timeline's geometry: rows, lanes, ticks. HTML and PDF draw the same one.

use std::collections::BTreeMap;

use vauban_case::contract::{AccountStatus, Label, Session};

use crate::{
    facts::{Facts, Moment},
    fmt,
};

/// Accounts that get a row; the rest is counted.
pub(crate) const MAX_ROWS: usize = 24;
/// Lanes that overlapping sessions of one account are spread over.
pub(crate) const MAX_LANES: usize = 4;
/// Moments that get a numbered mark.
pub(crate) const MAX_MARKS: usize = 24;

/// A session's place.
pub(crate) struct Bar<'a> {
    pub session: &'a Session,
    /// 0–1 on the axis.
    pub from: f64,
    pub to: f64,
    pub lane: usize,
}

/// One account's row.
pub(crate) struct Row<'a> {
    /// The account, without its domain where all share one.
    pub name: &'a str,
    pub bars: Vec<Bar<'a>>,
    pub lanes: usize,
}

/// A labelled instant on the axis.
pub(crate) struct Tick {
    pub at: f64,
    pub text: String,
}

/// A numbered moment.
pub(crate) struct Mark<'a, 'f> {
    pub at: f64,
    pub number: usize,
    pub moment: &'f Moment<'a>,
}

/// Everything there is to draw.
pub(crate) struct Picture<'a, 'f> {
    pub rows: Vec<Row<'a>>,
    pub hidden_rows: usize,
    pub ticks: Vec<Tick>,
    pub marks: Vec<Mark<'a, 'f>>,
}

/// Lays out the sessions that the case lists and its key moments, all of them or those of a window
/// of seconds; `None` if nothing has a time. Marks keep their numbers in a window.
pub(crate) fn picture<'a, 'f>(
    facts: &'f Facts<'a>,
    window: Option<(i64, i64)>,
) -> Option<Picture<'a, 'f>> {
    let key = facts.key_moments();
    let (first, last) = match window {
        Some(w) => w,
        None => {
            let mut times: Vec<i64> = key.iter().filter_map(|m| fmt::seconds(m.time)).collect();
            for s in &facts.case.sessions {
                times.extend(fmt::seconds(&s.start));
                times.extend(fmt::seconds(&s.end));
            }
            (*times.iter().min()?, *times.iter().max()?)
        }
    };
    // Some air at both ends, at least ten minutes, so that a lone moment has a place.
    let air = ((last.saturating_sub(first)) / 50).max(600);
    let (first, last) = (first.saturating_sub(air), last.saturating_add(air));
    let width = (last.saturating_sub(first)).max(1) as f64;
    let place = |t: i64| ((t.saturating_sub(first)) as f64 / width).clamp(0.0, 1.0);
    let inside = |from: i64, to: i64| to >= first && from <= last;

    let mut by_account: BTreeMap<&str, Vec<&Session>> = BTreeMap::new();
    for s in &facts.case.sessions {
        by_account.entry(&s.account).or_default().push(s);
    }
    let mut accounts: Vec<_> = by_account.into_iter().collect();
    accounts.sort_by_key(|(name, sessions)| {
        let entered = facts
            .case
            .accounts
            .iter()
            .any(|a| a.account == *name && a.status == AccountStatus::Compromised);
        let worst = sessions
            .iter()
            .map(|s| severity(s.label))
            .max()
            .unwrap_or(0);
        (std::cmp::Reverse(entered), std::cmp::Reverse(worst), *name)
    });
    let domain = shared_domain(accounts.iter().map(|(name, _)| *name));
    let hidden_rows = accounts.len().saturating_sub(MAX_ROWS);
    let rows = accounts
        .into_iter()
        .take(MAX_ROWS)
        .map(|(account, mut sessions)| {
            sessions.sort_by_key(|s| (fmt::seconds(&s.start), s.id.as_str()));
            let mut ends = [f64::MIN; MAX_LANES];
            let mut lanes = 1;
            let bars = sessions
                .iter()
                .filter_map(|s| {
                    let start = fmt::seconds(&s.start)?;
                    let end = fmt::seconds(&s.end).unwrap_or(start).max(start);
                    if !inside(start, end) {
                        return None;
                    }
                    let (from, to) = (place(start), place(end));
                    // Thin bars are drawn wider than they are: keep them apart.
                    let lane = ends.iter().position(|e| *e < from).unwrap_or(MAX_LANES - 1);
                    if let Some(e) = ends.get_mut(lane) {
                        *e = e.max(to + 0.008);
                    }
                    lanes = lanes.max(lane + 1);
                    Some(Bar {
                        session: s,
                        from,
                        to,
                        lane,
                    })
                })
                .collect();
            let name = account
                .strip_suffix(domain.as_str())
                .filter(|n| !n.is_empty());
            Row {
                name: name.unwrap_or(account),
                bars,
                lanes,
            }
        })
        .collect();
    let marks = key
        .iter()
        .filter_map(|m| Some((fmt::seconds(m.time)?, *m)))
        .take(MAX_MARKS)
        .enumerate()
        .filter(|(_, (t, _))| inside(*t, *t))
        .map(|(i, (t, moment))| Mark {
            at: place(t),
            number: i + 1,
            moment,
        })
        .collect();
    Some(Picture {
        rows,
        hidden_rows,
        ticks: ticks(first, last),
        marks,
    })
}

/// The window of the intruder's sessions, if they would fill less than a third of the whole
/// picture; in seconds.
pub(crate) fn busy_window(facts: &Facts) -> Option<(i64, i64)> {
    let of = |hostile: bool| {
        let times: Vec<i64> = facts
            .case
            .sessions
            .iter()
            .filter(|s| !hostile || s.label == Label::Intruder)
            .flat_map(|s| [fmt::seconds(&s.start), fmt::seconds(&s.end)])
            .flatten()
            .chain(
                facts
                    .key_moments()
                    .iter()
                    .filter(|_| !hostile)
                    .filter_map(|m| fmt::seconds(m.time)),
            )
            .collect();
        Some((*times.iter().min()?, *times.iter().max()?))
    };
    let (all, busy) = (of(false)?, of(true)?);
    let length = |w: (i64, i64)| w.1.saturating_sub(w.0);
    (length(busy).saturating_mul(3) < length(all)).then_some(busy)
}

/// `@domain` if all names end in the same one.
fn shared_domain<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let domain = |n: &'a str| n.rfind('@').and_then(|at| n.get(at..));
    let Some(first) = names.next().and_then(domain) else {
        return String::new();
    };
    if names.all(|n| domain(n) == Some(first)) {
        first.to_owned()
    } else {
        String::new()
    }
}

/// Moves positions apart so that boxes of `width` do not overlap, in order, within `low..high`,
/// each as near to its own place as that allows.
pub(crate) fn spread(places: &[f64], width: f64, low: f64, high: f64) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::with_capacity(places.len());
    for p in places {
        let least = out.last().map_or(low + width / 2.0, |l| l + width);
        out.push(p.max(least));
    }
    let mut most = high - width / 2.0;
    for p in out.iter_mut().rev() {
        *p = p.min(most);
        most = *p - width;
    }
    out
}

fn severity(label: Label) -> u8 {
    match label {
        Label::Intruder => 2,
        Label::Suspect => 1,
        Label::Legitimate => 0,
    }
}

/// Between three and nine ticks on whole minutes, hours, days or weeks of UTC.
fn ticks(first: i64, last: i64) -> Vec<Tick> {
    const STEPS: [i64; 14] = [
        60, 300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000,
        7_776_000, 31_536_000,
    ];
    let length = last.saturating_sub(first).max(1);
    let step = STEPS
        .iter()
        .copied()
        .find(|s| length / s <= 8)
        .unwrap_or(length / 4)
        .max(1);
    let mut out = Vec::new();
    let mut t = first
        .div_euclid(step)
        .saturating_add(1)
        .saturating_mul(step);
    while t < last && out.len() < 12 {
        if let Ok(instant) = jiff::Timestamp::from_second(t) {
            let z = fmt::utc(instant);
            let text = if step < 86_400 {
                z.strftime("%m-%d %H:%M").to_string()
            } else {
                z.strftime("%Y-%m-%d").to_string()
            };
            out.push(Tick {
                at: (t - first) as f64 / length as f64,
                text,
            });
        }
        t = t.saturating_add(step);
    }
    out
}
