//! What our own events are called in Sigma's taxonomy: logsource and field names.

use crate::Value;
use vauban_ocsf::Event;

/// Sigma's `logsource` of an event. `""` means not set.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogSource {
    /// `category` ("webserver", "authentication", "firewall").
    pub category: &'static str,
    /// `product` ("linux", "dovecot", "postfix").
    pub product: &'static str,
    /// `service` ("imap", "sshd").
    pub service: &'static str,
}

/// Calls `put` with every field of `event` under its name in Sigma's taxonomy, and gives its
/// logsource.
pub fn describe<'a>(event: &Event<'a>, put: &mut dyn FnMut(&'static str, Value<'a>)) -> LogSource {
    put("Hostname", Value::Str(event.host));
    LogSource::default()
}
