//! A zip without its central directory (cut off, or overwritten): its members one after the
//! other, by the header each has in front of it (APPNOTE 4.3.7).

use crate::data::Data;
use crate::decode::{Broken, Input, Receiver};
use crate::names;
use crate::problem::Severity;
use crate::worker::{Meta, Taking, Worker, reader};
use std::io::Read;

const SIGNATURE: &[u8] = b"PK\x03\x04";
const HEADER: u64 = 30;

/// A local file header.
struct Header {
    flags: u16,
    method: u16,
    stored: u64,
    name: Vec<u8>,
    data: u64,
}

/// Lists what can be read; `false` if nothing could.
pub(crate) fn open(worker: &mut Worker<'_>, path: &str, data: &Data, depth: u32) -> bool {
    let mut at = 0;
    let mut any = false;
    while let Some(header) = header(data, at) {
        let (name, hostile) = names::member(&header.name);
        let inner = format!("{path}!{name}");
        if hostile {
            let what = format!("zip: member is named {}", names::show(&header.name));
            worker.problem(Severity::Note, &inner, Some(at), what);
        }
        let streamed = header.flags & 8 != 0 && header.stored == 0;
        let known_end = header.data.checked_add(header.stored);
        if header.name.ends_with(b"/") && header.stored == 0 {
            at = header.data;
            continue;
        }
        let next = if header.flags & 1 != 0 {
            worker.problem(Severity::Error, &inner, Some(at), "zip: encrypted".into());
            known_end.filter(|_| !streamed)
        } else {
            match header.method {
                0 if !streamed => {
                    let bytes = data.slice(header.data, header.stored);
                    if bytes.len < header.stored {
                        let what = format!(
                            "zip: cut inside this member, {} of {} bytes are there",
                            bytes.len, header.stored
                        );
                        worker.problem(Severity::Warning, &inner, Some(data.len), what);
                    }
                    worker.member(inner, bytes, &Meta::default(), depth + 1);
                    any = true;
                    known_end
                }
                8 => {
                    any = true;
                    let used = deflated(worker, inner, data, &header, depth);
                    header.data.checked_add(used)
                }
                other => {
                    let what = format!("zip: method {other} needs the central directory, not read");
                    worker.problem(Severity::Error, &inner, Some(at), what);
                    known_end.filter(|_| !streamed)
                }
            }
        };
        // After streamed data comes a descriptor of 12 to 24 bytes: look for the next header.
        match next.and_then(|n| next_header(data, n)) {
            Some(n) if n > at => at = n,
            _ => break,
        }
    }
    any
}

/// Deflate tells its own end; returns the stored bytes used.
fn deflated(worker: &mut Worker<'_>, path: String, data: &Data, h: &Header, depth: u32) -> u64 {
    let Some(source) = reader(worker, &path, &data.slice(h.data, u64::MAX)) else {
        return 0;
    };
    let mut d = flate2::bufread::DeflateDecoder::new(Input::new(source));
    let mut taking = Taking::new(worker);
    let mut buf = vec![0; 64 << 10];
    let end = loop {
        match d.read(&mut buf) {
            Ok(0) => break Ok(()),
            Ok(n) => {
                let used = d.get_ref().used();
                if !taking.receive(buf.get(..n).unwrap_or(&buf), used) {
                    break Err(Broken::Stopped);
                }
            }
            Err(e) => break Err(Broken::from(e)),
        }
    };
    let used = d.get_ref().used();
    let taken = taking.finish();
    worker.report(&path, "zip", end, &taken, h.data.saturating_add(used));
    if let Some((data, digest)) = worker.keep(&path, taken) {
        worker.place(path, data, &digest, &Meta::default(), depth + 1);
    }
    used
}

fn header(data: &Data, at: u64) -> Option<Header> {
    let reader = data.reader().ok()?;
    let mut fixed = [0; HEADER as usize];
    if reader.read_at(at, &mut fixed).ok()? < fixed.len() || !fixed.starts_with(SIGNATURE) {
        return None;
    }
    let u16_at = |i: usize| Some(u16::from_le_bytes([*fixed.get(i)?, *fixed.get(i + 1)?]));
    let u32_at = |i: usize| Some(u32::from(u16_at(i)?) | u32::from(u16_at(i + 2)?) << 16);
    let (name_len, extra_len) = (u16_at(26)?, u16_at(28)?);
    let mut name = vec![0; usize::from(name_len)];
    let n = reader.read_at(at + HEADER, &mut name).ok()?;
    name.truncate(n);
    let mut extra = vec![0; usize::from(extra_len)];
    let n = reader
        .read_at(at + HEADER + u64::from(name_len), &mut extra)
        .ok()?;
    extra.truncate(n);
    let mut stored = u64::from(u32_at(18)?);
    if stored == u64::from(u32::MAX) {
        // Zip64 extra field 0x0001: original size, then stored size.
        stored = match extra.get(..20) {
            Some([1, 0, ..]) => {
                u64::from_le_bytes(extra.get(12..20).and_then(|b| b.try_into().ok())?)
            }
            _ => return None,
        };
    }
    Some(Header {
        flags: u16_at(6)?,
        method: u16_at(8)?,
        stored,
        name,
        data: at + HEADER + u64::from(name_len) + u64::from(extra_len),
    })
}

fn next_header(data: &Data, from: u64) -> Option<u64> {
    let reader = data.reader().ok()?;
    let mut at = from;
    let mut buf = vec![0; 64 << 10];
    loop {
        let n = reader.read_at(at, &mut buf).ok()?;
        if let Some(i) = memchr::memmem::find(buf.get(..n)?, SIGNATURE) {
            return Some(at + i as u64);
        }
        if n < buf.len() {
            return None;
        }
        at += (n - 3) as u64;
    }
}
