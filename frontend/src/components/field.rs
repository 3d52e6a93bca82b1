//! Form fields, each with its label. What somebody typed is in a signal that no poll touches.

use leptos::prelude::*;

#[component]
pub(crate) fn TextField(
    label: &'static str,
    value: RwSignal<String>,
    /// Said below the field.
    #[prop(optional)]
    hint: &'static str,
    #[prop(into, optional)] disabled: Signal<bool>,
    /// `number`, …
    #[prop(default = "text")]
    kind: &'static str,
    /// The id of a list of suggestions.
    #[prop(optional)]
    list: &'static str,
) -> impl IntoView {
    view! {
        <div class="field">
            <label>
                <span class="label">{label}</span>
                <input
                    type=kind
                    autocomplete="off"
                    spellcheck="false"
                    list=(!list.is_empty()).then_some(list)
                    prop:value=move || value.get()
                    disabled=disabled
                    on:input:target=move |ev| value.set(ev.target().value())
                />
            </label>
            {hint_line(hint)}
        </div>
    }
}

#[component]
pub(crate) fn TextArea(
    label: &'static str,
    value: RwSignal<String>,
    #[prop(optional)] hint: &'static str,
) -> impl IntoView {
    view! {
        <div class="field">
            <label>
                <span class="label">{label}</span>
                <textarea
                    rows="2"
                    spellcheck="false"
                    prop:value=move || value.get()
                    on:input:target=move |ev| value.set(ev.target().value())
                ></textarea>
            </label>
            {hint_line(hint)}
        </div>
    }
}

/// Value and words of a choice.
pub(crate) type Choice = (String, String);

#[component]
pub(crate) fn SelectField(
    label: &'static str,
    value: RwSignal<String>,
    #[prop(into)] choices: Signal<Vec<Choice>>,
    #[prop(optional)] hint: &'static str,
    #[prop(into, optional)] disabled: Signal<bool>,
) -> impl IntoView {
    // A choice that the list lacks is shown as it is: the browser would show the first instead.
    let shown = Memo::new(move |_| {
        let mut choices = choices.get();
        let chosen = value.get();
        if !choices.iter().any(|(key, _)| *key == chosen) {
            let words = if chosen.is_empty() { "Choose…".to_owned() } else { chosen.clone() };
            choices.insert(0, (chosen, words));
        }
        choices
    });
    let option = move |(key, words): Choice| {
        let own = key.clone();
        view! { <option value=key prop:selected=move || value.get() == own>{words}</option> }
    };
    view! {
        <div class="field">
            <label>
                <span class="label">{label}</span>
                <select disabled=disabled on:change:target=move |ev| value.set(ev.target().value())>
                    {move || shown.get().into_iter().map(option).collect_view()}
                </select>
            </label>
            {hint_line(hint)}
        </div>
    }
}

#[component]
pub(crate) fn CheckField(
    label: &'static str,
    value: RwSignal<bool>,
    #[prop(optional)] hint: &'static str,
    #[prop(into, optional)] disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <div class="field check">
            <label>
                <input
                    type="checkbox"
                    prop:checked=move || value.get()
                    disabled=disabled
                    on:change:target=move |ev| value.set(ev.target().checked())
                />
                <span class="label">{label}</span>
            </label>
            {hint_line(hint)}
        </div>
    }
}

fn hint_line(hint: &'static str) -> Option<impl IntoView> {
    (!hint.is_empty()).then(|| view! { <p class="hint">{hint}</p> })
}
