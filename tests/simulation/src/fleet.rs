//! A large estate played as it is hosted: one timer, a queue, and instances that take its messages,
//! on Azure's documented throttling. Without the weather of the seeds: what is shown is that it fits.

mod budgets;
mod cloud;
mod hosting;
mod ledger;
#[cfg(test)]
mod tests;
mod timing;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use budgets::Most;
pub use timing::Spent;

/// How large, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct FleetOptions {
    /// Subscriptions.
    pub subscriptions: u32,
    /// Disks in each.
    pub disks: u32,
    /// Simulated hours from the first slot, which is that of the first tick.
    pub hours: i64,
    /// Instances that take messages.
    pub instances: usize,
    /// Bytes that each disk holds, and that change in it every day.
    pub bytes: u32,
    /// How many bytes a second each copy moves.
    pub bandwidth: u64,
    /// Whether calls break, messages come twice and instances are killed now and then.
    pub storm: bool,
    /// Whether a line is printed for each tick.
    pub verbose: bool,
}

/// A slot, and how long it took to be carried out.
#[derive(Clone, Debug)]
pub struct SlotReport {
    /// The slot.
    pub slot: Timestamp,
    /// Snapshots and copies of it that were made.
    pub made: (usize, usize),
    /// Minutes after the slot when Azure took the last snapshot of it.
    pub snapshots_minutes: i64,
    /// Minutes after the slot when Azure took the last copy of it.
    pub copies_minutes: i64,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct FleetReport {
    /// Ticks.
    pub ticks: u64,
    /// Parts of ticks that were carried out by messages.
    pub parts: u64,
    /// Parts that were left to the next tick.
    pub parts_left: u64,
    /// Runs whose record and plan were looked at again: each follows from what is stored.
    pub replayed: u64,
    /// Reads of a stored inventory, by those who could not go by what their tick had planned.
    pub inventories: u64,
    /// Messages that came again: doubled, or after a failure or a killed instance.
    pub again: u64,
    /// Calls to Azure, without tokens.
    pub calls: u64,
    /// Calls that Azure answered with 429.
    pub throttled: u64,
    /// The slots.
    pub slots: Vec<SlotReport>,
    /// Outcomes of steps, by word.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Points that were deleted.
    pub deleted: u64,
    /// Of each budget the most that a subscription drew in one of its windows.
    pub most: Vec<Most>,
    /// What ticks took.
    pub tick: Spent,
    /// What parts took.
    pub part: Spent,
    /// What does not hold.
    pub broken: Vec<String>,
}

/// Plays it on this thread.
///
/// # Errors
///
/// When the emulator refuses what sets it up.
pub fn play_fleet(options: FleetOptions) -> anyhow::Result<FleetReport> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(hosting::host(options))
}
