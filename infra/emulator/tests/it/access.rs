//! SAS of disks and snapshots: their shape, their true bytes, and that they really end.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, copy, copy_of, copy_start, disk, snapshot};

const SECONDS: u64 = 600;

async fn begin(lab: &Lab, of: &str, body: Value) -> Answer {
    lab.arm(Method::POST, &format!("{of}/beginGetAccess"), body).await
}

async fn end(lab: &Lab, of: &str) -> Answer {
    lab.arm(Method::POST, &format!("{of}/endGetAccess"), Value::Null).await
}

/// Grants read access and gives the URL, as the operation's result tells it.
async fn grant(lab: &Lab, of: &str) -> String {
    let accepted = begin(lab, of, json!({"access": "Read", "durationInSeconds": SECONDS})).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.body);
    assert_eq!(accepted.body, Value::Null);
    assert_eq!(accepted.header("retry-after"), "");
    let status = accepted.header("azure-asyncoperation").to_owned();
    assert_eq!(lab.get(&status).await.body["status"], "InProgress");
    lab.advance(1.0).await;
    let done = lab.get(&status).await.body;
    assert_eq!(done["status"], "Succeeded");
    let result = lab.get(accepted.header("location")).await.body;
    assert_eq!(done["properties"]["output"], result);
    result["accessSAS"].as_str().unwrap().to_owned()
}

async fn state(lab: &Lab, of: &str) -> String {
    lab.get(of).await.body["properties"]["diskState"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_sas_gives_the_true_bytes_and_a_footer() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let url = grant(&lab, &snapshot("s")).await;
    assert_eq!(state(&lab, &snapshot("s")).await, "ActiveSAS");
    // What is written later is in the disk, not in the snapshot.
    let wanted = lab.content(&snapshot("s")).await;
    lab.write(&disk("d"), 0, vec![9; 4096]).await;

    let size: u64 = (4 << 30) + 512;
    let head = lab.client.head(&url).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()["content-length"], size.to_string().as_str());
    assert_eq!(head.headers()["x-ms-blob-type"], "PageBlob");
    assert_eq!(head.headers()["accept-ranges"], "bytes");
    let range = async |from: u64, to: u64| {
        let request = lab.client.get(&url).header("x-ms-range", format!("bytes={from}-{to}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
        let told = format!("bytes {from}-{to}/{size}");
        assert_eq!(answer.headers()["content-range"], told.as_str());
        answer.bytes().await.unwrap()
    };
    let chunk = 2 << 20;
    assert_eq!(range(0, chunk - 1).await, wanted[..chunk as usize]);
    let last = range((4 << 30) - chunk, size - 1).await;
    assert_eq!(last[..chunk as usize], wanted[2 * chunk as usize..]);
    assert_eq!(&last[chunk as usize..][..8], b"conectix");
    assert_eq!(last.len() as u64, chunk + 512);

    let beyond = lab.client.get(&url).header("range", format!("bytes={size}-")).send().await;
    let beyond = beyond.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.headers()["x-ms-error-code"], "InvalidRange");
    assert!(beyond.text().await.unwrap().contains("<Code>InvalidRange</Code>"));
}

#[tokio::test]
async fn the_url_has_the_shape_of_azures() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let mut full = copy_of(&disk("d"), "eastus");
    full["properties"]["incremental"] = false.into();
    lab.make(&snapshot("full"), full).await;
    let parts = |url: &str| {
        let url = reqwest::Url::parse(url).unwrap();
        let path: Vec<String> = url.path_segments().unwrap().map(str::to_owned).collect();
        let query: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        (path, query)
    };
    for name in ["s", "full"] {
        let url = grant(&lab, &snapshot(name)).await;
        let (path, query) = parts(&url);
        assert_eq!(path.len(), 3);
        assert!(path[0].starts_with("md-") && path[0].len() == 15, "{url}");
        assert_eq!((path[1].len(), path[2].as_str()), (12, "abcd"));
        match name {
            "s" => assert_eq!(query, ["snapshot", "sv", "sr", "si", "sig"]),
            _ => assert_eq!(query, ["sv", "sr", "si", "sig"]),
        }
    }
}

