//! One mailbox, one IMAP and one webmail session: the shortest story, to see that all daemons work.

use std::sync::Arc;

use anyhow::{Context, Result};
use vauban_corpus::{Corpus, Rng};

use super::cast;
use crate::RunArgs;
use crate::clock::SEC;
use crate::daemons::mail::MailOptions;
use crate::daemons::web::{WebOptions, WebServer};
use crate::lab::{Lab, Setup};
use crate::play::{self, ImapPlay, PopPlay, WebPlay};
use crate::sim::Sim;
use crate::syslogd::Stamp;
use crate::truth::Who;

/// Plays it.
pub fn play(args: &RunArgs) -> Result<()> {
    let corpus = Corpus::ministry(args.seed);
    let start = cast::at("2025-11-25 08:00");
    let setup = Setup {
        start,
        zone: "Europe/Paris",
        stamp: Stamp::Rfc3164,
        accounts: cast::accounts(&corpus),
        mail: MailOptions {
            rich_log: args.rich_log,
            master: None,
        },
        web: WebOptions {
            server: WebServer::Nginx,
            rich_log: args.rich_log,
        },
        addresses: cast::addresses(corpus.people.len()),
        names: cast::names(),
        exchangers: cast::exchangers(),
    };
    let lab = Arc::new(Lab::build(setup, || cast::fill(&corpus, &corpus.mails))?);
    let mut sim = Sim::new(Arc::clone(&lab.clock));
    let address = |i: usize| {
        corpus
            .people
            .get(i)
            .map(|p| p.address.clone())
            .unwrap_or_default()
    };

    let (one, mine) = (address(0), Arc::clone(&lab));
    sim.at(start + 600 * SEC, "imap", move |me| {
        let who = Who::honest("user", "reads mail at the desk");
        let mut imap = ImapPlay::login(&mine, cast::desk(0), &one, "Thunderbird", &who)?;
        imap.select("INBOX")?;
        let uids = imap.uids()?;
        imap.headers(
            &uids,
            "(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])",
        )?;
        me.sleep(20.0)?;
        imap.fetch(uids.get(..3).unwrap_or_default(), "(UID BODY.PEEK[])")?;
        me.sleep(40.0)?;
        imap.logout()
    });

    let (two, mine) = (address(1), Arc::clone(&lab));
    sim.at(start + 605 * SEC, "webmail", move |me| {
        let who = Who::honest("user", "reads mail at home");
        let agent = cast::browser(1);
        let mut web = WebPlay::login(&mine, cast::home(1), &two, &agent, &who, true)?;
        let rows = web.list("INBOX", 1)?;
        me.sleep(12.0)?;
        for uid in rows.iter().take(4) {
            web.preview("INBOX", *uid)?;
            me.sleep(15.0)?;
            web.download_all("INBOX", *uid)?;
        }
        web.search("INBOX", "réunion", "text")?;
        if let Some(uid) = rows.first() {
            web.save_eml("INBOX", *uid)?;
        }
        web.zip_messages("INBOX", rows.get(..2).unwrap_or_default())?;
        web.send(
            "contact@norvane.example",
            "Essai",
            "Bonjour,\n\nCeci est un essai.\n",
        )?;
        me.sleep(5.0)?;
        web.logout()
    });

    let (three, four, mine) = (address(2), address(3), Arc::clone(&lab));
    let letter = corpus.new_mail(
        &mut Rng::new(args.seed),
        2,
        &[3],
        (start / SEC) + 1200,
        3600,
    );
    sim.at(start + 1200 * SEC, "smtp", move |me| {
        let who = Who::honest("user", "writes to a colleague");
        play::submit(&mine, cast::desk(2), &three, &[&four], &letter.raw, &who)?;
        me.sleep(60.0)?;
        let mut pop = PopPlay::login(&mine, cast::home(3), &four, &who)?;
        pop.list()?;
        let last = u32::try_from(pop.count()).context("too many messages")?;
        pop.retr(last)?;
        pop.top(1, 0)?;
        pop.quit()
    });

    lab.play(sim)?;
    let truth = lab.books.finish("slice", "no_evidence_of_breach");
    lab.finish(&args.out, &truth)
}
