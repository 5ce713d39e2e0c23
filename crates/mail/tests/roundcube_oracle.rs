//! Roundcube's own sanitiser as the judge of our rules: what it lets through, we must tell of.
//!
//! For each flaw, many ways of writing the exploit's shape are shown by the version before the fix
//! and by the fixed one (`scripts/roundcube-versions` unpacks them, `VAUBAN_ROUNDCUBE` names the
//! folder). What comes out is parsed as a browser would. Whatever still runs must meet a rule of
//! grade high or critical when it stands in a message. Payloads call a function that exists
//! nowhere.
//!
//! Without those versions or without php, a list of shapes that the run with them proved to
//! survive is tested alone.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use vauban_mail::{ContentRules, Severity, parse};

static RULES: LazyLock<ContentRules> = LazyLock::new(ContentRules::builtin);

/// A flaw: versions before and after the fix, what is shown, and the shapes.
struct Flaw {
    rule: &'static str,
    before: &'static str,
    after: &'static str,
    kind: &'static str,
    /// Fewest shapes that must survive before the fix: the test could not fail otherwise.
    survive: usize,
    shapes: Vec<String>,
}

fn flaws() -> Vec<Flaw> {
    vec![
        Flaw {
            rule: "roundcube-cve-2020-35730",
            before: "1.4.9",
            after: "1.4.10",
            kind: "plain",
            survive: 2,
            shapes: placeholders(),
        },
        Flaw {
            rule: "roundcube-cve-2023-43770",
            before: "1.6.2",
            after: "1.6.3",
            kind: "plain",
            survive: 10,
            shapes: references(),
        },
        Flaw {
            rule: "roundcube-cve-2023-5631",
            before: "1.6.3",
            after: "1.6.4",
            kind: "html",
            survive: 6,
            shapes: uses(),
        },
        Flaw {
            rule: "roundcube-cve-2024-37383",
            before: "1.6.6",
            after: "1.6.7",
            kind: "html",
            survive: 20,
            shapes: animations(&["href ", " href", "\nhref", "href\t", "HREF ", "&#32;href"]),
        },
        Flaw {
            rule: "roundcube-cve-2024-42009",
            before: "1.6.7",
            after: "1.6.8",
            kind: "html",
            survive: 4,
            shapes: bodies(),
        },
        Flaw {
            rule: "roundcube-cve-2025-68461",
            before: "1.6.11",
            after: "1.6.12",
            kind: "html",
            survive: 20,
            shapes: animations(&[
                "xlink:href",
                "x:href",
                "XLINK:HREF",
                " xlink:href ",
                "a:b:href",
            ]),
        },
    ]
}

fn placeholders() -> Vec<String> {
    let mut out = Vec::new();
    for label in ["<img src=x onerror=x()>", "<svg onload=x()>", "<b>x</b>"] {
        for token in ["##str_replacement_0##", "##str_replacement_7##"] {
            out.push(format!("[{label}] {token}"));
            out.push(format!("[{label}]:{token} http://example.org/"));
            out.push(format!("http://example.org/{token} [{label}]"));
        }
    }
    out
}

fn references() -> Vec<String> {
    let mut out = Vec::new();
    for label in [
        "<script>x()</script>",
        "<img src=x onerror=x()>",
        "<IMG/SRC=x/ONERROR=x()>",
        "a<svg\nonload=x()>b",
        "<details open ontoggle=x()>",
        "<a href=javascript:x()>y</a>",
        "<iframe srcdoc='<script>x()</script>'>",
        "<b>bold</b>",
        "\" onmouseover=x() y=\"",
    ] {
        for link in [
            "http://example.org/",
            "https://example.org/a?b=c",
            "www.example.org",
            "ftp://example.org",
            "a@example.org",
        ] {
            out.push(format!("voir [{label}] {link}"));
            out.push(format!("[{label}]: {link}\n"));
        }
        out.push(format!("[{label}]\n http://example.org/"));
    }
    out
}

