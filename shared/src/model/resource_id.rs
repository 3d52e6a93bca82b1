//! ARM resource ids of disks and snapshots: parsed once, compared without regard to case.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// The resource types that Snapferry handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// `Microsoft.Compute/disks`
    Disk,
    /// `Microsoft.Compute/snapshots`
    Snapshot,
}

impl ResourceKind {
    /// The last part of the type, as it stands in a path.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::Disk => "disks",
            Self::Snapshot => "snapshots",
        }
    }
}

/// The full ARM id of a managed disk or a snapshot.
///
/// Keeps the casing it came with and compares without it, as ARM does.
#[derive(Clone, Debug)]
pub struct ResourceId {
    subscription: String,
    group: String,
    kind: ResourceKind,
    name: String,
    key: String,
}

/// Why a text is not a resource id, and what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the resource id of a disk or snapshot; expected \
     /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Compute/disks/<name> \
     (`az disk show -g <group> -n <name> --query id -o tsv` prints it)"
)]
pub struct ResourceIdError(pub String);

impl ResourceId {
    /// Composes an id from its parts.
    pub fn new(kind: ResourceKind, subscription: &str, group: &str, name: &str) -> Self {
        let mut id = Self {
            subscription: subscription.to_owned(),
            group: group.to_owned(),
            kind,
            name: name.to_owned(),
            key: String::new(),
        };
        id.key = id.to_string().to_ascii_lowercase();
        id
    }

    /// A disk's id.
    pub fn disk(subscription: &str, group: &str, name: &str) -> Self {
        Self::new(ResourceKind::Disk, subscription, group, name)
    }

    /// A snapshot's id.
    pub fn snapshot(subscription: &str, group: &str, name: &str) -> Self {
        Self::new(ResourceKind::Snapshot, subscription, group, name)
    }

    /// The subscription's id.
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// The resource group's name.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Disk or snapshot.
    pub const fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The resource's own name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lower-case text that two spellings of one id share.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/{}/{}",
            self.subscription,
            self.group,
            self.kind.segment(),
            self.name
        )
    }
}

impl FromStr for ResourceId {
    type Err = ResourceIdError;

    fn from_str(text: &str) -> Result<Self, ResourceIdError> {
        let wrong = || ResourceIdError(text.chars().take(300).collect());
        let parts: Vec<&str> = text.strip_prefix('/').ok_or_else(wrong)?.split('/').collect();
        let [subscriptions, subscription, groups, group, providers, provider, kind, name] =
            parts[..]
        else {
            return Err(wrong());
        };
        let fixed = [
            (subscriptions, "subscriptions"),
            (groups, "resourceGroups"),
            (providers, "providers"),
            (provider, "Microsoft.Compute"),
        ];
        let kind = [ResourceKind::Disk, ResourceKind::Snapshot]
            .into_iter()
            .find(|known| known.segment().eq_ignore_ascii_case(kind))
            .ok_or_else(wrong)?;
        let named = [subscription, group, name].iter().all(|part| {
            !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || "?#%\\".contains(c))
        });
        if !named || fixed.iter().any(|(found, wanted)| !found.eq_ignore_ascii_case(wanted)) {
            return Err(wrong());
        }
        Ok(Self::new(kind, subscription, group, name))
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for ResourceId {}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl Serialize for ResourceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for ResourceId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("The full ARM id of a managed disk or a snapshot"))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ResourceId {
    fn name() -> std::borrow::Cow<'static, str> {
        "ResourceId".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str =
        "/subscriptions/S1/resourceGroups/App/providers/Microsoft.Compute/disks/data-0";

    #[test]
    fn compares_without_case_and_keeps_its_own() {
        let id: ResourceId = ID.parse().unwrap();
        assert_eq!(id, ID.to_uppercase().parse().unwrap());
        assert_eq!(id.to_string(), ID);
    }

    #[test]
    fn refuses_what_is_not_an_id_and_says_what_would_be() {
        for text in [
            "",
            "data-0",
            "/subscriptions/S1",
            &ID[1..],
            &format!("{ID}/x"),
            &ID.replace("disks", "virtualMachines"),
            &ID.replace("App", ""),
        ] {
            let error = text.parse::<ResourceId>().unwrap_err();
            assert!(error.to_string().contains("az disk show"), "{error}");
        }
    }
}
