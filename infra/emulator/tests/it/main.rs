//! The emulator from outside, over its real sockets. No test sleeps: the clock is frozen and moved.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod access;
mod copies;
mod crash;
mod dice;
mod direct;
mod dotnet;
mod faults;
mod fuzz;
mod guesses;
mod lab;
mod limits;
mod operations;
mod process;
mod refusals;
mod resources;
mod scale;
mod state;
mod storage;
mod throttling;
