//! Routes and the frame around every page.

use leptos::prelude::*;
use leptos_router::{
    components::{FlatRoutes, Route, Router},
    path,
};

use crate::{
    components::{banner::Banners, header::Header},
    pages::{
        deletions::DeletionsPage, disk::DiskPage, not_found::NotFoundPage, overview::OverviewPage,
        policies::PoliciesPage, policy::PolicyPage, run::RunPage, runs::RunsPage,
        snapshot::SnapshotPage,
    },
    store,
};

/// The whole portal.
#[component]
pub(crate) fn App() -> impl IntoView {
    store::provide();
    view! {
        <Router>
            <a class="skip" href="#main" rel="external">"Skip to content"</a>
            <Header/>
            <Banners/>
            <main id="main" tabindex="-1">
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=path!("/portal") view=OverviewPage/>
                    <Route path=path!("/portal/policies") view=PoliciesPage/>
                    <Route path=path!("/portal/policies/:id") view=PolicyPage/>
                    <Route path=path!("/portal/deletions") view=DeletionsPage/>
                    <Route path=path!("/portal/runs") view=RunsPage/>
                    <Route path=path!("/portal/runs/:id") view=RunPage/>
                    <Route
                        path=path!("/portal/subscriptions/:subscription/resourceGroups/:group/disks/:name")
                        view=DiskPage
                    />
                    <Route
                        path=path!("/portal/subscriptions/:subscription/resourceGroups/:group/snapshots/:name")
                        view=SnapshotPage
                    />
                </FlatRoutes>
            </main>
        </Router>
    }
}
