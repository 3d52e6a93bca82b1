//! A keyed collection that remembers which rows changed since they were last stored.
//!
//! It knows nothing of files: `state.rs` drains the changes and writes them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::{index::Index, past::Past};

/// Rows by their lower-case key, in key order, with an index where one is named.
#[derive(Debug)]
pub(crate) struct Table<V, I = ()> {
    /// Boxed, since a node of the tree has room for eleven rows and is often half empty.
    rows: BTreeMap<String, Box<V>>,
    dirty: BTreeSet<String>,
    index: I,
    past: Past<V>,
}

impl<V, I: Index<V>> Default for Table<V, I> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            dirty: BTreeSet::new(),
            index: I::default(),
            past: Past::default(),
        }
    }
}

impl<V: Clone, I: Index<V>> Table<V, I> {
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.rows.get(key).map(|row| &**row)
    }

    /// Gives the row to be changed, and takes it for changed. What the index reads must stay as it
    /// is; [`Self::update`] may change that too.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.past.touch(key, Some(row));
        self.dirty.insert(key.to_owned());
        Some(row)
    }

    /// Changes a row, with its place in the index; does nothing if there is none.
    pub(crate) fn update(&mut self, key: &str, change: impl FnOnce(&mut V)) {
        let Some(row) = self.rows.get_mut(key) else { return };
        self.past.touch(key, Some(row));
        self.index.leave(key, row);
        change(row);
        self.index.enter(key, row);
        self.dirty.insert(key.to_owned());
    }

    pub(crate) fn insert(&mut self, key: String, row: V) {
        self.past.touch(&key, self.rows.get(&key).map(|row| &**row));
        if let Some(old) = self.rows.get(&key) {
            self.index.leave(&key, old);
        }
        self.index.enter(&key, &row);
        self.dirty.insert(key.clone());
        self.rows.insert(key, Box::new(row));
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        let row = self.rows.remove(key)?;
        self.index.leave(key, &row);
        self.past.touch(key, Some(&row));
        self.dirty.insert(key.to_owned());
        Some(*row)
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
        self.rows.iter().map(|(key, row)| (key, &**row))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.values().map(|row| &**row)
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
            .map(|(key, row)| (key, &**row))
    }

    /// Keeps earlier looks of rows, for [`Table::under_at`].
    pub(crate) fn keep_past(&mut self) {
        self.past.kept = true;
    }

    /// Takes what was changed for changed at `at`, and forgets looks that ended before `since`.
    pub(crate) fn settle_past(&mut self, at: Timestamp, since: Timestamp) {
        self.past.settle(at, since);
    }

    /// Forgets looks that end after `at`, to which the clock is put back.
    pub(crate) fn forget_ahead(&mut self, at: Timestamp) {
        self.past.forget_ahead(at);
    }

    /// As [`Table::under`], with the rows as they were at `at`.
    pub(crate) fn under_at<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&str>,
        at: Timestamp,
    ) -> impl Iterator<Item = (&'a String, &'a V)> {
        // Rows that are gone by now are merged in where they stood.
        let gone: Vec<&String> = self
            .past
            .keys(prefix)
            .filter(|key| !self.rows.contains_key(*key))
            .filter(|key| after.is_none_or(|after| key.as_str() > after))
            .collect();
        let mut gone = gone.into_iter().peekable();
        let mut rows = self.under(prefix, after).peekable();
        std::iter::from_fn(move || {
            let earlier = match (gone.peek(), rows.peek()) {
                (Some(gone), Some((key, _))) => *gone < *key,
                (gone, _) => gone.is_some(),
            };
            if earlier {
                gone.next().map(|key| (key, None))
            } else {
                rows.next().map(|(key, row)| (key, Some(row)))
            }
        })
        .filter_map(move |(key, row)| {
            let look = self.past.look(key, at).unwrap_or(row)?;
            Some((key, look))
        })
    }
}

impl<V: Clone + Serialize + DeserializeOwned, I: Index<V>> Table<V, I> {
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
        self.rows.insert(key.to_owned(), Box::new(row));
        Ok(())
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.rows.values_mut().map(|row| &mut **row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_reader_sees_rows_as_they_were() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut table: Table<u8> = Table::default();
        table.keep_past();
        table.insert("a".into(), 1);
        table.insert("b".into(), 1);
        table.settle_past(at(10), at(0));
        *table.get_mut("a").unwrap() = 2;
        *table.get_mut("a").unwrap() = 3;
        table.remove("b");
        table.insert("c".into(), 9);
        table.settle_past(at(20), at(0));
        let seen = |table: &Table<u8>, when| {
            table.under_at("", None, at(when)).map(|(k, v)| (k.clone(), *v)).collect::<Vec<_>>()
        };
        let pairs = |pairs: &[(&str, u8)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect::<Vec<_>>()
        };
        assert_eq!(seen(&table, 5), []);
        assert_eq!(seen(&table, 15), pairs(&[("a", 1), ("b", 1)]));
        assert_eq!(seen(&table, 20), pairs(&[("a", 3), ("c", 9)]));
        let after: Vec<_> =
            table.under_at("", Some("a"), at(15)).map(|(key, _)| key.as_str()).collect();
        assert_eq!(after, ["b"]);
        table.settle_past(at(40), at(30));
        assert_eq!(seen(&table, 15), pairs(&[("a", 3), ("c", 9)]));
    }

    #[test]
    fn a_clock_put_back_leaves_no_reader_ahead() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut table: Table<u8> = Table::default();
        table.keep_past();
        table.insert("a".into(), 1);
        table.settle_past(at(1_000), at(990));
        table.forget_ahead(at(15));
        table.insert("a".into(), 2);
        table.settle_past(at(20), at(10));
        let seen = |when| table.under_at("", None, at(when)).map(|(_, v)| *v).collect::<Vec<_>>();
        assert_eq!(seen(15), [1]);
        assert_eq!(seen(25), [2]);
    }
}
