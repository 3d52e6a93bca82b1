//! How rows looked before they changed, for readers that are some seconds behind: lists and
//! Resource Graph.
//!
//! It lives as long as the process: after a restart every reader sees what is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// Earlier looks of the rows of one table.
#[derive(Debug)]
pub(super) struct Past<V> {
    /// Whether anybody reads it.
    pub(super) kept: bool,
    /// Rows as they were at the last [`Past::settle`], of those that were touched since.
    touched: BTreeMap<String, Option<V>>,
    /// By key: until when a row looked so (`None`: was not there), oldest first.
    looks: BTreeMap<String, Vec<(Timestamp, Option<V>)>>,
    /// The same by time, to be forgotten in order.
    order: BTreeSet<(Timestamp, String)>,
}

impl<V> Default for Past<V> {
    fn default() -> Self {
        Self {
            kept: false,
            touched: BTreeMap::new(),
            looks: BTreeMap::new(),
            order: BTreeSet::new(),
        }
    }
}

impl<V: Clone> Past<V> {
    /// Notes that a row is about to change.
    pub(super) fn touch(&mut self, key: &str, now: Option<&V>) {
        if self.kept && !self.touched.contains_key(key) {
            self.touched.insert(key.to_owned(), now.cloned());
        }
    }

    /// Forgets looks that end after `at`: the clock that was ahead is put back, and no reader is ahead of it.
    pub(super) fn forget_ahead(&mut self, at: Timestamp) {
        while let Some((until, _)) = self.order.last()
            && *until > at
        {
            let Some((until, key)) = self.order.pop_last() else { break };
            self.forget(&key, until);
        }
    }

    /// Takes what was touched for changed at `at`, and forgets what ended before `since`.
    pub(super) fn settle(&mut self, at: Timestamp, since: Timestamp) {
        for (key, look) in std::mem::take(&mut self.touched) {
            if since < at {
                self.order.insert((at, key.clone()));
                self.looks.entry(key).or_default().push((at, look));
            }
        }
        while let Some((until, _)) = self.order.first()
            && *until <= since
        {
            let Some((until, key)) = self.order.pop_first() else { break };
            self.forget(&key, until);
        }
    }

    /// Forgets how a row looked until `until`.
    fn forget(&mut self, key: &str, until: Timestamp) {
        if let Some(looks) = self.looks.get_mut(key) {
            looks.retain(|(at, _)| *at != until);
            if looks.is_empty() {
                self.looks.remove(key);
            }
        }
    }

    /// How a row looked at `at`, if it has changed since.
    pub(super) fn look(&self, key: &str, at: Timestamp) -> Option<Option<&V>> {
        let looks = self.looks.get(key)?;
        looks.iter().find(|(until, _)| *until > at).map(|(_, look)| look.as_ref())
    }

    /// Keys that begin with `prefix` and have changed lately.
    pub(super) fn keys<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a String> {
        self.looks
            .range(prefix.to_owned()..)
            .map(|(key, _)| key)
            .take_while(move |key| key.starts_with(prefix))
    }
}
