//! Access log layouts as the web server's configuration declares them.
//!
//! A layout is compiled to a small program of literals and fields. Common, combined and
//! vhost_combined are recognised in it and go the hand-written way (`super::combined`); any
//! other line is matched step by step. Where a field that a client controls stands unquoted, the
//! match backtracks over the places it could end, within a budget.
//!
//! The text form, which travels in [`Context::access_layouts`](crate::Context::access_layouts),
//! is the server's name, the escaping, and the declaration:
//! `apache log %h %l %u %t "%r" %>s %O`, `nginx json {"ip":"$remote_addr",…}`.

mod config;
mod field;
mod run;
mod strftime;

pub use config::{Configuration, Declared, from_config, layouts_for};
use field::Field;
pub(super) use field::Named;
pub(super) use run::Program;

use super::Escape;
use vauban_ocsf::{HttpBytes, HttpTime, Product};

/// nginx's built-in `combined`.
pub const NGINX_COMBINED: &str = concat!(
    "nginx log $remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent ",
    "\"$http_referer\" \"$http_user_agent\""
);

/// Apache's built-in format, nickname `CLF`.
pub const APACHE_CLF: &str = "apache log %h %l %u %t \"%r\" %>s %b";

/// One step of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Literal(String),
    Field(Field),
}

/// A layout that the hand-written splitter reads.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Fast {
    /// What its byte count is.
    pub bytes_are: HttpBytes,
    /// Whether a virtual host stands in front.
    pub vhost: bool,
    /// Quoted fields after the byte count.
    pub quoted: u8,
}

/// A compiled layout.
#[derive(Clone, Debug)]
pub struct Layout {
    product: Product,
    escape: Escape,
    time_is: HttpTime,
    steps: Vec<Step>,
    /// How the hand-written splitter reads it, if it does.
    fast: Option<Fast>,
}

impl Layout {
    /// Compiles the text form. `None` if it is not one, or if it has no time, or if two fields
    /// stand side by side so that nothing tells where the first ends.
    pub fn compile(text: &str) -> Option<Self> {
        let (server, rest) = text.split_once(' ')?;
        let (escape, format) = rest.split_once(' ')?;
        let escape = match escape {
            "log" => Escape::Log,
            "json" => Escape::Json,
            "none" => Escape::None,
            _ => return None,
        };
        let (product, (steps, time_is)) = match server {
            "apache" => (Product::Apache, apache_steps(format)),
            "nginx" => (Product::Nginx, (nginx_steps(format), HttpTime::End)),
            _ => return None,
        };
        let told_apart = steps.windows(2).all(|pair| match pair {
            [Step::Field(a), Step::Field(b)] => run::separable(a, b),
            _ => true,
        });
        let has_time = steps.iter().any(|step| {
            matches!(
                step,
                Step::Field(
                    Field::ClfBracketed
                        | Field::Clf
                        | Field::Iso
                        | Field::EpochSeconds
                        | Field::EpochMillis
                        | Field::EpochMicros
                        | Field::Strftime(_)
                )
            )
        });
        if !told_apart || !has_time {
            return None;
        }
        let fast = fast(&steps).filter(|_| escape == Escape::Log);
        Some(Self {
            product,
            escape,
            time_is,
            steps,
            fast,
        })
    }

    /// The server whose layout it is.
    pub fn product(&self) -> Product {
        self.product
    }

    /// How [`super::combined`] reads this layout, if it does.
    pub(super) fn fast(&self) -> Option<Fast> {
        self.fast
    }

    pub(super) fn time_is(&self) -> HttpTime {
        self.time_is
    }
}

/// Adds to the literal under way, or begins one.
fn literal(steps: &mut Vec<Step>, text: &str) {
    match steps.last_mut() {
        Some(Step::Literal(last)) => last.push_str(text),
        _ => steps.push(Step::Literal(text.to_owned())),
    }
}

