//! The whole of Snapferry on this machine: the emulator, the host and the function that it starts.
//!
//! `cargo xtask run` and the tests use the same one; it builds nothing.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use emulator::Emulator;
use host::Host;
use serde_json::{Value, json};

/// How often an empty queue is looked at: at Azure each look costs, here none does.
pub(crate) const LOCAL_POLLING: &str = "00:00:00.2";
pub(crate) const POLLING_SETTING: &str =
    "AzureFunctionsJobHost__extensions__queues__maxPollingInterval";

/// How a stack is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The staged app: `artifacts::stage` makes it.
    pub app: PathBuf,
    /// Where everything is kept between starts.
    pub state: PathBuf,
    /// The installation's id.
    pub installation: String,
    /// The portal's port; 0 for any.
    pub portal_port: u16,
    /// The emulator's ports; 0 for any.
    pub azure_ports: AzurePorts,
    /// Bandwidth of copies.
    pub bandwidth_bytes_per_second: u64,
    /// The wait that the emulator asks of clients, in place of Azure's 2 s.
    pub retry_after_ms: Option<u64>,
    /// The timer's NCRONTAB schedule.
    pub tick_schedule: String,
    /// Whether the host proxies, as new ones do, or forwards, as older ones do.
    pub proxying: bool,
    /// Whether the function opens the queue of clicks by its identity, as when hosted, or by a key.
    pub queue_by_identity: bool,
    /// App settings that come on top.
    pub settings: BTreeMap<String, String>,
}

impl Options {
    /// Any ports, quick operations, a timer that does not fire by itself: for tests.
    pub fn quiet(app: &Path, state: &Path) -> Self {
        Self {
            app: app.to_owned(),
            state: state.to_owned(),
            installation: "local".to_owned(),
            portal_port: 0,
            azure_ports: AzurePorts::default(),
            bandwidth_bytes_per_second: 64 << 20,
            retry_after_ms: Some(50),
            tick_schedule: "0 0 0 1 1 *".to_owned(),
            proxying: true,
            queue_by_identity: false,
            settings: BTreeMap::new(),
        }
    }
}

/// The ports of the emulator; 0 for any.
#[derive(Clone, Copy, Debug, Default)]
pub struct AzurePorts {
    /// Of Azure Resource Manager.
    pub arm: u16,
    /// Of the control API.
    pub control: u16,
    /// Of blobs.
    pub blob: u16,
    /// Of queues.
    pub queue: u16,
}

/// A running stack.
pub struct Stack {
    options: Options,
    emulator: Option<Emulator>,
    host: Option<Host>,
    addresses: Addresses,
}

/// Where the emulator is, also while it is away.
#[derive(Clone, Debug)]
struct Addresses {
    arm: String,
    control: String,
    identity: String,
    identity_header: String,
    ca: PathBuf,
    tenant: String,
    blob: String,
    queue: String,
    storage: String,
}

