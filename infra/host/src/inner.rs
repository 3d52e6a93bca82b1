//! What all parts of a running host share, and the envelope call that HTTP, timers and queues have in common.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Method, Request, header},
};
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;

use crate::{
    client,
    envelope::{self, Answer},
    function::Function,
    host_json::HostJson,
    life::Life,
    log::Log,
    principal::Principal,
    settings::Settings,
    worker::Worker,
};

/// The version that this host claims to be.
pub(crate) const VERSION: &str = "4.1054.250.0";
pub(crate) const INVOCATION_ID: &str = "x-azure-functions-invocationid";
pub(crate) const HOST_VERSION: &str = "x-azure-functions-hostversion";

/// A running host.
pub(crate) struct Inner {
    pub(crate) host: HostJson,
    pub(crate) functions: Vec<Function>,
    pub(crate) settings: Settings,
    pub(crate) principal: Principal,
    /// Whether this host is new enough to proxy.
    pub(crate) proxying: bool,
    pub(crate) log: Log,
    pub(crate) life: Life,
    pub(crate) worker: Arc<Worker>,
    /// Fires a timer function by hand.
    pub(crate) timers: BTreeMap<String, mpsc::UnboundedSender<()>>,
    pub(crate) started: Instant,
}

impl Inner {
    /// Posts an envelope to the handler and reads its answer (functions-host §3.4, §4.1).
    pub(crate) async fn call(
        &self,
        function: &Function,
        id: Uuid,
        data: Value,
        metadata: Map<String, Value>,
    ) -> Result<Answer, String> {
        if !self.worker.ready_for_invocation().await {
            return Err("Function host is not running.".to_owned());
        }
        let id = id.to_string();
        let _watch = self.worker.watch(&function.name, &id, self.host.function_timeout);
        let body = envelope::encode(&function.name, &function.binding, data, metadata);
        let request = self.request(function, &id, body).map_err(|error| error.to_string())?;
        let failed = |failure: client::Failure| failure.to_string();
        let connection = client::connect(self.worker.port).await.map_err(failed)?;
        let response = connection.send(request).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let body =
            to_bytes(Body::new(body), usize::MAX).await.map_err(|error| error.to_string())?;
        let answer = envelope::decode(head.status, content_type(&head.headers), &body)?;
        for line in &answer.logs {
            self.log.information(line);
        }
        Ok(answer)
    }

    fn request(
        &self,
        function: &Function,
        id: &str,
        body: String,
    ) -> axum::http::Result<Request<Body>> {
        // A stream without a known length goes out chunked, as the host's does.
        let body = futures::stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(body))]);
        Request::builder()
            .method(Method::POST)
            .uri(format!("/{}", function.name))
            .header(header::HOST, format!("127.0.0.1:{}", self.worker.port))
            .header(HOST_VERSION, VERSION)
            .header(INVOCATION_ID, id)
            .header(header::USER_AGENT, format!("Azure-Functions-Host/{VERSION}"))
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Body::from_stream(body))
    }

    /// Logs the start and the end of an invocation as the host does.
    pub(crate) fn executing(&self, function: &Function, reason: &str, id: Uuid) {
        self.log.information(format!(
            "Executing 'Functions.{}' (Reason='{reason}', Id={id})",
            function.name
        ));
    }

    pub(crate) fn executed(
        &self,
        function: &Function,
        id: Uuid,
        since: Instant,
        error: Option<&str>,
    ) {
        let (name, took) = (&function.name, since.elapsed().as_millis());
        match error {
            None => self.log.information(format!(
                "Executed 'Functions.{name}' (Succeeded, Id={id}, Duration={took}ms)"
            )),
            Some(error) => self.log.error(format!(
                "Executed 'Functions.{name}' (Failed, Id={id}, Duration={took}ms) {error}"
            )),
        }
    }
}

/// The content type of a message, if it is text.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::to_str)
        .and_then(Result::ok)
        .unwrap_or_default()
}
