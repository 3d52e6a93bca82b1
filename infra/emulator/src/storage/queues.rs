//! Queues over HTTP: which request does what, and the XML around messages.

use jiff::{SignedDuration, Timestamp};

use super::{
    auth::Need,
    call::{Call, invalid_query, invalid_uri, not_implemented},
    reply::{Reply, http_date},
    xml::{self, Document},
};
use crate::world::{
    World,
    failure::Failure,
    storage::{messages::Message, page, queues::Made},
};

/// A message may be hidden for 7 days and, if nothing else is said, lives as long.
const WEEK: i64 = 7 * 24 * 60 * 60;
/// How long a taken message is hidden if nothing else is said.
const DEFAULT_HIDDEN: i64 = 30;

/// What a request wants.
#[derive(Debug, Clone, Copy)]
enum Operation<'a> {
    ListQueues,
    CreateQueue,
    DeleteQueue,
    GetMetadata,
    SetMetadata,
    PutMessage,
    GetMessages,
    PeekMessages,
    ClearMessages,
    DeleteMessage(&'a str),
    UpdateMessage(&'a str),
}

fn operation(call: &Call) -> Result<Operation<'_>, Failure> {
    let comp = call.query("comp");
    let parts: Vec<&str> = call.rest.split('/').filter(|part| !part.is_empty()).collect();
    let peek = call.query("peekonly").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    Ok(match (call.method.as_str(), call.first.as_str(), parts.as_slice(), comp) {
        ("GET", "", [], Some("list")) => Operation::ListQueues,
        ("PUT", name, [], None) if !name.is_empty() => Operation::CreateQueue,
        ("DELETE", name, [], None) if !name.is_empty() => Operation::DeleteQueue,
        ("GET" | "HEAD", name, [], Some("metadata")) if !name.is_empty() => Operation::GetMetadata,
        ("PUT", name, [], Some("metadata")) if !name.is_empty() => Operation::SetMetadata,
        ("POST", _, ["messages"], None) => Operation::PutMessage,
        ("GET", _, ["messages"], None) if peek => Operation::PeekMessages,
        ("GET", _, ["messages"], None) => Operation::GetMessages,
        ("DELETE", _, ["messages"], None) => Operation::ClearMessages,
        ("DELETE", _, ["messages", id], None) => Operation::DeleteMessage(id),
        ("PUT", _, ["messages", id], None) => Operation::UpdateMessage(id),
        (_, _, _, Some(comp @ ("properties" | "stats" | "acl"))) => {
            return Err(not_implemented(&format!("a queue's `comp={comp}`")));
        }
        _ => return Err(invalid_uri()),
    })
}

/// What a SAS must allow.
pub(super) fn need(call: &Call) -> Result<Need, Failure> {
    Ok(match operation(call)? {
        Operation::ListQueues => Need::new('s', "l"),
        Operation::CreateQueue => Need::new('c', "cw"),
        Operation::DeleteQueue => Need::new('c', "d"),
        Operation::GetMetadata => Need::new('c', "r"),
        Operation::SetMetadata => Need::new('c', "w"),
        Operation::PutMessage => Need::new('o', "a"),
        Operation::GetMessages | Operation::DeleteMessage(_) => Need::new('o', "p"),
        Operation::PeekMessages => Need::new('o', "r"),
        Operation::ClearMessages => Need::new('o', "d"),
        Operation::UpdateMessage(_) => Need::new('o', "u"),
    })
}

pub(super) fn serve(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let queue = call.first.as_str();
    match operation(call)? {
        Operation::ListQueues => list(world, call),
        Operation::CreateQueue => Ok(match world.make_queue(queue, call.metadata())? {
            Made::New => Reply::empty(201),
            Made::Same => Reply::empty(204),
        }),
        Operation::DeleteQueue => world.delete_queue(queue).map(|()| Reply::empty(204)),
        Operation::GetMetadata => {
            let count = world.count_messages(queue, now)?;
            let reply = Reply::empty(200).metadata(&world.queue(queue)?.metadata);
            Ok(reply.header("x-ms-approximate-messages-count", count.to_string()))
        }
        Operation::SetMetadata => {
            world.set_queue_metadata(queue, call.metadata()).map(|()| Reply::empty(204))
        }
        Operation::PutMessage => put(world, call, now),
        Operation::GetMessages => {
            let count = count(call)?;
            let hidden = call.number("visibilitytimeout", 1, WEEK)?.unwrap_or(DEFAULT_HIDDEN);
            let taken =
                world.take_messages(queue, count, SignedDuration::from_secs(hidden), now)?;
            Ok(Reply::xml(200, messages(&taken, Shown::Taken)))
        }
        Operation::PeekMessages => {
            let seen = world.peek_messages(queue, count(call)?, now)?;
            Ok(Reply::xml(200, messages(&seen, Shown::Peeked)))
        }
        Operation::ClearMessages => world.clear_messages(queue).map(|()| Reply::empty(204)),
        Operation::DeleteMessage(id) => {
            let receipt = call.query("popreceipt").ok_or_else(missing_parameter)?;
            world.delete_message(queue, id, receipt, now).map(|()| Reply::empty(204))
        }
        Operation::UpdateMessage(id) => {
            let receipt = call.query("popreceipt").ok_or_else(missing_parameter)?;
            let hidden = call.number("visibilitytimeout", 0, WEEK)?;
            let hidden = SignedDuration::from_secs(hidden.ok_or_else(missing_parameter)?);
            let text = match call.body.is_empty() {
                true => None,
                false => Some(message_text(call)?),
            };
            let message = world.update_message((queue, id, receipt), text, hidden, now)?;
            Ok(Reply::empty(204)
                .header("x-ms-popreceipt", message.pop_receipt)
                .header("x-ms-time-next-visible", http_date(message.visible_at)))
        }
    }
}

