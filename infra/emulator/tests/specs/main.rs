//! Bodies of the emulator judged by the published API descriptions of the version asked for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod bodies;
mod schema;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use schema::Description;

/// Versions whose descriptions are held.
const VERSIONS: &[&str] =
    &["2020-12-01", "2021-04-01", "2021-12-01", "2022-07-02", "2023-10-02", "2024-03-02"];

/// What the recorded service says though the description of that version does not, or not yet.
const RECORDED: &[(&str, &str)] = &[
    // Recorded in November 2021; described from 2022-07-02 on (compute-snapshots §2.2).
    ("2021-04-01", "/properties/incrementalSnapshotFamilyId"),
    ("2021-12-01", "/properties/incrementalSnapshotFamilyId"),
    // The article of November 2021 reads it at 2020-12-01; described from 2021-04-01 on.
    ("2020-12-01", "/properties/completionPercent"),
];

/// Where the service is known to answer otherwise than its description in `specs/arm`: the
/// definition and the problem.
const OTHERWISE: &[(&str, &str)] = &[
    // One page is all there is; the service then sends no link, and counts.
    ("TenantListResult", ": \"nextLink\" is a required property"),
    ("SubscriptionListResult", ": \"nextLink\" is a required property"),
    ("SubscriptionListResult", "/count: not described"),
    // What `az resource list` and `az deployment operation group list` show.
    ("ResourceListResult", "/value/*/zones: not described"),
    ("DeploymentOperationsListResult", "/value/*/properties/trackingId: not described"),
    // Recorded in October 2023.
    ("DeploymentValidateResult", "/id: not described"),
    ("DeploymentValidateResult", "/name: not described"),
    ("DeploymentValidateResult", "/type: not described"),
];

fn specs() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("AZURE_DATA").map_or(beside, PathBuf::from).join("specs");
    if !folder.is_dir() {
        let _ = writeln!(std::io::stderr(), "skipped: there are no descriptions (set AZURE_DATA)");
        return None;
    }
    Some(folder)
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "json")).collect();
    files.sort();
    files
}

#[tokio::test]
async fn every_body_is_as_the_description_of_its_version_says() {
    let Some(folder) = specs() else { return };
    let mut wrong = Vec::new();
    let mut table = String::from("\nBodies against the published descriptions\n");
    for version in VERSIONS {
        let description = Description::read(&json_files(&folder.join(version)));
        let told = bodies::at(version).await;
        let mut good = 0;
        for told in &told {
            let problems = description.problems(told.definition, &told.body);
            let problems: Vec<String> =
                problems.into_iter().filter(|problem| !is_recorded(version, problem)).collect();
            good += usize::from(problems.is_empty());
            wrong.extend(problems.iter().map(|p| format!("{version} {}: {p}", told.what)));
        }
        table += &format!("{version}: {good} of {} valid\n", told.len());
    }
    let _ = std::io::stderr().write_all(table.as_bytes());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn bodies_of_what_surrounds_disks_are_as_described() {
    let Some(folder) = specs() else { return };
    let mut wrong = Vec::new();
    let mut table = String::from("\nBodies of what surrounds disks\n");
    for (file, told) in bodies::around().await {
        let description = Description::read(&[folder.join("arm").join(file)]);
        let mut good = 0;
        for told in &told {
            let mut problems = description.problems(told.definition, &told.body);
            problems.retain(|problem| !OTHERWISE.contains(&(told.definition, problem.as_str())));
            good += usize::from(problems.is_empty());
            wrong.extend(problems.iter().map(|p| format!("{}: {p}", told.what)));
        }
        table += &format!("{file}: {good} of {} valid\n", told.len());
    }
    let _ = std::io::stderr().write_all(table.as_bytes());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_recorded(version: &str, problem: &str) -> bool {
    let Some(path) = problem.strip_suffix(": not described") else { return false };
    let path = path.trim_start_matches("/value/*");
    RECORDED.iter().any(|(of, recorded)| *of == version && *recorded == path)
}

#[test]
fn a_wrong_body_is_found_out() {
    let Some(folder) = specs() else { return };
    let description = Description::read(&json_files(&folder.join("2023-10-02")));
    let body = serde_json::json!({
        "location": "eastus",
        "sku": {"name": 5, "colour": "red"},
        "properties": {"creationData": {}, "completionPercent": "many", "progress": 1},
    });
    let problems = description.problems("Snapshot", &body).join("\n");
    for wanted in [
        "/sku/name: 5 is not",
        "\"createOption\" is a required property",
        "/properties/completionPercent: \"many\" is not",
        "/sku/colour: not described",
        "/properties/progress: not described",
    ] {
        assert!(problems.contains(wanted), "{wanted} is not among\n{problems}");
    }
}
