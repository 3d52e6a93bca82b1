//! The queue that carries clicks and parts of ticks to the worker: one operation, to put a message.
//!
//! The Functions host takes messages; nothing here reads them.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use sha2::Sha256;
use tokio::sync::OnceCell;
use url::Url;

use super::{ArmError, Transport, token::Tokens, transport::Taker};
use crate::{
    config::{Access, AccountKey, Config},
    message::Message,
};

/// The queue that `function/app/work/function.json` names.
const NAME: &str = "requests";

/// The version of the service that requests are made for.
const VERSION: &str = "2025-07-05";

/// The scope of tokens for Azure Storage, in every cloud.
const SCOPE: &str = "https://storage.azure.com/.default";

/// Tries of one call; a person waits.
const MAX_TRIES: u32 = 3;

/// Why a message was not put.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// The account, or the network to it, is away.
    #[error("its queue cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The service refused.
    #[error("its queue refused: {code}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The service's error code.
        code: String,
    },
    /// There is no token, or no client.
    #[error("no access to its queue: {0}")]
    Access(#[from] ArmError),
}

/// The queue of requests.
pub(crate) struct RequestQueue {
    endpoint: Url,
    access: Opener,
    ca_file: Option<std::path::PathBuf>,
    http: OnceCell<reqwest::Client>,
}

enum Opener {
    Key(AccountKey),
    Tokens(Tokens),
    /// Whatever stands for it in this process; where nothing does, whoever puts a message does
    /// without.
    InProcess(Option<Taker>),
}

impl RequestQueue {
    /// A client by configuration; connects to nothing yet.
    pub(crate) fn new(config: &Config, transport: &Transport) -> Self {
        Self {
            endpoint: config.storage.queues.clone(),
            access: match &config.storage.access {
                _ if let Some(azure) = transport.in_process() => {
                    Opener::InProcess(azure.messages.clone())
                }
                Access::Key(key) => Opener::Key(key.clone()),
                Access::Identity => {
                    Opener::Tokens(Tokens::new(config.credential, SCOPE.to_owned()))
                }
            },
            ca_file: config.ca_file.clone(),
            http: OnceCell::new(),
        }
    }

    /// Puts a message. Put twice, what it asks for is done once.
    pub(crate) async fn put(&self, message: &Message) -> Result<(), QueueError> {
        if let Opener::InProcess(taker) = &self.access {
            let Some(taker) = taker else { return Err(nowhere()) };
            taker(message);
            return Ok(());
        }
        // Base64, as host.json says (functions-host §6.2).
        let text = STANDARD.encode(serde_json::to_vec(message).unwrap_or_default());
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        match self.send(Method::POST, "/messages", &body).await {
            Err(QueueError::Refused { code, .. }) if code == "QueueNotFound" => {
                self.send(Method::PUT, "", "").await?;
                self.send(Method::POST, "/messages", &body).await
            }
            other => other,
        }
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> Result<(), QueueError> {
        let mut attempt = 1;
        loop {
            let error = match self.send_once(method.clone(), path, body).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let passing = match &error {
                QueueError::Unreachable(_) => true,
                QueueError::Refused { status, .. } => {
                    status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
                }
                QueueError::Access(_) => false,
            };
            if !passing || attempt == MAX_TRIES {
                tracing::error!(?error, "a message was not put");
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(200 << attempt)).await;
            attempt += 1;
        }
    }

    async fn send_once(&self, method: Method, path: &str, body: &str) -> Result<(), QueueError> {
        let http = self.http.get_or_try_init(|| super::client(self.ca_file.as_deref())).await?;
        let path = format!("{}/{NAME}{path}", self.endpoint.path().trim_end_matches('/'));
        let mut url = self.endpoint.clone();
        url.set_path(&path);
        let date = real_now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let authorization = match &self.access {
            Opener::InProcess(_) => return Err(nowhere()),
            Opener::Key(key) => sign(key, &method, &path, body.len(), &date),
            Opener::Tokens(tokens) => format!("Bearer {}", tokens.get(None).await?.secret()),
        };
        let answer = http
            .request(method, url)
            .timeout(Duration::from_secs(10))
            .header("authorization", authorization)
            .header("x-ms-date", date)
            .header("x-ms-version", VERSION)
            .header("content-length", body.len())
            .body(body.to_owned())
            .send()
            .await
            .map_err(QueueError::Unreachable)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let unwelcome = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
        if let (Opener::Tokens(tokens), true) = (&self.access, unwelcome) {
            tokens.forget().await;
        }
        let code = answer.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok());
        let code = code.map_or_else(|| format!("Http{}", status.as_u16()), str::to_owned);
        Err(QueueError::Refused { status, code })
    }
}

fn nowhere() -> QueueError {
    ArmError::Setup("there is none".to_owned()).into()
}

/// The `SharedKey` signature of a request that has no other headers to be signed, and no query.
fn sign(key: &AccountKey, method: &Method, path: &str, length: usize, date: &str) -> String {
    let length = match length {
        0 => String::new(),
        length => length.to_string(),
    };
    let account = &key.account;
    let text = format!(
        "{method}\n\n\n{length}\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{VERSION}\n\
         /{account}{path}"
    );
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.key) else { return String::new() };
    mac.update(text.as_bytes());
    format!("SharedKey {account}:{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A signature's date is compared with the real clock, also where the emulator's is set elsewhere.
#[expect(clippy::disallowed_methods, reason = "a signature is dated by the real clock")]
fn real_now() -> Timestamp {
    Timestamp::now()
}
