//! Which resources a template stands for, and which must be there before which.

use serde_json::{Map, Value, json};

use super::{
    camel,
    eval::{Context, Eval, Live, Scope, Stop},
    invalid, type_name, values,
};
use crate::world::failure::Failure;

/// The most resources of a template (ARM's limit).
const LIMIT: usize = 800;

/// The most parameters, and the most variables, of a template (ARM's limit).
pub(super) const NAMES: usize = 256;

/// What `reference` and `dependsOn` may call a resource by.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) resource_type: String,
    pub(crate) name: String,
    pub(crate) id: String,
    /// The name in a template of language version 2.
    symbol: Option<String>,
    /// The loop that made it.
    looped: Option<String>,
}

impl Known {
    /// Whether a text names this resource: by name, by type and name, by id or by symbol.
    pub(super) fn is_called(&self, text: &str) -> bool {
        let same = |known: &str| known.eq_ignore_ascii_case(text);
        same(&self.id)
            || same(&self.name)
            || same(&format!("{}/{}", self.resource_type, self.name))
            || same(&interleaved(&self.resource_type, &self.name))
            || self.symbol.as_deref().is_some_and(same)
    }
}

/// One resource to deploy.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) known: Known,
    pub(crate) api_version: String,
    /// Where it will be, if that is known.
    pub(crate) location: Option<String>,
    /// The body to send; nothing if it needs a resource that is not there yet.
    pub(crate) body: Option<Value>,
    /// The places in the plan of what must be there first.
    pub(crate) depends: Vec<usize>,
}

/// All of a template's resources, in its order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) resources: Vec<Planned>,
}

/// A resource as the template has it, and the turn of its loop.
struct Raw<'a> {
    body: &'a Value,
    parent: Option<usize>,
    symbol: Option<&'a str>,
    copy: Option<(String, i64)>,
    /// In a serial loop: how many turns run together.
    batch: Option<i64>,
}

impl Raw<'_> {
    /// The scope of its turn in a loop; nothing if it is in none.
    fn turned<'s>(&self, scope: &'s Scope<'_>) -> Option<Scope<'s>> {
        self.copy.as_ref().map(|(name, index)| scope.within(name, *index))
    }
}

/// `Microsoft.X/a/b` and `n/m` as `Microsoft.X/a/n/b/m`.
pub(super) fn interleaved(resource_type: &str, name: &str) -> String {
    let (provider, types) = resource_type.split_once('/').unwrap_or((resource_type, ""));
    let mut path = provider.to_owned();
    for (kind, name) in types.split('/').zip(name.split('/')) {
        path.push_str(&format!("/{kind}/{name}"));
    }
    path
}

/// Works out the resources; with `live`, expressions may look at those that are deployed.
pub(crate) fn plan(
    template: &Value,
    parameters: &Map<String, Value>,
    context: &Context,
    live: Option<&dyn Live>,
) -> Result<Plan, Failure> {
    let variables = variables(template)?;
    let mut scope = Scope::new(context, &variables);
    scope.parameters = parameters.clone();
    // A variable that is not used is evaluated all the same, as in Azure.
    for name in variables.keys().filter(|name| *name != "copy") {
        scope.variable(name).map_err(|stop| stopped(stop, "variable", name))?;
    }
    let mut raws = Vec::new();
    collect(&scope, &template["resources"], None, &mut raws)?;
    if raws.len() > LIMIT {
        return Err(invalid(format!(
            "The number of template resources limit exceeded. Limit: '{LIMIT}' and actual: '{}'",
            raws.len()
        )));
    }
    let mut known: Vec<Option<Known>> = Vec::new();
    for raw in &raws {
        let next = name_of(&scope, raw, &known)?;
        if let Some(next) = &next
            && known.iter().flatten().any(|other| other.id.eq_ignore_ascii_case(&next.id))
        {
            return Err(invalid(format!(
                "The resource '{}' at line '1' and column '1' is defined multiple times in a \
                 template. Please see https://aka.ms/arm-syntax-resources for usage details.",
                interleaved(&next.resource_type, &next.name)
            )));
        }
        known.push(next);
    }
    let all: Vec<Known> = known.iter().flatten().cloned().collect();
    scope.resources = &all;
    scope.live = live;
    let mut resources = Vec::new();
    for (raw, known) in raws.iter().zip(&known) {
        if let Some(known) = known {
            resources.push(resource(&scope, raw, known, &all, &raws)?);
        }
    }
    let plan = Plan { resources };
    refuse_cycles(&plan)?;
    Ok(plan)
}

