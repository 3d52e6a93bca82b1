//! ARM templates: parameters, variables, expressions, loops and dependencies.
//!
//! It turns a template into the resources to deploy; deploying them is `deployments`. Functions
//! that it does not know are refused by name, as Azure refuses them.

mod eval;
mod functions;
mod hash;
mod parameters;
mod parse;
mod plan;
pub(crate) mod relaxed;
mod values;

use serde_json::Value;

use crate::world::failure::Failure;

pub(super) use eval::{Context, Live};
pub(super) use hash::template_hash;
pub(super) use parameters::bind;
pub(super) use plan::{Plan, Planned, outputs, plan};

/// Azure's refusal of a template before anything is deployed.
pub(super) fn invalid(why: impl std::fmt::Display) -> Failure {
    let why = why.to_string();
    // Azure's sentence ends its quotation with the full stop of the inner one.
    Failure::gateway(
        400,
        "InvalidTemplate",
        format!("Deployment template validation failed: '{why}'."),
    )
    .with(
        "additionalInfo",
        serde_json::json!([{
            "type": "TemplateViolation",
            "info": {"lineNumber": 0, "linePosition": 0, "path": ""},
        }]),
    )
}

/// The name of a property as the answers of deployments show it: Newtonsoft's camel case, in
/// which `NewNSG` is `newNSG` (recorded) and `VMName` is `vmName`.
pub(super) fn camel(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    if !chars.first().is_some_and(|first| first.is_uppercase()) {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len());
    let mut head = true;
    for (at, c) in chars.iter().enumerate() {
        let next_is_lower = chars.get(at + 1).is_some_and(|next| !next.is_uppercase());
        head = head && c.is_uppercase() && !(at > 0 && next_is_lower);
        if head {
            out.extend(c.to_lowercase());
        } else {
            out.push(*c);
        }
    }
    out
}

/// The name of a JSON value's type in Azure's texts.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

#[cfg(test)]
mod tests;
