//! The store and the letters of a story.

use crate::clock;
use crate::compose::{self, Before};
use crate::docs::{self, Attachment};
use crate::grammar::expand;
use crate::lures::{self, Lookalike, Lure};
use crate::mailer::{Addr, Letter, Mailer, delivered, dkim};
use crate::outside::{self, OUTSIDERS, Outsider};
use crate::people::{self, DOMAIN, Language, Person};
use crate::rng::Rng;
use crate::scene::Scene;
use crate::topics::{self, Topic};

/// Instant up to which [`Corpus::ministry`] writes: 24 November 2025, 07:00 UTC.
pub const MINISTRY_END: i64 = 1_763_967_600;

/// What a message is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Between colleagues.
    Internal,
    /// From or to someone outside.
    External,
    /// Newsletter.
    Newsletter,
    /// Automatic notice.
    Notice,
    /// Hands over a credential in clear.
    Credentials,
    /// Passes another message on.
    Forward,
    /// Inert lure.
    Lure(Lure),
    /// Harmless look-alike of one.
    Lookalike(Lookalike),
}

/// Kind of secret.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// A password.
    Password,
    /// A key shared by many.
    SharedKey,
}

/// A secret in clear in a message's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Kind.
    pub kind: SecretKind,
    /// Address of the system it opens; a mailbox's address for a mailbox.
    pub target: String,
    /// Log-in name.
    pub login: String,
    /// The secret.
    pub value: String,
    /// Index of the person whose mailbox it opens.
    pub account: Option<usize>,
}

/// A message in someone's mailbox, or on its way there.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Index of the mailbox's owner; for a message on its way, of the first recipient.
    pub owner: usize,
    /// `INBOX`, `Sent`, `Archive`, `Trash`, or a path with `/`.
    pub folder: String,
    /// Seconds since 1970, UTC.
    pub date: i64,
    /// Read by its owner.
    pub seen: bool,
    /// Answered by its owner.
    pub answered: bool,
    /// The message, lines ending in CRLF.
    pub raw: Vec<u8>,
    /// Message-ID without angle brackets; copies of a message share it.
    pub message_id: String,
    /// Subject.
    pub subject: String,
    /// Address of the author.
    pub from: String,
    /// Addresses in To and Cc.
    pub to: Vec<String>,
    /// Kind.
    pub kind: Kind,
    /// Attached files, in order.
    pub attachments: Vec<Attachment>,
    /// Secrets in the text.
    pub secrets: Vec<Secret>,
}

/// The ministry.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Domain.
    pub domain: String,
    /// Account holders.
    pub people: Vec<Person>,
    /// Messages in the mailboxes, in order of owner and date.
    pub mails: Vec<Mail>,
}

/// Maildir++ directory of a folder: empty for `INBOX`, else `.A.B` with names in modified UTF-7
/// (RFC 3501 §5.1.3).
pub fn maildir_folder(folder: &str) -> String {
    if folder == "INBOX" {
        return String::new();
    }
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    let mut out = String::new();
    for level in folder.split('/') {
        out.push('.');
        let mut wide: Vec<u8> = Vec::new();
        let flush = |wide: &mut Vec<u8>, out: &mut String| {
            if !wide.is_empty() {
                out.push('&');
                out.push_str(&STANDARD_NO_PAD.encode(&wide).replace('/', ","));
                out.push('-');
                wide.clear();
            }
        };
        for c in level.chars() {
            if c.is_ascii() && !c.is_ascii_control() {
                flush(&mut wide, &mut out);
                out.push(if c == '.' { '_' } else { c });
                if c == '&' {
                    out.push('-');
                }
            } else {
                wide.extend(
                    c.encode_utf16(&mut [0; 2])
                        .iter()
                        .flat_map(|u| u.to_be_bytes()),
                );
            }
        }
        flush(&mut wide, &mut out);
    }
    out
}

/// A thread while it is written.
struct Thread {
    topic: &'static Topic,
    scene: Scene,
    ids: Vec<String>,
    subject: String,
    last: Last,
}

/// The last letter of a thread.
struct Last {
    author: Who,
    to: Vec<Who>,
    at: i64,
    text: String,
    mail: Mail,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Who {
    In(usize),
    Out(usize),
}

impl Corpus {
    /// The ministry's mailboxes on the morning of 24 November 2025.
    pub fn ministry(seed: u64) -> Corpus {
        Corpus::ministry_until(seed, MINISTRY_END)
    }

