//! Files that the ARM listener serves to anybody, so that a template link can name one.

use axum::{
    Json,
    extract::{Path, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::azure::Azure;

/// `GET /files/{name}`; they are put through the control API.
pub(super) async fn serve_file(
    State(azure): State<Azure>,
    method: Method,
    Path(name): Path<String>,
) -> Response {
    let read = method == Method::GET || method == Method::HEAD;
    match azure.with(|world, _| world.tenant.files.get(&name).filter(|_| read).cloned()) {
        Ok(Some(text)) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
        Ok(None) => {
            let message = format!("There is no file '{name}' here.");
            let error = json!({"error": {"code": "NotFound", "message": message}});
            (StatusCode::NOT_FOUND, Json(error)).into_response()
        }
        Err(_) => crate::control::faults::dropped(),
    }
}
