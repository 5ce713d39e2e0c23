//! Looks for indicators in one row group.

use super::OpenFile;
use super::chunk::{
    Cells, Found, TextChunk, What, all_by_dictionary, cells, chunk_range, dictionary_range,
    dictionary_values, is_all_null, is_text,
};
use super::hunt::HuntOptions;
use super::levels::KeySet;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::SchemaDescriptor;
use std::ops::Range;
use std::sync::Arc;
use vauban_intel::{IndicatorKind, IndicatorRef, Matcher, Role, role_of};

use crate::LakeError;

/// Columns of a file that a hunt looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Leaf, what it holds, its OCSF path.
    pub(crate) columns: Vec<(usize, Role, Arc<str>)>,
    pub(crate) path: Option<usize>,
    pub(crate) query: Option<usize>,
    pub(crate) time: Option<usize>,
    pub(crate) artefact: Option<usize>,
    pub(crate) offset: Option<usize>,
    pub(crate) length: Option<usize>,
}

impl Plan {
    pub(crate) fn of(schema: &SchemaDescriptor, matcher: &Matcher, options: &HuntOptions) -> Self {
        let mut plan = Self::default();
        for (leaf, column) in schema.columns().iter().enumerate() {
            let path = attribute(column.path().parts());
            match path.as_str() {
                "time" => plan.time = Some(leaf),
                "evidence.artefact" => plan.artefact = Some(leaf),
                "evidence.offset" => plan.offset = Some(leaf),
                "evidence.length" => plan.length = Some(leaf),
                _ => {}
            }
            let Some(role) = role_of(&path) else { continue };
            match role {
                Role::UrlPath => plan.path = Some(leaf),
                Role::UrlQuery => plan.query = Some(leaf),
                _ => {}
            }
            let asked = matcher.can_match(role)
                && role != Role::UrlQuery
                && (role != Role::Text || options.text);
            if asked {
                plan.columns.push((leaf, role, path.into()));
            }
        }
        plan
    }
}

/// The OCSF path of a leaf: the steps that Parquet puts between a list and its elements left out.
pub(crate) fn attribute(parts: &[String]) -> String {
    let mut path = String::new();
    let mut rest = parts;
    while let Some((step, after)) = rest.split_first() {
        rest = after;
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(step);
        if let [list, item, ..] = rest
            && list == "list"
            && (item == "item" || item == "element")
        {
            rest = rest.get(2..).unwrap_or(&[]);
        }
    }
    path
}

/// A value that is an indicator, in a row of the group.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) row: usize,
    pub(crate) path: Arc<str>,
    pub(crate) value: String,
    pub(crate) indicator: IndicatorRef,
}

/// Where a row's record stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) time: Option<i64>,
    pub(crate) artefact: String,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// What was read of a group.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) bytes: u64,
    /// Columns of which the dictionary said enough.
    pub(crate) by_dictionary: u64,
    /// Columns whose pages were read.
    pub(crate) scanned: u64,
}

/// Whether the group can have rows in the time asked for.
pub(crate) fn in_time(group: &RowGroupMetaData, plan: &Plan, options: &HuntOptions) -> bool {
    let Some(Statistics::Int64(s)) = plan.time.and_then(|leaf| {
        let column = group.columns().get(leaf)?;
        column.statistics()
    }) else {
        return true;
    };
    let after = |t: Option<vauban_ocsf::Timestamp>| {
        t.is_none_or(|from| s.max_opt().is_none_or(|max| *max >= from.0))
    };
    let before = |t: Option<vauban_ocsf::Timestamp>| {
        t.is_none_or(|until| s.min_opt().is_none_or(|min| *min < until.0))
    };
    after(options.from) && before(options.until)
}

struct Search<'a> {
    file: &'a OpenFile,
    group: &'a RowGroupMetaData,
    rows: usize,
    matcher: &'a Matcher,
    cost: Cost,
}

