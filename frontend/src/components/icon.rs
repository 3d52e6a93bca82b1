//! Small pictures, drawn here so that nothing is loaded from elsewhere.

use leptos::prelude::*;

use crate::present::Tone;

/// The picture of a tone: its shape differs, not only its colour.
#[component]
pub(crate) fn ToneIcon(tone: Tone) -> impl IntoView {
    let shape = match tone {
        Tone::Good => "M3.5 8.5l3 3 6-7",
        Tone::Busy => "M8 3a5 5 0 1 1-4.6 3",
        Tone::Warn => "M8 2.5l6 11H2zM8 7v3M8 11.8v.4",
        Tone::Bad => "M4 4l8 8M12 4l-8 8",
        Tone::Quiet => "M4 8h8",
    };
    let class = format!("icon {}", tone.class());
    view! {
        <svg class=class viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d=shape/>
        </svg>
    }
}

/// A ferry that carries a disk.
#[component]
pub(crate) fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect class="logo-ground" width="32" height="32" rx="7"/>
            <ellipse class="logo-disk" cx="16" cy="9" rx="6" ry="2.4"/>
            <path class="logo-disk" d="M10 9v5c0 1.3 2.7 2.4 6 2.4s6-1.1 6-2.4V9c0 1.3-2.7 2.4-6 2.4S10 10.300 10 9z"/>
            <path class="logo-hull" d="M4.500 18h23l-3.300 6H7.800z"/>
            <path class="logo-wave" d="M4 27c2 0 2-1.300 4-1.300s2 1.300 4 1.300 2-1.300 4-1.300 2 1.300 4 1.300 2-1.300 4-1.300 2 1.300 4 1.300"/>
        </svg>
    }
}
