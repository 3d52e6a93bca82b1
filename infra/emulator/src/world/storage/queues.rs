//! Queues: made, described, listed, taken away with all their messages.

use serde::{Deserialize, Serialize};

use super::{Metadata, check_metadata, names::check_name};
use crate::world::{World, failure::Failure};

/// A queue; its messages are rows of their own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) metadata: Metadata,
}

/// What became of a request to make something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    New,
    /// It was there, the same.
    Same,
}

impl World {
    pub(crate) fn queue(&self, name: &str) -> Result<&Queue, Failure> {
        self.storage.queues.get(name).ok_or_else(queue_not_found)
    }

    /// Makes a queue; one that is there with the same metadata is left alone.
    pub(crate) fn make_queue(&mut self, name: &str, metadata: Metadata) -> Result<Made, Failure> {
        check_name(name)?;
        check_metadata(&metadata)?;
        match self.storage.queues.get(name) {
            Some(queue) if queue.metadata == metadata => Ok(Made::Same),
            Some(_) => {
                Err(Failure::new(409, "QueueAlreadyExists", "The specified queue already exists."))
            }
            None => {
                self.storage.queues.insert(name.to_owned(), Queue { metadata });
                Ok(Made::New)
            }
        }
    }

    pub(crate) fn set_queue_metadata(
        &mut self,
        name: &str,
        metadata: Metadata,
    ) -> Result<(), Failure> {
        check_metadata(&metadata)?;
        let queue = self.storage.queues.get_mut(name).ok_or_else(queue_not_found)?;
        queue.metadata = metadata;
        Ok(())
    }

    /// Deletes a queue with its messages.
    ///
    /// GUESS: at once, so that it may be made again at once; Azure refuses that for at least 30 s
    /// with `QueueBeingDeleted`, as Azurite does not.
    pub(crate) fn delete_queue(&mut self, name: &str) -> Result<(), Failure> {
        self.storage.queues.remove(name).ok_or_else(queue_not_found)?;
        self.drop_messages(name);
        Ok(())
    }
}

pub(super) fn queue_not_found() -> Failure {
    Failure::new(404, "QueueNotFound", "The specified queue does not exist.")
}
