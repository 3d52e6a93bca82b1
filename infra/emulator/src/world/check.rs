//! What must hold of any world, whatever was asked of it and wherever the process was killed.
//!
//! It looks at everything, so that it is for tests and people, not for requests.

use super::{World, id::group_key, resource::Managed};

impl World {
    /// Says what is torn; nothing, if all is well.
    pub(crate) fn torn(&self) -> Vec<String> {
        let mut torn = Vec::new();
        if !self.indexes_agree() {
            torn.push("an index does not say what its rows say".to_owned());
        }
        for (key, group) in self.groups.iter() {
            if !self.subscriptions.contains(&group.subscription.to_ascii_lowercase()) {
                torn.push(format!("{key} has no subscription"));
            }
        }
        for (key, disk) in self.disks.iter() {
            self.check_managed(key, &disk.base, &mut torn);
        }
        for (key, snapshot) in self.snapshots.iter() {
            self.check_managed(key, &snapshot.base, &mut torn);
            if snapshot.incremental != snapshot.family.is_some() {
                torn.push(format!("{key} has a family though it is not incremental, or none"));
            }
            let transfer = snapshot.transfer.as_deref().map(|key| self.transfers.get(key));
            if transfer.is_some_and(|transfer| transfer.is_none()) {
                torn.push(format!("{key} has lost its copy"));
            }
        }
        torn
    }

    fn check_managed(&self, key: &str, found: &Managed, torn: &mut Vec<String>) {
        if found.id.key() != key {
            torn.push(format!("{key} calls itself {}", found.id.path()));
        }
        if !self.groups.contains(&group_key(&found.id.subscription, &found.id.group)) {
            torn.push(format!("{key} has no group"));
        }
        if !self.layers.resolves(&found.image.layer) {
            torn.push(format!("{key} has lost its layers"));
        }
    }
}
