//! Reads the cassettes of Azure's own test suites (YAML, as Python's vcr writes them).
//!
//! They are outside the repository: `AZURE_DATA` says where, by default beside the checkout.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    exchange::{Exchange, GivenGroup, leaves},
    manifest::Manifest,
    shape::Shape,
};

/// What the recorder took out (`data/README.md`), and what is the transport's affair: of these
/// neither presence nor absence proves anything.
pub(crate) const UNKNOWN_HEADERS: &[&str] = &[
    "authorization",
    "client-request-id",
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "retry-after",
    "transfer-encoding",
    // Comes and goes with compression.
    "vary",
    "x-ms-client-request-id",
    "x-ms-correlation-request-id",
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-request-id",
    "x-ms-routing-request-id",
    "x-ms-served-by",
];

#[derive(Deserialize)]
struct Cassette {
    interactions: Vec<Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    uri: String,
    body: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: Status,
    headers: BTreeMap<String, Vec<String>>,
    body: Body,
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

#[derive(Deserialize)]
struct Body {
    string: Option<String>,
}

/// The folder with `recordings/` and `specs/`, if it is there.
pub(crate) fn data_folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("AZURE_DATA").map_or(beside, PathBuf::from);
    folder.join("recordings").is_dir().then_some(folder)
}

/// Every cassette below a folder, in the order of their names.
pub(crate) fn cassettes(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Reads one cassette.
pub(crate) fn read(path: &Path) -> Manifest {
    let text = std::fs::read_to_string(path).unwrap();
    let cassette: Cassette =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let groups = group_names(&cassette);
    let rename = |text: &str| {
        let mut text = text.to_owned();
        for (number, group) in groups.iter().enumerate() {
            text = replace_caseless(&text, group, &format!("group{}", number + 1));
        }
        text
    };
    let mut operations: Vec<String> = Vec::new();
    let exchanges: Vec<Exchange> = cassette
        .interactions
        .iter()
        .map(|interaction| exchange(interaction, &rename, &mut operations))
        .collect();
    let given = (1..=groups.len())
        .filter_map(|number| given_group(&format!("group{number}"), &exchanges, &cassette, &rename))
        .collect();
    Manifest { name, given, exchanges }
}

fn exchange(
    interaction: &Interaction,
    rename: &dyn Fn(&str) -> String,
    operations: &mut Vec<String>,
) -> Exchange {
    let Interaction { request, response } = interaction;
    let headers: BTreeMap<String, &Vec<String>> =
        response.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let target = target(&rename(&request.uri), operations);
    let named = ["azure-asyncoperation", "location"]
        .iter()
        .find_map(|name| headers.get(*name)?.first())
        .and_then(|url| operation_id(url));
    let known = named.as_ref().and_then(|id| operations.iter().position(|known| known == id));
    let opens = match (known, named) {
        // A poll that names its own URL again opens nothing.
        (Some(_), _) | (None, None) => None,
        (None, Some(id)) => {
            operations.push(id);
            Some(operations.len())
        }
    };
    let text = rename(response.body.string.as_deref().unwrap_or_default());
    let asks = request.body.as_deref().filter(|body| !body.is_empty());
    // az puts a template's text, its comments too, behind an unquoted key (real-clients §3).
    let asks: Option<Value> = asks.map(|body| {
        json5::from_str(&rename(body)).unwrap_or_else(|error| panic!("{error} in {body}"))
    });
    Exchange {
        method: request.method.clone(),
        target,
        at: headers.get("date").and_then(|date| date.first()).map_or(0, |date| {
            jiff::fmt::rfc2822::parse(date).map_or(0, |at| at.timestamp().as_second())
        }),
        asks: asks.as_ref().map(leaves).unwrap_or_default(),
        opens,
        status: response.status.code,
        headers: headers
            .into_keys()
            .filter(|name| !UNKNOWN_HEADERS.contains(&name.as_str()))
            .collect(),
        shape: serde_json::from_str::<Value>(&text).ok().map(|body| Shape::of(&body)),
    }
}

/// Path and query of a URL, with the operation's number in place of its polling URL.
fn target(url: &str, operations: &[String]) -> String {
    if let Some(id) = operation_id(url)
        && let Some(at) = operations.iter().position(|known| *known == id)
    {
        let monitor = if url.contains("monitor=true") { "?monitor=true" } else { "" };
        return format!("{{operation:{}}}{monitor}", at + 1);
    }
    match url.strip_prefix("https://management.azure.com") {
        Some(target) => target.split("&t=").next().unwrap_or(target).to_owned(),
        None => url.to_owned(),
    }
}

/// The id in a polling URL.
fn operation_id(url: &str) -> Option<String> {
    let path = url.split('?').next()?;
    let (rest, id) = path.rsplit_once('/')?;
    let kind = rest.rsplit_once('/')?.1.to_ascii_lowercase();
    ["diskoperations", "operations", "operationresults", "operationstatuses"]
        .contains(&kind.as_str())
        .then(|| id.to_owned())
}

/// The groups that the requests name, in the order of their first mention.
fn group_names(cassette: &Cassette) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for interaction in &cassette.interactions {
        let parts: Vec<&str> =
            interaction.request.uri.split(['/', '?']).filter(|part| !part.is_empty()).collect();
        for pair in parts.windows(2) {
            let name = pair[1].to_owned();
            if pair[0].eq_ignore_ascii_case("resourceGroups")
                && !name.contains('=')
                && !names.iter().any(|known| known.eq_ignore_ascii_case(&name))
            {
                names.push(name);
            }
        }
    }
    // Longer ones first, so that no name is replaced inside another.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names
}

fn replace_caseless(text: &str, from: &str, to: &str) -> String {
    let (lower, from) = (text.to_ascii_lowercase(), from.to_ascii_lowercase());
    let mut out = String::new();
    let mut at = 0;
    while let Some(found) = lower[at..].find(&from) {
        out.push_str(&text[at..at + found]);
        out.push_str(to);
        at += found + from.len();
    }
    out.push_str(&text[at..]);
    out
}

/// A group that was there before the recording began: the first question about it neither makes
/// it nor misses it.
fn given_group(
    group: &str,
    exchanges: &[Exchange],
    cassette: &Cassette,
    rename: &dyn Fn(&str) -> String,
) -> Option<GivenGroup> {
    let of_group = |target: &str| {
        let path = target.split('?').next().unwrap_or_default().to_ascii_lowercase();
        path.split('/').any(|part| part == group)
    };
    let own = |target: &str| {
        target
            .split('?')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .ends_with(&format!("/{group}"))
    };
    let first = exchanges.iter().find(|exchange| of_group(&exchange.target))?;
    if own(&first.target) && (first.status == 201 || first.status == 404) {
        return None;
    }
    let shown = exchanges.iter().zip(&cassette.interactions).find_map(|(exchange, interaction)| {
        let body = interaction.response.body.string.as_deref()?;
        let body: Value = serde_json::from_str(&rename(body)).ok()?;
        (own(&exchange.target) && exchange.status == 200).then_some(body)
    });
    let resource_location = || {
        let mut inside = exchanges.iter().filter(|exchange| of_group(&exchange.target));
        inside.find_map(|exchange| exchange.asks.get("/location")?.as_str())
    };
    let location = shown.as_ref().and_then(|body| body["location"].as_str());
    Some(GivenGroup {
        name: group.to_owned(),
        location: location.or_else(resource_location).unwrap_or("westus").to_owned(),
        tagged: shown.as_ref().is_some_and(|body| body.get("tags").is_some()),
    })
}
