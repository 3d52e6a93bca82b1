//! All policies as one file, which a team can keep in git: exported, and imported all or nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;
use shared::{
    Policy,
    api::{Imported, PolicyFile},
};

use super::{problems_of, seen, unknown_region};
use crate::{app::App, error::Error, http::body::Body};

/// What a file says of a policy: without what the store counts and adds.
fn as_written(policy: &Policy) -> Policy {
    Policy { version: 0, rules_before: vec![], ..policy.clone() }
}

/// The same policies are the same bytes: by id, fields in the model's order, one a line.
pub(in crate::http) async fn export(State(app): State<Arc<App>>) -> Result<Response, Error> {
    let mut policies: Vec<Policy> = app.records.policies().await?.iter().map(as_written).collect();
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    let mut file = serde_json::to_value(PolicyFile { policies }).unwrap_or_default();
    for policy in file["policies"].as_array_mut().into_iter().flatten() {
        if let Some(fields) = policy.as_object_mut() {
            fields.retain(|field, _| field != "version");
        }
    }
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let name = HeaderValue::from_static("attachment; filename=\"snapferry-policies.json\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// A file whose policies are read one by one, so that each says its own problems.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct File {
    policies: Vec<Value>,
}

/// Saves every policy of a file that differs from the one in force, or, if one has a problem, none.
///
/// Policies that the file does not name stay as they are. Should a version be saved by somebody
/// else in the very moment, the answer is a conflict and the same file can be sent again: what it
/// saved already is then unchanged.
pub(in crate::http) async fn import(
    State(app): State<Arc<App>>,
    Body(file): Body<File>,
) -> Result<Json<Imported>, Error> {
    let inventory = seen(&app).await;
    let (mut wanted, mut problems) = (vec![], vec![]);
    let mut ids = BTreeSet::new();
    for (nth, value) in file.policies.into_iter().enumerate() {
        let id = value["id"].as_str().map_or_else(
            || format!("policy {} of the file", nth + 1),
            |id| format!("`{}`", id.chars().take(60).collect::<String>()),
        );
        let policy = match serde_json::from_value::<Policy>(value) {
            Ok(policy) => policy,
            Err(error) => {
                problems.push(format!("{id}: {error}"));
                continue;
            }
        };
        let mut of_it = problems_of(&policy);
        of_it.extend(unknown_region(&policy, inventory.as_deref()));
        if !ids.insert(policy.id.clone()) {
            of_it.push("it is in the file more than once".to_owned());
        }
        problems.extend(of_it.into_iter().map(|problem| format!("{id}: {problem}")));
        wanted.push(policy);
    }
    if !problems.is_empty() {
        let message = format!("nothing was imported; {}", problems.join("; "));
        return Err(Error::invalid("InvalidPolicies", message));
    }
    let in_force = app.records.policies().await?;
    let known: BTreeMap<&str, &Policy> = in_force.iter().map(|p| (p.id.as_str(), p)).collect();
    let mut imported = Imported { saved: vec![], unchanged: vec![], not_in_file: vec![] };
    wanted.sort_by(|a, b| a.id.cmp(&b.id));
    for policy in wanted {
        let was = known.get(policy.id.as_str());
        if was.is_some_and(|was| as_written(was) == as_written(&policy)) {
            imported.unchanged.push(policy.id);
            continue;
        }
        let version = was.map_or(0, |was| was.version);
        app.records.save_policy(Policy { version, ..as_written(&policy) }).await?;
        imported.saved.push(policy.id);
    }
    let left = known.keys().filter(|id| !ids.contains(**id));
    imported.not_in_file = left.map(|id| (*id).to_owned()).collect();
    Ok(Json(imported))
}
