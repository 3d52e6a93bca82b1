//! The portal: a Leptos application in the browser. It shows and asks; it decides no rule.

#![expect(unreachable_pub, reason = "the component macro writes `pub` whatever the function has")]

mod api;
mod app;
mod components;
mod derive;
mod forms;
mod load;
mod pages;
mod path;
mod present;
mod query;
mod store;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
