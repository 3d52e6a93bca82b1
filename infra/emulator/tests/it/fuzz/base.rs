//! The valid requests that are mutated: one row for each operation that the emulator serves.
//!
//! Whoever adds a route adds a row. In paths and bodies, `{sub}`, `{other}`, `{tenant}`, `{op}`,
//! `{content}` and `{frozen}` stand for what is there, `{n}` for one of few names, so that requests
//! meet each other's effects.

mod storage;

use crate::{dice::Dice, lab};

use super::{
    names::Names,
    request::{Face, Request},
};

/// Face, method, path and query, body (empty: none).
type Row = (Face, &'static str, &'static str, &'static str);

const RG: &str = "/subscriptions/{sub}/resourceGroups/g{n}";
const COMPUTE: &str = "/subscriptions/{sub}/resourceGroups/rg{n}/providers/Microsoft.Compute";

use Face::{Arm, Plain};

/// `@` begins a path in a group of Microsoft.Compute, `~` one in a group that comes and goes.
const ROWS: &[Row] = &[
    (Arm, "GET", "/metadata/endpoints?api-version=2022-09-01", ""),
    (Arm, "GET", "/{tenant}/v2.0/.well-known/openid-configuration", ""),
    (Arm, "POST", "/{tenant}/oauth2/v2.0/token", "grant_type=client_credentials&client_id=a"),
    (Arm, "GET", "/tenants?api-version=2022-12-01", ""),
    (Arm, "GET", "/subscriptions?api-version=2022-12-01", ""),
    (Arm, "GET", "/subscriptions/{sub}?api-version=2022-12-01", ""),
    (Arm, "GET", "/subscriptions/{sub}/locations?api-version=2022-12-01", ""),
    (Arm, "GET", "/subscriptions/{sub}/resourcegroups?api-version=2022-09-01", ""),
    (Arm, "GET", "~?api-version=2022-09-01", ""),
    (Arm, "HEAD", "~?api-version=2022-09-01", ""),
    (Arm, "PUT", "~?api-version=2022-09-01", r#"{"location":"eastus","tags":{"a":"b"}}"#),
    (Arm, "PATCH", "~?api-version=2022-09-01", r#"{"tags":{"a":"c"}}"#),
    (Arm, "DELETE", "~?api-version=2022-09-01", ""),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/operationresults/eyJqb2JJZCI6IngifQ?api-version=2022-09-01",
        "",
    ),
    (Arm, "GET", "/subscriptions/{sub}/providers/Microsoft.Compute?api-version=2022-09-01", ""),
    (
        Arm,
        "POST",
        "/subscriptions/{sub}/providers/Microsoft.Compute/register?api-version=2022-09-01",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Features/providers/Microsoft.Compute/features?api-version=2021-07-01",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Features/providers/Microsoft.Compute/features/CreateOptionClone?api-version=2021-07-01",
        "",
    ),
    (
        Arm,
        "POST",
        "/subscriptions/{sub}/providers/Microsoft.Features/providers/Microsoft.Compute/features/CreateOptionClone/register?api-version=2021-07-01",
        "",
    ),
    (
        Arm,
        "POST",
        "/subscriptions/{sub}/providers/Microsoft.Features/providers/Microsoft.Compute/features/CreateOptionClone/unregister?api-version=2021-07-01",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Compute/locations/eastus/DiskOperations/{op}?p=x&api-version=2024-03-02",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Compute/locations/eastus/DiskOperations/{op}?p=x&monitor=true&api-version=2024-03-02",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Compute/disks?api-version=2024-03-02",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Compute/snapshots?api-version=2024-03-02",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Compute/snapshots?api-version=2024-03-02&$skiptoken=YWJj",
        "",
    ),
    (Arm, "GET", "@/disks?api-version=2024-03-02", ""),
    (Arm, "GET", "@/snapshots?api-version=2024-03-02", ""),
    (Arm, "GET", "@/disks/d{n}?api-version=2024-03-02", ""),
    (Arm, "PUT", "@/disks/d{n}?api-version=2023-04-02", EMPTY_DISK),
    (Arm, "PUT", "@/disks/r{n}?api-version=2023-04-02", RESTORE),
    (
        Arm,
        "PATCH",
        "@/disks/d{n}?api-version=2023-04-02",
        r#"{"tags":{"x":"y"},"sku":{"name":"StandardSSD_LRS"},"properties":{"diskSizeGB":64,"networkAccessPolicy":"DenyAll"}}"#,
    ),
    (Arm, "DELETE", "@/disks/r{n}?api-version=2023-04-02", ""),
    (Arm, "GET", "@/snapshots/s{n}?api-version=2022-03-02", ""),
    (Arm, "PUT", "@/snapshots/s{n}?api-version=2023-10-02", SNAPSHOT),
    (Arm, "PUT", "@/snapshots/s{n}?api-version=2021-04-01", SNAPSHOT),
    (Arm, "PUT", "@/snapshots/c{n}?api-version=2020-12-01", COPY_START),
    (Arm, "PATCH", "@/snapshots/s{n}?api-version=2023-10-02", r#"{"tags":{"x":"y"}}"#),
    (Arm, "DELETE", "@/snapshots/s{n}?api-version=2023-10-02", ""),
    (Arm, "DELETE", "@/snapshots/c{n}?api-version=2023-10-02", ""),
    (
        Arm,
        "POST",
        "@/snapshots/s{n}/beginGetAccess?api-version=2023-10-02",
        r#"{"access":"Read","durationInSeconds":600}"#,
    ),
    (Arm, "POST", "@/snapshots/s{n}/endGetAccess?api-version=2023-10-02", ""),
    (
        Arm,
        "GET",
        "@/snapshots/s{n}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01",
        "",
    ),
    (
        Arm,
        "PUT",
        "@/disks/d{n}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01",
        r#"{"properties":{"tags":{"k":"v"}}}"#,
    ),
    (
        Arm,
        "PATCH",
        "@/disks/d{n}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01",
        r#"{"operation":"Merge","properties":{"tags":{"k":"w","l":"m"}}}"#,
    ),
    (Plain, "GET", "/msi/token?api-version=2019-08-01&resource=https://management.azure.com/", ""),
    (Plain, "GET", "/_control/health", ""),
    (Plain, "GET", "/_control/clock", ""),
    (Plain, "PUT", "/_control/clock", r#"{"advance_seconds":2.5}"#),
    (Plain, "PUT", "/_control/clock", r#"{"now":"2026-01-01T00:00:00Z","frozen":true}"#),
    (Plain, "PUT", "/_control/bandwidth", r#"{"bytes_per_second":65536}"#),
    (Plain, "GET", "/_control/counters", ""),
    (Plain, "GET", "/_control/settings", ""),
    (Plain, "PUT", "/_control/settings", r#"{"page_size":3,"retry_after_ms":10}"#),
    (
        Plain,
        "POST",
        "/_control/seed",
        r#"{"subscriptions":[{"id":"{sub}","name":"One"}],"groups":[{"subscription":"{sub}","name":"rg{n}","location":"eastus"}],"disks":[{"id":"/subscriptions/{sub}/resourceGroups/rg{n}/providers/Microsoft.Compute/disks/e{n}","location":"eastus","size_gb":4,"zones":[],"content":{"random_bytes":8192,"seed":3}}]}"#,
    ),
    (
        Plain,
        "POST",
        "/_control/seed",
        r#"{"fleet":{"subscription":"{sub}","group":"rg{n}","location":"eastus","prefix":"f{n}","disks":2,"snapshots_per_disk":2,"content_bytes":4096,"changed_bytes_per_snapshot":4096}}"#,
    ),
    (Plain, "PUT", "/_control/owner?id=@/disks/d{n}", r#"{"managed_by":null}"#),
    (Plain, "GET", "/_control/content?id=@/snapshots/s{n}&offset=4096&length=8192", ""),
    (Plain, "PUT", "/_control/content?id=@/disks/d{n}", "some bytes"),
    (Plain, "POST", "/_control/write?id=@/disks/d{n}&offset=12288", "other bytes"),
    (Plain, "GET", "/_control/check", ""),
    (Plain, "GET", "/_control/guesses", ""),
    (Plain, "GET", "/_control/faults", ""),
    (
        Plain,
        "POST",
        "/_control/faults",
        r#"{"path_contains":"/none","method":"GET","status":503,"count":1,"after":false}"#,
    ),
    (Plain, "PUT", "/_control/faults/random", r#"{"seed":1,"probability":0,"kinds":["503"]}"#),
    (Plain, "DELETE", "/_control/faults", ""),
    (Plain, "PUT", "/_control/copy?id=@/snapshots/c{n}", r#"{"stall_percent":40}"#),
    (Arm, "POST", "@/disks?api-version=2024-03-02", ""),
    (Arm, "GET", "/files/t{n}.json", ""),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/resources?api-version=2022-09-01&$filter=resourceType%20eq%20%27Microsoft.Compute/disks%27&$top=2",
        "",
    ),
    (Arm, "GET", "/subscriptions/{sub}/resourceGroups/rg{n}/resources?api-version=2022-09-01", ""),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/resourcegroups?api-version=2022-09-01&$filter=tagname%20eq%20%27a%27%20and%20tagvalue%20eq%20%27b%27",
        "",
    ),
    (Arm, "POST", "~/exportTemplate?api-version=2022-09-01", r#"{"resources":["*"]}"#),
    (
        Arm,
        "PATCH",
        "~/providers/Microsoft.Resources/tags/default?api-version=2021-04-01",
        r#"{"operation":"Delete","properties":{"tags":{"a":"b"}}}"#,
    ),
    (Arm, "GET", "/subscriptions/{sub}/providers?api-version=2022-09-01", ""),
    (
        Arm,
        "POST",
        "/subscriptions/{sub}/providers/Microsoft.Other{n}/unregister?api-version=2022-09-01",
        "",
    ),
    (
        Arm,
        "PUT",
        "/subscriptions/{sub}/providers/Microsoft.Features/featureProviders/Microsoft.X/subscriptionFeatureRegistrations/f{n}?api-version=2021-07-01",
        "{}",
    ),
    (
        Arm,
        "DELETE",
        "/subscriptions/{sub}/providers/Microsoft.Features/featureProviders/Microsoft.X/subscriptionFeatureRegistrations/f{n}?api-version=2021-07-01",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Compute/skus?api-version=2021-07-01&$filter=location%20eq%20%27eastus%27",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Compute/locations/eastus/usages?api-version=2024-07-01",
        "",
    ),
    (
        Arm,
        "PUT",
        "@/diskEncryptionSets/e{n}?api-version=2023-04-02",
        r#"{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"activeKey":{"keyUrl":"https://v/keys/k/1"}}}"#,
    ),
    (Arm, "DELETE", "@/diskEncryptionSets/e{n}?api-version=2023-04-02", ""),
    (
        Arm,
        "PUT",
        "@/disks/x{n}?api-version=2023-04-02",
        r#"{"location":"eastus","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":4,"encryption":{"diskEncryptionSetId":"@/diskEncryptionSets/e{n}"}}}"#,
    ),
    (Arm, "PUT", "@/virtualMachines/v{n}?api-version=2024-07-01", MACHINE),
    (
        Arm,
        "PATCH",
        "@/virtualMachines/v{n}?api-version=2024-07-01",
        r#"{"properties":{"storageProfile":{"dataDisks":[{"lun":3,"createOption":"Empty","diskSizeGB":8}]}}}"#,
    ),
    (Arm, "GET", "@/virtualMachines/v{n}?api-version=2024-07-01&$expand=instanceView", ""),
    (Arm, "POST", "@/virtualMachines/v{n}/deallocate?api-version=2024-07-01", ""),
    (Arm, "DELETE", "@/virtualMachines/v{n}?api-version=2024-07-01", ""),
    (
        Arm,
        "PUT",
        "@/virtualMachineScaleSets/u{n}?api-version=2024-07-01",
        r#"{"location":"eastus","sku":{"name":"Standard_D2s_v3","capacity":2},"properties":{}}"#,
    ),
    (Arm, "GET", "@/virtualMachineScaleSets/u{n}/virtualMachines?api-version=2024-07-01", ""),
    (Arm, "DELETE", "@/virtualMachineScaleSets/u{n}?api-version=2024-07-01", ""),
    (
        Arm,
        "PUT",
        "~/providers/Microsoft.Authorization/locks/l{n}?api-version=2020-05-01",
        r#"{"properties":{"level":"CanNotDelete"}}"#,
    ),
    (Arm, "DELETE", "~/providers/Microsoft.Authorization/locks/l{n}?api-version=2020-05-01", ""),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01",
        "",
    ),
    (
        Arm,
        "PUT",
        "/subscriptions/{sub}/resourceGroups/rg{n}/providers/Microsoft.Resources/deployments/d{n}?api-version=2022-09-01",
        DEPLOYMENT,
    ),
    (
        Arm,
        "PUT",
        "/subscriptions/{sub}/resourceGroups/rg{n}/providers/Microsoft.Resources/deployments/l{n}?api-version=2022-09-01",
        r#"{"properties":{"mode":"Incremental","templateLink":{"uri":"https://raw.githubusercontent.com/a/t{n}.json"}}}"#,
    ),
    (
        Arm,
        "POST",
        "/subscriptions/{sub}/resourceGroups/rg{n}/providers/Microsoft.Resources/deployments/d{n}/validate?api-version=2022-09-01",
        DEPLOYMENT,
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/resourceGroups/rg{n}/providers/Microsoft.Resources/deployments/d{n}?api-version=2022-09-01",
        "",
    ),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/resourceGroups/rg{n}/providers/Microsoft.Resources/deployments/d{n}/operations?api-version=2022-09-01",
        "",
    ),
    (
        Arm,
        "DELETE",
        "/subscriptions/{sub}/resourceGroups/rg{n}/providers/Microsoft.Resources/deployments/d{n}?api-version=2022-09-01",
        "",
    ),
    (
        Arm,
        "POST",
        "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01",
        r#"{"subscriptions":["{sub}"],"query":"Resources | where type in ('microsoft.compute/disks') and tags['a'] != 'b' | extend s = tolower(properties.diskState) | project id, s | order by id asc | limit 10","options":{"$top":2,"resultFormat":"table"}}"#,
    ),
    (
        Arm,
        "POST",
        "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01",
        r#"{"query":"summarize n = count(), max(name) by location, bin = strlen(name) % 3 | where n > 1"}"#,
    ),
    (
        Plain,
        "PUT",
        "/_control/files/t{n}.json",
        r#"{"resources":[], "outputs":{"o":{"type":"string","value":"[uniqueString('a')]"}}}"#,
    ),
    (Plain, "GET", "/_control/files/t{n}.json", ""),
    (Plain, "DELETE", "/_control/files/t{n}.json", ""),
    (
        Plain,
        "POST",
        "/_control/access",
        r#"{"principal":"nobody","scope":"/subscriptions/{sub}","denied":["*/delete"],"allowed":["*/read"]}"#,
    ),
    (Plain, "DELETE", "/_control/access", ""),
    (
        Plain,
        "POST",
        "/_control/policies",
        r#"{"name":"p","scope":"/subscriptions/{sub}/resourceGroups/rg1","resource_type":"Microsoft.Compute/snapshots","when":{"tag_missing":"a"}}"#,
    ),
    (Plain, "DELETE", "/_control/policies", ""),
    (
        Plain,
        "POST",
        "/_control/quotas",
        r#"{"subscription":"{sub}","location":"eastus","name":"PremiumDiskCount","limit":9}"#,
    ),
    (Plain, "PUT", "/_control/encryption_key?id=@/diskEncryptionSets/e{n}", r#"{"enabled":false}"#),
    (
        Plain,
        "PUT",
        "/_control/settings",
        r#"{"list_delay_seconds":1,"graph_delay_seconds":2,"copy_start_needs_feature":false}"#,
    ),
    (
        Plain,
        "POST",
        "/_control/seed",
        r#"{"disk_encryption_sets":[{"id":"@/diskEncryptionSets/e{n}","location":"eastus"}],"virtual_machines":[{"id":"@/virtualMachines/w{n}","location":"eastus"}],"scale_sets":[{"id":"@/virtualMachineScaleSets/w{n}","location":"eastus","instances":1}]}"#,
    ),
    (Arm, "GET", "{content}", ""),
    (Arm, "HEAD", "{content}", ""),
    (Arm, "GET", "{content}&comp=pagelist", ""),
    (Arm, "GET", "{frozen}", ""),
    (Arm, "PUT", "{frozen}", "some bytes"),
    (
        Arm,
        "POST",
        "@/disks/d{n}/beginGetAccess?api-version=2023-10-02",
        r#"{"access":"Read","durationInSeconds":30,"fileFormat":"VHD"}"#,
    ),
    (Arm, "POST", "@/disks/d{n}/endGetAccess?api-version=2023-10-02", ""),
    (Arm, "PUT", "@/disks/u{n}?api-version=2023-10-02", UPLOAD),
    (
        Arm,
        "POST",
        "@/disks/u{n}/beginGetAccess?api-version=2023-10-02",
        r#"{"access":"Write","durationInSeconds":30,"getSecureVMGuestStateSAS":false}"#,
    ),
    (Arm, "POST", "@/disks/u{n}/endGetAccess?api-version=2023-10-02", ""),
    (
        Arm,
        "PUT",
        "@/snapshots/m{n}?api-version=2024-03-02",
        r#"{"location":"eastus","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":4}}"#,
    ),
    (Arm, "PUT", "@/snapshots/p{n}?api-version=2024-03-02", UPLOAD),
    (
        Arm,
        "POST",
        "@/snapshots/p{n}/beginGetAccess?api-version=2023-10-02",
        r#"{"access":"Write","durationInSeconds":30}"#,
    ),
    (Arm, "POST", "@/snapshots/p{n}/endGetAccess?api-version=2023-10-02", ""),
    (
        Arm,
        "POST",
        "@/snapshots/s{n}/updateImmutabilityPolicy?api-version=2026-03-02",
        r#"{"immutabilityDurationDays":1,"type":"Unlocked"}"#,
    ),
    (
        Arm,
        "POST",
        "@/snapshots/i0/updateImmutabilityPolicy?api-version=2026-03-02",
        r#"{"immutabilityDurationDays":2,"type":"Locked"}"#,
    ),
    (Arm, "POST", "@/snapshots/s{n}/updateImmutabilityPolicyLock?api-version=2026-03-02", ""),
    (
        Arm,
        "PUT",
        "@/disks/q0?api-version=2026-03-02",
        r#"{"location":"eastus","sku":{"name":"UltraSSD_LRS"},"zones":["1"],"properties":{"creationData":{"createOption":"Empty","logicalSectorSize":512},"diskSizeGB":8,"diskIOPSReadWrite":500,"diskMBpsReadWrite":20}}"#,
    ),
    (
        Arm,
        "PUT",
        "@/disks/v0?api-version=2026-03-02",
        r#"{"location":"eastus","sku":{"name":"PremiumV2_LRS"},"zones":["1"],"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":8}}"#,
    ),
    (
        Arm,
        "PATCH",
        "@/disks/v0?api-version=2026-03-02",
        r#"{"properties":{"diskIOPSReadWrite":4000,"diskMBpsReadWrite":200,"diskSizeGB":16}}"#,
    ),
    (
        Arm,
        "PUT",
        "@/snapshots/i0?api-version=2026-03-02",
        r#"{"location":"eastus","properties":{"creationData":{"createOption":"Copy","sourceResourceId":"@/disks/q0","instantAccessDurationMinutes":60},"incremental":true}}"#,
    ),
    (
        Arm,
        "PUT",
        "@/snapshots/j0?api-version=2026-03-02",
        r#"{"location":"eastus","properties":{"creationData":{"createOption":"Copy","sourceResourceId":"@/disks/v0"},"incremental":true}}"#,
    ),
    (Arm, "GET", "@/snapshots/j0?api-version=2026-03-02", ""),
    (
        Arm,
        "PUT",
        "@/disks/w{n}?api-version=2026-03-02",
        r#"{"location":"eastus","sku":{"name":"PremiumV2_LRS"},"zones":["1"],"properties":{"creationData":{"createOption":"Copy","sourceResourceId":"@/snapshots/j0"}}}"#,
    ),
    (Arm, "DELETE", "@/disks/q0?api-version=2026-03-02", ""),
    (Arm, "DELETE", "@/disks/w{n}?api-version=2026-03-02", ""),
    (Arm, "DELETE", "@/snapshots/i0?api-version=2026-03-02", ""),
    (Arm, "DELETE", "@/snapshots/j0?api-version=2026-03-02", ""),
    (
        Arm,
        "GET",
        "/subscriptions/{sub}/resourcegroups/rg{n}/deployments/d{n}/operations?api-version=2019-03-01",
        "",
    ),
    (
        Plain,
        "PUT",
        "/_control/guesses",
        r#"{"busy":{"status":418,"code":"Odd","message":"words"},"sku":null,"active-sas":{"off":true}}"#,
    ),
    (
        Plain,
        "PUT",
        "/_control/guesses",
        r#"{"immutable":{"off":true},"invalid-value":{"off":true},"access-too-many":{"off":true}}"#,
    ),
    (Plain, "GET", "/_control/faults/random", ""),
];

const UPLOAD: &str = r#"{"location":"eastus","sku":{"name":"Standard_LRS"},"properties":{"creationData":{"createOption":"Upload","uploadSizeBytes":20972032}}}"#;
const EMPTY_DISK: &str = r#"{"location":"eastus","tags":{"team":"a"},"sku":{"name":"Premium_LRS"},"zones":["1"],"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":32,"osType":"Linux"}}"#;
const RESTORE: &str = r#"{"location":"eastus","properties":{"creationData":{"createOption":"Copy","sourceResourceId":"@/snapshots/s{n}"}}}"#;
const SNAPSHOT: &str = r#"{"location":"East US","tags":{},"sku":{"name":"Standard_LRS"},"properties":{"creationData":{"createOption":"Copy","sourceResourceId":"@/disks/d{n}"},"incremental":true}}"#;
const COPY_START: &str = r#"{"location":"westus2","scale":null,"properties":{"creationData":{"createOption":"CopyStart","sourceResourceId":"@/snapshots/s{n}"},"incremental":true}}"#;

const MACHINE: &str = r#"{"location":"eastus","properties":{"hardwareProfile":{"vmSize":"s"},"storageProfile":{"osDisk":{"createOption":"FromImage","deleteOption":"Delete"},"dataDisks":[{"lun":0,"createOption":"Attach","managedDisk":{"id":"@/disks/d{n}"}}]}}}"#;
const DEPLOYMENT: &str = r#"{"properties":{"mode":"Incremental","parameters":{"p":{"value":"x"}},template:{"parameters":{"p":{"type":"string","defaultValue":"y"}},"variables":{"v":"[concat(parameters('p'),'{n}')]"},"resources":[{"type":"Microsoft.Compute/disks","apiVersion":"2023-04-02","name":"[format('t{0}', copyIndex())]","copy":{"name":"c","count":2},"location":"[resourceGroup().location]","properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":4}},{"type":"Microsoft.Compute/disks","apiVersion":"2023-04-02","name":"[variables('v')]","dependsOn":["c"],"location":"eastus","tags":{"of":"[reference('t0').uniqueId]"},"properties":{"creationData":{"createOption":"Empty"},"diskSizeGB":4}}],"outputs":{"o":{"type":"int","value":"[length(split(variables('v'),'x'))]"}}/* c */}}}"#;

/// One of them, with names of its own.
pub(super) fn draw(dice: &mut Dice, names: &Names) -> Request {
    let at = dice.below((ROWS.len() + storage::ROWS.len()) as u64) as usize;
    let (face, method, target, given, body) = match ROWS.get(at) {
        Some((face, method, target, body)) => (*face, *method, *target, [].as_slice(), *body),
        None => storage::ROWS[at - ROWS.len()],
    };
    let name = dice.below(3).to_string();
    let group = dice.below(2).to_string();
    let fill = |text: &str| {
        text.replace('@', &COMPUTE.replace("{n}", &group))
            .replace('~', &RG.replace("{n}", &group))
            .replace('^', "/devstoreaccount1")
            .replace("{sub}", lab::SUB)
            .replace("{other}", lab::OTHER_SUB)
            .replace("{tenant}", "common")
            .replace("{n}", &name)
            .replace("{op}", &names.operation)
            .replace("{content}", &names.content)
            .replace("{frozen}", &names.frozen)
            .replace("{sas}", &names.sas)
            .replace("{message}", &names.message)
            .replace("{receipt}", &names.receipt)
    };
    let mut headers = vec![("host".to_owned(), b"127.0.0.1".to_vec())];
    match face {
        Face::Arm => headers.push(("authorization".to_owned(), b"Bearer good".to_vec())),
        Face::Plain => {}
        Face::Blob | Face::Queue if target.contains("{sas}") => {}
        Face::Blob | Face::Queue => {
            let token = format!("Bearer {}", names.token).into_bytes();
            headers.push(("authorization".to_owned(), token));
        }
    }
    let given = given.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    headers.extend(given);
    if body.starts_with('{') {
        headers.push(("content-type".to_owned(), b"application/json".to_vec()));
    }
    Request {
        face,
        method: method.to_owned(),
        target: fill(target).into_bytes(),
        headers,
        body: fill(body).into_bytes(),
    }
}
