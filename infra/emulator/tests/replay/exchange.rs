//! One question to Azure and what is known of the answer: status, header names, body's shape.
//!
//! Questions are kept whole, since they must be asked; of answers no body is kept. Operation ids
//! and group names of a recording are replaced by numbers, so that manifests hold none of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::shape::Shape;

/// What must be there before the first question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenGroup {
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tagged: bool,
}

/// A question and what is known of its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    /// Path and query; `{operation:n}` for the polling URL of operation n, `…?monitor=true` for
    /// its other one.
    pub(crate) target: String,
    /// When Azure answered, in seconds since 1970.
    pub(crate) at: i64,
    /// The body's scalars (and empty containers) by JSON pointer.
    pub(crate) asks: BTreeMap<String, Value>,
    /// The number of the operation that the answer names.
    pub(crate) opens: Option<usize>,
    pub(crate) status: u16,
    pub(crate) headers: BTreeSet<String>,
    /// None: an empty body.
    pub(crate) shape: Option<Shape>,
}

impl Exchange {
    /// The body to send.
    pub(crate) fn body(&self) -> Option<Value> {
        if self.asks.is_empty() {
            return None;
        }
        let mut body = Value::Null;
        for (pointer, value) in &self.asks {
            *at_pointer(&mut body, pointer) = value.clone();
        }
        Some(body)
    }

    /// A repeated question changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// Takes a body apart into its leaves.
pub(crate) fn leaves(body: &Value) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    collect(body, String::new(), &mut out);
    out
}

fn collect(value: &Value, path: String, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                collect(field, format!("{path}/{}", name.replace('/', "~1")), out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (number, item) in items.iter().enumerate() {
                collect(item, format!("{path}/{number}"), out);
            }
        }
        leaf => drop(out.insert(path, leaf.clone())),
    }
}

fn at_pointer<'a>(body: &'a mut Value, pointer: &str) -> &'a mut Value {
    let mut place = body;
    for part in pointer.split('/').skip(1) {
        place = match part.parse::<usize>() {
            Ok(number) => {
                if !place.is_array() {
                    *place = Value::Array(Vec::new());
                }
                let items = place.as_array_mut().unwrap();
                if items.len() <= number {
                    items.resize(number + 1, Value::Null);
                }
                &mut items[number]
            }
            Err(_) => {
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                place.as_object_mut().unwrap().entry(part.replace("~1", "/")).or_insert(Value::Null)
            }
        };
    }
    place
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_its_leaves() {
        let body = json!({"a": {"b/c": [1, {"d": []}], "e": {}}, "f": null});
        let exchange = Exchange {
            method: "PUT".into(),
            target: String::new(),
            at: 0,
            asks: leaves(&body),
            opens: None,
            status: 200,
            headers: BTreeSet::new(),
            shape: None,
        };
        assert_eq!(exchange.body(), Some(body));
    }
}
