//! Single compressed streams: gzip, bzip2, xz, lzma, zstd.
//!
//! Every decoder is told to deliver what it has before it reports damage, so that everything in
//! front of a break is kept.

use crate::data::ArtefactReader;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use std::io::{self, BufRead, Read};

/// Memory an xz or lzma stream may ask for, in KiB; `xz -9` needs 65 MiB.
const LZMA_MEMORY_KIB: u32 = 256 << 10;

/// How a stream is compressed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Bzip2,
    Xz,
    Lzma,
    Zstd,
}

impl Codec {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
        }
    }

    /// By the first bytes (RFC 1952, bzip2, xz file format 1.2.0, RFC 8878); the old `.lzma`
    /// format has no magic and is taken by its name and a plausible first byte.
    pub fn recognise(name: &str, head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x1f\x8b\x08") {
            return Some(Self::Gzip);
        }
        if head.starts_with(b"\xfd7zXZ\0") {
            return Some(Self::Xz);
        }
        if head.starts_with(b"\x28\xb5\x2f\xfd") {
            return Some(Self::Zstd);
        }
        if let [a, 0x2a, 0x4d, 0x18, ..] = head
            && a & 0xf0 == 0x50
        {
            return Some(Self::Zstd);
        }
        if let [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] = head
            && (rest.starts_with(b"1AY&SY") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90"))
        {
            return Some(Self::Bzip2);
        }
        let lzma = name.ends_with(".lzma") || name.ends_with(".tlz");
        (lzma && head.first() == Some(&0x5d)).then_some(Self::Lzma)
    }
}

/// The compressed bytes, buffered, with the exact number of those the decoder has used.
pub(crate) struct Input {
    reader: ArtefactReader,
    buf: Vec<u8>,
    at: usize,
    filled: usize,
    used: u64,
}

impl Input {
    pub fn new(reader: ArtefactReader) -> Self {
        Self {
            reader,
            buf: vec![0; 64 << 10],
            at: 0,
            filled: 0,
            used: 0,
        }
    }

    /// Compressed bytes used so far.
    pub fn used(&self) -> u64 {
        self.used
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.filled {
            self.filled = self.reader.read(&mut self.buf)?;
            self.at = 0;
        }
        Ok(self.buf.get(self.at..self.filled).unwrap_or(&[]))
    }

    fn consume(&mut self, n: usize) {
        self.at = self.at.saturating_add(n).min(self.filled);
        self.used += n as u64;
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

/// Why decoding ended early.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The stream is damaged or cut.
    Damaged(String),
    /// The receiver wanted no more.
    Stopped,
}

impl From<io::Error> for Broken {
    fn from(e: io::Error) -> Self {
        Self::Damaged(match e.kind() {
            io::ErrorKind::UnexpectedEof => "ends early (truncated)".to_string(),
            _ => e.to_string(),
        })
    }
}

/// What takes the decoded bytes: given a chunk and the compressed bytes used so far, it answers
/// whether it wants more.
pub(crate) trait Receiver {
    fn receive(&mut self, chunk: &[u8], used: u64) -> bool;
}

/// Decodes the whole input, concatenated members included, as the tools themselves do.
pub(crate) fn decode(codec: Codec, input: &mut Input, to: &mut dyn Receiver) -> Result<(), Broken> {
    let mut buf = vec![0; 128 << 10];
    match codec {
        Codec::Gzip => loop {
            let mut d = flate2::bufread::GzDecoder::new(&mut *input);
            loop {
                let n = d.read(&mut buf)?;
                if n == 0 {
                    break;
                }
                give(to, &buf, n, d.get_ref().used())?;
            }
            if !another(input, &|b| b.starts_with(b"\x1f\x8b"))? {
                return Ok(());
            }
        },
        Codec::Bzip2 => loop {
            let mut d = bzip2::bufread::BzDecoder::new(&mut *input);
            loop {
                let n = d.read(&mut buf)?;
                if n == 0 {
                    break;
                }
                give(to, &buf, n, d.get_ref().used())?;
            }
            if !another(input, &|b| b.starts_with(b"BZh"))? {
                return Ok(());
            }
        },
        Codec::Xz => {
            let mut d = lzma_rust2::XzReader::new_mem_limit(input, true, LZMA_MEMORY_KIB);
            loop {
                let n = d.read(&mut buf)?;
                if n == 0 {
                    return Ok(());
                }
                give(to, &buf, n, d.inner().used())?;
            }
        }
        Codec::Lzma => {
            let mut d = lzma_rust2::LzmaReader::new_mem_limit(input, LZMA_MEMORY_KIB, None)?;
            loop {
                let n = d.read(&mut buf)?;
                if n == 0 {
                    return Ok(());
                }
                give(to, &buf, n, d.inner().used())?;
            }
        }
        Codec::Zstd => loop {
            zstd_frame(input, to, &mut buf)?;
            let next = |b: &[u8]| {
                b.starts_with(b"\x28\xb5\x2f\xfd")
                    || matches!(b, [a, 0x2a, 0x4d, 0x18, ..] if a & 0xf0 == 0x50)
            };
            if !another(input, &next)? {
                return Ok(());
            }
        },
    }
}

/// One frame of RFC 8878, skippable ones included. Its checksum, if present, is compared.
fn zstd_frame(input: &mut Input, to: &mut dyn Receiver, buf: &mut [u8]) -> Result<(), Broken> {
    let mut d = match StreamingDecoder::new(&mut *input) {
        Ok(d) => d,
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
            length,
            ..
        })) => {
            let skipped = io::copy(&mut input.take(u64::from(length)), &mut io::sink())?;
            if skipped < u64::from(length) {
                return Err(Broken::Damaged("ends early (truncated)".into()));
            }
            return Ok(());
        }
        Err(e) => return Err(Broken::Damaged(e.to_string())),
    };
    loop {
        let n = d.read(buf)?;
        if n == 0 {
            break;
        }
        give(to, buf, n, d.get_ref().used())?;
    }
    let stated = d.decoder.get_checksum_from_data();
    if stated.is_some() && stated != d.decoder.get_calculated_checksum() {
        return Err(Broken::Damaged("checksum does not match".into()));
    }
    Ok(())
}

