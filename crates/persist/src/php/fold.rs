//! PHP's own functions as far as their results can be told without running anything: decoders
//! are computed on known values, and say that they decode on others.

use super::value::{
    COMMAND, COMPUTED, DECODED, FILE, INPUT, LEAD, LONGEST, REMOTE, SOCKET, Taint, UNPACKED, Val,
};
use base64::Engine;
use std::io::Read;
use std::rc::Rc;

/// Functions that turn text into other text of which the writer knows and the reader does not.
pub(crate) const DECODERS: &[&str] = &[
    "base64_decode",
    "gzinflate",
    "gzuncompress",
    "gzdecode",
    "bzdecompress",
    "str_rot13",
    "strrev",
    "hex2bin",
    "convert_uudecode",
    "openssl_decrypt",
    "mcrypt_decrypt",
    "pack",
    "urldecode",
    "rawurldecode",
    "zlib_decode",
    "chr",
];

/// Functions whose result holds what they are given.
const CARRIERS: &[&str] = &[
    "trim",
    "ltrim",
    "rtrim",
    "chop",
    "stripslashes",
    "addslashes",
    "substr",
    "str_replace",
    "str_ireplace",
    "preg_replace",
    "implode",
    "join",
    "explode",
    "sprintf",
    "vsprintf",
    "strtr",
    "strtolower",
    "strtoupper",
    "ucfirst",
    "ucwords",
    "lcfirst",
    "json_decode",
    "unserialize",
    "array_merge",
    "array_values",
    "array_keys",
    "array_map",
    "array_filter",
    "array_slice",
    "array_splice",
    "array_flip",
    "array_reverse",
    "array_combine",
    "array_shift",
    "array_pop",
    "array_unique",
    "current",
    "reset",
    "end",
    "each",
    "pos",
    "key",
    "next",
    "prev",
    "htmlspecialchars",
    "htmlspecialchars_decode",
    "html_entity_decode",
    "htmlentities",
    "nl2br",
    "iconv",
    "mb_convert_encoding",
    "mb_substr",
    "utf8_decode",
    "utf8_encode",
    "strval",
    "str_split",
    "chunk_split",
    "ord",
    "array_pad",
    "str_pad",
    "str_repeat",
    "wordwrap",
    "strstr",
    "stristr",
    "strrchr",
    "preg_split",
    "preg_quote",
    "basename",
    "dirname",
    "realpath",
    "pathinfo",
    "parse_url",
    "urlencode",
    "rawurlencode",
    "base64_encode",
    "gzdeflate",
    "gzcompress",
    "gzencode",
    "bin2hex",
    "serialize",
    "json_encode",
    "stripcslashes",
    "quotemeta",
    "array_rand",
    "array_column",
    "settype",
    "array_diff",
    "array_chunk",
    "strip_tags",
    "substr_replace",
    "ucwords",
    "array_walk",
    "compact",
    "array_product",
    "max",
    "min",
    "print_r",
    "var_export",
    "convert_uuencode",
    "mb_strtolower",
    "mb_strtoupper",
    "tempnam",
    "fgets",
    "fread",
    "stream_get_contents",
    "fgetc",
    "feof",
    "stream_get_line",
    "file",
    "socket_read",
    "array_reduce",
    "iterator_to_array",
];

fn text(value: Option<&Val>) -> Option<&[u8]> {
    value?.bytes.as_deref()
}

