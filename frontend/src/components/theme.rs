//! Light, dark, or as the system has it; remembered in this browser.

use gloo::storage::{LocalStorage, Storage};
use leptos::prelude::*;

const KEY: &str = "snapferry-theme";
const THEMES: [(&str, &str); 3] = [("auto", "Auto"), ("light", "Light"), ("dark", "Dark")];

#[component]
pub(crate) fn ThemeToggle() -> impl IntoView {
    let stored = LocalStorage::get::<String>(KEY).ok();
    let known = stored.filter(|theme| THEMES.iter().any(|(key, _)| key == theme));
    let theme = RwSignal::new(known.unwrap_or_else(|| "auto".to_owned()));
    Effect::new(move |_| {
        let theme = theme.get();
        if let Some(root) = document().document_element() {
            // What cannot be set or kept leaves the theme as it was; there is nobody to tell.
            let _ = root.set_attribute("data-theme", &theme);
        }
        let _ = LocalStorage::set(KEY, theme);
    });
    view! {
        <label class="theme">
            <span class="visually-hidden">"Theme"</span>
            <select on:change:target=move |ev| theme.set(ev.target().value())>
                {THEMES
                    .map(|(key, label)| {
                        view! {
                            <option value=key prop:selected=move || theme.get() == key>
                                {label}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </label>
    }
}
