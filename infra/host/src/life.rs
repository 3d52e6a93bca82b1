//! The host's own life: every task of the host ends when it does.

use tokio::sync::watch;

/// Why the host ended, once it has.
#[derive(Debug, Clone)]
pub(crate) struct Life(watch::Sender<Option<String>>);

impl Life {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Ends the host; only the first reason counts.
    pub(crate) fn end(&self, reason: &str) {
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert_with(|| reason.to_owned());
            first
        });
    }

    /// Resolves with the reason when the host has ended.
    pub(crate) async fn ended(&self) -> String {
        let mut receiver = self.0.subscribe();
        match receiver.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            // The sender lives in `self`.
            Err(_) => String::new(),
        }
    }
}
