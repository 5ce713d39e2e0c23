//! What is known of a value: what it is, and where it comes from.

use std::rc::Rc;

/// Where a value comes from, as bits.
pub(crate) type Taint = u16;
/// Data of the request.
pub(crate) const INPUT: Taint = 1;
/// The same, not escaped for a shell.
pub(crate) const COMMAND: Taint = 2;
/// Facts about an uploaded file.
pub(crate) const UPLOAD: Taint = 4;
/// Went through a decoder and is not known.
pub(crate) const DECODED: Taint = 8;
/// Came from another host.
pub(crate) const REMOTE: Taint = 16;
/// A password of the request.
pub(crate) const PASSWORD: Taint = 32;
/// Read from a file.
pub(crate) const FILE: Taint = 64;
/// A network connection, or a process tied to one.
pub(crate) const SOCKET: Taint = 128;
/// The value begins with data of the request.
pub(crate) const LEAD: Taint = 256;
/// Put together or decoded, not written as it is.
pub(crate) const COMPUTED: Taint = 512;
/// The value went through a decoder, and is known.
pub(crate) const UNPACKED: Taint = 1024;
/// The name of an uploaded file, as the client calls it.
pub(crate) const UPLOAD_NAME: Taint = 2048;

/// The value begins with the scheme of another source of code (`data:`, `http://`).
pub(crate) const SCHEME: Taint = 8192;

/// Went through a parameter, a property or another scope: in an application that is far from
/// where it came in, and there may be a check on the way.
pub(crate) const FAR: Taint = 16384;

/// Longest constant kept, in bytes.
pub(crate) const LONGEST: usize = 4 << 20;
/// Most elements of an array kept.
pub(crate) const ELEMENTS: usize = 1024;

/// Elements of an array: key and value.
pub(crate) type Elements = Vec<(Vec<u8>, Val)>;

/// A value, as far as it is known without running anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Val {
    pub taint: Taint,
    /// Its bytes, if they are known.
    pub bytes: Option<Rc<[u8]>>,
    /// Its elements by key, if they are known.
    pub array: Option<Rc<Elements>>,
    /// It is the array of that name (`_POST`).
    pub global: Option<&'static str>,
}

impl Val {
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Vec<u8> = bytes.into();
        Self {
            bytes: (bytes.len() <= LONGEST).then(|| Rc::from(bytes)),
            ..Self::default()
        }
    }

    pub fn tainted(taint: Taint) -> Self {
        Self {
            taint,
            ..Self::default()
        }
    }

    pub fn is(&self, taint: Taint) -> bool {
        self.taint & taint != 0
    }

    pub fn with(mut self, taint: Taint) -> Self {
        self.taint |= taint;
        self
    }

    pub fn without(mut self, taint: Taint) -> Self {
        self.taint &= !taint;
        self
    }

    /// Its text, if it is known.
    pub fn text(&self) -> Option<String> {
        Some(String::from_utf8_lossy(self.bytes.as_deref()?).into_owned())
    }

    /// Its text as the name of a function: lower case, without a leading backslash.
    pub fn name(&self) -> Option<String> {
        let bytes = self.bytes.as_deref()?;
        if bytes.is_empty() || bytes.len() > 64 {
            return None;
        }
        Some(
            String::from_utf8_lossy(bytes)
                .trim_start_matches('\\')
                .to_ascii_lowercase(),
        )
    }

    /// Everything that it or its elements come from.
    pub fn all(&self) -> Taint {
        let inner = self
            .array
            .as_ref()
            .map_or(0, |a| a.iter().fold(0, |t, (_, v)| t | v.taint));
        self.taint | inner
    }

    /// Either of two values.
    pub fn join(&self, other: &Self) -> Self {
        Self {
            taint: self.taint | other.taint,
            bytes: if self.bytes == other.bytes {
                self.bytes.clone()
            } else {
                None
            },
            array: None,
            global: self.global.or(other.global),
        }
    }

    /// Two texts one after the other.
    pub fn concat(&self, other: &Self) -> Self {
        let lead = if self.bytes.as_ref().is_some_and(|b| b.is_empty()) {
            other.taint & LEAD
        } else {
            self.taint & LEAD
        };
        let scheme = self.bytes.as_deref().is_some_and(|b| {
            [&b"data:"[..], b"php://", b"http://", b"https://", b"ftp://"]
                .iter()
                .any(|s| b.starts_with(s))
        });
        let scheme = if scheme { SCHEME } else { self.taint & SCHEME };
        let taint = (self.all() | other.all()) & !(LEAD | SCHEME) | lead | scheme | COMPUTED;
        let bytes = match (&self.bytes, &other.bytes) {
            (Some(a), Some(b)) if a.len() + b.len() <= LONGEST => {
                let mut joined = Vec::with_capacity(a.len() + b.len());
                joined.extend_from_slice(a);
                joined.extend_from_slice(b);
                Some(Rc::from(joined))
            }
            _ => None,
        };
        Self {
            taint,
            bytes,
            ..Self::default()
        }
    }

    /// The element of that key.
    pub fn element(&self, key: &Val) -> Val {
        if let Some(global) = self.global {
            return global_element(global, key);
        }
        if let (Some(array), Some(key)) = (&self.array, &key.bytes)
            && let Some((_, value)) = array.iter().rev().find(|(k, _)| k.as_slice() == &**key)
        {
            return value.clone();
        }
        // A character of a known text.
        if let (Some(bytes), Some(at)) =
            (&self.bytes, key.text().and_then(|t| t.parse::<i64>().ok()))
        {
            let at = if at < 0 { at + bytes.len() as i64 } else { at };
            return match usize::try_from(at).ok().and_then(|at| bytes.get(at)) {
                Some(byte) => Val::of(vec![*byte]).with(self.taint | COMPUTED),
                None => Val::tainted(self.taint),
            };
        }
        Val::tainted(self.all())
    }
}

