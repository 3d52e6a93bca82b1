//! A native modal dialog: the browser keeps the focus inside and closes it on Escape.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

#[component]
pub(crate) fn Dialog(
    #[prop(into)] title: String,
    /// Run when somebody closes it; whoever shows it takes it away.
    on_close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let before = document().active_element().and_then(|e| e.dyn_into::<HtmlElement>().ok());
    let before = StoredValue::new_local(before);
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            // Only an element that stands in the document can be shown, which is a frame away.
            request_animation_frame(move || {
                if !dialog.is_connected() || dialog.open() {
                    return;
                }
                if dialog.show_modal().is_err() {
                    dialog.set_open(true);
                }
                // The first control is *Close*; what somebody came for is the first field.
                let field = dialog.query_selector("input, select, textarea").ok().flatten();
                if let Some(field) = field.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
                    let _ = field.focus();
                }
            });
        }
    });
    on_cleanup(move || {
        // The browser gives the focus back only from a dialog that is closed, not from one taken
        // away; and until it is gone, nothing beneath it takes the focus.
        if let Some(Some(element)) = before.try_get_value() {
            request_animation_frame(move || {
                let _ = element.focus();
            });
        }
    });
    let cancel = move |event: ev::Event| {
        event.prevent_default();
        on_close.run(());
    };
    view! {
        <dialog node_ref=node aria-labelledby="dialog-title" on:cancel=cancel>
            <div class="dialog-head">
                <h2 id="dialog-title">{title}</h2>
                <button type="button" class="plain" on:click=move |_| on_close.run(())>
                    "Close"
                </button>
            </div>
            {children()}
        </dialog>
    }
}
