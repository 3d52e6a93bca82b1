//! Deployments: from acceptance to the end, as recorded, and how they fail.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, SUB, copy_of, disk, snapshot};

/// The path of a deployment into the group `rg`, as az writes it.
pub(crate) fn deployment(name: &str) -> String {
    format!(
        "/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.Resources/deployments/{name}"
    )
}

pub(crate) fn incremental(template: Value, parameters: Value) -> Value {
    json!({"properties": {"mode": "Incremental", "template": template, "parameters": parameters}})
}

pub(crate) fn template(resources: Value) -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": resources,
    })
}

impl Lab {
    /// A request with a body that is not JSON.
    pub(crate) async fn arm_text(&self, method: Method, path: &str, body: &str) -> Answer {
        let url = format!("{}{path}?api-version=2022-09-01", self.emulator.arm_url());
        let request = self.client.request(method, url).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json").body(body.to_owned());
        Answer::read(request.send().await.unwrap()).await
    }

    /// Deploys, and gives the deployment when enough time has passed.
    pub(crate) async fn deploy(&self, name: &str, body: Value) -> Value {
        let accepted = self.put(&deployment(name), body).await;
        assert!(accepted.status.is_success(), "{}", accepted.body);
        self.advance(30.0).await;
        self.get(&deployment(name)).await.body
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_body_of_the_real_az_is_validated_and_deployed_as_recorded() {
    let lab = Lab::start().await;
    let body = r##"{"properties": {"parameters": {}, "mode": "Incremental", template:{
  "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "resources": [] // comment
}}}"##;
    let valid = lab.arm_text(Method::POST, &format!("{}/validate", deployment("d")), body).await;
    assert_eq!(valid.status, StatusCode::OK, "{}", valid.body);
    let properties = &valid.body["properties"];
    assert_eq!(
        keys(properties),
        [
            "correlationId",
            "dependencies",
            "duration",
            "mode",
            "providers",
            "provisioningState",
            "templateHash",
            "timestamp",
            "validatedResources",
        ]
    );
    assert_eq!(properties["timestamp"], "0001-01-01T00:00:00Z");
    assert_eq!(properties["duration"], "PT0S");
    assert_eq!(lab.get(&deployment("d")).await.refusal(), (404, "DeploymentNotFound"));

    let accepted = lab.arm_text(Method::PUT, &deployment("d"), body).await;
    assert_eq!(accepted.status, StatusCode::CREATED);
    assert!(
        !accepted.headers.contains_key("location") && !accepted.headers.contains_key("retry-after")
    );
    assert_eq!(accepted.body["properties"]["provisioningState"], "Accepted");
    let poll = accepted.header("azure-asyncoperation").to_owned();
    assert!(poll.contains(
        "/resourcegroups/rg/providers/Microsoft.Resources/deployments/d/operationStatuses/0858"
    ));
    assert_eq!(lab.get(&poll).await.body, json!({"status": "Accepted"}));
    let again = lab.arm_text(Method::PUT, &deployment("d"), body).await;
    assert_eq!(again.refusal(), (409, "DeploymentActive"));
    lab.advance(5.0).await;
    assert_eq!(lab.get(&poll).await.body, json!({"status": "Succeeded"}));
    let done = lab.get(&deployment("d")).await.body;
    assert_eq!(
        keys(&done["properties"]),
        [
            "correlationId",
            "dependencies",
            "duration",
            "mode",
            "outputResources",
            "providers",
            "provisioningState",
            "templateHash",
            "timestamp",
        ]
    );
    let again = lab.arm_text(Method::PUT, &deployment("d"), body).await;
    assert_eq!(again.status, StatusCode::OK);
    lab.advance(5.0).await;
    let list = lab.get(deployment("").trim_end_matches('/')).await.body;
    assert_eq!(list["value"].as_array().unwrap().len(), 1);
    assert_eq!(lab.delete(&deployment("d")).await.status, StatusCode::OK);
    assert_eq!(lab.delete(&deployment("d")).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn resources_are_made_in_their_order_and_the_outputs_see_them() {
    let lab = Lab::start().await;
    let mut body = template(json!([
        {
            "type": "Microsoft.Compute/snapshots", "apiVersion": "2023-10-02",
            "name": "[concat(parameters('prefix'), copyIndex())]",
            "copy": {"name": "snaps", "count": 2},
            "location": "[resourceGroup().location]",
            "sku": {"name": "Standard_LRS"},
            "properties": {
                "creationData": {
                    "createOption": "Copy",
                    "sourceResourceId": "[resourceId('Microsoft.Compute/disks', variables('disk'))]",
                },
                "incremental": true,
            },
            "dependsOn": ["[resourceId('Microsoft.Compute/disks', variables('disk'))]"],
        },
        {
            "type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02",
            "name": "[variables('disk')]", "location": "[resourceGroup().location]",
            "sku": {"name": "Premium_LRS"},
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
        },
        {
            "type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02", "name": "second",
            "location": "eastus", "sku": {"name": "Standard_LRS"},
            "tags": {"of": "[reference('p0').uniqueId]"},
            "properties": {"creationData": {"createOption": "Copy", "sourceResourceId": "[resourceId('Microsoft.Compute/snapshots', 'p0')]"}},
        },
    ]));
    body["parameters"] = json!({"prefix": {"type": "string"}});
    body["variables"] = json!({"disk": "[toLower('NewDisk')]"});
    body["outputs"] = json!({
        "SizeGB": {"type": "int", "value": "[reference('newdisk').diskSizeGB]"},
        "family": {"type": "string", "value": "[reference('p1').incrementalSnapshotFamilyId]"},
    });
    let body = incremental(body, json!({"prefix": {"value": "p"}}));
    let accepted = lab.put(&deployment("d"), body).await;
    assert_eq!(accepted.status, StatusCode::CREATED, "{}", accepted.body);
    let providers = &accepted.body["properties"]["providers"];
    assert_eq!(
        *providers,
        json!([{"namespace": "Microsoft.Compute", "resourceTypes": [
            {"resourceType": "snapshots", "locations": ["eastus"]},
            {"resourceType": "disks", "locations": ["eastus"]},
        ]}])
    );
    let dependencies = accepted.body["properties"]["dependencies"].as_array().unwrap().clone();
    assert_eq!(dependencies.len(), 3);
    assert_eq!(dependencies[0]["resourceName"], "p0");
    assert_eq!(dependencies[0]["dependsOn"][0]["id"], disk("newdisk"));
    assert_eq!(dependencies[2]["dependsOn"][0]["resourceName"], "p0");

    lab.advance(1.05).await;
    let poll = accepted.header("azure-asyncoperation").to_owned();
    assert_eq!(lab.get(&poll).await.body["status"], "Running");
    assert_eq!(lab.get(&disk("newdisk")).await.status, StatusCode::OK);
    assert_eq!(lab.get(&snapshot("p0")).await.status, StatusCode::NOT_FOUND);
    lab.advance(0.2).await;
    assert_eq!(lab.get(&snapshot("p0")).await.status, StatusCode::OK);
    assert_eq!(lab.get(&disk("second")).await.status, StatusCode::NOT_FOUND);
    lab.advance(10.0).await;
    let done = lab.get(&deployment("d")).await.body;
    let properties = &done["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded", "{done}");
    assert_eq!(properties["outputs"]["sizeGB"], json!({"type": "Int", "value": 4}));
    let p1 = lab.get(&snapshot("p1")).await.body;
    assert_eq!(
        properties["outputs"]["family"]["value"],
        p1["properties"]["incrementalSnapshotFamilyId"]
    );
    assert_eq!(properties["parameters"], json!({"prefix": {"type": "String", "value": "p"}}));
    assert_eq!(
        properties["outputResources"],
        json!([{"id": disk("newdisk")}, {"id": disk("second")}, {"id": snapshot("p0")}, {"id": snapshot("p1")}])
    );
    let p0 = lab.get(&snapshot("p0")).await.body;
    let second = lab.get(&disk("second")).await.body;
    assert_eq!(second["tags"]["of"], p0["properties"]["uniqueId"]);
    // The steps took the time of their operations: 1 s, 0.1 s, 1 s, 1 s.
    assert_eq!(properties["duration"], "PT3.1S");

    let operations = lab.get(&format!("{}/operations", deployment("d"))).await.body;
    let operations = operations["value"].as_array().unwrap();
    assert_eq!(operations.len(), 5);
    assert_eq!(operations[0]["properties"]["targetResource"]["id"], snapshot("p0"));
    assert_eq!(operations[0]["properties"]["statusCode"], "OK");
    assert_eq!(operations[4]["properties"]["provisioningOperation"], "EvaluateDeploymentOutput");
    let one = lab
        .get(&format!(
            "{}/operations/{}",
            deployment("d"),
            operations[0]["operationId"].as_str().unwrap()
        ))
        .await;
    assert_eq!(one.body, operations[0]);
}

#[tokio::test]
async fn a_resource_that_fails_fails_the_deployment_with_azures_words() {
    let lab = Lab::start().await;
    let snap = |name: &str, source: String, depends: Value| {
        let mut body = copy_of(&source, "eastus");
        for (key, value) in [
            ("type", json!("Microsoft.Compute/snapshots")),
            ("apiVersion", json!("2023-10-02")),
            ("name", json!(name)),
            ("dependsOn", depends),
        ] {
            body[key] = value;
        }
        body
    };
    let body = template(json!([
        snap("good", disk("d"), json!([])),
        snap("bad", disk("none"), json!([])),
        snap("after", disk("d"), json!(["bad"])),
    ]));
    let failed = lab.deploy("d", incremental(body, json!({}))).await;
    assert_eq!(failed["properties"]["provisioningState"], "Failed");
    let error = &failed["properties"]["error"];
    assert_eq!(error["code"], "DeploymentFailed");
    assert_eq!(error["details"].as_array().unwrap().len(), 1);
    assert_eq!(error["details"][0]["code"], "NotFound");
    assert_eq!(error["details"][0]["message"], "Resource none is not found.");
    assert_eq!(error["details"][0]["target"], snapshot("bad"));
    assert!(failed["properties"].get("outputResources").is_none());
    assert_eq!(
        lab.get(&snapshot("good")).await.body["properties"]["provisioningState"],
        "Succeeded"
    );
    assert_eq!(lab.get(&snapshot("after")).await.status, StatusCode::NOT_FOUND);
    let operations = lab.get(&format!("{}/operations", deployment("d"))).await.body;
    let states: Vec<_> = operations["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["properties"]["provisioningState"].clone())
        .collect();
    assert_eq!(states, ["Succeeded", "Failed"]);
    assert_eq!(operations["value"][1]["properties"]["statusMessage"]["error"]["code"], "NotFound");
    assert_eq!(operations["value"][1]["properties"]["statusCode"], "NotFound");
}

#[tokio::test]
async fn a_complete_deployment_deletes_what_its_template_lacks() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    let mut body = incremental(
        template(json!([{
            "type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02", "name": "kept", "location": "eastus",
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
        }])),
        json!({}),
    );
    body["properties"]["mode"] = "Complete".into();
    let done = lab.deploy("d", body).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    assert_eq!(done["properties"]["outputResources"], json!([{"id": disk("kept")}]));
    for gone in [disk("d"), snapshot("s")] {
        assert_eq!(lab.get(&gone).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(lab.get(&disk("kept")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn wrong_requests_are_refused_before_anything_is_made() {
    let lab = Lab::start().await;
    let resource = |kind: &str, location: &str| {
        template(json!([{"type": kind, "apiVersion": "1", "name": "x", "location": location}]))
    };
    let unknown =
        json!({"resources": [], "outputs": {"o": {"type": "string", "value": "[magic('x')]"}}});
    let linked = json!({"properties": {"mode": "Incremental", "templateLink": {"uri": "https://example.com/t.json"}}});
    let both = json!({"properties": {"mode": "Incremental"}});
    let wrong_mode = json!({"properties": {"mode": "Sideways", "template": {}}});
    for (body, code, part) in [
        (
            incremental(resource("Microsoft.Nothing/things", "eastus"), json!({})),
            "InvalidTemplateDeployment",
            "'d' is not valid",
        ),
        (
            incremental(resource("Microsoft.Compute/disks", "atlantis"), json!({})),
            "InvalidTemplateDeployment",
            "'d' is not valid",
        ),
        (
            incremental(unknown, json!({})),
            "InvalidTemplate",
            "The template function 'magic' is not valid",
        ),
        (
            incremental(template(json!([])), json!({"x": {"value": 1}})),
            "InvalidTemplate",
            "'x' in the parameters file",
        ),
        (linked, "InvalidContentLink", "https://example.com/t.json"),
        (both, "InvalidDeployment", "templateLink"),
        (wrong_mode, "InvalidDeploymentParameterValue", "sideways"),
    ] {
        for (method, path) in [
            (Method::PUT, deployment("d")),
            (Method::POST, format!("{}/validate", deployment("d"))),
        ] {
            let answer = lab.arm(method, &path, body.clone()).await;
            assert_eq!(answer.refusal(), (400, code), "{}", answer.body);
            let message = answer.body["error"]["message"].as_str().unwrap();
            assert!(message.contains(part), "{message}");
        }
    }
    let inner = lab
        .put(
            &deployment("d"),
            incremental(resource("Microsoft.Nothing/things", "eastus"), json!({})),
        )
        .await;
    assert_eq!(inner.body["error"]["details"][0]["code"], "InvalidResourceType");
    for text in ["", "{", "[1", "template:"] {
        let answer = lab.arm_text(Method::PUT, &deployment("d"), text).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{text}");
    }
    assert_eq!(lab.get(&deployment("d")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_deployment_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().to_owned());
    let lab = Lab::with(state.clone()).await;
    let body = template(json!([{
        "type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02", "name": "new", "location": "eastus",
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
    }]));
    assert_eq!(
        lab.put(&deployment("d"), incremental(body, json!({}))).await.status,
        StatusCode::CREATED
    );
    drop(lab);
    let config = emulator::Config { state, ..emulator::Config::default() };
    let lab = Lab::attach(emulator::Emulator::start(config).await.unwrap()).await;
    assert_eq!(lab.get(&deployment("d")).await.body["properties"]["provisioningState"], "Accepted");
    lab.advance(10.0).await;
    assert_eq!(
        lab.get(&deployment("d")).await.body["properties"]["provisioningState"],
        "Succeeded"
    );
    assert_eq!(lab.get(&disk("new")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_machine_deploys_with_its_network_as_recorded() {
    let lab = Lab::start().await;
    let net = |kind: &str, name: &str| {
        format!("/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Network/{kind}/{name}")
    };
    let vnet = net("virtualNetworks", "vnet1");
    assert_eq!(
        lab.get(&format!("{vnet}/subnets/subnet1")).await.refusal(),
        (404, "ResourceNotFound")
    );
    let body = template(json!([
        {"name": "vnet1", "type": "Microsoft.Network/virtualNetworks", "location": "eastus", "apiVersion": "2015-06-15",
         "properties": {"subnets": [{"name": "subnet1", "properties": {"addressPrefix": "10.0.0.0/24"}}]}},
        {"name": "nsg", "type": "Microsoft.Network/networkSecurityGroups", "location": "eastus", "apiVersion": "2015-06-15"},
        {"name": "nic", "type": "Microsoft.Network/networkInterfaces", "location": "eastus", "apiVersion": "2015-06-15",
         "dependsOn": ["Microsoft.Network/virtualNetworks/vnet1", "Microsoft.Network/networksecuritygroups/nsg"],
         "properties": {"networkSecurityGroup": {"id": net("networkSecurityGroups", "nsg")}}},
        {"name": "vm", "type": "Microsoft.Compute/virtualMachines", "location": "eastus", "apiVersion": "2024-07-01", "tags": {},
         "dependsOn": ["Microsoft.Network/networkInterfaces/nic"],
         "properties": {
            "hardwareProfile": {"vmSize": "Standard_DS1_v2"},
            "networkProfile": {"networkInterfaces": [{"id": net("networkInterfaces", "nic"), "properties": {"deleteOption": null}}]},
            "storageProfile": {
                "osDisk": {"createOption": "fromImage", "name": null, "caching": "ReadWrite", "managedDisk": {"storageAccountType": null}},
                "imageReference": {"publisher": "Canonical", "offer": "o", "sku": "s", "version": "latest"},
            },
            "osProfile": {"computerName": "c", "adminUsername": "u", "linuxConfiguration": {"disablePasswordAuthentication": true}},
         }},
    ]));
    let done = lab.deploy("d", incremental(body, json!({}))).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    let depends: Vec<_> = done["properties"]["dependencies"][0]["dependsOn"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["resourceType"].clone())
        .collect();
    assert_eq!(
        depends,
        ["Microsoft.Network/virtualNetworks", "Microsoft.Network/networkSecurityGroups"]
    );
    let vm = lab.get(&crate::lab::id("rg", "virtualMachines", "vm")).await.body;
    assert_eq!(
        keys(&vm["properties"]),
        [
            "hardwareProfile",
            "networkProfile",
            "osProfile",
            "provisioningState",
            "storageProfile",
            "timeCreated",
            "vmId"
        ]
    );
    assert_eq!(
        keys(&vm["properties"]["storageProfile"]),
        ["dataDisks", "diskControllerType", "imageReference", "osDisk"]
    );
    let os = &vm["properties"]["storageProfile"]["osDisk"];
    assert_eq!(
        keys(os),
        ["caching", "createOption", "deleteOption", "diskSizeGB", "managedDisk", "name", "osType"]
    );
    assert_eq!((&os["createOption"], &os["diskSizeGB"]), (&json!("FromImage"), &json!(30)));
    assert_eq!(
        vm["properties"]["networkProfile"]["networkInterfaces"],
        json!([{"id": net("networkInterfaces", "nic")}])
    );
    let os = lab.get(os["managedDisk"]["id"].as_str().unwrap()).await.body;
    assert_eq!(os["managedBy"], vm["id"]);
    assert_eq!(os["properties"]["creationData"]["createOption"], "FromImage");
    assert_eq!(lab.get(&format!("{vnet}/subnets/subnet1")).await.body["name"], "subnet1");
    let nsg = lab.get(&net("networkSecurityGroups", "nsg")).await.body;
    assert_eq!(nsg["properties"]["defaultSecurityRules"].as_array().unwrap().len(), 6);
}
