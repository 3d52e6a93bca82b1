//! The host from outside, with a real handler process behind it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod app;
mod http;
mod process;
mod queue;
mod storage;
mod timer;