fn list(world: &World, call: &Call) -> Result<Reply, Failure> {
    let (prefix, marker) = (call.query("prefix").unwrap_or_default(), call.query("marker"));
    let limit = call.max_results()?;
    let rows = world.storage.queues.under(prefix, marker);
    let (queues, next) = page(rows.map(|(name, queue)| (name.clone(), queue)), limit);
    let mut document = Document::new();
    document
        .open_with("EnumerationResults", &[("ServiceEndpoint", &call.base)])
        .text("Prefix", prefix)
        .maybe("Marker", marker)
        .maybe("MaxResults", call.query("maxresults"))
        .open("Queues");
    for (name, queue) in &queues {
        document.open("Queue").text("Name", name);
        if call.query("include") == Some("metadata") {
            document.open("Metadata");
            for (name, value) in &queue.metadata {
                document.text(name, value);
            }
            document.close("Metadata");
        }
        document.close("Queue");
    }
    document.close("Queues").text("NextMarker", &next.unwrap_or_default());
    document.close("EnumerationResults");
    Ok(Reply::xml(200, document))
}

fn put(world: &mut World, call: &Call, now: Timestamp) -> Result<Reply, Failure> {
    let hidden = call.number("visibilitytimeout", 0, WEEK)?.unwrap_or(0);
    let life = match call.query("messagettl") {
        None => Some(WEEK),
        Some("-1") => None,
        Some(text) => Some(text.parse().ok().filter(|life| *life >= 1).ok_or_else(invalid_query)?),
    };
    if life.is_some_and(|life| hidden >= life) {
        return Err(invalid_query());
    }
    let text = message_text(call)?;
    let times = (SignedDuration::from_secs(hidden), life.map(SignedDuration::from_secs));
    let message = world.put_message(&call.first, text, times, now)?;
    Ok(Reply::xml(201, messages(&[message], Shown::Put)))
}

/// How many messages are wanted: 1 to 32.
fn count(call: &Call) -> Result<usize, Failure> {
    let count = call.number("numofmessages", 1, 32)?.unwrap_or(1);
    Ok(usize::try_from(count).unwrap_or(1))
}

fn message_text(call: &Call) -> Result<String, Failure> {
    let root = xml::read(&call.body, "QueueMessage")?;
    let text = root.child("MessageText").map(|element| element.text.clone());
    text.ok_or_else(|| {
        Failure::new(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")
    })
}

/// How much of a message its reader is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Put,
    Taken,
    Peeked,
}

fn messages(all: &[Message], shown: Shown) -> Document {
    let mut document = Document::new();
    document.open("QueueMessagesList");
    for message in all {
        let expires = message
            .expires_at
            .map_or_else(|| "Fri, 31 Dec 9999 23:59:59 GMT".to_owned(), http_date);
        document
            .open("QueueMessage")
            .text("MessageId", &message.id.to_string())
            .text("InsertionTime", &http_date(message.inserted_at))
            .text("ExpirationTime", &expires);
        if shown != Shown::Peeked {
            document
                .text("PopReceipt", &message.pop_receipt)
                .text("TimeNextVisible", &http_date(message.visible_at));
        }
        if shown != Shown::Put {
            document
                .text("DequeueCount", &message.dequeue_count.to_string())
                .text("MessageText", &message.text);
        }
        document.close("QueueMessage");
    }
    document.close("QueueMessagesList");
    document
}

fn missing_parameter() -> Failure {
    Failure::new(
        400,
        "MissingRequiredQueryParameter",
        "A required query parameter was not specified for this request.",
    )
}
