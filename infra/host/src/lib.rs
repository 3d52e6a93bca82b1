//! Plays the Azure Functions host for a custom handler, where Core Tools cannot be had.
//!
//! Written from Microsoft's sources and documentation (functions-host, cited by section): it reads
//! `host.json` and every `function.json`, keeps the handler's process, sends it HTTP requests and the
//! envelopes of timers and queues, and ends itself when the real host would. It knows nothing of the app inside.

mod client;
mod clock;
mod envelope;
mod front;
mod function;
mod host;
mod host_json;
mod inner;
mod life;
mod log;
mod principal;
mod queue;
mod route;
mod schedule;
mod settings;
mod timer;
mod timespan;
mod worker;

pub use host::{Config, Host};
pub use log::{LogLevel, LogLine};
