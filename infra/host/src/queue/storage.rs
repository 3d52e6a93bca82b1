//! A queue over HTTP: receive, renew, delete, put. One connection per request.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use hyper::{Request, Response, StatusCode, body::Incoming};
use url::form_urlencoded;

use super::{
    connection::{Connection, Signed},
    message::{Message, read_list},
};
use crate::{client, clock};

/// The version of the service that requests are made for.
const VERSION: &str = "2025-07-05";
/// A service that does not answer is asked again, rather than waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// 32 messages of 64 KiB, every sign of which may be an entity.
const ANSWER_LIMIT: usize = 32 << 20;

/// Why a request to a queue came to nothing.
#[derive(Debug)]
pub(super) enum QueueError {
    Unreachable(String),
    Refused {
        status: StatusCode,
        code: String,
    },
    /// The answer is no list of messages, or lacks what it must have.
    Unreadable,
}

impl std::fmt::Display for QueueError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(reason) => write!(f, "{reason}"),
            Self::Refused { status, code } => write!(f, "{code} ({status})"),
            Self::Unreadable => write!(f, "the answer of the queue service cannot be read"),
        }
    }
}

/// One queue of an account.
#[derive(Debug)]
pub(super) struct Queue {
    connection: Connection,
    pub(super) name: String,
}

/// Parameters in order of their names.
type Query = Vec<(&'static str, String)>;

impl Queue {
    pub(super) fn new(connection: Connection, name: String) -> Self {
        Self { connection, name }
    }

    /// Takes up to `count` messages for so long.
    pub(super) async fn receive(
        &self,
        count: usize,
        lease: Duration,
    ) -> Result<Vec<Message>, QueueError> {
        let query = vec![
            ("numofmessages", count.to_string()),
            ("visibilitytimeout", lease.as_secs().to_string()),
        ];
        let (_, body) = self.send("GET", "/messages", query, None).await?;
        read_list(&body).ok_or(QueueError::Unreadable)
    }

    /// Hides a message anew; gives its new receipt.
    pub(super) async fn update(
        &self,
        message: &Message,
        hidden: Duration,
    ) -> Result<String, QueueError> {
        let query = vec![
            ("popreceipt", message.pop_receipt.clone()),
            ("visibilitytimeout", hidden.as_secs().to_string()),
        ];
        let path = format!("/messages/{}", message.id);
        let (head, _) = self.send("PUT", &path, query, None).await?;
        let receipt = head.headers.get("x-ms-popreceipt").and_then(|value| value.to_str().ok());
        receipt.map(str::to_owned).ok_or(QueueError::Unreadable)
    }

    /// Deletes a message; one that is gone already is deleted, too.
    pub(super) async fn delete(&self, message: &Message) -> Result<(), QueueError> {
        let query = vec![("popreceipt", message.pop_receipt.clone())];
        match self.send("DELETE", &format!("/messages/{}", message.id), query, None).await {
            Err(QueueError::Refused { code, .. }) if code == "MessageNotFound" => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Puts a text as it is; makes the queue if there is none.
    pub(super) async fn put_making_it(&self, text: &str) -> Result<(), QueueError> {
        let text = quick_xml::escape::escape(text);
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        match self.send("POST", "/messages", vec![], Some(body.clone())).await {
            Err(QueueError::Refused { code, .. }) if code == "QueueNotFound" => {
                self.send("PUT", "", vec![], None).await?;
                self.send("POST", "/messages", vec![], Some(body)).await.map(|_| ())
            }
            other => other.map(|_| ()),
        }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        query: Query,
        body: Option<String>,
    ) -> Result<(hyper::http::response::Parts, String), QueueError> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(method, path, query, body)).await;
        let answer = answer
            .map_err(|_| QueueError::Unreachable("the queue service is silent".to_owned()))?;
        let (head, body) = answer.map_err(QueueError::Unreachable)?;
        if head.status.is_success() {
            return Ok((head, body));
        }
        let code = head.headers.get("x-ms-error-code").and_then(|value| value.to_str().ok());
        let code = code.unwrap_or("no code").to_owned();
        Err(QueueError::Refused { status: head.status, code })
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        query: Query,
        body: Option<String>,
    ) -> Result<(hyper::http::response::Parts, String), String> {
        let endpoint = &self.connection.endpoint;
        let path = format!("{}/{}{path}", endpoint.path().trim_end_matches('/'), self.name);
        let body = body.unwrap_or_default();
        let headers =
            [("x-ms-date", clock::http(clock::now())), ("x-ms-version", VERSION.to_owned())];
        let signed =
            Signed { method, path: &path, length: body.len(), headers: &headers, query: &query };
        let host = endpoint.host_str().unwrap_or_default();
        let port = endpoint.port_or_known_default().unwrap_or(80);
        let mut request = Request::builder()
            .method(method)
            .header("host", format!("{host}:{port}"))
            .header("authorization", self.connection.authorization(&signed))
            .header("content-length", body.len());
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let request = request.uri(target).body(Body::from(body));
        let request = request.map_err(|error| error.to_string())?;
        let unreachable = |failure: client::Failure| failure.of("the queue service");
        let connection = client::connect_to(host, port).await.map_err(unreachable)?;
        let response: Response<Incoming> = connection.send(request).await.map_err(unreachable)?;
        let (head, body) = response.into_parts();
        let body = to_bytes(Body::new(body), ANSWER_LIMIT).await.map_err(|e| e.to_string())?;
        Ok((head, String::from_utf8_lossy(&body).into_owned()))
    }
}
