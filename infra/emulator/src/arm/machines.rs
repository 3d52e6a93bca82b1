//! `Microsoft.Compute/virtualMachines` and `virtualMachineScaleSets`: their JSON and requests.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{
    World,
    failure::Failure,
    machines::{Attached, Machine},
    operations::Operation,
    path::ResourcePath,
    resource::Provisioning,
    scale_sets::ScaleSet,
};

use super::{
    Call, lists, not_allowed,
    reply::{Reply, partition},
    wire::{provisioning, stamp},
};

const MACHINES: &str = "virtualMachines";
const SETS: &str = "virtualMachineScaleSets";

/// One machine, also of a uniform set, and its actions.
pub(super) fn serve(
    world: &mut World,
    call: &Call,
    (path, action): (ResourcePath, Option<&str>),
    now: Timestamp,
) -> Result<Reply, Failure> {
    let types: &[&str] = if path.pairs.len() > 1 { &[SETS, MACHINES] } else { &[MACHINES] };
    let mut path = path.spelled("Microsoft.Compute", types);
    let key = path.key();
    world.group(&path.subscription, &path.group)?;
    if let Some(known) = world.tenant.machines.get(&key) {
        path = known.path.clone();
    }
    let known = world.tenant.machines.contains(&key);
    match (&call.method, action) {
        (&Method::GET, None) => {
            let found = world.tenant.machines.get(&key).ok_or_else(|| path.not_found())?;
            let expand =
                call.query.get("$expand").is_some_and(|e| e.eq_ignore_ascii_case("instanceView"));
            // GUESS: the figures of a caller at rest; machines are not throttled here.
            Ok(Reply::provider(200, body(world, found, expand)).header(
                "x-ms-ratelimit-remaining-resource",
                "Microsoft.Compute/LowCostGetSubscriptionMaximum;23999,\
                 Microsoft.Compute/LowCostGetResource;33",
            ))
        }
        (&Method::GET, Some(view)) if view.eq_ignore_ascii_case("instanceView") => {
            let found = world.tenant.machines.get(&key).ok_or_else(|| path.not_found())?;
            Ok(Reply::provider(200, instance_view(found)))
        }
        (&Method::PUT | &Method::PATCH, None) => {
            if !known && (call.method == Method::PATCH || path.pairs.len() > 1) {
                return Err(path.not_found());
            }
            let (operation, new) = world.put_machine(path, &call.json()?, now)?;
            let found = world.tenant.machines.get(&key).map(|machine| body(world, machine, false));
            Ok(begun(call, &operation, if new { 201 } else { 200 }, found))
        }
        (&Method::DELETE, None) => Ok(match world.delete_machine(&path, now)? {
            Some(operation) => begun(call, &operation, 202, None),
            None => Reply { provider: true, ..Reply::empty(204) },
        }),
        (&Method::POST, Some(action)) => {
            let running = match action.to_ascii_lowercase().as_str() {
                "start" | "restart" => true,
                "deallocate" | "poweroff" => false,
                _ => return Err(not_allowed(call)),
            };
            let operation = world.set_power(&path, running, now)?;
            Ok(begun(call, &operation, 202, None))
        }
        _ => Err(not_allowed(call)),
    }
}

/// One scale set, or the list of a uniform one's machines.
pub(super) fn serve_set(
    world: &mut World,
    call: &Call,
    (path, lists_machines): (ResourcePath, bool),
    now: Timestamp,
) -> Result<Reply, Failure> {
    let path = path.spelled("Microsoft.Compute", &[SETS]);
    let key = path.key();
    world.group(&path.subscription, &path.group)?;
    let found = world.tenant.scale_sets.get(&key);
    match call.method {
        Method::GET if lists_machines => {
            let set = found.ok_or_else(|| path.not_found())?;
            let of = |machine: &Machine| (machine.path.key(), body(world, machine, false));
            let mut items: Vec<_> = world.members(set).into_iter().map(of).collect();
            items.sort_by(|(a, _), (b, _)| a.cmp(b));
            lists::page(world, call, items, true)
        }
        Method::GET => {
            let set = found.ok_or_else(|| path.not_found())?;
            Ok(Reply::provider(200, scale_set_body(world, set)))
        }
        Method::PUT | Method::PATCH if !lists_machines => {
            if found.is_none() && call.method == Method::PATCH {
                return Err(path.not_found());
            }
            let path = found.map_or(path, |set| set.path.clone());
            let (operation, new) = world.put_scale_set(path, &call.json()?, now)?;
            let body = world.tenant.scale_sets.get(&key).map(|set| scale_set_body(world, set));
            Ok(begun(call, &operation, if new { 201 } else { 200 }, body))
        }
        Method::DELETE if !lists_machines => Ok(match world.delete_scale_set(&path, now)? {
            Some(operation) => begun(call, &operation, 202, None),
            None => Reply { provider: true, ..Reply::empty(204) },
        }),
        _ => Err(not_allowed(call)),
    }
}

