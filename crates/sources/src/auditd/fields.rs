//! One audit record: its type, time, serial number and fields.

use crate::field::number_prefix;
use std::borrow::Cow;
use vauban_ocsf::Timestamp;

/// `auid` and `ses` of a process that no one logged in to.
const UNSET: &str = "4294967295";
/// Between a record and what auditd resolved of it.
const ENRICHMENT: char = '\u{1d}';

/// A record.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Record<'a> {
    /// Host, where auditd writes it.
    pub(crate) node: &'a str,
    /// `SYSCALL`.
    pub(crate) kind: &'a str,
    pub(crate) time: Timestamp,
    pub(crate) serial: u64,
    /// Fields as written by the kernel or the program.
    pub(crate) text: &'a str,
    /// Fields that auditd resolved (`AUID="root"`).
    enriched: &'a str,
    /// What stands in `msg='…'`, or `""`.
    message: &'a str,
}

impl<'a> Record<'a> {
    /// A line of `audit.log`.
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        let mut rest = line.trim_start();
        let mut node = "";
        if let Some(after) = rest.strip_prefix("node=") {
            (node, rest) = after.split_once(' ')?;
        }
        let (kind, rest) = rest.strip_prefix("type=")?.split_once(' ')?;
        let rest = rest.strip_prefix("msg=")?;
        Self::from_parts(node, kind, rest)
    }

    /// A record inside syslog, where the kernel writes it without `msg=`:
    /// `audit: type=1100 audit(…): …`, `AVC audit(…): …`.
    pub(crate) fn read_any(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix("audit: ").unwrap_or(text);
        if let Some(record) = Self::read(text) {
            return Some(record);
        }
        let (kind, rest) = text.strip_prefix("type=")?.split_once(' ')?;
        Self::from_parts("", kind, rest)
    }

    /// A record whose stamp a journal took off: `USER_LOGIN pid=…`.
    pub(crate) fn without_stamp(text: &'a str, time: Timestamp) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        let word = kind
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !word || kind.len() < 2 || !rest.contains('=') {
            return None;
        }
        let (text, enriched) = rest.split_once(ENRICHMENT).unwrap_or((rest, ""));
        let text = text.trim();
        Some(Self {
            node: "",
            kind,
            time,
            serial: 0,
            text,
            enriched,
            message: message(text),
        })
    }

    fn from_parts(node: &'a str, kind: &'a str, rest: &'a str) -> Option<Self> {
        if kind.is_empty() {
            return None;
        }
        let (seconds, rest) = number_prefix(rest.strip_prefix("audit(")?)?;
        let (millis, rest) = number_prefix(rest.strip_prefix('.')?)?;
        let (serial, rest) = number_prefix(rest.strip_prefix(':')?)?;
        let rest = rest.strip_prefix("):")?;
        let micros = i64::try_from(seconds)
            .ok()?
            .checked_mul(1_000_000)?
            .checked_add(i64::try_from(millis.min(999)).ok()? * 1000)?;
        let (text, enriched) = rest.split_once(ENRICHMENT).unwrap_or((rest, ""));
        let text = text.trim();
        Some(Self {
            node,
            kind: name_of(kind),
            time: Timestamp(micros),
            serial,
            text,
            enriched,
            message: message(text),
        })
    }

    /// A record of user space or of auditd, which has no others beside it.
    pub(crate) fn stands_alone(&self) -> bool {
        const ALONE: &[&str] = &[
            "LOGIN", // of its own, but the kernel may write the system call beside it
        ];
        if ALONE.contains(&self.kind) {
            return false;
        }
        [
            "USER_",
            "CRED_",
            "ADD_",
            "DEL_",
            "GRP_",
            "ACCT_",
            "CHUSER",
            "CHGRP",
            "DAEMON_",
            "SERVICE_",
            "CRYPTO_",
            "SYSTEM_",
            "VIRT_",
            "ROLE_",
            "LABEL_",
            "USYS_",
            "SOFTWARE_",
            "RESP_",
            "TRUSTED_",
            "TEST",
        ]
        .iter()
        .any(|prefix| self.kind.starts_with(prefix))
    }

    /// The last field of a name: outside the quoted message first, then in it.
    pub(crate) fn raw(&self, name: &str) -> &'a str {
        let outside = match self.text.find("msg='") {
            Some(at) => self.text.get(..at).unwrap_or_default(),
            None => self.text,
        };
        field(outside, name)
            .or_else(|| field(self.message, name))
            .unwrap_or_default()
    }

    /// A field of the quoted message.
    pub(crate) fn said(&self, name: &str) -> &'a str {
        field(self.message, name).unwrap_or_default()
    }

    /// A field that may be quoted or hexadecimal, decoded; `""` for `(null)`, `?` and the like.
    pub(crate) fn text_of(&self, name: &str) -> Cow<'a, str> {
        decode(self.raw(name))
    }

    /// What auditd resolved a field to.
    pub(crate) fn enriched(&self, name: &str) -> &'a str {
        field(self.enriched, name)
            .map(|value| value.trim_matches('"'))
            .unwrap_or_default()
    }

    /// The name of a user field if auditd resolved it, else the number; `""` if unset.
    pub(crate) fn user(&self, name: &str) -> &'a str {
        let upper = match name {
            "auid" => "AUID",
            "uid" => "UID",
            _ => "EUID",
        };
        let resolved = self.enriched(upper);
        let value = if resolved.is_empty() || resolved.starts_with("unknown(") {
            self.raw(name)
        } else {
            resolved
        };
        if matches!(value, UNSET | "-1" | "unset") {
            ""
        } else {
            value
        }
    }

    /// Who acted: the user that logged in, else the one the process runs as.
    pub(crate) fn actor(&self) -> &'a str {
        match self.user("auid") {
            "" => self.user("uid"),
            name => name,
        }
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.raw(name).parse().ok()
    }
}

