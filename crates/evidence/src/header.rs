//! The shape of mail: is this the header of an RFC 5322 message, is this an mbox. Shape only;
//! `vauban-mail` reads messages.

/// Fields that messages have and that other `name: value` texts do not.
const MAIL_FIELDS: &[&[u8]] = &[
    b"received",
    b"return-path",
    b"delivered-to",
    b"message-id",
    b"subject",
    b"from",
    b"to",
    b"date",
    b"mime-version",
    b"reply-to",
    b"x-original-to",
    b"envelope-to",
    b"dkim-signature",
    b"authentication-results",
    b"content-type",
    b"sender",
    b"cc",
    b"in-reply-to",
    b"references",
    b"x-mailer",
    b"arc-seal",
    b"arc-authentication-results",
    b"list-unsubscribe",
];

/// `true` when the bytes begin with header fields (RFC 5322 section 2.2) of which at least `least`
/// are fields of mail. A head that is cut inside the header is fine.
pub(crate) fn is_message(head: &[u8], least: usize) -> bool {
    // mbox files cut into single messages keep their "From " line.
    let head = match head.strip_prefix(b"From ") {
        Some(rest) => after_line(rest),
        None => head,
    };
    let mut known = 0;
    let mut fields = 0;
    for line in head.split(|b| *b == b'\n').take(400) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if fields == 0 {
                return false;
            }
            continue;
        }
        let Some(name) = field_name(line) else { break };
        fields += 1;
        let lower = name.to_ascii_lowercase();
        known += usize::from(MAIL_FIELDS.contains(&lower.as_slice()));
        if known >= least && fields >= least {
            return true;
        }
    }
    false
}

/// The name of a header field: printable ASCII without colon, then a colon.
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', line.get(..200).unwrap_or(line))?;
    let name = line.get(..colon)?.trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(|b| (33..=126).contains(b));
    good.then_some(name)
}

fn after_line(bytes: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', bytes)
        .and_then(|at| bytes.get(at + 1..))
        .unwrap_or(&[])
}

/// An mbox (RFC 4155): a `From ` line with an asctime date at its end, then a header.
pub(crate) fn is_mbox(head: &[u8]) -> bool {
    if !head.starts_with(b"From ") {
        return false;
    }
    let end = memchr::memchr(b'\n', head).unwrap_or(head.len());
    let line = head.get(..end).unwrap_or(head);
    let clock = line.windows(6).any(|w| {
        matches!(w, [b' ', a, b, b':', c, d] if [a, b, c, d].iter().all(|x| x.is_ascii_digit()))
    });
    clock
        && after_line(head)
            .split(|b| *b == b'\n')
            .next()
            .is_some_and(|l| field_name(l).is_some())
}
