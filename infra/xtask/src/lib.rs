//! Every command a developer needs, as functions.

pub mod portal;
