//! A timer's status record and its lock, as files where the host has blobs (functions-host §6.1).

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::{self, NEVER};

/// When a timer ran and when it is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// None until the first run.
    pub(super) last: Option<Timestamp>,
    /// None if the schedule never fires.
    pub(super) next: Option<Timestamp>,
    pub(super) updated: Timestamp,
}

impl Record {
    pub(super) fn to_json(&self) -> Value {
        let text = |at: Option<Timestamp>| at.map_or_else(|| NEVER.to_owned(), clock::local);
        json!({"Last": text(self.last), "Next": text(self.next), "LastUpdated": clock::local(self.updated)})
    }

    fn from_json(json: &Value) -> Option<Self> {
        let time = |key: &str| json.get(key).and_then(Value::as_str)?.parse::<Timestamp>().ok();
        // Year one is "never", with an offset or without.
        let real = |at: &Timestamp| at.as_second() > -62_135_510_400;
        Some(Self {
            last: time("Last").filter(real),
            next: time("Next").filter(real),
            updated: time("LastUpdated")?,
        })
    }
}

/// The file `timers/Host.Functions.<name>/status` of the state folder.
#[derive(Debug)]
pub(super) struct Store(PathBuf);

impl Store {
    pub(super) fn new(state_dir: &Path, function: &str) -> Self {
        Self(state_dir.join("timers").join(format!("Host.Functions.{function}")).join("status"))
    }

    /// A record that cannot be read is none.
    pub(super) fn read(&self) -> Option<Record> {
        let text = std::fs::read(&self.0).ok()?;
        Record::from_json(&serde_json::from_slice(&text).ok()?)
    }

    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Renamed into place: a host killed in mid-write leaves the old record whole.
        let new = self.0.with_extension("new");
        std::fs::write(&new, record.to_json().to_string())?;
        std::fs::rename(new, &self.0)
    }
}

/// Takes the lock of a timer, if no other host has it; it goes with the file or the process.
pub(super) fn lock(state_dir: &Path, function: &str) -> io::Result<Option<File>> {
    let folder = state_dir.join("locks");
    std::fs::create_dir_all(&folder)?;
    let file = File::create(folder.join(format!("Host.Functions.{function}.Listener")))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
