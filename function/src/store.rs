//! Policies, requests, runs and inventories, as immutable versions `{kind}/{id}/{version}`.
//!
//! They are written create-only: two writers never lose an update. Knows no content. The back ends
//! have one contract and one test of it.

mod folder;
mod memory;

use std::{io, path::PathBuf};

use folder::Folder;
pub use memory::{Access, Gate, Memory};

/// The kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Policies.
    Policy,
    /// Requests: version 1 as asked, version 2 as ended.
    Request,
    /// Runs: a version for each link of a subscription's chain.
    Run,
    /// Inventories, by the hash of their content.
    Inventory,
    /// Checkpoints of the fold of past runs.
    History,
    /// Ticks whose parts were handed to messages.
    Tick,
    /// The plans of these parts.
    Part,
}

impl Kind {
    const fn folder(self) -> &'static str {
        match self {
            Self::Policy => "policies",
            Self::Request => "requests",
            Self::Run => "runs",
            Self::Inventory => "inventories",
            Self::History => "histories",
            Self::Tick => "ticks",
            Self::Part => "parts",
        }
    }
}

/// How the store fails.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody wrote that version first.
    #[error("version {version} of {id} exists already")]
    Exists {
        /// The record.
        id: String,
        /// The version.
        version: u32,
    },
    /// The id cannot name a record.
    #[error("`{0}` cannot name a record")]
    BadId(String),
    /// The back end failed.
    #[error("the store failed at {path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Where records are kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// In a folder.
    Folder(Folder),
    /// In this process, for as long as somebody holds it: for simulation.
    Memory(Memory),
}

impl Store {
    /// The store in the folder `root`, which is made when first written to.
    pub fn new(root: PathBuf) -> Self {
        Self::Folder(Folder::new(root))
    }

    /// Writes a version that must not exist yet.
    pub async fn create(
        &self,
        kind: Kind,
        id: &str,
        version: u32,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let id = checked(id)?;
        match self {
            Self::Folder(folder) => folder.create(kind, id, version, content).await,
            Self::Memory(memory) => memory.create(kind, id, version, content).await,
        }
    }

    /// The newest version and its content; none if there is no such record.
    pub async fn latest(&self, kind: Kind, id: &str) -> Result<Option<(u32, Vec<u8>)>, StoreError> {
        let Some(version) = self.versions(kind, id).await?.pop() else { return Ok(None) };
        Ok(self.read(kind, id, version).await?.map(|content| (version, content)))
    }

    /// The versions of a record, in order.
    pub async fn versions(&self, kind: Kind, id: &str) -> Result<Vec<u32>, StoreError> {
        let id = checked(id)?;
        match self {
            Self::Folder(folder) => folder.versions(kind, id).await,
            Self::Memory(memory) => memory.versions(kind, id).await,
        }
    }

    /// The content of one version; none if there is no such one.
    pub async fn read(
        &self,
        kind: Kind,
        id: &str,
        version: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let id = checked(id)?;
        match self {
            Self::Folder(folder) => folder.read(kind, id, version).await,
            Self::Memory(memory) => memory.read(kind, id, version).await,
        }
    }

    /// The ids of a kind's records, sorted.
    pub async fn ids(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Folder(folder) => folder.ids(kind).await,
            Self::Memory(memory) => memory.ids(kind).await,
        }
    }

    /// Notes that the timer ran at `text`, an RFC 3339 time: an idle tick leaves nothing else.
    pub async fn beat(&self, text: &str) -> Result<(), StoreError> {
        match self {
            Self::Folder(folder) => folder.beat(text).await,
            Self::Memory(memory) => memory.beat(text).await,
        }
    }

    /// When the timer last ran.
    pub async fn heartbeat(&self) -> Option<jiff::Timestamp> {
        match self {
            Self::Folder(folder) => folder.heartbeat().await,
            Self::Memory(memory) => memory.heartbeat().await,
        }
    }
}

/// Ids become folder names, so they may not climb out.
fn valid_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn checked(id: &str) -> Result<&str, StoreError> {
    if valid_id(id) { Ok(id) } else { Err(StoreError::BadId(id.chars().take(100).collect())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both back ends; the folder goes with the second part.
    fn stores() -> ([Store; 2], tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let stores = [Store::new(folder.path().to_owned()), Store::Memory(Memory::default())];
        (stores, folder)
    }

    #[tokio::test]
    async fn of_two_writers_of_one_version_one_is_told() {
        let (stores, _folder) = stores();
        for store in stores {
            let (first, second) = tokio::join!(
                store.create(Kind::Policy, "p", 1, b"first"),
                store.create(Kind::Policy, "p", 1, b"second"),
            );
            assert!(first.is_ok() != second.is_ok());
            let (version, content) = store.latest(Kind::Policy, "p").await.unwrap().unwrap();
            assert_eq!(version, 1);
            assert_eq!(content, if first.is_ok() { &b"first"[..] } else { b"second" });
        }
    }

    #[tokio::test]
    async fn the_newest_version_is_read_and_ids_are_sorted() {
        let (stores, _folder) = stores();
        for store in stores {
            assert_eq!(store.latest(Kind::Run, "b").await.unwrap(), None);
            assert!(store.ids(Kind::Run).await.unwrap().is_empty());
            for (id, version) in [("b", 9), ("b", 10), ("a", 1)] {
                store.create(Kind::Run, id, version, &[version as u8]).await.unwrap();
            }
            assert_eq!(store.latest(Kind::Run, "b").await.unwrap(), Some((10, vec![10])));
            assert_eq!(store.versions(Kind::Run, "b").await.unwrap(), [9, 10]);
            assert_eq!(store.read(Kind::Run, "b", 9).await.unwrap(), Some(vec![9]));
            assert_eq!(store.read(Kind::Run, "b", 11).await.unwrap(), None);
            assert_eq!(store.ids(Kind::Run).await.unwrap(), ["a", "b"]);
            assert!(store.ids(Kind::Policy).await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn the_last_heartbeat_is_what_is_read() {
        let (stores, _folder) = stores();
        for store in stores {
            assert_eq!(store.heartbeat().await, None);
            for text in ["2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"] {
                store.beat(text).await.unwrap();
                assert_eq!(store.heartbeat().await, Some(text.parse().unwrap()));
            }
        }
    }

    #[tokio::test]
    async fn an_id_cannot_climb_out_of_the_folder() {
        let (stores, _folder) = stores();
        for store in stores {
            for id in ["..", "a/b", "", "a.json"] {
                let read = store.latest(Kind::Run, id).await;
                assert!(matches!(read, Err(StoreError::BadId(_))));
                let written = store.create(Kind::Run, id, 1, b"").await;
                assert!(matches!(written, Err(StoreError::BadId(_))));
            }
        }
    }
}
