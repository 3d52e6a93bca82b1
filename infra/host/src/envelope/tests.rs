//! The value rule and the answers of functions-host §3.4 and §4.1.

use super::*;

#[test]
fn wraps_everything_but_objects() {
    let encoded = |from: Value| value(&from);
    assert_eq!(encoded(json!("hello")), json!("\"hello\""));
    assert_eq!(encoded(json!("{\"id\":1}")), json!("\"{\\\"id\\\":1}\""));
    assert_eq!(encoded(json!({"id": 1})), json!({"id": 1}));
    assert_eq!(encoded(json!([1, 2])), json!("[1,2]"));
    assert_eq!(encoded(json!(1)), json!("1"));
    assert_eq!(encoded(json!("")), json!("\"\""));
    assert_eq!(encoded(json!(null)), json!("null"));
    assert_eq!(encoded(json!("say \"ä\"")), json!("\"say \\\"ä\\\"\""));
}

#[test]
fn puts_data_first_and_sys_into_the_metadata() {
    let text = encode("tick", "timer", json!({"IsPastDue": false}), Map::new());
    assert!(
        text.starts_with("{\"Data\":{\"timer\":{\"IsPastDue\":false}},\"Metadata\":{\"sys\":{"),
        "{text}"
    );
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["Metadata"]["sys"]["MethodName"], "tick");
}

#[test]
fn reads_an_answer_without_case() {
    let body = br#"{"outputs":{"res":{}},"LOGS":["a"],"returnValue":7,"more":1}"#;
    let answer = decode(StatusCode::OK, "application/json; charset=utf-8", body).unwrap();
    assert_eq!(answer.logs, ["a"]);
    assert_eq!(answer.return_value, json!(7));
    assert!(answer.outputs.unwrap().contains_key("res"));
    assert_eq!(decode(StatusCode::OK, "application/json", b"{}").unwrap(), Answer::default());
}

#[test]
fn fails_what_the_host_fails() {
    let error = |status, media, body: &str| decode(status, media, body.as_bytes()).unwrap_err();
    assert!(error(StatusCode::BAD_GATEWAY, "application/json", "{}").contains("502"));
    assert!(error(StatusCode::OK, "text/plain", "{}").starts_with("Invalid HttpResponseMessage"));
    assert!(
        error(StatusCode::OK, "application/json", "{").starts_with("Invalid HttpResponseMessage")
    );
    assert!(error(StatusCode::OK, "application/json", "").contains("EMPTY"));
    assert!(error(StatusCode::OK, "application/json", "null").contains("EMPTY"));
}

#[test]
fn guesses_base64_where_it_can() {
    for trapped in ["test", "deadbeef", ""] {
        assert!(guess_base64(trapped).is_some());
    }
    for safe in ["{\"a\":1}", "a-b_", "tests"] {
        assert!(guess_base64(safe).is_none());
    }
}
