//! Pages, and the words and lines that are put on them.
//!
//! All lengths are points (1/72 inch) from the upper left corner, as krilla has them.

use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point};
use krilla::num::NormalizedF32;
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
/// Rules between rows.
pub const RULE: Ink = (205, 209, 216);
/// What is hostile.
pub const RED: Ink = (150, 27, 30);
/// Table heads and bars.
pub const BLUE: Ink = (28, 66, 110);
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
}

/// Pages being filled from top to bottom.
pub struct Pages {
    regular: Face,
    bold: Face,
    pages: Vec<Vec<Mark>>,
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

    /// Width of a text on one line.
    pub fn width(&self, text: &str, size: f32, bold: bool) -> f32 {
        self.face(bold).width(text, size)
    }

    /// A text cut into lines. Words longer than a line (addresses, file names) are broken.
    pub fn lines(&self, text: &str, size: f32, bold: bool, room: f32) -> Vec<String> {
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
                    out.push(std::mem::take(&mut line));
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
        if let Some(page) = self.pages.last_mut() {
            page.push(Mark::Text {
                x,
                y,
                text: text.to_string(),
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
        self.need(80.0);
        self.skip(20.0);
        let y = self.y;
        self.box_at(MARGIN, y, COLUMN, 1.2, BLACK);
        self.skip(6.0);
        self.paragraph(text, 13.0, true, BLACK);
        self.skip(5.0);
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

    /// The PDF. `head` and `foot` stand on every page, with the page's number.
    pub fn finish(self, title: &str, language: &str, head: &str, foot: &str) -> Vec<u8> {
        let mut document = Document::new();
        let metadata = krilla::metadata::Metadata::new()
            .title(title.to_string())
            .language(language.to_string())
            .creator("Vauban".to_string());
        document.set_metadata(metadata);
        let total = self.pages.len();
        let fill = |ink: Ink| {
            Some(Fill {
                paint: rgb::Color::new(ink.0, ink.1, ink.2).into(),
                opacity: NormalizedF32::ONE,
                rule: FillRule::NonZero,
            })
        };
        for (number, marks) in self.pages.iter().enumerate() {
            let Some(settings) = PageSettings::from_wh(WIDTH, HEIGHT) else {
                continue;
            };
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            let mut text = |x: f32, y: f32, words: &str, size: f32, bold: bool, ink: Ink| {
                surface.set_fill(fill(ink));
                let font = self.face(bold).font.clone();
                let at = Point::from_xy(x, y);
                surface.draw_text(at, font, size, words, false, TextDirection::LeftToRight);
            };
            text(MARGIN, 30.0, head, 8.0, false, GREY);
            let place = format!("{} / {total}", number + 1);
            let width = self.width(&place, 8.0, false);
            text(MARGIN, HEIGHT - 30.0, foot, 7.5, false, GREY);
            text(
                WIDTH - MARGIN - width,
                HEIGHT - 30.0,
                &place,
                8.0,
                false,
                GREY,
            );
            // Boxes first: text stands on them.
            for mark in marks {
                if let Mark::Box {
                    x,
                    y,
                    width,
                    height,
                    ink,
                } = mark
                {
                    let mut path = PathBuilder::new();
                    path.move_to(*x, *y);
                    path.line_to(x + width, *y);
                    path.line_to(x + width, y + height);
                    path.line_to(*x, y + height);
                    path.close();
                    if let Some(path) = path.finish() {
                        surface.set_fill(fill(*ink));
                        surface.draw_path(&path);
                    }
                }
            }
            for mark in marks {
                if let Mark::Text {
                    x,
                    y,
                    text,
                    size,
                    bold,
                    ink,
                } = mark
                {
                    surface.set_fill(fill(*ink));
                    let font = self.face(*bold).font.clone();
                    let at = Point::from_xy(*x, *y);
                    surface.draw_text(at, font, *size, text, false, TextDirection::LeftToRight);
                }
            }
            surface.finish();
            page.finish();
        }
        document.finish().unwrap_or_default()
    }
}
