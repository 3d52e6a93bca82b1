//! The routes around disks and snapshots: subscriptions' scenery, deployments, machines, locks.

use jiff::Timestamp;

use crate::world::{World, failure::Failure, id::group_key, path::ResourcePath};

use super::{
    Call, deployments, encryption, features, graph, groups, locations, locks, machines, network,
    operations, providers, reply::Reply, resources, skus, tags,
};

/// Answers what is one of these; nothing else is touched.
pub(super) fn serve(
    world: &mut World,
    call: &Call,
    lower: &[&str],
    now: Timestamp,
) -> Option<Result<Reply, Failure>> {
    // Extensions of any scope: a subscription, a group or a resource.
    let extension = |suffix: &[&str], open: bool| {
        let length = lower.len().checked_sub(suffix.len() + usize::from(open))?;
        let named = lower.get(length..length + suffix.len())? == suffix;
        (named && length >= 2 && lower[0] == "subscriptions" && length % 2 == 0).then_some(length)
    };
    if let Some(at) = extension(&["providers", "microsoft.resources", "tags", "default"], false) {
        return Some(tags::serve(world, call, at));
    }
    for open in [false, true] {
        if let Some(at) = extension(&["providers", "microsoft.authorization", "locks"], open) {
            return Some(locks::serve(world, call, at));
        }
    }
    if let Some(at) = extension(&["providers", "microsoft.authorization", "permissions"], false) {
        return Some(locks::permissions(world, call, at));
    }
    let parts = &call.parts;
    Some(match lower {
        ["providers", "microsoft.resourcegraph", "resources"] => graph::serve(world, call, now),
        ["subscriptions", _, "locations"] => locations::list(world, call, &parts[1]),
        ["subscriptions", _, "resources"]
        | ["subscriptions", _, "resourcegroups", _, "resources"] => {
            resources::list(world, call, now)
        }
        ["subscriptions", _, "resourcegroups"] => groups::list(world, call, &parts[1]),
        ["subscriptions", _, "resourcegroups", _] => {
            groups::group(world, call, (&parts[1], &parts[3]), now)
        }
        ["subscriptions", _, "resourcegroups", _, "exporttemplate"] => {
            groups::export(world, call, now)
        }
        ["subscriptions", _, "providers", "microsoft.features", ..] => {
            features::serve(world, call, &parts[4..], now)
        }
        ["subscriptions", _, "providers"]
        | ["subscriptions", _, "providers", _]
        | ["subscriptions", _, "providers", _, "register" | "unregister"] => {
            providers::serve(world, call, &parts[3..], now)
        }
        ["subscriptions", _, "providers", "microsoft.compute", "skus"] => skus::list(world, call),
        ["subscriptions", _, "providers", "microsoft.compute", "locations", _, "usages"] => {
            skus::usages(world, call)
        }
        ["subscriptions", _, "providers", "microsoft.compute", "locations", _, "operations", _] => {
            // GUESS: as for machines.
            operations::status(world, call, (&parts[1], &parts[7]), now).map(|reply| {
                reply.header(
                    "x-ms-ratelimit-remaining-resource",
                    "Microsoft.Compute/GetOperationResource;44,\
                     Microsoft.Compute/GetOperationSubscriptionMaximum;14991",
                )
            })
        }
        ["subscriptions", _, "providers", provider, kind] => {
            let scope = match world.subscription(&parts[1]) {
                Ok(found) => format!("/subscriptions/{}", found.id.to_ascii_lowercase()),
                Err(failure) => return Some(Err(failure)),
            };
            return list(world, call, &scope, (provider, kind));
        }
        [
            "subscriptions",
            _,
            "resourcegroups",
            _,
            "providers",
            "microsoft.resources",
            "deployments",
        ] => deployments::list(world, call),
        [
            "subscriptions",
            _,
            "resourcegroups",
            _,
            "providers",
            "microsoft.resources",
            "deployments",
            _,
            rest @ ..,
        ] => deployments::serve(world, call, rest, now),
        ["subscriptions", _, "resourcegroups", _, "providers", provider, kind] => {
            let scope = match world.group(&parts[1], &parts[3]) {
                Ok(_) => group_key(&parts[1], &parts[3]),
                Err(failure) => return Some(Err(failure)),
            };
            return list(world, call, &scope, (provider, kind));
        }
        ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.network", ..] => {
            network::serve(world, call, ResourcePath::of_parts(parts)?)
        }
        ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.compute", rest @ ..] => {
            return compute(world, call, rest, now);
        }
        _ => return None,
    })
}

/// Resources of Microsoft.Compute that are neither disk nor snapshot.
fn compute(
    world: &mut World,
    call: &Call,
    rest: &[&str],
    now: Timestamp,
) -> Option<Result<Reply, Failure>> {
    let path = |length: usize| ResourcePath::of_parts(&call.parts[..6 + length]);
    Some(match rest {
        ["diskencryptionsets", _] => encryption::serve(world, call, path(2)?, now),
        ["virtualmachines", _] => machines::serve(world, call, (path(2)?, None), now),
        ["virtualmachines", _, action] => {
            machines::serve(world, call, (path(2)?, Some(action)), now)
        }
        ["virtualmachinescalesets", _] => machines::serve_set(world, call, (path(2)?, false), now),
        ["virtualmachinescalesets", _, "virtualmachines"] => {
            machines::serve_set(world, call, (path(2)?, true), now)
        }
        ["virtualmachinescalesets", _, "virtualmachines", _] => {
            machines::serve(world, call, (path(4)?, None), now)
        }
        ["virtualmachinescalesets", _, "virtualmachines", _, action] => {
            machines::serve(world, call, (path(4)?, Some(action)), now)
        }
        _ => return None,
    })
}

/// The resources of one type in a group or a subscription.
fn list(
    world: &World,
    call: &Call,
    scope: &str,
    (provider, kind): (&str, &str),
) -> Option<Result<Reply, Failure>> {
    Some(match (provider, kind) {
        ("microsoft.compute", "diskencryptionsets") => encryption::list(world, call, scope),
        ("microsoft.compute", "virtualmachines") => machines::list(world, call, scope, false),
        ("microsoft.compute", "virtualmachinescalesets") => {
            machines::list(world, call, scope, true)
        }
        ("microsoft.network", kind) => network::list(world, call, scope, kind),
        _ => return None,
    })
}

/// Types that a deployment may name.
const DEPLOYED: &[&str] = &[
    "Microsoft.Compute/disks",
    "Microsoft.Compute/snapshots",
    "Microsoft.Compute/diskEncryptionSets",
    "Microsoft.Compute/virtualMachines",
    "Microsoft.Compute/virtualMachineScaleSets",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/networkInterfaces",
    "Microsoft.Resources/deployments",
    "Microsoft.Resources/tags",
    "Microsoft.Authorization/locks",
];

pub(super) fn can_put(resource_type: &str) -> bool {
    DEPLOYED.iter().any(|known| known.eq_ignore_ascii_case(resource_type))
}

/// ARM's answer to a type that nobody serves.
pub(super) fn unknown_type(call: &Call) -> Failure {
    Failure::gateway(
        404,
        "InvalidResourceType",
        format!("The resource type could not be found at '/{}'.", call.parts.join("/")),
    )
}
