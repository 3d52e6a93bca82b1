//! The layers in which blocks are stored: a snapshot freezes its disk's, and the disk goes on in a
//! new one over it.
//!
//! Every image holds its layer. When nobody holds one any more, it is dropped, or merged into the
//! only one over it, as Azure merges the data of a deleted snapshot into the next (compute-snapshots
//! §1.2). This file decides; `state.rs` does it to the stored blocks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use imbl::OrdMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::image::{Change, Image};

/// Numbers of layers that nobody holds any more.
type Released = Arc<Mutex<Vec<u64>>>;

/// A hold on a layer; clones share it, and the last one to go releases it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer(Option<Arc<Held>>);

#[derive(Debug)]
struct Held {
    number: u64,
    released: Released,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.released.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
    }
}

impl Layer {
    /// By what the store knows it; 0 is no layer.
    pub(crate) fn number(&self) -> u64 {
        self.0.as_ref().map_or(0, |held| held.number)
    }

    fn new(number: u64, released: &Released) -> Self {
        Self(Some(Arc::new(Held { number, released: Arc::clone(released) })))
    }
}

impl Serialize for Layer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.number().serialize(serializer)
    }
}

/// A stored hold is none yet: [`Layers::load`] makes it one.
impl<'de> Deserialize<'de> for Layer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(u64::deserialize(deserializer)?, &Released::default()))
    }
}

/// What a store must do, in this order.
#[derive(Debug)]
pub(crate) enum LayerChange {
    /// A new layer over another (0: over nothing).
    Begin { layer: u64, parent: u64 },
    /// A block of a layer.
    Write { layer: u64, change: Change },
    /// What the child does not have comes from the parent, which goes.
    Merge { parent: u64, child: u64 },
    /// A layer without anything over it goes.
    Drop { layer: u64 },
}

#[derive(Debug)]
struct Node {
    parent: u64,
    held: bool,
    children: BTreeSet<u64>,
}

/// The tree of layers, and what is not stored yet.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    last: u64,
    nodes: BTreeMap<u64, Node>,
    released: Released,
    pending: Vec<LayerChange>,
}

impl Layers {
    /// An image of zeros.
    pub(crate) fn empty(&mut self) -> Image {
        Image { layer: self.begin(0), blocks: OrdMap::new() }
    }

    /// An image that begins as `parent` and goes its own way.
    pub(crate) fn child(&mut self, parent: &Image) -> Image {
        Image { layer: self.begin(parent.layer.number()), blocks: parent.blocks.clone() }
    }

    /// Freezes what `image` holds and lets it go on in a layer of its own.
    pub(crate) fn freeze(&mut self, image: &mut Image) -> Image {
        let frozen = image.clone();
        image.layer = self.begin(frozen.layer.number());
        frozen
    }

    pub(crate) fn note(&mut self, layer: &Layer, changes: Vec<Change>) {
        let layer = layer.number();
        self.pending.extend(changes.into_iter().map(|change| LayerChange::Write { layer, change }));
    }

    /// What to store since the last time, with the ends of layers that nobody holds.
    pub(crate) fn take_changes(&mut self) -> Vec<LayerChange> {
        self.reap();
        std::mem::take(&mut self.pending)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Whether a layer is there, with all those under it.
    pub(crate) fn resolves(&self, layer: &Layer) -> bool {
        let mut number = layer.number();
        while let Some(node) = self.nodes.get(&number) {
            number = node.parent;
        }
        number == 0 && layer.number() != 0
    }

    /// Takes the tree as it is stored, makes holds of what images name, and lets go of the rest.
    pub(crate) fn load<'a>(
        &mut self,
        parents: &BTreeMap<u64, u64>,
        images: impl Iterator<Item = &'a mut Image>,
    ) {
        self.last = parents.keys().next_back().copied().unwrap_or(0);
        for (&layer, &parent) in parents {
            self.nodes.insert(layer, Node { parent, held: false, children: BTreeSet::new() });
        }
        for (&layer, parent) in parents {
            if let Some(node) = self.nodes.get_mut(parent) {
                node.children.insert(layer);
            }
        }
        let mut holds: BTreeMap<u64, Layer> = BTreeMap::new();
        for image in images {
            let number = image.layer.number();
            let hold = holds.entry(number).or_insert_with(|| Layer::new(number, &self.released));
            image.layer = hold.clone();
            if let Some(node) = self.nodes.get_mut(&number) {
                node.held = true;
            }
        }
        let unheld = self.nodes.iter().filter(|(_, node)| !node.held).map(|(layer, _)| *layer);
        for layer in unheld.collect::<Vec<_>>() {
            self.settle(layer);
        }
    }

    fn begin(&mut self, parent: u64) -> Layer {
        self.last += 1;
        let layer = self.last;
        if let Some(node) = self.nodes.get_mut(&parent) {
            node.children.insert(layer);
        }
        self.nodes.insert(layer, Node { parent, held: true, children: BTreeSet::new() });
        self.pending.push(LayerChange::Begin { layer, parent });
        Layer::new(layer, &self.released)
    }

    fn reap(&mut self) {
        let released =
            std::mem::take(&mut *self.released.lock().unwrap_or_else(PoisonError::into_inner));
        for layer in released {
            if let Some(node) = self.nodes.get_mut(&layer) {
                node.held = false;
                self.settle(layer);
            }
        }
    }

    /// Drops or merges a layer that nobody holds, and then maybe the one under it.
    fn settle(&mut self, layer: u64) {
        let Some(node) = self.nodes.get(&layer) else { return };
        if node.held || node.children.len() > 1 {
            return;
        }
        let (parent, child) = (node.parent, node.children.first().copied());
        self.nodes.remove(&layer);
        if let Some(under) = self.nodes.get_mut(&parent) {
            under.children.remove(&layer);
            under.children.extend(child);
        }
        match child {
            Some(child) => {
                if let Some(over) = self.nodes.get_mut(&child) {
                    over.parent = parent;
                }
                self.pending.push(LayerChange::Merge { parent: layer, child });
            }
            None => {
                self.pending.push(LayerChange::Drop { layer });
                self.settle(parent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_goes_when_its_last_holder_does_and_merges_under_one_child() {
        let mut layers = Layers::default();
        let mut disk = layers.empty();
        let first = layers.freeze(&mut disk);
        let second = layers.freeze(&mut disk);
        let copy = second.clone();
        let restored = layers.child(&second);
        layers.take_changes();
        assert_eq!(layers.count(), 4);
        drop(first);
        let changes = layers.take_changes();
        assert!(matches!(changes[..], [LayerChange::Merge { parent: 1, child: 2 }]));
        drop(second);
        assert!(layers.take_changes().is_empty(), "a copy holds it still");
        drop(copy);
        assert!(layers.take_changes().is_empty(), "two layers are over it");
        drop(restored);
        // The last one's end leaves one layer over the second, which merges.
        assert_eq!(layers.take_changes().len(), 2);
        assert!(layers.resolves(&disk.layer));
        drop(disk);
        layers.take_changes();
        assert_eq!(layers.count(), 0);
    }
}
