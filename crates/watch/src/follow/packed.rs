//! Logs that were compressed after rotation, read as a stream.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// Memory that an xz stream may ask for, in KiB; `xz -9` needs 65 MiB.
const XZ_MEMORY_KIB: u32 = 128 << 10;

/// Whether the first bytes are of a compressed stream we can read.
pub fn is_packed(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
        || head.starts_with(b"BZh")
        || head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0])
        || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// The decoded bytes of a compressed file.
///
/// # Errors
/// If it is no stream of a known kind, or cannot be read. A file that ends too soon (the
/// compressor is still at work) gives an error while reading, never a short result.
pub fn decode(file: File) -> io::Result<Box<dyn Read + Send>> {
    let mut input = BufReader::with_capacity(64 << 10, file);
    let head = input.fill_buf()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(input)));
    }
    if head.starts_with(b"BZh") {
        return Ok(Box::new(bzip2::bufread::MultiBzDecoder::new(input)));
    }
    if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        let reader = lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY_KIB);
        return Ok(Box::new(reader));
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(Zstd {
            input: Some(input),
            frame: None,
        }));
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "neither gzip, bzip2, xz nor zstd",
    ))
}

type Frame = ruzstd::decoding::StreamingDecoder<BufReader<File>, ruzstd::decoding::FrameDecoder>;

/// Zstandard frames one after another.
struct Zstd {
    input: Option<BufReader<File>>,
    frame: Option<Box<Frame>>,
}

impl Read for Zstd {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let n = frame.read(buf)?;
                if n > 0 || buf.is_empty() {
                    return Ok(n);
                }
                self.input = self.frame.take().map(|frame| frame.into_inner());
            }
            let Some(mut input) = self.input.take() else {
                return Ok(0);
            };
            if input.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let frame = Frame::new(input).map_err(io::Error::other)?;
            self.frame = Some(Box::new(frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &[u8] = b"one\ntwo\nthree\n";

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        io::Seek::rewind(&mut file)?;
        let mut out = Vec::new();
        decode(file)?.read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip() -> Vec<u8> {
        let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        w.write_all(TEXT).expect("memory");
        w.finish().expect("memory")
    }

    #[test]
    fn kinds_read_whole() {
        let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bz.write_all(TEXT).expect("memory");
        let bz = bz.finish().expect("memory");
        let zst =
            ruzstd::encoding::compress_to_vec(TEXT, ruzstd::encoding::CompressionLevel::Fastest);
        for (kind, bytes) in [("gz", gzip()), ("bz2", bz), ("zst", zst)] {
            assert!(is_packed(&bytes), "{kind}");
            assert_eq!(read(&bytes).expect(kind), TEXT, "{kind}");
            let twice = [bytes.clone(), bytes.clone()].concat();
            assert_eq!(read(&twice).expect(kind), [TEXT, TEXT].concat(), "{kind}");
            // A compressor at work must not look like the end.
            for cut in 1..bytes.len() {
                assert!(read(&bytes[..cut]).is_err(), "{kind} cut at {cut}");
            }
        }
        assert!(read(b"plain").is_err());
    }
}
