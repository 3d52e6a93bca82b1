//! The running world: one lock, the clock, the store, and what only this process knows
//! (faults, counters).
//!
//! Every request goes through [`Azure::with`]: time moves on, the request acts, what changed is
//! stored before the answer leaves. The machine's clock is read here and nowhere else.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, bail};
use jiff::Timestamp;

use crate::{
    arm::throttle,
    control::faults::Faults,
    guard,
    state::Store,
    storage,
    world::{Settings, World},
};

/// A handle on one small Azure; clones share it.
#[derive(Debug, Clone)]
pub struct Azure(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    process: Mutex<Process>,
    arm_url: OnceLock<String>,
    panics: AtomicU64,
}

/// The world and what is not stored with it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) world: World,
    store: Option<Store>,
    closed: bool,
    pub(crate) faults: Faults,
    /// ARM requests by method.
    pub(crate) requests: BTreeMap<String, u64>,
    /// Requests in the current windows of Azure's throttling.
    pub(crate) windows: BTreeMap<throttle::Key, throttle::Window>,
}

impl Azure {
    /// Makes an Azure that lives in memory only, with no socket: the same seed gives the same ids.
    pub fn in_memory(seed: u64) -> Self {
        Self::new(World::new(Settings::new(seed)), None)
    }

    /// Opens the Azure that is stored in `folder`, or makes one there.
    pub(crate) fn open(folder: &Path, seed: u64, sync: bool) -> anyhow::Result<Self> {
        let store = Store::open(folder, sync)?;
        let world = store.load()?.unwrap_or_else(|| World::new(Settings::new(seed)));
        let azure = Self::new(world, Some(store));
        azure.with(|_, _| ()).context("storing the new world")?;
        Ok(azure)
    }

    fn new(mut world: World, store: Option<Store>) -> Self {
        world.deployer = crate::arm::step_deployment;
        let process = Process {
            world,
            store,
            closed: false,
            faults: Faults::default(),
            requests: BTreeMap::new(),
            windows: BTreeMap::new(),
        };
        Self(Arc::new(Inner {
            process: Mutex::new(process),
            arm_url: OnceLock::new(),
            panics: AtomicU64::new(0),
        }))
    }

    /// The ARM face: `axum::Router` over the whole of `https://management.azure.com`.
    pub fn arm_router(&self) -> axum::Router {
        guard::catch_panics(crate::arm::router(self.clone()), self.clone())
    }

    /// The identity endpoint and the control API.
    pub fn plain_router(&self) -> axum::Router {
        let routers = crate::identity::router(self.clone());
        let routers = routers.merge(crate::control::router(self.clone()));
        guard::shape_errors(guard::catch_panics(routers, self.clone()))
    }

    /// How many handlers panicked: each one is a bug of the emulator.
    pub fn panics(&self) -> u64 {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// What token requests must carry, for use without sockets.
    ///
    /// # Errors
    ///
    /// When the emulator is stopped.
    pub fn identity_header(&self) -> anyhow::Result<String> {
        self.with(|world, _| world.settings.identity_header.clone())
    }

    /// Freezes the clock at `now`: a simulation moves it before each of its calls.
    ///
    /// # Errors
    ///
    /// When the emulator is stopped.
    pub fn freeze_at(&self, now: Timestamp) -> anyhow::Result<()> {
        self.with(|world, _| {
            let real = real_now();
            world.settings_mut().clock.freeze(true, real);
            world.set_clock(now, real);
        })
    }

    pub(crate) fn count_panic(&self) {
        self.0.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// The blob endpoint of the storage account.
    pub fn blob_router(&self) -> axum::Router {
        let router = storage::router(self.clone(), storage::Service::Blob);
        guard::catch_panics(router, self.clone())
    }

    /// The queue endpoint of the storage account.
    pub fn queue_router(&self) -> axum::Router {
        let router = storage::router(self.clone(), storage::Service::Queue);
        guard::catch_panics(router, self.clone())
    }

    /// The base of links in answers.
    pub fn arm_url(&self) -> &str {
        self.0.arm_url.get().map_or("https://management.azure.com", String::as_str)
    }

    pub(crate) fn set_arm_url(&self, url: String) {
        // Set once, before the first request.
        let _ = self.0.arm_url.set(url);
    }

    /// Acts on the world as it is now, and stores what changed.
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&mut World, Timestamp) -> R,
    ) -> anyhow::Result<R> {
        self.with_process(|process, now| act(&mut process.world, now))
    }

    pub(crate) fn with_process<R>(
        &self,
        act: impl FnOnce(&mut Process, Timestamp) -> R,
    ) -> anyhow::Result<R> {
        let mut process = self.0.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.closed {
            bail!("the emulator is stopped");
        }
        let now = process.world.settings.clock.now(real_now());
        process.world.advance(now);
        let result = act(&mut process, now);
        process.world.settle_past(now);
        let Process { world, store, .. } = &mut *process;
        match store {
            Some(store) => store.commit(world).context("storing what changed")?,
            None => world.forget_pending(),
        }
        Ok(result)
    }

    /// Ends all use of the world and releases its file.
    pub(crate) fn close(&self) {
        let mut process = self.0.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.closed = true;
        process.store = None;
    }
}

/// The machine's clock: tokens and certificates live by it, all else by the emulator's.
#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
pub(crate) fn real_now() -> Timestamp {
    Timestamp::now()
}
