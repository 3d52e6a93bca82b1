//! Who may export the bytes: the choices of a form.

use shared::NetworkAccess;

use crate::{components::field::Choice, present};

const ALL: [NetworkAccess; 3] =
    [NetworkAccess::DenyAll, NetworkAccess::AllowPrivate, NetworkAccess::AllowAll];

/// Nobody first, as that is the default.
pub(crate) fn choices() -> Vec<Choice> {
    ALL.map(|access| (access.name().to_owned(), present::network_access(access).to_owned()))
        .to_vec()
}

/// The access of that name.
pub(crate) fn of(name: &str) -> NetworkAccess {
    ALL.into_iter().find(|access| access.name() == name).unwrap_or_default()
}
