//! Ids of resources of any type: `/subscriptions/…/resourceGroups/…/providers/{provider}/{type}/{name}…`.

use serde::{Deserialize, Serialize};

/// A resource in a resource group. Compared by [`ResourcePath::key`], shown as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ResourcePath {
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) provider: String,
    /// Types and names by turns.
    pub(crate) pairs: Vec<(String, String)>,
}

impl ResourcePath {
    /// Reads an id in any case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        Self::of_parts(&parts)
    }

    pub(crate) fn of_parts<S: AsRef<str>>(parts: &[S]) -> Option<Self> {
        let part = |at: usize| parts.get(at).map(AsRef::as_ref).unwrap_or_default();
        let fixed = [(0, "subscriptions"), (2, "resourceGroups"), (4, "providers")];
        let fits = fixed.iter().all(|(at, name)| part(*at).eq_ignore_ascii_case(name));
        let pairs = parts.get(6..).unwrap_or_default();
        if !fits || pairs.is_empty() || pairs.len() % 2 == 1 {
            return None;
        }
        let pair = |pair: &[S]| (pair[0].as_ref().to_owned(), pair[1].as_ref().to_owned());
        Some(Self {
            subscription: part(1).to_owned(),
            group: part(3).to_owned(),
            provider: part(5).to_owned(),
            pairs: pairs.chunks(2).map(pair).collect(),
        })
    }

    /// The id as answers show it.
    pub(crate) fn path(&self) -> String {
        let mut path = format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{}",
            self.subscription, self.group, self.provider
        );
        for (kind, name) in &self.pairs {
            path.push_str(&format!("/{kind}/{name}"));
        }
        path
    }

    /// The id as tables know it.
    pub(crate) fn key(&self) -> String {
        self.path().to_ascii_lowercase()
    }

    /// `Microsoft.Compute/virtualMachines`, with the types of its parents.
    pub(crate) fn resource_type(&self) -> String {
        let types: Vec<&str> = self.pairs.iter().map(|(kind, _)| kind.as_str()).collect();
        format!("{}/{}", self.provider, types.join("/"))
    }

    /// The last name.
    pub(crate) fn name(&self) -> &str {
        self.pairs.last().map_or("", |(_, name)| name)
    }

    /// All names, as ARM's 404 writes them.
    pub(crate) fn full_name(&self) -> String {
        let names: Vec<&str> = self.pairs.iter().map(|(_, name)| name.as_str()).collect();
        names.join("/")
    }

    /// The same with the spelling that answers use.
    pub(crate) fn spelled(mut self, provider: &str, types: &[&str]) -> Self {
        self.provider = provider.to_owned();
        for ((kind, _), spelled) in self.pairs.iter_mut().zip(types) {
            *kind = (*spelled).to_owned();
        }
        self
    }

    /// ARM's 404 for it.
    pub(crate) fn not_found(&self) -> super::failure::Failure {
        let types: Vec<String> =
            self.pairs.iter().map(|(kind, name)| format!("{kind}/{name}")).collect();
        let named = match self.pairs.as_slice() {
            // The recorded text of a missing child names its missing parent.
            [_] | [] => types.join("/"),
            _ => types.first().cloned().unwrap_or_default(),
        };
        super::failure::Failure::gateway(
            404,
            "ResourceNotFound",
            format!(
                "The Resource '{}/{named}' under resource group '{}' was not found. For more \
                 details please go to https://aka.ms/ARMResourceNotFoundFix",
                self.provider, self.group
            ),
        )
    }
}

impl TryFrom<String> for ResourcePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("not the id of a resource in a group: {text}"))
    }
}

impl From<ResourcePath> for String {
    fn from(path: ResourcePath) -> Self {
        path.path()
    }
}

/// Whether `key` is `scope` or something in it; both in lower case.
pub(crate) fn within(key: &str, scope: &str) -> bool {
    let scope = scope.trim_end_matches('/');
    key.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_any_case_and_shown_as_written() {
        let id = "/subscriptions/s/resourcegroups/G/providers/Microsoft.Compute/virtualMachineScaleSets/v/virtualMachines/0";
        let path = ResourcePath::parse(id).unwrap();
        assert_eq!(path.path(), id.replace("resourcegroups", "resourceGroups"));
        assert_eq!(
            path.resource_type(),
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
        );
        assert_eq!((path.name(), path.full_name().as_str()), ("0", "v/0"));
        assert!(ResourcePath::parse("/subscriptions/s/resourceGroups/g").is_none());
        assert!(
            within("/subscriptions/s/x", "/subscriptions/s")
                && !within("/subscriptions/st", "/subscriptions/s")
        );
    }
}
