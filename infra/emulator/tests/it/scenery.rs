//! What surrounds resources: features, providers, locations, groups, tags, lists, skus, usages.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, OTHER_SUB, SUB, copy, copy_start, disk, id, snapshot};

impl Lab {
    /// A GET with a query of its own.
    pub(crate) async fn query(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        let url = format!("{}{path}", self.emulator.arm_url());
        let request = self.client.get(url).query(&[("api-version", "2022-09-01")]).query(query);
        Answer::read(request.bearer_auth(&self.token).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.arm(Method::POST, path, body).await
    }
}

fn sub(path: &str) -> String {
    format!("/subscriptions/{SUB}/{path}")
}

#[tokio::test]
async fn features_of_any_namespace_are_registered_and_unregistered() {
    let lab = Lab::start().await;
    let feature =
        sub("providers/Microsoft.Features/providers/Microsoft.Network/features/AllowLBPreview");
    let state = async || lab.get(&feature).await.body["properties"]["state"].clone();
    assert_eq!(state().await, "NotRegistered");
    lab.post(&format!("{feature}/register"), Value::Null).await;
    assert_eq!(state().await, "Registering");
    lab.advance(5.0).await;
    let unregistered = lab.post(&format!("{feature}/unregister"), Value::Null).await;
    assert_eq!(
        unregistered.body,
        json!({
            "properties": {"state": "Unregistering"}, "id": feature,
            "type": "Microsoft.Features/providers/features", "name": "Microsoft.Network/AllowLBPreview",
        })
    );
    let all = lab.get(&sub("providers/Microsoft.Features/features")).await.body;
    assert_eq!(all["value"].as_array().unwrap().len(), 2);
    let of = lab
        .get(&sub("providers/Microsoft.Features/providers/Microsoft.Compute/features"))
        .await
        .body;
    assert_eq!(of["value"][0]["name"], "Microsoft.Compute/CreateOptionClone");
}

#[tokio::test]
async fn a_feature_registration_is_put_and_deleted_as_recorded() {
    let lab = Lab::start().await;
    let path = sub(
        "providers/Microsoft.Features/featureProviders/Microsoft.Network/subscriptionFeatureRegistrations/AllowLBPreview",
    );
    let put = lab.put(&path, json!({})).await;
    assert_eq!(put.status, StatusCode::OK);
    assert_eq!(put.header("x-ms-providerhub-traffic"), "True");
    let keys: Vec<_> = put.body["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "approvalType",
            "featureName",
            "providerNamespace",
            "registrationDate",
            "releaseDate",
            "shouldFeatureDisplayInPortal",
            "state",
            "subscriptionId",
        ]
    );
    assert_eq!(put.body["properties"]["state"], "Registered");
    assert_eq!(
        put.body["type"],
        "microsoft.features/featureproviders/subscriptionfeatureregistrations"
    );
    let list = sub("providers/Microsoft.Features/subscriptionFeatureRegistrations");
    assert_eq!(lab.get(&list).await.body["value"].as_array().unwrap().len(), 1);
    let gone = lab.delete(&path).await;
    assert_eq!((gone.status, gone.body), (StatusCode::OK, Value::Null));
    assert_eq!(lab.get(&list).await.body["value"], json!([]));
}

#[tokio::test]
async fn copy_start_needs_its_feature_when_that_is_switched_on() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    lab.control(Method::PUT, "settings", json!({"copy_start_needs_feature": true})).await;
    let refused = lab.put(&copy("c"), copy_start(&snapshot("s"), "westus2")).await;
    assert_eq!(refused.refusal(), (409, "OperationNotAllowed"));
    let message = "CopyStart creation is not supported for this subscription.";
    assert_eq!(refused.body["error"]["message"], message);
    let feature = sub(
        "providers/Microsoft.Features/providers/Microsoft.Compute/features/createoptionclone/register",
    );
    lab.post(&feature, Value::Null).await;
    assert_eq!(lab.put(&copy("c"), copy_start(&snapshot("s"), "westus2")).await.refusal().0, 409);
    lab.advance(5.0).await;
    lab.make(&copy("c"), copy_start(&snapshot("s"), "westus2")).await;
}

