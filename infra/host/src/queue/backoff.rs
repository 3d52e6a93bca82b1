//! How long an empty queue is left alone: exponentially longer, a little at random.

use std::time::Duration;

use uuid::Uuid;

const LEAST: Duration = Duration::from_millis(100);

/// The pauses of one listener.
#[derive(Debug)]
pub(super) struct Backoff {
    most: Duration,
    tries: u32,
}

impl Backoff {
    pub(super) fn new(most: Duration) -> Self {
        Self { most, tries: 0 }
    }

    /// There was something to do.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }

    /// The next pause: 100 ms at first, then longer by 80 to 120 % of the doubled step.
    pub(super) fn pause(&mut self) -> Duration {
        let random = Uuid::new_v4().as_u64_pair().0 as f64 / u64::MAX as f64;
        let step = LEAST.mul_f64(0.8 + 0.4 * random);
        let steps = 2_u32.saturating_pow(self.tries) - 1;
        self.tries = (self.tries + 1).min(20);
        (LEAST + step.saturating_mul(steps)).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_limit_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(2));
        assert_eq!(backoff.pause(), LEAST);
        let second = backoff.pause();
        assert!((180..=220).contains(&second.as_millis()), "{second:?}");
        let third = backoff.pause();
        assert!((340..=460).contains(&third.as_millis()), "{third:?}");
        for _ in 0..30 {
            backoff.pause();
        }
        assert_eq!(backoff.pause(), Duration::from_secs(2));
        backoff.reset();
        assert_eq!(backoff.pause(), LEAST);
    }
}
