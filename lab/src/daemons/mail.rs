//! Postfix and Dovecot as a Debian administrator would set them up for virtual mailboxes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Account, DOMAIN, HOSTNAME};
use crate::sandbox::{server_shell, shell, shell_out, story_env};

/// What differs between stories.
#[derive(Clone, Debug, Default)]
pub struct MailOptions {
    /// Turns richer logging on: Dovecot's `mail_opened` and `imap_command_finished` events.
    pub rich_log: bool,
    /// A Dovecot master user `(name, password)`, as backup programs use.
    pub master: Option<(String, String)>,
}

/// Writes the configuration of both daemons; they are not started.
pub fn configure(accounts: &[Account], options: &MailOptions) -> Result<()> {
    hosts()?;
    postfix(accounts)?;
    dovecot(accounts, options)
}

fn hosts() -> Result<()> {
    let hosts = format!(
        "127.0.0.1\tlocalhost\n10.20.0.25\t{HOSTNAME} mail\n10.20.8.40\tapplis.{DOMAIN} applis\n"
    );
    fs::write("/etc/hosts", hosts).context("cannot write hosts")?;
    fs::remove_file("/etc/resolv.conf").ok();
    fs::write("/etc/resolv.conf", "nameserver 10.20.0.1\n").context("cannot write resolv.conf")
}

fn postfix(accounts: &[Account]) -> Result<()> {
    let names: Vec<&str> = story_env(false).iter().map(|e| e.0).collect();
    shell(&format!(
        r#"
sed -i -E 's/^([a-z]+ +(inet|unix|fifo) +[-n] +[-y] +)y /\1n /' /etc/postfix/master.cf
cat >> /etc/postfix/master.cf <<'CF'
submission inet n       -       n       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=may
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=
CF
postconf -e myhostname={HOSTNAME} mydomain={DOMAIN} myorigin=/etc/mailname \
  'mydestination=$myhostname, localhost' 'mynetworks=127.0.0.0/8 [::1]/128' \
  inet_protocols=all virtual_mailbox_domains={DOMAIN} \
  virtual_mailbox_maps=hash:/etc/postfix/vmailbox \
  virtual_transport=lmtp:unix:private/dovecot-lmtp \
  smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth \
  'smtpd_recipient_restrictions=permit_sasl_authenticated,permit_mynetworks,reject_unauth_destination' \
  message_size_limit=31457280
cat >> /etc/postfix/main.cf <<'CF'
# lab-begin
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C {names} LC_ALL
smtpd_error_sleep_time = 0
# lab-end
CF
"#,
        names = names.join(" ")
    ))?;
    let map: String = accounts
        .iter()
        .map(|a| format!("{} {}/\n", a.address, a.address))
        .collect();
    fs::write("/etc/postfix/vmailbox", map).context("cannot write vmailbox")?;
    shell("postmap /etc/postfix/vmailbox; newaliases")
}

/// Hashes passwords as `doveadm pw` does; one process for all of them.
fn hash(passwords: &[&str]) -> Result<Vec<String>> {
    let mut script = String::new();
    for password in passwords {
        script.push_str(&format!("doveadm pw -s SHA256-CRYPT -p '{password}'\n"));
    }
    Ok(shell_out(&script)?.lines().map(str::to_owned).collect())
}

