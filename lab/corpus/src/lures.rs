//! Letters that attack their reader by shape, and do nothing.
//!
//! Every one has the structure that was published for its flaw, so that a detector that judges
//! structure sees it. The script inside is `void(0)`, with a comment at most; hosts end in
//! `.invalid` (RFC 2606) and addresses are from the documentation ranges (RFC 5737). Opening one in the
//! flawed version of the program would run that nothing.

use crate::docs::Attachment;
use crate::mailer::{Addr, Letter, Mailer};
use crate::mime::base64_lines;
use crate::outside;
use crate::people::{DOMAIN, Language, Person};
use crate::rng::Rng;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Kinds of lure.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lure {
    /// CVE-2020-35730: plain text, script as the key of a link reference whose address is the
    /// placeholder that Roundcube itself put in place of links.
    LinkRef2020,
    /// CVE-2023-5631: `<use href="data:image/s vg+xml;base64,…">` with an SVG that has `onerror`.
    SvgUse2023,
    /// CVE-2023-43770: plain text, an element with a handler as the key of a link reference
    /// (`[key] URL`).
    LinkRef2023,
    /// CVE-2024-37383: `<animate attributeName="href " values="javascript:…">`, body empty.
    SvgAnimate2024,
    /// CVE-2024-42009: attributes nested within an attribute of `<body>`.
    BodyAttributes2024,
    /// CVE-2025-68461: `<animate>` that sets a link's target by another name of `href`.
    SvgAnimate2025,
    /// A link whose text shows another site than its target.
    Phishing,
    /// An attachment named `….pdf.exe`.
    DoubleExtension,
}

impl Lure {
    /// All kinds.
    pub const ALL: [Lure; 8] = [
        Lure::LinkRef2020,
        Lure::SvgUse2023,
        Lure::LinkRef2023,
        Lure::SvgAnimate2024,
        Lure::BodyAttributes2024,
        Lure::SvgAnimate2025,
        Lure::Phishing,
        Lure::DoubleExtension,
    ];

    /// The flaw it aims at, if any.
    pub fn cve(self) -> Option<&'static str> {
        match self {
            Lure::LinkRef2020 => Some("CVE-2020-35730"),
            Lure::SvgUse2023 => Some("CVE-2023-5631"),
            Lure::LinkRef2023 => Some("CVE-2023-43770"),
            Lure::SvgAnimate2024 => Some("CVE-2024-37383"),
            Lure::BodyAttributes2024 => Some("CVE-2024-42009"),
            Lure::SvgAnimate2025 => Some("CVE-2025-68461"),
            Lure::Phishing | Lure::DoubleExtension => None,
        }
    }
}

/// Harmless letters that resemble lures.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lookalike {
    /// Newsletter with an inline SVG logo, a style sheet and a tracking pixel.
    Newsletter,
    /// Two developers quote HTML with handlers and `javascript:` as plain text.
    CodeAsText,
    /// A security bulletin that describes the flaws with escaped code.
    Bulletin,
    /// Notes with numbered link references.
    LinkReferences,
    /// An animated SVG logo that changes an opacity.
    AnimatedLogo,
    /// A link through the sender's click counter, same organisation as its text.
    TrackedLink,
    /// An attachment with dots in its name.
    DottedName,
}

impl Lookalike {
    /// All kinds.
    pub const ALL: [Lookalike; 7] = [
        Lookalike::Newsletter,
        Lookalike::CodeAsText,
        Lookalike::Bulletin,
        Lookalike::LinkReferences,
        Lookalike::AnimatedLogo,
        Lookalike::TrackedLink,
        Lookalike::DottedName,
    ];
}

const ROOT: &str = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>";

