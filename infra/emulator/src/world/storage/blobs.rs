//! Block blobs: written whole or from blocks, read, described, deleted, listed.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Metadata, check_metadata, conditions::Conditions, leases::Lease, names::check_blob};
use crate::world::{World, failure::Failure};

/// A block blob.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Blob {
    pub(crate) parts: Vec<Part>,
    pub(crate) headers: ContentHeaders,
    pub(crate) metadata: Metadata,
    pub(crate) etag: String,
    pub(crate) created_at: Timestamp,
    pub(crate) modified_at: Timestamp,
    pub(crate) lease: Lease,
}

/// One run of a blob's bytes: a committed block, or the whole of what was put at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The block's id; none if the blob was put at once.
    pub(crate) block: Option<String>,
    pub(crate) content: String,
    pub(crate) length: u64,
}

/// What a blob's reader is told about its content.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ContentHeaders {
    pub(crate) content_type: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
    /// In Base64.
    pub(crate) md5: Option<String>,
}

/// Who writes, and on which terms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) conditions: Conditions,
    pub(crate) lease: Option<uuid::Uuid>,
}

impl Blob {
    pub(crate) fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.length).sum()
    }
}

impl World {
    /// Finds a blob; the container's absence is told first.
    pub(crate) fn blob(&self, container: &str, name: &str) -> Result<&Blob, Failure> {
        self.container(container)?;
        self.storage.blobs.get(&key(container, name)).ok_or_else(blob_not_found)
    }

    /// Finds a blob to be read on these terms.
    pub(crate) fn read_blob(
        &self,
        (container, name): (&str, &str),
        terms: &Terms,
        now: Timestamp,
    ) -> Result<&Blob, Failure> {
        let blob = self.blob(container, name)?;
        terms.conditions.check_read(blob)?;
        blob.lease.allows_read(terms.lease, now)?;
        Ok(blob)
    }

    /// The bytes from `start` to before `end`.
    pub(crate) fn blob_bytes(&self, blob: &Blob, start: u64, end: u64) -> Bytes {
        let mut out = BytesMut::new();
        let mut offset = 0;
        for part in &blob.parts {
            let (from, to) = (start.max(offset), end.min(offset + part.length));
            if let (true, Some(content)) = (from < to, self.storage.content.get(&part.content)) {
                let bytes = content.slice(from - offset, to - offset);
                if to - from == end - start {
                    return bytes;
                }
                out.extend_from_slice(&bytes);
            }
            offset += part.length;
        }
        out.freeze()
    }

    /// Refuses a write that the terms do not allow; gives what is there.
    pub(super) fn check_write(
        &self,
        (container, name): (&str, &str),
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Option<&Blob>, Failure> {
        self.container(container)?;
        check_blob(name)?;
        let blob = self.storage.blobs.get(&key(container, name));
        terms.conditions.check_write(blob)?;
        match blob {
            Some(blob) => blob.lease.allows_write(terms.lease, now)?,
            None => Lease::default().allows_write(terms.lease, now)?,
        }
        Ok(blob)
    }

    /// Writes a blob whole, over what was there and over its uncommitted blocks.
    pub(crate) fn put_blob(
        &mut self,
        at: (&str, &str),
        content: Bytes,
        (headers, metadata): (ContentHeaders, Metadata),
        terms: &Terms,
        now: Timestamp,
    ) -> Result<&Blob, Failure> {
        check_metadata(&metadata)?;
        self.check_write(at, terms, now)?;
        let length = content.len() as u64;
        let content = self.keep_content(content);
        let parts = vec![Part { block: None, content, length }];
        self.store_blob(at, parts, (headers, metadata), now)
    }

    /// Puts a new state in the place of the old one, whose bytes go if nothing has them.
    pub(super) fn store_blob(
        &mut self,
        (container, name): (&str, &str),
        parts: Vec<Part>,
        (headers, metadata): (ContentHeaders, Metadata),
        now: Timestamp,
    ) -> Result<&Blob, Failure> {
        let key = key(container, name);
        let old = self.storage.blobs.remove(&key);
        let mut lease = old.as_ref().map(|old| old.lease.clone()).unwrap_or_default();
        lease.settle(now);
        let blob = Blob {
            headers,
            metadata,
            etag: self.new_etag(),
            created_at: old.as_ref().map_or(now, |old| old.created_at),
            modified_at: now,
            lease,
            parts,
        };
        for part in old.iter().flat_map(|old| &old.parts) {
            if blob.parts.iter().all(|kept| kept.content != part.content) {
                self.storage.content.remove(&part.content);
            }
        }
        self.storage.blobs.insert(key, blob);
        self.drop_blocks(container, name);
        self.blob(container, name)
    }

    pub(crate) fn delete_blob(
        &mut self,
        at: (&str, &str),
        terms: &Terms,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.blob(at.0, at.1)?;
        self.check_write(at, terms, now)?;
        self.remove_blob(&key(at.0, at.1));
        self.drop_blocks(at.0, at.1);
        Ok(())
    }

    pub(super) fn remove_blob(&mut self, key: &str) {
        for part in self.storage.blobs.remove(key).iter().flat_map(|blob| &blob.parts) {
            self.storage.content.remove(&part.content);
        }
    }

    /// Changes what is known of a blob, not its bytes.
    pub(crate) fn describe_blob(
        &mut self,
        at: (&str, &str),
        change: impl FnOnce(&mut Blob),
        terms: &Terms,
        now: Timestamp,
    ) -> Result<&Blob, Failure> {
        self.blob(at.0, at.1)?;
        self.check_write(at, terms, now)?;
        let etag = self.new_etag();
        if let Some(blob) = self.storage.blobs.get_mut(&key(at.0, at.1)) {
            change(blob);
            check_metadata(&blob.metadata)?;
            (blob.etag, blob.modified_at) = (etag, now);
            blob.lease.settle(now);
        }
        self.blob(at.0, at.1)
    }

    /// Does something about a blob's lease, which changes neither its tag nor its time.
    pub(crate) fn lease_blob<R>(
        &mut self,
        (container, name): (&str, &str),
        conditions: &Conditions,
        act: impl FnOnce(&mut Lease) -> Result<R, Failure>,
    ) -> Result<(&Blob, R), Failure> {
        conditions.check_write(Some(self.blob(container, name)?))?;
        let key = key(container, name);
        let blob = self.storage.blobs.get_mut(&key).ok_or_else(blob_not_found)?;
        let result = act(&mut blob.lease)?;
        Ok((self.blob(container, name)?, result))
    }
}

/// The MD5 of some bytes, as headers have it.
pub(crate) fn md5(bytes: &[u8]) -> String {
    use md5::Digest;
    STANDARD.encode(md5::Md5::digest(bytes))
}

/// A container's name has no slash.
pub(super) fn key(container: &str, name: &str) -> String {
    format!("{container}/{name}")
}

fn blob_not_found() -> Failure {
    Failure::new(404, "BlobNotFound", "The specified blob does not exist.")
}
