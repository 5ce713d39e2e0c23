//! The closed room the daemons run in.
//!
//! `lab run` starts itself again under `unshare`, in mount, network, PID, IPC and UTS namespaces of
//! its own. There, `/etc`, `/run`, `/dev`, `/var/log`, `/var/mail` and the daemons' spools are
//! copies or empty memory file systems, so that Debian's packages run with their usual paths while
//! the machine's own files and services stay as they are. When the inner process ends, however it
//! ends, the kernel removes the room with everything in it.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};

/// Programs a story needs, with the Debian package that brings each.
const NEEDED: &[(&str, &str)] = &[
    ("/usr/sbin/postfix", "postfix"),
    ("/usr/sbin/dovecot", "dovecot-core"),
    ("/usr/lib/dovecot/imap", "dovecot-imapd"),
    ("/usr/lib/dovecot/pop3", "dovecot-pop3d"),
    ("/usr/lib/dovecot/lmtp", "dovecot-lmtpd"),
    ("/usr/lib/dovecot/managesieve", "dovecot-managesieved"),
    (
        "/usr/lib/dovecot/modules/lib90_sieve_plugin.so",
        "dovecot-sieve",
    ),
    ("/usr/sbin/nginx", "nginx"),
    ("/usr/sbin/apache2", "apache2"),
    (
        "/usr/lib/apache2/modules/libphp8.2.so",
        "libapache2-mod-php",
    ),
    ("/usr/sbin/php-fpm8.2", "php-fpm"),
    ("/usr/lib/php/20220829/pdo_sqlite.so", "php-sqlite3"),
    ("/usr/lib/php/20220829/zip.so", "php-zip"),
    ("/usr/share/roundcube/index.php", "roundcube-core"),
    (
        "/usr/share/dbconfig-common/data/roundcube/install/sqlite3",
        "roundcube-core",
    ),
    (
        "/usr/share/roundcube/plugins/zipdownload/zipdownload.php",
        "roundcube-plugins",
    ),
    (
        "/usr/share/roundcube/plugins/password/password.php",
        "roundcube-core",
    ),
    ("/usr/bin/sqlite3", "sqlite3"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/sbin/conntrack", "conntrack"),
    ("/usr/sbin/ulogd", "ulogd2"),
    ("/usr/sbin/ip", "iproute2"),
    ("/usr/bin/unshare", "util-linux"),
    (
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "libfaketime",
    ),
];

/// The library that shifts the daemons' clocks.
pub const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// The room's scratch directory (a memory file system inside the room).
pub const STATE: &str = "/run/vauban-lab";

/// Says which Debian packages are missing.
pub fn check_packages() -> Result<()> {
    let mut missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(path, _)| !Path::new(path).exists())
        .map(|(_, package)| *package)
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        bail!(
            "Debian packages are missing; install them with: apt-get install --no-install-recommends {}",
            missing.join(" ")
        );
    }
    Ok(())
}

/// Runs this program again, with `args`, inside a room of its own.
pub fn enter(args: &[String]) -> Result<ExitStatus> {
    let uid = shell_out("id -u")?;
    if uid.trim() != "0" {
        bail!("`lab run` makes network namespaces and starts mail daemons: run it as root");
    }
    let own: PathBuf = std::env::current_exe().context("cannot find my own executable")?;
    Command::new("unshare")
        .args(["--mount", "--net", "--uts", "--ipc", "--pid", "--fork"])
        .args(["--kill-child", "--propagation", "private"])
        .arg(own)
        .args(args)
        .status()
        .context("cannot start unshare")
}

/// Prepares the room's file systems; called once, inside.
pub fn furnish(hostname: &str, zone: &str) -> Result<()> {
    shell(FURNISH)?;
    shell(&format!(
        "hostname {hostname}
         echo {hostname} > /etc/hostname
         echo {hostname} > /etc/mailname
         ln -sf /usr/share/zoneinfo/{zone} /etc/localtime
         echo {zone} > /etc/timezone"
    ))
}

const FURNISH: &str = r#"
S=/run/vauban-lab
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p $S $S/dev /run/lock
mount -t tmpfs -o mode=755 tmpfs $S/dev
for n in null zero full random urandom tty; do
  touch $S/dev/$n; mount --bind /dev/$n $S/dev/$n
