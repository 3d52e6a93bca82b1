//! The picture of a disk's points: one axis of time, a lane for each side, pairs joined.

use leptos::prelude::*;

use crate::{
    derive::timeline::{Dot, Pair, Timeline},
    path,
};

const LANE_HEIGHT: usize = 48;
const AXIS_HEIGHT: usize = 26;

fn lane_y(lane: usize) -> usize {
    lane * LANE_HEIGHT + 34
}

#[component]
pub(crate) fn TimelinePicture(#[prop(into)] picture: Signal<Timeline>) -> impl IntoView {
    let draw = move || {
        let picture = picture.get();
        let height = picture.lanes.len() * LANE_HEIGHT + AXIS_HEIGHT;
        let points = crate::present::count(picture.dots.len(), "point");
        let label = format!(
            "Timeline: {points} on {}; the tables below say the same",
            crate::present::count(picture.lanes.len(), "side")
        );
        view! {
            <svg class="timeline" width="100%" height=height role="img" aria-label=label>
                {picture.ticks.iter().enumerate().map(|(n, tick)| axis(n, tick, height)).collect_view()}
                {picture.pairs.iter().map(pair).collect_view()}
                {picture.lanes.iter().enumerate().map(|(n, label)| lane(n, label)).collect_view()}
                {picture.dots.iter().map(dot).collect_view()}
            </svg>
        }
    };
    view! { <div class="timeline-box">{draw}</div> }
}

fn axis(n: usize, (x, label): &(f64, String), height: usize) -> impl IntoView + use<> {
    let anchor = match n {
        0 => "tick start",
        3 => "tick end",
        _ => "tick middle",
    };
    view! {
        <g>
            <line class="grid" x1=format!("{x}%") x2=format!("{x}%") y1="0" y2=height - AXIS_HEIGHT/>
            <text class=anchor x=format!("{x}%") y=height - 8>{label.clone()}</text>
        </g>
    }
}

fn lane(n: usize, label: &str) -> impl IntoView + use<> {
    let y = lane_y(n);
    view! {
        <g>
            <text class="lane-label" x="0" y=y - 18>{label.to_owned()}</text>
            <line class="lane" x1="0" x2="100%" y1=y y2=y/>
        </g>
    }
}

fn pair(pair: &Pair) -> impl IntoView + use<> {
    let class = if pair.under_way { "pair under-way" } else { "pair" };
    let (x1, x2) = (format!("{}%", pair.x), format!("{}%", pair.x_copy));
    view! { <line class=class x1=x1 x2=x2 y1=lane_y(pair.from) y2=lane_y(pair.to)/> }
}

fn dot(dot: &Dot) -> impl IntoView + use<> {
    let class = format!("dot {}", dot.tone.class());
    view! {
        <g>
            <a href=path::resource(&dot.id) tabindex="-1">
                <circle class=class cx=format!("{}%", dot.x) cy=lane_y(dot.lane) r="6">
                    <title>{dot.title.clone()}</title>
                </circle>
            </a>
        </g>
    }
}
