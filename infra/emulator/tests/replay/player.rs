//! Asks the emulator what a recording asked, and tells where the answers differ.
//!
//! The emulator's clock stands where the recording's stood when a question changes something. A
//! reading question is repeated while the clock goes on: how long Azure took is not judged, only
//! what it said.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use emulator::Azure;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{exchange::Exchange, manifest::Manifest, outside, shape::Shape};

/// How the emulator did on one exchange.
#[derive(Debug)]
pub(crate) enum Verdict {
    Agrees,
    /// What differs.
    Differs(Vec<String>),
    /// Not asked, and why.
    Outside(&'static str),
}

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    shape: Option<Shape>,
}

struct Player {
    arm: Router,
    plain: Router,
    now: i64,
    /// Polling URL and result URL of each operation, path and query.
    operations: BTreeMap<usize, [String; 2]>,
}

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// Plays a whole recording, each exchange with its verdict.
pub(crate) async fn play(manifest: &Manifest) -> Vec<Verdict> {
    let azure = Azure::in_memory(1);
    let start = manifest.exchanges.first().map_or(0, |exchange| exchange.at);
    let mut player = Player {
        arm: azure.arm_router(),
        plain: azure.plain_router(),
        now: start,
        operations: BTreeMap::new(),
    };
    player.control("PUT", "clock", json!({"now": stamp(start), "frozen": true})).await;
    player.seed(manifest).await;
    let mut verdicts = Vec::new();
    let mut unplayed = Vec::new();
    for exchange in &manifest.exchanges {
        let reason = outside::reason(exchange, &player.operations);
        verdicts.push(match reason.or_else(|| outside::of_unplayed(exchange, &unplayed)) {
            Some(reason) => {
                unplayed.extend((exchange.method == "PUT").then(|| exchange.target.clone()));
                Verdict::Outside(reason)
            }
            None => player.exchange(exchange).await,
        });
    }
    verdicts
}

fn stamp(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

impl Player {
    async fn seed(&self, manifest: &Manifest) {
        let groups: Vec<Value> = manifest
            .given
            .iter()
            .map(|group| {
                json!({
                    "subscription": SUBSCRIPTION,
                    "name": group.name,
                    "location": group.location,
                    "tags": group.tagged.then(|| json!({"a": "b"})),
                })
            })
            .collect();
        let disks = given_disks(manifest);
        let subscriptions = json!([{"id": SUBSCRIPTION, "name": "Recorded"}]);
        let seed = json!({"subscriptions": subscriptions, "groups": groups, "disks": disks});
        self.control("POST", "seed", seed).await;
        if let Some(provider) = unregistered_provider(manifest) {
            let path = format!("{provider}/unregister?api-version=2022-09-01");
            let request = Request::builder().method("POST").uri(path);
            let request = request.header(header::AUTHORIZATION, "Bearer recorded");
            let request = request.body(Body::empty()).unwrap();
            assert!(self.arm.clone().oneshot(request).await.unwrap().status().is_success());
        }
    }

    async fn control(&self, method: &str, path: &str, body: Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/_control/{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = self.plain.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(status.is_success(), "{path}: {}", String::from_utf8_lossy(&body));
    }

    async fn exchange(&mut self, exchange: &Exchange) -> Verdict {
        if !exchange.is_read() {
            self.wait_until(exchange.at).await;
        }
        let mut least: Option<Vec<String>> = None;
        for step in 0..12 {
            let answer = self.ask(exchange).await;
            let differences = compare(exchange, &answer);
            if differences.is_empty() {
                self.note(exchange, &answer);
                return Verdict::Agrees;
            }
            if !exchange.is_read() {
                self.note(exchange, &answer);
                return Verdict::Differs(differences);
            }
            if least.as_ref().is_none_or(|least| differences.len() < least.len()) {
                least = Some(differences);
            }
            self.wait_until(self.now + (1 << step)).await;
        }
        Verdict::Differs(least.unwrap_or_default())
    }

    async fn wait_until(&mut self, at: i64) {
        if at > self.now {
            self.now = at;
            self.control("PUT", "clock", json!({"now": stamp(at)})).await;
        }
    }

    fn note(&mut self, exchange: &Exchange, answer: &Answer) {
        let Some(number) = exchange.opens else { return };
        let url = |name: &str| {
            let url = answer.headers.get(name)?.strip_prefix("https://management.azure.com")?;
            Some(url.to_owned())
        };
        let (status, result) = (url("azure-asyncoperation"), url("location"));
        if let Some(either) = status.clone().or_else(|| result.clone()) {
            let both = [
                status.unwrap_or_else(|| either.clone()),
                result.unwrap_or_else(|| either.clone()),
            ];
            self.operations.insert(number, both);
        }
    }

    async fn ask(&self, exchange: &Exchange) -> Answer {
        let target = match exchange.target.strip_prefix("{operation:") {
            Some(rest) => {
                let (number, monitor) = rest.split_once('}').unwrap();
                self.operations[&number.parse().unwrap()][usize::from(!monitor.is_empty())].clone()
            }
            None => exchange.target.replace(' ', "%20"),
        };
        let body = exchange.body();
        let mut request = Request::builder()
            .method(exchange.method.as_str())
            .uri(target)
            .header(header::AUTHORIZATION, "Bearer recorded");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.arm.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let text = |value: &header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(|(k, v)| (k.to_string(), text(v))).collect(),
            shape: serde_json::from_slice::<Value>(&body).ok().map(|body| Shape::of(&body)),
        }
    }
}

fn compare(wanted: &Exchange, found: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    if wanted.status != found.status {
        out.push(format!("status is {}, not {}", found.status, wanted.status));
    }
    let names: BTreeSet<String> = found.headers.keys().cloned().collect();
    out.extend(wanted.headers.difference(&names).map(|name| format!("header {name} is missing")));
    // Those that recorders remove are not known to be absent.
    let besides = names.difference(&wanted.headers).filter(|name| !outside::unknown_header(name));
    out.extend(besides.map(|name| format!("header {name} besides")));
    match (&wanted.shape, &found.shape) {
        (Some(wanted), Some(found)) => out.extend(wanted.differences(found)),
        (None, None) => {}
        (Some(_), None) => out.push("the body is empty".to_owned()),
        (None, Some(_)) => out.push("there is a body".to_owned()),
    }
    out
}

/// A provider that somebody had unregistered before the recording began: its path.
fn unregistered_provider(manifest: &Manifest) -> Option<String> {
    let first = manifest.exchanges.first()?;
    let state = first.shape.as_ref()?.0.get("/registrationState")?;
    let path = first.target.split('?').next()?.to_owned();
    (first.method == "GET" && state.kind == "\"Unregistered\"").then_some(path)
}

/// Disks that a recording reads before it makes them.
fn given_disks(manifest: &Manifest) -> Vec<Value> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut given = Vec::new();
    for exchange in &manifest.exchanges {
        let path = exchange.target.split('?').next().unwrap_or_default().to_owned();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let [_, _, _, group, _, _, collection, _] = parts.as_slice() else { continue };
        if !collection.eq_ignore_ascii_case("disks") || !known.insert(path.to_ascii_lowercase()) {
            continue;
        }
        if exchange.method != "PUT" && exchange.status < 300 && exchange.status != 204 {
            let group = manifest.given.iter().find(|given| given.name == *group);
            let location = group.map_or("westus", |group| &group.location);
            given.push(json!({"id": path, "location": location, "size_gb": 10}));
        }
    }
    given
}
