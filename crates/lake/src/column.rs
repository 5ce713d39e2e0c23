//! What a column is and how a value gets into it.

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int32Array, ListArray, StringArray, StructArray,
};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use vauban_ocsf::Event;

/// What a column's value is taken from.
pub(crate) struct Row<'e> {
    pub(crate) event: &'e Event<'e>,
    /// Path of the artefact that the event's evidence points into.
    pub(crate) artefact: &'e str,
    /// `activity_id` and `activity_name` of the event in its class.
    pub(crate) activity: (i32, &'static str),
}

/// A value on its way into a column.
pub(crate) enum Val<'e> {
    Null,
    /// Text; `""` is what the record did not say: null.
    Text(&'e str),
    /// Text of a required attribute: `""` stays.
    Required(&'e str),
    Ip(Option<IpAddr>),
    Int(Option<i64>),
    Bool(Option<bool>),
    /// Elements parted by commas; none: null.
    List(&'e str),
    /// Addresses parted by commas; what is no address is left out.
    IpList(&'e str),
    /// `artefact:offset`.
    Place(u32, u64),
    /// Elements ended or parted by the character; none: null.
    Parts(&'e str, char),
    Float(Option<f64>),
}

impl<T: Into<i64>> From<T> for Val<'_> {
    fn from(value: T) -> Self {
        Val::Int(Some(value.into()))
    }
}

/// An optional unsigned number. OCSF has signed ones only; what does not fit is at its end.
pub(crate) fn number<T: TryInto<i64>>(value: Option<T>) -> Val<'static> {
    Val::Int(value.map(|v| v.try_into().unwrap_or(i64::MAX)))
}

/// Type of a column.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text that repeats: dictionary.
    Dict,
    /// Text that seldom repeats.
    Text,
    I32,
    I64,
    Bool,
    /// Microseconds since the epoch, UTC.
    Time,
    F64,
    /// List of texts.
    List,
    /// List of objects with one text, `rdata`: answers of DNS.
    Answers,
    /// Text that is the same in every row of a class; costs nothing per row.
    SameText,
    /// Number that is the same in every row of a class.
    SameI32,
}

/// One column of a class.
pub(crate) struct Spec {
    /// OCSF attribute path; `a[].b` is attribute `b` of the only element of list `a`.
    pub(crate) path: &'static str,
    pub(crate) kind: Kind,
    pub(crate) get: for<'e> fn(&'e Row<'e>) -> Val<'e>,
}

impl Kind {
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Dict | Self::SameText => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            Self::Text => DataType::Utf8,
            Self::I32 | Self::SameI32 => DataType::Int32,
            Self::I64 => DataType::Int64,
            Self::Bool => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
            Self::F64 => DataType::Float64,
            Self::List => DataType::new_list(DataType::Utf8, true),
            Self::Answers => DataType::new_list(DataType::Struct(rdata()), true),
        }
    }

    pub(crate) fn builder(self) -> Builder {
        match self {
            Self::Dict => Builder::Dict(DictBuilder::default()),
            Self::Text => Builder::Text(StringBuilder::new()),
            Self::I32 => Builder::I32(Int32Builder::new()),
            Self::I64 => Builder::I64(Int64Builder::new()),
            Self::Bool => Builder::Bool(BooleanBuilder::new()),
            Self::Time => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Self::SameText => Builder::SameText(String::new(), 0),
            Self::SameI32 => Builder::SameI32(0, 0),
            Self::F64 => Builder::F64(Float64Builder::new()),
            Self::List => Builder::List(ListBuilder::new(StringBuilder::new())),
            Self::Answers => Builder::Answers(ListBuilder::new(StringBuilder::new())),
        }
    }
}

