//! Which points there would be on a day to come: for each side and rule a line of marks.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use leptos::prelude::*;
use shared::{
    Policy,
    foresight::{Expected, MOST_SLOTS, expected, slots_between},
    model::KeepRule,
};

use crate::{present, store::use_store};

/// How far ahead one looks at first.
const AHEAD: SignedDuration = SignedDuration::from_hours(90 * 24);

const LANE_HEIGHT: usize = 22;
const AXIS_HEIGHT: usize = 22;
/// Room left and right of the marks.
const MARGIN: f64 = 1.5;

/// A side's marks.
#[derive(Clone, PartialEq)]
struct Side {
    title: String,
    summary: String,
    lanes: Vec<Lane>,
    from: String,
    to: String,
}

#[derive(Clone, PartialEq)]
struct Lane {
    label: String,
    /// In percent of the width, with the time in words.
    marks: Vec<(f64, String)>,
}

#[component]
pub(super) fn Picture(policy: Memo<Policy>) -> impl IntoView {
    let store = use_store();
    let today = store.about_now.get_untracked().unwrap_or_default();
    let first = today.checked_add(AHEAD).unwrap_or(today);
    let day = RwSignal::new(day_of(first));
    // Looking for slots is the costly part: a typed name or rule does not change them.
    let slots = Memo::new(move |_| {
        let until: Timestamp = format!("{}T23:59:59Z", day.get()).parse().ok()?;
        let slots = policy.with(Policy::slots)?;
        Some(slots_between(&slots, today, until))
    });
    let sides = Memo::new(move |_| {
        let slots = slots.get()?;
        Some(policy.with(|policy| {
            let sides = expected(policy, &slots);
            sides.iter().map(|side| side_of(side, &policy.zone())).collect::<Vec<_>>()
        }))
    });
    let is_cut = move || slots.with(|slots| slots.as_ref().is_some_and(|s| s.len() == MOST_SLOTS));
    let body = move || match sides.get() {
        None => {
            view! { <p class="dim">"The schedule or the day cannot be followed."</p> }.into_any()
        }
        Some(sides) => sides.into_iter().map(picture).collect_view().into_any(),
    };
    view! {
        <section aria-label="On a day to come">
            <h2>"On a day to come"</h2>
            <div class="field">
                <label>
                    <span class="label">"Points that there would be on"</span>
                    <input
                        type="date"
                        prop:value=move || day.get()
                        on:input:target=move |ev| day.set(ev.target().value())
                    />
                </label>
                <p class="hint">"If it was saved now and every snapshot and copy succeeds."</p>
            </div>
            {body}
            {move || is_cut().then(|| view! {
                <p class="hint">{format!("Only the last {MOST_SLOTS} slots before that day are reckoned with.")}</p>
            })}
        </section>
    }
}

fn day_of(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

fn side_of(side: &Expected, zone: &TimeZone) -> Side {
    let title = side.region.as_ref().map_or_else(|| "Source".to_owned(), ToString::to_string);
    let times = || side.points.iter().map(|(at, _)| *at);
    let (Some(newest), Some(oldest)) = (times().next(), times().next_back()) else {
        let summary = "no point yet".to_owned();
        return Side { title, summary, lanes: vec![], from: String::new(), to: String::new() };
    };
    let span = newest.duration_since(oldest).as_secs_f64().max(1.0);
    let x = |at: Timestamp| {
        let part = at.duration_since(oldest).as_secs_f64() / span;
        MARGIN + (100.0 - 2.0 * MARGIN) * if oldest == newest { 1.0 } else { part }
    };
    let mark = |at: Timestamp| (x(at), present::time::in_zone(at, zone));
    let mut lanes: Vec<Lane> = [
        KeepRule::Last,
        KeepRule::Within,
        KeepRule::Hourly,
        KeepRule::Daily,
        KeepRule::Weekly,
        KeepRule::Monthly,
        KeepRule::Yearly,
    ]
    .into_iter()
    .filter_map(|rule| {
        let kept = |rules: &Vec<shared::model::KeptBy>| rules.iter().any(|by| by.rule == rule);
        let marks: Vec<_> =
            side.points.iter().filter(|(_, by)| kept(by)).map(|(at, _)| mark(*at)).collect();
        let label = format!("{}: {}", rule.word(), marks.len());
        (!marks.is_empty()).then_some(Lane { label, marks })
    })
    .collect();
    if lanes.is_empty() {
        // A side that keeps everything; more marks than these make one bar.
        let step = side.points.len().div_ceil(500).max(1);
        let marks = side.points.iter().step_by(step).map(|(at, _)| mark(*at)).collect();
        lanes.push(Lane { label: format!("everything: {}", side.points.len()), marks });
    }
    Side {
        title,
        summary: present::count(side.points.len(), "point"),
        lanes,
        from: present::time::minute(oldest),
        to: present::time::minute(newest),
    }
}

fn picture(side: Side) -> impl IntoView {
    let Side { title, summary, lanes, from, to } = side;
    let height = lanes.len() * LANE_HEIGHT + AXIS_HEIGHT;
    let words: Vec<&str> = lanes.iter().map(|lane| lane.label.as_str()).collect();
    let label = format!("{title}: {summary}, from {from} to {to}; {}", words.join(", "));
    let has_points = !lanes.is_empty();
    let lane = |(n, lane): (usize, Lane)| {
        let y = n * LANE_HEIGHT + LANE_HEIGHT - 5;
        let mark = move |(x, title): (f64, String)| {
            let x = format!("{x:.2}%");
            view! { <line class="mark" x1=x.clone() x2=x y1=y - 4 y2=y + 4><title>{title}</title></line> }
        };
        view! {
            <g>
                <line class="lane" x1="0" x2="100%" y1=y y2=y/>
                {lane.marks.into_iter().map(mark).collect_view()}
                <text class="start" x="0" y=y - 8>{lane.label}</text>
            </g>
        }
    };
    view! {
        <h3>{title} ": " {summary}</h3>
        {has_points.then(|| view! {
            <svg class="timeline marks" width="100%" height=height role="img" aria-label=label>
                {lanes.into_iter().enumerate().map(lane).collect_view()}
                <text class="start" x="0" y=height - 4>{from}</text>
                <text class="end" x="100%" y=height - 4>{to}</text>
            </svg>
        })}
    }
}
