//! Azure Resource Graph: `POST /providers/Microsoft.ResourceGraph/resources`, for the part of its
//! language that lists resources. It is as far behind as `graph_delay_seconds` says.

mod functions;
mod parse;
mod run;
mod tokens;

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::world::{World, failure::Failure, rights::Caller};

use super::{Call, catalogue, groups, guard, not_allowed, reply::Reply};

/// The most rows of an answer, and how many without `$top`.
///
/// GUESS: the second; documented for the REST call is only the first.
const PAGE: usize = 1000;

#[derive(Deserialize)]
struct Request {
    subscriptions: Option<Vec<String>>,
    query: String,
    #[serde(default)]
    options: Options,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    #[serde(rename = "$top")]
    top: Option<usize>,
    #[serde(rename = "$skip")]
    skip: usize,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
    #[serde(rename = "resultFormat")]
    format: Option<String>,
}

/// A row of a table: columns in their order.
type Row = Map<String, Value>;

pub(super) fn serve(world: &World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    if call.method != Method::POST {
        return Err(not_allowed(call));
    }
    let request: Request = call.json()?;
    let query = parse::query(&request.query).map_err(|error| refused(world, &error, now))?;
    let caller = guard::caller(world, call);
    let subscriptions: Vec<String> = match &request.subscriptions {
        Some(wanted) => {
            let known = |id: &&String| world.subscription(id).is_ok();
            wanted.iter().filter(known).map(|id| id.to_ascii_lowercase()).collect()
        }
        None => world.subscriptions.values().map(|s| s.id.to_ascii_lowercase()).collect(),
    };
    let at = world.graph_at(now);
    let mut rows = Vec::new();
    for subscription in &subscriptions {
        match query.table.to_ascii_lowercase().as_str() {
            "resources" => rows.extend(resources(world, &caller, subscription, at)),
            "resourcecontainers" => rows.extend(containers(world, &caller, subscription)),
            _ => {
                let why = format!("Table {} is not known here", query.table);
                return Err(refused(world, &parse::Error { why, at: 0, token: query.table }, now));
            }
        }
    }
    let table = run::run(&query, rows, now)
        .map_err(|why| refused(world, &parse::Error { why, at: 0, token: String::new() }, now))?;
    let total = table.rows.len();
    let start = match &request.options.skip_token {
        Some(token) => read_token(token)?,
        None => request.options.skip,
    };
    let size = request.options.top.unwrap_or(PAGE).clamp(1, PAGE);
    let shown: Vec<Row> = table.rows.into_iter().skip(start).take(size).collect();
    let more = start + shown.len() < total;
    // Without an id in the rows there is no way on, and the answer is cut short.
    let pages = more && table.columns.iter().any(|column| column == "id");
    let as_table = request.options.format.is_some_and(|f| f.eq_ignore_ascii_case("table"));
    let next = URL_SAFE_NO_PAD.encode(json!({"skip": start + shown.len()}).to_string());
    let mut body = json!({
        "totalRecords": total,
        "count": shown.len(),
        "data": if as_table { tabular(&table.columns, &shown) } else { json!(shown) },
        "facets": [],
        "resultTruncated": if more && !pages { "true" } else { "false" },
    });
    if pages {
        body["$skipToken"] = next.into();
    }
    let reply = Reply::json(200, body);
    // GUESS: the figures of an idle caller; queries are not throttled here.
    Ok(reply
        .header("x-ms-user-quota-remaining", "15")
        .header("x-ms-user-quota-resets-after", "00:00:00"))
}

fn read_token(token: &str) -> Result<usize, Failure> {
    let read = || {
        let text = URL_SAFE_NO_PAD.decode(token).ok()?;
        let skip = serde_json::from_slice::<Value>(&text).ok()?["skip"].as_u64()?;
        usize::try_from(skip).ok()
    };
    read().ok_or_else(|| Failure::new(400, "BadRequest", "The $skipToken is invalid."))
}