fn give(to: &mut dyn Receiver, buf: &[u8], n: usize, used: u64) -> Result<(), Broken> {
    if to.receive(buf.get(..n).unwrap_or(buf), used) {
        Ok(())
    } else {
        Err(Broken::Stopped)
    }
}

/// After one complete member: `true` when another follows, `false` at the end or before zero
/// padding (tapes and block devices pad), an error before anything else.
fn another(input: &mut Input, is_next: &dyn Fn(&[u8]) -> bool) -> Result<bool, Broken> {
    // A member's magic may straddle the buffer's end: look at a buffer of its own then.
    let mut magic = [0; 4];
    let offset = input.used();
    let n = input.reader.read_at(offset, &mut magic)?;
    if n == 0 {
        return Ok(false);
    }
    if is_next(magic.get(..n).unwrap_or(&[])) {
        return Ok(true);
    }
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(false);
        }
        if chunk.iter().any(|b| *b != 0) {
            return Err(Broken::Damaged(format!(
                "complete up to byte {offset}, something else follows"
            )));
        }
        let n = chunk.len();
        input.consume(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Data;
    use std::io::Write;

    struct All(Vec<u8>);

    impl Receiver for All {
        fn receive(&mut self, chunk: &[u8], _used: u64) -> bool {
            self.0.extend_from_slice(chunk);
            true
        }
    }

    fn run(codec: Codec, bytes: Vec<u8>) -> (Vec<u8>, Result<(), Broken>, u64) {
        let mut input = Input::new(Data::memory(bytes).reader().unwrap());
        let mut all = All(Vec::new());
        let end = decode(codec, &mut input, &mut all);
        (all.0, end, input.used())
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        e.write_all(bytes).unwrap();
        e.finish().unwrap()
    }

    fn lines(n: usize) -> Vec<u8> {
        (0..n)
            .flat_map(|i| format!("line {i} of {}\n", i * 7919 % 977).into_bytes())
            .collect()
    }

    #[test]
    fn concatenated_members_and_zero_padding() {
        let (a, b) = (lines(9000), lines(50));
        let mut joined = [gz(&a), gz(&b)].concat();
        joined.extend_from_slice(&[0; 1000]);
        let (out, end, used) = run(Codec::Gzip, joined.clone());
        assert!(end.is_ok());
        assert_eq!(out, [a, b].concat());
        assert_eq!(used, joined.len() as u64);
    }

    #[test]
    fn garbage_after_the_end_is_said() {
        let (out, end, used) = run(Codec::Gzip, [gz(b"abc"), b"garbage".to_vec()].concat());
        assert_eq!(out, b"abc");
        assert!(matches!(end, Err(Broken::Damaged(_))));
        assert_eq!(used, gz(b"abc").len() as u64);
    }

    #[test]
    fn everything_before_a_cut_is_kept() {
        let plain = lines(40_000);
        let packed = gz(&plain);
        let cut = packed.len() / 2;
        let (out, end, used) = run(Codec::Gzip, packed[..cut].to_vec());
        assert!(matches!(end, Err(Broken::Damaged(_))));
        assert!(plain.starts_with(&out));
        assert!(
            out.len() > plain.len() / 3,
            "{} of {}",
            out.len(),
            plain.len()
        );
        assert_eq!(used, cut as u64);
    }

    #[test]
    fn zstd_frames_skippable_frames_and_a_wrong_checksum() {
        use ruzstd::encoding::{CompressionLevel, compress_to_vec};
        let frame = |b: &[u8]| compress_to_vec(b, CompressionLevel::Fastest);
        let skip = b"\x52\x2a\x4d\x18\x05\0\0\0hello".to_vec();
        let (a, b) = (lines(5000), lines(3));
        let (out, end, _) = run(Codec::Zstd, [frame(&a), skip.clone(), frame(&b)].concat());
        assert!(end.is_ok(), "{end:?}");
        assert_eq!(out, [a.clone(), b].concat());
        let (_, end, _) = run(Codec::Zstd, skip[..10].to_vec());
        assert!(matches!(end, Err(Broken::Damaged(_))));
        let mut bad = frame(&a);
        let last = bad.len() - 1;
        bad[last] ^= 1;
        let (out, end, _) = run(Codec::Zstd, bad);
        assert_eq!(out, a);
        assert!(matches!(end, Err(Broken::Damaged(_))));
    }
}
