//! Real clients, unpatched, against the emulator alone: the az CLI, Microsoft's SDKs in Python and
//! JavaScript, azcopy.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod az;
mod azcopy;
mod images;
mod lab;
mod sdk;
mod template;
