//! Who may: a `SharedKey` signature, a shared access signature, or a bearer token. Nobody else.

mod sas;
mod shared_key;

use axum::http::header;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{KEY, call::Call};
use crate::{
    azure::real_now,
    identity,
    world::{Settings, failure::Failure},
};

/// What an operation asks of a SAS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// `s`, `c` or `o`: it is about the service, a container or queue, or what is in one.
    resource: char,
    /// Any of these permissions will do.
    any_of: &'static str,
}

impl Need {
    pub(super) fn new(resource: char, any_of: &'static str) -> Self {
        Self { resource, any_of }
    }
}

/// What was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    Full,
    /// A SAS that creates blobs and overwrites none.
    CreateOnly,
}

impl Grant {
    pub(super) fn refusal() -> Failure {
        Failure::new(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )
    }
}

/// Lets a request in, or says 403.
pub(super) fn check(settings: &Settings, call: &Call, need: Need) -> Result<Grant, Failure> {
    let now = real_now();
    match call.header(header::AUTHORIZATION.as_str()).map(|text| text.split_once(' ')) {
        Some(Some(("SharedKey", credentials))) => {
            shared_key::check(call, credentials, now)?;
            Ok(Grant::Full)
        }
        Some(Some((scheme, token))) if scheme.eq_ignore_ascii_case("bearer") => {
            match identity::is_storage_token(settings, token, now) {
                true => Ok(Grant::Full),
                false => Err(failed()),
            }
        }
        Some(_) => Err(failed()),
        None if call.query("sig").is_some() => sas::check(call, need, now),
        None => Err(failed()),
    }
}

/// Compares in constant time, though the key is no secret: the habit is worth keeping.
fn is_signature(text: &str, given: &str) -> bool {
    let (Ok(key), Ok(given)) = (STANDARD.decode(KEY), STANDARD.decode(given)) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
    mac.update(text.as_bytes());
    mac.verify_slice(&given).is_ok()
}

fn failed() -> Failure {
    Failure::new(
        403,
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is \
         formed correctly including the signature.",
    )
}
