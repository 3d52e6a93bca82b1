//! `extensions.queues` of host.json (functions-host §6.2).

use std::{thread, time::Duration};

use anyhow::{Result, anyhow, bail};

use super::Section;
use crate::timespan;

/// How queue triggers work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queues {
    /// Messages per receive.
    pub(crate) batch_size: usize,
    /// More are received when no more than this many run.
    pub(crate) new_batch_threshold: usize,
    pub(crate) max_dequeue_count: u64,
    /// How long a failed message stays hidden.
    pub(crate) visibility_timeout: Duration,
    pub(crate) max_polling_interval: Duration,
    pub(crate) base64: bool,
    /// How long a received message is hidden; renewed at half.
    pub(crate) lease: Duration,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            batch_size: 16,
            new_batch_threshold: threshold(16),
            max_dequeue_count: 5,
            visibility_timeout: Duration::ZERO,
            max_polling_interval: Duration::from_secs(60),
            base64: true,
            lease: Duration::from_secs(10 * 60),
        }
    }
}

/// Half a batch for each processor.
fn threshold(batch_size: usize) -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    (batch_size / 2).max(1) * processors
}

impl Queues {
    pub(super) fn read(file: &Section<'_>) -> Result<Self> {
        let at = |name: &str| format!("extensions:queues:{name}");
        let number = |name: &str| -> Result<Option<usize>> {
            let text = file.text(&at(name))?;
            let parse = |text: String| {
                text.parse().map_err(|_| anyhow!("'{text}' is no value for queues '{name}'."))
            };
            text.map(parse).transpose()
        };
        let time = |name: &str| -> Result<Option<Duration>> {
            let text = file.text(&at(name))?;
            let parse = |text: String| {
                timespan::parse(&text)
                    .ok_or_else(|| anyhow!("'{text}' is no value for queues '{name}'."))
            };
            text.map(parse).transpose()
        };
        let usual = Self::default();
        let batch_size = number("batchSize")?.unwrap_or(usual.batch_size);
        if !(1..=32).contains(&batch_size) {
            bail!("queues 'batchSize' must be from 1 to 32.");
        }
        let max_dequeue_count = number("maxDequeueCount")?.unwrap_or(5);
        if max_dequeue_count < 1 {
            bail!("queues 'maxDequeueCount' must be at least 1.");
        }
        let max_polling_interval =
            time("maxPollingInterval")?.unwrap_or(usual.max_polling_interval);
        if max_polling_interval < Duration::from_millis(100) {
            bail!("queues 'maxPollingInterval' must be at least 00:00:00.1.");
        }
        let base64 = match file.text(&at("messageEncoding"))? {
            None => true,
            Some(text) if text.eq_ignore_ascii_case("base64") => true,
            Some(text) if text.eq_ignore_ascii_case("none") => false,
            Some(text) => bail!("'{text}' is no value for queues 'messageEncoding'."),
        };
        Ok(Self {
            batch_size,
            new_batch_threshold: number("newBatchThreshold")?
                .unwrap_or_else(|| threshold(batch_size)),
            max_dequeue_count: max_dequeue_count as u64,
            visibility_timeout: time("visibilityTimeout")?.unwrap_or(usual.visibility_timeout),
            max_polling_interval,
            base64,
            // This stand-in's own key: the real host's 10 minutes are fixed, and a test's are short.
            lease: time("lease")?.filter(|lease| lease.as_secs() >= 1).unwrap_or(usual.lease),
        })
    }
}