#[tokio::test]
async fn a_sas_ends_when_it_is_revoked_and_when_its_time_is_over() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let of = snapshot("s");
    let get = async |url: &str| {
        let answer = lab.client.get(url).header("range", "bytes=0-511").send().await.unwrap();
        (answer.status().as_u16(), answer.headers().get("x-ms-error-code").cloned())
    };
    let refused = (403, Some("AuthenticationFailed".parse().unwrap()));

    let first = grant(&lab, &of).await;
    assert_eq!(get(&first).await.0, 206);
    let forged = first.replace("sig=", "sig=x");
    assert_eq!(get(&forged).await, refused);
    let revoked = end(&lab, &of).await;
    assert_eq!((revoked.status, revoked.header("retry-after")), (StatusCode::ACCEPTED, ""));
    assert_eq!(get(&first).await, refused);
    lab.advance(1.0).await;
    assert_eq!(state(&lab, &of).await, "Unattached");
    let result = lab.get(revoked.header("location")).await;
    assert_eq!((result.status, result.body), (StatusCode::OK, Value::Null));
    // To revoke again is no failure.
    assert_eq!(end(&lab, &of).await.status, StatusCode::ACCEPTED);

    let second = grant(&lab, &of).await;
    assert_eq!(get(&first).await, refused);
    lab.advance(SECONDS as f64 - 2.0).await;
    assert_eq!(get(&second).await.0, 206);
    lab.advance(2.0).await;
    assert_eq!(get(&second).await, refused);
    assert_eq!(state(&lab, &of).await, "Unattached");
}

#[tokio::test]
async fn access_given_anew_ends_at_its_own_time() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let first = grant(&lab, &snapshot("s")).await;
    lab.advance(500.0).await;
    let second = grant(&lab, &snapshot("s")).await;
    lab.advance(200.0).await;
    let status = async |url: &str| lab.client.head(url).send().await.unwrap().status().as_u16();
    assert_eq!((status(&first).await, status(&second).await), (403, 200));
}

#[tokio::test]
async fn what_has_a_sas_is_not_deleted_and_what_is_deleted_has_none() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let url = grant(&lab, &snapshot("s")).await;
    let refused = lab.delete(&snapshot("s")).await;
    assert_eq!(refused.refusal(), (409, "OperationNotAllowed"));
    end(&lab, &snapshot("s")).await;
    lab.delete(&snapshot("s")).await;
    lab.advance(1.0).await;
    assert_eq!(lab.client.head(&url).send().await.unwrap().status(), 403);
    // One of the same name has another URL.
    lab.take("s", "d").await;
    assert_eq!(lab.client.head(&url).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn access_is_refused_to_what_may_not_be_read() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let read = json!({"access": "Read", "durationInSeconds": 60});
    // A copy below 100 %.
    lab.control(Method::PUT, "bandwidth", json!({"bytes_per_second": 1})).await;
    lab.make(&copy("c"), copy_start(&snapshot("s"), "westus2")).await;
    let refused = begin(&lab, &copy("c"), read.clone()).await;
    assert_eq!(refused.refusal(), (409, "OperationNotAllowed"));
    // A network policy.
    let denied = json!({"properties": {"networkAccessPolicy": "DenyAll"}});
    lab.arm(Method::PATCH, &snapshot("s"), denied).await;
    lab.advance(1.0).await;
    let refused = begin(&lab, &snapshot("s"), read.clone()).await;
    assert_eq!(refused.refusal(), (409, "OperationNotAllowed"));
    // An attached disk; bad parameters; what is not there.
    let owner = format!("owner?id={}", disk("d"));
    lab.control(Method::PUT, &owner, json!({"managed_by": "/vm/1"})).await;
    assert_eq!(begin(&lab, &disk("d"), read.clone()).await.refusal().0, 409);
    lab.control(Method::PUT, &owner, json!({"managed_by": null})).await;
    for body in [
        json!({"access": "Read"}),
        json!({"access": "Read", "durationInSeconds": 0}),
        json!({"access": "Take", "durationInSeconds": 60}),
        json!({"access": "Read", "durationInSeconds": 60, "fileFormat": "ISO"}),
    ] {
        let refused = begin(&lab, &disk("d"), body.clone()).await;
        assert_eq!(refused.refusal(), (400, "InvalidParameter"), "{body}");
    }
    assert_eq!(begin(&lab, &disk("no"), read).await.refusal(), (404, "ResourceNotFound"));
}