/// What a function of PHP gives, `None` if it is none that is known here: then its result is
/// taken for harmless, as that of any function that may check what it is given.
pub(crate) fn call(name: &str, args: &[Val]) -> Option<Val> {
    let all: Taint = args.iter().fold(0, |t, v| t | v.all());
    let first = args.first();
    if DECODERS.contains(&name) {
        let decoded = text(first).and_then(|bytes| decode(name, bytes, args));
        let mut value = match decoded {
            Some(bytes) => Val::of(bytes).with(COMPUTED | UNPACKED),
            None => Val::tainted(DECODED),
        };
        if matches!(name, "urldecode" | "rawurldecode") {
            // What browsers do to every address hides nothing.
            value.taint &= !(DECODED | UNPACKED);
        }
        return Some(value.with(all & !LEAD | first.map_or(0, |f| f.taint & LEAD)));
    }
    let computed = || -> Option<Vec<u8>> {
        Some(match name {
            "implode" | "join" => {
                let (glue, list) = match (args.first()?, args.get(1)) {
                    (list, None) => (Vec::new(), list.array.clone()?),
                    (a, Some(b)) => match (&a.array, &b.array) {
                        (Some(list), _) => (b.bytes.as_deref()?.to_vec(), list.clone()),
                        (None, Some(list)) => (a.bytes.as_deref()?.to_vec(), list.clone()),
                        _ => return None,
                    },
                };
                let parts: Option<Vec<Vec<u8>>> = list
                    .iter()
                    .map(|(_, v)| Some(v.bytes.as_deref()?.to_vec()))
                    .collect();
                parts?.join(glue.as_slice())
            }
            "str_replace" | "str_ireplace" => {
                let mut subject = text(args.get(2))?.to_vec();
                let one = |v: &Val| -> Option<Vec<Vec<u8>>> {
                    match &v.array {
                        Some(list) => list
                            .iter()
                            .map(|(_, v)| Some(v.bytes.as_deref()?.to_vec()))
                            .collect(),
                        None => Some(vec![v.bytes.as_deref()?.to_vec()]),
                    }
                };
                let (from, to) = (one(args.first()?)?, one(args.get(1)?)?);
                let single = args.get(1)?.array.is_none();
                for (i, f) in from.iter().enumerate().take(256) {
                    let t = if single { to.first() } else { to.get(i) };
                    subject = replace(&subject, f, t.map_or(&[], Vec::as_slice));
                    if subject.len() > LONGEST {
                        return None;
                    }
                }
                subject
            }
            "trim" if args.len() == 1 => text(first)?.trim_ascii().to_vec(),
            "strtolower" => text(first)?.to_ascii_lowercase(),
            "strtoupper" => text(first)?.to_ascii_uppercase(),
            "ucfirst" => {
                let mut b = text(first)?.to_vec();
                if let Some(c) = b.first_mut() {
                    c.make_ascii_uppercase();
                }
                b
            }
            "substr" | "mb_substr" => substr(
                text(first)?,
                number(args.get(1))?,
                args.get(2)
                    .map(|l| number(Some(l)))
                    .map_or(Some(None), |l| l.map(Some))?,
            ),
            "stripslashes" => text(first)?
                .iter()
                .copied()
                .filter(|b| *b != b'\\')
                .collect(),
            "strtr" if args.len() == 3 => {
                let (from, to) = (text(args.get(1))?, text(args.get(2))?);
                text(first)?
                    .iter()
                    .map(|b| {
                        from.iter()
                            .rposition(|f| f == b)
                            .and_then(|i| to.get(i))
                            .copied()
                            .unwrap_or(*b)
                    })
                    .collect()
            }
            "str_repeat" => {
                let n = usize::try_from(number(args.get(1))?).ok()?;
                let b = text(first)?;
                if b.len().checked_mul(n)? > LONGEST {
                    return None;
                }
                b.repeat(n)
            }
            "ord" => text(first)?.first()?.to_string().into_bytes(),
            "strlen" => text(first)?.len().to_string().into_bytes(),
            "sprintf"
                if !text(first)?
                    .windows(2)
                    .any(|w| w[0] == b'%' && w[1] != b's') =>
            {
                let mut out = Vec::new();
                let mut next = args.iter().skip(1);
                let format = text(first)?;
                let mut at = 0;
                while let Some(b) = format.get(at) {
                    if *b == b'%' {
                        out.extend_from_slice(next.next()?.bytes.as_deref()?);
                        at += 2;
                    } else {
                        out.push(*b);
                        at += 1;
                    }
                }
                out
            }
            "preg_replace" => {
                // `/[^a-z]/` and single letters, as names are hidden with.
                let pattern = String::from_utf8_lossy(text(first)?).into_owned();
                let inner = pattern.get(1..pattern.rfind(pattern.chars().next()?)?)?;
                if pattern.len() > 60 {
                    return None;
                }
                let regex = regex::bytes::Regex::new(inner).ok()?;
                regex
                    .replace_all(text(args.get(2))?, text(args.get(1))?)
                    .into_owned()
            }
            _ => return None,
        })
    };
    if let Some(bytes) = computed() {
        return Some(Val::of(bytes).with(all | COMPUTED));
    }
    let input = INPUT | COMMAND | LEAD;
    Some(match name {
        "explode" | "str_split" | "preg_split" | "array_reverse" | "array_flip" | "range"
        | "array_values" | "array_merge" => {
            let parts: Option<Vec<Vec<u8>>> = match name {
                "explode" => match (text(first), text(args.get(1))) {
                    (Some(sep), Some(t)) if !sep.is_empty() => Some(split(t, sep)),
                    _ => None,
                },
                "str_split" => {
                    let n = args
                        .get(1)
                        .and_then(|n| number(Some(n)))
                        .map_or(1, |n| n.max(1) as usize);
                    text(first).map(|t| t.chunks(n).map(<[u8]>::to_vec).collect())
                }
                "range" => match (text(first), text(args.get(1))) {
                    (Some([a]), Some([b])) if a.is_ascii_alphabetic() && a <= b => {
                        Some((*a..=*b).map(|c| vec![c]).collect())
                    }
                    _ => None,
                },
                "array_reverse" => first.and_then(|f| f.array.as_ref()).map(|a| {
                    a.iter()
                        .rev()
                        .filter_map(|(_, v)| Some(v.bytes.as_deref()?.to_vec()))
                        .collect()
                }),
                "array_merge" => {
                    let mut all = Vec::new();
                    for a in args {
                        all.extend(
                            a.array
                                .as_ref()?
                                .iter()
                                .filter_map(|(_, v)| Some(v.bytes.as_deref()?.to_vec())),
                        );
                    }
                    Some(all)
                }
                _ => None,
            };
            let mut v = Val::tainted(all);
            if let Some(parts) = parts.filter(|p| p.len() <= super::value::ELEMENTS) {
                v.array = Some(Rc::new(
                    parts
                        .into_iter()
                        .enumerate()
                        .map(|(i, p)| (i.to_string().into_bytes(), Val::of(p).with(all | COMPUTED)))
                        .collect(),
                ));
            }
            v
        }
        "getallheaders"
        | "apache_request_headers"
        | "filter_input"
        | "filter_input_array"
        | "get_defined_vars" => Val::tainted(input),
        // How Roundcube asks for a parameter.
        "get_input_value" | "get_input_string" => {
            let key = first
                .and_then(Val::text)
                .unwrap_or_default()
                .to_ascii_lowercase();
            let password = key.contains("pass") || key.contains("pwd");
            Val::tainted(input | if password { super::value::PASSWORD } else { 0 })
        }
        "getenv" | "apache_getenv" => {
            let client = first
                .and_then(Val::text)
                .is_some_and(|n| n.starts_with("HTTP_"));
            Val::tainted(if client { input } else { 0 })
        }
        "file_get_contents"
        | "fopen"
        | "readfile"
        | "file"
        | "stream_get_contents"
        | "curl_exec"
        | "fread"
        | "fgets"
        | "gzfile"
        | "include_file" => {
            let target = first
                .and_then(Val::text)
                .unwrap_or_default()
                .to_ascii_lowercase();
            if target.starts_with("php://input") || target.starts_with("php://stdin") {
                Val::tainted(input)
            } else if ["http://", "https://", "ftp://"]
                .iter()
                .any(|s| target.starts_with(s))
                || name == "curl_exec"
            {
                Val::tainted(REMOTE)
            } else if target.starts_with("data:") {
                let body = target
                    .split_once(',')
                    .map(|(_, b)| b.to_owned())
                    .unwrap_or_default();
                Val::of(body.into_bytes()).with(COMPUTED)
            } else {
                // What is read holds what the handle came from; a file that the request names is
                // content of a file, not of the request.
                let remote = if all & SOCKET != 0 { REMOTE } else { 0 };
                Val::tainted(
                    all & (REMOTE | SOCKET)
                        | remote
                        | FILE
                        | if matches!(name, "fread" | "fgets" | "stream_get_contents") {
                            all & INPUT
                        } else {
                            0
                        },
                )
            }
        }
        "fsockopen"
        | "pfsockopen"
        | "stream_socket_client"
        | "socket_create"
        | "stream_socket_accept"
        | "socket_accept" => Val::tainted(SOCKET),
        "fgetc" | "socket_read" | "stream_get_line" => {
            Val::tainted(all | if all & SOCKET != 0 { REMOTE } else { 0 })
        }
        "escapeshellarg" | "escapeshellcmd" => Val::tainted(all & !COMMAND),
        "basename" => Val::tainted(all & !LEAD),
        _ if CARRIERS.contains(&name) => {
            Val::tainted(all & !LEAD | first.map_or(0, |f| f.taint & LEAD))
        }
        _ => return None,
    })
}

