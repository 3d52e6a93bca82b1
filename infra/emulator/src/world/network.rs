//! Network resources that machines and templates mention: kept as they are given, without rules.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{path::ResourcePath, resource::Tags};

/// The types that are kept.
pub(crate) const TYPES: &[&str] =
    &["virtualNetworks", "networkSecurityGroups", "publicIPAddresses", "networkInterfaces"];

/// A network resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NetworkResource {
    pub(crate) path: ResourcePath,
    pub(crate) location: String,
    pub(crate) tags: Option<Tags>,
    pub(crate) sku: Option<Value>,
    pub(crate) properties: Map<String, Value>,
    pub(crate) guid: Uuid,
}