#[tokio::test]
async fn private_networks_and_tokens_guard_the_bytes() {
    let lab = Lab::start().await;
    let url = grant(&lab, &disk("d")).await;
    let patch = async |name: &str, value: &str| {
        lab.arm(Method::PATCH, &disk("d"), json!({"properties": {name: value}})).await;
        lab.advance(1.0).await;
    };
    let head = async |bearer: bool| {
        let request = lab.client.head(&url);
        let request = if bearer { request.bearer_auth(&lab.token) } else { request };
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(head(false).await, 200);
    patch("dataAccessAuthMode", "AzureActiveDirectory").await;
    assert_eq!((head(false).await, head(true).await), (401, 200));
    patch("publicNetworkAccess", "Disabled").await;
    assert_eq!(head(true).await, 403);
}

#[tokio::test]
async fn an_upload_goes_from_ready_to_active_to_a_disk() {
    let lab = Lab::start().await;
    let upload = |bytes: u64| {
        json!({
            "location": "eastus",
            "sku": {"name": "Standard_LRS"},
            "properties": {"creationData": {"createOption": "Upload", "uploadSizeBytes": bytes}},
        })
    };
    for bytes in [20_972_031, 35_183_298_347_520 + 512] {
        let refused = lab.put(&disk("u"), upload(bytes)).await;
        assert_eq!(refused.refusal(), (400, "InvalidParameter"));
    }
    let made = lab.make(&disk("u"), upload(20_972_032)).await;
    assert_eq!(made["properties"]["diskState"], "ReadyToUpload");
    assert_eq!(made["properties"].get("diskSizeBytes"), None);
    let write = json!({"access": "Write", "durationInSeconds": 60});
    let refused = begin(&lab, &disk("d"), write.clone()).await;
    assert_eq!(refused.refusal(), (409, "OperationNotAllowed"));
    assert_eq!(begin(&lab, &disk("u"), write).await.status, StatusCode::ACCEPTED);
    assert_eq!(state(&lab, &disk("u")).await, "ActiveUpload");
    let early = lab.put(&snapshot("s"), copy_of(&disk("u"), "eastus")).await;
    assert_eq!(early.refusal(), (409, "OperationNotAllowed"));
    end(&lab, &disk("u")).await;
    let made = lab.get(&disk("u")).await.body;
    assert_eq!(made["properties"]["diskState"], "Unattached");
    assert_eq!(made["properties"]["diskSizeGB"], 1);
}

#[tokio::test]
async fn a_snapshot_is_made_empty_or_uploaded_too() {
    let lab = Lab::start().await;
    let blank = |creation: Value, size: Value| json!({"location": "eastus", "properties": {"creationData": creation, "diskSizeGB": size}});
    let empty = json!({"createOption": "Empty"});
    let refused = lab.put(&snapshot("e"), blank(empty.clone(), Value::Null)).await;
    assert_eq!(refused.refusal(), (400, "InvalidParameter"));
    let made = lab.make(&snapshot("e"), blank(empty, 10.into())).await;
    assert_eq!(made["properties"]["diskSizeGB"], 10);
    assert_eq!(made["properties"]["incremental"], false);
    assert_eq!(made["sku"]["name"], "Standard_LRS");
    let upload = json!({"createOption": "Upload", "uploadSizeBytes": 20_972_032});
    let made = lab.make(&snapshot("u"), blank(upload, Value::Null)).await;
    assert_eq!(made["properties"]["diskState"], "ReadyToUpload");
    let write = json!({"access": "Write", "durationInSeconds": 60});
    assert_eq!(begin(&lab, &snapshot("u"), write).await.status, StatusCode::ACCEPTED);
    assert_eq!(state(&lab, &snapshot("u")).await, "ActiveUpload");
    end(&lab, &snapshot("u")).await;
    assert_eq!(lab.get(&snapshot("u")).await.body["properties"]["diskSizeGB"], 1);
}
