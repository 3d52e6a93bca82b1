//! What a deployment's request asks for: the body that is not quite JSON, links, the checks
//! before anything is made.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::world::{
    World,
    deployments::{Deployment, DeploymentState, Step, StepState},
    failure::Failure,
    mix,
    path::ResourcePath,
    region,
};

use super::{
    super::{Call, guard, template},
    steps,
};

/// Reads and checks a request; gives the deployment that it would be.
pub(super) fn read(
    world: &mut World,
    call: &Call,
    path: ResourcePath,
    now: Timestamp,
) -> Result<Deployment, Failure> {
    if path.name().len() > 64 {
        return Err(Failure::gateway(
            400,
            "InvalidDeploymentName",
            "The length of the deployment name must not exceed '64' characters.",
        ));
    }
    let group = world.group(&path.subscription, &path.group)?;
    if group.deleting {
        return Err(Failure::group_being_deleted(&group.name));
    }
    let text = std::str::from_utf8(&call.body).map_err(Failure::invalid_content)?;
    let body = template::relaxed::read(text).map_err(Failure::invalid_content)?;
    let properties = &body["properties"];
    if !properties.is_object() {
        return Err(Failure::gateway(
            400,
            "InvalidRequestContent",
            "The request content was invalid: the 'properties' of the deployment are missing.",
        ));
    }
    let mode = properties["mode"].as_str().unwrap_or_default().to_ascii_lowercase();
    let complete = match mode.as_str() {
        "incremental" => false,
        "complete" => true,
        _ => {
            return Err(Failure::gateway(
                400,
                "InvalidDeploymentParameterValue",
                format!("The value of deployment parameter 'mode' is invalid: '{mode}'."),
            ));
        }
    };
    let link = properties.get("templateLink").filter(|link| !link.is_null());
    let template = match (properties.get("template").filter(|t| !t.is_null()), link) {
        (Some(template), None) => template.clone(),
        (None, Some(link)) => linked(world, call, link)?,
        _ => {
            return Err(Failure::gateway(
                400,
                "InvalidDeployment",
                "The deployment must have either a 'template' or a 'templateLink'.",
            ));
        }
    };
    if !template.is_object() {
        return Err(template::invalid("The template is not an object"));
    }
    let parameters_link = properties.get("parametersLink").filter(|link| !link.is_null());
    let given = match parameters_link {
        Some(link) => given(linked(world, call, link)?),
        None => given(properties.get("parameters").cloned().unwrap_or_default()),
    };
    let shown_link = |link: &Value, content: &Value| {
        let mut shown = json!({"uri": link["uri"]});
        if let Some(version) = content["contentVersion"].as_str() {
            shown["contentVersion"] = version.into();
        }
        shown
    };
    let run = world.new_id();
    let (status, _) = run.as_u64_pair();
    let mut deployment = Deployment {
        path,
        run,
        // Twenty digits that begin as the recorded ones.
        status_id: format!("0858{:016}", mix(status) % 10_000_000_000_000_000),
        state: DeploymentState::Accepted,
        complete,
        template_hash: template::template_hash(&template),
        template_link: link.map(|link| shown_link(link, &template)),
        parameters_link: parameters_link.map(|link| shown_link(link, &Value::Null)),
        template,
        values: Map::new(),
        parameters: None,
        providers: json!([]),
        dependencies: json!([]),
        steps: Vec::new(),
        outputs: None,
        error: None,
        caller: guard::caller(world, call),
        started_at: now,
        changed_at: now,
        next_at: None,
    };
    let context = super::context(world, &deployment, now);
    let bound = template::bind(&deployment.template, &given, &context)?;
    deployment.values = bound.values;
    deployment.parameters = bound.shown;
    let context = super::context(world, &deployment, now);
    let plan = template::plan(&deployment.template, &deployment.values, &context, None)?;
    template::outputs(&deployment.template, &deployment.values, &context, &plan, None)?;
    preflight(world, &deployment, &plan, now)?;
    deployment.providers = providers(&plan);
    deployment.dependencies = dependencies(&plan);
    let step = |(at, planned): (usize, &template::Planned)| {
        let (high, low) = run.as_u64_pair();
        Step {
            operation: format!("{:016X}", mix(high ^ mix(low ^ at as u64))),
            id: planned.known.id.clone(),
            resource_type: planned.known.resource_type.clone(),
            name: planned.known.name.clone(),
            deletes: false,
            state: StepState::Waiting,
            status: 202,
            started_at: None,
            ended_at: None,
        }
    };
    deployment.steps = plan.resources.iter().enumerate().map(step).collect();
    Ok(deployment)
}

/// The parameters of a request or of a parameters file.
fn given(value: Value) -> Map<String, Value> {
    let inner = value.get("parameters").filter(|_| value.get("$schema").is_some()).cloned();
    match inner.unwrap_or(value) {
        Value::Object(given) => given,
        _ => Map::new(),
    }
}

