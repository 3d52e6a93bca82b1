//! An app folder around the test handler, and the waiting that tests do.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use host::{Config, Host};
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An app like the one that is deployed, before its host starts.
pub(crate) struct App {
    pub(crate) folder: TempDir,
    pub(crate) host_json: Value,
    pub(crate) config: Config,
}

impl App {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            app_dir: folder.path().join("app"),
            port: 0,
            settings: BTreeMap::from([
                ("TICK".to_owned(), "0 0 0 1 1 *".to_owned()),
                ("AzureWebJobsDisableHomepage".to_owned(), "true".to_owned()),
            ]),
            state_dir: folder.path().join("state"),
            principal: None,
            proxying: true,
        };
        let host_json = json!({
            "version": "2.0",
            "extensions": {"http": {"routePrefix": ""}},
            "customHandler": {
                "description": {"defaultExecutablePath": env!("CARGO_BIN_EXE_echo-handler")},
                "enableForwardingHttpRequest": true,
                "enableProxyingHttpRequest": true,
            },
        });
        let app = Self { folder, host_json, config };
        app.http("api", "api/{*path}", true);
        app.http("root", "{ignored:maxlength(0)?}", true);
        app.http("wrapped", "wrap/{id}", false);
        app.function("tick", &json!([{"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "%TICK%"}]));
        app
    }

    pub(crate) fn setting(mut self, name: &str, value: impl Into<String>) -> Self {
        self.config.settings.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An app with a function `work` that is triggered by the queue `work`.
    pub(crate) fn with_queue(connection: &str) -> Self {
        let app = Self::new().setting("AzureWebJobsStorage", connection);
        app.function(
            "work",
            &json!([{
                "type": "queueTrigger", "direction": "in", "name": "item", "queueName": "%QUEUE%",
            }]),
        );
        app.setting("QUEUE", "work")
            .setting("AzureFunctionsJobHost__extensions__queues__maxPollingInterval", "00:00:00.2")
    }

    fn http(&self, name: &str, route: &str, in_and_out: bool) {
        let mut bindings = vec![
            json!({"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "anonymous", "route": route}),
            json!({"type": "http", "direction": "out", "name": "res"}),
        ];
        if !in_and_out {
            bindings.push(json!({"type": "queue", "direction": "out", "name": "message"}));
        }
        self.function(name, &json!(bindings));
    }

    pub(crate) fn function(&self, name: &str, bindings: &Value) {
        let folder = self.config.app_dir.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("function.json"), json!({"bindings": bindings}).to_string())
            .unwrap();
    }

    pub(crate) async fn start(&self) -> Host {
        std::fs::write(self.config.app_dir.join("host.json"), self.host_json.to_string()).unwrap();
        Host::start(self.config.clone()).await.unwrap()
    }
}

pub(crate) fn client() -> Client {
    // The second test finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).build().unwrap()
}

pub(crate) async fn get(host: &Host, path: &str) -> Value {
    let response = client().get(host.url() + path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

/// Asks again until there is an answer, within a limit.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let ask = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(20), ask).await {
        Ok(answer) => answer,
        Err(_) => panic!("gave up waiting until {what}"),
    }
}
