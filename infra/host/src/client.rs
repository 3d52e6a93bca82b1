//! One HTTP/1.1 request to the handler on 127.0.0.1, or to a service; one connection each.
//!
//! Nothing is followed, retried or rewritten here: what is given is what goes over the wire.

use std::{fmt, io};

use axum::body::Body;
use hyper::{Request, Response, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Why a request got no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody listens: the request was not sent and may be tried again.
    Connect(io::Error),
    /// The connection broke.
    Transport(hyper::Error),
}

impl Failure {
    /// Says what failed to whom.
    pub(crate) fn of(&self, whom: &str) -> String {
        match self {
            Self::Connect(error) => format!("connecting to {whom}: {error}"),
            Self::Transport(error) => format!("the connection to {whom} broke: {error}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.of("the handler"))
    }
}

/// A connection that has carried nothing yet.
pub(crate) struct Connection(http1::SendRequest<Body>);

/// Connects to the handler.
pub(crate) async fn connect(port: u16) -> Result<Connection, Failure> {
    connect_to("127.0.0.1", port).await
}

/// Connects to any host.
pub(crate) async fn connect_to(host: &str, port: u16) -> Result<Connection, Failure> {
    let stream = TcpStream::connect((host, port)).await.map_err(Failure::Connect)?;
    stream.set_nodelay(true).map_err(Failure::Connect)?;
    let io = TokioIo::new(stream);
    let (sender, connection) = http1::handshake(io).await.map_err(Failure::Transport)?;
    // Ends with the response's body or when the caller drops it.
    tokio::spawn(connection);
    Ok(Connection(sender))
}

impl Connection {
    /// Sends a request whose URI is path and query only; `Host` is the caller's.
    pub(crate) async fn send(
        mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Failure> {
        self.0.send_request(request).await.map_err(Failure::Transport)
    }
}