/// Builds a lure. Gives the letter, the client that writes it, and the sending host's name and
/// address.
pub(crate) fn build(
    kind: Lure,
    rng: &mut Rng,
    to: &Person,
    at: i64,
) -> (Letter, &'static Mailer, &'static str, &'static str) {
    let o = outside::Outsider {
        name: rng.pick(&[
            "Redaktsia Novin",
            "Agence Presse Est",
            "Bureau d'information",
            "Service des pensions",
        ]),
        address: rng.pick(&[
            "info@novosti-digest.invalid",
            "redaction@presse-est.invalid",
            "actualites@bulletin-eu.invalid",
        ]),
        company: "",
        language: Language::Fr,
        ip: "203.0.113.200",
        about: &[],
    };
    let news = rng.pick(&[
        "Une réunion d'urgence s'est tenue hier soir au sujet des ouvrages frontaliers.",
        "Le rapport sur les ponts du nord contredit les déclarations du ministre.",
        "Nouveau retard pour le canal, les riverains s'inquiètent.",
        "L'enquête sur les marchés de travaux s'étend à trois régions.",
    ]);
    let serial = rng.hex(6);
    let intro = format!("{news}\n\nDossier {serial}, lire la suite dans notre édition du jour.\n");
    let mut l = outside::letter_from(
        &o,
        to,
        at,
        format!("Revue du jour : dossier {serial}"),
        intro.clone(),
    );
    l.id = format!(
        "{}.{}@{}",
        at,
        rng.hex(10),
        o.address.split('@').next_back().unwrap_or("mail.invalid")
    );
    // Written by a tool: one text part or one HTML part, no frills.
    let mut mailer = &Mailer::ALL[3];
    let html = |payload: &str| {
        Some(format!(
            "{ROOT}<body>\n<p>{news}</p>\n<p>Dossier {serial}</p>\n{payload}\n</body></html>\n"
        ))
    };
    match kind {
        Lure::LinkRef2020 => {
            mailer = &Mailer::ALL[5];
            l.text = format!(
                "{intro}\nhttp://presse.invalid/{serial}\n\n[<script>void(0)/* inert */</script>]:##str_replacement_0##\n"
            );
        }
        Lure::LinkRef2023 => {
            mailer = &Mailer::ALL[5];
            l.text = format!(
                "{intro}\nSource : [<img src=x onerror=void(0)>]: https://presse.invalid/{serial}\n\n[<img src=x onerror=void(0)>]\n"
            );
        }
        Lure::SvgUse2023 => {
            let inner = "<svg id=\"x\" xmlns=\"http://www.w3.org/2000/svg\"> <image href=\"x\" onerror=\"void(0)/* inert */\"/></svg>";
            l.html = html(&format!(
                "<svg id=\"x\"><use href=\"data:image/s vg+xml;base64,{}#x\"></use></svg>",
                STANDARD.encode(inner)
            ));
        }
        Lure::SvgAnimate2024 => {
            l.subject = String::from("Document");
            l.text = String::new();
            l.html = Some(format!(
                "{ROOT}<body><svg><animate attributeName=\"href \" dur=\"1s\" values=\"javascript:void(0)/*{serial}*/\" href=\"#link\" /><a id=\"link\"><text x=\"20\" y=\"20\">Ouvrir</text></a></svg></body></html>\n"
            ));
        }
        Lure::BodyAttributes2024 => {
            l.html = Some(format!(
                "<html><body title=\"bgcolor=foo\" name=\"bar style=animation-name:progress-bar-stripes onanimationstart=void(0) foo=bar\">\n<p>{news}</p><p>Dossier {serial}</p>\n</body></html>\n"
            ));
        }
        Lure::SvgAnimate2025 => {
            l.html = html(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"200\" height=\"40\"><a id=\"go\"><text x=\"5\" y=\"20\">Lire</text></a><animate xlink:href=\"#go\" attributeName=\"xlink:href\" begin=\"0s\" dur=\"1s\" fill=\"freeze\" from=\"javascript:void(0)\" to=\"javascript:void(0)\"/></svg>",
            );
        }
        Lure::Phishing => {
            l.from = Addr {
                name: "Assistance messagerie".into(),
                addr: "assistance@ministere-support.invalid".into(),
            };
            l.subject = format!("Action requise : votre boîte sera suspendue ({serial})");
            l.text = format!(
                "Bonjour,\n\nVotre mot de passe expire dans 24 heures. Confirmez-le sur https://webmail.{DOMAIN}/ pour garder l'accès.\n\nRéférence {serial}\n"
            );
            l.html = Some(format!(
                "{ROOT}<body><p>Bonjour,</p><p>Votre mot de passe expire dans 24 heures.</p><p><a href=\"https://webmail.{DOMAIN}.session-verif.invalid/{serial}/login\">https://webmail.{DOMAIN}/</a></p><p>Référence {serial}</p></body></html>\n"
            ));
        }
        Lure::DoubleExtension => {
            l.subject = format!("Convocation {serial}");
            l.text = format!("Madame, Monsieur,\n\nVeuillez trouver la convocation {serial}.\n");
            // "MZ" is all that makes it look like a program; the rest says that it is none.
            let mut data =
                b"MZ This file is inert: it holds no program, only this sentence. ".to_vec();
            data.extend(rng.hex(2048).bytes());
            l.attachments.push(Attachment {
                filename: format!("Convocation_{serial}.pdf.exe"),
                content_type: "application/octet-stream",
                data: data.into(),
                restricted: false,
            });
        }
    }
    (l, mailer, "relay.presse.invalid", "203.0.113.200")
}

