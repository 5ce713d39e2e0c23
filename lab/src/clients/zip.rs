//! Reads names and sizes from a ZIP archive's central directory (APPNOTE.TXT 4.3.12).

/// An archive member: its name and its uncompressed size in octets.
pub type Member = (String, u64);

/// The members of an archive; `None` when it is not one, or is cut off.
pub fn members(archive: &[u8]) -> Option<Vec<Member>> {
    let end = memchr::memmem::rfind(archive, b"PK\x05\x06")?;
    let count = u16_at(archive, end + 10)?;
    let mut at = usize::try_from(u32_at(archive, end + 16)?).ok()?;
    let mut all = Vec::new();
    for _ in 0..count {
        if archive.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let size = u32_at(archive, at + 24)?;
        let name_len = usize::from(u16_at(archive, at + 28)?);
        let extra = usize::from(u16_at(archive, at + 30)?) + usize::from(u16_at(archive, at + 32)?);
        let name = archive.get(at + 46..at + 46 + name_len)?;
        all.push((String::from_utf8_lossy(name).into_owned(), u64::from(size)));
        at += 46 + name_len + extra;
    }
    Some(all)
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_archive_has_no_members_and_noise_is_none() {
        let mut empty = b"PK\x05\x06".to_vec();
        empty.extend([0u8; 18]);
        assert_eq!(members(&empty), Some(vec![]));
        assert_eq!(members(b"no archive"), None);
        assert_eq!(members(&empty[..10]), None);
    }
}
