//! The actions of disks and snapshots: `beginGetAccess`, `endGetAccess`, and the immutability
//! policies of snapshots.

use axum::http::Method;
use jiff::Timestamp;

use crate::world::{
    World,
    access::Wanted,
    failure::Failure,
    id::{Kind, ResourceId},
    operations::Operation,
};

use super::{Call, not_allowed, reply::Reply};

/// `POST …/{disks,snapshots}/{name}/{action}`.
pub(super) fn serve(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let Some(id) = ResourceId::parse(&call.parts[..8].join("/")) else {
        return Err(Failure::gateway(404, "InvalidResourceType", "There is no such resource."));
    };
    if call.method != Method::POST {
        return Err(not_allowed(call));
    }
    world.find(&id)?;
    let operation = act(world, call, &id, now)?;
    Ok(Reply::accepted(call, &operation, None))
}

fn act(
    world: &mut World,
    call: &Call,
    id: &ResourceId,
    now: Timestamp,
) -> Result<Operation, Failure> {
    let action = call.parts[8].to_ascii_lowercase();
    match (action.as_str(), id.kind) {
        ("begingetaccess", _) => {
            let wanted: Wanted = call.json()?;
            world.grant_access(id, &wanted, now)
        }
        ("endgetaccess", _) => world.revoke_access(id, now),
        ("updateimmutabilitypolicy", Kind::Snapshot) => {
            world.set_immutability(id, &call.json()?, now)
        }
        ("updateimmutabilitypolicylock", Kind::Snapshot) => world.lock_immutability(id, now),
        _ => Err(Failure::gateway(
            404,
            "InvalidResourceType",
            format!("The resource type has no action '{}'.", call.parts[8]),
        )),
    }
}
