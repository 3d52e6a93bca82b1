//! A keyed collection that remembers which rows changed since they were last stored.
//!
//! It knows nothing of files: `state.rs` drains the changes and writes them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, de::DeserializeOwned};

use super::index::Index;

/// Rows by their lower-case key, in key order, with an index where one is named.
#[derive(Debug)]
pub(crate) struct Table<V, I = ()> {
    rows: BTreeMap<String, V>,
    dirty: BTreeSet<String>,
    index: I,
}

impl<V, I: Index<V>> Default for Table<V, I> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), dirty: BTreeSet::new(), index: I::default() }
    }
}

impl<V, I: Index<V>> Table<V, I> {
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.rows.get(key)
    }

    /// Gives the row to be changed, and takes it for changed. What the index reads must stay as it
    /// is; [`Self::update`] may change that too.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.dirty.insert(key.to_owned());
        Some(row)
    }

    /// Changes a row, with its place in the index; does nothing if there is none.
    pub(crate) fn update(&mut self, key: &str, change: impl FnOnce(&mut V)) {
        let Some(row) = self.rows.get_mut(key) else { return };
        self.index.leave(key, row);
        change(row);
        self.index.enter(key, row);
        self.dirty.insert(key.to_owned());
    }

    pub(crate) fn insert(&mut self, key: String, row: V) {
        if let Some(old) = self.rows.get(&key) {
            self.index.leave(&key, old);
        }
        self.index.enter(&key, &row);
        self.dirty.insert(key.clone());
        self.rows.insert(key, row);
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        let row = self.rows.remove(key)?;
        self.index.leave(key, &row);
        self.dirty.insert(key.to_owned());
        Some(row)
    }

    pub(crate) fn index(&self) -> &I {
        &self.index
    }

    /// Whether an index made anew from the rows is the one that is kept.
    pub(crate) fn index_agrees(&self) -> bool
    where
        I: PartialEq,
    {
        let mut anew = I::default();
        self.rows.iter().for_each(|(key, row)| anew.enter(key, row));
        anew == self.index
    }

    /// Forgets which rows changed, where nothing is stored.
    pub(crate) fn forget_changes(&mut self) {
        self.dirty.clear();
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

impl<V: Serialize + DeserializeOwned, I: Index<V>> Table<V, I> {
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
        let row = serde_json::from_slice(row)?;
        self.index.enter(key, &row);
        self.rows.insert(key.to_owned(), row);
        Ok(())
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.rows.values_mut()
    }
}
