//! Syslog over TLS (RFC 5425), with rustls.

use super::{Common, LOOK, is_timeout, receive};
use crate::config::SyslogSource;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use std::io::{self, Read};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

fn named(path: &Path, e: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {e}", path.display()))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|e| named(path, e))
}

/// What the configuration says, checked.
pub fn server(config: &SyslogSource) -> io::Result<Arc<ServerConfig>> {
    let missing = || io::Error::other("certificate and key are needed");
    let certificate = config.certificate.as_deref().ok_or_else(missing)?;
    let key_path = config.key.as_deref().ok_or_else(missing)?;
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|e| named(key_path, e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let builder = match &config.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(|e| named(path, e))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                .build()
                .map_err(|e| named(path, e))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder
        .with_single_cert(chain, key)
        .map(Arc::new)
        .map_err(|e| named(certificate, e))
}

/// Serves one connection.
pub fn serve(mut stream: TcpStream, common: &Common, config: Arc<ServerConfig>) -> io::Result<()> {
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(HANDSHAKE))?;
    let peer = stream.peer_addr()?.ip();
    let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let begun = Instant::now();
    while connection.is_handshaking() {
        if common.ending() || begun.elapsed() > HANDSHAKE {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match connection.complete_io(&mut stream) {
            Err(e) if is_timeout(&e) => {}
            other => drop(other?),
        }
    }
    let mut tls = Stream::new(&mut connection, &mut stream);
    receive(&mut Quiet(&mut tls), peer, common);
    connection.send_close_notify();
    // The peer may be gone.
    let _ = connection.write_tls(&mut stream);
    Ok(())
}

/// A peer that closes without saying so has cut the connection: what came until then counts.
struct Quiet<'a>(&'a mut dyn Read);

impl Read for Quiet<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other,
        }
    }
}
