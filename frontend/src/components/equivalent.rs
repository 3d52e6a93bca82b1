//! The same action for other tools, ready to paste.

use leptos::{prelude::*, task::spawn_local};
use shared::equivalent::Tool;
use wasm_bindgen_futures::JsFuture;

#[component]
pub(crate) fn Equivalent(
    /// The action in the words of a tool.
    #[prop(into)]
    text: Callback<Tool, String>,
) -> impl IntoView {
    let tool = RwSignal::new(Tool::AzureCli);
    let copied = RwSignal::new(None::<String>);
    let shown = Memo::new(move |_| text.run(tool.get()));
    let copy = move |_| {
        let text = shown.get_untracked();
        spawn_local(async move {
            let done = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            let words = if done.is_ok() { "Copied" } else { "The browser did not allow it" };
            copied.set(Some(words.to_owned()));
        });
    };
    let tab = move |of: Tool| {
        let select = move |_| {
            tool.set(of);
            copied.set(None);
        };
        view! {
            <button
                type="button"
                role="tab"
                class="tab"
                aria-selected=move || (tool.get() == of).to_string()
                on:click=select
            >
                {of.name()}
            </button>
        }
    };
    view! {
        <section class="equivalent" aria-label="The same as">
            <h3>"The same as …"</h3>
            <div class="tabs" role="tablist" aria-label="Tool">
                {Tool::ALL.map(tab).collect_view()}
            </div>
            <pre tabindex="0" role="region" aria-label=move || tool.get().name()>{move || shown.get()}</pre>
            <button type="button" class="small" on:click=copy>"Copy to clipboard"</button>
            <span role="status" class="dim">{move || copied.get()}</span>
        </section>
    }
}
