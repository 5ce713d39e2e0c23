//! Who works at the ministry. Every name is invented.

use crate::rng::Rng;

/// Domain of the ministry (`.example` never resolves, RFC 2606).
pub const DOMAIN: &str = "ministere.example";
/// Its name.
pub const MINISTRY: &str = "Ministère de l'Équipement et des Archives";

/// Language a person writes in.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Language {
    /// French.
    Fr,
    /// English.
    En,
}

/// Habit of writing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// Full formulas, full signature.
    Formal,
    /// Two lines and a first name.
    Brisk,
    /// Friendly.
    Warm,
}

/// An account holder.
#[derive(Clone, Debug)]
pub struct Person {
    /// Local part and log-in name.
    pub user: String,
    /// Address.
    pub address: String,
    /// Full name.
    pub name: String,
    /// First name.
    pub first: String,
    /// Role, in the person's language.
    pub role: String,
    /// Service, in the person's language.
    pub service: String,
    /// Password of the mailbox.
    pub password: String,
    /// Language.
    pub language: Language,
    /// Habit.
    pub style: Style,
    /// Telephone as in the signature (numbers kept free for fiction by the French regulator).
    pub phone: String,
    /// Which mail client writes the person's mail: index into [`crate::mailer::Mailer::ALL`].
    pub mailer: usize,
}

type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Language,
    Style,
);
use Language::{En, Fr};
use Style::{Brisk, Formal, Warm};

#[rustfmt::skip]
const ROWS: [Row; 20] = [
    ("helene.vasseur", "Hélène", "Hélène Vasseur-Marty", "Directrice de cabinet", "Cabinet", Fr, Formal),
    ("bastien.corvoisier", "Bastien", "Bastien Corvoisier", "Conseiller technique", "Cabinet", Fr, Brisk),
    ("maud.lescarpentier", "Maud", "Maud Lescarpentier", "Assistante de direction", "Cabinet", Fr, Warm),
    ("yann.treguidec", "Yann", "Yann Tréguidec", "Chef du bureau des systèmes", "Direction du numérique", Fr, Brisk),
    ("ines.belkaroui", "Inès", "Inès Belkaroui", "Ingénieure réseaux", "Direction du numérique", Fr, Brisk),
    ("thibault.garandeau", "Thibault", "Thibault Garandeau", "Support aux utilisateurs", "Direction du numérique", Fr, Warm),
    ("sylvie.montrozier", "Sylvie", "Sylvie Montrozier", "Cheffe du bureau du budget", "Direction des finances", Fr, Formal),
    ("arnaud.pelleverd", "Arnaud", "Arnaud Pelleverd", "Contrôleur de gestion", "Direction des finances", Fr, Brisk),
    ("nadia.ferrahoui", "Nadia", "Nadia Ferrahoui", "Gestionnaire comptable", "Direction des finances", Fr, Warm),
    ("christine.audoubert", "Christine", "Christine Audoubert", "Cheffe du bureau du personnel", "Direction des ressources humaines", Fr, Formal),
    ("loic.haumesser", "Loïc", "Loïc Haumesser", "Chargé de formation", "Direction des ressources humaines", Fr, Warm),
    ("paulemile.rastignol", "Paul-Émile", "Paul-Émile Rastignol", "Acheteur", "Mission des achats", Fr, Formal),
    ("claire.dubessay", "Claire", "Claire Dubessay", "Juriste", "Direction des affaires juridiques", Fr, Formal),
    ("gaelle.kervazo", "Gaëlle", "Gaëlle Kervazo", "Conservatrice", "Direction des archives", Fr, Warm),
    ("matthieu.sandoz", "Matthieu", "Matthieu Sandoz-Lacroix", "Archiviste numérique", "Direction des archives", Fr, Brisk),
    ("francois.tournebize", "François", "François Tournebize", "Chef de projet immobilier", "Direction de l'équipement", Fr, Formal),
    ("delphine.arrighetti", "Delphine", "Delphine Arrighetti", "Ingénieure travaux", "Direction de l'équipement", Fr, Brisk),
    ("eleanor.whitcombe", "Eleanor", "Eleanor Whitcombe", "International adviser", "International relations", En, Formal),
    ("tomasz.wierzbowicz", "Tomasz", "Tomasz Wierzbowicz", "Policy officer", "International relations", En, Warm),
    ("olivier.chassagnard", "Olivier", "Olivier Chassagnard", "Attaché de presse", "Communication", Fr, Brisk),
];

const WORDS: [&str; 24] = [
    "Brume",
    "Sureau",
    "Galet",
    "Ardoise",
    "Mistral",
    "Tilleul",
    "Falaise",
    "Copeau",
    "Lanterne",
    "Verger",
    "Ponton",
    "Basalte",
    "Fougere",
    "Girouette",
    "Ecluse",
    "Sarment",
    "Tamis",
    "Boussole",
    "Cormoran",
    "Jachere",
    "Lavoir",
    "Margelle",
    "Noisette",
    "Olivine",
];

/// A password as people choose or are given them: words, patterns, or noise.
pub fn password(rng: &mut Rng) -> String {
    let w = rng.pick(&WORDS);
    let v = rng.pick(&WORDS);
    match rng.below(5) {
        0 => format!("{w}-{v}-{}", rng.between(10, 99)),
        1 => format!(
            "{w}{}{v}{}",
            rng.pick(&["!", "#", "+", "_"]),
            rng.between(1, 99)
        ),
        2 => rng.token(
            b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789#+-",
            12,
        ),
        3 => format!("{w}{}!", rng.between(1950, 2025)),
        _ => format!(
            "{}{}.{}",
            v.to_lowercase(),
            rng.between(100, 999),
            rng.token(b"abcdefghkmnpqrstuvwxyz", 4)
        ),
    }
}

/// The twenty account holders; passwords, telephones and clients depend on the seed.
pub fn ministry(rng: &mut Rng) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::with_capacity(ROWS.len());
    for (i, (user, first, name, role, service, language, style)) in ROWS.into_iter().enumerate() {
        let mut secret = password(rng);
        while people.iter().any(|p| p.password == secret) {
            secret = password(rng);
        }
        people.push(Person {
            user: user.into(),
            address: format!("{user}@{DOMAIN}"),
            name: name.into(),
            first: first.into(),
            role: role.into(),
            service: service.into(),
            password: secret,
            language,
            style,
            phone: format!("01 99 00 {:02} {:02}", 10 + i, rng.between(10, 99)),
            mailer: rng.below(crate::mailer::Mailer::ALL.len()),
        });
    }
    people
}
