//! The handler's process: started, watched, restarted and given up (functions-host §2).

mod launch;
mod supervise;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use tokio::{net::TcpSocket, sync::watch, task::AbortHandle};

use crate::{host_json::HostJson, life::Life, log::Log, settings::Settings};

pub(crate) use launch::Launch;

/// How many errors within half an hour end the host (functions-host §2.3).
const ERROR_LIMIT: u32 = 3;

/// The handler as the rest of the host sees it.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) port: u16,
    launch: Launch,
    initialization_timeout: Duration,
    state: watch::Sender<State>,
    /// The latest process that a function's timeout has condemned, by its number.
    condemned: watch::Sender<u64>,
    log: Log,
    life: Life,
    /// Bound, never listening: keeps other programs off the port while no handler is there.
    _reserved: Option<TcpSocket>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    number: u64,
    pid: Option<u32>,
    ready: bool,
}

impl Worker {
    /// Picks the port, once for all processes to come.
    pub(crate) fn new(
        app_dir: &Path,
        host: &HostJson,
        settings: &Settings,
        log: Log,
        life: Life,
    ) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        let wanted = host.port.unwrap_or(0);
        socket
            .bind(([127, 0, 0, 1], wanted).into())
            .with_context(|| format!("Unable to bind to port {wanted}."))?;
        let port = socket.local_addr()?.port();
        Ok(Self {
            port,
            launch: Launch::new(app_dir, host, settings, port),
            initialization_timeout: host.initialization_timeout,
            state: watch::Sender::new(State::default()),
            condemned: watch::Sender::new(0),
            log,
            life,
            // Only Linux lets the handler bind beside a bound socket that does not listen.
            _reserved: cfg!(target_os = "linux").then_some(socket),
        })
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.state.borrow().pid
    }

    /// Resolves when the handler has answered `GET /` and still lives.
    pub(crate) async fn wait_ready(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.state.subscribe().wait_for(|state| state.ready).await;
    }

    /// Waits as an invocation does (§2.4); false means the host is ending.
    pub(crate) async fn ready_for_invocation(&self) -> bool {
        let limit = self.initialization_timeout * (ERROR_LIMIT + 1);
        tokio::select! {
            _ = self.life.ended() => false,
            ready = tokio::time::timeout(limit, self.wait_ready()) => {
                if ready.is_err() {
                    let reason = "Final functionDispatcher state: Initializing. Initialization timed out and host is shutting down";
                    self.log.error(reason);
                    self.life.end(reason);
                }
                ready.is_ok()
            }
        }
    }

    /// Watches one invocation: past its limit the whole process is killed (§2.3).
    pub(crate) fn watch(&self, function: &str, id: &str, limit: Option<Duration>) -> Watch {
        let Some(limit) = limit else { return Watch(None) };
        let number = self.state.borrow().number;
        let (log, condemned) = (self.log.clone(), self.condemned.clone());
        let text = format!(
            "Timeout value of {limit:?} exceeded by function 'Functions.{function}' (Id: '{id}'). Initiating cancellation."
        );
        let task = tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            log.error(text);
            condemned.send_modify(|latest| *latest = number.max(*latest));
        });
        Watch(Some(task.abort_handle()))
    }
}

/// Held for as long as an invocation runs.
#[derive(Debug)]
pub(crate) struct Watch(Option<AbortHandle>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
