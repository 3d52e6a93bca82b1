//! A queue service for these tests: the emulator's program, started for one test. It is built, not
//! depended upon: the host and the emulator know nothing of each other.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::app::client;

/// A running queue service, which ends with the value.
pub(crate) struct Storage {
    process: Child,
    told: BTreeMap<String, String>,
    client: Client,
    token: String,
}

impl Storage {
    pub(crate) async fn start() -> Self {
        let mut process = Command::new(program()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut told = BTreeMap::new();
        for line in lines {
            let line = line.unwrap();
            let (name, value) = line.split_once('=').unwrap();
            told.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            if name == "AZURE_STORAGE_CONNECTION_STRING" {
                break;
            }
        }
        let client = client();
        let query = [("api-version", "2019-08-01"), ("resource", "https://storage.azure.com/")];
        let request = client.get(&told["IDENTITY_ENDPOINT"]).query(&query);
        let request = request.header("x-identity-header", &told["IDENTITY_HEADER"]);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { process, told, client, token }
    }

    pub(crate) fn connection(&self) -> &str {
        &self.told["AZURE_STORAGE_CONNECTION_STRING"]
    }

    async fn send(&self, method: Method, path: &str, body: Option<String>) -> Response {
        let url = format!("{}{path}", self.told["QUEUE_ENDPOINT"]);
        let request = self.client.request(method, url).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        request.send().await.unwrap().error_for_status().unwrap()
    }

    pub(crate) async fn make(&self, queue: &str) {
        self.send(Method::PUT, &format!("/{queue}"), None).await;
    }

    /// Puts a text in Base64, as the host expects it.
    pub(crate) async fn put(&self, queue: &str, text: &str) {
        self.put_raw(queue, &STANDARD.encode(text)).await;
    }

    pub(crate) async fn put_raw(&self, queue: &str, text: &str) {
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        self.send(Method::POST, &format!("/{queue}/messages"), Some(body)).await;
    }

    /// How many messages there are, the hidden ones too.
    pub(crate) async fn count(&self, queue: &str) -> u64 {
        let answer = self.send(Method::GET, &format!("/{queue}?comp=metadata"), None).await;
        let count = answer.headers()["x-ms-approximate-messages-count"].to_str().unwrap();
        count.parse().unwrap()
    }

    /// The text of the first visible message, as it is.
    pub(crate) async fn peek(&self, queue: &str) -> Option<String> {
        let url = format!("{}/{queue}/messages?peekonly=true", self.told["QUEUE_ENDPOINT"]);
        let answer = self.client.get(url).bearer_auth(&self.token).send().await.unwrap();
        let text = answer.text().await.unwrap();
        let (_, rest) = text.split_once("<MessageText>")?;
        Some(rest.split_once('<')?.0.to_owned())
    }

    /// Moves the service's clock on.
    pub(crate) async fn advance(&self, seconds: u64) {
        let url = format!("{}/clock", self.told["CONTROL_URL"]);
        let request = self.client.put(url).json(&json!({"advance_seconds": seconds}));
        request.send().await.unwrap().error_for_status().unwrap();
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The emulator's program, built once for all tests.
fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        // What cargo tells this test of its package would make the inner one build afresh.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_")
                && name.to_string_lossy() != "CARGO_TARGET_DIR"
                && name.to_string_lossy() != "CARGO_HOME"
            {
                cargo.env_remove(name);
            }
        }
        let built = cargo.args(["build", "--quiet", "--package", "emulator"]).status().unwrap();
        assert!(built.success());
        // This test is in `target/debug/deps`.
        let test = std::env::current_exe().unwrap();
        test.parent().unwrap().parent().unwrap().join("emulator")
    };
    BUILT.get_or_init(build).clone()
}
