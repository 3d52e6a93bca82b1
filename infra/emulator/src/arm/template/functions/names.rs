//! Ids of resources: `resourceId` and its relatives.

use serde_json::Value;

use super::{
    super::eval::{Context, Eval},
    text,
};

/// The function of that name, if it is one of these.
pub(super) fn call(context: &Context, lower: &str, name: &str, values: &[Value]) -> Option<Eval> {
    Some(match lower {
        "resourceid" => resource_id(context, name, values, true),
        "subscriptionresourceid" => resource_id(context, name, values, false),
        "tenantresourceid" => typed(name, values).map(|(_, path)| path.into()),
        "extensionresourceid" => extension(name, values),
        _ => return None,
    })
}

/// What comes before the type, and `/providers/{type with names}`.
fn typed<'a>(name: &str, values: &'a [Value]) -> Eval<(&'a [Value], String)> {
    let at = values.iter().position(|value| value.as_str().is_some_and(|v| v.contains('/')));
    let at = at.ok_or_else(|| {
        format!(
            "Unable to evaluate template language function '{name}': the type of the resource is \
             missing. Please see https://aka.ms/arm-function-resourceid for usage details."
        )
    })?;
    let (before, rest) = values.split_at(at);
    let kind = text(name, &rest[0])?;
    let (provider, types) = kind.split_once('/').unwrap_or((kind, ""));
    let types: Vec<&str> = types.split('/').collect();
    let names = rest[1..].iter().map(|value| text(name, value)).collect::<Eval<Vec<_>>>()?;
    if names.len() != types.len() {
        return Err(format!(
            "Unable to evaluate template language function '{name}': the type '{kind}' requires \
             '{}' resource name argument(s). Please see \
             https://aka.ms/arm-function-resourceid for usage details.",
            types.len()
        )
        .into());
    }
    let mut path = format!("/providers/{provider}");
    for (kind, name) in types.iter().zip(names) {
        path.push_str(&format!("/{kind}/{name}"));
    }
    Ok((before, path))
}

fn resource_id(context: &Context, name: &str, values: &[Value], in_group: bool) -> Eval {
    let (before, path) = typed(name, values)?;
    let before = before.iter().map(|value| text(name, value)).collect::<Eval<Vec<_>>>()?;
    let own = (context.subscription_id(), context.group_name());
    let (subscription, group) = match (before.as_slice(), in_group) {
        ([], _) => own,
        ([subscription], false) => (*subscription, ""),
        ([group], true) => (own.0, *group),
        ([subscription, group], true) => (*subscription, *group),
        _ => return Err(super::wrong(name)),
    };
    Ok(if in_group {
        format!("/subscriptions/{subscription}/resourceGroups/{group}{path}").into()
    } else {
        format!("/subscriptions/{subscription}{path}").into()
    })
}

fn extension(name: &str, values: &[Value]) -> Eval {
    let (scope, rest) = values.split_first().ok_or_else(|| super::wrong(name))?;
    let (_, path) = typed(name, rest)?;
    Ok(format!("{}{path}", text(name, scope)?.trim_end_matches('/')).into())
}