#[tokio::test]
async fn the_preview_had_two_regions_when_that_is_switched_on() {
    let lab = Lab::start().await;
    let body = json!({
        "location": "East US 2", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1},
    });
    lab.make(&disk("e2"), body).await;
    let mut snap = crate::lab::copy_of(&disk("e2"), "eastus2");
    lab.make(&snapshot("s2"), snap.take()).await;
    lab.take("s", "d").await;
    let settings = lab.control(Method::PUT, "settings", json!({"preview_regions": true})).await;
    assert_eq!(
        (&settings["preview_regions"], &settings["page_size"]),
        (&json!(true), &json!(1000))
    );
    for (source, target, accepted) in
        [("s2", "westus2", false), ("s", "westcentralus", false), ("s2", "West Central US", true)]
    {
        let answer = lab.put(&copy("c"), copy_start(&snapshot(source), target)).await;
        assert_eq!(answer.status.is_success(), accepted, "{source} {target} {}", answer.body);
    }
}

#[tokio::test]
async fn providers_are_registered_and_needed() {
    let lab = Lab::start().await;
    let path = sub("providers/Microsoft.ClassicInfrastructureMigrate");
    let shown = lab.get(&path).await.body;
    let keys: Vec<_> = shown.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "authorization",
            "id",
            "namespace",
            "registrationPolicy",
            "registrationState",
            "resourceTypes"
        ]
    );
    let state = |answer: Answer| answer.body["registrationState"].clone();
    assert_eq!(state(lab.post(&format!("{path}/register"), Value::Null).await), "Registering");
    lab.advance(5.0).await;
    assert_eq!(state(lab.get(&path).await), "Registered");
    assert_eq!(state(lab.post(&format!("{path}/unregister"), Value::Null).await), "Unregistering");
    assert_eq!(
        lab.get(&sub("providers/nonsense")).await.refusal(),
        (404, "InvalidResourceNamespace")
    );
    let all = lab.get(&sub("providers")).await.body;
    assert!(all["value"].as_array().unwrap().iter().any(|p| p["namespace"] == "Microsoft.Compute"));

    let compute = sub("providers/Microsoft.Compute");
    lab.post(&format!("{compute}/unregister"), Value::Null).await;
    let refused = lab.put(&snapshot("s"), crate::lab::copy_of(&disk("d"), "eastus")).await;
    assert_eq!(refused.refusal(), (409, "MissingSubscriptionRegistration"));
    assert_eq!(refused.body["error"]["details"][0]["target"], "Microsoft.Compute");
    lab.post(&format!("{compute}/register"), Value::Null).await;
    lab.take("s", "d").await;
}

#[tokio::test]
async fn locations_show_edge_zones_only_on_demand() {
    let lab = Lab::start().await;
    let list = lab.get(&sub("locations")).await.body;
    let list = list["value"].as_array().unwrap();
    assert!(list.iter().all(|location| location["type"] == "Region"));
    let logical = list.iter().find(|location| location["name"] == "europe").unwrap();
    assert_eq!(logical["metadata"], json!({"regionType": "Logical", "regionCategory": "Other"}));
    let extended = lab.query(&sub("locations"), &[("includeExtendedLocations", "true")]).await.body;
    let extended = extended["value"].as_array().unwrap();
    assert!(extended.len() > list.len());
    let edge = extended.iter().find(|location| location["name"] == "losangeles").unwrap();
    assert_eq!(edge["id"], sub("locations/westus/edgeZones/losangeles"));
    assert_eq!(edge["metadata"]["homeLocation"], "westus");
}

