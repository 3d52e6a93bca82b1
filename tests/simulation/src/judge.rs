//! What must hold, written apart from planner and check: of every deletion before it happens, of
//! the whole world after each event.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    estate::Estate,
    look::{Look, Point},
    process::Life,
    scenario::{Place, Scenario, Wish, later},
};

/// How long a point stays marked, less what clocks and calls may differ by.
const PROMISED: SignedDuration = SignedDuration::from_mins(24 * 60 - 2);

/// How long after the last trouble all promises hold.
const SETTLED: SignedDuration = SignedDuration::from_hours(44);

/// What the simulation remembers of what was done.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Since when nothing disturbs.
    pub(crate) calm_since: Option<Timestamp>,
    /// When a point, by its key, was marked in true time.
    marks: BTreeMap<String, Timestamp>,
    /// Copies by the key of their target: installation, disk, region, whether a person asked.
    sent: BTreeMap<String, Sent>,
    /// Disks, by unique id, whose copies or snapshots somebody else deleted or let fail: a person
    /// has to help them.
    pub(crate) disturbed: BTreeSet<String>,
    /// Points were made in another year, so that what comes after them is out of order.
    pub(crate) lost_order: bool,
    /// Several processes act at this moment.
    pub(crate) crowded: bool,
}

struct Sent {
    installation: usize,
    disk: String,
    side: String,
    by_person: bool,
}

