//! What Azure says is left of each subscription's writes and deletes, so that a tick leaves some to
//! others and leaves a throttled subscription alone.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use reqwest::{Method, header::HeaderMap};
use tokio::time::Instant;

/// So many of a window's calls are left to people and to other programs; Azure gives 200 to 1,200
/// writes (compute-snapshots §3.4).
const RESERVE: u64 = 50;

/// Azure counts by windows of three minutes to an hour, or fills up by the second: an older number
/// says nothing, and only a call brings a newer one.
const LIFE: Duration = Duration::from_secs(60);

/// What a call draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Writes,
    Deletes,
}

/// The budgets of all subscriptions, by their ids in lower case.
#[derive(Debug, Default)]
pub(super) struct Budgets(Mutex<BTreeMap<String, Budget>>);

#[derive(Debug, Default)]
struct Budget {
    left: BTreeMap<Kind, (u64, Instant)>,
    closed_until: Option<Instant>,
}

impl Budgets {
    /// Takes note of what an answer says is left.
    pub(super) fn note(&self, method: &Method, path: &str, headers: &HeaderMap) {
        let (Some(kind), Some(subscription)) = (kind(method), subscription(path)) else { return };
        let Some(left) = left(kind, headers) else { return };
        self.with(&subscription, |budget| budget.left.insert(kind, (left, Instant::now())));
    }

    /// Takes note that Azure takes nothing more for a while.
    pub(super) fn close(&self, method: &Method, path: &str, retry_after: Duration) {
        let (Some(_), Some(subscription)) = (kind(method), subscription(path)) else { return };
        self.with(&subscription, |budget| {
            budget.closed_until = Some(Instant::now() + retry_after);
        });
    }

    /// Why a call with `method` should not be made in that subscription at present; none if it may.
    pub(super) fn refusal(&self, method: &Method, subscription: &str) -> Option<String> {
        let kind = kind(method)?;
        let now = Instant::now();
        self.with(&subscription.to_ascii_lowercase(), |budget| {
            if let Some(until) = budget.closed_until.filter(|until| *until > now) {
                let seconds = until.duration_since(now).as_secs() + 1;
                return Some(format!(
                    "Azure throttles subscription {subscription} for another {seconds} s; a later \
                     tick goes on"
                ));
            }
            let (left, at) = *budget.left.get(&kind)?;
            let word = match kind {
                Kind::Writes => "writes",
                Kind::Deletes => "deletes",
            };
            (left < RESERVE && now.duration_since(at) < LIFE).then(|| {
                format!(
                    "Azure has {left} {word} left for subscription {subscription}, which are left \
                     to others; a later tick goes on"
                )
            })
        })
    }

    fn with<T>(&self, subscription: &str, change: impl FnOnce(&mut Budget) -> T) -> T {
        // A panic in another thread leaves whole numbers behind: there is nothing to mend.
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(all.entry(subscription.to_owned()).or_default())
    }
}

fn kind(method: &Method) -> Option<Kind> {
    match *method {
        Method::PUT | Method::PATCH | Method::POST => Some(Kind::Writes),
        Method::DELETE => Some(Kind::Deletes),
        _ => None,
    }
}

fn subscription(path: &str) -> Option<String> {
    let mut parts = path.trim_start_matches('/').split('/');
    let first = parts.next()?;
    let id = parts.next()?;
    first.eq_ignore_ascii_case("subscriptions").then(|| id.to_ascii_lowercase())
}

/// The least of ARM's own number and of the disk provider's buckets that the call drew from.
fn left(kind: Kind, headers: &HeaderMap) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let arm = match kind {
        Kind::Writes => "x-ms-ratelimit-remaining-subscription-writes",
        Kind::Deletes => "x-ms-ratelimit-remaining-subscription-deletes",
    };
    let of_arm = text(arm).and_then(|value| value.trim().parse().ok());
    let buckets = text("x-ms-ratelimit-remaining-resource").unwrap_or_default();
    let of_buckets =
        buckets.split(',').filter_map(|part| part.rsplit_once(';')?.1.trim().parse().ok());
    of_buckets.chain(of_arm).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/subscriptions/S/resourceGroups/g/providers/Microsoft.Compute/snapshots/a";

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[tokio::test(start_paused = true)]
    async fn a_low_number_leaves_the_rest_to_others_until_it_is_old() {
        let budgets = Budgets::default();
        let low = headers("x-ms-ratelimit-remaining-subscription-writes", "49");
        budgets.note(&Method::PUT, PATH, &low);
        assert!(budgets.refusal(&Method::PATCH, "s").unwrap().contains("49 writes"));
        assert_eq!(budgets.refusal(&Method::DELETE, "s"), None);
        assert_eq!(budgets.refusal(&Method::PUT, "other"), None);
        tokio::time::advance(LIFE).await;
        assert_eq!(budgets.refusal(&Method::PUT, "s"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_providers_bucket_counts_as_arms_own_number_does() {
        let budgets = Budgets::default();
        let low = headers(
            "x-ms-ratelimit-remaining-resource",
            "Microsoft.Compute/DeleteDisks3Min;7,Microsoft.Compute/DeleteDisks30Min;900",
        );
        budgets.note(&Method::DELETE, PATH, &low);
        assert!(budgets.refusal(&Method::DELETE, "S").unwrap().contains("7 deletes"));
        assert_eq!(budgets.refusal(&Method::PUT, "S"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_subscription_is_left_alone_for_as_long_as_azure_asks() {
        let budgets = Budgets::default();
        budgets.close(&Method::PUT, PATH, Duration::from_secs(1200));
        assert!(budgets.refusal(&Method::DELETE, "s").unwrap().contains("throttles"));
        tokio::time::advance(Duration::from_secs(1201)).await;
        assert_eq!(budgets.refusal(&Method::PUT, "s"), None);
    }
}
