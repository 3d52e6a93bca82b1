//! The tenant's own obstacles, before any handler: rights, locks, policies, registrations,
//! quotas. And after it: lists that silently show less.

use axum::http::{Method, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{
    World,
    failure::Failure,
    id::{Kind, ResourceId},
    locks::Deed,
    region,
    rights::Caller,
};

use super::{
    Call, catalogue,
    reply::Reply,
    target::{self, Target},
};

/// Who asks, by the claims of the bearer; one without claims is the emulator's own identity.
pub(super) fn caller(world: &World, call: &Call) -> Caller {
    let claims = || {
        let value = call.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let payload = value.split('.').nth(1)?;
        serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    };
    let claims = claims().unwrap_or_default();
    let own = world.settings.principal_id.to_string();
    let claim = |name: &str| claims[name].as_str().map_or_else(|| own.clone(), str::to_owned);
    Caller { client: claim("appid"), object: claim("oid") }
}

/// A bearer of that caller, for requests that a deployment makes in their name.
pub(super) fn bearer(caller: &Caller) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"appid": caller.client, "oid": caller.object});
    format!("Bearer {}.{}.", part(json!({"alg": "none"})), part(claims))
}

/// Refuses what rights, locks or policies forbid.
pub(super) fn check(world: &World, call: &Call, now: Timestamp) -> Result<(), Failure> {
    let Some(target) = target::of(call) else { return Ok(()) };
    let caller = caller(world, call);
    world.check_access(&caller, &target.action, &target.scope)?;
    let exempt = ["microsoft.authorization/", "microsoft.features/"];
    let action = target.action.to_ascii_lowercase();
    if exempt.iter().any(|exempt| action.starts_with(exempt))
        || action.ends_with("/register/action")
    {
        return Ok(());
    }
    let found = target.resource.as_ref().is_none_or(|path| catalogue::exists(world, &path.key()));
    match call.method {
        // What is not there is answered as such, whatever is locked.
        Method::DELETE if found => world.check_locks(&target.scope, Deed::Delete)?,
        Method::PUT | Method::PATCH => world.check_locks(&target.scope, Deed::Write)?,
        // A lock that forbids writing forbids actions too, also those that only read.
        Method::POST
            if !action.ends_with("/validate/action")
                && !action.ends_with("/exporttemplate/action") =>
        {
            world.check_locks(&target.scope, Deed::Write)?;
        }
        _ => {}
    }
    if call.method == Method::PUT || call.method == Method::PATCH {
        check_resource(world, call, &target, &caller, now)?;
    }
    Ok(())
}

/// What is asked of a resource that is written: its provider, policies, links and quotas.
fn check_resource(
    world: &World,
    call: &Call,
    target: &Target,
    caller: &Caller,
    now: Timestamp,
) -> Result<(), Failure> {
    // A missing group and a body that is not JSON are told by the handlers.
    let Some(path) = &target.resource else { return Ok(()) };
    if world.group(&path.subscription, &path.group).is_err() {
        return Ok(());
    }
    let Ok(body) = serde_json::from_slice::<Value>(&call.body) else { return Ok(()) };
    world.check_provider(&path.subscription, &path.provider, now)?;
    if !path.provider.eq_ignore_ascii_case("Microsoft.Resources") {
        let key = path.key();
        let wanted = wanted(catalogue::show(world, &key, now), &body);
        world.check_policies(&target.scope, (&path.resource_type(), path.name()), &wanted)?;
    }
    let Some(id) = ResourceId::parse(&path.path()) else { return Ok(()) };
    check_links(world, (&target.action, &target.scope), caller, &body)?;
    let new = !world.disks.contains(&id.key());
    if let (Kind::Disk, true, Some(location)) = (id.kind, new, body["location"].as_str()) {
        let sku = body["sku"]["name"].as_str().unwrap_or("Standard_LRS");
        world.check_quota(&id.subscription, &region::normalise(location), sku)?;
    }
    Ok(())
}

/// Checks the rights on what a disk or snapshot is made of. To read a source's content is to
/// begin access to it.
fn check_links(
    world: &World,
    own: (&str, &str),
    caller: &Caller,
    body: &Value,
) -> Result<(), Failure> {
    if let Some(source) = body["properties"]["creationData"]["sourceResourceId"].as_str()
        && let Some(id) = ResourceId::parse(source)
    {
        let action = format!("{}/beginGetAccess/action", id.resource_type());
        world.check_linked(caller, own, (&action, source))?;
    }
    if let Some(set) = body["properties"]["encryption"]["diskEncryptionSetId"].as_str() {
        world.check_linked(caller, own, ("Microsoft.Compute/diskEncryptionSets/read", set))?;
    }
    Ok(())
}

/// The resource as it would be: what is there, with what the body says.
fn wanted(known: Option<Value>, body: &Value) -> Value {
    let mut wanted = known.unwrap_or_else(|| json!({}));
    if let (Some(wanted), Some(body)) = (wanted.as_object_mut(), body.as_object()) {
        for (name, value) in body {
            wanted.insert(name.clone(), value.clone());
        }
    }
    wanted
}

/// Takes out of a list what the caller may not read, without a word.
pub(super) fn narrow(world: &World, call: &Call, mut reply: Reply) -> Reply {
    if call.method != Method::GET || world.tenant.access.len() == 0 {
        return reply;
    }
    let lists = target::of(call).is_none_or(|target| target.lists);
    let items = reply.body.as_mut().and_then(|body| body["value"].as_array_mut());
    if let Some(items) = items.filter(|_| lists) {
        let caller = caller(world, call);
        items.retain(|item| readable(world, &caller, item["id"].as_str().unwrap_or_default()));
    }
    reply
}

/// Whether the caller may read the resource, group or subscription of that id.
pub(super) fn readable(world: &World, caller: &Caller, id: &str) -> bool {
    let parts: Vec<&str> = id.split('/').filter(|part| !part.is_empty()).collect();
    let action = match crate::world::path::ResourcePath::of_parts(&parts) {
        Some(path) => format!("{}/read", path.resource_type()),
        None if parts.len() == 4 => "Microsoft.Resources/subscriptions/resourceGroups/read".into(),
        None => "Microsoft.Resources/subscriptions/read".into(),
    };
    world.permits(caller, &action, id)
}
