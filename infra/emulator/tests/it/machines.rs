//! Machines and scale sets: who has which disk, both ways.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Lab, SUB, disk, id};

fn machine(name: &str) -> String {
    id("rg", "virtualMachines", name)
}

fn attach(lun: u64, name: &str) -> Value {
    json!({"lun": lun, "createOption": "Attach", "managedDisk": {"id": disk(name)}})
}

fn storage(os: Value, data: Value) -> Value {
    json!({"location": "eastus", "properties": {
        "hardwareProfile": {"vmSize": "Standard_D2s_v3"},
        "storageProfile": {"osDisk": os, "dataDisks": data},
    }})
}

impl Lab {
    async fn empty_disk(&self, name: &str, location: &str) {
        let body = json!({
            "location": location, "sku": {"name": "Premium_LRS"},
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4, "osType": "Linux"},
        });
        self.make(&disk(name), body).await;
    }

    async fn owner(&self, name: &str) -> Value {
        self.get(&disk(name)).await.body["managedBy"].clone()
    }

    async fn swap(&self, path: &str, profile: Value) -> crate::lab::Answer {
        let body = json!({"properties": {"storageProfile": profile}});
        let answer = self.arm(Method::PATCH, path, body).await;
        self.advance(2.0).await;
        answer
    }
}

