//! What people read of a decision, and how the one about a point is found.

use shared::{
    Effect, History, Reason, Region, ResourceId, Subject,
    model::{KeepRule, KeptBy},
    plan,
    plan::DeleteBar,
};

use crate::world::{SUBSCRIPTION, World, at, limits, policy};

#[test]
fn each_keep_rule_has_its_own_sentence() {
    let kept = |rule, place, of| {
        let by = KeptBy { rule, place, of };
        Reason::KeptByRule { policy: "p".into(), by }.to_string()
    };
    assert_eq!(kept(KeepRule::Within, 1, 24), "Within 24 hours of the newest (policy `p`).");
    assert_eq!(kept(KeepRule::Last, 2, 3), "Number 2 of the last 3 (policy `p`).");
    assert_eq!(kept(KeepRule::Daily, 2, 7), "Number 2 of 7 daily points (policy `p`).");
}

#[test]
fn the_decision_about_a_point_is_found_by_its_id() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    world.settle(&policies);
    let inventory = &world.inventory;
    let now = inventory.taken_at;
    let plan = plan(inventory, &policies, &[], &History::none(), &limits(), now);
    for snapshot in &inventory.snapshots {
        let decision = plan.about_point(&snapshot.id).unwrap();
        assert_eq!(decision.subject, Subject::Point(snapshot.id.clone()));
    }
    assert!(plan.about_point(&inventory.disks[0].id).is_none());
}

#[test]
fn each_bar_of_deletions_has_its_own_sentence() {
    let barred = |bar| Reason::DeletesBarred { bar }.to_string();
    let said = |bar, text: &str| assert!(barred(bar).contains(text), "{}", barred(bar));
    said(DeleteBar::InventoryIncomplete, "not everything could be listed");
    said(DeleteBar::PointsVanished, "listed no more");
    said(DeleteBar::HistoryUnreadable, "past runs cannot be read");
    said(DeleteBar::ClocksApart, "more than 5 minutes apart");
}

#[test]
fn each_step_has_a_title_of_its_own() {
    let world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    let (id, at) = (ResourceId::snapshot(SUBSCRIPTION, "app", "s"), world.inventory.taken_at);
    let (unique_id, disk) = ("u".to_owned(), world.inventory.disks[0].id.clone());
    let (region, disk_unique_id) = (Region::new("westus"), "d".to_owned());
    let mark = Effect::MarkPoint {
        id: id.clone(),
        unique_id: unique_id.clone(),
        delete_after: at,
        approved: None,
    };
    assert_eq!(mark.title(), "Mark s for deletion after 2026-11-23T07:00:00Z");
    let unmark = Effect::UnmarkPoint { id: id.clone(), unique_id: unique_id.clone() };
    assert_eq!(unmark.title(), "Take back the mark of s");
    let delete = Effect::DeletePoint { id: id.clone(), unique_id: unique_id.clone() };
    assert_eq!(delete.title(), "Delete s");
    let abandon = Effect::AbandonCopy { id, unique_id, disk_unique_id, region };
    assert_eq!(abandon.title(), "Give up the copy s to westus");
    let plan = plan(&world.inventory, &[policy(&["data"])], &[], &History::none(), &limits(), at);
    let made = plan.steps[0].effect.title();
    assert_eq!(
        made,
        format!("Create snapshot {} of disk {}", plan.steps[0].effect.id().name(), disk.name())
    );
}
