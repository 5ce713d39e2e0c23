//! Copies laid out in time and written in its order.

use crate::base::Base;
use crate::line::{Copy, Line};
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use vauban_ocsf::{DAY, SECOND};

/// A lane begins so much after the one before.
const APART: i64 = 37 * SECOND;
/// Bytes gathered before they are written.
const BLOCK: usize = 1 << 20;

/// Which copies there are, and when.
pub struct Plan<'a> {
    evidence: &'a Base,
    background: &'a Base,
    /// Added to the background's instants in the last period.
    align: i64,
    days: i64,
    lanes: usize,
    /// Lanes of each period, the oldest first.
    periods: Vec<usize>,
}

/// What was written.
#[derive(Default)]
pub struct Written {
    /// Lines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
}

impl<'a> Plan<'a> {
    /// For so many bytes of logs in all.
    pub fn new(
        evidence: &'a Base,
        background: &'a Base,
        lanes: usize,
        bytes: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let (first, last) = evidence.span().ok_or("no logs")?;
        let (b_first, b_last) = background.span().ok_or("no logs in the background")?;
        let spread = APART * lanes as i64;
        let longest = (last - first).max(b_last - b_first) + spread;
        // Whole weeks: a weekday stays one.
        let days = (longest / DAY + 7) / 7 * 7;
        let align = (first.div_euclid(DAY) - b_first.div_euclid(DAY)) * DAY;
        let rest = bytes.saturating_sub(evidence.bytes());
        let copies = 1 + (rest / background.bytes().max(1)) as usize;
        if copies > 0xFFFF {
            return Err("more than 65535 copies".into());
        }
        let mut periods = vec![lanes; copies / lanes];
        if !copies.is_multiple_of(lanes) {
            periods.insert(0, copies % lanes);
        }
        Ok(Self {
            evidence,
            background,
            align,
            days,
            lanes,
            periods,
        })
    }

    /// How many copies there are.
    pub fn copies(&self) -> usize {
        self.periods.iter().sum()
    }

    /// How many periods there are.
    pub fn periods(&self) -> usize {
        self.periods.len()
    }

    /// Days of a period.
    pub fn days(&self) -> i64 {
        self.days
    }

    /// Writes one log.
    pub fn write(&self, name: &str, to: &Path) -> std::io::Result<Written> {
        // A link to the original must not be written through.
        let _ = std::fs::remove_file(to);
        let mut file = File::create(to)?;
        let mut out = Vec::with_capacity(BLOCK + (64 << 10));
        let mut written = Written::default();
        let background = self.background.stream(name);
        let whole = order(&[], background, self.align, self.lanes);
        for (n, &lanes) in self.periods.iter().enumerate() {
            let last = n + 1 == self.periods.len();
            let back = -(self.periods.len() as i64 - 1 - n as i64) * self.days * DAY;
            let own;
            let lines: &[Place] = if last {
                own = order(self.evidence.stream(name), background, self.align, lanes);
                &own
            } else {
                &whole
            };
            let before: usize = self.periods[..n].iter().sum();
            let copies: Vec<Copy> = (0..lanes)
                .map(|lane| Copy::new((before + lane) as u32, lane as u32))
                .collect();
            for place in lines {
                let lane = place.lane as usize;
                if lane >= lanes {
                    continue;
                }
                let at = place.line as usize;
                if last && lane == 0 {
                    self.evidence.stream(name)[at].write(&mut out, 0, None);
                } else {
                    let by = self.align + back + APART * lane as i64;
                    background[at].write(&mut out, by, Some(&copies[lane]));
                }
                written.lines += 1;
                if out.len() >= BLOCK {
                    file.write_all(&out)?;
                    written.bytes += out.len() as u64;
                    out.clear();
                }
            }
        }
        file.write_all(&out)?;
        written.bytes += out.len() as u64;
        Ok(written)
    }
}

/// A line's turn in a period.
struct Place {
    time: i64,
    line: u32,
    lane: u32,
}

/// The order of all lines of a period. Lane 0 is `evidence` if there is any, else background.
fn order(evidence: &[Line], background: &[Line], align: i64, lanes: usize) -> Vec<Place> {
    let mut places = Vec::with_capacity(background.len() * lanes);
    for lane in 0..lanes as u32 {
        let (lines, align) = match (lane, evidence.is_empty()) {
            (0, false) => (evidence, 0),
            _ => (background, align),
        };
        let later = align + APART * i64::from(lane);
        places.extend(lines.iter().zip(0..).map(|(l, line)| Place {
            time: l.time() + later,
            line,
            lane,
        }));
    }
    // Stable, so that lines of one instant keep their order.
    places.sort_by_key(|p| p.time);
    places
}
