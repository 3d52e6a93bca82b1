//! A process of Snapferry: the real `App` on the estate, behind gates at which calls fail, get
//! lost, take their time, or at which the process dies.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, Response, StatusCode, request::Parts},
};
use function::{
    App, Config,
    app::Ground,
    azure::{InProcess, Transport},
    clock::Clock,
    store::{Access, Kind, Memory, Store},
};
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{estate::Estate, judge};

/// A process, until it dies.
pub(crate) struct Process {
    pub(crate) app: Arc<App>,
    pub(crate) life: Arc<Life>,
}

/// What is known of a process beside its own memory.
#[derive(Default)]
pub(crate) struct Life {
    facts: Mutex<Facts>,
    died: Notify,
}

/// What a process saw in its present run.
#[derive(Default)]
pub(crate) struct Facts {
    /// Steps until it dies.
    countdown: Option<u32>,
    dead: bool,
    /// Lists whose last answer was none.
    unlisted: BTreeSet<String>,
    /// A list silently showed less.
    narrowed: bool,
    /// A past run could not be read.
    forgetful: bool,
    /// The run is over but for its record, so that what comes is of another.
    recorded: bool,
    /// Writes that a lock forbade, as the run was told.
    refused: Vec<String>,
}

impl Life {
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it die at the `n`th step from here.
    pub(crate) fn doom(&self, n: u32) {
        self.facts().countdown = Some(n);
    }

    /// Resolves when it has died.
    pub(crate) async fn end(&self) {
        self.died.notified().await;
    }

    /// Forgets what an earlier run saw.
    pub(crate) fn begin_run(&self) {
        self.facts().forget();
    }

