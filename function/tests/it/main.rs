//! The router as a value: the table of routes × roles, and the headers of every answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod apply;
mod policies;
mod runs;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use function::{
    App, Config,
    config::SignIn,
    http::{router, routes},
};
use shared::api::Role;
use tower::ServiceExt;

/// A service whose Azure is away, so that nothing but the door is tried.
fn service(sign_in: SignIn) -> (Router, tempfile::TempDir) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let mut config = Config::from_lookup(|name| match name {
        "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("1".to_owned()),
        "SNAPFERRY_INSTALLATION" => Some("test".to_owned()),
        "SNAPFERRY_STORE" => Some(store.clone()),
        "AzureWebJobsStorage" => Some("UseDevelopmentStorage=true".to_owned()),
        "SNAPFERRY_ARM_ENDPOINT" => Some("http://127.0.0.1:1".to_owned()),
        _ => None,
    })
    .unwrap();
    config.sign_in = sign_in;
    (router(Arc::new(App::new(config))), folder)
}

fn principal(role: Role) -> String {
    let claim = match role {
        Role::Reader => "Snapferry.Reader",
        Role::Operator => "Snapferry.Operator",
        Role::Owner => "Snapferry.Owner",
    };
    let json = format!(
        r#"{{"auth_typ":"aad","name_typ":"name","role_typ":"roles",
            "claims":[{{"typ":"name","val":"Ann"}},{{"typ":"roles","val":"{claim}"}}]}}"#
    );
    STANDARD.encode(json)
}

async fn call(
    service: &Router,
    method: &str,
    path: &str,
    who: Option<Role>,
) -> axum::http::Response<Body> {
    let path = path.replace(['{', '}'], "");
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
    if let Some(role) = who {
        request = request.header("x-ms-client-principal", principal(role));
    }
    service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn every_route_lets_in_the_roles_that_the_table_says_and_no_others() {
    let (service, _folder) = service(SignIn::EasyAuth);
    for route in routes() {
        for role in [Role::Reader, Role::Operator, Role::Owner] {
            let answer = call(&service, route.method.as_str(), route.path, Some(role)).await;
            let refused = answer.status() == StatusCode::FORBIDDEN;
            assert_eq!(refused, role < route.role, "{} {} as {role:?}", route.method, route.path);
        }
        let nobody = call(&service, route.method.as_str(), route.path, None).await;
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn without_authentication_nobody_is_let_in_whatever_they_send() {
    let (service, _folder) = service(SignIn::Closed);
    for route in routes() {
        let answer = call(&service, route.method.as_str(), route.path, Some(Role::Owner)).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(body["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn every_answer_carries_the_strict_policy() {
    let (service, _folder) = service(SignIn::Local("me".to_owned()));
    for path in ["/", "/portal", "/api/status", "/api/nothing", "/elsewhere"] {
        let answer = call(&service, "GET", path, None).await;
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("style-src 'self';"), "{path}: {policy}");
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn the_routes_of_the_triggers_are_not_for_clients() {
    let (service, _folder) = service(SignIn::Local("me".to_owned()));
    for path in ["/tick", "/work"] {
        let proxied = Request::post(path)
            .header("host", "127.0.0.1")
            .header("x-forwarded-host", "localhost")
            .header("content-type", "application/json")
            .body(Body::from("{}"))
            .unwrap();
        let answer = service.clone().oneshot(proxied).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_message_that_names_no_request_fails_and_one_of_an_unknown_request_is_done_with() {
    let (service, _folder) = service(SignIn::Closed);
    for (item, status) in [
        ("hello", StatusCode::INTERNAL_SERVER_ERROR),
        (r#"{"request":"11111111-0001"}"#, StatusCode::OK),
    ] {
        let item = serde_json::json!(item).to_string();
        let envelope = serde_json::json!({"Data": {"item": item}, "Metadata": {}});
        let message = Request::post("/work")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .body(Body::from(envelope.to_string()))
            .unwrap();
        let answer = service.clone().oneshot(message).await.unwrap();
        assert_eq!(answer.status(), status);
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(body["Outputs"].is_object());
    }
}

#[tokio::test]
async fn a_name_that_another_site_points_here_is_refused_where_nobody_signs_in() {
    let (service, _folder) = service(SignIn::Local("me".to_owned()));
    let rebound = Request::get("/api/status").header("host", "evil.example").body(Body::empty());
    let answer = service.oneshot(rebound.unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}
