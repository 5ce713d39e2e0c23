//! French letters.

use super::Topic;
use crate::docs::DocKind::{Annex, Budget, Minutes, Note, Persons, Photo, Programme, Scan, Spec};

const PLAIN: Topic = Topic {
    key: "",
    weight: 10,
    by: &[],
    subjects: &[],
    lead: &[],
    body: &[],
    ask: &[],
    replies: &[],
    docs: &[],
    attach: 0,
    restricted: 0,
    folder: "",
    secret: false,
};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        key: "reunion",
        weight: 12,
        subjects: &[
            "Réunion {projet} du {date}",
            "Point {projet}",
            "Comité de suivi {projet} - ordre du jour",
            "[Report de la réunion|Réunion] {projet}",
        ],
        lead: &[
            "[Comme convenu, je|Je] vous propose de nous retrouver {date} à {heure} en {salle} pour avancer sur le projet {projet}.",
            "La réunion {projet} est [avancée|reportée|maintenue] au {date}, {heure}, {salle}.",
            "Merci de bloquer {date} de {heure} à {heure2} : nous devons [caler|arrêter] le calendrier du projet {projet}.",
        ],
        body: &[
            "L'ordre du jour comporte trois points : l'avancement, les [dépenses|risques] et les suites à donner avec {fournisseur}.",
            "{tiers} présentera l'état des lieux sur le site de {ville}.",
            "Il reste {n} actions ouvertes depuis la dernière séance, dont {n2} en retard.",
            "Je souhaite que l'on sorte avec une date ferme pour la livraison du lot {n2}.",
            "La visioconférence sera ouverte dix minutes avant, le lien est dans l'invitation.",
            "Pour mémoire, la direction attend notre position avant le {date2}.",
            "Nous serons {n2} autour de la table, la salle a été réservée sous la référence {ref}.",
            "Je ferai un compte rendu court, une page au plus.",
            "Le point sur les locaux sera traité à part, {tiers_p} n'est libre qu'à partir de {heure2}.",
        ],
        ask: &[
            "Pouvez-vous me confirmer votre présence [avant ce soir|d'ici demain midi] ?",
            "Merci de m'envoyer vos remarques avant {date2}.",
            "Dites-moi si l'horaire pose difficulté.",
            "",
        ],
        replies: &[
            "C'est noté pour {date}, je serai là.",
            "Je ne serai pas là à {heure}, {tiers_p} me remplacera.",
            "D'accord pour le créneau, mais je devrai partir à {heure2}.",
            "Serait-il possible de décaler à {heure2} ? J'ai déjà un point avec {service}.",
        ],
        docs: &[Minutes, Programme, Note],
        attach: 38,
        restricted: 10,
        folder: "Projets/{projet}",
        ..PLAIN
    },
    Topic {
        key: "compte_rendu",
        weight: 10,
        subjects: &[
            "Compte rendu {projet} ({hier})",
            "CR réunion {projet}",
            "Relevé de décisions {projet}",
        ],
        lead: &[
            "Vous trouverez ci-joint le compte rendu de la réunion du {hier}.",
            "Voici le relevé de décisions de notre séance du {hier} consacrée au projet {projet}.",
            "Ci-joint le CR du {hier}, [relu par {tiers}|encore provisoire].",
        ],
        body: &[
            "Principale décision : le lot {n2} est confié à {fournisseur} pour {montant}.",
            "La mise en service sur le site de {ville} est repoussée au {date2}.",
            "Nous avons acté une réserve de {montant2} pour les imprévus.",
            "{tiers} doit fournir un chiffrage complet, les hypothèses actuelles datant de {mois}.",
            "Le désaccord sur le stockage des cartons n'est pas tranché, il remontera à la direction.",
            "Le taux d'avancement déclaré est de {pct}, ce qui me paraît optimiste.",
            "Un point d'étape est prévu {date} en {salle}.",
        ],
        ask: &[
            "Vos corrections sont attendues pour le {date}.",
            "Sans remarque de votre part sous huit jours, je le considérerai comme validé.",
            "",
        ],
        replies: &[
            "Merci pour ce compte rendu. Une correction : le montant du lot {n2} est de {montant2}.",
            "Rien à redire, c'est fidèle.",
            "Page 2, il faut lire {date2} et non {hier}.",
            "Je ne me souviens pas que nous ayons décidé cela pour le site de {ville}.",
        ],
        docs: &[Minutes],
        attach: 92,
        restricted: 18,
        folder: "Projets/{projet}",
        ..PLAIN
    },
    Topic {
        key: "note",
        weight: 10,
        by: &["Cabinet", "juridiques", "équipement", "archives"],
        subjects: &[
            "Note {projet} - {version}",
            "Projet de note au ministre : {projet}",
            "Note {ref} pour relecture",
            "Éléments de langage {projet}",
        ],
        lead: &[
            "Je vous transmets le projet de note sur le dossier {projet}, en {version}.",
            "Voici la note demandée par le cabinet, référence {ref}.",
            "Je reprends la note {ref} après les remarques de {tiers}.",
        ],
        body: &[
            "J'ai resserré la première partie et renvoyé les chiffres en annexe.",
            "Le passage sur le coût ({montant}) reste à confirmer par la direction des finances.",
            "Il manque encore l'avis des affaires juridiques sur l'article {n2}.",
            "La recommandation est volontairement prudente : nous n'avons pas de visibilité au-delà de {mois2}.",
            "Le scénario B suppose {n} départs non remplacés, il faut en avoir conscience.",
            "Merci de ne pas la diffuser en l'état, le ministre n'a pas encore arbitré.",
            "{tiers} a insisté pour que le calendrier figure dès le premier paragraphe.",
            "Le document est à diffusion restreinte, il ne doit pas sortir du ministère.",
        ],
        ask: &[
            "J'aurais besoin d'un retour avant {date}, {heure}.",
            "Peux-tu regarder en particulier la page {n2} ?",
            "Merci de valider [par retour|avant la fin de journée].",
        ],
        replies: &[
            "Lu. Je propose de supprimer le dernier paragraphe de la page {n2}.",
            "Bon pour moi, sous réserve du chiffre de {montant}.",
            "Le cabinet souhaite une version d'une page, pas davantage.",
            "Attention, le terme « secret » ne convient pas ici, il a un sens juridique.",
        ],
        docs: &[Note, Annex],
        attach: 80,
        restricted: 55,
        folder: "Cabinet",
        ..PLAIN
    },
    Topic {
        key: "budget",
        weight: 11,
        by: &["finances", "équipement", "numérique"],
        subjects: &[
            "Budget {exercice} - {projet}",
            "Prévisions {exercice}, {version}",
            "Exécution budgétaire à fin {mois}",
            "Arbitrage {ref}",
        ],
        lead: &[
            "Ci-dessous les éléments pour la construction du budget {exercice}.",
            "À fin {mois}, nous avons consommé {pct} des crédits ouverts sur le projet {projet}.",
            "La conférence budgétaire est fixée au {date}, il faut donc consolider les tableaux.",
        ],
        body: &[
            "L'enveloppe proposée s'élève à {montant}, contre {montant2} l'an dernier.",
            "Le fournisseur {fournisseur} a changé de RIB, virement suspendu en attendant.",
            "La délégation de signature de {tiers} prend fin le {date2}.",
            "L'écart vient essentiellement du marché {ref2} passé avec {fournisseur}.",
            "Les autorisations d'engagement couvrent {n2} mois, il faudra un complément.",
            "Je n'ai pas retenu la demande relative au site de {ville}, faute de devis.",
            "Les dépenses de personnel progressent de {pct}, conformément au cadrage.",
            "Merci de vérifier la colonne des restes à payer, la ligne {n} me semble double.",
            "Un gel de {montant2} est à craindre en fin d'année.",
            "{tiers} souhaite une ventilation par site plutôt que par nature.",
        ],
        ask: &[
            "Merci de compléter l'onglet de votre service avant {date}.",
            "Peux-tu me confirmer le montant de {montant2} ?",
            "",
        ],
        replies: &[
            "Montant confirmé : {montant2}, voir la pièce {ref2}.",
            "J'ai corrigé la ligne {n}, tu peux reprendre le tableau.",
            "Nous ne pourrons pas tenir sous {montant}, je préfère le dire maintenant.",
            "La ventilation par site demande deux jours de travail, est-ce vraiment utile ?",
        ],
        docs: &[Budget, Budget, Note],
        attach: 78,
        restricted: 30,
        folder: "Budget {exercice}",
        ..PLAIN
    },
    Topic {
        key: "facture",
        weight: 8,
        by: &["finances", "achats"],
        subjects: &[
            "Facture {ref} {fournisseur}",
            "Service fait - {fournisseur}",
            "Rejet de la facture {ref}",
        ],
        lead: &[
            "La facture {ref} de {fournisseur} ({montant}) est en attente de service fait.",
            "{fournisseur} nous relance pour la facture {ref}.",
            "Je n'arrive pas à rapprocher la facture {ref} d'un bon de commande.",
        ],
        body: &[
            "Le bon de commande {ref2} porte sur {montant2}, il y a donc un écart à expliquer.",
            "Le délai global de paiement expire le {date2}.",
            "Le RIB transmis n'est pas celui que nous avons en base, j'ai demandé une confirmation par téléphone.",
            "La livraison a eu lieu le {hier} sur le site de {ville}, mais le procès-verbal n'est pas signé.",
            "Les intérêts moratoires courraient à partir du {date2}.",
            "La TVA a été calculée sur l'ancien taux.",
        ],
        ask: &[
            "Peux-tu valider le service fait aujourd'hui ?",
            "Merci de m'envoyer le bon de livraison.",
            "Qui a passé cette commande ?",
        ],
        replies: &[
            "Service fait validé ce matin.",
            "La livraison était incomplète, {n2} articles manquaient : je bloque.",
            "C'est une commande de {tiers}, je lui transmets.",
        ],
        docs: &[Scan, Budget],
        attach: 45,
        folder: "Factures",
        ..PLAIN
    },
    Topic {
        key: "conges",
        weight: 6,
        by: &["ressources humaines"],
        subjects: &[
            "Congés - solde au {date}",
            "Planning d'absences {mois2}",
            "Absence du {date}",
        ],
        lead: &[
            "Il te reste {n2} jours à poser avant le {date2}.",
            "Je fais le point sur les absences de {mois2}.",
            "Une demande d'absence pour le {date} est en attente dans {appli}.",
        ],
        body: &[
            "Les jours non pris au-delà de ce terme seront versés au compte épargne-temps.",
            "La permanence doit être assurée par au moins {n2} personnes.",
            "{tiers} a déjà posé la même semaine, il faudra s'arranger.",
            "Le formulaire {ref} est disponible sur l'intranet.",
            "Le télétravail du vendredi n'est pas compté comme une absence.",
        ],
        ask: &[
            "Peux-tu régulariser avant {date} ?",
            "Merci de m'indiquer tes dates.",
            "",
        ],
        replies: &[
            "C'est posé du {date} au {date2}.",
            "Je préfère les verser au compte épargne-temps.",
            "Je vois avec {tiers_p} et je reviens vers toi.",
        ],
        docs: &[Persons],
        attach: 18,
        restricted: 10,
        ..PLAIN
    },
    Topic {
        key: "recrutement",
        weight: 6,
        by: &["ressources humaines"],
        subjects: &[
            "Recrutement {ref} - candidatures",
            "Jury du {date}",
            "Fiche de poste {ref}",
            "Entretiens annuels {exercice}",
        ],
        lead: &[
            "Nous avons reçu {n} candidatures pour le poste {ref}.",
            "Le jury se réunira {date} à {heure}, {salle}.",
            "La fiche de poste {ref} doit être publiée avant {date}.",
        ],
        body: &[
            "{n2} dossiers sont retenus après une première lecture.",
            "Le salaire demandé par le candidat {n2} dépasse la grille.",
            "Le poste est ouvert aux titulaires et aux contractuels, cotation groupe {n2}.",
            "La candidate retenue souhaite une prise de poste le {date2}.",
            "Les appréciations sont nominatives : merci de ne pas transférer la liste.",
            "La rémunération proposée est de {montant2} bruts annuels, un peu au-dessus de la grille.",
            "{tiers} fera partie du jury à la place de la personne prévue.",
        ],
        ask: &[
            "Peux-tu me dire quels candidats tu souhaites recevoir ?",
            "Merci de relire la fiche avant publication.",
            "Merci de garder ces éléments pour toi.",
        ],
        replies: &[
            "Je souhaite recevoir les candidats {n2} et {n}.",
            "La fiche me convient, il faut seulement ajouter l'astreinte.",
            "Le {date} ne me convient pas, le lendemain plutôt.",
        ],
        docs: &[Persons, Note],
        attach: 60,
        restricted: 50,
        folder: "RH",
        ..PLAIN
    },
    Topic {
        key: "formation",
        weight: 6,
        by: &["ressources humaines"],
        subjects: &[
            "Formation « {formation} » le {date}",
            "Catalogue de formation {exercice}",
            "Inscription {ref}",
        ],
        lead: &[
            "Une session « {formation} » s'ouvre {date} en {salle}.",
            "Ta demande pour la formation « {formation} » est [acceptée|en attente de l'accord de ton chef de service].",
            "Le catalogue {exercice} est en ligne, {n} sessions sont proposées.",
        ],
        body: &[
            "Il reste {n2} places.",
            "La session est animée par {fournisseur} et dure deux jours.",
            "Les frais de déplacement sont pris en charge depuis {ville}.",
            "Un questionnaire de positionnement est à remplir avant {date2}.",
            "Pense à prévenir {tiers_p}, qui assure l'intérim.",
        ],
        ask: &[
            "Confirme-moi ta participation, s'il te plaît.",
            "Inscriptions dans {appli} jusqu'au {date2}.",
            "",
        ],
        replies: &[
            "Je confirme ma présence le {date}.",
            "Je dois annuler, avec mes excuses.",
            "Existe-t-il une session au premier trimestre ?",
        ],
        docs: &[Programme, Persons],
        attach: 35,
        ..PLAIN
    },
    Topic {
        key: "marche",
        weight: 9,
        by: &["achats", "numérique", "équipement"],
        subjects: &[
            "Marché {ref} - {projet}",
            "Analyse des offres {ref}",
            "DCE {projet} {version}",
            "Avenant au marché {ref}",
        ],
        lead: &[
            "{n2} offres ont été reçues pour le marché {ref}.",
            "Le dossier de consultation {projet} est prêt en {version}.",
            "{fournisseur} demande un avenant de {montant} au marché {ref}.",
        ],
        body: &[
            "L'offre de {fournisseur} est la mieux-disante avec une note technique de {n} sur 50.",
            "Le critère du prix pèse 40 %, celui de la valeur technique 60 %.",
            "La négociation est close, plus aucun échange avec les candidats jusqu'à la notification.",
            "Le seuil de publicité européenne est dépassé, il faut compter {n} jours.",
            "L'avenant représente {pct} du montant initial, la commission doit se prononcer.",
            "{tiers} a relevé une incohérence entre l'acte d'engagement et l'annexe financière.",
            "Ces éléments sont confidentiels tant que l'attribution n'est pas notifiée.",
        ],
        ask: &[
            "Merci de me transmettre ton analyse technique pour le {date}.",
            "Peux-tu valider le cahier des charges ?",
            "La commission siège le {date2}, merci d'être à l'heure.",
        ],
        replies: &[
            "Mon analyse est jointe, j'ai noté l'offre {n2} en dernier.",
            "Je ne suis pas favorable à l'avenant en l'état.",
            "Cahier des charges validé, avec une réserve sur la page {n2}.",
        ],
        docs: &[Spec, Budget, Annex],
        attach: 70,
        restricted: 35,
        folder: "Marchés",
        ..PLAIN
    },
    Topic {
        key: "juridique",
        weight: 6,
        by: &["juridiques", "Cabinet"],
        subjects: &[
            "Avis {ref}",
            "Recours {fournisseur}",
            "Projet de décret {projet}",
            "Convention avec {organisme}",
        ],
        lead: &[
            "Tu trouveras ci-après mon avis sur la convention avec {organisme}.",
            "Le recours de {fournisseur} a été enregistré sous le numéro {ref}.",
            "Le projet de décret est revenu de l'examen interministériel avec {n2} observations.",
        ],
        body: &[
            "L'article {n2} ne me semble pas compatible avec le code du patrimoine.",
            "Le mémoire en défense doit être déposé avant le {date2}.",
            "Le risque financier peut être estimé à {montant}.",
            "La clause de confidentialité devrait être réécrite, la durée de {n2} ans est excessive.",
            "Le délégué à la protection des données demande une analyse d'impact.",
            "Une transaction reste possible, mais le cabinet doit en être d'accord.",
        ],
        ask: &[
            "Merci de me transmettre les pièces avant {date}.",
            "Peux-tu me confirmer la date de notification ?",
            "",
        ],
        replies: &[
            "Les pièces sont dans le dossier partagé, sous {ref}.",
            "La notification date du {hier}.",
            "D'accord pour réécrire la clause, propose une rédaction.",
        ],
        docs: &[Note, Annex, Scan],
        attach: 52,
        restricted: 40,
        folder: "Juridique",
        ..PLAIN
    },
    Topic {
        key: "incident",
        weight: 9,
        by: &["numérique"],
        subjects: &[
            "[{ticket}] {panne}",
            "Incident {ticket} : {panne}",
            "Clôture du ticket {ticket}",
        ],
        lead: &[
            "Ton signalement a été enregistré sous le numéro {ticket} : {panne}.",
            "L'incident {ticket} ({panne}) est [résolu|en cours de traitement|passé au niveau 2].",
            "Nous avons isolé la cause de {ticket}.",
        ],
        body: &[
            "Le poste {poste} ne recevait plus les mises à jour depuis le {hier}.",
            "Le certificat de {hotename} avait expiré.",
            "Il faut fermer la session, patienter une minute et la rouvrir.",
            "{tiers} passera dans ton bureau {date} vers {heure}.",
            "Le fichier a été restauré à partir de la sauvegarde du {hier}.",
            "Le serveur {hote} a été redémarré à {heure}, les partages sont de nouveau visibles.",
            "En attendant, l'application {appli} reste accessible par {appliurl}.",
        ],
        ask: &[
            "Peux-tu me confirmer que tout est rentré dans l'ordre ?",
            "Sans nouvelle de ta part le ticket sera clos le {date}.",
            "",
        ],
        replies: &[
            "Cela fonctionne, merci.",
            "Toujours le même message : « {panne} ».",
            "Le problème est revenu ce matin vers {heure}.",
            "Tu peux clore {ticket}.",
        ],
        docs: &[Photo],
        attach: 12,
        ..PLAIN
    },
    Topic {
        key: "acces",
        weight: 6,
        by: &["numérique"],
        subjects: &[
            "Accès {appli}",
            "Ouverture de ton compte {appli}",
            "Tes identifiants {appli}",
            "Réinitialisation {appli} ({ticket})",
        ],
        lead: &[
            "Ton accès à {appli} est ouvert.",
            "Comme demandé dans {ticket}, j'ai réinitialisé ton compte {appli}.",
            "Voici de quoi te connecter à {appli} [pendant l'absence de {tiers_p}|dès aujourd'hui].",
        ],
        body: &[
            "L'adresse est {appliurl} (depuis le réseau interne seulement).\nIdentifiant : {login}\nMot de passe : {mdp}",
            "Connexion : {appliurl}\nid : {login}\nmdp : {mdp}",
            "Le compte est {login}, le mot de passe est {mdp} et le serveur {hote}.",
        ],
        ask: &[
            "Pense à le changer à la première connexion.",
            "Ne le communique à personne, même à moi.",
            "Dis-moi si ça ne passe pas.",
            "",
        ],
        replies: &[
            "Merci, la connexion à {appli} fonctionne.",
            "Cela ne passe pas, le compte est-il verrouillé ?",
            "C'est bon, j'ai accès à {n} dossiers.",
        ],
        secret: true,
        ..PLAIN
    },
    Topic {
        key: "vpn",
        weight: 4,
        by: &["numérique"],
        subjects: &[
            "VPN nomade - {ticket}",
            "Accès à distance",
            "Ton poste {poste} : VPN",
        ],
        lead: &[
            "Ton profil VPN est prêt pour le poste {poste}.",
            "Pour te connecter depuis l'extérieur, voici la marche à suivre.",
        ],
        body: &[
            "Passerelle : vpn.{domaine}, port 443\nUtilisateur : {login}\nMot de passe : {mdp}\nClé partagée : {cle}",
            "Dans le client, choisir « {domaine} », puis saisir {login} / {mdp}. La clé de groupe est {cle}.",
        ],
        ask: &[
            "Le jeton physique est à retirer au bureau {n}.",
            "Merci de supprimer ce message après lecture.",
            "",
        ],
        replies: &[
            "Connecté depuis mon domicile, merci.",
            "La passerelle ne répond pas depuis l'hôtel, est-ce normal ?",
        ],
        secret: true,
        ..PLAIN
    },
    Topic {
        key: "maintenance",
        weight: 7,
        by: &["numérique"],
        subjects: &[
            "Maintenance {appli} le {date}",
            "Coupure réseau {ville}",
            "Migration {appli} {version}",
        ],
        lead: &[
            "L'application {appli} sera indisponible {date} de {heure} à {heure2}.",
            "La migration de {appli} en {version} aura lieu le {date}.",
        ],
        body: &[
            "Les serveurs {hote} et 10.20.9.{n} seront éteints dans cet ordre.",
            "Le retour arrière est prévu à {heure2} si les contrôles échouent.",
            "La sauvegarde du {hier} a été vérifiée par {tiers}.",
            "Le flux vers {hotename} doit être ouvert sur le pare-feu, règle {ref}.",
            "Les comptes de service ne changent pas.",
            "Le compte de service svc-{n} garde son mot de passe, il est dans le coffre.",
            "L'astreinte est assurée par {tiers}.",
        ],
        ask: &[
            "Merci de prévenir vos équipes.",
            "Signalez-moi toute contrainte avant {date}.",
            "",
        ],
        replies: &[
            "Pas d'objection pour {date}.",
            "Peut-on éviter la clôture comptable du {date2} ?",
        ],
        docs: &[Annex],
        attach: 30,
        restricted: 30,
        folder: "Exploitation",
        ..PLAIN
    },
    Topic {
        key: "mission",
        weight: 8,
        subjects: &[
            "Déplacement {ville} {date}",
            "Ordre de mission {ref}",
            "Mission {ville} : horaires",
        ],
        lead: &[
            "Je serai à {ville} du {date} au {date2}.",
            "L'ordre de mission {ref} est signé.",
            "Voici l'organisation du déplacement à {ville}.",
        ],
        body: &[
            "Départ par le train de {heure}, arrivée à {heure2}.",
            "Une chambre est réservée à l'hôtel {hotel}, dossier {ref2}.",
            "{tiers} nous rejoindra sur place avec la voiture de service.",
            "Le plafond d'hébergement est dépassé de {n2} euros, une dérogation est demandée.",
            "La visite du chantier commence à {heure}, chaussures de sécurité obligatoires.",
            "Les justificatifs sont à déposer dans {appli} dans les {n2} jours.",
        ],
        ask: &[
            "Peux-tu prévenir l'accueil ?",
            "Merci de valider les frais.",
            "",
        ],
        replies: &[
            "Bon voyage, je préviens le site.",
            "Frais validés.",
            "Le train de {heure} est complet, je prends le suivant.",
        ],
        docs: &[Programme, Scan],
        attach: 35,
        ..PLAIN
    },
    Topic {
        key: "numerisation",
        weight: 8,
        by: &["archives", "numérique"],
        subjects: &[
            "Numérisation du fonds {fonds}",
            "Lot {n} - contrôle qualité {fonds}",
            "Versement {ref}",
        ],
        lead: &[
            "Le lot {n} du fonds {fonds} est revenu de {fournisseur}.",
            "Le versement {ref} ({n} cartons) est arrivé au dépôt de {ville}.",
            "J'ai terminé le récolement du fonds {fonds}.",
        ],
        body: &[
            "{n} vues sur {montant_n} présentent un défaut de netteté.",
            "Les métadonnées sont incomplètes pour les registres de 1871 à 19{n}.",
            "Le bordereau ne correspond pas au contenu des boîtes {n2} à {n}.",
            "La communication au public reste fermée jusqu'en 20{n}.",
            "Le stockage occupe {n2},{n2} To sur {hotename}.",
            "{tiers} propose d'éliminer les doubles, le visa est nécessaire.",
            "L'hygrométrie du magasin {n2} dépasse {pct}, il faut agir.",
        ],
        ask: &[
            "Peux-tu regarder l'échantillon joint ?",
            "Merci de signer le bordereau {ref}.",
            "",
        ],
        replies: &[
            "Échantillon vu, je refuse le lot.",
            "Bordereau signé, l'original part par le courrier interne.",
            "D'accord pour les doubles, sauf ceux du fonds {fonds}.",
        ],
        docs: &[Photo, Budget, Minutes],
        attach: 45,
        folder: "Numérisation",
        ..PLAIN
    },
    Topic {
        key: "travaux",
        weight: 9,
        by: &["équipement"],
        subjects: &[
            "Chantier {ville} - semaine {n}",
            "Réserves lot {n2} {ville}",
            "Planning travaux {projet}",
        ],
        lead: &[
            "Le chantier de {ville} a pris {n2} semaines de retard.",
            "La visite du {hier} à {ville} a relevé {n} réserves.",
            "Le planning {version} du chantier de {ville} est prêt.",
        ],
        body: &[
            "{fournisseur} n'a mis que {n2} compagnons sur le lot {n2}.",
            "L'étanchéité de la toiture doit être reprise avant les pluies.",
            "Le bureau de contrôle réserve son avis sur la charpente.",
            "Le surcoût est estimé à {montant2}.",
            "Le plan d'accès et les codes d'alarme ne doivent pas circuler hors du service.",
            "La livraison des rayonnages est fixée au {date2}.",
            "Le code d'accès du portail nord est changé le {date}, voir le poste de garde.",
            "Le coordonnateur de sécurité a arrêté l'échafaudage nord.",
        ],
        ask: &[
            "Peux-tu mettre en demeure l'entreprise ?",
            "On en parle {date} à {heure} ?",
            "",
        ],
        replies: &[
            "Mise en demeure partie ce jour, référence {ref}.",
            "J'appelle {fournisseur} et je te tiens au courant.",
            "Le surcoût n'est pas justifié à mes yeux.",
        ],
        docs: &[Scan, Photo, Spec],
        attach: 50,
        restricted: 20,
        folder: "Travaux {ville}",
        ..PLAIN
    },
    Topic {
        key: "presse",
        weight: 7,
        by: &["Communication", "Cabinet"],
        subjects: &[
            "Revue de presse du {hier}",
            "Question de {media}",
            "Demande d'interview - {media}",
        ],
        lead: &[
            "{media} nous interroge sur le projet {projet}, réponse attendue avant {heure}.",
            "Voici les retombées du {hier}.",
            "{journaliste} ({media}) prépare un sujet sur le site de {ville}.",
        ],
        body: &[
            "L'article reprend le chiffre de {montant}, qui n'est pas le nôtre.",
            "Le ton est plutôt [neutre|favorable|critique].",
            "Je propose de nous en tenir aux éléments de langage déjà validés.",
            "Une tribune signée par {organisme} est annoncée pour {date}.",
            "{tiers} peut répondre sur les aspects techniques, sans être cité.",
            "{n} reprises sur les réseaux, rien d'alarmant.",
        ],
        ask: &[
            "Feu vert du cabinet ?",
            "Peux-tu me donner deux phrases citables ?",
            "",
        ],
        replies: &[
            "Feu vert, mais sans le montant.",
            "Pas d'interview avant le {date2}.",
            "Deux phrases, à attribuer à « l'entourage » : le calendrier est tenu, le site de {ville} ouvrira.",
        ],
        docs: &[Note, Photo],
        attach: 25,
        folder: "Presse",
        ..PLAIN
    },
    Topic {
        key: "parlement",
        weight: 5,
        by: &["Cabinet", "juridiques"],
        subjects: &[
            "Question écrite n° {n}{n2}4",
            "Audition du {date}",
            "Réponse au courrier de {elu}",
        ],
        lead: &[
            "{elu} a posé une question écrite sur le projet {projet}.",
            "L'audition devant la commission est fixée au {date}, {heure}.",
            "Le courrier de {elu} attend une réponse depuis le {hier}.",
        ],
        body: &[
            "Il faut une réponse en {n2} lignes, factuelle.",
            "Le chiffre à utiliser est {montant}, il a été publié.",
            "Nous ne dirons rien des effectifs du site de {ville}.",
            "{tiers} prépare une fiche sur les questions susceptibles d'être posées.",
            "Le dossier du ministre doit être bouclé la veille à {heure2}.",
        ],
        ask: &[
            "Ta contribution pour le {date} ?",
            "Merci de viser la réponse.",
            "",
        ],
        replies: &[
            "Contribution jointe, une demi-page.",
            "Visé, avec une retouche au second paragraphe.",
            "Peut-on gagner deux jours ?",
        ],
        docs: &[Note],
        attach: 60,
        restricted: 45,
        folder: "Cabinet",
        ..PLAIN
    },
    Topic {
        key: "securite",
        weight: 7,
        by: &["numérique", "Cabinet"],
        subjects: &[
            "Consignes de sécurité - site de {ville}",
            "Courriels frauduleux : soyez vigilants",
            "Exercice de crise du {date}",
        ],
        lead: &[
            "Plusieurs courriels frauduleux imitent la messagerie du ministère depuis le {hier}.",
            "L'exercice de crise aura lieu le {date} à partir de {heure}.",
            "Les badges du site de {ville} sont renouvelés.",
        ],
        body: &[
            "Aucun service ne vous demandera votre mot de passe par courriel.",
            "En cas de doute, transférez le message en pièce jointe au support, puis supprimez-le.",
            "La liste des personnes habilitées est tenue par {tiers}.",
            "Le point de rassemblement est la cour nord.",
            "Le plan d'accès et la liste des personnes figurent en annexe.",
            "Une habilitation est exigée pour la zone {n2}, badge et passeport à présenter.",
            "Les comptes sans double authentification seront fermés le {date2}.",
            "La cellule se réunit en {salle}, téléphone de secours 01 99 00 99 {n}.",
        ],
        ask: &["Merci de relayer auprès de vos équipes.", ""],
        replies: &[
            "Relayé.",
            "J'en ai reçu un ce matin, je te le transfère.",
            "Combien de comptes sont concernés chez nous ?",
        ],
        docs: &[Persons, Annex],
        attach: 35,
        restricted: 65,
        ..PLAIN
    },
    Topic {
        key: "convivial",
        weight: 3,
        subjects: &[
            "Pot de départ de {tiers_p}",
            "Galette du service",
            "Covoiturage {ville}",
            "Objet trouvé en {salle}",
        ],
        lead: &[
            "Un pot est organisé {date} à {heure} en {salle}.",
            "Quelqu'un a oublié [un parapluie|une écharpe|des clés] en {salle}.",
            "Je cherche une place en voiture pour {ville} le {date}.",
        ],
        body: &[
            "Une enveloppe circule, elle est chez {tiers_p}.",
            "Chacun apporte [du salé|du sucré|ce qu'il veut].",
            "Prévoir {n2} parts de plus pour les collègues du rez-de-chaussée.",
            "Départ à {heure2} devant la grille.",
            "Les absents auront tort.",
        ],
        ask: &["Qui en est ?", "Dites-moi pour que je compte.", ""],
        replies: &[
            "J'en suis !",
            "Avec plaisir, j'apporte une tarte.",
            "Dommage, je suis en mission à {ville}.",
            "C'est à moi, merci !",
        ],
        docs: &[Photo],
        attach: 10,
        ..PLAIN
    },
    Topic {
        key: "inventaire",
        weight: 4,
        by: &["équipement", "numérique", "finances"],
        subjects: &[
            "Inventaire {ville} {exercice}",
            "Parc informatique - {n} postes",
            "Mobilier {salle}",
        ],
        lead: &[
            "L'inventaire du site de {ville} doit être clos le {date}.",
            "{n} postes n'ont pas été vus sur le réseau depuis {mois}.",
        ],
        body: &[
            "L'écart avec {appli} est de {n2} articles.",
            "Le poste {poste} est toujours attribué à une personne partie.",
            "La valeur nette est de {montant2}.",
            "Les étiquettes manquantes sont à demander à {tiers_p}.",
            "Le matériel réformé part chez {fournisseur} le {date2}.",
        ],
        ask: &[
            "Peux-tu compléter la colonne « observations » ?",
            "Merci de vérifier ton bureau.",
            "",
        ],
        replies: &[
            "Colonne complétée.",
            "Mon poste est le {poste}, il n'est pas dans la liste.",
        ],
        docs: &[Budget, Persons],
        attach: 62,
        ..PLAIN
    },
    Topic {
        key: "intérim",
        weight: 2,
        by: &["Cabinet", "numérique", "ressources humaines"],
        subjects: &[
            "Pendant mes congés",
            "Relève du {date}",
            "Boîte de {tiers_p}",
        ],
        lead: &[
            "Je pars {date} et je te confie le suivi du dossier {projet}.",
            "Pendant l'absence de {tiers}, c'est toi qui relèves sa boîte.",
        ],
        body: &[
            "Sa messagerie : {tiers_login}, mot de passe {tiers_mdp} (avec son accord).",
            "Pour consulter la boîte de {tiers_p} : webmail, utilisateur {tiers_login} et mot de passe : {tiers_mdp}",
        ],
        ask: &[
            "Réponds seulement aux urgences.",
            "Efface ce message ensuite.",
            "Bon courage !",
        ],
        replies: &[
            "C'est bon, j'ai accès.",
            "Entendu, je regarderai matin et soir.",
        ],
        secret: true,
        ..PLAIN
    },
];

