//! Where a disk's points stand on one axis of time, in percent of its width.

use jiff::{SignedDuration, Timestamp};
use shared::{PointState, ResourceId};

use super::disk::DiskView;
use crate::present::{self, Tone};

/// The picture of a disk's points.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timeline {
    pub(crate) lanes: Vec<String>,
    pub(crate) dots: Vec<Dot>,
    pub(crate) pairs: Vec<Pair>,
    /// Positions and labels on the axis.
    pub(crate) ticks: Vec<(f64, String)>,
}

/// A point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dot {
    pub(crate) x: f64,
    pub(crate) lane: usize,
    pub(crate) tone: Tone,
    pub(crate) title: String,
    pub(crate) id: ResourceId,
}

/// A copy and the snapshot that it was made from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) x: f64,
    pub(crate) x_copy: f64,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) under_way: bool,
}

/// Room left of the first point and right of the last, so that no dot is cut.
const MARGIN: f64 = 2.5;

/// The least time that the axis spans.
const SHORTEST: SignedDuration = SignedDuration::from_hours(1);

/// Draws what `view` holds, up to `now`.
pub(crate) fn timeline(view: &DiskView, now: Timestamp) -> Timeline {
    let times = || view.sides.iter().flat_map(|s| &s.points).filter_map(|p| p.point_time);
    let (Some(oldest), last) = (times().min(), times().max().map_or(now, |at| at.max(now))) else {
        return Timeline::default();
    };
    // The thirds of a shorter axis would have one label.
    let first = oldest.min(last.checked_sub(SHORTEST).unwrap_or(oldest));
    let span = last.duration_since(first).as_secs_f64();
    let x = |at: Timestamp| {
        MARGIN + (100.0 - 2.0 * MARGIN) * at.duration_since(first).as_secs_f64() / span
    };
    let mut picture = Timeline { ticks: ticks(first, last, &x), ..Timeline::default() };
    let mut places: Vec<(&ResourceId, f64, usize)> = vec![];
    for (lane, side) in view.sides.iter().enumerate() {
        let noun = if side.is_target { "copies" } else { "snapshots" };
        // The tables' headings name the subscription, for which a phone has no room here.
        picture.lanes.push(format!("{} · {} ({noun})", side.region, side.side.group));
        for point in &side.points {
            let Some(at) = point.point_time else { continue };
            places.push((&point.snapshot.id, x(at), lane));
            let state = present::point_state(&point.snapshot.state);
            let percent = match &point.snapshot.state {
                PointState::Copying { percent: Some(percent) } => {
                    format!(" {}", present::number::percent(*percent))
                }
                _ => String::new(),
            };
            let marked = point.snapshot.delete_after().is_some();
            let fate = if marked { ", marked for deletion" } else { "" };
            picture.dots.push(Dot {
                x: x(at),
                lane,
                tone: if marked { Tone::Warn } else { state.tone },
                title: format!(
                    "{} {}: {}, {}{percent}{fate}",
                    point.noun(),
                    point.snapshot.id.name(),
                    present::time::minute(at),
                    state.text,
                ),
                id: point.snapshot.id.clone(),
            });
        }
    }
    let place = |id: &ResourceId| places.iter().find(|(known, ..)| *known == id);
    for point in view.sides.iter().flat_map(|side| &side.points).filter(|p| p.snapshot.is_copy) {
        let source = point.snapshot.source_id.as_ref().and_then(place);
        if let (Some(source), Some(copy)) = (source, place(&point.snapshot.id)) {
            picture.pairs.push(Pair {
                x: source.1,
                x_copy: copy.1,
                from: source.2,
                to: copy.2,
                under_way: point.snapshot.state.is_under_way(),
            });
        }
    }
    picture
}

/// The ends and the thirds between.
fn ticks(first: Timestamp, last: Timestamp, x: &dyn Fn(Timestamp) -> f64) -> Vec<(f64, String)> {
    let seconds = last.duration_since(first).as_secs();
    (0..=3)
        .filter_map(|third| {
            let at = Timestamp::from_second(first.as_second() + seconds * third / 3).ok()?;
            Some((x(at), present::time::axis(at)))
        })
        .collect()
}