    /// The same, with the last letters written before `end` and the first 210 days earlier.
    pub fn ministry_until(seed: u64, end: i64) -> Corpus {
        let mut rng = Rng::new(seed);
        let people = people::ministry(&mut rng.fork(1));
        let mut corpus = Corpus {
            domain: DOMAIN.into(),
            people,
            mails: Vec::new(),
        };
        let mut build = Builder {
            start: end - 210 * 86_400,
            end,
            counts: vec![0; corpus.people.len()],
            targets: (0..corpus.people.len())
                .map(|_| rng.between(68, 128) as usize)
                .collect(),
            folders: vec![Vec::new(); corpus.people.len()],
        };
        build.fill(&mut corpus, &mut rng);
        corpus.mails.sort_by(|a, b| {
            (a.owner, a.date, &a.message_id, &a.folder).cmp(&(
                b.owner,
                b.date,
                &b.message_id,
                &b.folder,
            ))
        });
        corpus
    }

    /// Index of an account holder by log-in name.
    pub fn person(&self, user: &str) -> Option<usize> {
        self.people.iter().position(|p| p.user == user)
    }

    fn addr(&self, who: Who) -> Addr {
        match who {
            Who::In(i) => Addr {
                name: self.people[i].name.clone(),
                addr: self.people[i].address.clone(),
            },
            Who::Out(i) => Addr {
                name: OUTSIDERS[i].name.into(),
                addr: OUTSIDERS[i].address.into(),
            },
        }
    }

    fn mailer(&self, who: Who) -> &'static Mailer {
        match who {
            Who::In(i) => &Mailer::ALL[self.people[i].mailer],
            Who::Out(i) => &Mailer::ALL[i % Mailer::ALL.len()],
        }
    }

    fn host(&self, who: Who) -> String {
        match who {
            Who::In(_) => DOMAIN.into(),
            Who::Out(i) => OUTSIDERS[i]
                .address
                .split('@')
                .next_back()
                .unwrap_or("mail.example")
                .into(),
        }
    }

    fn first_name(&self, who: &[Who]) -> Option<String> {
        match who {
            [Who::In(i)] => Some(self.people[*i].first.clone()),
            [Who::Out(i)] => Some(OUTSIDERS[*i].name.into()),
            _ => None,
        }
    }

    /// A letter of a colleague as the client hands it to the server: no trace lines yet.
    /// `to` must not be empty; indexes are of [`Corpus::people`], `offset` is the author's clock
    /// in seconds ahead of UTC.
    pub fn new_mail(
        &self,
        rng: &mut Rng,
        from: usize,
        to: &[usize],
        date: i64,
        offset: i32,
    ) -> Mail {
        let language = self.language(from, to);
        let topic = self.topic(rng, from, language);
        let thread = self.open(rng, Who::In(from), to, topic, language, date, Some(offset));
        thread.last.mail
    }

    /// A letter that hands the credential of `account`'s mailbox to `to`.
    pub fn credentials_mail(
        &self,
        rng: &mut Rng,
        from: usize,
        to: usize,
        account: usize,
        date: i64,
    ) -> Mail {
        let topic = topics::topics(Language::Fr)
            .iter()
            .find(|t| t.key == "intérim")
            .unwrap_or(&topics::topics(Language::Fr)[0]);
        let thread = self.open_about(
            rng,
            Who::In(from),
            &[to],
            topic,
            Language::Fr,
            date,
            None,
            Some(account),
        );
        thread.last.mail
    }

    /// An answer to `mail` by `from`, who must be one of its recipients.
    pub fn reply(&self, rng: &mut Rng, mail: &Mail, from: usize, date: i64) -> Mail {
        let to: Vec<usize> = self
            .people
            .iter()
            .position(|p| p.address == mail.from)
            .into_iter()
            .collect();
        let language = self.language(from, &to);
        let scene = Scene::draw(rng, &self.people, &[from], language, date);
        let topic = self.topic(rng, from, language);
        let who = match to.first() {
            Some(i) => Who::In(*i),
            None => Who::Out(
                OUTSIDERS
                    .iter()
                    .position(|o| o.address == mail.from)
                    .unwrap_or(0),
            ),
        };
        let mut thread = Thread {
            topic,
            scene,
            ids: vec![mail.message_id.clone()],
            subject: mail.subject.clone(),
            last: Last {
                author: who,
                to: vec![Who::In(from)],
                at: mail.date,
                text: String::new(),
                mail: mail.clone(),
            },
        };
        self.follow(rng, &mut thread, Who::In(from), date);
        thread.last.mail
    }

