//! The tenant's obstacles: locks, rights, policies.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    deployments::{deployment, incremental, template},
    lab::{Answer, Lab, OTHER_SUB, SUB, copy, copy_of, copy_start, disk, snapshot},
};

fn group(name: &str) -> String {
    format!("/subscriptions/{SUB}/resourceGroups/{name}")
}

impl Lab {
    async fn lock(&self, scope: &str, level: &str) -> Answer {
        let path = format!("{scope}/providers/Microsoft.Authorization/locks/l");
        self.put(&path, json!({"properties": {"level": level, "notes": "n"}})).await
    }

    async fn unlock(&self, scope: &str) -> StatusCode {
        self.delete(&format!("{scope}/providers/Microsoft.Authorization/locks/l")).await.status
    }

    async fn names(&self, path: &str) -> Vec<String> {
        let list = self.get(path).await.body;
        let items = list["value"].as_array().unwrap();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_lock_against_deletion_forbids_deletion_alone() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    for scope in [format!("/subscriptions/{SUB}"), group("rg"), snapshot("s")] {
        let made = lab.lock(&scope, "CanNotDelete").await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        assert_eq!(
            made.body,
            json!({
                "properties": {"level": "CanNotDelete", "notes": "n"},
                "id": format!("{scope}/providers/Microsoft.Authorization/locks/l"),
                "type": "Microsoft.Authorization/locks", "name": "l",
            })
        );
        assert_eq!(lab.lock(&scope, "CanNotDelete").await.status, StatusCode::OK);
        let refused = lab.delete(&snapshot("s")).await;
        assert_eq!(refused.refusal(), (409, "ScopeLocked"));
        assert_eq!(
            refused.body["error"]["message"],
            format!(
                "The scope '{}' cannot perform delete operation because following scope(s) are \
                 locked: '{scope}'. Please remove the lock and try again.",
                snapshot("s")
            )
        );
        // A group goes only with all that is in it.
        assert_eq!(lab.delete(&group("rg")).await.refusal(), (409, "ScopeLocked"));
        let patched = lab.arm(Method::PATCH, &snapshot("s"), json!({"tags": {"a": "b"}})).await;
        assert_eq!(patched.status, StatusCode::ACCEPTED);
        lab.advance(2.0).await;
        // What is not there is not locked.
        assert_eq!(lab.delete(&snapshot("none")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(lab.unlock(&scope).await, StatusCode::OK);
        assert_eq!(lab.unlock(&scope).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(lab.delete(&snapshot("s")).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_read_only_lock_forbids_writing_and_granting_access_too() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    lab.lock(&group("rg"), "readonly").await;
    let tags = format!("{}/providers/Microsoft.Resources/tags/default", snapshot("s"));
    let grant = json!({"access": "Read", "durationInSeconds": 60});
    for (method, path, body) in [
        (Method::PUT, snapshot("t"), copy_of(&disk("d"), "eastus")),
        (Method::PATCH, snapshot("s"), json!({"tags": {}})),
        (Method::PATCH, tags, json!({"operation": "Merge", "properties": {"tags": {"a": "b"}}})),
        (Method::POST, format!("{}/beginGetAccess", snapshot("s")), grant),
        (Method::DELETE, snapshot("s"), Value::Null),
        (Method::PUT, deployment("x"), incremental(template(json!([])), json!({}))),
    ] {
        let refused = lab.arm(method.clone(), &path, body).await;
        assert_eq!(refused.refusal(), (409, "ScopeLocked"), "{method} {path}");
    }
    assert_eq!(lab.get(&snapshot("s")).await.status, StatusCode::OK);
    // A copy into another group only reads here.
    lab.make(&copy("c"), copy_start(&snapshot("s"), "westus2")).await;
}

#[tokio::test]
async fn locks_are_listed_and_wrong_ones_refused() {
    let lab = Lab::start().await;
    lab.lock(&disk("d"), "CanNotDelete").await;
    lab.lock(&group("rg"), "ReadOnly").await;
    let at = |scope: &str| format!("{scope}/providers/Microsoft.Authorization/locks");
    assert_eq!(lab.names(&at(&format!("/subscriptions/{SUB}"))).await.len(), 2);
    assert_eq!(lab.names(&at(&disk("d"))).await.len(), 2);
    assert_eq!(lab.names(&at(&group("rg-west"))).await.len(), 0);
    let at_scope = lab.query(&at(&group("rg")), &[("$filter", "atScope()")]).await.body;
    assert_eq!(at_scope["value"].as_array().unwrap().len(), 1);
    assert_eq!(lab.get(&format!("{}/none", at(&disk("d")))).await.refusal(), (404, "LockNotFound"));
    assert_eq!(lab.lock(&disk("none"), "ReadOnly").await.refusal(), (404, "ResourceNotFound"));
    assert_eq!(lab.lock(&disk("d"), "Sometimes").await.refusal(), (400, "LockLevelNotSupported"));
}

#[tokio::test]
async fn narrowed_rights_refuse_calls_and_silence_lists() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    lab.ferry("c", "s").await;
    let list = format!("/subscriptions/{SUB}/providers/Microsoft.Compute/snapshots");
    assert_eq!(lab.names(&list).await, ["c", "s"]);
    lab.control(
        Method::POST,
        "access",
        json!({"scope": group("rg-west"), "denied": ["Microsoft.Compute/*/read"]}),
    )
    .await;
    // Nothing tells that something is missing.
    assert_eq!(lab.names(&list).await, ["s"]);
    let resources = lab.get(&format!("/subscriptions/{SUB}/resources")).await.body;
    assert_eq!(resources["value"].as_array().unwrap().len(), 2);
    let refused = lab.get(&copy("c")).await;
    assert_eq!(refused.refusal(), (403, "AuthorizationFailed"));
    assert_eq!(refused.header("x-ms-failure-cause"), "gateway");
    let principal =
        refused.body["error"]["message"].as_str().unwrap().split('\'').nth(1).unwrap().to_owned();
    assert_eq!(
        refused.body["error"]["message"],
        format!(
            "The client '{principal}' with object id '{principal}' does not have authorization to \
             perform action 'Microsoft.Compute/snapshots/read' over scope '{}' or the scope is \
             invalid. If access was recently granted, please refresh your credentials.",
            copy("c")
        )
    );
    assert_eq!(
        lab.get(&format!("{}/providers/Microsoft.Compute/disks", group("rg-west")))
            .await
            .refusal()
            .0,
        403
    );
    assert_eq!(
        lab.get(&format!("{}/providers/Microsoft.Compute/disks", group("rg"))).await.status,
        StatusCode::OK
    );
    lab.control(Method::DELETE, "access", Value::Null).await;
    assert_eq!(lab.names(&list).await, ["c", "s"]);
}

#[tokio::test]
async fn rights_are_narrowed_by_principal_and_told_at_a_scope() {
    let lab = Lab::start().await;
    let rule = |principal: &str| {
        json!({
            "principal": principal, "scope": format!("/subscriptions/{SUB}"),
            "allowed": ["*/read", "Microsoft.Compute/snapshots/write"], "denied": ["Microsoft.Compute/disks/read"],
        })
    };
    let permissions = format!("{}/providers/Microsoft.Authorization/permissions", group("rg"));
    let all =
        json!([{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}]);
    lab.control(Method::POST, "access", rule("99999999-9999-4999-8999-999999999999")).await;
    assert_eq!(lab.get(&permissions).await.body["value"], all);
    lab.control(Method::POST, "access", rule(&lab.principal())).await;
    assert_eq!(
        lab.get(&permissions).await.body["value"],
        json!([{
            "actions": ["*/read", "Microsoft.Compute/snapshots/write"],
            "notActions": ["Microsoft.Compute/disks/read"], "dataActions": [], "notDataActions": [],
        }])
    );
    assert_eq!(lab.get(&disk("d")).await.refusal(), (403, "AuthorizationFailed"));
    assert_eq!(lab.get(&group("rg")).await.status, StatusCode::OK);
    assert_eq!(lab.delete(&snapshot("s")).await.refusal(), (403, "AuthorizationFailed"));
    // It may write snapshots, but not read the disk's content.
    let linked = lab.put(&snapshot("s"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(linked.refusal(), (403, "LinkedAuthorizationFailed"));
    let other = format!(
        "/subscriptions/{OTHER_SUB}/resourceGroups/rg2/providers/Microsoft.Authorization/permissions"
    );
    assert_eq!(lab.get(&other).await.body["value"], all);
}

impl Lab {
    /// The object id in the token.
    fn principal(&self) -> String {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let claims = URL_SAFE_NO_PAD.decode(self.token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        claims["oid"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_source_in_another_subscription_needs_rights_there() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    lab.control(
        Method::POST,
        "access",
        json!({"scope": format!("/subscriptions/{SUB}"), "denied": ["*/beginGetAccess/action"]}),
    )
    .await;
    let target = format!(
        "/subscriptions/{OTHER_SUB}/resourceGroups/rg2/providers/Microsoft.Compute/snapshots/c"
    );
    let refused = lab.put(&target, copy_start(&snapshot("s"), "eastus")).await;
    assert_eq!(refused.refusal(), (403, "LinkedAuthorizationFailed"));
    let message = refused.body["error"]["message"].as_str().unwrap();
    let rest = format!(
        "has permission to perform action 'Microsoft.Compute/snapshots/write' on scope '{target}'; \
         however, it does not have permission to perform action(s) \
         'Microsoft.Compute/snapshots/beginGetAccess/action' on the linked scope(s) '{}' \
         (respectively) or the linked scope(s) are invalid.",
        snapshot("s")
    );
    assert!(message.ends_with(&rest), "{message}");
    lab.control(Method::DELETE, "access", Value::Null).await;
    lab.make(&target, copy_start(&snapshot("s"), "eastus")).await;
}

#[tokio::test]
async fn policies_deny_with_azures_additional_info() {
    let lab = Lab::start().await;
    let policy = |name: &str, when: Value| json!({"name": name, "scope": group("rg"), "resource_type": "Microsoft.Compute/snapshots", "when": when});
    lab.control(Method::POST, "policies", policy("need-owner", json!({"tag_missing": "owner"})))
        .await;
    let refused = lab.put(&snapshot("s"), copy_of(&disk("d"), "eastus")).await;
    assert_eq!(refused.refusal(), (403, "RequestDisallowedByPolicy"));
    let error = &refused.body["error"];
    assert_eq!(error["target"], "s");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("Resource 's' was disallowed by policy. Policy identifiers: '[{")
    );
    assert_eq!(error["additionalInfo"][0]["type"], "PolicyViolation");
    let info = &error["additionalInfo"][0]["info"];
    assert_eq!(info["policyDefinitionEffect"], "deny");
    assert_eq!(info["policyAssignmentScope"], group("rg"));
    let evaluated = &info["evaluationDetails"]["evaluatedExpressions"][0];
    assert_eq!(
        (&evaluated["expression"], &evaluated["operator"]),
        (&json!("tags[owner]"), &json!("Exists"))
    );

    let mut tagged = copy_of(&disk("d"), "eastus");
    tagged["tags"] = json!({"Owner": "me"});
    lab.make(&snapshot("s"), tagged.clone()).await;
    // A change is judged by what comes of it.
    let patched = lab.arm(Method::PATCH, &snapshot("s"), json!({"tags": {}})).await;
    assert_eq!(patched.refusal(), (403, "RequestDisallowedByPolicy"));
    assert_eq!(
        lab.arm(Method::PATCH, &snapshot("s"), json!({"properties": {}})).await.status,
        StatusCode::ACCEPTED
    );
    lab.advance(2.0).await;
    // Another type and another group are not concerned.
    let untagged = json!({"location": "eastus", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}});
    lab.make(&disk("free"), untagged).await;
    lab.make(&copy("c"), copy_start(&snapshot("s"), "westus2")).await;

    lab.control(Method::DELETE, "policies", Value::Null).await;
    for (when, field) in [
        (json!({"location_not_in": ["West US"]}), "location"),
        (json!({"sku_in": ["standard_lrs"]}), "sku.name"),
        (json!({"always": {}}), "type"),
    ] {
        lab.control(Method::POST, "policies", policy("p", when)).await;
        let refused = lab.put(&snapshot("t"), tagged.clone()).await;
        assert_eq!(refused.refusal(), (403, "RequestDisallowedByPolicy"));
        let evaluated = &refused.body["error"]["additionalInfo"][0]["info"]["evaluationDetails"]["evaluatedExpressions"]
            [0];
        assert_eq!(evaluated["expression"], field);
        lab.control(Method::DELETE, "policies", Value::Null).await;
    }
}

#[tokio::test]
async fn a_deployment_meets_the_obstacles_of_whoever_deploys() {
    let lab = Lab::start().await;
    let body = incremental(
        template(json!([{
            "type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02", "name": "new", "location": "eastus",
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4},
        }])),
        json!({}),
    );
    lab.control(
        Method::POST,
        "policies",
        json!({"name": "p", "scope": group("rg"), "when": {"always": {}}}),
    )
    .await;
    let refused = lab.put(&deployment("d"), body.clone()).await;
    assert_eq!(refused.refusal(), (400, "InvalidTemplateDeployment"));
    assert_eq!(refused.body["error"]["details"][0]["code"], "RequestDisallowedByPolicy");
    lab.control(Method::DELETE, "policies", Value::Null).await;
    let rule = json!({"scope": group("rg"), "denied": ["Microsoft.Compute/disks/write"]});
    lab.control(Method::POST, "access", rule).await;
    let refused = lab.put(&deployment("d"), body.clone()).await;
    assert_eq!(refused.refusal(), (403, "InvalidTemplateDeployment"));
    lab.control(Method::DELETE, "access", Value::Null).await;
    // A lock that comes between is met when the resource is made.
    assert_eq!(lab.put(&deployment("d"), body).await.status, StatusCode::CREATED);
    lab.lock(&group("rg"), "ReadOnly").await;
    lab.advance(10.0).await;
    let failed = lab.get(&deployment("d")).await.body;
    assert_eq!(failed["properties"]["error"]["details"][0]["code"], "ScopeLocked", "{failed}");
}

#[tokio::test]
async fn obstacles_survive_a_restart_and_a_group_takes_its_locks_along() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().to_owned());
    let lab = Lab::with(state.clone()).await;
    lab.lock(&disk("d"), "CanNotDelete").await;
    let rule = json!({"scope": group("rg-west"), "denied": ["*/write"]});
    lab.control(Method::POST, "access", rule.clone()).await;
    lab.control(Method::PUT, "settings", json!({"list_delay_seconds": 3})).await;
    drop(lab);
    let config = emulator::Config { state, ..emulator::Config::default() };
    let lab = Lab::attach(emulator::Emulator::start(config).await.unwrap()).await;
    assert_eq!(lab.delete(&disk("d")).await.refusal(), (409, "ScopeLocked"));
    let access = lab.control(Method::GET, "access", Value::Null).await;
    assert_eq!(
        (&access["access"][0]["scope"], &access["access"][0]["denied"]),
        (&rule["scope"], &rule["denied"])
    );
    assert_eq!(lab.control(Method::GET, "settings", Value::Null).await["list_delay_seconds"], 3);
    lab.unlock(&disk("d")).await;
    lab.lock(&group("rg"), "ReadOnly").await;
    assert_eq!(lab.delete(&group("rg")).await.refusal(), (409, "ScopeLocked"));
    lab.unlock(&group("rg")).await;
    assert_eq!(lab.delete(&group("rg")).await.status, StatusCode::ACCEPTED);
}
