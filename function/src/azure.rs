//! Azure Resource Manager as the function needs it: send, page through, wait for operations; and
//! the queue that carries clicks.
//!
//! Azure's JSON stops in this folder. Retries are few and short: the next tick is the retry.

mod budget;
pub(crate) mod compute;
mod error;
mod operation;
pub(crate) mod queue;
mod rights;
mod token;
mod transport;
mod wire;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

pub use error::ArmError;
pub use operation::Ended;
pub use transport::{InProcess, Taker, Transport};

use crate::config::Config;
use token::Tokens;
use transport::{Received, client};

/// Tries of one call, the first included.
const MAX_TRIES: u32 = 4;

/// Azure may ask for 20 minutes; a tick gives up sooner and comes back.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(20);

/// Pages of one list: 1,000 items each.
const MAX_PAGES: usize = 1_000;

/// Bytes of one answer: 1,000 snapshots are about 1.5 MB.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The client of Azure Resource Manager.
pub struct ArmClient {
    endpoint: Url,
    tokens: Tokens,
    transport: Transport,
    budgets: budget::Budgets,
    regions: compute::Regions,
}

/// An answer that is a success.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null where it is empty.
    pub body: Value,
}

impl Answer {
    fn of(target: &str, received: Received) -> Result<Self, ArmError> {
        let Received { status, headers, bytes } = received;
        let body = if bytes.is_empty() { Value::Null } else { read(target, &bytes)? };
        Ok(Self { status, headers, body })
    }

    /// The header's text.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The id that Microsoft's support asks for.
    pub fn request_id(&self) -> Option<String> {
        self.header("x-ms-request-id").map(str::to_owned)
    }
}

impl ArmClient {
    /// A client by configuration, whose calls go where `transport` says; connects to nothing yet.
    pub fn new(config: &Config, transport: Transport) -> Self {
        Self {
            endpoint: config.arm_endpoint.clone(),
            tokens: Tokens::new(config.credential, config.arm_scope.clone()),
            transport,
            budgets: budget::Budgets::default(),
            regions: compute::Regions::default(),
        }
    }

    /// Why a call with `method` should not be made in that subscription at present; none if it may.
    pub fn refusal(&self, method: &Method, subscription: &str) -> Option<String> {
        self.budgets.refusal(method, subscription)
    }

    /// Sends one call, with short retries.
    ///
    /// `target` is a path with its query, or an absolute URL that Azure gave.
    pub async fn send(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ArmError> {
        Answer::of(target, self.receive(method, target, body).await?)
    }

    async fn receive(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Received, ArmError> {
        let url = self.resolve(target)?;
        let mut attempt = 1;
        loop {
            match self.send_once(method.clone(), url.clone(), body).await {
                Ok(received) => return Ok(received),
                Err(error) => self.pause(&method, &url, attempt, error).await?,
            }
            attempt += 1;
        }
    }

    /// Waits until a call that failed may be sent again; its error where another try is of no use.
    async fn pause(
        &self,
        method: &Method,
        url: &Url,
        attempt: u32,
        error: ArmError,
    ) -> Result<(), ArmError> {
        let Some(pause) = error.pause(attempt).filter(|_| attempt < MAX_TRIES) else {
            if let ArmError::Throttled { retry_after } = &error {
                self.budgets.close(method, url.path(), *retry_after);
            }
            return Err(error);
        };
        tracing::warn!(%method, path = url.path(), attempt, %error, "trying Azure again");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Lists a collection, all its pages, each item as `into` makes it of what Azure says; the first
    /// answer's date comes along.
    ///
    /// Pages are read as they come: kept as JSON, a large collection would take many times the memory.
    async fn list<W: DeserializeOwned, T>(
        &self,
        path: &str,
        into: impl Fn(W) -> Result<T, ArmError>,
    ) -> Result<(Vec<T>, Option<Timestamp>), ArmError> {
        let mut items = vec![];
        let mut date = None;
        let mut next = Some(path.to_owned());
        for _ in 0..MAX_PAGES {
            let Some(target) = next.take() else { return Ok((items, date)) };
            let received = self.receive(Method::GET, &target, None).await?;
            date = date.or_else(|| date_of(&received.headers));
            let page: Page<W> = read(path, &received.bytes)?;
            for item in page.value {
                items.push(into(item)?);
            }
            next = page.next_link.filter(|link| !link.is_empty());
        }
        if next.is_some() {
            Err(ArmError::payload(path, "it has too many pages"))
        } else {
            Ok((items, date))
        }
    }

    /// A link of Azure's is followed to Azure's own host only: the token goes nowhere else.
    fn resolve(&self, target: &str) -> Result<Url, ArmError> {
        let url = self
            .endpoint
            .join(target)
            .map_err(|error| ArmError::payload(target, &error.to_string()))?;
        if url.origin() == self.endpoint.origin() {
            Ok(url)
        } else {
            Err(ArmError::payload(target, "it leads to another host"))
        }
    }

    async fn send_once(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Received, ArmError> {
        let token = self.tokens.get(self.transport.in_process()).await?;
        let path = url.path().to_owned();
        let received = self.transport.send(method.clone(), url, token.secret(), body).await?;
        let Received { status, headers, bytes } = &received;
        if !status.is_success() {
            if *status == StatusCode::UNAUTHORIZED {
                self.tokens.forget().await;
            }
            return Err(ArmError::refused(*status, headers, bytes));
        }
        self.budgets.note(&method, &path, headers);
        Ok(received)
    }
}

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink")]
    next_link: Option<String>,
}

fn read<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T, ArmError> {
    serde_json::from_slice(bytes).map_err(|error| ArmError::payload(path, &error.to_string()))
}

fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get("date")?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}
