//! What surrounds disks and snapshots in a tenant, in tables: deployments, locks, machines and
//! the rest, bound together so that the world has one member for them all.

use jiff::{SignedDuration, Timestamp};

use super::{
    World,
    deployments::Deployment,
    encryption::EncryptionSet,
    locks::Lock,
    machines::{Machine, ScaleSet},
    network::NetworkResource,
    policies::Policy,
    quotas::Quota,
    rights::AccessRule,
    table::Table,
};

/// A change of a row, to be stored: `None` erases it.
type Changes = Vec<(String, Option<Vec<u8>>)>;

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Tenant {
    pub(crate) deployments: Table<Deployment>,
    pub(crate) locks: Table<Lock>,
    /// By number, in the order in which they were given.
    pub(crate) access: Table<AccessRule>,
    pub(crate) policies: Table<Policy>,
    pub(crate) encryption_sets: Table<EncryptionSet>,
    pub(crate) machines: Table<Machine>,
    pub(crate) scale_sets: Table<ScaleSet>,
    pub(crate) network: Table<NetworkResource>,
    pub(crate) quotas: Table<Quota>,
    /// Files that the ARM listener serves, by name.
    pub(crate) files: Table<String>,
}

impl Tenant {
    /// The rows to be stored, by table.
    pub(crate) fn take_changes(&mut self) -> serde_json::Result<Vec<(&'static str, Changes)>> {
        Ok(vec![
            ("deployments", self.deployments.take_changes()?),
            ("locks", self.locks.take_changes()?),
            ("access", self.access.take_changes()?),
            ("policies", self.policies.take_changes()?),
            ("encryption_sets", self.encryption_sets.take_changes()?),
            ("machines", self.machines.take_changes()?),
            ("scale_sets", self.scale_sets.take_changes()?),
            ("network", self.network.take_changes()?),
            ("quotas", self.quotas.take_changes()?),
            ("files", self.files.take_changes()?),
        ])
    }

    /// Drops what is noted for a store, when there is none.
    pub(crate) fn forget_changes(&mut self) {
        self.deployments.forget_changes();
        self.locks.forget_changes();
        self.access.forget_changes();
        self.policies.forget_changes();
        self.encryption_sets.forget_changes();
        self.machines.forget_changes();
        self.scale_sets.forget_changes();
        self.network.forget_changes();
        self.quotas.forget_changes();
        self.files.forget_changes();
    }

    /// Puts back a stored row; a table that is not one of these is left alone.
    pub(crate) fn load(&mut self, table: &str, key: &str, row: &[u8]) -> serde_json::Result<()> {
        match table {
            "deployments" => self.deployments.load(key, row),
            "locks" => self.locks.load(key, row),
            "access" => self.access.load(key, row),
            "policies" => self.policies.load(key, row),
            "encryption_sets" => self.encryption_sets.load(key, row),
            "machines" => self.machines.load(key, row),
            "scale_sets" => self.scale_sets.load(key, row),
            "network" => self.network.load(key, row),
            "quotas" => self.quotas.load(key, row),
            "files" => self.files.load(key, row),
            _ => Ok(()),
        }
    }
}

impl World {
    /// Keeps earlier looks of what lists and Resource Graph show.
    pub(super) fn keep_past(&mut self) {
        self.disks.keep_past();
        self.snapshots.keep_past();
        self.tenant.encryption_sets.keep_past();
        self.tenant.machines.keep_past();
        self.tenant.scale_sets.keep_past();
    }

    /// Forgets how rows looked at times after `at`, to which the clock is put back.
    pub(crate) fn forget_ahead(&mut self, at: Timestamp) {
        self.disks.forget_ahead(at);
        self.snapshots.forget_ahead(at);
        self.tenant.encryption_sets.forget_ahead(at);
        self.tenant.machines.forget_ahead(at);
        self.tenant.scale_sets.forget_ahead(at);
    }

    /// Takes what was changed for changed at `at`.
    pub(crate) fn settle_past(&mut self, at: Timestamp) {
        let switches = &self.settings.switches;
        let delay = switches.graph_delay_seconds.max(switches.list_delay_seconds);
        let since = earlier(at, delay);
        self.disks.settle_past(at, since);
        self.snapshots.settle_past(at, since);
        self.tenant.encryption_sets.settle_past(at, since);
        self.tenant.machines.settle_past(at, since);
        self.tenant.scale_sets.settle_past(at, since);
    }

    /// The moment that lists show.
    pub(crate) fn listed_at(&self, now: Timestamp) -> Timestamp {
        earlier(now, self.settings.switches.list_delay_seconds)
    }

    /// The moment that Resource Graph shows.
    pub(crate) fn graph_at(&self, now: Timestamp) -> Timestamp {
        earlier(now, self.settings.switches.graph_delay_seconds)
    }

    /// Removes all in a group that is neither disk nor snapshot.
    pub(super) fn remove_tenant_of(&mut self, prefix: &str) {
        let tenant = &mut self.tenant;
        remove(&mut tenant.machines, prefix);
        remove(&mut tenant.scale_sets, prefix);
        remove(&mut tenant.encryption_sets, prefix);
        remove(&mut tenant.network, prefix);
        remove(&mut tenant.deployments, prefix);
        remove(&mut tenant.locks, prefix);
    }
}

fn remove<V: Clone>(table: &mut Table<V>, prefix: &str) {
    let keys: Vec<String> = table.under(prefix, None).map(|(key, _)| key.clone()).collect();
    for key in keys {
        table.remove(&key);
    }
}

fn earlier(at: Timestamp, seconds: u64) -> Timestamp {
    let delay = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    at.checked_sub(delay).unwrap_or(Timestamp::MIN)
}
