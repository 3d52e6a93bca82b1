//! Names of disks and snapshots, and the rules for names.
//!
//! Azure compares ids without regard to case and gives them back as they were first written.

use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// Which of the two resource types of Microsoft.Compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Disk,
    Snapshot,
}

impl Kind {
    pub(crate) fn parse(collection: &str) -> Option<Self> {
        if collection.eq_ignore_ascii_case("disks") {
            Some(Self::Disk)
        } else if collection.eq_ignore_ascii_case("snapshots") {
            Some(Self::Snapshot)
        } else {
            None
        }
    }

    pub(crate) fn collection(self) -> &'static str {
        match self {
            Self::Disk => "disks",
            Self::Snapshot => "snapshots",
        }
    }
}

/// `/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/{disks,snapshots}/…`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ResourceId {
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

impl ResourceId {
    /// Reads an id in any case, with doubled slashes too (`az resource show` sends them).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        let [s, subscription, g, group, p, provider, collection, name] = parts.as_slice() else {
            return None;
        };
        let fixed = s.eq_ignore_ascii_case("subscriptions")
            && g.eq_ignore_ascii_case("resourceGroups")
            && p.eq_ignore_ascii_case("providers")
            && provider.eq_ignore_ascii_case("Microsoft.Compute");
        let kind = Kind::parse(collection)?;
        fixed.then(|| Self {
            subscription: (*subscription).to_owned(),
            group: (*group).to_owned(),
            kind,
            name: (*name).to_owned(),
        })
    }

    /// The id as answers show it.
    pub(crate) fn path(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/{}/{}",
            self.subscription,
            self.group,
            self.kind.collection(),
            self.name
        )
    }

    /// The id as tables know it.
    pub(crate) fn key(&self) -> String {
        self.path().to_ascii_lowercase()
    }

    pub(crate) fn resource_type(&self) -> String {
        format!("Microsoft.Compute/{}", self.kind.collection())
    }
}

impl TryFrom<String> for ResourceId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("not the id of a disk or snapshot: {text}"))
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.path()
    }
}

/// The key of a resource group.
pub(crate) fn group_key(subscription: &str, group: &str) -> String {
    format!("/subscriptions/{subscription}/resourcegroups/{group}").to_ascii_lowercase()
}

/// Names: 1 to 80 of `a-z A-Z 0-9 _ - .` (compute-snapshots §2.1).
pub(crate) fn check_name(id: &ResourceId) -> Result<(), Failure> {
    let name = &id.name;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if (1..=80).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(Failure::guess(
        "invalid-name",
        400,
        "InvalidParameter",
        format!(
            "The entity name '{name}' is invalid according to its validation rule: \
             ^[^_\\W][\\w-._]{{0,79}}(?<![-.])$."
        ),
    )
    .target("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_casing_and_is_compared_without_it() {
        let id = ResourceId::parse(
            "/SUBSCRIPTIONS/S1/resourcegroups/Rg/providers/microsoft.compute//Snapshots/Snap-A",
        )
        .unwrap();
        assert_eq!(
            id.path(),
            "/subscriptions/S1/resourceGroups/Rg/providers/Microsoft.Compute/snapshots/Snap-A"
        );
        assert_eq!(id.key(), ResourceId::parse(&id.path().to_uppercase()).unwrap().key());
    }

    #[test]
    fn a_name_has_one_to_eighty_allowed_characters() {
        let named = |name: &str| ResourceId {
            subscription: "s".into(),
            group: "g".into(),
            kind: Kind::Disk,
            name: name.into(),
        };
        assert!(check_name(&named(&"a".repeat(80))).is_ok());
        assert!(check_name(&named(&"a".repeat(81))).is_err());
        assert!(check_name(&named("a b")).is_err());
        assert!(check_name(&named("a_B-9.x")).is_ok());
    }
}