/// `%h %l %u %t "%r" %>s %b`: mod_log_config's `parse_log_string`.
fn apache_steps(format: &str) -> (Vec<Step>, HttpTime) {
    let mut steps = Vec::new();
    let mut time_is = HttpTime::Start;
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == '\\' {
            // `parse_log_misc_string`: \\ \n \r \t; any other pair is written as it stands.
            let escaped = rest.chars().next();
            let text = match escaped {
                Some('\\') => "\\",
                Some('n') => "\n",
                Some('r') => "\r",
                Some('t') => "\t",
                _ => {
                    literal(&mut steps, "\\");
                    continue;
                }
            };
            literal(&mut steps, text);
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        if c != '%' {
            let mut utf8 = [0; 4];
            literal(&mut steps, c.encode_utf8(&mut utf8));
            continue;
        }
        let (mut last, mut first, mut argument) = (false, false, "");
        let letter = loop {
            let Some(c) = rest.chars().next() else {
                break "";
            };
            let length = c.len_utf8();
            let taken = rest.get(..length).unwrap_or_default();
            rest = rest.get(length..).unwrap_or_default();
            match c {
                '>' => last = true,
                '<' => first = true,
                '!' | ',' | '0'..='9' => {}
                '{' => {
                    let end = rest.find('}').unwrap_or(rest.len());
                    argument = rest.get(..end).unwrap_or_default();
                    rest = rest.get(end + 1..).unwrap_or_default();
                }
                // `^FU`, `^ti`, `^to`: three-letter directives for trailers and the like.
                '^' => rest = rest.get(2..).unwrap_or_default(),
                _ => break taken,
            }
        };
        if letter == "%" {
            literal(&mut steps, "%");
            continue;
        }
        let (field, when) = Field::apache(letter, argument, last, first);
        if letter == "t" {
            time_is = when;
        }
        steps.push(Step::Field(field));
    }
    (steps, time_is)
}

/// `$remote_addr - ${remote_user}…`: ngx_http_log_module.
fn nginx_steps(format: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        let length = c.len_utf8();
        if c != '$' {
            literal(&mut steps, rest.get(..length).unwrap_or_default());
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        rest = rest.get(1..).unwrap_or_default();
        let braced = rest.strip_prefix('{');
        let named = braced.unwrap_or(rest);
        let end = named
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(named.len());
        let name = named.get(..end).unwrap_or_default();
        rest = named.get(end..).unwrap_or_default();
        if braced.is_some() {
            rest = rest.strip_prefix('}').unwrap_or(rest);
        }
        if name.is_empty() {
            literal(&mut steps, "$");
        } else {
            steps.push(Step::Field(Field::nginx(name)));
        }
    }
    steps
}

/// Whether the steps are those of common or combined, with or without a virtual host in front and
/// `X-Forwarded-For` at the end.
fn fast(steps: &[Step]) -> Option<Fast> {
    // One letter a step: easier to compare than to match.
    let mut shape = String::new();
    let mut bytes = HttpBytes::Body;
    for step in steps {
        match step {
            Step::Literal(text) => shape.push_str(text),
            Step::Field(field) => shape.push_str(match field {
                Field::Client => "<client>",
                Field::User => "<user>",
                Field::ClfBracketed => "[<time>]",
                Field::Clf => "<time>",
                Field::Request => "<request>",
                Field::Status => "<status>",
                Field::Body => "<bytes>",
                Field::Wire => {
                    bytes = HttpBytes::Wire;
                    "<bytes>"
                }
                Field::Referrer => "<referrer>",
                Field::UserAgent => "<agent>",
                Field::ForwardedFor => "<forwarded>",
                Field::Vhost => "<vhost>",
                Field::Skip => "<skip>",
                _ => return None,
            }),
        }
    }
    let named = shape
        .strip_prefix("<vhost>:<skip> ")
        .or_else(|| shape.strip_prefix("<vhost> "));
    let rest = named.unwrap_or(&shape);
    let rest = rest
        .strip_prefix("<client> <skip> ")
        .or_else(|| rest.strip_prefix("<client> - "))?
        .strip_prefix("<user> [<time>] \"<request>\" <status> <bytes>")?;
    let quoted = match rest {
        "" => 0,
        " \"<referrer>\" \"<agent>\"" => 2,
        " \"<referrer>\" \"<agent>\" \"<forwarded>\"" => 3,
        _ => return None,
    };
    Some(Fast {
        bytes_are: bytes,
        vhost: named.is_some(),
        quoted,
    })
}
