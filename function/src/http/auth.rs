//! Who asks, and whether they may.
//!
//! `X-MS-CLIENT-PRINCIPAL` is not signed: it counts only when the platform says that it has
//! authenticated the caller (functions-host §8). Otherwise nobody is let in, but for the local
//! default, which says so on screen.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method},
    middleware::Next,
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use shared::api::{Identity, Role};

use crate::{app::App, config::SignIn, error::Error};

const PRINCIPAL: &str = "x-ms-client-principal";

/// A principal is a few kilobytes; what is larger is not one (functions-host §8.7).
const MAX_PRINCIPAL: usize = 16 << 10;

#[derive(Deserialize)]
struct Principal {
    claims: Vec<Claim>,
    name_typ: String,
    role_typ: String,
}

#[derive(Deserialize)]
struct Claim {
    typ: String,
    val: String,
}

/// Lets a request through whose caller has the role, with the identity in its extensions.
pub(super) async fn require(
    State((app, role)): State<(Arc<App>, Role)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let identity = identify(&app.config.sign_in, request.headers())?;
    if identity.role < role {
        return Err(Error::Forbidden(format!(
            "{} is {:?} here, and this takes {role:?}; ask an owner of the app for the role",
            identity.name, identity.role
        )));
    }
    request.extensions_mut().insert(identity);
    Ok(next.run(request).await)
}

fn identify(sign_in: &SignIn, headers: &HeaderMap) -> Result<Identity, Error> {
    match sign_in {
        SignIn::Closed => Err(Error::Unauthorized(
            "App Service authentication is off, so nobody is let in; switch it on for this app"
                .to_owned(),
        )),
        SignIn::Local(name) => {
            Ok(Identity { name: name.clone(), role: Role::Owner, is_local: true })
        }
        SignIn::EasyAuth => from_principal(headers),
    }
}

fn from_principal(headers: &HeaderMap) -> Result<Identity, Error> {
    let unreadable = || Error::Unauthorized("the sign-in cannot be read; sign in again".to_owned());
    let mut values = headers.get_all(PRINCIPAL).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Error::Unauthorized("sign in first".to_owned())),
        (Some(value), None) if value.len() <= MAX_PRINCIPAL => value,
        _ => return Err(unreadable()),
    };
    let json = STANDARD.decode(value.as_bytes()).map_err(|_| unreadable())?;
    let principal: Principal = serde_json::from_slice(&json).map_err(|_| unreadable())?;
    let values = |kind: &str| {
        let kind = kind.to_owned();
        principal.claims.iter().filter(move |c| c.typ == kind).map(|c| c.val.as_str())
    };
    let role = values(&principal.role_typ).chain(values("roles")).filter_map(role_of).max();
    let name = values(&principal.name_typ).chain(values("name")).next().unwrap_or("somebody");
    let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    match role {
        Some(role) => Ok(Identity { name, role, is_local: false }),
        None => Err(Error::Forbidden(format!(
            "{name} has no role here; ask an owner of the app for Snapferry.Reader, \
             Snapferry.Operator or Snapferry.Owner"
        ))),
    }
}

fn role_of(claim: &str) -> Option<Role> {
    match claim {
        "Snapferry.Reader" => Some(Role::Reader),
        "Snapferry.Operator" => Some(Role::Operator),
        "Snapferry.Owner" => Some(Role::Owner),
        _ => None,
    }
}

/// Refuses what another site makes a browser send.
///
/// In the local default everybody who reaches the port is let in, so a name that another site
/// points at this machine is refused, too.
pub(super) async fn guard_origin(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    check_origin(&app.config.sign_in, request.method(), request.headers())?;
    Ok(next.run(request).await)
}

fn check_origin(sign_in: &SignIn, method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign =
        header("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    if foreign && ![Method::GET, Method::HEAD].contains(method) {
        return Err(Error::Forbidden("another site may not do this in your name".to_owned()));
    }
    let host = header("x-forwarded-host").or(header("host")).unwrap_or_default();
    if matches!(sign_in, SignIn::Local(_)) && !is_loopback(host) {
        return Err(Error::Forbidden(
            "without a sign-in this is for this machine only; open it at 127.0.0.1".to_owned(),
        ));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.chars().all(|c| c.is_ascii_digit()) { name } else { host }
    });
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(json: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(PRINCIPAL, STANDARD.encode(json).parse().unwrap());
        headers
    }

    #[test]
    fn a_forged_principal_counts_for_nothing_while_authentication_is_off() {
        let headers = principal(
            r#"{"name_typ": "n", "role_typ": "r", "claims": [{"typ": "r", "val": "Snapferry.Owner"}]}"#,
        );
        assert!(identify(&SignIn::Closed, &headers).is_err());
        assert_eq!(identify(&SignIn::EasyAuth, &headers).unwrap().role, Role::Owner);
    }

    #[test]
    fn somebody_without_a_role_is_not_let_in() {
        let headers = principal(
            r#"{"name_typ": "n", "role_typ": "r", "claims": [{"typ": "n", "val": "Ann"}]}"#,
        );
        let error = identify(&SignIn::EasyAuth, &headers).unwrap_err();
        assert!(matches!(error, Error::Forbidden(_)));
    }

    #[test]
    fn two_principals_are_none() {
        let mut headers = principal("{}");
        headers.append(PRINCIPAL, "e30=".parse().unwrap());
        assert!(matches!(from_principal(&headers), Err(Error::Unauthorized(_))));
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["127.0.0.1:7071", "localhost", "[::1]:80"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["evil.example:7071", "127.0.0.1.evil.example", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
