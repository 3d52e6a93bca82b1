//! A disk deleted and made again under its old name is another disk.

use reqwest::Method;
use tests::{Lab, create_snapshot};
use xtask::estate::PRODUCTION;

#[tokio::test(flavor = "multi_thread")]
async fn the_snapshots_of_its_forerunner_are_not_listed_as_the_new_disks() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    lab.ask("11111111-0001", &create_snapshot(&disk, "before")).await.unwrap();
    let path = format!("{disk}?api-version=2023-10-02");
    lab.azure.arm_wait(Method::DELETE, &path, None).await.unwrap();
    lab.make_disk("data", 2 << 20).await.unwrap();
    lab.ask("11111111-0002", &create_snapshot(&disk, "after")).await.unwrap();

    let path = format!("/subscriptions/{PRODUCTION}/resourceGroups/APP/disks/DATA/snapshots");
    let body = lab.get(&path).await.unwrap();
    let names = |key: &str| -> Vec<String> {
        let list = body[key].as_array().unwrap();
        list.iter().map(|s| s["snapshot"]["id"].as_str().unwrap().to_owned()).collect()
    };
    assert!(matches!(&names("snapshots")[..], [one] if one.ends_with("/after")), "{body}");
    assert!(matches!(&names("of_earlier_disks")[..], [one] if one.ends_with("/before")), "{body}");
    lab.stack.stop().await;
}