/// Resource Graph's refusal of a query.
fn refused(world: &World, error: &parse::Error, now: Timestamp) -> Failure {
    let message = format!(
        "Please provide below info when asking for support: timestamp = {}, correlationId = {}.",
        super::deployments::zulu(now),
        world.settings.tenant_id
    );
    Failure::gateway(400, "BadRequest", message).with(
        "details",
        json!([
            {
                "code": "InvalidQuery",
                "message": "Query is invalid. Please refer to the documentation for the Azure \
                            Resource Graph service and fix the error before retrying.",
            },
            {
                "code": "ParserFailure",
                "message": error.why,
                "line": 1,
                "characterPositionInLine": error.at,
                "token": error.token,
            },
        ]),
    )
}

/// The table `Resources` of one subscription, less what the caller may not read.
fn resources<'a>(
    world: &'a World,
    caller: &'a Caller,
    subscription: &'a str,
    at: Timestamp,
) -> impl Iterator<Item = Row> + 'a {
    let all = catalogue::all_at(world, subscription, at).into_iter();
    let readable =
        |full: &Value| guard::readable(world, caller, full["id"].as_str().unwrap_or_default());
    all.filter(readable).map(|full| {
        let id = full["id"].as_str().unwrap_or_default();
        let parts: Vec<&str> = id.split('/').collect();
        let part = |at: usize| parts.get(at).copied().unwrap_or_default().to_ascii_lowercase();
        let kind = full["type"].as_str().unwrap_or_default().to_ascii_lowercase();
        let mut row = common(world, &full, (id, &kind, subscription));
        row.insert("resourceGroup".into(), part(4).into());
        for name in ["managedBy", "kind"] {
            row.insert(name.into(), full.get(name).cloned().unwrap_or_else(|| "".into()));
        }
        for name in ["sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation"] {
            row.insert(name.into(), full.get(name).cloned().unwrap_or_default());
        }
        row
    })
}

/// The table `ResourceContainers`: the subscription and its groups, as they are.
fn containers(world: &World, caller: &Caller, subscription: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Ok(found) = world.subscription(subscription) {
        let id = format!("/subscriptions/{}", found.id);
        let full = json!({
            "id": id, "name": found.name, "location": "",
            "properties": {"state": "Enabled"}, "tags": found.tags,
        });
        let mut row =
            common(world, &full, (&id, "microsoft.resources/subscriptions", subscription));
        row.insert("resourceGroup".into(), "".into());
        row.insert("properties".into(), full["properties"].clone());
        row.insert("tags".into(), full["tags"].clone());
        rows.push(row);
    }
    let scope = format!("/subscriptions/{subscription}/");
    for (_, group) in world.groups.under(&scope, None) {
        let full = groups::group_body(group);
        let id = full["id"].as_str().unwrap_or_default();
        if !guard::readable(world, caller, id) {
            continue;
        }
        let kind = "microsoft.resources/subscriptions/resourcegroups";
        let mut row = common(world, &full, (id, kind, subscription));
        row.insert("resourceGroup".into(), group.name.to_ascii_lowercase().into());
        row.insert("properties".into(), full["properties"].clone());
        row.insert("tags".into(), full.get("tags").cloned().unwrap_or_default());
        rows.push(row);
    }
    rows
}

fn common(world: &World, full: &Value, (id, kind, subscription): (&str, &str, &str)) -> Row {
    let mut row = Row::new();
    row.insert("id".into(), id.into());
    row.insert("name".into(), full["name"].clone());
    row.insert("type".into(), kind.into());
    row.insert("tenantId".into(), json!(world.settings.tenant_id));
    row.insert("location".into(), full["location"].clone());
    row.insert("subscriptionId".into(), subscription.into());
    row
}

/// The older form of answers: columns with their types, and rows as arrays.
fn tabular(columns: &[String], rows: &[Row]) -> Value {
    let kind = |name: &String| {
        let first = rows.iter().filter_map(|row| row.get(name)).find(|value| !value.is_null());
        match first {
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(number)) if number.is_f64() => "number",
            Some(Value::Number(_)) => "integer",
            Some(Value::Array(_) | Value::Object(_)) => "object",
            Some(Value::String(_) | Value::Null) | None => "string",
        }
    };
    let columns_shown: Vec<Value> =
        columns.iter().map(|name| json!({"name": name, "type": kind(name)})).collect();
    let cells = |row: &Row| -> Value {
        columns.iter().map(|name| row.get(name).cloned().unwrap_or_default()).collect()
    };
    json!({"columns": columns_shown, "rows": rows.iter().map(cells).collect::<Vec<_>>()})
}
