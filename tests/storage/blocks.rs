//! Blocks and the lists that commit them.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;

use crate::client::{Account, Call};

fn put(account: &Account, path: &str, id: &str, content: &str) -> Call {
    let call = account.blob(Method::PUT, path).query("comp", "block");
    call.query("blockid", STANDARD.encode(id)).body(content)
}

/// Commits blocks, each with where to look for it.
fn commit(account: &Account, path: &str, list: &[(&str, &str)]) -> Call {
    let blocks: String = list
        .iter()
        .map(|(place, id)| format!("<{place}>{}</{place}>", STANDARD.encode(id)))
        .collect();
    let body = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{blocks}</BlockList>");
    account.blob(Method::PUT, path).query("comp", "blocklist").body(body)
}

fn list(account: &Account, path: &str) -> Call {
    let call = account.blob(Method::GET, path).query("comp", "blocklist");
    call.query("blocklisttype", "all")
}

pub(crate) async fn blocks_become_a_blob_when_they_are_committed(account: Account) {
    let path = account.make_container().await + "/a";
    put(&account, &path, "1", "one ").send().await.is(201, "");
    put(&account, &path, "2", "two ").send().await.is(201, "");
    put(&account, &path, "3", "three").send().await.is(201, "");
    account.blob(Method::GET, &path).send().await.is(404, "BlobNotFound");
    let waiting = list(&account, &path).send().await.is(200, "");
    assert_eq!(waiting.all("Size"), ["4", "4", "5"]);
    let made = commit(&account, &path, &[("Latest", "2"), ("Uncommitted", "1"), ("Latest", "2")]);
    let made = made.header("x-ms-blob-content-type", "text/plain").header("x-ms-meta-team", "a");
    let made = made.send().await.is(201, "");
    let got = account.blob(Method::GET, &path).send().await.is(200, "");
    assert_eq!((got.text.as_str(), got.header("etag")), ("two one two ", made.header("etag")));
    assert_eq!((got.header("content-type"), got.header("x-ms-meta-team")), ("text/plain", "a"));
    let range = account.blob(Method::GET, &path).header("range", "bytes=2-9").send().await;
    assert_eq!(range.is(206, "").text, "o one tw");
    let listed = list(&account, &path).send().await.is(200, "");
    assert_eq!(listed.one("CommittedBlocks").matches("<Block>").count(), 3);
    // The block that was not listed is gone.
    commit(&account, &path, &[("Latest", "3")]).send().await.is(400, "InvalidBlockList");
}

pub(crate) async fn a_list_takes_blocks_from_where_it_says(account: Account) {
    let path = account.make_container().await + "/a";
    put(&account, &path, "1", "old").send().await.is(201, "");
    commit(&account, &path, &[("Latest", "1")]).send().await.is(201, "");
    put(&account, &path, "1", "new").send().await.is(201, "");
    commit(&account, &path, &[("Committed", "1"), ("Uncommitted", "1")]).send().await.is(201, "");
    assert_eq!(account.blob(Method::GET, &path).send().await.text, "oldnew");
    commit(&account, &path, &[]).send().await.is(201, "");
    assert_eq!(account.blob(Method::GET, &path).send().await.is(200, "").text, "");
    // A blob put whole does away with blocks that wait.
    put(&account, &path, "1", "late").send().await.is(201, "");
    account.put_blob(&path, "whole").send().await.is(201, "");
    let late = commit(&account, &path, &[("Latest", "1")]).send().await;
    late.differs((400, "InvalidBlockList"), (201, ""));
}

pub(crate) async fn what_cannot_be_committed_is_refused(account: Account) {
    let path = account.make_container().await + "/a";
    commit(&account, &path, &[("Latest", "1")]).send().await.is(400, "InvalidBlockList");
    put(&account, &path, "1", "one").send().await.is(201, "");
    let longer = put(&account, &path, "22", "two").send().await;
    longer.is(400, "InvalidBlobOrBlock");
    let broken = account.blob(Method::PUT, &path).query("comp", "blocklist").body("<BlockList>");
    broken.send().await.differs((400, "InvalidXmlDocument"), (400, ""));
    if !account.is_azurite {
        // Azurite makes the blob.
        let guarded = commit(&account, &path, &[("Latest", "1")]).header("if-match", "*");
        guarded.send().await.is(412, "ConditionNotMet");
    }
    let checked =
        put(&account, &path, "1", "one").header("content-md5", "XUFAKrxLKna5cZ2REBfFkg==");
    checked.send().await.differs((400, "Md5Mismatch"), (400, "InvalidOperation"));
    let only = commit(&account, &path, &[("Latest", "1")]).header("if-none-match", "*");
    only.send().await.is(201, "");
    put(&account, &path, "2", "two").send().await.is(201, "");
    let again = commit(&account, &path, &[("Latest", "2")]).header("if-none-match", "*");
    again.send().await.is(409, "BlobAlreadyExists");
}