done
mkdir $S/dev/pts $S/dev/shm; chmod 1777 $S/dev/shm
ln -s /proc/self/fd $S/dev/fd
ln -s /proc/self/fd/1 $S/dev/stdout
ln -s /proc/self/fd/2 $S/dev/stderr
mount --move $S/dev /dev
cp -a /etc $S/etc; mount --bind $S/etc /etc
for d in /var/lib/roundcube /var/spool/postfix; do
  mkdir -p $S$d; cp -a $d/. $S$d/; mount --bind $S$d $d
done
for d in /var/log /var/mail /var/lib/postfix /var/lib/dovecot /var/lib/nginx /var/lib/php/sessions; do
  mkdir -p $S$d; chown --reference=$d $S$d; chmod --reference=$d $S$d; mount --bind $S$d $d
done
rm -rf /var/spool/postfix/*/*
mkdir -p /var/log/nginx /var/log/apache2 /var/log/roundcube /var/log/ulog /run/dovecot /run/php /run/postfix
chown www-data:adm /var/log/roundcube
: > /etc/ld.so.preload
grep -q '^vmail:' /etc/group || echo 'vmail:x:5000:' >> /etc/group
grep -q '^vmail:' /etc/passwd || echo 'vmail:x:5000:5000::/var/mail/vhosts:/usr/sbin/nologin' >> /etc/passwd
sed -i 's/^vmail:[^:]*:[0-9]*:[0-9]*/vmail:x:5000:5000/' /etc/passwd
sed -i 's/^vmail:[^:]*:[0-9]*/vmail:x:5000/' /etc/group
install -d -o vmail -g vmail -m 770 /var/mail/vhosts
ip link set lo up
"#;

/// Runs a shell script that must succeed.
pub fn shell(script: &str) -> Result<()> {
    shell_out(script).map(|_| ())
}

/// Runs a shell script that must succeed and returns what it printed.
pub fn shell_out(script: &str) -> Result<String> {
    let output = Command::new("/bin/sh")
        .args(["-euc", script])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .context("cannot start /bin/sh")?;
    if !output.status.success() {
        let first = script.trim().lines().next().unwrap_or_default();
        bail!(
            "`{first}…` failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Environment that puts a program on the story clock.
///
/// `stat` keeps real times for programs that read modification times back as dates (Dovecot's
/// INTERNALDATE); the others see file times shifted like the clock.
pub fn story_env(real_stat: bool) -> Vec<(&'static str, String)> {
    let mut env = vec![
        ("FAKETIME_TIMESTAMP_FILE", format!("{STATE}/clock")),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_DISABLE_SHM", "1".to_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
    ];
    if real_stat {
        env.push(("NO_FAKE_STAT", "1".to_owned()));
    }
    env
}

/// A command inside the server's network namespace, on the story clock.
pub fn on_server(real_stat: bool) -> Command {
    let mut command = Command::new("nsenter");
    command
        .arg("--net=/run/netns/server")
        .arg("--")
        .arg("env")
        .arg("-i");
    for (name, value) in story_env(real_stat) {
        command.arg(format!("{name}={value}"));
    }
    command
}

/// Runs a shell script on the server, on the story clock; returns what it printed.
///
/// Output goes through files: a daemon that is started here keeps its standard streams, and a pipe
/// would never end.
pub fn server_shell(script: &str, real_stat: bool) -> Result<String> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let out = PathBuf::from(format!("{STATE}/out.{serial}"));
    let status = on_server(real_stat)
        .args(["/bin/sh", "-euc", script])
        .stdin(Stdio::null())
        .stdout(File::create(&out).context("cannot keep a program's output")?)
        .stderr(OpenOptions::new().append(true).open(&out)?)
        .status()
        .context("cannot start nsenter")?;
    let text = String::from_utf8_lossy(&fs::read(&out)?).into_owned();
    fs::remove_file(&out)?;
    if !status.success() {
        let first = script.trim().lines().next().unwrap_or_default();
        bail!(
            "on the server, `{first}…` failed ({status}): {}",
            text.trim()
        );
    }
    Ok(text)
}
