//! Containers and whole blobs.

use reqwest::Method;

use crate::client::{Account, Call};

pub(crate) async fn a_container_is_made_described_and_deleted(account: Account) {
    let path = format!("/{}", account.case);
    let call = |method| account.blob(method, &path).query("restype", "container");
    call(Method::GET).send().await.is(404, "ContainerNotFound");
    let made = call(Method::PUT).header("x-ms-meta-team", "a").send().await.is(201, "");
    assert!(made.header("etag").starts_with('"') && made.header("last-modified").ends_with("GMT"));
    call(Method::PUT).send().await.is(409, "ContainerAlreadyExists");
    let described = call(Method::HEAD).send().await.is(200, "");
    assert_eq!(described.header("x-ms-meta-team"), "a");
    assert_eq!(described.header("etag"), made.header("etag"));
    let set = call(Method::PUT).query("comp", "metadata").header("x-ms-meta-team", "b");
    set.send().await.is(200, "");
    assert_eq!(call(Method::GET).send().await.header("x-ms-meta-team"), "b");
    let list = account.blob(Method::GET, "/").query("comp", "list");
    let listed = list.query("prefix", &account.case).send().await.is(200, "");
    assert_eq!(listed.all("Name"), [account.case.as_str()]);
    account.put_blob(&format!("{path}/a"), "a").send().await.is(201, "");
    call(Method::DELETE).send().await.is(202, "");
    call(Method::DELETE).send().await.is(404, "ContainerNotFound");
    account.blob(Method::GET, &format!("{path}/a")).send().await.is(404, "ContainerNotFound");
    let bad = account.blob(Method::PUT, "/Bad").query("restype", "container");
    bad.send().await.is(400, "InvalidResourceName");
}

pub(crate) async fn a_blob_is_put_read_described_and_deleted(account: Account) {
    let path = account.make_container().await + "/a%20folder/b.txt";
    account.blob(Method::GET, &path).send().await.is(404, "BlobNotFound");
    account.blob(Method::HEAD, &path).send().await.is(404, "BlobNotFound");
    account.blob(Method::DELETE, &path).send().await.is(404, "BlobNotFound");
    let put = account.put_blob(&path, "hello").header("content-type", "text/plain");
    let put = put.header("x-ms-blob-cache-control", "no-store").header("x-ms-meta-team", "a");
    let put = put.send().await.is(201, "");
    assert_eq!(put.header("content-md5"), "XUFAKrxLKna5cZ2REBfFkg==");
    assert_eq!(put.header("x-ms-request-server-encrypted"), "true");
    let got = account.blob(Method::GET, &path).send().await.is(200, "");
    assert_eq!(got.text, "hello");
    let head = account.blob(Method::HEAD, &path).send().await.is(200, "");
    assert!(head.text.is_empty());
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-length", "5"),
        ("cache-control", "no-store"),
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("accept-ranges", "bytes"),
        ("etag", put.header("etag")),
        ("last-modified", put.header("last-modified")),
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-lease-state", "available"),
        ("x-ms-lease-status", "unlocked"),
        ("x-ms-meta-team", "a"),
        ("x-ms-server-encrypted", "true"),
    ] {
        assert_eq!((name, got.header(name)), (name, value));
        assert_eq!((name, head.header(name)), (name, value));
    }
    assert!(head.header("x-ms-creation-time").ends_with("GMT"));
    let again = account.put_blob(&path, "").send().await.is(201, "");
    assert_ne!(again.header("etag"), put.header("etag"));
    let empty = account.blob(Method::GET, &path).send().await.is(200, "");
    assert_eq!((empty.text.as_str(), empty.header("x-ms-meta-team")), ("", ""));
    assert_eq!(empty.header("content-type"), "application/octet-stream");
    account.blob(Method::DELETE, &path).send().await.is(202, "");
    account.blob(Method::GET, &path).send().await.is(404, "BlobNotFound");
    let nowhere = account.put_blob("/nowhere/a", "a").send().await;
    nowhere.is(404, "ContainerNotFound");
}

pub(crate) async fn a_range_is_read(account: Account) {
    let path = account.make_container().await + "/a";
    account.put_blob(&path, "0123456789").send().await.is(201, "");
    for (header, range, text, told) in [
        ("range", "bytes=2-4", "234", "bytes 2-4/10"),
        ("x-ms-range", "bytes=8-", "89", "bytes 8-9/10"),
        ("range", "bytes=5-99", "56789", "bytes 5-9/10"),
    ] {
        let got = account.blob(Method::GET, &path).header(header, range).send().await.is(206, "");
        assert_eq!((got.text.as_str(), got.header("content-range")), (text, told));
        assert_eq!(got.header("content-length"), text.len().to_string());
    }
    // Right at the end, Azurite gives nothing with 206.
    for (range, azurites) in [("bytes=10-12", (206, "")), ("bytes=11-12", (416, "InvalidRange"))] {
        let beyond = account.blob(Method::GET, &path).header("range", range).send().await;
        beyond.differs((416, "InvalidRange"), azurites);
    }
    let checked = account.blob(Method::GET, &path).header("x-ms-range", "bytes=0-4");
    let checked = checked.header("x-ms-range-get-content-md5", "true").send().await.is(206, "");
    assert_eq!(checked.header("content-md5"), "QQDE1E2pF3JH5EpfwVRneA==");
}

