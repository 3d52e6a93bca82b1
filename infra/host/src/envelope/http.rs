//! Mode C for HTTP: the request as JSON, and a response out of the answer (functions-host §3.4, §4.1).

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Answer, guess_base64, value};
use crate::{inner::content_type, route::Params};

/// Encodes a request as `Data.<binding>`, and what of it goes into the metadata.
pub(crate) fn encode(head: &Parts, params: &Params, body: &Bytes) -> (Value, Map<String, Value>) {
    let query: Map<_, _> =
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .map(|(key, text)| (key.into_owned(), Value::String(text.into_owned())))
            .collect();
    let params: Map<_, _> = params.iter().map(|(key, text)| (key.clone(), json!(text))).collect();
    let host =
        head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let mut data = json!({
        "Url": format!("http://{host}{}", head.uri),
        "Method": head.method.as_str(),
        "Query": query,
        "Headers": headers(&head.headers, |texts| json!(texts)),
        "Params": params,
        "Identities": [],
    });
    let mut metadata = Map::new();
    let scalars = query.iter().filter(|(key, _)| *key != "code").chain(&params);
    metadata.extend(scalars.filter(|(_, v)| !v.is_null()).map(|(key, v)| (key.clone(), value(v))));
    if !body.is_empty() {
        let media = content_type(&head.headers);
        let binary =
            media.starts_with("application/octet-stream") || media.starts_with("multipart/");
        let text =
            if binary { STANDARD.encode(body) } else { String::from_utf8_lossy(body).into_owned() };
        // The top level of a JSON body joins the binding data, arrays excepted; numbers as text.
        if let Ok(Value::Object(object)) = serde_json::from_str(&text) {
            for (key, item) in
                object.into_iter().filter(|(_, item)| !item.is_array() && !item.is_null())
            {
                let plain = if item.is_object() || item.is_string() {
                    item
                } else {
                    json!(item.to_string())
                };
                metadata.insert(key, value(&plain));
            }
        }
        data["Body"] = Value::String(text);
    }
    metadata.insert("Query".to_owned(), Value::Object(query));
    metadata.insert("Headers".to_owned(), headers(&head.headers, |texts| json!(texts.join(","))));
    (data, metadata)
}

fn headers(headers: &HeaderMap, join: impl Fn(Vec<String>) -> Value) -> Value {
    let all = |name| {
        headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
    };
    headers
        .keys()
        .map(|name| (name.as_str().to_owned(), join(all(name).collect())))
        .collect::<Map<_, _>>()
        .into()
}

/// Makes the response that the answer's `http` output describes.
pub(crate) fn response(answer: Answer, output: Option<&str>) -> Result<Response<Body>, String> {
    let merged = answer.return_value.as_object().cloned();
    match output {
        None => Ok(Response::new(Body::empty())),
        Some("$return") => match answer.return_value {
            Value::Null => Ok(Response::new(Body::empty())),
            Value::Object(object) if is_response(&object) => build(&object),
            raw => build(&Map::from_iter([("body".to_owned(), raw)])),
        },
        Some(name) => {
            let Some(mut outputs) = answer.outputs.or_else(|| merged.clone()) else {
                return Ok(Response::new(Body::empty()));
            };
            outputs.extend(merged.unwrap_or_default());
            match outputs.get(name) {
                None => build(&Map::from_iter([("body".to_owned(), json!({}))])),
                Some(Value::Object(object)) => build(object),
                Some(Value::String(text)) => match serde_json::from_str(text) {
                    Ok(Value::Object(object)) => build(&object),
                    _ => Err(no_output(text)),
                },
                Some(other) => Err(no_output(&other.to_string())),
            }
        }
    }
}

fn no_output(found: &str) -> String {
    format!("Failed while trying to Deserialize to httpOutputBindingResponse: {found}")
}

fn is_response(object: &Map<String, Value>) -> bool {
    ["statusCode", "status", "headers", "body"].iter().any(|key| find(object, key).is_some())
}

fn find<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}

fn build(object: &Map<String, Value>) -> Result<Response<Body>, String> {
    let status = match find(object, "statusCode").or_else(|| find(object, "status")) {
        None | Some(Value::Null) => StatusCode::OK,
        Some(status) => {
            let text = status.as_str().map_or_else(|| status.to_string(), str::to_owned);
            text.parse().map_err(|_| no_output(&text))?
        }
    };
    let body = match find(object, "body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) => {
            guess_base64(text).unwrap_or_else(|| text.clone().into_bytes()).into()
        }
        Some(other) => other.to_string().into(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    // Stays text even for an object, unless the handler names another type.
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    let headers = find(object, "headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = HeaderName::try_from(name).map_err(|_| no_output(name))?;
        let text = HeaderValue::try_from(&text).map_err(|_| no_output(&text))?;
        response.headers_mut().insert(name, text);
    }
    Ok(response)
}
