//! A small local Azure that real clients can talk to: ARM for managed disks and snapshots over
//! HTTPS, queues and block blobs, the App Service identity endpoint, and a control API for tests
//! and people.
//!
//! It holds real bytes, moves real deltas, has its own clock, and knows nothing of the programs
//! that use it. What it answers comes from recordings and documents; guesses are marked `GUESS:`.

mod arm;
mod azure;
mod control;
mod guard;
mod identity;
mod seen;
mod server;
mod state;
mod storage;
mod tls;
mod world;

use std::path::{Path, PathBuf};

use anyhow::Context;

pub use azure::Azure;
pub use seen::{Seen, SeenDisk, SeenSnapshot};
use server::Server;

/// How to start an [`Emulator`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Port of the HTTPS listener for ARM; 0: any free one.
    pub arm_port: u16,
    /// Port of the HTTP listener for identity and control; 0: any free one.
    pub control_port: u16,
    /// Port of the HTTP listener for blobs; 0: any free one.
    pub blob_port: u16,
    /// Port of the HTTP listener for queues; 0: any free one.
    pub queue_port: u16,
    /// Folder that keeps the world and the certificates; none: the world ends with the emulator.
    pub state: Option<PathBuf>,
    /// Waits for the disk before each answer, so that a loss of power loses nothing either.
    pub sync: bool,
    /// How fast each `CopyStart` moves. For a stored world the last value set holds, whether it
    /// was set here or through the control API.
    pub bandwidth_bytes_per_second: u64,
    /// Adds `x-ms-retry-after-ms` to answers about long-running operations.
    pub retry_after_ms: Option<u64>,
    /// Refuses requests beyond Azure's limits with 429. Off for tests, which move the clock little
    /// and ask much; the program `emulator` has it on.
    pub throttling: bool,
    /// The value that token requests must carry; none: a random one, kept with the state.
    pub identity_header: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            arm_port: 0,
            control_port: 0,
            blob_port: 0,
            queue_port: 0,
            state: None,
            sync: false,
            bandwidth_bytes_per_second: DEFAULT_BANDWIDTH,
            retry_after_ms: None,
            throttling: false,
            identity_header: None,
        }
    }
}

/// 64 MiB/s: a delta of a demo takes seconds, a full copy long enough to be watched.
const DEFAULT_BANDWIDTH: u64 = 64 << 20;

/// A running emulator; dropping it closes its listeners.
#[derive(Debug)]
pub struct Emulator {
    azure: Azure,
    arm: Server,
    plain: Server,
    blobs: Server,
    queues: Server,
    ca_path: PathBuf,
    identity_header: String,
    tenant_id: String,
    /// Holds the certificates when there is no state folder.
    _folder: Option<tempfile::TempDir>,
}

impl Emulator {
    /// Starts its listeners on 127.0.0.1.
    pub async fn start(config: Config) -> anyhow::Result<Emulator> {
        let (seed, _) = uuid::Uuid::new_v4().as_u64_pair();
        let (azure, folder, temporary) = match &config.state {
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("creating {}", folder.display()))?;
                (Azure::open(folder, seed, config.sync)?, folder.clone(), None)
            }
            None => {
                let temporary = tempfile::tempdir().context("making a folder for certificates")?;
                (Azure::in_memory(seed), temporary.path().to_owned(), Some(temporary))
            }
        };
        let (identity_header, tenant_id) = azure.with(|world, now| {
            world.configure(
                config.bandwidth_bytes_per_second,
                config.retry_after_ms,
                config.throttling,
                config.identity_header.as_deref(),
                now,
            );
            (world.settings.identity_header.clone(), world.settings.tenant_id.to_string())
        })?;
        let tls = tls::load_or_make(&folder)?;
        let arm = server::bind(config.arm_port).context("opening the port for ARM")?;
        let plain = server::bind(config.control_port).context("opening the control port")?;
        let blobs = server::bind(config.blob_port).context("opening the port for blobs")?;
        let queues = server::bind(config.queue_port).context("opening the port for queues")?;
        azure.set_arm_url(format!("https://127.0.0.1:{}", arm.local_addr()?.port()));
        Ok(Emulator {
            arm: Server::start(arm, azure.arm_router(), Some(tls.config))?,
            plain: Server::start(plain, azure.plain_router(), None)?,
            blobs: Server::start(blobs, azure.blob_router(), None)?,
            queues: Server::start(queues, azure.queue_router(), None)?,
            azure,
            ca_path: tls.ca_path,
            identity_header,
            tenant_id,
            _folder: temporary,
        })
    }

    /// The base URL of ARM.
    pub fn arm_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.arm.port())
    }

    /// The base URL of the control API.
    pub fn control_url(&self) -> String {
        format!("http://127.0.0.1:{}/_control", self.plain.port())
    }

    /// The base URL of blobs: the account's.
    pub fn blob_url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.blobs.port(), storage::ACCOUNT)
    }

    /// The base URL of queues: the account's.
    pub fn queue_url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.queues.port(), storage::ACCOUNT)
    }

    /// What a client of Azure Storage must know, its key included.
    pub fn storage_connection_string(&self) -> String {
        storage::connection_string(&self.blob_url(), &self.queue_url())
    }

    /// The `IDENTITY_ENDPOINT` of App Service.
    pub fn identity_url(&self) -> String {
        format!("http://127.0.0.1:{}/msi/token", self.plain.port())
    }

    /// The `IDENTITY_HEADER` of App Service.
    pub fn identity_header(&self) -> &str {
        &self.identity_header
    }

    /// The certificate that clients must trust, as PEM.
    pub fn ca_path(&self) -> &Path {
        &self.ca_path
    }

    /// The one tenant.
    pub fn tenant_id(&self) -> &str {
        &self.tenant_id
    }

    /// The world behind the listeners, for use without sockets.
    pub fn azure(&self) -> &Azure {
        &self.azure
    }

    /// Closes the listeners and every connection at once; what has a state folder stays there.
    pub async fn stop(mut self) {
        self.azure.close();
        self.arm.stop().await;
        self.plain.stop().await;
        self.blobs.stop().await;
        self.queues.stop().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.azure.close();
    }
}
