//! How calls travel: over sockets, or straight into a router of the same process.
//!
//! The second is for simulation: the emulator's own router answers, on a clock that a test holds.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use bytes::Bytes;
use futures::StreamExt;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use tokio::sync::OnceCell;
use tower::ServiceExt;
use url::Url;

use super::{ArmError, MAX_ANSWER_BYTES};
use crate::message::Message;

/// Where calls go.
pub enum Transport {
    /// Over sockets.
    Reqwest(Sockets),
    /// Into this process.
    InProcess(InProcess),
}

/// A client over sockets, built when it is first used.
pub struct Sockets {
    ca_file: Option<PathBuf>,
    http: OnceCell<reqwest::Client>,
}

/// Azure as a router: Resource Manager, and the identity endpoint at `/msi/token`.
pub struct InProcess {
    /// What answers. A body that breaks off stands for a connection that does.
    pub router: Router,
    /// The `IDENTITY_HEADER` that token requests carry.
    pub identity_header: String,
    /// What takes the messages that are put on the queue; where nothing does, none can be put.
    pub messages: Option<Taker>,
}

/// Takes a message that is put on the queue.
pub type Taker = Arc<dyn Fn(&Message) + Send + Sync>;

/// One answer, read whole.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
}

impl Transport {
    /// Over sockets; connects to nothing yet.
    pub fn sockets(ca_file: Option<PathBuf>) -> Self {
        Self::Reqwest(Sockets { ca_file, http: OnceCell::new() })
    }

    /// The Azure of this process, if that is where calls go.
    pub(super) fn in_process(&self) -> Option<&InProcess> {
        match self {
            Self::Reqwest(_) => None,
            Self::InProcess(azure) => Some(azure),
        }
    }

    /// Sends one call, once.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        token: &str,
        body: Option<&Value>,
    ) -> Result<Received, ArmError> {
        match self {
            Self::Reqwest(sockets) => sockets.send(method, url, token, body).await,
            Self::InProcess(azure) => azure.send(method, url, token, body).await,
        }
    }
}

impl Sockets {
    async fn send(
        &self,
        method: Method,
        url: Url,
        token: &str,
        body: Option<&Value>,
    ) -> Result<Received, ArmError> {
        let http = self.http.get_or_try_init(|| client(self.ca_file.as_deref())).await?;
        let path = url.path().to_owned();
        let mut request = http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| unreachable(&path, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let chunks = response.bytes_stream();
        let bytes = read(&path, chunks).await?;
        Ok(Received { status, headers, bytes })
    }
}

impl InProcess {
    async fn send(
        &self,
        method: Method,
        url: Url,
        token: &str,
        body: Option<&Value>,
    ) -> Result<Received, ArmError> {
        let path = url.path().to_owned();
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("host", url.authority())
            .header("authorization", format!("Bearer {token}"));
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|error| unreachable(&path, error))?;
        self.call(&path, request).await
    }

    /// A token and the second at which it ends, from the endpoint that App Service serves.
    pub(super) async fn token(&self, resource: &str) -> Result<(String, i64), ArmError> {
        let path = "/msi/token";
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("api-version", "2019-08-01")
            .append_pair("resource", resource)
            .finish();
        let request = axum::http::Request::get(format!("{path}?{query}"))
            .header("x-identity-header", &self.identity_header)
            .body(Body::empty())
            .map_err(|error| unreachable(path, error))?;
        let received = self.call(path, request).await?;
        let body: Value = serde_json::from_slice(&received.bytes).unwrap_or_default();
        let ends = body["expires_on"].as_str().and_then(|text| text.parse().ok());
        match (body["access_token"].as_str(), ends) {
            (Some(token), Some(ends)) => Ok((token.to_owned(), ends)),
            _ => Err(ArmError::Credential(format!("the endpoint answered {}", received.status))),
        }
    }

    async fn call(
        &self,
        path: &str,
        request: axum::http::Request<Body>,
    ) -> Result<Received, ArmError> {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = read(path, body.into_data_stream()).await?;
        Ok(Received { status: parts.status, headers: parts.headers, bytes })
    }
}

/// Reads a body whole, up to a limit.
async fn read<E: std::error::Error + Send + Sync + 'static>(
    path: &str,
    chunks: impl futures::Stream<Item = Result<Bytes, E>>,
) -> Result<Bytes, ArmError> {
    let mut chunks = std::pin::pin!(chunks);
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| unreachable(path, error))?);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(ArmError::payload(path, "it is too large"));
        }
    }
    Ok(bytes.into())
}

fn unreachable(path: &str, source: impl std::error::Error + Send + Sync + 'static) -> ArmError {
    ArmError::Unreachable { path: path.to_owned(), source: Box::new(source) }
}

/// Builds an HTTP client: lazily, as that takes longer than binding the port.
pub(super) async fn client(ca_file: Option<&std::path::Path>) -> Result<reqwest::Client, ArmError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("snapferry/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none());
    if let Some(file) = ca_file {
        let pem = tokio::fs::read(file)
            .await
            .map_err(|error| ArmError::Setup(format!("reading {}: {error}", file.display())))?;
        let ca = reqwest::Certificate::from_pem(&pem)
            .map_err(|error| ArmError::Setup(format!("{}: {error}", file.display())))?;
        builder = builder.tls_certs_merge([ca]);
    }
    builder.build().map_err(|error| ArmError::Setup(error.to_string()))
}
