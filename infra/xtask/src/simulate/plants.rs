//! Bugs to plant: a guard removed, an order reversed, a name made random. Each is a patch of a
//! copy of the sources; nothing in the sources knows of it.

/// A bug.
#[derive(Clone, Copy, Debug)]
pub struct Plant {
    /// Its name.
    pub name: &'static str,
    /// The file, from the root of the workspace.
    pub file: &'static str,
    /// What stands there, exactly once.
    pub from: &'static str,
    /// What is put in its stead.
    pub to: &'static str,
}

const fn plant(
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Plant {
    Plant { name, file, from, to }
}

const RETENTION: &str = "shared/src/plan/retention.rs";
const GUARDS: &str = "shared/src/plan/guards.rs";
const COPIES: &str = "shared/src/plan/copies.rs";
const SNAPSHOTS: &str = "shared/src/plan/snapshots.rs";
const PLAN: &str = "shared/src/plan.rs";
const APPLY: &str = "function/src/apply.rs";

/// Every bug.
pub const PLANTS: &[Plant] = &[
    plant("floor", GUARDS, "guards[at].is_floor = true;", ""),
    plant("base", GUARDS, "guards[source].base_of = Some(&snapshot.id);", "let _ = source;"),
    plant("wanted", GUARDS, "guards[wanted.at].wanted_by = Some(&want.side);", "let _ = wanted;"),
    plant(
        "pin",
        GUARDS,
        "let actor = tags::read(&snapshot.tags, tags::PIN);",
        "let actor = tags::read(&snapshot.tags, \"none\");",
    ),
    plant(
        "promise",
        RETENTION,
        "Some(at) if at > context.now => {",
        "Some(at) if at == jiff::Timestamp::MIN => {",
    ),
    plant(
        "short-promise",
        "shared/src/model/limits.rs",
        "delete_after_hours: 24,",
        "delete_after_hours: 1,",
    ),
    plant(
        "gaps",
        PLAN,
        "if !self.inventory.gaps.is_empty() {\n            Some(DeleteBar::InventoryIncomplete)",
        "if self.inventory.gaps.len() > 1_000 {\n            Some(DeleteBar::InventoryIncomplete)",
    ),
    plant(
        "vanished",
        PLAN,
        "} else if !self.inventory.vanished.is_empty() {",
        "} else if self.inventory.vanished.len() > 1_000 {",
    ),
    plant(
        "clocks",
        "function/src/app.rs",
        "limits.clock_agrees = host_now.duration_since(azure_now).abs() <= MAX_CLOCK_GAP;",
        "limits.clock_agrees = host_now.duration_since(azure_now).abs() <= MAX_CLOCK_GAP * 1_000_000;",
    ),
    plant(
        "forgetful",
        "function/src/records/history.rs",
        "Past { history: History::unreadable(), reference: HistoryRef::default() }",
        "Past { history: History::none(), reference: HistoryRef::default() }",
    ),
    plant(
        "swallowed-gap",
        "function/src/gather.rs",
        "gaps.push(gap(subscription, what, message));",
        "let _ = (subscription, what, message, &gaps);",
    ),
    plant(
        "one-page",
        "function/src/azure.rs",
        "next = page.next_link.filter(|link| !link.is_empty());",
        "next = page.next_link.filter(|link| link.is_empty());",
    ),
    plant(
        "second-full",
        COPIES,
        "if context.history.seeded(&view.disk.unique_id, &want.side) && !failed {",
        "if context.history.seeded(&view.disk.unique_id, &want.side) && failed {",
    ),
    plant(
        "base-gone",
        COPIES,
        "None => Err((Fate::Blocked, Reason::BaseGone { region: region.clone() })),",
        "None => Ok(false),",
    ),
    plant("two-at-once", COPIES, "self.copying.insert(disk.unique_id.clone());", ""),
    plant(
        "newest-first",
        "shared/src/plan/wants.rs",
        "sort_by_key(|wanted| wanted.at)",
        "sort_by_key(|wanted| std::cmp::Reverse(wanted.at))",
    ),
    plant(
        "give-up-at-once",
        COPIES,
        "since.is_some_and(|since| context.now.duration_since(since) >= span)",
        "since.is_some_and(|since| context.now.duration_since(since) >= span / 100)",
    ),
    plant(
        "random-name",
        SNAPSHOTS,
        "names::snapshot_name(&context.limits.installation, &disk.id, &disk.unique_id, slot)",
        "names::snapshot_name(&context.limits.installation, &disk.id, &disk.unique_id, context.now)",
    ),
    plant(
        "slot-unseen",
        SNAPSHOTS,
        "if unseen || own.iter().any(has_slot) {",
        "let _ = unseen;\n    if own.iter().any(has_slot) {",
    ),
    plant(
        "in-a-loop",
        "shared/src/model/limits.rs",
        "retry_refused_hours: 24,",
        "retry_refused_hours: 0,",
    ),
    plant(
        "untold-owner",
        SNAPSHOTS,
        "(tags::INSTALLATION.to_owned(), context.limits.installation.clone()),",
        "(tags::INSTALLATION.to_owned(), String::new()),",
    ),
    plant(
        "oldest-slot",
        SNAPSHOTS,
        "let Some(slot) = due.iter().map(|(_, slot)| *slot).max() else {",
        "let Some(slot) = due.iter().map(|(_, slot)| *slot).min().and_then(|s| s.checked_sub(jiff::SignedDuration::from_hours(48)).ok()) else {",
    ),
    plant(
        "disabled",
        "shared/src/model/policy.rs",
        "self.enabled && self.paused_until.is_none_or(|until| until <= now)",
        "self.paused_until.is_none_or(|until| until <= now)",
    ),
    plant(
        "silence",
        RETENTION,
        "if let Some(reason) = force.silence(context.now) {",
        "if let Some(reason) = force.silence(context.now).filter(|_| context.now < Timestamp::MIN) {",
    ),
    plant(
        "deselected",
        RETENTION,
        "force.selects(disk).then(|| (&disk.region, sides.collect()))",
        "Some((&disk.region, sides.collect()))",
    ),
    plant(
        "not-ours",
        RETENTION,
        "let ours = point.snapshot.is_of(&context.limits.installation);",
        "let ours = true;",
    ),
    plant("keep-one-less", "shared/src/model/keep.rs", "if place >= of {", "if place + 1 >= of {"),
    plant(
        "same-names",
        "shared/src/names.rs",
        "short_hash(&[installation, unique_id])",
        "short_hash(&[&installation[..0], unique_id])",
    ),
    plant(
        "no-deletion",
        APPLY,
        "point.unique_id == *unique_id && !point.is_pinned() && due",
        "point.unique_id == *unique_id && !point.is_pinned() && !due",
    ),
    plant(
        "lost-run",
        "function/src/tick/record.rs",
        "let run = app.records.store_run(run).await?;",
        "if !run.steps.is_empty() {\n        return Ok(run);\n    }\n    let run = app.records.store_run(run).await?;",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::artifacts;

    #[test]
    fn what_a_bug_replaces_stands_in_its_file_exactly_once() {
        let mut names = BTreeSet::new();
        for plant in PLANTS {
            let text = std::fs::read_to_string(artifacts::root().join(plant.file)).unwrap();
            assert_eq!(text.matches(plant.from).count(), 1, "{}", plant.name);
            assert!(names.insert(plant.name), "{} is there twice", plant.name);
        }
        assert!(names.len() >= 20);
    }
}
