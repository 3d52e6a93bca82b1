//! The JSON that goes to the handler for a timer, and what must come back (functions-host §3.4, §4.1).

pub(crate) mod http;

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    data: Value,
    metadata: Map<String, Value>,
}

/// A handler's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    /// None is an absent or null `Outputs`.
    pub(crate) outputs: Option<Map<String, Value>>,
    pub(crate) logs: Vec<String>,
    pub(crate) return_value: Value,
}

/// Encodes the call of a function whose trigger's value is already in its final form.
pub(crate) fn encode(
    function: &str,
    binding: &str,
    data: Value,
    mut metadata: Map<String, Value>,
) -> String {
    let sys = json!({
        "MethodName": function,
        "UtcNow": clock::utc(clock::now()),
        "RandGuid": Uuid::new_v4(),
    });
    metadata.insert("sys".to_owned(), sys);
    let data = Value::Object(Map::from_iter([(binding.to_owned(), data)]));
    // Maps with text keys always serialise.
    serde_json::to_string(&Envelope { data, metadata }).unwrap_or_default()
}

/// The host's rule for a value: an object stays, all else becomes text that holds its JSON.
pub(crate) fn value(value: &Value) -> Value {
    match value {
        Value::Object(_) => value.clone(),
        other => Value::String(other.to_string()),
    }
}

/// Decodes an answer, or says why the invocation has failed.
pub(crate) fn decode(
    status: StatusCode,
    content_type: &str,
    body: &[u8],
) -> Result<Answer, String> {
    if !status.is_success() {
        return Err(format!("Response status code does not indicate success: {status}."));
    }
    let text = String::from_utf8_lossy(body);
    if matches!(text.trim(), "" | "null") {
        return Err("The handler answered an envelope with an EMPTY body. The real host would now hang until \
                    functionTimeout and then kill the handler: always answer at least \
                    {\"Outputs\":{},\"Logs\":[],\"ReturnValue\":null} as application/json."
            .to_owned());
    }
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json =
        matches!(media.as_str(), "application/json" | "text/json") || media.ends_with("+json");
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) if is_json => Ok(Answer::read(object)),
        _ => Err(format!("Invalid HttpResponseMessage (Content-Type '{content_type}'):\n{text}")),
    }
}

impl Answer {
    fn read(object: Map<String, Value>) -> Self {
        let mut answer = Self::default();
        for (key, value) in object {
            match (key.to_ascii_lowercase().as_str(), value) {
                ("outputs", Value::Object(outputs)) => answer.outputs = Some(outputs),
                ("logs", Value::Array(lines)) => {
                    answer.logs =
                        lines.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                }
                ("returnvalue", value) => answer.return_value = value,
                _ => {}
            }
        }
        answer
    }
}

/// The host's guess that a text output is Base64: if it decodes, the bytes are taken (§4.1).
pub(crate) fn guess_base64(text: &str) -> Option<Vec<u8>> {
    let bare: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    STANDARD.decode(bare).ok()
}

#[cfg(test)]
mod tests;