/// Everything in the group that is an indicator, in the order of rows; and what it cost.
pub(crate) fn search(
    file: &OpenFile,
    number: usize,
    plan: &Plan,
    matcher: &Matcher,
) -> Result<(Vec<Hit>, Cost), LakeError> {
    let mut hits = Vec::new();
    let Some(group) = file.metadata.row_groups().get(number) else {
        return Ok((hits, Cost::default()));
    };
    let mut search = Search {
        file,
        group,
        rows: usize::try_from(group.num_rows()).unwrap_or(0),
        matcher,
        cost: Cost::default(),
    };
    // All dictionaries at once: a remote store answers them together.
    let mut asked: Vec<&(usize, Role, Arc<str>)> = Vec::new();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for column in &plan.columns {
        let Some(meta) = group.columns().get(column.0) else {
            continue;
        };
        if is_all_null(meta) || !is_text(meta) {
            continue;
        }
        asked.push(column);
        ranges.push(dictionary_range(meta).unwrap_or(0..0));
    }
    let dictionaries = search.read_all(&ranges)?;
    for ((leaf, role, path), dictionary) in asked.into_iter().zip(dictionaries) {
        search
            .column(*leaf, *role, path, dictionary, plan, &mut hits)
            .map_err(|source| LakeError::Format {
                file: file.path.to_string(),
                why: format!("row group {number}, column {path}: {source}"),
            })?;
    }
    hits.sort_by(|a, b| (a.row, &a.path, a.indicator).cmp(&(b.row, &b.path, b.indicator)));
    Ok((hits, search.cost))
}

impl Search<'_> {
    fn read_all(&mut self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, LakeError> {
        let wanted: Vec<Range<u64>> = ranges.iter().filter(|r| !r.is_empty()).cloned().collect();
        self.cost.bytes += wanted.iter().map(|r| r.end - r.start).sum::<u64>();
        let mut read = self.file.object.read_all(&wanted)?.into_iter();
        Ok(ranges
            .iter()
            .map(|r| {
                if r.is_empty() {
                    Bytes::new()
                } else {
                    read.next().unwrap_or_default()
                }
            })
            .collect())
    }

    fn chunk_bytes(&mut self, leaf: usize) -> Result<Bytes, ParquetError> {
        let meta = self.group.column(leaf);
        let range = chunk_range(meta)
            .ok_or_else(|| ParquetError::General("a chunk without a place".into()))?;
        self.read_all(&[range])
            .map(|mut all| all.pop().unwrap_or_default())
            .map_err(|e| ParquetError::External(Box::new(e)))
    }

    fn column(
        &mut self,
        leaf: usize,
        role: Role,
        path: &Arc<str>,
        dictionary: Bytes,
        plan: &Plan,
        hits: &mut Vec<Hit>,
    ) -> Result<(), ParquetError> {
        let meta = self.group.column(leaf);
        let chunk = TextChunk {
            meta,
            rows: self.rows,
        };
        let matcher = self.matcher;
        // Of each key that is an indicator, which, and the value that says so.
        let mut keys: Vec<(u32, IndicatorRef, String)> = Vec::new();
        // Keys of hosts that a URL indicator is about: path and query must be seen.
        let mut hosts: Vec<(u32, String)> = Vec::new();
        let mut wanted = KeySet::default();
        let is_url_host = |value: &[u8]| role == Role::UrlHost && matcher.has_url_host(value);
        if !dictionary.is_empty() {
            let (page, count) = chunk.dictionary(dictionary)?;
            let values = dictionary_values(&page, count)?;
            wanted = KeySet::new(values.len());
            for (key, value) in values.iter().enumerate() {
                let key = key as u32;
                if is_url_host(value) {
                    hosts.push((key, String::from_utf8_lossy(value).into_owned()));
                    wanted.insert(key);
                    continue;
                }
                matcher.match_role(role, value, &mut |indicator, part| {
                    keys.push((key, indicator, String::from_utf8_lossy(part).into_owned()));
                    wanted.insert(key);
                });
            }
            if keys.is_empty() && hosts.is_empty() && all_by_dictionary(meta) {
                self.cost.by_dictionary += 1;
                return Ok(());
            }
        }
        self.cost.scanned += 1;
        let bytes = self.chunk_bytes(leaf)?;
        let mut rows: Vec<Found> = Vec::new();
        let mut test = |value: &[u8]| {
            let mut any = is_url_host(value);
            if !any {
                matcher.match_role(role, value, &mut |_, _| any = true);
            }
            any
        };
        chunk.scan(bytes, &wanted, &mut test, &mut |found| rows.push(found))?;
        let mut requests: Vec<(usize, String)> = Vec::new();
        for Found { row, what } in rows {
            match what {
                What::Key(key) => {
                    for (_, indicator, value) in keys_of(&keys, key) {
                        hits.push(Hit {
                            row,
                            path: Arc::clone(path),
                            value: value.clone(),
                            indicator: *indicator,
                        });
                    }
                    if let Ok(at) = hosts.binary_search_by_key(&key, |(k, _)| *k)
                        && let Some((_, host)) = hosts.get(at)
                    {
                        requests.push((row, host.clone()));
                    }
                }
                What::Value(value) if is_url_host(&value) => {
                    requests.push((row, String::from_utf8_lossy(&value).into_owned()));
                }
                What::Value(value) => {
                    matcher.match_role(role, &value, &mut |indicator, part| {
                        hits.push(Hit {
                            row,
                            path: Arc::clone(path),
                            value: String::from_utf8_lossy(part).into_owned(),
                            indicator,
                        });
                    });
                }
            }
        }
        if !requests.is_empty() {
            self.requests(&requests, path, plan, hits)?;
        }
        Ok(())
    }

    /// Requests to hosts that URL indicators are about.
    fn requests(
        &mut self,
        requests: &[(usize, String)],
        host_path: &Arc<str>,
        plan: &Plan,
        hits: &mut Vec<Hit>,
    ) -> Result<(), ParquetError> {
        let rows: Vec<usize> = requests.iter().map(|(row, _)| *row).collect();
        let paths = self.texts(plan.path, &rows)?;
        let queries = self.texts(plan.query, &rows)?;
        for (((row, host), path), query) in requests.iter().zip(&paths).zip(&queries) {
            let found =
                self.matcher
                    .match_request(host.as_bytes(), path.as_bytes(), query.as_bytes());
            let Some(indicator) = found else { continue };
            let is_url = self
                .matcher
                .indicator(indicator)
                .is_some_and(|(kind, _)| kind == IndicatorKind::Url);
            let (attribute, value) = if is_url {
                (Arc::from("http_request.url.path"), path)
            } else {
                (Arc::clone(host_path), host)
            };
            hits.push(Hit {
                row: *row,
                path: attribute,
                value: value.clone(),
                indicator,
            });
        }
        Ok(())
    }

    /// Texts of a column at ascending rows; empty where there is none.
    fn texts(&mut self, leaf: Option<usize>, rows: &[usize]) -> Result<Vec<String>, ParquetError> {
        let none = || vec![String::new(); rows.len()];
        let Some(leaf) = leaf.filter(|l| *l < self.group.num_columns()) else {
            return Ok(none());
        };
        let bytes = self.chunk_bytes(leaf)?;
        match cells(self.group.column(leaf), self.rows, bytes, rows)? {
            Cells::Texts(texts) => Ok(texts
                .iter()
                .map(|t| {
                    t.as_ref()
                        .map(|t| String::from_utf8_lossy(t.data()).into_owned())
                        .unwrap_or_default()
                })
                .collect()),
            Cells::Numbers(_) => Ok(none()),
        }
    }

    fn numbers(
        &mut self,
        leaf: Option<usize>,
        rows: &[usize],
    ) -> Result<Vec<Option<i64>>, ParquetError> {
        let none = || vec![None; rows.len()];
        let Some(leaf) = leaf.filter(|l| *l < self.group.num_columns()) else {
            return Ok(none());
        };
        let bytes = self.chunk_bytes(leaf)?;
        match cells(self.group.column(leaf), self.rows, bytes, rows)? {
            Cells::Numbers(numbers) => Ok(numbers),
            Cells::Texts(_) => Ok(none()),
        }
    }
}

