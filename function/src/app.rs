//! What every request and every tick is handed: configuration, Azure, the store, the clock.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use shared::{Inventory, Limits};
use tokio::{
    sync::{Mutex, RwLock},
    time::Instant,
};

use crate::{
    azure::{ArmClient, ArmError, Transport, queue::RequestQueue},
    clock::Clock,
    config::Config,
    gather::gather,
    http::PortalFiles,
    records::Records,
    store::Store,
};

/// However many people look, Azure is listed at most this often for them.
const VIEW_AGE: Duration = Duration::from_millis(1_500);

/// A viewer waits this long for a listing.
const VIEW_PATIENCE: Duration = Duration::from_secs(8);

/// Clocks further apart than this forbid deletes (design §3).
const MAX_CLOCK_GAP: SignedDuration = SignedDuration::from_mins(5);

/// The function, assembled.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// Azure.
    pub arm: ArmClient,
    /// What tells the worker of a click.
    pub(crate) queue: RequestQueue,
    /// Policies, requests and runs.
    pub records: Records,
    /// The portal's files.
    pub portal: PortalFiles,
    /// One run at a time in this process; other processes are met by idempotence.
    pub(crate) turn: Mutex<()>,
    listing: Mutex<()>,
    seen: RwLock<Seen>,
    clock: Clock,
}

/// What an [`App`] stands on besides its configuration: what a simulation has otherwise.
pub struct Ground {
    /// How calls reach Azure.
    pub transport: Transport,
    /// Where records are kept.
    pub store: Store,
    /// The host's clock.
    pub clock: Clock,
}

/// What was last seen of Azure.
#[derive(Clone, Default)]
pub struct Seen {
    /// The newest inventory.
    pub inventory: Option<Arc<Inventory>>,
    /// Why the newest attempt to list failed; none if it did not.
    pub problem: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
    listing: Option<Listing>,
}

impl Seen {
    /// The inventory of a listing that succeeded, or why the newest one did not.
    pub fn current(&self) -> Result<&Arc<Inventory>, String> {
        match (&self.inventory, &self.problem) {
            (Some(inventory), None) => Ok(inventory),
            (_, Some(problem)) => Err(problem.clone()),
            (None, None) => Err("nothing could be listed".to_owned()),
        }
    }
}

/// When the newest listing began and ended.
#[derive(Clone, Copy)]
struct Listing {
    began: Instant,
    ended: Instant,
}

impl App {
    /// Assembles the function on sockets, a folder and the machine's clock; connects to nothing yet.
    pub fn new(config: Config) -> Self {
        let ground = Ground {
            transport: Transport::sockets(config.ca_file.clone()),
            store: Store::new(config.store.clone()),
            clock: Clock::of_host(config.clock_url.clone()),
        };
        Self::on(ground, config)
    }

    /// Assembles the function on `ground`.
    pub fn on(ground: Ground, config: Config) -> Self {
        Self {
            queue: RequestQueue::new(&config, &ground.transport),
            arm: ArmClient::new(&config, ground.transport),
            records: Records::new(ground.store),
            portal: PortalFiles::load(&config.portal),
            turn: Mutex::new(()),
            listing: Mutex::new(()),
            seen: RwLock::default(),
            clock: ground.clock,
            config,
        }
    }

    /// The host's clock. Azure's `Date` is what plans are made for; this is only compared with it.
    pub async fn now(&self) -> Timestamp {
        self.clock.now().await
    }

    /// The limits of a plan at Azure's time `azure_now`.
    pub fn limits(&self, azure_now: Timestamp, host_now: Timestamp) -> Limits {
        let mut limits = Limits::new(&self.config.installation, self.config.writes.clone());
        limits.clock_agrees = host_now.duration_since(azure_now).abs() <= MAX_CLOCK_GAP;
        limits
    }

    /// What was last seen, listed again if that is more than a moment ago.
    ///
    /// A failure to list leaves the last inventory in place, with the problem beside it.
    /// An Azure that takes long to answer does not keep a viewer waiting: the listing goes on, and
    /// what was seen before it is shown as such.
    pub async fn view(self: &Arc<Self>) -> Seen {
        let app = self.clone();
        let listing = tokio::spawn(async move { app.view_no_older_than(VIEW_AGE).await });
        match tokio::time::timeout(VIEW_PATIENCE, listing).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(_)) | Err(_) => {
                let mut seen = self.last_seen().await;
                seen.problem.get_or_insert_with(|| {
                    "Azure takes long to answer. Nothing is lost; this is what was last seen."
                        .to_owned()
                });
                seen
            }
        }
    }

    /// What is there now.
    pub async fn fresh(&self) -> Seen {
        self.view_no_older_than(Duration::ZERO).await
    }

    /// Says that Azure has changed since it was listed.
    pub async fn changed(&self) {
        self.seen.write().await.listing = None;
    }

    /// What was last seen, whenever that was.
    pub async fn last_seen(&self) -> Seen {
        self.seen.read().await.clone()
    }

    async fn view_no_older_than(&self, age: Duration) -> Seen {
        let asked_at = Instant::now();
        // Whoever waits here finds what the one before it listed.
        let _listing = self.listing.lock().await;
        let seen = self.last_seen().await;
        // Azure may have changed while it was being listed: for what is to be fresh, it counts when
        // that began. A viewer does not ask again for what has just come.
        let young = |listing: Listing| listing.ended.elapsed() < age || listing.began >= asked_at;
        if seen.listing.is_some_and(young) {
            return seen;
        }
        let began = Instant::now();
        let result = gather(&self.arm, &self.config.subscriptions, self.clock.machine()).await;
        let mut seen = self.seen.write().await;
        match result {
            Ok(gathered) => {
                seen.inventory = Some(Arc::new(gathered.inventory));
                seen.tenant = gathered.tenant.or(seen.tenant.take());
                seen.problem = None;
            }
            Err(error) => {
                let problem = describe(&error);
                tracing::warn!(problem, "Azure cannot be listed");
                seen.problem = Some(problem);
            }
        }
        seen.listing = Some(Listing { began, ended: Instant::now() });
        seen.clone()
    }
}

/// What happened, what it means and what to do.
fn describe(error: &ArmError) -> String {
    let advice = match error {
        ArmError::Unreachable { .. } => "Nothing is lost; it is tried again by itself.",
        ArmError::Credential(_) => {
            "Nothing is lost. Check that the identity exists, or run `az login`."
        }
        ArmError::Throttled { .. } => "Nothing is lost; it is tried again by itself.",
        ArmError::Refused { .. } => "Nothing is lost. Check the rights of the identity.",
        ArmError::Payload { .. } | ArmError::Setup(_) => "Nothing is lost. See the log.",
    };
    format!("{}. {advice}", error.chain())
}
