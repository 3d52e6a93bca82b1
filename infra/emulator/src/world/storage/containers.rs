//! Containers: made, described, taken away with all their blobs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Metadata, check_metadata, names::check_container};
use crate::world::{World, failure::Failure};

/// A container; its blobs are rows of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Container {
    pub(crate) metadata: Metadata,
    pub(crate) etag: String,
    pub(crate) modified_at: Timestamp,
}

impl World {
    pub(crate) fn container(&self, name: &str) -> Result<&Container, Failure> {
        self.storage.containers.get(name).ok_or_else(container_not_found)
    }

    pub(crate) fn make_container(
        &mut self,
        name: &str,
        metadata: Metadata,
        now: Timestamp,
    ) -> Result<&Container, Failure> {
        check_container(name)?;
        check_metadata(&metadata)?;
        if self.storage.containers.contains(name) {
            return Err(Failure::new(
                409,
                "ContainerAlreadyExists",
                "The specified container already exists.",
            ));
        }
        let container = Container { metadata, etag: self.new_etag(), modified_at: now };
        self.storage.containers.insert(name.to_owned(), container);
        self.container(name)
    }

    pub(crate) fn set_container_metadata(
        &mut self,
        name: &str,
        metadata: Metadata,
        now: Timestamp,
    ) -> Result<&Container, Failure> {
        check_metadata(&metadata)?;
        self.container(name)?;
        let container = Container { metadata, etag: self.new_etag(), modified_at: now };
        self.storage.containers.insert(name.to_owned(), container);
        self.container(name)
    }

    /// Deletes a container with its blobs, whatever leases they have.
    ///
    /// GUESS: at once, so that it may be made again at once; Azure refuses that for at least 30 s
    /// with `ContainerBeingDeleted`, as Azurite does not.
    pub(crate) fn delete_container(&mut self, name: &str) -> Result<(), Failure> {
        self.storage.containers.remove(name).ok_or_else(container_not_found)?;
        let prefix = format!("{name}/");
        let blobs: Vec<String> =
            self.storage.blobs.under(&prefix, None).map(|(key, _)| key.clone()).collect();
        for key in blobs {
            self.remove_blob(&key);
        }
        let blocks: Vec<String> =
            self.storage.blocks.under(&prefix, None).map(|(key, _)| key.clone()).collect();
        for key in blocks {
            self.remove_block(&key);
        }
        Ok(())
    }
}

fn container_not_found() -> Failure {
    Failure::new(404, "ContainerNotFound", "The specified container does not exist.")
}
