//! Plays Easy Auth: takes away forged identities, adds the fixture's (functions-host §8).

use anyhow::{Context, Result};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

const PREFIX: &str = "x-ms-client-principal";
const OBJECT_ID: &str = "http://schemas.microsoft.com/identity/claims/objectidentifier";

/// What every request gets in place of what the client claims to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Principal(Vec<(HeaderName, HeaderValue)>);

impl Principal {
    /// Reads the JSON of a principal; without one nothing is injected.
    pub(crate) fn new(json: Option<&str>) -> Result<Self> {
        let Some(json) = json else { return Ok(Self::default()) };
        let value: Value = serde_json::from_str(json).context("the principal must be JSON")?;
        let claim = |typ: &str| {
            let claims = value.get("claims")?.as_array()?;
            let found =
                claims.iter().find(|claim| claim.get("typ").and_then(Value::as_str) == Some(typ));
            found?.get("val")?.as_str()
        };
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let parts = [
            ("", Some(STANDARD.encode(json))),
            ("-idp", text("auth_typ").map(str::to_owned)),
            ("-id", claim(OBJECT_ID).map(str::to_owned)),
            ("-name", text("name_typ").and_then(claim).map(str::to_owned)),
        ];
        let mut headers = Vec::new();
        for (suffix, value) in parts {
            let Some(value) = value else { continue };
            let name = HeaderName::try_from(format!("{PREFIX}{suffix}"))?;
            // A name outside Latin-1 has no place in a header; the JSON carries it.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.push((name, value));
            }
        }
        Ok(Self(headers))
    }

    /// Replaces a client's identity headers.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        let forged: Vec<_> = headers
            .keys()
            .filter(|name| {
                name.as_str().starts_with(PREFIX) || name.as_str().starts_with("x-ms-token-")
            })
            .cloned()
            .collect();
        for name in forged {
            headers.remove(name);
        }
        for (name, value) in &self.0 {
            headers.insert(name, value.clone());
        }
    }
}
