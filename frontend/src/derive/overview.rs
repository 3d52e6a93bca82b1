//! The overview's rows: filtered, sorted, and counted.

use std::cmp::Ordering;

use jiff::Timestamp;
use shared::{
    Inventory, Region, ResourceId,
    status::{Copying, DiskStatus, Protection},
};

use crate::present;

/// A disk in one line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: ResourceId,
    pub(crate) region: Region,
    pub(crate) region_name: String,
    pub(crate) subscription: String,
    pub(crate) size: String,
    pub(crate) sku: String,
    pub(crate) owner: String,
    pub(crate) role: String,
    pub(crate) protection: Protection,
    pub(crate) policies: Vec<String>,
    /// The newest recovery point of the disk's own region.
    pub(crate) source: Option<Timestamp>,
    /// Each target side's region and newest recovery point.
    pub(crate) targets: Vec<(String, Option<Timestamp>)>,
    pub(crate) copying: Option<Copying>,
    /// Where that copy goes, by its name for people.
    pub(crate) copying_to: Option<String>,
}

/// How the rows are ordered; the worst first by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Worst,
    Name,
    Region,
    Size,
    Newest,
}

impl Sort {
    pub(crate) const ALL: [Self; 5] =
        [Self::Worst, Self::Name, Self::Region, Self::Size, Self::Newest];

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Worst => "",
            Self::Name => "name",
            Self::Region => "region",
            Self::Size => "size",
            Self::Newest => "oldest-point",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Worst => "Worst first",
            Self::Name => "Name",
            Self::Region => "Region",
            Self::Size => "Largest first",
            Self::Newest => "Oldest point first",
        }
    }

    pub(crate) fn of(key: &str) -> Self {
        Self::ALL.into_iter().find(|sort| sort.key() == key).unwrap_or_default()
    }
}

/// What the address bar says of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) protection: String,
    pub(crate) region: String,
    pub(crate) sort: Sort,
}

/// The rows that `filter` lets through, in its order; stable for equal ones.
pub(crate) fn rows(inventory: &Inventory, statuses: &[DiskStatus], filter: &Filter) -> Vec<Row> {
    let mut found: Vec<(&DiskStatus, Row)> = statuses
        .iter()
        .map(|status| (status, row(inventory, status)))
        .filter(|(_, row)| matches(row, filter))
        .collect();
    found.sort_by(|(a, x), (b, y)| match filter.sort {
        Sort::Worst => Ordering::Equal,
        Sort::Name => (a.disk.id.name(), &a.disk.id).cmp(&(b.disk.id.name(), &b.disk.id)),
        Sort::Region => x.region_name.cmp(&y.region_name),
        Sort::Size => b.disk.size_bytes.cmp(&a.disk.size_bytes),
        Sort::Newest => oldest(x).cmp(&oldest(y)),
    });
    found.into_iter().map(|(_, row)| row).collect()
}

/// The side that lags most; one without a point lags more than any.
fn oldest(row: &Row) -> Option<Timestamp> {
    row.targets.iter().map(|(_, at)| *at).chain([row.source]).min().flatten()
}

fn row(inventory: &Inventory, status: &DiskStatus) -> Row {
    let disk = &status.disk;
    let sources = status.sides.iter().filter(|side| !side.is_target);
    let targets = status.sides.iter().filter(|side| side.is_target);
    Row {
        id: disk.id.clone(),
        region: disk.region.clone(),
        region_name: present::region(inventory, &disk.region),
        subscription: present::subscription(inventory, disk.id.subscription()),
        size: present::number::size(disk.size_bytes),
        sku: disk.sku.clone(),
        owner: present::owner(disk),
        role: present::role_of_disk(disk),
        protection: status.protection,
        policies: status.policies.clone(),
        source: sources.filter_map(|side| side.newest).max(),
        targets: targets
            .map(|side| (present::region(inventory, &side.side.region), side.newest))
            .collect(),
        copying_to: status.copying.as_ref().map(|c| present::region(inventory, &c.region)),
        copying: status.copying.clone(),
    }
}

fn matches(row: &Row, filter: &Filter) -> bool {
    let words = [
        row.id.name(),
        row.id.group(),
        &row.region_name,
        row.region.as_str(),
        &row.subscription,
        &row.owner,
        &row.sku,
    ]
    .join(" ")
    .to_lowercase();
    let text = filter.text.to_lowercase();
    text.split_whitespace().all(|part| words.contains(part))
        && match filter.protection.as_str() {
            "" => true,
            "copying" => row.copying.is_some(),
            key => present::protection_key(row.protection) == key,
        }
        && (filter.region.is_empty() || row.region.as_str() == filter.region)
}

/// How many disks stand how; every protection is there, those of nobody, too.
pub(crate) fn counts(statuses: &[DiskStatus]) -> Vec<(Protection, usize)> {
    let count = |wanted| statuses.iter().filter(|s| s.protection == wanted).count();
    present::PROTECTIONS.into_iter().map(|protection| (protection, count(protection))).collect()
}

/// When the next slot of any policy in force begins.
pub(crate) fn next_due(policies: &[shared::Policy], now: Timestamp) -> Option<Timestamp> {
    policies.iter().filter(|p| p.is_in_force(now)).filter_map(|p| p.slots()?.after(now)).min()
}
