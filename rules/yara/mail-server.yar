// What intruders leave in the web root of a mail server besides shells.

rule phishing_kit_mails_answers
{
    meta:
        title = "Form whose answers, a password among them, are sent away"
        description = "The script takes a password from the request, adds the visitor's address, and mails or posts both to a fixed place."
        level = "high"
        technique = "T1566.003, T1056.003"
        reference = "https://attack.mitre.org/techniques/T1056/003/"
        next = "The access log of this script tells who typed a password: change those. Keep the file: the address it sends to is an indicator."
    strings:
        $password = /\$_(POST|REQUEST|GET)\s{0,3}\[\s{0,3}['"][^'"\n]{0,30}(pass|passwd|pwd|psw|mdp|pin|otp|motdepasse)[^'"\n]{0,20}['"]/ nocase
        $visitor = /REMOTE_ADDR|HTTP_X_FORWARDED_FOR|HTTP_CLIENT_IP/
        $mail = /(^|[^\w>:])@?mail\s{0,3}\(\s{0,3}(\$\w{1,40}|["'][^"'\n]{3,80}@[^"'\n]{3,80}["'])\s{0,3},/
        $bot = /api\.telegram\.org\/bot|discord(app)?\.com\/api\/webhooks/
        $append = /(fopen|file_put_contents)\s{0,3}\(\s{0,3}["'][^"'\n]{1,60}\.(txt|log|html|dat)["']/
        $away = /header\s{0,3}\(\s{0,3}["']Location:/ nocase
        $framework = /\bnamespace\s+\w|\bextends\s+\w/
    condition:
        filesize < 200KB and $password and $visitor and not $framework and
        ($bot or ($mail and ($away or $append)) or ($append and $away))
}

rule mass_mailer
{
    meta:
        title = "Script that mails a list given by the visitor"
        description = "Recipients, text and sender come from the request, the list is split into lines, and mail() runs in a loop."
        level = "high"
        technique = "T1586.002, T1566.003"
        next = "See the mail queue and the log for what was sent by the web server's user; the addresses are those of the victims."
    strings:
        $list = /\b(explode|split|preg_split|file)\s{0,3}\([^;\n]{0,60}\$_(POST|REQUEST|FILES)\b/ nocase
        $variable = /\$(\w{1,30})\s{0,3}=\s{0,3}\$_(POST|REQUEST)\s{0,3}\[\s{0,3}['"](emaillist|emails?|mails?|list|maillist|to|lista|destinos)['"]/ nocase
        $split = /\b(explode|split|preg_split)\s{0,3}\(\s{0,3}["'](\\r)?\\n["']/
        $loop = /\b(foreach|for|while)\s{0,3}\(/
        $mail = /(^|[^\w>:])@?mail\s{0,3}\(\s{0,3}\$/
        $from = /['"]?From:\s?['"]?\s{0,3}\.?\s{0,3}\$/ nocase
    condition:
        filesize < 300KB and $loop and $mail and $from and ($list or ($variable and $split))
}

rule webmail_login_stolen
{
    meta:
        title = "Code of a webmail that hands log-ins on"
        description = "A plugin hook or form of the webmail takes user name and password and writes or sends them elsewhere."
        level = "critical"
        technique = "T1556, T1056.003"
        reference = "https://attack.mitre.org/techniques/T1556/"
        next = "Compare the webmail's files with its package. Everyone who logged in since the file changed must get a new password."
    strings:
        $hook = /add_hook\s{0,3}\(\s{0,3}['"](authenticate|login_after|smtp_connect|storage_connect|ready)['"]/
        $pass = /(\[\s{0,3}['"]pass(word)?['"]\s{0,3}\]|['"]_pass['"])/
        $write = /\b(file_put_contents|fwrite|fputs|error_log)\s{0,3}\([^;]{0,200}\[\s{0,3}['"]_?pass(word|wd)?['"]/ nocase
        $send = /\b(curl_setopt|curl_init|file_get_contents|fsockopen|mail)\s{0,3}\([^;]{0,300}\[\s{0,3}['"]_?pass(word|wd)?['"]/ nocase
        $direct = /\b(file_put_contents|fwrite|fputs|error_log|curl_setopt|mail)\s{0,3}\([^;]{0,200}\$_(POST|REQUEST)\s{0,3}(\[\s{0,3}['"]_?(pass|user)|\)|,)/
    condition:
        filesize < 500KB and (($hook and $pass and ($write or $send)) or ($direct and $pass))
}

rule webmail_page_altered
{
    meta:
        title = "Log-in page that sends what is typed elsewhere"
        description = "Script in a page of the webmail reads the password field and sends it to another host."
        level = "high"
        technique = "T1056.003, T1185"
        next = "Compare templates and scripts with those of the package; the host it sends to is an indicator."
    strings:
        $field = /(rcmloginpwd|_pass|getElementById\s{0,3}\(\s{0,3}['"]password|input\[type=['"]?password)/
        $value = /\.(value|val\s{0,3}\(\s{0,3}\))/
        $send = /\b(fetch|\.open|sendBeacon|new\s+Image|\.src\s{0,3}=|\$\.(post|get|ajax))[^;\n]{0,80}['"](https?:)?\/\/[a-z0-9.-]{4,80}\//  nocase
    condition:
        filesize < 2MB and $field and $value and $send
}

rule htaccess_runs_data
{
    meta:
        title = "Web server told to run what is no program"
        description = "A per-folder file of the web server makes pictures or text run as PHP, or puts a file before every script."
        level = "high"
        technique = "T1505.003"
        next = "Read the file beside it that it makes run; forbid such files (AllowOverride None)."
    strings:
        $handler = /^\s{0,9}(AddHandler|AddType|SetHandler)\s[^\n]{0,80}(php|cgi-script)[^\n]{0,80}\.(jpe?g|png|gif|ico|txt|html?|css|svg|pdf|log)\b/ nocase
        $files = /<Files(Match)?\s[^>\n]{0,80}\.?(jpe?g|png|gif|ico|txt|css|svg|pdf|log)[^>\n]{0,40}>\s{1,9}(SetHandler|ForceType)\s[^\n]{0,60}php/ nocase
        $prepend = /^\s{0,9}php_value\s+auto_(prepend|append)_file\s/ nocase
        $ini = /^\s{0,9}auto_(prepend|append)_file\s{0,3}=\s{0,3}["']?[^\s"';]/ nocase
    condition:
        filesize < 64KB and any of them
}
