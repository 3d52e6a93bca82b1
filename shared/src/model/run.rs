//! The record of one tick or of one carried-out request.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::{Decision, Step};

/// What a run saw, decided and did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// Sorts by time: Azure's time of the run and a random tail.
    pub id: String,
    /// What set it off.
    pub trigger: RunTrigger,
    /// Azure's time when it began: the `now` that was planned with.
    pub now: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Hash of the inventory that was planned on; none when nothing could be listed.
    pub inventory: Option<String>,
    /// Each step with what came of it.
    pub steps: Vec<StepOutcome>,
    /// Every decision with its reasons.
    pub decisions: Vec<Decision>,
    /// What went wrong with the run as a whole, and what it means.
    pub problems: Vec<String>,
}

/// What set a run off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunTrigger {
    /// The timer.
    Timer,
    /// Somebody's request.
    Request {
        /// The request's id.
        id: String,
        /// Who asked.
        actor: String,
    },
}

/// A step and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepOutcome {
    /// The step.
    pub step: Step,
    /// What came of it.
    pub outcome: Outcome,
    /// Azure's `x-ms-request-id`, for a support case.
    pub azure_request_id: Option<String>,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// Azure did it.
    Done,
    /// Azure took it on; a later tick sees how it ends.
    Accepted,
    /// Azure refused or could not be reached.
    Failed {
        /// Azure's error code, or ours.
        code: String,
        /// What happened and what to do.
        message: String,
    },
    /// Not tried, and why.
    Skipped {
        /// Why.
        message: String,
    },
}

impl Run {
    /// How many steps failed.
    pub fn failures(&self) -> usize {
        self.steps.iter().filter(|s| matches!(s.outcome, Outcome::Failed { .. })).count()
    }
}
