//! Who is let in: by the key, by a SAS, and not otherwise.

use reqwest::Method;

use crate::client::{Account, NAME, minutes_from_now, sign};

const VERSION: &str = "2025-07-05";

type Sas = Vec<(String, String)>;

fn sas(pairs: &[(&str, &str)], text: &str) -> Sas {
    let mut sas: Sas =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    sas.push(("sig".to_owned(), sign(text)));
    sas
}

/// An account SAS: permissions, services, kinds of resources, minutes to live.
fn account_sas(permissions: &str, services: &str, kinds: &str, minutes: i64) -> Sas {
    let ends = minutes_from_now(minutes);
    let text = format!(
        "{NAME}\n{permissions}\n{services}\n{kinds}\n\n{ends}\n\nhttps,http\n{VERSION}\n\n"
    );
    sas(
        &[
            ("sv", VERSION),
            ("ss", services),
            ("srt", kinds),
            ("sp", permissions),
            ("se", &ends),
            ("spr", "https,http"),
        ],
        &text,
    )
}

/// A SAS of one blob, or of a container and what is in it.
fn blob_sas(kind: &str, resource: &str, permissions: &str, minutes: i64) -> Sas {
    let ends = minutes_from_now(minutes);
    let text = format!(
        "{permissions}\n\n{ends}\n/blob/{NAME}{resource}\n\n\n\n{VERSION}\n{kind}\n\n\n\n\n\n\n"
    );
    sas(&[("sv", VERSION), ("sr", kind), ("sp", permissions), ("se", &ends)], &text)
}

fn queue_sas(resource: &str, permissions: &str) -> Sas {
    let ends = minutes_from_now(10);
    let text = format!("{permissions}\n\n{ends}\n/queue/{NAME}{resource}\n\n\n\n{VERSION}");
    sas(&[("sv", VERSION), ("sp", permissions), ("se", &ends)], &text)
}

pub(crate) async fn an_unsigned_or_wrongly_signed_request_is_refused(account: Account) {
    let path = account.make_container().await + "/a";
    let queue = account.make_queue().await;
    // Azurite's blobs call it by another name than the documents do.
    let code = if account.is_azurite { "AuthorizationFailure" } else { "AuthenticationFailed" };
    account.put_blob(&path, "a").wrong_key().send().await.is(403, code);
    account
        .blob(Method::GET, &path)
        .header("x-ms-meta-a", "1")
        .wrong_key()
        .send()
        .await
        .is(403, code);
    let messages = format!("{queue}/messages");
    let signed = account.queue(Method::GET, &messages).wrong_key().send().await;
    signed.is(403, "AuthenticationFailed");
    let unsigned = account.queue(Method::GET, &messages).unsigned().send().await;
    unsigned.is(403, "AuthenticationFailed");
    if !account.is_azurite {
        // Azurite answers as if there were nothing: 404 ResourceNotFound.
        account.blob(Method::GET, &path).unsigned().send().await.is(403, "AuthenticationFailed");
    }
}

pub(crate) async fn an_account_sas_opens_what_it_says(account: Account) {
    let container = account.make_container().await;
    let path = container.clone() + "/a";
    account.put_blob(&path, "a").send().await.is(201, "");
    let get = |sas: &Sas| account.blob(Method::GET, &path).sas(sas);
    get(&account_sas("r", "bq", "sco", 10)).send().await.is(200, "");
    let refused = get(&account_sas("r", "q", "o", 10)).send().await;
    refused.is(403, "AuthorizationServiceMismatch");
    let refused = get(&account_sas("r", "b", "sc", 10)).send().await;
    refused.is(403, "AuthorizationResourceTypeMismatch");
    let refused = get(&account_sas("w", "b", "o", 10)).send().await;
    refused.is(403, "AuthorizationPermissionMismatch");
    let code = if account.is_azurite { "AuthorizationFailure" } else { "AuthenticationFailed" };
    get(&account_sas("r", "b", "o", -10)).send().await.is(403, code);
    let mut wider = account_sas("r", "b", "o", 10);
    wider.iter_mut().find(|(name, _)| name == "sp").unwrap().1 = "rw".to_owned();
    get(&wider).send().await.is(403, code);
    let list = account.blob(Method::GET, &container).query("restype", "container");
    list.query("comp", "list").sas(&account_sas("l", "b", "c", 10)).send().await.is(200, "");

    let queue = account.make_queue().await;
    let put = account.queue(Method::POST, &format!("{queue}/messages"));
    let put = put.body("<QueueMessage><MessageText>a</MessageText></QueueMessage>");
    put.sas(&account_sas("a", "q", "o", 10)).send().await.is(201, "");
    let take = account.queue(Method::GET, &format!("{queue}/messages"));
    let refused = take.sas(&account_sas("a", "q", "o", 10)).send().await;
    refused.is(403, "AuthorizationPermissionMismatch");
}

pub(crate) async fn a_service_sas_opens_one_thing(account: Account) {
    let container = account.make_container().await;
    let (path, other) = (container.clone() + "/a", container.clone() + "/b");
    let code = if account.is_azurite { "AuthorizationFailure" } else { "AuthenticationFailed" };
    for path in [&path, &other] {
        account.put_blob(path, "a").send().await.is(201, "");
    }
    let of_a = blob_sas("b", &path, "r", 10);
    account.blob(Method::GET, &path).sas(&of_a).send().await.is(200, "");
    account.blob(Method::GET, &other).sas(&of_a).send().await.is(403, code);
    let write = account.put_blob(&path, "b").sas(&of_a).send().await;
    write.is(403, "AuthorizationPermissionMismatch");
    let of_all = blob_sas("c", &container, "rl", 10);
    account.blob(Method::GET, &other).sas(&of_all).send().await.is(200, "");
    let list = account.blob(Method::GET, &container).query("restype", "container");
    list.query("comp", "list").sas(&of_all).send().await.is(200, "");
    let creates = blob_sas("c", &container, "c", 10);
    account.put_blob(&(path.clone() + "-new"), "a").sas(&creates).send().await.is(201, "");
    let over = account.put_blob(&path, "b").sas(&creates).send().await;
    over.is(403, "AuthorizationPermissionMismatch");

    let queue = account.make_queue().await;
    let messages = format!("{queue}/messages");
    let body = "<QueueMessage><MessageText>a</MessageText></QueueMessage>";
    let adds = queue_sas(&queue, "a");
    account.queue(Method::POST, &messages).body(body).sas(&adds).send().await.is(201, "");
    let take = account.queue(Method::GET, &messages).sas(&adds).send().await;
    take.is(403, "AuthorizationPermissionMismatch");
    let takes = queue_sas(&queue, "p");
    let taken = account.queue(Method::GET, &messages).sas(&takes).send().await.is(200, "");
    assert_eq!(taken.one("MessageText"), "a");
}
