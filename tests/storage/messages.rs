//! Messages in a queue.

use std::time::Duration;

use reqwest::Method;

use crate::client::{Account, Answer, Call};

fn put(account: &Account, queue: &str, text: &str) -> Call {
    let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
    account.queue(Method::POST, &format!("{queue}/messages")).body(body)
}

fn take(account: &Account, queue: &str) -> Call {
    account.queue(Method::GET, &format!("{queue}/messages"))
}

/// Asks again until there is a message, or none any more.
async fn wait(wanted: usize, mut ask: impl AsyncFnMut() -> Answer) -> Answer {
    for _ in 0..200 {
        let answer = ask().await.is(200, "");
        if answer.all("MessageId").len() == wanted {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited for {wanted} messages in vain");
}

fn delete(account: &Account, queue: &str, message: &Answer) -> Call {
    let path = format!("{queue}/messages/{}", message.one("MessageId"));
    account.queue(Method::DELETE, &path).query("popreceipt", message.one("PopReceipt"))
}

pub(crate) async fn a_message_is_put_peeked_taken_and_deleted(account: Account) {
    let queue = account.make_queue().await;
    let made = put(&account, &queue, "hello").send().await.is(201, "");
    let id = made.one("MessageId");
    assert!(made.all("MessageText").is_empty() && !made.one("PopReceipt").is_empty());
    let peeked = take(&account, &queue).query("peekonly", "true").send().await.is(200, "");
    assert_eq!((peeked.one("MessageId"), peeked.one("DequeueCount")), (id.clone(), "0".into()));
    assert!(peeked.all("PopReceipt").is_empty() && peeked.all("TimeNextVisible").is_empty());
    let taken = take(&account, &queue).send().await.is(200, "");
    assert_eq!((taken.one("MessageId"), taken.one("DequeueCount")), (id.clone(), "1".into()));
    assert_eq!(taken.one("MessageText"), "hello");
    for element in ["InsertionTime", "ExpirationTime", "TimeNextVisible"] {
        assert!(taken.one(element).ends_with(" GMT"), "{taken:#?}");
    }
    let hidden = take(&account, &queue).send().await.is(200, "");
    assert!(hidden.text.contains("QueueMessagesList") && hidden.all("MessageId").is_empty());
    let described = account.queue(Method::GET, &queue).query("comp", "metadata").send().await;
    assert_eq!(described.header("x-ms-approximate-messages-count"), "1");
    let with_the_first_receipt = delete(&account, &queue, &made).send().await;
    with_the_first_receipt.is(400, "PopReceiptMismatch");
    delete(&account, &queue, &taken).send().await.is(204, "");
    delete(&account, &queue, &taken).send().await.is(404, "MessageNotFound");
}

pub(crate) async fn messages_are_taken_in_order_and_up_to_32(account: Account) {
    let queue = account.make_queue().await;
    for number in 0..5 {
        put(&account, &queue, &format!("m{number}")).send().await.is(201, "");
    }
    let taken = take(&account, &queue).query("numofmessages", 3).send().await.is(200, "");
    assert_eq!(taken.all("MessageText"), ["m0", "m1", "m2"]);
    let rest = take(&account, &queue).query("numofmessages", 32).send().await.is(200, "");
    assert_eq!(rest.all("MessageText"), ["m3", "m4"]);
    // What is too small Azurite refuses without a code or a body.
    let out_of_range = (400, "OutOfRangeQueryParameterValue");
    for (number, azurites) in [(0, (400, "")), (33, out_of_range)] {
        let taken = take(&account, &queue).query("numofmessages", number).send().await;
        taken.differs(out_of_range, azurites);
    }
    for (hidden, azurites) in [(0, out_of_range), (7 * 86400 + 1, out_of_range)] {
        let taken = take(&account, &queue).query("visibilitytimeout", hidden).send().await;
        taken.differs(out_of_range, azurites);
    }
}

pub(crate) async fn a_taken_message_comes_back_with_another_receipt(account: Account) {
    let queue = account.make_queue().await;
    put(&account, &queue, "hello").send().await.is(201, "");
    let first = take(&account, &queue).query("visibilitytimeout", 1).send().await.is(200, "");
    let again = wait(1, async || take(&account, &queue).send().await).await;
    assert_eq!(again.one("DequeueCount"), "2");
    assert_ne!(again.one("PopReceipt"), first.one("PopReceipt"));
    delete(&account, &queue, &first).send().await.is(400, "PopReceiptMismatch");
    delete(&account, &queue, &again).send().await.is(204, "");
}

pub(crate) async fn an_update_hides_anew_and_changes_the_text(account: Account) {
    let queue = account.make_queue().await;
    put(&account, &queue, "hello").send().await.is(201, "");
    let taken = take(&account, &queue).send().await.is(200, "");
    let update = |receipt: &str, hidden: u32| {
        let path = format!("{queue}/messages/{}", taken.one("MessageId"));
        let call = account.queue(Method::PUT, &path).query("popreceipt", receipt);
        call.query("visibilitytimeout", hidden)
    };
    let kept = update(&taken.one("PopReceipt"), 600).send().await.is(204, "");
    assert!(kept.header("x-ms-time-next-visible").ends_with(" GMT"));
    update(&taken.one("PopReceipt"), 0).send().await.is(400, "PopReceiptMismatch");
    let body = "<QueueMessage><MessageText>changed</MessageText></QueueMessage>";
    let shown = update(kept.header("x-ms-popreceipt"), 0).body(body);
    shown.send().await.is(204, "");
    let again = wait(1, async || take(&account, &queue).send().await).await;
    assert_eq!(
        (again.one("MessageText"), again.one("DequeueCount")),
        ("changed".into(), "2".into())
    );
}

pub(crate) async fn any_text_of_64_kib_travels_whole(account: Account) {
    let queue = account.make_queue().await;
    let most = "x".repeat(64 << 10);
    for text in ["&lt;b&gt; &amp; é 日本 \u{1F600}", "", &most] {
        put(&account, &queue, text).send().await.is(201, "");
        let taken = take(&account, &queue).send().await.is(200, "");
        assert_eq!(taken.all("MessageText").concat(), text);
    }
    put(&account, &queue, &(most + "x")).send().await.is(413, "RequestBodyTooLarge");
    let path = format!("{queue}/messages");
    let invalid = (400, "InvalidXmlDocument");
    for (broken, azurites) in [
        ("<QueueMessage>", (400, "")),
        ("<QueueMessage></QueueMessage>", invalid),
        ("hello", (400, "")),
    ] {
        let made = account.queue(Method::POST, &path).body(broken).send().await;
        made.differs(invalid, azurites);
    }
}

pub(crate) async fn a_message_expires(account: Account) {
    let queue = account.make_queue().await;
    put(&account, &queue, "short").query("messagettl", 1).send().await.is(201, "");
    wait(0, async || take(&account, &queue).query("peekonly", "true").send().await).await;
    let made = put(&account, &queue, "for ever").query("messagettl", -1).send().await.is(201, "");
    assert_eq!(made.one("ExpirationTime"), "Fri, 31 Dec 9999 23:59:59 GMT");
    let refused = put(&account, &queue, "never").query("messagettl", 0).send().await;
    refused.is(400, "InvalidQueryParameterValue");
    let late = put(&account, &queue, "late").query("messagettl", 10);
    late.query("visibilitytimeout", 10).send().await.is(400, "InvalidQueryParameterValue");
}

pub(crate) async fn clearing_leaves_an_empty_queue(account: Account) {
    let queue = account.make_queue().await;
    for _ in 0..3 {
        put(&account, &queue, "hello").send().await.is(201, "");
    }
    take(&account, &queue).send().await.is(200, "");
    let path = format!("{queue}/messages");
    account.queue(Method::DELETE, &path).send().await.is(204, "");
    let described = account.queue(Method::GET, &queue).query("comp", "metadata").send().await;
    assert_eq!(described.header("x-ms-approximate-messages-count"), "0");
}
