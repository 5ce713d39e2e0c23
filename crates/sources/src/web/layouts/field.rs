//! What a directive of a layout stands for, and how its text fills a record.

use crate::stamp::{self, Clock};
use crate::web::record::{Record, ip, present};
use crate::web::request::{request_line, target_of};
use vauban_ocsf::{HttpBytes, HttpTime, Timestamp};

/// One directive: Apache's `%…` (mod_log_config, mod_logio) or an nginx variable
/// (ngx_http_log_module and the core variables).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `%h`, `%a`, `$remote_addr`.
    Client,
    /// `%{c}a`, `$realip_remote_addr`: the peer where a proxy's header replaced the client.
    Peer,
    /// `%u`, `$remote_user`.
    User,
    /// `%t` with its brackets, `%{…}t` without format.
    ClfBracketed,
    /// `$time_local`.
    Clf,
    /// `$time_iso8601`.
    Iso,
    /// `$msec`, `%{sec}t`.
    EpochSeconds,
    /// `%{msec}t`.
    EpochMillis,
    /// `%{usec}t`.
    EpochMicros,
    /// `%{msec_frac}t`.
    FractionMillis,
    /// `%{usec_frac}t`.
    FractionMicros,
    /// `%{format}t`: a `strftime` format.
    Strftime(String),
    /// `%r`, `$request`.
    Request,
    /// `%m`, `$request_method`.
    Method,
    /// `$request_uri`: path and query as received.
    Target,
    /// `%U`, `$uri`, `$document_uri`: path, after decoding and rewriting.
    Path,
    /// `%q` (with its `?`), `$args`, `$query_string`.
    Query,
    /// `%>s`, `$status`.
    Status,
    /// `%s`: status before internal redirects.
    FirstStatus,
    /// `%b`, `%B`, `$body_bytes_sent`.
    Body,
    /// `%O`, `$bytes_sent`.
    Wire,
    /// `%I`, `$request_length`.
    In,
    /// `%T`, `%{s}T`, `$request_time`.
    Seconds,
    /// `%{ms}T`.
    Millis,
    /// `%D`, `%{us}T`.
    Micros,
    /// `%v`, `%V`, `%{Host}i`, `$host`, `$http_host`, `$server_name`.
    Vhost,
    /// `%{Referer}i`, `$http_referer`.
    Referrer,
    /// `%{User-Agent}i`, `$http_user_agent`.
    UserAgent,
    /// `%{X-Forwarded-For}i`, `$http_x_forwarded_for`.
    ForwardedFor,
    /// `%{Cookie}i`, `$http_cookie`.
    Cookies,
    /// `%{name}C`, `$cookie_name` of a session cookie.
    SessionCookie,
    /// `$gzip_ratio`, mod_deflate's `%{ratio}n`.
    GzipRatio,
    /// `$sent_http_content_encoding`, `%{Content-Encoding}o`.
    ContentEncoding,
    /// `$scheme`, `$https`, `%{HTTPS}x`.
    Scheme,
    /// `$ssl_protocol`, `%{SSL_PROTOCOL}x`, ciphers.
    TlsParameter,
    /// `%P`, `$pid`.
    Pid,
    /// Anything this vocabulary has no place for.
    Skip,
}

/// What text a field can be, so that it is not cut at the wrong place.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Digits, `.` and `-` (`-` alone for "none").
    Number,
    /// `[` … `]`.
    Bracketed,
    /// No blank inside.
    Word,
    /// Anything.
    Text,
}

impl Field {
    /// What its text looks like.
    pub fn shape(&self) -> Shape {
        match self {
            Self::EpochSeconds
            | Self::EpochMillis
            | Self::EpochMicros
            | Self::FractionMillis
            | Self::FractionMicros
            | Self::Status
            | Self::FirstStatus
            | Self::Body
            | Self::Wire
            | Self::In
            | Self::Seconds
            | Self::Millis
            | Self::Micros
            | Self::GzipRatio
            | Self::Pid => Shape::Number,
            Self::ClfBracketed => Shape::Bracketed,
            Self::Client | Self::Peer | Self::Method | Self::Iso | Self::Scheme => Shape::Word,
            _ => Shape::Text,
        }
    }

