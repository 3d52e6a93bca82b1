//! `Microsoft.Resources/tags`: changing tags without touching anything else of a resource.

use super::{World, failure::Failure, id::ResourceId, resource::Tags};

/// How the given tags meet the existing ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagOperation {
    Merge,
    Replace,
    Delete,
}

impl TagOperation {
    /// The tags that come of it, which keep ARM's limits.
    pub(crate) fn apply(self, known: &Tags, given: &Tags) -> Result<Tags, Failure> {
        let mut tags = known.clone();
        match self {
            Self::Replace => tags = given.clone(),
            Self::Merge => {
                for (name, value) in given {
                    // Tag names are compared without case; the first spelling stays.
                    let name = spelling(&tags, name).unwrap_or_else(|| name.clone());
                    tags.insert(name, value.clone());
                }
            }
            Self::Delete => {
                for (name, value) in given {
                    // GUESS: an empty value deletes whatever the tag holds.
                    if let Some(name) = spelling(&tags, name)
                        && (value.is_empty() || tags.get(&name) == Some(value))
                    {
                        tags.remove(&name);
                    }
                }
            }
        }
        check_tags(&tags)?;
        Ok(tags)
    }
}

impl World {
    /// Changes a resource's tags and gives what it has then.
    pub(crate) fn change_tags(
        &mut self,
        id: &ResourceId,
        operation: TagOperation,
        given: &Tags,
    ) -> Result<Tags, Failure> {
        let known = self.find(id)?.tags.clone().unwrap_or_default();
        let tags = operation.apply(&known, given)?;
        if let Some(resource) = self.managed_mut(id) {
            resource.tags = Some(tags.clone());
        }
        Ok(tags)
    }
}

fn spelling(tags: &Tags, name: &str) -> Option<String> {
    tags.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned()
}

/// ARM's limits: 50 tags, names of 512 and values of 256 characters.
pub(crate) fn check_tags(tags: &Tags) -> Result<(), Failure> {
    if tags.len() > 50 {
        return Err(Failure::gateway(
            400,
            "InvalidTagsMap",
            format!("The tags map has {} tags; a resource can have at most 50.", tags.len()),
        ));
    }
    let long = |(name, value): (&String, &String)| {
        name.is_empty() || name.chars().count() > 512 || value.chars().count() > 256
    };
    if tags.iter().any(long) {
        return Err(Failure::gateway(
            400,
            "InvalidTagNameOrValue",
            "A tag name must have 1 to 512 characters and a tag value at most 256.",
        ));
    }
    Ok(())
}
