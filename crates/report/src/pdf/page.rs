//! Pages, and the words and lines that are put on them.
//!
//! All lengths are points (1/72 inch) from the upper left corner, as krilla has them.

use std::fmt::Write as _;

use krilla::Document;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::text::{Font, TextDirection};

/// A4.
pub const WIDTH: f32 = 595.0;
/// A4.
pub const HEIGHT: f32 = 842.0;
/// White on each side.
pub const MARGIN: f32 = 54.0;
/// Room for text.
pub const COLUMN: f32 = WIDTH - 2.0 * MARGIN;
/// Lowest line of text.
const BOTTOM: f32 = HEIGHT - 62.0;

static REGULAR: &[u8] = include_bytes!("../../assets/LiberationSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/LiberationSans-Bold.ttf");

/// A colour.
pub type Ink = (u8, u8, u8);
/// Text.
pub const BLACK: Ink = (24, 27, 33);
/// Lesser text.
pub const GREY: Ink = (92, 98, 110);
/// Leaders in pictures.
pub const THIN: Ink = (150, 156, 166);
/// Rules between rows.
pub const RULE: Ink = (205, 209, 216);
/// What is hostile.
pub const RED: Ink = (150, 27, 30);
/// Table heads and bars.
pub const BLUE: Ink = (28, 66, 110);
/// White.
pub const WHITE: Ink = (255, 255, 255);
/// What is suspect.
pub const AMBER: Ink = (122, 84, 0);
/// Ground of boxes.
pub const PALE: Ink = (244, 245, 247);

/// A font with what measuring takes.
struct Face {
    font: Font,
    metrics: rustybuzz::Face<'static>,
}

impl Face {
    fn new(data: &'static [u8]) -> Option<Self> {
        Some(Self {
            font: Font::new(data.to_vec().into(), 0)?,
            metrics: rustybuzz::Face::from_slice(data, 0)?,
        })
    }

    /// True if the character can be set: the font has it, and it is read from left to right (lines
    /// are set without the bidirectional algorithm, so others would come out reversed).
    fn has(&self, c: char) -> bool {
        let reversed = matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}');
        !reversed && self.metrics.glyph_index(c).is_some()
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        let unit = size / self.metrics.units_per_em() as f32;
        text.chars()
            .map(|c| {
                let glyph = self.metrics.glyph_index(c).unwrap_or_default();
                f32::from(self.metrics.glyph_hor_advance(glyph).unwrap_or(0)) * unit
            })
            .sum()
    }
}

/// Something drawn.
enum Mark {
    Text {
        x: f32,
        y: f32,
        text: String,
        size: f32,
        bold: bool,
        ink: Ink,
    },
    Box {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        ink: Ink,
    },
    Line {
        from: (f32, f32),
        to: (f32, f32),
        ink: Ink,
    },
}

/// Unprintable characters in a row that are written out; the rest is counted.
const MAX_CODES: usize = 8;

/// What stands on every page and in the document's properties.
pub struct Frame<'a> {
    pub title: &'a str,
    pub language: &'a str,
    pub head: &'a str,
    pub foot: &'a str,
    /// Identifies the case, so that two reports of it have the same identifier.
    pub id: &'a str,
    /// Page number of total, from both.
    pub number: &'a dyn Fn(usize, usize) -> String,
}

/// Pages being filled from top to bottom.
pub struct Pages {
    regular: Face,
    bold: Face,
    pages: Vec<Vec<Mark>>,
    /// Headings: text, page, height.
    headings: Vec<(String, usize, f32)>,
    /// Where the next thing goes.
    pub y: f32,
}

impl Pages {
    /// One empty page. `None` if the built-in fonts cannot be read, which tests rule out.
    pub fn new() -> Option<Self> {
        Some(Self {
            regular: Face::new(REGULAR)?,
            bold: Face::new(BOLD)?,
            pages: vec![Vec::new()],
            headings: Vec::new(),
            y: MARGIN,
        })
    }

