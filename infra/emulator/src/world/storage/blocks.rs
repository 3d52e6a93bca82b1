//! Blocks: put one by one, then committed by a list; and the bytes that blobs and blocks have.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Metadata,
    blobs::{Blob, ContentHeaders, Part, Terms},
    check_metadata,
};
use crate::world::{World, failure::Failure};

/// Azure's limit on a block list.
const MAX_BLOCKS: usize = 50_000;

/// A block that no list has committed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) content: String,
    pub(crate) length: u64,
}

/// Some bytes; stored as Base64.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Content(Bytes);

impl Content {
    pub(super) fn slice(&self, from: u64, to: u64) -> Bytes {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        self.0.slice(at(from)..at(to))
    }
}

impl TryFrom<String> for Content {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(STANDARD.decode(text)?.into()))
    }
}

impl From<Content> for String {
    fn from(content: Content) -> Self {
        STANDARD.encode(content.0)
    }
}

/// Where a block list says to look for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    Committed,
    Uncommitted,
    Latest,
}

impl World {
    /// Keeps a block until a list commits it.
    pub(crate) fn put_block(
        &mut self,
        at: (&str, &str),
        id: &str,
        content: Bytes,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let decoded = STANDARD.decode(id).ok().filter(|id| (1..=64).contains(&id.len()));
        let Some(decoded) = decoded else {
            return Err(Failure::new(
                400,
                "InvalidQueryParameterValue",
                "Value for one of the query parameters specified in the request URI is invalid.",
            ));
        };
        self.check_write(at, terms, now)?;
        let others = self.uncommitted(at.0, at.1);
        if others
            .iter()
            .any(|(other, _)| STANDARD.decode(other).map(|o| o.len()) != Ok(decoded.len()))
        {
            return Err(Failure::new(
                400,
                "InvalidBlobOrBlock",
                "The specified blob or block content is invalid.",
            ));
        }
        let key = key(at.0, at.1, id);
        self.remove_block(&key);
        let length = content.len() as u64;
        let content = self.keep_content(content);
        self.storage.blocks.insert(key, Block { content, length });
        Ok(())
    }

    /// Makes a blob of the listed blocks; the other uncommitted ones go.
    pub(crate) fn commit_blocks(
        &mut self,
        at: (&str, &str),
        list: &[(Lookup, String)],
        (headers, metadata): (ContentHeaders, Metadata),
        terms: &Terms,
        now: Timestamp,
    ) -> Result<&Blob, Failure> {
        check_metadata(&metadata)?;
        if list.len() > MAX_BLOCKS {
            return Err(Failure::new(
                409,
                "BlockCountExceedsLimit",
                "The committed block count cannot exceed the maximum limit of 50,000 blocks.",
            ));
        }
        let old = self.check_write(at, terms, now)?.map_or(&[][..], |blob| &blob.parts);
        let mut parts = Vec::with_capacity(list.len());
        for (lookup, id) in list {
            let committed = || old.iter().find(|part| part.block.as_ref() == Some(id)).cloned();
            let uncommitted = || {
                let block = self.storage.blocks.get(&key(at.0, at.1, id))?.clone();
                Some(Part { block: Some(id.clone()), content: block.content, length: block.length })
            };
            let found = match lookup {
                Lookup::Committed => committed(),
                Lookup::Uncommitted => uncommitted(),
                Lookup::Latest => uncommitted().or_else(committed),
            };
            parts.push(found.ok_or_else(|| {
                Failure::new(400, "InvalidBlockList", "The specified block list is invalid.")
            })?);
        }
        for part in &parts {
            // The blob has these bytes from here on, not the block.
            let id = part.block.as_deref().unwrap_or_default();
            let key = key(at.0, at.1, id);
            if self.storage.blocks.get(&key).is_some_and(|block| block.content == part.content) {
                self.storage.blocks.remove(&key);
            }
        }
        self.store_blob(at, parts, (headers, metadata), now)
    }

    /// The uncommitted blocks of a blob, by id.
    pub(crate) fn uncommitted(&self, container: &str, name: &str) -> Vec<(String, Block)> {
        let prefix = prefix(container, name);
        let rows = self.storage.blocks.under(&prefix, None);
        rows.map(|(key, block)| (key[prefix.len()..].to_owned(), block.clone())).collect()
    }

    pub(super) fn drop_blocks(&mut self, container: &str, name: &str) {
        for (id, _) in self.uncommitted(container, name) {
            self.remove_block(&key(container, name, &id));
        }
    }

    pub(super) fn remove_block(&mut self, key: &str) {
        if let Some(block) = self.storage.blocks.remove(key) {
            self.storage.content.remove(&block.content);
        }
    }

    pub(super) fn keep_content(&mut self, content: Bytes) -> String {
        let key = self.new_id().simple().to_string();
        self.storage.content.insert(key.clone(), Content(content));
        key
    }
}

/// No name of a blob has the sign that ends it here.
fn prefix(container: &str, name: &str) -> String {
    format!("{container}/{name}\0")
}

fn key(container: &str, name: &str, id: &str) -> String {
    format!("{container}/{name}\0{id}")
}
