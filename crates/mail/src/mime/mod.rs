//! MIME as octets: where each part stands and how many octets IMAP counts for it.
//!
//! - [`structure`] finds the parts, exactly as Dovecot's `message-parser` does, because the byte
//!   bounds of a case are proved against what that daemon sent;
//! - [`header`] splits header fields and reads MIME parameters (RFC 2045, RFC 2231);
//! - [`words`] decodes encoded words, addresses, dates and charsets (with `mail-parser`);
//! - [`decode`] undoes base64 and quoted-printable;
//! - [`authres`] reads what servers found of SPF, DKIM and DMARC (RFC 8601).

pub mod authres;
pub mod decode;
pub mod header;
pub mod structure;
pub mod words;
