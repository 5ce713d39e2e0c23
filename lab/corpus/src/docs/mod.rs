//! Small real documents: PDF, DOCX, ODT, XLSX, CSV, PNG.
//!
//! A [`Document`] is what it says; `pdf.rs`, `office.rs` and `sheet.rs` write it in a format.
//! To add a format, write a function from [`Document`] to bytes and let [`make`] choose it.

mod office;
mod pdf;
mod png;
mod sheet;
mod words;

pub(crate) use png::logo;

use crate::clock;
use crate::grammar::{expand, sentence};
use crate::people::{Language, Person};
use crate::rng::Rng;
use crate::scene::Scene;
use std::sync::Arc;

/// The protective marking on documents that must not leave the ministry.
pub const MARKING: &str = "DIFFUSION RESTREINTE";

/// What a document is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum DocKind {
    /// Technical annex.
    Annex,
    /// Budget table.
    Budget,
    /// Minutes.
    Minutes,
    /// Note to a superior.
    Note,
    /// List of persons.
    Persons,
    /// Picture.
    Photo,
    /// Programme of a day.
    Programme,
    /// Scanned paper: an invoice, a signed form.
    Scan,
    /// Specification for a tender.
    Spec,
}

/// An attached file.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// File name as people see it.
    pub filename: String,
    /// Media type.
    pub content_type: &'static str,
    /// Content; shared between the copies of a message.
    pub data: Arc<[u8]>,
    /// Bears [`MARKING`].
    pub restricted: bool,
}

/// A document before it has a format.
#[derive(Clone, Debug)]
struct Document {
    title: String,
    reference: String,
    author: String,
    service: String,
    day: String,
    /// RFC 3339, for the properties.
    stamp: String,
    restricted: bool,
    language: Language,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Heading(String),
    Para(String),
    Bullets(Vec<String>),
    Table(Vec<Vec<String>>),
}

/// Makes a document of a kind about a scene, written by `author` at `at`.
pub fn make(
    kind: DocKind,
    scene: &Scene,
    rng: &mut Rng,
    people: &[Person],
    author: &Person,
    at: i64,
    restricted: bool,
) -> Attachment {
    let doc = content(kind, scene, rng, people, author, at, restricted);
    let stem = file_stem(kind, scene, rng, at);
    let (ext, content_type, data) = match kind {
        DocKind::Photo => ("png", "image/png", png::picture(rng)),
        DocKind::Budget => ("xlsx", sheet::XLSX, sheet::xlsx(&doc)),
        DocKind::Persons => match rng.below(5) {
            0 => ("odt", office::ODT, office::odt(&doc)),
            1 if !restricted => ("csv", "text/csv", sheet::csv(&doc)),
            _ => ("xlsx", sheet::XLSX, sheet::xlsx(&doc)),
        },
        DocKind::Scan => ("pdf", "application/pdf", pdf::write(&doc, rng, true)),
        DocKind::Annex | DocKind::Programme => match rng.below(4) {
            0 => ("odt", office::ODT, office::odt(&doc)),
            _ => ("pdf", "application/pdf", pdf::write(&doc, rng, false)),
        },
        DocKind::Minutes | DocKind::Note | DocKind::Spec => match rng.below(6) {
            0 | 1 => ("pdf", "application/pdf", pdf::write(&doc, rng, false)),
            2 => ("odt", office::ODT, office::odt(&doc)),
            _ => (
                "docx",
                office::DOCX,
                office::docx(&doc, rng.chance(30).then(|| png::picture(rng))),
            ),
        },
    };
    Attachment {
        filename: format!("{stem}.{ext}"),
        content_type,
        data: data.into(),
        restricted: restricted && kind != DocKind::Photo,
    }
}

fn file_stem(kind: DocKind, scene: &Scene, rng: &mut Rng, at: i64) -> String {
    let fr = scene.language == Language::Fr;
    let get = |k| scene.slots.get(k).unwrap_or("x").to_string();
    let day = clock::civil_at(at, clock::paris_offset(at));
    match kind {
        DocKind::Scan => return day.strftime("scan_%Y%m%d_%H%M%S").to_string(),
        DocKind::Photo => {
            return match rng.below(3) {
                0 => day.strftime("IMG_%Y%m%d_%H%M%S").to_string(),
                1 => format!("plan {} {}", get("ville"), get("version")),
                _ => format!("image{:03}", rng.between(1, 400)),
            };
        }
        _ => {}
    }
    let name = match (kind, fr) {
        (DocKind::Annex, true) => "Annexe technique",
        (DocKind::Annex, false) => "Technical annex",
        (DocKind::Budget, true) => "Tableau budgétaire",
        (DocKind::Budget, false) => "Cost table",
        (DocKind::Minutes, true) => "Compte rendu",
        (DocKind::Minutes, false) => "Minutes",
        (DocKind::Note, true) => "Note",
        (DocKind::Note, false) => "Brief",
        (DocKind::Persons, true) => "Liste des personnes",
        (DocKind::Persons, false) => "List of participants",
        (DocKind::Programme, true) => "Programme",
        (DocKind::Programme, false) => "Programme of the day",
        (_, true) => "Cahier des charges",
        (_, false) => "Specification",
    };
    match rng.below(4) {
        0 => format!("{name} {} {}", get("projet"), get("version")),
        1 => format!(
            "{}_{}_{}",
            day.strftime("%Y%m%d"),
            name.replace(' ', "_"),
            get("ref")
        ),
        2 => format!("{name} - {}", get("ville")),
        _ => format!("{} {name} VF", get("ref")),
    }
}

