//! The same action as az CLI, Azure PowerShell, ARM template and Bicep, ready to paste.
//!
//! It makes the resource that Snapferry would make, less Snapferry's own tags.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use crate::{
    model::{Action, Inventory, Region, ResourceId, ResourceKind},
    tags,
};

/// A tool that people drive Azure with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// az, in a POSIX shell.
    AzureCli,
    /// The Az module.
    PowerShell,
    /// An ARM template, in JSON.
    ArmTemplate,
    /// The same in Bicep.
    Bicep,
}

impl Tool {
    /// All of them, in the order of the article's tabs.
    pub const ALL: [Self; 4] = [Self::AzureCli, Self::PowerShell, Self::ArmTemplate, Self::Bicep];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AzureCli => "Azure CLI",
            Self::PowerShell => "PowerShell",
            Self::ArmTemplate => "ARM template",
            Self::Bicep => "Bicep",
        }
    }
}

/// API version of the templates: `CopyStart` is taken from 2020-12-01 on, ZRS disks and network
/// access need a later one.
const API_VERSION: &str = "2023-10-02";

/// A resource to be made, as every tool sees it.
struct Made<'a> {
    id: ResourceId,
    region: Region,
    source: &'a ResourceId,
    create_option: &'static str,
    incremental: Option<bool>,
    sku: &'a str,
    network_access: Option<&'static str>,
    zone: Option<&'a str>,
    tags: &'a BTreeMap<String, String>,
}

/// The action in the words of `tool`.
pub fn equivalent(tool: Tool, action: &Action, inventory: &Inventory) -> String {
    let made = match action {
        Action::KeepPoint(action) => {
            return merge_tags(
                tool,
                &action.snapshot,
                &[(tags::PIN, "me"), (tags::DELETE_AFTER, "")],
            );
        }
        Action::AdoptPoint(action) => {
            return merge_tags(tool, &action.snapshot, &[(tags::POLICY, &action.policy)]);
        }
        Action::AbandonCopy(action) => {
            let id = action.copy.to_string();
            return match tool {
                Tool::PowerShell => format!("Remove-AzResource -ResourceId {}", ps(&id)),
                Tool::AzureCli | Tool::ArmTemplate | Tool::Bicep => {
                    format!("az snapshot delete --ids {}", sh(&id))
                }
            };
        }
        Action::ApproveDeletions(_) | Action::AcknowledgeVanished(_) => {
            return "# This changes nothing in Azure: later ticks act on it.".into();
        }
        Action::CreateSnapshot(a) => Made {
            id: a.result(),
            region: region_of(inventory, &a.disk),
            source: &a.disk,
            create_option: "Copy",
            incremental: Some(a.incremental),
            sku: a.sku.name(),
            network_access: Some(a.network_access.name()),
            zone: None,
            tags: &a.tags,
        },
        Action::CopySnapshot(a) => Made {
            id: a.result(),
            region: a.region.clone(),
            source: &a.source,
            create_option: "CopyStart",
            incremental: Some(true),
            sku: a.sku.name(),
            network_access: Some(a.network_access.name()),
            zone: None,
            tags: &a.tags,
        },
        Action::RestoreDisk(a) => Made {
            id: a.result(),
            region: region_of(inventory, &a.source),
            source: &a.source,
            create_option: "Copy",
            incremental: None,
            sku: &a.sku,
            network_access: None,
            zone: a.zone.as_deref(),
            tags: &a.tags,
        },
    };
    match tool {
        Tool::AzureCli => made.azure_cli(),
        Tool::PowerShell => made.powershell(),
        Tool::ArmTemplate => made.arm_template(),
        Tool::Bicep => made.bicep(),
    }
}

fn region_of(inventory: &Inventory, source: &ResourceId) -> Region {
    let disk = inventory.disk(source).map(|disk| &disk.region);
    let snapshot = || inventory.snapshot(source).map(|snapshot| &snapshot.region);
    disk.or_else(snapshot).cloned().unwrap_or_else(|| Region::new("<region>"))
}