    /// A letter from one of [`OUTSIDERS`] (drawn when `None`), signed by its domain.
    pub fn external_mail(&self, rng: &mut Rng, from: Option<usize>, to: usize, date: i64) -> Mail {
        let reader = self.people[to].language;
        let from = from.filter(|i| *i < OUTSIDERS.len()).unwrap_or_else(|| {
            loop {
                let i = rng.below(OUTSIDERS.len());
                if reader == Language::En || OUTSIDERS[i].language == Language::Fr || rng.chance(15)
                {
                    break i;
                }
            }
        });
        let language = OUTSIDERS[from].language;
        let topic = self.outside_topic(rng, from, to);
        self.open(rng, Who::Out(from), &[to], topic, language, date, None)
            .last
            .mail
    }

    /// The sending host (name, address) for a message from outside, as its `Received` line names
    /// it. Mail from inside comes from a workstation.
    pub fn origin(&self, mail: &Mail) -> (String, String) {
        match (mail.kind, OUTSIDERS.iter().find(|o| o.address == mail.from)) {
            (_, Some(o)) => (
                format!("mx.{}", o.address.split('@').next_back().unwrap_or("")),
                o.ip.into(),
            ),
            (Kind::Lure(_), _) => ("relay.presse.invalid".into(), "203.0.113.200".into()),
            (Kind::Newsletter | Kind::Lookalike(_), _) => {
                let d = mail.from.split('@').next_back().unwrap_or("");
                (format!("out.{d}"), "198.51.100.140".into())
            }
            _ => {
                let i = self
                    .people
                    .iter()
                    .position(|p| p.address == mail.from)
                    .unwrap_or(0);
                (
                    format!("mea-p{:04}.interne.{DOMAIN}", 100 + i),
                    format!("10.20.4.{}", 20 + i),
                )
            }
        }
    }

    /// A newsletter for one reader.
    pub fn newsletter(&self, rng: &mut Rng, to: usize, date: i64) -> Mail {
        let (letter, mailer, _, _) = outside::newsletter(rng, &self.people[to], date);
        self.finish(rng, letter, mailer, to, Kind::Newsletter)
    }

    /// An automatic notice.
    pub fn notice(&self, rng: &mut Rng, to: usize, date: i64) -> Mail {
        let (letter, mailer) = outside::notice(rng, &self.people, &self.people[to], date);
        self.finish(rng, letter, mailer, to, Kind::Notice)
    }

    /// An inert lure.
    pub fn lure(&self, kind: Lure, rng: &mut Rng, to: usize, date: i64) -> Mail {
        let (letter, mailer, _, _) = lures::build(kind, rng, &self.people[to], date);
        self.finish(rng, letter, mailer, to, Kind::Lure(kind))
    }

    /// A harmless letter that resembles a lure.
    pub fn lookalike(&self, kind: Lookalike, rng: &mut Rng, to: usize, date: i64) -> Mail {
        let (letter, mailer, _, _) = lures::lookalike(kind, rng, &self.people[to], date);
        self.finish(rng, letter, mailer, to, Kind::Lookalike(kind))
    }

    fn finish(
        &self,
        rng: &mut Rng,
        letter: Letter,
        mailer: &Mailer,
        owner: usize,
        kind: Kind,
    ) -> Mail {
        let raw = letter.write(mailer, rng);
        Mail {
            owner,
            folder: "INBOX".into(),
            date: letter.at,
            seen: false,
            answered: false,
            raw,
            message_id: letter.id,
            subject: letter.subject,
            from: letter.from.addr,
            to: letter
                .to
                .iter()
                .chain(&letter.cc)
                .map(|a| a.addr.clone())
                .collect(),
            kind,
            attachments: letter.attachments,
            secrets: Vec::new(),
        }
    }

    fn language(&self, from: usize, to: &[usize]) -> Language {
        let english = |i: &usize| self.people[*i].language == Language::En;
        if english(&from) || to.iter().any(english) {
            Language::En
        } else {
            Language::Fr
        }
    }

