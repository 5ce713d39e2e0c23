//! The access log formats.
//!
//! Each line is tried with the layouts that configuration declared, most specific first, then
//! with the hand-written splitter. A layout that read the last line is tried first on the next:
//! logs change their layout seldom.

use super::Escape;
use super::combined::{self, Fields};
use super::layouts::{Layout, Program};
use super::record::{Record, emit, ip, present};
use super::request::request_line;
use crate::field::number;
use crate::stamp::Clock;
use crate::{Context, Line, LogFormat, each_line};
use vauban_ocsf::{EventSink, Evidence, HttpBytes, HttpTime, Product};

/// Apache's access logs: common, combined, vhost_combined, and every `LogFormat` declared.
pub static APACHE_ACCESS: Access = Access {
    name: "apache-access",
    product: Product::Apache,
};

/// nginx's access logs: combined, and every `log_format` declared.
pub static NGINX_ACCESS: Access = Access {
    name: "nginx-access",
    product: Product::Nginx,
};

/// JSON access logs of any server, declared or not.
pub static JSON_ACCESS: JsonAccess = JsonAccess;

/// A format of one server.
pub struct Access {
    name: &'static str,
    product: Product,
}

impl Access {
    /// What an undeclared line's byte count is.
    ///
    /// nginx's `combined` is built in and cannot be declared anew: `$body_bytes_sent`. Apache's
    /// is a convention: `%b` upstream, `%O` on Debian. Without the configuration the count is
    /// taken as one with headers, which is the careful reading: the body then is at most that,
    /// and at least that less what headers can take.
    fn bytes_are(&self, count: &str) -> HttpBytes {
        match self.product {
            Product::Apache if count != "-" => HttpBytes::Wire,
            _ => HttpBytes::Body,
        }
    }

    fn time_is(&self) -> HttpTime {
        match self.product {
            Product::Apache => HttpTime::Start,
            _ => HttpTime::End,
        }
    }
}

impl LogFormat for Access {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sniff(&self, path: &str, head: &[u8]) -> u8 {
        let shape = sniff_lines(head, |line, clock| combined::split(line, clock).is_some());
        let path = path.to_ascii_lowercase();
        let named_nginx = path.contains("nginx") || path.contains("openresty");
        let named_apache = ["apache", "httpd", "other_vhosts_access"]
            .iter()
            .any(|name| path.contains(name));
        let text = String::from_utf8_lossy(head);
        // `-` for no bytes is Apache's `%b`; `\x22` for a quotation mark is nginx's.
        let looks_apache = text.contains(" - \"") && text.contains("\" 304 - ");
        let ours = match self.product {
            Product::Nginx => named_nginx || (!named_apache && !looks_apache),
            _ => named_apache || (!named_nginx && looks_apache),
        };
        if shape == 0 {
            // Declared layouts are not known here; a name that says access log is a hint.
            let hint = path.contains("access") && (named_nginx || named_apache) && ours;
            return if hint && !sniff_is_error_log(&text) {
                25
            } else {
                0
            };
        }
        let certainty = shape / 2 + 45;
        if ours { certainty } else { certainty - 5 }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        let layouts: Vec<Layout> = context
            .access_layouts
            .iter()
            .filter_map(|text| Layout::compile(text))
            .collect();
        let mut reader = Reader::new(self, &layouts);
        each_line(context, bytes, offset, sink, |line, sink| {
            if !reader.read(line, &clock, "", sink) {
                sink.unparsed(line.evidence, "not a line of an access log");
            }
        });
    }
}

/// What tries a line with everything known.
struct Reader<'l> {
    format: &'l Access,
    programs: Vec<(&'l Layout, Program<'l>)>,
    /// The program that read the last line.
    last: usize,
}

impl<'l> Reader<'l> {
    fn new(format: &'l Access, layouts: &'l [Layout]) -> Self {
        Self {
            format,
            programs: layouts
                .iter()
                .map(|layout| (layout, Program::new(layout)))
                .collect(),
            last: 0,
        }
    }

