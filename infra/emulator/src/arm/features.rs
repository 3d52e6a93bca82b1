//! Features of Microsoft.Compute: shown, registered, unregistered.

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::{World, failure::Failure, resource::FeatureState};

use super::{Call, not_allowed, reply::Reply};

/// Features that a list shows even if nobody touched them.
const KNOWN: &[&str] = &["CreateOptionClone"];

/// GUESS: how long a registration takes; the recorded ones were seen only when they were over.
const PENDING: SignedDuration = SignedDuration::from_secs(5);

/// `features`, `features/{name}` and its two actions; `rest` is the path from the name on.
pub(super) fn serve(
    world: &mut World,
    call: &Call,
    (subscription, rest): (&str, &[String]),
    now: Timestamp,
) -> Result<Reply, Failure> {
    let key = world.subscription(subscription)?.id.to_ascii_lowercase();
    let show = |world: &World, name: &str| {
        let state = world
            .subscriptions
            .get(&key)
            .and_then(|s| s.features.get(&name.to_ascii_lowercase()).copied());
        feature(subscription, name, state, now)
    };
    match (&call.method, rest) {
        (&Method::GET, []) => {
            let value: Vec<Value> = KNOWN.iter().map(|name| show(world, name)).collect();
            Ok(Reply::json(200, json!({"value": value})))
        }
        (&Method::GET, [name]) => Ok(Reply::json(200, show(world, spelled(name)))),
        (&Method::POST, [name, action]) => {
            let registered = match action.to_ascii_lowercase().as_str() {
                "register" => true,
                "unregister" => false,
                _ => return Err(not_allowed(call)),
            };
            if let Some(found) = world.subscriptions.get_mut(&key) {
                let state = found.features.get(&name.to_ascii_lowercase());
                // To ask again for what is so already does not start it anew.
                if state.is_none_or(|state| state.registered != registered) {
                    let state = FeatureState { registered, since: now };
                    found.features.insert(name.to_ascii_lowercase(), state);
                }
            }
            Ok(Reply::json(200, show(world, spelled(name))))
        }
        _ => Err(not_allowed(call)),
    }
}

fn spelled(name: &str) -> &str {
    KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)).copied().unwrap_or(name)
}

fn feature(subscription: &str, name: &str, state: Option<FeatureState>, now: Timestamp) -> Value {
    let over = |since: Timestamp| now.duration_since(since) >= PENDING;
    let state = match state {
        None => "NotRegistered",
        Some(FeatureState { registered: true, since }) if over(since) => "Registered",
        Some(FeatureState { registered: true, .. }) => "Registering",
        Some(FeatureState { registered: false, since }) if over(since) => "Unregistered",
        Some(FeatureState { registered: false, .. }) => "Unregistering",
    };
    json!({
        "properties": {"state": state},
        "id": format!(
            "/subscriptions/{subscription}/providers/Microsoft.Features/providers/\
             Microsoft.Compute/features/{name}"
        ),
        "type": "Microsoft.Features/providers/features",
        "name": format!("Microsoft.Compute/{name}"),
    })
}