    /// Puts the field's decoded text where it belongs. Text that does not read as what it should
    /// be is left out; only a bad time makes the record useless, and [`Record::finish`] finds out.
    pub fn fill<'a>(&self, text: &'a str, record: &mut Record<'a>, clock: &Clock<'_>) {
        let value = present(text);
        let http = &mut record.http;
        match self {
            Self::Client => match ip(value) {
                Some(address) => http.src_ip = Some(address),
                None => http.src_host = value,
            },
            Self::Peer => http.src_ip = http.src_ip.or_else(|| ip(value)),
            Self::User => http.user = value,
            Self::ClfBracketed => {
                let inner = value.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
                record.time = inner.and_then(|t| whole(stamp::clf(t.as_bytes(), clock), t));
            }
            Self::Clf => record.time = whole(stamp::clf(value.as_bytes(), clock), value),
            Self::Iso => record.time = whole(stamp::rfc3339(value.as_bytes(), clock), value),
            Self::EpochSeconds => {
                set_time(record, whole(stamp::epoch(value.as_bytes()), value));
            }
            Self::EpochMillis => set_time(record, scaled(value, 1_000)),
            Self::EpochMicros => set_time(record, scaled(value, 1)),
            Self::FractionMillis => {
                record.pieces.micros = value.parse().unwrap_or(0).min(999) * 1_000;
            }
            Self::FractionMicros => {
                record.pieces.micros = value.parse().unwrap_or(0).min(999_999);
            }
            Self::Strftime(format) => {
                super::strftime::read(format, value, &mut record.pieces);
            }
            Self::Request => request_line(text, record),
            Self::Method => http.method = value,
            Self::Target => {
                if http.path.is_empty() {
                    target_of(value, record);
                }
            }
            Self::Path => {
                if http.path.is_empty() {
                    http.path = value;
                }
            }
            Self::Query => {
                if http.query.is_empty() {
                    http.query = value.strip_prefix('?').unwrap_or(value);
                }
            }
            Self::Status => http.status = value.parse().ok().or(http.status),
            Self::FirstStatus => http.status = http.status.or_else(|| value.parse().ok()),
            Self::Body => {
                // `%b` writes `-` for none.
                let count = if text == "-" {
                    Some(0)
                } else {
                    value.parse().ok()
                };
                if count.is_some() {
                    http.bytes_out = count;
                    http.bytes_are = HttpBytes::Body;
                }
            }
            Self::Wire => {
                // A count of the body alone says more about what was read; it stays if it is there.
                if http.bytes_out.is_none() {
                    http.bytes_out = value.parse().ok();
                    http.bytes_are = HttpBytes::Wire;
                }
            }
            Self::In => http.bytes_in = value.parse().ok(),
            Self::Seconds => duration(record, value, 1_000_000),
            Self::Millis => duration(record, value, 1_000),
            Self::Micros => duration(record, value, 1),
            Self::Vhost => {
                if http.vhost.is_empty() {
                    http.vhost = value;
                }
            }
            Self::Referrer => http.referrer = value,
            Self::UserAgent => http.user_agent = value,
            Self::ForwardedFor => http.forwarded_for = value,
            Self::Cookies => {
                if http.cookie.is_empty() {
                    http.cookie = value;
                }
            }
            Self::SessionCookie => http.cookie = value,
            Self::GzipRatio => http.compressed = http.compressed.or(Some(!value.is_empty())),
            Self::ContentEncoding => {
                http.compressed = Some(!value.is_empty() && value != "identity");
            }
            Self::Scheme => {
                http.tls = Some(value == "https" || value == "on");
            }
            Self::TlsParameter => http.tls = http.tls.or(Some(!value.is_empty())),
            Self::Pid => record.pid = value.parse().ok(),
            Self::Skip => {}
        }
    }

    /// The field of an Apache directive: its letter, the text in braces, `>` given or not.
    /// <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html>
    pub fn apache(letter: &str, argument: &str, last: bool, first: bool) -> (Self, HttpTime) {
        let lower = argument.to_ascii_lowercase();
        let start = HttpTime::Start;
        let field = match letter {
            "h" => Self::Client,
            "a" if lower == "c" => Self::Peer,
            "a" => Self::Client,
            "u" => Self::User,
            "t" => return Self::apache_time(argument),
            "r" => Self::Request,
            "m" => Self::Method,
            "U" => Self::Path,
            "q" => Self::Query,
            // `%s` is the original status, unless `%>s`; other directives default to the
            // original request too, which this vocabulary does not tell apart.
            "s" if last && !first => Self::Status,
            "s" => Self::FirstStatus,
            "b" | "B" => Self::Body,
            "O" => Self::Wire,
            "I" => Self::In,
            "T" => match lower.as_str() {
                "ms" => Self::Millis,
                "us" => Self::Micros,
                _ => Self::Seconds,
            },
            "D" => Self::Micros,
            "v" | "V" => Self::Vhost,
            "P" if lower.is_empty() || lower == "pid" => Self::Pid,
            "i" => Self::request_header(&lower),
            "o" if lower == "content-encoding" => Self::ContentEncoding,
            "C" if is_session_cookie(&lower) => Self::SessionCookie,
            "n" if lower == "ratio" => Self::GzipRatio,
            "x" | "e" => match lower.as_str() {
                "https" => Self::Scheme,
                "ssl_protocol" | "ssl_cipher" => Self::TlsParameter,
                _ => Self::Skip,
            },
            _ => Self::Skip,
        };
        (field, start)
    }

    fn apache_time(argument: &str) -> (Self, HttpTime) {
        let (when, format) = match argument.split_once(':') {
            Some(("end", format)) => (HttpTime::End, format),
            Some(("begin", format)) => (HttpTime::Start, format),
            _ if argument == "end" => (HttpTime::End, ""),
            _ if argument == "begin" => (HttpTime::Start, ""),
            _ => (HttpTime::Start, argument),
        };
        let field = match format {
            "" => Self::ClfBracketed,
            "sec" => Self::EpochSeconds,
            "msec" => Self::EpochMillis,
            "usec" => Self::EpochMicros,
            "msec_frac" => Self::FractionMillis,
            "usec_frac" => Self::FractionMicros,
            format => Self::Strftime(format.to_owned()),
        };
        (field, when)
    }

    /// The field of an nginx variable, named without `$`.
    /// <https://nginx.org/en/docs/varindex.html>
    pub fn nginx(name: &str) -> Self {
        match name {
            "remote_addr" => Self::Client,
            "realip_remote_addr" => Self::Peer,
            "remote_user" => Self::User,
            "time_local" => Self::Clf,
            "time_iso8601" => Self::Iso,
            "msec" => Self::EpochSeconds,
            "request" => Self::Request,
            "request_method" => Self::Method,
            "request_uri" => Self::Target,
            "uri" | "document_uri" => Self::Path,
            "args" | "query_string" => Self::Query,
            "status" => Self::Status,
            "body_bytes_sent" => Self::Body,
            "bytes_sent" => Self::Wire,
            "request_length" => Self::In,
            "request_time" => Self::Seconds,
            "host" | "server_name" => Self::Vhost,
            "gzip_ratio" => Self::GzipRatio,
            "sent_http_content_encoding" => Self::ContentEncoding,
            "scheme" | "https" => Self::Scheme,
            "ssl_protocol" | "ssl_cipher" => Self::TlsParameter,
            "pid" => Self::Pid,
            _ => {
                if let Some(header) = name.strip_prefix("http_") {
                    Self::request_header(&header.replace('_', "-"))
                } else if name.strip_prefix("cookie_").is_some_and(is_session_cookie) {
                    Self::SessionCookie
                } else {
                    Self::Skip
                }
            }
        }
    }

    /// The field of a request header, named in lower case.
    fn request_header(name: &str) -> Self {
        match name {
            "referer" => Self::Referrer,
            "user-agent" => Self::UserAgent,
            "x-forwarded-for" => Self::ForwardedFor,
            "cookie" => Self::Cookies,
            "host" => Self::Vhost,
            _ => Self::Skip,
        }
    }
}

