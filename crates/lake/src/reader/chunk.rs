//! One column of one row group: its dictionary, its pages, single values of it.

use super::levels::{KeySet, each_wanted, levels};
use bytes::{Buf, Bytes};
use parquet::basic::{Encoding, PageType, Type};
use parquet::column::page::{Page, PageReader};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a file from `start` on, at the offsets they have in the file.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    start: u64,
    bytes: Bytes,
}

impl Window {
    fn from(&self, offset: u64) -> Result<Bytes> {
        let at = offset
            .checked_sub(self.start)
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| *at <= self.bytes.len())
            .ok_or_else(|| ParquetError::EOF(format!("offset {offset} was not read")))?;
        Ok(self.bytes.slice(at..))
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Window {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let rest = self.from(start)?;
        if rest.len() < length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start}, {} are there",
                rest.len()
            )));
        }
        Ok(rest.slice(..length))
    }
}

/// A value of a column, with the row of its group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) row: usize,
    pub(crate) what: What,
}

/// Which value it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// The value of the dictionary under this key.
    Key(u32),
    /// A value that stands by itself.
    Value(Bytes),
}

/// A chunk of a column of texts.
#[derive(Debug)]
pub(crate) struct TextChunk<'a> {
    pub(crate) meta: &'a ColumnChunkMetaData,
    pub(crate) rows: usize,
}

/// Where a chunk's bytes are in the file; `None` if its metadata makes no sense.
pub(crate) fn chunk_range(meta: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = match meta.dictionary_page_offset() {
        Some(at) if at > 0 => at,
        _ => meta.data_page_offset(),
    };
    let start = u64::try_from(start).ok()?;
    let length = u64::try_from(meta.compressed_size()).ok()?;
    Some(start..start.checked_add(length)?)
}

/// Where a chunk's dictionary is, if it has one.
pub(crate) fn dictionary_range(meta: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = u64::try_from(meta.dictionary_page_offset()?).ok()?;
    let end = u64::try_from(meta.data_page_offset()).ok()?;
    (start > 0 && start < end).then_some(start..end)
}

/// Whether every data page is encoded by the dictionary, as far as the metadata tells.
pub(crate) fn all_by_dictionary(meta: &ColumnChunkMetaData) -> bool {
    let by_key = |e| matches!(e, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    // The library keeps either the encodings of the data pages as a set, or the list.
    if let Some(mask) = meta.page_encoding_stats_mask() {
        return mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY);
    }
    let Some(stats) = meta.page_encoding_stats() else {
        return false;
    };
    let data = |t| matches!(t, PageType::DATA_PAGE | PageType::DATA_PAGE_V2);
    let mut any = false;
    for s in stats.iter().filter(|s| data(s.page_type) && s.count > 0) {
        any = true;
        if !by_key(s.encoding) {
            return false;
        }
    }
    any
}

/// The chunk has no value but null.
pub(crate) fn is_all_null(meta: &ColumnChunkMetaData) -> bool {
    meta.num_values() == 0
        || meta
            .statistics()
            .and_then(|s| s.null_count_opt())
            .is_some_and(|nulls| i64::try_from(nulls).is_ok_and(|n| n == meta.num_values()))
}

/// The values of a dictionary page.
pub(crate) fn dictionary_values(page: &Bytes, count: u32) -> Result<Vec<&[u8]>> {
    let mut values = Vec::with_capacity((count as usize).min(page.len() / 4));
    let mut rest: &[u8] = page;
    for _ in 0..count {
        let (value, after) = plain(rest)
            .ok_or_else(|| ParquetError::EOF("a dictionary page ends too early".into()))?;
        values.push(value);
        rest = after;
    }
    Ok(values)
}

