//! Functions of texts.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    super::{
        eval::{Eval, TEXT_LIMIT},
        hash,
        values::{display, integer},
    },
    at_least, exactly, text, texts_of, wrong,
};

/// The function of that name, if it is one of these.
pub(super) fn call(lower: &str, name: &str, values: &[Value]) -> Option<Eval> {
    let one = |change: fn(&str) -> String| {
        exactly(name, values.len(), 1).and_then(|()| Ok(change(text(name, &values[0])?).into()))
    };
    let two = |change: fn(&str, &str) -> Value| {
        exactly(name, values.len(), 2)?;
        Ok(change(text(name, &values[0])?, text(name, &values[1])?))
    };
    Some(match lower {
        "tolower" => one(str::to_lowercase),
        "toupper" => one(str::to_uppercase),
        "trim" => one(|text| text.trim().to_owned()),
        "base64" => one(|text| STANDARD.encode(text)),
        "uricomponent" => one(|text| {
            url::form_urlencoded::byte_serialize(text.as_bytes())
                .collect::<String>()
                .replace('+', "%20")
        }),
        "base64tostring" => decode(name, values),
        "uniquestring" => {
            at_least(name, values.len(), 1).map(|()| hash::unique_string(&texts_of(values)).into())
        }
        "guid" => at_least(name, values.len(), 1)
            .map(|()| hash::guid(&texts_of(values)).to_string().into()),
        "string" => exactly(name, values.len(), 1).map(|()| display(&values[0]).into()),
        "startswith" => two(|a, b| a.to_lowercase().starts_with(&b.to_lowercase()).into()),
        "endswith" => two(|a, b| a.to_lowercase().ends_with(&b.to_lowercase()).into()),
        "indexof" if values.first().is_some_and(Value::is_string) => {
            two(|a, b| position(a, a.to_lowercase().find(&b.to_lowercase())))
        }
        "lastindexof" if values.first().is_some_and(Value::is_string) => {
            two(|a, b| position(a, a.to_lowercase().rfind(&b.to_lowercase())))
        }
        "replace" => replace(name, values),
        "substring" => substring(name, values),
        "padleft" => pad_left(name, values),
        "split" => split(name, values),
        "join" => join(name, values),
        "format" => format(name, values),
        "uri" => uri(name, values),
        "json" => exactly(name, values.len(), 1).and_then(|()| {
            super::super::relaxed::read(text(name, &values[0])?)
                .map_err(|error| std::format!("The text of '{name}' is not JSON: {error}.").into())
        }),
        _ => return None,
    })
}

/// Where in characters what was found at a byte is; -1 if nothing was.
fn position(text: &str, found: Option<usize>) -> Value {
    let characters = |at: usize| text.to_lowercase()[..at].chars().count();
    found.map_or(Value::from(-1), |at| characters(at).into())
}

fn decode(name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 1)?;
    let bytes = STANDARD.decode(text(name, &values[0])?).map_err(|_| wrong(name))?;
    Ok(String::from_utf8(bytes).map_err(|_| wrong(name))?.into())
}

fn replace(name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 3)?;
    let (whole, from, to) =
        (text(name, &values[0])?, text(name, &values[1])?, text(name, &values[2])?);
    if from.is_empty() || whole.matches(from).count().saturating_mul(to.len()) > TEXT_LIMIT {
        return Err(wrong(name));
    }
    Ok(whole.replace(from, to).into())
}

fn substring(name: &str, values: &[Value]) -> Eval {
    at_least(name, values.len(), 2)?;
    let whole: Vec<char> = text(name, &values[0])?.chars().collect();
    let out_of_range = || {
        std::format!(
            "Unable to evaluate template language function '{name}': the index and length must \
             refer to a location within the string."
        )
    };
    let start = usize::try_from(integer(&values[1])?).map_err(|_| out_of_range())?;
    let length = match values.get(2) {
        Some(length) => usize::try_from(integer(length)?).map_err(|_| out_of_range())?,
        None => whole.len().saturating_sub(start),
    };
    let end = start.checked_add(length).ok_or_else(out_of_range)?;
    let part = whole.get(start..end).ok_or_else(out_of_range)?;
    Ok(part.iter().collect::<String>().into())
}

