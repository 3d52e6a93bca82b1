//! The storage account of the Functions app: where its queues are, and what opens them.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use url::Url;

/// The setting that the Functions host reads, too.
const SETTING: &str = "AzureWebJobsStorage";

/// The account and key of every emulator of Azure Storage, published with Azurite.
const DEVELOPMENT: &str = "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1";

/// Where the account's queues are, and what opens them.
#[derive(Clone, Debug)]
pub struct StorageAccess {
    /// The queue service.
    pub queues: Url,
    /// What opens it.
    pub access: Access,
}

/// What opens an account.
#[derive(Clone, Debug)]
pub enum Access {
    /// A key of the account.
    Key(AccountKey),
    /// The identity that opens Azure Resource Manager, too.
    Identity,
}

/// An account's name and key. The key does not print itself.
#[derive(Clone)]
pub struct AccountKey {
    /// The account.
    pub account: String,
    /// The key.
    pub key: Vec<u8>,
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountKey {{ account: {:?}, key: *** }}", self.account)
    }
}

impl StorageAccess {
    /// Reads the account by its connection string or, without one, by its address; or says what is
    /// wrong, and never the key.
    pub(super) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        if let Some(text) = lookup(SETTING) {
            return Self::parse(&text)
                .map_err(|problem| format!("`{SETTING}` is no connection string: {problem}"));
        }
        let address = lookup(&format!("{SETTING}__queueServiceUri")).or_else(|| {
            let account = lookup(&format!("{SETTING}__accountName"))?;
            Some(format!("https://{account}.queue.core.windows.net"))
        });
        let Some(address) = address else {
            return Err(format!(
                "`{SETTING}` is not set, nor `{SETTING}__queueServiceUri`: clicks travel through the \
                 account's queue"
            ));
        };
        let queues = Url::parse(&address)
            .map_err(|error| format!("`{SETTING}__queueServiceUri` is `{address}`: {error}"))?;
        let local = matches!(queues.host_str(), Some("127.0.0.1" | "localhost"));
        if queues.scheme() != "https" && !local {
            return Err(format!(
                "`{SETTING}__queueServiceUri` is `{address}`: a token travels over https only"
            ));
        }
        Ok(Self { queues, access: Access::Identity })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let bare = text.trim().trim_end_matches(';');
        let text = if bare == "UseDevelopmentStorage=true" { DEVELOPMENT } else { text };
        let get = |name: &str| {
            let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim())
        };
        let account = get("AccountName").ok_or("it has no AccountName")?.to_owned();
        let key = get("AccountKey").ok_or("it has no AccountKey")?;
        let key = STANDARD.decode(key).map_err(|_| "its AccountKey is not Base64")?;
        let queues = match get("QueueEndpoint") {
            Some(endpoint) => endpoint.to_owned(),
            None => format!(
                "{}://{account}.queue.{}",
                get("DefaultEndpointsProtocol").unwrap_or("https"),
                get("EndpointSuffix").unwrap_or("core.windows.net")
            ),
        };
        let queues = Url::parse(&queues).map_err(|error| format!("its QueueEndpoint: {error}"))?;
        Ok(Self { queues, access: Access::Key(AccountKey { account, key }) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<StorageAccess, String> {
        StorageAccess::read(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn takes_a_connection_string_or_an_address() {
        let own = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net";
        let by_key = read(&[(SETTING, own), ("AzureWebJobsStorage__accountName", "b")]).unwrap();
        assert_eq!(by_key.queues.as_str(), "https://a.queue.core.windows.net/");
        assert!(matches!(&by_key.access, Access::Key(key) if key.account == "a"));
        assert!(!format!("{by_key:?}").contains("secret"));
        let named = read(&[("AzureWebJobsStorage__accountName", "b")]).unwrap();
        assert_eq!(named.queues.as_str(), "https://b.queue.core.windows.net/");
        assert!(matches!(named.access, Access::Identity));
    }

    #[test]
    fn says_what_is_wrong_and_never_the_key() {
        for (name, value) in [
            (SETTING, "AccountName=a;AccountKey=c2VjcmV0!"),
            (SETTING, "AccountKey=c2VjcmV0"),
            ("AzureWebJobsStorage__queueServiceUri", "http://example.com/"),
            ("Other", ""),
        ] {
            let problem = read(&[(name, value)]).unwrap_err();
            assert!(problem.starts_with("`AzureWebJobsStorage"), "{problem}");
            assert!(!problem.contains("c2VjcmV0"), "{problem}");
        }
    }
}
