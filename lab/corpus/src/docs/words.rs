//! What documents say.

use super::DocKind;
use crate::people::Language;
use crate::rng::Rng;

pub(super) fn row(language: Language, fr: &[&str], en: &[&str]) -> Vec<String> {
    let row = if language == Language::Fr { fr } else { en };
    row.iter().map(|s| (*s).into()).collect()
}

pub(super) fn title(kind: DocKind, language: Language, project: &str, town: &str) -> String {
    match (kind, language) {
        (DocKind::Annex, Language::Fr) => format!("Annexe technique - {project}"),
        (DocKind::Annex, Language::En) => format!("Technical annex - {project}"),
        (DocKind::Budget, Language::Fr) => format!("Exécution et prévisions - {project}"),
        (DocKind::Budget, Language::En) => format!("Spending and forecast - {project}"),
        (DocKind::Minutes, Language::Fr) => format!("Compte rendu de réunion - {project}"),
        (DocKind::Minutes, Language::En) => format!("Minutes - {project}"),
        (DocKind::Note, Language::Fr) => format!("Note à l'attention du ministre - {project}"),
        (DocKind::Note, Language::En) => format!("Note for the minister - {project}"),
        (DocKind::Persons, Language::Fr) => format!("Liste des personnes - site de {town}"),
        (DocKind::Persons, Language::En) => format!("List of persons - {town}"),
        (DocKind::Programme, Language::Fr) => format!("Programme de la journée - {town}"),
        (DocKind::Programme, Language::En) => format!("Programme of the day - {town}"),
        (DocKind::Scan, Language::Fr) => "Facture".into(),
        (DocKind::Scan, Language::En) => "Invoice".into(),
        (_, Language::Fr) => format!("Cahier des clauses techniques - {project}"),
        (_, Language::En) => format!("Specification - {project}"),
    }
}

pub(super) fn headings(language: Language) -> &'static [&'static str] {
    match language {
        Language::Fr => &[
            "Contexte",
            "État des lieux",
            "Calendrier",
            "Coûts",
            "Risques",
            "Points de décision",
            "Organisation",
            "Exigences",
            "Suites à donner",
            "Avis des services",
            "Hypothèses",
            "Moyens humains",
            "Sécurité du site",
            "Systèmes concernés",
            "Exécution du marché",
        ],
        Language::En => &[
            "Background",
            "Where we stand",
            "Calendar",
            "Costs",
            "Risks",
            "Points for decision",
            "Organisation",
            "Requirements",
            "Next steps",
            "Views of the services",
            "Assumptions",
            "Staff",
            "Site security",
            "Systems concerned",
        ],
    }
}

pub(super) fn sentences(language: Language) -> &'static [&'static str] {
    match language {
        Language::Fr => &[
            "Le projet {projet} a été lancé en {mois} et doit aboutir avant {mois2}.",
            "Le coût complet est évalué à {montant}, dont {montant2} pour la première tranche.",
            "Le site de {ville} concentre {n} agents et {n2} magasins d'archives.",
            "{fournisseur} est titulaire du marché {ref2}, notifié le {hier}.",
            "Le taux de réalisation s'établit à {pct} [à la fin de {mois}|au dernier relevé].",
            "Il est proposé de [retenir|écarter] la variante n° {n2}.",
            "Le calendrier prévoit une réception des ouvrages le {date2}.",
            "La consommation électrique a baissé de {pct} sur un an.",
            "Aucune réserve n'a été émise par le bureau de contrôle, à l'exception du lot {n2}.",
            "Consulté le {hier}, {organisme} n'a pas d'objection.",
            "Les données sont hébergées sur {hotename}, sauvegardées chaque nuit.",
            "Une tolérance de {pct} est admise sur les mesures.",
            "Le prestataire fournit {n} jours d'assistance par an.",
            "La commission se réunira le {date} à {heure}, {salle}.",
            "Les personnels concernés ({n}) seront informés avant le {date2}.",
            "Le ministre est invité à se prononcer sur les options {n2} et suivantes.",
            "Les crédits nécessaires ne sont pas inscrits au budget 2026.",
            "Une économie de {montant2} par an est attendue à partir de {mois2}.",
            "[Le retard|Le décalage] de {n2} semaines tient aux fondations.",
            "Le dispositif d'alarme du magasin {n2} est relié au poste de garde.",
            "Le fonds {fonds} représente {montant_n} articles, dont {n} % restent à décrire.",
            "Les essais de charge ont été menés avec {n} utilisateurs simultanés.",
            "Le risque principal est celui d'un allotissement mal calibré.",
            "[L'hypothèse basse|L'hypothèse haute] conduit à {montant} sur {n2} ans.",
            "{tiers} assure le suivi avec {service}.",
            "La présente version ({version}) annule et remplace les précédentes.",
            "L'accès aux locaux techniques est réservé aux personnes figurant sur la liste {ref2}.",
            "La clause de réexamen joue au bout de {n} mois.",
            "Les plans minute sont conservés au dépôt de {ville}, cote {ref2}.",
            "Trois scénarios ont été étudiés, un seul est compatible avec l'échéance du {date2}.",
            "Un dédit de {montant2} est dû en cas de résiliation.",
            "Les échanges se font par protocole sécurisé vers {hote}.",
        ],
        Language::En => &[
            "{projet} began in {mois} and should be done before {mois2}.",
            "The full cost is put at {montant}, of which {montant2} falls in the first phase.",
            "{n} staff and {n2} stores are housed in {ville}.",
            "{fournisseur} holds contract {ref2}, signed on {hier}.",
            "Progress stands at {pct}.",
            "It is proposed to [keep|drop] option {n2}.",
            "Handover is planned for {date2}.",
            "The view of {organisme} was heard on {hier}.",
            "Data are kept on {hotename} and saved every night.",
            "The group meets on {date} at {heure} in {salle}.",
            "The minister is asked to choose between options {n2} and {n}.",
            "The money is not in the 2026 estimates.",
            "Savings of {montant2} a year are expected from {mois2}.",
            "The delay of {n2} weeks comes from the foundations.",
            "The {fonds} papers come to {montant_n} items.",
            "The main risk lies in how the work is split.",
            "{tiers} follows the file.",
            "This version ({version}) replaces all earlier ones.",
            "Technical rooms are open only to persons on list {ref2}.",
            "Either party may leave with {n} days' notice.",
            "Three paths were looked at, one of them meets the date of {date2}.",
            "Files are exchanged over an encrypted channel with {hote}.",
        ],
    }
}

