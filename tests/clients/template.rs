//! ARM templates by `az deployment group create`: the article's, and the two public ones.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;

use crate::lab::{Lab, id};

/// The article's template, its text.
const ARTICLE: &str = r#"{
  "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "diskName": {
      "type": "string",
      "defaultValue": "contosodisk1"
    },
  "diskResourceId": {
    "defaultValue": "<your_managed_disk_resource_ID>",
    "type": "String"
  }
  },
  "resources": [
  {
    "type": "Microsoft.Compute/snapshots",
    "name": "[concat( parameters('diskName'),'_snapshot1')]",
    "location": "[resourceGroup().location]",
    "apiVersion": "2019-03-01",
    "properties": {
      "creationData": {
        "createOption": "Copy",
        "sourceResourceId": "[parameters('diskResourceId')]"
      },
      "incremental": true
    }
  }
  ]
}"#;

/// A template with what az sends along verbatim: comments, also before the first brace.
const COMMENTED: &str = r#"// a comment before
{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  /* block
     comment */
  "parameters": { "source": { "type": "string" } },
  "resources": [
    { "type": "Microsoft.Compute/snapshots", "name": "commented", // trailing
      "location": "westus2", "apiVersion": "2020-12-01",
      "properties": {
        "creationData": { "createOption": "CopyStart", "sourceResourceId": "[parameters('source')]" },
        "incremental": true } }
  ]
}"#;

/// A public template, where the data folder is at hand; else one of ours of the same parameters.
fn public(name: &str) -> String {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("AZURE_DATA").map_or(beside, PathBuf::from);
    std::fs::read_to_string(folder.join("templates").join(name)).unwrap_or_else(|_| {
        eprintln!("{name} is not at hand (set AZURE_DATA): a template of ours stands in");
        let option = if name.starts_with("Clone") { "Clone" } else { "CopyStart" };
        include_str!("copy.json").replace("CREATE_OPTION", option)
    })
}

/// Has the emulator serve a public template; gives its URL.
pub(crate) async fn serve(lab: &Lab, name: &str) -> String {
    let template: Value = serde_json::from_str(&public(name)).unwrap();
    lab.control(Method::PUT, &format!("files/{name}"), &template).await;
    format!("{}/files/{name}", lab.emulator.arm_url())
}

fn write(lab: &Lab, name: &str, text: &str) -> String {
    let path = lab.folder().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_articles_template_makes_its_snapshot() {
    let lab = Lab::start().await;
    let file = write(&lab, "article.json", ARTICLE);
    let state = lab.shell(&format!(
        "az deployment group create -g G --template-file {file} --parameters diskResourceId=$D \
         --query properties.provisioningState -o tsv"
    ));
    assert_eq!(state, "Succeeded");
    let made = lab.shell(
        "az snapshot show -g G -n contosodisk1_snapshot1 \
         --query [incremental,location,creationData.sourceResourceId] -o tsv",
    );
    let made: Vec<&str> = made.split_whitespace().collect();
    assert_eq!(made, ["true", "eastus", &id("disks", "D")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_public_templates_deploy_from_a_file_and_from_a_uri() {
    let lab = Lab::start().await;
    lab.shell("az snapshot create -g G -n S --source $D --incremental true -o none");
    let finish = "properties.provisioningState -o tsv";
    for (number, name) in
        ["CopyStartIncrementalSnapshots.json", "CloneIncrementalSnapshot.json"].iter().enumerate()
    {
        let file = write(&lab, name, &public(name));
        let uri = serve(&lab, name).await;
        for (way, template) in
            [("file", format!("--template-file {file}")), ("uri", format!("--template-uri {uri}"))]
        {
            let target = format!("{way}{number}");
            let state = lab.shell(&format!(
                "az deployment group create -g GW -n {target} {template} --parameters \
                   name={target} sourceSnapshotResourceId=$S targetRegion='West US 2' \
                   --query {finish}
                 az snapshot wait -g GW -n {target} \
                   --custom 'properties.completionPercent>=`100`' --interval 1"
            ));
            assert_eq!(state, "Succeeded", "{target}");
        }
    }
    let made = lab.shell("az snapshot list -g GW --query '[].name' -o tsv");
    assert_eq!(made.split_whitespace().collect::<Vec<_>>(), ["file0", "file1", "uri0", "uri1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_validated_shown_and_followed() {
    let lab = Lab::start().await;
    lab.shell("az snapshot create -g G -n S --source $D --incremental true -o none");
    let file = write(&lab, "commented.json", COMMENTED);
    let told = lab.shell(&format!(
        "az deployment group validate -g GW -n one --template-file {file} --parameters source=$S \
           --query properties.provisioningState -o tsv
         az deployment group create -g GW -n one --no-wait --template-file {file} \
           --parameters source=$S -o none
         az deployment group wait -g GW -n one --created --interval 1
         az deployment group show -g GW -n one --query properties.provisioningState -o tsv
         az deployment operation group list -g GW -n one \
           --query '[].properties.targetResource.resourceName' -o tsv
         az resource show -n commented -g GW --namespace Microsoft.Compute \
           --resource-type snapshots --query name -o tsv"
    ));
    let told: Vec<&str> = told.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(told, ["Succeeded", "Succeeded", "commented", "commented"]);
    let wrong =
        write(&lab, "wrong.json", &COMMENTED.replace("parameters('source')", "colour('x')"));
    let refused = lab.try_shell(&format!(
        "az deployment group create -g GW -n two --template-file {wrong} --parameters source=$S"
    ));
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(refused.contains("InvalidTemplate") && refused.contains("colour"), "{refused}");
}
