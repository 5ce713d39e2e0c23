//! The standard's resources, as far as a reader of indicators needs them. What a server adds is
//! ignored.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a server has (section 4.1).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Discovery {
    /// Its name.
    #[serde(default)]
    pub title: String,
    /// The API root that it proposes, absolute or relative.
    #[serde(default)]
    pub default: Option<String>,
    /// All API roots.
    #[serde(default)]
    pub api_roots: Vec<String>,
}

/// A group of collections (section 4.2).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ApiRoot {
    /// Its name.
    #[serde(default)]
    pub title: String,
    /// Media types it speaks.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Most bytes of a request.
    #[serde(default)]
    pub max_content_length: u64,
}

/// A collection of objects (section 5.1).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Collection {
    /// Its identifier.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Another name that stands in addresses.
    #[serde(default)]
    pub alias: Option<String>,
    /// Whether the account may read it.
    #[serde(default)]
    pub can_read: bool,
    /// Media types of its objects.
    #[serde(default)]
    pub media_types: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Collections {
    #[serde(default)]
    pub(crate) collections: Vec<Collection>,
}

/// An envelope (section 3.7).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(default)]
    pub(crate) more: bool,
    #[serde(default)]
    pub(crate) next: Option<String>,
    #[serde(default, borrow)]
    pub(crate) objects: Vec<&'a RawValue>,
}

/// An error message (section 3.6).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Message {
    #[serde(default)]
    pub(crate) title: String,
}
