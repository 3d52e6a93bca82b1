//! Files that the ARM listener serves to anybody, so that a template link can name one.

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::azure::Azure;

/// `GET /files/{name}`; they are put through the control API.
pub(super) async fn get_file(State(azure): State<Azure>, Path(name): Path<String>) -> Response {
    match azure.with(|world, _| world.tenant.files.get(&name).cloned()) {
        Ok(Some(text)) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "404: Not Found").into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
