//! The queue trigger: one listener per function, several messages at a time (functions-host §6.2).
//!
//! A message is held by a lease that is renewed while its function runs. Success deletes it, failure
//! shows it again, and too many failures put it aside into the poison queue.

mod backoff;
pub(crate) mod connection;
mod message;
mod storage;

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

use crate::{function::Function, inner::Inner};
use backoff::Backoff;
use connection::Connection;
use message::{Message, data, decode, metadata};
use storage::{Queue, QueueError};

/// What a queue's name gets for the queue of what cannot be done.
const POISON: &str = "-poison";

/// One queue function's listener.
pub(crate) struct Listener {
    pub(crate) function: Function,
    pub(crate) queue: String,
    pub(crate) connection: Connection,
}

impl Listener {
    /// Listens until the host ends; what runs then is cut off, and its messages come back.
    pub(crate) async fn listen(self, inner: Arc<Inner>) {
        tokio::select! {
            _ = inner.life.ended() => {}
            () = self.run(&inner) => {}
        }
    }

    async fn run(self, inner: &Arc<Inner>) {
        let options = &inner.host.queues;
        let work = Arc::new(Work {
            function: self.function,
            queue: Queue::new(self.connection.clone(), self.queue.clone()),
            poison: (!self.queue.ends_with(POISON))
                .then(|| Queue::new(self.connection, self.queue + POISON)),
        });
        let mut running = JoinSet::new();
        let mut backoff = Backoff::new(options.max_polling_interval);
        let mut trouble = None;
        loop {
            while running.len() > options.new_batch_threshold {
                running.join_next().await;
            }
            match work.queue.receive(options.batch_size, options.lease).await {
                Ok(messages) => {
                    trouble = None;
                    if !messages.is_empty() {
                        backoff.reset();
                        for message in messages {
                            let (work, inner) = (Arc::clone(&work), Arc::clone(inner));
                            running.spawn(async move { work.process(&inner, message).await });
                        }
                        continue;
                    }
                }
                // A queue that nobody has made yet is an empty one.
                Err(QueueError::Refused { code, .. }) if code == "QueueNotFound" => trouble = None,
                Err(error) => {
                    let text = error.to_string();
                    if trouble.as_ref() != Some(&text) {
                        let queue = &work.queue.name;
                        inner.log.warning(format!("Queue '{queue}' cannot be read: {text}"));
                    }
                    trouble = Some(text);
                }
            }
            let pause = tokio::time::sleep(backoff.pause());
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    Some(_) = running.join_next() => {}
                }
            }
        }
    }
}

/// What the messages of one listener have in common.
struct Work {
    function: Function,
    queue: Queue,
    /// None for a poison queue's own listener.
    poison: Option<Queue>,
}

impl Work {
    async fn process(&self, inner: &Inner, mut message: Message) {
        let options = &inner.host.queues;
        let result = if message.dequeue_count > options.max_dequeue_count {
            inner.log.warning(format!(
                "Message has reached MaxDequeueCount of {}. Moving message to queue '{}{POISON}'.",
                options.max_dequeue_count, self.queue.name
            ));
            self.put_aside(&message).await
        } else {
            match decode(&message.text, options.base64) {
                None => {
                    inner.log.error(format!(
                        "Message {} of queue '{}' cannot be decoded. Moving it to the poison queue.",
                        message.id, self.queue.name
                    ));
                    self.put_aside(&message).await
                }
                Some(text) => match self.invoke(inner, &mut message, &text).await {
                    true => self.queue.delete(&message).await,
                    false => self.give_back(inner, &message).await,
                },
            }
        };
        if let Err(error) = result {
            // The message shows again when its lease ends: at least once is what queues promise.
            inner.log.warning(format!(
                "Message {} of queue '{}' is not settled: {error}",
                message.id, self.queue.name
            ));
        }
    }

    /// Runs the function, renewing the lease; tells whether it succeeded.
    async fn invoke(&self, inner: &Inner, message: &mut Message, text: &str) -> bool {
        let (id, since) = (Uuid::new_v4(), Instant::now());
        let name = &self.queue.name;
        inner.executing(&self.function, &format!("New queue message detected on '{name}'."), id);
        let call = inner.call(&self.function, id, data(text), metadata(message, text));
        tokio::pin!(call);
        let lease = inner.host.queues.lease;
        let result = loop {
            tokio::select! {
                result = &mut call => break result,
                () = tokio::time::sleep(lease / 2) => {
                    if let Err(error) = self.renew(message, lease).await {
                        inner.log.warning(format!(
                            "The lease of message {} is not renewed: {error}",
                            message.id
                        ));
                    }
                }
            }
        };
        if let Ok(answer) = &result
            && answer.outputs.as_ref().is_some_and(|outputs| !outputs.is_empty())
        {
            inner.log.warning(format!(
                "Outputs of '{}' are not delivered by this host.",
                self.function.name
            ));
        }
        inner.executed(&self.function, id, since, result.as_ref().err().map(String::as_str));
        result.is_ok()
    }

    async fn renew(&self, message: &mut Message, lease: Duration) -> Result<(), QueueError> {
        message.pop_receipt = self.queue.update(message, lease).await?;
        Ok(())
    }

    /// After a failure: shown again, or put aside if it was the last try.
    async fn give_back(&self, inner: &Inner, message: &Message) -> Result<(), QueueError> {
        let options = &inner.host.queues;
        match &self.poison {
            // Stays hidden until its lease ends.
            None => Ok(()),
            Some(_) if message.dequeue_count >= options.max_dequeue_count => {
                inner.log.warning(format!(
                    "Message has reached MaxDequeueCount of {}. Moving message to queue \
                     '{}{POISON}'.",
                    options.max_dequeue_count, self.queue.name
                ));
                self.put_aside(message).await
            }
            Some(_) => self.queue.update(message, options.visibility_timeout).await.map(|_| ()),
        }
    }

    /// Copies a message, as it is, to the poison queue; only then it goes from its own.
    async fn put_aside(&self, message: &Message) -> Result<(), QueueError> {
        if let Some(poison) = &self.poison {
            poison.put_making_it(&message.text).await?;
            self.queue.delete(message).await?;
        }
        Ok(())
    }
}
