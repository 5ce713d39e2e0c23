//! `Authentication-Results` (RFC 8601 section 2.2).

/// One result: a method's verdict and the identities it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthResult {
    /// Method, lower case ("spf", "dkim", "dmarc").
    pub method: String,
    /// Result, lower case ("pass", "fail", "softfail", "none", "permerror", …).
    pub result: String,
    /// Properties in order: `ptype.property` lower case ("header.from"), value as written.
    pub properties: Vec<(String, String)>,
}

impl AuthResult {
    /// Value of a property, lower case, without a local part.
    pub fn domain(&self, property: &str) -> Option<String> {
        let value = &self.properties.iter().find(|(n, _)| n == property)?.1;
        let domain = value.rsplit_once('@').map_or(value.as_str(), |x| x.1);
        Some(domain.to_lowercase())
    }
}

/// A field: who speaks, and what is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthResults {
    /// The authentication server's identifier, lower case.
    pub authserv: String,
    /// Its results.
    pub results: Vec<AuthResult>,
}

/// Most results read of one field.
const MAX_RESULTS: usize = 50;

/// Reads a field's value. Never fails: what does not fit the grammar is passed over.
pub fn parse(value: &[u8]) -> AuthResults {
    let text = String::from_utf8_lossy(value.get(..16 * 1024).unwrap_or(value));
    let mut statements = split(&text).into_iter();
    let mut out = AuthResults::default();
    // `authserv-id [ version ]`
    if let Some(first) = statements.next() {
        out.authserv = first.into_iter().next().unwrap_or_default().to_lowercase();
    }
    for words in statements.take(MAX_RESULTS) {
        let mut words = words.into_iter();
        // `method [ "/" version ] "=" result`; "none" alone says that nothing was done.
        let first = words.next().unwrap_or_default();
        let Some((method, result)) = pair(&first) else {
            continue;
        };
        let method = method.split('/').next().unwrap_or_default();
        let properties = words
            .filter_map(|w| pair(&w).map(|(n, v)| (n.to_lowercase(), v.to_owned())))
            .collect();
        out.results.push(AuthResult {
            method: method.to_lowercase(),
            result: result.to_lowercase(),
            properties,
        });
    }
    out
}

fn pair(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    (!name.is_empty() && !value.is_empty()).then_some((name, value))
}

/// Statements between semicolons as words; comments are gone, quoted strings are one word with
/// what they are joined to, and blanks around `=`, `.` and `/` (CFWS) do not part words.
fn split(text: &str) -> Vec<Vec<String>> {
    let mut out = vec![Vec::new()];
    let mut word = String::new();
    let mut chars = text.chars();
    let mut depth = 0usize;
    let mut gap = false;
    let put = |word: &mut String, out: &mut Vec<Vec<String>>| {
        if !word.is_empty()
            && let Some(last) = out.last_mut()
        {
            last.push(std::mem::take(word));
        }
    };
    while let Some(c) = chars.next() {
        if depth > 0 {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '\\' => drop(chars.next()),
                _ => {}
            }
            continue;
        }
        match c {
            '(' => {
                depth = 1;
                gap = true;
            }
            c if c.is_whitespace() => gap = true,
            ';' => {
                put(&mut word, &mut out);
                gap = false;
                if out.len() <= MAX_RESULTS {
                    out.push(Vec::new());
                }
            }
            _ => {
                let joins = matches!(c, '=') || word.ends_with('=');
                if std::mem::take(&mut gap) && !joins {
                    put(&mut word, &mut out);
                }
                if c == '"' {
                    while let Some(c) = chars.next() {
                        match c {
                            '"' => break,
                            '\\' => word.extend(chars.next()),
                            c => word.push(c),
                        }
                    }
                } else {
                    word.push(c);
                }
            }
        }
    }
    put(&mut word, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_standard_and_of_servers() {
        let r = parse(
            b"example.com 1;\r\n spf=pass (ip4 ok; really) smtp.mailfrom=example.net;\r\n\tdkim = fail reason=\"bad; sig\" header.d=Example.NET header.i=@example.net;\n dmarc/1=fail (p=none dis=none) header.from=ministere.example",
        );
        assert_eq!(r.authserv, "example.com");
        let said: Vec<_> = r
            .results
            .iter()
            .map(|x| (x.method.as_str(), x.result.as_str()))
            .collect();
        assert_eq!(said, [("spf", "pass"), ("dkim", "fail"), ("dmarc", "fail")]);
        assert_eq!(
            r.results[1].domain("header.d").as_deref(),
            Some("example.net")
        );
        assert_eq!(
            r.results[1].domain("header.i").as_deref(),
            Some("example.net")
        );
        assert_eq!(r.results[1].properties[0].1, "bad; sig");
        assert_eq!(
            r.results[2].domain("header.from").as_deref(),
            Some("ministere.example")
        );
        assert_eq!(parse(b"mx.example.org; none").results, []);
        assert_eq!(parse(b"").authserv, "");
        assert_eq!(
            parse(b"(a (b) c) \"mx.example\" ; spf=none").authserv,
            "mx.example"
        );
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read(value in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            parse(&value);
        }
    }
}
