//! Those who write from outside: correspondents, newsletters, automatic notices.

use crate::clock;
use crate::mailer::{Addr, Letter, Mailer, dkim};
use crate::people::{DOMAIN, Language, Person};
use crate::rng::Rng;

/// A correspondent outside the ministry. Names and domains are invented.
#[derive(Copy, Clone, Debug)]
pub struct Outsider {
    /// Name.
    pub name: &'static str,
    /// Address.
    pub address: &'static str,
    /// Organisation, or empty.
    pub company: &'static str,
    /// Language.
    pub language: Language,
    /// Address their mail server calls from (documentation ranges, RFC 5737).
    pub ip: &'static str,
    /// Keys of the topics they write about.
    pub about: &'static [&'static str],
}

use Language::{En, Fr};

#[rustfmt::skip]
/// The correspondents.
pub const OUTSIDERS: [Outsider; 18] = [
    Outsider { name: "Régis Malvaux", address: "r.malvaux@batilux.example", company: "Batilux Ingénierie", language: Fr, ip: "192.0.2.11", about: &["devis", "relance"] },
    Outsider { name: "Service clients Archiscan", address: "clients@archiscan.example", company: "Archiscan SAS", language: Fr, ip: "192.0.2.23", about: &["devis", "relance", "partenaire"] },
    Outsider { name: "Katia Brossolin", address: "katia.brossolin@serdal.example", company: "Serdal Télécom", language: Fr, ip: "192.0.2.34", about: &["devis", "relance"] },
    Outsider { name: "Comptabilité Optimarne", address: "compta@optimarne.example", company: "Optimarne", language: Fr, ip: "192.0.2.45", about: &["relance"] },
    Outsider { name: "Hervé Quillivic", address: "hquillivic@verdelin.example", company: "Groupe Verdelin", language: Fr, ip: "192.0.2.51", about: &["devis", "partenaire"] },
    Outsider { name: "Lithos Numérique", address: "contact@lithos-numerique.example", company: "Lithos Numérique", language: Fr, ip: "192.0.2.62", about: &["devis", "relance"] },
    Outsider { name: "Aurélie Tardivat", address: "aurelie.tardivat@valdesarre.example", company: "la région Val-de-Sarre", language: Fr, ip: "198.51.100.20", about: &["partenaire"] },
    Outsider { name: "Gérard Plantevigne", address: "gerard.plantevigne@boitealettres.example", company: "", language: Fr, ip: "198.51.100.77", about: &["lecteur"] },
    Outsider { name: "Josiane Féburier", address: "jofeburier@boitealettres.example", company: "", language: Fr, ip: "198.51.100.78", about: &["lecteur"] },
    Outsider { name: "Agathe Rolineau", address: "a.rolineau@gazette-territoires.example", company: "La Gazette des Territoires", language: Fr, ip: "198.51.100.90", about: &["journaliste"] },
    Outsider { name: "Simon Vaucresson", address: "svaucresson@courrierduval.example", company: "Le Courrier du Val", language: Fr, ip: "198.51.100.91", about: &["journaliste"] },
    Outsider { name: "Calibre Formation", address: "inscriptions@calibre-formation.example", company: "Calibre Formation", language: Fr, ip: "192.0.2.73", about: &["devis", "partenaire"] },
    Outsider { name: "Ingrid Solheim", address: "ingrid.solheim@archives.nordmark.example", company: "the Nordmark Archives", language: En, ip: "203.0.113.14", about: &["partner_en", "researcher_en"] },
    Outsider { name: "Piet van Oosten", address: "p.vanoosten@delta-institute.example", company: "the Delta Institute", language: En, ip: "203.0.113.27", about: &["partner_en"] },
    Outsider { name: "Secretariat, Records Union", address: "secretariat@records-union.example", company: "the Records Union", language: En, ip: "203.0.113.31", about: &["partner_en"] },
    Outsider { name: "Margaret Ashdown", address: "m.ashdown@thornbury-college.example", company: "", language: En, ip: "203.0.113.44", about: &["researcher_en"] },
    Outsider { name: "Norvane Support", address: "support@norvane.example", company: "Norvane Conseil", language: En, ip: "203.0.113.58", about: &["vendor_en"] },
    Outsider { name: "Peter Halloway", address: "halloway@publicworksweekly.example", company: "Public Works Weekly", language: En, ip: "203.0.113.63", about: &["researcher_en"] },
];

fn inbound(
    from: Addr,
    to: &Person,
    subject: String,
    text: String,
    at: i64,
    language: Language,
) -> Letter {
    Letter {
        id: String::new(),
        from,
        to: vec![Addr {
            name: to.name.clone(),
            addr: to.address.clone(),
        }],
        cc: vec![],
        subject,
        text,
        html: None,
        attachments: vec![],
        logo: None,
        forwarded: None,
        calendar: None,
        at,
        offset: clock::paris_offset(at),
        in_reply_to: None,
        references: vec![],
        language,
        extra: String::new(),
    }
}

