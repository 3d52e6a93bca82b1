//! A region's name in the one spelling that compares: `West US 2` and `WestUS2` are `westus2`.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// An Azure region, normalised: lower case, no spaces.
///
/// Azure answers and clients send either spelling (compute-snapshots §5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Region(Arc<str>);

impl Region {
    /// Normalises `name`.
    pub fn new(name: &str) -> Self {
        let name: String = name.chars().filter(|c| !c.is_whitespace()).collect();
        Self(name.to_ascii_lowercase().into())
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Region {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::Region;

    #[test]
    fn the_display_name_and_the_name_are_one_region() {
        assert_eq!(Region::new("West US 2"), Region::new("westus2"));
    }
}
