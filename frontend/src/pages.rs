//! One page, one file.

pub(crate) mod deletions;
pub(crate) mod disk;
pub(crate) mod not_found;
pub(crate) mod overview;
pub(crate) mod policies;
pub(crate) mod policy;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod snapshot;