/// What stands between `msg='` and the last apostrophe. Account names may have apostrophes, but
/// the writer's own closes.
fn message(text: &str) -> &str {
    let Some(at) = text.find("msg='") else {
        return "";
    };
    let inner = text.get(at + 5..).unwrap_or_default();
    inner
        .rfind('\'')
        .and_then(|end| inner.get(..end))
        .unwrap_or(inner)
}

/// Calls `each` with every `key=value`. A word without `=` belongs to the value before it
/// (`op=adding user`); in an AVC record there is nothing to add it to.
pub(crate) fn fields<'a>(text: &'a str, mut each: impl FnMut(&'a str, &'a str)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut pending: Option<(&str, usize, usize)> = None;
    while at < bytes.len() {
        if matches!(bytes.get(at), Some(b' ' | b',' | b'(')) {
            at += 1;
            continue;
        }
        let start = at;
        let mut equals = None;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b' ' => break,
                b'=' if equals.is_none() => {
                    equals = Some(at);
                    let open = bytes.get(at + 1);
                    if open == Some(&b'"') {
                        // No escapes: what holds a quotation mark is written in hexadecimal.
                        let from = at + 2;
                        let close = bytes
                            .get(from..)
                            .and_then(|rest| memchr::memchr(b'"', rest))
                            .map_or(bytes.len(), |n| from + n + 1);
                        at = close;
                        break;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        match equals {
            Some(equals) => {
                if let Some((key, from, to)) = pending.take() {
                    each(key, text.get(from..to).unwrap_or_default());
                }
                pending = Some((text.get(start..equals).unwrap_or_default(), equals + 1, at));
            }
            None => {
                if let Some((_, _, to)) = &mut pending {
                    *to = at;
                }
            }
        }
    }
    if let Some((key, from, to)) = pending {
        each(key, text.get(from..to).unwrap_or_default());
    }
}

/// The last field of a name. (`old auid=… new auid=…`: the new one; a word before is passed.)
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    fields(text, |key, value| {
        if key == name {
            found = Some(value);
        }
    });
    found.map(|value| value.trim_end_matches([',', ')']))
}

