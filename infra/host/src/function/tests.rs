//! What a function.json may and may not say.

use super::*;
use crate::host_json::{Description, Queues};

fn host() -> HostJson {
    HostJson {
        route_prefix: String::new(),
        function_timeout: None,
        forwarding: true,
        proxying: true,
        initialization_timeout: std::time::Duration::from_secs(30),
        port: None,
        description: Description::default(),
        queues: Queues::default(),
    }
}

fn timer(schedule: &str) -> String {
    format!(
        r#"{{"bindings":[{{"type":"timerTrigger","direction":"in","name":"timer","schedule":"{schedule}"}}]}}"#
    )
}

const HTTP: &str = r#"{"bindings":[
    {"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"api/{*path}","methods":["get","post"]},
    {"type":"http","direction":"out","name":"res"}]}"#;

fn settings(pairs: &[(&str, &str)]) -> Settings {
    Settings(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn reads_an_http_function() {
    let function = read("api", HTTP, &host(), &Settings::default()).unwrap().unwrap();
    assert!(function.in_and_out);
    assert_eq!(function.http_output.as_deref(), Some("res"));
    let Trigger::Http { methods, auth_level, .. } = function.trigger else { panic!() };
    assert_eq!(methods, [Method::GET, Method::POST]);
    assert_eq!(auth_level, AuthLevel::Anonymous);
}

#[test]
fn takes_the_schedule_from_a_setting() {
    let settings = settings(&[("EVERY", "0 */5 * * * *")]);
    let function = read("tick", &timer("%EVERY%"), &host(), &settings).unwrap().unwrap();
    assert!(matches!(function.trigger, Trigger::Timer { text, .. } if text == "0 */5 * * * *"));
    let error = read("tick", &timer("%OTHER%"), &host(), &settings).unwrap_err().to_string();
    assert_eq!(error, "'%OTHER%' does not resolve to a value.");
}

#[test]
fn refuses_what_the_host_refuses() {
    let error = |name: &str, text: &str| {
        read(name, text, &host(), &Settings::default()).unwrap_err().to_string()
    };
    assert_eq!(error("1st", HTTP), "'1st' is not a valid function name.");
    assert_eq!(error("host", HTTP), "'host' is not a valid function name.");
    assert!(error("tick", &timer("00:30:00")).starts_with("The schedule expression '00:30:00'"));
    assert!(error("x", r#"{"bindings":[]}"#).starts_with("At least one binding"));
    let admin = HTTP.replace("api/{*path}", "admin/x");
    assert!(error("x", &admin).contains("built in routes"));
}

#[test]
fn leaves_out_a_disabled_function() {
    let settings = settings(&[("AzureWebJobs.api.Disabled", "true")]);
    assert!(read("api", HTTP, &host(), &settings).unwrap().is_none());
}
