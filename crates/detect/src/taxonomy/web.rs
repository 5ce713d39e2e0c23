//! Requests: `category: webserver`, of a forward proxy `category: proxy`, of a sensor its own.
//!
//! `cs-uri-query` holds the request's whole target ("path?query"): SigmaHQ's web rules look for
//! paths in it, and those of the appendix for parameters; both find theirs. The query alone is
//! `http_request.url.query_string`, the path alone `cs-uri-stem`.

use super::put::Put;
use super::{LogSource, ls, names};
use crate::Value;
use vauban_ocsf::{Http, Product};

pub fn http<'a>(
    product: Product,
    host: &'a str,
    http: &Http<'a>,
    put: &mut Put<'_, 'a>,
) -> LogSource {
    let proxy = product == Product::Squid;
    put.text(
        &["cs-method", "http_request.http_method", "method"],
        http.method,
    );
    let target = if http.query.is_empty() {
        Value::Str(http.path)
    } else {
        Value::Joined(http.path, '?', http.query)
    };
    put.value(&["cs-uri-query", "cs-uri", "c-uri", "uri"], target);
    put.text(
        &["cs-uri-stem", "c-uri-stem", "http_request.url.path"],
        http.path,
    );
    put.text(
        &["c-uri-query", "http_request.url.query_string"],
        http.query,
    );
    put.text(&["c-uri-extension"], extension(http.path));
    put.text(
        &["cs-host", "r-dns", "host", "http_request.url.hostname"],
        http.vhost,
    );
    put.text(
        &[
            "cs-referer",
            "cs-referrer",
            "referrer",
            "http_request.referrer",
        ],
        http.referrer,
    );
    put.text(
        &[
            "cs-user-agent",
            "c-useragent",
            "user_agent",
            "http_request.user_agent",
        ],
        http.user_agent,
    );
    put.number(
        &["sc-status", "status_code", "http_response.code"],
        http.status,
    );
    put.number(&["sc-bytes", "traffic.bytes_out"], http.bytes_out);
    put.number(&["cs-bytes", "traffic.bytes_in"], http.bytes_in);
    // The appendix counts milliseconds.
    put.number(&["time-taken"], http.duration_us.map(|us| us / 1000));
    put.number(&["unmapped.duration_us"], http.duration_us);
    put.ip(&["c-ip"], http.src_ip);
    let extra = http.extra.as_deref();
    put.source(http.src_ip, extra.and_then(|e| e.src_port), http.src_host);
    put.text(&["s-computername"], host);
    if let Some(extra) = extra {
        put.ip(&["s-ip"], extra.dst_ip);
        put.number(&["s-port"], extra.dst_port);
        put.destination(extra.dst_ip, extra.dst_port);
        put.text(
            &["mime_type", "resp_mime_types", "http_response.content_type"],
            extra.mime,
        );
        put.text(&["flow_uid", "unmapped.flow_uid"], extra.flow_uid);
        put.text(
            &["proxy_result", "unmapped.proxy_result"],
            extra.proxy_result,
        );
    }
    put.text(
        &["x_forwarded_for", "unmapped.forwarded_for"],
        http.forwarded_for,
    );
    put.text(&["cs-username", "user", "actor.user.name"], http.user);
    put.text(&["cs-cookie", "unmapped.cookie"], http.cookie);
    put.flag(&["tls", "unmapped.tls"], http.tls);
    put.flag(&["compressed", "unmapped.compressed"], http.compressed);
    put.flag(&["malformed", "unmapped.malformed"], Some(http.malformed));
    let name = names::product(product);
    match product {
        _ if proxy => ls("proxy", name, "access"),
        Product::Zeek | Product::Suricata => ls("network", name, "http"),
        _ => ls("webserver", name, "access"),
    }
}

/// What stands after the last dot of a path's last component, as the appendix says of
/// `c-uri-extension`.
fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}