    fn read(
        &mut self,
        line: &Line<'_>,
        clock: &Clock<'_>,
        host: &str,
        sink: &mut dyn EventSink,
    ) -> bool {
        let count = self.programs.len();
        // The splitter's result serves every layout it can read; it may not be needed at all.
        let mut fields = Lazy::Unread;
        for turn in 0..count {
            let index = if turn == 0 {
                self.last
            } else if turn <= self.last {
                turn - 1
            } else {
                turn
            };
            let Some((layout, program)) = self.programs.get_mut(index) else {
                continue;
            };
            let product = layout.product();
            let read = match layout
                .fast()
                .map(|fast| (fast, fields.get(line.text, clock)))
            {
                Some((fast, Some(fields)))
                    if fast.vhost != fields.vhost.is_empty() && fast.quoted == fields.quoted =>
                {
                    let how = How {
                        product,
                        time_is: layout.time_is(),
                        bytes_are: fast.bytes_are,
                    };
                    give(fields, &how, line.evidence, host, sink);
                    true
                }
                Some(_) => false,
                None => {
                    let mut give =
                        |record: Record<'_>| _ = emit(record, product, line.evidence, host, sink);
                    program.read(line.text, clock, &mut give)
                }
            };
            if read {
                self.last = index;
                return true;
            }
        }
        if let Some(fields) = fields.get(line.text, clock) {
            let how = How {
                product: self.format.product,
                time_is: self.format.time_is(),
                bytes_are: self.format.bytes_are(fields.bytes),
            };
            give(fields, &how, line.evidence, host, sink);
            return true;
        }
        line.text.starts_with('{') && {
            let mut give = |record: Record<'_>, product: Product| {
                emit(record, product, line.evidence, host, sink);
            };
            super::json::read(line.text, clock, &mut give)
        }
    }
}

/// The fields of a line, split when they are first asked for.
enum Lazy<'a> {
    Unread,
    Read(Option<Fields<'a>>),
}

impl<'a> Lazy<'a> {
    #[inline]
    fn get(&mut self, line: &'a str, clock: &Clock<'_>) -> Option<&Fields<'a>> {
        if let Self::Unread = self {
            *self = Self::Read(combined::split(line, clock));
        }
        match self {
            Self::Read(fields) => fields.as_ref(),
            Self::Unread => None,
        }
    }
}

/// How the fields of a split line are to be understood.
struct How {
    product: Product,
    time_is: HttpTime,
    bytes_are: HttpBytes,
}

/// Makes the event of a split line.
fn give(fields: &Fields<'_>, how: &How, evidence: Evidence, host: &str, sink: &mut dyn EventSink) {
    if !fields.escaped {
        let texts = [
            fields.user,
            fields.request,
            fields.referrer,
            fields.user_agent,
            fields.fourth,
        ];
        return give_texts(fields, how, texts, evidence, host, sink);
    }
    let decode = |text| Escape::Log.decode(text);
    let (user, request) = (decode(fields.user), decode(fields.request));
    let (referrer, agent) = (decode(fields.referrer), decode(fields.user_agent));
    let forwarded = decode(fields.fourth);
    let texts = [&*user, &*request, &*referrer, &*agent, &*forwarded];
    give_texts(fields, how, texts, evidence, host, sink);
}

