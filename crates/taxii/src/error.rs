//! Why a server's answer is of no use.

/// What went wrong, with the address asked.
#[derive(Debug, thiserror::Error)]
pub enum TaxiiError {
    /// The server could not be reached, or the connection broke, after all attempts.
    #[error("{url}: {why}")]
    Transport {
        /// What was asked.
        url: String,
        /// The reason.
        why: String,
    },
    /// The server refused (401, 403: credentials; 404: no such thing; 406: no TAXII 2.1; …).
    #[error("{url}: the server answered {status}{}", title.as_ref().map(|t| format!(" ({t})")).unwrap_or_default())]
    Status {
        /// What was asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// Title of the TAXII error message, if there was one.
        title: Option<String>,
    },
    /// The answer is not what the standard says.
    #[error("{url}: {why}")]
    Answer {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// An address that cannot be asked.
    #[error("{url}: {why}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}