    /// A step: before a call leaves, and before its answer arrives.
    async fn step(&self) {
        let dies = {
            let mut facts = self.facts();
            if let Some(left) = &mut facts.countdown {
                *left = left.saturating_sub(1);
                facts.dead |= *left == 0;
            }
            facts.dead
        };
        if dies {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

impl Facts {
    fn forget(&mut self) {
        self.unlisted.clear();
        self.refused.clear();
        (self.narrowed, self.forgetful, self.recorded) = (false, false, false);
    }

    /// Whether the locks were listed.
    pub(crate) fn knows_locks(&self) -> bool {
        !self.unlisted.iter().any(|list| list.ends_with("/locks"))
    }

    /// Whether past runs could not be read.
    pub(crate) fn is_forgetful(&self) -> bool {
        self.forgetful
    }

    /// The writes that a lock forbade, as the run was told.
    pub(crate) fn take_refused(&mut self) -> Vec<String> {
        std::mem::take(&mut self.refused)
    }

    /// Why this run may delete nothing, if so.
    pub(crate) fn blind(&self) -> Option<String> {
        if let Some(list) = self.unlisted.iter().next() {
            Some(format!("{list} was not listed"))
        } else if self.narrowed {
            Some("rights were taken away, so that lists showed less".to_owned())
        } else {
            self.forgetful.then(|| "a past run could not be read".to_owned())
        }
    }
}

/// What the weather has for a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    Drop,
    Lost,
    Error,
    Throttle,
    Cut,
}

#[derive(Clone)]
struct Gate {
    estate: Estate,
    installation: usize,
    life: Arc<Life>,
}

impl Process {
    /// Starts a process of an installation on its records.
    pub(crate) fn start(
        estate: &Estate,
        installation: usize,
        memory: &Memory,
    ) -> anyhow::Result<Self> {
        let life = Arc::new(Life::default());
        let gate = Gate { estate: estate.clone(), installation, life: life.clone() };
        let name = estate.state().scenario.installations[installation].name.clone();
        let config = config(&name)?;
        let clocks = estate.clone();
        let ground = Ground {
            transport: Transport::InProcess(InProcess {
                router: gate.clone().router(),
                identity_header: estate.identity_header()?,
                messages: None,
            }),
            store: Store::Memory(gate.memory(memory)),
            clock: Clock::Simulated(Arc::new(move || clocks.clocks().host())),
        };
        Ok(Self { app: Arc::new(App::on(ground, config)), life })
    }
}

/// The configuration of a process that has no sockets.
pub(crate) fn config(installation: &str) -> anyhow::Result<Config> {
    Ok(Config::from_lookup(|variable| match variable {
        "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("1".to_owned()),
        "SNAPFERRY_INSTALLATION" => Some(installation.to_owned()),
        "SNAPFERRY_STORE" | "SNAPFERRY_PORTAL" => Some("nowhere".to_owned()),
        "SNAPFERRY_ALLOW_WRITES_TO" => Some("*".to_owned()),
        "SNAPFERRY_CLOCK_URL" => Some("http://127.0.0.1:1/".to_owned()),
        "AzureWebJobsStorage" => Some("UseDevelopmentStorage=true".to_owned()),
        _ => None,
    })?)
}

impl Gate {
    fn router(self) -> Router {
        Router::new().fallback(move |request: Request<Body>| {
            let gate = self.clone();
            async move { gate.serve(request).await }
        })
    }

    fn memory(&self, memory: &Memory) -> Memory {
        let gate = self.clone();
        memory.behind(Arc::new(move |access| {
            let gate = gate.clone();
            Box::pin(async move { gate.access(access).await })
        }))
    }

    async fn access(&self, access: Access) -> io::Result<()> {
        self.life.step().await;
        let (fails, wait) = {
            let mut state = self.estate.state();
            let probability = match access {
                Access::Read(_) => state.weather.store_read,
                Access::Write(_) | Access::Beat => state.weather.store_write,
            };
            let fails = state.dice.chance(probability);
            if fails {
                let read = matches!(access, Access::Read(_));
                state.report.fault(if read { "store read" } else { "store write" });
            }
            (fails, 1 + state.dice.below(4))
        };
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if access == Access::Beat {
            self.life.facts().recorded = true;
        }
        // What fails ends the reading of the past; the last reading is what a plan is made on.
        if matches!(access, Access::Read(Kind::Run | Kind::History)) {
            self.life.facts().forgetful = fails;
        }
        if !fails {
            return Ok(());
        }
        Err(io::Error::other("a fault of the simulation"))
    }

    async fn serve(&self, request: Request<Body>) -> Response<Body> {
        self.life.step().await;
        let (fate, wait) = self.draw();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else { return broken() };
        let path = parts.uri.path().to_ascii_lowercase();
        let token = path.starts_with("/msi/");
        if !token && self.is_away(&parts, &path, &body) {
            self.heard(&parts, &path, 503);
            return refusal(503, "ServiceUnavailable", None);
        }
        match fate {
            Fate::Drop => {
                self.heard(&parts, &path, 0);
                return broken();
            }
            Fate::Error => {
                self.heard(&parts, &path, 500);
                return refusal(500, "InternalServerError", None);
            }
            Fate::Throttle if !token => {
                self.heard(&parts, &path, 429);
                return refusal(429, "TooManyRequests", Some(3 + wait % 30));
            }
            _ => {}
        }
        let given = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        if parts.method != Method::GET {
            let subject = (self.installation, &parts.method, path.as_str());
            judge::before_write(&self.estate, subject, &given, &self.life);
        }
        if parts.method == Method::DELETE {
            judge::before_delete(&self.estate, self.installation, &path, &self.life);
        }
        let method = parts.method.clone();
        let uri = parts.uri.clone();
        let response = self.estate.forward(Request::from_parts(parts, Body::from(body))).await;
        let status = response.status();
        if method != Method::GET {
            self.retouch(&method, &path, &given, status.is_success());
            let subject = (self.installation, &method, path.as_str());
            judge::after_write(&self.estate, subject, &given, status.as_u16());
        }
        let lost = fate == Fate::Lost || (fate == Fate::Cut && method == Method::GET);
        if status.as_u16() == 409 && !lost && self.estate.state().ledger.lock_on(&path).is_some() {
            self.life.facts().refused.push(path.clone());
        }
        self.listed(&method, &path, status.is_success() && !lost);
        self.estate.state().report.mix((method.as_str(), uri.path(), status.as_u16()));
        self.life.step().await;
        if lost { broken() } else { response }
    }

    /// Notes what a write has changed in what the judge looks at.
    fn retouch(&self, method: &Method, path: &str, given: &Value, done: bool) {
        let tags = path.strip_suffix("/providers/microsoft.resources/tags/default");
        match (method, tags) {
            _ if !done => {}
            (&Method::DELETE, _) => self.estate.retouch(path, |point| {
                point.deleting = true;
                point.ready = false;
            }),
            (&Method::PATCH, Some(key)) => self.estate.retouch(key, |point| {
                let given = given.pointer("/properties/tags").and_then(Value::as_object);
                for (name, value) in given.into_iter().flatten() {
                    let name = name.to_ascii_lowercase();
                    match value.as_str().filter(|value| !value.is_empty()) {
                        Some(value) => drop(point.tags.insert(name, value.to_owned())),
                        None => drop(point.tags.remove(&name)),
                    }
                }
            }),
            _ => self.estate.changed(),
        }
    }

    fn draw(&self) -> (Fate, u64) {
        let mut state = self.estate.state();
        state.report.calls += 1;
        let weather = state.weather.clone();
        let wait = 5 + state.dice.below(weather.latency);
        let odds = [
            (Fate::Drop, weather.drop, "dropped call"),
            (Fate::Lost, weather.lost, "lost response"),
            (Fate::Error, weather.error, "5xx"),
            (Fate::Throttle, weather.throttle, "throttle"),
            (Fate::Cut, weather.cut, "cut body"),
        ];
        for (fate, probability, name) in odds {
            if probability > 0.0 && state.dice.chance(probability) {
                state.report.fault(name);
                return (fate, wait);
            }
        }
        (Fate::Fine, wait)
    }

    /// Whether the call is about a place that is away.
    fn is_away(&self, parts: &Parts, path: &str, body: &Bytes) -> bool {
        let mut state = self.estate.state();
        if state.weather.away.is_empty() || !path.contains("/resourcegroups/") {
            return false;
        }
        let text = if parts.method == Method::PUT {
            String::from_utf8_lossy(body).to_ascii_lowercase()
        } else {
            String::new()
        };
        let away = state.weather.away.iter().any(|place| {
            let place = &state.scenario.places[*place];
            path.contains(&format!("/resourcegroups/{}/", place.group))
                || text.contains(&format!("\"location\":\"{}\"", place.region))
        });
        if away {
            state.report.fault("region away");
        }
        away
    }

    /// Notes a call that Azure never saw.
    fn heard(&self, parts: &Parts, path: &str, status: u16) {
        self.listed(&parts.method, path, false);
        self.estate.state().report.mix((parts.method.as_str(), path, status));
    }

    /// Notes whether a list was had.
    fn listed(&self, method: &Method, path: &str, had: bool) {
        let is_list = method == Method::GET
            && ["/snapshots", "/disks", "/resourcegroups", "/subscriptions", "/locks"]
                .iter()
                .any(|end| path.ends_with(end));
        if !is_list {
            return;
        }
        if path.ends_with("/snapshots") {
            // The judge never looks with older eyes than who plans.
            self.estate.look_anew();
        }
        let narrowed = {
            let state = self.estate.state();
            let name = &state.scenario.installations[self.installation].name;
            state.weather.narrowed.contains(name)
        };
        let mut facts = self.life.facts();
        if path == "/subscriptions" && facts.recorded {
            facts.forget();
        }
        facts.narrowed |= narrowed;
        if had {
            facts.unlisted.remove(path);
        } else {
            facts.unlisted.insert(path.to_owned());
        }
    }
}

/// An answer whose connection breaks.
pub(crate) fn broken() -> Response<Body> {
    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "the simulation breaks it");
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(broken)])))
}

pub(crate) fn refusal(status: u16, code: &str, retry_after: Option<u64>) -> Response<Body> {
    let body = json!({ "error": { "code": code, "message": "A fault of the simulation." } });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}
