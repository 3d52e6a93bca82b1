//! The words of Snapferry as types, one noun per file. No rule is decided here.

mod disk;
mod history;
mod inventory;
mod limits;
mod policy;
mod region;
mod request;
mod resource_id;
mod run;
mod snapshot;

pub use disk::{Disk, Owner};
pub use history::History;
pub use inventory::{Gap, Group, Inventory, RegionInfo, Subscription};
pub use limits::{Limits, Writes};
pub use policy::{MAX_EVERY_HOURS, MAX_KEEP, Policy, PolicyProblem, Target, valid_group};
pub use region::Region;
pub use request::{
    Action, CopySnapshot, CreateSnapshot, KeepPoint, Request, RequestState, RestoreDisk,
    valid_request_id,
};
pub use resource_id::{ResourceId, ResourceIdError, ResourceKind};
pub use run::{
    HistoryRef, Inputs, Link, Outcome, PolicyRef, RequestRef, Run, RunTrigger, Skip, StepOutcome,
};
pub use snapshot::{NetworkAccess, PointState, Side, Snapshot, SnapshotSku};