pub(crate) async fn conditions_are_kept(account: Account) {
    let path = account.make_container().await + "/a";
    let put = |name: &str, value: &str| account.put_blob(&path, "a").header(name, value);
    if !account.is_azurite {
        // Azurite makes the blob.
        put("if-match", "*").send().await.is(412, "ConditionNotMet");
    }
    let first = put("if-none-match", "*").send().await.is(201, "");
    put("if-none-match", "*").send().await.is(409, "BlobAlreadyExists");
    let second = put("if-match", first.header("etag")).send().await.is(201, "");
    put("if-match", first.header("etag")).send().await.is(412, "ConditionNotMet");
    put("if-none-match", second.header("etag")).send().await.is(412, "ConditionNotMet");
    let get = |name: &str, value: &str| account.blob(Method::GET, &path).header(name, value);
    get("if-none-match", second.header("etag")).send().await.is(304, "ConditionNotMet");
    get("if-none-match", first.header("etag")).send().await.is(200, "");
    get("if-match", first.header("etag")).send().await.is(412, "ConditionNotMet");
    let long_ago = "Mon, 01 Jan 2001 00:00:00 GMT";
    get("if-unmodified-since", long_ago).send().await.is(412, "ConditionNotMet");
    get("if-modified-since", long_ago).send().await.is(200, "");
    let delete = |tag: &str| account.blob(Method::DELETE, &path).header("if-match", tag);
    delete(first.header("etag")).send().await.is(412, "ConditionNotMet");
    delete(second.header("etag")).send().await.is(202, "");
}

pub(crate) async fn checksums_are_compared(account: Account) {
    let path = account.make_container().await + "/a";
    let right = "XUFAKrxLKna5cZ2REBfFkg==";
    account.put_blob(&path, "hello").header("content-md5", right).send().await.is(201, "");
    let wrong = account.put_blob(&path, "hullo").header("content-md5", right).send().await;
    wrong.differs((400, "Md5Mismatch"), (400, "InvalidOperation"));
    assert_eq!(account.blob(Method::GET, &path).send().await.text, "hello");
}

pub(crate) async fn blobs_are_listed_by_prefix_delimiter_and_pages(account: Account) {
    let container = account.make_container().await;
    for name in ["a/1", "a/2", "b", "c/x/1", "c/x/2", "c/y", "d"] {
        let put = account.put_blob(&format!("{container}/{name}"), "five!");
        put.header("x-ms-meta-name", name).send().await.is(201, "");
    }
    let list = || {
        let call = account.blob(Method::GET, &container).query("restype", "container");
        call.query("comp", "list")
    };
    let pages = async |change: &dyn Fn(Call) -> Call| {
        let (mut names, mut pages, mut marker) = (vec![], 0, String::new());
        loop {
            let call = change(list());
            let call = if marker.is_empty() { call } else { call.query("marker", &marker) };
            let page = call.send().await.is(200, "");
            names.extend(page.all("Name").into_iter().map(str::to_owned));
            pages += 1;
            marker = page.all("NextMarker").concat();
            if marker.is_empty() {
                return (names, pages);
            }
        }
    };
    let all = ["a/1", "a/2", "b", "c/x/1", "c/x/2", "c/y", "d"].map(str::to_owned).to_vec();
    assert_eq!(pages(&|call| call).await, (all.clone(), 1));
    assert_eq!(pages(&|call| call.query("maxresults", 3)).await, (all, 3));
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (mut names, _) = pages(&|call| call.query("delimiter", "/")).await;
    names.sort();
    assert_eq!(names, of(&["a/", "b", "c/", "d"]));
    let (mut names, _) = pages(&|call| call.query("delimiter", "/").query("prefix", "c/")).await;
    names.sort();
    assert_eq!(names, of(&["c/x/", "c/y"]));
    let (names, count) = pages(&|call| call.query("delimiter", "/").query("maxresults", 1)).await;
    assert_eq!((names, count), (of(&["a/", "b", "c/", "d"]), 4));
    let described = list().query("prefix", "b").query("include", "metadata").send().await;
    assert_eq!(described.one("Content-Length"), "5");
    assert_eq!(described.one("BlobType"), "BlockBlob");
    assert!(described.one("Metadata").contains("b"));
    assert!(!described.one("Etag").is_empty());
    let none = list().query("maxresults", 0).send().await;
    none.differs((400, "OutOfRangeQueryParameterValue"), (400, ""));
    let nowhere = account.blob(Method::GET, "/nowhere").query("restype", "container");
    nowhere.query("comp", "list").send().await.is(404, "ContainerNotFound");
}

pub(crate) async fn metadata_and_properties_are_set(account: Account) {
    let path = account.make_container().await + "/a";
    let put = account.put_blob(&path, "a").header("x-ms-meta-old", "1").send().await;
    let set = account.blob(Method::PUT, &path).query("comp", "metadata");
    let set = set.header("x-ms-meta-new", "2").send().await.is(200, "");
    assert_ne!(set.header("etag"), put.header("etag"));
    let set = account.blob(Method::PUT, &path).query("comp", "properties");
    set.header("x-ms-blob-content-type", "text/csv").send().await.is(200, "");
    let head = account.blob(Method::HEAD, &path).send().await.is(200, "");
    assert_eq!((head.header("x-ms-meta-old"), head.header("x-ms-meta-new")), ("", "2"));
    assert_eq!(head.header("content-type"), "text/csv");
    let bad = account.put_blob(&path, "a").header("x-ms-meta-a-b", "1").send().await;
    bad.is(400, "InvalidMetadata");
}
