//! The estate that a simulation plays on: the emulator's world on the simulation's clock, with a
//! door of its own that no fault stands in.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use anyhow::{Context, ensure};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, Response, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use emulator::Azure;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use crate::{
    judge::Ledger,
    look::{Look, Point},
    report::Report,
    scenario::Scenario,
};

/// The simulated clocks. True time moves with tokio's; Azure's and the host's may be off.
pub(crate) struct Clocks {
    base: Timestamp,
    begun: Instant,
    azure_off: AtomicI64,
    host_off: AtomicI64,
}

impl Clocks {
    pub(crate) fn new(base: Timestamp) -> Self {
        let zero = || AtomicI64::new(0);
        Self { base, begun: Instant::now(), azure_off: zero(), host_off: zero() }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        plus(self.base, i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(0), 1)
    }

    /// When tokio's clock says so.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        let after = at.duration_since(self.base);
        self.begun + std::time::Duration::try_from(after).unwrap_or_default()
    }

    /// What Azure says that it is.
    pub(crate) fn azure(&self) -> Timestamp {
        plus(self.now(), self.azure_off.load(Ordering::Relaxed), 1_000)
    }

    /// What the host says that it is.
    pub(crate) fn host(&self) -> Timestamp {
        plus(self.now(), self.host_off.load(Ordering::Relaxed), 1_000)
    }

    pub(crate) fn set_off(&self, azure_seconds: i64, host_seconds: i64) {
        self.azure_off.store(azure_seconds, Ordering::Relaxed);
        self.host_off.store(host_seconds, Ordering::Relaxed);
    }

    /// Whether the two are more than five minutes apart.
    pub(crate) fn apart(&self) -> bool {
        let (a, b) = (&self.azure_off, &self.host_off);
        (a.load(Ordering::Relaxed) - b.load(Ordering::Relaxed)).abs() > 300
    }
}

fn plus(at: Timestamp, n: i64, unit_ms: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(n.saturating_mul(unit_ms))).unwrap_or(at)
}

/// What disturbs calls at the moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// Of each call: the connection breaks before anything is done.
    pub(crate) drop: f64,
    /// The answer is lost, what was asked is done.
    pub(crate) lost: f64,
    pub(crate) error: f64,
    pub(crate) throttle: f64,
    /// Milliseconds that a call may take.
    pub(crate) latency: u64,
    /// The body breaks off.
    pub(crate) cut: f64,
    pub(crate) store_read: f64,
    pub(crate) store_write: f64,
    /// Places (indices of the scenario) that are away.
    pub(crate) away: Vec<usize>,
    /// The installations whose lists silently lack points of theirs.
    pub(crate) narrowed: BTreeSet<String>,
}

/// The whole of a simulation's surroundings; clones share it.
#[derive(Clone)]
pub(crate) struct Estate(Arc<Inner>);

struct Inner {
    azure: Azure,
    router: Router,
    pub(crate) clocks: Clocks,
    state: Mutex<State>,
}

