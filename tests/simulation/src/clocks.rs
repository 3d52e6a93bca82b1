//! The clocks of a simulation: true time moves with tokio's, Azure's and the host's may be off.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The simulated clocks. True time moves with tokio's; Azure's and the host's may be off.
pub(crate) struct Clocks {
    base: Timestamp,
    begun: Instant,
    azure_off: AtomicI64,
    host_off: AtomicI64,
}

impl Clocks {
    pub(crate) fn new(base: Timestamp) -> Self {
        let zero = || AtomicI64::new(0);
        Self { base, begun: Instant::now(), azure_off: zero(), host_off: zero() }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        plus(self.base, i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(0), 1)
    }

    /// When tokio's clock says so.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        let after = at.duration_since(self.base);
        self.begun + std::time::Duration::try_from(after).unwrap_or_default()
    }

    /// What Azure says that it is.
    pub(crate) fn azure(&self) -> Timestamp {
        plus(self.now(), self.azure_off.load(Ordering::Relaxed), 1_000)
    }

    /// What the host says that it is.
    pub(crate) fn host(&self) -> Timestamp {
        plus(self.now(), self.host_off.load(Ordering::Relaxed), 1_000)
    }

    pub(crate) fn set_off(&self, azure_seconds: i64, host_seconds: i64) {
        self.azure_off.store(azure_seconds, Ordering::Relaxed);
        self.host_off.store(host_seconds, Ordering::Relaxed);
    }

    /// Whether the two are more than five minutes apart.
    pub(crate) fn apart(&self) -> bool {
        let (a, b) = (&self.azure_off, &self.host_off);
        (a.load(Ordering::Relaxed) - b.load(Ordering::Relaxed)).abs() > 300
    }
}

fn plus(at: Timestamp, n: i64, unit_ms: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(n.saturating_mul(unit_ms))).unwrap_or(at)
}
