//! Messages: put, taken for a while, given back, deleted. Visibility is by the emulator's clock.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::world::{World, failure::Failure};

/// The most that a message's text may have, in bytes.
pub(crate) const TEXT_LIMIT: usize = 64 << 10;

/// One message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: Uuid,
    /// Its place in the order of arrival.
    number: u64,
    pub(crate) text: String,
    pub(crate) inserted_at: Timestamp,
    /// None: never.
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) visible_at: Timestamp,
    pub(crate) dequeue_count: u64,
    /// What the last one who took it or changed it was given; only who has it may delete it.
    pub(crate) pop_receipt: String,
}

impl Message {
    fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    fn is_visible(&self, now: Timestamp) -> bool {
        self.visible_at <= now && !self.is_expired(now)
    }
}

impl World {
    /// Appends a message; `life` none: it never expires.
    pub(crate) fn put_message(
        &mut self,
        queue: &str,
        text: String,
        (hidden, life): (SignedDuration, Option<SignedDuration>),
        now: Timestamp,
    ) -> Result<Message, Failure> {
        self.queue(queue)?;
        check_text(&text)?;
        let id = self.new_id();
        let message = Message {
            id,
            number: self.next_number(),
            text,
            inserted_at: now,
            expires_at: life.and_then(|life| now.checked_add(life).ok()),
            visible_at: later(now, hidden),
            dequeue_count: 0,
            pop_receipt: self.new_receipt(),
        };
        self.storage.messages.insert(key(queue, &id.to_string()), message.clone());
        Ok(message)
    }

    /// Takes up to `count` visible messages, which are hidden for a while.
    pub(crate) fn take_messages(
        &mut self,
        queue: &str,
        count: usize,
        hidden: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let mut taken = Vec::new();
        for key in self.visible_messages(queue, count, now)? {
            let receipt = self.new_receipt();
            if let Some(message) = self.storage.messages.get_mut(&key) {
                message.dequeue_count += 1;
                message.visible_at = later(now, hidden);
                message.pop_receipt = receipt;
                taken.push(message.clone());
            }
        }
        Ok(taken)
    }

    /// Looks at up to `count` visible messages and changes nothing.
    pub(crate) fn peek_messages(
        &mut self,
        queue: &str,
        count: usize,
        now: Timestamp,
    ) -> Result<Vec<Message>, Failure> {
        let keys = self.visible_messages(queue, count, now)?;
        Ok(keys.iter().filter_map(|key| self.storage.messages.get(key)).cloned().collect())
    }

    /// Hides a message anew, with another text if there is one.
    pub(crate) fn update_message(
        &mut self,
        (queue, id, receipt): (&str, &str, &str),
        text: Option<String>,
        hidden: SignedDuration,
        now: Timestamp,
    ) -> Result<Message, Failure> {
        text.as_deref().map_or(Ok(()), check_text)?;
        let key = self.held_message(queue, id, receipt, now)?;
        let receipt = self.new_receipt();
        let message = self.storage.messages.get_mut(&key).ok_or_else(message_not_found)?;
        message.visible_at = later(now, hidden);
        message.pop_receipt = receipt;
        if let Some(text) = text {
            message.text = text;
        }
        Ok(message.clone())
    }

    pub(crate) fn delete_message(
        &mut self,
        queue: &str,
        id: &str,
        receipt: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let key = self.held_message(queue, id, receipt, now)?;
        self.storage.messages.remove(&key);
        Ok(())
    }

    pub(crate) fn clear_messages(&mut self, queue: &str) -> Result<(), Failure> {
        self.queue(queue)?;
        self.drop_messages(queue);
        Ok(())
    }

    /// How many there are, the hidden ones too.
    pub(crate) fn count_messages(&mut self, queue: &str, now: Timestamp) -> Result<usize, Failure> {
        self.drop_expired(queue, now)?;
        Ok(self.storage.messages.under(&prefix(queue), None).count())
    }

    pub(super) fn drop_messages(&mut self, queue: &str) {
        self.drop_where(queue, |_| true);
    }

    fn drop_expired(&mut self, queue: &str, now: Timestamp) -> Result<(), Failure> {
        self.queue(queue)?;
        self.drop_where(queue, |message| message.is_expired(now));
        Ok(())
    }

    fn drop_where(&mut self, queue: &str, condition: impl Fn(&Message) -> bool) {
        let prefix = prefix(queue);
        let rows = self.storage.messages.under(&prefix, None);
        let gone: Vec<String> =
            rows.filter(|(_, message)| condition(message)).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.storage.messages.remove(&key);
        }
    }

    /// The keys of the first visible messages.
    ///
    /// GUESS: first come those that became visible first, as in Azurite; Azure promises no order.
    fn visible_messages(
        &mut self,
        queue: &str,
        count: usize,
        now: Timestamp,
    ) -> Result<Vec<String>, Failure> {
        self.drop_expired(queue, now)?;
        let prefix = prefix(queue);
        let rows = self.storage.messages.under(&prefix, None);
        let mut visible: Vec<_> = rows
            .filter(|(_, message)| message.is_visible(now))
            .map(|(key, message)| (message.visible_at, message.number, key.clone()))
            .collect();
        visible.sort_unstable();
        Ok(visible.into_iter().take(count).map(|(_, _, key)| key).collect())
    }

    /// The key of a message that the bearer of `receipt` holds.
    fn held_message(
        &mut self,
        queue: &str,
        id: &str,
        receipt: &str,
        now: Timestamp,
    ) -> Result<String, Failure> {
        self.drop_expired(queue, now)?;
        let key = key(queue, &id.to_ascii_lowercase());
        let message = self.storage.messages.get(&key).ok_or_else(message_not_found)?;
        if message.pop_receipt == receipt {
            return Ok(key);
        }
        Err(Failure::new(
            400,
            "PopReceiptMismatch",
            "The specified pop receipt did not match the pop receipt for a dequeued message.",
        ))
    }

    fn new_receipt(&mut self) -> String {
        STANDARD.encode(self.new_id().as_bytes())
    }
}

fn check_text(text: &str) -> Result<(), Failure> {
    if text.len() <= TEXT_LIMIT {
        return Ok(());
    }
    Err(Failure::new(
        413,
        "RequestBodyTooLarge",
        "The request body is too large and exceeds the maximum permissible limit.",
    ))
}

fn message_not_found() -> Failure {
    Failure::new(404, "MessageNotFound", "The specified message does not exist.")
}

/// A queue's name has no slash.
fn prefix(queue: &str) -> String {
    format!("{queue}/")
}

fn key(queue: &str, id: &str) -> String {
    format!("{queue}/{id}")
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(now)
}
