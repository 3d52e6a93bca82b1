//! The host of a fleet: a timer every quarter of an hour, the queue, and instances that take its
//! messages as `host.json` says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::Method;
use function::{
    App, Error, audit,
    azure::Taker,
    message::{Message, Part},
    records::{Records, runs::run_id},
    store::{Memory, Store},
    tick,
};
use jiff::Timestamp;
use serde_json::Value;
use shared::{
    Run,
    model::{Outcome, PointState, Skip},
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{FleetOptions, FleetReport, cloud::Cloud, timing::Timed};
use crate::scenario::later;

/// Minutes from tick to tick, and from the making of the disks to the first.
const EVERY: i64 = 15;
const AGE: i64 = 25 * 60;

/// Messages that an instance has at once (`batchSize`).
const AT_ONCE: usize = 16;

/// The host looks for messages this often (`maxPollingInterval`), shows one again that failed, and
/// gives it up after so many times (`visibilityTimeout`, `maxDequeueCount`).
const POLLING: Duration = Duration::from_secs(2);
const HIDDEN: Duration = Duration::from_secs(30);
const TRIES: u32 = 5;

/// The host kills what takes longer (`functionTimeout`).
const KILLED: Duration = Duration::from_secs(300);

/// What a run may take, so that its record is written in time.
const MAY_TAKE: f64 = 240.0;

/// How many of the messages come twice in a storm, and of the parts are killed.
const MISHAP: f64 = 0.1;

/// Fleets of so many disks at most have their runs planned once more.
const REPLAYED: u32 = 1_000;

/// A message that waits.
struct Waiting {
    part: Part,
    from: Instant,
    tries: u32,
}

/// The queue's messages, and who is told of new ones.
#[derive(Clone, Default)]
struct Queue(Arc<(Mutex<Vec<Waiting>>, Notify)>);

impl Queue {
    fn put(&self, waiting: Waiting) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        self.0.1.notify_one();
    }

    fn len(&self) -> usize {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A message that may be taken, the oldest first; or when the next one may.
    fn take(&self) -> Result<Waiting, Option<Instant>> {
        let mut waiting = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match waiting.iter().position(|message| message.from <= now) {
            Some(at) => Ok(waiting.remove(at)),
            None => Err(waiting.iter().map(|message| message.from).min()),
        }
    }
}

/// What has ended.
enum Ended {
    /// With how many copies it saw under way.
    Tick(Result<tick::Ticked, Error>, usize, Duration, Duration),
    Part(usize, Waiting, Option<Result<Option<Box<Run>>, Error>>, Duration, Duration),
}

struct Host {
    cloud: Cloud,
    options: FleetOptions,
    timer: Arc<App>,
    instances: Vec<(Arc<App>, usize)>,
    queue: Queue,
    work: JoinSet<(Ended, Duration)>,
    report: FleetReport,
    outcomes: BTreeMap<&'static str, u64>,
    ticking: bool,
    records: Records,
}

/// Plays the fleet to its end.
pub(super) async fn host(options: FleetOptions) -> anyhow::Result<FleetReport> {
    let cloud = Cloud::new(options).await?;
    let (memory, queue) = (Memory::default(), Queue::default());
    let records = Records::new(Store::Memory(memory.clone()));
    for policy in cloud.policies()? {
        records.save_policy(policy).await?;
    }
    let taken = queue.clone();
    let messages: Taker = Arc::new(move |message| {
        if let Message::Tick(Some(part)) = message {
            taken.put(Waiting { part: part.clone(), from: Instant::now() + POLLING, tries: 0 });
        }
    });
    let instances = (0..options.instances.max(1))
        .map(|_| Ok((cloud.start(&memory, &messages)?, 0)))
        .collect::<anyhow::Result<_>>()?;
    let mut host = Host {
        timer: cloud.start(&memory, &messages)?,
        cloud,
        options,
        instances,
        queue,
        work: JoinSet::new(),
        report: FleetReport::default(),
        outcomes: BTreeMap::new(),
        ticking: false,
        records,
    };
    let first = later(host.cloud.door().clocks().now(), AGE);
    for number in 0..options.hours * 60 / EVERY {
        if number > 0 && number * EVERY % (24 * 60) == 0 {
            host.cloud.change_disks(number as u64).await?;
        }
        host.wait(later(first, number * EVERY)).await;
        host.fire();
    }
    host.wait(later(first, options.hours * 60)).await;
    let slots = (0..=options.hours / 24).map(|day| later(first, day * 24 * 60));
    let end = later(first, options.hours * 60);
    let slots: Vec<Timestamp> = slots.filter(|slot| *slot < end).collect();
    host.judge(&slots).await
}

impl Host {
    fn now(&self) -> Timestamp {
        self.cloud.door().clocks().now()
    }

    /// Lets instances work until `at`.
    async fn wait(&mut self, at: Timestamp) {
        let at = self.cloud.door().clocks().instant(at);
        loop {
            let next = self.hand_out().map_or(at, |next| next.min(at));
            let queue = self.queue.clone();
            tokio::select! {
                biased;
                Some(ended) = self.work.join_next() => match ended {
                    Ok((ended, took)) => self.end(ended, took),
                    Err(panic) => self.broken(format!("a run panicked: {panic}")),
                },
                () = queue.0.1.notified() => {}
                () = sleep_until(next) => if next == at { return },
            }
        }
    }

    /// Gives messages to instances; says when there may be another one to give.
    fn hand_out(&mut self) -> Option<Instant> {
        loop {
            let free = self.instances.iter().enumerate().min_by_key(|(_, (_, load))| *load);
            let (index, app) = match free {
                Some((index, (app, load))) if *load < AT_ONCE => (index, app.clone()),
                _ => return None,
            };
            let waiting = match self.queue.take() {
                Ok(waiting) => waiting,
                Err(next) => return next,
            };
            self.instances[index].1 += 1;
            let mut limit = KILLED;
            if self.options.storm {
                let mut state = self.cloud.state();
                if state.dice.chance(MISHAP) {
                    limit = Duration::from_secs(state.dice.below(30));
                }
                if state.dice.chance(MISHAP) {
                    let (part, from) = (waiting.part.clone(), Instant::now());
                    drop(state);
                    self.report.again += 1;
                    self.queue.put(Waiting { part, from, tries: TRIES - 1 });
                }
            }
            self.work.spawn(async move {
                let begun = Instant::now();
                let run = tick::tick_part(&app, &waiting.part, begun);
                let run = async { Ok(run.await?.map(Box::new)) };
                let (run, own, azure) = Timed::new(tokio::time::timeout(limit, run)).await;
                (Ended::Part(index, waiting, run.ok(), own, azure), begun.elapsed())
            });
        }
    }

    /// Fires the timer, unless its last tick is still at work.
    fn fire(&mut self) {
        if self.ticking {
            return self.broken("a tick took longer than the time to the next one".to_owned());
        }
        self.ticking = true;
        let app = self.timer.clone();
        self.work.spawn(async move {
            let begun = Instant::now();
            let (ticked, own, azure) = Timed::new(tick::tick(&app, begun)).await;
            let took = begun.elapsed();
            (Ended::Tick(ticked, moving(&app).await, own, azure), took)
        });
    }

    fn broken(&self, what: String) {
        let what = format!("{:.0} {what}", self.now());
        self.cloud.state().ledger.break_rule(what);
    }

    fn end(&mut self, ended: Ended, took: Duration) {
        if took.as_secs_f64() > MAY_TAKE {
            self.broken(format!("a run took {} s", took.as_secs()));
        }
        match ended {
            Ended::Tick(ticked, moving, own, azure) => {
                self.ticking = false;
                self.report.ticks += 1;
                self.report.tick.add(took, own, azure);
                match ticked {
                    Ok(ticked) => ticked.runs.iter().for_each(|run| self.look_at(run)),
                    Err(error) if !self.options.storm => self.broken(format!("a tick: {error}")),
                    Err(_) => {}
                }
                if self.options.verbose {
                    self.tell(moving, took, own, azure);
                }
            }
            Ended::Part(index, mut waiting, ran, own, azure) => {
                self.instances[index].1 -= 1;
                self.report.part.add(took, own, azure);
                match ran {
                    Some(Ok(Some(run))) => {
                        self.report.parts += 1;
                        self.look_at(&run);
                    }
                    Some(Ok(None)) => self.report.parts_left += 1,
                    Some(Err(_)) | None => {
                        waiting.tries += 1;
                        waiting.from = Instant::now() + HIDDEN;
                        self.report.again += 1;
                        if waiting.tries < TRIES {
                            self.queue.put(waiting);
                        } else if !self.options.storm {
                            self.broken("a message was given up".to_owned());
                        }
                    }
                }
            }
        }
    }

    /// Counts the outcomes of a run; in calm weather none fails.
    fn look_at(&mut self, run: &Run) {
        for problem in run.problems.iter().filter(|_| !self.options.storm) {
            self.broken(format!("a problem: {problem}"));
        }
        for step in &run.steps {
            let word = match &step.outcome {
                Outcome::Done => "done",
                Outcome::Accepted => "accepted",
                Outcome::Failed { .. } => "failed",
                Outcome::Blocked { .. } => "blocked",
                Outcome::Skipped { why, .. } => match why {
                    Skip::TimeUp => "left: time was up",
                    Skip::Throttled => "left: throttled",
                    Skip::Changed => "left: changed",
                    Skip::Observes => "left: observes",
                    Skip::Check => "left: check",
                },
            };
            *self.outcomes.entry(word).or_default() += 1;
            let calm = !self.options.storm;
            if calm && ["failed", "blocked", "left: check", "left: changed"].contains(&word) {
                let what = format!("a step: {:?} of {}", step.outcome, step.step.effect.id());
                self.broken(what);
            }
        }
    }

    /// A line for a tick.
    fn tell(&self, moving: usize, took: Duration, own: Duration, azure: Duration) {
        let (snapshots, copies) = self.cloud.state().ledger.so_far();
        eprintln!(
            "{:.0}  {snapshots:>7} snapshots {copies:>7} copies, {moving:>5} under way; tick {:>3} s, \
             {:>4.1} s of a core and {:>4.1} s the emulator's; {:>3} messages; {} parts so far, {:.0} s \
             of a core",
            self.now(),
            took.as_secs(),
            own.as_secs_f64(),
            azure.as_secs_f64(),
            self.queue.len(),
            self.report.parts,
            self.report.part.core_sum,
        );
    }

    /// Looks at everything, and puts the report together.
    async fn judge(mut self, slots: &[Timestamp]) -> anyhow::Result<FleetReport> {
        let look = self.cloud.door().look_through()?;
        let check = self.cloud.door().control(Method::GET, "check", &Value::Null).await?;
        if check["torn"].as_array().is_none_or(|torn| !torn.is_empty()) {
            self.broken(format!("torn: {}", check["torn"]));
        }
        if self.cloud.door().panics() > 0 {
            self.broken(format!("{} panics of the emulator", self.cloud.door().panics()));
        }
        if self.options.subscriptions * self.options.disks <= REPLAYED {
            self.replay().await?;
        }
        let mut state = self.cloud.state();
        self.report.inventories = state.inventories;
        self.report.slots = state.ledger.judge(slots, &look);
        self.report.deleted = state.ledger.deleted;
        self.report.most = state.counts.most();
        (self.report.calls, self.report.throttled) = (state.calls, state.throttled);
        self.report.broken = std::mem::take(&mut state.ledger.broken).into_iter().collect();
        self.report.outcomes = std::mem::take(&mut self.outcomes);
        drop(state);
        Ok(self.report)
    }
}

impl Host {
    /// Sees that the chains of runs are whole, and plans each run once more from what is stored.
    async fn replay(&mut self) -> anyhow::Result<()> {
        for whole in audit::verify(&self.records).await? {
            for number in 1..=whole.links {
                let id = run_id(&whole.chain, number);
                let run = self.records.run(&id).await?;
                if run.is_none_or(|run| run.inventory.is_none()) {
                    continue;
                }
                self.report.replayed += 1;
                let replayed = audit::replay(&self.records, &id).await?;
                if !replayed.is_same() {
                    self.broken(format!("{id} does not follow from its inputs: {replayed:?}"));
                }
            }
        }
        Ok(())
    }
}

/// Copies that an instance saw under way when it last looked.
async fn moving(app: &App) -> usize {
    let Some(seen) = app.last_seen().await.inventory else { return 0 };
    let under_way = |state: &PointState| matches!(state, PointState::Copying { .. });
    seen.snapshots.iter().filter(|point| point.is_copy && under_way(&point.state)).count()
}
