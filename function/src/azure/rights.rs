//! What the identity may do in a subscription, and what of the required it may not.
//!
//! With fewer rights Azure's lists are silently narrower: what is missing from them would look as
//! if it were gone.

use serde::Deserialize;

use super::{ArmClient, ArmError};

const PERMISSIONS: &str = "api-version=2022-04-01";

/// Required at every subscription that is looked at. What writing takes is not: it may be given at
/// the groups alone, and Azure says what is missing when it refuses.
const REQUIRED: [&str; 4] = [
    "Microsoft.Compute/disks/read",
    "Microsoft.Compute/snapshots/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Authorization/locks/read",
];

/// Actions that a role assignment gives, less those that it does not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    not_actions: Vec<String>,
}

impl ArmClient {
    /// The required actions that the identity does not have at the subscription.
    pub async fn missing_rights(&self, subscription: &str) -> Result<Vec<&'static str>, ArmError> {
        let path = format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions?{PERMISSIONS}"
        );
        let (permissions, _) = self.list::<Permission, _>(&path, Ok).await?;
        Ok(missing(&permissions))
    }
}

fn missing(permissions: &[Permission]) -> Vec<&'static str> {
    let required = REQUIRED.into_iter();
    required.filter(|action| !permissions.iter().any(|given| given.permits(action))).collect()
}

impl Permission {
    fn permits(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        any(&self.actions) && !any(&self.not_actions)
    }
}

/// Whether an action has the form of a pattern, in which `*` stands for any text.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == action };
    let Some(mut action) = action.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = action.find(part) else { return false };
        action = &action[at + part.len()..];
    }
    action.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(actions: &[&str], not_actions: &[&str]) -> Permission {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Permission { actions: owned(actions), not_actions: owned(not_actions) }
    }

    #[test]
    fn a_reader_lacks_nothing_and_a_stranger_all() {
        assert_eq!(missing(&[given(&["*/read"], &[])]), Vec::<&str>::new());
        assert_eq!(missing(&[given(&["Microsoft.Compute/*"], &[])]), REQUIRED[2..]);
        assert_eq!(missing(&[]), REQUIRED);
    }

    #[test]
    fn what_one_assignment_leaves_out_another_may_give() {
        let without = || given(&["*"], &["Microsoft.Compute/*/read"]);
        assert_eq!(missing(&[without()]), REQUIRED[..2]);
        let with = given(&["microsoft.compute/snapshots/*"], &[]);
        assert_eq!(missing(&[without(), with]), REQUIRED[..1]);
    }

    #[test]
    fn a_pattern_has_any_number_of_stars_anywhere() {
        let action = "Microsoft.Compute/snapshots/write";
        for pattern in ["*", "*/write", "Microsoft.*/snapshots/*", "*/snap*/w*", action, "*s*s*e"] {
            assert!(matches(pattern, action), "{pattern}");
        }
        for pattern in ["*/read", "Microsoft.Compute", "", "Microsoft.Compute/disks/*", "*x*"] {
            assert!(!matches(pattern, action), "{pattern}");
        }
    }
}
