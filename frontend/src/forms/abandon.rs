//! *Give up* a copy that does not get on.

use leptos::prelude::*;
use shared::{Action, ResourceId, model::AbandonCopy};

use super::frame::ActionDialog;

#[component]
pub(super) fn AbandonDialog(copy: ResourceId, on_close: Callback<()>) -> impl IntoView {
    let title = format!("Give up the copy {}?", copy.name());
    let action = Memo::new(move |_| Ok(Action::AbandonCopy(AbandonCopy { copy: copy.clone() })));
    view! {
        <ActionDialog title submit="Give up the copy" action on_close>
            <p class="wide">
                "The incomplete copy is deleted at once; nothing can be restored from it, and what \
                 has been moved is lost. The snapshot that it is made from stays. The disk's other \
                 targets are served first; then its policy copies to this place again. A first, whole \
                 copy is not sent a second time unless somebody copies a snapshot by hand."
            </p>
        </ActionDialog>
    }
}
