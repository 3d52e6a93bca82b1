//! host.json: what the host reads of it, checked with the host's own words (functions-host §1.1).

mod queues;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::{settings::Settings, timespan};

pub(crate) use queues::Queues;

/// The limit of Flex and Premium when host.json says nothing (functions-host §4.2).
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(30 * 60);
const INITIALIZATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The parts of host.json that this host acts on.
#[derive(Debug, Clone)]
pub(crate) struct HostJson {
    pub(crate) route_prefix: String,
    /// None is no limit.
    pub(crate) function_timeout: Option<Duration>,
    pub(crate) forwarding: bool,
    pub(crate) proxying: bool,
    pub(crate) initialization_timeout: Duration,
    pub(crate) port: Option<u16>,
    pub(crate) description: Description,
    pub(crate) queues: Queues,
}

/// `customHandler.description`: how to start the handler.
#[derive(Debug, Clone, Default)]
pub(crate) struct Description {
    pub(crate) executable: String,
    pub(crate) working_directory: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) worker_directory: String,
    pub(crate) stderr_is_error: bool,
}

impl HostJson {
    /// Reads `host.json` of the app, under the `AzureFunctionsJobHost__…` settings.
    pub(crate) fn load(app_dir: &Path, settings: &Settings) -> Result<Self> {
        let path = app_dir.join("host.json");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading host.json in {}", app_dir.display()))?;
        let json: Value =
            serde_json::from_str(text.trim_start_matches('\u{feff}')).with_context(|| {
                format!("Unable to parse host configuration file '{}'.", path.display())
            })?;
        Self::read(&Section { json: &json, settings })
    }

    fn read(file: &Section<'_>) -> Result<Self> {
        match file.text("version")?.as_deref() {
            None | Some("") => bail!(
                "The host.json file is missing the required 'version' property. See https://aka.ms/functions-hostjson for steps to migrate the configuration file."
            ),
            Some("2.0") => {}
            Some(other) => bail!(
                "'{other}' is an invalid value for host.json 'version' property. We recommend you set the 'version' property to '2.0'. "
            ),
        }
        if !file.has("customHandler:description") {
            bail!("Missing worker Description.");
        }
        let function_timeout = match file.text("functionTimeout")? {
            Some(text) => timespan::parse_limit(&text).ok_or_else(|| {
                anyhow!("'{text}' is an invalid value for host.json 'functionTimeout' property.")
            })?,
            None => Some(FUNCTION_TIMEOUT),
        };
        if function_timeout.is_some_and(|limit| limit < Duration::from_secs(1)) {
            bail!("FunctionTimeout must be greater than 00:00:01.");
        }
        let initialization_timeout = match file.text("customHandler:initializationTimeout")? {
            Some(text) => timespan::parse(&text).ok_or_else(|| {
                anyhow!("'{text}' is an invalid value for customHandler 'initializationTimeout'.")
            })?,
            None => INITIALIZATION_TIMEOUT,
        };
        let port = file
            .text("customHandler:port")?
            .map(|text| text.parse().with_context(|| format!("'{text}' is no port")))
            .transpose()?
            .filter(|port| *port != 0);
        Ok(Self {
            route_prefix: file
                .text("extensions:http:routePrefix")?
                .unwrap_or_else(|| "api".to_owned())
                .trim_matches('/')
                .to_owned(),
            function_timeout,
            forwarding: file.flag("customHandler:enableForwardingHttpRequest")?.unwrap_or(false),
            proxying: file.flag("customHandler:enableProxyingHttpRequest")?.unwrap_or(false),
            initialization_timeout,
            port,
            description: Description::read(file)?,
            queues: Queues::read(file)?,
        })
    }
}

impl Description {
    fn read(file: &Section<'_>) -> Result<Self> {
        let at = |name: &str| format!("customHandler:description:{name}");
        let text = |name: &str| file.text(&at(name)).map(Option::unwrap_or_default);
        let executable = text("defaultExecutablePath")?;
        if executable.trim().is_empty() {
            bail!("WorkerDescription DefaultExecutablePath cannot be empty");
        }
        let mut arguments = file.list(&at("arguments"))?;
        let worker_path = text("defaultWorkerPath")?;
        if !worker_path.is_empty() {
            arguments.push(worker_path);
        }
        arguments.extend(file.list(&at("workerArguments"))?);
        Ok(Self {
            executable,
            working_directory: text("workingDirectory")?,
            arguments,
            worker_directory: text("workerDirectory")?,
            stderr_is_error: file.flag(&at("useStdErrorStreamForErrorsOnly"))?.unwrap_or(true),
        })
    }
}

/// host.json as .NET's configuration sees it: keys without case, any key replaceable by a setting.
struct Section<'a> {
    json: &'a Value,
    settings: &'a Settings,
}

impl Section<'_> {
    fn find(&self, path: &str) -> Option<&Value> {
        path.split(':').try_fold(self.json, |value, key| {
            let object = value.as_object()?;
            object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
        })
    }

    fn override_of(&self, path: &str) -> Option<&str> {
        self.settings.get(&format!("AzureFunctionsJobHost__{}", path.replace(':', "__")))
    }

    fn has(&self, path: &str) -> bool {
        let prefix = format!("AzureFunctionsJobHost__{}__", path.replace(':', "__")).to_lowercase();
        self.find(path).is_some_and(Value::is_object)
            || self.settings.0.keys().any(|key| key.to_lowercase().starts_with(&prefix))
    }

    fn text(&self, path: &str) -> Result<Option<String>> {
        if let Some(text) = self.override_of(path) {
            return Ok(Some(text.to_owned()));
        }
        match self.find(path) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(plain @ (Value::Bool(_) | Value::Number(_))) => Ok(Some(plain.to_string())),
            Some(_) => bail!("host.json: '{path}' must be a plain value"),
        }
    }

    fn flag(&self, path: &str) -> Result<Option<bool>> {
        let Some(text) = self.text(path)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => bail!(
                "Failed to convert configuration value at 'AzureFunctionsJobHost:{path}' to type 'System.Boolean'."
            ),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        let Some(value) = self.find(path) else { return Ok(Vec::new()) };
        let items =
            value.as_array().with_context(|| format!("host.json: '{path}' must be a list"))?;
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        texts
            .collect::<Option<_>>()
            .with_context(|| format!("host.json: '{path}' must hold strings"))
    }
}

#[cfg(test)]
mod tests;