/// What is behind a link: only a file that this emulator serves itself.
fn linked(world: &World, call: &Call, link: &Value) -> Result<Value, Failure> {
    let uri = link["uri"].as_str().unwrap_or_default();
    let own = uri.strip_prefix(&format!("{}/files/", call.base)).map(str::to_owned);
    let github = || {
        let url = url::Url::parse(uri).ok()?;
        let there = url.host_str()? == "raw.githubusercontent.com";
        let name = url.path_segments()?.next_back()?.to_owned();
        (there && world.settings.switches.github_files).then_some(name)
    };
    let file = own.or_else(github).and_then(|name| {
        let name = name.split(['?', '#']).next().unwrap_or_default().to_owned();
        world.tenant.files.get(&name)
    });
    let text = file.ok_or_else(|| {
        Failure::gateway(
            400,
            "InvalidContentLink",
            format!(
                "Unable to download deployment content from '{uri}'. The tracking Id is '{}'. \
                 Please see https://aka.ms/arm-deploy for usage details.",
                world.settings.tenant_id
            ),
        )
    })?;
    template::relaxed::read(text)
        .map_err(|error| template::invalid(format!("The content of '{uri}' is not JSON: {error}")))
}

/// What Azure checks of every resource before it begins: type, region, rights, policies.
fn preflight(
    world: &World,
    deployment: &Deployment,
    plan: &template::Plan,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut details = Vec::new();
    for planned in &plan.resources {
        let known = &planned.known;
        if !super::super::tenant::can_put(&known.resource_type) {
            let (namespace, kind) =
                known.resource_type.split_once('/').unwrap_or((&known.resource_type, ""));
            details.push(Failure::gateway(
                400,
                "InvalidResourceType",
                format!(
                    "The resource type '{kind}' could not be found in the namespace '{namespace}' \
                     for api version '{}'.",
                    planned.api_version
                ),
            ));
            continue;
        }
        if let Some(location) = planned.location.as_deref().filter(|l| region::find(l).is_none()) {
            if let Err(failure) = world.place(&known.resource_type, Some(location)) {
                details.push(failure);
            }
            continue;
        }
        let empty = json!({});
        let body = planned.body.as_ref().unwrap_or(&empty);
        let put = steps::call(deployment, &known.id, &planned.api_version, body);
        match guard::check(world, &put, now) {
            Ok(()) => {}
            Err(failure) if failure.code == "AuthorizationFailed" => {
                // GUESS: the words, after those of Azure for one resource.
                return Err(Failure::gateway(
                    403,
                    "InvalidTemplateDeployment",
                    format!(
                        "Deployment failed with multiple errors: 'Authorization failed for \
                         template resource '{}' of type '{}'. {}'",
                        known.name, known.resource_type, failure.message
                    ),
                ));
            }
            // Locks and quotas are met when it comes to it.
            Err(failure) if failure.code == "RequestDisallowedByPolicy" => details.push(failure),
            Err(_) => {}
        }
    }
    if details.is_empty() {
        return Ok(());
    }
    let details: Vec<Value> = details.iter().map(Failure::body).collect();
    let failure = Failure::gateway(
        400,
        "InvalidTemplateDeployment",
        format!(
            "The template deployment '{}' is not valid according to the validation procedure. The \
             tracking id is '{}'. See inner errors for details.",
            deployment.path.name(),
            deployment.run
        ),
    );
    Err(failure.with("details", details.into()))
}

/// Types with their regions.
type Types = Vec<(String, Vec<Value>)>;

/// `providers`: by namespace and type, each with its regions.
fn providers(plan: &template::Plan) -> Value {
    let mut found: Vec<(String, Types)> = Vec::new();
    for planned in &plan.resources {
        let resource_type = &planned.known.resource_type;
        let (namespace, kind) = resource_type.split_once('/').unwrap_or((resource_type, ""));
        let location = planned.location.as_deref().map(region::normalise);
        let location: Value = location.into();
        let at = found.iter().position(|(known, _)| known.eq_ignore_ascii_case(namespace));
        let at = at.unwrap_or_else(|| {
            found.push((namespace.to_owned(), Vec::new()));
            found.len() - 1
        });
        let types = &mut found[at].1;
        match types.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(kind)) {
            Some((_, locations)) if locations.contains(&location) => {}
            Some((_, locations)) => locations.push(location),
            None => types.push((kind.to_owned(), vec![location])),
        }
    }
    let types = |types: Types| -> Value {
        let one = |(kind, locations)| json!({"resourceType": kind, "locations": locations});
        types.into_iter().map(one).collect()
    };
    found
        .into_iter()
        .map(|(namespace, of)| json!({"namespace": namespace, "resourceTypes": types(of)}))
        .collect()
}

/// `dependencies`: of each resource that has some.
fn dependencies(plan: &template::Plan) -> Value {
    let name = |at: usize| {
        let known = &plan.resources[at].known;
        json!({"id": known.id, "resourceType": known.resource_type, "resourceName": known.name})
    };
    plan.resources
        .iter()
        .enumerate()
        .filter(|(_, planned)| !planned.depends.is_empty())
        .map(|(at, planned)| {
            let mut one = name(at);
            one["dependsOn"] = planned.depends.iter().map(|before| name(*before)).collect();
            one
        })
        .collect()
}
