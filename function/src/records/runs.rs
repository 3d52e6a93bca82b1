//! Runs, each a link of its subscription's chain: `{chain}/{number}`, written create-only, so that
//! two instances never fork one; each names the record before it by hash.

use sha2::{Digest, Sha256};
use shared::{Run, model::Link};

use super::{Records, hex, parse, unreadable};
use crate::{
    error::Error,
    store::{Kind, StoreError},
};

/// What stands before the run in a record: its hash, over the bytes that follow.
const HEAD: &str = "{\"hash\":\"";
const MIDDLE: &str = "\",\"run\":";
const TAIL: &str = "}";
const HASH_LENGTH: usize = 64;

/// A run as it is stored, with the hash that the next one names.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The run.
    pub run: Run,
    /// SHA-256 of its bytes, in hex.
    pub hash: String,
}

impl Records {
    /// Puts a run at the end of its chain, and returns it with its place and id.
    ///
    /// Of two that want the same place one is told, and goes on top of the other.
    pub async fn store_run(&self, mut run: Run) -> Result<Run, Error> {
        loop {
            (run.link.number, run.link.previous) = self.next_place(&run.link.chain).await?;
            run.id = run_id(&run.link.chain, run.link.number);
            let content = seal(&run);
            let Link { chain, number, .. } = &run.link;
            match self.store.create(Kind::Run, chain, *number, &content).await {
                Ok(()) => return Ok(run),
                Err(StoreError::Exists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The number after a chain's newest run, and the hash of that.
    async fn next_place(&self, chain: &str) -> Result<(u32, Option<String>), Error> {
        let Some((number, content)) = self.store.latest(Kind::Run, chain).await? else {
            return Ok((1, None));
        };
        // On a record that was altered the chain goes on all the same: `verify` stops before.
        let hash = match unseal(&run_id(chain, number), &content) {
            Ok(stored) => stored.hash,
            Err(_) => hex(&Sha256::digest(&content)),
        };
        Ok((number + 1, Some(hash)))
    }

    /// The newest run of a chain.
    pub async fn head(&self, chain: &str) -> Result<Option<Stored>, Error> {
        match self.store.latest(Kind::Run, chain).await? {
            Some((number, content)) => unseal(&run_id(chain, number), &content).map(Some),
            None => Ok(None),
        }
    }

    /// The run at a place of a chain, if its bytes are those that were written.
    pub async fn link(&self, chain: &str, number: u32) -> Result<Option<Stored>, Error> {
        match self.store.read(Kind::Run, chain, number).await? {
            Some(content) => unseal(&run_id(chain, number), &content).map(Some),
            None => Ok(None),
        }
    }

    /// The chains, by name.
    pub async fn chains(&self) -> Result<Vec<String>, Error> {
        Ok(self.store.ids(Kind::Run).await?)
    }

    /// The numbers that a chain has, in order.
    pub async fn numbers(&self, chain: &str) -> Result<Vec<u32>, Error> {
        Ok(self.store.versions(Kind::Run, chain).await?)
    }

    /// The run of that id.
    pub async fn run(&self, id: &str) -> Result<Option<Run>, Error> {
        let Some((chain, number)) = place(id) else { return Ok(None) };
        Ok(self.link(chain, number).await?.map(|stored| stored.run))
    }

    /// The newest runs of all chains, the newest first. What cannot be read is left out.
    pub async fn runs(&self, limit: usize) -> Result<Vec<Run>, Error> {
        let mut heads = vec![];
        for chain in self.chains().await? {
            let newest = self.numbers(&chain).await?.pop().unwrap_or(0);
            heads.extend(self.newest_readable(&chain, newest).await);
        }
        let mut runs = vec![];
        while runs.len() < limit {
            let newest = heads.iter().enumerate().max_by_key(|(_, run)| (run.now, &run.id));
            let Some((index, _)) = newest else { break };
            let run = heads.swap_remove(index);
            heads.extend(self.newest_readable(&run.link.chain, run.link.number - 1).await);
            runs.push(run);
        }
        Ok(runs)
    }

    /// The newest run of a chain that can be read, from `number` down.
    async fn newest_readable(&self, chain: &str, number: u32) -> Option<Run> {
        for number in (1..=number).rev() {
            match self.link(chain, number).await {
                Ok(Some(stored)) => return Some(stored.run),
                Ok(None) => {}
                Err(error) => {
                    let (id, why) = (run_id(chain, number), super::describe(&error));
                    tracing::error!(run.id = id, why, "a run cannot be read");
                }
            }
        }
        None
    }

    /// The hash of the inventory that the newest run was planned on.
    pub async fn last_inventory(&self) -> Result<Option<String>, Error> {
        let mut newest: Option<Run> = None;
        for chain in self.chains().await? {
            let head = self.head(&chain).await?.map(|stored| stored.run);
            if let Some(run) = head.filter(|run| run.inventory.is_some())
                && newest
                    .as_ref()
                    .is_none_or(|newest| (newest.now, &newest.id) < (run.now, &run.id))
            {
                newest = Some(run);
            }
        }
        Ok(newest.and_then(|run| run.inventory))
    }

    /// The newest runs of one chain, the newest first.
    pub async fn runs_of(&self, chain: &str, limit: u32) -> Result<Vec<Run>, Error> {
        let Some(head) = self.head(chain).await? else { return Ok(vec![]) };
        let newest = head.run.link.number;
        let mut runs = vec![head.run];
        for number in (1..newest).rev().take(limit.saturating_sub(1) as usize) {
            runs.extend(self.link(chain, number).await?.map(|stored| stored.run));
        }
        Ok(runs)
    }
}

/// The id of the run at a place.
pub fn run_id(chain: &str, number: u32) -> String {
    format!("{chain}-{number:08}")
}

fn place(id: &str) -> Option<(&str, u32)> {
    let (chain, number) = id.rsplit_once('-')?;
    Some((chain, number.parse().ok()?))
}

fn seal(run: &Run) -> Vec<u8> {
    let content = super::bytes(run);
    let hash = hex(&Sha256::digest(&content));
    [HEAD.as_bytes(), hash.as_bytes(), MIDDLE.as_bytes(), &content, TAIL.as_bytes()].concat()
}

fn unseal(id: &str, record: &[u8]) -> Result<Stored, Error> {
    let altered = || unreadable(id, "its bytes are not those that were written");
    let rest = record.strip_prefix(HEAD.as_bytes()).ok_or_else(altered)?;
    let (hash, rest) = rest.split_at_checked(HASH_LENGTH).ok_or_else(altered)?;
    let rest = rest.strip_prefix(MIDDLE.as_bytes()).ok_or_else(altered)?;
    let content = rest.strip_suffix(TAIL.as_bytes()).ok_or_else(altered)?;
    let found = hex(&Sha256::digest(content));
    if found.as_bytes() != hash {
        return Err(altered());
    }
    Ok(Stored { run: parse(id, content)?, hash: found })
}
