//! The program that the Functions host starts: environment → configuration → service.

use std::{process::ExitCode, sync::Arc};

use function::{App, Config};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    // The host takes every line of stderr for an error (functions-host §2.6).
    tracing_subscriber::fmt()
        .with_writer(std::io::stdout)
        .with_ansi(false)
        .without_time()
        .with_env_filter(tracing_subscriber::EnvFilter::new("info"))
        .init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> anyhow::Result<()> {
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
