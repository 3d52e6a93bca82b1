//! The loop that keeps one handler alive, by the restart rules of functions-host §2.3.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::body::Body;
use hyper::{Request, header::HOST};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Child,
    sync::mpsc,
    time::Instant,
};

use super::{ERROR_LIMIT, State, Worker};
use crate::client::{self, Failure};

/// An error older than this, and all before it, are forgotten.
const ERROR_WINDOW: Duration = Duration::from_secs(30 * 60);
const POLL: Duration = Duration::from_millis(25);
/// A handler asks for a restart that does not count as an error with this exit code.
const RESTART_CODE: i32 = 200;

/// How one process ended.
enum End {
    /// The host is ending; the process is gone.
    Host,
    /// Restart, not counted.
    Restart(String),
    /// Restart, counted.
    Error(String),
}

impl Worker {
    /// Runs handlers one after the other until the host ends.
    pub(crate) async fn supervise(self: Arc<Self>) {
        let (mut errors, mut last_error) = (0, None::<Instant>);
        loop {
            match self.run().await {
                End::Host => return,
                End::Restart(reason) => self.log.information(reason),
                End::Error(reason) => {
                    self.log.error(reason.clone());
                    if last_error.is_some_and(|at| at.elapsed() > ERROR_WINDOW) {
                        errors = 0;
                    }
                    (errors, last_error) = (errors + 1, Some(Instant::now()));
                    if errors >= ERROR_LIMIT {
                        let text = "Exceeded http worker restart retry count. Shutting down Functions Host";
                        self.log.error(text);
                        return self.life.end(&format!("{text}: {reason}"));
                    }
                }
            }
        }
    }

    async fn run(&self) -> End {
        let number = self.state.borrow().number + 1;
        let mut child = match self.launch.start() {
            Ok(child) => child,
            Err(error) => return End::Error(format!("Failed to start the handler: {error}")),
        };
        self.state.send_replace(State { number, pid: child.id(), ready: false });
        self.log.information(format!(
            "Starting worker process {:?} on port {}",
            child.id(),
            self.port
        ));
        let last_words = self.capture(&mut child);
        let mut condemned = self.condemned.subscribe();
        let end = tokio::select! {
            _ = self.life.ended() => End::Host,
            status = child.wait() => match status {
                Ok(status) if matches!(status.code(), Some(0 | RESTART_CODE)) => {
                    End::Restart(format!("The handler exited with code {}; restarting.", status.code().unwrap_or(0)))
                }
                Ok(status) => End::Error(format!("The handler died: {status}.")),
                Err(error) => End::Error(format!("The handler is lost: {error}.")),
            },
            end = self.initialise() => end,
            _ = condemned.wait_for(|latest| *latest >= number) => {
                End::Restart("Killing the handler after a function's timeout; restarting.".to_owned())
            }
        };
        self.state.send_replace(State { number, pid: None, ready: false });
        // Does nothing to a process that is gone already.
        let _ = child.kill().await;
        match (end, last_words.await) {
            (End::Error(reason), words) if !words.is_empty() => {
                End::Error(format!("{reason} {}", words.join(" | ")))
            }
            (end, _) => end,
        }
    }

    /// Polls `GET /` until any answer (§2.2), then stays for ever; returns only on a time-out.
    async fn initialise(&self) -> End {
        let mut waited = Duration::ZERO;
        // The time that the tries themselves take does not count.
        while !self.answers().await {
            if waited >= self.initialization_timeout {
                return End::Error("Initializing HttpWorker timed out.".to_owned());
            }
            tokio::time::sleep(POLL).await;
            waited += POLL;
        }
        self.state.send_modify(|state| state.ready = true);
        self.log.information("The handler is ready.");
        std::future::pending().await
    }

    /// Only a refused connection means "not yet"; any other failure counts as ready (§2.2).
    async fn answers(&self) -> bool {
        let connection = match client::connect(self.port).await {
            Ok(connection) => connection,
            Err(Failure::Connect(_)) => return false,
            Err(Failure::Transport(_)) => return true,
        };
        let mut request = Request::new(Body::empty());
        if let Ok(host) = format!("127.0.0.1:{}", self.port).parse() {
            request.headers_mut().insert(HOST, host);
        }
        let _ = connection.send(request).await;
        true
    }

    /// Logs both outputs; the future holds the last three error lines once both have closed.
    fn capture(&self, child: &mut Child) -> impl Future<Output = Vec<String>> + use<> {
        let (sender, mut errors) = mpsc::unbounded_channel();
        if let Some(stdout) = child.stdout.take() {
            let log = self.log.clone();
            tokio::spawn(each_line(stdout, move |line| log.stdout(line)));
        }
        if let Some(stderr) = child.stderr.take() {
            let (log, errors_only) = (self.log.clone(), self.launch.stderr_is_error());
            tokio::spawn(each_line(stderr, move |line| {
                if log.stderr(line, errors_only) {
                    // The receiver may have gone; the line is logged all the same.
                    let _ = sender.send(line.to_owned());
                }
            }));
        }
        async move {
            let mut last = VecDeque::new();
            // A grandchild may hold the pipe open: do not wait long for its end.
            let drain = async {
                while let Some(line) = errors.recv().await {
                    last.push_back(line);
                    if last.len() > 3 {
                        last.pop_front();
                    }
                }
            };
            let _ = tokio::time::timeout(Duration::from_millis(200), drain).await;
            last.into()
        }
    }
}

async fn each_line(from: impl AsyncRead + Unpin, mut take: impl FnMut(&str)) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
        line.clear();
    }
}
