//! The handler's life and death, and the host's.

use std::process::Command;

use host::{Host, LogLevel, LogLine};

use crate::app::{App, client, get, until};

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

/// Waits for a handler other than `old`.
async fn another(host: &Host, old: u32) -> u32 {
    let pid =
        until("another handler runs", async || host.handler_pid().filter(|pid| *pid != old)).await;
    host.wait_ready().await.unwrap();
    pid
}

#[tokio::test]
async fn gives_the_handler_a_clean_environment_and_the_app_s_folder() {
    let app = App::new();
    let host = app.start().await;
    let seen = get(&host, "/api/x").await;
    let env = seen["env"].as_object().unwrap();
    assert_eq!(env["FUNCTIONS_CUSTOMHANDLER_PORT"], env["FUNCTIONS_HTTPWORKER_PORT"]);
    assert_eq!(env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"], env["FUNCTIONS_HTTPWORKER_ID"]);
    assert_eq!(env["FUNCTIONS_APP_ROOT_PATH"], app.config.app_dir.to_str().unwrap());
    assert_eq!(seen["cwd"], app.config.app_dir.to_str().unwrap());
    assert!(!env.keys().any(|name| name.starts_with("CARGO")), "{env:?}");
    host.stop().await;
}

#[tokio::test]
async fn restarts_a_killed_handler_on_the_same_port() {
    let app = App::new();
    let host = app.start().await;
    let before = get(&host, "/api/x").await;
    let pid = host.handler_pid().unwrap();
    kill(pid);
    another(&host, pid).await;
    let after = get(&host, "/api/x").await;
    let value = |seen: &serde_json::Value, name: &str| seen["env"][name].clone();
    let (port, id) = ("FUNCTIONS_CUSTOMHANDLER_PORT", "FUNCTIONS_CUSTOMHANDLER_WORKER_ID");
    assert_eq!(value(&before, port), value(&after, port));
    assert_ne!(value(&before, id), value(&after, id));
    host.stop().await;
}

#[tokio::test]
async fn stops_itself_at_the_third_death() {
    let app = App::new();
    let host = app.start().await;
    host.wait_ready().await.unwrap();
    let first = host.handler_pid().unwrap();
    kill(first);
    let second = another(&host, first).await;
    let died = client().get(host.url() + "/api/exit/3").send().await.unwrap();
    assert_eq!((died.status().as_u16(), died.text().await.unwrap()), (500, String::new()));
    let third = another(&host, second).await;
    kill(third);
    let reason = host.stopped().await;
    assert!(reason.starts_with("Exceeded http worker restart retry count"), "{reason}");
    assert!(client().get(host.url()).send().await.unwrap_err().is_connect());
    assert!(host.wait_ready().await.is_err());
    host.stop().await;
}

#[tokio::test]
async fn does_not_count_a_wanted_restart() {
    let app = App::new();
    let host = app.start().await;
    host.wait_ready().await.unwrap();
    for code in [0, 200, 0, 200] {
        let pid = host.handler_pid().unwrap();
        client().get(format!("{}/api/exit/{code}", host.url())).send().await.unwrap();
        another(&host, pid).await;
    }
    host.stop().await;
}

#[tokio::test]
async fn lets_requests_wait_while_the_handler_starts() {
    let app = App::new();
    let gate = app.path("gate");
    let app = app.setting("GATE", gate.to_str().unwrap());
    let host = app.start().await;
    let mut logs = host.subscribe_logs();
    let request = tokio::spawn(client().get(host.url() + "/api/x").send());
    // The host is up while its handler is not.
    get(&host, "/admin/host/status").await;
    assert!(!request.is_finished());
    std::fs::write(gate, "").unwrap();
    assert_eq!(request.await.unwrap().unwrap().status(), 200);
    let expected = [
        (LogLevel::Information, "plain line"),
        (LogLevel::Warning, "WARNing line"),
        (LogLevel::Error, "bad line"),
    ];
    let mut expected =
        expected.map(|(level, text)| LogLine { level, text: text.to_owned() }).to_vec();
    while !expected.is_empty() {
        let line = logs.recv().await.unwrap();
        expected.retain(|wanted| *wanted != line);
    }
    host.stop().await;
}

#[tokio::test]
async fn stops_itself_when_the_handler_never_answers() {
    let mut app = App::new().setting("GATE", "/nowhere/at/all");
    app.host_json["customHandler"]["initializationTimeout"] = "00:00:00.1".into();
    let host = app.start().await;
    let reason = host.stopped().await;
    assert!(reason.contains("imed out") || reason.contains("timed out"), "{reason}");
    host.stop().await;
}

#[tokio::test]
async fn kills_a_handler_that_exceeds_the_function_s_limit() {
    let mut app = App::new();
    app.host_json["functionTimeout"] = "00:00:01".into();
    let host = app.start().await;
    host.wait_ready().await.unwrap();
    let pid = host.handler_pid().unwrap();
    let hung = client().get(host.url() + "/api/hang").send().await.unwrap();
    assert_eq!(hung.status(), 500);
    another(&host, pid).await;
    host.stop().await;
}

#[tokio::test]
async fn leaves_no_handler_behind() {
    let app = App::new();
    let host = app.start().await;
    host.wait_ready().await.unwrap();
    let (pid, url) = (host.handler_pid().unwrap(), host.url());
    host.stop().await;
    let alive = Command::new("kill").args(["-0", &pid.to_string()]).output().unwrap();
    assert!(!alive.status.success());
    assert!(client().get(url).send().await.unwrap_err().is_connect());
}
