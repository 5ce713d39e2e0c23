//! The mail of a fictional ministry, made from a seed: twenty people, months of letters between
//! them and with the world outside, real small documents, inert lures and harmless look-alikes.
//!
//! [`Corpus::ministry`] gives the store as it stands before a story begins; the other methods of
//! [`Corpus`] write the letters that arrive while it is played.
//!
//! **What it is not**: it delivers nothing and knows no server. It holds no word of a real
//! letter and no real person; every host ends in `.example` or `.invalid`. The same seed gives the
//! same bytes on every machine.

mod clock;
mod compose;
mod corpus;
mod docs;
mod grammar;
mod lures;
pub mod mailer;
mod mime;
mod outside;
mod people;
mod rng;
mod scene;
mod topics;

pub use clock::{paris_offset, rfc5322};
pub use corpus::{Corpus, Kind, MINISTRY_END, Mail, Secret, SecretKind, maildir_folder};
pub use docs::{Attachment, MARKING};
pub use lures::{Lookalike, Lure};
pub use outside::{OUTSIDERS, Outsider};
pub use people::{DOMAIN, Language, MINISTRY, Person, Style, password};
pub use rng::Rng;

/// Words an intruder looks for in such mailboxes, as the reference case describes them: about
/// fifty, secrets and names of applications first.
pub const SEARCH_WORDS: [&str; 52] = [
    "secret",
    "mot de passe",
    "mdp",
    "password",
    "identifiant",
    "login",
    "vpn",
    "clé",
    "code d'accès",
    "confidentiel",
    "diffusion restreinte",
    "restreint",
    "GESTIMMO",
    "ARCHEO",
    "SIRHUS",
    "CHORALE",
    "MARCO",
    "PORTAIL-DOC",
    "COURRIA",
    "portail",
    "interne",
    "10.20.9",
    "serveur",
    "sauvegarde",
    "habilitation",
    "badge",
    "alarme",
    "plan d'accès",
    "liste des personnes",
    "passeport",
    "cabinet",
    "ministre",
    "arbitrage",
    "note",
    "budget 2026",
    "marché",
    "offre",
    "négociation",
    "fournisseur",
    "RIB",
    "virement",
    "facture",
    "recrutement",
    "salaire",
    "jury",
    "audition",
    "question écrite",
    "convention",
    "délégation",
    "astreinte",
    "compte de service",
    "certificat",
];
