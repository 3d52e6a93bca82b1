//! Configuration: every environment variable, read once and validated together.

mod storage;

use std::path::PathBuf;

use shared::model::Writes;
use url::Url;

pub use storage::{Access, AccountKey, StorageAccess};

/// Everything that the environment says.
#[derive(Clone, Debug)]
pub struct Config {
    /// `FUNCTIONS_CUSTOMHANDLER_PORT`: where the host expects the handler.
    pub port: u16,
    /// `SNAPFERRY_INSTALLATION`: this deployment's id; what carries it in a tag may be deleted.
    pub installation: String,
    /// `SNAPFERRY_CLOUD`: the cloud's name, shown in the header.
    pub cloud: String,
    /// `SNAPFERRY_ARM_ENDPOINT`: Azure Resource Manager.
    pub arm_endpoint: Url,
    /// `SNAPFERRY_ARM_SCOPE`: the scope of the tokens for it.
    pub arm_scope: String,
    /// `SNAPFERRY_CA_FILE`: a CA to trust besides the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// `SNAPFERRY_CREDENTIAL`: `managed_identity` (default) or `azure_cli`.
    pub credential: CredentialKind,
    /// `SNAPFERRY_SUBSCRIPTIONS`: the subscriptions to look at, comma separated; all if absent.
    pub subscriptions: Vec<String>,
    /// `SNAPFERRY_ALLOW_WRITES_TO`: subscriptions that may be written to, comma separated; `*` is
    /// for the local emulator only.
    pub writes: Writes,
    /// `SNAPFERRY_STORE`: the folder of policies, requests and runs.
    pub store: PathBuf,
    /// `SNAPFERRY_PORTAL`: the portal's files; `files` beside the binary if absent.
    pub portal: PathBuf,
    /// `AzureWebJobsStorage` or `AzureWebJobsStorage__queueServiceUri`: the storage account whose
    /// queue carries clicks from the portal to the worker.
    pub storage: StorageAccess,
    /// Who is let in.
    pub sign_in: SignIn,
    /// `AzureWebJobs.tick.Disabled`: false in a deployment that has no timer, such as the portal's,
    /// which asks the worker for a tick.
    pub ticks: bool,
    /// `SNAPFERRY_CLOCK_URL`: the emulator's clock, in the host clock's stead.
    pub clock_url: Option<Url>,
}

/// Where tokens come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// The App Service identity endpoint.
    ManagedIdentity,
    /// The developer's own `az login`.
    AzureCli,
}

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// `WEBSITE_AUTH_ENABLED` is true: the platform has authenticated the caller.
    EasyAuth,
    /// `SNAPFERRY_LOCAL_IDENTITY`: everybody on this machine is this person. Not when hosted.
    Local(String),
    /// Neither: every request is refused.
    Closed,
}

/// All that is wrong with the environment, in one message.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used:\n- {}", .0.join("\n- "))]
pub struct ConfigError(Vec<String>);

