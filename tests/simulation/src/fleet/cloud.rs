//! The Azure of a fleet: a ring of subscriptions, each of which has the next one for the target of
//! its disks, on documented throttling; and the gate that every call of an instance passes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, Response, StatusCode},
};
use function::{
    App,
    app::Ground,
    azure::{InProcess, Taker, Transport},
    clock::Clock,
    store::{Access, Kind, Memory, Store},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::Policy;

use super::{FleetOptions, budgets::Counts, ledger::Ledger, timing::of_azure};
use crate::{
    dice::Dice,
    door::Door,
    process::{broken, config, refusal},
};

/// When the disks are made: a day and an hour before the first slot, so that they are enrolled.
const SEEDED: &str = "2026-11-02T01:00:00Z";

const INSTALLATION: &str = "fleet";

/// The cloud; clones share it.
#[derive(Clone)]
pub(super) struct Cloud(Arc<Inner>);

struct Inner {
    door: Door,
    options: FleetOptions,
    state: Mutex<State>,
}

/// What changes while it runs.
pub(super) struct State {
    pub(super) counts: Counts,
    pub(super) ledger: Ledger,
    pub(super) dice: Dice,
    pub(super) calls: u64,
    pub(super) throttled: u64,
    /// Reads of a stored inventory: whoever plans on one that it did not list itself.
    pub(super) inventories: u64,
}

impl Cloud {
    /// Makes the disks.
    pub(super) async fn new(options: FleetOptions) -> anyhow::Result<Self> {
        let state = State {
            counts: Counts::default(),
            ledger: Ledger::default(),
            dice: Dice::new(7),
            calls: 0,
            throttled: 0,
            inventories: 0,
        };
        let door = Door::new(7, SEEDED.parse()?);
        let cloud = Self(Arc::new(Inner { door, options, state: Mutex::new(state) }));
        let door = cloud.door();
        let speed = json!({ "bytes_per_second": options.bandwidth });
        door.control(Method::PUT, "bandwidth", &speed).await?;
        let settings = json!({ "page_size": 1000, "graph_delay_seconds": 0, "throttling": true });
        door.control(Method::PUT, "settings", &settings).await?;
        for id in cloud.subscriptions() {
            let fleet = json!({
                "subscription": id, "group": "app", "location": "westeurope",
                "disks": options.disks, "content_bytes": options.bytes, "sku": "Premium_LRS",
            });
            let group = json!({ "subscription": id, "name": "dr", "location": "northeurope" });
            let seed = json!({ "groups": [group], "fleet": fleet });
            door.control(Method::POST, "seed", &seed).await?;
        }
        Ok(cloud)
    }

    pub(super) fn door(&self) -> &Door {
        &self.0.door
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of the subscriptions.
    pub(super) fn subscriptions(&self) -> Vec<String> {
        let id = |n| format!("5a9f0000-0000-4000-8000-{n:012}");
        (1..=self.0.options.subscriptions).map(id).collect()
    }

    /// One for the disks of each subscription: daily at two, copied to the next subscription.
    pub(super) fn policies(&self) -> anyhow::Result<Vec<Policy>> {
        let ids = self.subscriptions();
        let targets = ids.iter().cycle().skip(1);
        let policy = |(number, (id, target)): (usize, (&String, &String))| {
            let target = json!({
                "region": "northeurope", "subscription": target, "group": "dr",
                "keep": { "last": 2 },
            });
            Ok(serde_json::from_value(json!({
                "id": format!("daily-{number:03}"), "name": format!("Daily {number}"),
                "enabled": true,
                "disks": { "include": [{ "kind": "subscription", "subscription": id }] },
                "schedule": { "kind": "cron", "expression": "0 2 * * *" }, "time_zone": "UTC",
                "keep": { "last": 2 }, "targets": [target],
            }))?)
        };
        ids.iter().zip(targets).enumerate().map(policy).collect()
    }

    /// Changes each disk by as much as it holds.
    pub(super) async fn change_disks(&self, day: u64) -> anyhow::Result<()> {
        let mut dice = Dice::new(day << 32);
        for disk in self.door().look_through()?.disks {
            let bytes = (0..self.0.options.bytes).map(|_| dice.next() as u8).collect();
            self.door().write(&disk.key, 0, bytes).await?;
        }
        Ok(())
    }

    /// Starts an instance on `memory`, which puts its messages by `messages`.
    pub(super) fn start(&self, memory: &Memory, messages: &Taker) -> anyhow::Result<Arc<App>> {
        let (gate, clock, store) = (self.clone(), self.clone(), self.clone());
        let router = Router::new().fallback(move |request: Request<Body>| {
            let gate = gate.clone();
            async move { gate.serve(request).await }
        });
        let store = memory.behind(Arc::new(move |access| {
            let wait = {
                let mut state = store.state();
                state.inventories += u64::from(access == Access::Read(Kind::Inventory));
                5 + state.dice.below(15)
            };
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                Ok(())
            })
        }));
        let ground = Ground {
            transport: Transport::InProcess(InProcess {
                router,
                identity_header: self.door().identity_header()?,
                messages: Some(messages.clone()),
            }),
            store: Store::Memory(store),
            clock: Clock::Simulated(Arc::new(move || clock.door().clocks().now())),
        };
        Ok(Arc::new(App::on(ground, config(INSTALLATION)?)))
    }

    /// Passes an instance's call on.
    async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_ascii_lowercase();
        let Ok(body) = to_bytes(body, usize::MAX).await else { return broken() };
        if path.starts_with("/msi/") {
            let request = Request::from_parts(parts, Body::from(body));
            return of_azure(self.door().forward(request)).await;
        }
        let (wait, mishap) = self.draw(&parts.method, &path);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        match mishap {
            Some(Mishap::Drop) => return broken(),
            Some(Mishap::Error) => return refusal(500, "InternalServerError", None),
            Some(Mishap::Lost) | None => {}
        }
        let now = self.door().clocks().now();
        let given: Value = match parts.method {
            Method::PUT => serde_json::from_slice(&body).unwrap_or_default(),
            _ => Value::Null,
        };
        let method = parts.method.clone();
        let request = Request::from_parts(parts, Body::from(body));
        let response = of_azure(self.door().forward(request)).await;
        self.note(&method, &path, &given, response.status(), now);
        if mishap == Some(Mishap::Lost) { broken() } else { response }
    }

    /// How long a call takes, and what goes wrong with it.
    fn draw(&self, method: &Method, path: &str) -> (u64, Option<Mishap>) {
        let mut state = self.state();
        let dice = &mut state.dice;
        let list = path.ends_with("/snapshots") || path.ends_with("/disks");
        let wait = match *method {
            // A page of a thousand.
            Method::GET if list => 1_000 + dice.below(500),
            Method::GET => 40 + dice.below(80),
            _ => 150 + dice.below(250),
        };
        let storm = self.0.options.storm && dice.chance(0.01);
        let mishap = storm.then(|| dice.one(&[Mishap::Drop, Mishap::Lost, Mishap::Error]));
        (wait, mishap)
    }

    /// Counts a call that has reached Azure, and judges its answer.
    fn note(&self, method: &Method, path: &str, given: &Value, status: StatusCode, now: Timestamp) {
        let mut state = self.state();
        state.calls += 1;
        state.counts.count(method, path, now);
        state.throttled += u64::from(status == StatusCode::TOO_MANY_REQUESTS);
        if status.is_success() && *method == Method::PUT {
            state.ledger.note(path, given, now);
        }
        state.ledger.deleted +=
            u64::from(status == StatusCode::ACCEPTED && *method == Method::DELETE);
        let known = [StatusCode::TOO_MANY_REQUESTS, StatusCode::NOT_FOUND];
        if status.is_client_error() && !known.contains(&status) {
            let what = format!("{method} {path} was answered {status}, which could be known");
            state.ledger.break_rule(what);
        }
    }
}

/// What goes wrong with a call in a storm.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mishap {
    /// It does not arrive.
    Drop,
    /// Its answer does not arrive.
    Lost,
    /// It is refused for no reason.
    Error,
}
