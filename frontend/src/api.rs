//! The only code that fetches. Whatever is not a success comes back as a [`Failure`].

use gloo_net::http::{Request, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use shared::{
    Action, History, Policy, Run,
    api::{ApiError, Estate, Imported, PlanView, RequestView, Runs, Status, Ticked},
};
use web_sys::AbortSignal;

use crate::path;

/// The Functions front end drops what has not answered after 230 s; a person has given up long
/// before. A tick may well take a minute.
const TIMEOUT_MS: u32 = 60_000;

/// Why there is no answer to show.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// Nobody answered, or what stands between did.
    Unreachable(String),
    /// The function said no.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What happened and what to do.
        message: String,
    },
}

impl Failure {
    /// The words for people.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Unreachable(message) | Self::Refused { message, .. } => message,
        }
    }

    /// Whether somebody else saved meanwhile.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { status: 409 | 412, .. })
    }
}

/// An estate and the tag to ask with whether it has changed.
pub(crate) struct Fetched {
    pub(crate) estate: Estate,
    pub(crate) etag: Option<String>,
}

pub(crate) async fn status() -> Result<Status, Failure> {
    read(send(Request::get(path::API_STATUS)).await?).await
}

/// The estate; none if it is still the one that `etag` names.
pub(crate) async fn estate(etag: Option<&str>) -> Result<Option<Fetched>, Failure> {
    let mut request = Request::get(path::API_ESTATE);
    if let Some(etag) = etag {
        request = request.header("If-None-Match", etag);
    }
    let response = send(request).await?;
    if response.status() == 304 {
        return Ok(None);
    }
    let etag = response.headers().get("etag");
    let estate = read(response).await?;
    Ok(Some(Fetched { estate, etag }))
}

/// What the next tick would do, as the function sees it.
pub(crate) async fn plan() -> Result<PlanView, Failure> {
    read(send(Request::get(path::API_PLAN)).await?).await
}

/// Saves the policies of a file, all or none of them.
pub(crate) async fn import_policies(file: &serde_json::Value) -> Result<Imported, Failure> {
    put(path::API_IMPORT, file).await
}

/// What past runs taught: what a plan needs that Azure does not tell.
pub(crate) async fn history() -> Result<History, Failure> {
    read(send(Request::get(path::API_HISTORY)).await?).await
}

pub(crate) async fn runs() -> Result<Runs, Failure> {
    read(send(Request::get(path::API_RUNS)).await?).await
}

pub(crate) async fn run(id: &str) -> Result<Run, Failure> {
    read(send(Request::get(&path::api_run(id))).await?).await
}

/// Runs the timer's tick now.
pub(crate) async fn tick() -> Result<Ticked, Failure> {
    read(send(Request::post(path::API_TICKS)).await?).await
}

/// Asks for `action` under an id that stays the same when it is asked again.
pub(crate) async fn ask(id: &str, action: &Action) -> Result<RequestView, Failure> {
    put(&path::api_request(id), action).await
}

/// Saves `policy`, whose version is that of the one it replaces.
pub(crate) async fn save_policy(policy: &Policy) -> Result<Policy, Failure> {
    put(&path::api_policy(&policy.id), policy).await
}

pub(crate) async fn delete_policy(id: &str, version: u32) -> Result<(), Failure> {
    let response = send(Request::delete(&path::api_policy_version(id, version))).await?;
    if response.ok() { Ok(()) } else { Err(refusal(response).await) }
}

async fn put<T: DeserializeOwned>(url: &str, body: &impl serde::Serialize) -> Result<T, Failure> {
    let signal = AbortSignal::timeout_with_u32(TIMEOUT_MS);
    let request = Request::put(url).abort_signal(Some(&signal)).json(body).map_err(unreachable)?;
    read(request.send().await.map_err(unreachable)?).await
}

async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let signal = AbortSignal::timeout_with_u32(TIMEOUT_MS);
    request.abort_signal(Some(&signal)).send().await.map_err(unreachable)
}

/// The browser's own words for a dropped connection differ and say little.
fn unreachable(error: gloo_net::Error) -> Failure {
    let detail = error.to_string();
    let detail = detail.strip_prefix("JsError(").map_or(detail.as_str(), |d| d);
    let words = if detail.contains("fetch") || detail.contains("NetworkError") {
        "Snapferry does not answer".to_owned()
    } else {
        format!("Snapferry does not answer ({})", detail.trim_end_matches(')'))
    };
    Failure::Unreachable(words)
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    if !response.ok() {
        return Err(refusal(response).await);
    }
    let text = response.text().await.map_err(unreachable)?;
    serde_json::from_str(&text).map_err(|error| {
        // A sign-in page in place of JSON, or another version of the function.
        Failure::Unreachable(format!(
            "Snapferry's answer cannot be read ({error}); reload the page"
        ))
    })
}

async fn refusal(response: Response) -> Failure {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let error = serde_json::from_str::<ApiError>(&text).ok().map(|body| body.error.message);
    match (status, error) {
        (401, _) => {
            Failure::Refused { status, message: "You are signed out. Reload the page.".to_owned() }
        }
        (500.., Some(message)) => Failure::Unreachable(message),
        (500.., None) => Failure::Unreachable(format!("Snapferry answers with HTTP {status}")),
        (_, Some(message)) => Failure::Refused { status, message },
        (_, None) => Failure::Refused { status, message: format!("HTTP {status}") },
    }
}
