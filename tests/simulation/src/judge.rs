//! What must hold, written apart from planner and check: of every deletion before it happens, of
//! the whole world after each event.

mod deletions;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    estate::Estate,
    look::{Point, names_policy},
    process::Life,
    scenario::{Wish, later},
};
pub(crate) use deletions::before_delete;

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
    /// may have to help them.
    pub(crate) disturbed: BTreeSet<String>,
    /// Locks that stand, by the key of the group; true where nothing may be written.
    pub(crate) locks: BTreeMap<String, bool>,
    /// When a recorded run of an installation was refused a write for a lock, by the write.
    refused: BTreeMap<(usize, String), Timestamp>,
    /// When Azure last refused a copy of a disturbed disk, by disk and region.
    declined: BTreeMap<String, Timestamp>,
    /// Several processes act at this moment.
    pub(crate) crowded: bool,
}

/// How long a write that was refused is let alone, less a round of the timer.
const PAUSE: SignedDuration = SignedDuration::from_hours(19);

struct Sent {
    installation: usize,
    disk: String,
    side: String,
    by_person: bool,
}

/// Judges a write that is about to reach Azure: what is made is asked for; what a lock forbids, as the
/// lists said, is not tried, and what Azure has refused for a lock is not tried in a loop.
pub(crate) fn before_write(
    estate: &Estate,
    (installation, method, path): (usize, &Method, &str),
    body: &Value,
    life: &Life,
) {
    let now = estate.clocks().now();
    let mut state = estate.state();
    if *method == Method::PUT
        && let Some(policies) = body.pointer("/tags/snapferry-policy").and_then(Value::as_str)
    {
        let saved = &state.scenario.installations[installation].saved;
        let asks = |wish: &&Wish| names_policy(policies, &wish.id);
        if !saved.iter().filter(asks).any(|wish| wish.enabled && !wish.deleted) {
            let what = format!("{method} {path}, of `{policies}`, and no such policy is enabled");
            state.report.violate(now, "asked", what);
        }
    }
    let Some(read_only) = state.ledger.lock_on(path) else { return };
    if state.ledger.crowded || (*method != Method::DELETE && !read_only) {
        return;
    }
    if life.facts().knows_locks() {
        let what = format!("{method} {path}, where a lock forbids it");
        state.report.violate(now, "locked", what);
    }
    let by_person = body.pointer("/properties/tags/snapferry-pin").is_some();
    let refused = state.ledger.refused.get(&(installation, resource(path).to_owned()));
    if let Some(at) = refused.filter(|at| now.duration_since(**at) < PAUSE).copied()
        && !by_person
        && !life.facts().is_forgetful()
    {
        let what = format!("{method} {path}, which a lock forbade at {at}");
        state.report.violate(now, "retried", what);
    }
}

/// What a write is about: the point, also where it changes the point's tags.
fn resource(path: &str) -> &str {
    path.strip_suffix("/providers/microsoft.resources/tags/default").unwrap_or(path)
}

impl Ledger {
    /// Whether a lock stands on the group of what the path names; true if nothing may be written.
    pub(crate) fn lock_on(&self, path: &str) -> Option<bool> {
        let on = |group: &&String| path.starts_with(&format!("{group}/"));
        self.locks.keys().find(on).and_then(|group| self.locks.get(group)).copied()
    }

    /// Whether Azure may refuse a copy: an earlier one of the disk was made to fail there, of which no
    /// document says whether it bars others. It is not tried in a loop.
    fn may_be_refused(&mut self, body: &Value, now: Timestamp) -> bool {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let is_copy = text("/properties/creationData/createOption") == Some("CopyStart");
        let disk = text("/tags/snapferry-disk").unwrap_or_default();
        if !is_copy || !self.disturbed.contains(disk) {
            return false;
        }
        let place = format!("{disk} {}", text("/location").unwrap_or_default());
        let last = self.declined.insert(place, now);
        last.is_none_or(|last| now.duration_since(last) >= PAUSE)
    }

