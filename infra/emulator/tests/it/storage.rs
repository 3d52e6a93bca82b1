//! What only this emulator's storage has: its clock, its state, its tokens. The contract that it
//! shares with others is in the workspace's `tests/storage`.

use emulator::{Config, Emulator};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::lab::Lab;

/// A token for `resource`, as the identity endpoint gives it.
async fn token(lab: &Lab, resource: &str) -> String {
    let request = lab.client.get(lab.emulator.identity_url());
    let request = request.query(&[("api-version", "2019-08-01"), ("resource", resource)]);
    let request = request.header("x-identity-header", lab.emulator.identity_header());
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// A lab with a token for storage.
struct Account {
    lab: Lab,
    token: String,
}

impl Account {
    async fn of(lab: Lab) -> Self {
        let token = token(&lab, "https://storage.azure.com/").await;
        Self { lab, token }
    }

    fn queue(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.lab.emulator.queue_url());
        self.lab.client.request(method, url).bearer_auth(&self.token)
    }

    fn blob(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.lab.emulator.blob_url());
        self.lab.client.request(method, url).bearer_auth(&self.token)
    }

    async fn put(&self, text: &str, query: &str) {
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        let request = self.queue(Method::POST, &format!("/work/messages{query}")).body(body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::CREATED);
    }

    /// Takes a message for a minute: its id, its receipt, how often it was taken.
    async fn take(&self) -> Option<(String, String, String)> {
        let request = self.queue(Method::GET, "/work/messages?visibilitytimeout=60");
        let text = request.send().await.unwrap().text().await.unwrap();
        let part = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(rest.split_once('<')?.0.to_owned())
        };
        Some((part("MessageId")?, part("PopReceipt")?, part("DequeueCount")?))
    }
}

async fn code(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    let code = answer.headers().get("x-ms-error-code").map(|code| code.to_str().unwrap());
    (answer.status().as_u16(), code.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn messages_hide_return_and_expire_by_the_emulators_clock() {
    let account = Account::of(Lab::start().await).await;
    account.queue(Method::PUT, "/work").send().await.unwrap().error_for_status().unwrap();
    account.put("late", "?visibilitytimeout=10").await;
    assert_eq!(account.take().await, None);
    account.lab.advance(10.0).await;
    let (id, receipt, count) = account.take().await.unwrap();
    assert_eq!(count, "1");
    account.lab.advance(59.0).await;
    assert_eq!(account.take().await, None);
    account.lab.advance(1.0).await;
    let (again, _, count) = account.take().await.unwrap();
    assert_eq!((again, count.as_str()), (id.clone(), "2"));
    let stale = account.queue(Method::DELETE, &format!("/work/messages/{id}"));
    let stale = code(stale.query(&[("popreceipt", receipt)])).await;
    assert_eq!(stale, (400, "PopReceiptMismatch".to_owned()));
    account.lab.advance(7.0 * 86400.0).await;
    assert_eq!(account.take().await, None);
    account.put("for ever", "?messagettl=-1").await;
    account.lab.advance(400.0 * 86400.0).await;
    assert!(account.take().await.is_some());
}

#[tokio::test]
async fn queues_blobs_and_leases_survive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().to_owned());
    let account = Account::of(Lab::with(state.clone()).await).await;
    let made = [
        account.queue(Method::PUT, "/work").header("x-ms-meta-team", "a"),
        account.blob(Method::PUT, "/box?restype=container"),
        account.blob(Method::PUT, "/box/whole").header("x-ms-blob-type", "BlockBlob").body("whole"),
        account.blob(Method::PUT, "/box/parts?comp=block&blockid=QQ%3D%3D").body("first "),
        account.blob(Method::PUT, "/box/parts?comp=block&blockid=Qg%3D%3D").body("second"),
        account
            .blob(Method::PUT, "/box/parts?comp=blocklist")
            .body("<BlockList><Latest>QQ==</Latest><Latest>Qg==</Latest></BlockList>"),
        account
            .blob(Method::PUT, "/box/whole?comp=lease")
            .header("x-ms-lease-action", "acquire")
            .header("x-ms-lease-duration", "60"),
        account.blob(Method::PUT, "/box/gone").header("x-ms-blob-type", "BlockBlob").body("gone"),
        account.blob(Method::DELETE, "/box/gone"),
    ];
    for request in made {
        request.send().await.unwrap().error_for_status().unwrap();
    }
    account.put("kept", "").await;
    let (id, receipt, _) = account.take().await.unwrap();
    drop(account);

    let config = Config { state, ..Config::default() };
    let account = Account::of(Lab::attach(Emulator::start(config).await.unwrap()).await).await;
    let text = async |path: &str| {
        account.blob(Method::GET, path).send().await.unwrap().text().await.unwrap()
    };
    assert_eq!(text("/box/whole").await, "whole");
    assert_eq!(text("/box/parts").await, "first second");
    let gone = code(account.blob(Method::GET, "/box/gone")).await;
    assert_eq!(gone, (404, "BlobNotFound".to_owned()));
    let leased = code(account.blob(Method::DELETE, "/box/whole")).await;
    assert_eq!(leased, (412, "LeaseIdMissing".to_owned()));
    account.lab.advance(60.0).await;
    assert_eq!(code(account.blob(Method::DELETE, "/box/whole")).await.0, 202);
    let queue = account.queue(Method::GET, "/work?comp=metadata").send().await.unwrap();
    assert_eq!(queue.headers()["x-ms-meta-team"], "a");
    assert_eq!(queue.headers()["x-ms-approximate-messages-count"], "1");
    let deleted = account.queue(Method::DELETE, &format!("/work/messages/{id}"));
    assert_eq!(code(deleted.query(&[("popreceipt", receipt)])).await.0, 204);
}

