<?php
// Shows messages as a given Roundcube would: `php roundcube.php DIR`, where DIR holds `program/`.
// One request a line on the input, `html BASE64` or `plain BASE64`; one answer a line, base64 of
// the HTML that Roundcube puts into its page. Only its sanitiser and renderer are loaded; what
// they ask of the rest of the program is answered by the stand-ins below.

error_reporting(0);
ini_set('display_errors', 'stderr');
$dir = rtrim($argv[1], '/') . '/program';
define('RCUBE_CHARSET', 'UTF-8');
define('RCUBE_LOCALIZATION_DIR', $dir . '/localization/');
define('RCUBE_LIB_DIR', $dir . '/lib/');

class StandIn
{
    public function __call($name, $arguments)
    {
        switch ($name) {
            case 'get':
                return $arguments[1] ?? null;
            case 'exec_hook':
                return $arguments[1] ?? [];
            case 'asset_url':
                return 'program/resources/blocked.gif';
        }
        return null;
    }
}

class rcube
{
    public $config;
    public $output;
    public $plugins;
    public $task = 'mail';
    public $action = 'show';
    private static $one;

    public static function get_instance($mode = 0, $env = '')
    {
        if (!self::$one) {
            self::$one = new rcmail();
            self::$one->config = new StandIn();
            self::$one->output = new StandIn();
            self::$one->plugins = new StandIn();
        }
        return self::$one;
    }

    public static function Q($str, $mode = 'strict', $newlines = true)
    {
        return rcube_utils::rep_specialchars_output($str, 'html', $mode, $newlines);
    }

    public static function JQ($str)
    {
        return rcube_utils::rep_specialchars_output($str, 'js');
    }

    public static function raise_error($arg = [], $log = false, $terminate = false)
    {
    }

    public function url($p = [])
    {
        return './?_task=mail';
    }

    public function __call($name, $arguments)
    {
        return null;
    }
}

class rcmail extends rcube
{
    const JS_OBJECT_NAME = 'rcmail';
}

abstract class rcmail_action
{
    const MODE_AJAX = 1;
    const MODE_HTTP = 2;
}

if (is_file('/usr/share/php/Masterminds/HTML5/autoload.php')) {
    require_once '/usr/share/php/Masterminds/HTML5/autoload.php';
}
spl_autoload_register(function ($class) use ($dir) {
    $file = $class;
    if (strpos($class, 'html_') === 0) {
        $file = 'html';
    }
    foreach ([$dir . '/lib/Roundcube/' . $file . '.php'] as $path) {
        if (is_file($path)) {
            require_once $path;
        }
    }
});
if (is_file($dir . '/actions/mail/index.php')) {
    require_once $dir . '/actions/mail/index.php';
}

function show_html($html)
{
    // As show.php does for a message shown within the page.
    $arguments = [
        'container_id' => 'message-htmlpart1',
        'css_prefix' => 'v1',
        'body_class' => 'rcmBody',
        'safe' => false,
        'inline_html' => true,
    ];
    $body = rcmail_action_mail_index::wash_html($html, $arguments, []);
    if (method_exists('rcmail_action_mail_index', 'html4inline')) {
        $body = rcmail_action_mail_index::html4inline($body, $arguments);
    }
    return $body;
}

function show_plain($text)
{
    // As plain_body() does.
    $converter = new rcube_text2html($text, false, ['flowed' => false, 'delsp' => false]);
    return $converter->get_html();
}

while (($line = fgets(STDIN)) !== false) {
    [$kind, $data] = explode(' ', trim($line) . ' ');
    $data = base64_decode($data);
    try {
        $out = $kind === 'html' ? show_html($data) : show_plain($data);
    } catch (\Throwable $e) {
        fwrite(STDERR, $e->getMessage() . ' at ' . $e->getFile() . ':' . $e->getLine() . "\n");
        $out = '';
    }
    echo base64_encode((string) $out), "\n";
}
