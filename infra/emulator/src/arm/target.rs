//! What a request asks of what: the action as roles name it, and the scope.

use axum::http::Method;

use crate::world::path::ResourcePath;

use super::Call;

/// A request as the tenant's obstacles see it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) action: String,
    /// The id of the subscription, group or resource, as it was written.
    pub(super) scope: String,
    /// A resource in a group, if that is what is asked for.
    pub(super) resource: Option<ResourcePath>,
    /// A list of what is in the scope.
    pub(super) lists: bool,
}

/// Reads a request; nothing for what stands outside of subscriptions.
pub(super) fn of(call: &Call) -> Option<Target> {
    let parts = &call.parts;
    let is =
        |at: usize, name: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(name));
    if !is(0, "subscriptions") || parts.len() < 2 {
        return None;
    }
    let verb = match call.method {
        Method::GET | Method::HEAD => "read",
        Method::PUT | Method::PATCH => "write",
        Method::DELETE => "delete",
        _ => "action",
    };
    let subscription = format!("/subscriptions/{}", parts[1]);
    let simple = |action: String, scope: String, lists: bool| {
        Some(Target { action, scope, resource: None, lists })
    };
    // The last `providers` with something behind it tells whose the request is.
    let provider = (2..parts.len()).rev().find(|at| is(*at, "providers") && *at + 1 < parts.len());
    let Some(at) = provider else {
        let group = "Microsoft.Resources/subscriptions/resourceGroups";
        return match parts.len() {
            2 => simple(format!("Microsoft.Resources/subscriptions/{verb}"), subscription, false),
            3 if is(2, "resourcegroups") => simple(format!("{group}/read"), subscription, true),
            3 if is(2, "resources") => simple(
                "Microsoft.Resources/subscriptions/resources/read".into(),
                subscription,
                true,
            ),
            4 if is(2, "resourcegroups") => {
                simple(format!("{group}/{verb}"), group_scope(call), false)
            }
            5 if is(2, "resourcegroups") => {
                let action = if verb == "action" {
                    format!("{group}/{}/action", parts[4])
                } else {
                    format!("{group}/{}/read", parts[4])
                };
                simple(action, group_scope(call), verb == "read")
            }
            _ => simple(
                format!("Microsoft.Resources/subscriptions/{}/{verb}", parts[2]),
                subscription,
                false,
            ),
        };
    };
    if is(2, "providers") && is(3, "microsoft.features") {
        let action = match (verb, parts.last()) {
            ("action", Some(last)) => {
                format!("Microsoft.Features/providers/features/{last}/action")
            }
            _ => format!("Microsoft.Features/providers/features/{verb}"),
        };
        return simple(action, subscription, false);
    }
    let namespace = &parts[at + 1];
    let rest = &parts[at + 2..];
    if rest.is_empty() {
        return simple(
            "Microsoft.Resources/subscriptions/providers/read".into(),
            subscription,
            false,
        );
    }
    if at == 2 && rest.len() == 1 && verb == "action" {
        return simple(format!("{namespace}/{}/action", rest[0]), subscription, false);
    }
    let types: Vec<&str> = rest.iter().step_by(2).map(String::as_str).collect();
    let own = format!("/{}", join(&parts[..at], at >= 4));
    if rest.len().is_multiple_of(2) {
        let scope = format!("/{}", join(parts, at >= 4));
        return Some(Target {
            action: format!("{namespace}/{}/{verb}", types.join("/")),
            resource: ResourcePath::of_parts(parts),
            scope,
            lists: false,
        });
    }
    if verb == "action" {
        let resource = ResourcePath::of_parts(&parts[..parts.len() - 1]);
        let scope = if rest.len() == 1 {
            own
        } else {
            format!("/{}", join(&parts[..parts.len() - 1], at >= 4))
        };
        return Some(Target {
            action: format!("{namespace}/{}/action", types.join("/")),
            scope,
            resource,
            lists: false,
        });
    }
    let scope = if rest.len() == 1 {
        own
    } else {
        format!("/{}", join(&parts[..parts.len() - 1], at >= 4))
    };
    simple(format!("{namespace}/{}/read", types.join("/")), scope, true)
}

fn group_scope(call: &Call) -> String {
    format!("/{}", join(&call.parts[..4], true))
}

/// The parts as a path, with `resourceGroups` as ids spell it.
fn join(parts: &[String], grouped: bool) -> String {
    let mut parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    if let (true, Some(group)) = (grouped, parts.get_mut(2))
        && group.eq_ignore_ascii_case("resourcegroups")
    {
        *group = "resourceGroups";
    }
    parts.join("/")
}