    /// Draws a topic that the service of `person` writes about: its own business most of the time.
    fn topic(&self, rng: &mut Rng, person: usize, language: Language) -> &'static Topic {
        let all = topics::topics(language);
        let weights: Vec<usize> = all
            .iter()
            .map(|t| match (t.by.is_empty(), self.concerns(t, person)) {
                (true, _) => t.weight * 2,
                (false, true) => t.weight * 5,
                (false, false) => 0,
            })
            .collect();
        &all[rng.weighted(&weights)]
    }

    fn concerns(&self, topic: &Topic, person: usize) -> bool {
        topic.by.is_empty()
            || topic
                .by
                .iter()
                .any(|b| self.people[person].service.contains(b))
    }

    /// Draws what an outsider writes about to `person`, what concerns the person first.
    fn outside_topic(&self, rng: &mut Rng, outsider: usize, person: usize) -> &'static Topic {
        let o = &OUTSIDERS[outsider];
        let all = topics::external(o.language);
        let weight = |t: &Topic, fit: bool| {
            if o.about.contains(&t.key) && (!fit || self.concerns(t, person)) {
                t.weight
            } else {
                0
            }
        };
        let mut weights: Vec<usize> = all.iter().map(|t| weight(t, true)).collect();
        if weights.iter().all(|w| *w == 0) {
            weights = all.iter().map(|t| weight(t, false)).collect();
        }
        &all[rng.weighted(&weights)]
    }

    #[allow(clippy::too_many_arguments)]
    fn open(
        &self,
        rng: &mut Rng,
        from: Who,
        to: &[usize],
        topic: &'static Topic,
        language: Language,
        at: i64,
        offset: Option<i32>,
    ) -> Thread {
        self.open_about(rng, from, to, topic, language, at, offset, None)
    }

    /// First letter of a thread; `third` fixes the colleague spoken of.
    #[allow(clippy::too_many_arguments)]
    fn open_about(
        &self,
        rng: &mut Rng,
        from: Who,
        to: &[usize],
        topic: &'static Topic,
        language: Language,
        at: i64,
        offset: Option<i32>,
        third: Option<usize>,
    ) -> Thread {
        let mut inside: Vec<usize> = to.to_vec();
        if let Who::In(i) = from {
            inside.push(i);
        }
        let mut scene = Scene::draw(rng, &self.people, &inside, language, at);
        if let Some(t) = third.filter(|t| *t < self.people.len()) {
            let p = &self.people[t];
            scene.third = t;
            scene.slots.set("tiers", p.name.clone());
            scene.slots.set("tiers_p", p.first.clone());
            scene.slots.set("tiers_login", p.user.clone());
            scene.slots.set("tiers_mdp", p.password.clone());
        }
        if let Who::Out(i) = from
            && !OUTSIDERS[i].company.is_empty()
        {
            let company = OUTSIDERS[i].company;
            if company.starts_with(char::is_uppercase) {
                scene.slots.set("fournisseur", company);
            }
            scene.slots.set("organisme", company);
        }
        if let Some(reader) = to.first() {
            scene.address(rng, &self.people[*reader]);
        }
        let mut subject = expand(rng.pick(topic.subjects), &scene.slots, rng);
        let text = compose::first(topic, &scene, rng);
        let to: Vec<Who> = to.iter().map(|i| Who::In(*i)).collect();
        let author = self.voice(from, rng);
        let attachments = self.attach(rng, topic, topic.attach, &scene, &author, at);
        if attachments.iter().any(|a| a.restricted) && rng.chance(35) {
            subject = format!("[{}] {subject}", docs::MARKING);
        }
        let text = compose::dress(
            &text,
            &author,
            self.first_name(&to).as_deref(),
            language,
            rng,
            false,
        );
        let mut thread = Thread {
            topic,
            scene,
            ids: Vec::new(),
            subject: subject.clone(),
            last: Last {
                author: from,
                to: to.clone(),
                at,
                text: String::new(),
                mail: empty_mail(),
            },
        };
        self.send(
            rng,
            &mut thread,
            from,
            &to,
            &[],
            subject,
            text,
            attachments,
            None,
            at,
            offset,
        );
        thread
    }

    /// Who speaks: an outsider gets the habits a person has.
    fn voice(&self, who: Who, rng: &mut Rng) -> Person {
        match who {
            Who::In(i) => self.people[i].clone(),
            Who::Out(i) => {
                let o = &OUTSIDERS[i];
                Person {
                    user: String::new(),
                    address: o.address.into(),
                    name: o.name.into(),
                    first: o.name.split(' ').next().unwrap_or("").into(),
                    role: o.company.into(),
                    service: String::new(),
                    password: String::new(),
                    language: o.language,
                    style: if rng.chance(70) {
                        people::Style::Formal
                    } else {
                        people::Style::Warm
                    },
                    phone: format!("01 99 00 {:02} 00", 40 + i),
                    mailer: 0,
                }
            }
        }
    }

    fn attach(
        &self,
        rng: &mut Rng,
        topic: &Topic,
        chance: usize,
        scene: &Scene,
        author: &Person,
        at: i64,
    ) -> Vec<Attachment> {
        let mut out = Vec::new();
        if topic.docs.is_empty() || !rng.chance(chance) {
            return out;
        }
        for _ in 0..=rng.weighted(&[68, 22, 10]) {
            let kind = topic.docs[rng.below(topic.docs.len())];
            let restricted = rng.chance(topic.restricted);
            let a = docs::make(kind, scene, rng, &self.people, author, at, restricted);
            // Two files of one name in one letter is what no one does.
            if out.iter().all(|b: &Attachment| b.filename != a.filename) {
                out.push(a);
            }
        }
        out
    }

    /// An answer within a thread.
    fn follow(&self, rng: &mut Rng, thread: &mut Thread, from: Who, at: i64) {
        thread.scene.turn(rng, at);
        let language = thread.scene.language;
        let to = vec![thread.last.author];
        let cc: Vec<Who> = if rng.chance(70) {
            thread
                .last
                .to
                .iter()
                .copied()
                .filter(|w| *w != from && *w != thread.last.author)
                .collect()
        } else {
            Vec::new()
        };
        let author = self.voice(from, rng);
        let attachments = self.attach(
            rng,
            thread.topic,
            thread.topic.attach / 5,
            &thread.scene,
            &author,
            at,
        );
        let mut text = compose::answer(thread.topic, &thread.scene, rng);
        text = compose::dress(
            &text,
            &author,
            self.first_name(&to).as_deref(),
            language,
            rng,
            true,
        );
        let subject = if thread.subject.starts_with("Re: ") {
            thread.subject.clone()
        } else {
            format!("Re: {}", thread.subject)
        };
        if !thread.last.text.is_empty() {
            let quoted = self.quote(thread, from, false);
            text.push_str(&quoted);
        }
        self.send(
            rng,
            thread,
            from,
            &to,
            &cc,
            subject,
            text,
            attachments,
            None,
            at,
            None,
        );
    }

    fn quote(&self, thread: &Thread, from: Who, forward: bool) -> String {
        let to: Vec<String> = thread.last.to.iter().map(|w| self.addr(*w).name).collect();
        let before = Before {
            author: &self.addr(thread.last.author).name,
            to: &to.join(" ; "),
            subject: &thread.subject,
            at: thread.last.at,
            text: &thread.last.text,
        };
        compose::quote(&before, self.mailer(from), thread.scene.language, forward)
    }

    #[allow(clippy::too_many_arguments)]
    fn send(
        &self,
        rng: &mut Rng,
        thread: &mut Thread,
        from: Who,
        to: &[Who],
        cc: &[Who],
        subject: String,
        text: String,
        attachments: Vec<Attachment>,
        forwarded: Option<Vec<u8>>,
        at: i64,
        offset: Option<i32>,
    ) {
        let mailer = self.mailer(from);
        let s = &thread.scene.slots;
        let get = |k: &str| s.get(k).unwrap_or("").to_string();
        let calendar = (thread.topic.key.starts_with("reunion") && thread.ids.is_empty() && rng.chance(25)).then(|| {
            let start = at + 86_400 * rng.between(2, 14);
            format!(
                "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//MEA//Agenda 3//FR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:{}\nDTSTAMP:{}\nDTSTART:{}\nDTEND:{}\nSUMMARY:{subject}\nLOCATION:{}\nORGANIZER:mailto:{}\nEND:VEVENT\nEND:VCALENDAR\n",
                rng.hex(24),
                clock::civil_at(at, 0).strftime("%Y%m%dT%H%M%SZ"),
                clock::civil_at(start, 0).strftime("%Y%m%dT%H0000Z"),
                clock::civil_at(start + 5400, 0).strftime("%Y%m%dT%H0000Z"),
                get("salle"),
                self.addr(from).addr
            )
        });
        let logo =
            (mailer.html && matches!(from, Who::In(_)) && rng.chance(20)).then(|| docs::logo(rng));
        let letter = Letter {
            id: mailer.message_id(rng, at, &self.host(from)),
            from: self.addr(from),
            to: to.iter().map(|w| self.addr(*w)).collect(),
            cc: cc.iter().map(|w| self.addr(*w)).collect(),
            subject,
            text: text.clone(),
            html: None,
            attachments,
            logo,
            forwarded,
            calendar,
            at,
            offset: offset.unwrap_or_else(|| clock::paris_offset(at)),
            in_reply_to: thread.ids.last().cloned(),
            references: thread.ids.clone(),
            language: thread.scene.language,
            extra: match from {
                Who::Out(_) => dkim(&self.host(from), at, rng),
                Who::In(_) => String::new(),
            },
        };
        let outside = [from]
            .iter()
            .chain(to)
            .chain(cc)
            .any(|w| matches!(w, Who::Out(_)));
        let secrets = self.secrets(thread, &text);
        let kind = match (secrets.is_empty(), outside) {
            (false, _) => Kind::Credentials,
            (true, true) => Kind::External,
            (true, false) => Kind::Internal,
        };
        let owner = to
            .iter()
            .chain(cc)
            .find_map(|w| if let Who::In(i) = w { Some(*i) } else { None });
        let mut mail = self.finish(rng, letter, mailer, owner.unwrap_or(0), kind);
        mail.secrets = secrets;
        thread.ids.push(mail.message_id.clone());
        let all: Vec<Who> = to.iter().chain(cc).copied().collect();
        thread.last = Last {
            author: from,
            to: all,
            at,
            text,
            mail,
        };
    }

    /// Secrets that stand in a text, quoted parts included.
    fn secrets(&self, thread: &Thread, text: &str) -> Vec<Secret> {
        if !thread.topic.secret {
            return Vec::new();
        }
        let s = &thread.scene.slots;
        let get = |k: &str| s.get(k).unwrap_or("").to_string();
        let mut out = Vec::new();
        let mut add = |slot: &str, kind, target: String, login: String, account| {
            let value = get(slot);
            if !value.is_empty() && text.contains(&value) {
                out.push(Secret {
                    kind,
                    target,
                    login,
                    value,
                    account,
                });
            }
        };
        let system = if text.contains(&get("appliurl")) {
            get("appliurl")
        } else if text.contains("vpn.") || text.contains(&get("cle")) {
            format!("vpn.{DOMAIN}")
        } else {
            get("hote")
        };
        add(
            "mdp",
            SecretKind::Password,
            system.clone(),
            get("login"),
            None,
        );
        add("cle", SecretKind::SharedKey, system, String::new(), None);
        let third = thread.scene.third;
        add(
            "tiers_mdp",
            SecretKind::Password,
            self.people[third].address.clone(),
            get("tiers_login"),
            Some(third),
        );
        out
    }
}