fn pad_left(name: &str, values: &[Value]) -> Eval {
    at_least(name, values.len(), 2)?;
    let whole = display(&values[0]);
    let width = usize::try_from(integer(&values[1])?).map_err(|_| wrong(name))?;
    let with = values.get(2).map_or(Ok(" "), |with| text(name, with))?;
    let mut with = with.chars();
    let (Some(with), None, true) = (with.next(), with.next(), width <= TEXT_LIMIT) else {
        return Err(wrong(name));
    };
    let missing = width.saturating_sub(whole.chars().count());
    Ok((with.to_string().repeat(missing) + &whole).into())
}

fn split(name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let whole = text(name, &values[0])?;
    let delimiters = match &values[1] {
        Value::Array(items) => {
            items.iter().map(|item| text(name, item)).collect::<Eval<Vec<_>>>()?
        }
        other => vec![text(name, other)?],
    };
    let mut parts = Vec::new();
    let mut rest = whole;
    loop {
        let next = delimiters
            .iter()
            .filter(|delimiter| !delimiter.is_empty())
            .filter_map(|delimiter| rest.find(delimiter).map(|at| (at, delimiter.len())))
            .min();
        let Some((at, length)) = next else { break };
        parts.push(Value::from(&rest[..at]));
        rest = &rest[at + length..];
    }
    parts.push(rest.into());
    Ok(parts.into())
}

fn join(name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let Value::Array(items) = &values[0] else { return Err(wrong(name)) };
    Ok(texts_of(items).join(text(name, &values[1])?).into())
}

fn uri(name: &str, values: &[Value]) -> Eval {
    exactly(name, values.len(), 2)?;
    let base = url::Url::parse(text(name, &values[0])?).map_err(|_| wrong(name))?;
    let joined = base.join(text(name, &values[1])?).map_err(|_| wrong(name))?;
    Ok(joined.to_string().into())
}

/// .NET's composite format: `{0}`, `{0,8}`, `{1:D3}`, `{{`.
fn format(name: &str, values: &[Value]) -> Eval {
    at_least(name, values.len(), 1)?;
    let mut rest = text(name, &values[0])?;
    let mut out = String::new();
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let mark = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(mark) {
            out.push_str(mark);
            rest = after;
            continue;
        }
        let end = rest.find('}').filter(|_| mark == "{").ok_or_else(|| wrong(name))?;
        let (item, form) = rest[..end].split_once(':').unwrap_or((&rest[..end], ""));
        let (number, width) = item.split_once(',').unwrap_or((item, "0"));
        let value = number.trim().parse::<usize>().ok().and_then(|n| values.get(n.checked_add(1)?));
        let width: i16 = width.trim().parse().map_err(|_| wrong(name))?;
        let shown = formatted(name, value.ok_or_else(|| wrong(name))?, form)?;
        let pad =
            " ".repeat(usize::from(width.unsigned_abs()).saturating_sub(shown.chars().count()));
        out.push_str(&if width < 0 { shown + &pad } else { pad + &shown });
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(out.into())
}

/// A value in one of .NET's forms of whole numbers; others are refused.
fn formatted(name: &str, value: &Value, form: &str) -> Eval<String> {
    if form.is_empty() {
        return Ok(display(value));
    }
    let number = integer(value)?;
    let digits =
        form[1..].parse::<usize>().or(if form.len() == 1 { Ok(0) } else { Err(wrong(name)) });
    let digits = digits.ok().filter(|digits| *digits <= 99).ok_or_else(|| wrong(name))?;
    match form.as_bytes().first() {
        Some(b'D' | b'd') => {
            let sign = if number < 0 { "-" } else { "" };
            Ok(std::format!("{sign}{:0digits$}", number.unsigned_abs()))
        }
        Some(b'X') => Ok(std::format!("{number:0digits$X}")),
        Some(b'x') => Ok(std::format!("{number:0digits$x}")),
        _ => Err(wrong(name)),
    }
}
