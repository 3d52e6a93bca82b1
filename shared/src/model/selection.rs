//! Which disks a policy protects: by id, group, subscription or tag, less what is excluded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Disk, ResourceId};

/// Disks that match one of `include` and none of `exclude`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// What is protected.
    pub include: Vec<Selector>,
    /// What is not, although it is included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Selector>,
}

/// One way to name disks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Selector {
    /// One disk.
    Disk {
        /// Its ARM id.
        id: ResourceId,
    },
    /// The disks of a resource group.
    Group {
        /// The subscription's id.
        subscription: String,
        /// The group's name.
        group: String,
    },
    /// The disks of a subscription.
    Subscription {
        /// Its id.
        subscription: String,
    },
    /// Disks with a tag.
    Tag {
        /// The tag's name; case does not matter, as in Azure.
        name: String,
        /// Its value; none for any.
        #[serde(default)]
        value: Option<String>,
    },
}

/// How a disk was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selected {
    /// Not at all.
    No,
    /// By a group, subscription or tag.
    ByRule,
    /// By its own id.
    ById,
}

impl Selector {
    /// Whether it names `disk`.
    pub fn matches(&self, disk: &Disk) -> bool {
        match self {
            Self::Disk { id } => *id == disk.id,
            Self::Group { subscription, group } => {
                disk.id.group().eq_ignore_ascii_case(group)
                    && disk.id.subscription().eq_ignore_ascii_case(subscription)
            }
            Self::Subscription { subscription } => {
                disk.id.subscription().eq_ignore_ascii_case(subscription)
            }
            Self::Tag { name, value } => disk.tags.iter().any(|(key, found)| {
                key.eq_ignore_ascii_case(name) && value.as_ref().is_none_or(|value| value == found)
            }),
        }
    }
}

impl Selection {
    /// These disks alone.
    pub fn of_disks(ids: impl IntoIterator<Item = ResourceId>) -> Self {
        let include = ids.into_iter().map(|id| Selector::Disk { id }).collect();
        Self { include, exclude: vec![] }
    }

    /// The disks that are named by id, sorted.
    pub fn ids(&self) -> BTreeSet<&ResourceId> {
        self.include
            .iter()
            .filter_map(|selector| match selector {
                Selector::Disk { id } => Some(id),
                Selector::Group { .. } | Selector::Subscription { .. } | Selector::Tag { .. } => {
                    None
                }
            })
            .collect()
    }

    /// How it selects `disk`, whatever the disk's age.
    pub fn selects(&self, disk: &Disk) -> Selected {
        if self.exclude.iter().any(|selector| selector.matches(disk)) {
            return Selected::No;
        }
        self.include
            .iter()
            .filter(|selector| selector.matches(disk))
            .map(|selector| match selector {
                Selector::Disk { .. } => Selected::ById,
                Selector::Group { .. } | Selector::Subscription { .. } | Selector::Tag { .. } => {
                    Selected::ByRule
                }
            })
            .max()
            .unwrap_or(Selected::No)
    }
}
