//! `cargo xtask simulate`: the real planner and apply against the real emulator on simulated time.
//! The work is in `tests/simulation`; here it is built, also with bugs planted.

mod plants;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, bail, ensure};
use clap::Args;

pub use plants::{PLANTS, Plant};

use crate::{artifacts, tools};

/// Options of `cargo xtask simulate`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Plants each known bug, or the one of that name, in a copy of the sources, and sees that the
    /// simulation finds it.
    #[arg(long)]
    plant: Option<Option<String>>,
    /// Seeds within which a planted bug has to be found.
    #[arg(long, default_value_t = 200)]
    within: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Simulated days of each.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Plays all seeds, also after one that failed.
    #[arg(long)]
    all: bool,
    /// Plays the large estate: 50 disks with 3 targets each.
    #[arg(long)]
    large: bool,
    /// Plays each seed twice and compares every call.
    #[arg(long)]
    twice: bool,
    /// Prints every seed.
    #[arg(long)]
    verbose: bool,
    /// Events that the first failure shows, up to its end.
    #[arg(long, default_value_t = 250)]
    events: u32,
    /// Plays a fleet of subscriptions × disks on Azure's throttling instead of seeds, such as
    /// `100x1000`.
    #[arg(long)]
    fleet: Option<String>,
    /// Hours of a fleet, from its first slot on.
    #[arg(long, default_value_t = 5)]
    hours: u32,
    /// Instances that take a fleet's messages, 16 at a time each.
    #[arg(long, default_value_t = 8)]
    instances: u32,
    /// Breaks calls of a fleet, doubles messages and kills parts of ticks.
    #[arg(long)]
    storm: bool,
}

impl Options {
    /// What the simulation itself is told.
    fn arguments(&self, seeds: u64) -> Vec<String> {
        let numbers = [
            ("--seeds", seeds),
            ("--days", self.days.into()),
            ("--from", self.from),
            ("--hours", self.hours.into()),
            ("--instances", self.instances.into()),
            ("--events", self.events.into()),
        ];
        let flags = [
            ("--all", self.all),
            ("--large", self.large),
            ("--twice", self.twice),
            ("--verbose", self.verbose),
            ("--storm", self.storm),
        ];
        let numbers = numbers.iter().flat_map(|(name, n)| [(*name).to_owned(), n.to_string()]);
        let flags = flags.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| (*name).to_owned());
        let fleet = self.fleet.iter().flat_map(|size| ["--fleet".to_owned(), size.clone()]);
        numbers.chain(flags).chain(fleet).collect()
    }
}

const BUILD: [&str; 6] = ["build", "--quiet", "--profile", "simulate", "-p", "simulation"];

/// Builds the simulation and plays seeds; or plants bugs.
pub fn simulate(options: &Options) -> anyhow::Result<()> {
    let root = artifacts::root();
    match &options.plant {
        Some(name) => plant(&root, name.as_deref(), options),
        None => {
            tools::run(tools::cargo(&root).args(BUILD))?;
            let arguments = options.arguments(options.seeds);
            tools::run(Command::new(root.join("target/simulate/simulate")).args(arguments))
        }
    }
}

/// Plants one bug after the other; fails if one is not found.
fn plant(root: &Path, name: Option<&str>, options: &Options) -> anyhow::Result<()> {
    let wanted: Vec<&Plant> =
        PLANTS.iter().filter(|plant| name.is_none_or(|name| plant.name == name)).collect();
    ensure!(!wanted.is_empty(), "there is no bug of that name");
    let copy = root.join("target/plant/source");
    let mut missed = vec![];
    println!("{:<20}{:>8}{:>10}  found by", "bug", "seeds", "seconds");
    for plant in wanted {
        let begun = Instant::now();
        lay_out(root, &copy, plant)?;
        let found = find(&copy, options).with_context(|| format!("the bug {}", plant.name))?;
        let seconds = begun.elapsed().as_secs();
        match found {
            Some((seeds, rule)) => println!("{:<20}{seeds:>8}{seconds:>10}  {rule}", plant.name),
            None => {
                println!("{:<20}{:>8}{seconds:>10}  NOT FOUND", plant.name, options.within);
                missed.push(plant.name);
            }
        }
    }
    ensure!(missed.is_empty(), "not found: {}", missed.join(", "));
    Ok(())
}

/// Copies the tracked sources, with the bug in its file. What is the same already is left alone, so
/// that cargo builds only what differs.
fn lay_out(root: &Path, copy: &Path, plant: &Plant) -> anyhow::Result<()> {
    let tracked = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let list = tools::output(Command::new("git").args(tracked).current_dir(root))?;
    for name in list.lines() {
        let Ok(mut content) = fs::read(root.join(name)) else { continue };
        if name == plant.file {
            let text = String::from_utf8(content)?;
            ensure!(text.matches(plant.from).count() == 1, "{name} has changed: {}", plant.from);
            content = text.replace(plant.from, plant.to).into_bytes();
        }
        let to = copy.join(name);
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a folder")?)?;
        fs::write(&to, content)?;
    }
    Ok(())
}

/// Builds the copy and plays it; says how many seeds it took, and the rule that was broken.
fn find(copy: &Path, options: &Options) -> anyhow::Result<Option<(u64, String)>> {
    let target: PathBuf = copy.with_file_name("target");
    let mut build = tools::cargo(copy);
    build.args(BUILD).env("CARGO_TARGET_DIR", &target);
    tools::run(&mut build)?;
    let mut command = Command::new(target.join("simulate/simulate"));
    command.args(options.arguments(options.within));
    let played = command.stderr(Stdio::inherit()).output()?;
    if played.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&played.stdout);
    let number = |line: &str| line.split_whitespace().last()?.parse().ok();
    let seeds = text.lines().find(|line| line.starts_with("seeds ")).and_then(number);
    let rule = text.lines().skip_while(|line| !line.starts_with("violations")).nth(1);
    match (seeds, rule.and_then(|line| line.split_once("  ")?.1.rsplit_once("  "))) {
        (Some(seeds), Some((rule, _))) => Ok(Some((seeds, rule.trim().to_owned()))),
        _ => bail!("the simulation said neither seeds nor rule:\n{text}"),
    }
}
