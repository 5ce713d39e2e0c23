//! The facts a thread of letters is about: project, place, dates, amounts, systems. They stay
//! the same through a thread, so that an answer speaks of what the letter spoke of.

use crate::clock;
use crate::grammar::Slots;
use crate::people::{DOMAIN, Language, Person, password};
use crate::rng::Rng;

const PROJECTS: [&str; 10] = [
    "Grand Pont",
    "Silo 2027",
    "Nouvel Atrium",
    "Phare Ouest",
    "Cadastre Vivant",
    "Portail Usagers",
    "Mémoire des Ponts",
    "Plan Toitures",
    "Dépôt Central",
    "Carte des Canaux",
];
const TOWNS: [&str; 8] = [
    "Brévaux",
    "Saint-Aubrac",
    "Port-Lanvic",
    "Coulonges-la-Tour",
    "Valbrune",
    "Montferrier-le-Haut",
    "Perrecy",
    "Lourdan",
];
const ROOMS_FR: [&str; 6] = [
    "salle Vauquelin",
    "salle 214",
    "salle du Conseil",
    "salle 3B",
    "salle Perronet",
    "salle des Cartes",
];
const ROOMS_EN: [&str; 4] = ["room 214", "the Perronet room", "room 3B", "the map room"];
const SUPPLIERS: [&str; 9] = [
    "Batilux Ingénierie",
    "Archiscan SAS",
    "Serdal Télécom",
    "Optimarne",
    "Groupe Verdelin",
    "Lithos Numérique",
    "Charpentes Malbrun",
    "Calibre Formation",
    "Norvane Conseil",
];
const BODIES_FR: [&str; 6] = [
    "la Fédération des dépôts",
    "le Conseil des ingénieurs",
    "la région Val-de-Sarre",
    "la Mission du patrimoine",
    "la Chambre des travaux",
    "le Conservatoire des plans",
];
const BODIES_EN: [&str; 5] = [
    "the Nordmark Archives",
    "the Council of Works",
    "the Delta Institute",
    "the Records Union",
    "the Lowland Ministry",
];
const APPS: [&str; 7] = [
    "GESTIMMO",
    "ARCHEO",
    "SIRHUS",
    "CHORALE",
    "MARCO",
    "PORTAIL-DOC",
    "COURRIA",
];
const FONDS: [&str; 6] = [
    "Perronet-Brisson",
    "Canal du Sud",
    "Ponts et Phares",
    "Malesherbes-Roy",
    "Atelier Gras",
    "Cartes marines",
];
const MEDIA: [&str; 5] = [
    "La Gazette des Territoires",
    "Le Courrier du Val",
    "Radio Sarre",
    "Public Works Weekly",
    "L'Écho des Chantiers",
];
const REPORTERS: [&str; 5] = [
    "Agathe Rolineau",
    "Simon Vaucresson",
    "Mina Delorge",
    "Peter Halloway",
    "Justin Carpelot",
];
const DEPUTIES: [&str; 5] = [
    "M. Vernoux",
    "Mme Castelnau-Riou",
    "M. Delorme-Ajac",
    "Mme Pasquerin",
    "M. Lestrade-Bois",
];
const COURSES: [&str; 6] = [
    "Conduite de réunion",
    "Marchés publics, les bases",
    "Tableur avancé",
    "Archivage électronique",
    "Prise de parole",
    "Prévention incendie",
];
const FAULTS: [&str; 7] = [
    "impossible d'ouvrir le partage réseau",
    "imprimante du couloir hors ligne",
    "écran noir au démarrage",
    "messagerie très lente",
    "accès refusé dans l'application",
    "fichier verrouillé par un autre utilisateur",
    "casque non reconnu en visioconférence",
];
const HOTELS: [&str; 4] = ["des Remparts", "du Canal", "Beau Séjour", "de la Gare"];

/// Groups of three digits with a narrow separator that every charset has.
fn thousands(n: i64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// A scene.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Values for the templates.
    pub slots: Slots,
    /// Language.
    pub language: Language,
    /// Index of the colleague spoken of.
    pub third: usize,
}