/// Makes the event; `texts` are user, request, referrer, user agent and fourth field, decoded.
#[inline]
fn give_texts(
    fields: &Fields<'_>,
    how: &How,
    [user, request, referrer, agent, forwarded]: [&str; 5],
    evidence: Evidence,
    host: &str,
    sink: &mut dyn EventSink,
) {
    let mut record = Record {
        time: Some(fields.time),
        ..Record::default()
    };
    let http = &mut record.http;
    http.time_is = how.time_is;
    match fields.address {
        Some(address) => http.src_ip = Some(address),
        None => http.src_host = present(fields.client),
    }
    if !fields.vhost.is_empty() {
        http.vhost = fields
            .vhost
            .rsplit_once(':')
            .map_or(fields.vhost, |(name, _)| name);
    }
    http.user = present(user);
    http.status = number(fields.status).and_then(|n| u16::try_from(n).ok());
    http.bytes_out = if fields.bytes == "-" {
        Some(0)
    } else {
        number(fields.bytes)
    };
    http.bytes_are = how.bytes_are;
    http.referrer = present(referrer);
    http.user_agent = present(agent);
    // Undeclared fourth fields are anything; one that starts with an address is a forwarding.
    if !forwarded.is_empty() {
        let first = forwarded.split(',').next().unwrap_or_default().trim();
        if ip(first).is_some() {
            http.forwarded_for = forwarded;
        }
    }
    request_line(request, &mut record);
    if record.http.malformed {
        // Bytes of some other protocol: the log's own notation is the only readable one.
        record.http.path = fields.request;
    }
    emit(record, how.product, evidence, host, sink);
}

/// The access format of an artefact whose lines are of a declared layout, which no guess could
/// know: at least half of the first lines must be read by one of the layouts that
/// [`layouts_for`](super::layouts::layouts_for) gave for it.
///
/// To be asked where [`recognise`](crate::recognise) finds nothing, or only an access format.
pub fn recognise_declared(layouts: &[String], head: &[u8]) -> Option<&'static dyn LogFormat> {
    for layout in layouts.iter().filter_map(|text| Layout::compile(text)) {
        let share = sniff_lines(head, |line, clock| match layout.fast() {
            Some(_) => combined::split(line, clock).is_some(),
            None => Program::new(&layout).read(line, clock, &mut |_| {}),
        });
        if share >= 50 {
            return Some(match layout.product() {
                Product::Nginx => &NGINX_ACCESS,
                _ => &APACHE_ACCESS,
            });
        }
    }
    None
}

/// Reads one access line that came in another envelope (syslog). `false` if it is none.
///
/// `time` fields inside the line hold, not the envelope's.
pub fn access_line(
    product: Product,
    line: &Line<'_>,
    clock: &Clock<'_>,
    host: &str,
    sink: &mut dyn EventSink,
) -> bool {
    let format = match product {
        Product::Nginx => &NGINX_ACCESS,
        _ => &APACHE_ACCESS,
    };
    Reader::new(format, &[]).read(line, clock, host, sink)
}

/// JSON lines.
pub struct JsonAccess;

impl LogFormat for JsonAccess {
    fn name(&self) -> &'static str {
        "json-access"
    }

    fn sniff(&self, path: &str, head: &[u8]) -> u8 {
        let share = sniff_lines(head, |line, clock| {
            line.starts_with('{') && super::json::read(line, clock, &mut |_, _| {})
        });
        if share == 0 {
            return 0;
        }
        let named = path.contains("access") || path.contains("nginx") || path.contains("caddy");
        share / 3 + if named { 45 } else { 25 }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        NGINX_ACCESS.parse(context, bytes, offset, sink);
    }
}

/// Share of the head's whole lines, in percent, that `fits` accepts; the first 40 count.
pub(crate) fn sniff_lines(head: &[u8], fits: impl Fn(&str, &Clock<'_>) -> bool) -> u8 {
    let base = vauban_evidence::TimeBase::utc((9999, 12, 31));
    let clock = Clock::new(&base);
    let text = String::from_utf8_lossy(head);
    let whole = text.rfind('\n').filter(|_| head.len() >= 65_536);
    let (mut seen, mut fitting) = (0u32, 0u32);
    for line in text
        .get(..whole.unwrap_or(text.len()))
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(40)
    {
        seen += 1;
        fitting += u32::from(fits(line.trim_end_matches('\r'), &clock));
    }
    let percent = (fitting * 100).checked_div(seen).unwrap_or(0);
    u8::try_from(percent).unwrap_or(100)
}

/// nginx's and Apache's error logs start with a date of their own.
fn sniff_is_error_log(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    line.contains(" [error] ") || line.contains(":error] ") || line.contains(" [notice] ")
}