/// A newsletter: HTML with a style sheet, an inline SVG logo in some, a tracking pixel, list
/// headers. Everything in it is harmless and looks like what a lure hides in.
pub(crate) fn newsletter(
    rng: &mut Rng,
    to: &Person,
    at: i64,
) -> (Letter, &'static Mailer, &'static str, &'static str) {
    const SENDERS: [(&str, &str, &str, &str); 4] = [
        (
            "La Lettre des Archives",
            "lettre@envoi.archives-actu.example",
            "archives-actu.example",
            "198.51.100.140",
        ),
        (
            "Veille Chantiers",
            "veille@news.batiment-hebdo.example",
            "batiment-hebdo.example",
            "198.51.100.141",
        ),
        (
            "Marchés & Territoires",
            "newsletter@marches-territoires.example",
            "marches-territoires.example",
            "198.51.100.142",
        ),
        (
            "European Records Digest",
            "digest@mail.records-union.example",
            "records-union.example",
            "203.0.113.141",
        ),
    ];
    let k = if to.language == En { 3 } else { rng.below(3) };
    let (name, from, domain, ip) = SENDERS[k];
    let fr = k != 3;
    let number = rng.between(101, 480);
    let token = rng.hex(24);
    let day = clock::civil_at(at, clock::paris_offset(at)).date();
    let items_fr = [
        "Le chantier du viaduc de Lourdan entre dans sa dernière phase",
        "Trois dépôts d'archives ouvrent le samedi",
        "Rayonnages mobiles : ce qui change au 1er janvier",
        "Un plan de 1764 retrouvé à Perrecy",
        "Hygrométrie : retour d'expérience d'un petit dépôt",
        "Seuils des marchés : les nouveaux montants",
        "Entretien avec une restauratrice de cartes",
        "Béton bas carbone, premiers ouvrages",
        "Le papier permanent a cent ans",
    ];
    let items_en = [
        "Reading rooms reopen on Saturdays",
        "A map of 1764 turns up in an attic",
        "Mobile shelving: new standard out for comment",
        "What twenty archives learnt from one flood",
        "Interview: repairing parchment",
        "Grants for small repositories",
    ];
    let mut order: Vec<&str> = if fr {
        items_fr.to_vec()
    } else {
        items_en.to_vec()
    };
    rng.shuffle(&mut order);
    order.truncate(rng.between(3, 5) as usize);
    let title = if fr {
        format!("{name} n° {number} - {}", clock::month_fr(day))
    } else {
        format!("{name} no. {number}, {}", clock::month_en(day))
    };
    let mut rows = String::new();
    let mut text = format!("{title}\n\n");
    for (i, item) in order.iter().enumerate() {
        let link = format!("https://{domain}/l/{}?u={token}&a={i}", rng.hex(10));
        let blurb = if fr {
            format!(
                "{} minutes de lecture. {} réactions.",
                rng.between(2, 11),
                rng.between(0, 60)
            )
        } else {
            format!(
                "{} minutes. {} comments.",
                rng.between(2, 11),
                rng.between(0, 60)
            )
        };
        rows.push_str(&format!(
            "<tr><td class=\"item\"><h2><a href=\"{}\">{item}</a></h2><p>{blurb}</p></td></tr>\n",
            link.replace('&', "&amp;")
        ));
        text.push_str(&format!("* {item}\n  {blurb}\n  {link}\n\n"));
    }
    let logo = if rng.chance(45) {
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"120\" height=\"40\" viewBox=\"0 0 120 40\" role=\"img\"><title>Logo</title><defs><linearGradient id=\"g\"><stop offset=\"0\" stop-color=\"#224\"/><stop offset=\"1\" stop-color=\"#88c\"/></linearGradient><circle id=\"dot\" r=\"6\"/></defs><rect width=\"120\" height=\"40\" fill=\"url(#g)\"/><use href=\"#dot\" x=\"20\" y=\"20\" fill=\"#fff\"/><use href=\"#dot\" x=\"40\" y=\"20\" fill=\"#fff\"/></svg>".to_string()
    } else {
        format!(
            "<img src=\"https://{domain}/img/logo.png\" width=\"120\" height=\"40\" alt=\"{name}\">"
        )
    };
    let off = if fr { "Se désabonner" } else { "Unsubscribe" };
    let html = format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{title}</title>\n<style type=\"text/css\">\nbody {{ margin:0; background:#f4f4f4; font-family: Arial, sans-serif }}\n.item h2 {{ font-size:18px; color:#224 }}\n@media only screen and (max-width:600px) {{ .item {{ width:100% !important }} }}\n</style></head>\n<body>\n<table width=\"600\" align=\"center\" role=\"presentation\">\n<tr><td>{logo}<h1>{title}</h1></td></tr>\n{rows}<tr><td style=\"font-size:11px;color:#888\"><a href=\"https://{domain}/u/{token}\">{off}</a></td></tr>\n</table>\n<img src=\"https://{domain}/o/{token}.gif\" width=\"1\" height=\"1\" alt=\"\" style=\"display:none\">\n</body></html>\n"
    );
    text.push_str(&format!("{off} : https://{domain}/u/{token}\n"));
    let mailer = &Mailer::ALL[3];
    let mut letter = inbound(
        Addr {
            name: name.into(),
            addr: from.into(),
        },
        to,
        title,
        text,
        at,
        if fr { Fr } else { En },
    );
    letter.id = format!("{}.{number}.{}@{domain}", at, rng.hex(12));
    letter.html = Some(html);
    letter.extra = format!(
        "{}List-Id: <lettre.{domain}>\r\nList-Unsubscribe: <https://{domain}/u/{token}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\nFeedback-ID: {number}:{}\r\n",
        dkim(domain, at, rng),
        rng.hex(8)
    );
    (letter, mailer, domain, ip)
}

