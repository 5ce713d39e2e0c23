//! Web servers, PHP and Roundcube where they log to syslog.

use super::{Accounted, Out, Program, Record};
use crate::stamp::Clock;
use crate::{Line, roundcube, web};
use vauban_evidence::TimeBase;
use vauban_ocsf::{Body, Message, Product, Severity};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn product(record: &Record<'_>) -> Option<Product> {
    // Apache's tag may name an instance: `httpd/backend1`.
    let first = record.tag.split('/').next().unwrap_or_default();
    Some(match first {
        "roundcube" | "roundcubemail" => Product::Roundcube,
        "nginx" => Product::Nginx,
        "httpd" | "apache2" | "apache" => Product::Apache,
        name if name.starts_with("php") && !name.starts_with("phpMyAdmin") => Product::PhpFpm,
        _ => return None,
    })
}

fn claims(record: &Record<'_>) -> bool {
    product(record).is_some()
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let line = Line {
        text: record.message,
        evidence: record.evidence,
    };
    let (time, host) = (record.time, record.host);
    let product = product(record).unwrap_or(Product::Other);
    match product {
        Product::Roundcube => {
            roundcube::roundcube_message(record.message, &line, time, host, record.pid, out.sink);
            return Accounted(());
        }
        Product::PhpFpm => {
            web::php_message(record.message, &line, time, host, out.sink);
            return Accounted(());
        }
        _ => {}
    }
    // Stamps inside carry their offset (access logs) or are passed over (error logs).
    let base = TimeBase::utc((9999, 12, 31));
    let clock = Clock::new(&base);
    if web::access_line(product, &line, &clock, host, out.sink) {
        return Accounted(());
    }
    match product {
        Product::Nginx
            if web::nginx_message(record.message, &line, Some(time), &clock, host, out.sink) =>
        {
            Accounted(())
        }
        Product::Apache if record.message.starts_with('[') => {
            web::apache_message(record.message, &line, time, host, out.sink);
            Accounted(())
        }
        _ => out.event(
            record,
            product,
            Body::Message(Message {
                severity: Severity::Info,
                text: record.message,
                ..Message::default()
            }),
        ),
    }
}
