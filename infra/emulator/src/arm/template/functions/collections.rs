//! Functions of arrays and objects, and those that take texts as well.

use serde_json::{Map, Value};

use super::{
    super::{
        eval::{Eval, Stop},
        values::{display, integer},
    },
    at_least, exactly, text, texts_of, wrong,
};

/// The most items that `range` makes (ARM's limit).
const RANGE_LIMIT: i64 = 10_000;

/// The function of that name, if it is one of these.
pub(super) fn call(lower: &str, name: &str, values: &[Value]) -> Option<Eval> {
    let one = |change: fn(&Value) -> Option<Value>| {
        exactly(name, values.len(), 1)?;
        change(&values[0]).ok_or_else(|| wrong(name))
    };
    Some(match lower {
        "concat" => concat(name, values),
        "length" => one(|value| match value {
            Value::String(text) => Some(text.chars().count().into()),
            Value::Array(items) => Some(items.len().into()),
            Value::Object(object) => Some(object.len().into()),
            _ => None,
        }),
        "empty" => one(|value| match value {
            Value::Null => Some(true.into()),
            Value::String(text) => Some(text.is_empty().into()),
            Value::Array(items) => Some(items.is_empty().into()),
            Value::Object(object) => Some(object.is_empty().into()),
            _ => None,
        }),
        "first" => one(|value| match value {
            Value::String(text) => Some(text.chars().take(1).collect::<String>().into()),
            Value::Array(items) => Some(items.first().cloned().unwrap_or_default()),
            _ => None,
        }),
        "last" => one(|value| match value {
            Value::String(text) => {
                Some(text.chars().last().map_or_else(String::new, String::from).into())
            }
            Value::Array(items) => Some(items.last().cloned().unwrap_or_default()),
            _ => None,
        }),
        "array" => one(|value| {
            Some(if value.is_array() { value.clone() } else { vec![value.clone()].into() })
        }),
        "createarray" => Ok(values.to_vec().into()),
        "createobject" => create_object(name, values),
        "contains" => contains(name, values),
        "take" | "skip" => part(lower, name, values),
        "range" => range(name, values),
        "union" => union(name, values),
        "intersection" => intersection(name, values),
        "indexof" | "lastindexof" => index_of(lower, name, values),
        _ => return None,
    })
}

fn concat(name: &str, values: &[Value]) -> Eval {
    at_least(name, values.len(), 1)?;
    if values.iter().any(Value::is_array) {
        let mut out = Vec::new();
        for value in values {
            match value {
                Value::Array(items) => out.extend(items.iter().cloned()),
                _ => return Err(wrong(name)),
            }
        }
        return Ok(out.into());
    }
    Ok(texts_of(values).concat().into())
}

fn create_object(name: &str, values: &[Value]) -> Eval {
    let mut object = Map::new();
    for pair in values.chunks(2) {
        let [key, value] = pair else { return Err(wrong(name)) };
        object.insert(text(name, key)?.to_owned(), value.clone());
    }
    Ok(object.into())
}

fn contains(name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let found = match &values[0] {
        Value::String(whole) => whole.contains(&display(&values[1])),
        Value::Array(items) => items.contains(&values[1]),
        Value::Object(object) => {
            let key = text(name, &values[1])?;
            object.keys().any(|known| known.eq_ignore_ascii_case(key))
        }
        _ => return Err(wrong(name)),
    };
    Ok(found.into())
}

fn part(lower: &str, name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let count = usize::try_from(integer(&values[1])?.max(0)).map_err(|_| wrong(name))?;
    let take = lower == "take";
    match &values[0] {
        Value::String(text) if take => Ok(text.chars().take(count).collect::<String>().into()),
        Value::String(text) => Ok(text.chars().skip(count).collect::<String>().into()),
        Value::Array(items) if take => Ok(items.iter().take(count).cloned().collect()),
        Value::Array(items) => Ok(items.iter().skip(count).cloned().collect()),
        _ => Err(wrong(name)),
    }
}

fn range(name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let (start, count) = (integer(&values[0])?, integer(&values[1])?);
    let end = start.checked_add(count).filter(|_| (0..=RANGE_LIMIT).contains(&count));
    let end = end.ok_or_else(|| {
        Stop::Invalid(format!("The count of '{name}' must be from '0' to '{RANGE_LIMIT}'."))
    })?;
    Ok((start..end).map(Value::from).collect())
}

fn union(name: &str, values: &[Value]) -> Eval {
    at_least(name, values.len(), 2)?;
    match &values[0] {
        Value::Array(first) => {
            let mut out: Vec<Value> = Vec::new();
            let mut add = |items: &[Value]| {
                for item in items {
                    if !out.contains(item) {
                        out.push(item.clone());
                    }
                }
            };
            add(first);
            for value in &values[1..] {
                add(value.as_array().ok_or_else(|| wrong(name))?);
            }
            Ok(out.into())
        }
        Value::Object(first) => {
            let mut out = first.clone();
            for value in &values[1..] {
                merge(&mut out, value.as_object().ok_or_else(|| wrong(name))?);
            }
            Ok(out.into())
        }
        _ => Err(wrong(name)),
    }
}

/// Objects in objects are merged too.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(value)) => merge(known, value),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

fn intersection(name: &str, values: &[Value]) -> Eval {
    at_least(name, values.len(), 2)?;
    match &values[0] {
        Value::Array(first) => {
            let mut out = first.clone();
            for value in &values[1..] {
                let items = value.as_array().ok_or_else(|| wrong(name))?;
                out.retain(|item| items.contains(item));
            }
            Ok(out.into())
        }
        Value::Object(first) => {
            let mut out = first.clone();
            for value in &values[1..] {
                let object = value.as_object().ok_or_else(|| wrong(name))?;
                out.retain(|key, value| object.get(key) == Some(value));
            }
            Ok(out.into())
        }
        _ => Err(wrong(name)),
    }
}

fn index_of(lower: &str, name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let items = values[0].as_array().ok_or_else(|| wrong(name))?;
    let found = if lower == "indexof" {
        items.iter().position(|item| item == &values[1])
    } else {
        items.iter().rposition(|item| item == &values[1])
    };
    Ok(found.map_or(Value::from(-1), Value::from))
}
