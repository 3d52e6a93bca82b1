//! Who may do what: everybody everything, less what rules of the control API take away.

use serde::{Deserialize, Serialize};

use super::{World, failure::Failure, path::within};

/// Who asks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Caller {
    /// The application's id.
    pub(crate) client: String,
    /// The object's id in the directory.
    pub(crate) object: String,
}

/// A narrowing of rights at a scope and all in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessRule {
    /// The application's or the object's id; none: everybody.
    #[serde(default)]
    pub(crate) principal: Option<String>,
    pub(crate) scope: String,
    /// All that is left, as patterns of actions; none: all.
    #[serde(default)]
    pub(crate) allowed: Option<Vec<String>>,
    /// What is taken away.
    #[serde(default)]
    pub(crate) denied: Vec<String>,
}

impl AccessRule {
    fn binds(&self, caller: &Caller, scope_key: &str) -> bool {
        let named = self.principal.as_ref().is_none_or(|principal| {
            principal.eq_ignore_ascii_case(&caller.client)
                || principal.eq_ignore_ascii_case(&caller.object)
        });
        named && within(scope_key, &self.scope.to_ascii_lowercase())
    }

    fn permits(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        !any(&self.denied) && self.allowed.as_ref().is_none_or(|allowed| any(allowed))
    }
}

/// Whether an action has the form of a pattern with `*` for any part.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| action.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl World {
    pub(crate) fn permits(&self, caller: &Caller, action: &str, scope: &str) -> bool {
        let key = scope.to_ascii_lowercase();
        let rules = self.tenant.access.values();
        rules.filter(|rule| rule.binds(caller, &key)).all(|rule| rule.permits(action))
    }

    /// Refuses what the caller may not do.
    pub(crate) fn check_access(
        &self,
        caller: &Caller,
        action: &str,
        scope: &str,
    ) -> Result<(), Failure> {
        if self.permits(caller, action, scope) {
            return Ok(());
        }
        Err(Failure::gateway(
            403,
            "AuthorizationFailed",
            format!(
                "The client '{}' with object id '{}' does not have authorization to perform \
                 action '{action}' over scope '{scope}' or the scope is invalid. If access was \
                 recently granted, please refresh your credentials.",
                caller.client, caller.object
            ),
        ))
    }

    /// Refuses the use of something elsewhere that the caller may not use so. The text is that of
    /// kubernetes-sigs/azuredisk-csi-driver#2610, the action that of `MicrosoftDocs/azure-docs#11362`.
    pub(crate) fn check_linked(
        &self,
        caller: &Caller,
        (action, scope): (&str, &str),
        (linked_action, linked): (&str, &str),
    ) -> Result<(), Failure> {
        if self.permits(caller, linked_action, linked) {
            return Ok(());
        }
        Err(Failure::gateway(
            403,
            "LinkedAuthorizationFailed",
            format!(
                "The client '{}' with object id '{}' has permission to perform action '{action}' \
                 on scope '{scope}'; however, it does not have permission to perform action(s) \
                 '{linked_action}' on the linked scope(s) '{linked}' (respectively) or the linked \
                 scope(s) are invalid.",
                caller.client, caller.object
            ),
        ))
    }

    /// The patterns that the caller has at a scope: what is left of all, and what is taken away.
    pub(crate) fn permissions(&self, caller: &Caller, scope: &str) -> (Vec<String>, Vec<String>) {
        let key = scope.to_ascii_lowercase();
        let (mut actions, mut not_actions) = (vec!["*".to_owned()], Vec::new());
        for rule in self.tenant.access.values().filter(|rule| rule.binds(caller, &key)) {
            if let Some(allowed) = &rule.allowed {
                // Of two patterns the narrower one is what both allow.
                let narrower = |of: &[String], than: &[String]| {
                    let fits = |one: &&String| than.iter().any(|other| matches(other, one));
                    of.iter().filter(fits).cloned().collect::<Vec<_>>()
                };
                let mut both = narrower(allowed, &actions);
                both.extend(narrower(&actions, allowed));
                both.sort();
                both.dedup();
                actions = both;
            }
            not_actions.extend(rule.denied.iter().cloned());
        }
        (actions, not_actions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_without_case_and_anywhere() {
        let action = "Microsoft.Compute/snapshots/beginGetAccess/action";
        for pattern in ["*", "microsoft.compute/*", "*/action", "*/snapshots/*/action", action] {
            assert!(matches(pattern, action), "{pattern}");
        }
        for pattern in ["*/read", "Microsoft.Compute/disks/*", "Microsoft.Compute", ""] {
            assert!(!matches(pattern, action), "{pattern}");
        }
    }
}
