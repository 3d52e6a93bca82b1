//! A custom handler for the tests: echoes what it gets, and fails when it is told to.
#![expect(clippy::unwrap_used, reason = "a handler for tests may die of surprise")]

use std::{
    path::Path as File,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::watch;

#[derive(Clone)]
struct Handler {
    ticks: Arc<Mutex<Vec<Value>>>,
    messages: Arc<Mutex<Vec<Value>>>,
    /// How many messages are worked on, and how many at most.
    busy: Arc<Mutex<(usize, usize)>>,
    released: watch::Sender<bool>,
}

#[tokio::main]
async fn main() {
    let variable =
        |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let port: u16 = variable("FUNCTIONS_CUSTOMHANDLER_PORT").unwrap().parse().unwrap();
    if let Some(code) = variable("EXIT_AT_START") {
        std::process::exit(code.parse().unwrap());
    }
    if let Some(gate) = variable("GATE") {
        while !File::new(&gate).exists() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    println!("plain line");
    eprintln!("WARNing line");
    eprintln!("bad line");
    let handler = Handler {
        ticks: Arc::default(),
        messages: Arc::default(),
        busy: Arc::default(),
        released: watch::Sender::new(false),
    };
    let app = Router::new()
        .route("/", get(|| async { "root" }))
        .route("/api/exit/{code}", any(exit))
        .route("/api/hang", any(std::future::pending::<Response>))
        .route(
            "/api/moved",
            any(|| async { (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]) }),
        )
        .route("/api/stream", any(stream))
        .route("/api/release", any(release))
        .route("/api/ticks", get(ticks))
        .route("/api/messages", get(messages))
        .route("/api/busy", get(busy))
        .route("/api/{*path}", any(echo))
        .route("/tick", post(tick))
        .route("/work", post(work))
        .route("/wrapped", post(wrapped))
        .layer(DefaultBodyLimit::disable())
        .with_state(handler);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}

async fn exit(Path(code): Path<i32>) {
    std::process::exit(code);
}

/// Says one word, then waits for `/api/release` to say the next.
async fn stream(State(handler): State<Handler>) -> Response {
    let first = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from("first "))]);
    let second = futures::stream::once(async move {
        handler.released.subscribe().wait_for(|released| *released).await.unwrap();
        Ok(Bytes::from("second"))
    });
    Body::from_stream(first.chain(second)).into_response()
}

async fn release(State(handler): State<Handler>) {
    handler.released.send_replace(true);
}

async fn ticks(State(handler): State<Handler>) -> Json<Value> {
    Json(json!(*handler.ticks.lock().unwrap()))
}

async fn tick(State(handler): State<Handler>, request: Request) -> Json<Value> {
    let seen = describe(request).await;
    handler.ticks.lock().unwrap().push(seen);
    Json(json!({"Outputs": {}, "Logs": ["ticked"], "ReturnValue": null}))
}

async fn messages(State(handler): State<Handler>) -> Json<Value> {
    Json(json!(*handler.messages.lock().unwrap()))
}

async fn busy(State(handler): State<Handler>) -> Json<Value> {
    Json(json!(*handler.busy.lock().unwrap()))
}

/// Notes a message, then does what its text says.
async fn work(State(handler): State<Handler>, request: Request) -> Response {
    let seen = describe(request).await;
    let envelope: Value = serde_json::from_str(seen["body"].as_str().unwrap()).unwrap();
    let text: String = serde_json::from_str(envelope["Data"]["item"].as_str().unwrap()).unwrap();
    let first = envelope["Metadata"]["DequeueCount"] == "1";
    handler.messages.lock().unwrap().push(seen);
    {
        let mut busy = handler.busy.lock().unwrap();
        busy.0 += 1;
        busy.1 = busy.1.max(busy.0);
    }
    match text.as_str() {
        "fail" => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "die once" if first => std::process::exit(3),
        "wait" => {
            handler.released.subscribe().wait_for(|released| *released).await.unwrap();
        }
        _ => {}
    }
    handler.busy.lock().unwrap().0 -= 1;
    Json(json!({"Outputs": {}, "Logs": [], "ReturnValue": null})).into_response()
}

async fn wrapped(request: Request) -> Json<Value> {
    let body = describe(request).await;
    Json(json!({"Outputs": {"res": {"statusCode": 201, "headers": {"X-Id": "7"}, "body": body}}}))
}

async fn echo(request: Request) -> Json<Value> {
    Json(describe(request).await)
}

async fn describe(request: Request) -> Value {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers: serde_json::Map<_, _> = head
        .headers
        .keys()
        .map(|name| {
            let all: Vec<_> =
                head.headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect();
            (name.to_string(), json!(all.join("|")))
        })
        .collect();
    let environment: serde_json::Map<_, _> =
        std::env::vars().map(|(name, value)| (name, json!(value))).collect();
    json!({
        "method": head.method.as_str(),
        "uri": head.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
        "env": environment,
        "cwd": std::env::current_dir().unwrap(),
    })
}
