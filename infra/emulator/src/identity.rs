//! Tokens: the App Service identity endpoint, the OAuth endpoints that `az login` uses, and the
//! check of the bearer.
//!
//! Tokens carry the claims that clients read and no signature that anybody could check. Their life
//! is by the machine's clock: moving the emulator's never ends a session.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    arm::Reply,
    azure::{Azure, real_now},
    control::faults::Fault,
    world::{Settings, failure::Failure},
};

/// A managed identity's token lives for a day.
const LIFE_SECONDS: i64 = 24 * 60 * 60;

pub(crate) fn router(azure: Azure) -> Router {
    Router::new().route("/msi/token", get(get_token)).with_state(azure)
}

/// `GET /msi/token`, as App Service answers it.
async fn get_token(
    State(azure): State<Azure>,
    Query(query): Query<BTreeMap<String, String>>,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
) -> Response {
    let Ok((settings, fault)) = azure.with_process(|process, _| {
        let fault = Fault::take_by_path(&mut process.faults, &method, &uri);
        (process.world.settings.clone(), fault)
    }) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let Some(fault) = fault else { return give_token(&settings, &query, &headers, false) };
    fault.wait().await;
    let response = match fault.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        Some(status) => refuse(status, fault.message.as_deref().unwrap_or("A fault was injected.")),
        None => give_token(&settings, &query, &headers, fault.expired_token),
    };
    fault.disturb(response).await
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"StatusCode": status.as_u16(), "Message": message}))).into_response()
}

fn give_token(
    settings: &Settings,
    query: &BTreeMap<String, String>,
    headers: &HeaderMap,
    expired: bool,
) -> Response {
    let given = headers.get("x-identity-header").and_then(|value| value.to_str().ok());
    if given != Some(settings.identity_header.as_str()) {
        return refuse(StatusCode::UNAUTHORIZED, "The X-IDENTITY-HEADER is missing or wrong.");
    }
    if !query.contains_key("api-version") {
        return refuse(StatusCode::BAD_REQUEST, "The api-version is missing.");
    }
    let Some(resource) = query.get("resource") else {
        return refuse(StatusCode::BAD_REQUEST, "The resource is missing.");
    };
    let expires = expiry_of(expired);
    let client = query.get("client_id").cloned().unwrap_or(settings.principal_id.to_string());
    Json(json!({
        "access_token": token(settings, resource, &client, expires),
        "client_id": client,
        "expires_on": expires.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    }))
    .into_response()
}

/// When a token ends that is given out now; an `expired` one has ended an hour ago.
fn expiry_of(expired: bool) -> i64 {
    real_now().as_second() + if expired { -3600 } else { LIFE_SECONDS }
}

/// The answer to a client-credentials grant; any secret is good.
pub(crate) fn client_credentials(
    settings: &Settings,
    body: &[u8],
    expired: bool,
) -> Result<Reply, Failure> {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        let body = json!({
            "error": "unsupported_grant_type",
            "error_description": "Only client_credentials is served here.",
        });
        return Ok(Reply::json(400, body));
    }
    let resource = form.get("resource").or_else(|| form.get("scope"));
    let resource = resource.map_or("", |scope| scope.trim_end_matches("/.default"));
    let client = form.get("client_id").cloned().unwrap_or_default();
    let expires = expiry_of(expired);
    Ok(Reply::json(
        200,
        json!({
            "token_type": "Bearer",
            "expires_in": LIFE_SECONDS - 1,
            "ext_expires_in": LIFE_SECONDS - 1,
            "access_token": token(settings, resource, &client, expires),
        }),
    ))
}

/// What MSAL asks of an authority before it logs in (real-clients §1).
pub(crate) fn openid_configuration(base: &str, tenant: &str) -> Value {
    json!({
        "issuer": format!("{base}/{tenant}/v2.0"),
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
        "response_types_supported": ["code", "token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

fn token(settings: &Settings, audience: &str, client: &str, expires: i64) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "aud": audience,
        "iss": format!("https://sts.windows.net/{}/", settings.tenant_id),
        "iat": expires - LIFE_SECONDS,
        "nbf": expires - LIFE_SECONDS,
        "exp": expires,
        "appid": client,
        "idtyp": "app",
        "oid": settings.principal_id,
        "sub": settings.principal_id,
        "tid": settings.tenant_id,
        "ver": "1.0",
    });
    let header = part(json!({"alg": "none", "typ": "JWT"}));
    format!("{header}.{}.{}", part(claims), URL_SAFE_NO_PAD.encode("not signed"))
}

/// Refuses a request without a bearer, or with one of ours that has ended.
pub(crate) fn check_bearer(header: Option<&HeaderValue>) -> Result<(), Failure> {
    let refuse = |code: &str, message: String| Failure::gateway(401, code, message);
    let Some(header) = header else {
        return Err(refuse(
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.".to_owned(),
        ));
    };
    let token = header
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
        .map(|(_, token)| token);
    let Some(token) = token else {
        return Err(refuse(
            "AuthenticationFailedInvalidHeader",
            "Authentication failed. The 'Authorization' header is provided in an invalid format."
                .to_owned(),
        ));
    };
    let now = real_now();
    if let Some(end) = expiry(token)
        && end <= now
    {
        return Err(refuse(
            "ExpiredAuthenticationToken",
            format!(
                "The access token expiry UTC time '{end}' is earlier than current UTC time '{now}'."
            ),
        ));
    }
    Ok(())
}

/// Tells whether a token of this tenant's opens Azure Storage, and has not ended.
///
/// Its audience is that of Azure Storage, or of the account at one of its endpoints.
pub(crate) fn is_storage_token(settings: &Settings, token: &str, now: Timestamp) -> bool {
    let Some(claims) = claims(token) else { return false };
    let audience = claims["aud"].as_str().unwrap_or_default().trim_end_matches('/');
    let host = audience.strip_prefix("https://").unwrap_or_default();
    let opens = host == "storage.azure.com"
        || [".blob.core.windows.net", ".queue.core.windows.net"]
            .iter()
            .any(|ending| host.strip_suffix(ending) == Some(crate::storage::ACCOUNT));
    let ours = claims["tid"].as_str() == Some(settings.tenant_id.to_string().as_str());
    opens && ours && expiry(token).is_some_and(|end| end > now)
}

fn claims(token: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

fn expiry(token: &str) -> Option<Timestamp> {
    let claims = claims(token)?;
    Timestamp::from_second(claims["exp"].as_i64()?).ok()
}
