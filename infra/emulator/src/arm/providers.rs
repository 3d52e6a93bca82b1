//! Resource providers of a subscription: shown, registered, unregistered, any namespace.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{World, failure::Failure, region::REGIONS, resource::FeatureState};

use super::{Call, not_allowed, reply::Reply};

/// The namespaces that a list shows, with the types of each that are served here.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "Microsoft.Compute",
        &[
            "disks",
            "snapshots",
            "diskEncryptionSets",
            "virtualMachines",
            "virtualMachineScaleSets",
            "virtualMachineScaleSets/virtualMachines",
            "locations",
            "locations/diskOperations",
            "locations/operations",
            "locations/usages",
        ],
    ),
    (
        "Microsoft.Network",
        &["virtualNetworks", "networkSecurityGroups", "publicIPAddresses", "networkInterfaces"],
    ),
    ("Microsoft.Resources", &["deployments", "resourceGroups", "subscriptions", "tags"]),
    ("Microsoft.Authorization", &["locks", "permissions"]),
    ("Microsoft.Features", &["features", "featureProviders"]),
    ("Microsoft.ResourceGraph", &["resources"]),
    ("Microsoft.Storage", &["storageAccounts"]),
];

/// `providers`, `providers/{namespace}` and its two actions; `rest` is what follows `providers`.
pub(super) fn serve(
    world: &mut World,
    call: &Call,
    rest: &[String],
    now: Timestamp,
) -> Result<Reply, Failure> {
    let subscription = world.subscription(&call.parts[1])?.id.clone();
    match (&call.method, rest) {
        (&Method::GET, []) => {
            let value: Vec<Value> = KNOWN
                .iter()
                .map(|(namespace, _)| body(world, &subscription, namespace, now))
                .collect();
            Ok(Reply::json(200, json!({"value": value})))
        }
        (&Method::GET, [namespace]) => {
            check(namespace)?;
            Ok(Reply::json(200, body(world, &subscription, namespace, now)))
        }
        (&Method::POST, [namespace, action]) => {
            check(namespace)?;
            let registered = match action.to_ascii_lowercase().as_str() {
                "register" => true,
                "unregister" => false,
                _ => return Err(not_allowed(call)),
            };
            let wanted = FeatureState { registered, since: now, at_once: false };
            world.set_provider(&subscription, namespace, wanted)?;
            Ok(Reply::json(200, body(world, &subscription, namespace, now)))
        }
        _ => Err(not_allowed(call)),
    }
}

/// GUESS: every namespace of the form of one is a provider, so that clients may register theirs.
fn check(namespace: &str) -> Result<(), Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.';
    if namespace.contains('.') && namespace.chars().all(allowed) {
        return Ok(());
    }
    Err(Failure::gateway(
        404,
        "InvalidResourceNamespace",
        format!("The resource namespace '{namespace}' is invalid."),
    ))
}

fn body(world: &World, subscription: &str, namespace: &str, now: Timestamp) -> Value {
    let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(namespace));
    let namespace = known.map_or(namespace, |(known, _)| known);
    let state = world
        .subscription(subscription)
        .map_or("NotRegistered", |subscription| subscription.provider_state(namespace, now));
    let locations: Vec<_> = REGIONS.iter().map(|region| region.display_name).collect();
    let resource_type = |name: &&str| {
        json!({
            "resourceType": name,
            "locations": locations,
            "apiVersions": API_VERSIONS,
            "defaultApiVersion": API_VERSIONS[0],
            "capabilities": "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, \
                             SupportsTags, SupportsLocation",
        })
    };
    let mut body = json!({
        "id": format!("/subscriptions/{subscription}/providers/{namespace}"),
        "namespace": namespace,
        "registrationState": state,
        "registrationPolicy": "RegistrationRequired",
    });
    match known {
        Some((_, types)) => body["resourceTypes"] = types.iter().map(resource_type).collect(),
        // The shape of the one small provider that is recorded.
        None => {
            body["authorization"] = json!({
                "applicationId": world.settings.principal_id,
                "roleDefinitionId": world.settings.tenant_id,
            });
            body["resourceTypes"] = json!([{
                "resourceType": "operations",
                "locations": locations,
                "apiVersions": ["2015-06-15"],
                "capabilities": "None",
            }]);
        }
    }
    body
}

/// Versions that clients were seen to send, newest first (compute-snapshots §2.5).
const API_VERSIONS: &[&str] = &[
    "2026-03-02",
    "2025-01-02",
    "2024-03-02",
    "2023-10-02",
    "2023-04-02",
    "2023-01-02",
    "2022-07-02",
    "2022-03-02",
    "2021-12-01",
    "2021-08-01",
    "2021-04-01",
    "2020-12-01",
    "2020-09-30",
    "2020-06-30",
    "2020-05-01",
    "2019-11-01",
    "2019-07-01",
    "2019-03-01",
];
