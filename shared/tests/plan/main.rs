//! The planner and its check, from outside: scenarios by name, and properties over random worlds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agreement;
mod broken;
mod edges;
mod golden;
mod properties;
mod restic;
mod scenarios;
mod words;
mod world;