/// A column being filled.
pub(crate) enum Builder {
    Dict(DictBuilder),
    Text(StringBuilder),
    I32(Int32Builder),
    I64(Int64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    F64(Float64Builder),
    List(ListBuilder<StringBuilder>),
    Answers(ListBuilder<StringBuilder>),
    /// The text, and in how many rows it stands.
    SameText(String, usize),
    SameI32(i32, usize),
}

impl Builder {
    /// Appends one value. `scratch` is room for formatting.
    pub(crate) fn append(&mut self, value: Val<'_>, scratch: &mut String) {
        match (&mut *self, &value) {
            (Self::SameText(text, rows), Val::Required(t)) => {
                if *rows == 0 {
                    (*t).clone_into(text);
                }
                debug_assert_eq!(text, t);
                *rows += 1;
                return;
            }
            (Self::SameI32(number, rows), Val::Int(Some(n))) => {
                *number = i32::try_from(*n).unwrap_or(i32::MAX);
                *rows += 1;
                return;
            }
            _ => {}
        }
        let text = match &value {
            Val::Text("") => None,
            Val::Text(t) | Val::Required(t) => Some(*t),
            Val::Ip(Some(ip)) => {
                scratch.clear();
                // Writing to a String does not fail.
                let _ = write!(scratch, "{ip}");
                Some(scratch.as_str())
            }
            Val::Place(artefact, offset) => {
                scratch.clear();
                let _ = write!(scratch, "{artefact}:{offset}");
                Some(scratch.as_str())
            }
            _ => None,
        };
        let int = match value {
            Val::Int(i) => i,
            _ => None,
        };
        match self {
            Self::Dict(b) => b.append(text),
            Self::Text(b) => b.append_option(text),
            // Handled above; a null cannot be the same in every row of a required column.
            Self::SameText(_, rows) | Self::SameI32(_, rows) => *rows += 1,
            Self::I32(b) => b.append_option(int.map(|i| i32::try_from(i).unwrap_or(i32::MAX))),
            Self::I64(b) => b.append_option(int),
            Self::Time(b) => b.append_option(int),
            Self::Bool(b) => b.append_option(match value {
                Val::Bool(v) => v,
                _ => None,
            }),
            Self::F64(b) => b.append_option(match value {
                Val::Float(v) => v,
                _ => None,
            }),
            Self::List(b) | Self::Answers(b) => {
                let (all, only_ips, between) = match value {
                    Val::List(all) => (all, false, ','),
                    Val::IpList(all) => (all, true, ','),
                    Val::Parts(all, between) => (all, false, between),
                    _ => ("", false, ','),
                };
                let mut any = false;
                for element in all.split(between).map(str::trim).filter(|e| !e.is_empty()) {
                    if !only_ips || element.parse::<IpAddr>().is_ok() {
                        b.values().append_value(element);
                        any = true;
                    }
                }
                b.append(any);
            }
        }
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Dict(b) => b.finish(),
            Self::Text(b) => Arc::new(b.finish()),
            Self::I32(b) => Arc::new(b.finish()),
            Self::I64(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::F64(b) => Arc::new(b.finish()),
            Self::List(b) => Arc::new(b.finish()),
            Self::Answers(b) => answers(b.finish()),
            Self::SameText(text, rows) => {
                let keys = Int32Array::from(vec![0; std::mem::take(rows)]);
                dictionary(keys, StringArray::from(vec![text.as_str()]))
            }
            Self::SameI32(number, rows) => {
                Arc::new(Int32Array::from(vec![*number; std::mem::take(rows)]))
            }
        }
    }
}

/// The one field of an answer.
fn rdata() -> Fields {
    Fields::from(vec![Field::new("rdata", DataType::Utf8, true)])
}

/// A list of texts as a list of answers.
fn answers(list: ListArray) -> ArrayRef {
    let (_, offsets, values, nulls) = list.into_parts();
    let length = values.len();
    let item = Arc::new(Field::new("item", DataType::Struct(rdata()), true));
    // One column of the length it has itself.
    let made = StructArray::try_new_with_length(rdata(), vec![values], None, length)
        .and_then(|structs| ListArray::try_new(item, offsets, Arc::new(structs), nulls));
    match made {
        Ok(array) => Arc::new(array),
        Err(error) => unreachable!("{error}"),
    }
}

/// Dictionary-encoded text. Most columns repeat the value of the row before, so that one is
/// compared first and the table is asked only when it differs.
#[derive(Default)]
pub(crate) struct DictBuilder {
    keys: Int32Builder,
    values: StringBuilder,
    table: HashMap<Box<str>, i32>,
    last: Option<(String, i32)>,
}

impl DictBuilder {
    fn append(&mut self, text: Option<&str>) {
        let Some(text) = text else {
            self.keys.append_null();
            return;
        };
        if let Some((last, key)) = &self.last
            && last == text
        {
            self.keys.append_value(*key);
            return;
        }
        let key = match self.table.get(text) {
            Some(key) => *key,
            None => {
                // A batch has far fewer rows than there are keys.
                let key = i32::try_from(self.table.len()).unwrap_or(i32::MAX);
                self.table.insert(text.into(), key);
                self.values.append_value(text);
                key
            }
        };
        match &mut self.last {
            Some((last, last_key)) => {
                text.clone_into(last);
                *last_key = key;
            }
            None => self.last = Some((text.to_owned(), key)),
        }
        self.keys.append_value(key);
    }

    fn finish(&mut self) -> ArrayRef {
        self.table.clear();
        self.last = None;
        dictionary(self.keys.finish(), self.values.finish())
    }
}

fn dictionary(keys: Int32Array, values: StringArray) -> ArrayRef {
    // Every key was given when its value was added, so all keys have one.
    match DictionaryArray::try_new(keys, Arc::new(values)) {
        Ok(array) => Arc::new(array),
        Err(error) => unreachable!("{error}"),
    }
}

/// Whether any of `arrays` has a value in each row: the validity of a struct of them.
pub(crate) fn any_valid(arrays: &[ArrayRef], rows: usize) -> Vec<bool> {
    let mut valid = vec![false; rows];
    for array in arrays {
        for (row, v) in valid.iter_mut().enumerate() {
            *v = *v || array.is_valid(row);
        }
    }
    valid
}
