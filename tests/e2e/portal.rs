//! A person's walk through the portal, in a real Chromium, on `cargo xtask run`'s own stack.

use std::path::PathBuf;

use serde_json::Value;
use tests::{browser::Browser, running::Running, wait_for};
use xtask::{artifacts, az::Az, estate::PRODUCTION};

/// Messages of the console that tell of a fault of ours.
async fn console_faults(browser: &Browser) -> Vec<String> {
    let logs = browser.console().await.unwrap();
    logs.into_iter()
        .filter(|line| line.contains("Content Security Policy") || line.contains("panicked"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_takes_a_snapshot_copies_it_and_shares_the_view() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), &["--bandwidth", "2000000"], |_| Ok(())).await;
    let running = running.unwrap();
    let portal = running.run["portal"].as_str().unwrap().to_owned();
    let browser = Browser::start(1440).await.unwrap();

    // From the overview to the disk, of the two of that name the one in `prod-web`.
    browser.page.goto(&portal).await.unwrap();
    let path = format!("/portal/subscriptions/{PRODUCTION}/resourceGroups/prod-web/disks/data-0");
    browser.find(&format!("//a[@href='{path}']")).await.unwrap().click().await.unwrap();

    browser.button("Create snapshot").await.unwrap().click().await.unwrap();
    browser.fill("Name", "before-upgrade").await.unwrap();
    browser.submit("Create snapshot").await.unwrap();
    browser.find("//tr[.//a[normalize-space(.)='before-upgrade']]").await.unwrap();
    browser
        .find("//tr[.//a[normalize-space(.)='before-upgrade'] and contains(., 'Ready')]")
        .await
        .unwrap();

    // What the portal made, az lists.
    let az_folder = folder.path().join("az");
    let az = Az::new(&artifacts::root(), &running.run, &az_folder).unwrap();
    let listed =
        az.output(&["snapshot", "list", "-g", "prod-web", "--query", "[].name", "-o", "tsv"]);
    assert_eq!(listed.unwrap().trim(), "before-upgrade");

    // Copy it; the dialog shows what would stop it before it is tried.
    browser
        .find("//button[@aria-label='Copy before-upgrade']")
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    browser.choose("Region", "eastus2").await.unwrap();
    browser.choose("Resource group", "lab").await.unwrap();
    browser.fill("Name", "before upgrade?").await.unwrap();
    browser.find("//dialog[@open]//*[contains(., 'not a name that Azure takes')]").await.unwrap();
    browser.fill("Name", "before-upgrade-copy").await.unwrap();
    browser.submit("Copy snapshot").await.unwrap();

    // The percentage rises, and reaches 100: the copy is a recovery point.
    let row = "//tr[.//a[normalize-space(.)='before-upgrade-copy']]";
    let mut seen: Vec<f64> = vec![];
    loop {
        let text = browser.text_of(row).await.unwrap();
        if text.contains("Ready") {
            break;
        }
        let before = text.split('%').next().unwrap_or_default();
        let percent = before.split_whitespace().last().and_then(|word| word.parse().ok());
        if let Some(percent) = percent.filter(|p| seen.last() != Some(p)) {
            seen.push(percent);
        }
        assert!(!text.contains("Failed"), "{text}");
    }
    assert!(seen.len() >= 2 && seen.is_sorted(), "the percentage did not move: {seen:?}");

    // The view's URL, opened by a teammate.
    let link = browser.page.current_url().await.unwrap();
    let teammate = Browser::start(390).await.unwrap();
    teammate.page.goto(link.as_str()).await.unwrap();
    teammate.find("//h1[contains(., 'data-0')]").await.unwrap();
    teammate.find("//*[contains(normalize-space(.), 'before-upgrade-copy')]").await.unwrap();

    // The timer has copied other disks meanwhile.
    let http = reqwest::Client::new();
    let api = running.run["api"].as_str().unwrap();
    wait_for("the timer's own copy", || async {
        let disks: Value = http.get(format!("{api}/disks")).send().await?.json().await?;
        let copied = disks["disks"].as_array().into_iter().flatten().any(|disk| {
            let sides = disk["sides"].as_array().into_iter().flatten();
            let done = |side: &Value| side["is_target"] == true && side["recovery_points"] == 1;
            disk["policies"][0] == "databases" && sides.into_iter().any(done)
        });
        Ok(copied.then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(console_faults(&browser).await, Vec::<String>::new());
    browser.stop().await.unwrap();
    teammate.stop().await.unwrap();
    running.stop().await.unwrap();
}

/// Every page at two widths and in two themes: nothing is wider than the window, nothing breaks
/// the policy. The pictures are kept in `target/screenshots` for people to look at.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_desk_and_a_phone_by_day_and_by_night() {
    let lab = tests::Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 4 << 20).await.unwrap();
    lab.make_disk("unprotected", 1 << 20).await.unwrap();
    lab.protect(&disk, 6).await.unwrap();
    for _ in 0..3 {
        lab.fire().await.unwrap();
        lab.fire().await.unwrap();
        lab.advance(6 * 3600).await.unwrap();
    }
    let runs = lab.get("/runs").await.unwrap();
    let run = runs["runs"][0]["id"].as_str().unwrap().to_owned();
    let snapshot = lab.snapshots_in("app").await.unwrap()[0]["id"].as_str().unwrap().to_owned();
    let page = disk.to_string().replace("/providers/Microsoft.Compute", "");
    let pages = [
        ("overview", String::new()),
        ("disk", page.clone()),
        ("create", format!("{page}?do=create")),
        ("copy", format!("{page}?do=copy&of={snapshot}")),
        ("restore", format!("{page}?do=restore&of={snapshot}")),
        ("snapshot", snapshot.replace("/providers/Microsoft.Compute", "")),
        ("policies", "/policies".to_owned()),
        ("policy", "/policies/daily".to_owned()),
        ("policy-new", "/policies/new".to_owned()),
        ("deletions", "/deletions".to_owned()),
        ("adopt", format!("{page}?do=adopt&of={snapshot}")),
        ("runs", "/runs".to_owned()),
        ("run", format!("/runs/{run}")),
        ("nothing", "/nowhere".to_owned()),
    ];
    let shots: PathBuf = artifacts::root().join("target/screenshots");
    std::fs::create_dir_all(&shots).unwrap();
    for width in [1440, 390] {
        let browser = Browser::start(width).await.unwrap();
        for theme in ["light", "dark"] {
            browser.emulate(width, theme).await.unwrap();
            for (name, path) in &pages {
                let url = format!("{}{path}", lab.stack.portal());
                browser.page.goto(url).await.unwrap();
                browser.find("//h1").await.unwrap();
                browser.settled().await.unwrap();
                let shot = shots.join(format!("{name}-{width}-{theme}.png"));
                browser.page.screenshot(&shot).await.unwrap();
                let wider = "return document.documentElement.scrollWidth - window.innerWidth";
                let wider = browser.page.execute(wider, vec![]).await.unwrap();
                let wider = wider.json().as_i64().unwrap();
                assert!(wider <= 0, "{name} at {width} px is {wider} px too wide");
            }
        }
        assert_eq!(console_faults(&browser).await, Vec::<String>::new());
        browser.stop().await.unwrap();
    }
    lab.stack.stop().await;
}
