//! What reaches the handler over HTTP, and what comes back.

use reqwest::Body;
use serde_json::Value;

use crate::app::{App, client, get};

const PRINCIPAL: &str = r#"{"auth_typ":"aad","claims":[{"typ":"name","val":"Ann"}],"name_typ":"name","role_typ":"roles"}"#;

#[tokio::test]
async fn proxies_with_the_headers_of_a_newer_host() {
    let app = App::new();
    let host = app.start().await;
    let seen: Value = client()
        .put(host.url() + "/api/x%2Fy?a=1&a=2")
        .header("User-Agent", "test/1")
        .header("X-Forwarded-For", "9.9.9.9")
        .header("X-Azure-Functions-InvocationId", "forged")
        .header("Upgrade-Insecure-Requests", "1")
        .body(Body::wrap_stream(futures::stream::iter([Ok::<_, std::io::Error>("streamed")])))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let headers = &seen["headers"];
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["uri"], "/api/x%2Fy?a=1&a=2");
    assert_eq!(seen["body"], "streamed");
    assert_eq!(headers["user-agent"], "test/1");
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-host"], host.url().trim_start_matches("http://"));
    assert_ne!(headers["host"], headers["x-forwarded-host"]);
    assert_ne!(headers["x-azure-functions-invocationid"], "forged");
    assert_eq!(headers["x-azure-functions-invocationid"], headers["x-ms-invocation-id"]);
    assert_eq!(headers.get("upgrade-insecure-requests"), None);
    host.stop().await;
}

#[tokio::test]
async fn forwards_with_the_losses_of_an_older_host() {
    let mut app = App::new();
    app.config.proxying = false;
    let host = app.start().await;
    let request = client().post(host.url() + "/api/x?a=1&a=2").header("User-Agent", "test/1");
    let request = request.header("X-Azure-Functions-InvocationId", "mine").body("kept");
    let seen: Value = request.send().await.unwrap().json().await.unwrap();
    let headers = &seen["headers"];
    assert_eq!(seen["uri"], "/api/x?a=1%2C2");
    assert_eq!(seen["body"], "kept");
    assert_eq!(headers["host"], host.url().trim_start_matches("http://"));
    assert!(headers["user-agent"].as_str().unwrap().starts_with("test/1 Azure-Functions-Host/4."));
    assert!(headers["x-azure-functions-invocationid"].as_str().unwrap().starts_with("mine, "));
    assert_eq!(headers.get("x-ms-invocation-id"), None);
    assert_eq!(headers.get("x-forwarded-host"), None);

    let body = Body::wrap_stream(futures::stream::iter([Ok::<_, std::io::Error>("lost")]));
    let request =
        client().post(host.url() + "/api/x").header("Content-Type", "text/plain").body(body);
    let seen: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(seen["body"], "");
    assert_eq!(seen["headers"].get("content-type"), None);
    host.stop().await;
}

#[tokio::test]
async fn passes_redirects_on_and_streams_responses() {
    let app = App::new();
    let host = app.start().await;
    let moved = client().get(host.url() + "/api/moved").send().await.unwrap();
    assert_eq!(
        (moved.status().as_u16(), &moved.headers()["location"]),
        (302, &"/elsewhere".parse().unwrap())
    );
    let mut stream = client().get(host.url() + "/api/stream").send().await.unwrap();
    assert_eq!(stream.chunk().await.unwrap().unwrap(), "first ");
    client().get(host.url() + "/api/release").send().await.unwrap();
    assert_eq!(stream.text().await.unwrap(), "second");
    host.stop().await;
}

#[tokio::test]
async fn wraps_requests_for_functions_with_more_outputs() {
    let app = App::new();
    let host = app.start().await;
    let response =
        client().post(host.url() + "/wrap/42?x=1").body("{\"id\":1005}").send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-id"], "7");
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    let seen: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(seen["uri"], "/wrapped");
    let envelope: Value = serde_json::from_str(seen["body"].as_str().unwrap()).unwrap();
    let request = &envelope["Data"]["req"];
    assert_eq!(request["Params"]["id"], "42");
    assert_eq!(request["Query"]["x"], "1");
    assert_eq!(request["Body"], "{\"id\":1005}");
    assert_eq!(envelope["Metadata"]["x"], "\"1\"");
    host.stop().await;
}

#[tokio::test]
async fn strips_a_forged_principal_and_injects_its_own() {
    let forged = |url: String| {
        let request = client().get(url + "/api/x").header("X-MS-CLIENT-PRINCIPAL", "forged");
        request
            .header("X-MS-CLIENT-PRINCIPAL-ID", "forged")
            .header("X-MS-TOKEN-AAD-ID-TOKEN", "forged")
    };
    let mut app = App::new();
    let host = app.start().await;
    let seen: Value = forged(host.url()).send().await.unwrap().json().await.unwrap();
    assert!(!seen["headers"].to_string().contains("x-ms-client-principal"));
    assert_eq!(seen["env"]["WEBSITE_AUTH_ENABLED"], "False");
    host.stop().await;

    app.config.principal = Some(PRINCIPAL.to_owned());
    let host = app.start().await;
    let seen: Value = forged(host.url()).send().await.unwrap().json().await.unwrap();
    assert!(!seen["headers"].to_string().contains("forged"));
    assert!(
        seen["headers"]["x-ms-client-principal"]
            .as_str()
            .unwrap()
            .starts_with("eyJhdXRoX3R5cCI6ImFhZCIs")
    );
    assert_eq!(seen["headers"]["x-ms-client-principal-name"], "Ann");
    assert_eq!(seen["env"]["WEBSITE_AUTH_ENABLED"], "True");
    host.stop().await;
}

#[tokio::test]
async fn takes_the_root_and_never_leads_a_client_to_a_trigger() {
    let app = App::new();
    let host = app.start().await;
    let root = client().get(host.url()).send().await.unwrap();
    assert_eq!(root.text().await.unwrap(), "root");
    for path in ["/tick", "/TICK", "/tick/", "//tick", "/api/%2e%2e/tick", "/wrapped"] {
        let sent = client().post(host.url() + path).body("{\"Data\":{}}").send().await.unwrap();
        assert_eq!(sent.status(), 404, "{path}");
    }
    assert_eq!(get(&host, "/api/ticks").await, serde_json::json!([]));
    host.stop().await;
}

#[tokio::test]
async fn refuses_a_body_over_the_limit() {
    let app = App::new().setting("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "10");
    let host = app.start().await;
    let sent = client().post(host.url() + "/api/x").body("0123456789").send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let sent = client().post(host.url() + "/api/x").body("0123456789a").send().await.unwrap();
    assert_eq!(sent.status(), 413);
    let chunks = ["0123456789", "a"].map(Ok::<_, std::io::Error>);
    let body = Body::wrap_stream(futures::stream::iter(chunks));
    let sent = client().post(host.url() + "/api/x").body(body).send().await.unwrap();
    assert_eq!(sent.status(), 413);
    host.stop().await;
}
