//! The parameters of a template: what was given, the defaults, and every rule about them.

use serde_json::{Map, Value, json};

use super::{
    camel,
    eval::{Context, Eval, Scope, Stop},
    invalid,
    plan::NAMES,
    type_name,
};
use crate::world::failure::Failure;

/// A template's parameters with their values.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    pub(crate) values: Map<String, Value>,
    /// As the answers of deployments show them; nothing if the template declares none.
    pub(crate) shown: Option<Value>,
}

/// Matches what was given with what the template declares.
pub(crate) fn bind(
    template: &Value,
    given: &Map<String, Value>,
    context: &Context,
) -> Result<Bound, Failure> {
    let Some(declared) = template.get("parameters").filter(|declared| !declared.is_null()) else {
        refuse_unknown(&Map::new(), given)?;
        return Ok(Bound::default());
    };
    let declared = declared
        .as_object()
        .ok_or_else(|| invalid("The template's 'parameters' are not an object"))?;
    if declared.len() > NAMES {
        return Err(invalid(format!("The template has more than '{NAMES}' parameters")));
    }
    refuse_unknown(declared, given)?;
    let none = Map::new();
    let mut scope = Scope::new(context, &none);
    scope.defaults = true;
    for (name, declaration) in declared {
        match find(given, name) {
            Some(Value::Object(given)) if given.contains_key("value") => {
                scope.parameters.insert(name.clone(), given["value"].clone());
            }
            Some(_) => {
                return Err(invalid(format!(
                    "The value for the template parameter '{name}' is not given as 'value'; \
                     references to a key vault are not served here"
                )));
            }
            None if declaration.get("defaultValue").is_none() => {
                return Err(invalid(format!(
                    "The value for the template parameter '{name}' at line '1' and column '1' is \
                     not provided. Please see https://aka.ms/arm-create-parameter-file for usage \
                     details."
                )));
            }
            None => {}
        }
    }
    default_values(&mut scope, declared)?;
    let mut shown = Map::new();
    for (name, declaration) in declared {
        let value = scope.parameters.get(name).cloned().unwrap_or_default();
        let kind = check(name, declaration, &value).map_err(stopped)?;
        let mut show = json!({"type": kind});
        if !kind.starts_with("Secure") {
            show["value"] = value;
        }
        shown.insert(camel(name), show);
    }
    Ok(Bound { values: scope.parameters, shown: Some(shown.into()) })
}

/// Evaluates the defaults of what was not given. One may be made of others, in any order.
fn default_values(scope: &mut Scope<'_>, declared: &Map<String, Value>) -> Result<(), Failure> {
    loop {
        let mut waits = None;
        let mut moved = false;
        for (name, declaration) in declared {
            let Some(default) = declaration.get("defaultValue") else { continue };
            if scope.parameters.contains_key(name) {
                continue;
            }
            match scope.value(default) {
                Ok(value) => {
                    scope.parameters.insert(name.clone(), value);
                    moved = true;
                }
                Err(stop) => waits = Some(stop),
            }
        }
        match waits {
            None => return Ok(()),
            Some(_) if moved => {}
            Some(stop) => return Err(stopped(stop)),
        }
    }
}

fn stopped(stop: Stop) -> Failure {
    match stop {
        Stop::Invalid(why) => invalid(why.trim_end_matches('.')),
        Stop::Later => invalid("A parameter cannot depend on a resource"),
    }
}

fn find<'a>(given: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    given.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn refuse_unknown(
    declared: &Map<String, Value>,
    given: &Map<String, Value>,
) -> Result<(), Failure> {
    let unknown: Vec<&str> =
        given.keys().filter(|name| find(declared, name).is_none()).map(String::as_str).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = declared.keys().map(String::as_str).collect();
    Err(invalid(format!(
        "The template parameters '{}' in the parameters file are not valid; they are not present \
         in the original template and can therefore not be provided at deployment time. The only \
         supported parameters for this template are '{}'. Please see \
         https://aka.ms/arm-pass-parameter-values for usage details.",
        unknown.join(", "),
        known.join(", ")
    )))
}

/// Checks a value and gives the name of its type as answers spell it.
fn check(name: &str, declaration: &Value, value: &Value) -> Eval<&'static str> {
    let declared = declaration["type"].as_str().unwrap_or_default();
    let fits = |matches: bool, kind: &'static str, expected: &str| {
        if matches {
            return Ok(kind);
        }
        Err(Stop::from(format!(
            "Template parameter JToken type is not valid. Expected '{expected}'. Actual '{}'. \
             Please see https://aka.ms/arm-create-parameter-file for usage details.",
            type_name(value)
        )))
    };
    let kind =
        match declared.to_ascii_lowercase().as_str() {
            "string" => fits(value.is_string(), "String", "String, Uri"),
            "securestring" => fits(value.is_string(), "SecureString", "String, Uri"),
            "int" => fits(value.is_i64(), "Int", "Integer"),
            "bool" => fits(value.is_boolean(), "Bool", "Boolean"),
            "array" => fits(value.is_array(), "Array", "Array"),
            "object" => fits(value.is_object(), "Object", "Object"),
            "secureobject" => fits(value.is_object(), "SecureObject", "Object"),
            _ => Err(format!("The template parameter '{name}' has the unknown type '{declared}'.")
                .into()),
        }?;
    let not_valid = |why: String| {
        Stop::from(format!(
            "The provided value for the template parameter '{name}' is not valid. {why}"
        ))
    };
    if let Some(allowed) = declaration["allowedValues"].as_array() {
        // An array may be any part of what is allowed.
        let part = value.as_array().is_some_and(|items| items.iter().all(|i| allowed.contains(i)));
        if !part && !allowed.contains(value) {
            let allowed: Vec<String> = allowed.iter().map(super::values::display).collect();
            return Err(not_valid(format!(
                "The value '{}' is not part of the allowed value(s): '{}'.",
                super::values::display(value),
                allowed.join(",")
            )));
        }
    }
    let limit = |name: &str| declaration[name].as_i64();
    if let Some(number) = value.as_i64() {
        if limit("minValue").is_some_and(|least| number < least) {
            return Err(not_valid(format!(
                "The value '{number}' is less than the minimum value '{}'.",
                declaration["minValue"]
            )));
        }
        if limit("maxValue").is_some_and(|most| number > most) {
            return Err(not_valid(format!(
                "The value '{number}' is greater than the maximum value '{}'.",
                declaration["maxValue"]
            )));
        }
    }
    let length = match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        _ => None,
    };
    if let Some(length) = length.and_then(|length| i64::try_from(length).ok()) {
        if limit("minLength").is_some_and(|least| length < least) {
            return Err(not_valid(format!(
                "Length of the value should be greater than or equal to '{}'.",
                declaration["minLength"]
            )));
        }
        if limit("maxLength").is_some_and(|most| length > most) {
            return Err(not_valid(format!(
                "Length of the value should be less than or equal to '{}'.",
                declaration["maxLength"]
            )));
        }
    }
    Ok(kind)
}
