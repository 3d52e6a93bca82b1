//! Golden scenarios: `shared/tests/golden/*.txt`, each an estate, a rule line and what the planner
//! says of it. `UPDATE_GOLDEN=1 cargo test -p shared --test plan golden` writes the answers anew,
//! to be read before they are committed.

pub(crate) mod notation;
mod render;

use std::{fs, path::PathBuf};

use shared::{check, plan};

use notation::Scenario;

/// What parts the estate from the answer.
const ARROW: &str = "=>\n";

fn answer(text: &str) -> String {
    let scenario = Scenario::read(text);
    let (inventory, now) = (&scenario.inventory, scenario.inventory.taken_at);
    let (policies, history, limits) = (&scenario.policies, &scenario.history, &scenario.limits);
    let requests = scenario.requests();
    let plan = plan(inventory, policies, &requests, history, limits, now);
    let violations = check(&plan, inventory, policies, &requests, history, limits);
    assert_eq!(violations, [], "the check refuses {plan:#?}");
    render::plan(&scenario, &plan)
}

#[test]
fn every_scenario_has_its_answer() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut wrong = vec![];
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let (estate, expected) = text.split_once(ARROW).unwrap_or((&text, ""));
        let found = answer(estate);
        if found != expected {
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(file, format!("{estate}{ARROW}{found}")).unwrap();
            } else {
                wrong.push(format!(
                    "{}\n--- expected\n{expected}--- found\n{found}",
                    file.display()
                ));
            }
        }
    }
    println!("{} golden scenarios", files.len());
    assert!(files.len() >= 60, "only {} scenarios", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