fn variables(template: &Value) -> Result<Map<String, Value>, Failure> {
    match template.get("variables") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(variables)) if variables.len() > NAMES => {
            Err(invalid(format!("The template has more than '{NAMES}' variables")))
        }
        Some(Value::Object(variables)) => Ok(variables.clone()),
        Some(other) => {
            Err(invalid(format!("The template's 'variables' are of type '{}'", type_name(other))))
        }
    }
}

fn stopped(stop: Stop, what: &str, name: &str) -> Failure {
    match stop {
        Stop::Invalid(why) => invalid(format!(
            "Unable to process template language expressions for {what} '{name}' at line '1' and \
             column '1'. '{}'",
            why.trim_end_matches('.')
        )),
        Stop::Later => invalid(format!(
            "The template function 'reference' is not expected at this location: {what} '{name}'. \
             Please see https://aka.ms/arm-functions for usage details."
        )),
    }
}

/// Unfolds loops and children.
fn collect<'a>(
    scope: &Scope<'_>,
    resources: &'a Value,
    parent: Option<usize>,
    raws: &mut Vec<Raw<'a>>,
) -> Result<(), Failure> {
    let listed: Vec<(Option<&str>, &Value)> = match resources {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(items) => {
            items.iter().map(|(symbol, item)| (Some(symbol.as_str()), item)).collect()
        }
        other => {
            return Err(invalid(format!(
                "The template's 'resources' are of type '{}'",
                type_name(other)
            )));
        }
    };
    for (symbol, body) in listed {
        let mut add = |raw: Raw<'a>| {
            raws.push(raw);
            let at = raws.len() - 1;
            // Too many are refused when all are counted; until then it must end.
            if body["resources"].is_null() || at > LIMIT {
                Ok(())
            } else {
                collect(scope, &body["resources"], Some(at), raws)
            }
        };
        match &body["copy"] {
            Value::Object(copy) => {
                let name = copy.get("name").and_then(Value::as_str).unwrap_or_default();
                let fail = |stop| stopped(stop, "copy", name);
                let count = copy.get("count").cloned().unwrap_or_default();
                let count =
                    scope.value(&count).and_then(|count| values::count(&count)).map_err(fail)?;
                let serial = copy
                    .get("mode")
                    .and_then(Value::as_str)
                    .is_some_and(|mode| mode.eq_ignore_ascii_case("serial"));
                let batch = copy.get("batchSize").and_then(Value::as_i64).unwrap_or(1).max(1);
                for index in 0..count {
                    add(Raw {
                        body,
                        parent,
                        symbol,
                        copy: Some((name.to_owned(), index)),
                        batch: serial.then_some(batch),
                    })?;
                }
            }
            _ => add(Raw { body, parent, symbol, copy: None, batch: None })?,
        }
    }
    Ok(())
}

