//! Simulated time: the real planner, check, gather, apply and records against the real emulator in
//! one thread, on a clock that moves only when nothing else does.
//!
//! A seed draws an estate, policies, days and everything that goes wrong; `judge` says what must
//! hold, without a line of the planner's. The same seed gives the same run, call by call.

mod clocks;
mod dice;
mod door;
mod drive;
mod estate;
mod fleet;
mod happenings;
mod judge;
mod look;
mod process;
mod report;
mod scenario;
mod words;

pub use fleet::{FleetOptions, FleetReport, Most, SlotReport, Spent, play_fleet};
pub use report::{Report, Violation};

/// How a seed is played.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Simulated days.
    pub days: i64,
    /// Whether the estate is the large one: 50 disks with 3 targets each, from October to October.
    pub large: bool,
}

/// Plays a seed on this thread; a panic of anything in it is a violation.
pub fn play(seed: u64, options: Options) -> Report {
    let played = std::panic::catch_unwind(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        runtime.block_on(drive::drive(seed, options))
    });
    let failed = |rule, what: String| {
        let mut report = Report::default();
        report.violate(jiff::Timestamp::UNIX_EPOCH, rule, what);
        report
    };
    match played {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => failed("simulation", format!("{error:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
            failed("panic", text.unwrap_or_default())
        }
    }
}
