//! What a message on the queue says. It carries no choice: a request is stored, a part of a tick is
//! planned from stored records.

use serde::{Deserialize, Serialize};

/// One message, as JSON: `{"request": "…"}`, `{"tick": {…}}` or `{"tick": null}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Carry out the stored request of that id.
    Request(String),
    /// Do a part of a tick, or a whole one.
    Tick(Option<Part>),
}

/// The part of a tick that one message stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The chain of its steps: a subscription's id in lower case.
    pub subscription: String,
    /// The id of the stored tick: what it saw is not for whoever can write to the queue to say.
    pub tick: String,
}
