//! The emulator from outside, over its real sockets. No test sleeps: the clock is frozen and moved.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod copies;
mod delays;
mod deployments;
mod encryption;
mod graph;
mod lab;
mod machines;
mod operations;
mod refusals;
mod resources;
mod scenery;
mod state;
mod templates;
mod tenant;