/// Builds a look-alike.
pub(crate) fn lookalike(
    kind: Lookalike,
    rng: &mut Rng,
    to: &Person,
    at: i64,
) -> (Letter, &'static Mailer, &'static str, &'static str) {
    if kind == Lookalike::Newsletter {
        return outside::newsletter(rng, to, at);
    }
    let o = &outside::OUTSIDERS[5];
    let n = rng.between(100, 999);
    let mut l = outside::letter_from(o, to, at, String::new(), String::new());
    l.id = Mailer::ALL[0].message_id(rng, at, "lithos-numerique.example");
    let mut mailer = &Mailer::ALL[0];
    match kind {
        Lookalike::CodeAsText => {
            l.subject = format!("Gabarit de page, anomalie {n}");
            l.text = format!(
                "Bonjour,\n\nLe gabarit {n} contient encore une balise que le filtre refuse :\n\n    <a href=\"javascript:void(0)\" onclick=\"ouvrir({n})\">Ouvrir</a>\n    <svg><animate attributeName=\"href\" values=\"#a;#b\"/></svg>\n\nIl faut la remplacer par un vrai bouton, sans onerror ni onload.\n\nLithos Numérique\n"
            );
        }
        Lookalike::Bulletin => {
            l.from = Addr {
                name: "Bulletins de sécurité".into(),
                addr: "bulletins@veille-securite.example".into(),
            };
            l.subject = format!("[AVI-{n}] Messagerie web : CVE-2023-5631, CVE-2024-37383");
            l.text = format!(
                "Bulletin AVI-{n}\n\nDes courriels contenant <svg><use href=\"data:image/svg+xml;base64,...\"> ou <animate attributeName=\"href \" values=\"javascript:...\"> permettent d'exécuter du script dans la page.\nMettez à jour.\n"
            );
            l.html = Some(format!(
                "{ROOT}<body><h1>Bulletin AVI-{n}</h1><p>Des courriels contenant le code suivant permettent d'exécuter du script :</p><pre>&lt;svg&gt;&lt;use href=\"data:image/svg+xml;base64,...\"&gt;\n&lt;animate attributeName=\"href \" values=\"javascript:alert(1)\"&gt;\n&lt;img src=x onerror=alert(1)&gt;</pre><p>Mettez à jour.</p></body></html>\n"
            ));
            mailer = &Mailer::ALL[3];
        }
        Lookalike::LinkReferences => {
            l.subject = format!("Notes de lecture {n}");
            l.text = format!(
                "Bonjour,\n\nDeux articles utiles, le premier sur les dépôts [1], le second sur les seuils [seuils].\n\n[1] https://lithos-numerique.example/notes/{n}\n[seuils] https://lithos-numerique.example/seuils?an=2026\n"
            );
        }
        Lookalike::AnimatedLogo => {
            l.subject = format!("Nos vœux d'équipe, édition {n}");
            l.text = format!("Toute l'équipe vous salue ({n}).\n");
            l.html = Some(format!(
                "{ROOT}<body><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"80\"><circle cx=\"40\" cy=\"40\" r=\"30\" fill=\"#c60\"><animate attributeName=\"opacity\" values=\"1;0.4;1\" dur=\"3s\" repeatCount=\"indefinite\"/></circle></svg><p>Toute l'équipe vous salue ({n}).</p></body></html>\n"
            ));
            mailer = &Mailer::ALL[3];
        }
        Lookalike::TrackedLink => {
            l.subject = format!("Votre devis {n} est en ligne");
            l.text = format!("Votre devis {n} : https://lithos-numerique.example/devis/{n}\n");
            l.html = Some(format!(
                "{ROOT}<body><p>Votre devis {n} : <a href=\"https://clics.lithos-numerique.example/r?to=devis%2F{n}\">https://lithos-numerique.example/devis/{n}</a></p></body></html>\n"
            ));
            mailer = &Mailer::ALL[3];
        }
        Lookalike::DottedName | Lookalike::Newsletter => {
            l.subject = format!("Version 2.1.{n} du plan");
            l.text = format!("Ci-joint le plan en version 2.1.{n}.\n");
            l.attachments.push(Attachment {
                filename: format!("plan.v2.1.{n}.final.txt"),
                content_type: "text/plain",
                data: base64_lines(&(0..600).map(|_| rng.next() as u8).collect::<Vec<u8>>()).into(),
                restricted: false,
            });
        }
    }
    (l, mailer, "mx.lithos-numerique.example", "192.0.2.62")
}