    /// Notes what a lock forbade to a run that is on record.
    pub(crate) fn remember(&mut self, installation: usize, refused: Vec<String>, now: Timestamp) {
        let of = |path: String| ((installation, resource(&path).to_owned()), now);
        self.refused.extend(refused.into_iter().map(of));
    }
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
        if alone && calm && !state.ledger.may_be_refused(body, now) {
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
    state.ledger.refused.remove(&(installation, resource(path).to_owned()));
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
///
/// What it looks for comes of writes alone.
pub(crate) fn world(estate: &Estate) -> anyhow::Result<()> {
    if !estate.take_written() {
        return Ok(());
    }
    let look = estate.look()?;
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
pub(crate) fn promises(
    estate: &Estate,
    installation: usize,
    began: Timestamp,
) -> anyhow::Result<()> {
    let look = estate.look()?;
    let now = estate.clocks().now();
    let mut state = estate.state();
    let state = &mut *state;
    let Some(since) = state.ledger.calm_since else { return Ok(()) };
    if now.duration_since(since) < SETTLED {
        return Ok(());
    }
    state.report.promises += 1;
    let scenario = &state.scenario;
    let mut broken = vec![];
    for wish in
        scenario.installations[installation].saved.iter().filter(|wish| wish.in_force(began))
    {
        let slot = wish.slot(began);
        for number in &wish.disks {
            let disk = &scenario.disks[*number];
            let key = disk.id.to_ascii_lowercase();
            let Some(unique_id) = look.disks.iter().find(|d| d.key == key).map(|d| &d.unique_id)
            else {
                continue;
            };
            let disturbed = state.ledger.disturbed.contains(unique_id);
            let chain = look.chain(unique_id);
            // Of two points that a wrong clock put in another year, Azure copies the earlier first:
            // what is taken since cannot follow. And a copy that began in another year ends in that year.
            let begun_later = |p: &Point| p.is_copy && !p.ready && p.created_at > now;
            let lost_order = chain.iter().any(|p| p.taken_at() > Some(now) || begun_later(p));
            let newest = |side: &dyn Fn(&Point) -> bool| {
                let times =
                    chain.iter().filter(|p| p.ready && side(p)).filter_map(|p| p.taken_at());
                times.filter(|at| *at <= now).max()
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
            // What has been due for a day goes; of the points of this policy alone, on its sides.
            let is_alone = |p: &Point| p.tag("snapferry-policy") == Some(&wish.id);
            let on_side = |p: &Point| {
                let mut places = wish.targets.iter().map(|(place, _)| &scenario.places[*place]);
                !p.is_copy || places.any(|place| place.region == p.region && place.group == p.group)
            };
            let due = |p: &Point| p.time_tag("snapferry-delete-after");
            let stays =
                chain.iter().filter(|p| ours(p) && is_alone(p) && on_side(p) && !p.deleting);
            for point in stays.filter(|p| due(p).is_some_and(|at| at < later(now, -1_440))) {
                let what = format!("{} was to go at {:?}", point.id, due(point));
                broken.push(("overdue", what));
            }
            let slack = (wish.targets.len() as i64 + 3) * scenario.tick_minutes
                + 240 * wish.targets.len() as i64;
            for (place, _) in &wish.targets {
                let place = &scenario.places[*place];
                // A whole copy once more is a person's decision.
                let helpless = disturbed && !look.has_base(&chain, place.region);
                if lost_order || helpless {
                    continue;
                }
                // Azure copies a disk's points to a region in order: of two installations that both copy
                // it there, the one whose points are older waits in vain, and the region has the other's.
                let shared = scenario.rivals(installation, *number, place.region, began);
                let on = |p: &Point| p.is_copy && p.region == place.region && (shared || ours(p));
                let copied = newest(&on);
                let due = later(slot, -wish.every_minutes - slack);
                // What a storm left to copy is copied in order, one at a time for a disk and all its
                // policies: as long as there is no pause, it has its time.
                let there = chain.iter().filter(|p| p.is_copy && p.region == place.region);
                let begun = there.map(|p| p.created_at).max();
                let catches_up = begun.is_some_and(|at| at > later(now, -slack))
                    && now.duration_since(since) < SETTLED * 2;
                if !catches_up && copied.is_none_or(|at| at < due) {
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
