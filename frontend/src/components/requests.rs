//! The latest requests about something, and how each stands.

use leptos::prelude::*;
use shared::{api::RequestView, model::RequestState};

use super::{badge::Badge, prose::prose, time::Time};
use crate::{path, present, store::requests::title};

#[component]
pub(crate) fn Requests(
    /// The newest first.
    #[prop(into)]
    requests: Signal<Vec<RequestView>>,
) -> impl IntoView {
    let lines = move || {
        let requests = requests.get();
        (!requests.is_empty()).then(|| {
            view! {
                <section class="block" aria-label="Requests">
                    <h2>"Requests"</h2>
                    <ul class="lines">
                        {requests.into_iter().take(10).map(|view| view! { <Line view/> }).collect_view()}
                    </ul>
                </section>
            }
        })
    };
    view! { {lines} }
}

#[component]
fn Line(view: RequestView) -> impl IntoView {
    let word = present::request_state(&view.state);
    let (run, message) = match view.state {
        RequestState::Pending => (None, None),
        RequestState::Done { run } => (Some(run), None),
        RequestState::Refused { run, message } => (Some(run), Some(message)),
    };
    view! {
        <li>
            <Badge word=Signal::stored(word)/>
            <span>{title(&view.request.action)}</span>
            <span class="dim">{view.request.actor} " · " <Time at=view.request.asked_at/></span>
            {run.map(|run| view! { <a href=path::run(&run)>"Run"</a> })}
            {message.map(|message| view! { <span class="line-message">{prose(&message)}</span> })}
        </li>
    }
}
