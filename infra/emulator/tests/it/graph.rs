//! Resource Graph: queries over disks and snapshots, in pages, and behind the writes.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Answer, Lab, OTHER_SUB, SUB, copy_of, disk, snapshot};

impl Lab {
    async fn ask(&self, query: &str, options: Value) -> Answer {
        let body = json!({"subscriptions": [SUB], "query": query, "options": options});
        self.post("/providers/Microsoft.ResourceGraph/resources", body).await
    }

    async fn rows(&self, query: &str) -> Value {
        let answer = self.ask(query, json!({"resultFormat": "objectArray"})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body["data"].clone()
    }
}

const OF_DISK: &str = "Resources
    | where type in~ ('Microsoft.Compute/Disks', 'microsoft.compute/snapshots') // both
    | where resourceGroup =~ 'RG' and location == 'eastus'
    | extend source = tostring(properties.creationData.sourceResourceId)
    | project name, type, source, size = toint(properties.diskSizeGB), tags['team']
    | order by type asc, name desc";

#[tokio::test]
async fn disks_and_snapshots_are_queried() {
    let lab = Lab::start().await;
    lab.take("s1", "d").await;
    lab.take("s2", "d").await;
    lab.ferry("c1", "s1").await;
    lab.advance(60.0).await;
    let snap = |name: &str| json!({"name": name, "type": "microsoft.compute/snapshots", "source": disk("d"), "size": 4, "tags_team": null});
    assert_eq!(
        lab.rows(OF_DISK).await,
        json!([{"name": "d", "type": "microsoft.compute/disks", "source": "", "size": 4, "tags_team": "a"}, snap("s2"), snap("s1")])
    );
    let whole = lab.rows("Resources | where name == 's1'").await;
    let row = whole[0].as_object().unwrap();
    for (column, value) in [
        ("id", json!(snapshot("s1"))),
        ("type", json!("microsoft.compute/snapshots")),
        ("resourceGroup", json!("rg")),
        ("subscriptionId", json!(SUB)),
        ("kind", json!("")),
        ("managedBy", json!("")),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let newest = format!("{}{}?api-version=2026-03-02", lab.emulator.arm_url(), snapshot("s1"));
    assert_eq!(row["properties"], lab.get(&newest).await.body["properties"]);
    assert_eq!(
        lab.rows("resources | summarize count() by location | order by location asc").await,
        json!([{"location": "eastus", "count_": 3}, {"location": "westus2", "count_": 1}])
    );
    let groups = "ResourceContainers | where type == 'microsoft.resources/subscriptions/resourcegroups' | project name | order by name asc";
    assert_eq!(lab.rows(groups).await, json!([{"name": "rg"}, {"name": "rg-west"}]));
    let everywhere = lab.post("/providers/Microsoft.ResourceGraph/resources", json!({"query": "ResourceContainers | where type == 'microsoft.resources/subscriptions' | count"})).await;
    assert_eq!(everywhere.body["data"], json!([{"Count": 2}]));
    let none = json!({"subscriptions": [OTHER_SUB], "query": "Resources"});
    assert_eq!(
        lab.post("/providers/Microsoft.ResourceGraph/resources", none).await.body["totalRecords"],
        0
    );
}

#[tokio::test]
async fn an_answer_has_azures_members_in_both_formats() {
    let lab = Lab::start().await;
    lab.advance(60.0).await;
    let answer = lab.ask("Resources | project id, name", json!({})).await;
    assert_eq!(
        answer.body,
        json!({
            "totalRecords": 1, "count": 1, "facets": [], "resultTruncated": "false",
            "data": [{"id": disk("d"), "name": "d"}],
        })
    );
    let table = lab
        .ask(
            "Resources | project name, size = toint(properties.diskSizeGB)",
            json!({"resultFormat": "table"}),
        )
        .await;
    assert_eq!(
        table.body["data"],
        json!({
            "columns": [{"name": "name", "type": "string"}, {"name": "size", "type": "integer"}],
            "rows": [["d", 4]],
        })
    );
}

#[tokio::test]
async fn pages_go_on_with_a_token_and_end_without_one() {
    let lab = Lab::start().await;
    for n in 0..5 {
        lab.put(&snapshot(&format!("s{n}")), copy_of(&disk("d"), "eastus")).await;
    }
    lab.advance(60.0).await;
    let query = "Resources | where type =~ 'microsoft.compute/snapshots' | project id, name | order by name asc";
    let mut names = Vec::new();
    let mut options = json!({"$top": 2});
    loop {
        let page = lab.ask(query, options).await.body;
        assert_eq!((&page["totalRecords"], &page["resultTruncated"]), (&json!(5), &json!("false")));
        names.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        match page.get("$skipToken") {
            Some(token) => options = json!({"$top": 2, "$skipToken": token}),
            None => break,
        }
    }
    assert_eq!(names, ["s0", "s1", "s2", "s3", "s4"]);
    let cut = lab.ask("Resources | project name", json!({"$top": 2})).await.body;
    assert_eq!((&cut["resultTruncated"], cut.get("$skipToken")), (&json!("true"), None));
    let skipped = lab.ask(query, json!({"$skip": 4})).await.body;
    assert_eq!(skipped["data"][0]["name"], "s4");
    assert_eq!(lab.ask(query, json!({"$skipToken": "?"})).await.refusal(), (400, "BadRequest"));
}

#[tokio::test]
async fn wrong_queries_are_refused_with_their_place() {
    let lab = Lab::start().await;
    for query in [
        "Resources | where",
        "Resources | where nothing == 1",
        "Nowhere",
        "Resources | join x",
        "Resources | extend a = f()",
    ] {
        let answer = lab.ask(query, json!({})).await;
        assert_eq!(answer.refusal(), (400, "BadRequest"), "{query}");
        assert_eq!(answer.body["error"]["details"][0]["code"], "InvalidQuery");
        assert_eq!(answer.body["error"]["details"][1]["code"], "ParserFailure");
    }
    let at = lab.ask("Resources | where name ~ 'x'", json!({})).await.body;
    assert_eq!(at["error"]["details"][1]["characterPositionInLine"], 23);
}

#[tokio::test]
async fn the_graph_is_behind_and_shows_what_was() {
    let lab = Lab::start().await;
    lab.advance(60.0).await;
    let query = "Resources | project name, team = tostring(tags.team) | order by name asc";
    let before = json!([{"name": "d", "team": "a"}]);
    assert_eq!(lab.rows(query).await, before);
    lab.put(&snapshot("s"), copy_of(&disk("d"), "eastus")).await;
    let tags = format!("{}/providers/Microsoft.Resources/tags/default", disk("d"));
    lab.arm(
        Method::PATCH,
        &tags,
        json!({"operation": "Merge", "properties": {"tags": {"team": "b"}}}),
    )
    .await;
    assert_eq!(lab.rows(query).await, before);
    lab.advance(9.9).await;
    assert_eq!(lab.rows(query).await, before);
    lab.advance(0.2).await;
    let after = json!([{"name": "d", "team": "b"}, {"name": "s", "team": ""}]);
    assert_eq!(lab.rows(query).await, after);
    lab.delete(&snapshot("s")).await;
    lab.advance(5.0).await;
    assert_eq!(lab.get(&snapshot("s")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(lab.rows(query).await, after);
    lab.control(Method::PUT, "settings", json!({"graph_delay_seconds": 0})).await;
    assert_eq!(lab.rows(query).await, json!([{"name": "d", "team": "b"}]));
}

#[tokio::test]
async fn the_graph_shows_less_to_those_who_may_see_less() {
    let lab = Lab::start().await;
    lab.take("s", "d").await;
    lab.advance(60.0).await;
    let rule = json!({"scope": format!("/subscriptions/{SUB}"), "denied": ["Microsoft.Compute/snapshots/read"]});
    lab.control(Method::POST, "access", rule).await;
    assert_eq!(lab.rows("Resources | project name").await, json!([{"name": "d"}]));
}
