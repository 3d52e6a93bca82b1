//! A keyed collection that remembers which rows changed since they were last stored.
//!
//! It knows nothing of files: `state.rs` drains the changes and writes them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, de::DeserializeOwned};

/// Rows by their lower-case key, in key order.
#[derive(Debug)]
pub(crate) struct Table<V> {
    rows: BTreeMap<String, V>,
    dirty: BTreeSet<String>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), dirty: BTreeSet::new() }
    }
}

impl<V> Table<V> {
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.rows.get(key)
    }

    /// Gives the row to be changed, and takes it for changed.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.dirty.insert(key.to_owned());
        Some(row)
    }

    pub(crate) fn insert(&mut self, key: String, row: V) {
        self.dirty.insert(key.clone());
        self.rows.insert(key, row);
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        let row = self.rows.remove(key)?;
        self.dirty.insert(key.to_owned());
        Some(row)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &V)> {
        self.rows.iter()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.values()
    }

    /// Rows whose key begins with `prefix` and comes after `after`.
    pub(crate) fn under<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'a String, &'a V)> {
        let start = match after {
            Some(after) if after >= prefix => std::ops::Bound::Excluded(after.to_owned()),
            _ => std::ops::Bound::Included(prefix.to_owned()),
        };
        self.rows
            .range((start, std::ops::Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }
}

impl<V: Serialize + DeserializeOwned> Table<V> {
    /// The rows to write (`None`: to erase), and forgets that they changed.
    pub(crate) fn take_changes(&mut self) -> serde_json::Result<Vec<(String, Option<Vec<u8>>)>> {
        let mut changes = Vec::new();
        for key in std::mem::take(&mut self.dirty) {
            let row = self.rows.get(&key).map(serde_json::to_vec).transpose()?;
            changes.push((key, row));
        }
        Ok(changes)
    }

    /// Puts back a stored row.
    pub(crate) fn load(&mut self, key: &str, row: &[u8]) -> serde_json::Result<()> {
        self.rows.insert(key.to_owned(), serde_json::from_slice(row)?);
        Ok(())
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.rows.values_mut()
    }
}
