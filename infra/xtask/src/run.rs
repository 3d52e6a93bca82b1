//! `cargo xtask run`: build, start, say where it is, and end with Ctrl-C.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, ensure};
use clap::Args;
use emulator::Emulator;
use host::Host;
use serde_json::{Value, json};

use crate::{
    artifacts, estate,
    stack::{self, AzurePorts},
    tools,
};

/// Options of `cargo xtask run`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Look at the Azure that `az login` is logged in to. It observes: it lists, plans and shows.
    #[arg(long)]
    azure: bool,
    /// With --azure: a subscription id that may be written to; may be given several times.
    #[arg(long, value_name = "SUBSCRIPTION", requires = "azure")]
    allow_writes_to: Vec<String>,
    /// With --azure: the subscriptions to look at; all that the login sees, if not given.
    #[arg(long, value_name = "SUBSCRIPTION", requires = "azure")]
    subscription: Vec<String>,
    /// The installation's id: what carries it in a tag is this installation's own.
    #[arg(long, default_value = "local")]
    installation: String,
    /// Use any free ports in place of the fixed ones.
    #[arg(long)]
    any_port: bool,
    /// Where its state is kept.
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Where it says what runs where.
    #[arg(long, value_name = "FILE")]
    run_json: Option<PathBuf>,
    /// Bytes per second at which the local Azure copies.
    #[arg(long, default_value_t = 6 << 20, value_name = "BYTES")]
    bandwidth: u64,
}

/// A copied link lives through a restart where these are free.
const PORTAL_PORT: u16 = 7071;
const AZURE_PORTS: AzurePorts = AzurePorts { arm: 7443, control: 7480, blob: 7410, queue: 7411 };

/// Seconds between ticks: a visitor should not have to wait for the timer.
const LOCAL_SCHEDULE: &str = "*/20 * * * * *";
const AZURE_SCHEDULE: &str = "0 */5 * * * *";

/// Runs until Ctrl-C.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let begun = Instant::now();
    let root = artifacts::root();
    let app = artifacts::stage(&root)?;
    crate::tools::log_to_stderr();
    tokio::runtime::Runtime::new()?.block_on(async {
        let run_json = options.run_json.clone().unwrap_or_else(|| root.join("target/run.json"));
        if options.azure {
            run_azure(options, &root, &app, &run_json, begun).await
        } else {
            run_local(options, &root, app, &run_json, begun).await
        }
    })
}

async fn run_local(
    options: &Options,
    root: &Path,
    app: PathBuf,
    run_json: &Path,
    begun: Instant,
) -> anyhow::Result<()> {
    let state = options.state.clone().unwrap_or_else(|| root.join("target/run/local"));
    eprintln!("starting the local Azure, the Functions host and Snapferry");
    let port = |port| if options.any_port { 0 } else { free_or_any(port) };
    let mut stack = stack::Stack::start(stack::Options {
        portal_port: port(PORTAL_PORT),
        azure_ports: AzurePorts {
            arm: port(AZURE_PORTS.arm),
            control: port(AZURE_PORTS.control),
            blob: port(AZURE_PORTS.blob),
            queue: port(AZURE_PORTS.queue),
        },
        bandwidth_bytes_per_second: options.bandwidth,
        tick_schedule: LOCAL_SCHEDULE.to_owned(),
        retry_after_ms: Some(300),
        installation: options.installation.clone(),
        ..stack::Options::quiet(&app, &state)
    })
    .await
    .context(
        "it did not start; if another `cargo xtask run` is running, use its portal \
         (target/run.json has the URL), or give this one a folder of its own with `--state`",
    )?;
    stack.host().wait_ready().await?;
    estate::seed(&stack, root).await?;
    publish(run_json, &stack.run_json())?;
    greet(&stack.portal(), "a local Azure; nothing leaves this machine", begun);
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            () = terminated() => break,
            reason = stack.host().stopped() => {
                eprintln!("the Functions host stopped itself ({reason}); starting it again, as Azure would");
                stack.start_host().await?;
                publish(run_json, &stack.run_json())?;
            }
        }
    }
    let _ = fs::remove_file(run_json);
    stack.stop().await;
    Ok(())
}

/// Resolves when somebody asks the process to end.
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// The Azure that `az` is logged in to.
struct Login {
    cloud: String,
    arm: String,
    resource: String,
    tenant: String,
}

fn login() -> anyhow::Result<Login> {
    let az = |arguments: &[&str]| -> anyhow::Result<Value> {
        let text = tools::output(Command::new("az").args(arguments).args(["-o", "json"]))?;
        Ok(serde_json::from_str(&text)?)
    };
    let advice = "`--azure` uses the az CLI's own login: install az and run `az login` first";
    let account = az(&["account", "show"]).context(advice)?;
    let cloud = az(&["cloud", "show"]).context(advice)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().trim_end_matches('/').to_owned();
    Ok(Login {
        cloud: text(&cloud["name"]),
        arm: text(&cloud["endpoints"]["resourceManager"]),
        resource: text(&cloud["endpoints"]["activeDirectoryResourceId"]),
        tenant: text(&account["tenantId"]),
    })
}

