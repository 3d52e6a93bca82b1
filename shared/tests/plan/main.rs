//! The planner and its check, from outside: scenarios by name, and properties over random worlds.

mod broken;
mod properties;
mod scenarios;
mod world;
