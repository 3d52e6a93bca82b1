//! The parts that pages are made of. None fetches.

pub(crate) mod ask_button;
pub(crate) mod badge;
pub(crate) mod banner;
pub(crate) mod dialog;
pub(crate) mod equivalent;
pub(crate) mod field;
pub(crate) mod header;
pub(crate) mod icon;
pub(crate) mod missing;
pub(crate) mod obstacles;
pub(crate) mod points;
pub(crate) mod policy_switch;
pub(crate) mod progress;
pub(crate) mod prose;
pub(crate) mod requests;
pub(crate) mod theme;
pub(crate) mod time;
pub(crate) mod timeline;
