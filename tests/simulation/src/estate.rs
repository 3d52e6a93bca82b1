//! The estate that a simulation plays on: the emulator's world with what disturbs it, and what is
//! remembered of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    door::Door,
    judge::Ledger,
    look::{Look, Point},
    report::Report,
    scenario::Scenario,
};

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
    door: Door,
    state: Mutex<State>,
}

impl Deref for Estate {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.0.door
    }
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

impl Estate {
    pub(crate) async fn new(
        seed: u64,
        scenario: Scenario,
        report: Report,
        dice: crate::dice::Dice,
    ) -> anyhow::Result<Self> {
        let door = Door::new(seed, scenario.begins);
        let state = State {
            weather: Weather { latency: 40, ..Weather::default() },
            scenario,
            ledger: Ledger::default(),
            report,
            dice,
            look: None,
            written: true,
        };
        let estate = Self(Arc::new(Inner { door, state: Mutex::new(state) }));
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

    /// Everything that is there, as it was seen after the last listing and creation at least.
    pub(crate) fn look(&self) -> anyhow::Result<Arc<Look>> {
        let now = self.clocks().now();
        if let Some((at, look)) = &self.state().look
            && now.duration_since(*at) < SignedDuration::from_mins(5)
        {
            return Ok(look.clone());
        }
        let look = Arc::new(self.look_through()?);
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
