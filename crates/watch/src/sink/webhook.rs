//! Findings sent by HTTP POST, one a request.
//!
//! `Idempotency-Key` is the finding's identifier: an answer can be lost, and the request is then
//! made again. A receiver that honours the key shows each finding once.

use super::{Outcome, Sink};
use crate::config::WebhookSink;
use crate::store::{Pending, SinkState};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use vauban_ocsf::Level;

/// Attempts after which a finding that the receiver will not have is put aside.
const REFUSALS: u32 = 3;

/// An HTTP server.
pub struct Webhook {
    name: String,
    config: WebhookSink,
    agent: ureq::Agent,
    token: Option<String>,
    /// What was refused goes here.
    aside: PathBuf,
    refused: (i64, u32),
    metrics: std::sync::Arc<crate::metrics::Metrics>,
}

impl Webhook {
    /// Sends to the URL; `state` is the directory that refused findings are put aside in.
    ///
    /// # Errors
    /// If token or certificates cannot be read.
    pub fn new(
        config: &WebhookSink,
        state: &std::path::Path,
        metrics: std::sync::Arc<crate::metrics::Metrics>,
    ) -> io::Result<Self> {
        let token = match &config.token_file {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| io::Error::other(format!("{}: {e}", path.display())))?;
                Some(text.lines().next().unwrap_or("").trim().to_owned())
            }
        };
        let builder = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(config.timeout_seconds.max(1))))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("vauban/", env!("CARGO_PKG_VERSION")));
        #[cfg(feature = "tls")]
        let builder = builder.tls_config(tls(config)?);
        Ok(Self {
            name: format!("webhook:{}", config.url),
            config: config.clone(),
            agent: builder.build().into(),
            token,
            aside: state.join("refused.jsonl"),
            refused: (0, 0),
            metrics,
        })
    }

    /// Sends one; the status.
    fn post(&self, pending: &Pending) -> Result<(u16, Option<u64>), String> {
        let mut request = self
            .agent
            .post(&self.config.url)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", &pending.finding.uid);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = request
            .send(pending.finding.body.as_bytes())
            .map_err(|e| e.to_string())?;
        let after = response
            .headers()
            .get("Retry-After")
            .and_then(|v| v.to_str().ok()?.trim().parse().ok());
        Ok((response.status().as_u16(), after))
    }

    fn put_aside(&self, pending: &Pending, status: u16) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.aside)?;
        let line = serde_json::json!({
            "sink": self.name,
            "status": status,
            "finding": pending.finding.body,
        });
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }
}

#[cfg(feature = "tls")]
fn tls(config: &WebhookSink) -> io::Result<ureq::tls::TlsConfig> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
    let roots: Vec<Certificate<'static>> = match &config.ca {
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|e| io::Error::other(format!("{}: {e}", path.display())))?
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect(),
        None if config.url.starts_with("https") => {
            let native = rustls_native_certs::load_native_certs();
            if native.certs.is_empty() {
                let why = native.errors.first().map(ToString::to_string);
                return Err(io::Error::other(format!(
                    "no authorities of the system: {}",
                    why.unwrap_or_else(|| "none installed".into())
                )));
            }
            native
                .certs
                .iter()
                .map(|der| Certificate::from_der(der).to_owned())
                .collect()
        }
        None => Vec::new(),
    };
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(std::sync::Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .root_certs(RootCerts::Specific(std::sync::Arc::new(roots)))
        .build())
}

impl Sink for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    fn level(&self) -> Level {
        self.config.level.0
    }

    fn batch(&self) -> u32 {
        16
    }

    /// The first that is not taken ends the batch: the order is kept.
    fn deliver(&mut self, batch: &[Pending], state: &SinkState) -> Outcome {
        let Some(pending) = batch.first() else {
            return Outcome::Done(state.clone());
        };
        let done = SinkState {
            seq: pending.seq,
            own: String::new(),
        };
        match self.post(pending) {
            Ok((200..=299, _)) => Outcome::Done(done),
            Ok((429 | 503, Some(seconds))) => Outcome::Wait(Duration::from_secs(seconds.min(600))),
            // Not this finding's fault: an address, a right, a load that will be put right.
            Ok((status @ (401 | 403 | 404 | 405 | 407 | 408 | 421 | 425 | 429), _)) => {
                Outcome::Failed(format!("status {status}"))
            }
            Ok((status @ 400..=499, _)) => {
                if self.refused.0 != pending.seq {
                    self.refused = (pending.seq, 0);
                }
                self.refused.1 += 1;
                if self.refused.1 < REFUSALS {
                    return Outcome::Failed(format!("status {status}"));
                }
                match self.put_aside(pending, status) {
                    Ok(()) => {
                        self.metrics.sink_refused(&self.name);
                        Outcome::Done(done)
                    }
                    Err(e) => Outcome::Failed(format!("{}: {e}", self.aside.display())),
                }
            }
            Ok((status, _)) => Outcome::Failed(format!("status {status}")),
            Err(why) => Outcome::Failed(why),
        }
    }
}