fn keys_of(
    keys: &[(u32, IndicatorRef, String)],
    key: u32,
) -> impl Iterator<Item = &(u32, IndicatorRef, String)> {
    let from = keys.partition_point(|(k, ..)| *k < key);
    keys.iter().skip(from).take_while(move |(k, ..)| *k == key)
}

/// Where the records of these rows (ascending, each once) stand.
pub(crate) fn origins(
    file: &OpenFile,
    number: usize,
    plan: &Plan,
    matcher: &Matcher,
    rows: &[usize],
) -> Result<(Vec<Origin>, u64), LakeError> {
    let Some(group) = file.metadata.row_groups().get(number) else {
        return Ok((Vec::new(), 0));
    };
    let mut search = Search {
        file,
        group,
        rows: usize::try_from(group.num_rows()).unwrap_or(0),
        matcher,
        cost: Cost::default(),
    };
    let mut read = || -> Result<Vec<Origin>, ParquetError> {
        let times = search.numbers(plan.time, rows)?;
        let offsets = search.numbers(plan.offset, rows)?;
        let lengths = search.numbers(plan.length, rows)?;
        let artefacts = search.texts(plan.artefact, rows)?;
        let unsigned = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        Ok(times
            .into_iter()
            .zip(offsets)
            .zip(lengths)
            .zip(artefacts)
            .map(|(((time, offset), length), artefact)| Origin {
                time,
                artefact,
                offset: unsigned(offset),
                length: unsigned(length),
            })
            .collect())
    };
    let origins = read().map_err(|source| LakeError::Format {
        file: file.path.to_string(),
        why: format!("row group {number}: {source}"),
    })?;
    Ok((origins, search.cost.bytes))
}