/// A value without its quotation marks, hexadecimal decoded.
pub(crate) fn decode(value: &str) -> Cow<'_, str> {
    if let Some(quoted) = value.strip_prefix('"') {
        return quoted.strip_suffix('"').unwrap_or(quoted).into();
    }
    match value {
        "(null)" | "(none)" | "?" | "(unknown)" => return "".into(),
        _ => {}
    }
    match hex(value) {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        None => value.into(),
    }
}

/// Octets of hexadecimal digits as the kernel writes them (upper case, an even number).
pub(crate) fn hex(value: &str) -> Option<Vec<u8>> {
    if value.is_empty() || !value.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    value
        .as_bytes()
        .chunks(2)
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?))
        .collect()
}

/// Names of the numbers that stand in place of a type where the kernel writes to syslog itself.
fn name_of(kind: &str) -> &str {
    match kind {
        "1006" => "LOGIN",
        "1100" => "USER_AUTH",
        "1101" => "USER_ACCT",
        "1102" => "USER_MGMT",
        "1103" => "CRED_ACQ",
        "1104" => "CRED_DISP",
        "1105" => "USER_START",
        "1106" => "USER_END",
        "1107" => "USER_AVC",
        "1108" => "USER_CHAUTHTOK",
        "1109" => "USER_ERR",
        "1110" => "CRED_REFR",
        "1112" => "USER_LOGIN",
        "1113" => "USER_LOGOUT",
        "1114" => "ADD_USER",
        "1115" => "DEL_USER",
        "1116" => "ADD_GROUP",
        "1117" => "DEL_GROUP",
        "1123" => "USER_CMD",
        "1130" => "SERVICE_START",
        "1131" => "SERVICE_STOP",
        "1300" => "SYSCALL",
        "1302" => "PATH",
        "1305" => "CONFIG_CHANGE",
        "1306" => "SOCKADDR",
        "1307" => "CWD",
        "1309" => "EXECVE",
        "1319" => "TTY",
        "1320" => "EOE",
        "1326" => "SECCOMP",
        "1327" => "PROCTITLE",
        "1330" => "KERN_MODULE",
        "1400" => "AVC",
        "1700" => "ANOM_PROMISCUOUS",
        "1701" => "ANOM_ABEND",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_kind_of_quoting() {
        let line = "node=mx type=USER_CMD msg=audit(1783414573.687:423): pid=2100 uid=0 \
                    msg='cwd=\"/ro ot\" cmd=636174202F6574632F736861646F77 op=adding user acct=\"o'x\" (hostname=h, addr=192.0.2.1, res=success)'\u{1d}UID=\"root\" AUID=\"unset\"";
        let record = Record::read(line).expect("record");
        assert_eq!((record.node, record.kind), ("mx", "USER_CMD"));
        assert_eq!(record.time.to_string(), "2026-07-07T08:56:13.687000Z");
        assert_eq!(record.text_of("cwd"), "/ro ot");
        assert_eq!(record.text_of("cmd"), "cat /etc/shadow");
        assert_eq!(record.raw("op"), "adding user");
        assert_eq!(record.text_of("acct"), "o'x");
        assert_eq!(record.raw("addr"), "192.0.2.1");
        assert_eq!(record.raw("res"), "success");
        assert_eq!((record.user("uid"), record.user("auid")), ("root", ""));
    }

    #[test]
    fn what_is_no_record() {
        for line in [
            "",
            "type=X msg=audit(1): x",
            "type= msg=audit(1.1:1): x",
            "msg=audit(1.1:1): x",
            "type=X msg=audit(1.1:1) x",
            "type=X msg=audit(99999999999999999999.1:1): x",
        ] {
            assert!(Record::read(line).is_none(), "{line}");
        }
        assert_eq!(hex("4G"), None);
        assert_eq!(hex("616"), None);
        assert_eq!(hex("6162"), Some(b"ab".to_vec()));
    }
}
