//! The program that the Functions host starts: environment → configuration → service. With a
//! subcommand it looks at the store's runs instead.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand};
use function::{App, Config, audit, config::store_from_env, records::Records, store::Store};
use tokio::net::TcpListener;

/// musl's own allocator makes a plan of a large estate cost a third more (ADR 0014).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Protects Azure managed disks. Without a command it serves the Functions host.
#[derive(Parser)]
#[command(name = "snapferry", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Walk every chain of runs and say the first link that is broken.
    Verify {
        #[command(flatten)]
        store: StoreAt,
    },
    /// Plan a run again from what was stored of it; fails and shows what differs if it does.
    Replay {
        /// The run's id, as `/api/runs` lists it.
        run: String,
        #[command(flatten)]
        store: StoreAt,
    },
}

#[derive(clap::Args)]
struct StoreAt {
    /// The folder of policies, requests and runs; `SNAPFERRY_STORE` if not given.
    #[arg(long, value_name = "FOLDER")]
    store: Option<PathBuf>,
}

impl StoreAt {
    fn records(self) -> anyhow::Result<Records> {
        let folder = self.store.or_else(store_from_env);
        let advice = "name the store with `--store FOLDER`, or set `SNAPFERRY_STORE`";
        let folder = folder.ok_or_else(|| anyhow::anyhow!(advice))?;
        anyhow::ensure!(folder.is_dir(), "there is no folder `{}`; {advice}", folder.display());
        Ok(Records::new(Store::new(folder)))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        None => serve().await,
        Some(Command::Verify { store }) => verify(store).await,
        Some(Command::Replay { run, store }) => replay(store, &run).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> anyhow::Result<()> {
    // The host takes every line of stderr for an error (functions-host §2.6).
    tracing_subscriber::fmt()
        .with_writer(std::io::stdout)
        .with_ansi(false)
        .without_time()
        .with_env_filter(tracing_subscriber::EnvFilter::new("info"))
        .init();
    let config = Config::from_env()?;
    // Bind first: the host's first look comes within 25 ms.
    let listener = TcpListener::bind(("127.0.0.1", config.port)).await?;
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::warn!("a TLS provider was installed already");
    }
    let app = Arc::new(App::new(config));
    axum::serve(listener, function::http::router(app)).await?;
    anyhow::bail!("the service ended")
}

async fn verify(store: StoreAt) -> anyhow::Result<()> {
    let wholes = audit::verify(&store.records()?).await?;
    for whole in &wholes {
        println!("{}: {} runs, head {}", whole.chain, whole.links, whole.head);
    }
    println!("{} chains, every link holds", wholes.len());
    Ok(())
}

async fn replay(store: StoreAt, run: &str) -> anyhow::Result<()> {
    let replayed = audit::replay(&store.records()?, run).await?;
    for line in &replayed.recorded_only {
        println!("- {line}");
    }
    for line in &replayed.replayed_only {
        println!("+ {line}");
    }
    anyhow::ensure!(
        replayed.is_same(),
        "run {run} plans otherwise now: - is in the record, + is planned now; {} lines are the same",
        replayed.same
    );
    println!("run {run}: the same plan, {} steps and decisions", replayed.same);
    Ok(())
}
