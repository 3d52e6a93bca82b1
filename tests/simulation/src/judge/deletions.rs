//! Deletions, judged as they are about to reach Azure.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    estate::{Estate, State},
    look::{Look, Point},
    process::Life,
    scenario::{Keep, Place, Scenario, Wish},
};

/// How long a point stays marked, less what a run takes that plans with the time of its beginning.
const PROMISED: SignedDuration = SignedDuration::from_mins(24 * 60 - 6);

/// A rule and how it is broken.
type Broken = (&'static str, String);

/// Judges a deletion that is about to reach Azure.
pub(crate) fn before_delete(estate: &Estate, installation: usize, key: &str, life: &Life) {
    if !key.contains("/snapshots/") {
        return;
    }
    let Ok(look) = estate.look() else { return };
    // What is being deleted may be deleted again.
    let Some(point) = look.point(key).filter(|point| !point.deleting) else { return };
    let now = estate.clocks().now();
    let azure_now = estate.clocks().azure();
    let mut state = estate.state();
    let mut broken: Vec<Broken> = vec![];
    let scenario = &state.scenario;
    let name = &scenario.installations[installation].name;
    if point.tag("snapferry-installation") != Some(name) {
        broken.push(("foreign", "another made it".to_owned()));
    }
    if let Some(who) = point.tag("snapferry-pin") {
        broken.push(("pinned", format!("{who} pinned it")));
    }
    if estate.clocks().apart() {
        broken.push(("blind", "the clocks are apart".to_owned()));
    }
    broken.extend(life.facts().blind().map(|why| ("blind", why)));
    if point.is_copy && point.is_under_way() {
        // The one deletion without a promise: a copy that had its time (design, rule 2).
        broken.extend(abandoning(scenario, installation, point, azure_now));
    } else {
        if point.is_under_way() {
            broken.push(("under way", "Azure is at work on it".to_owned()));
        }
        broken.extend(promise(&state, point, now, azure_now));
        broken.extend(policies(scenario, installation, &look, point, azure_now));
        broken.extend(chain(&look, point));
    }
    state.report.deleted += 1;
    for (rule, what) in broken {
        state.report.violate(now, rule, format!("deleting {}: {what}", point.id));
    }
}

/// No point dies before the time that it was promised.
fn promise(state: &State, point: &Point, now: Timestamp, azure_now: Timestamp) -> Vec<Broken> {
    let mut broken = vec![];
    match point.time_tag("snapferry-delete-after") {
        None => broken.push(("promise", "it has no mark".to_owned())),
        Some(at) if at > azure_now => {
            broken.push(("promise", format!("it is promised until {at}")));
        }
        Some(_) => {}
    }
    match state.ledger.marks.get(&point.key) {
        None => broken.push(("promise", "nobody marked it".to_owned())),
        Some(at) if now.duration_since(*at) < PROMISED => {
            broken.push(("promise", format!("it was marked only at {at}")));
        }
        Some(_) => {}
    }
    broken
}

/// Whether an incomplete copy may be given up: its policy says so, and it had its time.
fn abandoning(
    scenario: &Scenario,
    installation: usize,
    point: &Point,
    now: Timestamp,
) -> Option<Broken> {
    let wishes = scenario.installations[installation].saved.iter();
    let mut speakers = wishes.filter(|wish| wish.in_force(now) && point.is_of(&wish.id));
    let may = speakers.any(|wish| {
        let hours = wish.abandon_after_hours.map(SignedDuration::from_hours);
        hours.is_some_and(|hours| now.duration_since(point.created_at) >= hours)
    });
    let what = "it is being copied, and nobody said that it may be given up";
    (!may).then(|| ("under way", what.to_owned()))
}

/// What the policies that asked for a point have to say.
fn policies(
    scenario: &Scenario,
    installation: usize,
    look: &Look,
    point: &Point,
    now: Timestamp,
) -> Vec<Broken> {
    let Some(disk) = point.disk().and_then(|unique_id| look.disk(unique_id)) else {
        return vec![("released", "its disk is gone".to_owned())];
    };
    let number = scenario.disks.iter().position(|d| d.id.to_ascii_lowercase() == disk.key);
    let saved = scenario.installations[installation].saved.iter();
    let wishes: Vec<&Wish> = saved.filter(|wish| point.is_of(&wish.id)).collect();
    let chain = look.chain(&disk.unique_id);
    let mut broken = vec![];
    let named = point.tag("snapferry-policy").map_or(0, |all| all.split(',').count());
    if wishes.len() < named {
        broken.push(("released", "a policy that asked for it is not there".to_owned()));
    }
    let mut spoken = false;
    for wish in wishes {
        // A copy is only those policies' that have its side for a target.
        let Some(keep) = keep_of(scenario, wish, point) else { continue };
        spoken = true;
        if !wish.in_force(now) || !number.is_some_and(|number| wish.covers(number)) {
            broken.push(("released", format!("`{}` does not speak for it", wish.id)));
        }
        let newer: Vec<Timestamp> = chain
            .iter()
            .filter(|other| other.ready && on_one_side(other, point) && other.is_of(&wish.id))
            .filter(|other| {
                other.tag("snapferry-installation") == point.tag("snapferry-installation")
            })
            .filter(|other| is_newer(other, point))
            .filter_map(|other| other.taken_at())
            .collect();
        if let Some(why) = kept(wish, keep, &newer, point) {
            broken.push(("kept", format!("`{}`: {why}", wish.id)));
        }
        if !point.is_copy {
            broken.extend(targets(scenario, wish, &chain, point));
        }
    }
    if !spoken {
        broken.push(("released", "no policy speaks of its side".to_owned()));
    }
    broken
}

/// A source's point is not deleted while a target wants it, nor as the base of the next copy.
fn targets(scenario: &Scenario, wish: &Wish, chain: &[&Point], point: &Point) -> Vec<Broken> {
    let mut broken = vec![];
    for (place, keep) in &wish.targets {
        let place = &scenario.places[*place];
        let there = chain.iter().filter(|p| p.is_copy && p.region == place.region);
        let ready = there.clone().filter(|p| p.ready).filter_map(|p| p.taken_at()).max();
        if ready.is_some() && ready == point.taken_at() {
            broken.push(("base", format!("the next copy to {} builds on it", place.region)));
        }
        let newest = there.filter(|p| !p.failed).filter_map(|p| p.taken_at()).max();
        let newer: Vec<Timestamp> = chain
            .iter()
            .filter(|other| !other.is_copy && !other.failed && other.is_of(&wish.id))
            .filter(|other| {
                other.tag("snapferry-installation") == point.tag("snapferry-installation")
            })
            .filter(|other| is_newer(other, point))
            .filter_map(|other| other.taken_at())
            .collect();
        let lacks = newest.is_none_or(|newest| point.taken_at() > Some(newest));
        if lacks && kept(wish, *keep, &newer, point).is_some() {
            broken.push(("wanted", format!("{} does not have it yet", place.region)));
        }
    }
    broken
}

/// Why a wish keeps a point on a side where its points of these times are newer.
fn kept(wish: &Wish, keep: Keep, newer: &[Timestamp], point: &Point) -> Option<String> {
    if keep == Keep::default() {
        return Some("everything stays there".to_owned());
    }
    if let Some(n) = keep.last.filter(|n| newer.len() < *n as usize) {
        return Some(format!("it is number {} of the last {n}", newer.len() + 1));
    }
    let day = wish.day(point.taken_at()?);
    let days: BTreeSet<_> = newer.iter().map(|at| wish.day(*at)).collect();
    let n = keep.daily.filter(|n| !days.contains(&day) && days.len() < *n as usize)?;
    Some(format!("it is the newest of day {} of {n}", days.len() + 1))
}

/// Whether both are of one side; a disk's snapshots are one side, whichever group they are in.
fn on_one_side(a: &Point, b: &Point) -> bool {
    if a.is_copy { b.is_copy && a.side() == b.side() } else { !b.is_copy && a.region == b.region }
}

/// What a wish keeps on a point's side; none if it does not speak of that side.
fn keep_of(scenario: &Scenario, wish: &Wish, point: &Point) -> Option<Keep> {
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
fn chain(look: &Look, point: &Point) -> Vec<Broken> {
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
