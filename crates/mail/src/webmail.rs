//! Which part a webmail's `_part=` names.
//!
//! Roundcube's part ids are IMAP's numbers, with these exceptions
//! (`program/lib/Roundcube/rcube_imap.php`, `rcube_message.php`, 1.5 to 1.7):
//!
//! - `uu.<number>.<n>`: the n-th uuencoded file in the text of part `<number>`;
//! - `winmail.<number>.<n>` and `winmail.<number>.html`: a file or the text inside the TNEF part
//!   `<number>` (winmail.dat);
//! - when the message itself is `message/rfc822`, the parts inside are numbered without the
//!   leading `1.`;
//! - `0` is the body as a whole.

use crate::{Message, Part};

/// What a webmail's part id names.
#[derive(Copy, Clone, Debug)]
pub enum WebmailPart<'m> {
    /// The part of that number.
    Part(&'m Part),
    /// A file taken out of that part: its size is at most the part's decoded size.
    Inside(&'m Part),
    /// The whole body.
    Body,
}

/// Finds what a part id names; `None` when the message has no such part.
pub fn part<'m>(message: &'m Message, id: &str) -> Option<WebmailPart<'m>> {
    let by_number = |n: &str| message.parts.iter().find(|p| p.number == n);
    for prefix in ["uu.", "winmail."] {
        if let Some(rest) = id.strip_prefix(prefix) {
            let (number, _) = rest.rsplit_once('.')?;
            return numbered(message, number).map(WebmailPart::Inside);
        }
    }
    if id == "0" {
        return Some(WebmailPart::Body);
    }
    by_number(id)
        .filter(|_| !is_bare_message(message) || id == "1" && message.parts.len() == 1)
        .or_else(|| numbered(message, id))
        .map(WebmailPart::Part)
}

/// By Roundcube's number.
fn numbered<'m>(message: &'m Message, id: &str) -> Option<&'m Part> {
    let inner = format!("1.{id}");
    let direct = || message.parts.iter().find(|p| p.number == id);
    if is_bare_message(message) {
        message
            .parts
            .iter()
            .find(|p| p.number == inner)
            .or_else(direct)
    } else {
        direct()
    }
}

/// Whether the message is nothing but another message.
fn is_bare_message(message: &Message) -> bool {
    message
        .parts
        .first()
        .is_some_and(|p| p.number == "1" && p.content_type == "message/rfc822")
        && message
            .parts
            .iter()
            .all(|p| p.number == "1" || p.number.starts_with("1."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ContentRules, parse};

    fn number(m: &Message, id: &str) -> Option<String> {
        match part(m, id)? {
            WebmailPart::Part(p) => Some(p.number.clone()),
            WebmailPart::Inside(p) => Some(format!("in {}", p.number)),
            WebmailPart::Body => Some("body".into()),
        }
    }

    #[test]
    fn ids() {
        let rules = ContentRules::none();
        let m = parse(b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a\nContent-Type: application/ms-tnef\n\ny\n--a--\n", &rules);
        let want = |id: &str, n: &str| assert_eq!(number(&m, id).as_deref(), Some(n), "{id}");
        want("2", "2");
        want("winmail.2.1", "in 2");
        want("winmail.2.html", "in 2");
        want("uu.1.0", "in 1");
        want("0", "body");
        assert_eq!(number(&m, "3"), None);
        assert_eq!(number(&m, "uu."), None);
        let m = parse(b"Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a\n\ny\n--a--\n", &rules);
        assert_eq!(number(&m, "2").as_deref(), Some("1.2"));
        assert_eq!(number(&m, "1").as_deref(), Some("1.1"));
    }
}