/// A field known by the name of its key alone, in JSON that nothing declares.
pub(in crate::web) struct Named<'n>(pub &'n str);

impl Named<'_> {
    /// Puts the value where its key says; an unknown key does nothing.
    pub fn fill<'a>(&self, text: &'a str, record: &mut Record<'a>, clock: &Clock<'_>) {
        let field = match self.0 {
            "remote_addr" | "remote_ip" | "client" | "client_ip" | "clientip" | "ip"
            | "host_ip" | "request.remote_ip" | "id.orig_h" | "ClientHost" | "source_ip"
            | "src_ip" | "source.ip" | "client.ip" | "network.client.ip" => Field::Client,
            "request_line" | "req" => Field::Request,
            // Some templates call the method "request".
            "request" if text.contains(' ') || text.starts_with('\\') => Field::Request,
            "request" | "method" | "request.method" | "verb" | "RequestMethod" | "http.method"
            | "http_method" => Field::Method,
            "url" | "request.uri" | "RequestPath" | "requestURI" | "http.url" => Field::Target,
            "path" => Field::Path,
            "query" => Field::Query,
            "code" | "response" | "response_code" | "status_code" | "DownstreamStatus"
            | "http.status_code" => Field::Status,
            "body_bytes" => Field::Body,
            // Whether headers count is not said: taken as if they did, which bounds the body.
            "bytes" | "size" | "DownstreamContentSize" | "bytes_written" => Field::Wire,
            "referer"
            | "referrer"
            | "http_referrer"
            | "request.headers.Referer"
            | "request_Referer"
            | "http.referer" => Field::Referrer,
            "user_agent"
            | "useragent"
            | "agent"
            | "ua"
            | "request.headers.User-Agent"
            | "request_User-Agent"
            | "http.useragent" => Field::UserAgent,
            "x_forwarded_for" | "xff" | "forwarded_for" | "request.headers.X-Forwarded-For" => {
                Field::ForwardedFor
            }
            "user" | "auth" | "user_id" | "ClientUsername" => Field::User,
            "vhost" | "server" | "domain" | "request.host" | "RequestHost" | "http_host" => {
                Field::Vhost
            }
            "duration" | "request_duration" | "response_time" | "latency" => Field::Seconds,
            name => Field::nginx(name),
        };
        field.fill(text, record, clock);
    }
}

