//! The OpenAPI document, generated from the table of routes and the types of `shared`.

use axum::Json;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{Route, routes};

#[derive(OpenApi)]
#[openapi(
    info(title = "Snapferry", description = "Protects Azure managed disks"),
    components(schemas(
        shared::api::ApiError,
        shared::api::Disks,
        shared::api::Estate,
        shared::api::Imported,
        shared::api::PlanView,
        shared::api::Policies,
        shared::api::PolicyFile,
        shared::api::RequestView,
        shared::api::Runs,
        shared::api::Snapshots,
        shared::api::Status,
        shared::api::Ticked,
        shared::model::Action,
        shared::model::Policy,
        shared::model::Run,
        shared::status::DiskStatus,
    ))
)]
struct Schemas;

/// The document.
pub(super) fn document() -> Value {
    let mut document = serde_json::to_value(Schemas::openapi()).unwrap_or_default();
    let mut paths = serde_json::Map::new();
    for route in routes() {
        let method = route.method.as_str().to_ascii_lowercase();
        let path = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        path[&method] = operation(&route);
    }
    document["paths"] = Value::Object(paths);
    document
}

fn operation(route: &Route) -> Value {
    let schema = |name: &str| {
        let reference = format!("#/components/schemas/{name}");
        json!({ "application/json": { "schema": { "$ref": reference } } })
    };
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    if route.method == axum::http::Method::DELETE {
        parameters.push(json!({
            "name": "version", "in": "query", "required": true, "schema": { "type": "integer" },
        }));
    }
    let status = match (route.method.as_str(), route.gives) {
        ("PUT", Some("RequestView")) => "202",
        ("DELETE", _) => "204",
        _ => "200",
    };
    let mut success = json!({ "description": route.summary });
    if let Some(name) = route.gives {
        success["content"] = schema(name);
    }
    let mut operation = json!({
        "summary": route.summary,
        "description": format!("Takes the role {:?}.", route.role),
        "parameters": parameters,
        "responses": {
            status: success,
            "4XX": { "description": "What is wrong and what to do", "content": schema("ApiError") },
        },
    });
    if let Some(name) = route.takes {
        operation["requestBody"] = json!({ "required": true, "content": schema(name) });
    }
    operation
}

pub(super) async fn show_openapi() -> Json<Value> {
    Json(document())
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = document();
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name} is missing");
        }
    }
}
