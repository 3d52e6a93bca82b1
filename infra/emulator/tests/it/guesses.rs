//! Guessed refusals are named, listed, documented and switchable.

use std::{collections::BTreeSet, path::Path};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Lab, copy, copy_start, disk, snapshot};

fn sources(folder: &Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else {
            out.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[tokio::test]
async fn every_guess_is_used_and_documented() {
    let lab = Lab::start().await;
    let listed = lab.control(Method::GET, "guesses", Value::Null).await;
    let names: BTreeSet<String> = listed["guesses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|guess| guess["name"].as_str().unwrap().to_owned())
        .collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut source = String::new();
    sources(&here.join("src"), &mut source);
    let document = std::fs::read_to_string(here.join("../../docs/emulator.md")).unwrap();
    for name in &names {
        let uses = source.matches(&format!("\"{name}\"")).count();
        assert!(uses >= 2, "{name} is listed but nothing refuses by it");
        assert!(document.contains(&format!("`{name}`")), "{name} is not in docs/emulator.md");
    }
}

#[tokio::test]
async fn a_guess_takes_other_words_or_is_switched_off() {
    let lab = Lab::start().await;
    lab.take("s1", "d").await;
    lab.take("s2", "d").await;
    lab.ferry("c2", "s2").await;
    let back = async || lab.put(&copy("c1"), copy_start(&snapshot("s1"), "westus2")).await;
    assert_eq!(back().await.refusal(), (409, "OperationNotAllowed"));
    let correct = async |correction: Value| {
        lab.control(Method::PUT, "guesses", json!({"copy-order": correction})).await;
    };
    correct(json!({"status": 400, "code": "CopyOutOfOrder", "message": "no"})).await;
    let refused = back().await;
    assert_eq!(refused.refusal(), (400, "CopyOutOfOrder"));
    assert_eq!(refused.body["error"]["message"], "no");
    correct(Value::Null).await;
    assert_eq!(back().await.refusal(), (409, "OperationNotAllowed"));
    correct(json!({"off": true})).await;
    assert_eq!(back().await.status, StatusCode::ACCEPTED);

    let url = format!("{}/guesses", lab.emulator.control_url());
    for wrong in [json!({"no-such": null}), json!({"copy-order": {"status": 200}})] {
        let answer = lab.client.put(&url).json(&wrong).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(lab.get(&disk("d")).await.status, StatusCode::OK);
}
