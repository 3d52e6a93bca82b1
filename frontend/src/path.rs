//! Every URL of the portal and of the API as a function. Nothing else composes one.

use shared::{ResourceId, ResourceKind};

/// The overview.
pub(crate) const HOME: &str = "/portal";
/// The list of policies.
pub(crate) const POLICIES: &str = "/portal/policies";
/// The deletions that wait for approval.
pub(crate) const DELETIONS: &str = "/portal/deletions";
/// The list of runs.
pub(crate) const RUNS: &str = "/portal/runs";

/// The page of a disk, snapshot or copy.
pub(crate) fn resource(id: &ResourceId) -> String {
    let (subscription, group) = (encode(id.subscription()), encode(id.group()));
    let (kind, name) = (id.kind().segment(), encode(id.name()));
    format!("{HOME}/subscriptions/{subscription}/resourceGroups/{group}/{kind}/{name}")
}

/// A policy's editor.
pub(crate) fn policy(id: &str) -> String {
    format!("{POLICIES}/{}", encode(id))
}

/// The editor of a policy to be made, with a disk chosen already.
pub(crate) fn new_policy(disk: Option<&ResourceId>) -> String {
    let disk = disk.map(|id| format!("?disk={}", encode(&id.to_string()))).unwrap_or_default();
    format!("{POLICIES}/new{disk}")
}

/// A run's page.
pub(crate) fn run(id: &str) -> String {
    format!("{RUNS}/{}", encode(id))
}

/// The overview with a filter by protection.
pub(crate) fn home_by_protection(protection: &str) -> String {
    format!("{HOME}?protection={}", encode(protection))
}

/// `path` with a query; pairs without a value are left out.
pub(crate) fn with_query(path: &str, pairs: &[(String, String)]) -> String {
    let query: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// The disk or snapshot that a page's path names.
pub(crate) fn id_of(kind: ResourceKind, part: impl Fn(&str) -> Option<String>) -> ResourceId {
    let part = |key| part(key).unwrap_or_default();
    ResourceId::new(kind, &part("subscription"), &part("group"), &part("name"))
}

pub(crate) const API_STATUS: &str = "/api/status";
pub(crate) const API_ESTATE: &str = "/api/estate";
pub(crate) const API_PLAN: &str = "/api/plan";
/// The file of all policies.
pub(crate) const API_EXPORT: &str = "/api/policies/export";
pub(crate) const API_IMPORT: &str = "/api/policies/import";
pub(crate) const API_HISTORY: &str = "/api/history";
pub(crate) const API_RUNS: &str = "/api/runs";
pub(crate) const API_TICKS: &str = "/api/ticks";

pub(crate) fn api_run(id: &str) -> String {
    format!("{API_RUNS}/{}", encode(id))
}

pub(crate) fn api_request(id: &str) -> String {
    format!("/api/requests/{}", encode(id))
}

pub(crate) fn api_policy(id: &str) -> String {
    format!("/api/policies/{}", encode(id))
}

pub(crate) fn api_policy_version(id: &str, version: u32) -> String {
    format!("{}?version={version}", api_policy(id))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_url() {
        let disk = ResourceId::disk("s-1", "rg (prod)", "data-0");
        let point = ResourceId::snapshot("s-1", "rg", "p1");
        let urls = [
            resource(&disk),
            resource(&point),
            new_policy(Some(&disk)),
            policy("nightly"),
            run("r1"),
            with_query(HOME, &[("q".into(), "a b".into()), ("sort".into(), String::new())]),
            api_policy_version("nightly", 3),
        ];
        let expected = [
            "/portal/subscriptions/s-1/resourceGroups/rg%20%28prod%29/disks/data-0",
            "/portal/subscriptions/s-1/resourceGroups/rg/snapshots/p1",
            "/portal/policies/new?disk=%2Fsubscriptions%2Fs-1%2FresourceGroups%2Frg%20%28prod%29\
             %2Fproviders%2FMicrosoft.Compute%2Fdisks%2Fdata-0",
            "/portal/policies/nightly",
            "/portal/runs/r1",
            "/portal?q=a%20b",
            "/api/policies/nightly?version=3",
        ];
        assert_eq!(urls, expected);
    }
}
