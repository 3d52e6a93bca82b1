//! Values of expressions: comparisons, arithmetic and functions of the query language.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::parse::Expr;

/// A number without a fraction is shown without one.
pub(super) fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers in range are cast")]
    if value.fract() == 0.0 && value.abs() < 9e15 { json!(value as i64) } else { json!(value) }
}

/// Evaluates an expression over a row.
pub(super) fn evaluate(
    expression: &Expr,
    row: &Map<String, Value>,
    now: Timestamp,
) -> Result<Value, String> {
    let inner = |expression: &Expr| evaluate(expression, row, now);
    match expression {
        Expr::Literal(value) => Ok(value.clone()),
        Expr::Column(name) => Ok(find(row, name).cloned().ok_or_else(|| {
            format!("Failed to resolve column or scalar expression named '{name}'.")
        })?),
        Expr::Member(of, name) => Ok(member(&inner(of)?, name)),
        Expr::Index(of, index) => {
            let (of, index) = (inner(of)?, inner(index)?);
            Ok(match (&of, &index) {
                (_, Value::String(name)) => member(&of, name),
                (Value::Array(items), index) => {
                    let at = index.as_u64().and_then(|at| usize::try_from(at).ok());
                    at.and_then(|at| items.get(at)).cloned().unwrap_or_default()
                }
                _ => Value::Null,
            })
        }
        Expr::Binary(operator, left, right) => match operator.as_str() {
            "and" => Ok((truth(&inner(left)?) && truth(&inner(right)?)).into()),
            "or" => Ok((truth(&inner(left)?) || truth(&inner(right)?)).into()),
            operator => binary(operator, &inner(left)?, &inner(right)?),
        },
        Expr::In { negated, cased, of, among } => {
            let of = inner(of)?;
            let mut found = false;
            for one in among {
                let one = inner(one)?;
                let items = one.as_array().cloned().unwrap_or_else(|| vec![one]);
                found = found || items.iter().any(|item| same(&of, item, *cased));
            }
            Ok((found != *negated).into())
        }
        Expr::Call(name, arguments) => {
            let values = arguments.iter().map(inner).collect::<Result<Vec<_>, _>>()?;
            call(name, &values, now)
        }
    }
}

/// A column, exact first, then in any case.
pub(super) fn find<'a>(row: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    row.get(name)
        .or_else(|| row.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// A member of a dynamic value; names in it are compared with their case.
fn member(of: &Value, name: &str) -> Value {
    of.get(name).cloned().unwrap_or_default()
}

pub(super) fn truth(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

/// A value as a text; nothing is the empty one.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn same(a: &Value, b: &Value, cased: bool) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) if !cased => a.to_lowercase() == b.to_lowercase(),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        // A dynamic value is compared with a text by what it looks like.
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null) => text.is_empty(),
        (Value::String(a), b) | (b, Value::String(a)) if !b.is_object() && !b.is_array() => {
            *a == text(b)
        }
        (a, b) => a == b,
    }
}

/// The order of two values, if they have one.
pub(super) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => match (time(a), time(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some(a.cmp(b)),
        },
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().or_else(|_| format!("{whole}Z").parse()).ok()
}

fn binary(operator: &str, a: &Value, b: &Value) -> Result<Value, String> {
    let (lower_a, lower_b) = (|| text(a).to_lowercase(), || text(b).to_lowercase());
    let ordered = |wanted: fn(Ordering) -> bool| order(a, b).is_some_and(wanted).into();
    Ok(match operator {
        "==" => same(a, b, true).into(),
        "!=" => (!same(a, b, true)).into(),
        "=~" => (lower_a() == lower_b()).into(),
        "!~" => (lower_a() != lower_b()).into(),
        "<" => ordered(Ordering::is_lt),
        "<=" => ordered(Ordering::is_le),
        ">" => ordered(Ordering::is_gt),
        ">=" => ordered(Ordering::is_ge),
        "contains" => lower_a().contains(&lower_b()).into(),
        "contains_cs" => text(a).contains(&text(b)).into(),
        "startswith" => lower_a().starts_with(&lower_b()).into(),
        "startswith_cs" => text(a).starts_with(&text(b)).into(),
        "endswith" => lower_a().ends_with(&lower_b()).into(),
        "endswith_cs" => text(a).ends_with(&text(b)).into(),
        "has" => has(&lower_a(), &lower_b()).into(),
        "has_cs" => has(&text(a), &text(b)).into(),
        _ => return reckon(operator, a, b),
    })
}

/// Whether a whole word is in a text.
fn has(whole: &str, word: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !word.is_empty()
        && whole.match_indices(word).any(|(at, _)| {
            edge(whole[..at].chars().next_back()) && edge(whole[at + word.len()..].chars().next())
        })
}

