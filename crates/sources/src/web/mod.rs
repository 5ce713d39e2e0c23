//! Web servers: access logs, error logs, PHP's logs, and what a request to a webmail means.
//!
//! - `access`: the formats "apache-access", "nginx-access" and "json-access";
//! - `combined`: the hand-written path for common, combined and their usual extensions;
//! - [`layouts`]: any other line, as the server's own configuration declares it;
//! - `json`: JSON lines of which no declaration is at hand;
//! - `errors`, `php`: error logs;
//! - `roundcube_request`: what a request asked Roundcube to do.
//!
//! To teach another notation of a field, add it to `layouts::field` and nowhere else.

mod access;
mod combined;
mod errors;
mod json;
pub mod layouts;
mod nginx_mail;
mod php;
mod record;
mod request;
mod unescape;
mod webmail;

pub(crate) use access::sniff_lines;
pub use access::{APACHE_ACCESS, JSON_ACCESS, NGINX_ACCESS, access_line, recognise_declared};
pub use errors::{APACHE_ERROR, NGINX_ERROR, apache_message, nginx_message};
pub use php::{PHP_LOG, php_message};
pub(crate) use php::{php_date, zoned};
pub(crate) use record::ip;
pub use unescape::Escape;
pub use webmail::{
    Part, Reveals, RoundcubeAction, RoundcubeRequest, Uid, percent_decode, roundcube_request,
};
