//! A listener on 127.0.0.1 that can vanish with all its connections, with or without TLS.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};

use axum::{
    BoxError, Router,
    body::{Bytes, HttpBody},
    extract::Request,
    response::Response,
};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use rustls::ServerConfig;
use tower::{ServiceExt, make::Shared, service_fn};

/// An answer with this extension is never sent: the connection breaks instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DropConnection;

/// A listening router.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    handle: Handle<SocketAddr>,
    task: Option<tokio::task::JoinHandle<io::Result<()>>>,
}

/// Takes the port before anything is served, so that links can name it.
pub(crate) fn bind(port: u16) -> anyhow::Result<TcpListener> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?)
}

impl Server {
    pub(crate) fn start(
        listener: TcpListener,
        router: Router,
        tls: Option<Arc<ServerConfig>>,
    ) -> anyhow::Result<Self> {
        let port = listener.local_addr()?.port();
        let handle = Handle::new();
        let service = Shared::new(service_fn(move |request| answer(router.clone(), request)));
        let task = match tls {
            Some(tls) => {
                let tls = RustlsConfig::from_config(tls);
                let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle.clone());
                tokio::spawn(server.serve(service))
            }
            None => {
                let server = axum_server::from_tcp(listener)?.handle(handle.clone());
                tokio::spawn(server.serve(service))
            }
        };
        Ok(Self { port, handle, task: Some(task) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Closes the listener and every connection, and waits until the port is free.
    pub(crate) async fn stop(&mut self) {
        self.handle.shutdown();
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.shutdown();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn answer<B>(router: Router, request: Request<B>) -> Result<Response, io::Error>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.extensions().get::<DropConnection>().is_some() {
        return Err(io::Error::new(io::ErrorKind::ConnectionReset, "a fault drops the connection"));
    }
    Ok(response)
}