impl Stack {
    /// Starts the emulator, the host and with it the function.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let emulator = start_emulator(&options, options.azure_ports).await?;
        let addresses = Addresses {
            arm: emulator.arm_url(),
            control: emulator.control_url(),
            identity: emulator.identity_url(),
            identity_header: emulator.identity_header().to_owned(),
            ca: emulator.ca_path().to_owned(),
            tenant: emulator.tenant_id().to_owned(),
            blob: emulator.blob_url(),
            queue: emulator.queue_url(),
            storage: emulator.storage_connection_string(),
        };
        let mut stack = Self { options, emulator: Some(emulator), host: None, addresses };
        stack.start_host().await?;
        Ok(stack)
    }

    /// Starts the host anew, as the platform does with one that has ended.
    pub async fn start_host(&mut self) -> anyhow::Result<()> {
        let port = match &self.host {
            Some(host) => port_of(&host.url())?,
            None => self.options.portal_port,
        };
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
        let host = match self.host_on(port).await {
            // Meanwhile a client of somebody's may have been given the port.
            Err(error) if is_in_use(&error) => self.host_on(self.options.portal_port).await,
            started => started,
        };
        let host = host.context("starting the host")?;
        self.host = Some(host);
        Ok(())
    }

    async fn host_on(&self, port: u16) -> anyhow::Result<Host> {
        self.host_of("host", port, self.settings()).await
    }

    /// A host of the app whose state is in the folder of that name.
    async fn host_of(
        &self,
        name: &str,
        port: u16,
        settings: BTreeMap<String, String>,
    ) -> anyhow::Result<Host> {
        Host::start(host::Config {
            app_dir: self.options.app.clone(),
            port,
            settings,
            state_dir: self.options.state.join(name),
            principal: None,
            proxying: self.options.proxying,
        })
        .await
    }

    /// Starts a second deployment of the same app beside the first, on the same store and queue,
    /// with settings of its own on top: design §7's portal and worker.
    pub async fn start_beside(
        &self,
        name: &str,
        own: &BTreeMap<String, String>,
    ) -> anyhow::Result<Host> {
        let mut settings = self.settings();
        settings.extend(own.clone());
        self.host_of(name, 0, settings).await.context("starting a second host")
    }

    fn settings(&self) -> BTreeMap<String, String> {
        let (addresses, options) = (&self.addresses, &self.options);
        // One installation's records are never another's, nor those of an Azure that is gone.
        let store = format!("{}-{}", addresses.tenant, options.installation);
        let mut settings: BTreeMap<String, String> = [
            (POLLING_SETTING, LOCAL_POLLING.to_owned()),
            ("AzureWebJobsDisableHomepage", "true".to_owned()),
            ("AzureWebJobsStorage", addresses.storage.clone()),
            ("FUNCTIONS_WORKER_RUNTIME", "custom".to_owned()),
            ("IDENTITY_ENDPOINT", addresses.identity.clone()),
            ("IDENTITY_HEADER", addresses.identity_header.clone()),
            ("SNAPFERRY_ALLOW_WRITES_TO", "*".to_owned()),
            ("SNAPFERRY_ARM_ENDPOINT", addresses.arm.clone()),
            ("SNAPFERRY_ARM_SCOPE", "https://management.core.windows.net/.default".to_owned()),
            ("SNAPFERRY_CA_FILE", addresses.ca.display().to_string()),
            ("SNAPFERRY_CLOCK_URL", format!("{}/clock", addresses.control)),
            ("SNAPFERRY_CLOUD", "local emulator".to_owned()),
            ("SNAPFERRY_INSTALLATION", options.installation.clone()),
            ("SNAPFERRY_LOCAL_IDENTITY", "you, on this machine".to_owned()),
            ("SNAPFERRY_STORE", options.state.join("store").join(store).display().to_string()),
            ("SNAPFERRY_TICK_SCHEDULE", options.tick_schedule.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if options.queue_by_identity {
            let name = "AzureWebJobsStorage";
            settings.remove(name);
            settings.insert(format!("{name}__queueServiceUri"), addresses.queue.clone());
            // The stand-in of the host knows keys only; a name with this prefix is its own.
            settings.insert(format!("AzureWebJobs{name}"), addresses.storage.clone());
        }
        settings.extend(options.settings.clone());
        settings
    }

    /// The host.
    ///
    /// # Panics
    ///
    /// Never: a stack has a host from its start to its end.
    #[expect(clippy::expect_used, reason = "a stack has a host from its start to its end")]
    pub fn host(&self) -> &Host {
        self.host.as_ref().expect("a started stack has a host")
    }

    /// Takes Azure away: connections to it are refused from now on.
    pub async fn stop_azure(&mut self) {
        if let Some(emulator) = self.emulator.take() {
            emulator.stop().await;
        }
    }

    /// Brings Azure back, where it was and as it was.
    pub async fn start_azure(&mut self) -> anyhow::Result<()> {
        let addresses = &self.addresses;
        let ports = AzurePorts {
            arm: port_of(&addresses.arm)?,
            control: port_of(&addresses.control)?,
            blob: port_of(&addresses.blob)?,
            queue: port_of(&addresses.queue)?,
        };
        self.emulator = Some(start_emulator(&self.options, ports).await?);
        Ok(())
    }

    /// Ends everything.
    pub async fn stop(mut self) {
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
        self.stop_azure().await;
    }

    /// The portal's URL.
    pub fn portal(&self) -> String {
        format!("{}/portal", self.host().url())
    }

    /// The API's URL.
    pub fn api(&self) -> String {
        format!("{}/api", self.host().url())
    }

    /// The control API of the emulator.
    pub fn control(&self) -> &str {
        &self.addresses.control
    }

    /// Azure Resource Manager's URL.
    pub fn arm(&self) -> &str {
        &self.addresses.arm
    }

    /// What `target/run.json` holds.
    pub fn run_json(&self) -> Value {
        let addresses = &self.addresses;
        json!({
            "portal": self.portal(),
            "api": self.api(),
            "arm": addresses.arm,
            "identity": addresses.identity,
            "identity_header": addresses.identity_header,
            "ca": addresses.ca,
            "control": addresses.control,
            "tenant": addresses.tenant,
            "blob": addresses.blob,
            "queue": addresses.queue,
            "storage": addresses.storage,
        })
    }
}

async fn start_emulator(options: &Options, ports: AzurePorts) -> anyhow::Result<Emulator> {
    let config = emulator::Config {
        arm_port: ports.arm,
        control_port: ports.control,
        blob_port: ports.blob,
        queue_port: ports.queue,
        state: Some(options.state.join("azure")),
        bandwidth_bytes_per_second: options.bandwidth_bytes_per_second,
        retry_after_ms: options.retry_after_ms,
        ..emulator::Config::default()
    };
    Emulator::start(config).await.context("starting the emulator")
}

/// The port in `http://127.0.0.1:PORT/…`.
fn port_of(url: &str) -> anyhow::Result<u16> {
    let authority = url.split('/').nth(2).context("a URL has an authority")?;
    let port = authority.rsplit(':').next().context("it has a port")?;
    port.parse().with_context(|| format!("`{port}` is no port"))
}

/// Whether a server could not begin as its port is another's.
fn is_in_use(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::AddrInUse)
}
