//! Sentences of `shared`, in which names and commands stand between backticks.

use leptos::prelude::*;

/// Shows `text` with what is between backticks as code.
pub(crate) fn prose(text: &str) -> impl IntoView + use<> {
    text.split('`')
        .enumerate()
        .map(|(at, part)| {
            let part = part.to_owned();
            if at % 2 == 1 { view! { <code>{part}</code> }.into_any() } else { part.into_any() }
        })
        .collect_view()
}
