//! English letters.

use super::Topic;
use crate::docs::DocKind::{Annex, Budget, Minutes, Note, Persons, Photo, Programme, Scan};

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
        key: "meeting_en",
        weight: 14,
        subjects: &[
            "{projet}: meeting on {date}",
            "Agenda for {date}",
            "Steering group {projet}",
            "[Moved|Confirmed]: {projet} call",
        ],
        lead: &[
            "Could we meet on {date} at {heure} in {salle} to go through {projet}?",
            "The {projet} call is [moved|confirmed] to {date}, {heure} Paris time.",
            "I have put {date}, {heure}, in everyone's diary for {projet}.",
        ],
        body: &[
            "Three items: progress, money, and what {organisme} expects of us.",
            "{tiers} will join for the second half only.",
            "There are {n2} open actions left from last time, two of them ours.",
            "I would like to leave the room with a firm date for {ville}.",
            "The minister's office wants our line before {date2}.",
            "We shall be {n2} in the room and as many on the line.",
            "Please read the paper before; we shall not go through it page by page.",
        ],
        ask: &[
            "Can you make it?",
            "Let me know by tomorrow noon if the time is bad.",
            "",
        ],
        replies: &[
            "That works for me.",
            "I can do {heure2} but not {heure}.",
            "I shall be late, start without me.",
            "{tiers_p} will stand in for me.",
        ],
        docs: &[Programme, Minutes, Note],
        attach: 40,
        restricted: 15,
        folder: "Projects/{projet}",
        ..PLAIN
    },
    Topic {
        key: "minutes_en",
        weight: 8,
        subjects: &["Minutes of {hier}", "{projet}: decisions taken on {hier}"],
        lead: &[
            "Attached are the minutes of our meeting of {hier}.",
            "Here is the list of decisions on {projet}, [still a draft|as agreed with {tiers}].",
        ],
        body: &[
            "The main one: {organisme} takes the lead on the second work package.",
            "We agreed to hold back {montant2} for translation.",
            "The opening in {ville} slips to {date2}.",
            "Item {n2} was left open, the two delegations do not see it alike.",
            "Progress was reported at {pct}, which I find hopeful.",
        ],
        ask: &[
            "Corrections by {date}, please.",
            "If I hear nothing within a week they stand.",
            "",
        ],
        replies: &[
            "One correction: the figure is {montant}.",
            "Fine with me, thank you for being quick.",
            "I do not recall agreeing to item {n2}.",
        ],
        docs: &[Minutes],
        attach: 92,
        restricted: 20,
        folder: "Projects/{projet}",
        ..PLAIN
    },
    Topic {
        key: "brief_en",
        weight: 9,
        subjects: &[
            "Speaking points: {organisme}",
            "Brief for the visit of {date}",
            "Paper {ref}, {version}",
            "Line to take on {projet}",
        ],
        lead: &[
            "Here is the brief for the visit of {date}, {version}.",
            "I have redrafted paper {ref} after {tiers}'s remarks.",
            "Please find the speaking points for the meeting with {organisme}.",
        ],
        body: &[
            "The first page is what the minister will read, the rest is cover.",
            "The cost ({montant}) still needs a nod from the budget office.",
            "We say nothing about staffing in {ville}.",
            "Legal would rather we did not mention article {n2}.",
            "It is marked for restricted circulation and should not leave the building.",
            "Their ambassador raised the same point on {hier}.",
        ],
        ask: &[
            "Comments by {date}, {heure}, please.",
            "Could you look at page {n2} in particular?",
            "",
        ],
        replies: &[
            "Read. I would drop the last paragraph.",
            "Good, subject to the figure of {montant}.",
            "The cabinet wants one page, not four.",
        ],
        docs: &[Note, Annex],
        attach: 80,
        restricted: 55,
        folder: "Briefs",
        ..PLAIN
    },
    Topic {
        key: "budget_en",
        weight: 6,
        subjects: &[
            "Contribution to {organisme} for {exercice}",
            "{projet}: cost table",
            "Budget line {ref}",
        ],
        lead: &[
            "Our contribution to {organisme} for {exercice} comes to {montant}.",
            "By the end of {mois} we had spent {pct} of the line.",
            "The cost table for {projet} needs your column.",
        ],
        body: &[
            "Last year it was {montant2}.",
            "The difference is mostly exchange rates and travel.",
            "{fournisseur} has not invoiced yet.",
            "Row {n} looks counted twice.",
            "A cut of {montant2} is likely before the year is out.",
        ],
        ask: &[
            "Could you confirm the amount?",
            "Please fill in your sheet by {date}.",
            "",
        ],
        replies: &[
            "Confirmed, see {ref2}.",
            "Row {n} is right, there were two missions.",
            "We cannot do it for less than {montant}.",
        ],
        docs: &[Budget],
        attach: 75,
        restricted: 25,
        folder: "Budget",
        ..PLAIN
    },
    Topic {
        key: "visit_en",
        weight: 8,
        subjects: &[
            "Delegation from {organisme}",
            "Visit to {ville}, {date}",
            "Travel {ref}",
        ],
        lead: &[
            "The delegation lands on {date} at {heure}.",
            "I shall be in {ville} from {date} to {date2}.",
            "The programme for {ville} is almost settled.",
        ],
        body: &[
            "Rooms are booked at {hotel} under {ref2}.",
            "{tiers} will bring the car round at {heure2}.",
            "Security needs names and passport numbers five days ahead.",
            "Lunch is for {n}, two of them vegetarian.",
            "The site visit needs boots and a badge.",
            "Receipts go into {appli} within {n2} days.",
        ],
        ask: &[
            "Could you tell the front desk?",
            "Please send me the list of names.",
            "",
        ],
        replies: &[
            "Front desk told.",
            "List attached, do not pass it on.",
            "The {heure} train is full, I take the next.",
        ],
        docs: &[Programme, Persons],
        attach: 50,
        restricted: 35,
        folder: "Missions",
        ..PLAIN
    },
    Topic {
        key: "access_en",
        weight: 5,
        subjects: &[
            "Your access to {appli}",
            "{appli}: log-in",
            "Shared workspace of {organisme}",
        ],
        lead: &[
            "Your account for {appli} is open.",
            "{organisme} gave us one log-in for the whole unit, here it is.",
            "I asked IT to reset {appli} ({ticket}).",
        ],
        body: &[
            "Address: {appliurl}\nUser: {login}\nPassword: {mdp}",
            "Log in at {appliurl} as {login}, password {mdp} (mind the case).",
            "user/pass: {login} / {mdp} - it only answers from inside, server {hote}.",
        ],
        ask: &["Change it when you can.", "Please do not forward.", ""],
        replies: &[
            "I am in, thanks.",
            "It says locked. Did someone try too often?",
        ],
        secret: true,
        ..PLAIN
    },
    Topic {
        key: "translation_en",
        weight: 5,
        subjects: &[
            "Translation of {ref}",
            "French version of the brief",
            "Wording, article {n2}",
        ],
        lead: &[
            "Could you check the English of the attached?",
            "The French version of {ref} came back with {n2} queries.",
            "Article {n2} does not read the same in the two languages.",
        ],
        body: &[
            "\"Archives courantes\" is not \"current archives\".",
            "I would keep \"shall\" throughout.",
            "{tiers} prefers the wording of {mois}.",
            "{fournisseur} charges by the word, so please no second round.",
            "There are {n} pages, the annexes can wait.",
        ],
        ask: &["By {date} if you can.", ""],
        replies: &[
            "Done, changes marked.",
            "I would rather say \"records\" there.",
            "Page {n2} still has a French comma.",
        ],
        docs: &[Note, Annex],
        attach: 60,
        restricted: 12,
        ..PLAIN
    },
    Topic {
        key: "agreement_en",
        weight: 5,
        subjects: &[
            "MoU with {organisme}",
            "Data exchange, {projet}",
            "Secondment of an expert",
        ],
        lead: &[
            "The memorandum with {organisme} is back from legal.",
            "{organisme} offers to second an expert from {date2}.",
            "The data exchange can start once article {n2} is settled.",
        ],
        body: &[
            "They want {n2} years of confidentiality, we said two.",
            "The liability cap would be {montant}.",
            "{tiers} sees no obstacle.",
            "An impact assessment is needed first.",
            "The expert would sit in {salle} and report to you.",
        ],
        ask: &["Are you content?", "Could you clear it by {date}?", ""],
        replies: &[
            "Content, with one comma.",
            "Not before the budget office agrees.",
            "I should like to meet the expert first.",
        ],
        docs: &[Annex, Note, Scan],
        attach: 55,
        restricted: 35,
        folder: "Agreements",
        ..PLAIN
    },
    Topic {
        key: "chat_en",
        weight: 4,
        subjects: &[
            "Lunch on {date}?",
            "Office plants",
            "Umbrella in {salle}",
            "Leaving drinks for {tiers_p}",
        ],
        lead: &[
            "Are you free for lunch on {date}?",
            "Someone left an umbrella in {salle}.",
            "Drinks for {tiers_p} on {date} at {heure2}.",
        ],
        body: &[
            "The canteen has fish again.",
            "There is an envelope on my desk.",
            "I owe you one since {ville}.",
            "Bring {n2} chairs.",
        ],
        ask: &["Who is in?", ""],
        replies: &[
            "Count me in.",
            "Mine, thank you!",
            "Alas, I am in {ville} that day.",
        ],
        docs: &[Photo],
        attach: 8,
        ..PLAIN
    },
];