async fn run_azure(
    options: &Options,
    root: &Path,
    app: &Path,
    run_json: &Path,
    begun: Instant,
) -> anyhow::Result<()> {
    let login = login()?;
    // Never shared with the local Azure, nor with another tenant or installation.
    let name = format!("{}-{}-{}", login.cloud, login.tenant, options.installation);
    let state = options.state.clone().unwrap_or_else(|| root.join("target/run").join(name));
    // At the desk the queue of clicks is a local one, and nothing of it is asked of Azure.
    let queue = Emulator::start(emulator::Config {
        state: Some(state.join("queue")),
        ..emulator::Config::default()
    })
    .await
    .context("starting the queue of clicks")?;
    let mut settings: BTreeMap<String, String> = [
        (stack::POLLING_SETTING, stack::LOCAL_POLLING.to_owned()),
        ("AzureWebJobsStorage", queue.storage_connection_string()),
        ("AzureWebJobsDisableHomepage", "true".to_owned()),
        ("FUNCTIONS_WORKER_RUNTIME", "custom".to_owned()),
        ("SNAPFERRY_ALLOW_WRITES_TO", options.allow_writes_to.join(",")),
        ("SNAPFERRY_ARM_ENDPOINT", login.arm.clone()),
        ("SNAPFERRY_ARM_SCOPE", format!("{}/.default", login.resource)),
        ("SNAPFERRY_CLOUD", login.cloud.clone()),
        ("SNAPFERRY_CREDENTIAL", "azure_cli".to_owned()),
        ("SNAPFERRY_INSTALLATION", options.installation.clone()),
        ("SNAPFERRY_LOCAL_IDENTITY", "you, on this machine".to_owned()),
        ("SNAPFERRY_STORE", state.join("store").display().to_string()),
        ("SNAPFERRY_SUBSCRIPTIONS", options.subscription.join(",")),
        ("SNAPFERRY_TICK_SCHEDULE", AZURE_SCHEDULE.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    // What the developer's own az needs of the environment; a cloud shell has an identity there.
    const OF_AZ: [&str; 4] =
        ["REQUESTS_CA_BUNDLE", "ARM_CLOUD_METADATA_URL", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"];
    settings.extend(
        std::env::vars()
            .filter(|(name, _)| name.starts_with("AZURE_") || OF_AZ.contains(&name.as_str())),
    );
    if let Some(bundle) = settings.get("REQUESTS_CA_BUNDLE").cloned() {
        settings.insert("SNAPFERRY_CA_FILE".to_owned(), bundle);
    }
    let host = Host::start(host::Config {
        app_dir: app.to_owned(),
        port: if options.any_port { 0 } else { free_or_any(PORTAL_PORT) },
        settings,
        state_dir: state.join("host"),
        principal: None,
        proxying: true,
    })
    .await?;
    host.wait_ready().await?;
    let portal = format!("{}/portal", host.url());
    publish(
        run_json,
        &json!({
            "portal": portal, "api": format!("{}/api", host.url()), "arm": login.arm,
            "identity": null, "identity_header": null, "ca": null, "tenant": login.tenant,
        }),
    )?;
    let mode = match options.allow_writes_to.as_slice() {
        [] => "observing: nothing is written".to_owned(),
        list => format!("writing to {}", list.join(", ")),
    };
    greet(&portal, &format!("{} · tenant {} · {mode}", login.cloud, login.tenant), begun);
    let reason = tokio::select! {
        _ = tokio::signal::ctrl_c() => None,
        () = terminated() => None,
        reason = host.stopped() => Some(reason),
    };
    let _ = fs::remove_file(run_json);
    host.stop().await;
    queue.stop().await;
    ensure!(reason.is_none(), "the Functions host stopped itself: {}", reason.unwrap_or_default());
    Ok(())
}

fn free_or_any(port: u16) -> u16 {
    TcpListener::bind(("127.0.0.1", port)).map_or(0, |_| port)
}

/// A reader never sees half a file.
fn publish(path: &Path, run: &Value) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension("json.new");
    fs::write(&draft, serde_json::to_vec_pretty(run)?)?;
    fs::rename(draft, path)?;
    Ok(())
}

fn greet(portal: &str, what: &str, begun: Instant) {
    eprintln!();
    eprintln!("Snapferry is at {portal}");
    eprintln!("{what}; started in {:.0} s. Ctrl-C ends it.", begun.elapsed().as_secs_f32());
}
