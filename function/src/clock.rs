//! The host's clock: real, or a simulation's.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use url::Url;

/// The host's clock.
pub enum Clock {
    /// The machine's.
    Machine,
    /// The emulator's, by its control API; the machine's while that does not answer.
    Remote(Remote),
    /// Whatever a simulation says.
    Simulated(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

/// A clock that is asked over HTTP.
pub struct Remote {
    url: Url,
    http: reqwest::Client,
}

impl Clock {
    /// The clock at `url` where one is configured, else the machine's.
    pub fn of_host(url: Option<Url>) -> Self {
        match url {
            Some(url) => Self::Remote(Remote { url, http: reqwest::Client::new() }),
            None => Self::Machine,
        }
    }

    /// The host's time.
    pub async fn now(&self) -> Timestamp {
        match self {
            Self::Remote(remote) => remote.ask().await.unwrap_or_else(real_now),
            Self::Machine | Self::Simulated(_) => self.machine(),
        }
    }

    /// The time by the process's own clock.
    pub fn machine(&self) -> Timestamp {
        match self {
            Self::Machine | Self::Remote(_) => real_now(),
            Self::Simulated(now) => now(),
        }
    }
}

impl Remote {
    async fn ask(&self) -> Option<Timestamp> {
        let request = self.http.get(self.url.clone()).timeout(Duration::from_secs(5));
        let body: serde_json::Value = request.send().await.ok()?.json().await.ok()?;
        body["now"].as_str()?.parse().ok()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one real clock of the function")]
fn real_now() -> Timestamp {
    Timestamp::now()
}
