//! zip (PKWARE APPNOTE 6.3): through the central directory, and when that is missing or damaged
//! through the members' own headers (`local.rs`).

use crate::archive::local;
use crate::data::Data;
use crate::decode::{Codec, Input, decode};
use crate::names;
use crate::problem::Severity;
use crate::worker::{Meta, Taking, Worker, reader, take_from};
use std::io::Read;
use vauban_ocsf::Timestamp;
use zip::CompressionMethod;

/// What the central directory says of a member.
struct Member {
    index: usize,
    name: Vec<u8>,
    start: u64,
    stored: u64,
    crc: u32,
    method: CompressionMethod,
    encrypted: bool,
    dir: bool,
    symlink: bool,
    meta: Meta,
}

/// Lists the members; `false` if nothing came out.
pub(crate) fn open(worker: &mut Worker<'_>, path: &str, data: &Data, depth: u32) -> bool {
    let Some(source) = reader(worker, path, data) else {
        return false;
    };
    let mut archive = match zip::ZipArchive::new(std::io::BufReader::new(source)) {
        Ok(archive) => archive,
        Err(e) => {
            let what = format!("zip: no usable central directory ({e}), reading member by member");
            worker.problem(Severity::Warning, path, Some(data.len), what);
            return local::open(worker, path, data, depth);
        }
    };
    if archive.has_duplicate_names() {
        let what = "zip: several members have the same name, only the last of each is read";
        worker.problem(Severity::Warning, path, None, what.into());
    }
    let mut members = Vec::new();
    for index in 0..archive.len() {
        match member(&mut archive, index) {
            Ok(member) => members.push(member),
            Err(e) => {
                let name = archive.by_index_data(index).map(|f| f.name_raw().to_vec());
                let (name, _) = names::member(&name.unwrap_or_default());
                worker.problem(
                    Severity::Error,
                    &format!("{path}!{name}"),
                    None,
                    format!("zip: {e}"),
                );
            }
        }
    }
    if members.is_empty() && !archive.is_empty() {
        // A directory none of whose entries leads to a member: written for another file, or moved.
        return local::open(worker, path, data, depth);
    }
    let overlapping = overlapping(&members);
    let mut any = false;
    for member in &members {
        any = true;
        if member.dir {
            continue;
        }
        let (name, hostile) = names::member(&member.name);
        let inner = format!("{path}!{name}");
        if hostile {
            let what = format!("zip: member is named {}", names::show(&member.name));
            worker.problem(Severity::Note, &inner, Some(member.start), what);
        }
        if overlapping.contains(&member.index) {
            let what = "zip: member shares its bytes with another (overlap bomb), not read";
            worker.problem(Severity::Error, &inner, Some(member.start), what.into());
        } else if member.encrypted {
            let what = "zip: encrypted, cannot be read without its password";
            worker.problem(Severity::Error, &inner, Some(member.start), what.into());
        } else {
            extract(worker, &mut archive, member, inner, data, depth);
        }
    }
    any
}

type Archive = zip::ZipArchive<std::io::BufReader<crate::data::ArtefactReader>>;

fn member(archive: &mut Archive, index: usize) -> zip::result::ZipResult<Member> {
    // Raw access reads the local header, which alone tells where the data starts.
    let file = archive.by_index_raw(index)?;
    Ok(Member {
        index,
        name: file.name_raw().to_vec(),
        start: file.data_start().unwrap_or(0),
        stored: file.compressed_size(),
        crc: file.crc32(),
        method: file.compression(),
        encrypted: file.encrypted(),
        dir: file.is_dir(),
        symlink: file.is_symlink(),
        meta: Meta {
            modified: file.last_modified().and_then(dos_time),
            mode: file.unix_mode(),
        },
    })
}

/// MS-DOS time has no zone and two-second steps; taken as UTC.
fn dos_time(t: zip::DateTime) -> Option<Timestamp> {
    let (year, month, day) = (
        i32::from(t.year()),
        u32::from(t.month()),
        u32::from(t.day()),
    );
    let (hour, minute, second) = (t.hour().into(), t.minute().into(), t.second().into());
    let good = (1..=12).contains(&month) && (1..=31).contains(&day);
    good.then(|| Timestamp::from_civil(year, month, day, hour, minute, second, 0, 0))
}

/// Members whose bytes an earlier one (by position) has: Fifield's "better zip bomb".
fn overlapping(members: &[Member]) -> std::collections::BTreeSet<usize> {
    let mut order: Vec<_> = members.iter().filter(|m| m.stored > 0).collect();
    order.sort_by_key(|m| (m.start, m.index));
    let mut end = 0;
    let mut bad = std::collections::BTreeSet::new();
    for member in order {
        if member.start < end {
            bad.insert(member.index);
        }
        end = end.max(member.start.saturating_add(member.stored));
    }
    bad
}

fn extract(
    worker: &mut Worker<'_>,
    archive: &mut Archive,
    member: &Member,
    path: String,
    data: &Data,
    depth: u32,
) {
    let stored = data.slice(member.start, member.stored);
    if member.symlink {
        let mut target = Vec::new();
        let read = archive
            .by_index(member.index)
            .map(|f| f.take(4096).read_to_end(&mut target));
        match read {
            Ok(Ok(_)) => worker.out.links.push((path, names::show(&target))),
            _ => worker.problem(
                Severity::Warning,
                &path,
                Some(member.start),
                "zip: symbolic link that cannot be read".into(),
            ),
        }
        return;
    }
    if member.method == CompressionMethod::Stored {
        match checksum(&stored) {
            Ok(crc) if crc == member.crc => {}
            _ => {
                let what = "zip: checksum does not match, or the member is cut";
                worker.problem(Severity::Warning, &path, Some(member.start), what.into());
            }
        }
        return worker.member(path, stored, &member.meta, depth + 1);
    }
    // 93 is Zstandard and 20 its first number (APPNOTE 4.4.5); the zip library's own decoder for it
    // is C.
    let (end, taken) =
        if [CompressionMethod::ZSTD, CompressionMethod::ZSTD_DEPRECATED].contains(&member.method) {
            let Some(source) = reader(worker, &path, &stored) else {
                return;
            };
            let mut taking = Taking::new(worker);
            let end = decode(Codec::Zstd, &mut Input::new(source), &mut taking);
            (end, taking.finish())
        } else {
            let mut file = match archive.by_index(member.index) {
                Ok(file) => file,
                Err(e) => {
                    let what = format!("zip: {e}");
                    return worker.problem(Severity::Error, &path, Some(member.start), what);
                }
            };
            let mut taking = Taking::new(worker);
            let end = take_from(&mut taking, &mut file, member.stored);
            (end, taking.finish())
        };
    worker.report(&path, "zip", end, &taken, member.start);
    if let Some((data, digest)) = worker.keep(&path, taken) {
        worker.place(path, data, &digest, &member.meta, depth + 1);
    }
}

fn checksum(data: &Data) -> std::io::Result<u32> {
    let mut reader = data.reader()?;
    let mut crc = flate2::Crc::new();
    let mut buf = vec![0; 64 << 10];
    loop {
        let n = reader.read(&mut buf)?;
        if n == 0 {
            return Ok(crc.sum());
        }
        crc.update(buf.get(..n).unwrap_or(&buf));
    }
}
