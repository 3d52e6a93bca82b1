//! Sentences of `shared`, in which names and commands stand between backticks.

use leptos::prelude::*;

use crate::present::time;

/// Shows `text` with what is between backticks as code, and times as people read them.
pub(crate) fn prose(text: &str) -> impl IntoView + use<> {
    text.split('`')
        .enumerate()
        .map(|(at, part)| {
            if at % 2 == 1 {
                let part = part.to_owned();
                view! { <code>{part}</code> }.into_any()
            } else {
                time::readable(part).into_any()
            }
        })
        .collect_view()
}

/// What failed, to be seen and read out at once.
pub(crate) fn failed(text: &str) -> impl IntoView + use<> {
    view! { <p class="banner bad" role="alert">{prose(text)}</p> }
}