/// A value of plain encoding, and what follows it.
fn plain(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

impl TextChunk<'_> {
    fn fault(what: impl std::fmt::Display) -> ParquetError {
        ParquetError::General(what.to_string())
    }

    fn pages(&self, bytes: Bytes) -> Result<SerializedPageReader<Window>> {
        let range = chunk_range(self.meta).ok_or_else(|| Self::fault("a chunk without a place"))?;
        let window = Window {
            start: range.start,
            bytes,
        };
        SerializedPageReader::new(Arc::new(window), self.meta, self.rows, None)
    }

    /// Decodes the dictionary out of the bytes of [`dictionary_range`].
    pub(crate) fn dictionary(&self, bytes: Bytes) -> Result<(Bytes, u32)> {
        match self.pages(bytes)?.get_next_page()? {
            Some(Page::DictionaryPage {
                buf,
                num_values,
                encoding: Encoding::PLAIN | Encoding::PLAIN_DICTIONARY,
                ..
            }) => Ok((buf, num_values)),
            _ => Err(Self::fault("the dictionary page is not where it should be")),
        }
    }

    /// Goes through the data pages: rows whose key is `wanted`, and of the values that are not
    /// encoded by the dictionary those that `test` says yes to. `bytes` are those of
    /// [`chunk_range`].
    pub(crate) fn scan(
        &self,
        bytes: Bytes,
        wanted: &KeySet,
        test: &mut dyn FnMut(&[u8]) -> bool,
        found: &mut dyn FnMut(Found),
    ) -> Result<()> {
        let descr = self.meta.column_descr();
        let (max_def, max_rep) = (descr.max_def_level(), descr.max_rep_level());
        let mut pages = self.pages(bytes.clone())?;
        let mut first_row = 0;
        // Given at the end: an encoding met on the way may mean that all is read another way.
        let mut all: Vec<Found> = Vec::new();
        while let Some(page) = pages.get_next_page()? {
            let (buf, count, encoding, parts) = match &page {
                Page::DictionaryPage { .. } => continue,
                Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding,
                    rep_level_encoding,
                    ..
                } => {
                    if max_def > 0 && *def_level_encoding != Encoding::RLE
                        || max_rep > 0 && *rep_level_encoding != Encoding::RLE
                    {
                        return self.scan_slowly(bytes, test, found);
                    }
                    let mut rest: &[u8] = buf;
                    let rep = sized(&mut rest, max_rep > 0)?;
                    let def = sized(&mut rest, max_def > 0)?;
                    (buf, *num_values as usize, *encoding, (rep, def, rest))
                }
                Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    ..
                } => {
                    let cut = |rest: &mut &'_ [u8], length: u32| {
                        let (front, after) = rest.split_at_checked(length as usize)?;
                        *rest = after;
                        Some(front.len())
                    };
                    let mut rest: &[u8] = buf;
                    let short = || ParquetError::EOF("a page ends in its levels".into());
                    let r = cut(&mut rest, *rep_levels_byte_len).ok_or_else(short)?;
                    let d = cut(&mut rest, *def_levels_byte_len).ok_or_else(short)?;
                    let rep = buf.get(..r).unwrap_or(b"");
                    let def = buf.get(r..r + d).unwrap_or(b"");
                    (buf, *num_values as usize, *encoding, (rep, def, rest))
                }
            };
            let (rep, def, values) = parts;
            // Values by place among those that are not null; rows are worked out only if any hit.
            let mut hits: Vec<(usize, What)> = Vec::new();
            let whole = match encoding {
                Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                    let present = if max_def == 0 {
                        count
                    } else {
                        // Only as many keys are there as values are not null; asking for all of
                        // them would run past the end of a page with nulls.
                        present(def, max_def, count)?
                    };
                    each_wanted(values, present, wanted, &mut |at, key| {
                        hits.push((at, What::Key(key)));
                    })
                }
                Encoding::PLAIN => {
                    let mut rest = values;
                    let mut at = 0;
                    while let Some((value, after)) = plain(rest) {
                        if test(value) {
                            hits.push((at, What::Value(buf.slice_ref(value))));
                        }
                        rest = after;
                        at += 1;
                    }
                    rest.is_empty()
                }
                _ => return self.scan_slowly(bytes, test, found),
            };
            if !whole {
                return Err(ParquetError::EOF("a page ends in its values".into()));
            }
            let rows = if max_rep == 0 {
                count
            } else {
                rows_of(rep, max_rep, count)?
            };
            if !hits.is_empty() {
                place(
                    &hits,
                    (rep, max_rep),
                    (def, max_def),
                    count,
                    first_row,
                    &mut |f| {
                        all.push(f);
                    },
                )?;
            }
            first_row += rows;
        }
        all.into_iter().for_each(found);
        Ok(())
    }

    /// The same for encodings that this crate does not write: by the library's general reader.
    fn scan_slowly(
        &self,
        bytes: Bytes,
        test: &mut dyn FnMut(&[u8]) -> bool,
        found: &mut dyn FnMut(Found),
    ) -> Result<()> {
        let descr = self.meta.column_descr_ptr();
        let (max_def, max_rep) = (descr.max_def_level(), descr.max_rep_level());
        let ColumnReader::ByteArrayColumnReader(mut reader) =
            get_column_reader(descr, Box::new(self.pages(bytes)?))
        else {
            return Err(Self::fault("a column of texts that are none"));
        };
        let mut row = 0;
        loop {
            let (mut def, mut rep, mut values) = (Vec::new(), Vec::new(), Vec::new());
            let (records, ..) =
                reader.read_records(4096, Some(&mut def), Some(&mut rep), &mut values)?;
            if records == 0 {
                return Ok(());
            }
            let mut at = 0;
            let mut here = row;
            let levels = if max_def > 0 { def.len() } else { values.len() };
            for n in 0..levels {
                if max_rep > 0 && n > 0 && rep.get(n) == Some(&0) || max_rep == 0 && n > 0 {
                    here += 1;
                }
                if max_def > 0 && def.get(n) != Some(&max_def) {
                    continue;
                }
                if let Some(value) = values.get(at)
                    && test(value.data())
                {
                    found(Found {
                        row: here,
                        what: What::Value(Bytes::copy_from_slice(value.data())),
                    });
                }
                at += 1;
            }
            row += records;
        }
    }
}

