//! Tokens, through the official Azure SDK for Rust.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::{AzureCliCredential, ManagedIdentityCredential};
use tokio::sync::Mutex;

use super::{ArmError, InProcess};
use crate::config::CredentialKind;

/// A secret that does not print itself.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

/// A token is asked for anew this long before it expires.
const MARGIN_SECONDS: i64 = 300;

/// The source of tokens; keeps the last one until shortly before it expires.
pub(super) struct Tokens {
    kind: CredentialKind,
    scope: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    credential: Option<Arc<dyn TokenCredential>>,
    token: Option<(Token, i64)>,
}

impl Tokens {
    pub(super) fn new(kind: CredentialKind, scope: String) -> Self {
        Self { kind, scope, kept: Mutex::default() }
    }

    /// Drops the kept token, because Azure did not take it.
    pub(super) async fn forget(&self) {
        *self.kept.lock().await = Kept::default();
    }

    /// A token: from the router where Azure is `azure`, in this process; else as the SDK gets it.
    pub(super) async fn get(&self, azure: Option<&InProcess>) -> Result<Token, ArmError> {
        let mut kept = self.kept.lock().await;
        if let Some((token, expires_at)) = &kept.token
            && real_seconds() + MARGIN_SECONDS < *expires_at
        {
            return Ok(token.clone());
        }
        if let Some(azure) = azure {
            let resource = self.scope.trim_end_matches("/.default");
            let (secret, expires_at) = azure.token(resource).await?;
            let token = Token(secret);
            kept.token = Some((token.clone(), expires_at));
            return Ok(token);
        }
        let fail = |error: azure_core::Error| ArmError::Credential(error.to_string());
        let credential = match &kept.credential {
            Some(credential) => credential.clone(),
            None => self.credential().map_err(fail)?,
        };
        let token = credential.get_token(&[&self.scope], None).await.map_err(fail)?;
        let secret = Token(token.token.secret().to_owned());
        kept.credential = Some(credential);
        kept.token = Some((secret.clone(), token.expires_on.unix_timestamp()));
        Ok(secret)
    }

    fn credential(&self) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(match self.kind {
            CredentialKind::ManagedIdentity => ManagedIdentityCredential::new(None)?,
            CredentialKind::AzureCli => AzureCliCredential::new(None)?,
        })
    }
}

/// Tokens live by the real clock, also where the emulator's is set elsewhere.
#[expect(clippy::disallowed_methods, reason = "a token's life follows the real clock")]
fn real_seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}