/// `$_POST['x']` and the like.
fn global_element(global: &'static str, key: &Val) -> Val {
    let name = key.text().unwrap_or_default();
    let input = INPUT | COMMAND | LEAD;
    match global {
        "_FILES" => Val {
            taint: UPLOAD
                | if name == "name" {
                    INPUT | COMMAND | UPLOAD_NAME | LEAD
                } else {
                    0
                },
            // `$_FILES['f']['name']`: one step down it is the array of one file.
            global: (name != "name"
                && name != "tmp_name"
                && name != "size"
                && name != "error"
                && name != "type")
                .then_some("_FILES"),
            ..Val::default()
        },
        "_SERVER" => {
            let client = name.starts_with("HTTP_") && name != "HTTP_HOST"
                || matches!(
                    name.as_str(),
                    "QUERY_STRING" | "PHP_AUTH_USER" | "PHP_AUTH_PW"
                );
            Val::tainted(if client { input } else { 0 })
        }
        "GLOBALS" => named(&name),
        _ => {
            let lower = name.to_ascii_lowercase();
            let password = ["pass", "pwd", "kennwort"]
                .iter()
                .any(|p| lower.contains(p));
            Val::tainted(input | if password { PASSWORD } else { 0 })
        }
    }
}

/// The superglobal of that name, or nothing known.
pub(crate) fn named(name: &str) -> Val {
    let (global, taint) = match name {
        "_GET" => ("_GET", INPUT | COMMAND),
        "_POST" => ("_POST", INPUT | COMMAND),
        "_REQUEST" => ("_REQUEST", INPUT | COMMAND),
        "_COOKIE" => ("_COOKIE", INPUT | COMMAND),
        "HTTP_POST_VARS" | "HTTP_GET_VARS" | "HTTP_COOKIE_VARS" => ("_REQUEST", INPUT | COMMAND),
        "HTTP_RAW_POST_DATA" => return Val::tainted(INPUT | COMMAND | LEAD),
        "_FILES" | "HTTP_POST_FILES" => ("_FILES", UPLOAD),
        "_SERVER" | "HTTP_SERVER_VARS" => ("_SERVER", 0),
        "GLOBALS" => ("GLOBALS", 0),
        _ => return Val::default(),
    };
    Val {
        taint,
        global: Some(global),
        ..Val::default()
    }
}