fn empty_mail() -> Mail {
    Mail {
        owner: 0,
        folder: String::new(),
        date: 0,
        seen: false,
        answered: false,
        raw: Vec::new(),
        message_id: String::new(),
        subject: String::new(),
        from: String::new(),
        to: Vec::new(),
        kind: Kind::Internal,
        attachments: Vec::new(),
        secrets: Vec::new(),
    }
}

/// Fills the mailboxes.
struct Builder {
    start: i64,
    end: i64,
    counts: Vec<usize>,
    targets: Vec<usize>,
    folders: Vec<Vec<String>>,
}

/// No mailbox holds more.
const CAP: usize = 148;

impl Builder {
    fn fill(&mut self, corpus: &mut Corpus, rng: &mut Rng) {
        let n = corpus.people.len();
        // What every mailbox of the kind holds, whatever the draws: notices, newsletters, and a
        // few letters with credentials.
        for to in 0..n {
            for _ in 0..rng.between(2, 6) {
                let at = clock::working_time(rng, self.start, self.end);
                let m = corpus.newsletter(rng, to, at);
                self.put_single(corpus, rng, m);
            }
            for _ in 0..rng.between(2, 6) {
                let at = clock::working_time(rng, self.start, self.end);
                let m = corpus.notice(rng, to, at);
                self.put_single(corpus, rng, m);
            }
            if rng.chance(50) {
                let at = clock::working_time(rng, self.start, self.end);
                let kind = Lookalike::ALL[rng.below(Lookalike::ALL.len())];
                let m = corpus.lookalike(kind, rng, to, at);
                self.put_single(corpus, rng, m);
            }
        }
        for key in [
            "acces", "acces", "acces", "acces", "vpn", "vpn", "intérim", "intérim", "intérim",
        ] {
            let Some(topic) = topics::topics(Language::Fr).iter().find(|t| t.key == key) else {
                continue;
            };
            let from = loop {
                let i = rng.below(n);
                let p = &corpus.people[i];
                if p.language == Language::Fr && topic.by.iter().any(|b| p.service.contains(b)) {
                    break i;
                }
            };
            let to = (from + 1 + rng.below(n - 1)) % n;
            let at = clock::working_time(rng, self.start, self.end);
            let thread = corpus.open(rng, Who::In(from), &[to], topic, Language::Fr, at, None);
            self.deliver(corpus, rng, &thread);
            self.go_on(corpus, rng, thread);
        }
        // Threads, begun by whoever has furthest to go.
        while let Some(lead) = (0..n)
            .filter(|i| self.counts[*i] < self.targets[*i])
            .min_by_key(|i| self.counts[*i] * 1000 / self.targets[*i])
        {
            let at = clock::working_time(rng, self.start, self.end);
            let thread = if rng.chance(26) {
                let mail = corpus.external_thread(rng, lead, at);
                self.deliver(corpus, rng, &mail);
                mail
            } else {
                let others: Vec<usize> = (0..n)
                    .filter(|i| *i != lead && self.counts[*i] < CAP - 8)
                    .collect();
                if others.is_empty() {
                    break;
                }
                let wanted = 1 + rng.weighted(&[52, 24, 12, 8, 4]);
                let mut to: Vec<usize> = Vec::new();
                for _ in 0..wanted * 3 {
                    // Those with room to fill are written to more.
                    let i = others[rng.below(others.len())];
                    let hungry = self.counts[i] < self.targets[i];
                    if to.len() < wanted && !to.contains(&i) && (hungry || rng.chance(25)) {
                        to.push(i);
                    }
                }
                if to.is_empty() {
                    to.push(others[0]);
                }
                let language = corpus.language(lead, &to);
                let topic = corpus.topic(rng, lead, language);
                let t = corpus.open(rng, Who::In(lead), &to, topic, language, at, None);
                self.deliver(corpus, rng, &t);
                t
            };
            self.go_on(corpus, rng, thread);
        }
    }

