//! What host.json may and may not say.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn read(json: &Value) -> Result<HostJson> {
    HostJson::read(&Section { json, settings: &Settings::default() })
}

fn error(json: &Value) -> String {
    read(json).unwrap_err().to_string()
}

#[test]
fn takes_the_host_s_defaults() {
    let json = json!({"version": "2.0",
        "customHandler": {"description": {"defaultExecutablePath": "handler"}}});
    let read = read(&json).unwrap();
    assert_eq!(read.route_prefix, "api");
    assert_eq!(read.function_timeout, Some(Duration::from_secs(1800)));
    assert_eq!(read.initialization_timeout, Duration::from_secs(30));
    assert!(!read.forwarding && !read.proxying && read.description.stderr_is_error);
}

#[test]
fn fails_in_the_host_s_words() {
    assert!(error(&json!({})).starts_with("The host.json file is missing the required 'version'"));
    let other = error(&json!({"version": "3.0"}));
    assert!(other.starts_with("'3.0' is an invalid value for host.json 'version' property."));
    assert_eq!(error(&json!({"version": "2.0"})), "Missing worker Description.");
    let empty = json!({"version": "2.0", "customHandler": {"description": {}}});
    assert!(error(&empty).ends_with("DefaultExecutablePath cannot be empty"));
}

#[test]
fn compares_keys_without_case_and_lets_settings_win() {
    let json = json!({"Version": "2.0", "functiontimeout": "-1",
        "customHandler": {"Description": {"defaultExecutablePath": "a"}, "enableProxyingHttpRequest": "True"}});
    let settings = Settings(BTreeMap::from([(
        "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath".to_owned(),
        "b".to_owned(),
    )]));
    let read = HostJson::read(&Section { json: &json, settings: &settings }).unwrap();
    assert_eq!(read.function_timeout, None);
    assert!(read.proxying);
    assert_eq!(read.description.executable, "b");
}
