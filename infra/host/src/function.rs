//! The functions of an app: each folder's function.json, read and checked (functions-host §5).

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, anyhow, bail};
use axum::http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    host_json::HostJson, queue::connection::Connection, route::Route, schedule::Schedule,
    settings::Settings,
};

/// One function that is not disabled.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    /// The folder's name, in its exact case: envelopes are posted to it.
    pub(crate) name: String,
    pub(crate) trigger: Trigger,
    /// The name of the trigger's binding.
    pub(crate) binding: String,
    /// The name of the `http` output, if there is one.
    pub(crate) http_output: Option<String>,
    /// One `httpTrigger` in and one `http` out, nothing else: may be proxied or forwarded (§3).
    pub(crate) in_and_out: bool,
}

/// What starts a function.
#[derive(Debug, Clone)]
pub(crate) enum Trigger {
    Http {
        route: Route,
        /// Empty is all.
        methods: Vec<Method>,
        auth_level: AuthLevel,
    },
    Timer {
        schedule: Schedule,
        text: String,
        run_on_startup: bool,
        use_monitor: bool,
    },
    Queue {
        queue: String,
        connection: Connection,
    },
}

/// Who may call an HTTP function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuthLevel {
    Anonymous,
    User,
    Function,
    System,
    Admin,
}

#[derive(Deserialize)]
struct FunctionJson {
    #[serde(default)]
    bindings: Vec<Binding>,
    #[serde(default)]
    disabled: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    direction: String,
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// The functions of an app, and what is wrong with the others.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) functions: Vec<Function>,
    /// In the host's words, for its log.
    pub(crate) errors: Vec<String>,
}

/// Reads every function of the app, in order of name; a faulty one is left out, as the host does.
pub(crate) fn load(app_dir: &Path, host: &HostJson, settings: &Settings) -> Result<Loaded> {
    let mut folders: Vec<_> = std::fs::read_dir(app_dir)
        .with_context(|| format!("listing {}", app_dir.display()))?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("function.json").is_file())
        .collect();
    folders.sort_by_key(std::fs::DirEntry::file_name);
    let mut loaded = Loaded::default();
    for folder in folders {
        let name = folder.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(folder.path().join("function.json"))?;
        match read(&name, &text, host, settings) {
            Ok(function) => loaded.functions.extend(function),
            Err(error) => {
                loaded.errors.push(format!("The '{name}' function is in error: {error:#}"));
            }
        }
    }
    Ok(loaded)
}

fn read(name: &str, text: &str, host: &HostJson, settings: &Settings) -> Result<Option<Function>> {
    if !is_name(name) {
        bail!("'{name}' is not a valid function name.");
    }
    let json: FunctionJson = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .context("Unable to parse function.json")?;
    let disabled = settings.is_on(&format!("AzureWebJobs.{name}.Disabled"))
        || settings.is_on(&format!("AzureWebJobs_{name}_Disabled"))
        || json.disabled == Value::Bool(true);
    if disabled {
        return Ok(None);
    }
    if json.bindings.is_empty() {
        bail!("At least one binding must be declared.");
    }
    let is_trigger = |binding: &&Binding| binding.kind.to_ascii_lowercase().ends_with("trigger");
    let triggers: Vec<_> = json.bindings.iter().filter(is_trigger).collect();
    let trigger = match triggers[..] {
        [trigger] => trigger,
        [] => bail!("No trigger binding specified. A function must have a trigger input binding."),
        _ => bail!(
            "Multiple trigger bindings defined. A function can only have a single trigger binding."
        ),
    };
    let outputs: Vec<_> = json
        .bindings
        .iter()
        .filter(|binding| binding.direction.eq_ignore_ascii_case("out"))
        .collect();
    let is_http = |binding: &&&Binding| binding.kind.eq_ignore_ascii_case("http");
    let in_and_out = trigger.kind.eq_ignore_ascii_case("httpTrigger")
        && json.bindings.len() == 2
        && outputs.iter().filter(is_http).count() == 1;
    Ok(Some(Function {
        name: name.to_owned(),
        trigger: trigger.trigger(name, host, settings)?,
        binding: trigger.name.clone(),
        http_output: outputs.iter().find(is_http).map(|binding| binding.name.clone()),
        in_and_out,
    }))
}

impl Binding {
    fn text(&self, key: &str) -> Option<&str> {
        self.rest.get(key).and_then(Value::as_str)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.rest.get(key).and_then(Value::as_bool)
    }

    fn trigger(&self, name: &str, host: &HostJson, settings: &Settings) -> Result<Trigger> {
        match self.kind.to_ascii_lowercase().as_str() {
            "httptrigger" => self.http(name, &host.route_prefix),
            "timertrigger" => {
                let text = settings.resolve(self.text("schedule").unwrap_or_default())?;
                Ok(Trigger::Timer {
                    schedule: Schedule::parse(&text)?,
                    text,
                    run_on_startup: self.flag("runOnStartup").unwrap_or(false),
                    use_monitor: self.flag("useMonitor").unwrap_or(true),
                })
            }
            "queuetrigger" => {
                let queue = settings.resolve(self.text("queueName").unwrap_or_default())?;
                if queue.is_empty() {
                    bail!("A queue trigger needs a queueName.");
                }
                let connection = self.text("connection").unwrap_or_default();
                Ok(Trigger::Queue {
                    queue: queue.to_ascii_lowercase(),
                    connection: Connection::find(settings, connection)?,
                })
            }
            other => bail!("The binding type(s) '{other}' are not registered."),
        }
    }

    fn http(&self, name: &str, prefix: &str) -> Result<Trigger> {
        let own = self.text("route").unwrap_or(name).trim_matches('/');
        let route = Route::parse(&format!("{prefix}/{own}"))?;
        let first = route.template().trim_start_matches('/').split('/').next().unwrap_or_default();
        if first.eq_ignore_ascii_case("admin") || first.eq_ignore_ascii_case("runtime") {
            bail!("The specified route conflicts with one or more built in routes.");
        }
        let methods = match self.rest.get("methods") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(methods)) => methods
                .iter()
                .map(method)
                .collect::<Option<_>>()
                .context("methods must be HTTP methods")?,
            Some(_) => bail!("methods must be a list"),
        };
        let auth_level = match self.text("authLevel") {
            None => AuthLevel::Function,
            Some(text) => serde_json::from_value(Value::String(text.to_ascii_lowercase()))
                .map_err(|_| anyhow!("'{text}' is not a valid authLevel"))?,
        };
        Ok(Trigger::Http { route, methods, auth_level })
    }
}

fn method(value: &Value) -> Option<Method> {
    Method::from_bytes(value.as_str()?.to_ascii_uppercase().as_bytes()).ok()
}

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic());
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    starts && rest && name.len() <= 128 && !name.eq_ignore_ascii_case("host")
}

#[cfg(test)]
mod tests;
