//! What a tick hands to its parts: what it saw, and for each part the plan that it made.
//!
//! Of use for the minutes that a message may take; whoever keeps the store may drop it after a day.

use serde::{Deserialize, Serialize};
use shared::{Plan, Snapshot, model::Inputs};

use super::{Records, bytes, pack, parse, unpack};
use crate::{
    error::Error,
    store::{Kind, StoreError},
};

/// What all parts of a tick are planned on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOut {
    /// The hash of the inventory.
    pub inventory: String,
    /// Azure's time when that was taken.
    pub now: jiff::Timestamp,
}

/// A part as the tick planned it and its check let it pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartPlan {
    /// Its steps and decisions.
    pub plan: Plan,
    /// What the whole was planned from, beside the inventory.
    pub inputs: Inputs,
    /// What the run's record says of the whole.
    pub problems: Vec<String>,
    /// The points that its steps touch, as they were listed.
    pub points: Vec<Snapshot>,
}

impl Records {
    /// Stores what the parts of a tick are planned on, and returns its id.
    pub async fn hand_out(&self, tick: &HandedOut) -> Result<String, Error> {
        let id = format!("{}-{}", tick.now.as_second(), tick.inventory);
        match self.store.create(Kind::Tick, &id, 1, &bytes(tick)).await {
            Ok(()) | Err(StoreError::Exists { .. }) => Ok(id),
            Err(error) => Err(error.into()),
        }
    }

    /// What the parts of that tick are planned on; none if there is no such tick.
    pub async fn handed_out(&self, id: &str) -> Result<Option<HandedOut>, Error> {
        let content = self.store.read(Kind::Tick, id, 1).await?;
        content.map(|content| parse(id, &content)).transpose()
    }

    /// Stores the plan of a tick's part. Of two ticks at one second on one inventory, the first one's
    /// counts: a part compares what it was planned from.
    pub async fn hand_part(&self, tick: &str, chain: &str, part: &PartPlan) -> Result<(), Error> {
        let id = part_id(tick, chain);
        let packed = pack(&id, &bytes(part))?;
        match self.store.create(Kind::Part, &id, 1, &packed).await {
            Ok(()) | Err(StoreError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The plan of that part of that tick; none if it was not stored.
    pub async fn handed_part(&self, tick: &str, chain: &str) -> Result<Option<PartPlan>, Error> {
        let id = part_id(tick, chain);
        let Some(packed) = self.store.read(Kind::Part, &id, 1).await? else { return Ok(None) };
        parse(&id, &unpack(&id, &packed)?).map(Some)
    }
}

fn part_id(tick: &str, chain: &str) -> String {
    format!("{tick}-{chain}")
}