/// Deals the sentences of a pool: none comes again before all have come.
struct Deck {
    pool: &'static [&'static str],
    order: Vec<usize>,
}

impl Deck {
    fn new(language: Language) -> Deck {
        Deck {
            pool: words::sentences(language),
            order: Vec::new(),
        }
    }

    fn next(&mut self, scene: &mut Scene, rng: &mut Rng, at: i64) -> String {
        if self.order.is_empty() {
            self.order = (0..self.pool.len()).collect();
            rng.shuffle(&mut self.order);
        }
        scene.turn(rng, at);
        let i = self.order.pop().unwrap_or(0);
        sentence(self.pool[i], &scene.slots, rng)
    }

    /// A number of sentences as one paragraph.
    fn para(&mut self, scene: &mut Scene, rng: &mut Rng, at: i64, sentences: i64) -> String {
        let text: Vec<String> = (0..sentences).map(|_| self.next(scene, rng, at)).collect();
        text.join(" ")
    }
}

fn content(
    kind: DocKind,
    scene: &Scene,
    rng: &mut Rng,
    people: &[Person],
    author: &Person,
    at: i64,
    restricted: bool,
) -> Document {
    let mut scene = scene.clone();
    let fr = scene.language == Language::Fr;
    let get = |s: &Scene, k| s.slots.get(k).unwrap_or("").to_string();
    let day = clock::civil_at(at, clock::paris_offset(at)).date();
    let mut deck = Deck::new(scene.language);
    let mut blocks = Vec::new();
    let title = words::title(
        kind,
        scene.language,
        &get(&scene, "projet"),
        &get(&scene, "ville"),
    );
    match kind {
        DocKind::Budget => blocks.push(Block::Table(budget(&mut scene, rng, at))),
        DocKind::Persons => blocks.push(Block::Table(persons(&scene, rng, people, restricted))),
        DocKind::Programme => {
            blocks.push(Block::Para(deck.para(&mut scene, rng, at, 2)));
            let mut rows = vec![words::row(
                scene.language,
                &["Heure", "Sujet", "Intervenant"],
                &["Time", "Item", "Speaker"],
            )];
            for hour in 9..rng.between(13, 18) {
                let item = deck.next(&mut scene, rng, at);
                rows.push(vec![
                    format!("{hour}:00"),
                    item,
                    people[rng.below(people.len())].name.clone(),
                ]);
            }
            blocks.push(Block::Table(rows));
            blocks.push(Block::Para(deck.para(&mut scene, rng, at, 3)));
        }
        DocKind::Scan => {
            blocks.push(Block::Para(format!(
                "{} {}",
                get(&scene, "fournisseur"),
                get(&scene, "ref2")
            )));
            blocks.push(Block::Table(invoice(&mut scene, rng, at)));
            blocks.push(Block::Para(deck.para(&mut scene, rng, at, 2)));
        }
        _ => {
            let sections = match kind {
                DocKind::Spec => rng.between(6, 13),
                DocKind::Annex => rng.between(3, 10),
                _ => rng.between(2, 8),
            };
            let heads = words::headings(scene.language);
            for i in 0..sections {
                blocks.push(Block::Heading(format!(
                    "{}. {}",
                    i + 1,
                    heads[rng.below(heads.len())]
                )));
                for _ in 0..rng.between(2, 5) {
                    let sentences = rng.between(3, 7);
                    blocks.push(Block::Para(deck.para(&mut scene, rng, at, sentences)));
                }
                match rng.below(5) {
                    0 => {
                        let items = (0..rng.between(3, 6))
                            .map(|_| deck.para(&mut scene, rng, at, 1))
                            .collect();
                        blocks.push(Block::Bullets(items));
                    }
                    1 => blocks.push(Block::Table(invoice(&mut scene, rng, at))),
                    2 if kind == DocKind::Annex => {
                        blocks.push(Block::Table(hosts(&scene, rng)));
                    }
                    _ => {}
                }
            }
            if kind == DocKind::Minutes {
                blocks.insert(
                    0,
                    Block::Table(
                        persons(&scene, rng, people, false)
                            .into_iter()
                            .take(9)
                            .collect(),
                    ),
                );
            }
        }
    }
    Document {
        title,
        reference: get(&scene, "ref"),
        author: author.name.clone(),
        service: author.service.clone(),
        day: if fr {
            format!("{} {}", clock::date_fr(day), day.year())
        } else {
            format!("{} {}", clock::date_en(day), day.year())
        },
        stamp: format!("{day}T09:00:00Z"),
        restricted,
        language: scene.language,
        blocks,
    }
}

