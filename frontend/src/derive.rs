//! Shapes the estate into what a page shows. Every rule is asked of `shared`; nothing is decided.

pub(crate) mod disk;
pub(crate) mod overview;
pub(crate) mod suggest;
pub(crate) mod timeline;