fn dovecot(accounts: &[Account], options: &MailOptions) -> Result<()> {
    let hashes = hash(
        &accounts
            .iter()
            .map(|a| a.password.as_str())
            .collect::<Vec<_>>(),
    )?;
    let users: String = accounts
        .iter()
        .zip(&hashes)
        .map(|(a, h)| format!("{}:{h}::::::\n", a.address))
        .collect();
    fs::write("/etc/dovecot/users", users).context("cannot write dovecot's users")?;
    let mut local = LOCAL_CONF.to_owned();
    if let Some((name, password)) = &options.master {
        let hash = hash(&[password])?;
        let line = format!("{name}:{}::::::\n", hash.first().map_or("", String::as_str));
        fs::write("/etc/dovecot/master-users", line).context("cannot write master users")?;
        local.push_str(MASTER_CONF);
    }
    if options.rich_log {
        local.push_str(RICH_CONF);
    }
    fs::write("/etc/dovecot/local.conf", local).context("cannot write local.conf")?;
    let names: Vec<&str> = story_env(true).iter().map(|e| e.0).collect();
    let lab = format!(
        "import_environment = TZ CORE_OUTOFMEM CORE_ERROR LISTEN_PID LISTEN_FDS {}\n{LAB_CONF}",
        names.join(" ")
    );
    fs::write("/etc/dovecot/conf.d/99-lab.conf", lab).context("cannot write 99-lab.conf")?;
    shell(
        r#"
chown www-data:dovecot /etc/dovecot/users; chmod 660 /etc/dovecot/users
[ ! -e /etc/dovecot/master-users ] || { chown root:dovecot /etc/dovecot/master-users; chmod 640 /etc/dovecot/master-users; }
sed -i 's/^!include auth-system.conf.ext/#&/' /etc/dovecot/conf.d/10-auth.conf
sed -i -E 's/^(ssl_dh|ssl_cert|ssl_key)/\1/' /etc/dovecot/conf.d/10-ssl.conf
"#,
    )
}

const LOCAL_CONF: &str = r#"# Virtual mailboxes of the ministry
mail_location = maildir:~/Maildir
mail_plugins = $mail_plugins notify mail_log
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Lu

passdb {
  driver = passwd-file
  args = scheme=SHA256-CRYPT username_format=%u /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/var/mail/vhosts/%d/%n
}

service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
service managesieve-login {
  inet_listener sieve {
    port = 4190
  }
}

protocol lmtp {
  postmaster_address = postmaster@ministere.example
  mail_plugins = $mail_plugins sieve
}

namespace inbox {
  mailbox Drafts {
    auto = subscribe
  }
  mailbox Sent {
    auto = subscribe
  }
  mailbox Trash {
    auto = subscribe
  }
  mailbox Junk {
    auto = subscribe
  }
  mailbox Archive {
    special_use = \Archive
    auto = subscribe
  }
}
"#;

const MASTER_CONF: &str = r"
auth_master_user_separator = *
passdb {
  driver = passwd-file
  master = yes
  args = scheme=SHA256-CRYPT /etc/dovecot/master-users
  result_success = continue
}
";

const RICH_CONF: &str = r"
event_exporter mail-audit {
  format = json
  format_args = time-rfc3339
  transport = log
}
metric mail_opened {
  exporter = mail-audit
  filter = event=mail_opened AND (service:imap OR service:pop3)
}
metric imap_command {
  exporter = mail-audit
  filter = event=imap_command_finished
}
";

/// Chrooted log-in processes would not find the clock's file; waiting for failed log-ins would
/// cost two real seconds each.
const LAB_CONF: &str = r"
service imap-login {
  chroot =
}
service pop3-login {
  chroot =
}
service managesieve-login {
  chroot =
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service ipc {
  chroot =
}
service stats {
  chroot =
}
auth_failure_delay = 0
";

/// Starts both daemons on the story clock.
pub fn start() -> Result<()> {
    // From here on every program that is started loads the clock library; without the variables
    // of `story_env` it does nothing. A preload file reaches set-gid programs such as postdrop too.
    fs::write(
        "/etc/ld.so.preload",
        format!("{}\n", crate::sandbox::FAKETIME),
    )
    .context("cannot write ld.so.preload")?;
    server_shell("dovecot -c /etc/dovecot/dovecot.conf", true).context("Dovecot does not start")?;
    server_shell("postfix start", false).context("Postfix does not start")?;
    Ok(())
}

/// Stops both daemons; what they log at the end stays in the evidence.
pub fn stop() -> Result<()> {
    server_shell("postfix stop >/dev/null 2>&1; doveadm stop", true).map(|_| ())
}

/// Waits until Postfix has nothing in hand (deferred mail excepted).
pub fn wait_for_queue() -> Result<()> {
    let busy = || {
        ["maildrop", "incoming", "active"].iter().any(|queue| {
            let dir = Path::new("/var/spool/postfix").join(queue);
            fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
        })
    };
    for _ in 0..6000 {
        if !busy() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    anyhow::bail!("mail stays in Postfix's queue for 30 seconds")
}