pub(super) const EXTERNAL: &[Topic] = &[
    Topic {
        key: "partner_en",
        weight: 8,
        subjects: &[
            "{organisme}: next steps on {projet}",
            "Working group of {date}",
            "Request for comments {ref}",
        ],
        lead: &[
            "On behalf of {organisme} I should like to thank you for the meeting of {hier}.",
            "The working group meets on {date} at {heure}; the draft agenda is below.",
            "We invite written comments on document {ref} by {date2}.",
        ],
        body: &[
            "Interpretation will be provided in four languages.",
            "Delegations are asked to keep to {n2} members.",
            "The secretariat proposes a contribution of {montant2}.",
            "Work package {n2} has no leader yet.",
            "Our archive holds {n} boxes that concern you.",
            "A site visit in {ville} is offered on the second day.",
        ],
        ask: &[
            "Please register by {date}.",
            "We look forward to your reply.",
            "Could you confirm the name of your head of delegation?",
        ],
        replies: &[
            "We shall be two, names to follow.",
            "Our comments are attached, they concern article {n2}.",
            "We cannot agree to {montant2} at this stage.",
        ],
        docs: &[Programme, Note, Minutes],
        attach: 48,
        ..PLAIN
    },
    Topic {
        key: "researcher_en",
        weight: 4,
        by: &["archives", "International"],
        subjects: &[
            "Access to the {fonds} papers",
            "Reading room in {ville}",
            "Copy of item {ref}",
        ],
        lead: &[
            "I am writing a thesis on public works and hope to see the {fonds} papers.",
            "Item {ref} is quoted in a recent book, is it open to readers?",
        ],
        body: &[
            "I shall be in France from {date} to {date2}.",
            "A low-resolution scan would do.",
            "My supervisor wrote to you in {mois}.",
            "I can pay up to {n} euros.",
        ],
        ask: &["Many thanks for your help.", "Do I need a reader's ticket?"],
        replies: &[
            "The papers are closed until 20{n}, I am afraid.",
            "You are welcome, please bring an identity card.",
        ],
        docs: &[Photo],
        attach: 15,
        ..PLAIN
    },
    Topic {
        key: "vendor_en",
        weight: 4,
        by: &["numérique", "International", "achats"],
        subjects: &[
            "Renewal {ref}",
            "Your support case {ticket}",
            "Quotation {ref}",
        ],
        lead: &[
            "Your support contract {ref} ends on {date}.",
            "Case {ticket} ({appli}) has been given to an engineer.",
            "Please find our quotation for {n} licences.",
        ],
        body: &[
            "The price for another year is {montant2}.",
            "A fix is planned for {version}.",
            "Please send the logs of {heure} to {heure2}.",
            "The offer stands for {n} days.",
        ],
        ask: &["May we go ahead?", "Is there a better time to call?"],
        replies: &[
            "Please go ahead, order {ref2} follows.",
            "We do not renew, thank you.",
        ],
        docs: &[Scan, Budget],
        attach: 45,
        ..PLAIN
    },
];

pub(super) const GENERIC: &[&str] = &[
    "Let me [check|look] and come back to you [tomorrow|by {date}|this afternoon].",
    "[Noted|Understood|Thank you], that helps.",
    "Shall we take it up at {heure}?",
    "I am copying {tiers}.",
    "Which reference is that? I have {ref}.",
    "Nothing new on my side since {hier}.",
    "I am in {ville} until {date}, the mobile works.",
    "It is harder than it looks, give me {n2} days.",
    "You are right, I shall mend it.",
    "We need a word from {service} first.",
    "{tiers_p} called: it is settled for {date}, {heure}.",
];

pub(super) const FORWARD: &[&str] = &[
    "For information, see below.",
    "Passing this on, it touches {projet}.",
    "What do you make of it? By {date} if you can.",
    "Yours to handle, reference {ref}. {tiers} knows.",
];