/// The machines or scale sets of a group or a subscription.
pub(super) fn list(world: &World, call: &Call, scope: &str, sets: bool) -> Result<Reply, Failure> {
    if call.method != Method::GET {
        return Err(not_allowed(call));
    }
    let scope = format!("{scope}/");
    let items = if sets {
        let rows = world.tenant.scale_sets.under(&scope, None);
        rows.map(|(key, set)| (key.clone(), scale_set_body(world, set))).collect()
    } else {
        let rows = world.tenant.machines.under(&scope, None);
        rows.filter(|(_, machine)| !machine.is_instance())
            .map(|(key, machine)| (key.clone(), body(world, machine, false)))
            .collect()
    };
    lists::page(world, call, items, true)
}

/// The answer that begins an operation of the machines' provider: unlike the disks' it is 201 or
/// 200, with one URL, `…/operations/{id}` (recorded for restore points, 2024).
fn begun(call: &Call, operation: &Operation, status: u16, body: Option<Value>) -> Reply {
    let url = |monitor: &str| {
        format!(
            "{}/subscriptions/{}/providers/Microsoft.Compute/locations/{}/operations/{}?p={}{monitor}&api-version={}",
            call.base,
            operation.subscription,
            operation.location,
            operation.id,
            partition(&operation.location),
            call.version()
        )
    };
    let mut reply = Reply {
        status,
        body,
        provider: true,
        request_id: Some(operation.id),
        polling: true,
        ..Reply::default()
    };
    reply.headers.push(("azure-asyncoperation", url("")));
    reply.headers.push(("azure-asyncnotification", "Enabled".to_owned()));
    if status == 202 {
        reply.headers.push(("location", url("&monitor=true")));
    }
    reply
}

pub(super) fn body(world: &World, machine: &Machine, expand: bool) -> Value {
    let attached = |attached: &Attached| {
        let disk = world.disks.get(&attached.disk.key());
        let mut shown = json!({
            "name": attached.disk.name,
            "createOption": attached.create_option,
            "caching": attached.caching,
            "managedDisk": {"id": attached.disk.path()},
            "deleteOption": if attached.deleted_with { "Delete" } else { "Detach" },
        });
        if let Some(disk) = disk {
            shown["managedDisk"]["storageAccountType"] = disk.base.sku.clone().into();
            shown["diskSizeGB"] = disk.base.size_gb.into();
        }
        match attached.lun {
            Some(lun) => {
                shown["lun"] = lun.into();
                shown["toBeDetached"] = false.into();
            }
            None => {
                let os = disk.and_then(|disk| disk.base.settings.get("osType").cloned());
                shown["osType"] = os.unwrap_or_else(|| "Linux".into());
            }
        }
        shown
    };
    let mut storage = json!({
        "dataDisks": machine.data_disks.iter().map(attached).collect::<Vec<_>>(),
        "diskControllerType": "SCSI",
    });
    if let Some(os) = &machine.os_disk {
        storage["osDisk"] = attached(os);
    }
    if let Some(image) = &machine.image {
        storage["imageReference"] = image.clone();
        if let (Some("latest"), true) = (image["version"].as_str(), image["exactVersion"].is_null())
        {
            storage["imageReference"]["exactVersion"] = "1.0.0".into();
        }
    }
    let mut properties = machine.properties.clone();
    os_defaults(&mut properties);
    let state = match machine.provisioning {
        Provisioning::Updating if machine.version <= 1 => "Creating",
        state => provisioning(state),
    };
    properties.insert("provisioningState".into(), state.into());
    properties.insert("vmId".into(), json!(machine.vm_id));
    properties.insert("storageProfile".into(), storage);
    properties.insert("timeCreated".into(), stamp(machine.created_at).into());
    if expand {
        properties.insert("instanceView".into(), instance_view(machine));
    }
    let mut body = json!({
        "name": machine.path.name(),
        "id": machine.path.path(),
        "type": machine.path.resource_type(),
        "location": machine.location,
        "properties": properties,
        "etag": format!("\"{}\"", machine.version),
    });
    if let Some(tags) = &machine.tags {
        body["tags"] = json!(tags);
    }
    if !machine.zones.is_empty() {
        body["zones"] = json!(machine.zones);
    }
    if machine.is_instance() {
        let number = machine.path.name().to_owned();
        body["name"] = format!("{}_{number}", machine.path.pairs[0].1).into();
        body["instanceId"] = number.into();
    }
    body
}

