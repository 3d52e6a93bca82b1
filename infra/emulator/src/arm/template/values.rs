//! What the template language does with JSON values: properties, indices, texts, numbers.

use serde_json::Value;

use super::{eval::Eval, type_name};

/// The most turns of one loop (ARM's limit).
const LOOP_LIMIT: i64 = 800;

/// How many values a value is made of; the measure of work.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(object) => 1 + object.values().map(weight).sum::<usize>(),
        Value::String(text) => 1 + text.len() / 16,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// `of.name`, in any case.
pub(super) fn property(of: &Value, name: &str) -> Eval {
    let Value::Object(object) = of else {
        return Err(format!(
            "The language expression property '{name}' can't be evaluated, the value is of type \
             '{}' and has no properties.",
            type_name(of)
        )
        .into());
    };
    let found = object.get(name).or_else(|| {
        object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    });
    found.cloned().ok_or_else(|| {
        let known: Vec<&str> = object.keys().map(String::as_str).collect();
        format!(
            "The language expression property '{name}' doesn't exist, available properties are \
             '{}'.",
            known.join(", ")
        )
        .into()
    })
}

/// `of[index]`.
pub(super) fn index(of: &Value, index: &Value) -> Eval {
    match (of, index) {
        (_, Value::String(name)) => property(of, name),
        (Value::Array(items), Value::Number(_)) => {
            let at = integer(index)?;
            usize::try_from(at).ok().and_then(|at| items.get(at)).cloned().ok_or_else(|| {
                format!(
                    "The language expression property array index '{at}' is out of bounds: the \
                     array has '{}' items.",
                    items.len()
                )
                .into()
            })
        }
        _ => Err(format!(
            "The language expression can't index a value of type '{}' with one of type '{}'.",
            type_name(of),
            type_name(index)
        )
        .into()),
    }
}

/// A whole number; a text of digits is none.
pub(super) fn integer(value: &Value) -> Eval<i64> {
    value.as_i64().ok_or_else(|| {
        format!("An integer is expected where there is a value of type '{}'.", type_name(value))
            .into()
    })
}

/// How often a loop turns.
pub(super) fn count(value: &Value) -> Eval<i64> {
    match integer(value)? {
        count @ 0..=LOOP_LIMIT => Ok(count),
        count => Err(format!(
            "The copy count '{count}' is invalid: it must be from '0' to '{LOOP_LIMIT}'."
        )
        .into()),
    }
}

/// A value as a part of a text.
pub(super) fn display(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // .NET's words.
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