fn reckon(operator: &str, a: &Value, b: &Value) -> Result<Value, String> {
    // A time and a span of seconds.
    if let (Some(at), Some(seconds)) = (a.as_str().and_then(time), b.as_f64()) {
        let seconds = if operator == "-" { -seconds } else { seconds };
        return Ok(shift(at, seconds));
    }
    if let (Some(a), Some(b), "-") =
        (a.as_str().and_then(time), b.as_str().and_then(time), operator)
    {
        return Ok(number(a.duration_since(b).as_secs_f64()));
    }
    let (Some(a), Some(b)) = (a.as_f64(), b.as_f64()) else { return Ok(Value::Null) };
    Ok(match operator {
        "+" => number(a + b),
        "-" => number(a - b),
        "*" => number(a * b),
        "/" if b != 0.0 => number(a / b),
        "%" if b != 0.0 => number(a % b),
        "/" | "%" => Value::Null,
        other => return Err(format!("The operator '{other}' is not served here.")),
    })
}

fn shift(at: Timestamp, seconds: f64) -> Value {
    let shifted =
        SignedDuration::try_from_secs_f64(seconds).ok().and_then(|by| at.checked_add(by).ok());
    shifted.map(|at| at.to_string().into()).unwrap_or_default()
}

fn call(name: &str, values: &[Value], now: Timestamp) -> Result<Value, String> {
    let first = values.first().unwrap_or(&Value::Null);
    let string = |at: usize| text(values.get(at).unwrap_or(&Value::Null));
    Ok(match (name, values.len()) {
        ("not", 1) => (!truth(first)).into(),
        ("tolower", 1) => text(first).to_lowercase().into(),
        ("toupper", 1) => text(first).to_uppercase().into(),
        ("tostring", 1) => text(first).into(),
        ("toint" | "tolong", 1) => match first {
            Value::Bool(value) => i64::from(*value).into(),
            other => text(other).parse::<f64>().map(|v| number(v.trunc())).unwrap_or_default(),
        },
        ("todouble" | "toreal", 1) => {
            text(first).parse::<f64>().map(|v| json!(v)).unwrap_or_default()
        }
        ("tobool" | "toboolean", 1) => match text(first).to_lowercase().as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => Value::Null,
        },
        ("todatetime" | "datetime", 1) => {
            time(&text(first)).map(|at| at.to_string().into()).unwrap_or_default()
        }
        ("parse_json" | "todynamic" | "dynamic", 1) => match first {
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            other => other.clone(),
        },
        ("isempty", 1) => text(first).is_empty().into(),
        ("isnotempty", 1) => (!text(first).is_empty()).into(),
        ("isnull", 1) => first.is_null().into(),
        ("isnotnull", 1) => (!first.is_null()).into(),
        ("strlen", 1) => text(first).chars().count().into(),
        ("array_length", 1) => first.as_array().map(|items| items.len().into()).unwrap_or_default(),
        ("bag_keys", 1) => {
            first.as_object().map(|bag| bag.keys().cloned().collect::<Value>()).unwrap_or_default()
        }
        ("now", 0) => now.to_string().into(),
        ("ago", 1) => shift(now, -first.as_f64().ok_or("ago() takes a time span.")?),
        ("strcat", 1..) => values.iter().map(text).collect::<String>().into(),
        ("coalesce", 1..) => values.iter().find(|v| !v.is_null()).cloned().unwrap_or_default(),
        ("iff" | "iif", 3) => {
            if truth(first) {
                values[1].clone()
            } else {
                values[2].clone()
            }
        }
        ("case", 3..) => {
            let chosen = values.chunks_exact(2).find(|pair| truth(&pair[0]));
            chosen.map_or_else(|| values[values.len() - 1].clone(), |pair| pair[1].clone())
        }
        ("split", 2) => {
            let (whole, by) = (string(0), string(1));
            if by.is_empty() { json!([whole]) } else { whole.split(&by).map(Value::from).collect() }
        }
        ("substring", 2 | 3) => {
            let count = |at: usize| {
                values.get(at).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
            };
            let start = count(1).unwrap_or(0);
            string(0)
                .chars()
                .skip(start)
                .take(count(2).unwrap_or(usize::MAX))
                .collect::<String>()
                .into()
        }
        ("replace" | "replace_string", 3) => string(0).replace(&string(1), &string(2)).into(),
        ("in", _) => Value::Null,
        _ => {
            return Err(format!(
                "The function '{name}' with {} argument(s) is not served here.",
                values.len()
            ));
        }
    })
}