/// The name and type of a resource; nothing if its condition is false.
fn name_of(
    scope: &Scope<'_>,
    raw: &Raw<'_>,
    before: &[Option<Known>],
) -> Result<Option<Known>, Failure> {
    let label = raw.body["name"].as_str().unwrap_or_default();
    if !raw.body.is_object() {
        return Err(invalid("A resource of the template is not an object"));
    }
    let turned = raw.turned(scope);
    let scope = turned.as_ref().unwrap_or(scope);
    let fail = |stop| stopped(stop, "resource", label);
    let condition = match raw.body.get("condition") {
        None | Some(Value::Null) => true,
        Some(condition) => match scope.value(condition).map_err(fail)? {
            Value::Bool(condition) => condition,
            Value::String(text) if text.eq_ignore_ascii_case("true") => true,
            Value::String(text) if text.eq_ignore_ascii_case("false") => false,
            _ => {
                return Err(invalid(format!(
                    "The condition of resource '{label}' is not a boolean"
                )));
            }
        },
    };
    if !condition || raw.parent.is_some_and(|at| before.get(at).is_some_and(Option::is_none)) {
        return Ok(None);
    }
    let text = |what: &str| {
        let value = raw.body.get(what).filter(|value| !value.is_null()).ok_or_else(|| {
            invalid(format!(
                "The template resource '{label}' at line '1' and column '1' is not valid. The \
                 '{what}' property is required. Please see \
                 https://aka.ms/arm-syntax-resources for usage details."
            ))
        })?;
        scope.string(value, &format!("resource '{what}'")).map_err(fail)
    };
    let (mut resource_type, mut name) = (text("type")?, text("name")?);
    if let Some(Some(parent)) = raw.parent.and_then(|at| before.get(at)) {
        resource_type = format!("{}/{resource_type}", parent.resource_type);
        name = format!("{}/{name}", parent.name);
    }
    let types = resource_type.split('/').count();
    if types < 2 || types != name.split('/').count() + 1 || name.split('/').any(str::is_empty) {
        return Err(invalid(format!(
            "The template resource '{name}' for type '{resource_type}' at line '1' and column '1' \
             has incorrect segment lengths. A nested resource type must have identical number of \
             segments as its resource name. A root resource type must have segment length one \
             greater than its resource name. Please see https://aka.ms/arm-syntax-resources for \
             usage details."
        )));
    }
    let place = |what: &str, own: &str| match raw.body.get(what).filter(|v| !v.is_null()) {
        Some(value) => scope.string(value, what).map_err(fail),
        None => Ok(own.to_owned()),
    };
    let subscription = place("subscriptionId", scope.context.subscription_id())?;
    let group = place("resourceGroup", scope.context.group_name())?;
    let extended = match raw.body.get("scope").filter(|value| !value.is_null()) {
        Some(value) => scope.string(value, "scope").map_err(fail)?,
        None => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
    };
    let id = format!(
        "{}/providers/{}",
        extended.trim_end_matches('/'),
        interleaved(&resource_type, &name)
    );
    Ok(Some(Known {
        resource_type,
        name,
        id,
        symbol: raw.symbol.map(str::to_owned),
        looped: raw.copy.as_ref().map(|(name, _)| name.clone()),
    }))
}

/// What of a template's resource is not part of the body that is sent.
const NOT_SENT: &[&str] = &[
    "type",
    "name",
    "apiVersion",
    "dependsOn",
    "copy",
    "condition",
    "comments",
    "resources",
    "metadata",
    "scope",
    "resourceGroup",
    "subscriptionId",
];

