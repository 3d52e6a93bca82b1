//! Records in a folder: `{kind}/{id}/{version}.json`.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::fs;

use super::{Kind, StoreError, valid_id};

/// A folder of records.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Writes a version that must not exist yet.
    pub(super) async fn create(
        &self,
        kind: Kind,
        id: &str,
        version: u32,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let folder = self.folder(kind, id);
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

    /// The versions of a record, in order.
    pub(super) async fn versions(&self, kind: Kind, id: &str) -> Result<Vec<u32>, StoreError> {
        let names = names_in(&self.folder(kind, id)).await?;
        let mut versions: Vec<u32> = names.iter().filter_map(|name| version_of(name)).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// The content of one version; none if there is no such one.
    pub(super) async fn read(
        &self,
        kind: Kind,
        id: &str,
        version: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.folder(kind, id).join(file_name(version));
        match fs::read(&path).await {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }

    /// The ids of a kind's records, sorted.
    pub(super) async fn ids(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        let mut ids = names_in(&self.root.join(kind.folder())).await?;
        ids.retain(|id| valid_id(id));
        ids.sort();
        Ok(ids)
    }

    /// Notes that the timer ran at `text`, an RFC 3339 time: an idle tick leaves nothing else.
    pub(super) async fn beat(&self, text: &str) -> Result<(), StoreError> {
        fs::create_dir_all(&self.root).await.map_err(at(&self.root))?;
        let path = self.root.join("heartbeat");
        let draft = self.root.join(format!(".{}", uuid::Uuid::new_v4()));
        fs::write(&draft, text).await.map_err(at(&draft))?;
        fs::rename(&draft, &path).await.map_err(at(&path))
    }

    /// When the timer last ran.
    pub(super) async fn heartbeat(&self) -> Option<jiff::Timestamp> {
        fs::read_to_string(self.root.join("heartbeat")).await.ok()?.trim().parse().ok()
    }

    fn folder(&self, kind: Kind, id: &str) -> PathBuf {
        self.root.join(kind.folder()).join(id)
    }
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
