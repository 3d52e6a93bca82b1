//! `/metadata/endpoints`: what a client that knows only the ARM URL asks first.

use serde_json::json;

use super::{Call, reply::Reply};

/// One object, or until 2019 a list of clouds (real-clients §1).
pub(super) fn endpoints(call: &Call) -> Reply {
    let base = &call.base;
    let cloud = json!({
        "name": "LocalCloud",
        "resourceManager": base,
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {},
    });
    if !call.version().is_empty() && call.version() < "2020" {
        Reply::json(200, json!([cloud]))
    } else {
        Reply::json(200, cloud)
    }
}
