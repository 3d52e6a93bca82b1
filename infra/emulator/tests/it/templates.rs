//! The article's templates: the inline one, and the two public ones from a link.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    deployments::{deployment, incremental},
    lab::{Lab, copy, disk, snapshot},
};

/// The inline template of the article (api version 2019-03-01).
fn article() -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "diskName": {"type": "string", "defaultValue": "contosodisk1"},
            "diskResourceId": {"type": "String"},
        },
        "resources": [{
            "type": "Microsoft.Compute/snapshots",
            "name": "[concat( parameters('diskName'),'_snapshot1')]",
            "location": "[resourceGroup().location]",
            "apiVersion": "2019-03-01",
            "properties": {
                "creationData": {
                    "createOption": "Copy",
                    "sourceResourceId": "[parameters('diskResourceId')]",
                },
                "incremental": true,
            },
        }],
    })
}

/// A public template of the cross-region copy, with the create option that it has.
fn public(create_option: &str) -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "name": {"defaultValue": "isnapshot1", "type": "String"},
            "sourceSnapshotResourceId": {"defaultValue": "/subscriptions/x", "type": "String"},
            "skuName": {"defaultValue": "Standard_LRS", "type": "String"},
            "targetRegion": {"defaultValue": "CentralUSEUAP", "type": "String"},
        },
        "variables": {},
        "resources": [{
            "type": "Microsoft.Compute/snapshots",
            "sku": {"name": "[parameters('skuName')]", "tier": "Standard"},
            "name": "[parameters('name')]",
            "apiVersion": "2020-12-01",
            "location": "[parameters('targetRegion')]",
            "scale": null,
            "properties": {
                "creationData": {
                    "createOption": create_option,
                    "sourceResourceId": "[parameters('sourceSnapshotResourceId')]",
                },
                "incremental": true,
            },
            "dependsOn": [],
        }],
    })
}

#[tokio::test]
async fn the_articles_inline_template_takes_a_snapshot() {
    let lab = Lab::start().await;
    let body = incremental(article(), json!({"diskResourceId": {"value": disk("d")}}));
    let done = lab.deploy("d", body).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    let made = lab.get(&snapshot("contosodisk1_snapshot1")).await.body;
    assert_eq!(made["properties"]["incremental"], true);
    // Nothing says a sku: the zone-redundant default.
    assert_eq!(made["sku"]["name"], "Standard_ZRS");
}

#[tokio::test]
async fn both_public_templates_copy_from_a_link_that_the_emulator_serves() {
    let lab = Lab::start().await;
    lab.take("s1", "d").await;
    lab.take("s2", "d").await;
    let put = async |name: &str, text: String| {
        let url = format!("{}/files/{name}", lab.emulator.control_url());
        let answer = lab.client.put(url).body(text).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["url"].as_str().unwrap().to_owned()
    };
    let text = format!("// from the samples\n{}", public("CopyStart"));
    let url = put("CopyStartIncrementalSnapshots.json", text.clone()).await;
    let served = lab.client.get(&url).send().await.unwrap();
    assert_eq!(served.text().await.unwrap(), text);
    let clone = put("CloneIncrementalSnapshot.json", public("Clone").to_string()).await;
    let parameters = |name: &str, source: &str| {
        json!({
            "name": {"value": name}, "sourceSnapshotResourceId": {"value": snapshot(source)},
            "targetRegion": {"value": "West US 2"},
        })
    };
    let linked = |uri: &str, parameters: Value| json!({"properties": {"mode": "incremental", "templateLink": {"uri": uri}, "parameters": parameters}});
    let into_west = |path: String| path.replace("/rg/", "/rg-west/");
    for (name, uri, source) in [("c1", url, "s1"), ("c2", clone, "s2")] {
        let path = into_west(deployment(name));
        let accepted = lab.put(&path, linked(&uri, parameters(name, source))).await;
        assert_eq!(accepted.status, StatusCode::CREATED, "{}", accepted.body);
        let properties = &accepted.body["properties"];
        assert_eq!(properties["templateLink"], json!({"uri": uri, "contentVersion": "1.0.0.0"}));
        // The default comes in any case and with spaces.
        assert_eq!(properties["providers"][0]["resourceTypes"][0]["locations"], json!(["westus2"]));
        lab.advance(3600.0).await;
        assert_eq!(lab.get(&path).await.body["properties"]["provisioningState"], "Succeeded");
        let made = lab.get(&copy(name)).await.body;
        assert_eq!(made["properties"]["creationData"]["createOption"], "CopyStart");
        assert_eq!(made["properties"]["completionPercent"], 100.0);
    }
}

#[tokio::test]
async fn the_articles_own_link_is_the_file_of_that_name_unless_that_is_switched_off() {
    let lab = Lab::start().await;
    lab.take("s1", "d").await;
    let uri = "https://raw.githubusercontent.com/Azure-Samples/managed-disks-powershell-getting-started/master/CrossRegionCopyOfSnapshots/CopyStartIncrementalSnapshots.json";
    let body = json!({"properties": {
        "mode": "Incremental", "templateLink": {"uri": uri},
        "parameters": {"sourceSnapshotResourceId": {"value": snapshot("s1")}, "targetRegion": {"value": "westus2"}},
    }});
    assert_eq!(
        lab.put(&deployment("d"), body.clone()).await.refusal(),
        (400, "InvalidContentLink")
    );
    let name = "CopyStartIncrementalSnapshots.json";
    let url = format!("{}/files/{name}", lab.emulator.control_url());
    lab.client.put(url).body(public("CopyStart").to_string()).send().await.unwrap();
    assert_eq!(lab.control(Method::GET, "files", Value::Null).await, json!({"files": [name]}));
    lab.control(Method::PUT, "settings", json!({"github_files": false})).await;
    assert_eq!(
        lab.put(&deployment("d"), body.clone()).await.refusal(),
        (400, "InvalidContentLink")
    );
    lab.control(Method::PUT, "settings", json!({"github_files": true})).await;
    assert_eq!(lab.put(&deployment("d"), body).await.status, StatusCode::CREATED);
    lab.control(Method::DELETE, &format!("files/{name}"), Value::Null).await;
    let gone =
        lab.client.get(format!("{}/files/{name}", lab.emulator.arm_url())).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_template_of_a_parameters_link_and_a_nested_deployment_work() {
    let lab = Lab::start().await;
    let url = format!("{}/files/p.json", lab.emulator.control_url());
    let parameters =
        json!({"$schema": "x", "parameters": {"diskResourceId": {"value": disk("d")}}});
    lab.client.put(url).body(parameters.to_string()).send().await.unwrap();
    let nested = json!({
        "resources": [{
            "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner",
            "properties": {
                "mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
                "template": article(),
                "parameters": {"diskResourceId": {"value": "[parameters('diskResourceId')]"}},
            },
        }],
        "parameters": {"diskResourceId": {"type": "string"}},
    });
    let link = json!({"uri": format!("{}/files/p.json", lab.emulator.arm_url())});
    let body =
        json!({"properties": {"mode": "Incremental", "template": nested, "parametersLink": link}});
    let done = lab.deploy("outer", body).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    assert_eq!(
        lab.get(&deployment("inner")).await.body["properties"]["provisioningState"],
        "Succeeded"
    );
    assert_eq!(lab.get(&snapshot("contosodisk1_snapshot1")).await.status, StatusCode::OK);
}
