//! The host as a program: one app folder, one port, until Ctrl-C or until it stops itself.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;
use host::{Config, Host};
use serde_json::Value;

/// Plays the Azure Functions host for a custom handler.
#[derive(Parser)]
#[command(name = "host")]
struct Args {
    /// The folder with host.json.
    #[arg(long)]
    app_dir: PathBuf,
    /// The port of the HTTP front on 127.0.0.1; 0 is any free one.
    #[arg(long, default_value_t = 7071)]
    port: u16,
    /// Where timers keep their records.
    #[arg(long)]
    state: PathBuf,
    /// An app setting, K=V; wins over the file.
    #[arg(long = "setting", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// A local.settings.json, whose Values are app settings.
    #[arg(long)]
    settings_file: Option<PathBuf>,
    /// The JSON of a signed-in user, as Easy Auth would send it.
    #[arg(long)]
    principal: Option<String>,
    /// Play an older host, which forwards instead of proxying.
    #[arg(long)]
    forwarding: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    tracing_subscriber::fmt().with_target(false).init();
    let args = Args::parse();
    let mut settings = match &args.settings_file {
        Some(path) => values(path)?,
        None => BTreeMap::new(),
    };
    settings.extend(args.settings);
    let host = Host::start(Config {
        app_dir: args.app_dir,
        port: args.port,
        settings,
        state_dir: args.state,
        principal: args.principal,
        proxying: !args.forwarding,
    })
    .await?;
    tracing::info!("Listening on {}", host.url());
    tokio::select! {
        reason = host.stopped() => {
            tracing::error!("{reason}");
            return Ok(ExitCode::FAILURE);
        }
        result = tokio::signal::ctrl_c() => result?,
    }
    host.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a setting is K=V")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn values(path: &std::path::Path) -> Result<BTreeMap<String, String>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let values = json
        .get("Values")
        .and_then(Value::as_object)
        .context("local.settings.json has no Values")?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(values.iter().map(|(key, value)| (key.clone(), text(value))).collect())
}
