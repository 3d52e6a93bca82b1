//! The emulator's clock: real time plus an offset, or frozen.
//!
//! It computes; the reading of the machine's clock is in `azure.rs`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How the emulator's time follows from the real one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Clock {
    offset_nanos: i64,
    frozen_at: Option<Timestamp>,
}

impl Clock {
    /// The emulator's time when the machine's clock says `real`.
    pub(crate) fn now(&self, real: Timestamp) -> Timestamp {
        self.frozen_at.unwrap_or_else(|| {
            real.saturating_add(SignedDuration::from_nanos(self.offset_nanos)).unwrap_or(real)
        })
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen_at.is_some()
    }

    /// Makes it `now`; frozen or running, as it was.
    pub(crate) fn set(&mut self, now: Timestamp, real: Timestamp) {
        match &mut self.frozen_at {
            Some(at) => *at = now,
            None => {
                let nanos = now.duration_since(real).as_nanos();
                self.offset_nanos = i64::try_from(nanos).unwrap_or(self.offset_nanos);
            }
        }
    }

    /// Freezes it, or lets it run on from where it is.
    pub(crate) fn freeze(&mut self, frozen: bool, real: Timestamp) {
        let now = self.now(real);
        self.frozen_at = frozen.then_some(now);
        self.set(now, real);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thawed_clock_goes_on_from_where_it_stood() {
        let at = |s: i64| Timestamp::from_second(s).unwrap();
        let mut clock = Clock::default();
        assert_eq!(clock.now(at(100)), at(100));
        clock.freeze(true, at(100));
        assert_eq!(clock.now(at(500)), at(100));
        clock.set(at(1000), at(500));
        clock.freeze(false, at(600));
        assert_eq!(clock.now(at(601)), at(1001));
    }
}