impl Scene {
    /// Draws the facts of a thread that starts at `at` between `inside` (indexes of `people`).
    pub fn draw(
        rng: &mut Rng,
        people: &[Person],
        inside: &[usize],
        language: Language,
        at: i64,
    ) -> Scene {
        let mut third = rng.below(people.len());
        while inside.contains(&third) && inside.len() < people.len() {
            third = rng.below(people.len());
        }
        let mut scene = Scene {
            slots: Slots::default(),
            language,
            third,
        };
        let fr = language == Language::Fr;
        let s = &mut scene.slots;
        s.set("projet", rng.pick(&PROJECTS));
        s.set("ville", rng.pick(&TOWNS));
        s.set(
            "salle",
            if fr {
                rng.pick(&ROOMS_FR)
            } else {
                rng.pick(&ROOMS_EN)
            },
        );
        s.set("fournisseur", rng.pick(&SUPPLIERS));
        s.set(
            "organisme",
            if fr {
                rng.pick(&BODIES_FR)
            } else {
                rng.pick(&BODIES_EN)
            },
        );
        s.set("fonds", rng.pick(&FONDS));
        s.set("media", rng.pick(&MEDIA));
        s.set("journaliste", rng.pick(&REPORTERS));
        s.set("elu", rng.pick(&DEPUTIES));
        s.set("formation", rng.pick(&COURSES));
        s.set("panne", rng.pick(&FAULTS));
        let hotel = rng.pick(&HOTELS);
        s.set(
            "hotel",
            if fr {
                hotel.to_string()
            } else {
                format!("the Hôtel {hotel}")
            },
        );
        s.set("exercice", "2026");
        s.set("domaine", DOMAIN);
        let app = rng.pick(&APPS);
        s.set("appli", app);
        s.set(
            "hotename",
            format!("{}.interne.{DOMAIN}", app.to_lowercase()),
        );
        s.set(
            "appliurl",
            match rng.below(3) {
                0 => format!("https://portail.interne.{DOMAIN}/{}/", app.to_lowercase()),
                1 => format!("https://{}.interne.{DOMAIN}/", app.to_lowercase()),
                _ => format!(
                    "http://10.20.9.{}:8080/{}/",
                    rng.between(2, 60),
                    app.to_lowercase()
                ),
            },
        );
        s.set("hote", format!("10.20.9.{}", rng.between(2, 60)));
        s.set("poste", format!("MEA-P{:04}", rng.between(12, 2400)));
        s.set("ticket", format!("INC-{}", rng.between(20_100, 48_900)));
        s.set("mdp", password(rng));
        s.set("cle", rng.token(b"abcdefghijkmnpqrstuvwxyz0123456789", 20));
        s.set(
            "ref",
            format!(
                "2025-{}-{:04}",
                rng.pick(&["BUD", "CAB", "DAJ", "DNU", "EQP", "ARC", "RH"]),
                rng.between(1, 2999)
            ),
        );
        let t = &people[third];
        s.set("tiers", t.name.clone());
        s.set("tiers_p", t.first.clone());
        s.set("tiers_login", t.user.clone());
        s.set("tiers_mdp", t.password.clone());
        s.set(
            "service",
            match (fr, t.service.as_str()) {
                (true, "Cabinet") => "le cabinet".to_string(),
                (true, "Communication") => "la communication".to_string(),
                (true, "International relations") => "les relations internationales".to_string(),
                (true, s) => format!(
                    "la {}",
                    s.replacen("Direction", "direction", 1)
                        .replacen("Mission", "mission", 1)
                ),
                (false, s) => s.to_string(),
            },
        );
        scene.turn(rng, at);
        scene
    }

