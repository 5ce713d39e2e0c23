//! Processes, files and messages of a host.

use super::put::Put;
use super::{LogSource, ls, names};
use vauban_ocsf::{FileAction, FileActivity, Message, ProcessLaunch, Product};

/// `category: process_creation`, `product: linux`.
pub fn process<'a>(
    product: Product,
    launch: &ProcessLaunch<'a>,
    put: &mut Put<'_, 'a>,
) -> LogSource {
    put.text(&["action", "activity_name"], "launch");
    put.text(&["CommandLine", "process.cmd_line"], launch.command);
    // A log that names no file still says the program: the first word of the command.
    let image = if launch.image.is_empty() {
        launch.command.split_whitespace().next().unwrap_or_default()
    } else {
        launch.image
    };
    put.text(&["Image", "process.file.path"], image);
    put.text(&["comm", "process.name"], launch.name);
    put.text(
        &["CurrentDirectory", "process.working_directory"],
        launch.directory,
    );
    // Sysmon's `User` is who the process runs as.
    let runs_as = if launch.target_user.is_empty() {
        launch.user
    } else {
        launch.target_user
    };
    put.text(&["User", "process.user.name"], runs_as);
    put.text(&["target_user"], launch.target_user);
    put.text(&["user", "actor.user.name"], launch.user);
    put.status(launch.status);
    put.number(&["ProcessId", "process.pid"], launch.pid);
    put.number(
        &["ParentProcessId", "process.parent_process.pid"],
        launch.parent_pid,
    );
    put.text(&["TerminalSessionId", "ses"], launch.session);
    put.text(&["terminal", "tty"], launch.terminal);
    put.text(&["key"], launch.rule);
    // auditd's EXECVE record, in its own words.
    if product == Product::Auditd {
        put.text(&["type"], "EXECVE");
        const ARGUMENTS: [&str; 10] = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"];
        for (name, argument) in ARGUMENTS.iter().zip(launch.argv.split_terminator('\0')) {
            put.text(&[name], argument);
        }
        put.text(&["exe"], launch.image);
    }
    let service = match product {
        Product::Auditd | Product::Sudo | Product::Cron => names::log(product),
        _ => "",
    };
    ls("process_creation", "linux", service)
}

/// `category: file_event` (`file_delete` for removals), `product: linux`; `category: network`,
/// `service: files` for a file seen in transfer.
pub fn file<'a>(product: Product, file: &FileActivity<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    put.text(&["action", "activity_name"], names::file(file.action));
    put.status(file.status);
    put.text(&["TargetFilename", "file.path", "name"], file.path);
    put.text(&["other_path", "file_result.path"], file.other_path);
    put.text(&["cwd"], file.directory);
    put.number(&["size", "file.size"], file.size);
    put.text(&["mime_type", "file.mime_type"], file.mime);
    put.text(&["md5"], file.md5);
    put.text(&["sha1"], file.sha1);
    put.text(&["sha256"], file.sha256);
    for hash in [file.md5, file.sha1, file.sha256] {
        put.text(&["Hashes"], hash);
    }
    let runs_as = if file.target_user.is_empty() {
        file.user
    } else {
        file.target_user
    };
    put.text(&["User"], runs_as);
    put.text(&["user", "actor.user.name"], file.user);
    put.text(&["target_user"], file.target_user);
    put.text(&["Image", "exe", "actor.process.file.path"], file.image);
    put.text(&["comm", "actor.process.name"], file.name);
    put.text(&["operation", "SYSCALL"], file.operation);
    put.text(&["key"], file.rule);
    put.source(file.src_ip, None, "");
    put.destination(file.dst_ip, None);
    put.text(&["service"], file.service);
    put.text(&["flow_uid", "unmapped.flow_uid"], file.flow_uid);
    if product == Product::Auditd {
        put.text(&["type"], "PATH");
        put.text(
            &["nametype"],
            match file.action {
                FileAction::Create => "CREATE",
                FileAction::Delete => "DELETE",
                _ => "NORMAL",
            },
        );
    }
    match file.action {
        FileAction::Transferred => ls("network", names::product(product), "files"),
        FileAction::Delete => ls("file_delete", "linux", names::log(product)),
        _ => ls("file_event", "linux", names::log(product)),
    }
}

/// A message kept as text. Sigma's rules for such logs are keyword rules, which look at it.
pub fn message<'a>(product: Product, message: &Message<'a>, put: &mut Put<'_, 'a>) -> LogSource {
    let (word, id) = names::severity(message.severity);
    put.text(&["severity"], word);
    put.int(&["severity_id"], id);
    put.text(&["message"], message.text);
    put.source(message.src_ip, None, "");
    put.text(&["user", "actor.user.name"], message.user);
    ls("", names::product(product), names::log(product))
}
