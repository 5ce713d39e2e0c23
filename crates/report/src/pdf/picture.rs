//! The timeline: accounts over time, sessions as bars, key moments as numbered boxes. It reads in
//! grey: the intruder's sessions are solid, suspect ones thick-rimmed, legitimate ones hollow.

use vauban_case::contract::Label;

use super::annex::Cited;
use super::page::{AMBER, BLACK, COLUMN, GREY, MARGIN, PALE, Pages, RED, RULE, THIN, WHITE};
use crate::escape::shown_short;
use crate::facts::Facts;
use crate::lang::{Key as K, Lang};
use crate::{fmt, labels, span};

const LABEL: f32 = 118.0;
const LANE: f32 = 9.0;
/// Key moments in the table below the picture.
const MOMENTS: usize = 24;

/// The picture, its busiest days once more, and the key moments in words.
pub fn draw(p: &mut Pages, facts: &Facts, lang: Lang, cited: &mut Cited) {
    let Some(whole) = span::picture(facts, None) else {
        return;
    };
    p.need(height(&whole) + 50.0);
    p.heading(lang.t(K::Timeline));
    one(p, &whole);
    if let Some(zoom) = span::busy_window(facts).and_then(|w| span::picture(facts, Some(w))) {
        p.need(height(&zoom) + 30.0);
        p.subheading(lang.t(K::Zoom));
        one(p, &zoom);
    }
    legend(p, lang);
    let rows: Vec<Vec<String>> = whole
        .marks
        .iter()
        .take(MOMENTS)
        .map(|m| {
            let moment = m.moment;
            vec![
                m.number.to_string(),
                fmt::stamp(moment.time),
                shown_short(moment.account.split('@').next().unwrap_or(""), 40),
                shown_short(lang.text(&moment.text), 200),
                cited.cite(facts, moment.evidence.get(..1).unwrap_or(moment.evidence)),
            ]
        })
        .collect();
    if !rows.is_empty() {
        p.skip(4.0);
        let head = [K::Number, K::When, K::Account, K::What, K::Evidence];
        p.table(&[0.8, 3.1, 2.8, 6.4, 1.4], &head.map(|k| lang.t(k)), &rows);
    }
}

fn row_height(r: &span::Row) -> f32 {
    r.lanes as f32 * LANE + 7.0
}

fn head_height(picture: &span::Picture) -> f32 {
    if picture.marks.is_empty() { 2.0 } else { 34.0 }
}

fn body_height(picture: &span::Picture) -> f32 {
    picture.rows.iter().map(row_height).sum()
}

fn height(picture: &span::Picture) -> f32 {
    head_height(picture) + body_height(picture) + 26.0
}

fn one(p: &mut Pages, picture: &span::Picture) {
    p.need(height(picture));
    let (head, body) = (head_height(picture), body_height(picture));
    let (left, room) = (MARGIN + LABEL, COLUMN - LABEL);
    let x = |at: f64| left + at as f32 * room;
    let start = p.y + 2.0;
    let top = start + head;
    let bottom = top + body;
    let mut y = top;
    for (i, r) in picture.rows.iter().enumerate() {
        if i % 2 == 0 {
            p.box_at(MARGIN, y, COLUMN, row_height(r), PALE);
        }
        y += row_height(r);
    }
    let mut free = f32::MIN;
    for t in &picture.ticks {
        p.line_at((x(t.at), top), (x(t.at), bottom), RULE);
        let width = p.width(&t.text, 7.4, false);
        let at = x(t.at) - width / 2.0;
        if at >= free && at + width <= MARGIN + COLUMN + 4.0 {
            p.text_at(at, bottom + 10.0, &t.text, 7.4, false, GREY);
            free = at + width + 4.0;
        }
    }
    let places: Vec<f64> = picture.marks.iter().map(|m| f64::from(x(m.at))).collect();
    let boxes = span::spread(
        &places,
        13.0,
        f64::from(left) - 20.0,
        f64::from(MARGIN + COLUMN),
    );
    for (m, at) in picture.marks.iter().zip(&boxes) {
        let at = *at as f32;
        p.line_at((at, start + 11.0), (x(m.at), top - 3.0), THIN);
        p.line_at((x(m.at), top - 3.0), (x(m.at), bottom), THIN);
    }
    let mut y = top;
    for r in &picture.rows {
        p.text_at(
            MARGIN + 4.0,
            y + row_height(r) / 2.0 + 2.8,
            &shown_short(r.name, 24),
            8.0,
            false,
            BLACK,
        );
        for b in &r.bars {
            let from = x(b.from);
            let width = (x(b.to) - from).max(4.0).min(MARGIN + COLUMN - from);
            let at = y + 4.5 + b.lane as f32 * LANE;
            bar(p, b.session.label, from, at, width);
        }
        y += row_height(r);
    }
    for (m, at) in picture.marks.iter().zip(&boxes) {
        let at = *at as f32;
        p.box_at(at - 5.8, start, 11.6, 11.0, BLACK);
        let number = m.number.to_string();
        let width = p.width(&number, 7.2, true);
        p.text_at(at - width / 2.0, start + 8.2, &number, 7.2, true, WHITE);
    }
    p.y = bottom + 16.0;
}

fn bar(p: &mut Pages, label: Label, x: f32, y: f32, width: f32) {
    match label {
        Label::Intruder => p.box_at(x, y, width, 6.5, RED),
        Label::Suspect => {
            p.box_at(x, y, width, 6.5, AMBER);
            p.box_at(x + 1.4, y + 1.4, (width - 2.8).max(0.3), 3.7, WHITE);
        }
        Label::Legitimate => p.frame_at(x, y, width, 6.5, WHITE, GREY),
    }
}

fn legend(p: &mut Pages, lang: Lang) {
    p.need(14.0);
    p.y += 10.0;
    let y = p.y;
    let mut x = MARGIN;
    for (label, text) in [
        (Label::Intruder, labels::label(Label::Intruder, lang)),
        (Label::Suspect, labels::label(Label::Suspect, lang)),
        (Label::Legitimate, lang.t(K::LegendLegitimate)),
    ] {
        bar(p, label, x, y - 6.0, 14.0);
        p.text_at(x + 18.0, y, text, 8.0, false, GREY);
        x += 18.0 + p.width(text, 8.0, false) + 16.0;
    }
    let tail = format!("{} · {}", lang.t(K::LegendMark), lang.t(K::TimesUtc));
    p.box_at(x, y - 7.5, 10.0, 9.5, BLACK);
    p.text_at(x + 3.0, y - 0.2, "1", 7.0, true, WHITE);
    p.text_at(x + 14.0, y, &tail, 8.0, false, GREY);
    p.y += 4.0;
}
