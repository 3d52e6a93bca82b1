//! Keeps the world in a redb file, so that what was acknowledged survives the process.
//!
//! Rows are JSON by table and key; blocks are in `state/layers.rs`. A kill of the process loses
//! nothing; a loss of power may, since nothing waits for the disk unless that is asked for: an
//! emulator need not be safer than its machine.

mod layers;

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use anyhow::Context;
use redb::{
    Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    backends::FileBackend,
};

use crate::world::{Settings, World, image::Image, layers::LayerChange};

const ROWS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("rows");

/// What redb may hold of the file in memory: the world is there already, so that the file is read
/// once, and written.
const CACHE_BYTES: usize = 32 << 20;

/// A file of which less than half is in use is compacted when it is opened, if it is worth it.
const WORTH_COMPACTING: u64 = 16 << 20;

/// The open file.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
}

/// Writes through the operating system, and waits for the disk only where `sync` is set.
#[derive(Debug)]
struct Backend {
    file: FileBackend,
    sync: bool,
}

impl StorageBackend for Backend {
    fn len(&self) -> Result<u64, io::Error> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.file.set_len(len)
    }

    /// The page cache outlives the process, and only that is promised without `sync`.
    fn sync_data(&self) -> Result<(), io::Error> {
        if self.sync { self.file.sync_data() } else { Ok(()) }
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.file.write(offset, data)
    }

    fn close(&self) -> Result<(), io::Error> {
        self.file.close()
    }
}

impl Store {
    /// Opens or makes the file in `folder`; one emulator at a time may have it. With `sync`, each
    /// commit waits for the disk.
    pub(crate) fn open(folder: &Path, sync: bool) -> anyhow::Result<Self> {
        let path = folder.join("world.redb");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        lock(&file).with_context(|| format!("{} is in use by another emulator", path.display()))?;
        let backend = Backend { file: FileBackend::new(file)?, sync };
        let database = redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(backend)
            .with_context(|| format!("reading {}", path.display()))?;
        let mut store = Self { database };
        store.compact(&path)?;
        Ok(store)
    }

    /// Gives back to the file system what deletions left free; redb itself only uses it again.
    fn compact(&mut self, path: &Path) -> anyhow::Result<()> {
        let length = path.metadata()?.len();
        if length < WORTH_COMPACTING {
            return Ok(());
        }
        let transaction = self.database.begin_write()?;
        let stats = transaction.stats()?;
        transaction.abort()?;
        let used = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
        if used < length / 2 {
            self.database.compact().context("compacting the file")?;
        }
        Ok(())
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
        }
        layers::write(&transaction, &changes.layers)?;
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
        let transaction = self.database.begin_write()?;
        let World { disks, snapshots, layers, .. } = &mut world;
        let images = disks.rows_mut().map(|disk| &mut disk.base.image);
        let images = images.chain(snapshots.rows_mut().map(|snapshot| &mut snapshot.base.image));
        let images: Vec<&mut Image> = images.collect();
        layers::load(&transaction, layers, images).context("reading the blocks")?;
        transaction.commit()?;
        world.resume();
        Ok(Some(world))
    }
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(io::Error::from)
}

fn load_row(world: &mut World, table: &str, key: &str, row: &[u8]) -> serde_json::Result<()> {
    match table {
        "subscriptions" => world.subscriptions.load(key, row),
        "groups" => world.groups.load(key, row),
        "disks" => world.disks.load(key, row),
        "snapshots" => world.snapshots.load(key, row),
        "transfers" => world.transfers.load(key, row),
        "operations" => world.operations.load(key, row),
        "grants" => world.grants.load(key, row),
        // Each leaves the other's tables alone.
        _ => {
            world.tenant.load(table, key, row)?;
            world.storage.load(table, key, row)
        }
    }
}

type Row = (&'static str, String, Option<Vec<u8>>);

/// What one transaction writes.
#[derive(Debug, Default)]
struct Changes {
    rows: Vec<Row>,
    layers: Vec<LayerChange>,
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
        add("grants", world.grants.take_changes()?);
        world.storage.take_changes(&mut add)?;
        for (table, changes) in world.tenant.take_changes()? {
            add(table, changes);
        }
        if std::mem::take(&mut world.settings_dirty) {
            add("settings", vec![(String::new(), Some(serde_json::to_vec(&world.settings)?))]);
        }
        Ok(Self { rows, layers: world.layers.take_changes() })
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.layers.is_empty()
    }
}

#[cfg(test)]
mod tests;
