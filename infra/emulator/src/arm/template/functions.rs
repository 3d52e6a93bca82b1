//! The functions of the template language that look around them or choose what to evaluate; the
//! pure ones are in the files beside.

mod collections;
mod logic;
mod names;
mod texts;
mod times;

use serde_json::{Value, json};

use super::{
    eval::{Eval, Scope, Stop},
    hash,
    parse::Expr,
    values::{display, integer},
};

/// Calls a function by its name, in any case.
pub(super) fn call(scope: &Scope<'_>, name: &str, arguments: &[Expr]) -> Eval {
    let lower = name.to_ascii_lowercase();
    // These do not evaluate what they do not need.
    match lower.as_str() {
        "if" => {
            exactly(name, arguments.len(), 3)?;
            let branch = if logic::truth(name, &scope.expression(&arguments[0])?)? { 1 } else { 2 };
            return scope.expression(&arguments[branch]);
        }
        "and" | "or" => {
            at_least(name, arguments.len(), 2)?;
            let decisive = lower == "or";
            for argument in arguments {
                if logic::truth(name, &scope.expression(argument)?)? == decisive {
                    return Ok(decisive.into());
                }
            }
            return Ok((!decisive).into());
        }
        "coalesce" => {
            at_least(name, arguments.len(), 1)?;
            for argument in arguments {
                let value = scope.expression(argument)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            return Ok(Value::Null);
        }
        _ => {}
    }
    let values = arguments.iter().map(|each| scope.expression(each)).collect::<Eval<Vec<_>>>()?;
    let values = values.as_slice();
    match lower.as_str() {
        "parameters" => {
            exactly(name, values.len(), 1)?;
            scope.parameter(text(name, &values[0])?)
        }
        "variables" => {
            exactly(name, values.len(), 1)?;
            scope.variable(text(name, &values[0])?)
        }
        "resourcegroup" => none(name, values, &scope.context.group),
        "subscription" => none(name, values, &scope.context.subscription),
        "deployment" => none(name, values, &scope.context.deployment),
        "environment" => none(name, values, &environment()),
        "copyindex" => copy_index(scope, values),
        "reference" => reference(scope, values),
        "utcnow" if scope.defaults => times::utc_now(scope.context.now, values),
        "newguid" if scope.defaults => {
            let count = scope.guids.get();
            scope.guids.set(count + 1);
            let id = hash::guid(&[scope.context.seed.to_string(), count.to_string()]);
            none(name, values, &json!(id))
        }
        "utcnow" | "newguid" => Err(format!(
            "The template function '{name}' is not expected at this location. It can only be used \
             in the default value of a parameter. Please see https://aka.ms/arm-functions for \
             usage details."
        )
        .into()),
        _ => names::call(scope.context, &lower, name, values)
            .or_else(|| logic::call(&lower, name, values))
            .or_else(|| texts::call(&lower, name, values))
            .or_else(|| collections::call(&lower, name, values))
            .unwrap_or_else(|| {
                Err(format!(
                    "The template function '{name}' is not valid. Please see \
                     https://aka.ms/arm-functions for usage details."
                )
                .into())
            }),
    }
}

/// `copyIndex([loop] [, offset])`.
fn copy_index(scope: &Scope<'_>, values: &[Value]) -> Eval {
    let (name, offset) = match values {
        [] => (None, 0),
        [Value::String(name)] => (Some(name), 0),
        [offset] => (None, integer(offset)?),
        [Value::String(name), offset] => (Some(name), integer(offset)?),
        _ => return Err("The template function 'copyIndex' has wrong arguments.".into()),
    };
    let found = match name {
        Some(name) => scope.copies.iter().rev().find(|(each, _)| each.eq_ignore_ascii_case(name)),
        None => scope.copies.last(),
    };
    let index = found.map(|(_, index)| *index).ok_or(
        "The template function 'copyIndex' is not expected at this location. The function can \
         only be used in a resource with copy specified. Please see https://aka.ms/arm-copy for \
         usage details.",
    )?;
    Ok(index.checked_add(offset).ok_or("The index of a copy loop is too large.")?.into())
}

/// `reference(name or id [, version] [, 'Full'])`.
fn reference(scope: &Scope<'_>, values: &[Value]) -> Eval {
    let Some(Value::String(named)) = values.first() else {
        return Err("The template function 'reference' needs the name or id of a resource.".into());
    };
    let full =
        values.get(2).and_then(Value::as_str).is_some_and(|f| f.eq_ignore_ascii_case("full"));
    let id = match scope.resources.iter().find(|known| known.is_called(named)) {
        Some(known) => known.id.clone(),
        None if named.starts_with('/') => named.clone(),
        None => {
            return Err(format!(
                "The template reference '{named}' is not valid: could not find template resource \
                 or resource copy with this name. Please see \
                 https://aka.ms/arm-function-reference for usage details."
            )
            .into());
        }
    };
    scope.referenced.borrow_mut().push(id.clone());
    let Some(live) = scope.live else { return Err(Stop::Later) };
    let own = scope.resources.iter().any(|known| known.id == id);
    let found = live.show(&id).ok_or_else(|| match own {
        true => Stop::Later,
        false => Stop::Invalid(format!("The resource '{id}' that is referenced was not found.")),
    })?;
    Ok(if full { found } else { found.get("properties").cloned().unwrap_or_default() })
}

fn environment() -> Value {
    json!({
        "name": "AzureCloud",
        "gallery": "https://gallery.azure.com/",
        "graph": "https://graph.windows.net/",
        "portal": "https://portal.azure.com",
        "resourceManager": "https://management.azure.com/",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com/",
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {"storage": "core.windows.net"},
    })
}

fn none(name: &str, values: &[Value], result: &Value) -> Eval {
    exactly(name, values.len(), 0)?;
    Ok(result.clone())
}

fn exactly(name: &str, given: usize, wanted: usize) -> Eval<()> {
    if given == wanted {
        return Ok(());
    }
    Err(format!(
        "Unable to evaluate template language function '{name}': function requires {wanted} \
         argument(s) while {given} were provided. Please see https://aka.ms/arm-functions for \
         usage details."
    )
    .into())
}

fn at_least(name: &str, given: usize, wanted: usize) -> Eval<()> {
    if given >= wanted {
        return Ok(());
    }
    Err(format!(
        "Unable to evaluate template language function '{name}': function requires at least \
         {wanted} argument(s) while {given} were provided. Please see \
         https://aka.ms/arm-functions for usage details."
    )
    .into())
}

fn wrong(name: &str) -> Stop {
    Stop::Invalid(format!(
        "The template language function '{name}' has arguments of the wrong type. Please see \
         https://aka.ms/arm-functions for usage details."
    ))
}

fn text<'a>(name: &str, value: &'a Value) -> Eval<&'a str> {
    value.as_str().ok_or_else(|| wrong(name))
}

fn texts_of(values: &[Value]) -> Vec<String> {
    values.iter().map(display).collect()
}
