//! Keeps the world in a redb file, so that what was acknowledged survives the process.
//!
//! Rows are JSON by table and key; blocks are stored by layer, once, when they change. A kill of
//! the process loses nothing; a loss of power may, since nothing waits for the disk: an emulator
//! need not be safer than its machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io,
    path::Path,
    sync::Arc,
};

use anyhow::Context;
use imbl::OrdMap;
use redb::{
    Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    backends::FileBackend,
};

use crate::world::{
    Settings, World,
    image::{BLOCK_BYTES, Block, Image},
};

const ROWS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("rows");
const LAYERS: TableDefinition<u64, u64> = TableDefinition::new("layers");
/// An empty value is a block of zeros over one of the parent.
const BLOCKS: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("blocks");

/// The open file.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
}

/// Writes through the operating system without waiting for the disk.
#[derive(Debug)]
struct Unsynced(FileBackend);

impl StorageBackend for Unsynced {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.0.set_len(len)
    }

    /// The page cache outlives the process, and only that is promised.
    fn sync_data(&self) -> Result<(), io::Error> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.0.write(offset, data)
    }

    fn close(&self) -> Result<(), io::Error> {
        self.0.close()
    }
}

impl Store {
    /// Opens or makes the file in `folder`; one emulator at a time may have it.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("world.redb");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        lock(&file).with_context(|| format!("{} is in use by another emulator", path.display()))?;
        let backend = Unsynced(FileBackend::new(file)?);
        let database = redb::Builder::new()
            .create_with_backend(backend)
            .with_context(|| format!("reading {}", path.display()))?;
        Ok(Self { database })
    }

    /// Writes all that changed, in one transaction.
    pub(crate) fn commit(&self, world: &mut World) -> anyhow::Result<()> {
        let changes = Changes::take(world)?;
        if changes.is_empty() {
            return Ok(());
        }
        let transaction = self.database.begin_write()?;
        {
            let mut rows = transaction.open_table(ROWS)?;
            for (table, key, row) in &changes.rows {
                match row {
                    Some(row) => drop(rows.insert((*table, key.as_str()), row.as_slice())?),
                    None => drop(rows.remove((*table, key.as_str()))?),
                }
            }
            let mut layers = transaction.open_table(LAYERS)?;
            for (layer, parent) in &changes.layers {
                layers.insert(layer, parent)?;
            }
            let mut blocks = transaction.open_table(BLOCKS)?;
            for (layer, (number, block)) in &changes.blocks {
                let bytes: &[u8] = block.as_ref().map_or(&[], |block| block.as_slice());
                blocks.insert((*layer, *number), bytes)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Reads the stored world, if there is one.
    pub(crate) fn load(&self) -> anyhow::Result<Option<World>> {
        let transaction = self.database.begin_read()?;
        let rows = match transaction.open_table(ROWS) {
            Ok(rows) => rows,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let settings: Settings = match rows.get(("settings", ""))? {
            Some(row) => serde_json::from_slice(row.value()).context("reading the settings")?,
            None => return Ok(None),
        };
        let mut world = World::new(settings);
        world.settings_dirty = false;
        for row in rows.iter()? {
            let (key, value) = row?;
            let (table, key) = key.value();
            load_row(&mut world, table, key, value.value())
                .with_context(|| format!("reading {table} {key}"))?;
        }
        drop(rows);
        drop(transaction);
        self.load_images(&mut world)?;
        world.resume();
        Ok(Some(world))
    }

    /// Puts the blocks back, and forgets layers that no disk or snapshot has.
    fn load_images(&self, world: &mut World) -> anyhow::Result<()> {
        let transaction = self.database.begin_write()?;
        {
            let mut layers = transaction.open_table(LAYERS)?;
            let mut parents = BTreeMap::new();
            for row in layers.iter()? {
                let (layer, parent) = row?;
                parents.insert(layer.value(), parent.value());
            }
            world.layers.last = parents.keys().next_back().copied().unwrap_or(0);
            let mut used = BTreeSet::new();
            for image in images(world) {
                let mut layer = image.layer;
                while layer != 0 && used.insert(layer) {
                    layer = parents.get(&layer).copied().unwrap_or(0);
                }
            }
            let mut blocks = transaction.open_table(BLOCKS)?;
            for layer in parents.keys().filter(|layer| !used.contains(layer)) {
                layers.remove(layer)?;
                blocks.retain_in((*layer, 0)..=(*layer, u64::MAX), |_, _| false)?;
            }
            // A parent has a lower number than its children.
            let mut whole: BTreeMap<u64, OrdMap<u64, Arc<Block>>> = BTreeMap::new();
            for layer in used {
                let parent = parents.get(&layer).and_then(|parent| whole.get(parent));
                let mut image = parent.cloned().unwrap_or_default();
                for row in blocks.range((layer, 0)..=(layer, u64::MAX))? {
                    let (key, value) = row?;
                    match <&[u8; BLOCK_BYTES]>::try_from(value.value()) {
                        Ok(block) => drop(image.insert(key.value().1, Arc::new(*block))),
                        Err(_) => drop(image.remove(&key.value().1)),
                    }
                }
                whole.insert(layer, image);
            }
            for image in images(world) {
                image.blocks = whole.get(&image.layer).cloned().unwrap_or_default();
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(io::Error::from)
}

fn images(world: &mut World) -> impl Iterator<Item = &mut Image> {
    let disks = world.disks.rows_mut().map(|disk| &mut disk.base.image);
    disks.chain(world.snapshots.rows_mut().map(|snapshot| &mut snapshot.base.image))
}

fn load_row(world: &mut World, table: &str, key: &str, row: &[u8]) -> serde_json::Result<()> {
    match table {
        "subscriptions" => world.subscriptions.load(key, row),
        "groups" => world.groups.load(key, row),
        "disks" => world.disks.load(key, row),
        "snapshots" => world.snapshots.load(key, row),
        "transfers" => world.transfers.load(key, row),
        "operations" => world.operations.load(key, row),
        other => world.tenant.load(other, key, row),
    }
}

type Row = (&'static str, String, Option<Vec<u8>>);

/// What one transaction writes.
#[derive(Debug, Default)]
struct Changes {
    rows: Vec<Row>,
    layers: Vec<(u64, u64)>,
    blocks: Vec<(u64, crate::world::image::Change)>,
}

impl Changes {
    fn take(world: &mut World) -> serde_json::Result<Self> {
        let mut rows = Vec::new();
        let mut add = |table, changes: Vec<(String, Option<Vec<u8>>)>| {
            rows.extend(changes.into_iter().map(|(key, row)| (table, key, row)));
        };
        add("subscriptions", world.subscriptions.take_changes()?);
        add("groups", world.groups.take_changes()?);
        add("disks", world.disks.take_changes()?);
        add("snapshots", world.snapshots.take_changes()?);
        add("transfers", world.transfers.take_changes()?);
        add("operations", world.operations.take_changes()?);
        for (table, changes) in world.tenant.take_changes()? {
            add(table, changes);
        }
        if std::mem::take(&mut world.settings_dirty) {
            add("settings", vec![(String::new(), Some(serde_json::to_vec(&world.settings)?))]);
        }
        Ok(Self {
            rows,
            layers: std::mem::take(&mut world.layers.pending_layers),
            blocks: std::mem::take(&mut world.layers.pending_blocks),
        })
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.layers.is_empty() && self.blocks.is_empty()
    }
}
