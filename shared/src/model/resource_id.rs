//! ARM resource ids of disks and snapshots: parsed once, compared without regard to case.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
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
/// A clone shares its text: plans of large estates name everything several times.
#[derive(Clone)]
pub struct ResourceId(Arc<Parts>);

/// One text for all parts: five would take half as much memory again.
struct Parts {
    kind: ResourceKind,
    /// The key; behind it subscription, group and name as they were spelled.
    text: Box<str>,
    key_end: usize,
    subscription_end: usize,
    group_end: usize,
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
        let mut text = String::with_capacity(256);
        for part in [
            "/subscriptions/",
            subscription,
            "/resourcegroups/",
            group,
            "/providers/microsoft.compute/",
            kind.segment(),
            "/",
            name,
        ] {
            text.push_str(part);
        }
        text.make_ascii_lowercase();
        let key_end = text.len();
        let subscription_end = key_end + subscription.len();
        let group_end = subscription_end + group.len();
        for part in [subscription, group, name] {
            text.push_str(part);
        }
        let text = text.into_boxed_str();
        Self(Arc::new(Parts { kind, text, key_end, subscription_end, group_end }))
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
        &self.0.text[self.0.key_end..self.0.subscription_end]
    }

    /// The resource group's name.
    pub fn group(&self) -> &str {
        &self.0.text[self.0.subscription_end..self.0.group_end]
    }

    /// Disk or snapshot.
    pub fn kind(&self) -> ResourceKind {
        self.0.kind
    }

    /// The resource's own name.
    pub fn name(&self) -> &str {
        &self.0.text[self.0.group_end..]
    }

    /// Whether the casing is the same, too.
    pub(crate) fn is_spelled_like(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }

    /// The lower-case text that two spellings of one id share.
    pub fn key(&self) -> &str {
        &self.0.text[..self.0.key_end]
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/{}/{}",
            self.subscription(),
            self.group(),
            self.kind().segment(),
            self.name()
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
        Arc::ptr_eq(&self.0, &other.0) || self.key() == other.key()
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
        self.key().cmp(other.key())
    }
}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Names alone tell nearly all apart, and are a quarter of the text.
        let key = self.key();
        key[key.len() - self.name().len()..].hash(state);
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