/// What changes while it runs.
pub(crate) struct State {
    pub(crate) weather: Weather,
    pub(crate) scenario: Scenario,
    pub(crate) ledger: Ledger,
    pub(crate) report: Report,
    pub(crate) dice: crate::dice::Dice,
    look: Option<(Timestamp, Arc<Look>)>,
    /// Something was written since the judge looked at the whole world.
    written: bool,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Estate {
    pub(crate) async fn new(
        seed: u64,
        scenario: Scenario,
        report: Report,
        dice: crate::dice::Dice,
    ) -> anyhow::Result<Self> {
        let azure = Azure::in_memory(seed);
        let router = azure.plain_router().fallback_service(azure.arm_router());
        let clocks = Clocks::new(scenario.begins);
        let state = State {
            weather: Weather { latency: 40, ..Weather::default() },
            scenario,
            ledger: Ledger::default(),
            report,
            dice,
            look: None,
            written: true,
        };
        let estate = Self(Arc::new(Inner { azure, router, clocks, state: Mutex::new(state) }));
        estate.furnish().await?;
        Ok(estate)
    }

    /// Makes the subscriptions, groups and disks.
    async fn furnish(&self) -> anyhow::Result<()> {
        let (seed, bandwidth, delay) = {
            let scenario = &self.state().scenario;
            (scenario.seed(), scenario.bandwidth, scenario.list_delay)
        };
        self.control(Method::POST, "seed", &seed).await?;
        self.control(Method::PUT, "bandwidth", &json!({ "bytes_per_second": bandwidth })).await?;
        let settings =
            json!({ "list_delay_seconds": delay, "graph_delay_seconds": 120, "page_size": 50 });
        self.control(Method::PUT, "settings", &settings).await?;
        Ok(())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clocks(&self) -> &Clocks {
        &self.0.clocks
    }

    pub(crate) fn identity_header(&self) -> anyhow::Result<String> {
        self.0.azure.identity_header()
    }

    /// How often the emulator itself failed.
    pub(crate) fn panics(&self) -> u64 {
        self.0.azure.panics()
    }

    /// Notes a change of one point in what was looked at, which spares another look.
    pub(crate) fn retouch(&self, key: &str, change: impl FnOnce(&mut Point)) {
        let mut state = self.state();
        state.written = true;
        if let Some((_, look)) = &mut state.look
            && let Some(point) = Arc::make_mut(look).points.iter_mut().find(|p| p.key == key)
        {
            change(point);
        }
    }

    /// Says that what was looked at has changed.
    pub(crate) fn changed(&self) {
        let mut state = self.state();
        state.written = true;
        state.look = None;
    }

    /// Lets the next look be a new one: who plans now never has newer eyes than the judge.
    pub(crate) fn look_anew(&self) {
        self.state().look = None;
    }

    /// Whether anything was written since this was last asked.
    pub(crate) fn take_written(&self) -> bool {
        std::mem::take(&mut self.state().written)
    }

    /// Passes a call to Azure at its present time.
    pub(crate) async fn forward(&self, request: Request<Body>) -> Response<Body> {
        // Its only error is that it is stopped, and nobody stops it.
        let _ = self.0.azure.freeze_at(self.clocks().azure());
        let Ok(response) = self.0.router.clone().oneshot(request).await;
        response
    }

    /// A call of a person with every right, whom no fault strikes.
    pub(crate) async fn arm(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        read(self.send(method, path, body).await?).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response<Body>> {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "appid": "a-person", "oid": "a-person" });
        let bearer = format!("Bearer {}.{}.", part(json!({ "alg": "none" })), part(claims));
        let request = Request::builder()
            .method(method)
            .uri(format!("https://management.azure.com{path}"))
            .header("host", "management.azure.com")
            .header("authorization", bearer)
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
        Ok(self.forward(request).await)
    }

    /// A call of the control API that must succeed.
    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://control/_control/{path}"))
            .header("host", "control")
            .header("content-type", "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })?;
        let answer = read(self.forward(request).await).await?;
        ensure!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// Writes bytes into a disk.
    pub(crate) async fn write(
        &self,
        disk: &str,
        offset: u64,
        bytes: Vec<u8>,
    ) -> anyhow::Result<()> {
        let request =
            Request::post(format!("http://control/_control/write?id={disk}&offset={offset}"))
                .header("host", "control")
                .body(Body::from(bytes))?;
        let answer = read(self.forward(request).await).await?;
        ensure!(answer.status.is_success(), "writing {disk}: {}", answer.body);
        Ok(())
    }

    /// Everything that is there, as it was seen after the last listing and creation at least.
    pub(crate) fn look(&self) -> anyhow::Result<Arc<Look>> {
        let now = self.clocks().now();
        if let Some((at, look)) = &self.state().look
            && now.duration_since(*at) < SignedDuration::from_mins(5)
        {
            return Ok(look.clone());
        }
        self.0.azure.freeze_at(self.clocks().azure())?;
        let look = Arc::new(Look::of(self.0.azure.seen()?));
        self.state().look = Some((now, look.clone()));
        Ok(look)
    }

    /// The copies that Azure has made, by the key of their target and when they began: whether it
    /// was a full one, and how it stands.
    pub(crate) async fn copies(&self) -> anyhow::Result<BTreeMap<(String, String), Copy>> {
        let counters = self.control(Method::GET, "counters", &Value::Null).await?;
        let copies = counters["copies"].as_array().context("copies")?;
        let text = |copy: &Value, key: &str| copy[key].as_str().unwrap_or_default().to_owned();
        Ok(copies
            .iter()
            .map(|copy| {
                let key = (text(copy, "target").to_ascii_lowercase(), text(copy, "started_at"));
                let full = copy["base"].is_null() && copy["bytes_total"].as_u64() > Some(0);
                (key, Copy { full, state: text(copy, "state") })
            })
            .collect())
    }
}

/// A copy as the emulator counts it.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub(crate) full: bool,
    pub(crate) state: String,
}

async fn read(response: Response<Body>) -> anyhow::Result<Answer> {
    let status = response.status();
    let bytes: Bytes = to_bytes(response.into_body(), usize::MAX).await?;
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}