/// Roundcube's cookies (`session_name`, by default `roundcube_sessid`), PHP's own, SOGo's.
fn is_session_cookie(name: &str) -> bool {
    name.contains("sess") || name.contains("roundcube") || name == "0xhighflyxsogo"
}

/// A stamp that takes up all of its text.
fn whole(stamp: Option<(Timestamp, usize)>, text: &str) -> Option<Timestamp> {
    stamp.and_then(|(time, end)| (end == text.len()).then_some(time))
}

/// `$msec` beside `$time_local` is the same instant, only finer.
fn set_time(record: &mut Record<'_>, time: Option<Timestamp>) {
    record.time = time.or(record.time);
}

fn scaled(text: &str, micros: i64) -> Option<Timestamp> {
    let count: i64 = text.parse().ok()?;
    count.checked_mul(micros).map(Timestamp)
}

/// A duration in units of `micros` microseconds, possibly with a decimal fraction.
fn duration(record: &mut Record<'_>, text: &str, micros: u64) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let Ok(whole) = whole.parse::<u64>() else {
        return;
    };
    let mut total = whole.saturating_mul(micros);
    let mut unit = micros;
    for digit in fraction.bytes() {
        unit /= 10;
        if !digit.is_ascii_digit() || unit == 0 {
            break;
        }
        total = total.saturating_add(u64::from(digit - b'0') * unit);
    }
    // `%T` and `%D` may both be there: the finer one wins.
    if record.http.duration_us.is_none() || micros == 1 || !fraction.is_empty() {
        record.http.duration_us = Some(total);
    }
}