#[tokio::test]
async fn disks_are_attached_swapped_and_freed_on_both_sides() {
    let lab = Lab::start().await;
    for name in ["os", "os2", "data", "data2"] {
        lab.empty_disk(name, "eastus").await;
    }
    let vm = machine("vm");
    let os =
        json!({"createOption": "Attach", "osType": "Linux", "managedDisk": {"id": disk("os")}});
    let made = lab.put(&vm, storage(os, json!([attach(0, "data")]))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.body["properties"]["provisioningState"], "Creating");
    let poll = made.header("azure-asyncoperation").to_owned();
    assert!(poll.contains("/providers/Microsoft.Compute/locations/eastus/operations/"));
    assert_eq!(lab.get(&poll).await.body["status"], "InProgress");
    lab.advance(2.0).await;
    let status = lab.get(&poll).await.body;
    assert_eq!((&status["status"], status.get("properties")), (&json!("Succeeded"), None));
    assert_eq!(lab.get(&vm).await.body["properties"]["provisioningState"], "Succeeded");
    assert_eq!((lab.owner("os").await, lab.owner("data").await), (json!(vm), json!(vm)));
    assert_eq!(lab.get(&disk("data")).await.body["properties"]["diskState"], "Attached");

    // An attached disk is not deleted, in Azure's words.
    let refused = lab.delete(&disk("data")).await;
    assert_eq!(refused.refusal(), (409, "OperationNotAllowed"));
    assert_eq!(refused.body["error"]["message"], format!("Disk data is attached to VM {vm}."));

    // A data disk is swapped for another one at its place.
    assert_eq!(
        lab.swap(&vm, json!({"dataDisks": [attach(0, "data2")]})).await.status,
        StatusCode::OK
    );
    assert_eq!((lab.owner("data").await, lab.owner("data2").await), (Value::Null, json!(vm)));
    assert_eq!(lab.owner("os").await, json!(vm));
    // Named a last time, it is detached.
    let mut last = attach(0, "data2");
    last["toBeDetached"] = true.into();
    lab.swap(&vm, json!({"dataDisks": [last, attach(1, "data")]})).await;
    let shown = lab.get(&vm).await.body;
    let data = shown["properties"]["storageProfile"]["dataDisks"].as_array().unwrap();
    assert_eq!((data.len(), &data[0]["lun"], &data[0]["name"]), (1, &json!(1), &json!("data")));

    // The OS disk is swapped only while the machine is deallocated.
    let other = json!({"osDisk": {"managedDisk": {"id": disk("os2")}}});
    assert_eq!(lab.swap(&vm, other.clone()).await.refusal(), (409, "OperationNotAllowed"));
    assert_eq!(lab.owner("os").await, json!(vm));
    assert_eq!(
        lab.post(&format!("{vm}/deallocate"), Value::Null).await.status,
        StatusCode::ACCEPTED
    );
    lab.advance(2.0).await;
    assert_eq!(lab.swap(&vm, other).await.status, StatusCode::OK);
    assert_eq!((lab.owner("os").await, lab.owner("os2").await), (Value::Null, json!(vm)));
    let view = lab.query(&vm, &[("$expand", "instanceView")]).await.body;
    assert_eq!(view["properties"]["instanceView"]["statuses"][1]["code"], "PowerState/deallocated");
    lab.post(&format!("{vm}/start"), Value::Null).await;
    let view = lab.get(&format!("{vm}/instanceView")).await.body;
    assert_eq!(view["statuses"][1]["code"], "PowerState/running");

    assert_eq!(lab.delete(&vm).await.status, StatusCode::ACCEPTED);
    lab.advance(2.0).await;
    assert_eq!(lab.get(&vm).await.refusal(), (404, "ResourceNotFound"));
    assert_eq!((lab.owner("os2").await, lab.owner("data").await), (Value::Null, Value::Null));
    assert_eq!(lab.delete(&vm).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_cannot_be_attached_is_refused_and_nothing_changes() {
    let lab = Lab::start().await;
    lab.empty_disk("far", "westus2").await;
    lab.empty_disk("data", "eastus").await;
    let (first, second) = (machine("first"), machine("second"));
    let image = json!({"createOption": "FromImage", "deleteOption": "Delete"});
    lab.put(&first, storage(image.clone(), json!([attach(0, "data")]))).await;
    lab.advance(2.0).await;
    for (data, expected) in [
        (json!([attach(0, "data")]), (409, "ConflictingUserInput")),
        (json!([attach(0, "far")]), (404, "NotFound")),
        (json!([attach(0, "none")]), (404, "NotFound")),
        (json!([attach(0, "d"), attach(0, "far")]), (400, "InvalidParameter")),
        (json!([{"createOption": "Attach"}]), (400, "InvalidParameter")),
    ] {
        let refused = lab.put(&second, storage(image.clone(), data)).await;
        assert_eq!(refused.refusal(), expected, "{}", refused.body);
    }
    let refused = lab.put(&second, storage(image.clone(), json!([attach(0, "data")]))).await;
    assert_eq!(
        refused.body["error"]["message"],
        format!(
            "Disk '{}' cannot be attached as the disk is already owned by VM '{first}'.",
            disk("data")
        )
    );
    // A disk that is going, or that somebody reads by a SAS, is not attached either.
    lab.empty_disk("going", "eastus").await;
    lab.empty_disk("read", "eastus").await;
    let grant = json!({"access": "Read", "durationInSeconds": 600});
    lab.post(&format!("{}/beginGetAccess", disk("read")), grant).await;
    lab.advance(0.2).await;
    lab.delete(&disk("going")).await;
    for name in ["going", "read"] {
        let refused = lab.put(&second, storage(image.clone(), json!([attach(0, name)]))).await;
        assert_eq!(refused.refusal(), (409, "OperationNotAllowed"), "{}", refused.body);
    }
    assert_eq!(lab.get(&second).await.status, StatusCode::NOT_FOUND);
    assert_eq!(lab.owner("d").await, Value::Null);
    // What was made for the machine goes with it, if it is to.
    let os =
        lab.get(&first).await.body["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
    assert_eq!(lab.get(&os).await.status, StatusCode::OK);
    lab.delete(&first).await;
    lab.advance(2.0).await;
    assert_eq!(lab.get(&os).await.status, StatusCode::NOT_FOUND);
    assert_eq!(lab.get(&disk("data")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn scale_sets_of_both_kinds_have_their_machines() {
    let lab = Lab::start().await;
    lab.empty_disk("data", "eastus").await;
    let uniform = id("rg", "virtualMachineScaleSets", "uniform");
    let flexible = id("rg", "virtualMachineScaleSets", "flexible");
    let member = machine("member");
    lab.control(
        Method::POST,
        "seed",
        json!({
            "scale_sets": [
                {"id": uniform, "location": "eastus", "instances": 2},
                {"id": flexible, "location": "eastus", "flexible": true},
            ],
            "virtual_machines": [
                {"id": member, "location": "eastus", "os_disk": disk("d"), "scale_set": flexible},
            ],
        }),
    )
    .await;
    let names = async |path: String| {
        let list = lab.get(&path).await.body;
        list["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(format!("{uniform}/virtualMachines")).await, ["uniform_0", "uniform_1"]);
    assert_eq!(names(format!("{flexible}/virtualMachines")).await, ["member"]);
    let all = format!("/subscriptions/{SUB}/providers/Microsoft.Compute");
    assert_eq!(names(format!("{all}/virtualMachineScaleSets")).await, ["flexible", "uniform"]);
    assert_eq!(names(format!("{all}/virtualMachines")).await, ["member"]);
    let shown = lab.get(&uniform).await.body;
    assert_eq!(
        (&shown["sku"]["capacity"], &shown["properties"]["orchestrationMode"]),
        (&json!(2), &json!("Uniform"))
    );
    assert_eq!(lab.owner("d").await, json!(member));

    let instance = format!("{uniform}/virtualMachines/0");
    let shown = lab.get(&instance).await.body;
    assert_eq!(shown["instanceId"], "0");
    let os = shown["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(lab.get(&os).await.body["managedBy"], instance);
    let body = json!({"properties": {"storageProfile": {"dataDisks": [attach(3, "data")]}}});
    assert_eq!(lab.put(&instance, body).await.status, StatusCode::OK);
    assert_eq!(lab.owner("data").await, json!(instance));

    let grown = json!({"location": "eastus", "sku": {"name": "Standard_D2s_v3", "capacity": 3}});
    assert_eq!(lab.put(&uniform, grown).await.status, StatusCode::OK);
    assert_eq!(names(format!("{uniform}/virtualMachines")).await.len(), 3);
    assert_eq!(lab.delete(&flexible).await.refusal(), (409, "OperationNotAllowed"));
    assert_eq!(lab.delete(&uniform).await.status, StatusCode::ACCEPTED);
    lab.advance(2.0).await;
    assert_eq!(lab.get(&instance).await.status, StatusCode::NOT_FOUND);
    assert_eq!(lab.owner("data").await, Value::Null);
}

#[tokio::test]
async fn machines_survive_a_restart_and_go_with_their_group() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().to_owned());
    let lab = Lab::with(state.clone()).await;
    let vm = machine("vm");
    lab.control(
        Method::POST,
        "seed",
        json!({"virtual_machines": [{"id": vm, "location": "eastus", "data_disks": [disk("d")]}]}),
    )
    .await;
    let before = lab.get(&vm).await.body;
    drop(lab);
    let config = emulator::Config { state, ..emulator::Config::default() };
    let lab = Lab::attach(emulator::Emulator::start(config).await.unwrap()).await;
    assert_eq!(lab.get(&vm).await.body, before);
    assert_eq!(lab.owner("d").await, json!(vm));
    lab.delete(&format!("/subscriptions/{SUB}/resourceGroups/rg")).await;
    lab.advance(10.0).await;
    lab.put(&format!("/subscriptions/{SUB}/resourceGroups/rg"), json!({"location": "eastus"}))
        .await;
    assert_eq!(lab.get(&vm).await.refusal(), (404, "ResourceNotFound"));
}
