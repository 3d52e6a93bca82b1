//! The program `emulator` as a process of its own, with a client that trusts it.

use std::{
    io::{BufRead, BufReader},
    ops::Deref,
    path::Path,
    process::{Child, Command, Stdio},
};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

pub(crate) struct Process {
    child: Child,
    remote: Remote,
}

/// How to reach a process, alive or not.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) arm_url: String,
    pub(crate) control_url: String,
    pub(crate) client: Client,
    token: String,
}

impl Deref for Process {
    type Target = Remote;

    fn deref(&self) -> &Remote {
        &self.remote
    }
}

/// Starts it, and is not interested in where it is.
pub(crate) fn spawn(state: Option<&Path>, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emulator"));
    command.arg("--no-throttling");
    if let Some(state) = state {
        command.arg("--state").arg(state);
    }
    command.args(arguments).stdout(Stdio::piped()).spawn().unwrap()
}

impl Process {
    /// Starts it, and waits until it says where it is.
    pub(crate) async fn start(state: Option<&Path>, arguments: &[&str]) -> Self {
        let mut child = spawn(state, arguments);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said: Vec<(String, String)> = lines
            .map(|line| {
                let line = line.unwrap();
                let (name, value) = line.split_once('=').unwrap();
                (name.to_owned(), value.to_owned())
            })
            .take(6)
            .collect();
        let value = |name: &str| said.iter().find(|(n, _)| n == name).unwrap().1.clone();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = std::fs::read(value("CA_PATH")).unwrap();
        let authority = reqwest::Certificate::from_pem(&pem).unwrap();
        let client = Client::builder().tls_certs_only([authority]).build().unwrap();
        let request = client
            .get(value("IDENTITY_ENDPOINT"))
            .query(&[("api-version", "2019-08-01"), ("resource", "https://management.azure.com/")])
            .header("x-identity-header", value("IDENTITY_HEADER"));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        let (arm_url, control_url) = (value("ARM_URL"), value("CONTROL_URL"));
        Self { child, remote: Remote { arm_url, control_url, client, token } }
    }

    /// A line of `/proc/{pid}/status`, in bytes: `VmRSS`, `VmHWM`.
    pub(crate) fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let found = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':'));
        let kib = found.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() * 1024
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once: SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Remote {
    /// A request to ARM; `path` may be a whole URL.
    pub(crate) fn arm(&self, method: Method, path: &str) -> RequestBuilder {
        let url = match path.starts_with("https://") {
            true => path.to_owned(),
            false => format!("{}{path}?api-version=2024-03-02", self.arm_url),
        };
        self.client.request(method, url).bearer_auth(&self.token)
    }

    /// A request to the control API that must succeed.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let mut request = self.client.request(method, format!("{}/{path}", self.control_url));
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