/// A section that begins with its length in four octets, if it is there at all.
fn sized<'b>(rest: &mut &'b [u8], there: bool) -> Result<&'b [u8]> {
    if !there {
        return Ok(b"");
    }
    match plain(rest) {
        Some((section, after)) => {
            *rest = after;
            Ok(section)
        }
        None => Err(ParquetError::EOF("a page ends in its levels".into())),
    }
}

/// How many of `count` values are not null. A page without nulls has one run of levels.
fn present(def: &[u8], max: i16, count: usize) -> Result<usize> {
    Ok(level_bytes(def, max, count)?
        .iter()
        .filter(|l| i16::from(**l) == max)
        .count())
}

fn rows_of(rep: &[u8], max: i16, count: usize) -> Result<usize> {
    Ok(level_bytes(rep, max, count)?
        .iter()
        .filter(|l| **l == 0)
        .count())
}

fn level_bytes(bytes: &[u8], max: i16, count: usize) -> Result<Vec<u8>> {
    levels(bytes, max, count).ok_or_else(|| ParquetError::EOF("a page ends in its levels".into()))
}

/// Finds the rows of values that are known by their place among those that are not null.
fn place(
    hits: &[(usize, What)],
    (rep, max_rep): (&[u8], i16),
    (def, max_def): (&[u8], i16),
    count: usize,
    first_row: usize,
    found: &mut dyn FnMut(Found),
) -> Result<()> {
    let def = match max_def {
        0 => None,
        max => Some(level_bytes(def, max, count)?),
    };
    let rep = match max_rep {
        0 => None,
        max => Some(level_bytes(rep, max, count)?),
    };
    if rep.is_none()
        && def
            .as_ref()
            .is_none_or(|d| d.iter().all(|l| i16::from(*l) == max_def))
    {
        for (at, what) in hits {
            found(Found {
                row: first_row + at,
                what: what.clone(),
            });
        }
        return Ok(());
    }
    let mut hits = hits.iter().peekable();
    let mut value = 0;
    let mut rows = 0;
    for n in 0..count {
        if rep.as_ref().is_none_or(|r| r.get(n) == Some(&0)) {
            rows += 1;
        }
        if def
            .as_ref()
            .is_some_and(|d| d.get(n).map(|l| i16::from(*l)) != Some(max_def))
        {
            continue;
        }
        if let Some((_, what)) = hits.next_if(|(at, _)| *at == value) {
            found(Found {
                // A list that goes on from the page before has no zero here.
                row: (first_row + rows).saturating_sub(1),
                what: what.clone(),
            });
        }
        value += 1;
    }
    Ok(())
}

/// Values of single rows of a column without lists.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cells {
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<ByteArray>>),
}

/// The values at `rows` (ascending, below the group's). `bytes` are those of [`chunk_range`].
pub(crate) fn cells(
    meta: &ColumnChunkMetaData,
    group_rows: usize,
    bytes: Bytes,
    rows: &[usize],
) -> Result<Cells> {
    let chunk =
        chunk_range(meta).ok_or_else(|| ParquetError::General("a chunk without a place".into()))?;
    let window = Window {
        start: chunk.start,
        bytes,
    };
    let pages = SerializedPageReader::new(Arc::new(window), meta, group_rows, None)?;
    let descr = meta.column_descr_ptr();
    if descr.max_rep_level() > 0 {
        return Err(ParquetError::General(
            "a list where a value was expected".into(),
        ));
    }
    macro_rules! take {
        ($reader:expr, $value:expr) => {{
            let mut reader = $reader;
            let mut next = 0;
            let mut all = Vec::with_capacity(rows.len());
            for &row in rows {
                let gap = row.saturating_sub(next);
                if gap > 0 && reader.skip_records(gap)? != gap {
                    return Err(ParquetError::EOF("a column ends too early".into()));
                }
                let (mut def, mut values) = (Vec::new(), Vec::new());
                let (records, ..) = reader.read_records(1, Some(&mut def), None, &mut values)?;
                if records != 1 {
                    return Err(ParquetError::EOF("a column ends too early".into()));
                }
                all.push(values.pop().map($value));
                next = row + 1;
            }
            all
        }};
    }
    match get_column_reader(descr, Box::new(pages)) {
        ColumnReader::Int32ColumnReader(r) => Ok(Cells::Numbers(take!(r, i64::from))),
        ColumnReader::Int64ColumnReader(r) => Ok(Cells::Numbers(take!(r, |v: i64| v))),
        ColumnReader::ByteArrayColumnReader(r) => Ok(Cells::Texts(take!(r, |v: ByteArray| v))),
        _ => Err(ParquetError::General(format!(
            "a column of type {} where numbers or texts were expected",
            meta.column_type()
        ))),
    }
}

/// Whether a column holds texts.
pub(crate) fn is_text(meta: &ColumnChunkMetaData) -> bool {
    meta.column_type() == Type::BYTE_ARRAY
}
