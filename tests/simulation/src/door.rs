//! A door into the emulator that no fault stands in: what judges and people of a simulation do, at
//! the simulation's time.

use anyhow::ensure;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, Response, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use emulator::Azure;
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{clocks::Clocks, look::Look};

/// The emulator's world on the simulation's clocks.
pub(crate) struct Door {
    azure: Azure,
    router: Router,
    clocks: Clocks,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Door {
    /// An Azure of nothing that begins at `begins`.
    pub(crate) fn new(seed: u64, begins: Timestamp) -> Self {
        let azure = Azure::in_memory(seed);
        let router = azure.plain_router().fallback_service(azure.arm_router());
        Self { azure, router, clocks: Clocks::new(begins) }
    }

    pub(crate) fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    pub(crate) fn identity_header(&self) -> anyhow::Result<String> {
        self.azure.identity_header()
    }

    /// How often the emulator itself failed.
    pub(crate) fn panics(&self) -> u64 {
        self.azure.panics()
    }

    /// Passes a call to Azure at its present time.
    pub(crate) async fn forward(&self, request: Request<Body>) -> Response<Body> {
        // Its only error is that it is stopped, and nobody stops it.
        let _ = self.azure.freeze_at(self.clocks().azure());
        let Ok(response) = self.router.clone().oneshot(request).await;
        response
    }

    /// A call of a person with every right, whom no fault strikes.
    pub(crate) async fn arm(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "appid": "a-person", "oid": "a-person" });
        let bearer = format!("Bearer {}.{}.", part(json!({ "alg": "none" })), part(claims));
        let request = Request::builder()
            .method(method)
            .uri(format!("https://management.azure.com{path}"))
            .header("host", "management.azure.com")
            .header("authorization", bearer)
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
        read(self.forward(request).await).await
    }

    /// A call of the control API that must succeed.
    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://control/_control/{path}"))
            .header("host", "control")
            .header("content-type", "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })?;
        let answer = read(self.forward(request).await).await?;
        ensure!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// Writes bytes into a disk.
    pub(crate) async fn write(
        &self,
        disk: &str,
        offset: u64,
        bytes: Vec<u8>,
    ) -> anyhow::Result<()> {
        let request =
            Request::post(format!("http://control/_control/write?id={disk}&offset={offset}"))
                .header("host", "control")
                .body(Body::from(bytes))?;
        let answer = read(self.forward(request).await).await?;
        ensure!(answer.status.is_success(), "writing {disk}: {}", answer.body);
        Ok(())
    }

    /// Everything that is there.
    pub(crate) fn look_through(&self) -> anyhow::Result<Look> {
        self.azure.freeze_at(self.clocks().azure())?;
        Ok(Look::of(self.azure.seen()?))
    }
}

async fn read(response: Response<Body>) -> anyhow::Result<Answer> {
    let status = response.status();
    let bytes: Bytes = to_bytes(response.into_body(), usize::MAX).await?;
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}
