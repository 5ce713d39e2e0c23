//! Builds archives and reads collections.
#![allow(dead_code)]

use std::io::Write;
use std::path::{Path, PathBuf};
use vauban_evidence::{Artefact, Collection, Limits};

/// `xz -9` and `xz --format=lzma` of two lines of log.
pub const XZ: &str = "fd377a585a000004e6d6b446020021011c00000010cf58cce0003f002a5d00221948620bb894a45089ee0f65\
                  d8dc3baf4b1b96d0fce69a63aad4a2a01e3956bc4f297f4e7a98919420000000cf7ec751e64d330200014640\
                  381c79f01fb6f37d010000000004595a";
pub const LZMA: &str = "5d00008000ffffffffffffffff00221948620bb894a45089ee0f65d8dc3baf4b1b96d0fce69a63aad4a2a01\
                    e3956bc4f297f4e7a9d8e7593fffd958000";

/// The folder of other people's data, if it is here.
pub fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("VAUBAN_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    path.join("data").is_dir().then_some(path)
}

pub fn open(path: &Path) -> Collection {
    open_with(path, &Limits::default())
}

pub fn open_with(path: &Path, limits: &Limits) -> Collection {
    Collection::open(&[path.to_path_buf()], limits, &|_| {})
}

pub fn find<'c>(c: &'c Collection, path: &str) -> &'c Artefact {
    c.artefacts()
        .iter()
        .find(|a| a.path == path)
        .unwrap_or_else(|| {
            panic!("{path} is not among {:#?}\n{:#?}", paths(c), c.problems());
        })
}

pub fn paths(c: &Collection) -> Vec<&str> {
    c.artefacts().iter().map(|a| a.path.as_str()).collect()
}

pub fn content(c: &Collection, path: &str) -> Vec<u8> {
    c.read_all(find(c, path).id, usize::MAX).unwrap()
}

/// Asserts that a problem on `path` contains `words`.
pub fn expect_problem(c: &Collection, path: &str, words: &str) -> Option<u64> {
    match c
        .problems()
        .iter()
        .find(|p| p.path == path && p.what.contains(words))
    {
        Some(p) => p.offset,
        None => panic!("no problem on {path} with {words:?} in {:#?}", c.problems()),
    }
}

pub fn lines(n: usize) -> Vec<u8> {
    (0..n)
        .flat_map(|i| {
            let (minute, second) = (i / 60 % 60, i % 60);
            let noise = i.wrapping_mul(2_654_435_761) % 100_003;
            format!("Dec  9 10:{minute:02}:{second:02} mx dovecot: line {i} {noise}\n").into_bytes()
        })
        .collect()
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    e.write_all(bytes).unwrap();
    e.finish().unwrap()
}

pub fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut e = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    e.write_all(bytes).unwrap();
    e.finish().unwrap()
}

pub fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A tar whose names are taken as they are, hostile ones included.
pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut b = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut h = tar::Header::new_gnu();
        h.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        h.set_size(bytes.len() as u64);
        h.set_mtime(1_765_243_800);
        h.set_mode(0o640);
        h.set_cksum();
        b.append(&h, *bytes).unwrap();
    }
    b.into_inner().unwrap()
}

pub fn zip(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut w = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        w.start_file(*name, options).unwrap();
        w.write_all(bytes).unwrap();
    }
    w.finish().unwrap().into_inner()
}

pub fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}
