//! rspamd's summary of each message, in syslog and in its own file, where
//! `#842(normal) <de4dd5>; task; ` stands before it.
//!
//! The default `log_format` (`conf/logging.inc`): `id: <MID>, qid: <QID>, ip: IP, user: USER, from:
//! <FROM>, (default: T (ACTION): [SCORE/LIMIT] [SYMBOLS]), len: N, …, rcpts: <…>, mime_rcpts: <…>`.
//! The Message-ID and the addresses are the sender's and may imitate what follows them: where a
//! field of the envelope appears twice before the verdict, it is not believed.

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, Email, EmailActivity, EmailExtra, Product, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

const MARK: &str = "rspamd_task_write_log: ";

fn claims(record: &Record<'_>) -> bool {
    record.program == "rspamd"
        || (record.tag.starts_with('#') && record.message.contains("rspamd_task_write_log"))
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let Some(at) = field::find(record.message, MARK) else {
        return out.ignored(record);
    };
    let text = record.message.get(at + MARK.len()..).unwrap_or_default();
    let Some((envelope, verdict)) = text.split_once("(default: ") else {
        // A `log_format` of the site's own.
        return out.ignored(record);
    };
    let Some((action, scores, symbols, tail)) = take_apart(verdict) else {
        return out.unparsed(record, "rspamd summary without scores");
    };
    let rejected = matches!(action, "reject" | "soft reject" | "greylist");
    let email = Email {
        activity: if rejected {
            EmailActivity::Rejected
        } else {
            EmailActivity::Other
        },
        status: if rejected {
            Status::Failure
        } else {
            Status::Unknown
        },
        queue_id: once(envelope, "qid: <", ">"),
        message_id: envelope
            .strip_prefix("id: <")
            .and_then(|id| id.split_once('>'))
            .map_or("", |(id, _)| id),
        from: once(envelope, " from: <", ">"),
        to: once(tail, ", rcpts: <", ">"),
        size: field::number_prefix(once(tail, ", len: ", ",")).map(|(n, _)| n),
        sasl_user: once(envelope, " user: ", ","),
        src_ip: field::ip(once(envelope, " ip: ", ",")),
        agent: "rspamd",
        outcome: action,
        extra: Some(Box::new(EmailExtra {
            score: scores.split('/').next().and_then(|s| s.parse().ok()),
            verdicts: symbols,
            header_to: once(tail, ", mime_rcpts: <", ">"),
            ..EmailExtra::default()
        })),
        ..Email::default()
    };
    out.event(record, Product::Rspamd, Body::Email(email))
}

/// `T (reject): [51.90/15.00] [SYMBOLS]), len: …`: action, scores, symbols, the rest.
fn take_apart(verdict: &str) -> Option<(&str, &str, &str, &str)> {
    let (_, rest) = verdict.split_once('(')?;
    let (action, rest) = rest.split_once("): [")?;
    let (scores, rest) = rest.split_once("] [")?;
    // Options of symbols may hold anything; the length comes after the last of them.
    let end = field::rfind(rest, "]), len: ").or_else(|| rest.rfind("])"))?;
    Some((
        action,
        scores,
        rest.get(..end)?,
        // From the comma before `len`.
        rest.get(end + 2..).unwrap_or_default(),
    ))
}

/// What stands between `before` and `after`; `""` if `before` is not there or there twice.
fn once<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let Some((_, rest)) = text.split_once(before) else {
        return "";
    };
    if rest.contains(before) {
        return "";
    }
    rest.split(after).next().unwrap_or_default()
}
