//! `simulate`: plays seeds on some threads and prints the table. `cargo xtask simulate` builds and
//! runs it.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use simulation::{Options, Report, play};

mod table;

// A third of the time goes by in the allocator where it is glibc's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plays seeds of simulated days.
#[derive(Parser)]
struct Cli {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Simulated days of each.
    #[arg(long, default_value_t = 30)]
    days: i64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Threads; each plays one seed at a time.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Plays the large estate: 50 disks with 3 targets each.
    #[arg(long)]
    large: bool,
    /// Plays each seed twice and compares every call.
    #[arg(long)]
    twice: bool,
    /// Prints every seed.
    #[arg(long)]
    verbose: bool,
    /// Plays all seeds, also after one that failed.
    #[arg(long)]
    all: bool,
    /// Events that the first failure shows, up to its end.
    #[arg(long, default_value_t = 250)]
    events: usize,
    #[command(flatten)]
    fleet: table::Fleet,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(code) = cli.fleet.play() {
        return code;
    }
    std::panic::set_hook(Box::new(|_| {}));
    let options = Options { days: cli.days, large: cli.large };
    let (next, failed) = (AtomicU64::new(cli.from), AtomicBool::new(false));
    let total = Mutex::new(Total::default());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cli.threads.max(1) {
            scope.spawn(|| {
                while cli.all || !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= cli.from + cli.seeds {
                        return;
                    }
                    let began = Instant::now();
                    let report = play(seed, options);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    if cli.twice && play(seed, options).fingerprint != report.fingerprint {
                        println!("seed {seed} was played twice and came out differently");
                        failed.store(true, Ordering::Relaxed);
                    }
                    if cli.verbose {
                        let Report { ticks, calls, made, deleted, promises, .. } = &report;
                        println!(
                            "seed {seed}: {ticks} ticks, {calls} calls, {made} made, {deleted} deleted, \
                             {promises} promises, {:.2} s",
                            began.elapsed().as_secs_f32()
                        );
                    }
                    if report.violation.is_some() {
                        failed.store(true, Ordering::Relaxed);
                        tell(seed, options, &report, if cli.all { 0 } else { cli.events });
                    }
                    total.add(&report);
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    total.print(cli.days, begun.elapsed().as_secs_f64());
    if failed.load(Ordering::Relaxed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Tells of a rule that did not hold.
fn tell(seed: u64, options: Options, report: &Report, events: usize) {
    let Some(violation) = &report.violation else { return };
    if events > 0 {
        println!("\nthe last events of seed {seed}:");
        for event in report.last.iter().skip(report.last.len().saturating_sub(events)) {
            println!("  {event}");
        }
    }
    let Options { days, large } = options;
    let large = if large { " --large" } else { "" };
    println!(
        "seed {seed}, event {}, {:.0}: {}: {}\n  again: cargo xtask simulate --seeds 1 --days {days} --from {seed}{large}",
        violation.event, violation.at, violation.rule, violation.what
    );
}

#[derive(Default)]
struct Total {
    seeds: u64,
    events: u64,
    ticks: u64,
    calls: u64,
    made: u64,
    deleted: u64,
    promises: u64,
    faults: BTreeMap<&'static str, u64>,
    violations: BTreeMap<&'static str, u64>,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.events += report.events;
        self.ticks += report.ticks;
        self.calls += report.calls;
        self.made += report.made;
        self.deleted += report.deleted;
        self.promises += report.promises;
        for (kind, n) in &report.faults {
            *self.faults.entry(kind).or_default() += n;
        }
        if let Some(violation) = &report.violation {
            *self.violations.entry(violation.rule).or_default() += 1;
        }
    }

    fn print(&self, days: i64, seconds: f64) {
        let Self { seeds, events, ticks, calls, made, deleted, promises, .. } = self;
        println!("\n{:<28}{:>12}", "seeds", seeds);
        println!("{:<28}{:>12}", "days of each", days);
        for (name, n) in [
            ("events", events),
            ("ticks", ticks),
            ("calls to Azure", calls),
            ("snapshots and copies made", made),
            ("points deleted", deleted),
            ("looks at promises in calm", promises),
        ] {
            println!("{name:<28}{n:>12}");
        }
        for (kind, n) in &self.faults {
            println!("fault: {kind:<21}{n:>12}");
        }
        println!("{:<28}{:>12}", "violations", self.violations.values().sum::<u64>());
        for (rule, n) in &self.violations {
            println!("  {rule:<26}{n:>12}");
        }
        println!("{:<28}{:>12.1}", "seconds", seconds);
        println!("{:<28}{:>12.0}", "ticks per second", *ticks as f64 / seconds.max(0.001));
    }
}
