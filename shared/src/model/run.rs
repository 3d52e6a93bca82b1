//! The record of one tick or of one carried-out request: what was seen, decided and done, and the
//! place of the record in its chain.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Limits;
use crate::plan::{Decision, Step};

/// What a run saw, decided and did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// Its chain and its number there: `{chain}-{number}`, the number with eight digits.
    pub id: String,
    /// Its place in the chain of its subscription.
    pub link: Link,
    /// What set it off.
    pub trigger: RunTrigger,
    /// Azure's time when it began: the `now` that was planned with.
    pub now: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Hash of the inventory that was planned on; none when nothing could be listed.
    pub inventory: Option<String>,
    /// What else was planned from, by versions that never change; none when nothing was planned.
    pub inputs: Option<Inputs>,
    /// Each step with what came of it.
    pub steps: Vec<StepOutcome>,
    /// Every decision with its reasons.
    pub decisions: Vec<Decision>,
    /// What went wrong with the run as a whole, and what it means.
    pub problems: Vec<String>,
}

/// The place of a run in its chain. Each record names the one before it by hash, so that none can
/// be changed, dropped or put elsewhere without a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Link {
    /// The subscription whose steps the run took, in lower case; [`Link::ESTATE`] for a run that
    /// came to no subscription.
    pub chain: String,
    /// From 1, without gaps.
    pub number: u32,
    /// SHA-256 of the record before it, in hex; none for the first.
    pub previous: Option<String>,
}

impl Link {
    /// The chain of the runs that came to no subscription.
    pub const ESTATE: &str = "estate";
}

/// What a run was planned from besides the inventory, so that `replay` can plan it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inputs {
    /// The policies that were in force.
    pub policies: Vec<PolicyRef>,
    /// The requests that were pending, with who asked.
    pub requests: Vec<RequestRef>,
    /// The past runs that were known.
    pub history: HistoryRef,
    /// The limits.
    pub limits: Limits,
}

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyRef {
    /// The policy's id.
    pub id: String,
    /// Its version.
    pub version: u32,
}

/// A stored request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestRef {
    /// The request's id.
    pub id: String,
    /// Who asked.
    pub actor: String,
}

/// A fold of past runs: a checkpoint, and the runs after it up to the heads of that time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryRef {
    /// Whether the runs could be read.
    pub readable: bool,
    /// The checkpoint's version; none when the fold began with the first runs.
    pub checkpoint: Option<u32>,
    /// The number of the newest run of each chain.
    pub heads: BTreeMap<String, u32>,
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
    /// Azure refused, and will go on to until a person acts: a lock, a policy, a missing right.
    Blocked {
        /// Azure's error code.
        code: String,
        /// What happened and what to do.
        message: String,
    },
    /// Not tried, and why.
    Skipped {
        /// Why, in a word.
        why: Skip,
        /// Why.
        message: String,
    },
}

/// Why a step was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// The installation only observes this subscription.
    Observes,
    /// The resource has changed since it was listed.
    Changed,
    /// The time of the run was up.
    TimeUp,
    /// Azure takes nothing more for this subscription at present.
    Throttled,
    /// The plan breaks a rule, and nothing of it was done.
    Check,
}

impl Skip {
    /// Whether the next tick may well do it, with nothing else changed.
    pub fn is_passing(self) -> bool {
        match self {
            Self::TimeUp | Self::Throttled => true,
            Self::Observes | Self::Changed | Self::Check => false,
        }
    }
}

impl Run {
    /// How many steps failed, for now or for good.
    pub fn failures(&self) -> usize {
        let bad = |outcome: &Outcome| match outcome {
            Outcome::Failed { .. } | Outcome::Blocked { .. } => true,
            Outcome::Done | Outcome::Accepted | Outcome::Skipped { .. } => false,
        };
        self.steps.iter().filter(|step| bad(&step.outcome)).count()
    }
}
