//! The program `emulator`: starts a small local Azure and says how to reach it.

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use emulator::{Config, Emulator};

/// A small local Azure for managed disks and snapshots.
#[derive(Debug, Parser)]
#[command(name = "emulator", version)]
struct Arguments {
    /// HTTPS port for ARM; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    arm_port: u16,
    /// HTTP port for identity and control; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// HTTP port for blobs; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    blob_port: u16,
    /// HTTP port for queues; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    queue_port: u16,
    /// Folder that keeps the world and its certificates
    #[arg(long)]
    state: Option<PathBuf>,
    /// Wait for the disk before each answer: what was acknowledged survives a loss of power too
    #[arg(long, requires = "state")]
    sync: bool,
    /// How many bytes each CopyStart moves in a second
    #[arg(long, default_value_t = Config::default().bandwidth_bytes_per_second)]
    bandwidth: u64,
    /// Adds x-ms-retry-after-ms to answers about long-running operations
    #[arg(long)]
    retry_after_ms: Option<u64>,
    /// Counts requests against Azure's limits, but refuses none
    #[arg(long)]
    no_throttling: bool,
    /// The value that token requests must carry
    #[arg(long)]
    identity_header: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let emulator = Emulator::start(Config {
        arm_port: arguments.arm_port,
        control_port: arguments.control_port,
        blob_port: arguments.blob_port,
        queue_port: arguments.queue_port,
        state: arguments.state,
        sync: arguments.sync,
        bandwidth_bytes_per_second: arguments.bandwidth,
        retry_after_ms: arguments.retry_after_ms,
        identity_header: arguments.identity_header,
        throttling: !arguments.no_throttling,
    })
    .await?;
    // Shell syntax, so that `eval` can take it. Whoever reads may stop before the last line.
    let told = [
        ("ARM_URL", emulator.arm_url()),
        ("CONTROL_URL", emulator.control_url()),
        ("IDENTITY_ENDPOINT", emulator.identity_url()),
        ("IDENTITY_HEADER", emulator.identity_header().to_owned()),
        ("CA_PATH", emulator.ca_path().display().to_string()),
        ("TENANT_ID", emulator.tenant_id().to_owned()),
        ("BLOB_ENDPOINT", emulator.blob_url()),
        ("QUEUE_ENDPOINT", emulator.queue_url()),
        // Quoted, as it has semicolons.
        ("AZURE_STORAGE_CONNECTION_STRING", format!("'{}'", emulator.storage_connection_string())),
    ];
    let told: String = told.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let _ = std::io::stdout().write_all(told.as_bytes());
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    emulator.stop().await;
    Ok(())
}
