//! Azure away, and back.

use reqwest::{Method, StatusCode};
use tests::{Lab, browser::Browser, create_snapshot, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_says_that_azure_is_away_and_recovers_by_itself() {
    let mut lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    let browser = Browser::start(1440).await.unwrap();
    browser.page.goto(lab.stack.portal()).await.unwrap();
    browser.find("//a[normalize-space(.)='data']").await.unwrap();

    lab.stack.stop_azure().await;
    wait_for("the portal to say so", || async {
        Ok(browser.text().await?.contains("cannot be reached").then_some(()))
    })
    .await
    .unwrap();
    // What was last seen stays on the page.
    browser.find("//a[normalize-space(.)='data']").await.unwrap();
    let body = create_snapshot(&disk, "x");
    let (status, answer) =
        lab.api(Method::PUT, "/requests/11111111-0001", Some(&body)).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert!(answer["error"]["message"].is_string());

    lab.stack.start_azure().await.unwrap();
    wait_for("the portal to recover", || async {
        Ok((!browser.text().await?.contains("cannot be reached")).then_some(()))
    })
    .await
    .unwrap();
    lab.ask("11111111-0001", &body).await.unwrap();
    browser.stop().await.unwrap();
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_without_azure_says_what_it_means_and_the_next_one_goes_on() {
    let mut lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    lab.stack.stop_azure().await;
    let (status, run) = lab.api(Method::POST, "/ticks", None).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{run}");
    assert!(
        run["runs"][0]["problems"][0].as_str().unwrap().contains("Nothing was planned"),
        "{run}"
    );
    lab.stack.start_azure().await.unwrap();
    lab.fire().await.unwrap();
    assert_eq!(lab.snapshots().await.unwrap().len(), 1);
    lab.stack.stop().await;
}
