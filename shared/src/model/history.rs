//! What past runs taught, folded to what a plan needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ResourceId;

/// A bounded fold of stored runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Whether the stored runs could be read. If not: no deletes and no full copies.
    pub readable: bool,
    /// The points that earlier runs deleted, by the key of their id, newest runs only.
    pub deleted: BTreeMap<String, String>,
}

impl History {
    /// A readable history of nothing.
    pub fn none() -> Self {
        Self { readable: true, deleted: BTreeMap::new() }
    }

    /// Whether an earlier run deleted this point.
    pub fn deleted(&self, id: &ResourceId) -> bool {
        self.deleted.contains_key(id.key())
    }
}
