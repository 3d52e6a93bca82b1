//! The bar on top: where one is, as whom, what may be written, and Azure's time.

use leptos::prelude::*;
use leptos_router::components::A;
use shared::model::Writes;

use super::{icon::Logo, theme::ThemeToggle};
use crate::{path, present, store::use_store};

#[component]
pub(crate) fn Header() -> impl IntoView {
    let store = use_store();
    let clock = move || store.now.get().map_or_else(|| "–".to_owned(), present::time::clock);
    view! {
        <header class="bar">
            <a class="brand" href=path::HOME>
                <Logo/>
                <span>"Snapferry"</span>
            </a>
            <nav aria-label="Main">
                <A href=path::HOME exact=true>"Disks"</A>
                <A href=path::POLICIES>"Policies"</A>
                <A href=path::RUNS>"Runs"</A>
            </nav>
            <Place/>
            <span class="bar-end">
                <span class="clock" title="Azure's time">{clock}</span>
                <ThemeToggle/>
            </span>
        </header>
    }
}

/// Cloud, tenant, installation, mode and identity.
#[component]
fn Place() -> impl IntoView {
    let store = use_store();
    let cells = move || {
        let Some(status) = store.status.get() else {
            return view! { <span>"Loading…"</span> }.into_any();
        };
        let mut place = vec![status.cloud.clone()];
        place.extend(status.tenant.as_ref().map(|tenant| format!("tenant {tenant}")));
        place.push(format!("installation {}", status.limits.installation));
        let (mode, class) = match &status.limits.writes {
            writes if writes.observe_only() => {
                ("Observing, writes nothing".to_owned(), "mode observing")
            }
            Writes::Everywhere => ("Writable".to_owned(), "mode"),
            Writes::Only(list) => {
                (format!("Writes to {}", present::count(list.len(), "subscription")), "mode")
            }
        };
        let identity = &status.identity;
        let local = identity.is_local.then_some(" · local identity, no sign-in");
        let who = format!("{} · {}", identity.name, present::role(identity.role));
        view! {
            <span class="where" title=format!("Snapferry {}", status.version)>
                {place.join(" · ")}
            </span>
            <span class=class>{mode}</span>
            <span class="who">{who} {local}</span>
        }
        .into_any()
    };
    view! { <div class="place">{cells}</div> }
}
