//! Records in this process, which whoever simulates a failing store can stand in the way of.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;

use super::{Kind, StoreError};

/// Stands before every access: may take its time, let it fail, or never let it go on.
pub type Gate = Arc<dyn Fn(Access) -> BoxFuture<'static, io::Result<()>> + Send + Sync>;

/// An access that is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A record, or the ids of a kind, is read.
    Read(Kind),
    /// A version is written.
    Write(Kind),
    /// The heartbeat is written.
    Beat,
}

type Versions = BTreeMap<u32, Vec<u8>>;

/// Records in memory; clones share them.
#[derive(Clone, Default)]
pub struct Memory {
    kept: Arc<Mutex<Kept>>,
    gate: Option<Gate>,
}

#[derive(Default)]
struct Kept {
    records: BTreeMap<(Kind, String), Versions>,
    heartbeat: Option<String>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} records)", self.with(|kept| kept.records.len()))
    }
}

impl Memory {
    /// The same records behind `gate`.
    pub fn behind(&self, gate: Gate) -> Self {
        Self { kept: self.kept.clone(), gate: Some(gate) }
    }

    fn with<R>(&self, act: impl FnOnce(&mut Kept) -> R) -> R {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn pass(&self, access: Access) -> Result<(), StoreError> {
        match &self.gate {
            None => Ok(()),
            Some(gate) => gate(access)
                .await
                .map_err(|source| StoreError::Io { path: "memory".into(), source }),
        }
    }

    pub(super) async fn create(
        &self,
        kind: Kind,
        id: &str,
        version: u32,
        content: &[u8],
    ) -> Result<(), StoreError> {
        self.pass(Access::Write(kind)).await?;
        self.with(|kept| {
            let versions = kept.records.entry((kind, id.to_owned())).or_default();
            if versions.contains_key(&version) {
                return Err(StoreError::Exists { id: id.to_owned(), version });
            }
            versions.insert(version, content.to_vec());
            Ok(())
        })
    }

    pub(super) async fn versions(&self, kind: Kind, id: &str) -> Result<Vec<u32>, StoreError> {
        self.pass(Access::Read(kind)).await?;
        Ok(self.with(|kept| {
            let versions = kept.records.get(&(kind, id.to_owned()));
            versions.map(|versions| versions.keys().copied().collect()).unwrap_or_default()
        }))
    }

    pub(super) async fn read(
        &self,
        kind: Kind,
        id: &str,
        version: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.pass(Access::Read(kind)).await?;
        Ok(self.with(|kept| kept.records.get(&(kind, id.to_owned()))?.get(&version).cloned()))
    }

    pub(super) async fn ids(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        self.pass(Access::Read(kind)).await?;
        Ok(self.with(|kept| {
            let from = (kind, String::new());
            let records = kept.records.range(from..).take_while(|((of, _), _)| *of == kind);
            records.map(|((_, id), _)| id.clone()).collect()
        }))
    }

    pub(super) async fn beat(&self, text: &str) -> Result<(), StoreError> {
        self.pass(Access::Beat).await?;
        self.with(|kept| kept.heartbeat = Some(text.to_owned()));
        Ok(())
    }

    pub(super) async fn heartbeat(&self) -> Option<jiff::Timestamp> {
        self.with(|kept| kept.heartbeat.as_ref()?.parse().ok())
    }
}
