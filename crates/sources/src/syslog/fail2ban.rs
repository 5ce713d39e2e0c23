//! fail2ban, in its own file or in syslog: `fail2ban.actions [PID]: NOTICE [JAIL] Ban IP`.

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, Message, NetAction, Network, Product, Severity};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    record.tag.starts_with("fail2ban")
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let mut text = record.message;
    // syslog through the server's name: `fail2ban.actions [123]: NOTICE …`.
    if text.starts_with("fail2ban.")
        && let Some((_, rest)) = text.split_once(": ")
    {
        text = rest;
    }
    let mut severity = Severity::Info;
    for (word, meaning) in [
        ("INFO", Severity::Info),
        ("NOTICE", Severity::Info),
        ("DEBUG", Severity::Info),
        ("WARNING", Severity::Warning),
        ("ERROR", Severity::Error),
        ("CRITICAL", Severity::Error),
    ] {
        if let Some(rest) = text.strip_prefix(word) {
            severity = meaning;
            text = rest.trim_start();
            break;
        }
    }
    let Some((jail, rest)) = field::enclosed(text, "[", "] ") else {
        return plain(record, severity, text, out);
    };
    let (word, object) = rest.split_once(' ').unwrap_or((rest, ""));
    let ip = field::ip_prefix(object).map(|(ip, _)| ip);
    match (word, ip) {
        ("Ban" | "Restore", Some(ip)) => {
            let network = Network {
                src_ip: Some(ip),
                action: NetAction::Blocked,
                state: word,
                label: jail,
                ..Network::default()
            };
            out.event(record, Product::Fail2ban, Body::Network(network))
        }
        ("Found" | "Unban" | "Ignore", Some(ip)) => {
            let message = Message {
                severity: Severity::Info,
                text,
                src_ip: Some(ip),
                user: "",
            };
            out.event(record, Product::Fail2ban, Body::Message(message))
        }
        _ => {
            let already = rest.strip_suffix(" already banned").and_then(field::ip);
            if let Some(ip) = already {
                let message = Message {
                    severity,
                    text,
                    src_ip: Some(ip),
                    user: "",
                };
                return out.event(record, Product::Fail2ban, Body::Message(message));
            }
            plain(record, severity, text, out)
        }
    }
}

fn plain(record: &Record<'_>, severity: Severity, text: &str, out: &mut Out<'_>) -> Accounted {
    if severity == Severity::Info {
        return out.ignored(record);
    }
    let message = Message {
        severity,
        text,
        src_ip: None,
        user: "",
    };
    out.event(record, Product::Fail2ban, Body::Message(message))
}
