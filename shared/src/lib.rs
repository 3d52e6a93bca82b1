//! The model and the decisions of Snapferry: pure, for the browser and the function alike.
//!
//! No I/O, no async, no clock, no randomness, no log. What exists comes in as an [`Inventory`],
//! what people want as [`Policy`] and [`Request`]; what is to be done goes out as a [`Plan`].

pub mod api;
pub mod check;
pub mod equivalent;
pub mod foresight;
pub mod index;
pub mod lineage;
pub mod model;
pub mod names;
pub mod plan;
pub mod preconditions;
pub mod progress;
pub mod status;
pub mod tags;

pub use check::{Violation, check};
pub use model::{
    Action, CopySnapshot, CreateSnapshot, Disk, Gap, Group, History, Inventory, Keep, KeepPoint,
    Limits, NetworkAccess, PointState, Policy, Region, RegionInfo, Request, ResourceId,
    ResourceKind, RestoreDisk, Run, Schedule, Selection, Selector, Side, Snapshot, SnapshotSku,
    Subscription, Target,
};
pub use plan::{Decision, Effect, Fate, Plan, Reason, Step, Subject, plan};
pub use preconditions::{Obstacle, preconditions};
