//! Policies, requests, runs and inventories, in a folder.
//!
//! A record is an immutable version `{kind}/{id}/{version}.json`, written create-only: two writers
//! never lose an update. Knows no content.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::fs;

/// The kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Policies.
    Policy,
    /// Requests: version 1 as asked, version 2 as ended.
    Request,
    /// Runs.
    Run,
    /// Inventories, by the hash of their content.
    Inventory,
}

impl Kind {
    const fn folder(self) -> &'static str {
        match self {
            Self::Policy => "policies",
            Self::Request => "requests",
            Self::Run => "runs",
            Self::Inventory => "inventories",
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
    /// The folder failed.
    #[error("the store failed at {path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A folder of records.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store in `root`, which is made when first written to.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Writes a version that must not exist yet.
    pub async fn create(
        &self,
        kind: Kind,
        id: &str,
        version: u32,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let folder = self.folder(kind, id)?;
        fs::create_dir_all(&folder).await.map_err(at(&folder))?;
        let path = folder.join(file_name(version));
        let draft = folder.join(format!(".{}", uuid::Uuid::new_v4()));
        fs::write(&draft, content).await.map_err(at(&draft))?;
        // A link is made whole or not at all, and never over another file.
        let linked = fs::hard_link(&draft, &path).await;
        fs::remove_file(&draft).await.map_err(at(&draft))?;
        match linked {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::Exists { id: id.to_owned(), version })
            }
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }

    /// The newest version and its content; none if there is no such record.
    pub async fn latest(&self, kind: Kind, id: &str) -> Result<Option<(u32, Vec<u8>)>, StoreError> {
        let folder = self.folder(kind, id)?;
        let versions = names_in(&folder).await?.into_iter().filter_map(|name| version_of(&name));
        let Some(version) = versions.max() else { return Ok(None) };
        let path = folder.join(file_name(version));
        Ok(Some((version, fs::read(&path).await.map_err(at(&path))?)))
    }

    /// The ids of a kind's records, sorted.
    pub async fn ids(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        let mut ids = names_in(&self.root.join(kind.folder())).await?;
        ids.retain(|id| valid_id(id));
        ids.sort();
        Ok(ids)
    }

    /// Notes that the timer ran at `text`, an RFC 3339 time: an idle tick leaves nothing else.
    pub async fn beat(&self, text: &str) -> Result<(), StoreError> {
        fs::create_dir_all(&self.root).await.map_err(at(&self.root))?;
        let path = self.root.join("heartbeat");
        let draft = self.root.join(format!(".{}", uuid::Uuid::new_v4()));
        fs::write(&draft, text).await.map_err(at(&draft))?;
        fs::rename(&draft, &path).await.map_err(at(&path))
    }

    /// When the timer last ran.
    pub async fn heartbeat(&self) -> Option<jiff::Timestamp> {
        fs::read_to_string(self.root.join("heartbeat")).await.ok()?.trim().parse().ok()
    }

    fn folder(&self, kind: Kind, id: &str) -> Result<PathBuf, StoreError> {
        if valid_id(id) {
            Ok(self.root.join(kind.folder()).join(id))
        } else {
            Err(StoreError::BadId(id.chars().take(100).collect()))
        }
    }
}

/// Ids become folder names, so they may not climb out.
fn valid_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn file_name(version: u32) -> String {
    format!("{version:08}.json")
}

fn version_of(name: &str) -> Option<u32> {
    name.strip_suffix(".json")?.parse().ok()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |source| StoreError::Io { path: path.to_owned(), source }
}

/// The names in a folder; none where it does not exist.
async fn names_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let mut entries = match fs::read_dir(folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(source) => return Err(StoreError::Io { path: folder.to_owned(), source }),
    };
    let mut names = vec![];
    while let Some(entry) = entries.next_entry().await.map_err(at(folder))? {
        names.extend(entry.file_name().into_string().ok());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_writers_of_one_version_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_owned());
        let (first, second) = tokio::join!(
            store.create(Kind::Policy, "p", 1, b"first"),
            store.create(Kind::Policy, "p", 1, b"second"),
        );
        assert!(first.is_ok() != second.is_ok());
        let (version, content) = store.latest(Kind::Policy, "p").await.unwrap().unwrap();
        assert_eq!(version, 1);
        assert_eq!(content, if first.is_ok() { &b"first"[..] } else { b"second" });
    }

    #[tokio::test]
    async fn an_id_cannot_climb_out_of_the_folder() {
        let store = Store::new(PathBuf::from("nowhere"));
        for id in ["..", "a/b", "", "a.json"] {
            assert!(matches!(store.latest(Kind::Run, id).await, Err(StoreError::BadId(_))));
        }
    }
}
