//! The words of Snapferry as types, one noun per file. No rule is decided here.

mod disk;
mod history;
mod inventory;
mod keep;
mod limits;
mod policy;
mod region;
mod request;
mod resource_id;
mod run;
mod schedule;
mod selection;
mod snapshot;
mod tags;

pub use disk::{Disk, Owner};
pub use history::{Gone, History, Refused, Spent};
pub use inventory::{Gap, Group, Inventory, Lock, LockLevel, RegionInfo, Subscription, Vanished};
pub use keep::{Keep, KeepRule, KeptBy};
pub use limits::{Limits, Writes};
pub use policy::{
    MAX_KEEP, MAX_RULES_BEFORE, MAX_TARGETS, Policy, PolicyProblem, RulesBefore, Target,
    valid_group,
};
pub use region::Region;
pub use request::{
    AbandonCopy, AcknowledgeVanished, Action, AdoptPoint, ApproveDeletions, CopySnapshot,
    CreateSnapshot, KeepPoint, Request, RequestState, RestoreDisk, valid_request_id,
};
pub use resource_id::{ResourceId, ResourceIdError, ResourceKind};
pub use run::{
    HistoryRef, Inputs, Link, Outcome, PolicyRef, RequestRef, Run, RunTrigger, Skip, StepOutcome,
};
pub use schedule::{
    MAX_EVERY_MINUTES, MIN_EVERY_MINUTES, Schedule, ScheduleError, Slots, time_zone,
};
pub use selection::{Selected, Selection, Selector};
pub use snapshot::{NetworkAccess, PointState, Side, Snapshot, SnapshotSku};
pub use tags::Tags;
