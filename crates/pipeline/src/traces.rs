//! Standing traces outside mailboxes: scripts in a web root that the distribution did not put
//! there, identities of the webmail that send answers elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use vauban_case::contract::Text;
use vauban_case::inputs::Trace;
use vauban_case::observe::{LogonRec, Observations};
use vauban_evidence::{Collection, Kind, Problem, TimeBase};
use vauban_ocsf::{ArtefactId, Evidence, Product, Service};
use vauban_sources::database::roundcube::{RoundcubeDatabase, from_dump, from_sqlite};
use vauban_sources::packages::md5sums;

/// Scripts larger than this are not looked into.
const SCRIPT: usize = 2 << 20;
/// Databases larger than this are not read.
const DATABASE: usize = 1 << 30;

/// Finds traces, and learns from the webmail's database who used which address.
pub fn find(
    collection: &Collection,
    times: &[Option<TimeBase>],
    obs: &mut Observations,
    problems: &mut Vec<Problem>,
) -> Vec<Trace> {
    let mut traces = scripts(collection);
    for a in collection.artefacts() {
        if !matches!(a.kind, Kind::Sqlite | Kind::SqlDump) {
            continue;
        }
        let Some(zone) = zone(times, a.id, a.modified) else {
            continue;
        };
        let bytes = match collection.read_all(a.id, DATABASE) {
            Ok(bytes) => bytes,
            Err(e) => {
                problems.push(Problem::error(a.path.clone(), format!("not read: {e}")));
                continue;
            }
        };
        let database = if a.kind == Kind::Sqlite {
            let wal = beside(collection, &format!("{}-wal", a.path));
            match from_sqlite(&bytes, wal.as_deref(), a.id, &zone) {
                Ok(database) => database,
                Err(e) => {
                    problems.push(Problem::warning(a.path.clone(), e.to_string()));
                    continue;
                }
            }
        } else {
            from_dump(&bytes, a.id, &zone)
        };
        if !database.is_roundcube() {
            continue;
        }
        problems.extend(
            database
                .problems
                .iter()
                .map(|p| Problem::warning(a.path.clone(), p.clone())),
        );
        identities(&database, &mut traces);
        anchors(&database, obs);
    }
    traces
}

fn beside(collection: &Collection, path: &str) -> Option<Vec<u8>> {
    let a = collection.artefacts().iter().find(|a| a.path == path)?;
    collection.read_all(a.id, DATABASE).ok()
}

/// The database's clock: its own, or that of any log of the evidence.
fn zone(
    times: &[Option<TimeBase>],
    id: ArtefactId,
    modified: Option<vauban_ocsf::Timestamp>,
) -> Option<TimeBase> {
    times
        .get(id.0 as usize)
        .cloned()
        .flatten()
        .or_else(|| times.iter().flatten().next().cloned())
        .or_else(|| {
            let (y, m, d, ..) = modified?.civil();
            Some(TimeBase::utc((y, m, d)))
        })
        .or_else(|| Some(TimeBase::utc((2099, 12, 31))))
}

/// Identities whose answers or blind copies go to another domain than the account's.
fn identities(database: &RoundcubeDatabase, traces: &mut Vec<Trace>) {
    let users: BTreeMap<u64, &str> = database
        .users
        .iter()
        .map(|u| (u.id, u.username.as_str()))
        .collect();
    for i in database.identities.iter().filter(|i| !i.deleted) {
        let Some(user) = users.get(&i.user_id) else {
            continue;
        };
        let domain = user.rsplit_once('@').map(|(_, d)| d.to_lowercase());
        for (what_en, what_fr, address) in [
            ("answers go", "les réponses vont", &i.reply_to),
            ("blind copies go", "des copies cachées vont", &i.bcc),
        ] {
            let Some((_, to)) = address.rsplit_once('@') else {
                continue;
            };
            let own = i.email.rsplit_once('@').map(|(_, d)| d.to_lowercase());
            let to = to.trim_end_matches('>').to_lowercase();
            if Some(&to) == domain.as_ref() || Some(&to) == own.as_ref() {
                continue;
            }
            traces.push(Trace {
                kind: "identity".into(),
                account: user.to_lowercase(),
                text: Text {
                    en: format!(
                        "The webmail identity {} says that {what_en} to {address}.",
                        i.email
                    ),
                    fr: format!(
                        "L’identité webmail {} indique que {what_fr} à {address}.",
                        i.email
                    ),
                },
                time: i.changed.as_ref().and_then(|c| c.instant),
                hostile: false,
                url_path: String::new(),
                evidence: i.place.evidence,
            });
        }
    }
}

