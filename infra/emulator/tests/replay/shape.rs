//! The shape of a JSON body: which keys it has and what type each value is, without the values.
//!
//! Of a few keys the value itself belongs to the protocol (a state, an error's code); there it is
//! part of the shape. Tags are data: their names are not.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

/// Keys whose values clients act on.
const TOLD: &[&str] = &[
    "status",
    "code",
    "provisioningState",
    "provisioningOperation",
    "diskState",
    "state",
    "registrationState",
    "type",
    "createOption",
    "incremental",
];

/// What stands at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) kind: String,
    /// Whether every element of the array that it is in has it.
    pub(crate) always: bool,
}

/// Types by key path; `*` stands for any element of an array.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape(pub(crate) BTreeMap<String, Leaf>);

impl Shape {
    pub(crate) fn of(body: &Value) -> Self {
        let mut shape = Self::default();
        shape.add("", "", body);
        shape
    }

    fn add(&mut self, path: &str, key: &str, value: &Value) {
        let kind = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(told) if TOLD.contains(&key) => told.to_string(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if number.is_f64() => "float".to_owned(),
            Value::Number(_) => "int".to_owned(),
            Value::String(told) if TOLD.contains(&key) => format!("{told:?}"),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        self.0.insert(path.to_owned(), Leaf { kind, always: true });
        match value {
            Value::Array(items) => self.add_items(path, items),
            Value::Object(_) if key == "tags" => {}
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.add(&format!("{path}/{name}"), name, field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// One shape for all elements: a key that some lack is marked, a type that differs is joined.
    fn add_items(&mut self, path: &str, items: &[Value]) {
        let shapes: Vec<Shape> = items
            .iter()
            .map(|item| {
                let mut shape = Shape::default();
                shape.add(&format!("{path}/*"), "", item);
                shape
            })
            .collect();
        let mut joined: BTreeMap<String, (Vec<String>, usize)> = BTreeMap::new();
        for (key, leaf) in shapes.iter().flat_map(|shape| &shape.0) {
            let (kinds, count) = joined.entry(key.clone()).or_default();
            *count += usize::from(leaf.always);
            for kind in leaf.kind.split('|') {
                if !kinds.iter().any(|known| known == kind) {
                    kinds.push(kind.to_owned());
                }
            }
        }
        for (key, (mut kinds, count)) in joined {
            kinds.sort();
            let always = count == shapes.len();
            self.0.insert(key, Leaf { kind: kinds.join("|"), always });
        }
    }

    /// What `found` has otherwise than this.
    pub(crate) fn differences(&self, found: &Shape) -> Vec<String> {
        let mut out = Vec::new();
        for (path, wanted) in &self.0 {
            match found.0.get(path) {
                None if wanted.always && !self.optional(path) && !found.empty_above(path) => {
                    out.push(format!("body lacks {path} ({})", wanted.kind));
                }
                Some(leaf) if !fits(&leaf.kind, &wanted.kind) => {
                    out.push(format!("body has {path} as {}, not {}", leaf.kind, wanted.kind));
                }
                _ => {}
            }
        }
        for path in found.0.keys() {
            if !self.0.contains_key(path) && !self.empty_above(path) {
                out.push(format!("body has {path} besides"));
            }
        }
        out
    }

    /// Whether something above `path` is not in every element.
    fn optional(&self, path: &str) -> bool {
        above(path).any(|parent| self.0.get(parent).is_some_and(|leaf| !leaf.always))
    }

    /// Whether `path` is within an array that has no element here: nothing is known of those.
    fn empty_above(&self, path: &str) -> bool {
        above(path).any(|parent| {
            parent.ends_with("/*")
                && !self.0.contains_key(parent)
                && self.0.contains_key(&parent[..parent.len() - 2])
        }) || (path.ends_with("/*") && self.0.contains_key(&path[..path.len() - 2]))
    }
}

/// Every kind that was found is among the wanted ones.
fn fits(found: &str, wanted: &str) -> bool {
    found.split('|').all(|kind| wanted.split('|').any(|one| one == kind))
}

fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, if self.always { "" } else { " sometimes" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_missing_key_another_type_and_a_key_too_many_are_told() {
        let wanted = Shape::of(&json!({"a": 1.0, "b": {"c": "x"}, "status": "Succeeded"}));
        let found = Shape::of(&json!({"a": 1, "b": {"d": "x"}, "status": "Failed"}));
        assert_eq!(
            wanted.differences(&found),
            [
                "body has /a as int, not float",
                "body lacks /b/c (string)",
                "body has /status as \"Failed\", not \"Succeeded\"",
                "body has /b/d besides",
            ]
        );
        assert!(wanted.differences(&wanted).is_empty());
    }

    #[test]
    fn of_an_array_a_key_that_some_elements_lack_may_be_lacking() {
        let wanted = Shape::of(&json!({"value": [{"a": 1, "b": {"c": 2}}, {"a": "x"}]}));
        assert!(wanted.differences(&Shape::of(&json!({"value": [{"a": 1}]}))).is_empty());
        let bare = Shape::of(&json!({"value": [{"b": {"c": 2}}]}));
        assert_eq!(wanted.differences(&bare), ["body lacks /value/*/a (int|string)"]);
        assert!(wanted.differences(&Shape::of(&json!({"value": []}))).is_empty());
    }

    #[test]
    fn names_of_tags_are_data() {
        let wanted = Shape::of(&json!({"tags": {"a": "b"}}));
        assert!(wanted.differences(&Shape::of(&json!({"tags": {}}))).is_empty());
        assert_eq!(wanted.differences(&Shape::of(&json!({}))), ["body lacks /tags (object)"]);
    }
}
