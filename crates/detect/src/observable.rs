//! What values are called in findings.

use std::net::IpAddr;
use vauban_ocsf::{Body, Event, Observable, ObservableKind};

/// Who and where from, of an event.
pub fn observables(event: &Event<'_>) -> Vec<Observable> {
    let (ip, user) = match &event.body {
        Body::Logon(b) => (b.src_ip, b.user),
        Body::Logoff(b) => (b.src_ip, b.user),
        Body::Http(b) => (b.src_ip, b.user),
        Body::Email(b) => (b.src_ip, b.sasl_user),
        Body::Mailbox(b) => (b.src_ip, b.user),
        Body::Network(b) => (b.src_ip, ""),
        Body::Account(b) => (b.src_ip, b.user),
        Body::Process(b) => (None, b.user),
        Body::Message(b) => (b.src_ip, b.user),
        _ => (None, ""),
    };
    let mut out = Vec::new();
    if let Some(ip) = ip {
        out.push(Observable {
            kind: ObservableKind::IpAddress,
            name: "src_endpoint.ip".into(),
            value: ip.to_string(),
        });
    }
    if !user.is_empty() {
        out.push(Observable {
            kind: ObservableKind::UserName,
            name: "user.name".into(),
            value: user.into(),
        });
    }
    out
}

/// What a correlation is about: the values its events share. Fields that are absent say nothing.
pub(crate) fn group_observables(group: &[(String, Option<String>)]) -> Vec<Observable> {
    group
        .iter()
        .filter_map(|(name, value)| {
            let value = value.clone()?;
            Some(Observable {
                kind: kind_of(name, &value),
                name: name.clone(),
                value,
            })
        })
        .collect()
}

/// What kind of value a field of that name holds.
fn kind_of(name: &str, value: &str) -> ObservableKind {
    let name = name.to_ascii_lowercase();
    if value.parse::<IpAddr>().is_ok() {
        ObservableKind::IpAddress
    } else if name.contains("agent") {
        ObservableKind::UserAgent
    } else if name.contains("user") || name.contains("account") {
        ObservableKind::UserName
    } else if value.contains('@') {
        ObservableKind::EmailAddress
    } else if name.contains("host") {
        ObservableKind::Hostname
    } else {
        ObservableKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_tell_the_kind() {
        for (name, value, kind) in [
            ("c-ip", "192.0.2.1", ObservableKind::IpAddress),
            ("cs-user-agent", "curl/8", ObservableKind::UserAgent),
            ("user", "a@example.org", ObservableKind::UserName),
            ("to", "a@example.org", ObservableKind::EmailAddress),
            ("Hostname", "mail", ObservableKind::Hostname),
            ("dst_port", "25", ObservableKind::Other),
        ] {
            assert_eq!(kind_of(name, value), kind, "{name}");
        }
        let group = [
            ("user".to_string(), None),
            ("c-ip".to_string(), Some("::1".to_string())),
        ];
        assert_eq!(group_observables(&group).len(), 1);
    }
}