#[tokio::test]
async fn groups_are_listed_by_tag_and_exported() {
    let lab = Lab::start().await;
    let group = sub("resourcegroups/tagged");
    let body =
        json!({"location": "westus", "managedBy": "test_admin", "tags": {"a": "b", "c": ""}});
    let made = lab.put(&group, body).await;
    assert_eq!((made.status, &made.body["managedBy"]), (StatusCode::CREATED, &json!("test_admin")));
    let missing = lab.arm(Method::HEAD, &sub("resourcegroups/none"), Value::Null).await;
    assert_eq!(missing.header("x-ms-failure-cause"), "gateway");
    let names = async |filter: &str| {
        let list = lab.query(&sub("resourcegroups"), &[("$filter", filter)]).await.body;
        list["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| g["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("tagname eq 'a' and tagvalue eq 'b'").await, ["tagged"]);
    assert_eq!(names("tagName eq 'A'").await, ["tagged"]);
    assert!(names("tagname eq 'a' and tagvalue eq 'x'").await.is_empty());
    for wrong in ["tagname is 'a'", "tagname eq a", "name eq 'x' or", "location eq 'x'"] {
        let answer = lab.query(&sub("resourcegroups"), &[("$filter", wrong)]).await;
        assert_eq!(answer.refusal(), (400, "InvalidFilterInQueryString"), "{wrong}");
    }
    let exported = lab.post(&format!("{group}/exportTemplate"), json!({"resources": ["*"]})).await;
    assert_eq!(exported.status, StatusCode::OK);
    assert_eq!(
        exported.body["template"],
        json!({
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0", "parameters": {}, "variables": {}, "resources": [],
        })
    );
    let full =
        lab.post(&sub("resourcegroups/rg/exportTemplate"), json!({"resources": ["*"]})).await.body;
    assert_eq!(full["template"]["parameters"]["disks_d_name"]["defaultValue"], "d");
    // What is exported can be deployed again, under another name.
    let body = crate::deployments::incremental(
        full["template"].clone(),
        json!({"disks_d_name": {"value": "twin"}}),
    );
    let done = lab.deploy("again", body).await;
    assert_eq!(done["properties"]["provisioningState"], "Succeeded", "{done}");
    assert_eq!(lab.get(&disk("twin")).await.body["tags"]["team"], "a");
}

#[tokio::test]
async fn a_group_that_is_being_deleted_shows_it_and_refuses_to_be_made() {
    let lab = Lab::start().await;
    let group = sub("resourcegroups/rg");
    lab.delete(&group).await;
    assert_eq!(lab.get(&group).await.body["properties"]["provisioningState"], "Deleting");
    let again = lab.put(&group, json!({"location": "eastus"})).await;
    assert_eq!(again.refusal(), (409, "ResourceGroupBeingDeleted"));
    lab.advance(10.0).await;
    assert_eq!(lab.get(&group).await.refusal(), (404, "ResourceGroupNotFound"));
    assert_eq!(lab.put(&group, json!({"location": "westus"})).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn tags_are_merged_replaced_and_deleted_at_every_scope() {
    let lab = Lab::start().await;
    let machine = id("rg", "virtualMachines", "vm");
    lab.control(
        Method::POST,
        "seed",
        json!({"virtual_machines": [{"id": machine, "location": "eastus"}]}),
    )
    .await;
    for scope in [format!("/subscriptions/{SUB}"), sub("resourceGroups/rg"), machine] {
        let tags = format!("{scope}/providers/Microsoft.Resources/tags/default");
        let change = async |operation: &str, given: Value| {
            let body = json!({"operation": operation, "properties": {"tags": given}});
            let answer = lab.arm(Method::PATCH, &tags, body).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_eq!(answer.body["id"], tags);
            answer.body["properties"]["tags"].clone()
        };
        assert_eq!(change("Replace", json!({"a": "1"})).await, json!({"a": "1"}));
        assert_eq!(change("Merge", json!({"A": "2", "b": "3"})).await, json!({"a": "2", "b": "3"}));
        assert_eq!(change("Delete", json!({"b": "3"})).await, json!({"a": "2"}));
        assert_eq!(lab.get(&scope).await.body["tags"], json!({"a": "2"}), "{scope}");
        assert_eq!(lab.delete(&tags).await.status, StatusCode::OK);
        assert_eq!(lab.get(&tags).await.body["properties"]["tags"], json!({}));
    }
    let nowhere = sub("resourceGroups/none/providers/Microsoft.Resources/tags/default");
    assert_eq!(lab.get(&nowhere).await.refusal(), (404, "ResourceGroupNotFound"));
}

#[tokio::test]
async fn all_resources_are_in_one_list_in_pages() {
    let lab = Lab::start().await;
    lab.take("s1", "d").await;
    lab.ferry("c1", "s1").await;
    let machine = id("rg", "virtualMachines", "vm");
    lab.control(Method::POST, "seed", json!({"virtual_machines": [{"id": machine, "location": "eastus", "data_disks": [disk("d")]}]})).await;
    let names = async |path: &str, query: &[(&str, &str)]| {
        let mut found = Vec::new();
        let mut page = lab.query(path, query).await.body;
        loop {
            found.extend(
                page["value"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|r| r["type"].as_str().unwrap().to_owned()),
            );
            match page["nextLink"].as_str() {
                Some(next) => page = lab.get(next).await.body,
                None => break found,
            }
        }
    };
    let all = names(&sub("resources"), &[]).await;
    assert_eq!(all.len(), 5);
    assert_eq!(names(&sub("resources"), &[("$top", "2")]).await, all);
    assert_eq!(names(&sub("resourceGroups/rg/resources"), &[]).await.len(), 4);
    let filter = [("$filter", "resourceType eq 'Microsoft.Compute/disks'")];
    assert_eq!(names(&sub("resources"), &filter).await, ["Microsoft.Compute/disks"; 2]);
    let tagged = lab
        .query(&sub("resources"), &[("$filter", "tagName eq 'team' and tagValue eq 'a'")])
        .await
        .body;
    assert_eq!(tagged["value"].as_array().unwrap().len(), 1);
    let shown = &tagged["value"][0];
    assert_eq!((&shown["id"], &shown["managedBy"]), (&json!(disk("d")), &json!(machine)));
    assert!(shown.get("properties").is_none());
    let other = lab.get(&format!("/subscriptions/{OTHER_SUB}/resources")).await.body;
    assert_eq!(other["value"], json!([]));
}

#[tokio::test]
async fn skus_tell_what_a_region_offers() {
    let lab = Lab::start().await;
    let skus = async |location: &str| {
        let filter = format!("location eq '{location}'");
        let list =
            lab.query(&sub("providers/Microsoft.Compute/skus"), &[("$filter", &filter)]).await.body;
        list["value"].as_array().unwrap().clone()
    };
    let east = skus("eastus").await;
    let named = |skus: &[Value], kind: &str, name: &str| {
        skus.iter().filter(|sku| sku["resourceType"] == kind && sku["name"] == name).count()
    };
    assert_eq!(named(&east, "disks", "Premium_LRS"), 14);
    assert_eq!(named(&east, "disks", "UltraSSD_LRS"), 1);
    assert_eq!(named(&east, "snapshots", "Standard_ZRS"), 1);
    let p10 = east.iter().find(|sku| sku["size"] == "P10" && sku["name"] == "Premium_LRS").unwrap();
    assert_eq!(p10["locationInfo"][0]["zones"], json!(["1", "2", "3"]));
    assert!(
        p10["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!({"name": "MaxSizeGiB", "value": "128"}))
    );
    let central = skus("westcentralus").await;
    assert_eq!(
        named(&central, "snapshots", "Standard_ZRS") + named(&central, "disks", "PremiumV2_LRS"),
        0
    );
    assert_eq!(named(&central, "snapshots", "Standard_LRS"), 1);
    let all = lab.get(&sub("providers/Microsoft.Compute/skus")).await.body;
    assert!(all["value"].as_array().unwrap().len() > 50 * 40);
}

#[tokio::test]
async fn usages_count_disks_and_quotas_are_kept() {
    let lab = Lab::start().await;
    let usages = sub("providers/Microsoft.Compute/locations/eastus/usages");
    let premium = async || {
        let list = lab.get(&usages).await.body;
        let list = list["value"].as_array().unwrap().clone();
        list.into_iter().find(|usage| usage["name"]["value"] == "PremiumDiskCount").unwrap()
    };
    let before = premium().await;
    assert_eq!((&before["currentValue"], &before["limit"]), (&json!(1), &json!(50_000)));
    let quota =
        json!({"subscription": SUB, "location": "eastus", "name": "PremiumDiskCount", "limit": 2});
    lab.control(Method::POST, "quotas", quota).await;
    let body = json!({
        "location": "eastus", "sku": {"name": "Premium_LRS"},
        "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1},
    });
    lab.make(&disk("second"), body.clone()).await;
    let refused = lab.put(&disk("third"), body.clone()).await;
    assert_eq!(refused.refusal(), (409, "OperationNotAllowed"));
    assert!(
        refused.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("Current Limit: 2, Current Usage: 2")
    );
    assert_eq!(premium().await["limit"], 2);
    // What is there can still be changed, and other types be made.
    lab.make(&disk("second"), body.clone()).await;
    let mut standard = body;
    standard["sku"]["name"] = "Standard_LRS".into();
    lab.make(&disk("third"), standard).await;
    lab.control(Method::DELETE, "quotas", Value::Null).await;
    let unknown = sub("providers/Microsoft.Compute/locations/atlantis/usages");
    assert_eq!(lab.get(&unknown).await.refusal(), (400, "NoRegisteredProviderFound"));
}
