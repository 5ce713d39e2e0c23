//! Rows of one class → a record batch.

use crate::classes::Class;
use crate::column::{Builder, Row, Spec, any_valid};
use arrow_array::{ArrayRef, ListArray, RecordBatch, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use std::sync::Arc;
use vauban_ocsf::Event;

/// A tree of columns, as the schema nests.
#[derive(Debug)]
enum Node {
    Leaf {
        name: &'static str,
        column: usize,
    },
    Struct {
        name: &'static str,
        path: String,
        list: bool,
        children: Vec<Node>,
    },
}

/// Collects events of one class into record batches.
pub struct BatchBuilder {
    class: Class,
    specs: Vec<&'static Spec>,
    tree: Vec<Node>,
    builders: Vec<Builder>,
    schema: SchemaRef,
    rows: usize,
    scratch: String,
}

impl std::fmt::Debug for BatchBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (class, rows) = (self.class, self.rows);
        f.debug_struct("BatchBuilder")
            .field("class", &class)
            .field("rows", &rows)
            .finish()
    }
}

impl BatchBuilder {
    /// An empty builder.
    pub fn new(class: Class) -> Self {
        let specs = class.columns();
        let tree = tree(&specs);
        let schema = schema_of(class, &specs, &tree);
        let builders = specs.iter().map(|s| s.kind.builder()).collect();
        Self {
            class,
            specs,
            tree,
            builders,
            schema,
            rows: 0,
            scratch: String::new(),
        }
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Rows appended since the last [`Self::finish`].
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends an event of this builder's class. `artefact` is the path that the event's evidence
    /// points into. An event of another class is appended with the columns it shares.
    pub fn append(&mut self, event: &Event<'_>, artefact: &str) {
        let row = Row {
            event,
            artefact,
            activity: self.class.activity(&event.body),
        };
        for (builder, spec) in self.builders.iter_mut().zip(&self.specs) {
            builder.append((spec.get)(&row), &mut self.scratch);
        }
        self.rows += 1;
    }

    /// The rows so far as a batch; the builder is empty afterwards.
    ///
    /// # Errors
    /// Only if the columns do not fit the schema, which the tests of this crate rule out.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        let rows = std::mem::take(&mut self.rows);
        let columns = self
            .tree
            .iter()
            .map(|node| build(node, &arrays, self.class, &self.specs, rows).map(|(_, a)| a))
            .collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// The columns of a class as a tree; the first appearance of a name gives its place.
fn tree(specs: &[&'static Spec]) -> Vec<Node> {
    let mut roots = Vec::new();
    for (column, spec) in specs.iter().enumerate() {
        insert(&mut roots, "", spec.path, column);
    }
    roots
}

fn insert(nodes: &mut Vec<Node>, parent: &str, rest: &'static str, column: usize) {
    let Some((head, tail)) = rest.split_once('.') else {
        nodes.push(Node::Leaf { name: rest, column });
        return;
    };
    let name = head.trim_end_matches("[]");
    let path = if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    };
    let found = nodes.iter_mut().find_map(|n| match n {
        Node::Struct {
            name: known,
            children,
            ..
        } if *known == name => Some(children),
        _ => None,
    });
    match found {
        Some(children) => insert(children, &path, tail, column),
        None => {
            let mut children = Vec::new();
            insert(&mut children, &path, tail, column);
            nodes.push(Node::Struct {
                name,
                path,
                list: head.ends_with("[]"),
                children,
            });
        }
    }
}

fn schema_of(class: Class, specs: &[&'static Spec], tree: &[Node]) -> SchemaRef {
    let fields: Vec<Field> = tree.iter().map(|n| field(n, class, specs)).collect();
    Arc::new(Schema::new(fields))
}

fn field(node: &Node, class: Class, specs: &[&'static Spec]) -> Field {
    match node {
        Node::Leaf { name, column } => {
            let spec = specs[*column];
            Field::new(*name, spec.kind.data_type(), !class.is_required(spec.path))
        }
        Node::Struct {
            name,
            path,
            list,
            children,
        } => {
            let fields: Fields = children.iter().map(|n| field(n, class, specs)).collect();
            let nullable = !class.is_required(path);
            if *list {
                let item = Field::new("item", DataType::Struct(fields), true);
                Field::new(*name, DataType::List(Arc::new(item)), nullable)
            } else {
                Field::new(*name, DataType::Struct(fields), nullable)
            }
        }
    }
}

fn build(
    node: &Node,
    arrays: &[ArrayRef],
    class: Class,
    specs: &[&'static Spec],
    rows: usize,
) -> Result<(Field, ArrayRef), ArrowError> {
    match node {
        Node::Leaf { name, column } => {
            let array = Arc::clone(&arrays[*column]);
            let path = specs[*column].path;
            Ok((
                Field::new(*name, array.data_type().clone(), !class.is_required(path)),
                array,
            ))
        }
        Node::Struct {
            name,
            path,
            list,
            children,
        } => {
            let built = children
                .iter()
                .map(|n| build(n, arrays, class, specs, rows))
                .collect::<Result<Vec<_>, _>>()?;
            let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = built.into_iter().unzip();
            let required = class.is_required(path);
            let nulls = (!required).then(|| NullBuffer::from(any_valid(&columns, rows)));
            let fields = Fields::from(fields);
            if !*list {
                let array = StructArray::try_new(fields, columns, nulls)?;
                let field = Field::new(*name, DataType::Struct(array.fields().clone()), !required);
                return Ok((field, Arc::new(array)));
            }
            let items = StructArray::try_new(fields.clone(), columns, None)?;
            let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
            let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(1, rows));
            let array = ListArray::try_new(Arc::clone(&item), offsets, Arc::new(items), nulls)?;
            Ok((
                Field::new(*name, DataType::List(item), !required),
                Arc::new(array),
            ))
        }
    }
}