    /// Answers, and now and then a forward to someone new.
    fn go_on(&mut self, corpus: &mut Corpus, rng: &mut Rng, mut thread: Thread) {
        let rounds = rng.weighted(&[40, 33, 16, 7, 4]);
        for _ in 0..rounds {
            let Some(at) = clock::answer_time(rng, thread.last.at, 30, self.end) else {
                return;
            };
            let candidates: Vec<Who> = thread.last.to.clone();
            if candidates.is_empty() {
                return;
            }
            let from = candidates[rng.below(candidates.len())];
            if self.full(&thread) {
                return;
            }
            if let Who::In(i) = from {
                self.mark_answered(corpus, i, &thread.last.mail.message_id);
            }
            corpus.follow(rng, &mut thread, from, at);
            self.deliver(corpus, rng, &thread);
        }
        if rng.chance(11) {
            let Some(at) = clock::answer_time(rng, thread.last.at, 60, self.end) else {
                return;
            };
            let Some(from) = thread
                .last
                .to
                .iter()
                .copied()
                .find(|w| matches!(w, Who::In(_)))
            else {
                return;
            };
            let to = rng.below(corpus.people.len());
            if self.counts[to] >= CAP - 2 || from == Who::In(to) || self.full(&thread) {
                return;
            }
            corpus.pass_on(rng, &mut thread, from, to, at);
            self.deliver(corpus, rng, &thread);
        }
    }