pub(super) fn budget_labels(language: Language) -> &'static [&'static str] {
    match language {
        Language::Fr => &[
            "Gros œuvre",
            "Étanchéité",
            "Rayonnages mobiles",
            "Maintenance logicielle",
            "Licences",
            "Numérisation",
            "Assurance",
            "Électricité",
            "Gardiennage",
            "Nettoyage",
            "Formation",
            "Déplacements",
            "Mobilier",
            "Études",
            "Contrôle technique",
            "Restauration de documents",
            "Fournitures",
            "Téléphonie",
            "Location de bennes",
            "Contentieux",
        ],
        Language::En => &[
            "Building works",
            "Roofing",
            "Shelving",
            "Software support",
            "Licences",
            "Scanning",
            "Insurance",
            "Power",
            "Guarding",
            "Cleaning",
            "Training",
            "Travel",
            "Furniture",
            "Studies",
            "Interpretation",
            "Repair of papers",
            "Supplies",
            "Telephones",
        ],
    }
}

pub(super) fn site(rng: &mut Rng) -> &'static str {
    rng.pick(&[
        "Brévaux",
        "Saint-Aubrac",
        "Port-Lanvic",
        "Coulonges-la-Tour",
        "Valbrune",
        "Perrecy",
        "Lourdan",
        "siège",
    ])
}

pub(super) fn supplier(rng: &mut Rng) -> &'static str {
    rng.pick(&[
        "Batilux Ingénierie",
        "Archiscan SAS",
        "Serdal Télécom",
        "Optimarne",
        "Groupe Verdelin",
        "Lithos Numérique",
        "Charpentes Malbrun",
        "Calibre Formation",
        "Norvane Conseil",
        "Régie",
    ])
}

pub(super) fn stranger(rng: &mut Rng) -> (&'static str, &'static str) {
    let first = rng.pick(&[
        "Anne", "Benoît", "Cécile", "Denis", "Élodie", "Farid", "Gisèle", "Hugo", "Irène", "Jules",
        "Karim", "Léa", "Marc", "Noémie", "Oscar", "Patricia", "Quentin", "Rachida", "Serge",
        "Théa", "Ulysse", "Viviane", "William", "Xavier", "Yasmina", "Zoé",
    ]);
    let last = rng.pick(&[
        "Abrisset",
        "Bonnavent",
        "Carradec",
        "Dufresnois",
        "Estragnat",
        "Fouquereau",
        "Grandvoir",
        "Hautecloque",
        "Issanjou",
        "Jolivard",
        "Kermadec",
        "Larzillac",
        "Mongravier",
        "Navarolles",
        "Ostermeyer",
        "Peyrissac",
        "Quincampoix",
        "Rouvillois",
        "Sauvageon",
        "Tassigny",
        "Urvoas",
        "Vaugrenard",
        "Willemsen",
        "Yvernault",
        "Zeller-Roch",
    ]);
    (first, last)
}