fn number(value: Option<&Val>) -> Option<i64> {
    value?.text()?.trim().parse().ok()
}

fn substr(bytes: &[u8], start: i64, length: Option<i64>) -> Vec<u8> {
    let len = bytes.len() as i64;
    let from = if start < 0 {
        (len + start).max(0)
    } else {
        start.min(len)
    };
    let to = match length {
        None => len,
        Some(l) if l < 0 => (len + l).max(from),
        Some(l) => from.saturating_add(l).min(len),
    };
    bytes
        .get(from as usize..to.max(from) as usize)
        .unwrap_or_default()
        .to_vec()
}

fn split(text: &[u8], separator: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(text, separator).take(super::value::ELEMENTS + 1) {
        out.push(text.get(from..at).unwrap_or_default().to_vec());
        from = at + separator.len();
    }
    out.push(text.get(from..).unwrap_or_default().to_vec());
    out
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    if from.is_empty() {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for found in memchr::memmem::find_iter(text, from) {
        out.extend_from_slice(text.get(at..found).unwrap_or_default());
        out.extend_from_slice(to);
        at = found + from.len();
        if out.len() > LONGEST {
            break;
        }
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// Unpacked text, never longer than [`LONGEST`].
fn inflate(reader: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    // A stream that ends early gives what it held: PHP is as lenient.
    let end = reader.take(LONGEST as u64).read_to_end(&mut out);
    (end.is_ok() || !out.is_empty()).then_some(out)
}

fn decode(name: &str, bytes: &[u8], args: &[Val]) -> Option<Vec<u8>> {
    Some(match name {
        "base64_decode" => {
            let clean: Vec<u8> = bytes
                .iter()
                .copied()
                .filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
                .collect();
            // The last digit of a cut text is dropped, as PHP does.
            let whole = if clean.len() % 4 == 1 {
                clean.len() - 1
            } else {
                clean.len()
            };
            base64::engine::GeneralPurpose::new(
                &base64::alphabet::STANDARD,
                base64::engine::GeneralPurposeConfig::new()
                    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
                    .with_decode_allow_trailing_bits(true),
            )
            .decode(clean.get(..whole)?)
            .ok()?
        }
        "gzinflate" => inflate(flate2::read::DeflateDecoder::new(bytes))?,
        "gzuncompress" => inflate(flate2::read::ZlibDecoder::new(bytes))?,
        "gzdecode" => inflate(flate2::read::GzDecoder::new(bytes))?,
        "zlib_decode" => inflate(flate2::read::ZlibDecoder::new(bytes))
            .or_else(|| inflate(flate2::read::GzDecoder::new(bytes)))?,
        "str_rot13" => bytes
            .iter()
            .map(|b| match b {
                b'a'..=b'z' => (b - b'a' + 13) % 26 + b'a',
                b'A'..=b'Z' => (b - b'A' + 13) % 26 + b'A',
                b => *b,
            })
            .collect(),
        "strrev" => bytes.iter().rev().copied().collect(),
        "hex2bin" => hex(bytes)?,
        "pack" => match (bytes, args.get(1).and_then(|a| a.bytes.as_deref())) {
            (b"H*", Some(text)) => hex(text)?,
            (b"C*" | b"c*", _) => args
                .iter()
                .skip(1)
                .map(|a| number(Some(a)).map(|n| n as u8))
                .collect::<Option<_>>()?,
            _ => return None,
        },
        "chr" => vec![
            String::from_utf8_lossy(bytes)
                .trim()
                .parse::<i64>()
                .ok()?
                .rem_euclid(256) as u8,
        ],
        "urldecode" | "rawurldecode" => {
            let mut out = Vec::new();
            let mut at = 0;
            while let Some(b) = bytes.get(at) {
                let pair = bytes.get(at + 1..at + 3).and_then(hex);
                match (b, pair) {
                    (b'%', Some(byte)) => {
                        out.extend(byte);
                        at += 2;
                    }
                    (b'+', _) if name == "urldecode" => out.push(b' '),
                    (b, _) => out.push(*b),
                }
                at += 1;
            }
            out
        }
        _ => return None,
    })
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks(2)
        .map(|pair| {
            let digit = |i: usize| pair.get(i).and_then(|b| char::from(*b).to_digit(16));
            Some((digit(0)? * 16 + digit(1)?) as u8)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed() {
        let s = |t: &str| Val::of(t.as_bytes().to_vec());
        for (name, args, expected) in [
            ("base64_decode", vec![s("c3lz dGVt==")], "system"),
            ("strrev", vec![s("metsys")], "system"),
            ("str_rot13", vec![s("flfgrz")], "system"),
            ("str_replace", vec![s("x"), s(""), s("sxyxstem")], "system"),
            ("substr", vec![s("asystemb"), s("1"), s("-1")], "system"),
            ("pack", vec![s("H*"), s("6162")], "ab"),
            ("chr", vec![s("97")], "a"),
            ("urldecode", vec![s("a%62+c")], "ab c"),
            ("sprintf", vec![s("%s.%s"), s("a"), s("b")], "a.b"),
            ("preg_replace", vec![s("/[0-9]/"), s(""), s("s1y2s")], "sys"),
            ("strtr", vec![s("abc"), s("ab"), s("xy")], "xyc"),
        ] {
            assert_eq!(
                call(name, &args).unwrap().text().as_deref(),
                Some(expected),
                "{name}"
            );
        }
        let list = call("explode", &[s(","), s("a,b")]).unwrap();
        assert_eq!(
            call("implode", &[s("-"), list]).unwrap().text().as_deref(),
            Some("a-b")
        );
        assert!(
            call("base64_decode", &[Val::tainted(INPUT)])
                .unwrap()
                .is(DECODED)
        );
        assert!(call("my_own", &[Val::tainted(INPUT)]).is_none());
    }
}
