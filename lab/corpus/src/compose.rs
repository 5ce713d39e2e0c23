//! From a topic and a scene to the text of a letter.

use crate::clock;
use crate::grammar::sentence;
use crate::mailer::Mailer;
use crate::people::{Language, MINISTRY, Person, Style};
use crate::rng::Rng;
use crate::scene::Scene;
use crate::topics::{self, Topic};

/// What an answer refers to.
pub(crate) struct Before<'a> {
    pub(crate) author: &'a str,
    pub(crate) to: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) at: i64,
    pub(crate) text: &'a str,
}

/// Sentences of a first letter, without greeting and signature.
pub(crate) fn first(topic: &Topic, scene: &Scene, rng: &mut Rng) -> String {
    let mut paras = vec![sentence(rng.pick(topic.lead), &scene.slots, rng)];
    let mut order: Vec<usize> = (0..topic.body.len()).collect();
    rng.shuffle(&mut order);
    let wanted = if topic.secret {
        1
    } else {
        rng.between(1, 7) as usize
    };
    let mut current = String::new();
    for i in order.into_iter().take(wanted) {
        let next = sentence(topic.body[i], &scene.slots, rng);
        if current.is_empty() || topic.secret {
            current.push_str(&next);
        } else if rng.chance(45) {
            paras.push(std::mem::take(&mut current));
            current = next;
        } else {
            current.push(' ');
            current.push_str(&next);
        }
    }
    paras.push(current);
    let ask = sentence(rng.pick(topic.ask), &scene.slots, rng);
    if !ask.is_empty() {
        paras.push(ask);
    }
    paras.retain(|p| !p.is_empty());
    paras.join("\n\n")
}

/// Sentences of an answer.
pub(crate) fn answer(topic: &Topic, scene: &Scene, rng: &mut Rng) -> String {
    let mut out = Vec::new();
    if !topic.replies.is_empty() && rng.chance(70) {
        out.push(sentence(rng.pick(topic.replies), &scene.slots, rng));
    }
    let generic = topics::generic_replies(scene.language);
    if out.is_empty() || rng.chance(55) {
        out.push(sentence(rng.pick(generic), &scene.slots, rng));
    }
    if rng.chance(25) && !topic.body.is_empty() && !topic.secret {
        out.push(sentence(rng.pick(topic.body), &scene.slots, rng));
    }
    out.join(if rng.chance(30) { "\n\n" } else { " " })
}

/// Greeting, text, closing and signature of a person writing to someone with a first name.
pub(crate) fn dress(
    text: &str,
    author: &Person,
    reader: Option<&str>,
    language: Language,
    rng: &mut Rng,
    reply: bool,
) -> String {
    let fr = language == Language::Fr;
    let to = reader.unwrap_or("");
    let greeting = match (author.style, fr) {
        (Style::Brisk, _) if reply => String::new(),
        (Style::Brisk, true) => {
            if to.is_empty() {
                "Bonjour,".into()
            } else {
                format!("{to},")
            }
        }
        (Style::Brisk, false) if to.is_empty() => "All,".into(),
        (Style::Brisk, false) => format!("{to},"),
        (_, true) if to.is_empty() => rng
            .pick(&[
                "Bonjour à toutes et à tous,",
                "Bonjour à tous,",
                "Chers collègues,",
            ])
            .into(),
        (_, false) if to.is_empty() => rng
            .pick(&["Dear all,", "Dear colleagues,", "Hello everyone,"])
            .into(),
        (Style::Formal, true) => format!("Bonjour {to},"),
        (Style::Warm, true) => format!(
            "{} {to},",
            rng.pick(&["Bonjour", "Salut", "Coucou", "Hello"])
        ),
        (Style::Formal, false) => format!("Dear {to},"),
        (Style::Warm, false) => format!("{} {to},", rng.pick(&["Hi", "Hello", "Dear"])),
    };
    let closing = match (author.style, fr) {
        (Style::Formal, true) => rng.pick(&[
            "Cordialement,",
            "Bien cordialement,",
            "Avec mes remerciements,",
        ]),
        (Style::Warm, true) => rng.pick(&[
            "Bonne journée,",
            "À bientôt,",
            "Amicalement,",
            "Belle journée à toi,",
        ]),
        (Style::Brisk, true) => rng.pick(&["Cdt,", "Merci,", ""]),
        (Style::Formal, false) => {
            rng.pick(&["Kind regards,", "Best regards,", "With best wishes,"])
        }
        (Style::Warm, false) => rng.pick(&["Best,", "Cheers,", "All the best,"]),
        (Style::Brisk, false) => rng.pick(&["Thanks,", "Regards,", ""]),
    };
    let full = !reply && (author.style == Style::Formal || rng.chance(50));
    let signature = if author.user.is_empty() {
        format!(
            "--\n{}{}{}\nTél. {}",
            author.name,
            if author.role.is_empty() { "" } else { "\n" },
            author.role,
            author.phone
        )
    } else if full {
        format!(
            "--\n{}\n{} - {}\n{MINISTRY}\nTél. {}",
            author.name, author.role, author.service, author.phone
        )
    } else if author.style == Style::Formal {
        author.name.clone()
    } else {
        author.first.clone()
    };
    let mut out = String::new();
    for piece in [greeting.as_str(), text, closing] {
        if !piece.is_empty() {
            out.push_str(piece);
            out.push_str("\n\n");
        }
    }
    out.push_str(&signature);
    out.push('\n');
    out
}

/// The letter answered or passed on, as the author's client sets it below the new text.
pub(crate) fn quote(before: &Before, mailer: &Mailer, language: Language, forward: bool) -> String {
    let fr = language == Language::Fr;
    let t = clock::civil_at(before.at, clock::paris_offset(before.at));
    // Clients quote everything; people cut. Sixty lines are what one sees of long threads.
    let old: Vec<&str> = before.text.lines().take(60).collect();
    if mailer.block_quote || forward {
        let rule = match (forward, fr) {
            (true, true) => "-------- Message transféré --------",
            (true, false) => "-------- Forwarded message --------",
            (false, true) => "-----Message d'origine-----",
            (false, false) => "-----Original message-----",
        };
        let (from, sent, to, subject) = if fr {
            ("De", "Envoyé", "À", "Objet")
        } else {
            ("From", "Sent", "To", "Subject")
        };
        return format!(
            "\n{rule}\n{from} : {}\n{sent} : {}\n{to} : {}\n{subject} : {}\n\n{}\n",
            before.author,
            t.strftime("%d/%m/%Y %H:%M"),
            before.to,
            before.subject,
            old.join("\n")
        );
    }
    let head = if fr {
        format!(
            "Le {}, {} a écrit :",
            t.strftime("%d/%m/%Y à %H:%M"),
            before.author
        )
    } else {
        format!(
            "On {}, {} wrote:",
            t.strftime("%d/%m/%Y at %H:%M"),
            before.author
        )
    };
    let quoted: Vec<String> = old
        .iter()
        .map(|l| {
            if l.starts_with('>') {
                format!(">{l}")
            } else {
                format!("> {l}")
            }
        })
        .collect();
    format!("\n{head}\n{}\n", quoted.join("\n"))
}
