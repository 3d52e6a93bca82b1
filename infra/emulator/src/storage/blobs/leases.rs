//! `comp=lease`: acquire, renew, change, release, break.

use jiff::Timestamp;

use super::{Call, Reply};
use crate::world::{
    World,
    failure::Failure,
    storage::leases::{Lease, invalid_header},
};

/// What is done to the lease; gives the seconds that a broken one has left.
type Act = Box<dyn FnOnce(&mut Lease) -> Result<Option<i64>, Failure>>;

pub(super) fn serve(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let at = (call.first.as_str(), call.rest.as_str());
    let conditions = call.conditions()?;
    let given = call.guid("x-ms-lease-id")?;
    let proposed = call.guid("x-ms-proposed-lease-id")?;
    let number = |name: &str| {
        call.header(name).map(|text| text.parse::<i64>().map_err(|_| invalid_header())).transpose()
    };
    let (status, id, act): (u16, _, Act) = match call
        .header("x-ms-lease-action")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("acquire") => {
            let seconds = number("x-ms-lease-duration")?.ok_or_else(missing_header)?;
            let seconds = Some(seconds).filter(|seconds| *seconds != -1);
            let id = proposed.unwrap_or_else(|| world.new_id());
            (201, Some(id), Box::new(move |lease| lease.acquire(seconds, id, now).map(|()| None)))
        }
        Some("renew") => {
            let id = given.ok_or_else(missing_header)?;
            (200, Some(id), Box::new(move |lease| lease.renew(id, now).map(|()| None)))
        }
        Some("change") => {
            let id = given.ok_or_else(missing_header)?;
            let to = proposed.ok_or_else(missing_header)?;
            (200, Some(to), Box::new(move |lease| lease.change(id, to, now).map(|()| None)))
        }
        Some("release") => {
            let id = given.ok_or_else(missing_header)?;
            (200, None, Box::new(move |lease| lease.release(id).map(|()| None)))
        }
        Some("break") => {
            let seconds = number("x-ms-lease-break-period")?;
            (202, None, Box::new(move |lease| lease.break_up(seconds, now).map(Some)))
        }
        Some(_) => return Err(invalid_header()),
        None => return Err(missing_header()),
    };
    let (blob, left) = world.lease_blob(at, &conditions, act)?;
    Ok(Reply::empty(status)
        .state(&blob.etag, blob.modified_at)
        .maybe("x-ms-lease-id", id.map(|id| id.to_string()))
        .maybe("x-ms-lease-time", left.map(|left| left.to_string())))
}

fn missing_header() -> Failure {
    Failure::new(
        400,
        "MissingRequiredHeader",
        "An HTTP header that's mandatory for this request is not specified.",
    )
}