/// Sessions in the database name account and address together.
fn anchors(database: &RoundcubeDatabase, obs: &mut Observations) {
    for s in &database.sessions {
        let time = s.changed.as_ref().and_then(|c| c.instant).or(s.login_time);
        let (Some(time), Some(_)) = (time, s.ip) else {
            continue;
        };
        if s.username.is_empty() {
            continue;
        }
        let rec = LogonRec {
            time,
            service: Service::Webmail,
            product: Product::Roundcube,
            user: obs.names.sym(&s.username),
            master: Default::default(),
            ip: obs.names.ip(s.ip),
            port: 0,
            dst_ip: Default::default(),
            method: Default::default(),
            session: 0,
            pid: 0,
            tls: None,
            evidence: s.place.evidence,
        };
        obs.logons.push(rec);
    }
}

/// Scripts that do not belong where they stand.
fn scripts(collection: &Collection) -> Vec<Trace> {
    let mut packaged: BTreeSet<[u8; 16]> = BTreeSet::new();
    let mut paths: BTreeMap<String, [u8; 16]> = BTreeMap::new();
    for a in collection
        .artefacts()
        .iter()
        .filter(|a| a.path.ends_with(".md5sums"))
    {
        let Ok(bytes) = collection.read_all(a.id, 64 << 20) else {
            continue;
        };
        for (path, sum) in md5sums(&String::from_utf8_lossy(&bytes)) {
            packaged.insert(sum);
            paths.insert(path, sum);
        }
    }
    // Directories that hold a packaged file.
    let mut roots: BTreeSet<&str> = BTreeSet::new();
    for a in collection
        .artefacts()
        .iter()
        .filter(|a| web_root(&a.path) && a.size <= SCRIPT as u64)
    {
        let Some((dir, _)) = a.path.rsplit_once('/') else {
            continue;
        };
        if roots.contains(dir) || !paths.keys().any(|p| same_tail(p, &a.path)) {
            continue;
        }
        if let Ok(bytes) = collection.read_all(a.id, SCRIPT)
            && packaged.contains(&digest(&bytes))
        {
            roots.insert(dir);
        }
    }
    let mut found = Vec::new();
    for a in collection.artefacts() {
        let name = a.path.rsplit('/').next().unwrap_or("");
        let runs = [".php", ".phtml", ".phar", ".php5", ".php7", ".inc"]
            .iter()
            .any(|end| name.to_ascii_lowercase().contains(end));
        if !runs || a.size > SCRIPT as u64 || !web_root(&a.path) {
            continue;
        }
        let Ok(bytes) = collection.read_all(a.id, SCRIPT) else {
            continue;
        };
        if packaged.contains(&digest(&bytes)) {
            continue;
        }
        let shape = shape(&String::from_utf8_lossy(&bytes));
        let replaced = paths.keys().any(|p| same_tail(p, &a.path));
        // Without the distribution's checksums a script of an unknown application may do much
        // that only looks hostile; only the direct form is named then.
        let hostile = match shape {
            Shape::RunsInput => true,
            Shape::StoresInput => !packaged.is_empty() && !replaced,
            // Beside packaged files, outside the places that are made for additions, a script that
            // asks for uploads has no business, whatever it does with them.
            Shape::TakesUpload => {
                !replaced && beside_packaged(&a.path, &roots) && !made_for_additions(&a.path)
            }
            Shape::Harmless => false,
        };
        if !hostile {
            continue;
        }
        let (does_en, does_fr) = match shape {
            Shape::TakesUpload => ("takes uploads", "reçoit des envois de fichiers"),
            Shape::StoresInput => (
                "stores what a request sends",
                "enregistre ce qu’une requête envoie",
            ),
            _ => (
                "runs what a request sends",
                "exécute ce qu’une requête envoie",
            ),
        };
        let (origin_en, origin_fr) = match (packaged.is_empty(), replaced) {
            (true, _) => ("", ""),
            (false, true) => (
                " It stands in place of a packaged file and differs from it.",
                " Il remplace un fichier du paquet et en diffère.",
            ),
            (false, false) => (
                " No package installed it.",
                " Aucun paquet ne l’a installé.",
            ),
        };
        found.push(Trace {
            kind: "web_shell".into(),
            account: String::new(),
            text: Text {
                en: format!("A script in the web root {does_en}: {}.{origin_en}", a.path),
                fr: format!(
                    "Un script de la racine web {does_fr} : {}.{origin_fr}",
                    a.path
                ),
            },
            time: a.modified,
            hostile: true,
            url_path: format!("/{name}"),
            evidence: Evidence {
                artefact: a.id,
                offset: 0,
                length: u32::try_from(a.size).unwrap_or(u32::MAX),
            },
        });
    }
    found
}

fn digest(bytes: &[u8]) -> [u8; 16] {
    <md5::Md5 as md5::Digest>::digest(bytes).into()
}

/// Whether a file stands in a directory that also holds a packaged one.
fn beside_packaged(path: &str, roots: &BTreeSet<&str>) -> bool {
    path.rsplit_once('/')
        .is_some_and(|(dir, _)| roots.contains(dir))
}

/// Places where administrators put what no package brings.
fn made_for_additions(path: &str) -> bool {
    ["/plugins/", "/skins/", "/config/", "/local/"]
        .iter()
        .any(|place| path.contains(place))
}