    fn full(&self, thread: &Thread) -> bool {
        thread
            .last
            .to
            .iter()
            .chain([&thread.last.author])
            .any(|w| matches!(w, Who::In(i) if self.counts[*i] >= CAP - 2))
    }

    fn mark_answered(&self, corpus: &mut Corpus, owner: usize, id: &str) {
        for m in corpus
            .mails
            .iter_mut()
            .filter(|m| m.owner == owner && m.message_id == id)
        {
            m.answered = true;
            m.seen = true;
        }
    }

    fn put_single(&mut self, corpus: &mut Corpus, rng: &mut Rng, mut mail: Mail) {
        let (helo, ip) = corpus.origin(&mail);
        let to = corpus.people[mail.owner].address.clone();
        mail.raw = delivered(&mail.raw, &mail.from, &to, &helo, &ip, mail.date, rng);
        mail.seen = rng.chance(if mail.kind == Kind::Newsletter {
            55
        } else {
            90
        });
        if rng.chance(12) {
            mail.folder = "Trash".into();
        }
        self.counts[mail.owner] += 1;
        corpus.mails.push(mail);
    }

    /// Puts the last letter of a thread into its author's Sent and every reader's mailbox.
    fn deliver(&mut self, corpus: &mut Corpus, rng: &mut Rng, thread: &Thread) {
        let mail = &thread.last.mail;
        if let Who::In(i) = thread.last.author {
            self.counts[i] += 1;
            corpus.mails.push(Mail {
                owner: i,
                folder: "Sent".into(),
                seen: true,
                ..mail.clone()
            });
        }
        let (helo, ip) = corpus.origin(mail);
        for who in &thread.last.to {
            let Who::In(i) = *who else { continue };
            let to = corpus.people[i].address.clone();
            let raw = delivered(&mail.raw, &mail.from, &to, &helo, &ip, mail.date, rng);
            let age = (self.end - mail.date) / 86_400;
            let folder = self.file(rng, i, thread, age);
            let seen = rng.chance(if age > 6 { 97 } else { 72 });
            self.counts[i] += 1;
            corpus.mails.push(Mail {
                owner: i,
                folder,
                seen,
                raw,
                ..mail.clone()
            });
        }
    }