impl Config {
    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Reads variables through `lookup`, so that tests need not set any.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut problems = vec![];
        let hosted = ["WEBSITE_INSTANCE_ID", "CONTAINER_NAME", "WEBSITE_POD_NAME"]
            .iter()
            .any(|name| lookup(name).is_some());
        let required = |name: &str, problems: &mut Vec<String>| {
            lookup(name).unwrap_or_else(|| {
                problems.push(format!("`{name}` is not set"));
                String::new()
            })
        };
        let port = required("FUNCTIONS_CUSTOMHANDLER_PORT", &mut problems);
        let port = port.parse().unwrap_or_else(|_| {
            if !port.is_empty() {
                problems.push(format!("`FUNCTIONS_CUSTOMHANDLER_PORT` is `{port}`, not a port"));
            }
            0
        });
        let installation = required("SNAPFERRY_INSTALLATION", &mut problems);
        let store = PathBuf::from(required("SNAPFERRY_STORE", &mut problems));
        let endpoint = lookup("SNAPFERRY_ARM_ENDPOINT")
            .unwrap_or_else(|| "https://management.azure.com".to_owned());
        let url = |name: &str, text: &str, problems: &mut Vec<String>| match Url::parse(text) {
            Ok(url) => Some(url),
            Err(error) => {
                problems.push(format!("`{name}` is `{text}`: {error}"));
                None
            }
        };
        let arm_endpoint = url("SNAPFERRY_ARM_ENDPOINT", &endpoint, &mut problems);
        let clock_url = lookup("SNAPFERRY_CLOCK_URL")
            .and_then(|text| url("SNAPFERRY_CLOCK_URL", &text, &mut problems));
        let credential = match lookup("SNAPFERRY_CREDENTIAL").as_deref() {
            None | Some("managed_identity") => CredentialKind::ManagedIdentity,
            Some("azure_cli") => CredentialKind::AzureCli,
            Some(other) => {
                problems.push(format!(
                    "`SNAPFERRY_CREDENTIAL` is `{other}`; use `managed_identity` or `azure_cli`"
                ));
                CredentialKind::ManagedIdentity
            }
        };
        let writes = match lookup("SNAPFERRY_ALLOW_WRITES_TO").as_deref() {
            Some("*") if hosted || clock_url.is_none() => {
                problems.push(
                    "`SNAPFERRY_ALLOW_WRITES_TO=*` is for the local emulator; name subscriptions"
                        .to_owned(),
                );
                Writes::Only(vec![])
            }
            Some("*") => Writes::Everywhere,
            other => Writes::Only(list(other.unwrap_or_default())),
        };
        let auth = lookup("WEBSITE_AUTH_ENABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let sign_in = match lookup("SNAPFERRY_LOCAL_IDENTITY") {
            Some(_) if hosted => {
                problems.push("`SNAPFERRY_LOCAL_IDENTITY` must not be set when hosted".to_owned());
                SignIn::Closed
            }
            _ if auth => SignIn::EasyAuth,
            Some(name) => SignIn::Local(name),
            None => SignIn::Closed,
        };
        if hosted && clock_url.is_some() {
            problems.push("`SNAPFERRY_CLOCK_URL` must not be set when hosted".to_owned());
        }
        // Linux takes no full stop in a variable's name: the platform puts an underscore there.
        let ticks = !["AzureWebJobs.tick.Disabled", "AzureWebJobs_tick_Disabled"]
            .iter()
            .filter_map(|name| lookup(name))
            .any(|value| value.eq_ignore_ascii_case("true") || value == "1");
        let beside = || {
            let binary = std::env::current_exe().ok();
            binary.and_then(|path| Some(path.parent()?.join("files"))).unwrap_or_default()
        };
        let storage = StorageAccess::read(&lookup).map_err(|problem| problems.push(problem)).ok();
        match (arm_endpoint, storage) {
            (Some(arm_endpoint), Some(storage)) if problems.is_empty() => Ok(Self {
                port,
                installation,
                cloud: lookup("SNAPFERRY_CLOUD").unwrap_or_else(|| "AzureCloud".to_owned()),
                arm_endpoint,
                arm_scope: lookup("SNAPFERRY_ARM_SCOPE")
                    .unwrap_or_else(|| "https://management.azure.com/.default".to_owned()),
                ca_file: lookup("SNAPFERRY_CA_FILE").map(PathBuf::from),
                credential,
                subscriptions: list(&lookup("SNAPFERRY_SUBSCRIPTIONS").unwrap_or_default()),
                writes,
                store,
                portal: lookup("SNAPFERRY_PORTAL").map_or_else(beside, PathBuf::from),
                storage,
                sign_in,
                ticks,
                clock_url,
            }),
            _ => Err(ConfigError(problems)),
        }
    }
}

/// The store's folder alone: what looks at past runs needs nothing else of the environment.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn store_from_env() -> Option<PathBuf> {
    std::env::var("SNAPFERRY_STORE").ok().filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut all = BTreeMap::from([
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "7000"),
            ("SNAPFERRY_INSTALLATION", "test"),
            ("SNAPFERRY_STORE", "store"),
            ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
        ]);
        all.extend(pairs.iter().copied());
        Config::from_lookup(|name| all.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn a_new_installation_observes_and_lets_nobody_in() {
        let config = read(&[]).unwrap();
        assert!(config.writes.observe_only());
        assert_eq!(config.sign_in, SignIn::Closed);
    }

    #[test]
    fn the_local_conveniences_stop_a_hosted_start_all_in_one_message() {
        let error = read(&[
            ("WEBSITE_INSTANCE_ID", "i"),
            ("SNAPFERRY_LOCAL_IDENTITY", "me"),
            ("SNAPFERRY_CLOCK_URL", "http://127.0.0.1:1/clock"),
            ("SNAPFERRY_ALLOW_WRITES_TO", "*"),
        ])
        .unwrap_err()
        .to_string();
        for name in ["LOCAL_IDENTITY", "CLOCK_URL", "ALLOW_WRITES_TO"] {
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn writing_everywhere_is_refused_without_the_emulator() {
        assert!(read(&[("SNAPFERRY_ALLOW_WRITES_TO", "*")]).is_err());
    }
}
