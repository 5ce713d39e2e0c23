//! Log-ins through nginx's mail proxy (`ngx_mail_core_module`), which Zimbra and others put before
//! their servers: `client logged in, client: …, server: …, login: "…", upstream: …` and `client login
//! failed: "…" while in http auth state, client: …, server: …, login: "…"`
//! (`ngx_mail_handler.c`, `ngx_mail_auth_http_module.c`).
//!
//! The login is the client's and stands after the address; what stands before it is nginx's or
//! its authentication server's.

use crate::field;
use vauban_ocsf::{Logon, Service, Status};

/// Reads a message without its connection number.
pub(super) fn logon(said: &str) -> Option<Logon<'_>> {
    let (status, rest) = if let Some(rest) = said.strip_prefix("client logged in, ") {
        (Status::Success, rest)
    } else {
        (Status::Failure, said.strip_prefix("client login failed: ")?)
    };
    let from = field::find(rest, "client: ")?;
    let text = rest.get(from + "client: ".len()..)?;
    let (client, text) = text.split_once(", server: ")?;
    // `192.0.2.1 using starttls`.
    let (address, tls) = match client.split_once(" using ") {
        Some((address, _)) => (address, Some(true)),
        None => (client, None),
    };
    let (server, text) = text.split_once(", ").unwrap_or((text, ""));
    let user = text
        .strip_prefix("login: \"")
        .map(|login| {
            let end = field::rfind(login, "\", upstream: ").or_else(|| login.rfind('"'));
            end.and_then(|end| login.get(..end)).unwrap_or(login)
        })
        .unwrap_or_default();
    let port = server
        .rsplit_once(':')
        .and_then(|(_, port)| field::port(port));
    Some(Logon {
        service: match port {
            Some(25 | 465 | 587) => Service::Smtp,
            Some(143 | 993) => Service::Imap,
            Some(110 | 995) => Service::Pop3,
            Some(4190) => Service::ManageSieve,
            _ => Service::Other,
        },
        status,
        user,
        src_ip: field::ip(address),
        dst_port: port,
        tls,
        // The server behind logs a success, too; a failure does not reach it.
        attempts: u32::from(status == Status::Failure),
        detail: said,
        ..Logon::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_ins() {
        let said = "client login failed: \"Authentication credentials invalid\" while in http auth state, client: 203.0.113.52 using starttls, server: 0.0.0.0:587, login: \"x\", client: 198.51.100.6, server: 0.0.0.0:25, login: \"y\"";
        let l = logon(said).expect("log-in");
        assert_eq!(l.src_ip, field::ip("203.0.113.52"));
        assert_eq!(
            l.user,
            "x\", client: 198.51.100.6, server: 0.0.0.0:25, login: \"y"
        );
        assert_eq!(
            (l.service, l.status, l.attempts, l.tls),
            (Service::Smtp, Status::Failure, 1, Some(true))
        );
        let said = "client logged in, client: 203.0.113.52, server: 0.0.0.0:993, login: \"anne@b.example\", upstream: 10.0.0.2:143";
        let l = logon(said).expect("log-in");
        assert_eq!(
            (l.user, l.service, l.status, l.attempts),
            ("anne@b.example", Service::Imap, Status::Success, 0)
        );
        assert!(logon("proxied session done, client: 203.0.113.52").is_none());
    }
}