fn resource(
    scope: &Scope<'_>,
    raw: &Raw<'_>,
    known: &Known,
    all: &[Known],
    raws: &[Raw<'_>],
) -> Result<Planned, Failure> {
    let turned = raw.turned(scope);
    let scope = turned.as_ref().unwrap_or(scope);
    let fail = |stop| stopped(stop, "resource", &interleaved(&known.resource_type, &known.name));
    let at_place = |id: &str| all.iter().position(|other| other.id.eq_ignore_ascii_case(id));
    let mut depends = depends_on(scope, raw, known, all, raws).map_err(fail)?;
    // `reference` is a dependency of its own; each one is looked for, also behind the first.
    let mut body = Map::new();
    let mut later = false;
    for (name, value) in raw.body.as_object().into_iter().flatten() {
        if NOT_SENT.contains(&name.as_str()) || value.is_null() {
            continue;
        }
        // What a nested template says is read when that one is deployed.
        if known.resource_type.eq_ignore_ascii_case("Microsoft.Resources/deployments")
            && name == "properties"
        {
            body.insert(name.clone(), nested(scope, value).map_err(fail)?);
            continue;
        }
        let value = gather(scope, value, &mut later).map_err(fail)?;
        body.insert(name.clone(), value);
    }
    for id in scope.referenced.take() {
        depends.extend(at_place(&id));
    }
    if let (Some(batch), Some((looped, index))) = (raw.batch, &raw.copy) {
        let turns: Vec<usize> = all
            .iter()
            .enumerate()
            .filter(|(_, other)| other.looped.as_ref() == Some(looped))
            .map(|(at, _)| at)
            .collect();
        // Turns run in batches, each after the whole one before.
        let first = usize::try_from((index / batch - 1) * batch).ok();
        let size = usize::try_from(batch).unwrap_or(1);
        depends.extend(first.into_iter().flat_map(|first| turns.iter().skip(first).take(size)));
    }
    depends.sort_unstable();
    depends.dedup();
    let own = at_place(&known.id);
    depends.retain(|at| Some(*at) != own);
    let api_version = raw.body.get("apiVersion").cloned().unwrap_or_default();
    let api_version = match scope.value(&api_version).map_err(fail)? {
        Value::String(version) => version,
        _ => {
            return Err(invalid(format!(
                "The template resource '{}' at line '1' and column '1' is not valid. The api \
                 version is required. Please see https://aka.ms/arm-syntax-resources for usage \
                 details.",
                known.name
            )));
        }
    };
    Ok(Planned {
        known: known.clone(),
        api_version,
        location: body.get("location").and_then(Value::as_str).map(str::to_owned),
        body: (!later).then(|| body.into()),
        depends,
    })
}

/// The properties of a nested deployment; its template stays as it is, unless it is outer-scoped.
fn nested(scope: &Scope<'_>, properties: &Value) -> Eval {
    let inner = properties["expressionEvaluationOptions"]["scope"]
        .as_str()
        .is_some_and(|scope| scope.eq_ignore_ascii_case("inner"));
    let mut out = Map::new();
    for (name, value) in properties.as_object().into_iter().flatten() {
        let value = if name == "template" && inner { value.clone() } else { scope.value(value)? };
        out.insert(name.clone(), value);
    }
    Ok(out.into())
}

/// Evaluates a value; where something is not there yet, goes on to find what else is referenced.
fn gather(scope: &Scope<'_>, value: &Value, later: &mut bool) -> Eval {
    let (Value::Object(_) | Value::Array(_), false) = (value, value.get("copy").is_some()) else {
        return match scope.value(value) {
            Err(Stop::Later) => {
                *later = true;
                Ok(Value::Null)
            }
            result => result,
        };
    };
    match value {
        Value::Array(items) => items.iter().map(|item| gather(scope, item, later)).collect(),
        Value::Object(object) => {
            let mut out = Map::new();
            for (name, value) in object {
                let name = scope.text(name)?;
                let name = name.as_str().unwrap_or_default().to_owned();
                out.insert(name, gather(scope, value, later)?);
            }
            Ok(out.into())
        }
        other => Ok(other.clone()),
    }
}

fn depends_on(
    scope: &Scope<'_>,
    raw: &Raw<'_>,
    known: &Known,
    all: &[Known],
    raws: &[Raw<'_>],
) -> Eval<Vec<usize>> {
    let mut depends = Vec::new();
    let listed = match raw.body.get("dependsOn") {
        None | Some(Value::Null) => return Ok(depends),
        Some(Value::Array(items)) => items,
        Some(_) => return Err("The property 'dependsOn' is not an array.".into()),
    };
    for item in listed {
        let text = scope.string(item, "dependency")?;
        scope.burn(all.len())?;
        let before = depends.len();
        for (at, other) in all.iter().enumerate() {
            let looped = other.looped.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&text));
            if other.is_called(&text) || looped {
                depends.push(at);
            }
        }
        // What is left out by its condition is no error, nor is a loop that never turns.
        let left_out = || {
            raws.iter().any(|raw| {
                let symbol = raw.symbol.is_some_and(|symbol| symbol == text);
                let name = scope.string(raw.body.get("name").unwrap_or(&Value::Null), "name");
                symbol || name.is_ok_and(|name| text.to_lowercase().ends_with(&name.to_lowercase()))
            })
        };
        if depends.len() == before && !left_out() {
            return Err(format!(
                "The resource '{text}' is not defined in the template, and '{}' depends on it. \
                 Please see https://aka.ms/arm-syntax for usage details.",
                known.name
            )
            .into());
        }
    }
    Ok(depends)
}

