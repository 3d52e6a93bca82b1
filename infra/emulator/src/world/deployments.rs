//! Deployments of templates as data: what is to be made, how far it is, how it ended.
//!
//! The steps themselves need the template language and the resources' JSON, which the world does
//! not know: whoever made the world gives it the function that takes them (`World::deployer`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Event, World, path::ResourcePath, rights::Caller};

/// Takes a deployment's next steps at a time.
pub(crate) type Deployer = fn(&mut World, &str, Timestamp);

/// Where a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeploymentState {
    Accepted,
    Running,
    Succeeded,
    Failed,
    Canceled,
}

impl DeploymentState {
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum StepState {
    Waiting,
    /// Accepted; its status is told there.
    Running {
        poll: String,
    },
    Done,
    /// Azure's error.
    Failed(Value),
}

/// One resource of a deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) operation: String,
    pub(crate) id: String,
    pub(crate) resource_type: String,
    pub(crate) name: String,
    /// Deleted because the deployment is complete and the template lacks it.
    pub(crate) deletes: bool,
    pub(crate) state: StepState,
    pub(crate) status: u16,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
}

/// A deployment into a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) path: ResourcePath,
    /// The `correlationId`, and which run of the name this is.
    pub(crate) run: Uuid,
    /// The last part of the URL where its status is told.
    pub(crate) status_id: String,
    pub(crate) state: DeploymentState,
    pub(crate) complete: bool,
    pub(crate) template: Value,
    pub(crate) template_hash: String,
    pub(crate) template_link: Option<Value>,
    pub(crate) parameters_link: Option<Value>,
    pub(crate) values: Map<String, Value>,
    /// `parameters`, `providers` and `dependencies` as answers show them.
    pub(crate) parameters: Option<Value>,
    pub(crate) providers: Value,
    pub(crate) dependencies: Value,
    pub(crate) steps: Vec<Step>,
    pub(crate) outputs: Option<Value>,
    pub(crate) error: Option<Value>,
    pub(crate) caller: Caller,
    pub(crate) started_at: Timestamp,
    pub(crate) changed_at: Timestamp,
    /// When to look again; nothing when it is over.
    pub(crate) next_at: Option<Timestamp>,
}

impl World {
    /// Lets a deployment take its next steps at its `next_at`.
    pub(crate) fn schedule_deployment(&mut self, deployment: Deployment) {
        if let Some(at) = deployment.next_at {
            self.plan_event(at, Event::Deployment(deployment.run));
        }
        self.tenant.deployments.insert(deployment.path.key(), deployment);
    }

    pub(super) fn step_deployment(&mut self, run: Uuid, at: Timestamp) {
        let found = self.tenant.deployments.iter().find(|(_, deployment)| deployment.run == run);
        if let Some((key, _)) = found {
            let key = key.clone();
            (self.deployer)(self, &key, at);
        }
    }

    /// Plans what stored deployments still have to do.
    pub(super) fn plan_deployments(&mut self) {
        let running: Vec<(Timestamp, Uuid)> =
            self.tenant.deployments.values().filter_map(|d| Some((d.next_at?, d.run))).collect();
        for (at, run) in running {
            self.plan_event(at, Event::Deployment(run));
        }
    }
}