fn budget(scene: &mut Scene, rng: &mut Rng, at: i64) -> Vec<Vec<String>> {
    let mut rows = vec![words::row(
        scene.language,
        &[
            "Ligne",
            "Libellé",
            "Fournisseur",
            "Engagé 2025",
            "Payé 2025",
            "Prévision 2026",
            "Observations",
        ],
        &[
            "Row",
            "Item",
            "Supplier",
            "Committed 2025",
            "Paid 2025",
            "Forecast 2026",
            "Remarks",
        ],
    )];
    let labels = words::budget_labels(scene.language);
    for i in 1..=rng.between(60, 420) {
        let committed = rng.between(1_200, 480_000);
        let paid = committed * rng.between(10, 100) / 100;
        let remark = if rng.chance(30) {
            scene.turn(rng, at);
            expand("[ref.|voir|cf.] {ref2}[, {date}|]", &scene.slots, rng)
        } else {
            String::new()
        };
        let label = labels[rng.below(labels.len())];
        let (site, supplier) = (words::site(rng), words::supplier(rng));
        rows.push(vec![
            i.to_string(),
            format!("{label} - {site}"),
            supplier.into(),
            committed.to_string(),
            paid.to_string(),
            (committed * rng.between(80, 125) / 100).to_string(),
            remark,
        ]);
    }
    rows
}

fn invoice(scene: &mut Scene, rng: &mut Rng, at: i64) -> Vec<Vec<String>> {
    let mut rows = vec![words::row(
        scene.language,
        &["Désignation", "Quantité", "Montant"],
        &["Item", "Quantity", "Amount"],
    )];
    let labels = words::budget_labels(scene.language);
    for _ in 0..rng.between(3, 14) {
        scene.turn(rng, at);
        rows.push(vec![
            labels[rng.below(labels.len())].into(),
            rng.between(1, 60).to_string(),
            scene.slots.get("montant2").unwrap_or("").into(),
        ]);
    }
    rows
}

fn hosts(scene: &Scene, rng: &mut Rng) -> Vec<Vec<String>> {
    let mut rows = vec![words::row(
        scene.language,
        &["Serveur", "Adresse", "Usage"],
        &["Server", "Address", "Use"],
    )];
    for _ in 0..rng.between(4, 12) {
        let role = rng.pick(&[
            "web",
            "base",
            "fichiers",
            "sauvegarde",
            "annuaire",
            "portail",
        ]);
        rows.push(vec![
            format!(
                "{role}{:02}.interne.{}",
                rng.between(1, 12),
                crate::people::DOMAIN
            ),
            format!("10.20.{}.{}", rng.between(8, 11), rng.between(2, 250)),
            role.into(),
        ]);
    }
    rows
}

fn persons(scene: &Scene, rng: &mut Rng, people: &[Person], sensitive: bool) -> Vec<Vec<String>> {
    let mut rows = vec![words::row(
        scene.language,
        &["Nom", "Service", "Adresse", "Téléphone", "Observations"],
        &["Name", "Unit", "Address", "Telephone", "Remarks"],
    )];
    let mut order: Vec<usize> = (0..people.len()).collect();
    rng.shuffle(&mut order);
    for i in order.iter().take(rng.between(6, 20) as usize) {
        let p = &people[*i];
        let remark = if sensitive {
            format!(
                "n° {} / {} {}",
                rng.between(10_000, 99_999),
                rng.pick(&["habilitation", "badge", "passeport"]),
                rng.hex(8).to_uppercase()
            )
        } else {
            rng.pick(&["présent", "excusé", "à confirmer", "", "suppléant"])
                .into()
        };
        rows.push(vec![
            p.name.clone(),
            p.service.clone(),
            p.address.clone(),
            p.phone.clone(),
            remark,
        ]);
    }
    // People from outside: long lists are what makes such a table worth stealing.
    for _ in 0..rng.between(0, if sensitive { 220 } else { 40 }) {
        let (first, last) = words::stranger(rng);
        rows.push(vec![
            format!("{first} {last}"),
            words::supplier(rng).into(),
            format!(
                "{}.{}@{}",
                crate::mime::ascii_fold(first).to_lowercase(),
                crate::mime::ascii_fold(last)
                    .to_lowercase()
                    .replace(' ', "-"),
                rng.pick(&["archiscan.example", "valdesarre.example", "batilux.example"])
            ),
            format!(
                "01 99 00 {:02} {:02}",
                rng.between(10, 99),
                rng.between(10, 99)
            ),
            String::new(),
        ]);
    }
    rows
}

#[cfg(test)]
mod tests;
