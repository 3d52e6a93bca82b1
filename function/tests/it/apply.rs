//! A run ends before the host would kill it, however long Azure takes.

use std::time::Duration;

use axum::Router;
use function::{
    Config,
    apply::{Applying, apply},
    azure::{ArmClient, InProcess, Transport},
};
use shared::{
    Effect, Inventory, Limits, ResourceId, Step,
    model::{Outcome, Skip, Writes},
    plan::Cause,
};
use tokio::time::Instant;

/// An Azure that never answers.
fn silent() -> ArmClient {
    let config = Config::from_lookup(|name| match name {
        "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("1".to_owned()),
        "SNAPFERRY_INSTALLATION" | "SNAPFERRY_STORE" => Some("test".to_owned()),
        "AzureWebJobsStorage" => Some("UseDevelopmentStorage=true".to_owned()),
        _ => None,
    })
    .unwrap();
    let router = Router::new().fallback(std::future::pending::<()>);
    let azure = InProcess { router, identity_header: String::new(), messages: None };
    ArmClient::new(&config, Transport::InProcess(azure))
}

fn steps(count: usize) -> Vec<Step> {
    let step = |number| Step {
        effect: Effect::UnmarkPoint {
            id: ResourceId::snapshot("s", "g", &format!("point-{number}")),
            unique_id: "u".to_owned(),
        },
        cause: Cause::Request { id: "11111111-0001".to_owned() },
    };
    (0..count).map(step).collect()
}

async fn outcomes(begun: Instant, writes: Writes) -> (Vec<Outcome>, Duration) {
    let inventory = Inventory::empty("2026-11-26T00:00:00Z".parse().unwrap());
    let limits = Limits::new("test", writes);
    let arm = silent();
    let applying = Applying { arm: &arm, inventory: &inventory, limits: &limits, begun };
    let outcomes = apply(&applying, steps(20)).await;
    (outcomes.into_iter().map(|step| step.outcome).collect(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn no_step_is_waited_for_beyond_the_time_of_the_run_and_the_rest_is_left_to_the_next() {
    let (outcomes, took) = outcomes(Instant::now(), Writes::Everywhere).await;
    let late =
        |outcome: &&Outcome| matches!(outcome, Outcome::Failed { code, .. } if code == "TimeUp");
    let left = |outcome: &&Outcome| matches!(outcome, Outcome::Skipped { why: Skip::TimeUp, .. });
    // Eight disks at a time.
    assert_eq!(outcomes.iter().filter(late).count(), 8);
    assert_eq!(outcomes.iter().filter(left).count(), 12);
    assert!(took < Duration::from_secs(290), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_listed_for_long_begins_nothing() {
    let begun = Instant::now();
    tokio::time::advance(Duration::from_secs(201)).await;
    let (outcomes, took) = outcomes(begun, Writes::Everywhere).await;
    let left = |outcome: &Outcome| matches!(outcome, Outcome::Skipped { why: Skip::TimeUp, .. });
    assert!(outcomes.iter().all(left), "{outcomes:?}");
    assert!(took < Duration::from_secs(202), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_observing_installation_asks_azure_nothing() {
    let (outcomes, took) = outcomes(Instant::now(), Writes::Only(vec![])).await;
    let observed =
        |outcome: &Outcome| matches!(outcome, Outcome::Skipped { why: Skip::Observes, .. });
    assert!(outcomes.iter().all(observed), "{outcomes:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}
