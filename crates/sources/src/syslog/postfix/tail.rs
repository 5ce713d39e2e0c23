//! The tail that smtpd, cleanup and postscreen put after a reply or action:
//! `; from=<F> to=<T> proto=ESMTP helo=<H> sasl_username=<U>`.
//!
//! Sender, recipient and header text are the client's, and what stands before the tail may quote
//! them, so a forged tail can stand there. smtpd puts `?` for `<>;` and others in HELO names
//! (`neuter()`), so a tail that reaches the end of the record with a clean HELO name is real: the
//! first such, as a forged one within the sender comes later. Where no candidate is clean
//! (postscreen), the one whose own values the text before it quotes counts, else the first outside
//! angle brackets.

use crate::field;

/// What a tail says; absent parts are `""`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub protocol: &'a str,
    pub helo: &'a str,
    pub sasl_user: &'a str,
    /// cleanup: text of a header or body check's action after the tail.
    pub remark: &'a str,
}

/// Text before the tail, and the tail.
pub fn split(text: &str) -> (&str, Tail<'_>) {
    let bytes = text.as_bytes();
    let mut inside = false;
    let mut best: Option<(usize, Tail<'_>, bool)> = None;
    let mut candidates = 0;
    for at in memchr::memchr3_iter(b'<', b'>', b';', bytes) {
        match bytes[at] {
            b'<' => inside = true,
            b'>' => inside = false,
            _ => {
                let Some(start) = text.get(at + 1..).and_then(|t| t.strip_prefix(' ')) else {
                    continue;
                };
                if !["from=", "to=", "proto=", "helo="]
                    .iter()
                    .any(|key| start.starts_with(key))
                {
                    continue;
                }
                // Each costs a look at the whole text; so many are an attack, and none is believed.
                candidates += 1;
                if candidates > 16 {
                    return (text, Tail::default());
                }
                let Some(tail) = parse(start) else { continue };
                if !tail.helo.is_empty() && !tail.helo.contains(['<', '>', ';']) {
                    return (text.get(..at).unwrap_or_default(), tail);
                }
                best = match best {
                    None => Some((at, tail, inside)),
                    Some(first) if quoted(text, first.0, &first.1) => break,
                    Some(_) if quoted(text, at, &tail) => {
                        best = Some((at, tail, inside));
                        break;
                    }
                    Some((_, _, true)) if !inside => Some((at, tail, inside)),
                    first => first,
                };
            }
        }
    }
    match best {
        Some((at, tail, _)) => (text.get(..at).unwrap_or_default(), tail),
        None => (text, Tail::default()),
    }
}

/// Whether the text before a tail quotes one of its values in angle brackets.
fn quoted(text: &str, at: usize, tail: &Tail<'_>) -> bool {
    let before = text.get(..at).unwrap_or_default();
    [tail.helo, tail.from, tail.to].iter().any(|value| {
        !value.is_empty()
            && before.match_indices(value).any(|(at, _)| {
                before.get(..at).is_some_and(|t| t.ends_with('<'))
                    && before
                        .get(at + value.len()..)
                        .is_some_and(|t| t.starts_with('>'))
            })
    })
}

fn parse(text: &str) -> Option<Tail<'_>> {
    let mut tail = Tail::default();
    let mut rest = text;
    let mut any = false;
    if let Some(inner) = rest.strip_prefix("from=") {
        (tail.from, rest) = address(inner)?;
        any = true;
    }
    if let Some(inner) = rest.strip_prefix("to=") {
        (tail.to, rest) = address(inner)?;
        any = true;
    }
    if let Some(inner) = rest.strip_prefix("proto=") {
        let end = inner.find([' ', ',', ':']).unwrap_or(inner.len());
        (tail.protocol, rest) = inner.split_at(end);
        rest = separator(rest);
        any = true;
    }
    if let Some(inner) = rest.strip_prefix("helo=") {
        // Everything up to the last bracket: no address follows but the SASL name.
        let inner = inner.strip_prefix('<').unwrap_or(inner);
        let (helo, after) = match inner.rfind("> sasl_username=<") {
            Some(at) if inner.ends_with('>') => {
                let (helo, user) = inner.split_at(at);
                tail.sasl_user = user.get(17..user.len() - 1)?;
                (helo, "")
            }
            _ => match inner.find(">: ") {
                _ if inner.ends_with('>') => (&inner[..inner.len() - 1], ""),
                Some(at) => (&inner[..at], &inner[at + 1..]),
                None => (inner, ""),
            },
        };
        tail.helo = helo;
        rest = after;
        any = true;
    }
    if let Some(inner) = rest.strip_prefix("sasl_username=") {
        (tail.sasl_user, rest) = address(inner)?;
    }
    if !(tail.to.is_empty() && tail.protocol.is_empty())
        && let Some(remark) = rest.strip_prefix(": ")
    {
        tail.remark = remark;
        rest = "";
    }
    (any && rest.is_empty()).then_some(tail)
}

