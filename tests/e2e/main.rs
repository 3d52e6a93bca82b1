//! Stories from outside, each with a stack of its own. `cargo xtask test` builds what they drive.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod apply;
mod article;
mod bad_input;
mod clicks;
mod crash_ticks;
mod delta;
mod files;
mod outage;
mod own_azure;
mod policies;
mod portal;
mod remade;
mod structure;
mod takeover;
mod tick;
