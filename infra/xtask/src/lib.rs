//! Every command that a developer needs, as functions: `cargo xtask …` calls them, and so do the
//! tests that need the whole stack.

pub mod artifacts;
pub mod az;
pub mod bench;
pub mod estate;
pub mod portal;
pub mod run;
pub mod simulate;
pub mod stack;
pub mod test;
pub mod tools;
