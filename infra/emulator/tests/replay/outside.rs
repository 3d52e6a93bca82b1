//! What the replay does not ask, and what it cannot know: each with its reason.

use std::collections::BTreeMap;

use crate::exchange::Exchange;

/// Parts of a path that the emulator does not play.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("/providers/microsoft.network/", "networks are not emulated"),
    ("/providers/microsoft.network?", "networks are not emulated"),
    ("/providers/microsoft.storage", "storage accounts have no ARM face"),
    ("/providers/microsoft.keyvault", "key vaults are not emulated"),
    ("/providers/microsoft.managedidentity", "identities are not emulated"),
    ("/publishers/", "the image gallery is not emulated"),
    ("/restorepointcollections", "restore points are not emulated"),
    ("/diskaccesses", "private links are not emulated"),
    ("/galleries", "the image gallery is not emulated"),
    ("/images", "the image gallery is not emulated"),
];

/// Why an exchange is not played, if it is not.
pub(crate) fn reason(
    exchange: &Exchange,
    operations: &BTreeMap<usize, [String; 2]>,
) -> Option<&'static str> {
    let target = exchange.target.to_ascii_lowercase();
    if target.starts_with("http") {
        return Some("not a question to ARM");
    }
    if let Some(rest) = target.strip_prefix("{operation:") {
        let number = rest.split('}').next().and_then(|number| number.parse().ok());
        let known = number.is_some_and(|number: usize| operations.contains_key(&number));
        return (!known).then_some("the operation was begun by a question that is not played");
    }
    if target.contains("/microsoft.features/") {
        return None;
    }
    // A template that makes what is not played.
    let mut types = exchange.asks.iter().filter(|(pointer, _)| pointer.ends_with("/type"));
    let deploys = types.find_map(|(_, name)| {
        let name = format!("/providers/{}/", name.as_str()?.to_ascii_lowercase());
        find(&name)
    });
    if deploys.is_some() {
        return deploys;
    }
    find(&target)
}

fn find(text: &str) -> Option<&'static str> {
    // The one network resource that deployments can make.
    if text.contains("/microsoft.network/networksecuritygroups") {
        return None;
    }
    NOT_PLAYED.iter().find(|(part, _)| text.contains(part)).map(|(_, reason)| *reason)
}

/// Why a question about something is not asked that an unplayed one made: the same resource, or a
/// machine of an unplayed deployment.
pub(crate) fn of_unplayed(exchange: &Exchange, unplayed: &[String]) -> Option<&'static str> {
    let path = |target: &str| target.split('?').next().unwrap_or_default().to_ascii_lowercase();
    let own = path(&exchange.target);
    let deployed = unplayed.iter().any(|made| made.contains("/deployments/"));
    let made = unplayed.iter().any(|made| path(made) == own)
        || deployed && own.contains("/virtualmachines/");
    made.then_some("it was made by a question that is not played")
}

/// Headers that Azure sends and that the recorder removes, and those of the transport: a manifest
/// without them does not say that they were absent.
pub(crate) fn unknown_header(name: &str) -> bool {
    crate::recording::UNKNOWN_HEADERS.contains(&name)
}
