//! The emulator from outside, over its real sockets. No test sleeps: the clock is frozen and moved.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod copies;
mod lab;
mod operations;
mod refusals;
mod resources;
mod state;
mod storage;
