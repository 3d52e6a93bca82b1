//! What past runs teach: a checkpoint, and the few runs after it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::{History, model::HistoryRef};

use super::{Records, bytes, parse, unreadable};
use crate::{
    error::Error,
    store::{Kind, StoreError},
};

/// The record that all checkpoints are versions of.
const CHECKPOINTS: &str = "checkpoint";

/// A checkpoint is written once so many runs have been folded onto the last one: each tick reads
/// the runs after it.
const RUNS_PER_CHECKPOINT: usize = 10;

/// A fold of the runs up to `heads`.
#[derive(Default, Serialize, Deserialize)]
struct Checkpoint {
    heads: BTreeMap<String, u32>,
    history: History,
}

/// A history, and what it was folded from.
#[derive(Clone, Debug)]
pub struct Past {
    /// The history.
    pub history: History,
    /// What it was folded from.
    pub reference: HistoryRef,
}

impl Records {
    /// What past runs teach; not readable if one of them is not.
    pub async fn history(&self) -> Past {
        match super::in_spite_of_faults(|| self.read_history()).await {
            Ok(past) => past,
            Err(error) => {
                let why = super::describe(&error);
                tracing::error!(why, "past runs cannot be read: nothing is deleted");
                Past { history: History::unreadable(), reference: HistoryRef::default() }
            }
        }
    }

    /// The same history that an earlier run had.
    pub async fn history_of(&self, reference: &HistoryRef) -> Result<History, Error> {
        if !reference.readable {
            return Ok(History::unreadable());
        }
        let checkpoint = match reference.checkpoint {
            Some(version) => self.checkpoint(version).await?,
            None => none_yet(),
        };
        Ok(self.fold(checkpoint, &reference.heads).await?.0)
    }

    async fn read_history(&self) -> Result<Past, Error> {
        let newest = self.store.versions(Kind::History, CHECKPOINTS).await?.pop();
        let checkpoint = match newest {
            Some(version) => self.checkpoint(version).await?,
            None => none_yet(),
        };
        let mut heads = BTreeMap::new();
        for chain in self.chains().await? {
            if let Some(number) = self.numbers(&chain).await?.pop() {
                heads.insert(chain, number);
            }
        }
        let (history, folded) = self.fold(checkpoint, &heads).await?;
        if folded >= RUNS_PER_CHECKPOINT {
            let content = bytes(&Checkpoint { heads: heads.clone(), history: history.clone() });
            let version = newest.unwrap_or(0) + 1;
            match self.store.create(Kind::History, CHECKPOINTS, version, &content).await {
                // Of two that write it, either will do.
                Ok(()) | Err(StoreError::Exists { .. }) => {}
                Err(error) => tracing::warn!(%error, "a checkpoint of the history was not written"),
            }
        }
        let reference = HistoryRef { readable: true, checkpoint: newest, heads };
        Ok(Past { history, reference })
    }

    async fn checkpoint(&self, version: u32) -> Result<Checkpoint, Error> {
        let content = self.store.read(Kind::History, CHECKPOINTS, version).await?;
        let content = content.ok_or_else(|| unreadable(CHECKPOINTS, "the version is missing"))?;
        parse(CHECKPOINTS, &content)
    }

    /// Folds the runs after the checkpoint up to `heads`, oldest first; also says how many they are.
    async fn fold(
        &self,
        checkpoint: Checkpoint,
        heads: &BTreeMap<String, u32>,
    ) -> Result<(History, usize), Error> {
        let mut runs = vec![];
        for (chain, head) in heads {
            let known = checkpoint.heads.get(chain).copied().unwrap_or(0);
            for number in known + 1..=*head {
                let run = self.past(chain, number).await?;
                let missing = || unreadable(&super::runs::run_id(chain, number), "it is missing");
                runs.push(run.ok_or_else(missing)?);
            }
        }
        runs.sort_by(|a, b| (a.run.now, &a.run.id).cmp(&(b.run.now, &b.run.id)));
        let mut history = checkpoint.history;
        for past in &runs {
            history.fold(&past.run);
        }
        Ok((history, runs.len()))
    }
}

fn none_yet() -> Checkpoint {
    Checkpoint { heads: BTreeMap::new(), history: History::none() }
}
