//! A storage account's queues by a connection string, and the signing of requests to them.

use std::fmt;

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::Url;

use crate::settings::Settings;

/// The account and key of every emulator of Azure Storage, published with Azurite.
const DEVELOPMENT: &str = "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1";

/// Where queues are, and the key to them.
#[derive(Clone)]
pub(crate) struct Connection {
    /// The queue service, without a slash at the end.
    pub(super) endpoint: Url,
    account: String,
    key: Vec<u8>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.endpoint)
    }
}

impl Connection {
    /// Reads the setting that a binding's `connection` names.
    pub(crate) fn find(settings: &Settings, name: &str) -> Result<Self> {
        let name = if name.is_empty() { "AzureWebJobsStorage" } else { name };
        let value = settings.get(&format!("AzureWebJobs{name}")).or_else(|| settings.get(name));
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            if settings.get(&format!("{name}__queueServiceUri")).is_some() {
                bail!(
                    "'{name}' is a connection by identity, which this host does not know: give it a connection string."
                );
            }
            bail!(
                "Storage account connection string '{name}' does not exist. Make sure that it is a defined App Setting."
            );
        };
        Self::parse(value)
            .with_context(|| format!("The storage connection string in '{name}' is not valid"))
    }

    fn parse(text: &str) -> Result<Self> {
        let development = text.trim().trim_end_matches(';');
        let text = if development == "UseDevelopmentStorage=true" { DEVELOPMENT } else { text };
        let get = |name: &str| {
            let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim())
        };
        let account = get("AccountName").context("it has no AccountName")?;
        let key = get("AccountKey").context("it has no AccountKey")?;
        let endpoint = match get("QueueEndpoint") {
            Some(endpoint) => endpoint.to_owned(),
            None => format!(
                "{}://{account}.queue.{}",
                get("DefaultEndpointsProtocol").unwrap_or("https"),
                get("EndpointSuffix").unwrap_or("core.windows.net")
            ),
        };
        let endpoint = Url::parse(endpoint.trim_end_matches('/')).context("its QueueEndpoint")?;
        if endpoint.scheme() != "http" {
            bail!("this host reaches queues over plain HTTP only, not at {endpoint}");
        }
        Ok(Self {
            endpoint,
            account: account.to_owned(),
            key: STANDARD.decode(key).context("its AccountKey")?,
        })
    }

    /// The `Authorization` of a request with these parts.
    ///
    /// `headers` are its `x-ms-…` headers in order of name, `query` its parameters likewise.
    pub(super) fn authorization(&self, request: &Signed<'_>) -> String {
        let length = match request.length {
            0 => String::new(),
            length => length.to_string(),
        };
        let mut text = format!("{}\n\n\n{length}\n\n\n\n\n\n\n\n\n", request.method);
        for (name, value) in request.headers {
            text += &format!("{name}:{value}\n");
        }
        text += &format!("/{}{}", self.account, request.path);
        for (name, value) in request.query {
            text += &format!("\n{name}:{value}");
        }
        // A key of any length will do.
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.key) {
            Ok(mac) => mac,
            Err(_) => return String::new(),
        };
        mac.update(text.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        format!("SharedKey {}:{signature}", self.account)
    }
}

/// What a signature covers.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) length: usize,
    pub(super) headers: &'a [(&'static str, String)],
    pub(super) query: &'a [(&'static str, String)],
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn find(value: &str) -> Result<Connection> {
        let settings = Settings(BTreeMap::from([("Work".to_owned(), value.to_owned())]));
        Connection::find(&settings, "work")
    }

    #[test]
    fn reads_the_forms_of_a_connection_string() {
        let development = find("UseDevelopmentStorage=true;").unwrap();
        assert_eq!(development.endpoint.as_str(), "http://127.0.0.1:10001/devstoreaccount1");
        let own =
            find("AccountName=a;AccountKey=AA==;QueueEndpoint=http://localhost:1/a/").unwrap();
        assert_eq!(own.endpoint.as_str(), "http://localhost:1/a");
    }

    #[test]
    fn says_what_is_wrong_and_never_the_key() {
        let error = |value: &str| format!("{:#}", find(value).unwrap_err());
        assert!(error("AccountName=a").contains("no AccountKey"));
        let azure = error("AccountName=a;AccountKey=c2VjcmV0");
        assert!(azure.contains("https://a.queue.core.windows.net"), "{azure}");
        assert!(!azure.contains("c2VjcmV0"));
        assert!(error("").contains("does not exist"));
    }
}
