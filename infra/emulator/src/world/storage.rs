//! One storage account as data and rules: queues with their messages, containers with their blobs.
//!
//! It knows neither HTTP nor signatures: those are in `crate::storage`.

use std::collections::BTreeMap;

use super::{World, failure::Failure, table::Table};

pub(crate) mod blobs;
pub(crate) mod blocks;
pub(crate) mod conditions;
pub(crate) mod containers;
pub(crate) mod leases;
pub(crate) mod messages;
pub(crate) mod names;
pub(crate) mod queues;

use blobs::Blob;
use blocks::{Block, Content};
use containers::Container;
use messages::Message;
use queues::Queue;

/// Metadata as its headers name it, without `x-ms-meta-`.
pub(crate) type Metadata = BTreeMap<String, String>;

/// All that the account holds.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    pub(crate) queues: Table<Queue>,
    pub(crate) messages: Table<Message>,
    pub(crate) containers: Table<Container>,
    pub(crate) blobs: Table<Blob>,
    /// Blocks that no block list has committed.
    pub(crate) blocks: Table<Block>,
    /// The bytes of blobs and blocks, by a key of their own: a lease or a tag moves no bytes.
    pub(crate) content: Table<Content>,
}

impl Storage {
    /// Puts back a stored row; rows of tables that it has not are not its own.
    pub(crate) fn load(&mut self, table: &str, key: &str, row: &[u8]) -> serde_json::Result<()> {
        match table {
            "queues" => self.queues.load(key, row),
            "messages" => self.messages.load(key, row),
            "containers" => self.containers.load(key, row),
            "blobs" => self.blobs.load(key, row),
            "blocks" => self.blocks.load(key, row),
            "content" => self.content.load(key, row),
            _ => Ok(()),
        }
    }

    /// Drops what is noted for a store, when there is none.
    pub(crate) fn forget_changes(&mut self) {
        self.queues.forget_changes();
        self.messages.forget_changes();
        self.containers.forget_changes();
        self.blobs.forget_changes();
        self.blocks.forget_changes();
        self.content.forget_changes();
    }

    /// Hands over, table by table, the rows to write.
    pub(crate) fn take_changes(
        &mut self,
        mut add: impl FnMut(&'static str, Vec<(String, Option<Vec<u8>>)>),
    ) -> serde_json::Result<()> {
        add("queues", self.queues.take_changes()?);
        add("messages", self.messages.take_changes()?);
        add("containers", self.containers.take_changes()?);
        add("blobs", self.blobs.take_changes()?);
        add("blocks", self.blocks.take_changes()?);
        add("content", self.content.take_changes()?);
        Ok(())
    }
}

impl World {
    /// The next entity tag: like Azure's, a number in quotes that no other state has.
    pub(crate) fn new_etag(&mut self) -> String {
        let (number, _) = self.new_id().as_u64_pair();
        format!("\"0x8{:014X}\"", number >> 8)
    }

    /// A number that is larger than every one before it.
    pub(crate) fn next_number(&mut self) -> u64 {
        let settings = self.settings_mut();
        settings.ids += 1;
        settings.ids
    }
}

/// One page of a list: the rows from `marker` on, and where the next page begins.
pub(crate) fn page<T>(
    mut rows: impl Iterator<Item = (String, T)>,
    limit: usize,
) -> (Vec<(String, T)>, Option<String>) {
    let page: Vec<_> = rows.by_ref().take(limit).collect();
    let more = rows.next().is_some();
    let last = page.last().map(|(name, _)| name.clone());
    (page, last.filter(|_| more))
}

/// Metadata's names are C# identifiers, whatever their case.
pub(crate) fn check_metadata(metadata: &Metadata) -> Result<(), Failure> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let valid = |name: &String| {
        name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
    };
    if metadata.keys().all(valid) {
        return Ok(());
    }
    Err(Failure::new(
        400,
        "InvalidMetadata",
        "The metadata specified is invalid. It has characters that are not permitted.",
    ))
}