    /// Where a reader keeps a letter: old ones are filed or archived, each person has few folders.
    fn file(&mut self, rng: &mut Rng, owner: usize, thread: &Thread, age: i64) -> String {
        if age > 14 && !thread.topic.folder.is_empty() && rng.chance(50) {
            let name = expand(thread.topic.folder, &thread.scene.slots, rng);
            let mine = &mut self.folders[owner];
            if mine.contains(&name) || mine.len() < 6 {
                if !mine.contains(&name) {
                    mine.push(name.clone());
                }
                return name;
            }
        }
        match rng.below(100) {
            0..=3 => "Trash".into(),
            4..=30 if age > 60 => "Archive".into(),
            _ => "INBOX".into(),
        }
    }
}

impl Corpus {
    fn external_thread(&self, rng: &mut Rng, to: usize, at: i64) -> Thread {
        let reader = self.people[to].language;
        let speaks = |o: &Outsider| o.language == reader || reader == Language::En;
        let topics_of = |o: &Outsider| {
            topics::external(o.language)
                .iter()
                .filter(|t| o.about.contains(&t.key))
        };
        let fits = |o: &Outsider| speaks(o) && topics_of(o).any(|t| self.concerns(t, to));
        let mut choices: Vec<usize> = (0..OUTSIDERS.len())
            .filter(|i| fits(&OUTSIDERS[*i]))
            .collect();
        if choices.is_empty() {
            choices = (0..OUTSIDERS.len())
                .filter(|i| speaks(&OUTSIDERS[*i]))
                .collect();
        }
        let from = choices[rng.below(choices.len())];
        let language = OUTSIDERS[from].language;
        let topic = self.outside_topic(rng, from, to);
        self.open(rng, Who::Out(from), &[to], topic, language, at, None)
    }

    /// Passes the last letter of a thread on: below the new text, or as an attached message.
    fn pass_on(&self, rng: &mut Rng, thread: &mut Thread, from: Who, to: usize, at: i64) {
        let language = thread.scene.language;
        let author = self.voice(from, rng);
        thread.scene.turn(rng, at);
        let words = expand(
            rng.pick(topics::forwards(language)),
            &thread.scene.slots,
            rng,
        );
        let mut text = compose::dress(
            &words,
            &author,
            self.first_name(&[Who::In(to)]).as_deref(),
            language,
            rng,
            true,
        );
        let whole = rng.chance(45);
        let (attachments, forwarded) = if whole {
            (Vec::new(), Some(thread.last.mail.raw.clone()))
        } else {
            let quoted = self.quote(thread, from, true);
            text.push_str(&quoted);
            (thread.last.mail.attachments.clone(), None)
        };
        let carried = if whole {
            thread.last.mail.secrets.clone()
        } else {
            Vec::new()
        };
        let subject = format!(
            "{}: {}",
            if language == Language::Fr {
                "TR"
            } else {
                "Fwd"
            },
            thread.subject
        );
        self.send(
            rng,
            thread,
            from,
            &[Who::In(to)],
            &[],
            subject,
            text,
            attachments,
            forwarded,
            at,
            None,
        );
        let mail = &mut thread.last.mail;
        mail.secrets.extend(carried);
        mail.kind = if mail.secrets.is_empty() {
            Kind::Forward
        } else {
            Kind::Credentials
        };
    }
}

#[cfg(test)]
mod tests;
