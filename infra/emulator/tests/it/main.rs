//! The emulator from outside, over its real sockets. No test sleeps: the clock is frozen and moved.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod access;
mod copies;
mod crash;
mod delays;
mod deployments;
mod dice;
mod direct;
mod dotnet;
mod encryption;
mod faults;
mod fuzz;
mod graph;
mod guesses;
mod lab;
mod limits;
mod machines;
mod operations;
mod process;
mod refusals;
mod resources;
mod scale;
mod scenery;
mod state;
mod storage;
mod templates;
mod tenant;
mod throttling;