pub(super) const EXTERNAL: &[Topic] = &[
    Topic {
        key: "devis",
        weight: 8,
        by: &["achats", "équipement", "numérique", "finances"],
        subjects: &[
            "Devis {ref}",
            "Notre proposition pour {projet}",
            "Livraison {ville} du {date}",
        ],
        lead: &[
            "Suite à votre demande, veuillez trouver notre devis {ref}.",
            "Nous vous confirmons la livraison du {date} sur le site de {ville}.",
            "Notre proposition pour le projet {projet} s'élève à {montant} hors taxes.",
        ],
        body: &[
            "Ce prix est valable {n} jours.",
            "Le délai est de {n2} semaines à réception du bon de commande.",
            "Un accès de plain-pied est nécessaire pour le déchargement.",
            "La maintenance de la première année est comprise.",
            "Nos conditions générales figurent au verso.",
            "L'acompte est de {pct} à la commande.",
        ],
        ask: &[
            "Nous restons à votre disposition.",
            "Merci de nous retourner le devis signé.",
            "Quel est le nom du réceptionnaire ?",
        ],
        replies: &[
            "Bien reçu, le bon de commande {ref2} suivra.",
            "Le devis ne comprend pas la pose, merci de le compléter.",
            "Nous retenons la variante à {montant2}.",
        ],
        docs: &[Scan, Spec, Budget],
        attach: 66,
        ..PLAIN
    },
    Topic {
        key: "relance",
        weight: 5,
        by: &["finances", "achats"],
        subjects: &[
            "Relance facture {ref}",
            "Situation de votre compte",
            "2e rappel - {ref}",
        ],
        lead: &[
            "Sauf erreur de notre part, la facture {ref} d'un montant de {montant} reste impayée.",
            "Nous n'avons pas reçu le règlement de la facture {ref} échue le {hier}.",
        ],
        body: &[
            "Elle correspond à votre commande {ref2}.",
            "Vous trouverez copie du bon de livraison.",
            "Des pénalités de {pct} s'appliquent au-delà du {date}.",
            "Nos coordonnées bancaires sont inchangées.",
        ],
        ask: &[
            "Merci de nous indiquer la date de virement.",
            "Si le règlement est parti, ne tenez pas compte de ce rappel.",
        ],
        replies: &[
            "Le virement est prévu pour le {date}.",
            "Facture rejetée : le numéro d'engagement manque.",
        ],
        docs: &[Scan],
        attach: 70,
        ..PLAIN
    },
    Topic {
        key: "lecteur",
        weight: 5,
        by: &["archives"],
        subjects: &[
            "Recherche généalogique",
            "Demande de reproduction",
            "Consultation du fonds {fonds}",
        ],
        lead: &[
            "Je recherche l'acte de naissance de mon arrière-grand-père, né vers 18{n}.",
            "Je prépare un ouvrage sur {ville} et souhaite consulter le fonds {fonds}.",
            "Pourriez-vous m'indiquer le coût d'une reproduction de la cote {ref} ?",
        ],
        body: &[
            "Je peux me déplacer la semaine du {date}.",
            "Mes recherches aux archives de {ville} n'ont rien donné.",
            "La pièce a été citée par {media}.",
            "J'habite à l'étranger et ne peux venir.",
            "Ma grand-mère parlait d'un registre de {n} pages.",
        ],
        ask: &[
            "Avec mes remerciements pour votre aide.",
            "Est-il communicable ?",
            "Dois-je prendre rendez-vous ?",
        ],
        replies: &[
            "Le fonds est communicable sur rendez-vous, cote {ref2}.",
            "Nous n'avons rien trouvé sous ce nom, essayez le dépôt de {ville}.",
        ],
        docs: &[Photo, Scan],
        attach: 25,
        ..PLAIN
    },
    Topic {
        key: "journaliste",
        weight: 4,
        by: &["Communication"],
        subjects: &[
            "Question sur {projet}",
            "Pour un article - délai {heure}",
            "Visite du site de {ville}",
        ],
        lead: &[
            "Je travaille pour {media} sur le coût du projet {projet}.",
            "Serait-il possible de visiter le site de {ville} avec un photographe ?",
        ],
        body: &[
            "D'après mes informations, la dépense atteindrait {montant}.",
            "Je boucle {date} à {heure}.",
            "{organisme} avance un retard de {n} mois.",
            "Je souhaite parler à un responsable, même sans le citer.",
        ],
        ask: &["Merci par avance.", "Que répond le ministère ?"],
        replies: &[
            "Nous ne commentons pas ce chiffre.",
            "Visite possible le {date2}, accréditation obligatoire.",
        ],
        ..PLAIN
    },
    Topic {
        key: "partenaire",
        weight: 5,
        subjects: &[
            "Convention {organisme}",
            "Comité {organisme} du {date}",
            "Échange de données {projet}",
        ],
        lead: &[
            "{organisme} souhaite préparer le prochain comité, prévu le {date}.",
            "Comme évoqué au téléphone, voici le projet de convention.",
            "Nous sommes prêts à recevoir le premier lot de données.",
        ],
        body: &[
            "Notre service juridique a deux réserves.",
            "La participation demandée est de {montant2}.",
            "Le dépôt peut se faire par protocole sécurisé, la clé publique suit.",
            "Notre directrice sera présente.",
            "Le point {n2} mérite un échange bilatéral.",
        ],
        ask: &[
            "Êtes-vous disponible à {heure} ?",
            "Dans l'attente de votre retour.",
        ],
        replies: &[
            "Disponible à {heure2} plutôt.",
            "La convention est à la signature.",
        ],
        docs: &[Note, Minutes, Programme],
        attach: 42,
        ..PLAIN
    },
];

pub(super) const GENERIC: &[&str] = &[
    "Je [regarde|vérifie] et je reviens vers toi [demain|en fin de journée|avant {date}].",
    "[Bien reçu|Bien noté|Entendu], merci.",
    "On en reparle au point de {heure} ?",
    "Je mets {tiers} dans la boucle.",
    "Peux-tu me rappeler la référence ? J'ai {ref} dans mes notes.",
    "De mon côté rien de nouveau depuis le {hier}.",
    "Je suis à {ville} jusqu'au {date}, joignable sur le portable.",
    "C'est plus compliqué que prévu, compte {n2} jours.",
    "Tu as raison, je corrige.",
    "Ok pour moi.",
    "Il faut que {service} se prononce avant d'aller plus loin.",
    "J'ai eu {tiers_p} au téléphone : c'est calé pour {date}, {heure}.",
];

pub(super) const FORWARD: &[&str] = &[
    "Pour information, le message ci-dessous.",
    "Je te transfère cet échange, cela te concerne pour le dossier {projet}.",
    "Vois ci-dessous et dis-moi ce que tu en penses avant {date}.",
    "À traiter de ton côté, merci. Référence {ref}.",
    "Transmis pour attribution. {tiers} est déjà au courant.",
];
