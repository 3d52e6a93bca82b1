//! The stored blocks: by segment and number, once, when they change.
//!
//! A layer's blocks are in its segment: its own number at first, another after a merge, which moves
//! the smaller of two sets of blocks into the larger's segment.

use std::{collections::BTreeMap, sync::Arc};

use imbl::OrdMap;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::world::{
    image::{BLOCK_BYTES, Block, Image},
    layers::{LayerChange, Layers},
};

/// A layer's parent; 0: none.
const LAYERS: TableDefinition<u64, u64> = TableDefinition::new("layers");
/// A layer's segment, where it is not the layer's own number.
const SEGMENTS: TableDefinition<u64, u64> = TableDefinition::new("segments");
/// An empty value is a block of zeros over one of the parent.
pub(super) const BLOCKS: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("blocks");

/// The tables of one transaction.
struct Tables<'t> {
    layers: Table<'t, u64, u64>,
    segments: Table<'t, u64, u64>,
    blocks: Table<'t, (u64, u64), &'static [u8]>,
}

/// Does to the stored blocks what the world did to its layers.
pub(super) fn write(
    transaction: &WriteTransaction,
    changes: &[LayerChange],
) -> Result<(), redb::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut tables = Tables {
        layers: transaction.open_table(LAYERS)?,
        segments: transaction.open_table(SEGMENTS)?,
        blocks: transaction.open_table(BLOCKS)?,
    };
    for change in changes {
        match change {
            LayerChange::Begin { layer, parent } => drop(tables.layers.insert(layer, parent)?),
            LayerChange::Write { layer, change: (number, block) } => {
                let key = (tables.segment(*layer)?, *number);
                match block {
                    Some(block) => drop(tables.blocks.insert(key, block.as_slice())?),
                    // Zeros over nothing are nothing.
                    None if tables.parent(*layer)? == 0 => drop(tables.blocks.remove(key)?),
                    None => drop(tables.blocks.insert(key, [].as_slice())?),
                }
            }
            LayerChange::Merge { parent, child } => tables.merge(*parent, *child)?,
            LayerChange::Drop { layer } => {
                let segment = tables.segment(*layer)?;
                tables.clear(segment)?;
                tables.layers.remove(layer)?;
                tables.segments.remove(layer)?;
            }
        }
    }
    Ok(())
}

impl Tables<'_> {
    fn segment(&self, layer: u64) -> Result<u64, redb::Error> {
        Ok(self.segments.get(layer)?.map_or(layer, |segment| segment.value()))
    }

    fn parent(&self, layer: u64) -> Result<u64, redb::Error> {
        Ok(self.layers.get(layer)?.map_or(0, |parent| parent.value()))
    }

    fn clear(&mut self, segment: u64) -> Result<(), redb::Error> {
        self.blocks.retain_in((segment, 0)..=(segment, u64::MAX), |_, _| false)?;
        Ok(())
    }

    fn read(&self, segment: u64) -> Result<Vec<(u64, Vec<u8>)>, redb::Error> {
        let rows = self.blocks.range((segment, 0)..=(segment, u64::MAX))?;
        rows.map(|row| {
            let (key, value) = row?;
            Ok((key.value().1, value.value().to_vec()))
        })
        .collect()
    }

    /// Whether the first has at most as many blocks as the second, in the time of the smaller.
    fn is_smaller(&self, first: u64, second: u64) -> Result<bool, redb::Error> {
        let range = |segment: u64| self.blocks.range((segment, 0)..=(segment, u64::MAX));
        let (mut one, mut other) = (range(first)?, range(second)?);
        loop {
            match (one.next().transpose()?, other.next().transpose()?) {
                (None, _) => return Ok(true),
                (_, None) => return Ok(false),
                _ => {}
            }
        }
    }

    fn merge(&mut self, parent: u64, child: u64) -> Result<(), redb::Error> {
        let (under, over) = (self.segment(parent)?, self.segment(child)?);
        let below = self.parent(parent)?;
        if self.is_smaller(over, under)? {
            for (number, bytes) in self.read(over)? {
                if bytes.is_empty() && below == 0 {
                    self.blocks.remove((under, number))?;
                } else {
                    self.blocks.insert((under, number), bytes.as_slice())?;
                }
            }
            self.clear(over)?;
            self.segments.insert(child, under)?;
        } else {
            for (number, bytes) in self.read(under)? {
                if self.blocks.get((over, number))?.is_none() {
                    self.blocks.insert((over, number), bytes.as_slice())?;
                }
            }
            self.clear(under)?;
            if below == 0 {
                let range = (over, 0)..=(over, u64::MAX);
                self.blocks.retain_in(range, |_, bytes| !bytes.is_empty())?;
            }
        }
        self.layers.remove(parent)?;
        self.segments.remove(parent)?;
        self.layers.insert(child, below)?;
        Ok(())
    }
}

/// Puts the blocks back into images, and the tree of layers into the world.
pub(super) fn load(
    transaction: &WriteTransaction,
    layers: &mut Layers,
    mut images: Vec<&mut Image>,
) -> anyhow::Result<()> {
    let tables = Tables {
        layers: transaction.open_table(LAYERS)?,
        segments: transaction.open_table(SEGMENTS)?,
        blocks: transaction.open_table(BLOCKS)?,
    };
    let mut parents = BTreeMap::new();
    for row in tables.layers.iter()? {
        let (layer, parent) = row?;
        parents.insert(layer.value(), parent.value());
    }
    layers.load(&parents, images.iter_mut().map(|image| &mut **image));
    // A parent has a lower number than its children.
    let mut whole: BTreeMap<u64, OrdMap<u64, Arc<Block>>> = BTreeMap::new();
    for (layer, parent) in parents {
        let mut image = whole.get(&parent).cloned().unwrap_or_default();
        let segment = tables.segment(layer)?;
        for row in tables.blocks.range((segment, 0)..=(segment, u64::MAX))? {
            let (key, value) = row?;
            match <&[u8; BLOCK_BYTES]>::try_from(value.value()) {
                Ok(block) => drop(image.insert(key.value().1, Arc::new(*block))),
                Err(_) => drop(image.remove(&key.value().1)),
            }
        }
        whole.insert(layer, image);
    }
    for image in images {
        image.blocks = whole.get(&image.layer.number()).cloned().unwrap_or_default();
    }
    Ok(())
}