/// Judges a deletion that is about to reach Azure.
pub(crate) async fn before_delete(estate: &Estate, installation: usize, key: &str, life: &Life) {
    if !key.contains("/snapshots/") {
        return;
    }
    let Ok(look) = estate.look().await else { return };
    // What is being deleted may be deleted again.
    let Some(point) = look.point(key).filter(|point| !point.deleting) else { return };
    let now = estate.clocks().now();
    let azure_now = estate.clocks().azure();
    let mut broken: Vec<(&'static str, String)> = vec![];
    {
        let state = estate.state();
        let name = &state.scenario.installations[installation].name;
        if point.tag("snapferry-installation") != Some(name) {
            broken.push(("foreign", "another made it".to_owned()));
        }
        if let Some(who) = point.tag("snapferry-pin") {
            broken.push(("pinned", format!("{who} pinned it")));
        }
        match point.time_tag("snapferry-delete-after") {
            None => broken.push(("promise", "it has no mark".to_owned())),
            Some(at) if at > azure_now => {
                broken.push(("promise", format!("it is promised until {at}")));
            }
            Some(_) => {}
        }
        match state.ledger.marks.get(key) {
            None => broken.push(("promise", "nobody marked it".to_owned())),
            Some(at) if now.duration_since(*at) < PROMISED => {
                broken.push(("promise", format!("it was marked only at {at}")));
            }
            Some(_) => {}
        }
        if estate.clocks().apart() {
            broken.push(("blind", "the clocks are apart".to_owned()));
        }
        broken.extend(life.facts().blind().map(|why| ("blind", why)));
        broken.extend(rules_of_policy(&state.scenario, installation, &look, point));
    }
    if point.is_under_way() {
        broken.push(("under way", "Azure is at work on it".to_owned()));
    }
    broken.extend(chain_rules(&look, point));
    let mut state = estate.state();
    state.report.deleted += 1;
    for (rule, what) in broken {
        state.report.violate(now, rule, format!("deleting {}: {what}", point.id));
    }
}

/// What the policy that speaks for a point has to say.
fn rules_of_policy(
    scenario: &Scenario,
    installation: usize,
    look: &Look,
    point: &Point,
) -> Vec<(&'static str, String)> {
    let Some(disk) = point.disk().and_then(|unique_id| look.disk(unique_id)) else {
        return vec![("released", "its disk is gone".to_owned())];
    };
    let number = scenario.disks.iter().position(|d| d.id.to_ascii_lowercase() == disk.key);
    let wishes: Vec<&Wish> = scenario.installations[installation]
        .saved
        .iter()
        .filter(|wish| wish.in_force() && point.is_of(&wish.id))
        .filter(|wish| number.is_some_and(|number| wish.covers(number)))
        .collect();
    if wishes.is_empty() {
        return vec![("released", "no policy in force speaks for it".to_owned())];
    }
    let chain = look.chain(&disk.unique_id);
    let mut broken = vec![];
    let mut spoken = false;
    for wish in wishes {
        let Some(keep) = keep_of(scenario, wish, point) else { continue };
        spoken = true;
        let newer = chain.iter().filter(|other| {
            other.ready
                && other.side() == point.side()
                && other.is_of(&wish.id)
                && is_newer(other, point)
        });
        let newer = newer.count();
        match keep {
            None => broken.push(("kept", format!("`{}` keeps everything there", wish.id))),
            Some(n) if newer < n as usize => {
                broken.push(("kept", format!("it is number {} of the last {n}", newer + 1)));
            }
            Some(_) => {}
        }
        if !point.is_copy {
            broken.extend(target_rules(scenario, wish, &chain, point));
        }
    }
    if !spoken {
        broken.push(("released", "its policy does not speak of its side".to_owned()));
    }
    broken
}

/// A source's point is not deleted while a target wants it, nor as the base of the next copy.
fn target_rules(
    scenario: &Scenario,
    wish: &Wish,
    chain: &[&Point],
    point: &Point,
) -> Vec<(&'static str, String)> {
    let mut broken = vec![];
    for (place, keep) in &wish.targets {
        let place = &scenario.places[*place];
        let there = chain.iter().filter(|p| p.is_copy && p.region == place.region);
        let ready = there.clone().filter(|p| p.ready).filter_map(|p| p.taken_at()).max();
        if ready.is_some() && ready == point.taken_at() {
            broken.push(("base", format!("the next copy to {} builds on it", place.region)));
        }
        let newest = there.filter(|p| !p.failed).filter_map(|p| p.taken_at()).max();
        let newer = chain.iter().filter(|other| {
            !other.is_copy && !other.failed && other.is_of(&wish.id) && is_newer(other, point)
        });
        let wants = keep.is_none_or(|n| newer.count() < n as usize);
        if wants && newest.is_none_or(|newest| point.taken_at() > Some(newest)) {
            broken.push(("wanted", format!("{} does not have it yet", place.region)));
        }
    }
    broken
}

/// How many points a wish keeps on a point's side; none if it does not speak of that side.
fn keep_of(scenario: &Scenario, wish: &Wish, point: &Point) -> Option<Option<u32>> {
    if !point.is_copy {
        return Some(wish.keep);
    }
    let on = |place: &Place| {
        place.region == point.region
            && place.subscription == point.subscription
            && place.group == point.group
    };
    let target = wish.targets.iter().find(|(place, _)| on(&scenario.places[*place]));
    target.map(|(_, keep)| *keep)
}

fn is_newer(other: &Point, point: &Point) -> bool {
    (other.taken_at(), &other.key) > (point.taken_at(), &point.key)
}

/// What holds of any point, whatever policies say.
fn chain_rules(look: &Look, point: &Point) -> Vec<(&'static str, String)> {
    let mut broken = vec![];
    let Some(disk) = point.disk() else {
        return vec![("unplaced", "whose it is cannot be told".to_owned())];
    };
    let chain = look.chain(disk);
    let newer = chain
        .iter()
        .any(|other| other.ready && other.side() == point.side() && is_newer(other, point));
    if !newer {
        broken.push(("floor", "it is the newest good point of its side".to_owned()));
    }
    let reader =
        |other: &&&Point| other.is_copy && other.is_under_way() && other.source == point.key;
    if let Some(reader) = chain.iter().find(reader) {
        broken.push(("reader", format!("{} is being copied from it", reader.id)));
    }
    broken
}

/// Notes a write that Azure has answered.
pub(crate) fn after_write(
    estate: &Estate,
    (installation, method, path): (usize, &Method, &str),
    body: &Value,
    status: u16,
) {
    let now = estate.clocks().now();
    let mut state = estate.state();
    let state = &mut *state;
    let short = path.rsplit_once("/resourcegroups/").map_or(path, |(_, end)| end);
    let short = short.replace("/providers/microsoft.compute", "");
    state.report.note(now, format!("{method} {short} → {status}"));
    if (400..500).contains(&status) && status != 429 && status != 404 {
        let alone = state.scenario.installations.len() == 1 && !state.ledger.crowded;
        let calm = state.ledger.calm_since.is_some_and(|since| now.duration_since(since) > SETTLED);
        let usual = state.ledger.disturbed.is_empty() && !state.ledger.lost_order;
        if alone && calm && usual {
            let what =
                format!("{method} {path} was answered {status}, which could be known before");
            state.report.violate(now, "refused", what);
        }
        return;
    }
    if !(200..300).contains(&status) {
        return;
    }
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    if *method == Method::PUT && path.contains("/snapshots/") {
        state.report.made += 1;
        if text("/properties/creationData/createOption") == Some("CopyStart") {
            let tag = |name: &str| text(&format!("/tags/{name}"));
            let group = path.split('/').nth(4).unwrap_or_default();
            let sent = Sent {
                installation,
                disk: tag("snapferry-disk").unwrap_or_default().to_owned(),
                side: format!("{} {group}", text("/location").unwrap_or_default()),
                by_person: tag("snapferry-policy").is_none(),
            };
            state.ledger.sent.insert(path.to_owned(), sent);
        }
    }
    if *method == Method::PATCH
        && let Some(key) = path.strip_suffix("/providers/microsoft.resources/tags/default")
        && let Some(mark) = text("/properties/tags/snapferry-delete-after")
    {
        if mark.is_empty() {
            state.ledger.marks.remove(key);
        } else {
            state.ledger.marks.entry(key.to_owned()).or_insert(now);
        }
    }
}

/// Looks at the whole world after an event.
pub(crate) async fn world(estate: &Estate) -> anyhow::Result<()> {
    let look = estate.look().await?;
    let now = estate.clocks().now();
    let mut moving: BTreeMap<&str, usize> = BTreeMap::new();
    let mut slots: BTreeMap<(&str, &str, &str), &Point> = BTreeMap::new();
    let mut copies = BTreeMap::new();
    let mut broken = vec![];
    for point in look.points.iter().filter(|point| !point.failed) {
        let Some(disk) = point.disk() else { continue };
        if point.is_copy && point.is_under_way() {
            *moving.entry(disk).or_default() += 1;
        }
        let (Some(owner), Some(_)) =
            (point.tag("snapferry-installation"), point.tag("snapferry-policy"))
        else {
            continue;
        };
        if point.is_copy {
            let place = (owner, disk, point.taken_at(), point.side());
            if let Some(other) = copies.insert(place, point) {
                broken.push(("copy twice", format!("{} and {}", point.id, other.id)));
            }
        } else if let Some(slot) = point.tag("snapferry-slot")
            && let Some(other) = slots.insert((owner, disk, slot), point)
        {
            broken.push(("slot twice", format!("{} and {}", point.id, other.id)));
        }
    }
    let two = moving.into_iter().filter(|(_, n)| *n > 1);
    broken.extend(two.map(|(disk, n)| ("two in flight", format!("{n} copies of {disk}"))));
    let mut state = estate.state();
    for (rule, what) in broken {
        state.report.violate(now, rule, what);
    }
    Ok(())
}

/// Looks at what was copied in full.
pub(crate) async fn full_copies(estate: &Estate) -> anyhow::Result<()> {
    let copies = estate.copies().await?;
    let now = estate.clocks().now();
    let mut state = estate.state();
    let state = &mut *state;
    let mut full: BTreeMap<(usize, &str, &str), Vec<&str>> = BTreeMap::new();
    for ((target, _), copy) in &copies {
        let Some(sent) = state.ledger.sent.get(target) else { continue };
        let counts = copy.full && copy.state != "failed" && copy.state != "source_gone";
        if counts && !sent.by_person {
            full.entry((sent.installation, &sent.disk, &sent.side)).or_default().push(target);
        }
    }
    for ((_, disk, side), targets) in full.into_iter().filter(|(_, targets)| targets.len() > 1) {
        let what = format!("{disk} went to {side} in full as {}", targets.join(" and "));
        state.report.violate(now, "second full", what);
    }
    Ok(())
}

/// What a tick in calm weather must leave behind: each slot's snapshot, and each target's copy.
///
/// `began` is when the tick began, by Azure's clock.
pub(crate) async fn promises(
    estate: &Estate,
    installation: usize,
    began: Timestamp,
) -> anyhow::Result<()> {
    let look = estate.look().await?;
    let now = estate.clocks().now();
    let mut state = estate.state();
    let state = &mut *state;
    let Some(since) = state.ledger.calm_since else { return Ok(()) };
    if now.duration_since(since) < SETTLED || state.ledger.lost_order {
        return Ok(());
    }
    state.report.promises += 1;
    let scenario = &state.scenario;
    let mut broken = vec![];
    for wish in scenario.installations[installation].saved.iter().filter(|wish| wish.in_force()) {
        let slot = wish.slot(began);
        for number in &wish.disks {
            let disk = &scenario.disks[*number];
            let key = disk.id.to_ascii_lowercase();
            let Some(unique_id) = look.disks.iter().find(|d| d.key == key).map(|d| &d.unique_id)
            else {
                continue;
            };
            if state.ledger.disturbed.contains(unique_id) {
                continue;
            }
            let chain = look.chain(unique_id);
            let newest = |side: &dyn Fn(&Point) -> bool| {
                chain.iter().filter(|p| p.ready && side(p)).filter_map(|p| p.taken_at()).max()
            };
            let name = &scenario.installations[installation].name;
            let ours =
                |p: &Point| p.tag("snapferry-installation") == Some(name) && p.is_of(&wish.id);
            let source = newest(&|p: &Point| !p.is_copy && ours(p));
            if source.is_none_or(|at| at < slot) {
                let what =
                    format!("{} has no snapshot of {slot}; its newest is {source:?}", disk.name);
                broken.push(("snapshots stop", what));
            }
            let slack = (wish.targets.len() as i64 + 3) * scenario.tick_minutes
                + 240 * wish.targets.len() as i64;
            for (place, _) in &wish.targets {
                let place = &scenario.places[*place];
                let on = |p: &Point| p.is_copy && p.region == place.region && ours(p);
                let copied = newest(&on);
                let due = later(slot, -wish.every_minutes - slack);
                if copied.is_none_or(|at| at < due) {
                    let what = format!(
                        "{} lacks {} of {due} at least; its newest is {copied:?}",
                        place.region, disk.name
                    );
                    broken.push(("copies stop", what));
                }
            }
        }
    }
    for (rule, what) in broken {
        state.report.violate(now, rule, what);
    }
    Ok(())
}
