//! The course of a simulation: rounds of the timer, calm and stormy days, and what processes do.

use std::{sync::Arc, time::Duration};

use function::{records::Records, store::Memory, store::Store, tick};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::{Fate, Run, Subject};

use crate::{
    Options,
    dice::Dice,
    estate::Estate,
    happenings::Undo,
    judge,
    process::Process,
    report::Report,
    scenario::{Scenario, later},
    words,
};

/// The host ends what takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Days of storm, then of calm.
const STORM: i64 = 4;
const CALM: i64 = 3;

/// An installation as the simulation holds it.
pub(crate) struct Deployment {
    /// What is stored; outlives processes.
    pub(crate) memory: Memory,
    process: Option<Process>,
    /// Rounds of the timer that are left out.
    pub(crate) asleep: i64,
}

/// A simulation that runs.
pub(crate) struct Simulation {
    pub(crate) estate: Estate,
    pub(crate) dice: Dice,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) undos: Vec<(Timestamp, Undo)>,
    /// Requests so far.
    pub(crate) asked: u64,
}

/// Plays a seed to its end, or to the first rule that does not hold.
pub(crate) async fn drive(seed: u64, options: Options) -> anyhow::Result<Report> {
    let mut dice = Dice::new(seed);
    let scenario =
        if options.large { Scenario::draw_year(&mut dice) } else { Scenario::draw(&mut dice) };
    let rounds = options.days * 24 * 60 / scenario.tick_minutes;
    let (begins, every) = (scenario.begins, scenario.tick_minutes);
    let count = scenario.installations.len();
    let chance = dice.fork();
    let estate = Estate::new(seed, scenario, Report::default(), chance).await?;
    let deployments = (0..count)
        .map(|_| Deployment { memory: Memory::default(), process: None, asleep: 0 })
        .collect();
    let mut simulation = Simulation { estate, dice, deployments, undos: vec![], asked: 0 };
    simulation.save_all().await?;
    for round in 0..rounds {
        let due = later(begins, (round + 1) * every);
        let day = (round * every) / (24 * 60);
        let stormy = day % (STORM + CALM) < STORM;
        let before = simulation.dice.between(5, every - 5);
        simulation.sleep_until(later(due, -before)).await;
        simulation.undo_due().await?;
        simulation.set_mood(stormy).await?;
        simulation.happen(stormy).await?;
        simulation.sleep_until(due).await;
        // Two deployments' timers keep no order.
        let first = if count > 1 { simulation.dice.below(count as u64) as usize } else { 0 };
        for nth in 0..count {
            simulation.fire((first + nth) % count, stormy).await?;
        }
        judge::world(&simulation.estate)?;
        if round % 12 == 11 || round + 1 == rounds {
            simulation.look_closely().await?;
        }
        if simulation.estate.state().report.violation.is_some() {
            break;
        }
    }
    let report = simulation.estate.state().report.clone();
    Ok(report)
}

impl Simulation {
    pub(crate) fn now(&self) -> Timestamp {
        self.estate.clocks().now()
    }

    pub(crate) fn note(&self, what: String) {
        let now = self.now();
        self.estate.state().report.note(now, what);
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep_until(self.estate.clocks().instant(at)).await;
    }

    /// Saves every policy as people mean it.
    pub(crate) async fn save_all(&mut self) -> anyhow::Result<()> {
        for installation in 0..self.deployments.len() {
            let meant = self.estate.state().scenario.installations[installation].meant.clone();
            for wish in meant {
                self.save(installation, wish).await?;
            }
        }
        Ok(())
    }

    /// A person saves a policy, or deletes it; what is so already is left alone.
    pub(crate) async fn save(
        &mut self,
        installation: usize,
        wish: crate::scenario::Wish,
    ) -> anyhow::Result<()> {
        let records = self.records(installation);
        let scenario = self.estate.state().scenario.clone();
        let saved = &scenario.installations[installation].saved;
        let before = saved.iter().find(|saved| saved.id == wish.id);
        if before == Some(&wish) {
            return Ok(());
        }
        let version = records.policy(&wish.id).await?.1.map_or(0, |policy| policy.version);
        if wish.deleted {
            if version > 0 {
                records.delete_policy(&wish.id, version).await?;
            }
        } else {
            records.save_policy(words::policy(&scenario, &wish, version)?).await?;
        }
        self.note(format!("policy {} of installation {installation}: {wish:?}", wish.id));
        let mut state = self.estate.state();
        let saved = &mut state.scenario.installations[installation].saved;
        saved.retain(|saved| saved.id != wish.id);
        saved.push(wish);
        Ok(())
    }

