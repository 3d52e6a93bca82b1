//! The custom handler: lists Azure, asks `shared` what to do, does it, and serves the portal.
//!
//! No rule is decided here: effects only.

pub mod app;
pub mod apply;
pub mod audit;
pub mod azure;
pub mod clock;
pub mod config;
pub mod error;
pub mod gather;
pub mod http;
pub mod message;
pub mod records;
pub mod store;
pub mod tick;

pub use app::App;
pub use config::Config;
pub use error::Error;