impl Made<'_> {
    fn noun(&self) -> &'static str {
        match self.id.kind() {
            ResourceKind::Disk => "disk",
            ResourceKind::Snapshot => "snapshot",
        }
    }

    fn azure_cli(&self) -> String {
        let mut lines = vec![
            format!("az {} create", self.noun()),
            format!("--subscription {}", sh(self.id.subscription())),
            format!("-g {}", sh(self.id.group())),
            format!("-n {}", sh(self.id.name())),
            format!("-l {}", sh(self.region.as_str())),
            format!("--source {}", sh(&self.source.to_string())),
        ];
        if let Some(incremental) = self.incremental {
            lines.push(format!("--incremental {incremental}"));
        }
        if self.create_option == "CopyStart" {
            lines.push("--copy-start true".into());
        }
        lines.push(format!("--sku {}", sh(self.sku)));
        if let Some(access) = self.network_access {
            lines.push(format!("--network-access-policy {access}"));
        }
        if let Some(zone) = self.zone {
            lines.push(format!("--zone {}", sh(zone)));
        }
        if !self.tags.is_empty() {
            let tags: Vec<String> =
                self.tags.iter().map(|(k, v)| sh(&format!("{k}={v}"))).collect();
            lines.push(format!("--tags {}", tags.join(" ")));
        }
        lines.join(" \\\n  ")
    }

    fn powershell(&self) -> String {
        let noun = if self.noun() == "disk" { "Disk" } else { "Snapshot" };
        let mut config = format!(
            "New-Az{noun}Config -Location {} -CreateOption {} -SourceResourceId {} -SkuName {}",
            ps(self.region.as_str()),
            self.create_option,
            ps(&self.source.to_string()),
            ps(self.sku),
        );
        if self.incremental == Some(true) {
            config.push_str(" -Incremental");
        }
        if let Some(access) = self.network_access {
            let _ = write!(config, " -NetworkAccessPolicy {access}");
        }
        if let Some(zone) = self.zone {
            let _ = write!(config, " -Zone {}", ps(zone));
        }
        if !self.tags.is_empty() {
            let tags: Vec<String> =
                self.tags.iter().map(|(k, v)| format!("{} = {}", ps(k), ps(v))).collect();
            let _ = write!(config, " -Tag @{{ {} }}", tags.join("; "));
        }
        format!(
            "Set-AzContext -Subscription {}\n$config = {config}\nNew-Az{noun} -ResourceGroupName {} \
             -{noun}Name {} -{noun} $config",
            ps(self.id.subscription()),
            ps(self.id.group()),
            ps(self.id.name()),
        )
    }

    fn properties(&self) -> Value {
        let mut properties = json!({
            "creationData": {
                "createOption": self.create_option,
                "sourceResourceId": self.source.to_string(),
            },
        });
        if let Some(incremental) = self.incremental {
            properties["incremental"] = json!(incremental);
        }
        if let Some(access) = self.network_access {
            properties["networkAccessPolicy"] = json!(access);
        }
        properties
    }

    fn arm_template(&self) -> String {
        let mut resource = json!({
            "type": format!("Microsoft.Compute/{}s", self.noun()),
            "apiVersion": API_VERSION,
            "name": self.id.name(),
            "location": self.region,
            "sku": { "name": self.sku },
            "properties": self.properties(),
        });
        if let Some(zone) = self.zone {
            resource["zones"] = json!([zone]);
        }
        if !self.tags.is_empty() {
            resource["tags"] = json!(self.tags);
        }
        let template = json!({
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [resource],
        });
        serde_json::to_string_pretty(&template).unwrap_or_default()
    }

    fn bicep(&self) -> String {
        let mut text = format!(
            "resource {} 'Microsoft.Compute/{}s@{API_VERSION}' = {{\n  name: {}\n  location: {}\n  \
             sku: {{ name: {} }}\n",
            if self.noun() == "disk" { "restored" } else { "point" },
            self.noun(),
            bicep(self.id.name()),
            bicep(self.region.as_str()),
            bicep(self.sku),
        );
        if let Some(zone) = self.zone {
            let _ = writeln!(text, "  zones: [ {} ]", bicep(zone));
        }
        if !self.tags.is_empty() {
            text.push_str("  tags: {\n");
            for (name, value) in self.tags {
                let _ = writeln!(text, "    {}: {}", bicep(name), bicep(value));
            }
            text.push_str("  }\n");
        }
        text.push_str("  properties: {\n    creationData: {\n");
        let _ = writeln!(text, "      createOption: '{}'", self.create_option);
        let _ = writeln!(text, "      sourceResourceId: {}", bicep(&self.source.to_string()));
        text.push_str("    }\n");
        if let Some(incremental) = self.incremental {
            let _ = writeln!(text, "    incremental: {incremental}");
        }
        if let Some(access) = self.network_access {
            let _ = writeln!(text, "    networkAccessPolicy: '{access}'");
        }
        text.push_str("  }\n}");
        text
    }
}

/// Tags are no resource that a template makes, so a template's tab says which command does it.
fn merge_tags(tool: Tool, id: &ResourceId, tags: &[(&str, &str)]) -> String {
    let id = id.to_string();
    match tool {
        Tool::PowerShell => {
            let pairs: Vec<String> =
                tags.iter().map(|(name, value)| format!("{} = {}", ps(name), ps(value))).collect();
            let pairs = pairs.join("; ");
            format!("Update-AzTag -ResourceId {} -Operation Merge -Tag @{{ {pairs} }}", ps(&id))
        }
        Tool::AzureCli | Tool::ArmTemplate | Tool::Bicep => {
            let pairs: Vec<String> =
                tags.iter().map(|(name, value)| sh(&format!("{name}={value}"))).collect();
            let pairs = pairs.join(" ");
            format!("az tag update --resource-id {} --operation Merge --tags {pairs}", sh(&id))
        }
    }
}

/// A word for a POSIX shell.
fn sh(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A string for PowerShell.
fn ps(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A string for Bicep.
fn bicep(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'").replace("${", r"\${"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_read_otherwise() {
        assert_eq!(sh("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(sh("data-0"), "data-0");
        assert_eq!(ps("it's"), "'it''s'");
        assert_eq!(bicep("a'${b}"), r"'a\'\${b}'");
    }
}
