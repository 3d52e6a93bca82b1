//! Denials by Azure Policy: at a scope, of a type, when a condition holds.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{World, failure::Failure, path::within, region};

/// A policy that denies.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) scope: String,
    /// As `Microsoft.Compute/snapshots`; none: every type.
    #[serde(default)]
    pub(crate) resource_type: Option<String>,
    pub(crate) when: Condition,
}

/// What a resource must be like to be denied.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Condition {
    /// Whatever it is like.
    Always {},
    /// It has no such tag.
    TagMissing(String),
    /// It is in none of these locations.
    LocationNotIn(Vec<String>),
    /// Its sku is one of these.
    SkuIn(Vec<String>),
}

impl Condition {
    /// What Azure tells of the evaluation, if the condition holds.
    fn evaluate(&self, resource: &Value) -> Option<Value> {
        let told = |field: &str, value: &Value, target: Value, operator: &str| {
            json!({
                "result": "True", "expressionKind": "Field", "expression": field, "path": field,
                "expressionValue": value, "targetValue": target, "operator": operator,
            })
        };
        match self {
            Self::Always {} => Some(told("type", &resource["type"], "*".into(), "Like")),
            Self::TagMissing(tag) => {
                let tags = resource["tags"].as_object();
                let has = tags.is_some_and(|tags| tags.keys().any(|t| t.eq_ignore_ascii_case(tag)));
                let field = format!("tags[{tag}]");
                (!has).then(|| told(&field, &Value::Null, "false".into(), "Exists"))
            }
            Self::LocationNotIn(allowed) => {
                let location = resource["location"].as_str()?;
                let known =
                    allowed.iter().any(|a| region::normalise(a) == region::normalise(location));
                (!known).then(|| told("location", &resource["location"], json!(allowed), "NotIn"))
            }
            Self::SkuIn(denied) => {
                let sku = &resource["sku"]["name"];
                let name = sku.as_str()?;
                let hit = denied.iter().any(|denied| denied.eq_ignore_ascii_case(name));
                hit.then(|| told("sku.name", sku, json!(denied), "In"))
            }
        }
    }
}

impl World {
    /// Refuses a resource, as it would be, that a policy denies.
    pub(crate) fn check_policies(
        &self,
        id: &str,
        (resource_type, name): (&str, &str),
        resource: &Value,
    ) -> Result<(), Failure> {
        let key = id.to_ascii_lowercase();
        let mut violations = Vec::new();
        let mut identifiers = Vec::new();
        for policy in self.tenant.policies.values() {
            let concerns = within(&key, &policy.scope.to_ascii_lowercase())
                && policy
                    .resource_type
                    .as_ref()
                    .is_none_or(|t| t.eq_ignore_ascii_case(resource_type));
            let Some(told) = policy.when.evaluate(resource).filter(|_| concerns) else { continue };
            let assignment = format!(
                "{}/providers/Microsoft.Authorization/policyAssignments/{}",
                policy.scope, policy.name
            );
            let definition = format!(
                "{}/providers/Microsoft.Authorization/policyDefinitions/{}",
                policy.scope, policy.name
            );
            identifiers.push(json!({
                "policyAssignment": {"name": policy.name, "id": assignment},
                "policyDefinition": {"name": policy.name, "id": definition},
            }));
            violations.push(json!({
                "type": "PolicyViolation",
                "info": {
                    "evaluationDetails": {"evaluatedExpressions": [told]},
                    "policyDefinitionId": definition,
                    "policyDefinitionName": policy.name,
                    "policyDefinitionDisplayName": policy.name,
                    "policyDefinitionEffect": "deny",
                    "policyAssignmentId": assignment,
                    "policyAssignmentName": policy.name,
                    "policyAssignmentDisplayName": policy.name,
                    "policyAssignmentScope": policy.scope,
                    "policyAssignmentParameters": {},
                },
            }));
        }
        if violations.is_empty() {
            return Ok(());
        }
        let failure = Failure::gateway(
            403,
            "RequestDisallowedByPolicy",
            format!(
                "Resource '{name}' was disallowed by policy. Policy identifiers: '{}'.",
                Value::from(identifiers)
            ),
        );
        Err(failure.target(name).with("additionalInfo", violations.into()))
    }
}
