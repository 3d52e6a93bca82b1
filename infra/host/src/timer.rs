//! The timer trigger: one listener per function, one run at a time (functions-host §6.1).

mod record;

use std::{fs::File, path::PathBuf, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;

use crate::{clock, function::Function, inner::Inner, schedule::Schedule};
use record::{Record, Store};

/// Whoever has not got the lock asks again this often.
const LOCK_RETRY: Duration = Duration::from_secs(60);
/// A sleep is cut into pieces, so that a changed clock or a woken laptop is noticed.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(60);

/// One timer function's listener.
pub(crate) struct Timer {
    pub(crate) function: Function,
    pub(crate) schedule: Schedule,
    pub(crate) run_on_startup: bool,
    pub(crate) use_monitor: bool,
    pub(crate) state_dir: PathBuf,
    pub(crate) by_hand: mpsc::UnboundedReceiver<()>,
}

/// Why a run happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Due,
    PastDue,
    Startup,
    ByHand,
}

impl Timer {
    /// Listens until the host ends.
    pub(crate) async fn listen(mut self, inner: Arc<Inner>) {
        tokio::select! {
            _ = inner.life.ended() => {}
            () = self.run(&inner) => {}
        }
    }

    async fn run(&mut self, inner: &Inner) {
        let _lock = self.lock(inner).await;
        let monitored = self.use_monitor && !self.schedule.is_frequent(clock::now());
        let store = monitored.then(|| Store::new(&self.state_dir, &self.function.name));
        let (mut record, past_due) = self.open(inner, store.as_ref());
        if past_due {
            inner.log.information(format!(
                "Function '{}' is past due on startup. Executing now.",
                self.function.name
            ));
            record = self.fire(inner, store.as_ref(), record, Cause::PastDue).await;
        } else if self.run_on_startup {
            inner.log.information(format!(
                "Function '{}' is configured to run on startup. Executing now.",
                self.function.name
            ));
            record = self.fire(inner, store.as_ref(), record, Cause::Startup).await;
        }
        loop {
            let cause = self.wait(record.next).await;
            record = self.fire(inner, store.as_ref(), record, cause).await;
        }
    }

    /// Only one host of a state folder runs the timer; a manual run needs no lock.
    async fn lock(&mut self, inner: &Inner) -> Option<File> {
        loop {
            match record::lock(&self.state_dir, &self.function.name) {
                Ok(Some(file)) => return Some(file),
                Ok(None) => {
                    let name = &self.function.name;
                    inner.log.information(format!("Another host holds the lock of '{name}'."));
                }
                Err(error) => {
                    inner.log.error(format!(
                        "The lock of '{}' cannot be had: {error}",
                        self.function.name
                    ));
                }
            }
            let retry = tokio::time::sleep(LOCK_RETRY);
            tokio::pin!(retry);
            loop {
                tokio::select! {
                    () = &mut retry => break,
                    Some(()) = self.by_hand.recv() => {
                        let next = self.schedule.next_after(clock::now());
                        self.fire(inner, None, Record { last: None, next, updated: clock::now() }, Cause::ByHand).await;
                    }
                }
            }
        }
    }

    /// Reads the record and tells whether a run was missed; many missed ones are one.
    fn open(&self, inner: &Inner, store: Option<&Store>) -> (Record, bool) {
        let now = clock::now();
        let fresh = Record { last: None, next: self.schedule.next_after(now), updated: now };
        let Some(store) = store else { return (fresh, false) };
        let Some(mut record) = store.read() else {
            self.write(inner, store, &fresh);
            return (fresh, false);
        };
        let expected = self.schedule.next_after(record.last.unwrap_or(record.updated));
        if record.next != expected {
            // Another schedule: what it would have missed does not count as missed.
            let updated = record.last.unwrap_or(record.updated);
            record = match expected {
                Some(next) if next > now => Record { last: None, next: expected, updated },
                _ => fresh,
            };
            self.write(inner, store, &record);
        }
        let past_due = record.next.is_some_and(|next| now > next);
        (record, past_due)
    }

    /// Waits for the due time or a manual run, whichever is first.
    async fn wait(&mut self, next: Option<Timestamp>) -> Cause {
        loop {
            let left = next.map_or(LONGEST_SLEEP, |next| next.duration_since(clock::now()));
            if left <= SignedDuration::ZERO {
                return Cause::Due;
            }
            let nap = Duration::try_from(left.min(LONGEST_SLEEP)).unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(nap) => {}
                Some(()) = self.by_hand.recv() => return Cause::ByHand,
            }
        }
    }

    /// Runs the function once and returns the record to go on with. A failure is not retried.
    async fn fire(
        &self,
        inner: &Inner,
        store: Option<&Store>,
        record: Record,
        cause: Cause,
    ) -> Record {
        let (id, since, at) = (Uuid::new_v4(), Instant::now(), clock::now());
        let reason = match cause {
            Cause::ByHand => {
                "This function was programmatically called via the host APIs.".to_owned()
            }
            Cause::Due | Cause::PastDue | Cause::Startup => {
                format!("Timer fired at {}", clock::local(at))
            }
        };
        inner.executing(&self.function, &reason, id);
        let data = info(store.is_some().then_some(&record), cause == Cause::PastDue);
        let result = inner.call(&self.function, id, data, Map::new()).await;
        if let Ok(answer) = &result
            && answer.outputs.as_ref().is_some_and(|outputs| !outputs.is_empty())
        {
            inner.log.warning(format!(
                "Outputs of '{}' are not delivered by this host.",
                self.function.name
            ));
        }
        inner.executed(&self.function, id, since, result.as_ref().err().map(String::as_str));
        if cause == Cause::ByHand {
            return record;
        }
        // Fired a moment early, it counts as fired on time: no second run for the same slot.
        let at = match (cause, record.next) {
            (Cause::Due, Some(next)) => at.max(next),
            _ => at,
        };
        let record = Record { last: Some(at), next: self.schedule.next_after(at), updated: at };
        if let Some(store) = store {
            self.write(inner, store, &record);
        }
        record
    }

    /// Best effort, as the host's.
    fn write(&self, inner: &Inner, store: &Store, record: &Record) {
        if let Err(error) = store.write(record) {
            inner.log.error(format!(
                "Function '{}' failed to update its status record: {error}",
                self.function.name
            ));
        }
    }
}

/// `TimerInfo` as it goes into the envelope; a record only when monitored.
fn info(record: Option<&Record>, past_due: bool) -> Value {
    json!({
        "Schedule": {"AdjustForDST": true},
        "ScheduleStatus": record.map(Record::to_json),
        "IsPastDue": past_due,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_captured_shape() {
        let record = Record {
            last: None,
            next: "2024-11-30T14:45:51Z".parse().ok(),
            updated: "2024-11-30T14:43:50.403838Z".parse().unwrap(),
        };
        let expected = json!({"Schedule": {"AdjustForDST": true},
            "ScheduleStatus": {"Last": "0001-01-01T00:00:00", "Next": "2024-11-30T14:45:51+00:00",
                "LastUpdated": "2024-11-30T14:43:50.403838+00:00"},
            "IsPastDue": false});
        assert_eq!(info(Some(&record), false), expected);
        assert_eq!(info(None, true)["ScheduleStatus"], Value::Null);
    }
}
