//! Runs looked at afterwards: whether the chains are whole, and whether a run's plan follows from
//! what it was made from. Changes nothing, and asks Azure nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::{Inventory, Plan, plan::plan};

use crate::{
    error::Error,
    records::{Records, describe, runs::run_id},
    tick::parts_of,
};

/// A chain that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its name.
    pub chain: String,
    /// How many runs it has.
    pub links: u32,
    /// The hash of its newest run: noted elsewhere, it tells whether the newest was dropped since.
    pub head: String,
}

/// The first link that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A record's bytes are not those that were written, or cannot be read.
    #[error("run {id} cannot be read as it was written: {why}")]
    Unreadable {
        /// The run.
        id: String,
        /// Why.
        why: String,
    },
    /// A record is missing.
    #[error("run {id} is missing")]
    Missing {
        /// The run.
        id: String,
    },
    /// A record stands where another one was written.
    #[error("where run {id} should be, run {found} is")]
    Misplaced {
        /// The run that should be there.
        id: String,
        /// The run that is.
        found: String,
    },
    /// A record does not follow the one before it.
    #[error("run {id} was not written after the run that stands before it")]
    Unlinked {
        /// The run.
        id: String,
    },
    /// What a run saw cannot be had.
    #[error("the inventory {hash} of run {id} cannot be had: {why}")]
    Inventory {
        /// The run.
        id: String,
        /// The inventory.
        hash: String,
        /// Why.
        why: String,
    },
    /// The store's lists cannot be had.
    #[error("the store cannot be listed")]
    Store(#[from] Error),
}

/// Walks every chain from its first run to its newest, and says the first link that is broken.
pub async fn verify(records: &Records) -> Result<Vec<Whole>, Broken> {
    let mut wholes = vec![];
    // The newest run of each chain that any run has known of: the end of a chain may be missing.
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    for chain in records.chains().await? {
        let newest = records.numbers(&chain).await?.pop().unwrap_or(0);
        let mut before: Option<String> = None;
        for number in 1..=newest {
            let id = run_id(&chain, number);
            let stored = records
                .link(&chain, number)
                .await
                .map_err(|error| Broken::Unreadable { id: id.clone(), why: describe(&error) })?;
            let Some(stored) = stored else { return Err(Broken::Missing { id }) };
            let run = stored.run;
            if run.id != id || run.link.chain != chain || run.link.number != number {
                return Err(Broken::Misplaced { id, found: run.id });
            }
            if run.link.previous != before {
                return Err(Broken::Unlinked { id });
            }
            if let Some(hash) = &run.inventory {
                let why = match records.read_inventory(hash).await {
                    Ok(Some(_)) => None,
                    Ok(None) => Some("it is missing".to_owned()),
                    Err(error) => Some(describe(&error)),
                };
                if let Some(why) = why {
                    return Err(Broken::Inventory { id, hash: hash.clone(), why });
                }
            }
            for (chain, head) in run.inputs.iter().flat_map(|inputs| &inputs.history.heads) {
                let newest = known.entry(chain.clone()).or_default();
                *newest = (*newest).max(*head);
            }
            before = Some(stored.hash);
        }
        wholes.extend(before.map(|head| Whole { chain, links: newest, head }));
    }
    for (chain, number) in known {
        let links = wholes.iter().find(|whole| whole.chain == chain).map_or(0, |whole| whole.links);
        if links < number {
            return Err(Broken::Missing { id: run_id(&chain, links + 1) });
        }
    }
    Ok(wholes)
}

/// A plan made again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Steps and decisions, as JSON, that both plans have.
    pub same: usize,
    /// Those of the record alone.
    pub recorded_only: Vec<String>,
    /// Those of the plan that was made again alone.
    pub replayed_only: Vec<String>,
}

impl Replayed {
    /// Whether both plans are the same.
    pub fn is_same(&self) -> bool {
        self.recorded_only.is_empty() && self.replayed_only.is_empty()
    }
}

/// Plans again from what the run was planned from: the stored inventory, policies, requests, past
/// runs and limits.
pub async fn replay(records: &Records, id: &str) -> Result<Replayed, Error> {
    let none = |what: String| Error::NotFound(what);
    let run = records.run(id).await?.ok_or_else(|| none(format!("there is no run `{id}`")))?;
    let (Some(hash), Some(inputs)) = (&run.inventory, &run.inputs) else {
        return Err(none(format!("nothing was planned in run `{id}`: {}", run.problems.join(" "))));
    };
    let inventory = records.read_inventory(hash).await?;
    let inventory = inventory.ok_or_else(|| none(format!("there is no inventory `{hash}`")))?;
    let inventory = Inventory { taken_at: run.now, ..inventory };
    let mut policies = vec![];
    for wanted in &inputs.policies {
        let policy = records.policy_version(wanted).await?;
        policies.push(policy.ok_or_else(|| {
            none(format!("there is no version {} of policy `{}`", wanted.version, wanted.id))
        })?);
    }
    let mut requests = vec![];
    for wanted in &inputs.requests {
        let request = records.asked(&wanted.id).await?;
        requests.push(request.ok_or_else(|| none(format!("there is no request `{}`", wanted.id)))?);
    }
    let history = records.history_of(&inputs.history).await?;
    let plan = plan(&inventory, &policies, &requests, &history, &inputs.limits, run.now);
    let plan = parts_of(plan, &inventory, &run.trigger).remove(&run.link.chain).unwrap_or_default();
    let recorded = Plan {
        steps: run.steps.into_iter().map(|step| step.step).collect(),
        decisions: run.decisions,
        held: None,
    };
    Ok(compare(&lines(&recorded), &lines(&plan)))
}

fn lines(plan: &Plan) -> Vec<String> {
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let steps = plan.steps.iter().map(|step| json(text(step)));
    steps.chain(plan.decisions.iter().map(|decision| json(text(decision)))).collect()
}

fn text(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value)
}

/// A line that stands elsewhere differs, too: the order of steps is part of a plan.
fn compare(recorded: &[String], replayed: &[String]) -> Replayed {
    if recorded == replayed {
        return Replayed { same: recorded.len(), ..Replayed::default() };
    }
    let begins = recorded.iter().zip(replayed).take_while(|(a, b)| a == b).count();
    let (a, b) = (&recorded[begins..], &replayed[begins..]);
    let ends = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    Replayed {
        same: begins + ends,
        recorded_only: a[..a.len() - ends].to_vec(),
        replayed_only: b[..b.len() - ends].to_vec(),
    }
}