/// Directories that web servers serve.
fn web_root(path: &str) -> bool {
    [
        "/www/",
        "public_html/",
        "roundcube",
        "/html/",
        "htdocs/",
        "webroot",
        "/webmail",
    ]
    .iter()
    .any(|root| path.contains(root))
        && !path.contains("/etc/")
}

/// The same file by its last two components.
fn same_tail(packaged: &str, path: &str) -> bool {
    let tail = |p: &str| {
        p.rsplit(['/', '!'])
            .take(2)
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    tail(packaged) == tail(path)
}

/// What a script does with what a request sends.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Shape {
    RunsInput,
    StoresInput,
    TakesUpload,
    Harmless,
}

/// Judges PHP by what its calls are given. Comments are taken out first: a comment does nothing,
/// and hides things from patterns.
fn shape(source: &str) -> Shape {
    let code = without_comments(source);
    let code = code
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(" (", "(");
    const INPUT: &[&str] = &[
        "$_GET",
        "$_POST",
        "$_REQUEST",
        "$_COOKIE",
        "$_SERVER['HTTP_",
        "php://input",
    ];
    let has_input = INPUT.iter().any(|i| code.contains(i));
    let has_upload = code.contains("$_FILES");
    const RUN: &[&str] = &[
        "eval(",
        "assert(",
        "system(",
        "shell_exec(",
        "passthru(",
        "popen(",
        "proc_open(",
        "pcntl_exec(",
        "create_function(",
        "exec(",
    ];
    for call in RUN {
        for (at, _) in code.match_indices(call) {
            let before = code[..at].chars().next_back();
            // `$x->exec(`, `curl_exec(`: another function.
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '>' || c == ':') {
                continue;
            }
            let argument: String = code[at + call.len()..].chars().take(200).collect();
            let argument = argument.split(';').next().unwrap_or("");
            let direct = INPUT.iter().any(|i| argument.contains(i));
            let decoded = [
                "base64_decode",
                "gzinflate",
                "str_rot13",
                "gzuncompress",
                "strrev",
            ]
            .iter()
            .any(|d| argument.contains(d));
            if direct || (decoded && has_input) {
                return Shape::RunsInput;
            }
        }
    }
    // `$f = $_GET['f']; $f(…)`: a function that the request names.
    if has_input && code.contains("$_GET[") && (code.contains("](") || code.contains("] (")) {
        let called = INPUT.iter().any(|i| {
            code.match_indices(i).any(|(at, _)| {
                code[at..]
                    .find(']')
                    .is_some_and(|end| code[at + end + 1..].starts_with('('))
            })
        });
        if called {
            return Shape::RunsInput;
        }
    }
    let stores = ["move_uploaded_file", "file_put_contents", "fwrite", "copy"]
        .iter()
        .any(|call| code.contains(&format!("{call}(")));
    if (has_upload && stores) || (has_input && code.contains("file_put_contents(")) {
        return Shape::StoresInput;
    }
    if has_upload {
        return Shape::TakesUpload;
    }
    Shape::Harmless
}

fn without_comments(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(c) = chars.next() {
        if let Some(q) = quote {
            // What stands in a string is no call.
            out.push(if c == '(' { ' ' } else { c });
            if c == '\\' {
                out.extend(chars.next());
            } else if c == q {
                quote = None;
            }
            continue;
        }
        match (c, chars.peek()) {
            ('\'' | '"', _) => {
                quote = Some(c);
                out.push(c);
            }
            ('/', Some('/')) | ('#', _) => {
                for c in chars.by_ref() {
                    if c == '\n' {
                        break;
                    }
                }
                out.push('\n');
            }
            ('/', Some('*')) => {
                chars.next();
                let mut star = false;
                for c in chars.by_ref() {
                    if star && c == '/' {
                        break;
                    }
                    star = c == '*';
                }
                out.push(' ');
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for (source, expected) in [
            ("<?php eval($_POST['x']);", Shape::RunsInput),
            ("<?php @system ( $_GET['c'] );", Shape::RunsInput),
            ("<?php system( $_GET['c'] );", Shape::RunsInput),
            (
                "<?php eval(/* */base64_decode($_COOKIE['a']));",
                Shape::RunsInput,
            ),
            ("<?php $_GET['f']($_GET['a']);", Shape::RunsInput),
            ("<?php // eval($_POST['x']);\n echo 1;", Shape::Harmless),
            (
                "<?php /* system($_GET[c]) */ echo $_GET['page'];",
                Shape::Harmless,
            ),
            ("<?php $db->exec($_GET['q']);", Shape::Harmless),
            ("<?php curl_exec($ch); $_GET['x'];", Shape::Harmless),
            (
                "<?php move_uploaded_file($_FILES['f']['tmp_name'], $d);",
                Shape::StoresInput,
            ),
            (
                "<?php file_put_contents('a', $_POST['b']);",
                Shape::StoresInput,
            ),
            ("<?php echo 'eval($_POST[x])';", Shape::Harmless),
        ] {
            assert_eq!(shape(source), expected, "{source}");
        }
    }
}
