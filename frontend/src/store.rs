//! The one holder of what was fetched: polls, tells how old it is, and recovers by itself.
//!
//! Pages read its signals and derive; they never fetch the estate themselves.

mod clock;
mod poll;
pub(crate) mod requests;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use leptos::prelude::*;
use shared::{
    History, PointState, ResourceId,
    api::{Estate, RequestView, Role, Status},
    lineage::lineage,
    model::RequestState,
    plan,
    progress::{Pace, Progress},
    status::{DiskStatus, disk_statuses},
};

/// How it stands between the portal and the function.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Link {
    /// The first answer is awaited.
    #[default]
    Waiting,
    /// The last question was answered.
    Up,
    /// It was not; the data shown are old.
    Down(String),
}

/// A message that stays until somebody dismisses it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    pub(crate) id: u64,
    pub(crate) is_bad: bool,
    pub(crate) text: String,
    pub(crate) href: Option<String>,
}

/// Everything that pages share.
#[derive(Clone, Copy)]
pub(crate) struct Store {
    pub(crate) estate: RwSignal<Option<Arc<Estate>>>,
    pub(crate) status: RwSignal<Option<Arc<Status>>>,
    pub(crate) link: RwSignal<Link>,
    pub(crate) notices: RwSignal<Vec<Notice>>,
    /// Azure's time, second by second; none until it was first heard.
    pub(crate) now: RwSignal<Option<Timestamp>>,
    /// The same, every 10 s, for ages.
    pub(crate) about_now: Memo<Option<Timestamp>>,
    /// What past runs taught, as the planner has it; none until it was fetched.
    pub(crate) history: RwSignal<Option<Arc<History>>>,
    pub(crate) statuses: Memo<Arc<Vec<DiskStatus>>>,
    /// What the next tick would do: every point's fate comes from it.
    pub(crate) plan: Memo<Option<Arc<shared::Plan>>>,
    /// Requests from the estate and those just made here.
    pub(crate) requests: Memo<Vec<RequestView>>,
    progress: RwSignal<BTreeMap<String, Progress>>,
    asked: RwSignal<BTreeMap<String, RequestView>>,
    anchor: StoredValue<Option<clock::Anchor>>,
    wakes: StoredValue<u64>,
    notice_ids: StoredValue<u64>,
}

/// Makes the store and starts its polling.
pub(crate) fn provide() -> Store {
    let estate: RwSignal<Option<Arc<Estate>>> = RwSignal::new(None);
    let status: RwSignal<Option<Arc<Status>>> = RwSignal::new(None);
    let history: RwSignal<Option<Arc<History>>> = RwSignal::new(None);
    let now = RwSignal::new(None);
    let asked: RwSignal<BTreeMap<String, RequestView>> = RwSignal::new(BTreeMap::new());
    let store = Store {
        estate,
        status,
        link: RwSignal::new(Link::Waiting),
        notices: RwSignal::new(vec![]),
        now,
        about_now: Memo::new(move |_| now.get().map(clock::to_ten_seconds)),
        statuses: Memo::new(move |_| estate.get().map(statuses).unwrap_or_default()),
        history,
        plan: Memo::new(move |_| {
            Some(next_plan(&*estate.get()?, &*history.get()?, &*status.get()?))
        }),
        requests: Memo::new(move |_| all_requests(estate.get(), &asked.read())),
        progress: RwSignal::new(BTreeMap::new()),
        asked,
        anchor: StoredValue::new(None),
        wakes: StoredValue::new(0),
        notice_ids: StoredValue::new(0),
    };
    provide_context(store);
    clock::start(store);
    poll::start(store);
    store
}

/// The store that [`provide`] made.
pub(crate) fn use_store() -> Store {
    expect_context()
}

fn statuses(estate: Arc<Estate>) -> Arc<Vec<DiskStatus>> {
    let lineage = lineage(&estate.inventory);
    Arc::new(disk_statuses(&estate.inventory, &lineage, &estate.policies))
}

fn next_plan(estate: &Estate, history: &History, status: &Status) -> Arc<shared::Plan> {
    let inventory = &estate.inventory;
    Arc::new(plan(inventory, &estate.policies, &[], history, &status.limits, inventory.taken_at))
}

fn all_requests(
    estate: Option<Arc<Estate>>,
    asked: &BTreeMap<String, RequestView>,
) -> Vec<RequestView> {
    let known = estate.map(|estate| estate.requests.clone()).unwrap_or_default();
    let fresh =
        asked.values().filter(|view| !known.iter().any(|k| k.request.id == view.request.id));
    let fresh: Vec<RequestView> = fresh.cloned().collect();
    known.into_iter().chain(fresh).collect()
}

impl Store {
    /// Whether anything is on its way, so that news are likely.
    fn is_moving(&self) -> bool {
        let under_way = self.estate.with_untracked(|estate| {
            estate.as_ref().is_some_and(|estate| {
                estate.inventory.snapshots.iter().any(|s| s.state.is_under_way())
            })
        });
        let pending = |requests: &Vec<RequestView>| {
            requests.iter().any(|view| view.state == RequestState::Pending)
        };
        under_way || self.requests.with_untracked(pending)
    }

    /// Notes the percentages of a new estate.
    fn observe(&self, estate: &Estate) {
        let inventory = &estate.inventory;
        self.progress.update(|progress| {
            progress.retain(|key, _| {
                inventory.snapshots.iter().any(|s| s.id.key() == key && s.state.is_under_way())
            });
            for snapshot in &inventory.snapshots {
                if let PointState::Copying { percent: Some(percent) } = snapshot.state {
                    let of_this = progress.entry(snapshot.id.key().to_owned()).or_default();
                    of_this.observe(inventory.taken_at, percent);
                }
            }
        });
    }

    /// How fast the copy of that id gets on.
    pub(crate) fn pace(&self, id: &ResourceId) -> Option<Pace> {
        let now = self.about_now.get()?;
        self.progress.with(|progress| progress.get(id.key())?.pace(now))
    }

    /// Why nobody of this role may do what an operator does; none if they may.
    pub(crate) fn why_no_actions(&self) -> Option<String> {
        self.why_not(Role::Operator)
    }

    /// Why policies cannot be changed; none if they can.
    pub(crate) fn why_no_policies(&self) -> Option<String> {
        self.why_not(Role::Owner)
    }

    /// Why nobody below the role `needed` may do it; none if they may.
    pub(crate) fn why_not(&self, needed: Role) -> Option<String> {
        let status = self.status.get();
        let Some(status) = status else { return Some("Still loading who you are.".to_owned()) };
        let role = status.identity.role;
        (role < needed).then(|| {
            let (role, needed) = (crate::present::role(role), crate::present::role(needed));
            format!("You are signed in as {role}; this takes the role {needed}.")
        })
    }

    /// Shows a message until it is dismissed.
    pub(crate) fn notify(&self, is_bad: bool, text: String, href: Option<String>) {
        let id = self.notice_ids.try_update_value(|id| {
            *id += 1;
            *id
        });
        let Some(id) = id else { return };
        self.notices.update(|notices| notices.push(Notice { id, is_bad, text, href }));
    }

    /// Takes a message away.
    pub(crate) fn dismiss(&self, id: u64) {
        self.notices.update(|notices| notices.retain(|notice| notice.id != id));
    }

    /// Polls at once.
    pub(crate) fn wake(&self) {
        self.wakes.update_value(|wakes| *wakes += 1);
    }
}
