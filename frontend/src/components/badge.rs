//! A state in a word, with its colour and its picture.

use leptos::prelude::*;

use super::icon::ToneIcon;
use crate::present::Word;

#[component]
pub(crate) fn Badge(
    /// The state.
    #[prop(into)]
    word: Signal<Word>,
) -> impl IntoView {
    move || {
        let word = word.get();
        let class = format!("badge {}", word.tone.class());
        view! {
            <span class=class title=word.meaning>
                <ToneIcon tone=word.tone/>
                {word.text}
            </span>
        }
    }
}
