//! The table of routes, and the router that is built from it.

mod auth;
mod body;
mod disks;
mod error;
mod estate;
mod openapi;
mod policies;
mod portal;
mod requests;
mod runs;
mod triggers;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::Response,
    routing::{self, MethodRouter},
};
use shared::api::Role;

use crate::{app::App, error::Error};
pub use portal::PortalFiles;

/// One route of the API.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with parameters in braces.
    pub path: &'static str,
    /// The least role that it takes.
    pub role: Role,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The schema of its body.
    pub takes: Option<&'static str>,
    /// The schema of its answer.
    pub gives: Option<&'static str>,
    handler: MethodRouter<Arc<App>>,
}

/// Every route of the API with the role that it takes: one table, from which the router and the
/// OpenAPI document are built, and which a test walks.
pub fn routes() -> Vec<Route> {
    use Role::{Operator, Owner, Reader};
    use routing::{delete, get, post, put};
    let route = |method, path, role, summary, takes, gives, handler| Route {
        method,
        path,
        role,
        summary,
        takes,
        gives,
        handler,
    };
    const DISK: &str = "/api/subscriptions/{subscription}/resourceGroups/{group}/disks/{disk}";
    const POINTS: &str =
        "/api/subscriptions/{subscription}/resourceGroups/{group}/disks/{disk}/snapshots";
    vec![
        route(
            Method::GET,
            "/api/status",
            Reader,
            "Who and where, and how it stands with Azure",
            None,
            Some("Status"),
            get(estate::show_status),
        ),
        route(
            Method::GET,
            "/api/estate",
            Reader,
            "Everything that the portal shows",
            None,
            Some("Estate"),
            get(estate::show_estate),
        ),
        route(
            Method::GET,
            "/api/plan",
            Reader,
            "What the next tick would do, were it now",
            None,
            Some("PlanView"),
            get(estate::show_plan),
        ),
        route(
            Method::GET,
            "/api/history",
            Reader,
            "What past runs taught, for planning elsewhere",
            None,
            None,
            get(estate::show_history),
        ),
        route(
            Method::GET,
            "/api/disks",
            Reader,
            "Every disk and how well it is protected",
            None,
            Some("Disks"),
            get(disks::list_disks),
        ),
        route(
            Method::GET,
            DISK,
            Reader,
            "One disk and how well it is protected",
            None,
            Some("DiskStatus"),
            get(disks::show_disk),
        ),
        route(
            Method::GET,
            POINTS,
            Reader,
            "A disk's snapshots and copies on all sides",
            None,
            Some("Snapshots"),
            get(disks::list_snapshots),
        ),
        route(
            Method::GET,
            "/api/policies",
            Reader,
            "The policies in force",
            None,
            Some("Policies"),
            get(policies::list_policies),
        ),
        route(
            Method::GET,
            "/api/policies/export",
            Reader,
            "All policies as a file to keep in git",
            None,
            Some("PolicyFile"),
            get(policies::export),
        ),
        route(
            Method::PUT,
            "/api/policies/import",
            Owner,
            "Save the policies of such a file, all or none",
            Some("PolicyFile"),
            Some("Imported"),
            put(policies::import),
        ),
        route(
            Method::GET,
            "/api/policies/{id}",
            Reader,
            "One policy",
            None,
            Some("Policy"),
            get(policies::show_policy),
        ),
        route(
            Method::PUT,
            "/api/policies/{id}",
            Owner,
            "Save a policy over the version it names",
            Some("Policy"),
            Some("Policy"),
            put(policies::save_policy),
        ),
        route(
            Method::DELETE,
            "/api/policies/{id}",
            Owner,
            "Delete a policy; its points stay",
            None,
            None,
            delete(policies::delete_policy),
        ),
        route(
            Method::GET,
            "/api/requests/{id}",
            Reader,
            "A request and how it stands",
            None,
            Some("RequestView"),
            get(requests::show_request),
        ),
        route(
            Method::PUT,
            "/api/requests/{id}",
            Operator,
            "Ask for an action; a retry is the same",
            Some("Action"),
            Some("RequestView"),
            put(requests::ask),
        ),
        route(
            Method::GET,
            "/api/runs",
            Reader,
            "The last runs",
            None,
            Some("Runs"),
            get(runs::list_runs),
        ),
        route(
            Method::GET,
            "/api/runs/{id}",
            Reader,
            "A run with every step and its reason",
            None,
            Some("Run"),
            get(runs::show_run),
        ),
        route(
            Method::POST,
            "/api/ticks",
            Operator,
            "Run the timer's tick now",
            None,
            Some("Ticked"),
            post(runs::tick_now),
        ),
        route(
            Method::GET,
            "/api/openapi.json",
            Reader,
            "This document",
            None,
            None,
            get(openapi::show_openapi),
        ),
    ]
}

/// Bodies that drivers of the API send are small; larger ones are read to their end and refused.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// The whole service.
pub fn router(app: Arc<App>) -> Router {
    let mut api = Router::new();
    for route in routes() {
        let guard = middleware::from_fn_with_state((app.clone(), route.role), auth::require);
        api = api.route(route.path, route.handler.route_layer(guard));
    }
    api.merge(triggers::router())
        .route("/", routing::get(portal::show_root))
        .route("/portal", routing::get(portal::show_portal))
        .route("/portal/{*path}", routing::get(portal::show_portal))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app.clone(), auth::guard_origin))
        .layer(middleware::from_fn(secure))
        .with_state(app)
}

async fn not_found(State(_): State<Arc<App>>, request: Request) -> Error {
    let path: String = request.uri().path().chars().take(200).collect();
    Error::NotFound(format!("there is nothing at `{path}`; /api/openapi.json lists what there is"))
}

async fn wrong_method(request: Request) -> Error {
    let message = format!(
        "`{}` is not offered here; /api/openapi.json lists what is",
        request.method().as_str().chars().take(20).collect::<String>()
    );
    Error::invalid("MethodNotAllowed", message)
}

/// Headers of every answer.
const SECURITY: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' \
         data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'self'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