#[tokio::test]
async fn only_a_token_for_storage_opens_it() {
    let account = Account::of(Lab::start().await).await;
    let list = format!("{}/?comp=list", account.lab.emulator.queue_url());
    let arm = token(&account.lab, "https://management.azure.com/").await;
    let refused = (403, "AuthenticationFailed".to_owned());
    assert_eq!(code(account.lab.client.get(&list)).await, refused);
    for token in [arm.as_str(), "nonsense", "a.b.c"] {
        assert_eq!(code(account.lab.client.get(&list).bearer_auth(token)).await, refused);
    }
    assert_eq!(code(account.queue(Method::GET, "/?comp=list")).await.0, 200);
}

#[tokio::test]
async fn what_is_not_played_says_so() {
    let account = Account::of(Lab::start().await).await;
    account.blob(Method::PUT, "/box?restype=container").send().await.unwrap();
    let page = account.blob(Method::PUT, "/box/page").header("x-ms-blob-type", "PageBlob");
    for request in [
        page.header("x-ms-blob-content-length", "512"),
        account.blob(Method::GET, "/box/page?comp=pagelist"),
        account.blob(Method::PUT, "/box/page?comp=appendblock"),
        account.blob(Method::PUT, "/box/page?comp=snapshot"),
        account.queue(Method::GET, "/?comp=properties"),
    ] {
        assert_eq!(code(request).await, (400, "NotImplemented".to_owned()));
    }
}

/// An account with queue `work`, and blob `whole` in container `box`.
async fn furnished() -> Account {
    let account = Account::of(Lab::start().await).await;
    for request in [
        account.queue(Method::PUT, "/work"),
        account.blob(Method::PUT, "/box?restype=container"),
        account.blob(Method::PUT, "/box/whole").header("x-ms-blob-type", "BlockBlob").body("whole"),
    ] {
        request.send().await.unwrap().error_for_status().unwrap();
    }
    account
}

#[tokio::test]
async fn the_answer_to_a_message_is_lost_before_its_effect_or_after_it() {
    let account = furnished().await;
    let body = "<QueueMessage><MessageText>x</MessageText></QueueMessage>";
    for (after, count) in [(false, "0"), (true, "1")] {
        let lost = json!({
            "path_contains": "devstoreaccount1/work/messages", "method": "POST",
            "status": 0, "after": after,
        });
        account.lab.control(Method::POST, "faults", lost).await;
        let sent = account.queue(Method::POST, "/work/messages").body(body).send().await;
        assert!(sent.is_err(), "the connection broke");
        let queue = account.queue(Method::GET, "/work?comp=metadata").send().await.unwrap();
        assert_eq!(queue.headers()["x-ms-approximate-messages-count"], count);
    }
    account.put("again", "").await;
    let struck = account.lab.control(Method::GET, "faults", Value::Null).await;
    let paths: Vec<&Value> =
        struck["struck"].as_array().unwrap().iter().map(|one| &one["path"]).collect();
    assert_eq!(paths, ["/devstoreaccount1/work/messages"; 2]);
}

