//! Policies in a real browser: made with all that one can say, shortened and approved of, taken
//! out as a file and put in again.

use reqwest::Method;
use serde_json::{Value, json};
use shared::ResourceId;
use tests::{Lab, browser::Browser, wait_for};
use xtask::artifacts;

const FORM: &str = "//form[@aria-label='Policy']";

/// A fieldset of the editor by its legend.
fn fieldset(legend: &str) -> String {
    format!("{FORM}//fieldset[legend[starts-with(normalize-space(.), '{legend}')]]")
}

/// Pictures of all that the page has, for people to look at.
async fn picture(browser: &Browser, name: &str) {
    let shots = artifacts::root().join("target/screenshots");
    std::fs::create_dir_all(&shots).unwrap();
    for (width, theme) in [(390, "dark"), (1440, "light")] {
        browser.emulate(width, theme).await.unwrap();
        let page = browser.find("//main").await.unwrap();
        page.screenshot(&shots.join(format!("{name}-{width}-{theme}.png"))).await.unwrap();
    }
}

async fn unfold(browser: &Browser, within: &str, summary: &str) {
    let xpath = format!("{within}//summary[normalize-space(.)='{summary}']");
    browser.find(&xpath).await.unwrap().click().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_makes_a_policy_with_cron_two_targets_and_gfs() {
    let lab = Lab::start().await.unwrap();
    lab.make_disk("data", 1 << 20).await.unwrap();
    let browser = Browser::start(1440).await.unwrap();
    browser.page.goto(format!("{}/policies/new", lab.stack.portal())).await.unwrap();

    browser.fill_in(FORM, "Name", "Gold, nightly").await.unwrap();
    let disk = format!("{FORM}//ul[@aria-label='Disks']//label[contains(., 'data')]//input");
    browser.find(&disk).await.unwrap().click().await.unwrap();
    // Snapshots in the disk's own group would die with it; the form says so.
    browser.find(&format!("{FORM}//li[contains(., 'a group of their own')]")).await.unwrap();

    let snapshots = fieldset("Snapshots");
    browser.choose_in(&snapshots, "Take a snapshot", "cron").await.unwrap();
    browser.fill_in(&snapshots, "Cron", "0 25 * * *").await.unwrap();
    let bad = "//ul[@aria-label='Problems']/li[contains(., 'is not a cron expression')]";
    browser.find(bad).await.unwrap();
    browser.fill_in(&snapshots, "Cron", "30 2 * * *").await.unwrap();
    browser.fill_in(&snapshots, "Time zone", "Europe/Berlin").await.unwrap();
    let firing = "//ul[@aria-label='Next snapshots']/li[contains(., '02:30 CE')]";
    browser.find(firing).await.unwrap();
    browser.choose_in(&snapshots, "Group for snapshots", "dr").await.unwrap();
    unfold(&browser, &snapshots, "More keep rules").await;
    browser.fill_in(&snapshots, "Daily", "14").await.unwrap();
    browser.fill_in(&snapshots, "Weekly", "8").await.unwrap();

    for (target, region) in [("Target 1", "northeurope"), ("Target 2", "eastus2")] {
        browser.button("Add a target").await.unwrap().click().await.unwrap();
        let target = fieldset(target);
        browser.choose_in(&target, "Region", region).await.unwrap();
        unfold(&browser, &target, "More keep rules").await;
        browser.fill_in(&target, "Monthly", "12").await.unwrap();
        browser.fill_in(&target, "Yearly", "3").await.unwrap();
    }
    // Three months of nights: 12 or more by day, some by week, and the marks of each rule.
    browser
        .find("//section[@aria-label='On a day to come']//*[contains(., 'monthly: ')]")
        .await
        .unwrap();
    browser
        .find("//section[@aria-label='Upper bound of copies']//li[contains(., '2 targets')]")
        .await
        .unwrap();
    picture(&browser, "policy-whole").await;
    browser.button("Save policy").await.unwrap().click().await.unwrap();
    browser
        .find("//table[@aria-label='Policies']//a[normalize-space(.)='Gold, nightly']")
        .await
        .unwrap();

    let saved = lab.get("/policies/gold-nightly").await.unwrap();
    assert_eq!(saved["schedule"], json!({"kind": "cron", "expression": "30 2 * * *"}));
    assert_eq!((&saved["time_zone"], &saved["group"]), (&json!("Europe/Berlin"), &json!("dr")));
    assert_eq!(saved["keep"], json!({"last": 12, "daily": 14, "weekly": 8}));
    let there = json!({"last": 30, "monthly": 12, "yearly": 3});
    let targets = saved["targets"].as_array().unwrap();
    let found: Vec<_> = targets.iter().map(|t| (t["region"].as_str(), &t["keep"])).collect();
    assert_eq!(found, [(Some("northeurope"), &there), (Some("eastus2"), &there)]);
    browser.stop().await.unwrap();
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_keeps_less_waits_for_the_click_that_approves() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    let policy = |last: u32, version: u64| {
        json!({
            "id": "daily", "name": "Daily", "enabled": true, "version": version,
            "disks": { "include": [{ "kind": "disk", "id": disk }] },
            "schedule": { "kind": "every", "minutes": 60 }, "group": "dr",
            "keep": { "last": last },
        })
    };
    let (status, body) =
        lab.api(Method::PUT, "/policies/daily", Some(&policy(5, 0))).await.unwrap();
    assert!(status.is_success(), "{body}");
    for _ in 0..4 {
        lab.fire().await.unwrap();
        lab.advance(3600).await.unwrap();
    }
    let browser = Browser::start(1440).await.unwrap();
    let editor = format!("{}/policies/daily", lab.stack.portal());
    browser.page.goto(&editor).await.unwrap();
    browser.fill_in(FORM, "Keep the last n snapshots", "1").await.unwrap();
    // The planner says beforehand what the edit holds up.
    browser.find("//aside[@aria-label='Preview']//li[contains(., 'Held') or contains(., 'No rule keeps it')]").await.unwrap();
    browser.button("Save policy").await.unwrap().click().await.unwrap();
    browser.find("//*[contains(normalize-space(.), 'Nothing is changed.')]").await.unwrap();

    browser.page.goto(lab.stack.portal()).await.unwrap();
    let banner = "//p[contains(., 'for approval')]//a[normalize-space(.)='Look at them']";
    browser.find(banner).await.unwrap().click().await.unwrap();
    browser.find("//h1[normalize-space(.)='Held deletions']").await.unwrap();
    browser.find("//p[contains(., 'Only the rules before version 2')]").await.unwrap();
    picture(&browser, "deletions-held").await;
    let marked = || async {
        let plan = lab.get("/plan").await?;
        let decisions = plan["plan"]["decisions"].as_array().cloned().unwrap_or_default();
        Ok::<_, anyhow::Error>(decisions.iter().filter(|d| d["fate"] == "marked").count())
    };
    assert_eq!(marked().await.unwrap(), 0);
    let approve = "//button[starts-with(normalize-space(.), 'Approve ') and not(@disabled)]";
    browser.find(approve).await.unwrap().click().await.unwrap();
    browser.find("//p[contains(., 'No deletion waits for approval.')]").await.unwrap();
    lab.fire().await.unwrap();
    wait_for("the approved points to be marked", || async {
        Ok((marked().await? > 0).then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(lab.get("/plan").await.unwrap()["plan"]["held"], Value::Null);
    browser.stop().await.unwrap();
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_policies_goes_out_and_comes_in_again() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.protect(&disk, 6).await.unwrap();
    let exported = lab.get("/policies/export").await.unwrap();
    let mut changed = exported.clone();
    changed["policies"][0]["name"] = json!("Daily, renamed");
    let path = lab.folder().join("policies.json");
    std::fs::write(&path, changed.to_string()).unwrap();
    let browser = Browser::start(1440).await.unwrap();
    browser.page.goto(format!("{}/policies", lab.stack.portal())).await.unwrap();
    browser
        .find("//a[normalize-space(.)='Export' and @href='/api/policies/export']")
        .await
        .unwrap();
    browser.find("//a[normalize-space(.)='Daily']").await.unwrap();
    let input = thirtyfour::By::XPath("//input[@type='file']");
    let input = browser.page.find(input).await.unwrap();
    input.send_keys(path.display().to_string()).await.unwrap();
    browser.find("//div[@role='status' and contains(., 'Saved 1 policy (daily)')]").await.unwrap();
    browser.find("//a[normalize-space(.)='Daily, renamed']").await.unwrap();

    std::fs::write(&path, r#"{"policies": [{"id": "daily", "nmae": "x"}]}"#).unwrap();
    let input = browser.page.find(thirtyfour::By::XPath("//input[@type='file']")).await.unwrap();
    input.send_keys(path.display().to_string()).await.unwrap();
    browser.find("//div[@role='alert' and contains(., 'unknown field nmae')]").await.unwrap();
    let (_, again) = lab.api(Method::PUT, "/policies/import", Some(&changed)).await.unwrap();
    assert_eq!(again["unchanged"], json!(["daily"]));
    assert_eq!(lab.get("/policies/export").await.unwrap(), changed);
    browser.stop().await.unwrap();
    lab.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_deleted_holds_deletions_until_it_is_acknowledged() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.protect(&disk, 24).await.unwrap();
    lab.fire().await.unwrap();
    lab.fire().await.unwrap();
    let points = lab.snapshots_in("dr").await.unwrap();
    let copy: ResourceId = points[0]["id"].as_str().unwrap().parse().unwrap();
    lab.wait_copied(&copy).await.unwrap();
    lab.fire().await.unwrap();
    let path = format!("{copy}?api-version=2023-10-02");
    lab.azure.arm(Method::DELETE, &path, None).await.unwrap();

    let browser = Browser::start(1440).await.unwrap();
    browser.page.goto(lab.stack.portal()).await.unwrap();
    let banner = "//p[contains(., '1 point is missing')]//a";
    browser.find(banner).await.unwrap().click().await.unwrap();
    let section = format!("//section[@aria-label='Missing points']//th[.='{}']", copy.name());
    browser.find(&section).await.unwrap();
    lab.fire().await.unwrap();
    let problems = lab.get("/runs").await.unwrap().to_string();
    assert!(problems.contains("is listed no more since"), "{problems}");
    picture(&browser, "deletions-missing").await;
    browser.button("1 point deleted on purpose").await.unwrap().click().await.unwrap();
    wait_for("the point to be missed no more", || async {
        let estate = lab.get("/estate").await?;
        Ok((estate["inventory"]["vanished"] == json!([])).then_some(()))
    })
    .await
    .unwrap();
    wait_for("the section to go", || async {
        Ok((!browser.text().await?.contains("1 point missing")).then_some(()))
    })
    .await
    .unwrap();
    browser.stop().await.unwrap();
    lab.stack.stop().await;
}