fn refuse_cycles(plan: &Plan) -> Result<(), Failure> {
    let mut done = vec![false; plan.resources.len()];
    loop {
        let ready = |at: usize, done: &[bool]| {
            !done[at] && plan.resources[at].depends.iter().all(|before| done[*before])
        };
        match (0..done.len()).find(|at| ready(*at, &done)) {
            Some(at) => done[at] = true,
            None => break,
        }
    }
    match done.iter().position(|done| !done) {
        None => Ok(()),
        Some(at) => Err(invalid(format!(
            "Circular dependency detected on resource: '{}'. Please see \
             https://aka.ms/arm-syntax-resources for usage details.",
            plan.resources[at].known.id
        ))),
    }
}

/// The outputs of a deployed template; nothing if it declares none.
pub(crate) fn outputs(
    template: &Value,
    parameters: &Map<String, Value>,
    context: &Context,
    plan: &Plan,
    live: Option<&dyn Live>,
) -> Result<Option<Value>, Failure> {
    let Some(declared) = template.get("outputs").and_then(Value::as_object) else {
        return Ok(None);
    };
    let variables = variables(template)?;
    let known: Vec<Known> = plan.resources.iter().map(|planned| planned.known.clone()).collect();
    let mut scope = Scope::new(context, &variables);
    scope.parameters = parameters.clone();
    scope.resources = &known;
    scope.live = live;
    let mut out = Map::new();
    for (name, output) in declared {
        let fail = |stop| stopped(stop, "output", name);
        let kept = match output.get("condition") {
            None | Some(Value::Null) => true,
            Some(condition) => scope.value(condition).map_err(fail)? == Value::Bool(true),
        };
        if !kept {
            continue;
        }
        let evaluated = match &output["copy"] {
            Value::Object(copy) => {
                let count = copy.get("count").cloned().unwrap_or_default();
                let count =
                    scope.value(&count).and_then(|count| values::count(&count)).map_err(fail)?;
                let input = copy.get("input").cloned().unwrap_or_default();
                let items = (0..count).map(|index| scope.within(name, index).value(&input));
                items.collect::<Eval<Vec<_>>>().map(Value::from)
            }
            _ => scope.value(&output["value"]),
        };
        let value = match evaluated {
            // Before the deployment all that can be checked is the rest.
            Err(Stop::Later) if live.is_none() => continue,
            other => other.map_err(fail)?,
        };
        let kind = output["type"].as_str().unwrap_or_default().to_ascii_lowercase();
        let (kind, fits) = match kind.as_str() {
            "string" => ("String", value.is_string()),
            "int" => ("Int", value.is_i64()),
            "bool" => ("Bool", value.is_boolean()),
            "array" => ("Array", value.is_array()),
            "object" => ("Object", value.is_object()),
            "securestring" => ("SecureString", value.is_string()),
            "secureobject" => ("SecureObject", value.is_object()),
            other => {
                return Err(invalid(format!("The output '{name}' has the unknown type '{other}'")));
            }
        };
        if !fits {
            return Err(invalid(format!(
                "The template output '{name}' is not valid: the value is of type '{}' and not \
                 '{kind}'.",
                type_name(&value)
            )));
        }
        let mut shown = json!({"type": kind});
        if !kind.starts_with("Secure") {
            shown["value"] = value;
        }
        out.insert(camel(name), shown);
    }
    Ok(Some(out.into()))
}
