// Code of a web root that runs what a visitor sends.

rule php_input_executed
{
    meta:
        title = "PHP that executes what the visitor sends"
        description = "Request input goes straight into a function that runs code or a command, at most through decoders."
        level = "critical"
        technique = "T1505.003, T1059"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        next = "Take the server off the network before deleting anything. Copy the file with its times, find the requests to it in the access log and whence it came, then rebuild the web root from the packages."
    strings:
        $call = /\b(eval|assert|system|exec|passthru|shell_exec|popen|proc_open|pcntl_exec|create_function)\s{0,9}\(\s{0,9}(@?\s{0,9}\w{2,24}\s{0,9}\(\s{0,9}){0,5}@?\$\{?_(GET|POST|REQUEST|COOKIE|SERVER|FILES)\b/ nocase
        $ticks = /=\s{0,9}`[^`\n]{0,80}\$\{?_(GET|POST|REQUEST|COOKIE)\b[^`\n]{0,80}`/
        $name = /@?\$_(GET|POST|REQUEST|COOKIE)\s{0,9}\[[^\]\n]{1,40}\]\s{0,9}\(\s{0,9}(\w{2,24}\s{0,9}\(\s{0,9}){0,3}\$_(GET|POST|REQUEST|COOKIE)\b/
        $callback = /\b(call_user_func(_array)?|array_map|array_filter|usort|register_shutdown_function)\s{0,9}\(\s{0,9}@?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $modifier = /\bpreg_replace\s{0,9}\(\s{0,9}(['"])(.)[^'"\n]{0,60}\/[a-z]{0,5}e[a-z]{0,5}['"]\s{0,9},\s{0,9}@?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $include = /\b(include|require)(_once)?\s{0,9}\(?\s{0,9}@?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    condition:
        filesize < 5MB and any of them
}

rule php_packed_code
{
    meta:
        title = "PHP that unpacks and runs code hidden in a text"
        description = "A long encoded literal goes through decoders into eval, or names of functions are put together from codes."
        level = "high"
        technique = "T1505.003, T1027"
        reference = "https://attack.mitre.org/techniques/T1027/"
        next = "Compare the file with the one of its package. If it is not the same, treat the server as broken into; copy the file before anything else, and unpack it on a machine of no value."
    strings:
        $literal = /\b(eval|assert|create_function)\s{0,9}\(\s{0,9}(['"]{2}\s{0,3},\s{0,3})?(@?\w{2,24}\s{0,9}\(\s{0,9}){1,8}['"][A-Za-z0-9+\/=\\]{120,}/ nocase
        $variable = /\beval\s{0,9}\(\s{0,9}(@?(base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|strrev|hex2bin|convert_uudecode|rawurldecode)\s{0,9}\(\s{0,9}){1,6}\$/ nocase
        $chr = /(chr\s{0,3}\(\s{0,3}\d{1,3}\s{0,3}\)\s{0,3}\.\s{0,3}){8}/ nocase
        $escaped = /\$\{\s{0,3}["'](\\x[0-9a-fA-F]{2}|\\[0-7]{2,3}){5,}/
        $hexcall = /["'](\\x[0-9a-fA-F]{2}){6,}["']\s{0,3}\)?\s{0,3}\(/
        $php = "<?"
    condition:
        $php and filesize < 5MB and any of ($literal, $variable, $chr, $escaped, $hexcall)
}

rule php_in_picture
{
    meta:
        title = "PHP behind a picture's first octets"
        description = "The file begins like a picture and holds PHP that reads request input or evaluates: made to pass an upload filter."
        level = "critical"
        technique = "T1505.003, T1036.008"
        reference = "https://attack.mitre.org/techniques/T1036/008/"
        next = "Find out from the access log whether the file was requested, and by which upload it came; forbid the web server to run anything below upload folders."
    strings:
        $php = /<\?(php|=)[\s\S]{0,2000}(\$_(GET|POST|REQUEST|COOKIE|SERVER|FILES)|eval\s{0,9}\(|base64_decode\s{0,9}\()/ nocase
    condition:
        filesize < 20MB and $php and
        (uint32be(0) == 0x47494638 or uint32be(0) == 0x89504e47 or uint16be(0) == 0xffd8 or uint16be(0) == 0x424d or (uint32be(0) == 0x52494646 and uint32be(8) == 0x57454250))
}

rule php_file_manager
{
    meta:
        title = "PHP page that uploads, edits and runs without log-in code"
        description = "One small file takes uploads to a path from the request, writes files from the request and lists folders."
        level = "high"
        technique = "T1505.003, T1105"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        next = "Compare with the files of the packages; look in the access log for requests to this file."
    strings:
        $upload = /\b(move_uploaded_file|copy)\s{0,9}\(\s{0,9}@?\$_FILES\s{0,3}\[/ nocase
        $write = /\b(file_put_contents|fwrite|fputs)\s{0,9}\([^;\n]{0,120}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $list = /\b(scandir|opendir|glob|readdir)\s{0,9}\([^;\n]{0,80}(\$_(GET|POST|REQUEST)|\$dir|\$path|\$cwd|getcwd)/ nocase
        $remove = /\b(unlink|rename|chmod|rmdir)\s{0,9}\([^;\n]{0,80}\$_(GET|POST|REQUEST)\b/ nocase
        $php = "<?"
    condition:
        $php and filesize < 300KB and 3 of ($upload, $write, $list, $remove)
}

rule php_uploader_bare
{
    meta:
        title = "Bare PHP uploader"
        description = "A tiny file that stores whatever is uploaded under the name the visitor gives it."
        level = "high"
        technique = "T1505.003, T1105"
        next = "Look in the access log for POST requests to this file and for what appeared beside it afterwards."
    strings:
        $move = /\b(move_uploaded_file|copy)\s{0,9}\(\s{0,9}@?\$_FILES\s{0,3}\[[^;\n]{1,200}\$_(FILES|POST|GET|REQUEST)\s{0,3}\[/ nocase
        $php = "<?"
        $class = /\b(class|namespace|function)\s{1,3}\w/ nocase
    condition:
        $php and $move and not $class and filesize < 6KB
}

rule php_connect_back
{
    meta:
        title = "Script that gives a shell over the network"
        description = "Opens a connection to a fixed or given address and ties a shell's input and output to it."
        level = "critical"
        technique = "T1059.004, T1505.003"
        next = "Look for connections of the web server's user to the outside, now and in the firewall's log; copy the memory of the machine if you can."
    strings:
        $php = /\b(fsockopen|pfsockopen|stream_socket_client|socket_connect)\s{0,9}\(/ nocase
        $perl = /\bsocket\s{0,3}\(\s{0,3}\w{1,20}\s{0,3},\s{0,3}(PF|AF)_INET/
        $python = /\bsocket\.socket\s{0,3}\(/
        $shell = /["'](exec\s)?(\/usr)?\/bin\/(ba|da|z)?sh(\s-i)?\b/
        $tie = /\b(proc_open\s{0,9}\(|os\.dup2\s{0,3}\(|open\s{0,3}\(\s{0,3}STDIN\s{0,3},\s{0,3}["']>&)/
    condition:
        filesize < 300KB and $shell and $tie and any of ($php, $perl, $python)
}

rule java_input_executed
{
    meta:
        title = "JSP that runs what the visitor sends"
        description = "A request parameter goes to Runtime.exec, ProcessBuilder or a class loader."
        level = "critical"
        technique = "T1505.003, T1059"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        next = "Take the server off the network before deleting anything; on Zimbra, see the folders below jetty/webapps and their times."
    strings:
        $exec = /\.exec\s{0,3}\(\s{0,3}(new\s+String\s{0,3}\[\s{0,3}\]\s{0,3}\{[^}]{0,80})?request\s{0,3}\.\s{0,3}get(Parameter|Header)\s{0,3}\(/
        $builder = /ProcessBuilder\s{0,3}\([^;]{0,120}request\s{0,3}\.\s{0,3}get(Parameter|Header)\s{0,3}\(/
        $define = /\bdefineClass\s{0,3}\([^;]{0,200}\)/
        $crypt = "javax.crypto"
        $request = /request\s{0,3}\.\s{0,3}get(Reader|Parameter|InputStream)\s{0,3}\(/
        $jsp = "<%"
    condition:
        $jsp and filesize < 1MB and ($exec or $builder or ($define and $crypt and $request))
}

rule asp_input_executed
{
    meta:
        title = "ASP page that runs what the visitor sends"
        description = "Request input is evaluated or becomes a process."
        level = "critical"
        technique = "T1505.003, T1059"
        next = "Take the server off the network before deleting anything; copy the file with its times."
    strings:
        $eval = /\b(eval|execute|executeglobal)\s{0,3}\(?\s{0,3}request\s{0,3}[.(\[]/ nocase
        $process = /(Process\.Start|\.Arguments\s{0,3}=)[^;\n]{0,120}Request\s{0,3}[.\[(]/ nocase
        $asp = "<%"
    condition:
        $asp and filesize < 1MB and any of ($eval, $process)
}