    /// The records of an installation, without faults.
    pub(crate) fn records(&self, installation: usize) -> Records {
        Records::new(Store::Memory(self.deployments[installation].memory.clone()))
    }

    /// A person asks for something; the message that tells the worker may get lost.
    pub(crate) async fn ask(&mut self, installation: usize, action: &Value) -> anyhow::Result<()> {
        self.asked += 1;
        let request = words::request(self.asked, self.now(), action)?;
        let id = request.id.clone();
        self.note(format!("{id} of installation {installation}: {action}"));
        self.records(installation).ask(request).await?;
        if self.dice.chance(0.7) {
            let process = self.process(installation)?;
            process.life.begin_run();
            let end = run(&process, Some(id)).await;
            self.put_back(installation, process, end).await?;
        }
        Ok(())
    }

    fn process(&mut self, installation: usize) -> anyhow::Result<Process> {
        if let Some(process) = self.deployments[installation].process.take() {
            return Ok(process);
        }
        let memory = self.deployments[installation].memory.clone();
        Process::start(&self.estate, installation, &memory)
    }

    /// Keeps a process that lives on, and looks at what its run says.
    async fn put_back(
        &mut self,
        installation: usize,
        process: Process,
        end: End,
    ) -> anyhow::Result<bool> {
        self.estate.look_anew();
        let calm = self.estate.state().ledger.calm_since.is_some();
        match end {
            End::Died => {
                self.estate.state().report.fault("crash");
                self.note(format!("the process of installation {installation} died"));
                return Ok(false);
            }
            End::Killed => {
                self.estate.state().report.fault("killed by the host");
                self.note(format!("the process of installation {installation} was killed"));
                return Ok(false);
            }
            End::Failed(error) => {
                self.note(format!("the run of installation {installation} failed: {error}"));
                if calm && self.deployments.len() == 1 {
                    let now = self.now();
                    self.estate.state().report.violate(now, "failed run", error);
                }
            }
            End::Ran(runs) => {
                let (refused, now) = (process.life.facts().take_refused(), self.now());
                self.estate.state().ledger.remember(installation, refused, now);
                for run in &runs {
                    self.tell(installation, run);
                }
                self.deployments[installation].process = Some(process);
                return Ok(runs.iter().all(|run| run.problems.is_empty()));
            }
        }
        self.deployments[installation].process = Some(process);
        Ok(false)
    }

    /// Notes what a run did; the check never has to stop it.
    fn tell(&self, installation: usize, run: &Run) {
        let steps: Vec<String> = run
            .steps
            .iter()
            .map(|step| format!("{}: {:?}", step.step.effect.title(), step.outcome))
            .collect();
        self.note(format!("run of installation {installation}: {steps:?} {:?}", run.problems));
        for decision in &run.decisions {
            let held = match decision.fate {
                Fate::Blocked => "is blocked",
                Fate::Wait => "waits",
                _ => continue,
            };
            if let Subject::Disk(disk) = &decision.subject {
                let reasons: Vec<String> =
                    decision.reasons.iter().map(ToString::to_string).collect();
                self.note(format!("  {} {held}: {}", disk.name(), reasons.join(" ")));
            }
        }
        if let Some(problem) = run.problems.iter().find(|p| p.contains("stopped by the check")) {
            let now = self.now();
            self.estate.state().report.violate(now, "check", problem.clone());
        }
    }

