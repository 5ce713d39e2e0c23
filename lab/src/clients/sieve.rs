//! A ManageSieve client (RFC 5804).

use std::net::IpAddr;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Wire;

/// A connection.
pub struct Sieve {
    wire: Wire,
}

impl Sieve {
    /// Connects from `source` and reads the capabilities.
    pub fn connect(source: IpAddr) -> Result<Sieve> {
        let mut sieve = Sieve {
            wire: Wire::open(source, 4190)?,
        };
        sieve.finish()?;
        Ok(sieve)
    }

    fn finish(&mut self) -> Result<bool> {
        loop {
            let line = self.wire.line()?;
            if line.starts_with(b"OK") {
                return Ok(true);
            }
            if line.starts_with(b"NO") || line.starts_with(b"BYE") {
                return Ok(false);
            }
        }
    }

    /// Logs in; false when the password is refused.
    pub fn login(&mut self, user: &str, password: &str) -> Result<bool> {
        let token = STANDARD.encode(format!("\0{user}\0{password}"));
        self.wire
            .send(format!("AUTHENTICATE \"PLAIN\" \"{token}\"\r\n").as_bytes())?;
        self.finish()
    }

    /// Stores a script and makes it the active one.
    pub fn put_active(&mut self, name: &str, script: &str) -> Result<()> {
        self.wire.send(
            format!("PUTSCRIPT \"{name}\" {{{}+}}\r\n{script}\r\n", script.len()).as_bytes(),
        )?;
        if !self.finish()? {
            bail!("the server refused the Sieve script {name}");
        }
        self.wire
            .send(format!("SETACTIVE \"{name}\"\r\n").as_bytes())?;
        if !self.finish()? {
            bail!("the server does not activate the Sieve script {name}");
        }
        Ok(())
    }

    /// Leaves; returns all octets received.
    pub fn logout(mut self) -> Result<u64> {
        self.wire.send(b"LOGOUT\r\n")?;
        self.wire.drain()?;
        Ok(self.wire.received)
    }
}
