//! Subscriptions' resource groups.

use jiff::Timestamp;

use super::{
    World,
    failure::Failure,
    id::{ResourceId, group_key},
    operations::{Duration, Effect, Operation},
    region,
    resource::{Group, Tags},
};

impl World {
    /// The group, or ARM's 404 for it or for its subscription.
    pub(crate) fn group(&self, subscription: &str, name: &str) -> Result<&Group, Failure> {
        self.subscription(subscription)?;
        self.groups
            .get(&group_key(subscription, name))
            .ok_or_else(|| Failure::group_not_found(name))
    }

    /// Creates or retags a group; tells whether it is new.
    pub(crate) fn put_group(
        &mut self,
        subscription: &str,
        name: &str,
        location: Option<&str>,
        tags: Option<Tags>,
    ) -> Result<bool, Failure> {
        let subscription = self.subscription(subscription)?.id.clone();
        let allowed = |c: char| c.is_alphanumeric() || "_-.()".contains(c);
        if !(1..=90).contains(&name.chars().count())
            || !name.chars().all(allowed)
            || name.ends_with('.')
        {
            return Err(Failure::gateway(
                400,
                "InvalidResourceGroupName",
                format!("The provided resource group name '{name}' is not valid."),
            ));
        }
        let Some(location) = location else {
            return Err(Failure::gateway(
                400,
                "LocationRequired",
                "The location property is required for this definition.",
            ));
        };
        let Some(region) = region::find(location) else {
            return Err(Failure::gateway(
                400,
                "LocationNotAvailableForResourceGroup",
                format!("The provided location '{location}' is not available for resource group."),
            ));
        };
        let key = group_key(&subscription, name);
        if let Some(group) = self.groups.get_mut(&key) {
            if group.deleting {
                return Err(Failure::group_being_deleted(&group.name));
            }
            if group.location != region.name {
                return Err(Failure::gateway(
                    409,
                    "InvalidResourceGroupLocation",
                    format!(
                        "Invalid resource group location '{}'. The Resource group already exists \
                         in location '{}'.",
                        region.name, group.location
                    ),
                ));
            }
            group.tags = tags;
            return Ok(false);
        }
        let group = Group {
            subscription,
            name: name.to_owned(),
            location: region.name.to_owned(),
            tags,
            managed_by: None,
            deleting: false,
        };
        self.groups.insert(key, group);
        Ok(true)
    }

    /// Accepts the deletion of a group and all in it.
    pub(crate) fn delete_group(
        &mut self,
        subscription: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<Operation, Failure> {
        self.group(subscription, name)?;
        let key = group_key(subscription, name);
        let Some(group) = self.groups.get_mut(&key) else {
            return Err(Failure::group_not_found(name));
        };
        group.deleting = true;
        let location = group.location.clone();
        let effect = Effect::DeleteGroup {
            subscription: group.subscription.clone(),
            name: group.name.clone(),
        };
        Ok(self.begin(effect, (subscription, &location), None, Duration::GroupDelete, now))
    }

    pub(super) fn remove_group(&mut self, subscription: &str, name: &str, at: Timestamp) {
        let key = group_key(subscription, name);
        let prefix = format!("{key}/");
        let disks = self.disks.under(&prefix, None).map(|(_, disk)| disk.base.id.clone());
        let snapshots = self.snapshots.under(&prefix, None).map(|(_, s)| s.base.id.clone());
        let inside: Vec<ResourceId> = disks.chain(snapshots).collect();
        for id in inside {
            self.remove(&id, at);
        }
        self.remove_tenant_of(&prefix);
        self.groups.remove(&key);
    }
}
