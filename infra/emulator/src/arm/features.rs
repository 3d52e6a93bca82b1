//! `Microsoft.Features`: features of any namespace, and registrations of a subscription.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{World, failure::Failure, features::state_word, resource::FeatureState};

use super::{Call, deployments::zulu, not_allowed, reply::Reply};

/// Features that a list shows even if nobody touched them.
const KNOWN: &[(&str, &str)] = &[("Microsoft.Compute", "CreateOptionClone")];

/// What follows `/subscriptions/{s}/providers/Microsoft.Features`.
pub(super) fn serve(
    world: &mut World,
    call: &Call,
    rest: &[String],
    now: Timestamp,
) -> Result<Reply, Failure> {
    let lower: Vec<String> = rest.iter().map(|part| part.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let subscription = world.subscription(&call.parts[1])?.id.clone();
    match (&call.method, lower.as_slice()) {
        (&Method::GET, ["features"]) => Ok(list(world, &subscription, None, now)),
        (&Method::GET, ["providers", _, "features"]) => {
            Ok(list(world, &subscription, Some(&rest[1]), now))
        }
        (&Method::GET, ["providers", _, "features", _]) => {
            let feature = spelled((&rest[1], &rest[3]));
            Ok(Reply::json(200, body(world, &subscription, feature, now)))
        }
        (&Method::POST, ["providers", _, "features", _, action @ ("register" | "unregister")]) => {
            let feature = spelled((&rest[1], &rest[3]));
            let wanted =
                FeatureState { registered: *action == "register", since: now, at_once: false };
            world.set_feature(&subscription, feature, wanted)?;
            Ok(Reply::json(200, body(world, &subscription, feature, now)))
        }
        (&Method::GET, ["subscriptionfeatureregistrations"]) => {
            Ok(registrations(world, &subscription, None, now))
        }
        (&Method::GET, ["featureproviders", _, "subscriptionfeatureregistrations"]) => {
            Ok(registrations(world, &subscription, Some(&rest[1]), now))
        }
        (method, ["featureproviders", _, "subscriptionfeatureregistrations", _]) => {
            let feature = spelled((&rest[1], &rest[3]));
            let wanted = |registered| FeatureState { registered, since: now, at_once: true };
            match *method {
                Method::GET => {}
                Method::PUT => world.set_feature(&subscription, feature, wanted(true))?,
                Method::DELETE => {
                    let known = world.subscription(&subscription)?.feature(feature.0, feature.1);
                    if known.is_some_and(|state| state.registered) {
                        world.set_feature(&subscription, feature, wanted(false))?;
                    }
                    // Recorded: 200 without a body.
                    return Ok(hubbed(Reply::empty(200)));
                }
                _ => return Err(not_allowed(call)),
            }
            Ok(hubbed(Reply::json(200, registration(world, &subscription, feature, now))))
        }
        _ => Err(not_allowed(call)),
    }
}

/// Registrations are served by ARM's hub of providers, which says so (recorded).
fn hubbed(reply: Reply) -> Reply {
    reply.header("x-ms-providerhub-traffic", "True")
}

fn spelled<'a>((namespace, name): (&'a str, &'a str)) -> (&'a str, &'a str) {
    let same = |known: &&(&str, &str)| {
        known.0.eq_ignore_ascii_case(namespace) && known.1.eq_ignore_ascii_case(name)
    };
    KNOWN.iter().find(same).copied().unwrap_or((namespace, name))
}

/// Features that are known or were touched, of one namespace or all.
fn touched(world: &World, subscription: &str, of: Option<&str>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> =
        KNOWN.iter().map(|(namespace, name)| ((*namespace).into(), (*name).into())).collect();
    let features = world.subscription(subscription).map(|s| s.features.keys());
    for key in features.into_iter().flatten() {
        let (namespace, name) = key.split_once('/').unwrap_or(("", key));
        let is = |(a, b): &(String, String)| {
            a.eq_ignore_ascii_case(namespace) && b.eq_ignore_ascii_case(name)
        };
        if !found.iter().any(is) {
            found.push((namespace.to_owned(), name.to_owned()));
        }
    }
    found.retain(|(namespace, _)| of.is_none_or(|of| of.eq_ignore_ascii_case(namespace)));
    found
}

fn list(world: &World, subscription: &str, of: Option<&str>, now: Timestamp) -> Reply {
    let found = touched(world, subscription, of);
    let value: Vec<Value> =
        found.iter().map(|(a, b)| body(world, subscription, (a, b), now)).collect();
    Reply::json(200, json!({"value": value}))
}

fn registrations(world: &World, subscription: &str, of: Option<&str>, now: Timestamp) -> Reply {
    let found = touched(world, subscription, of);
    let registered = |(a, b): &&(String, String)| {
        let state = world.subscription(subscription).ok().and_then(|s| s.feature(a, b));
        state.is_some_and(|state| state.registered)
    };
    let shown = found.iter().filter(registered);
    let value: Vec<Value> =
        shown.map(|(a, b)| registration(world, subscription, (a, b), now)).collect();
    hubbed(Reply::json(200, json!({"value": value})))
}

fn state(world: &World, subscription: &str, feature: (&str, &str)) -> Option<FeatureState> {
    world.subscription(subscription).ok().and_then(|s| s.feature(feature.0, feature.1))
}

fn body(world: &World, subscription: &str, feature: (&str, &str), now: Timestamp) -> Value {
    let (namespace, name) = feature;
    json!({
        "properties": {"state": state_word(state(world, subscription, feature), now)},
        "id": format!(
            "/subscriptions/{subscription}/providers/Microsoft.Features/providers/\
             {namespace}/features/{name}"
        ),
        "type": "Microsoft.Features/providers/features",
        "name": format!("{namespace}/{name}"),
    })
}

fn registration(world: &World, subscription: &str, feature: (&str, &str), now: Timestamp) -> Value {
    let (namespace, name) = feature;
    let state = state(world, subscription, feature);
    let mut properties = json!({
        "subscriptionId": subscription,
        "featureName": name,
        "providerNamespace": namespace,
        "state": state_word(state, now),
        "releaseDate": "2021-11-02T00:00:00Z",
        "approvalType": "AutoApproval",
        "shouldFeatureDisplayInPortal": false,
    });
    if let Some(state) = state.filter(|state| state.registered) {
        properties["registrationDate"] = zulu(state.since).into();
    }
    json!({
        "id": format!(
            "/subscriptions/{subscription}/providers/Microsoft.Features/featureProviders/\
             {namespace}/subscriptionFeatureRegistrations/{name}"
        ),
        "name": name,
        "type": "microsoft.features/featureproviders/subscriptionfeatureregistrations",
        "properties": properties,
    })
}
