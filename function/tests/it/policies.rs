//! Policies as a file: exported, imported all or nothing; and who may approve of deletions.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use function::config::SignIn;
use serde_json::{Value, json};
use shared::api::Role;
use tower::ServiceExt;

use super::{principal, service};

/// One call as `role`; the body's text comes back as it is.
async fn send(
    service: &Router,
    role: Role,
    method: &str,
    path: &str,
    body: Option<&str>,
) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("x-ms-client-principal", principal(role));
    let request = request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap();
    let answer = service.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn policy(id: &str, last: u32) -> Value {
    json!({
        "id": id, "name": id, "enabled": true,
        "disks": { "include": [{ "kind": "tag", "name": "backup", "value": "gold" }] },
        "schedule": { "kind": "cron", "expression": "0 2 * * *" },
        "time_zone": "Europe/Berlin", "group": "snapshots",
        "keep": { "last": last, "daily": 14 },
        "targets": [{ "region": "northeurope", "keep": { "monthly": 12 } }],
    })
}

fn file(policies: &[Value]) -> String {
    json!({ "policies": policies }).to_string()
}

#[tokio::test]
async fn what_is_exported_is_imported_and_is_the_same_bytes_again() {
    let (first, _folder) = service(SignIn::EasyAuth);
    let both = file(&[policy("silver", 3), policy("gold", 7)]);
    let import = "/api/policies/import";
    let (status, answer) = send(&first, Role::Owner, "PUT", import, Some(&both)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer, json!({"saved": ["gold", "silver"], "unchanged": [], "not_in_file": []}));

    let export = "/api/policies/export";
    let (status, exported) = send(&first, Role::Reader, "GET", export, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(exported.ends_with("}\n") && exported.find("gold") < exported.find("silver"));
    assert!(!exported.contains("\"version\"") && !exported.contains("rules_before"));

    let (second, _folder) = service(SignIn::EasyAuth);
    send(&second, Role::Owner, "PUT", import, Some(&exported)).await;
    assert_eq!(send(&second, Role::Reader, "GET", export, None).await.1, exported);
    // Again: nothing has changed, so no version is counted.
    let (_, again) = send(&second, Role::Owner, "PUT", import, Some(&exported)).await;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["unchanged"], json!(["gold", "silver"]));
    let (_, gold) = send(&second, Role::Reader, "GET", "/api/policies/gold", None).await;
    assert_eq!(serde_json::from_str::<Value>(&gold).unwrap()["version"], 1);
}

#[tokio::test]
async fn an_import_changes_what_differs_and_leaves_what_the_file_lacks() {
    let (service, _folder) = service(SignIn::EasyAuth);
    let import = "/api/policies/import";
    let both = file(&[policy("gold", 7), policy("silver", 3)]);
    send(&service, Role::Owner, "PUT", import, Some(&both)).await;
    let one = file(&[policy("gold", 5)]);
    let (_, answer) = send(&service, Role::Owner, "PUT", import, Some(&one)).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer, json!({"saved": ["gold"], "unchanged": [], "not_in_file": ["silver"]}));
    let (_, gold) = send(&service, Role::Reader, "GET", "/api/policies/gold", None).await;
    let gold: Value = serde_json::from_str(&gold).unwrap();
    assert_eq!((gold["version"].as_u64(), gold["keep"]["last"].as_u64()), (Some(2), Some(5)));
    // What the rules before kept waits for an approval, as after any edit.
    assert_eq!(gold["rules_before"][0]["keep"]["last"], 7);
}

#[tokio::test]
async fn one_bad_policy_stops_the_whole_file_and_every_problem_is_told() {
    let (service, _folder) = service(SignIn::EasyAuth);
    let mut mistyped = policy("mistyped", 3);
    mistyped["kepe"] = json!({ "last": 3 });
    let mut empty = policy("empty", 3);
    empty["disks"] = json!({ "include": [] });
    empty["time_zone"] = json!("Mars/Olympus");
    let twice = [policy("good", 3), mistyped, empty, policy("good", 4), policy("import", 3)];
    let import = "/api/policies/import";
    let (status, answer) = send(&service, Role::Owner, "PUT", import, Some(&file(&twice))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    for part in [
        "`mistyped`: unknown field `kepe`",
        "`empty`: choose at least one disk",
        "`empty`: `Mars/Olympus` is not a time zone",
        "`good`: it is in the file more than once",
        "`import`: the id `import` is reserved",
    ] {
        assert!(answer.contains(part), "{part} is not in {answer}");
    }
    let (_, list) = send(&service, Role::Reader, "GET", "/api/policies", None).await;
    assert_eq!(list, r#"{"policies":[]}"#);
    let unknown = r#"{"policies": [], "comment": "x"}"#;
    let (status, _) = send(&service, Role::Owner, "PUT", import, Some(unknown)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_operator_asks_for_actions_and_an_owner_alone_approves_of_deletions() {
    let (service, _folder) = service(SignIn::EasyAuth);
    let path = "/api/requests/11111111-0001";
    let approve = r#"{"kind": "approve_deletions", "batch": "0011223344556677"}"#;
    let (status, answer) = send(&service, Role::Operator, "PUT", path, Some(approve)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    // Azure is away here: whoever may ask gets as far as that.
    let (status, answer) = send(&service, Role::Owner, "PUT", path, Some(approve)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
}
