//! Queues themselves.

use reqwest::Method;

use crate::client::Account;

pub(crate) async fn a_queue_is_made_described_and_deleted(account: Account) {
    let path = format!("/{}", account.case);
    let make = |team: &str| account.queue(Method::PUT, &path).header("x-ms-meta-team", team);
    let describe = || account.queue(Method::GET, &path).query("comp", "metadata");
    describe().send().await.is(404, "QueueNotFound");
    make("a").send().await.is(201, "");
    make("a").send().await.is(204, "");
    make("b").send().await.is(409, "QueueAlreadyExists");
    let described = describe().send().await.is(200, "");
    assert_eq!(described.header("x-ms-meta-team"), "a");
    assert_eq!(described.header("x-ms-approximate-messages-count"), "0");
    let set = account.queue(Method::PUT, &path).query("comp", "metadata");
    set.header("x-ms-meta-team", "c").send().await.is(204, "");
    assert_eq!(describe().send().await.header("x-ms-meta-team"), "c");
    account.queue(Method::DELETE, &path).send().await.is(204, "");
    account.queue(Method::DELETE, &path).send().await.is(404, "QueueNotFound");
    describe().send().await.is(404, "QueueNotFound");
    account.queue(Method::GET, &format!("{path}/messages")).send().await.is(404, "QueueNotFound");
}

pub(crate) async fn a_name_must_be_a_plain_one(account: Account) {
    for name in ["Upper", "a_b", "-ab", "a--b"] {
        let made = account.queue(Method::PUT, &format!("/{name}")).send().await;
        made.is(400, "InvalidResourceName");
    }
    for name in ["ab", &"a".repeat(64)] {
        let made = account.queue(Method::PUT, &format!("/{name}")).send().await;
        made.is(400, "OutOfRangeInput");
    }
}

pub(crate) async fn queues_are_listed_by_pages(account: Account) {
    let name = |number: u32| format!("{}-{number}", account.case);
    for number in 0..3 {
        let call = account.queue(Method::PUT, &format!("/{}", name(number)));
        call.header("x-ms-meta-number", number).send().await.is(201, "");
    }
    let list = || {
        let call = account.queue(Method::GET, "/").query("comp", "list");
        call.query("prefix", format!("{}-", account.case)).query("maxresults", 2)
    };
    let first = list().query("include", "metadata").send().await.is(200, "");
    assert_eq!(first.all("Name"), [name(0), name(1)]);
    assert_eq!(first.all("number"), ["0", "1"]);
    let second = list().query("marker", first.one("NextMarker")).send().await.is(200, "");
    assert_eq!(second.all("Name"), [name(2)]);
    assert!(second.all("NextMarker").iter().all(|marker| marker.is_empty()));
    assert!(second.all("Metadata").is_empty());
}