#[tokio::test]
async fn a_busy_account_says_so_in_its_own_words() {
    let account = furnished().await;
    for (mut fault, expected) in [
        (json!({"status": 503, "retry_after_seconds": 3}), (503, "ServerBusy")),
        (json!({"throttle": "HighCostGet30Min", "retry_after_seconds": 3}), (503, "ServerBusy")),
        (json!({"status": 500, "retry_after_seconds": 3}), (500, "InternalError")),
        (json!({"status": 409, "code": "Odd", "retry_after_seconds": 3}), (409, "Odd")),
    ] {
        fault["path_contains"] = "devstoreaccount1/box".into();
        account.lab.control(Method::POST, "faults", fault).await;
        let answer = account.blob(Method::GET, "/box/whole").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected.0);
        assert_eq!(answer.headers()["x-ms-error-code"], expected.1);
        assert_eq!(answer.headers()["retry-after"], "3");
        assert_eq!(answer.headers()["content-type"], "application/xml");
        let text = answer.text().await.unwrap();
        assert!(text.contains(&format!("<Error><Code>{}</Code>", expected.1)), "{text}");
        assert_eq!(code(account.blob(Method::GET, "/box/whole")).await.0, 200);
    }
}

#[tokio::test]
async fn a_blob_is_cut_short_of_the_length_that_was_promised() {
    let account = furnished().await;
    let cut = json!({"path_contains": "devstoreaccount1/box/whole", "truncate_bytes": 3});
    account.lab.control(Method::POST, "faults", cut.clone()).await;
    let mut answer = account.blob(Method::GET, "/box/whole").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.content_length()), (200, Some(5)));
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "who");
    assert!(answer.chunk().await.is_err(), "the connection broke");
    let answer = account.blob(Method::GET, "/box/whole").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "whole");
    // Of an answer to HEAD there is nothing to cut, and its length stays the blob's.
    account.lab.control(Method::POST, "faults", cut).await;
    let answer = account.blob(Method::HEAD, "/box/whole").send().await.unwrap();
    assert_eq!(answer.headers()["content-length"], "5");
}

#[tokio::test]
async fn a_poller_uses_up_no_fault_that_is_meant_for_others() {
    let account = furnished().await;
    for fault in [
        json!({"status": 503}),
        json!({"method": "GET", "status": 503}),
        json!({"path_contains": "work", "status": 503}),
    ] {
        account.lab.control(Method::POST, "faults", fault).await;
    }
    let every = json!({"seed": 1, "probability": 1.0, "kinds": ["503"]});
    let before = account.lab.control(Method::PUT, "faults/random", every.clone()).await;
    for _ in 0..3 {
        assert_eq!(code(account.queue(Method::GET, "/work/messages")).await.0, 200);
    }
    let faults = account.lab.control(Method::GET, "faults", Value::Null).await;
    assert_eq!(faults, before);
    assert_eq!(faults["faults"].as_array().unwrap().len(), 3);
    // By chance, too, it takes the account's name.
    let mut named = every;
    named["path_contains"] = "devstoreaccount1/work".into();
    account.lab.control(Method::PUT, "faults/random", named).await;
    assert_eq!(code(account.queue(Method::GET, "/work/messages")).await.0, 503);
    assert_eq!(code(account.blob(Method::GET, "/box/whole")).await.0, 200);
}

#[tokio::test]
async fn what_xml_cannot_say_is_refused() {
    let account = furnished().await;
    let message = |text: &str| {
        account
            .queue(Method::POST, "/work/messages")
            .body(format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>"))
    };
    for text in ["&#1;", "\u{b}", "&#xffff;"] {
        assert_eq!(code(message(text)).await, (400, "InvalidXmlDocument".to_owned()));
    }
    assert_eq!(code(message("&#9;&#x1f980;")).await.0, 201);
    let list = account.queue(Method::GET, "/?comp=list&prefix=%01");
    assert_eq!(code(list).await, (400, "InvalidQueryParameterValue".to_owned()));
    let blob = account.blob(Method::PUT, "/box/a%01b").header("x-ms-blob-type", "BlockBlob");
    assert_eq!(code(blob).await, (400, "InvalidResourceName".to_owned()));
    for name in ["x-ms-meta-", "x-ms-meta-1a", "x-ms-meta-a-b"] {
        let queue = account.queue(Method::PUT, "/work?comp=metadata").header(name, "x");
        assert_eq!(code(queue).await, (400, "InvalidMetadata".to_owned()));
    }
}