    /// Draws the passing facts anew (numbers, dates), for the next letter of a thread at `at`;
    /// project, place, reference and people stay.
    pub fn turn(&mut self, rng: &mut Rng, at: i64) {
        let fr = self.language == Language::Fr;
        let s = &mut self.slots;
        let day = |d| {
            if fr {
                clock::date_fr(d)
            } else {
                clock::date_en(d)
            }
        };
        let month = |d| {
            if fr {
                clock::month_fr(d)
            } else {
                clock::month_en(d)
            }
        };
        s.set("date", day(clock::near_day(rng, at, 2, 15)));
        s.set("date2", day(clock::near_day(rng, at, 17, 60)));
        s.set("hier", day(clock::near_day(rng, at, -16, -3)));
        s.set("mois", month(clock::near_day(rng, at, -70, -25)));
        s.set("mois2", month(clock::near_day(rng, at, 25, 120)));
        let (hour, minute) = (rng.between(8, 13), rng.between(0, 3) * 15);
        let time = |h: i64, m: i64| match (fr, m) {
            (true, 0) => format!("{h} h"),
            (true, _) => format!("{h} h {m:02}"),
            (false, _) => format!("{h}:{m:02}"),
        };
        s.set("heure", time(hour, minute));
        s.set(
            "heure2",
            time(hour + rng.between(1, 4), rng.between(0, 1) * 30),
        );
        let money = |n: i64| {
            if fr {
                format!("{} €", thousands(n))
            } else {
                format!("EUR {}", thousands(n))
            }
        };
        s.set("montant", money(rng.between(90, 9_900) * 100));
        s.set("montant2", money(rng.between(190, 4_900) * 10));
        s.set("montant_n", thousands(rng.between(900, 9_900)));
        let (a, b) = (rng.between(1, 96), rng.between(0, 9));
        s.set(
            "pct",
            if fr {
                format!("{a},{b} %")
            } else {
                format!("{a}.{b} %")
            },
        );
        s.set("n", rng.between(11, 97).to_string());
        s.set("n2", rng.between(2, 9).to_string());
        s.set(
            "version",
            format!("v{}.{}", rng.between(0, 4), rng.between(1, 9)),
        );
        s.set(
            "ref2",
            format!(
                "{}{:05}",
                rng.pick(&["BC", "EJ", "M", "D"]),
                rng.between(1, 89_999)
            ),
        );
    }

    /// Sets whom the letter addresses: the log-in name of a credential is theirs.
    pub fn address(&mut self, rng: &mut Rng, reader: &Person) {
        let login = match rng.below(3) {
            0 => reader.user.clone(),
            1 => format!(
                "{}.{}",
                &reader.user[..1],
                reader.user.split('.').next_back().unwrap_or("x")
            ),
            _ => format!(
                "svc-{}",
                self.slots.get("appli").unwrap_or("app").to_lowercase()
            ),
        };
        self.slots.set("login", login);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::expand;
    use crate::topics;

    /// A misspelt slot would stand in a letter as `{slot}`.
    #[test]
    fn every_slot_of_every_template_exists() {
        let mut rng = Rng::new(3);
        let people = crate::people::ministry(&mut rng);
        for language in [Language::Fr, Language::En] {
            let mut scene = Scene::draw(&mut rng, &people, &[0, 1], language, 1_760_000_000);
            scene.address(&mut rng, &people[1]);
            for t in topics::topics(language)
                .iter()
                .chain(topics::external(language))
            {
                let all = [
                    t.subjects,
                    t.lead,
                    t.body,
                    t.ask,
                    t.replies,
                    &[t.folder][..],
                ];
                for text in all.into_iter().flatten() {
                    // Every alternative is reached with enough draws.
                    for _ in 0..20 {
                        let out = expand(text, &scene.slots, &mut rng);
                        assert!(!out.contains(['{', '}', '|']), "{}: {out}", t.key);
                    }
                }
            }
            for text in topics::generic_replies(language)
                .iter()
                .chain(topics::forwards(language))
            {
                let out = expand(text, &scene.slots, &mut rng);
                assert!(!out.contains(['{', '}', '|', '[']), "{out}");
            }
        }
    }
}
