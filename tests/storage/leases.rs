//! Leases of blobs, as the Functions host takes them for its singletons.

use reqwest::Method;

use crate::client::{Account, Call};

const MINE: &str = "11111111-1111-1111-1111-111111111111";
const OTHER: &str = "22222222-2222-2222-2222-222222222222";

async fn blob(account: &Account) -> String {
    let path = account.make_container().await + "/a";
    account.put_blob(&path, "a").send().await.is(201, "");
    path
}

fn lease(account: &Account, path: &str, action: &str) -> Call {
    let call = account.blob(Method::PUT, path).query("comp", "lease");
    call.header("x-ms-lease-action", action)
}

fn acquire(account: &Account, path: &str, id: &str) -> Call {
    let call = lease(account, path, "acquire").header("x-ms-lease-duration", 60);
    call.header("x-ms-proposed-lease-id", id)
}

pub(crate) async fn a_lease_keeps_others_from_writing(account: Account) {
    let path = blob(&account).await;
    let taken = acquire(&account, &path, MINE).send().await.is(201, "");
    assert_eq!(taken.header("x-ms-lease-id"), MINE);
    let head = account.blob(Method::HEAD, &path).send().await.is(200, "");
    assert_eq!(
        (head.header("x-ms-lease-state"), head.header("x-ms-lease-status")),
        ("leased", "locked")
    );
    assert_eq!(head.header("x-ms-lease-duration"), "fixed");
    acquire(&account, &path, OTHER).send().await.is(409, "LeaseAlreadyPresent");
    let writes: [&dyn Fn() -> Call; 3] = [
        &|| account.put_blob(&path, "b"),
        &|| account.blob(Method::PUT, &path).query("comp", "metadata"),
        &|| account.blob(Method::DELETE, &path),
    ];
    for write in writes {
        write().send().await.is(412, "LeaseIdMissing");
        let wrong = write().header("x-ms-lease-id", OTHER).send().await;
        wrong.is(412, "LeaseIdMismatchWithBlobOperation");
    }
    account.blob(Method::GET, &path).send().await.is(200, "");
    let read = account.blob(Method::GET, &path).header("x-ms-lease-id", OTHER).send().await;
    read.is(412, "LeaseIdMismatchWithBlobOperation");
    let mine = account.put_blob(&path, "b").header("x-ms-lease-id", MINE).send().await;
    mine.is(201, "");
    let head = account.blob(Method::HEAD, &path).send().await.is(200, "");
    assert_eq!(head.header("x-ms-lease-state"), "leased");
    let gone = account.blob(Method::DELETE, &path).header("x-ms-lease-id", MINE).send().await;
    gone.is(202, "");
}

pub(crate) async fn a_lease_is_renewed_changed_released_and_broken(account: Account) {
    let path = blob(&account).await;
    acquire(&account, &path, MINE).send().await.is(201, "");
    acquire(&account, &path, MINE).send().await.is(201, "");
    let with = |action: &str, id: &str| lease(&account, &path, action).header("x-ms-lease-id", id);
    with("renew", OTHER).send().await.is(409, "LeaseIdMismatchWithLeaseOperation");
    with("renew", MINE).send().await.is(200, "");
    let changed = with("change", MINE).header("x-ms-proposed-lease-id", OTHER).send().await;
    assert_eq!(changed.is(200, "").header("x-ms-lease-id"), OTHER);
    with("release", MINE).send().await.is(409, "LeaseIdMismatchWithLeaseOperation");
    with("release", OTHER).send().await.is(200, "");
    with("renew", OTHER).send().await.is(409, "LeaseIdMismatchWithLeaseOperation");
    lease(&account, &path, "break").send().await.is(409, "LeaseNotPresentWithLeaseOperation");

    let forever = lease(&account, &path, "acquire").header("x-ms-lease-duration", -1);
    let id = forever.send().await.is(201, "").header("x-ms-lease-id").to_owned();
    let head = account.blob(Method::HEAD, &path).send().await.is(200, "");
    assert_eq!(head.header("x-ms-lease-duration"), "infinite");
    let slowly = lease(&account, &path, "break").header("x-ms-lease-break-period", 30);
    assert_eq!(slowly.send().await.is(202, "").header("x-ms-lease-time"), "30");
    acquire(&account, &path, OTHER).send().await.is(409, "LeaseAlreadyPresent");
    let own = acquire(&account, &path, &id).send().await;
    own.is(409, "LeaseIsBreakingAndCannotBeAcquired");
    let now = lease(&account, &path, "break").header("x-ms-lease-break-period", 0);
    assert_eq!(now.send().await.is(202, "").header("x-ms-lease-time"), "0");
    with("renew", &id).send().await.is(409, "LeaseIsBrokenAndCannotBeRenewed");
    let head = account.blob(Method::HEAD, &path).send().await.is(200, "");
    assert_eq!(head.header("x-ms-lease-state"), "broken");
    account.put_blob(&path, "b").send().await.is(201, "");
    let head = account.blob(Method::HEAD, &path).send().await.is(200, "");
    assert_eq!(head.header("x-ms-lease-state"), "available");
}

pub(crate) async fn what_is_no_lease_is_refused(account: Account) {
    let path = blob(&account).await;
    for seconds in [0, 14, 61] {
        let call = lease(&account, &path, "acquire").header("x-ms-lease-duration", seconds);
        call.send().await.is(400, "InvalidHeaderValue");
    }
    let none = account.put_blob(&path, "b").header("x-ms-lease-id", MINE).send().await;
    none.is(412, "LeaseNotPresentWithBlobOperation");
    let nowhere = path.clone() + "b";
    acquire(&account, &nowhere, MINE).send().await.is(404, "BlobNotFound");
}
