//! The az CLI: the article's blocks and every command of the list in `real-clients.md` §8.

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, OTHER, SUB, id};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn az_takes_lists_copies_waits_and_restores() {
    let lab = Lab::start().await;
    assert_eq!(lab.shell("az account show --query id -o tsv"), SUB);
    assert_eq!(lab.shell("az group show -n G --query location -o tsv"), "eastus");
    assert_eq!(lab.shell("az disk show -n D -g G --query id -o tsv"), id("disks", "D"));

    let made = lab.shell("az snapshot create -g G -n S --source $D --incremental true -o json");
    let made = parsed(&made);
    assert_eq!(
        (&made["provisioningState"], &made["incremental"]),
        (&json!("Succeeded"), &json!(true))
    );
    assert_eq!(made["creationData"]["createOption"], "Copy");
    let list = format!(
        "az snapshot list --query \"[?creationData.sourceResourceId=='{}' && incremental]\" -g G \
         --output table",
        id("disks", "D")
    );
    assert!(lab.shell(&list).lines().any(|line| line.contains(" S ") || line.contains("S  ")));

    // az starts a copy by itself where the region is another one, and when told so.
    lab.control(Method::PUT, "bandwidth", &json!({"bytes_per_second": 0})).await;
    let copy = lab.shell(
        "az snapshot create -g G -n S2 -l westus2 --source $S --incremental --copy-start -o json",
    );
    assert_eq!(parsed(&copy)["creationData"]["createOption"], "CopyStart");
    let percent =
        "az snapshot show -g G -n S2 --query [provisioningState,completionPercent] -o tsv";
    let told = lab.shell(percent).replace('\n', "\t");
    assert_eq!(told, "Succeeded\t0.0");
    lab.control(Method::PUT, "bandwidth", &json!({"bytes_per_second": 1 << 30})).await;
    lab.shell(
        "az snapshot wait -g G -n S2 --custom 'properties.completionPercent>=`100`' --interval 1",
    );
    assert_eq!(lab.shell(percent).replace('\n', "\t"), "Succeeded\t100.0");
    lab.shell("az snapshot wait -g G -n S2 --created");
    let detected = lab.shell(
        "az snapshot create -g GW -n auto -l northeurope --source $S --incremental true \
         --query creationData.createOption -o tsv",
    );
    assert_eq!(detected, "CopyStart");

    // A disk of the copy, by id and by name; a snapshot that nobody waits for.
    lab.shell(
        "az disk create -g G -n D2 -l westus2 --sku Premium_LRS -o none \
           --source $(az snapshot show -g G -n S2 --query id -o tsv)
         az disk create -g G -n D3 -l westus2 --source S2 --sku StandardSSD_LRS -o none
         az snapshot create -g G -n SN --source S --no-wait -o none
         az snapshot wait -g G -n SN --created --interval 1",
    );
    assert!(lab.content(&id("disks", "D2")).await == lab.content(&id("disks", "D")).await);
    assert_eq!(lab.shell("az snapshot list -o tsv --query 'length(@)'"), "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn az_grants_revokes_deletes_and_is_refused() {
    let lab = Lab::start().await;
    lab.shell("az snapshot create -g G -n S --source $D --incremental true -o none");
    let url = lab.shell(
        "az snapshot grant-access --duration-in-seconds 3600 -n S -g G --query accessSAS -o tsv",
    );
    assert!(url.starts_with(&format!("{}/md-", lab.emulator.arm_url())), "{url}");
    let state = "az snapshot show -n S -g G --query diskState -o tsv";
    assert_eq!(lab.shell(state), "ActiveSAS");
    lab.shell("az snapshot revoke-access -n S -g G -o none");
    assert_eq!(lab.shell(state), "Unattached");

    let refused = |script: &str| format!("{:#}", lab.try_shell(script).unwrap_err());
    assert!(refused("az snapshot show -n NOPE -g G").contains("(ResourceNotFound)"));
    assert!(refused("az snapshot show -n NOPE -g NOGROUP").contains("(ResourceGroupNotFound)"));
    let elsewhere =
        "az snapshot create -g G -n X -l westus2 --source $D --incremental false -o none";
    assert!(refused(elsewhere).contains("(NotFound) Resource D is not found."));
    lab.shell("az snapshot delete -g G -n S; az snapshot delete -g G -n NOPE");
    assert_eq!(lab.shell("az snapshot list -g G -o tsv --query 'length(@)'"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn az_patches_tags_and_reads_by_hand() {
    let lab = Lab::start().await;
    lab.shell(
        "az snapshot create -g G -n S --source $D --incremental true -o none
         az snapshot update -g G -n S --set tags.team=a --network-access-policy DenyAll \
           --public-network-access Disabled -o none
         az tag update --resource-id $S --operation Merge --tags owner=b -o none",
    );
    let made = parsed(&lab.shell("az snapshot show -g G -n S -o json"));
    assert_eq!(made["tags"], json!({"owner": "b", "team": "a"}));
    assert_eq!(made["networkAccessPolicy"], "DenyAll");
    assert_eq!(made["publicNetworkAccess"], "Disabled");
    let url = format!("{}{}?api-version=2024-03-02", lab.emulator.arm_url(), id("snapshots", "S"));
    let by_hand = format!(
        "az rest --method get --url '{url}' --resource https://management.core.windows.net/ \
         --query name -o tsv"
    );
    assert_eq!(lab.shell(&by_hand), "S");
    let disks = "az disk update -g G -n D --size-gb 2 -o none
                 az disk create -g G -n E --size-gb 4 --sku Standard_LRS -o none
                 az disk list -g G --query '[].[name,diskSizeGB]' -o tsv";
    assert_eq!(lab.shell(disks), "D\t2\nE\t4");
}

/// The article's preview block: `az group deployment create` is gone from az, its successor takes
/// the same parameters.
#[tokio::test(flavor = "multi_thread")]
async fn the_articles_copy_to_another_region_runs() {
    let lab = Lab::start().await;
    lab.control(Method::PUT, "settings", &json!({"copy_start_needs_feature": true})).await;
    let uri = crate::template::serve(&lab, "CopyStartIncrementalSnapshots.json").await;
    lab.shell("az snapshot create -g G -n S --source $D --incremental true -o none");
    let copy = format!(
        "subscriptionId={SUB}
         resourceGroupName=GW
         name=target
         sourceSnapshotResourceId=$S
         targetRegion=westus2
         az account set --subscription $subscriptionId
         az deployment group create -g $resourceGroupName --template-uri '{uri}' \
           --parameters \"name=$name\" \"sourceSnapshotResourceId=$sourceSnapshotResourceId\" \
           \"targetRegion=$targetRegion\" -o none
         az resource show -n $name -g $resourceGroupName --namespace Microsoft.Compute \
           --resource-type snapshots --api-version 2020-12-01 \
           --query [properties.completionPercent] -o tsv"
    );
    let refused = format!("{:#}", lab.try_shell(&copy).unwrap_err());
    assert!(refused.contains("CopyStart creation is not supported"), "{refused}");
    lab.shell("az feature register --namespace Microsoft.Compute --name CreateOptionClone -o none");
    lab.control(Method::PUT, "clock", &json!({"advance_seconds": 600})).await;
    let state = "az feature show --namespace Microsoft.Compute --name CreateOptionClone \
                 --query properties.state -o tsv
                 az provider register -n Microsoft.Compute";
    assert_eq!(lab.shell(state), "Registered");
    let percent: f64 = lab.shell(&copy).parse().unwrap();
    assert!((0.0..=100.0).contains(&percent));
}

#[tokio::test(flavor = "multi_thread")]
async fn az_copies_to_another_subscription_and_onto_zones() {
    let lab = Lab::start().await;
    lab.shell("az snapshot create -g G -n S --source $D --incremental true -o none");
    let script = format!(
        "az snapshot create -g G -n zoned -l eastus --source $S --incremental true --copy-start true \
           --sku Standard_ZRS --query sku.name -o tsv
         az snapshot wait -g G -n zoned --custom 'properties.completionPercent>=`100`' --interval 1
         az snapshot create --subscription {OTHER} -g GO -n kept -l westus2 --source $S \
           --incremental true --copy-start true --query id -o tsv"
    );
    let told = lab.shell(&script);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "Standard_ZRS");
    assert!(lines[1].starts_with(&format!("/subscriptions/{OTHER}/resourceGroups/GO/")));
}