    /// The timer of an installation fires: in time, late, twice, or not at all.
    async fn fire(&mut self, installation: usize, stormy: bool) -> anyhow::Result<()> {
        if self.deployments[installation].asleep > 0 {
            self.deployments[installation].asleep -= 1;
            return Ok(());
        }
        self.estate.state().report.ticks += 1;
        let (missed, doubled, dies) = if stormy { (0.05, 0.06, 0.08) } else { (0.0, 0.02, 0.0) };
        if self.dice.chance(missed) {
            self.estate.state().report.fault("missed tick");
            return Ok(());
        }
        if stormy && self.dice.chance(0.06) {
            self.estate.state().report.fault("late tick");
            let seconds = self.dice.below(1_200);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        if self.dice.chance(0.05) {
            // The platform moves the process elsewhere.
            self.deployments[installation].process = None;
        }
        let process = self.process(installation)?;
        process.life.begin_run();
        if self.dice.chance(dies) {
            process.life.doom(1 + self.dice.below(60) as u32);
        }
        let began = self.estate.clocks().azure();
        let end = if self.dice.chance(doubled) {
            self.estate.state().report.fault("doubled tick");
            self.double(installation, &process).await?
        } else {
            run(&process, None).await
        };
        let well = self.put_back(installation, process, end).await?;
        if well && !stormy {
            judge::promises(&self.estate, installation, began)?;
        }
        Ok(())
    }

    /// Two processes, or two runs of one, at the same time.
    async fn double(&mut self, installation: usize, process: &Process) -> anyhow::Result<End> {
        self.estate.state().ledger.crowded = true;
        let end = if self.dice.chance(0.3) {
            let (end, _) = tokio::join!(run(process, None), run(process, None));
            end
        } else {
            let memory = self.deployments[installation].memory.clone();
            let other = Process::start(&self.estate, installation, &memory)?;
            let wait = Duration::from_millis(self.dice.below(4_000));
            let (end, _) = tokio::join!(run(process, None), async {
                tokio::time::sleep(wait).await;
                run(&other, None).await
            });
            end
        };
        self.estate.state().ledger.crowded = false;
        Ok(end)
    }

    /// Looks at what is too much to look at after each event.
    async fn look_closely(&self) -> anyhow::Result<()> {
        judge::full_copies(&self.estate).await?;
        let check = self.estate.control(axum::http::Method::GET, "check", &Value::Null).await?;
        let torn = check["torn"].as_array().is_none_or(|torn| !torn.is_empty());
        let now = self.now();
        let panics = self.estate.panics();
        let mut state = self.estate.state();
        if torn {
            state.report.violate(now, "torn", check["torn"].to_string());
        }
        if panics > 0 {
            state.report.violate(now, "panic", format!("{panics} panics of the emulator"));
        }
        Ok(())
    }

    /// Calm begins or ends: what was disturbed is put right by people.
    async fn set_mood(&mut self, stormy: bool) -> anyhow::Result<()> {
        let calm = self.estate.state().ledger.calm_since.is_some();
        if stormy && calm {
            self.estate.state().ledger.calm_since = None;
            self.note("a storm begins".to_owned());
        } else if !stormy && !calm {
            self.calm_down().await?;
            let now = self.now();
            self.estate.state().ledger.calm_since = Some(now);
            self.note("calm begins".to_owned());
        }
        Ok(())
    }

    async fn undo_due(&mut self) -> anyhow::Result<()> {
        let now = self.now();
        let (due, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.undos).into_iter().partition(|(at, _)| *at <= now);
        self.undos = rest;
        for (_, undo) in due {
            self.undo(undo).await?;
        }
        Ok(())
    }

    /// Minutes from now.
    pub(crate) fn in_minutes(&self, minutes: i64) -> Timestamp {
        self.now().checked_add(SignedDuration::from_mins(minutes)).unwrap_or(self.now())
    }
}

/// How a run ended.
enum End {
    Ran(Vec<Run>),
    Failed(String),
    Died,
    Killed,
}

/// Lets a process carry out a tick, or a click, until it is done, dies or is killed.
async fn run(process: &Process, click: Option<String>) -> End {
    let app: Arc<_> = process.app.clone();
    let begun = tokio::time::Instant::now();
    let work = async {
        let done = match &click {
            None => tick::tick(&app, begun).await.map(|ticked| ticked.runs),
            Some(id) => tick::carry_out(&app, id, begun).await.map(|run| run.into_iter().collect()),
        };
        match done {
            Ok(runs) => End::Ran(runs),
            Err(error) => End::Failed(error.to_string()),
        }
    };
    tokio::select! {
        biased;
        () = process.life.end() => End::Died,
        done = tokio::time::timeout(PATIENCE, work) => done.unwrap_or(End::Killed),
    }
}
