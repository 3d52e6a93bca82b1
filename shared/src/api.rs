//! Bodies and paths of the API: what the portal and the function agree on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    model::{Action, Inventory, Limits, Policy, Request, RequestState, Run, Side, Snapshot},
    plan::{Fate, Plan, Reason},
    status::DiskStatus,
};

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiError {
    /// The error.
    pub error: ApiErrorBody,
}

/// What went wrong, in Azure's own shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiErrorBody {
    /// A word that programs act on.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
}

/// What somebody may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Reader,
    /// Takes snapshots, copies, restores, keeps.
    Operator,
    /// Changes policies, and approves of deletions, too.
    Owner,
}

impl Role {
    /// The least role that may ask for `action`.
    pub const fn that_asks_for(action: &Action) -> Self {
        match action {
            Action::ApproveDeletions(_) | Action::AcknowledgeVanished(_) => Self::Owner,
            Action::CreateSnapshot(_)
            | Action::CopySnapshot(_)
            | Action::RestoreDisk(_)
            | Action::KeepPoint(_)
            | Action::AdoptPoint(_)
            | Action::AbandonCopy(_) => Self::Operator,
        }
    }
}

/// `GET /api/status`: who and where, and how it stands with Azure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// `local emulator`, `AzureCloud`, …
    pub cloud: String,
    /// The tenant's id, where it is known.
    pub tenant: Option<String>,
    /// The installation's id and its limits.
    pub limits: Limits,
    /// Who is asking.
    pub identity: Identity,
    /// Why Azure could not be asked last time; none while all is well.
    pub azure_problem: Option<String>,
    /// Azure's clock when it last answered.
    pub azure_seen_at: Option<Timestamp>,
    /// When the timer last ran.
    pub last_tick_at: Option<Timestamp>,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identity {
    /// The name for people.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether the local default made it up, for want of a sign-in.
    pub is_local: bool,
}

/// `GET /api/estate`: everything that the portal's views are worked out from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Estate {
    /// What was listed.
    pub inventory: Inventory,
    /// The policies in force.
    pub policies: Vec<Policy>,
    /// Requests that no run has come to, and the latest that one has.
    pub requests: Vec<RequestView>,
    /// Why this is not fresh; none while it is.
    pub stale: Option<String>,
}

/// A request and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestView {
    /// The request.
    pub request: Request,
    /// How it stands.
    pub state: RequestState,
}

/// `GET /api/disks`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disks {
    /// The worst first.
    pub disks: Vec<DiskStatus>,
}

/// `GET …/disks/{d}/snapshots`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshots {
    /// Of the disk that exists today, on all sides, newest first.
    pub snapshots: Vec<PointView>,
    /// Of disks that had its id before.
    pub of_earlier_disks: Vec<PointView>,
}

/// A snapshot or copy as the disk's page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PointView {
    /// The resource.
    pub snapshot: Snapshot,
    /// Its side.
    pub side: Side,
    /// When the source snapshot was taken.
    pub point_time: Timestamp,
    /// What becomes of it.
    pub fate: Fate,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// `GET /api/policies`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Policies {
    /// By id.
    pub policies: Vec<Policy>,
}

/// `GET /api/policies/export`, and the body of `PUT /api/policies/import`: a file to keep in git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// By id, without their versions and the rules that their edits replaced.
    pub policies: Vec<Policy>,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Imported {
    /// The policies that were made or have a new version, by id.
    pub saved: Vec<String>,
    /// Those that are as the file says already, by id.
    pub unchanged: Vec<String>,
    /// Those that the file does not name; they stay as they are.
    pub not_in_file: Vec<String>,
}

/// `GET /api/runs`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Runs {
    /// The newest first.
    pub runs: Vec<RunSummary>,
}

/// `POST /api/ticks`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ticked {
    /// What was done before the answer.
    pub runs: Vec<RunSummary>,
    /// Whether the worker was asked for the tick, or for the rest of it.
    pub queued: bool,
}

/// A run in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunSummary {
    /// Its id.
    pub id: String,
    /// What set it off.
    pub trigger: crate::model::RunTrigger,
    /// Azure's time when it began.
    pub now: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Its steps' titles.
    pub steps: Vec<String>,
    /// How many of them failed.
    pub failures: usize,
    /// What went wrong with the run as a whole.
    pub problems: Vec<String>,
}

impl RunSummary {
    /// The one line of `run`.
    pub fn of(run: &Run) -> Self {
        Self {
            id: run.id.clone(),
            trigger: run.trigger.clone(),
            now: run.now,
            duration_ms: run.duration_ms,
            steps: run.steps.iter().map(|s| s.step.effect.title()).collect(),
            failures: run.failures(),
            problems: run.problems.clone(),
        }
    }
}

/// `GET /api/plan`: what the next tick would do, were it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanView {
    /// Azure's time that it was planned for.
    pub now: Timestamp,
    /// The plan.
    pub plan: Plan,
}
