//! When snapshots are taken: presets, another interval, or cron in a time zone; and what that is.

use jiff::{Timestamp, tz::TimeZoneDatabase};
use leptos::prelude::*;
use shared::Policy;

use super::draft::{CRON, Draft, OTHER, PRESETS};
use crate::{
    components::field::{Choice, SelectField, TextField},
    present,
    store::use_store,
};

/// As many firings as are shown.
const SHOWN: usize = 5;

#[component]
pub(super) fn ScheduleFields(
    draft: Draft,
    policy: Memo<Policy>,
    disabled: Signal<bool>,
) -> impl IntoView {
    let store = use_store();
    let preset = |minutes: u32| (minutes.to_string(), every(minutes));
    let choices: Vec<Choice> = PRESETS
        .map(preset)
        .into_iter()
        .chain([
            (OTHER.to_owned(), "Another interval…".to_owned()),
            (CRON.to_owned(), "At set times (cron)…".to_owned()),
        ])
        .collect();
    let more = move || match draft.every.get().as_str() {
        OTHER => view! {
            <TextField label="Minutes between snapshots" value=draft.minutes kind="number" disabled
                hint="Counted from midnight UTC of 1970-01-01."/>
        }
        .into_any(),
        CRON => view! {
            <TextField label="Cron" value=draft.cron disabled
                hint="Minute, hour, day of month, month, weekday: 0 6 * * MON-FRI."/>
        }
        .into_any(),
        _ => ().into_any(),
    };
    let firings = Memo::new(move |_| {
        let now = store.about_now.get()?;
        policy.with(|policy| {
            let slots = policy.slots()?;
            let zone = policy.zone();
            let next = std::iter::successors(slots.after(now), |at| slots.after(*at));
            let words = |at: Timestamp| present::time::in_zone(at, &zone);
            Some(next.take(SHOWN).map(words).collect::<Vec<_>>())
        })
    });
    let next = move || match firings.get() {
        None => view! { <p class="hint">"It never fires as it stands."</p> }.into_any(),
        Some(firings) => {
            let line = |text: String| view! { <li>{text}</li> };
            view! {
                <ul class="firings" aria-label="Next snapshots">
                    {firings.into_iter().map(line).collect_view()}
                </ul>
            }
            .into_any()
        }
    };
    view! {
        <SelectField label="Take a snapshot" value=draft.every choices=Signal::stored(choices) disabled/>
        {more}
        <TextField label="Time zone" value=draft.time_zone disabled list="time-zones"
            hint="Of cron, and of the days, weeks and months of keep rules."/>
        <datalist id="time-zones">{zones()}</datalist>
        <div class="field wide">
            <span class="label">"Next snapshots"</span>
            {next}
        </div>
    }
}

/// The zones that are built in; the plain `UTC` first.
fn zones() -> impl IntoView {
    let mut names: Vec<String> =
        TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    names.retain(|name| name == "UTC" || name.contains('/'));
    names.sort_by_key(|name| name != "UTC");
    names.into_iter().map(|name| view! { <option value=name></option> }).collect_view()
}

fn every(minutes: u32) -> String {
    match minutes {
        60 => "Every hour".to_owned(),
        1440 => "Every day".to_owned(),
        10_080 => "Every week".to_owned(),
        minutes => format!("Every {}", present::time::span(i64::from(minutes) * 60)),
    }
}
