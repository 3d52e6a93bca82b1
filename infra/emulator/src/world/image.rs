//! The bytes of disks and snapshots: sparse, shared, compared block by block.
//!
//! An image is a persistent map, so that a snapshot is a copy in constant time and the difference
//! of two snapshots costs what changed. It also holds its layer, by which `state.rs` stores only
//! what a disk changed since its last snapshot; this file writes nothing.

use std::sync::Arc;

use imbl::{OrdMap, ordmap::DiffItem};
use serde::{Deserialize, Serialize};

use super::layers::Layer;

/// The unit in which content is kept, compared and moved.
pub(crate) const BLOCK_BYTES: usize = 4096;

/// One block; a block of zeros is never kept.
pub(crate) type Block = [u8; BLOCK_BYTES];

/// A block that changed: its number and what it holds (`None`: zeros).
pub(crate) type Change = (u64, Option<Arc<Block>>);

static ZEROS: Block = [0; BLOCK_BYTES];

/// The content of a disk or a snapshot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Image {
    /// The layer that holds the newest changes; its ancestors hold the rest.
    pub(crate) layer: Layer,
    #[serde(skip)]
    pub(crate) blocks: OrdMap<u64, Arc<Block>>,
}

impl Image {
    /// Writes `bytes` at `offset` and tells which blocks changed.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut rest = bytes;
        let mut at = offset;
        while !rest.is_empty() {
            let number = at / BLOCK_BYTES as u64;
            let within = (at % BLOCK_BYTES as u64) as usize;
            let length = rest.len().min(BLOCK_BYTES - within);
            let old = self.blocks.get(&number).map_or(&ZEROS, |block| block);
            let mut block = *old;
            block[within..within + length].copy_from_slice(&rest[..length]);
            if block != *old {
                changes.push(self.set(number, &block));
            }
            rest = &rest[length..];
            at += length as u64;
        }
        changes
    }

    fn set(&mut self, number: u64, block: &Block) -> Change {
        if *block == ZEROS {
            self.blocks.remove(&number);
            return (number, None);
        }
        let block = Arc::new(*block);
        self.blocks.insert(number, Arc::clone(&block));
        (number, Some(block))
    }

    /// Reads `length` bytes from `offset`.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        if length == 0 {
            return out;
        }
        let size = BLOCK_BYTES as u64;
        let last = (offset + length as u64 - 1) / size;
        for (number, block) in self.blocks.range(offset / size..=last) {
            let start = number * size;
            let from = start.max(offset);
            let to = (start + size).min(offset + length as u64);
            out[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&block[(from - start) as usize..(to - start) as usize]);
        }
        out
    }

    /// How many bytes a store without any of them must receive.
    pub(crate) fn full_bytes(&self) -> u64 {
        (self.blocks.len() * BLOCK_BYTES) as u64
    }

    /// How many bytes a store that holds `base` must receive: every block that differs, also one
    /// that became zeros.
    pub(crate) fn delta_bytes(&self, base: &Image) -> u64 {
        let changed = base.blocks.diff(&self.blocks).filter(|item| match item {
            DiffItem::Add(..) | DiffItem::Remove(..) => true,
            DiffItem::Update { old, new } => old.1 != new.1,
        });
        (changed.count() * BLOCK_BYTES) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: usize = 5 * BLOCK_BYTES;

    proptest! {
        #[test]
        fn an_image_reads_as_a_flat_file_would(
            writes in prop::collection::vec(
                (0..SIZE, prop::collection::vec(0u8..3, 0..2 * BLOCK_BYTES)), 0..12),
            (from, length) in (0..SIZE, 0..SIZE),
        ) {
            let mut image = Image::default();
            let mut model = vec![0u8; 2 * SIZE];
            let before = image.clone();
            for (offset, bytes) in &writes {
                image.write(*offset as u64, bytes);
                model[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            prop_assert_eq!(image.read(from as u64, length), &model[from..from + length]);
            let blocks = model.chunks(BLOCK_BYTES).filter(|b| b.iter().any(|x| *x != 0)).count();
            prop_assert_eq!(image.full_bytes(), (blocks * BLOCK_BYTES) as u64);
            prop_assert_eq!(image.delta_bytes(&before), image.full_bytes());
            prop_assert_eq!(image.delta_bytes(&image.clone()), 0);
        }
    }

    #[test]
    fn a_snapshot_does_not_see_later_writes_and_the_delta_is_exact() {
        let mut image = Image::default();
        image.write(0, &[7; 3 * BLOCK_BYTES]);
        let snapshot = image.clone();
        image.write(BLOCK_BYTES as u64, &[0; BLOCK_BYTES]);
        image.write(5 * BLOCK_BYTES as u64 + 9, &[1]);
        image.write(0, &[7; BLOCK_BYTES]);
        assert_eq!(snapshot.read(BLOCK_BYTES as u64, 4), [7; 4]);
        assert_eq!(image.delta_bytes(&snapshot), 2 * BLOCK_BYTES as u64);
    }
}
