//! How long a piece of work takes: on the simulated clock, and of a core of the machine.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

thread_local! {
    /// What of a core went to the emulator since it was last asked for.
    static OF_AZURE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The longest and the sum of several pieces of work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// How many.
    pub count: u64,
    /// The longest, in simulated seconds: Azure's answers and pauses.
    pub simulated: f64,
    /// The longest, in seconds of a core, the emulator's share left out.
    pub core: f64,
    /// All, in seconds of a core.
    pub core_sum: f64,
    /// The emulator's share in all of them.
    pub azure_sum: f64,
}

impl Spent {
    pub(super) fn add(&mut self, simulated: Duration, own: Duration, azure: Duration) {
        self.count += 1;
        self.simulated = self.simulated.max(simulated.as_secs_f64());
        self.core = self.core.max(own.as_secs_f64());
        self.core_sum += own.as_secs_f64();
        self.azure_sum += azure.as_secs_f64();
    }
}

/// A future that knows what of a core it has had, and how much of that was the emulator's.
pub(super) struct Timed<F> {
    inner: Pin<Box<F>>,
    own: Duration,
    azure: Duration,
}

impl<F: Future> Timed<F> {
    pub(super) fn new(inner: F) -> Self {
        Self { inner: Box::pin(inner), own: Duration::ZERO, azure: Duration::ZERO }
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = (F::Output, Duration, Duration);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        OF_AZURE.take();
        let begun = of_core();
        let polled = self.inner.as_mut().poll(context);
        let azure = OF_AZURE.take();
        self.azure += azure;
        self.own += of_core().saturating_sub(begun + azure);
        polled.map(|output| (output, self.own, self.azure))
    }
}

/// Lets the emulator answer, and counts its time as its own.
pub(super) async fn of_azure<F: Future>(inner: F) -> F::Output {
    let mut inner = Box::pin(inner);
    std::future::poll_fn(move |context| {
        let begun = of_core();
        let polled = inner.as_mut().poll(context);
        OF_AZURE.set(OF_AZURE.get() + of_core().saturating_sub(begun));
        polled
    })
    .await
}

/// What this thread has had of a core: machines are shared, and a clock on the wall would measure the
/// others.
fn of_core() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