fn base64(text: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let n = (u32::from(chunk[0]) << 16)
            | (u32::from(*chunk.get(1).unwrap_or(&0)) << 8)
            | u32::from(*chunk.get(2).unwrap_or(&0));
        for i in 0..4 {
            if i <= chunk.len() {
                out.push(char::from(SIGNS[(n >> (18 - 6 * i) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

fn uses() -> Vec<String> {
    let inner = "<svg id=\"x\" xmlns=\"http://www.w3.org/2000/svg\"><image href=\"x\" onerror=\"x()\"/></svg>";
    let data = base64(inner);
    let mut out = Vec::new();
    for kind in [
        "data:image/svg+xml;base64",
        "data:image/s\tvg+xml;base64",
        "data:image/s&#9;vg+xml;base64",
        "data:image/sv&#10;g+xml;base64",
        "data:image/s vg+xml;base64",
        "DATA:image/s\nvg+xml;BASE64",
        "data:image/s\u{c}vg+xml;base64",
        "data:image/png;base64",
    ] {
        for name in ["href", "xlink:href", "HREF"] {
            out.push(format!("<svg><use {name}=\"{kind},{data}#x\"></use></svg>"));
            out.push(format!(
                "<div><SVG id=a><Use {name}='{kind},{data}#x'/></SVG></div><p>Bonjour</p>"
            ));
        }
    }
    out
}

/// Animations that write a script address into a link, by name of the attribute aimed at.
fn animations(targets: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    let script = "javascript:x()";
    let entities: String = script.bytes().map(|b| format!("&#{b};")).collect();
    for target in targets {
        for element in [
            "animate",
            "set",
            "ANIMATE",
            "animateColor",
            "animatetransform",
        ] {
            for (source, value) in [
                ("values", script),
                ("values", "x;javascript:x()"),
                ("values", "JaVaScRiPt&colon;x()"),
                ("values", "java&#9;script:x()"),
                ("values", entities.as_str()),
                ("to", script),
                ("from", script),
                ("by", script),
            ] {
                out.push(format!(
                    "<svg><a><{element} attributeName=\"{target}\" {source}=\"{value}\"/><text y=9>a</text></a></svg>"
                ));
            }
        }
        out.push(format!(
            "<html><body><table><tr><td><svg style='display:none'><a xlink:href='#'><g><animate attributename='{target}' dur=1 values='{script}'></animate></g></a></svg></table></body></html>"
        ));
        out.push(format!(
            "<math><mtext><svg><a><!-- x --><animate\nATTRIBUTENAME=\"{target}\"\nvalues=\"{script}\"></a></svg></mtext></math>"
        ));
        out.push(format!(
            "<svg:svg><svg:animate attributeName=\"{target}\" values=\"{script}\"/></svg:svg>"
        ));
    }
    out
}

fn bodies() -> Vec<String> {
    let handler = "style=animation-name:progress-bar-stripes onanimationstart=x() y=z";
    let mut out = Vec::new();
    for eaten in ["bgcolor=foo", "text=abc", "BGCOLOR='foo'"] {
        for carrier in ["name", "alt", "class", "lang", "abbr"] {
            out.push(format!(
                "<body title=\"{eaten}\" {carrier}=\"bar {handler}\"><p>x</p></body>"
            ));
            out.push(format!(
                "<html><head></head><BODY TITLE='{eaten}' {carrier}='bar {handler}'>x"
            ));
        }
        out.push(format!(
            "<body title=\"{eaten}\" name=\"&#98;ar {handler}\">x</body>"
        ));
        out.push(format!("<p title=\"{eaten}\" name=\"bar {handler}\">x</p>"));
    }
    out
}

/// What a Roundcube shows for each text; `None` without php.
fn shown(version: &Path, kind: &str, texts: &[String]) -> Option<Vec<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/roundcube.php");
    let mut child = Command::new("php")
        .arg(script)
        .arg(version)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let input: String = texts
        .iter()
        .map(|t| format!("{kind} {}\n", base64(t)))
        .collect();
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().ok()?;
    let _ = writer.join();
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<String> = lines
        .lines()
        .map(|l| {
            // A message is the simplest way to have base64 undone here.
            let m = format!(
                "Content-Transfer-Encoding: base64\nContent-Type: text/html; charset=utf-8\n\n{l}\n"
            );
            m
        })
        .collect();
    assert_eq!(answers.len(), texts.len(), "{}", version.display());
    Some(answers)
}

/// Whether what a webmail shows would run in a browser.
fn runs(shown: &str) -> bool {
    let message = parse(shown.as_bytes(), &RULES);
    message.facts.iter().any(|f| {
        matches!(
            f.name.as_str(),
            "html.event_handler" | "html.script" | "html.script_url" | "html.svg_animate_script"
        ) || f.name == "html.data_url_markup"
    })
}

/// Rules of grade high or critical that a message with that text meets.
fn verdict(kind: &str, text: &str) -> Vec<String> {
    let subtype = if kind == "html" { "html" } else { "plain" };
    let raw = format!(
        "From: a@example.org\nSubject: Note\nContent-Type: text/{subtype}; charset=utf-8\n\n{text}\n"
    );
    let message = parse(raw.as_bytes(), &RULES);
    RULES
        .lures(&message)
        .into_iter()
        .filter(|l| l.severity >= Severity::High)
        .map(|l| l.rule)
        .collect()
}

fn versions() -> Option<PathBuf> {
    let dir = std::env::var_os("VAUBAN_ROUNDCUBE").map(PathBuf::from)?;
    Command::new("php").arg("-v").output().ok()?;
    Some(dir)
}

#[test]
fn what_survives_is_told_of() {
    let Some(dir) = versions() else {
        println!("VAUBAN_ROUNDCUBE or php is absent: only known survivors are tested");
        for (kind, text, rule) in SURVIVORS {
            assert!(
                verdict(kind, text).contains(&(*rule).to_owned()),
                "{rule}: {text}"
            );
        }
        return;
    };
    let mut wrong = Vec::new();
    for flaw in flaws() {
        let (before, after) = (dir.join(flaw.before), dir.join(flaw.after));
        if !before.is_dir() || !after.is_dir() {
            println!("{} or {} is absent", flaw.before, flaw.after);
            continue;
        }
        let old = shown(&before, flaw.kind, &flaw.shapes).expect("php");
        let new = shown(&after, flaw.kind, &flaw.shapes).expect("php");
        let (mut survive, mut told, mut own, mut still, mut tried) = (0, 0, 0, 0, 0);
        for ((shape, old), new) in flaw.shapes.iter().zip(&old).zip(&new) {
            let (before, after) = (runs(old), runs(new));
            let rules = verdict(flaw.kind, shape);
            if after {
                still += 1;
            }
            if before && !after {
                survive += 1;
                own += usize::from(rules.iter().any(|r| r == flaw.rule));
            }
            if !before && !rules.is_empty() {
                tried += 1;
            }
            if before && rules.is_empty() {
                wrong.push(format!("{}: {shape:?} is shown as {old:?}", flaw.rule));
            } else if before {
                told += 1;
            }
        }
        println!(
            "{}: {} shapes; {survive} run in {} and not in {}, {still} in both; told of {told}, by its own rule {own}; {tried} told of that run in neither",
            flaw.rule,
            flaw.shapes.len(),
            flaw.before,
            flaw.after
        );
        assert!(survive >= flaw.survive, "{}: {survive} survive", flaw.rule);
        assert_eq!(own, survive, "{}: its own rule", flaw.rule);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Shapes that the versions before the fixes let through.
const SURVIVORS: &[(&str, &str, &str)] = &[
    (
        "plain",
        "[<img src=x onerror=x()>] ##str_replacement_0##",
        "roundcube-cve-2020-35730",
    ),
    (
        "plain",
        "voir [<img src=x onerror=x()>] http://example.org/",
        "roundcube-cve-2023-43770",
    ),
    (
        "html",
        "<svg><a><animate attributeName=\"href \" values=\"javascript:x()\"/></a></svg>",
        "roundcube-cve-2024-37383",
    ),
    (
        "html",
        "<body title=\"bgcolor=foo\" name=\"bar onanimationstart=x() y=z\"><p>x</p></body>",
        "roundcube-cve-2024-42009",
    ),
    (
        "html",
        "<svg><a><animate attributeName=\"xlink:href\" values=\"javascript:x()\"/></a></svg>",
        "roundcube-cve-2025-68461",
    ),
    (
        "html",
        "<svg><use href=\"data:image/s\tvg+xml;base64,PHN2Zy8+#x\"></use></svg>",
        "roundcube-cve-2023-5631",
    ),
];

/// The same shapes behind a charset or a transfer encoding: Roundcube decodes before it shows.
#[test]
fn charsets_hide_nothing() {
    for (_, text, rule) in SURVIVORS {
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let mut utf16 = b"Subject: x\nContent-Type: text/html; charset=utf-16be\n\n".to_vec();
        if rule.starts_with("roundcube-cve-2023-43770") || rule.starts_with("roundcube-cve-2020") {
            utf16 = b"Subject: x\nContent-Type: text/plain; charset=utf-16be\n\n".to_vec();
        }
        utf16.extend(wide);
        let found = RULES.lures(&parse(&utf16, &RULES));
        assert!(
            found.iter().any(|l| l.rule == *rule),
            "utf-16: {rule}: {found:?}"
        );
    }
    let utf7 = b"Subject: x\nContent-Type: text/html; charset=utf-7\n\n+ADw-svg+AD4APA-a+AD4APA-animate attributeName+AD0AIg-href +ACI- values+AD0AIg-javascript:x()+ACI-/+AD4-";
    let found = RULES.lures(&parse(utf7, &RULES));
    assert!(
        found.iter().any(|l| l.rule == "roundcube-cve-2024-37383"),
        "{found:?}"
    );
}