    /// Begins a page.
    pub fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.y = MARGIN;
    }

    /// Begins a page unless so much room is left.
    pub fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.turn();
        }
    }

    /// Leaves white.
    pub fn skip(&mut self, height: f32) {
        self.y += height;
    }

    fn face(&self, bold: bool) -> &Face {
        if bold { &self.bold } else { &self.regular }
    }

    /// The text with what cannot be set written as `‹U+4E2D U+6587›`.
    fn printable(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut run: Vec<char> = Vec::new();
        for c in text.chars().map(Some).chain([None]) {
            if let Some(c) = c.filter(|c| !self.regular.has(*c) && !matches!(c, '⟨' | '⟩' | '\n'))
            {
                run.push(c);
                continue;
            }
            if !run.is_empty() {
                let codes: Vec<String> = run
                    .iter()
                    .take(MAX_CODES)
                    .map(|c| format!("U+{:04X}", *c as u32))
                    .collect();
                let _ = write!(out, "‹{}", codes.join(" "));
                if run.len() > MAX_CODES {
                    let _ = write!(out, " +{}", run.len() - MAX_CODES);
                }
                out.push('›');
                run.clear();
            }
            match c {
                Some('⟨') => out.push('‹'),
                Some('⟩') => out.push('›'),
                Some(c) => out.push(c),
                None => {}
            }
        }
        out
    }

    /// Width of a text on one line.
    pub fn width(&self, text: &str, size: f32, bold: bool) -> f32 {
        self.face(bold).width(text, size)
    }

    /// A text cut into lines. Words longer than a line (addresses, file names) are broken, after a
    /// sign if there is one.
    pub fn lines(&self, text: &str, size: f32, bold: bool, room: f32) -> Vec<String> {
        let text = self.printable(text);
        let mut out: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split([' ', '\n']).filter(|w| !w.is_empty()) {
            let joined = if line.is_empty() {
                word.to_string()
            } else {
                format!("{line} {word}")
            };
            if self.width(&joined, size, bold) <= room {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                out.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                line.push(c);
                if self.width(&line, size, bold) > room && line.chars().count() > 1 {
                    line.pop();
                    let at = line
                        .rfind(['@', '/', '.', '-', '_', '=', '&', '›'])
                        .map(|at| at + line[at..].chars().next().map_or(1, char::len_utf8))
                        .filter(|at| *at >= line.len() / 2);
                    let rest = at.map(|at| line.split_off(at)).unwrap_or_default();
                    out.push(std::mem::replace(&mut line, rest));
                    line.push(c);
                }
            }
        }
        if !line.is_empty() || out.is_empty() {
            out.push(line);
        }
        out
    }

    /// A text at a place of the current page.
    pub fn text_at(&mut self, x: f32, y: f32, text: &str, size: f32, bold: bool, ink: Ink) {
        let text = self.printable(text);
        if let Some(page) = self.pages.last_mut() {
            page.push(Mark::Text {
                x,
                y,
                text,
                size,
                bold,
                ink,
            });
        }
    }

    /// A filled box on the current page.
    pub fn box_at(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        if let Some(page) = self.pages.last_mut() {
            page.push(Mark::Box {
                x,
                y,
                width,
                height,
                ink,
            });
        }
    }

    /// A box with an outline of a point.
    pub fn frame_at(&mut self, x: f32, y: f32, width: f32, height: f32, ground: Ink, ink: Ink) {
        self.box_at(x, y, width, height, ink);
        self.box_at(
            x + 0.9,
            y + 0.9,
            (width - 1.8).max(0.2),
            (height - 1.8).max(0.2),
            ground,
        );
    }

    /// A thin line on the current page, below all boxes that are drawn later.
    pub fn line_at(&mut self, from: (f32, f32), to: (f32, f32), ink: Ink) {
        if let Some(page) = self.pages.last_mut() {
            page.push(Mark::Line { from, to, ink });
        }
    }

    /// A paragraph; lines go on to the next page where they must.
    pub fn paragraph(&mut self, text: &str, size: f32, bold: bool, ink: Ink) {
        for line in self.lines(text, size, bold, COLUMN) {
            self.need(size * 1.35);
            self.y += size * 1.35;
            let y = self.y;
            self.text_at(MARGIN, y, &line, size, bold, ink);
        }
    }

    /// A heading with room for something below it.
    pub fn heading(&mut self, text: &str) {
        self.need(96.0);
        if self.y > MARGIN {
            self.skip(18.0);
        }
        let y = self.y;
        self.headings
            .push((text.to_owned(), self.pages.len() - 1, y));
        self.box_at(MARGIN, y, COLUMN, 1.2, BLACK);
        self.skip(6.0);
        self.paragraph(text, 13.0, true, BLACK);
        self.skip(5.0);
    }

    /// A smaller heading.
    pub fn subheading(&mut self, text: &str) {
        self.need(60.0);
        self.skip(8.0);
        self.paragraph(text, 10.5, true, BLACK);
        self.skip(3.0);
    }

    /// A table; rows do not break across pages, the head is repeated. `shares` are parts of the
    /// width.
    pub fn table(&mut self, shares: &[f32], head: &[&str], rows: &[Vec<String>]) {
        const SIZE: f32 = 8.2;
        const GAP: f32 = 8.0;
        let all: f32 = shares.iter().sum();
        let widths: Vec<f32> = shares.iter().map(|s| s / all * COLUMN).collect();
        let cut = |pages: &Self, cells: &[&str], bold: bool| -> Vec<Vec<String>> {
            cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| pages.lines(cell, SIZE, bold, width - GAP))
                .collect()
        };
        let put = |pages: &mut Self, cells: &[Vec<String>], bold: bool, ink: Ink| {
            let height = cells.iter().map(Vec::len).max().unwrap_or(1) as f32 * SIZE * 1.3 + 6.0;
            let top = pages.y;
            let mut x = MARGIN;
            for (cell, width) in cells.iter().zip(&widths) {
                for (i, line) in cell.iter().enumerate() {
                    let y = top + (i as f32 + 1.0) * SIZE * 1.3;
                    pages.text_at(x, y, line, SIZE, bold, ink);
                }
                x += width;
            }
            pages.y += height;
        };
        let head = cut(self, head, true);
        let head_height = head.iter().map(Vec::len).max().unwrap_or(1) as f32 * SIZE * 1.3 + 8.0;
        self.need(head_height + 30.0);
        let rule = |pages: &mut Self, thick: f32, ink: Ink| {
            let y = pages.y;
            pages.box_at(MARGIN, y, COLUMN, thick, ink);
            pages.y += thick + 1.0;
        };
        put(self, &head, true, BLUE);
        rule(self, 0.9, BLUE);
        for row in rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            let cells = cut(self, &cells, false);
            let height = cells.iter().map(Vec::len).max().unwrap_or(1) as f32 * SIZE * 1.3 + 8.0;
            if self.y + height > BOTTOM {
                self.turn();
                put(self, &head, true, BLUE);
                rule(self, 0.9, BLUE);
            }
            put(self, &cells, false, BLACK);
            rule(self, 0.4, RULE);
        }
    }

    /// The PDF.
    pub fn finish(self, frame: &Frame) -> Vec<u8> {
        let mut document = Document::new();
        let metadata = krilla::metadata::Metadata::new()
            .title(frame.title.to_string())
            .language(frame.language.to_string())
            .creator("Vauban".to_string())
            .document_id(frame.id.to_string());
        document.set_metadata(metadata);
        let mut outline = Outline::new();
        for (text, page, y) in &self.headings {
            let place = XyzDestination::new(*page, Point::from_xy(MARGIN, *y));
            outline.push_child(OutlineNode::new(text.clone(), place));
        }
        document.set_outline(outline);
        let total = self.pages.len();
        for (number, marks) in self.pages.iter().enumerate() {
            let Some(settings) = PageSettings::from_wh(WIDTH, HEIGHT) else {
                continue;
            };
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            let place = (frame.number)(number + 1, total);
            let right = WIDTH - MARGIN;
            let mut edge = vec![
                (MARGIN, 34.0, frame.head, 8.0, true),
                (MARGIN, HEIGHT - 30.0, frame.foot, 7.0, false),
            ];
            edge.push((
                right - self.width(&place, 8.0, false),
                HEIGHT - 30.0,
                &place,
                8.0,
                false,
            ));
            for (x, y, words, size, bold) in edge {
                self.draw_text(&mut surface, x, y, words, size, bold, GREY);
            }
            for mark in marks {
                match mark {
                    Mark::Box {
                        x,
                        y,
                        width,
                        height,
                        ink,
                    } => {
                        let corners = [
                            (*x, *y),
                            (x + width, *y),
                            (x + width, y + height),
                            (*x, y + height),
                        ];
                        draw_shape(&mut surface, &corners, *ink);
                    }
                    Mark::Line { from, to, ink } => {
                        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
                        let length = dx.hypot(dy).max(0.01);
                        let (nx, ny) = (-dy / length * 0.25, dx / length * 0.25);
                        let corners = [
                            (from.0 + nx, from.1 + ny),
                            (to.0 + nx, to.1 + ny),
                            (to.0 - nx, to.1 - ny),
                            (from.0 - nx, from.1 - ny),
                        ];
                        draw_shape(&mut surface, &corners, *ink);
                    }
                    Mark::Text {
                        x,
                        y,
                        text,
                        size,
                        bold,
                        ink,
                    } => {
                        self.draw_text(&mut surface, *x, *y, text, *size, *bold, *ink);
                    }
                }
            }
            surface.finish();
            page.finish();
        }
        document.finish().unwrap_or_default()
    }

    #[allow(clippy::too_many_arguments)]
    fn draw_text(
        &self,
        surface: &mut krilla::surface::Surface,
        x: f32,
        y: f32,
        text: &str,
        size: f32,
        bold: bool,
        ink: Ink,
    ) {
        surface.set_fill(fill(ink));
        let font = self.face(bold).font.clone();
        let at = Point::from_xy(x, y);
        surface.draw_text(at, font, size, text, false, TextDirection::LeftToRight);
    }
}

fn fill(ink: Ink) -> Option<Fill> {
    Some(Fill {
        paint: rgb::Color::new(ink.0, ink.1, ink.2).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::NonZero,
    })
}

fn draw_shape(surface: &mut krilla::surface::Surface, corners: &[(f32, f32)], ink: Ink) {
    let mut path = PathBuilder::new();
    for (i, (x, y)) in corners.iter().enumerate() {
        if i == 0 {
            path.move_to(*x, *y)
        } else {
            path.line_to(*x, *y)
        }
    }
    path.close();
    if let Some(path) = path.finish() {
        surface.set_fill(fill(ink));
        surface.draw_path(&path);
    }
}