/// An automatic notice: ticket, quota, room, absence, undeliverable message.
pub(crate) fn notice(
    rng: &mut Rng,
    people: &[Person],
    to: &Person,
    at: i64,
) -> (Letter, &'static Mailer) {
    let n = rng.between(20_000, 49_000);
    let other = &people[rng.below(people.len())];
    let day = clock::date_fr(clock::near_day(rng, at, 1, 12));
    let (name, local, subject, text) = match rng.below(6) {
        0 => (
            "Centre de services",
            "assistance",
            format!("[INC-{n}] Votre demande est enregistrée"),
            format!(
                "Bonjour,\n\nVotre demande INC-{n} est enregistrée et sera traitée par {}.\nDélai prévu : {} heures ouvrées.\nPriorité : {}.\n\nNe répondez pas à ce message.\n",
                other.name,
                rng.between(2, 40),
                rng.pick(&["basse", "normale", "haute"])
            ),
        ),
        1 => (
            "Messagerie",
            "postmaster",
            format!("Votre boîte est remplie à {} %", rng.between(80, 97)),
            format!(
                "Bonjour {},\n\nVotre boîte aux lettres occupe {} Mo sur 2048 Mo autorisés.\nPensez à archiver vos messages anciens et à vider la corbeille.\n\nRelevé n° {n}.\n",
                to.first,
                rng.between(1640, 2001)
            ),
        ),
        2 => (
            "Réservation de salles",
            "salles",
            format!("Confirmation : salle {} le {day}", rng.between(101, 430)),
            format!(
                "Réservation {n} confirmée pour {}.\nDate : {day}\nParticipants : {}\nMatériel : {}\n",
                to.name,
                rng.between(2, 18),
                rng.pick(&["écran", "visioconférence", "tableau", "aucun"])
            ),
        ),
        3 => (
            other.name.as_str(),
            other.user.as_str(),
            format!(
                "Réponse automatique : {}",
                rng.pick(&["en congé", "absence", "en mission", "formation"])
            ),
            format!(
                "Bonjour,\n\nJe suis absent(e) jusqu'au {day}. En cas d'urgence, appelez le {}.\n\n{}\n(réponse {n})\n",
                other.phone, other.name
            ),
        ),
        4 => (
            "Badges",
            "accueil",
            format!("Votre badge expire le {day}"),
            format!(
                "Le badge n° {n} attribué à {} cessera d'ouvrir la porte B le {day}.\nMerci de passer à l'accueil muni d'une pièce d'identité.\n",
                to.name
            ),
        ),
        _ => (
            "Mail Delivery System",
            "MAILER-DAEMON",
            "Undelivered Mail Returned to Sender".into(),
            format!(
                "This is the mail system at host mail.{DOMAIN}.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n<contact{n}@norvane.example>: host mx.norvane.example[203.0.113.58] said: 550\n    5.1.1 <contact{n}@norvane.example>: Recipient address rejected: User unknown\n    (in reply to RCPT TO command)\n"
            ),
        ),
    };
    let mailer = &Mailer::ALL[5];
    let addr = Addr {
        name: name.into(),
        addr: format!("{local}@{DOMAIN}"),
    };
    let mut letter = inbound(addr, to, subject, text, at, Fr);
    letter.id = format!("{}.{n}.{}@mail.{DOMAIN}", at, rng.hex(8));
    letter.extra = "Auto-Submitted: auto-generated\r\n".into();
    (letter, mailer)
}

/// An empty letter from an outsider, to be filled.
pub(crate) fn letter_from(
    o: &Outsider,
    to: &Person,
    at: i64,
    subject: String,
    text: String,
) -> Letter {
    inbound(
        Addr {
            name: o.name.into(),
            addr: o.address.into(),
        },
        to,
        subject,
        text,
        at,
        o.language,
    )
}
