//! PDF (ISO 32000-1), text in Helvetica with WinAnsiEncoding so that it can be extracted.

use super::{Block, Document, MARKING, png};
use crate::people::MINISTRY;
use crate::rng::Rng;
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use std::io::Write;

const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 62.0;

/// A line of text on a page.
struct Line {
    x: f32,
    size: f32,
    bold: bool,
    text: String,
}

/// Writes the document; `scanned` puts a grainy stamp on the first page, as a copier leaves one.
pub(super) fn write(doc: &Document, rng: &mut Rng, scanned: bool) -> Vec<u8> {
    let compress = rng.chance(45);
    let pages = paginate(layout(doc));
    let mut pdf = Pdf::new();
    let (catalog, tree, regular, bold, image, info) = (
        Ref::new(1),
        Ref::new(2),
        Ref::new(3),
        Ref::new(4),
        Ref::new(5),
        Ref::new(6),
    );
    let page_ref = |i: usize| Ref::new(10 + 2 * i as i32);
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree)
        .kids((0..pages.len()).map(page_ref))
        .count(pages.len() as i32);
    for (id, name) in [(regular, "Helvetica"), (bold, "Helvetica-Bold")] {
        pdf.type1_font(id)
            .base_font(Name(name.as_bytes()))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    if scanned {
        let (w, h) = (110 + rng.below(60), 70 + rng.below(40));
        let data = deflate(&png::pixels(rng, w, h, 12));
        let mut x = pdf.image_xobject(image, &data);
        x.filter(Filter::FlateDecode);
        x.width(w as i32).height(h as i32).bits_per_component(8);
        x.color_space().device_gray();
        x.finish();
    }
    for (i, lines) in pages.iter().enumerate() {
        let content = page(doc, lines, i, pages.len(), scanned && i == 0);
        let id = page_ref(i);
        let stream = Ref::new(id.get() + 1);
        let mut p = pdf.page(id);
        p.parent(tree)
            .media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT))
            .contents(stream);
        let mut res = p.resources();
        res.fonts()
            .pair(Name(b"F1"), regular)
            .pair(Name(b"F2"), bold);
        if scanned && i == 0 {
            res.x_objects().pair(Name(b"I1"), image);
        }
        res.finish();
        p.finish();
        if compress {
            pdf.stream(stream, &deflate(&content))
                .filter(Filter::FlateDecode);
        } else {
            pdf.stream(stream, &content);
        }
    }
    pdf.document_info(info)
        .title(TextStr(&doc.title))
        .author(TextStr(&doc.author))
        .producer(TextStr(if scanned {
            "Copieur MX-270"
        } else {
            "Plume 5.2"
        }));
    pdf.finish()
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut z = ZlibEncoder::new(Vec::new(), Compression::new(6));
    // Writing to a vector cannot fail.
    let _ = z.write_all(data);
    z.finish().unwrap_or_default()
}

fn layout(doc: &Document) -> Vec<Line> {
    let line = |size, bold, text: String| Line {
        x: MARGIN,
        size,
        bold,
        text,
    };
    let mut out = vec![
        line(10.0, true, MINISTRY.into()),
        line(9.0, false, doc.service.clone()),
    ];
    if doc.restricted {
        out.push(Line {
            x: 190.0,
            size: 16.0,
            bold: true,
            text: MARKING.into(),
        });
    }
    out.push(line(16.0, true, String::new()));
    wrap(&doc.title, 16.0, WIDTH - 2.0 * MARGIN, |t| {
        out.push(line(16.0, true, t))
    });
    out.push(line(
        9.0,
        false,
        format!("{} - {} - {}", doc.reference, doc.author, doc.day),
    ));
    for block in &doc.blocks {
        out.push(line(6.0, false, String::new()));
        match block {
            Block::Heading(t) => out.push(line(12.0, true, t.clone())),
            Block::Para(t) => wrap(t, 10.0, WIDTH - 2.0 * MARGIN, |t| {
                out.push(line(10.0, false, t))
            }),
            Block::Bullets(items) => {
                for item in items {
                    let mut first = true;
                    wrap(item, 10.0, WIDTH - 2.0 * MARGIN - 20.0, |t| {
                        let text = if first {
                            format!("- {t}")
                        } else {
                            format!("  {t}")
                        };
                        first = false;
                        out.push(Line {
                            x: MARGIN + 14.0,
                            size: 10.0,
                            bold: false,
                            text,
                        });
                    });
                }
            }
            Block::Table(rows) => {
                for (i, row) in rows.iter().enumerate() {
                    wrap(&row.join("  |  "), 8.5, WIDTH - 2.0 * MARGIN, |t| {
                        out.push(line(8.5, i == 0, t))
                    });
                }
            }
        }
    }
    out
}

fn paginate(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let mut pages = vec![Vec::new()];
    let mut y = HEIGHT - 90.0;
    for l in lines {
        let step = l.size * 1.35;
        if y - step < 80.0 {
            pages.push(Vec::new());
            y = HEIGHT - 90.0;
        }
        y -= step;
        if let Some(p) = pages.last_mut() {
            p.push(l);
        }
    }
    pages
}

fn page(doc: &Document, lines: &[Line], index: usize, of: usize, stamp: bool) -> Vec<u8> {
    let mut c = Content::new();
    if stamp {
        c.save_state();
        c.transform([120.0, 0.0, 0.0, 80.0, 400.0, 60.0]);
        c.x_object(Name(b"I1"));
        c.restore_state();
    }
    let mut put = |x: f32, y: f32, size: f32, bold: bool, text: &str| {
        if !text.is_empty() {
            c.begin_text();
            c.set_font(Name(if bold { b"F2" } else { b"F1" }), size);
            c.next_line(x, y);
            c.show(Str(&win_ansi(text)));
            c.end_text();
        }
    };
    if doc.restricted {
        put(235.0, HEIGHT - 40.0, 9.0, true, MARKING);
        put(235.0, 30.0, 9.0, true, MARKING);
    }
    put(
        WIDTH - 100.0,
        44.0,
        8.0,
        false,
        &format!("{} / {of}", index + 1),
    );
    let mut y = HEIGHT - 90.0;
    for l in lines {
        y -= l.size * 1.35;
        put(l.x, y, l.size, l.bold, &l.text);
    }
    c.finish().to_vec()
}

/// Breaks text at spaces by an estimate of Helvetica's widths; a line may be a little short.
fn wrap(text: &str, size: f32, width: f32, mut line: impl FnMut(String)) {
    let measure = |s: &str| {
        s.chars()
            .map(|c| match c {
                'i' | 'j' | 'l' | '.' | ',' | '\'' | ':' | ';' | '|' | ' ' | 't' | 'f' | 'I' => {
                    0.29
                }
                'm' | 'w' | 'M' | 'W' | '%' | '€' | 'œ' => 0.84,
                c if c.is_uppercase() => 0.70,
                _ => 0.555,
            })
            .sum::<f32>()
            * size
    };
    let mut current = String::new();
    for word in text.split(' ') {
        if !current.is_empty() && measure(&current) + measure(word) + 0.29 * size > width {
            line(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    line(current);
}

/// Windows-1252, as WinAnsiEncoding; what it lacks becomes a question mark.
fn win_ansi(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| match c {
            '€' => 0x80,
            'œ' => 0x9c,
            'Œ' => 0x8c,
            '–' => 0x96,
            '’' => 0x92,
            c if (c as u32) < 0x80 || (0xa0..0x100).contains(&(c as u32)) => c as u8,
            _ => b'?',
        })
        .collect()
}
