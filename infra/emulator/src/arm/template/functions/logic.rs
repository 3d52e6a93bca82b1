//! Comparisons, truth and whole numbers.

use serde_json::Value;

use super::{
    super::{eval::Eval, values::integer},
    at_least, exactly, wrong,
};

/// The function of that name, if it is one of these.
pub(super) fn call(lower: &str, name: &str, values: &[Value]) -> Option<Eval> {
    Some(match lower {
        "true" => exactly(name, values.len(), 0).map(|()| true.into()),
        "false" => exactly(name, values.len(), 0).map(|()| false.into()),
        "null" => exactly(name, values.len(), 0).map(|()| Value::Null),
        "not" => {
            exactly(name, values.len(), 1).and_then(|()| Ok((!truth(name, &values[0])?).into()))
        }
        "bool" => exactly(name, values.len(), 1).and_then(|()| to_bool(name, &values[0])),
        "int" => exactly(name, values.len(), 1).and_then(|()| to_int(name, &values[0])),
        "equals" => exactly(name, values.len(), 2).map(|()| equal(&values[0], &values[1]).into()),
        "less" | "lessorequals" | "greater" | "greaterorequals" => compare(lower, name, values),
        "add" | "sub" | "mul" | "div" | "mod" => reckon(lower, name, values),
        "min" | "max" => extreme(lower, name, values),
        _ => return None,
    })
}

pub(super) fn truth(name: &str, value: &Value) -> Eval<bool> {
    value.as_bool().ok_or_else(|| wrong(name))
}

fn to_bool(name: &str, value: &Value) -> Eval {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::Number(number) => Ok((number.as_i64() != Some(0)).into()),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true.into()),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false.into()),
        _ => Err(wrong(name)),
    }
}

fn to_int(name: &str, value: &Value) -> Eval {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Ok(number.into()),
            #[expect(clippy::cast_possible_truncation, reason = "a number is cut, as in Azure")]
            (None, Some(float)) => Ok((float as i64).into()),
            (None, None) => Err(wrong(name)),
        },
        Value::String(text) => text.trim().parse::<i64>().map(Value::from).map_err(|_| wrong(name)),
        _ => Err(wrong(name)),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn compare(lower: &str, name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let order = match (&values[0], &values[1]) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (a, b) => integer(a)?.cmp(&integer(b)?),
    };
    let holds = match lower {
        "less" => order.is_lt(),
        "lessorequals" => order.is_le(),
        "greater" => order.is_gt(),
        _ => order.is_ge(),
    };
    Ok(holds.into())
}

fn reckon(lower: &str, name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let (a, b) = (integer(&values[0])?, integer(&values[1])?);
    let result = match lower {
        "add" => a.checked_add(b),
        "sub" => a.checked_sub(b),
        "mul" => a.checked_mul(b),
        "div" => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.map(Value::from).ok_or_else(|| {
        format!("The template language function '{name}' of '{a}' and '{b}' has no result.").into()
    })
}

fn extreme(lower: &str, name: &str, values: &[Value]) -> Eval {
    at_least(name, values.len(), 1)?;
    let numbers = match values {
        [Value::Array(items)] => items.as_slice(),
        numbers => numbers,
    };
    let numbers = numbers.iter().map(integer).collect::<Eval<Vec<_>>>()?;
    let found = if lower == "min" { numbers.iter().min() } else { numbers.iter().max() };
    found.map(|number| (*number).into()).ok_or_else(|| wrong(name))
}
