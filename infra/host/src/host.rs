//! The host as its users hold it: started, asked, stopped.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use crate::{
    front,
    function::{self, Trigger},
    host_json::HostJson,
    inner::Inner,
    life::Life,
    log::{Log, LogLine},
    principal::Principal,
    queue::Listener,
    settings::Settings,
    timer::Timer,
    worker::Worker,
};

/// What a host is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder with `host.json` and one folder per function.
    pub app_dir: PathBuf,
    /// The port of the HTTP front on 127.0.0.1; 0 is any free one.
    pub port: u16,
    /// The app settings: the handler's environment, besides `PATH`, `HOME` and the host's own variables.
    pub settings: BTreeMap<String, String>,
    /// Where timers keep their status records and locks.
    pub state_dir: PathBuf,
    /// The JSON of a signed-in user, as Easy Auth would send it; none is no sign-in at all.
    pub principal: Option<String>,
    /// Whether this host knows `enableProxyingHttpRequest`; an older one forwards.
    pub proxying: bool,
}

/// A running host. Dropping it ends it, too.
pub struct Host {
    inner: Arc<Inner>,
    port: u16,
    closed: watch::Receiver<bool>,
    tasks: JoinSet<()>,
}

impl Host {
    /// Starts a host; returns when the front listens, while the handler may still be starting.
    pub async fn start(config: Config) -> Result<Host> {
        let app_dir = std::path::absolute(&config.app_dir)?;
        let mut settings = Settings(config.settings);
        if settings.get("WEBSITE_AUTH_ENABLED").is_none() {
            // The platform sets it from the site's authentication settings (functions-host §8).
            let on = if config.principal.is_some() { "True" } else { "False" };
            settings.0.insert("WEBSITE_AUTH_ENABLED".to_owned(), on.to_owned());
        }
        let host = HostJson::load(&app_dir, &settings)?;
        let function::Loaded { functions, errors } = function::load(&app_dir, &host, &settings)?;
        if functions.is_empty() {
            bail!("No job functions found in {}. {}", app_dir.display(), errors.join(" "));
        }
        let principal = Principal::new(config.principal.as_deref())?;
        let address = ("127.0.0.1", config.port);
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("listening on {address:?}"))?;
        let port = listener.local_addr()?.port();
        let (log, life) = (Log::new(), Life::new());
        let worker = Arc::new(Worker::new(&app_dir, &host, &settings, log.clone(), life.clone())?);
        for error in errors {
            log.error(error);
        }
        let (mut timers, mut queues) = (Vec::new(), Vec::new());
        let mut by_hand = BTreeMap::new();
        for function in &functions {
            match &function.trigger {
                Trigger::Timer { schedule, run_on_startup, use_monitor, text } => {
                    log.information(format!("Timer '{}' is scheduled as '{text}'.", function.name));
                    let (sender, receiver) = mpsc::unbounded_channel();
                    by_hand.insert(function.name.clone(), sender);
                    timers.push(Timer {
                        function: function.clone(),
                        schedule: schedule.clone(),
                        run_on_startup: *run_on_startup,
                        use_monitor: *use_monitor,
                        state_dir: config.state_dir.clone(),
                        by_hand: receiver,
                    });
                }
                Trigger::Queue { queue, connection } => queues.push(Listener {
                    function: function.clone(),
                    queue: queue.clone(),
                    connection: connection.clone(),
                }),
                Trigger::Http { route, .. } => {
                    log.information(format!(
                        "Mapped function route '{}' to '{}'",
                        route.template(),
                        function.name
                    ));
                }
            }
        }
        let inner = Arc::new(Inner {
            host,
            functions,
            settings,
            principal,
            proxying: config.proxying,
            log,
            life,
            worker: Arc::clone(&worker),
            timers: by_hand,
            started: Instant::now(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(worker.supervise());
        for timer in timers {
            tasks.spawn(timer.listen(Arc::clone(&inner)));
        }
        for queue in queues {
            tasks.spawn(queue.listen(Arc::clone(&inner)));
        }
        let (close, closed) = watch::channel(false);
        let front = front::serve(listener, Arc::clone(&inner));
        tasks.spawn(async move {
            front.await;
            close.send_replace(true);
        });
        Ok(Host { inner, port, closed, tasks })
    }

    /// The address of the front, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process id of the handler, while there is one.
    pub fn handler_pid(&self) -> Option<u32> {
        self.inner.worker.pid()
    }

    /// Resolves when the handler has answered `GET /`; fails when the host ends before.
    pub async fn wait_ready(&self) -> Result<()> {
        tokio::select! {
            () = self.inner.worker.wait_ready() => Ok(()),
            reason = self.inner.life.ended() => bail!("the host stopped itself: {reason}"),
        }
    }

    /// Resolves with the reason when the host has stopped itself and its front is closed.
    pub async fn stopped(&self) -> String {
        let reason = self.inner.life.ended().await;
        // An error is a front that is gone, which is closed as well.
        let _ = self.closed.clone().wait_for(|closed| *closed).await;
        reason
    }

    /// Sends every line of the log from here on.
    pub fn subscribe_logs(&self) -> broadcast::Receiver<LogLine> {
        self.inner.log.subscribe()
    }

    /// Kills the handler, without a warning as the real host does (§2.5), and closes the front.
    pub async fn stop(mut self) {
        self.inner.life.end("stopped");
        while self.tasks.join_next().await.is_some() {}
    }
}
