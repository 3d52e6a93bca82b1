//! The article's az blocks, to the letter but for the names, by the real az CLI; and what the
//! portal shows as the az equivalent of an action.

use serde_json::Value;
use shared::{
    Action, Inventory, ResourceId,
    equivalent::{Tool, equivalent},
};
use tests::{Lab, copy_snapshot, create_snapshot};
use xtask::{artifacts, az::Az, estate::PRODUCTION};

/// The create block, the list block: as in the article.
const CREATE: &str = r#"
# Declare variables
diskName="data"
resourceGroupName="app"
snapshotName="by-az"

# Get the disk you need to backup
yourDiskID=$(az disk show -n $diskName -g $resourceGroupName --query "id" --output tsv)

# Create the snapshot
az snapshot create -g $resourceGroupName -n $snapshotName --source $yourDiskID --incremental true
"#;

const LIST: &str = r#"
# Declare variables and create snapshot list
subscriptionId="5a9f0000-0000-4000-8000-000000000001"
resourceGroupName="app"
diskName="data"

az account set --subscription $subscriptionId

diskId=$(az disk show -n $diskName -g $resourceGroupName --query [id] -o tsv)

az snapshot list --query "[?creationData.sourceResourceId=='$diskId' && incremental]" -g $resourceGroupName --output table
"#;

async fn names(lab: &Lab) -> Vec<String> {
    let path = format!("/subscriptions/{PRODUCTION}/resourceGroups/app/disks/data/snapshots");
    let body = lab.get(&path).await.unwrap();
    let snapshots = body["snapshots"].as_array().unwrap();
    let name =
        |s: &Value| s["snapshot"]["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    snapshots.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_articles_blocks_and_the_api_see_the_same_snapshots() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    let folder = lab.folder().join("az");
    let az = Az::new(&artifacts::root(), &lab.stack.run_json(), &folder).unwrap();

    az.shell(&folder, CREATE).unwrap();
    assert_eq!(names(&lab).await, ["by-az"]);

    lab.ask("11111111-0001", &create_snapshot(&disk, "by-portal")).await.unwrap();
    let table = az.shell(&folder, LIST).unwrap();
    assert!(table.contains("by-az") && table.contains("by-portal"), "{table}");
    lab.stack.stop().await;
}

async fn inventory(lab: &Lab) -> Inventory {
    let estate = lab.get("/estate").await.unwrap();
    serde_json::from_value(estate["inventory"].clone()).unwrap()
}

fn action(value: Value) -> Action {
    serde_json::from_value(value).unwrap()
}

/// What must be alike of a resource that az made and of one that Snapferry made.
fn essence(resource: &Value) -> Value {
    let properties = &resource["properties"];
    serde_json::json!({
        "location": resource["location"], "sku": resource["sku"], "zones": resource["zones"],
        "option": properties["creationData"]["createOption"],
        "source": properties["creationData"]["sourceResourceId"],
        "incremental": properties["incremental"],
        "network": properties["networkAccessPolicy"],
        "size": properties["diskSizeBytes"],
        "own_tag": resource["tags"]["team"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_az_equivalent_of_every_action_has_the_same_effect() {
    let lab = Lab::start().await.unwrap();
    let disk = lab.make_disk("data", 1 << 20).await.unwrap();
    let folder = lab.folder().join("az");
    let az = Az::new(&artifacts::root(), &lab.stack.run_json(), &folder).unwrap();
    let read = |id: ResourceId| {
        let lab = &lab;
        async move {
            let path = format!("{id}?api-version=2023-10-02");
            lab.azure.arm(reqwest::Method::GET, &path, None).await.unwrap().1
        }
    };

    let mut create = create_snapshot(&disk, "one");
    create["tags"] = serde_json::json!({ "team": "it's ours" });
    let source = ResourceId::snapshot(PRODUCTION, "app", "one");
    let mut copy = copy_snapshot(&source, "two");
    copy["sku"] = "Standard_ZRS".into();
    let restore = serde_json::json!({
        "kind": "restore_disk", "source": source, "group": "app", "name": "three",
        "sku": "StandardSSD_LRS", "zone": "2",
    });
    for (at, mut asked) in [create, copy, restore].into_iter().enumerate() {
        let name = asked["name"].as_str().unwrap().to_owned();
        lab.ask(&format!("22222222-000{at}"), &asked).await.unwrap();
        let ours = action(asked.clone()).result().unwrap();
        if asked["kind"] == "copy_snapshot" {
            lab.wait_copied(&ours).await.unwrap();
        }
        asked["name"] = format!("{name}-by-az").into();
        let twin = action(asked);
        let command = equivalent(Tool::AzureCli, &twin, &inventory(&lab).await);
        az.shell(&folder, &command).unwrap();
        assert_eq!(
            essence(&read(ours).await),
            essence(&read(twin.result().unwrap()).await),
            "{command}"
        );
    }
    lab.stack.stop().await;
}