/// An address in brackets, then a blank, a comma or the end.
fn address(text: &str) -> Option<(&str, &str)> {
    let (address, rest) = field::angle(text)?;
    let next = separator(rest);
    (next.len() < rest.len() || rest.is_empty() || rest.starts_with(": "))
        .then_some((address, next))
}

fn separator(rest: &str) -> &str {
    rest.strip_prefix(", ")
        .or_else(|| rest.strip_prefix(' '))
        .unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails() {
        let (text, tail) = split(
            "450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]; \
             from=<a@b> to=<c@d> proto=ESMTP helo=<h>",
        );
        assert!(text.ends_with("[192.0.2.1]"));
        assert_eq!(
            (tail.from, tail.to, tail.protocol, tail.helo),
            ("a@b", "c@d", "ESMTP", "h")
        );
        let (_, tail) = split("x; from=<>, to=<c@d>, proto=SMTP, helo=<h>");
        assert_eq!((tail.from, tail.to, tail.helo), ("", "c@d", "h"));
        let (_, tail) = split("x; from=<a@b> to=<c@d> proto=ESMTP helo=<h> sasl_username=<u>");
        assert_eq!((tail.helo, tail.sasl_user), ("h", "u"));
        let (text, tail) = split("x; http://list.example/?a=1; from=<a@b> proto=SMTP helo=<h>");
        assert_eq!((text, tail.from), ("x; http://list.example/?a=1", "a@b"));
        let (_, tail) = split("header Subject: x from y; from=<a@b> to=<c@d>");
        assert_eq!((tail.from, tail.to), ("a@b", "c@d"));
        let (_, tail) =
            split("header X from y[192.0.2.1]; from=<a@b> to=<c> proto=ESMTP helo=<h>: no");
        assert_eq!((tail.helo, tail.remark), ("h", "no"));
    }

    /// As Debian 12's Postfix 3.7.11 wrote them.
    #[test]
    fn forged_headers_and_senders() {
        let (text, tail) = split(
            "header Subject: x from evil[6.6.6.6]; from=<z@z> to=<y@y> proto=ESMTP helo=<h> from \
             localhost[127.0.0.1]; from=<a@b> to=<u@v> proto=ESMTP helo=<client.example.org>",
        );
        assert!(text.ends_with("from localhost[127.0.0.1]"));
        assert_eq!((tail.from, tail.helo), ("a@b", "client.example.org"));
        let (text, tail) = split(
            "550 5.1.1 <out@far>: Recipient address rejected: no; from=<\"x>; from=<z\"@b> \
             to=<out@far> proto=ESMTP helo=<client>",
        );
        assert!(text.ends_with("no"));
        assert_eq!((tail.from, tail.to), ("\"x>; from=<z\"@b", "out@far"));
    }

    #[test]
    fn a_helo_name_shaped_like_a_tail_changes_nothing() {
        let forged = "x>; from=<ceo@b> to=<z@z> proto=ESMTP helo=<y";
        let line = format!(
            "504 5.5.2 <{forged}>: Helo command rejected: need fully-qualified hostname; \
             from=<a@b> to=<c@d> proto=ESMTP helo=<{forged}>"
        );
        let (_, tail) = split(&line);
        assert_eq!((tail.from, tail.to, tail.helo), ("a@b", "c@d", forged));
    }
}
