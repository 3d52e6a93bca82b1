//! Everything that would stop an action, each with what to do about it.

use leptos::prelude::*;

use super::{icon::ToneIcon, prose::prose};
use crate::present::Tone;

/// One thing that stands in the way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) reason: String,
    pub(crate) fix: String,
}

#[component]
pub(crate) fn Obstacles(
    /// None of them: nothing is in the way.
    #[prop(into)]
    problems: Signal<Vec<Problem>>,
) -> impl IntoView {
    let list = move || {
        let problems = problems.get();
        if problems.is_empty() {
            return view! {
                <p class="clear"><ToneIcon tone=Tone::Good/>"Nothing known stands in the way."</p>
            }
            .into_any();
        }
        let line = |problem: Problem| {
            view! {
                <li>
                    <ToneIcon tone=Tone::Bad/>
                    <span><strong>{prose(&problem.reason)}</strong> " " {prose(&problem.fix)}</span>
                </li>
            }
        };
        view! { <ul class="obstacles">{problems.into_iter().map(line).collect_view()}</ul> }
            .into_any()
    };
    view! { <div role="status" aria-label="What would stop this" class="obstacle-box">{list}</div> }
}