/// What a GET shows of the OS and network profile beyond what was sent, as recorded.
fn os_defaults(properties: &mut serde_json::Map<String, Value>) {
    if let Some(profile) = properties.get_mut("osProfile").and_then(Value::as_object_mut) {
        profile.remove("adminPassword");
        profile.remove("customData");
        profile.entry("secrets").or_insert_with(|| json!([]));
        profile.entry("allowExtensionOperations").or_insert(true.into());
        profile.entry("requireGuestProvisionSignal").or_insert(true.into());
        if let Some(linux) = profile.get_mut("linuxConfiguration").and_then(Value::as_object_mut) {
            linux.entry("provisionVMAgent").or_insert(true.into());
            let patch = json!({"patchMode": "ImageDefault", "assessmentMode": "ImageDefault"});
            linux.entry("patchSettings").or_insert(patch);
        }
    }
    let network =
        properties.get_mut("networkProfile").and_then(|n| n["networkInterfaces"].as_array_mut());
    for interface in network.into_iter().flatten() {
        let empty =
            |value: &Value| value.as_object().is_some_and(|o| o.values().all(Value::is_null));
        if let Some(interface) = interface.as_object_mut() {
            interface.retain(|_, value| !value.is_null() && !empty(value));
        }
    }
}

/// The parts of an instance view that do not need a guest.
fn instance_view(machine: &Machine) -> Value {
    let done = |at: Timestamp| {
        json!({
            "code": "ProvisioningState/succeeded", "level": "Info",
            "displayStatus": "Provisioning succeeded", "time": stamp(at),
        })
    };
    let disk = |attached: &Attached| json!({"name": attached.disk.name, "statuses": [done(machine.changed_at)]});
    let power =
        if machine.running { ("running", "VM running") } else { ("deallocated", "VM deallocated") };
    let mut view = json!({
        "disks": machine.disks().map(disk).collect::<Vec<_>>(),
        "hyperVGeneration": "V2",
        "statuses": [
            done(machine.changed_at),
            {
                "code": format!("PowerState/{}", power.0), "level": "Info",
                "displayStatus": power.1,
            },
        ],
    });
    if machine.running {
        view["vmAgent"] = json!({
            "vmAgentVersion": "Unknown",
            "statuses": [{
                "code": "ProvisioningState/Unavailable", "level": "Warning",
                "displayStatus": "Not Ready",
                "message": "VM status blob is found but not yet populated.",
                "time": stamp(machine.changed_at),
            }],
        });
    }
    view
}

pub(super) fn scale_set_body(world: &World, set: &ScaleSet) -> Value {
    let mut properties = set.properties.clone();
    let mode = if set.flexible { "Flexible" } else { "Uniform" };
    properties.insert("orchestrationMode".into(), mode.into());
    properties.insert("provisioningState".into(), provisioning(set.provisioning).into());
    properties.insert("uniqueId".into(), json!(set.unique_id));
    properties.insert("timeCreated".into(), stamp(set.created_at).into());
    properties.entry("singlePlacementGroup").or_insert((!set.flexible).into());
    properties.entry("platformFaultDomainCount").or_insert(1.into());
    let mut body = json!({
        "name": set.path.name(),
        "id": set.path.path(),
        "type": set.path.resource_type(),
        "location": set.location,
        "sku": {"name": set.sku, "tier": "Standard", "capacity": world.members(set).len()},
        "properties": properties,
    });
    if let Some(tags) = &set.tags {
        body["tags"] = json!(tags);
    }
    if !set.zones.is_empty() {
        body["zones"] = json!(set.zones);
    }
    body
}
