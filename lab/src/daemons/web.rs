//! Roundcube behind nginx and PHP-FPM, or behind Apache with mod_php.

use std::fs;

use anyhow::{Context, Result};

use super::WEBMAIL;
use crate::sandbox::{server_shell, shell, story_env};

/// Which web server carries the webmail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebServer {
    /// nginx with PHP-FPM.
    Nginx,
    /// Apache with mod_php, `access.log` in its "combined" format.
    Apache,
}

/// What differs between stories.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// The web server.
    pub server: WebServer,
    /// Turns Roundcube's log of log-ins, of sent mail and of IMAP sessions on.
    pub rich_log: bool,
}

const ROUNDCUBE_CONF: &str = r"<?php
$config = [];
$config['db_dsnw'] = 'sqlite:////var/lib/roundcube/sqlite.db?mode=0640';
$config['imap_host'] = ['localhost:143'];
$config['smtp_host'] = 'localhost:587';
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['support_url'] = '';
$config['product_name'] = 'Webmail';
$config['des_key'] = 'aNotSoSecretKeyOfTheLab1';
$config['plugins'] = ['archive', 'managesieve', 'markasjunk', 'password', 'zipdownload'];
$config['skin'] = 'elastic';
$config['enable_spellcheck'] = false;
$config['mail_domain'] = 'ministere.example';
";

const RICH_CONF: &str = r"$config['log_logins'] = true;
$config['smtp_log'] = true;
$config['imap_log_session'] = true;
";

const PASSWORD_CONF: &str = r"<?php
$config['password_driver'] = 'dovecot_passwdfile';
$config['password_dovecot_passwdfile_path'] = '/etc/dovecot/users';
$config['password_algorithm'] = 'sha256-crypt';
$config['password_algorithm_prefix'] = '{SHA256-CRYPT}';
$config['password_confirm_current'] = true;
$config['password_log'] = true;
";

const SIEVE_CONF: &str = r"<?php
$config['managesieve_port'] = 4190;
$config['managesieve_host'] = 'localhost';
$config['managesieve_usetls'] = false;
";

const NGINX_SITE: &str = r"server {
	listen 80 default_server;
	listen [::]:80 default_server;
	server_name webmail.ministere.example;
	root /var/lib/roundcube/public_html;
	index index.php;
	client_max_body_size 30m;

	location / {
		try_files $uri $uri/ =404;
	}
	location ~ \.php$ {
		include snippets/fastcgi-php.conf;
		fastcgi_pass unix:/run/php/php8.2-fpm.sock;
	}
	location ~ /\. {
		deny all;
	}
}
";

const APACHE_SITE: &str = r"<VirtualHost *:80>
	ServerName webmail.ministere.example
	ServerAdmin webmaster@ministere.example
	DocumentRoot /var/lib/roundcube/public_html
	ErrorLog ${APACHE_LOG_DIR}/error.log
	CustomLog ${APACHE_LOG_DIR}/access.log combined
</VirtualHost>
";

/// PHP loads its extensions so that they see the C library before the clock's library
/// (`RTLD_DEEPBIND`); loaded from the start, SQLite tells story time like everybody else.
const SQLITE: &str = "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0";

/// The clock shifts file times too; a compiled script must not look changed at every jump.
const PHP_LAB: &str = "opcache.validate_timestamps=0\nopcache.file_update_protection=0\n";

/// Writes the configuration and the empty database; nothing is started.
pub fn configure(options: &WebOptions) -> Result<()> {
    let mut conf = ROUNDCUBE_CONF.to_owned();
    if options.rich_log {
        conf.push_str(RICH_CONF);
    }
    let write = |path: &str, text: &str| {
        fs::write(path, text).with_context(|| format!("cannot write {path}"))
    };
    write("/etc/roundcube/config.inc.php", &conf)?;
    write(
        "/etc/roundcube/plugins/password/config.inc.php",
        PASSWORD_CONF,
    )?;
    write(
        "/etc/roundcube/plugins/managesieve/config.inc.php",
        SIEVE_CONF,
    )?;
    shell(
        "sqlite3 /var/lib/roundcube/sqlite.db < /usr/share/dbconfig-common/data/roundcube/install/sqlite3
         chown www-data:www-data /var/lib/roundcube /var/lib/roundcube/sqlite.db /var/lib/roundcube/temp
         chmod 640 /var/lib/roundcube/sqlite.db
         chown root:www-data /etc/roundcube/config.inc.php; chmod 640 /etc/roundcube/config.inc.php
         rm -f /etc/roundcube/debian-db-roundcube.php",
    )?;
    match options.server {
        WebServer::Nginx => {
            write("/etc/nginx/sites-available/webmail", NGINX_SITE)?;
            shell(
                "rm -f /etc/nginx/sites-enabled/*
                 ln -s ../sites-available/webmail /etc/nginx/sites-enabled/webmail",
            )?;
            write("/etc/php/8.2/fpm/conf.d/99-lab.ini", PHP_LAB)?;
            // Both clear the environment, in which the clock's library looks for its file.
            write(
                "/etc/php/8.2/fpm/pool.d/99-lab.conf",
                "[www]\nclear_env = no\n",
            )?;
            let keep: String = story_env(false)
                .iter()
                .map(|(name, _)| format!("env {name};\n"))
                .collect();
            write("/etc/nginx/modules-enabled/99-lab.conf", &keep)
        }
        WebServer::Apache => {
            write("/etc/apache2/sites-available/webmail.conf", APACHE_SITE)?;
            shell(&format!(
                "rm -f /etc/apache2/sites-enabled/*
                 ln -s ../sites-available/webmail.conf /etc/apache2/sites-enabled/webmail.conf
                 ln -sf ../conf-available/roundcube.conf /etc/apache2/conf-enabled/roundcube.conf
                 ln -sf ../mods-available/rewrite.load /etc/apache2/mods-enabled/rewrite.load
                 printf '%s\\n' 'ServerName {WEBMAIL}' > /etc/apache2/conf-enabled/servername.conf"
            ))?;
            write("/etc/php/8.2/apache2/conf.d/99-lab.ini", PHP_LAB)
        }
    }
}

/// Starts the web server on the story clock.
pub fn start(options: &WebOptions) -> Result<()> {
    match options.server {
        WebServer::Nginx => server_shell(
            &format!("LD_PRELOAD={SQLITE} php-fpm8.2 --daemonize; nginx"),
            false,
        ),
        WebServer::Apache => server_shell(
            &format!(
                "mkdir -p /run/apache2 /run/lock/apache2; set +u; . /etc/apache2/envvars
                 LD_PRELOAD={SQLITE} apache2 -k start"
            ),
            false,
        ),
    }
    .context("the web server does not start")
    .map(|_| ())
}

/// Has the web server open its logs anew after a rotation.
pub fn reopen_logs(options: &WebOptions) -> Result<()> {
    match options.server {
        WebServer::Nginx => server_shell("nginx -s reopen; sleep 0.1", false),
        WebServer::Apache => server_shell(
            "set +u; . /etc/apache2/envvars; apache2 -k graceful; sleep 0.5",
            false,
        ),
    }
    .map(|_| ())
}

/// Stops the web server.
pub fn stop(options: &WebOptions) -> Result<()> {
    match options.server {
        WebServer::Nginx => server_shell(
            "nginx -s quit; kill -QUIT $(cat /run/php/php8.2-fpm.pid); sleep 0.3",
            false,
        ),
        WebServer::Apache => server_shell(
            "set +u; . /etc/apache2/envvars; apache2 -k stop; sleep 0.5",
            false,
        ),
    }
    .map(|_| ())
}
