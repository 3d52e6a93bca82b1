//! What was made, as Azure answered, and what must hold of it: of each slot one snapshot of each
//! disk and one copy.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::SlotReport;
use crate::look::Look;

/// What was made.
#[derive(Default)]
pub(super) struct Ledger {
    /// By slot and whether it is a copy: the path of each, by the unique id of its disk.
    made: BTreeMap<(Timestamp, bool), BTreeMap<String, String>>,
    /// When the last of each was made.
    last: BTreeMap<(Timestamp, bool), Timestamp>,
    pub(super) deleted: u64,
    pub(super) broken: BTreeSet<String>,
}

impl Ledger {
    /// Says what does not hold; the first few of each kind are enough.
    pub(super) fn break_rule(&mut self, what: String) {
        if self.broken.len() < 20 {
            self.broken.insert(what);
        }
    }

    /// Notes a PUT that Azure took.
    pub(super) fn note(&mut self, path: &str, body: &Value, now: Timestamp) {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let is_copy = text("/properties/creationData/createOption") == Some("CopyStart");
        let slot = text("/tags/snapferry-slot").and_then(|slot| slot.parse::<Timestamp>().ok());
        let (Some(slot), Some(disk)) = (slot, text("/tags/snapferry-disk")) else {
            return self.break_rule(format!("{path} was made for no slot of a disk"));
        };
        let made = self.made.entry((slot, is_copy)).or_default();
        match made.insert(disk.to_owned(), path.to_owned()) {
            None => drop(self.last.insert((slot, is_copy), now)),
            Some(before) if before == path => {}
            Some(before) => self.break_rule(format!("{path} was made beside {before}")),
        }
    }

    /// Snapshots and copies so far.
    pub(super) fn so_far(&self) -> (usize, usize) {
        let sum = |is_copy: bool| {
            let of = self.made.iter().filter(|((_, copy), _)| *copy == is_copy);
            of.map(|(_, made)| made.len()).sum()
        };
        (sum(false), sum(true))
    }

    /// Looks at everything at the end: each of `slots` was carried out for each disk, and of the
    /// newest the points are there and good.
    pub(super) fn judge(&mut self, slots: &[Timestamp], look: &Look) -> Vec<SlotReport> {
        let disks = look.disks.len();
        let mut reports = vec![];
        for slot in slots {
            let count = |is_copy| self.made.get(&(*slot, is_copy)).map_or(0, BTreeMap::len);
            let minutes = |is_copy| {
                let last = self.last.get(&(*slot, is_copy));
                last.map_or(-1, |at| at.duration_since(*slot).as_mins())
            };
            let made = (count(false), count(true));
            reports.push(SlotReport {
                slot: *slot,
                made,
                snapshots_minutes: minutes(false),
                copies_minutes: minutes(true),
            });
            if made != (disks, disks) {
                self.break_rule(format!("slot {slot}: of {disks} disks {made:?} were made"));
            }
        }
        let strange = self.made.keys().find(|(slot, _)| !slots.contains(slot)).copied();
        if let Some((slot, _)) = strange {
            self.break_rule(format!("points were made for {slot}, which no policy asks for"));
        }
        let good: BTreeSet<&str> =
            look.points.iter().filter(|point| point.ready).map(|p| p.key.as_str()).collect();
        let newest = slots.last().copied().unwrap_or_default();
        let mut lacking = vec![];
        for is_copy in [false, true] {
            let made = self.made.get(&(newest, is_copy));
            let paths = made.into_iter().flat_map(BTreeMap::values);
            lacking.extend(paths.filter(|path| !good.contains(path.as_str())).cloned());
        }
        if let Some(one) = lacking.first() {
            self.break_rule(format!("{} points are not good, such as {one}", lacking.len()));
        }
        let known: BTreeSet<&String> = self.made.values().flat_map(BTreeMap::values).collect();
        let foreign = look.points.iter().filter(|point| !known.contains(&point.key)).count();
        if foreign > 0 {
            self.break_rule(format!(
                "{foreign} points are there that nobody is known to have made"
            ));
        }
        reports
    }
}
